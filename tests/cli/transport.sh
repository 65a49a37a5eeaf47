#!/bin/sh
# Components as processes of their own give the same traces and verdicts as in one process: transport.sh PROGRAM, in the
# root of the project. VMCONFORM_SCENARIOS names others than the few that are run here.
set -u
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
scenarios=${VMCONFORM_SCENARIOS:-scenarios/osac/create scenarios/osac/toctou scenarios/datamover/publish}

# run NAME OPTION...
run() {
    name=$1
    shift
    # shellcheck disable=SC2086
    "$program" run $scenarios --seed 7 --jobs 2 --timeout 10m --trace "$work/$name.trace" --json "$work/$name.json" "$@" \
        >"$work/$name.out" 2>&1
    echo $? >"$work/$name.status"
    sed 's/"wall[A-Za-z_]*": *[0-9.]*//; s/"replay": *"[^"]*"//' "$work/$name.json" >"$work/$name.result"
}

# same KIND A B
same() {
    cmp "$work/$2.$1" "$work/$3.$1" && return
    diff "$work/$2.$1" "$work/$3.$1" | cut -c 1-300 | head -n 12
    tail -n 20 "$work/$3.out"
    failed=$((failed + 1))
}

run here
run http --transport http
run named --transport inprocess
[ -s "$work/here.trace" ] || { echo "there is no trace" && tail "$work/here.out" && exit 1; }
for kind in status result trace; do
    same $kind here http
    same $kind here named
done
scenarios=scenarios/osac/create/create-offline.yaml
run swept --crash every-write
run swept-http --crash every-write --transport http
for kind in status result trace; do
    same $kind swept swept-http
done
# What they print when they should not be run by hand, and what the option refuses.
component=$(dirname "$program")/vmconform-component
for arguments in "" "--sealed x" "--sealed 99" "--sealed 0"; do
    # shellcheck disable=SC2086
    "$component" $arguments </dev/null >"$work/out" 2>&1
    status=$?
    if [ $status -ne 2 ] && [ $status -ne 3 ] || ! grep -q 'error: ' "$work/out"; then
        echo "vmconform-component $arguments: status $status" && cat "$work/out"
        failed=$((failed + 1))
    fi
done
if "$program" run --transport pigeon scenarios >"$work/out" 2>&1 || ! grep -q "knows 'inprocess' and 'http' only" "$work/out"; then
    echo "--transport pigeon:" && cat "$work/out"
    failed=$((failed + 1))
fi
echo "$(wc -l <"$work/here.trace") lines of trace, $(wc -l <"$work/swept.trace") of a sweep, $failed differences"
[ "$failed" -eq 0 ]
