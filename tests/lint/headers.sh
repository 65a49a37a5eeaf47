#!/bin/sh
# Each header compiles alone: headers.sh COMPILER ROOT
set -eu
compiler=$1
cd "$2"
flags=$(pkg-config --cflags yaml-0.1 jansson nettle 2>/dev/null || true)
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
one='header=$1; shift
    log=$LOGS/$(echo "$header" | tr / _)
    echo "#include \"$header\"" |
        "$@" -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Wstrict-prototypes -Werror -I. -fsyntax-only -x c - >"$log" 2>&1 ||
        echo "$header: does not stand alone" >"$log.bad"'
find . \( -path ./build -o -path ./.git -o -path ./tests/lint/bad \) -prune -o -name '*.h' -print | sed 's|^\./||' | sort |
    LOGS=$logs xargs -P "$(nproc 2>/dev/null || echo 2)" -I HEADER sh -c "$one" sh HEADER $compiler $flags
status=0
for bad in "$logs"/*.bad; do
    [ -f "$bad" ] || continue
    cat "$bad"
    cat "${bad%.bad}" >&2
    status=1
done
exit $status
