#!/bin/sh
# The object store against a real S3 server: run.sh PROGRAM WORK. WORK stays between runs.
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
mkdir -p "$2"
WORK=$(cd "$2" && pwd)
export WORK
. "$here/server.sh"
"$here/prepare" || exit $?

folder=$(mktemp -d)
cleanup() {
    stop_server "$folder"
    rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
start_server "$folder" || exit 1
# Memory that was freed is kept back by the sanitizer, and would count.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=8 S3_RESTART="$here/restart $folder" S3_FOLDER=$folder "$program"
