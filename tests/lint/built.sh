#!/bin/sh
# Somebody compiles each source: a test in no list never fails. built.sh COMPILE_COMMANDS ROOT
set -eu
commands=$1
cd "$2"
find . \( -path ./build -o -path ./.git -o -path ./tests/lint/bad \) -prune -o \
    \( -name '*.c' -o -name '*.cc' \) -print | sed 's|^\./||' | LC_ALL=C sort |
    awk -v commands="$commands" '
        BEGIN {
            built["fuzz/qcow2_mutator_hook.c"] = 1 # is for libFuzzer alone
            while ((getline line < commands) > 0) {
                if (line !~ /^ *"file": "/)
                    continue
                gsub(/^ *"file": "|",?$/, "", line)
                while (sub(/^[^\/]*\//, "", line)) # every end of the path
                    built[line] = 1
            }
        }
        !($0 in built) { print $0 ": nobody compiles it"; bad = 1 }
        END { exit bad }'
