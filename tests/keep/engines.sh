#!/bin/sh
# The engines restore the same: engines.sh PROGRAM, in the root of the project. Every volume that a scenario of the chain leaves is
# the same, byte for byte, whichever engine restored it; and a chain that one refuses, the other refuses with the same code.
set -u
program=$1
command -v qemu-img >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0 compared=0

for engine in qemu-img native; do
    # The long chain is proved block by block elsewhere, and would be most of the copying here.
    find scenarios/datamover/chain scenarios/datamover/security -name '*.yaml' ! -name chain-long-300.yaml | sort |
        xargs "$program" run --engine "$engine" --keep "$work/$engine" >"$work/$engine.out" 2>&1 ||
        { echo "$engine:" && grep -v '^skipped' "$work/$engine.out"; failed=$((failed + 1)); }
done

# What a scenario asks of one engine alone has no other side.
for case in "$work"/native/*/volumes; do
    name=${case%/volumes}
    name=${name##*/}
    [ -d "$work/qemu-img/$name" ] || continue
    for file in "$case"/*/* "$case"/*; do
        [ -f "$file" ] || continue
        compared=$((compared + 1))
        cmp "$file" "$work/qemu-img/$name/volumes/${file#"$case"/}" || failed=$((failed + 1))
    done
done
[ "$compared" -ge 40 ] || { echo "only $compared volumes were compared" && failed=$((failed + 1)); }
# The comparison can fail.
disk=$(find "$work/native" -name disk.img | sort | head -n 1)
printf X | dd of="$disk" bs=1 seek=5000 conv=notrunc 2>/dev/null
cmp -s "$disk" "$work/qemu-img/${disk#"$work/native/"}" && echo "a difference was not seen" && failed=$((failed + 1))
echo "$compared volumes compared, $failed wrong"
[ "$failed" -eq 0 ]
