#!/bin/sh
# The example controller, right and wrong, under `vmconform run` and in its own suite: test.sh PROGRAM
set -u
program=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
server=
failed=0
finish() {
    [ -n "$server" ] && kill -KILL "$server" 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT
cd "$here" || exit 2

command -v go >/dev/null || { echo 'skipped: no go on this machine'; exit 77; }
go mod download >"$work/out" 2>&1 || { echo "skipped: the modules cannot be had: $(tail -n 1 "$work/out")"; exit 77; }
go build -o "$work/controller" . || exit 1
go test -c -o "$work/suite" . || exit 1

# expect STATUS PATTERN COMMAND...
expect() {
    want=$1 pattern=$2
    shift 2
    "$@" >"$work/out" 2>&1 </dev/null
    got=$?
    [ "$got" -eq "$want" ] && grep -q -e "$pattern" "$work/out" && return
    echo "$*: exit status $got, want $want and '$pattern':"
    tail -n 40 "$work/out" | sed 's/^/    /'
    failed=$((failed + 1))
}

# under BUG: the scenarios with this mistake in the controller
under() {
    "$program" run scenarios --kubeconfig "$work/kubeconfig" --implementation instance-snapshotter=external \
        --exec "exec $work/controller --bug=$1"
}
expect 0 '3 cases: 3 passed' under ''
expect 1 'Ready is said only of what KubeVirt can restore' under early
expect 1 'not exactly one VirtualMachineSnapshot was created' under name

mkfifo "$work/ready"
"$program" serve --address 127.0.0.1:0 --kubeconfig "$work/served" --speed 5 >"$work/ready" 2>"$work/errors" </dev/null &
server=$!
read -r line <"$work/ready" || { cat "$work/errors"; exit 1; }
echo "$line" | sed "s|$work/||"
export KUBECONFIG="$work/served"
expect 0 '^PASS' "$work/suite" -test.count=1
expect 1 'Ready, though KubeVirt.s snapshot is not' env BUG=early "$work/suite" -test.count=1
[ "$failed" -eq 0 ]
