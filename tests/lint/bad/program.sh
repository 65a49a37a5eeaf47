#!/bin/sh
# A program whose man page is wrong.
case "$1" in
--help) printf 'usage: bad COMMAND\n\n  %-10s %s\n  %-10s %s\n  %-10s %s\n' run 'runs' stop 'stops' image 'images' ;;
run) printf 'usage: bad run\n\n  --known FILE  told\n  -l, --untold  not told\n  --help\n' ;;
image)
    case "$2" in
    --help) printf 'usage: bad image SUBCOMMAND\n\n  %-10s %s\n  %-10s %s\n' look-at 'looks' burn 'burns' ;;
    look-at) printf 'usage: bad image look-at\n\n      --known   told\n      --untold  not told\n' ;;
    burn) echo "usage: bad image burn" ;;
    esac
    ;;
stop) echo "usage: bad stop" ;;
esac
