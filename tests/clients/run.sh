#!/bin/sh
# A suite of a real client against a served cluster: run.sh NAME PROGRAM WORK.
#
# NAME/prepare brings what the suite needs (it may leave things in WORK, which stays between runs); if it cannot, it says why and exits
# 77, and the test is skipped. Then the cluster is served on a free port with the options of NAME/serve-options, NAME/run runs with
# KUBECONFIG, and the program must end with status 0 on SIGTERM and no report of a sanitizer.
set -u
case $# in 3) ;; *) echo "usage: run.sh NAME PROGRAM WORK" >&2; exit 2 ;; esac
here=$(cd "$(dirname "$0")" && pwd)
suite=$here/$1
program=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
mkdir -p "$3"
WORK=$(cd "$3" && pwd)
export WORK

# The suite's own tools get the user's caches; what clients remember of a cluster must not survive it.
"$suite/prepare" </dev/null
status=$?
[ "$status" -eq 0 ] || exit "$status"

run=$(mktemp -d)
server=
stop() {
    [ -z "$server" ] || kill -KILL "$server" 2>/dev/null
    rm -rf "$run"
}
trap stop EXIT
trap 'exit 130' INT TERM

options=
[ ! -f "$suite/serve-options" ] || options=$(grep -v '^#' "$suite/serve-options")
mkfifo "$run/ready"
# The options are words: none has spaces in it.
# shellcheck disable=SC2086
"$program" serve --address 127.0.0.1:0 --kubeconfig "$run/kubeconfig" $options >"$run/ready" 2>"$run/stderr" </dev/null &
server=$!
exec 3<"$run/ready"
if ! read -r line <&3; then
    echo "run.sh: the server ended before it was ready:"
    cat "$run/stderr"
    exit 1
fi
echo "$line" | sed "s|$run/||"

KUBECONFIG=$run/kubeconfig RUN=$run "$suite/run" </dev/null
status=$?

kill -TERM "$server"
wait "$server"
ended=$?
server=
if [ "$ended" -ne 0 ]; then
    echo "run.sh: the server ended with status $ended on SIGTERM"
    status=1
fi
if [ -s "$run/stderr" ]; then
    echo "run.sh: the server wrote to standard error:"
    head -n 100 "$run/stderr"
    status=1
fi
exit "$status"
