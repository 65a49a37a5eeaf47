#include "components/kubevirt-datamover/kinds.h"

const struct kind kind_dm_download = {{"velero.io", "v2alpha1", "datadownloads"}, "DataDownload"};
const struct kind kind_dm_upload = {{"velero.io", "v2alpha1", "datauploads"}, "DataUpload"};
const struct kind kind_dm_location = {{"velero.io", "v1", "backupstoragelocations"},
                                      "BackupStorageLocation"};
const struct kind kind_dm_claim = {{"", "v1", "persistentvolumeclaims"}, "PersistentVolumeClaim"};
const struct kind kind_dm_volume = {{"", "v1", "persistentvolumes"}, "PersistentVolume"};
const struct kind kind_dm_pod = {{"", "v1", "pods"}, "Pod"};
const struct kind kind_dm_secret = {{"", "v1", "secrets"}, "Secret"};
const struct kind kind_dm_event = {{"", "v1", "events"}, "Event"};
const struct kind kind_dm_vm = {{"kubevirt.io", "v1", "virtualmachines"}, "VirtualMachine"};
const struct kind kind_dm_backup = {{"backup.kubevirt.io", "v1alpha1", "virtualmachinebackups"},
                                    "VirtualMachineBackup"};
const struct kind kind_dm_tracker = {
    {"backup.kubevirt.io", "v1alpha1", "virtualmachinebackuptrackers"},
    "VirtualMachineBackupTracker"};
