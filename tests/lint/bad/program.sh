#!/bin/sh
# A program whose man page is wrong.
case "$1" in
--help) printf 'usage: bad COMMAND\n\n  %-10s %s\n  %-10s %s\n' run 'runs' stop 'stops' ;;
run) printf 'usage: bad run\n\n  --known FILE  told\n  -l, --untold  not told\n  --help\n' ;;
stop) echo "usage: bad stop" ;;
esac
