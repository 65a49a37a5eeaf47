#!/bin/sh
# Both engines of the downloader against every way to break a chain: engines.sh PROGRAM. What one refuses, the other refuses with the
# same code; what both restore is the same disk.
set -u
program=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
command -v qemu-img >/dev/null || { echo "qemu-img is not installed" && exit 77; }
cd "$work" || exit 2
cat >nowhere <<'END'
{apiVersion: v1, kind: Config, current-context: x, clusters: [{name: x, cluster: {server: "http://127.0.0.1:1"}}],
 users: [{name: x, user: {}}], contexts: [{name: x, context: {cluster: x, user: x}}]}
END

# restore ENGINE: says the code that it ended with, or the digest of the disk.
restore() {
    cat >config <<END
{args: [/manager, download], engine: $1, env: {KUBEVIRT_DM_BSL_PROVIDER: aws, KUBEVIRT_DM_BSL_BUCKET: made, KUBEVIRT_DM_VM_NAME: db1,
 KUBEVIRT_DM_VM_NAMESPACE: shop, KUBEVIRT_DM_VELERO_BACKUP_NAME: backup-3, KUBEVIRT_DM_TARGET_VOLUME: root,
 KUBEVIRT_DM_TARGET_PATH: /scratch/disk.img}}
END
    rm -rf pod && mkdir -p pod/scratch
    if "$program" component datamover-downloader --kubeconfig nowhere --objects . --root pod --config config >said 2>&1; then
        sha256sum <pod/scratch/disk.img
    else
        grep -o 'E-[A-Z-]*' said | head -n 1
        [ -z "$(ls -A pod/scratch)" ] || echo "left behind: $(ls -A pod/scratch)"
    fi
}

refused=0
for kind in none $("$program" qcow2 create-chain --list-defects | sed 's|[: ].*||'); do
    rm -rf made
    set -- --size 4MiB --full 2MiB --change 256KiB --increments 2 --cluster-size 64KiB
    case $kind in
    none) ;;
    extended-l2-lie | subcluster-clash) set -- "$@" --extended-l2 --defect "$kind" ;;
    compressed-*) set -- "$@" --compression deflate --defect "$kind" ;;
    *) set -- "$@" --defect "$kind" ;;
    esac
    "$program" qcow2 create-chain made "$@" >made.out 2>&1 || continue
    count=$((count + 1))
    one=$(restore qemu-img) other=$(restore native)
    [ "$one" = "$other" ] && [ -n "$one" ] && case $one in E-*left*) false ;; *) true ;; esac ||
        { echo "$kind: qemu-img says '$one', native '$other'" && failed=$((failed + 1)); }
    case $one in E-*) refused=$((refused + 1)) ;; esac
done
[ "$count" -ge 45 ] && [ "$refused" -ge 40 ] || { echo "only $count chains, $refused of them refused" && failed=$((failed + 1)); }
echo "$count chains, $refused refused, $failed differences"
[ "$failed" -eq 0 ]
