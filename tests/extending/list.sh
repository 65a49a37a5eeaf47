#!/bin/sh
# A line of a list that is wrong is told when the build is configured: list.sh CMAKE, in the root of the project.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
touch "$work/here.c"

# line TEXT PATTERN: what CMake says of a list with this line.
line() {
    printf '/* A list: KIND(NAME, FILE). */\n%s\n' "$1" >"$work/x.list"
    printf 'include("%s/cmake/Registered.cmake")\nvmconform_registered(files "%s/x.list")\nmessage("files: ${files}")\n' \
        "$PWD" "$work" >"$work/x.cmake"
    "$cmake" -P "$work/x.cmake" >"$work/out" 2>&1
    tr -s '\n ' '  ' <"$work/out" | grep -q -- "$2" || {
        echo "'$1' gets no '$2':"
        cat "$work/out"
        failed=1
    }
}
cmake=$1
line 'KIND(one, here)' 'files: here\.c'
line "$(printf 'KIND(one, here)\nKIND(two, here)')" 'files: here\.c $'
line '' 'files: $'
line 'KIND(one)' "expected KIND(name, file), found 'KIND(one)'"
line 'KIND(one, here);' "expected KIND(name, file), found"
line '  KIND(one, here)' "expected KIND(name, file), found"
line 'KIND(One, here)' "expected KIND(name, file), found"
line 'KIND(one, gone)' "there is no .*/gone\.c, which 'KIND(one, gone)' names"
exit $failed
