#!/bin/sh
# A lint must be able to fail: selftest.sh NAME COMMAND [ARGUMENT...]
# The command's output over the bad samples must be that of bad/NAME.expected, and it must exit 1.
# VMCONFORM_UPDATE_GOLDEN=1 writes the file anew.
set -u
expected=$(dirname "$0")/bad/$1.expected
shift
got=$(mktemp)
trap 'rm -f "$got"' EXIT
"$@" >"$got"
status=$?
if [ "$status" -ne 1 ]; then
    echo "exit status is $status, want 1"
    exit 1
fi
if [ -n "${VMCONFORM_UPDATE_GOLDEN:-}" ]; then
    cp "$got" "$expected"
fi
diff -u "$expected" "$got"
