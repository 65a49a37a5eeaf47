#!/bin/sh
# A chain up into a real S3 server, and down again through the downloader: bench.sh BUILD WORK. The disk is compared with the rule.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
mkdir -p "$2"
WORK=$(cd "$2" && pwd)
export WORK
. "$here/server.sh"
"$here/prepare" || exit $?

folder=$(mktemp -d -p "$WORK")
cleanup() {
    stop_server "$folder"
    rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
start_server "$folder"

"$build/vmconform" qcow2 create-chain --size 1GiB --full 1GiB --increments 10 --change 10MiB "$folder/chain" >/dev/null
mkdir "$folder/up" "$folder/pod"
mv "$folder/chain/kubevirt-datamover" "$folder/up/"
"$build/bench/bench_s3" "$S3_URL" "$folder/up"

backup=$(ls "$folder/up/kubevirt-datamover/manifests" | sort -V | tail -n 1)
cat >"$folder/kubeconfig" <<END
apiVersion: v1
kind: Config
clusters: [{name: none, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: none, user: {}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
current-context: none
END
cat >"$folder/config" <<END
args: [/manager, download]
env: {KUBEVIRT_DM_BSL_PROVIDER: aws, KUBEVIRT_DM_BSL_BUCKET: backups, KUBEVIRT_DM_VM_NAME: db1, KUBEVIRT_DM_VM_NAMESPACE: shop,
  KUBEVIRT_DM_VELERO_BACKUP_NAME: $backup, KUBEVIRT_DM_TARGET_VOLUME: root, KUBEVIRT_DM_TARGET_PATH: /scratch/disk.img, KUBEVIRT_DM_ENGINE: native}
END
python3 - "$build/vmconform" "$S3_URL" "$folder" <<'END'
import os, resource, subprocess, sys, time
program, url, folder = sys.argv[1:]
begun = time.monotonic()
subprocess.run([program, "component", "datamover-downloader", "--kubeconfig", folder + "/kubeconfig", "--s3", url, "--root", folder + "/pod",
                "--config", folder + "/config"], check=True, stderr=subprocess.DEVNULL)
seconds = time.monotonic() - begun
size = os.stat(folder + "/pod/scratch/disk.img").st_size >> 20
memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
print(f"down: a disk of {size} MiB from 11 layers in {seconds:.1f} s, {memory} MiB of memory")
END
"$build/vmconform" qcow2 compare "$folder/pod/scratch/disk.img" --rule "$folder/chain/rule.json" --at I10 | tail -n 1
