#!/bin/sh
# cel-spec's conformance tests, from a checkout of it at $VMCONFORM_CEL_SPEC: run.sh PROGRAM
set -eu
if [ -z "${VMCONFORM_CEL_SPEC:-}" ]; then
    echo "skipped: VMCONFORM_CEL_SPEC names no checkout of cel-spec"
    exit 77
fi
folder=$VMCONFORM_CEL_SPEC/tests/simple/testdata
if [ ! -d "$folder" ]; then
    echo "skipped: $folder is no folder: VMCONFORM_CEL_SPEC must name a checkout of cel-spec"
    exit 77
fi
exec "$1" "$folder"/*.textproto
