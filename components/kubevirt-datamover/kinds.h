/* The kinds, keys and words of the datamover (datamover.md 1.2, 1.6, 1.8). */
#ifndef VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_KINDS_H
#define VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_KINDS_H

#include "components/runtime/client.h"

extern const struct kind kind_dm_download; /* DataDownload */
extern const struct kind kind_dm_upload;   /* DataUpload */
extern const struct kind kind_dm_location; /* BackupStorageLocation */
extern const struct kind kind_dm_claim;    /* PersistentVolumeClaim */
extern const struct kind kind_dm_volume;   /* PersistentVolume */
extern const struct kind kind_dm_pod;
extern const struct kind kind_dm_secret;
extern const struct kind kind_dm_event;
extern const struct kind kind_dm_vm;      /* VirtualMachine */
extern const struct kind kind_dm_backup;  /* VirtualMachineBackup */
extern const struct kind kind_dm_tracker; /* VirtualMachineBackupTracker */

#define DM_NAME "kubevirt-datamover-controller"
#define DM_DATAMOVER "kubevirt" /* spec.datamover of what is ours */

/* Labels. */
#define KEY_BACKUP "velero.io/backup-name"
#define KEY_RESTORE "velero.io/restore-name"
#define KEY_DOWNLOAD_UID "velero.io/datadownload-uid"
#define KEY_UPLOAD_UID "velero.io/dataupload-uid"
#define KEY_VM_HASH "kubevirt-datamover.io/vm-name-hash"
#define KEY_ROLE "kubevirt-datamover.io/scratch-volume-role"
#define KEY_POD_TYPE "kubevirt-datamover.io/pod-type"
#define ROLE_WORK "work"
#define ROLE_OUTPUT "output"

/* Annotations. */
#define KEY_VM_NAME "kubevirt-datamover.io/vm-name"
#define KEY_VM_NAMESPACE "kubevirt-datamover.io/vm-namespace"
#define KEY_DISK "kubevirt-datamover.io/target-disk-name"
#define KEY_BLOCK "kubevirt-datamover.io/restore-block-mode"
#define KEY_SUCCEEDED "kubevirt-datamover.io/downloader-pod-succeeded"
#define KEY_ORIGINAL_POLICY "kubevirt-datamover.io/original-reclaim-policy"
#define KEY_RUN_STRATEGY "kubevirt-datamover.io/original-run-strategy"
#define KEY_RUN_SOURCE "kubevirt-datamover.io/original-run-strategy-source"
#define KEY_BOUND_BY_CONTROLLER "pv.kubernetes.io/bound-by-controller"
#define KEY_DOWNLOAD_NAME "velero.io/datadownload-name"
#define KEY_UPLOAD_NAME "velero.io/dataupload-name"
#define KEY_UPLOAD_SUCCEEDED "kubevirt-datamover.io/datamover-pod-succeeded"
#define KEY_FORCE_FULL "kubevirt-datamover.io/force-full-backup"
#define KEY_MAX_INCREMENTAL "kubevirt-datamover.io/max-incremental-backups"
#define KEY_TEMP_SIZE "kubevirt-datamover.io/backup-pvc-size"
#define KEY_VALIDATED "kubevirt-datamover.io/bsl-validated"
#define KEY_EXPECTED "kubevirt-datamover.io/expected-backup-type"
#define KEY_TRACKER "kubevirt-datamover.io/vmbt-name"

/* Private to this controller. */
#define KEY_RETRIES "kubevirt-datamover.io/enospc-retries" /* on a DataDownload: how many */
#define KEY_RESTAGING                                                                              \
    "kubevirt-datamover.io/enospc-restaging" /* "true" while one is being set up */
#define KEY_VMB                                                                                    \
    "kubevirt-datamover.io/vmb-name" /* on a DataUpload: the backup that was made for it */
#define KEY_PARENT "kubevirt-datamover.io/parent-checkpoint" /* and what it is an increment of */
#define KEY_QUEUED "kubevirt-datamover.io/queued-at"
#define KEY_ATTEMPT "kubevirt-datamover.io/attempt" /* on a pod: the retries it was made for */

#define SCRATCH_PREFIX "kubevirt-restore-scratch-"
#define POD_PREFIX "kubevirt-dm-dl-"
#define TEMP_PREFIX "kubevirt-backup-"
#define REBOUND_PREFIX "kubevirt-dm-pvc-"
#define UPLOAD_POD_PREFIX "kubevirt-dm-"

#endif
