#!/bin/sh
# The committed seeds are what make_corpus writes: same_corpus.sh MAKE_CORPUS COMMITTED SCRATCH. Compressed ones
# ("packed") depend on the version of zlib and zstd: only that they are there counts.
# To write them anew: build/dev/fuzz/make_corpus fuzz/corpus
set -eu
make_corpus=$1 committed=$2 scratch=$3
rm -rf "$scratch"
"$make_corpus" "$scratch"
status=0
for seed in "$scratch"/*/seed-*; do
    name=${seed#"$scratch"/}
    if [ ! -f "$committed/$name" ]; then
        echo "missing: $name"
        status=1
    fi
done
for seed in "$committed"/qcow2_*/seed-*; do
    name=${seed#"$committed"/}
    if [ ! -f "$scratch/$name" ]; then
        echo "nobody makes it any more: $name"
        status=1
        continue
    fi
    case $name in
    *packed*) continue ;;
    esac
    if ! cmp "$seed" "$scratch/$name"; then
        status=1
    fi
done
exit $status
