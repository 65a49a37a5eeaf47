#!/bin/sh
# What --keep leaves: check.sh PROGRAM, in the root of the project. Each restored disk and its chain must be the same to qemu-img
# (after a rebase) and to the project's own reader, and both must see a difference when the top image is left out.
set -u
program=$1
command -v qemu-img >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# want NAME STATUS COMMAND...
want() {
    name=$1 status=$2
    shift 2
    "$@" >"$work/out" 2>&1 </dev/null
    got=$?
    [ "$got" -eq "$status" ] && return
    echo "$name: exit status is $got, want $status"
    sed 's/^/    /' "$work/out" | head -n 20
    failed=$((failed + 1))
}

# rebased LAYER...: the top of copies that are linked to each other.
rebased() {
    number=0 before=
    rm -rf "$work/linked" && mkdir "$work/linked"
    for layer; do
        copy=$work/linked/$number.qcow2
        cp "$layer" "$copy"
        [ -z "$before" ] || qemu-img rebase -u -f qcow2 -F qcow2 -b "$before" "$copy" || exit 1
        before=$copy number=$((number + 1))
    done
    echo "$before"
}

# both NAME STATUS RAW LAYER...: the two opinions.
both() {
    title=$1 verdict=$2 raw=$3
    shift 3
    want "$title, vmconform" "$verdict" "$program" qcow2 compare "$raw" -- "$@"
    top=$(rebased "$@")
    want "$title, qemu-img" "$verdict" qemu-img compare -f raw -F qcow2 "$raw" "$top"
}

# layers FOLDER COUNT: the chain's images, the oldest first.
layers() {
    find "$1" -name '*-root.qcow2' | sort | head -n "$2"
}

folder=scenarios/datamover/chain
want "the run" 0 "$program" run "$folder/chain-three-linked.yaml" --jobs 2 --keep "$work/keep"
for backing in recorded none; do
    for backup in 1 2 3; do
        case=$work/keep/chain-three-linked[backing=$backing,backup=$backup]
        raw=$case/volumes/shop-db1-root/disk.img
        both "$backing, backup $backup" 0 "$raw" $(layers "$case/main" "$backup")
        [ "$backup" -eq 1 ] || both "$backing, backup $backup without its top" 1 "$raw" $(layers "$case/main" $((backup - 1)))
    done
done

# Names of cases with slashes and dots in them stay below the folder.
want "odd names" 0 "$program" run "$folder/chain-base-has-backing.yaml" --keep "$work/odd"
[ "$(find "$work/odd" -mindepth 2 -maxdepth 2 -name volumes | wc -l)" -eq 3 ] ||
    { echo "odd names: not one folder for each case:" && ls "$work/odd"; failed=$((failed + 1)); }
[ "$failed" -eq 0 ]
