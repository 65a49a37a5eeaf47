#!/bin/sh
# In the place of `make build`, in a page's copy of the tree: compiles FILE as the build at $BUILD does, and puts a program with it in the
# place of build/release/vmconform. As ninja does, it goes by the time of the file alone: one that is no newer than its object is not
# compiled. rebuild.sh FILE
set -eu
file=$PWD/$1 program=$PWD/build/release/vmconform tree=$PWD changed=$PWD/build/changed.o
cd "$BUILD"
compile=$(ninja -t commands vmconform | grep -F -e "-c $ROOT/$1")
link=$(ninja -t commands vmconform | tail -n 1)
case $link in *" -o vmconform "*) ;; *) echo "ninja tells no command that links vmconform"; exit 1 ;; esac
object=${compile#* -o } object=${object%% *}
[ ! -e "$changed" ] || object=$changed
if [ -z "$(find "$file" -newer "$object")" ]; then
    echo "ninja: no work to do."
    exit
fi
sh -c "${compile%% -MD *} -I$tree -w -c '$file' -o '$changed'"
rm "$program"
sh -c "${link%% -o vmconform *} '$changed' -o '$program' ${link#* -o vmconform }"
