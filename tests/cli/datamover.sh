#!/bin/sh
# Programs of others in the downloader pod's place: datamover.sh PROGRAM, in the root of the project.
set -u
program=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
scenarios=$here/../../scenarios/datamover
. "$here/lib.sh"
for tool in curl jq qemu-img; do
    command -v "$tool" >/dev/null || { echo "$tool is not installed" && exit 77; }
done
linked=$scenarios/chain/chain-three-linked.yaml

# with NAME STATUS PATTERN SCENARIO COMMAND [OPTION...]: COMMAND in the pod's place.
with() {
    title=$1 status=$2 pattern=$3 scenario=$4 command=$5
    shift 5
    check "$title" "$status" "$pattern" "$program" run "$scenario" --implementation "datamover-downloader=exec:$command" "$@"
}

# also NAME PATTERN: the last run has said this too.
also() {
    count=$((count + 1))
    grep -q -e "$2" "$work/out" && return
    echo "$1: not said: '$2'"
    failed=$((failed + 1))
}

# alive PID: there is such a process, and nobody waits for its end to be noticed.
alive() {
    [ -e "/proc/$1/stat" ] && ! grep -q ') Z ' "/proc/$1/stat" 2>/dev/null
}

with 'the right one' 0 '6 passed' "$linked" "sh $here/datamover/restore.sh"
also 'it was observed' observed
with 'the wrong one' 1 'chain-three-linked\[backing=recorded,backup=3\]' "$linked" "sh $here/datamover/restore-flat.sh"
also 'it says how to repeat it' "--implementation 'datamover-downloader=exec:sh .*restore-flat.sh'"
with 'its message reaches the DataDownload' 0 '1 passed' "$scenarios/chain/chain-gap-missing-object.yaml" "sh $here/datamover/restore.sh"
with 'what is about our engines is skipped' 0 '1 skipped' "$scenarios/chain/chain-missing-backing-format.yaml" "sh $here/datamover/restore.sh"

# Whoever opens a file of the machine is noticed, whatever its program is.
recorded=$scenarios/chain/chain-increment-recorded-backing.yaml
with 'it leaves the recorded parent alone' 0 '1 passed' "$recorded" "sh $here/datamover/restore.sh"
with 'it opens the recorded parent' 1 'the recorded parent was opened' "$recorded" "cat /proc/self/fd/900/node >$work/seen; sh $here/datamover/restore.sh"
check 'it was there to be opened' 0 "nobody's business" cat "$work/seen"

# How it may end.
single=$scenarios/chain/chain-single-full.yaml
with 'an exit status' 1 'DataDownload .*Failed.*exploded' "$single" 'echo exploded; exit 3'
with 'a signal' 1 '"Failed"' "$single" 'kill -SEGV $$'
with 'no such program' 1 'not found' "$single" /nowhere/at/all
echo 'sleep 600 & echo $! >"$1"; wait' >"$work/hang.sh"
with 'one that hangs' 1 'did not end in time' "$single" "sh $work/hang.sh $work/child" --timeout 2s
sleep_pid=$(cat "$work/child" 2>/dev/null)
check 'it had begun' 0 '' test -n "$sleep_pid"
check 'what it started has ended with it' 1 '' alive "$sleep_pid"

# What the store answers. The pod ends with 7 when all of it is as it should be.
cat >"$work/store.sh" <<'END'
url=$KUBEVIRT_DM_BSL_S3_URL/$KUBEVIRT_DM_BSL_BUCKET/kubevirt-datamover/checkpoints/shop/db1/index.json
code() { curl -s -o body -w '%{http_code}' "$@"; }
cd "$KUBEVIRT_DM_SCRATCH_PATH" || exit 1
[ "$(code "$url")" = 200 ] && cp body whole || exit 11
[ "$(code -r 2-5 "$url")" = 206 ] && [ "$(cat body)" = "$(dd if=whole bs=1 skip=2 count=4 2>/dev/null)" ] || exit 12
[ "$(code -r -3 "$url")" = 206 ] && [ "$(cat body)" = "$(tail -c 3 whole)" ] || exit 13
[ "$(code -r 99999999- "$url")" = 416 ] || exit 14
[ "$(code "$url.not")" = 404 ] && grep -q NoSuchKey body || exit 15
[ "$(code -I "$url")" = 200 ] || exit 16
[ "$(code -X PUT -d x "$url")" = 405 ] || exit 17
[ "$(code "$KUBEVIRT_DM_BSL_S3_URL/$KUBEVIRT_DM_BSL_BUCKET/?list-type=2")" = 501 ] || exit 18
[ "$(code "$(echo "$url" | sed 's/index/%69ndex/')")" = 200 ] || exit 19
[ "$KUBEVIRT_DM_TARGET_VOLUME" = root ] && [ -d "$(dirname "$KUBEVIRT_DM_TARGET_PATH")" ] || exit 20
echo 'the store is as it should be' >"$KUBEVIRT_DM_TERMINATION_MESSAGE"
exit 7
END
with 'the store' 1 'the store is as it should be' "$single" "sh $work/store.sh"

# Command lines that mean nothing.
with 'two for one' 2 'already' "$single" true --implementation datamover-downloader=exec:false
check 'a pod is not connected' 2 'builtin or exec:COMMAND' "$program" run "$single" --implementation datamover-downloader=external
with 'an engine of ours' 2 'puts another in its place' "$single" true --engine native
with 'a sweep' 2 '--crash wants runs that are the same' "$single" true --crash every-write
check 'a name that is near' 2 'datamover-downloader' "$program" run "$single" --implementation datamover-download=exec:false
check 'the same of a process' 2 'datamover-uploader' "$program" component datamover-upload

echo "$count checks, $failed failed"
[ "$failed" -eq 0 ]
