#!/bin/sh
# The man page and the program know the same commands and options: manpage.sh PROGRAM PAGE
# A command whose help lists subcommands, as the program's lists commands, has a '=head2 COMMAND SUBCOMMAND' for each.
set -u
program=$1
page=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$work/missing" >"$work/output"

# listed COMMAND...: what its help lists.
listed() {
    "$program" "$@" --help </dev/null | sed -n 's/^  \([a-z0-9][a-z0-9-]*\)  *.*/\1/p' | sort -u
}

listed >"$work/commands"
if ! [ -s "$work/commands" ]; then
    echo "$program --help lists no command"
    exit 2
fi
while read -r command; do
    listed "$command" | sed "s/^/$command /"
done <"$work/commands" >"$work/subcommands"
cat "$work/subcommands" >>"$work/commands"
# shellcheck disable=SC2086 # a subcommand is two words
while read -r command; do
    grep -q "^=head2 $command\$" "$page" || echo "$page: no '=head2 $command' for the command" >>"$work/missing"
    "$program" $command --help </dev/null | grep -oE -- '^ +(-[a-z], )?--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+' |
        sed "s/^/$command /" >>"$work/output"
done <"$work/commands"
grep -v -- ' --help$' "$work/output" | sort -u >"$work/known"

# "COMMAND --option" of the page: =item lines below a command's =head2.
awk '/^=head1/ { command = "" } /^=head2/ { command = substr($0, 8) }
    /^=item/ && command { while (match($0, /--[a-z0-9-]+/)) {
        print command, substr($0, RSTART, RLENGTH); $0 = substr($0, RSTART + RLENGTH) } }' "$page" |
    grep -v -- ' --help$' | sort -u >"$work/told"

comm -23 "$work/known" "$work/told" | sed "s|^|$page: does not tell of: |" >"$work/untold"
comm -13 "$work/known" "$work/told" | sed "s|^|$page: tells of what is not there: |" >"$work/unknown"
cat "$work/missing" "$work/untold" "$work/unknown" >"$work/all"
cat "$work/all"
[ ! -s "$work/all" ]
