#!/bin/sh
# Restores one disk: fetches the backup's images in their order, puts each onto the one before it, converts the newest.
set -eu
cd "$KUBEVIRT_DM_SCRATCH_PATH"
store=$KUBEVIRT_DM_BSL_S3_URL/$KUBEVIRT_DM_BSL_BUCKET/kubevirt-datamover
vm=$KUBEVIRT_DM_VM_NAMESPACE name=$KUBEVIRT_DM_VM_NAME newest=
fetch() { curl -sf "$store/$1" -o "$2" || { echo "E-GET: $1" >"$KUBEVIRT_DM_TERMINATION_MESSAGE" && exit 1; }; }
trap 'rm -f layer-*' EXIT
fetch "manifests/$KUBEVIRT_DM_VELERO_BACKUP_NAME/$vm-$name.json" layer-chain
fetch "checkpoints/$vm/$name/index.json" layer-index
for path in $(jq -r --slurpfile index layer-index --arg disk "$KUBEVIRT_DM_TARGET_VOLUME" '.checkpointChain[] as $id |
    $index[0].checkpoints[] | select(.id == $id) | .files[] | select(.diskName == $disk) | .objectPath' layer-chain); do
    image=layer-$(echo "$path" | tr / -)
    fetch "$path" "$image"
    [ -z "$newest" ] || qemu-img rebase -u -f qcow2 -F qcow2 -b "$newest" "$image"
    newest=$image
done
umask 077
qemu-img convert -f qcow2 -O raw "$newest" "$KUBEVIRT_DM_TARGET_PATH"
