#!/bin/sh
# A line of a list that is wrong is told when the build is configured: list.sh CMAKE, in the root of the project.
set -u
cmake=$1
registered=$PWD/cmake/Registered.cmake
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

mkdir "$work/room" "$work/room/shelf"
cat >"$work/room/lamp.c" <<'C'
static int first(void);
const struct thing thing_lamp = {"lamp"};
const struct thing thing_candle = {"candle"};
C
echo 'const struct thing thing_book = {"book"};' >"$work/room/shelf/book.c"
cat >"$work/read.cmake" <<C
cmake_minimum_required(VERSION 3.20)
include("$registered")
vmconform_registered(files room/things.list THING thing_@)
message("files: \${files}")
C

# list EXPECTED LINE...: the list's lines, and what must be said, wherever CMake breaks it.
list() {
    expected=$1
    shift
    printf '%s\n' "$@" >"$work/room/things.list"
    said=$(cd "$work" && "$cmake" -P read.cmake 2>&1 | tr -s ' \n' ' ')
    case $said in
    *"$expected"*) ;;
    *)
        printf 'expected: %s\nfound:    %s\n' "$expected" "$said"
        failed=1
        ;;
    esac
}

list 'files: lamp.c;shelf.c' '/* Things; [two' ' * lines] */' '' 'THING(lamp, lamp)' 'THING(candle, lamp)' 'THING(book, shelf)'
list 'files: lamp.c ' 'THING(lamp, lamp)' 'THING(candle, lamp)'
list 'files: ' ''
list "room/things.list:1: expected THING(name, file), found 'THING(lamp)'" 'THING(lamp)'
list "room/things.list:1: expected THING(name, file), found ' THING(lamp, lamp)'" '  THING(lamp, lamp)'
list "room/things.list:1: expected THING(name, file), found 'THING(Lamp, lamp)'" 'THING(Lamp, lamp)'
list "room/things.list:2: this list has THING(name, file) only, found 'THNIG(lamp, lamp)'" '' 'THNIG(lamp, lamp)'
list "room/things.list:1: expected THING(name, file), found 'THING(lamp lamp)'" 'THING(lamp lamp)'
list "room/things.list:2: expected THING(name, file), found 'lamp'" 'THING(lamp, lamp)' lamp
list "room/things.list:1: expected THING(name, file), found 'THING(lamp, lamp);'" 'THING(lamp, lamp);'
list "room/things.list:1: there is no lmap.c or lmap/ beside the list, which 'THING(lamp, lmap)' names" 'THING(lamp, lmap)'
list "room/things.list:1: lamp.c does not define 'thing_lmap', which 'THING(lmap, lamp)' names; it defines thing_lamp, thing_candle" 'THING(lmap, lamp)'
list "room/things.list:1: shelf/ does not define 'thing_lamp', which 'THING(lamp, shelf)' names; it defines thing_book" 'THING(lamp, shelf)'
exit $failed
