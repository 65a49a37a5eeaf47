#!/bin/sh
# Command lines of `vmconform qcow2` and what they must do: qcow2.sh PROGRAM
# Each case: name, wanted exit status, wanted text (a basic regular expression), and the command.
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "$1")
. "$here/lib.sh"
cd "$work" || exit 2
q="$program qcow2"

# same NAME FILE FILE
same() {
    count=$((count + 1))
    cmp "$2" "$3" >"$work/out" 2>&1 && return
    echo "$1: $(cat "$work/out")"
    failed=$((failed + 1))
}

# json NAME STATUS EXPRESSION COMMAND...: standard output is one JSON text v, and the expression holds.
json() {
    name=$1 want=$2 expression=$3
    shift 3
    command -v python3 >/dev/null || return
    count=$((count + 1))
    "$@" >"$work/json" 2>"$work/out" </dev/null
    got=$?
    if [ "$got" -ne "$want" ]; then
        echo "$name: exit status is $got, want $want"
    elif ! python3 -c 'import json,sys; v=json.load(open(sys.argv[1])); sys.exit(not eval(sys.argv[2]))' \
        "$work/json" "$expression" 2>>"$work/out"; then
        echo "$name: does not hold: $expression"
    else
        return
    fi
    head -c 2000 "$work/json" "$work/out" | sed 's/^/    /'
    failed=$((failed + 1))
}

# ---- what is worked with: a chain of a base and three increments, as files and as a backup ----
$q create-chain chain --size 8MiB --increments 3 --cluster-size 64k --seed 7 --raw >/dev/null || exit 1
$q create-chain compressed --size 4MiB --increments 1 --cluster-size 64k --compression zstd --bitmaps >/dev/null || exit 1
set -- chain/kubevirt-datamover/checkpoints/shop/db1/*/*.qcow2
[ $# -eq 4 ] || { echo "the chain has $# files, not 4"; exit 1; }
base=$1 one=$2 two=$3 three=$4
layers="$base $one $two $three"
raw=chain/raw/root-I3.raw
manifest=$(find chain/kubevirt-datamover/manifests -name 'shop-db1.json' | sort | tail -n 1)
set -- compressed/kubevirt-datamover/checkpoints/shop/db1/*/*.qcow2
packed="$1 $2"
[ -f "$raw" ] && [ -f "$manifest" ] || { echo "no raw disk or no manifest"; exit 1; }

# broken NAME DEFECT: a chain with that defect, and its newest manifest in $broken.
broken() {
    $q create-chain "$1" --size 4MiB --increments 2 --cluster-size 64k --defect "$2" >/dev/null || exit 1
    broken=$(find "$1/kubevirt-datamover/manifests" -name 'shop-db1.json' | sort | tail -n 1)
}

# ---- the command as such ----
check no-subcommand 2 '^usage: vmconform qcow2 SUBCOMMAND' $q
check help 0 '^usage: vmconform qcow2 SUBCOMMAND' $q --help
check unknown-subcommand 2 "unknown subcommand 'chekc'" $q chekc
check unknown-subcommand-hint 2 "did you mean 'check'" $q chekc
check control-bytes-in-subcommand 2 'x1b\[31m' $q "$(printf 'a\033[31m')"
for subcommand in info check map flatten compare create-chain; do
    check help-of-$subcommand 0 "^usage: vmconform qcow2 $subcommand" $q $subcommand --help
    check unknown-option-of-$subcommand 2 "unknown option '--jsno'" $q $subcommand --jsno
    check hint-of-$subcommand 2 "did you mean '--json'" $q $subcommand --jsno
    check no-operand-of-$subcommand 2 'error' $q $subcommand
    check full-device-of-$subcommand 2 'could not be written' sh -c "$q $subcommand --help >/dev/full"
done
for subcommand in info check map compare; do
    check missing-file-of-$subcommand 2 'No such file' $q $subcommand none.qcow2 $([ $subcommand = compare ] && echo "-- $base")
done

# ---- info ----
check info 0 'virtual size:  *8 MiB (8388608 bytes)' $q info "$base"
check info-layer 0 'fit for a backup:  *yes, as far as the header tells' $q info "$base"
check info-two-files 2 'one file is wanted, found 2' $q info "$base" "$one"
check info-not-qcow2 1 'error: .*: at byte 0: not a qcow2 image \[Q_MAGIC\]$' $q info "$raw"
json info-refused-json 1 'v["error"]["code"] == "Q_MAGIC" and v["error"]["offset"] == 0 and v["error"]["file"].endswith(".raw") and v["error"]["message"]' $q info --json "$raw"
check info-folder 2 'expected a regular file' $q info chain
mkfifo pipe
check info-fifo 2 'expected a regular file' timeout 10 $q info pipe
ln -s "$base" link
check info-link 2 'links are not followed' $q info link
json info-json 0 'v["virtual-size"] == 8 << 20 and v["format"] == "qcow2" and v["header-fit-for-backup"]' $q info --json "$base"
json info-backing 0 '"backing-filename" in v' $q info --json "$three"
json info-bitmaps 0 'len(v["bitmaps"]) == 1 and v["bitmaps"][0]["granularity"] == 65536' $q info --json ${packed#* }
json info-compression 0 'v["compression-type"] == "zstd" and "compression-type" in v["features"]["incompatible"]' $q info --json ${packed#* }
broken encrypted encrypted:2
check info-encrypted 0 'encryption:  *AES' $q info encrypted/kubevirt-datamover/checkpoints/shop/db1/*-backup-3-*/*.qcow2
broken datafile data-file:2
check info-data-file 0 'external data file:.*not opened' $q info datafile/kubevirt-datamover/checkpoints/shop/db1/*-backup-3-*/*.qcow2
json info-data-file-refused 0 'not v["header-fit-for-backup"] and v["header-fit-for-backup-code"] == "Q_POLICY_DATA_FILE" and "data" in v["header-fit-for-backup-error"]' \
    $q info --json datafile/kubevirt-datamover/checkpoints/shop/db1/*-backup-3-*/*.qcow2

# Names are shown with their bytes escaped, in text; in JSON they can be read back.
hostile=$(printf 'a\033[31m<&"\047\n\377.qcow2')
cp "$base" "$hostile"
check hostile-name 0 "a\\\\x1b\[31m<&\"\\\\x27\\\\x0a\\\\xff.qcow2" $q info "$hostile"
check hostile-name-no-escape 1 '' grep -q "$(printf '\033')" "$work/out"
json hostile-name-json 0 '"xff.qcow2" in v["filename"]' $q info --json "$hostile"
cp "$base" "$(printf 'b\303\244<&".qcow2')"
json utf8-name-json 0 'v["filename"] == "b\u00e4<&\".qcow2"' $q info --json "$(printf 'b\303\244<&".qcow2')"
check hostile-name-missing 2 'x1b\[31m' $q info "$(printf 'none\033[31m')"
check hostile-name-check 0 'x1b\[31m.*: sound' $q check "$hostile"
check hostile-name-map 0 'x1b\[31m' $q map "$hostile"
check hostile-name-svg 0 '' $q map --svg hostile.svg "$hostile"

# ---- check ----
check check 0 ': sound' $q check $layers
check check-not-qcow2 1 'not a qcow2 image' $q check "$raw"
check check-several 1 ': sound' $q check "$base" "$raw" "$one"
check check-missing-wins 2 'No such file' $q check "$raw" none.qcow2 "$base"
json check-json 0 'v["sound"] and len(v["files"]) == 4 and all(f["corruptions"] == 0 for f in v["files"])' $q check --json $layers
json check-json-fault 1 'not v["sound"] and v["files"][0]["code"] == "Q_MAGIC"' $q check --json "$raw"
check check-manifest 0 "the chain of disk 'root': sound; 4 layers, 8 MiB; digests held against 4 of them" $q check --manifest "$manifest"
json check-manifest-json 0 'v["sound"] and v["chain"]["layers"] == 4 and v["chain"]["disk"] == "root"' $q check --json --manifest "$manifest"
check check-manifest-and-file 2 'no file is wanted' $q check --manifest "$manifest" "$base"
check check-disk-without-manifest 2 'goes with --manifest' $q check --disk root "$base"
check check-wrong-disk 2 "has no disk 'rot', it has 'root'" $q check --manifest "$manifest" --disk rot
check check-wrong-disk-hint 2 "did you mean 'root'" $q check --manifest "$manifest" --disk rot
check map-wrong-disk 2 "has no disk 'none'" $q map --manifest "$manifest" --disk none
json map-wrong-disk-json 2 'v["error"]["code"] is None and "root" in v["error"]["message"]' $q map --json --manifest "$manifest" --disk none
check check-backup-manifest 2 "manifests/backup-4/index.json' is no manifest of a VM: expected 'namespace', 'name'" $q check --manifest "${manifest%/*}/index.json"
check check-index 2 "db1/index.json' is no manifest of a VM" $q check --manifest chain/kubevirt-datamover/checkpoints/shop/db1/index.json
check check-missing-manifest 2 'No such file' $q check --manifest "${manifest}x"
check check-no-manifest 2 'is no manifest' $q check --manifest "$base"
check count 0 '^3 chains of shop/db1, seeds 5 to 7, in ' $q create-chain "$work/many" --count 3 --seed 5 --size 1MiB
check count-sound 0 '' $q check --manifest "$work/many/0002/kubevirt-datamover/manifests/backup-4/shop-db1.json"
check count-next-seed 0 '' $q create-chain "$work/seventh" --seed 7 --size 1MiB
check count-same-bytes 0 '' cmp "$work/many/0002/SHA256SUMS" "$work/seventh/SHA256SUMS"
check increments-too-many 2 '--increments wants at most 1000' $q create-chain "$work/more" --increments 1001
check index-too-long 2 'the index of 1000 increments of 10 disks would have about' $q create-chain "$work/more" --increments 1000 --disks 10
check change-zero-hint 2 'hint: --shape empty' $q create-chain "$work/more" --change 0
for option in size disks count full change cluster-size refcount-bits version; do
    check $option-zero 2 "^vmconform: error: --$option wants at least [1-9]" $q create-chain "$work/more" --$option 0
done
check markdown-alone 2 'markdown goes with --list-defects' $q create-chain "$work/more" --markdown
check stale-digests-alone 2 'stale-digests goes with --defect' $q create-chain "$work/more" --stale-digests
check subcluster-clash 2 "defect 'subcluster-clash' wants images with subclusters" $q create-chain "$work/more" --defect subcluster-clash
check subcluster-clash-hint 2 'hint: --extended-l2' $q create-chain "$work/more" --defect subcluster-clash
check subcluster-clash-made 0 'which is Q_SUBCL' $q create-chain "$work/clash" --extended-l2 --size 1MiB --defect subcluster-clash
check defect-named 2 "error: defect 'truncate': the file of layer 'I2' has" $q create-chain "$work/more" --size 1MiB --defect truncate:2@1T
check create-leaves-nothing 0 '' sh -c '! ls more'
check defect-place 0 'defect truncate:2@300k: it depends on the place' $q create-chain "$work/place" --size 4MiB --defect truncate:2@300k
json defect-place-json 0 'v["defects"] == [{"defect": "truncate:2@300k", "noticed": "image", "code": None, "why": "it depends on the place"}]' \
    $q create-chain "$work/placed" --json --size 4MiB --defect truncate:2@300k
check defect-stale 0 'defect bad-magic: with these digests first Q_LENGTH or Q_DIGEST' $q create-chain "$work/stale" --size 4MiB --defect bad-magic --stale-digests
check defect-stale-noticed 1 'Q_DIGEST\]$' $q map --manifest "$work/stale/kubevirt-datamover/manifests/backup-4/shop-db1.json"
check defect-blind 0 'defect flip: no digest is declared: nobody can notice it' $q create-chain "$work/blind" --size 4MiB --defect flip --no-digests
check defect-blind-unnoticed 0 ': sound' $q check --manifest "$work/blind/kubevirt-datamover/manifests/backup-4/shop-db1.json"
# Whenever the signal comes: nothing is left behind.
# In the foreground, or it would signal twice, and the second one kills at once.
check interrupted 130 '' timeout --foreground --preserve-status -s INT 0.5 $q create-chain "$work/stopped" --count 1000000 --size 1MiB
check interrupted-leaves-nothing 0 '' sh -c '! ls stopped'
check create-modes 1 '' sh -c "find many/0000 -type d ! -perm 700 -o -type f ! -perm 600 | grep ."
check count-too-many 2 '--count wants at most' $q create-chain "$work/more" --count 1000001

broken leak leak:1
check check-leak 1 ': leak Q_LEAK at byte' $q check --manifest "$broken"
check check-leak-counted 1 ': defective: 0 corruptions, 1 leak' $q check --manifest "$broken"
check check-leak-allowed 0 ': leak Q_LEAK at byte' $q check --allow-leaks --manifest "$broken"
json check-leak-json 0 'v["sound"] and sum(f["leaks"] for f in v["files"]) == 1' $q check --json --allow-leaks --manifest "$broken"
broken refcount refcount-wrong:1
check check-refcount 1 ': corruption Q_REFCOUNT at byte' $q check --manifest "$broken"
broken flipped flip:1
check check-digest 1 'expected sha256' $q check --manifest "$broken"
json check-digest-json 1 'v["chain"]["code"] == "Q_DIGEST"' $q check --json --manifest "$broken"
broken dropped drop:1
check check-dropped 1 'found nothing' $q check --manifest "$broken"
json check-dropped-json 1 'v["chain"]["code"] == "Q_CHAIN_MISSING" and len(v["files"]) == 3' $q check --json --manifest "$broken"
broken symlink symlink:1
check check-symlink 1 'expected a regular file.*\[Q_NOT_REGULAR\]$' $q check --manifest "$broken"
check check-symlink-once 0 '^1$' sh -c "$q check --manifest $broken 2>&1 | grep -c Q_NOT_REGULAR"
json check-symlink-json 1 'v["chain"]["code"] == "Q_NOT_REGULAR" and [f.get("code") for f in v["files"]] == [None, "Q_NOT_REGULAR", None]' $q check --json --manifest "$broken"
check map-symlink 1 'Q_NOT_REGULAR' $q map --manifest "$broken"
check flatten-symlink 1 'Q_NOT_REGULAR' $q flatten -o x.raw --manifest "$broken"
# A folder of the backup that is a link: what lies behind it is not looked at.
folder=$(dirname "$(ls symlink/kubevirt-datamover/checkpoints/shop/db1/*-backup-3-*/*.qcow2)")
mv "$folder" moved && ln -s "$work/moved" "$folder"
check check-linked-folder 0 '' sh -c "! $q check --manifest $broken | grep -q 'backup-3-.*: sound'"
broken parent wrong-parent
json check-parent-json 1 'v["chain"]["code"] == "Q_CHAIN_PARENT" and all(f["sound"] for f in v["files"])' $q check --json --manifest "$broken"
echo '{' >"$broken"
check check-broken-manifest 1 'unexpected end of JSON' $q check --manifest "$broken"

# ---- map ----
check map 0 '4 layers: data' $q map $layers
check map-raw 0 'data .*disk.raw' sh -c "cp $raw disk.raw && $q map disk.raw"
check map-prefix-raw 0 ' data .*qcow2$' $q map "raw:$base"
check map-prefix-qcow2 1 'not a qcow2 image' $q map "qcow2:$raw"
check map-raw-in-chain 2 'a raw disk stands alone' $q map "raw:$raw" "$one"
check map-not-qcow2-in-chain 1 'not a qcow2 image \[Q_MAGIC\]$' $q map "$raw" "$one"
check map-twice 1 'is layer 0 and layer 2' $q map "$base" "$one" "$base"
json map-refused-json 1 'v["error"]["code"] == "Q_LOOP" and v["error"]["message"]' $q map --json "$base" "$one" "$base"
check map-manifest 0 '4 layers: data' $q map --manifest "$manifest"
check map-manifest-and-layer 2 'no layer is wanted' $q map --manifest "$manifest" "$base"
check map-empty 0 '^0 bytes' sh -c ": >empty && $q map empty"
json map-json 0 'sum(e["length"] for e in v) == 8 << 20 and all(a["start"] + a["length"] == b["start"] for a, b in zip(v, v[1:]))' \
    $q map --json $layers
json map-json-members 0 'all(e["present"] == ("layer" in e) and e["depth"] == (3 - e["layer"] if e["present"] else 3) for e in v)' \
    $q map --json $layers
json map-json-compressed 0 'any(e["compressed"] for e in v)' $q map --json $packed
# Each line to the byte, for all kinds there are and a name that needs escapes.
odd="$(printf 'c\303\244<&"\\.qcow2')"
cp "$two" "$odd"
exact() {
    name=$1
    shift
    $q map "$@" >exact.txt && $q map --json "$@" >exact.json || echo "$name: map failed"
    json "$name" 0 'open("exact.json", encoding="utf-8").read() == "[\n" + ",\n".join(json.dumps(e, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c").replace("&", "\\u0026") for e in v) + "\n]\n"' cat exact.json
    json "$name-members" 0 'all(list(e) == ["start", "length", "depth", "present", "zero", "data", "compressed", "kind"] + ["offset"] * (e["kind"] == "data") + ["layer", "file"] * e["present"] for e in v) and all((e["zero"], e["data"]) == (e["kind"] in ("zero", "hole"), e["kind"] in ("data", "compressed")) for e in v)' cat exact.json
    json "$name-text" 0 '[l.rstrip("\n") for l in open("exact.txt")][1:-1] == ["%16d %16d %5s  %-10s %16s%s" % (e["start"], e["length"], e.get("layer", "-"), e["kind"], e.get("offset", "-"), "  " + "".join(chr(b) if 32 <= b < 127 and b not in (39, 92) else "\\x%02x" % b for b in e["file"].encode()) if e["present"] else "") for e in v]' cat exact.json
}
if command -v python3 >/dev/null; then
    exact map-exact "$base" "$one" "$odd" "$three"
    exact map-exact-compressed $packed
    exact map-exact-hole "$one"
    $q create-chain zeros --size 1MiB --full 256KiB --change 64KiB --increments 1 --cluster-size 64k --unwritten zero >/dev/null || exit 1
    set -- zeros/kubevirt-datamover/checkpoints/shop/db1/*/*.qcow2
    exact map-exact-zero "$@"
    for kind in data zero compressed hole; do
        check "map-kind-$kind" 0 " $kind  " sh -c "$q map $packed; $q map $1; $q map $one"
    done
fi
json map-json-empty 0 'v == []' $q map --json empty
check map-svg 0 '' $q map --svg chain.svg $layers
check map-svg-title 0 '<title>layer 3: .*qcow2' cat chain.svg
check map-svg-stdout 0 '^<svg ' $q map --svg - $layers
check map-svg-empty 0 '' $q map --svg empty.svg empty
check map-svg-over-layer 2 'is one of the layers' $q map --svg "$base" "$base"
check map-svg-nowhere 2 'No such file' $q map --svg none/x.svg "$base"
check map-svg-device 2 'expected a regular file' $q map --svg /dev/full "$base"
check map-svg-no-name 2 'svg wants a file' $q map --svg '' "$base"
echo old >old.svg && ln -s old.svg link.svg
check map-svg-link 2 'hint: the picture was to be written there' $q map --svg link.svg "$base"
check map-svg-link-untouched 0 '^old$' cat old.svg
check map-svg-replaced 0 '' $q map --svg old.svg $layers
same map-svg-replaced-whole old.svg chain.svg
check map-svg-limit 2 'error' sh -c "ulimit -f 1; $q map --svg limited.svg $layers"
check map-svg-leaves-nothing 0 '' sh -c '! ls limited.svg*'
check map-json-svg-stdout 2 'cannot share' $q map --json --svg - "$base"
if command -v xmllint >/dev/null; then
    check svg-well-formed 0 '' xmllint --noout chain.svg empty.svg hostile.svg
fi

# ---- flatten ----
check flatten 0 '^out.raw: 8 MiB:' $q flatten -o out.raw $layers
same flatten-bytes out.raw "$raw"
check flatten-verify 0 'read back and the same' $q flatten --verify --threads 3 --output=out.raw $layers
same flatten-replaced out.raw "$raw"
check flatten-stdout 0 '' sh -c "$q flatten -o - $layers >piped.raw"
same flatten-stdout-bytes piped.raw "$raw"
check flatten-stdout-full 2 'No space left' sh -c "$q flatten -o - $layers >/dev/full"
check flatten-stdout-closed 2 'error' sh -c "{ $q flatten -o - $layers; echo \$? >closed; } 2>closed.err | head -c 10 >/dev/null; cat closed.err; exit \$(cat closed)"
check flatten-manifest 0 '' $q flatten --manifest "$manifest" -o out.raw
same flatten-manifest-bytes out.raw "$raw"
check flatten-first 0 '' $q flatten -o first.raw "$base"
same flatten-first-bytes first.raw chain/raw/root-F.raw
check flatten-raw 1 'write raw:FILE' $q flatten -o x.raw "$raw"
check flatten-raw-prefix 0 '' $q flatten -o x.raw "raw:$raw"
same flatten-raw-prefix-bytes x.raw "$raw"
json flatten-json 0 'v["bytes-total"] == 8 << 20 and v["bytes-copied"] + v["bytes-zero"] == v["bytes-total"]' $q flatten --json --no-sync -o x.raw $layers
head -c 10485760 /dev/zero | tr '\0' x >longer.raw
check flatten-in-place 0 '' $q flatten --in-place -o longer.raw $layers
check flatten-in-place-size 0 '^10485760 ' wc -c longer.raw
check flatten-tail-zeroed 0 'Images are identical' $q compare longer.raw -- $layers
head -c 10485760 /dev/zero | tr '\0' x >longer.raw
check flatten-tail-left 0 '2097152 bytes behind the end' $q flatten --in-place --tail leave -o longer.raw $layers
check flatten-tail-left-bytes 1 'offset 8388608!' $q compare longer.raw -- $layers
check flatten-tail-refused 2 'error' $q flatten --in-place --tail refuse -o longer.raw $layers
check flatten-bad-tail 2 "did you mean 'zero'" $q flatten --tail zeor -o x.raw "$base"
head -c 1048576 /dev/zero >small.raw
check flatten-too-small 2 'error' $q flatten --in-place -o small.raw $layers
check flatten-in-place-missing 2 'wants a file that exists' $q flatten --in-place -o none.raw $layers
check flatten-empty-target 2 "wants a target, found ''" $q flatten -o '' none.qcow2
json flatten-refused-json 1 'v["error"]["code"] == "Q_BACKING_POLICY" and v["error"]["file"].endswith(".qcow2")' $q flatten --json -o x.raw "$one" "$two"
json flatten-target-json 2 'v["error"]["code"] == "Q_TARGET_SMALL" and v["error"]["file"] == "small.raw"' $q flatten --json --in-place -o small.raw $layers
check flatten-no-threads 2 '--threads wants at least 1' $q flatten --threads 0 -o x.raw "$base"
check flatten-no-target 2 'no target was given' $q flatten "$base"
check flatten-no-layer 2 'no layer was given' $q flatten -o x.raw
check flatten-onto-layer 2 'is one of the layers' $q flatten -o "$one" $layers
ln "$one" hard.qcow2
check flatten-onto-hard-link 2 'is one of the layers' $q flatten --in-place -o hard.qcow2 $layers
ln -s out.raw target
check flatten-link 2 'is a symbolic link' $q flatten -o target $layers
check flatten-folder 2 'neither a regular file' $q flatten -o chain $layers
check flatten-device 2 'neither a regular file' $q flatten -o /dev/null $layers
check flatten-nowhere 2 'No such file' $q flatten -o none/x.raw $layers
check flatten-threads 2 'at most 64' $q flatten --threads 65 -o x.raw "$base"
check flatten-allocate 0 '' $q flatten --allocate -o full.raw $layers
check flatten-progress 0 'flatten: 100.0%' $q flatten --progress -o x.raw $layers
check flatten-no-progress 1 '' sh -c "$q flatten -o x.raw $layers 2>&1 | grep '%'"
# A size limit is an error like a full disk, and nothing stays behind.
check flatten-limit 2 'error' sh -c "ulimit -f 64; $q flatten -o limited.raw $layers"
check flatten-leaves-nothing 0 '' sh -c '! ls limited.raw*'
check flatten-backing 1 'is the full backup missing' $q flatten -o x.raw "$one" "$two"
check flatten-ignore-backing 0 '' $q flatten --ignore-backing -o x.raw "$one" "$two"
check flatten-order 1 '' $q flatten -o ordered.raw "$one" "$base"
check flatten-refused-leaves-nothing 0 '' sh -c '! ls ordered.raw*'
check flatten-old-target-stays 1 '' $q flatten -o out.raw "$one" "$base"
same flatten-old-target-bytes out.raw "$raw"

# ---- compare: the exit statuses of qemu-img compare ----
check compare-same 0 '^Images are identical.$' $q compare "$raw" -- $layers
check compare-chains 0 '^Images are identical.$' $q compare $layers -- $layers
check compare-raws 0 '^Images are identical.$' $q compare "$raw" -- "$raw"
check compare-manifest 0 '^Images are identical.$' $q compare --manifest "$manifest" "$raw"
check compare-manifest-dashes 0 '^Images are identical.$' $q compare --manifest "$manifest" -- "$raw"
check compare-different 1 '^Content mismatch at offset [0-9]*!$' $q compare "$raw" -- "$base" "$one" "$two"
check compare-names-layer 1 'bytes [0-9]* to [0-9]*: .*raw.* | layer [0-9]' $q compare "$raw" -- "$base" "$one" "$two"
check compare-ranges 1 '^  ... and more$' $q compare --ranges 1 "$raw" -- "$base"
check compare-no-ranges 1 '^Content mismatch' $q compare --ranges 0 "$raw" -- "$base"
json compare-json 1 'not v["same"] and v["differences"][0]["start"] <= v["first-difference"] and v["bytes-differing"] > 0' \
    $q compare --json "$raw" -- "$base"
json compare-json-same 0 'v["same"] and v["differences"] == []' $q compare --json "$raw" -- $layers
{ cat "$raw"; head -c 4096 /dev/zero; } >padded.raw
check compare-longer 0 'warning: the sizes differ: 8388608 and 8392704' $q compare "$raw" -- padded.raw
check compare-longer-strict 1 'Image size mismatch' $q compare -s "$raw" -- padded.raw
{ cat "$raw"; echo tail; } >tailed.raw
check compare-tail 1 'Content mismatch at offset 8388608!' $q compare "$raw" -- tailed.raw
check compare-no-second 2 'there is no second side' $q compare "$raw"
check compare-no-first 2 'there is no first side' $q compare -- "$raw"
check compare-missing 2 'No such file' $q compare "$raw" -- none.qcow2
check compare-no-threads 2 '--threads wants at least 1' $q compare --threads 0 "$raw" -- "$raw"
json compare-refused-json 2 'v["error"]["code"] == "Q_BACKING_POLICY"' $q compare --json "$raw" -- "$one" "$base"
# Disks that end inside a block: the range ends with the shorter one when the rest is zeros.
head -c 1000448 /dev/zero | tr '\0' x >odd.raw
head -c 1003520 /dev/zero >odd0.raw
check compare-odd-end 1 'bytes 0 to 1000447:' $q compare odd.raw -- odd0.raw
json compare-odd-end-json 1 'v["bytes-differing"] == v["differences"][0]["length"] == 1000448' $q compare --json odd0.raw -- odd.raw
{ cat odd.raw; head -c 3072 /dev/zero | tr '\0' y; } >odder.raw
check compare-odd-tail 1 'bytes 999424 to 1003519:' $q compare odd.raw -- odder.raw
check compare-refused 2 '' $q compare "$raw" -- "$one" "$base"
check compare-many-threads 2 'at most 64' $q compare --threads 65 "$raw" -- "$raw"
broken tables l2-past-end:1
set -- tables/kubevirt-datamover/checkpoints/shop/db1/*/*.qcow2
check compare-tables 3 '\[Q_L2_ENTRY\]$' $q compare "$@" -- "$@"
$q create-chain garbage --size 4MiB --increments 2 --cluster-size 64k --compression deflate --defect compressed-garbage:2 >/dev/null || exit 1
set -- garbage/kubevirt-datamover/checkpoints/shop/db1/*/*.qcow2
$q create-chain sound --size 4MiB --increments 2 --cluster-size 64k --raw >/dev/null || exit 1
check compare-data 4 '\[Q_COMP\]$' $q compare "$@" -- sound/raw/root-I2.raw

# The rule as the second side.
rule=chain/rule.json
check rule-same 0 '^Images are identical.$' $q compare $layers --rule $rule --at I3
check rule-raw 0 '^Images are identical.$' $q compare "$raw" --rule $rule --at I3
check rule-disk 0 '^Images are identical.$' $q compare "$raw" --rule $rule --at I3 --disk root
check rule-older 1 'I2' $q compare "$base" "$one" "$two" --rule $rule --at I3
json rule-json 1 'v["explanation"] and v["differences"][0]["b"]["rule"]' $q compare --json "$base" --rule $rule --at I3
check rule-without-at 2 '\-\-rule wants --at' $q compare "$raw" --rule $rule
check at-without-rule 2 '\-\-at goes with --rule' $q compare "$raw" --at F
check rule-and-layers 2 'the rule is the second side' $q compare "$raw" --rule $rule --at F -- "$base"
check rule-no-checkpoint 2 "no checkpoint 'I4'" $q compare "$raw" --rule $rule --at I4
check rule-no-disk 2 "disk 'none'" $q compare "$raw" --rule $rule --at F --disk none
check rule-missing 2 'No such file' $q compare "$raw" --rule none.json --at F
check rule-broken 2 'error' $q compare "$raw" --rule "$raw" --at F

# ---- more layers than a default of 512, and than files may be open ----
many="$base"
mkdir -p many
number=1
while [ $number -le 600 ]; do
    cp "$one" many/$number.qcow2
    many="$many many/$number.qcow2"
    number=$((number + 1))
done
check many-layers 0 '601 layers: data' sh -c "ulimit -Sn 100; $q map $many"
check many-layers-limit 2 '601 layers need' sh -c "ulimit -n 100; $q map $many"
check many-layers-svg 0 '' $q map --svg many.svg $many
check many-layers-svg-bounded 0 '' sh -c '[ "$(wc -c <many.svg)" -lt 1000000 ]'
check many-layers-compare 0 '^Images are identical.$' sh -c "ulimit -Sn 700; $q compare $many -- $base $one"
if command -v xmllint >/dev/null; then
    check many-layers-svg-well-formed 0 '' xmllint --noout many.svg
fi

echo "$count command lines, $failed failed"
[ "$failed" -eq 0 ]
