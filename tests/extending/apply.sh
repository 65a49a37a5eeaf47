#!/bin/sh
# Adds the examples to a copy of the tree, as docs/extending.md says: files into their places, lines to the lists. apply.sh FOLDER
# FOLDER must not exist. Then, there: cmake --preset release && cmake --build build/release
set -eu
cd "$(dirname "$0")/../.."
mkdir "$1"
tree=$(cd "$1" && pwd) # the same from every folder
tar cf - --exclude=./build --exclude=./.git . | (cd "$tree" && tar xf -)
# There the examples are the product's own: built twice they would clash.
rm -r "$tree/tests/extending"
sed -i '/^add_subdirectory(extending)$/d' "$tree/tests/CMakeLists.txt"
cd tests/extending
find resource fault verb function component report mutant promise -type f | LC_ALL=C sort | while read -r file; do
    place=$tree/${file#*/}
    case $file in
    */scenarios/*) place=$tree/scenarios/examples/${file##*/} ;;
    esac
    mkdir -p "${place%/*}"
    case $file in
    *.list | */tests/mutants.yaml | */docs/requirements.yaml) cat "$file" >>"$place" ;; # the only files that were there before
    *) [ ! -e "$place" ] && cp "$file" "$place" ;;
    esac
done
