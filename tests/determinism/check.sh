#!/bin/sh
# Same scenarios, same seed: the same trace and the same results, byte for byte, whatever else is running, however many
# workers there are, and whichever compiler built the program: check.sh PROGRAM [PROGRAM-OF-ANOTHER-BUILD...]
# To be run in the root of the project. Builds that do not exist, or are older than the sources, are left out.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0 runs=0
scenarios=${VMCONFORM_SCENARIOS:-scenarios}
sources="base cel components fixtures kube qcow2 reports runner sched sim"

# run NAME JOBS PROGRAM [VARIABLE=VALUE]
run() {
    name=$1 jobs=$2 program=$3
    shift 3
    env "$@" "$program" run $scenarios --seed 7 --jobs "$jobs" --trace "$work/$name.trace" --json "$work/$name.json" \
        --timeout 10m >"$work/$name.out" 2>&1
    if ! [ -s "$work/$name.trace" ]; then
        echo "$name: there is no trace; $program said:"
        tail -n 20 "$work/$name.out"
        exit 1
    fi
    # What took real time, and what stands in the replay command, may differ.
    sed 's/"wall[A-Za-z_]*": *[0-9.]*//; s/"replay": *"[^"]*"//' "$work/$name.json" >"$work/$name.result"
    runs=$((runs + 1))
}

same() {
    for kind in trace result; do
        if ! cmp "$work/first.$kind" "$work/$1.$kind"; then
            echo "$1: the $kind differs from that of the first run:"
            diff "$work/first.$kind" "$work/$1.$kind" | cut -c 1-300 | head -n 12
            failed=$((failed + 1))
        fi
    done
}

first=$1
run first 2 "$first" TZ=UTC
run again 1 "$first" TZ=America/New_York LANG=C.UTF-8
same again
shift
for other; do
    [ -x "$other" ] || continue
    [ "$other" != "$first" ] || continue
    if [ -n "$(find $sources -name '*.[chS]' -newer "$other" | head -n 1)" ]; then
        echo "$other is older than the sources: left out"
        continue
    fi
    run "other$runs" 2 "$other" TZ=UTC
    same "other$((runs - 1))"
done

# Another seed must be able to make a difference, or this test would prove nothing.
env "$first" run $scenarios --seed 8 --trace "$work/seed8.trace" >/dev/null 2>&1
if cmp -s "$work/first.trace" "$work/seed8.trace"; then
    echo "another seed gives the same trace"
    failed=$((failed + 1))
fi
echo "$runs runs, $(wc -l <"$work/first.trace") lines of trace, $failed differences"
[ "$failed" -eq 0 ]
