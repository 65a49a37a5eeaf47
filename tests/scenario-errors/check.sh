#!/bin/sh
# What `vmconform lint` says of a bad scenario, word for word: check.sh PROGRAM NAME
# To be run in the root of the project. VMCONFORM_UPDATE_GOLDEN=1 writes the expectation anew: review the diff.
set -u
program=$1
name=$2
dir=tests/scenario-errors
got=$(mktemp)
trap 'rm -f "$got"' EXIT
"$program" lint "$dir/$name.yaml" >/dev/null 2>"$got"
status=$?
if [ "$status" -ne 2 ]; then
    cat "$got"
    echo "exit status is $status, want 2"
    exit 1
fi
if [ -n "${VMCONFORM_UPDATE_GOLDEN:-}" ]; then
    cp "$got" "$dir/$name.stderr"
fi
diff -u "$dir/$name.stderr" "$got"
