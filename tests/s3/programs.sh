#!/bin/sh
# The datamover's programs against a real S3 server: a chain of three images goes up through datamover-uploader, one run for each backup, and
# down through datamover-downloader, and the server is killed and comes back in the middle of either way: programs.sh VMCONFORM WORK.
# WORK stays between runs.
set -u
here=$(cd "$(dirname "$0")" && pwd)
vmconform=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
mkdir -p "$2"
WORK=$(cd "$2" && pwd)
export WORK
. "$here/server.sh"
"$here/prepare" || exit $?

MEMORY_MAX_MIB=160 # under the sanitizers; the chain has more
# Memory that was freed is kept back by the sanitizer, and would count.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=8"
folder=$(mktemp -d)
cleanup() {
    stop_server "$folder"
    [ ! -f "$folder/serve.pid" ] || kill "$(cat "$folder/serve.pid")" 2>/dev/null
    rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

fail() {
    echo "failed: $*"
    [ ! -f "$folder/said" ] || tail -n 5 "$folder/said"
    exit 1
}

# What a cluster knows of the machine.
write_world() {
    cat <<END
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: db1-root, namespace: shop}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 192Mi}}}
---
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: db1, namespace: shop}
spec:
  runStrategy: Halted
  template:
    spec:
      domain: {devices: {disks: [{name: root, disk: {bus: virtio}}]}}
      volumes: [{name: root, persistentVolumeClaim: {claimName: db1-root}}]
END
}

# mib_below PATH: what lies below it, in MiB; 0: it is not there.
mib_below() {
    mib=$(du -sm --apparent-size "$1" 2>/dev/null | cut -f 1)
    echo "${mib:-0}"
}

# run NAME KILL_AT PATH ARGUMENT...: a program, which must succeed; when PATH has grown to KILL_AT MiB, the server dies, and comes back. 0: it lives.
run() {
    name=$1 kill_at=$2 path=$3
    shift 3
    python3 -c '
import resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
open(sys.argv[1], "w").write(str(memory))
sys.exit(code)' "$folder/memory" "$vmconform" component "$name" --kubeconfig "$folder/kubeconfig" --s3 "$S3_URL" "$@" >"$folder/said" 2>&1 &
    program=$!
    if [ "$kill_at" -gt 0 ]; then
        until [ "$(mib_below "$path")" -ge "$kill_at" ] || ! kill -0 "$program" 2>/dev/null; do
            sleep 0.02
        done
        kill -0 "$program" 2>/dev/null || fail "$name has ended before the server could be killed"
        stop_server "$folder"
        sleep 0.5
        launch_server "$folder"
    fi
    wait "$program" || fail "$name"
    memory=$(cat "$folder/memory")
    [ "$memory" -le "$MEMORY_MAX_MIB" ] || fail "$name took $memory MiB of memory"
}

# A backup of the machine, which the uploader archives, and deletes when it is through: only then there may be another.
make_backup() {
    server=$(sed -n 's/^serving \([^,]*\),.*/\1/p' "$folder/serve")
    curl -sSk --fail-with-body -o "$folder/said" -H 'Content-Type: application/yaml' --data-binary @- \
        "$server/apis/backup.kubevirt.io/v1alpha1/namespaces/shop/virtualmachinebackups" <<END || fail "the backup $1 cannot be made"
apiVersion: backup.kubevirt.io/v1alpha1
kind: VirtualMachineBackup
metadata: {name: $1, namespace: shop}
spec: {source: {apiGroup: kubevirt.io, kind: VirtualMachine, name: db1}, pvcName: backups}
END
}

start_server "$folder" || exit 1
"$vmconform" qcow2 create-chain --size 192MiB --full 192MiB --increments 2 --change 48MiB "$folder/chain" >/dev/null || fail create-chain
write_world >"$folder/world.yaml"
"$vmconform" serve --address 127.0.0.1:0 --anonymous --kubeconfig "$folder/kubeconfig" --world "$folder/world.yaml" >"$folder/serve" 2>&1 &
echo $! >"$folder/serve.pid"
until grep -q '^serving' "$folder/serve"; do
    kill -0 "$(cat "$folder/serve.pid")" 2>/dev/null || fail "serve: $(cat "$folder/serve")"
    sleep 0.1
done

parent=
for n in 1 2 3; do
    checkpoint=$(basename "$folder"/chain/kubevirt-datamover/checkpoints/shop/db1/vmb-backup-$n-*)
    pod=$folder/pod-$n
    mkdir -p "$pod/backup-data"
    mv "$folder/chain/kubevirt-datamover/checkpoints/shop/db1/$checkpoint"/*.qcow2 "$pod/backup-data/"
    type=incremental
    [ "$n" -ne 1 ] || type=full
    cat >"$folder/config" <<END
args: [/manager, upload]
env: {KUBEVIRT_DM_BSL_PROVIDER: aws, KUBEVIRT_DM_BSL_BUCKET: backups, KUBEVIRT_DM_VM_NAME: db1, KUBEVIRT_DM_VM_NAMESPACE: shop,
  KUBEVIRT_DM_VELERO_BACKUP_NAME: backup-$n, KUBEVIRT_DM_CHECKPOINT_NAME: $checkpoint, KUBEVIRT_DM_PARENT_CHECKPOINT: "$parent",
  KUBEVIRT_DM_BACKUP_TYPE: $type, KUBEVIRT_DM_VMB_NAME: vmb-backup-$n}
END
    kill_at=0
    [ "$n" -ne 1 ] || kill_at=32
    size=$(mib_below "$pod")
    make_backup "vmb-backup-$n"
    run datamover-uploader "$kill_at" "$folder/data" --root "$pod" --config "$folder/config"
    echo "up: an image of $size MiB ($type)$([ "$kill_at" -eq 0 ] || echo ', the server killed on the way'), $memory MiB of memory"
    parent=$checkpoint
done

download() {
    rm -rf "$folder/pod"
    mkdir "$folder/pod"
    cat >"$folder/config" <<END
args: [/manager, download]
env: {KUBEVIRT_DM_BSL_PROVIDER: aws, KUBEVIRT_DM_BSL_BUCKET: backups, KUBEVIRT_DM_VM_NAME: db1, KUBEVIRT_DM_VM_NAMESPACE: shop,
  KUBEVIRT_DM_VELERO_BACKUP_NAME: backup-3, KUBEVIRT_DM_TARGET_VOLUME: root, KUBEVIRT_DM_TARGET_PATH: /scratch/disk.img, KUBEVIRT_DM_ENGINE: native}
END
    run datamover-downloader "$1" "$folder/pod" --root "$folder/pod" --config "$folder/config"
}

download 32
echo "down: a disk of $(mib_below "$folder/pod/scratch/disk.img") MiB from 3 images, the server killed on the way, $memory MiB of memory"
"$vmconform" qcow2 compare "$folder/pod/scratch/disk.img" --rule "$folder/chain/rule.json" --at I2 >"$folder/said" 2>&1 || fail "the disk is not that of the moment"
tail -n 1 "$folder/said"

# A byte changes in the store, whose own checksum of it is gone with the server that knew it: the index's digest tells.
image=$(find "$folder/data/backups" -name 'vmb-backup-2-*.qcow2' | head -n 1)
python3 -c '
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(1 << 20)
    byte = f.read(1)
    f.seek(1 << 20)
    f.write(bytes([byte[0] ^ 1]))' "$image"
if (download 0) >"$folder/refused" 2>&1; then
    fail "a changed image was restored"
fi
grep -q E-DIGEST "$folder/refused" || fail "the changed image was refused for another reason: $(cat "$folder/refused")"
[ ! -e "$folder/pod/scratch/disk.img" ] || fail "a disk was left of a changed image"
echo "a changed image is refused"
