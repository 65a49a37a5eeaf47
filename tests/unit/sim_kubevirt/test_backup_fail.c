/* Backups that wait, are refused, fail or are aborted (kubevirt-csi.md 4.1, 4.3, 4.5, 4.6, 8.6). */
#include "tests/unit/sim_kubevirt/script.h"
#include "tests/unit/suite.h"

#define LABEL "patch vm a {\"metadata\":{\"labels\":{\"changedBlockTracking\":\"true\"}}}\n"
#define START "patch vm a {\"spec\":{\"runStrategy\":\"Always\"}}\nrun 20s\n"
#define STOP "patch vm a {\"spec\":{\"runStrategy\":\"Halted\"}}\nrun 20s\n"
#define RESTART "call vm a restart\nrun 40s\n"
#define TRACKED                                                                                    \
    "claim disk\n"                                                                                 \
    "claim target\n"                                                                               \
    "vm a Halted disk\n" LABEL START
#define FULL "tracker t a\nbackup f t target\nrun 20s\ncond vmbackup f Complete True\n"
/* The message of Progressing. */
#define SAYS(NAME, TEXT) "has vmbackup " NAME " status.conditions \"" TEXT "\"\n"
#define BLOCK_CLAIM                                                                                \
    "create {\"apiVersion\":\"v1\",\"kind\":\"PersistentVolumeClaim\",\"metadata\":{\"name\":"     \
    "\"block\",\"namespace\":\"default\"},\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],"          \
    "\"volumeMode\":\"Block\",\"resources\":{\"requests\":{\"storage\":\"64Mi\"}}}}\n"
#define SMALL_CLAIM                                                                                \
    "create {\"apiVersion\":\"v1\",\"kind\":\"PersistentVolumeClaim\",\"metadata\":{\"name\":"     \
    "\"small\",\"namespace\":\"default\"},\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],"          \
    "\"resources\":{\"requests\":{\"storage\":\"4Mi\"}}}}\n"
#define FAULT(POINT, MATCH, ACTION)                                                                \
    "fault {\"point\":\"" POINT "\",\"match\":{" MATCH "},\"action\":{" ACTION "}}\n"
#define ONCE(POINT, MATCH, ACTION)                                                                 \
    "fault {\"point\":\"" POINT "\",\"times\":1,\"match\":{" MATCH "},\"action\":{" ACTION "}}\n"

static const struct script_case waits[] = {
    {"BK-05: a machine that is stopped",
     "claim disk\n"
     "claim target\n"
     "vm a Halted disk\n" LABEL "backup b vm:a target\n"
     "run 5s\n"
     "cond vmbackup b Progressing True Initializing\n" SAYS(
         "b", "vm a is not running, cannot do backup") "is vmbackup b metadata.finalizers\n" START
                                                       "run 20s\n"
                                                       "cond vmbackup b Complete True Completed\n"},
    {"BK-06: tracking is not enabled",
     "claim disk\n"
     "claim target\n"
     "vm a Always disk\n"
     "run 20s\n"
     "backup b vm:a target\n"
     "run 5s\n" SAYS("b", "vm a has no ChangedBlockTracking, cannot start backup") LABEL RESTART
     "cond vmbackup b Complete True Completed\n"},
    {"BK-07: the tracker comes later", TRACKED
     "backup b t target\n"
     "run 5s\n" SAYS("b",
                     "BackupTracker t does not exist") "tracker t a\n"
                                                       "run 20s\n"
                                                       "cond vmbackup b Complete True Completed\n"},
    {"the machine comes later, and nothing wakes the backup but its instance",
     "claim target\n"
     "backup b vm:a target\n"
     "run 5s\n" SAYS("b", "VM default/a doesnt exist") "claim disk\n"
                                                       "vm a Halted disk\n" LABEL "run 5s\n" SAYS(
                                                           "b", "VM default/a doesnt exist") START
     "run 20s\n"
     "cond vmbackup b Complete True Completed\n"},
    {"BK-08: the claim comes later, and wakes nothing",
     "claim disk\n"
     "vm a Halted disk\n" LABEL START "backup b vm:a target\n"
     "run 5s\n" SAYS("b", "PVC default/target doesnt exist") "has vmbackup b metadata.finalizers "
                                                             "vmbackup-protection\n"
                                                             "claim target\n"
                                                             "run 60s\n" SAYS(
                                                                 "b", "PVC default/target doesnt "
                                                                      "exist") "call vmi a pause\n"
                                                                               "run 20s\n"
                                                                               "cond vmbackup b "
                                                                               "Complete True\n"},
    {"no volume to back up", "claim target\n"
                             "vm a Halted c:\n" LABEL START "backup b vm:a target\n"
                             "run 5s\n" SAYS("b", "vm a has no volumes to backup")},
    {"BK-09: a claim of mode Block", TRACKED BLOCK_CLAIM "backup b vm:a block\n"
                                                         "run 20s\n"
                                                         "cond vmbackup b Progressing none\n"
                                                         "is vmi a spec.utilityVolumes\n"
                                                         "delete vmbackup b\n"
                                                         "run 20s\n"
                                                         "gone vmbackup b\n"},
    {"BK-10: the target is never mounted",
     "knob utilityVolumes false\n" TRACKED "backup b vm:a target\n"
     "run 5m\n"
     "is vmbackup b status\n"
     "has vmi a spec.utilityVolumes b-backup-target-pvc\n"
     "delete vmbackup b\n"
     "run 5s\n"
     "gone vmbackup b\n"
     "event VirtualMachineBackupFailed 1\n"
     "is vmi a spec.utilityVolumes\n"},
    {"B-13: a disk never gets its overlay",
     FAULT("plug", "\"op\":\"overlay\"", "\"hang\":true") TRACKED
     "is vmi a status.changedBlockTracking.state Initializing\n"
     "is vm a status.changedBlockTracking.state Initializing\n"
     "backup b vm:a target\n"
     "run 1h\n" SAYS("b", "vm a has no ChangedBlockTracking, cannot start backup")},
    {"the target takes its time, and says so",
     "duration attach 1m\n" TRACKED "backup b vm:a target\n"
     "run 30s\n"
     "has vmi a status.volumeStatus \"phase\":\"AttachedToNode\"\n"
     "is vmbackup b status\n"
     "run 40s\n"
     "cond vmbackup b Complete True\n"
     "is vmi a status.volumeStatus\n"},
    {"waits in the words of 1.8", "knob version \"1.8\"\n"
                                  "claim target\n"
                                  "backup b vm:a target\n"
                                  "run 5s\n"
                                  "cond vmbackup b Initializing True VM default/a doesnt exist\n"
                                  "cond vmbackup b Progressing False VM default/a doesnt exist\n"
                                  "event VirtualMachineBackupInitializing 1\n"},
    {"a backup that waits is deleted at once", "claim target\n"
                                               "backup b vm:a target\n"
                                               "run 5s\n"
                                               "delete vmbackup b\n"
                                               "gone vmbackup b\n"},
};

START_TEST(waiting)
{
    script_run(&waits[_i], 0);
}
END_TEST

#define MIGRATION(NAME, MORE)                                                                      \
    "create {\"apiVersion\":\"kubevirt.io/v1\",\"kind\":\"VirtualMachineInstanceMigration\","      \
    "\"metadata\":{\"name\":\"" NAME                                                               \
    "\",\"namespace\":\"default\"},\"spec\":{\"vmiName\":\"a\"" MORE "}}\n"
#define CRITICAL ",\"priority\":\"system-critical\""

static const struct script_case migrations[] = {
    {"a migration alone",
     TRACKED MIGRATION("m", "") "run 5s\n"
                                "is vmim m status.phase Running\n"
                                "is vm a status.printableStatus Migrating\n"
                                "run 10s\n"
                                "is vmim m status.phase Succeeded\n"
                                "is vm a status.printableStatus Running\n" MIGRATION(
                                    "n", "") "run 20s\n"
                                             "is vmim n status.phase Succeeded\n"},
    {"BK-24: a backup waits for it",
     TRACKED MIGRATION(
         "m", "") "run 1s\n"
                  "backup b vm:a target\n"
                  "run 5s\n" SAYS(
                      "b", "vm a is currently migrating, waiting for migration to complete before "
                           "starting backup") "run 20s\n"
                                              "cond vmbackup b Complete True\n"},
    {"BK-25: it waits for a backup", TRACKED
     "backup b vm:a target\n"
     "run 4s\n" MIGRATION("m", "") "run 1s\n"
                                   "is vmim m status.phase Pending\n"
                                   "cond vmim m BlockedByBackup True BackupInProgress\n"
                                   "has vmim m status.conditions Waiting for backup b to complete\n"
                                   "run 10s\n"
                                   "cond vmbackup b Complete True\n"
                                   "cond vmim m BlockedByBackup none\n"
                                   "run 10s\n"
                                   "is vmim m status.phase Succeeded\n"},
    {"B-47: a system-critical one ends the backup", TRACKED
     "tracker t a\n"
     "backup b t target\n"
     "run 4s\n" MIGRATION(
         "m",
         CRITICAL) "run 2s\n"
                   "cond vmbackup b Failed True Failed\n" SAYS(
                       "b",
                       "Backup has failed: backup aborted") "event BackupAbortedForMigration 1\n"
                                                            "is vmbackuptracker t status\n"
                                                            "run 20s\n"
                                                            "is vmim m status.phase Succeeded\n"},
    {"a target that does not come off fails it",
     TRACKED "fault {\"point\":\"plug\",\"match\":{\"op\":\"attach\"},\"action\":{\"hang\":true}}\n"
             "backup b vm:a target\n"
             "run 4s\n" MIGRATION("m", "") "run 140s\n"
                                           "is vmim m status.phase Pending\n"
                                           "run 20s\n"
                                           "is vmim m status.phase Failed\n"},
    {"an instance that does not run", MIGRATION("m", "") "run 1s\n"
                                                         "is vmim m status.phase Failed\n"},
    {"B-48: bitmaps get lost on the way",
     TRACKED FULL FAULT("bitmap", "\"during\":\"migration\"", "\"lost\":true")
         MIGRATION("m", "") "run 20s\n"
                            "is vmim m status.phase Succeeded\n"
                            "backup i t target\n"
                            "run 1h\n"
                            "is vmbackup i status\n"
                            "has vmbackuptracker t status.latestCheckpoint.name f-\n"},
    {"the chain goes on behind it",
     TRACKED FULL "remember disk m1\n" MIGRATION("m", "") "run 20s\n"
                                                          "event CheckpointRedefinitionFailed 0\n"
                                                          "write a 9 1\n"
                                                          "remember disk m2\n"
                                                          "backup i t target\n"
                                                          "run 20s\n"
                                                          "exactly target a d0 i m1 m2\n"},
};

START_TEST(migrating)
{
    script_run(&migrations[_i], 0);
}
END_TEST

static const struct script_case refusals[] = {
    {"BK-18: the same source, and the same name",
     TRACKED "backup b vm:a target\n"
             "refused 422 VirtualMachineBackup \"b\" in progress for source\n"
             "backup c vm:a target\n"
             "refused 422 VirtualMachineBackup \"b\" already exists\n"
             "backup b vm:a target\n"
             "run 20s\n"
             "refused 422 VirtualMachineBackup \"b\" already exists\n"
             "backup b vm:a target\n"
             "backup c vm:a target\n"},
    {"BK-30: the gate is closed", "knob incrementalBackup false\n"
                                  "refused 400 IncrementalBackup feature gate not enabled\n"
                                  "backup b vm:a target\n"
                                  "refused 400 IncrementalBackup feature gate not enabled\n"
                                  "tracker t a\n"},
    {"the gate by a fault",
     FAULT("gate", "\"kind\":\"VirtualMachineBackup\"",
           "\"closed\":true") "refused 400 IncrementalBackup feature gate not enabled\n"
                              "backup b vm:a target\n"
                              "tracker t a\n"},
    {"BK-31: what the definition wants",
     "refused 422 tokenSecretRef is required when mode is Pull\n"
     "backup b vm:a target {\"mode\":\"Pull\"}\n"
     "refused 422 pvcName is required\n"
     "backup b vm:a target {\"pvcName\":\"\"}\n"
     "backup b vm:a target\n"
     "refused 422 spec is immutable after creation\n"
     "patch vmbackup b {\"spec\":{\"skipQuiesce\":true}}\n"},
    {"without virt-api", "virtapi down\n"
                         "refused 500 virtualmachinebackup-validator.backup.kubevirt.io\n"
                         "backup b vm:a target\n"
                         "refused 500 virtualmachinebackuptracker-validator.backup.kubevirt.io\n"
                         "tracker t a\n"},
};

START_TEST(refused)
{
    script_run(&refusals[_i], 0);
}
END_TEST

static const struct script_case ends[] = {
    {"BK-11: the claim fills up while it runs", TRACKED SMALL_CLAIM FULL
     "write a 0 2048\n"
     "backup b t small\n"
     "run 20s\n"
     "cond vmbackup b Failed True Failed\n" SAYS(
         "b",
         "Backup has failed: No space left on device") "cond vmbackup b Progressing False Failed\n"
                                                       "cond vmbackup b Complete none\n"
                                                       "event VirtualMachineBackupFailed 1\n"
                                                       "has vmbackuptracker t "
                                                       "status.latestCheckpoint.name f-\n"
                                                       "is vmi a spec.utilityVolumes\n"
                                                       "empty small a d0 b\n"},
    {"BK-11 in the words of 1.8",
     "knob version \"1.8\"\n" TRACKED SMALL_CLAIM "tracker t a\n"
     "write a 0 2048\n"
     "backup b t small\n"
     "run 20s\n"
     "cond vmbackup b Done True Backup has failed: No space left on device\n"
     "cond vmbackup b Progressing False Backup has failed: No space left on device\n"
     "is vmbackuptracker t status\n"},
    {"BK-12: the claim is full before", TRACKED SMALL_CLAIM
     "write a 0 600\n"
     "backup b vm:a small\n"
     "run 20s\n"
     "cond vmbackup b Complete True\n"
     "backup c vm:a small\n"
     "run 60s\n"
     "is vmbackup c status\n"
     "has events * message error creating dir for backup: No space left on device\n"
     "folders small a 1\n"},
    {"B-11: no space, although there is room",
     TRACKED ONCE("backup", "\"name\":\"b\"",
                  "\"fail\":\"ENOSPC\"") "backup b vm:a target\n"
                                         "run 20s\n"
                                         "cond vmbackup b Failed True Failed\n" SAYS(
                                             "b", "Backup has failed: No space left on "
                                                  "device") "empty target a d0 b\n"},
    {"B-10: the target is a raw device",
     TRACKED FAULT("backup", "\"name\":\"b\"",
                   "\"rawTarget\":true") "backup b vm:a target\n"
                                         "run 20s\n"
                                         "cond vmbackup b Failed True Failed\n"
                                         "folders target a 0\n"},
    {"a job that fails without a word",
     TRACKED FAULT("backup", "\"type\":\"Full\"",
                   "\"fail\":\"unknown\"") "backup b vm:a target\n"
                                           "run 20s\n" SAYS(
                                               "b", "Backup has failed: unknown failure reason")},
    {"BK-13: the guest cannot be frozen",
     TRACKED FAULT("api", "\"subresource\":\"freeze\"",
                   "\"answer\":500") "backup b vm:a target\n"
                                     "run 20s\n"
                                     "cond vmbackup b Quiesced False QuiesceFailed\n"
                                     "cond vmbackup b Complete True CompletedWithWarning\n"
                                     "has vmbackup b status.conditions Completed "
                                     "VirtualMachineBackup, warning: Failed freezing\n"
                                     "event "
                                     "VirtualMachineBackupCompletedWithWarning"
                                     " 1\n"},
    {"no agent", TRACKED "power a agent-down\n"
                         "backup b vm:a target\n"
                         "run 20s\n"
                         "cond vmbackup b Quiesced False QuiesceFailed\n"
                         "cond vmbackup b Complete True CompletedWithWarning\n"},
    {"BK-14: nobody asks the guest", TRACKED "backup b vm:a target {\"skipQuiesce\":true}\n"
                                             "run 20s\n"
                                             "cond vmbackup b Quiesced False QuiesceSkipped\n"
                                             "cond vmbackup b Complete True Completed\n"},
    {"BK-15: the machine is shut down", "duration backup 5m\n" TRACKED "tracker t a\n"
                                        "backup b t target\n"
                                        "run 20s\n"
                                        "power a shutdown\n"
                                        "run 5s\n"
                                        "cond vmbackup b Failed True SourceUnhealthy\n"
                                        "is vmbackuptracker t status\n"
                                        "empty target a d0 b\n"},
    {"BK-15: its instance is gone before anybody looks",
     "duration backup 5m\n" TRACKED "backup b vm:a target\n"
     "run 20s\n"
     "patch vmi a {\"metadata\":{\"finalizers\":null}}\n"
     "delete vmi a\n"
     "run 60s\n"
     "has vmbackup b status.conditions \"type\":\"Failed\"\n"},
    {"BK-16: a push backup is aborted", "duration backup 5m\n" TRACKED "tracker t a\n"
                                        "backup b t target\n"
                                        "run 20s\n"
                                        "delete vmbackup b\n"
                                        "run 5s\n"
                                        "gone vmbackup b\n"
                                        "event VirtualMachineBackupAborting 1\n"
                                        "event VirtualMachineBackupFailed 1\n"
                                        "is vmbackuptracker t status\n"
                                        "is vmi a spec.utilityVolumes\n"
                                        "empty target a d0 b\n"
                                        "backup c t target\n"
                                        "run 6m\n"
                                        "cond vmbackup c Complete True\n"},
    {"BK-29: a finished one is deleted, its files stay", TRACKED FULL "delete vmbackup f\n"
                                                                      "run 1s\n"
                                                                      "gone vmbackup f\n"
                                                                      "folders target a 1\n"},
    {"BK-23: the tracker goes while it runs", TRACKED
     "tracker t a\n"
     "backup b t target\n"
     "run 4s\n"
     "cond vmbackup b Progressing True Initiated\n"
     "delete vmbackuptracker t\n"
     "run 20s\n"
     "cond vmbackup b Progressing True Initiated\n"
     "delete vmbackup b\n"
     "run 1m\n" SAYS("b", "BackupTracker t does not exist") "there vmbackup b\n"
                                                            "tracker t a\n"
                                                            "run 10s\n"
                                                            "gone vmbackup b\n"
                                                            "has vmbackuptracker t "
                                                            "status.latestCheckpoint.name b-\n"},
    {"a job that never ends",
     TRACKED FAULT("backup", "", "\"hang\":true") "backup b vm:a target\n"
                                                  "run 1h\n"
                                                  "cond vmbackup b Progressing True Initiated\n"
                                                  "delete vmbackup b\n"
                                                  "run 5s\n"
                                                  "gone vmbackup b\n"},
    {"B-18: the failure is lost in a race",
     TRACKED ONCE(
         "backup", "\"name\":\"b\"",
         "\"fail\":\"ENOSPC\",\"lost\":true") "tracker t a\n"
                                              "backup b t target\n"
                                              "run 1h\n"
                                              "cond vmbackup b Progressing True Initiated\n"
                                              "cond vmi a Paused True PausedIOError\n"
                                              "is vm a status.printableStatus Paused\n"
                                              "delete vmbackup b\n"
                                              "run 10s\n"
                                              "gone vmbackup b\n"
                                              "cond vmi a Paused none\n"
                                              "backup c t target\n"
                                              "run 20s\n"
                                              "cond vmbackup c Complete True\n"},
    {"a completion is overwritten",
     TRACKED FAULT(
         "backup", "\"name\":\"b\"",
         "\"overwritten\":true") "tracker t a\n"
                                 "backup b t target\n"
                                 "run 20s\n"
                                 "cond vmbackup b Complete none\n"
                                 "cond vmbackup b Failed True SourceLost\n"
                                 "event VirtualMachineBackupCompletedSuccessfully 1\n"
                                 "event VirtualMachineBackupFailed 1\n"
                                 "has vmbackuptracker t status.latestCheckpoint.name b-\n"},
    {"F-BK-3: the target is never mounted", TRACKED
     "fault {\"name\":\"stuck\",\"point\":\"plug\",\"match\":{\"op\":\"attach\"},\"action\":{"
     "\"hang\":true}}\n"
     "backup b vm:a target\n"
     "run 1h\n"
     "is vmbackup b status\n"
     "has vmi a status.volumeStatus \"phase\":\"AttachedToNode\"\n"
     "delete vmbackup b\n"
     "run 5s\n"
     "gone vmbackup b\n"},
    {"F-BK-10: the target is never pulled out",
     TRACKED FAULT("plug", "\"op\":\"detach\"",
                   "\"hang\":true") "tracker t a\n"
                                    "backup b t target\n"
                                    "run 1h\n"
                                    "cond vmbackup b Progressing True Initiated\n"
                                    "has vmbackuptracker t status.latestCheckpoint.name b-\n"
                                    "has vmi a status.volumeStatus \"phase\":\"Detaching\"\n"},
    {"a job that takes its time",
     TRACKED FAULT("backup", "",
                   "\"slow\":60000000000") "backup b vm:a target\n"
                                           "run 60s\n"
                                           "cond vmbackup b Progressing True Initiated\n"
                                           "run 20s\n"
                                           "cond vmbackup b Complete True\n"},
    {"BK-19: by two sources, one after the other",
     TRACKED "tracker t a\n"
             "backup b vm:a target\n"
             "backup c t target\n"
             "run 1m\n"
             "cond vmbackup b Complete True\n"
             "cond vmbackup c Complete True\n"
             "has vmbackuptracker t status.latestCheckpoint.name c-\n"
             "folders target a 2\n"},
    {"BK-19: and the second takes the first one's job",
     "knob adoptsForeignJob true\n" TRACKED "tracker t a\n"
     "backup b vm:a target\n"
     "run 4s\n"
     "backup c t target\n"
     "run 1m\n"
     "cond vmbackup b Failed True SourceLost\n"
     "cond vmbackup c Complete True\n"
     "has vmbackuptracker t status.latestCheckpoint.name b-\n"
     "folders target a 1\n"},
    {"the launcher does not answer, and then does", TRACKED
     "fault {\"point\":\"api\",\"times\":3,\"match\":{\"subresource\":\"backup\"},\"action\":{"
     "\"answer\":503}}\n"
     "backup b vm:a target\n"
     "run 20s\n"
     "event BackupError 3\n"
     "cond vmbackup b Complete True\n"},
};

START_TEST(ending)
{
    script_run(&ends[_i], 0);
}
END_TEST

#define PULL(MORE) "backup b t target {\"mode\":\"Pull\",\"tokenSecretRef\":\"token\"" MORE "}\n"
#define SECRET                                                                                     \
    "create {\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"token\","          \
    "\"namespace\":\"default\"}}\n"

static const struct script_case pulls[] = {
    {"BK-26: endpoints",
     TRACKED SECRET "tracker t a\n" PULL(
         "") "run 10s\n"
             "cond vmbackup b Progressing True ExportReady\n" SAYS(
                 "b", "Backup export is ready to pull") "is vmbackup b status.type Full\n"
                                                        "is vmexport b status.phase Ready\n"
                                                        "has vmbackup b status.includedVolumes "
                                                        "/exports/d0/data\n"
                                                        "has vmbackup b status.includedVolumes "
                                                        "/exports/d0/map\n"
                                                        "is vmbackuptracker t status\n"},
    {"BK-17: deleted when it was read", TRACKED SECRET
     "tracker t a\n" PULL("") "run 10s\n"
                              "delete vmbackup b\n"
                              "run 5s\n"
                              "gone vmbackup b\n"
                              "gone vmexport b\n"
                              "event VirtualMachineBackupAborting 1\n"
                              "event VirtualMachineBackupCompletedSuccessfully 1\n"
                              "has vmbackuptracker t status.latestCheckpoint.name b-\n"},
    {"BK-27: nobody reads it in time",
     TRACKED SECRET "tracker t a\n" PULL(
         ",\"ttlDuration\":\"10m\"") "run 9m\n"
                                     "cond vmbackup b Progressing True ExportReady\n"
                                     "run 2m\n"
                                     "cond vmbackup b Complete True Completed\n"
                                     "has vmbackuptracker t status.latestCheckpoint.name b-\n"
                                     "gone vmexport b\n"},
    {"BK-28: somebody else's export", TRACKED SECRET
     "create {\"apiVersion\":\"export.kubevirt.io/v1\",\"kind\":\"VirtualMachineExport\","
     "\"metadata\":{\"name\":\"b\",\"namespace\":\"default\"},\"spec\":{\"source\":{\"apiGroup\":"
     "\"\","
     "\"kind\":\"PersistentVolumeClaim\",\"name\":\"x\"}}}\n"
     "tracker t a\n" PULL("") "run 1m\n"
                              "cond vmbackup b Progressing True Initiated\n"},
    {"F-BK-16: the secret is missing",
     TRACKED "tracker t a\n" PULL("") "run 1m\n"
                                      "cond vmbackup b Progressing True PreparingExport\n"
                                      "is vmexport b status.phase Pending\n"},
    {"F-BK-16: the export is deleted, and made again",
     TRACKED SECRET "tracker t a\n" PULL("") "run 10s\n"
                                             "delete vmexport b\n"
                                             "run 10s\n"
                                             "is vmexport b status.phase Ready\n"
                                             "cond vmbackup b Progressing True ExportReady\n"},
    {"the machine goes",
     TRACKED SECRET "tracker t a\n" PULL("") "run 10s\n"
                                             "power a shutdown\n"
                                             "run 5s\n"
                                             "cond vmbackup b Failed True SourceUnhealthy\n"
                                             "is vmbackuptracker t status\n"},
    {"in the words of 1.8",
     "knob version \"1.8\"\n" TRACKED SECRET
     "tracker t a\n" PULL("") "run 10s\n"
                              "cond vmbackup b ExportReady True Backup export is ready to pull\n"
                              "cond vmbackup b Progressing True Backup export is ready to pull\n"},
};

START_TEST(pulling)
{
    script_run(&pulls[_i], 0);
}
END_TEST

static const struct script_case restarts[] = {
    {"BK-20: bitmaps are there after a restart",
     TRACKED FULL "remember disk m1\n" RESTART "event CheckpointRedefinitionFailed 0\n"
                  "is vmbackuptracker t status.checkpointRedefinitionRequired\n"
                  "write a 9 1\n"
                  "remember disk m2\n"
                  "backup i t target\n"
                  "run 20s\n"
                  "is vmbackup i status.type Incremental\n"
                  "exactly target a d0 i m1 m2\n"
                  "restores target a d0 m2 f i\n"},
    {"BK-21: bitmaps are lost",
     TRACKED FULL FAULT("bitmap", "\"during\":\"redefinition\"", "\"lost\":true") RESTART
     "event CheckpointRedefinitionFailed 1\n"
     "is vmbackuptracker t status.latestCheckpoint\n"
     "remember disk m2\n"
     "backup g t target\n"
     "run 20s\n"
     "is vmbackup g status.type Full\n"
     "restores target a d0 m2 g\n"},
    {"bitmaps are inconsistent after a crash",
     TRACKED FULL "power a crash\n"
                  "run 40s\n"
                  "is vm a status.changedBlockTracking.state Enabled\n"
                  "event CheckpointRedefinitionFailed 1\n"
                  "is vmbackuptracker t status.latestCheckpoint\n"},
    {"BK-22 and F-BK-12: the launcher is unreachable, three times", TRACKED FULL
     "fault {\"name\":\"down\",\"point\":\"api\",\"times\":3,\"match\":{\"subresource\":"
     "\"redefine-checkpoint\"},\"action\":{\"answer\":503}}\n"
     "call vm a restart\n"
     "run 40s\n"
     "is vmbackuptracker t status.checkpointRedefinitionRequired\n"
     "has vmbackuptracker t status.latestCheckpoint.name f-\n"
     "event CheckpointRedefinitionFailed 0\n"},
    {"CBT-08 and BK-20: backups wait for the redefinition",
     TRACKED FULL FAULT("api", "\"subresource\":\"redefine-checkpoint\"", "\"answer\":503") RESTART
     "is vmbackuptracker t status.checkpointRedefinitionRequired true\n"
     "backup i t target\n"
     "run 20s\n" SAYS("i", "Waiting for checkpoint redefinition on tracker t")},
    {"B-19: the checkpoint was removed behind KubeVirt",
     "knob version \"1.8\"\n" TRACKED
     "tracker t a\nbackup f t target\nrun 20s\ncond vmbackup f Done True\n" FAULT(
         "bitmap", "\"during\":\"backup\"",
         "\"lost\":true") "backup i t target\n"
                          "run 1h\n"
                          "cond vmbackup i Initializing True Initializing VirtualMachineBackup\n"
                          "cond vmbackup i Done none\n"
                          "has vmbackuptracker t status.latestCheckpoint.name f-\n"
                          "has events * message checkpoint inconsistent: missing or broken bitmap\n"
                          "delete vmbackup i\n"
                          "run 10s\n"
                          "gone vmbackup i\n"},
    {"another disk has no such bitmap",
     "claim other\n" TRACKED FULL STOP
     "patch vm a {\"spec\":{\"template\":{\"spec\":{\"volumes\":[{\"name\":\"d0\","
     "\"persistentVolumeClaim\":{\"claimName\":\"other\"}}]}}}}\n" START
     "event CheckpointRedefinitionFailed 1\n"},
    {"a restore begins the chain anew",
     TRACKED FULL STOP "snapshot s a\n"
                       "run 20s\n"
                       "has vmsnapshot s status.snapshotVolumes persistent-state-for-this-vm\n"
                       "count volumesnapshots 2\n"
                       "restore r a s\n"
                       "run 30s\n"
                       "is vmrestore r status.complete true\n" START
                       "is vm a status.changedBlockTracking.state Enabled\n"
                       "event CheckpointRedefinitionFailed 1\n"
                       "is vmbackuptracker t status.latestCheckpoint\n"},
    {"F-BK-18: tracking was off in between", TRACKED FULL STOP
     "patch vm a {\"metadata\":{\"labels\":{\"changedBlockTracking\":null}}}\n" START
     "is vmi a status.changedBlockTracking.state Disabled\n" STOP LABEL START
     "event CheckpointRedefinitionFailed 1\n"},
    {"F-VM-9: another machine of that name",
     TRACKED FULL "delete vm a\n"
                  "run 20s\n"
                  "vm a Halted disk\n" LABEL START "event CheckpointRedefinitionFailed 1\n"},
};

START_TEST(restarting)
{
    script_run(&restarts[_i], 0);
}
END_TEST

#define TWO                                                                                        \
    "claim one\n"                                                                                  \
    "claim two\n"                                                                                  \
    "claim target\n"                                                                               \
    "vm a Halted one two\n" LABEL START FULL
#define LOST(DISK, DURING)                                                                         \
    FAULT("bitmap", "\"disk\":\"" DISK "\",\"during\":\"" DURING "\"", "\"lost\":true")

static const struct script_case disks[] = {
    {"B-15: one bad bitmap fails all disks",
     TWO LOST("d1", "backup") "backup i t target\n"
                              "run 1m\n"
                              "is vmbackup i status\n"
                              "has vmbackuptracker t status.latestCheckpoint.name f-\n"
                              "folders target a 1\n"},
    {"B-15 mended: that disk is backed up in full",
     "knob perDiskFull true\n" TWO
     "remember one o1\n" LOST("d1", "backup") "write a 3 1\n"
                                              "remember one o2\n"
                                              "remember two t2\n"
                                              "backup i t target\n"
                                              "run 1m\n"
                                              "is vmbackup i status.type Incremental\n"
                                              "is vmbackup i status.includedVolumes "
                                              "[{\"volumeName\":\"d0\",\"type\":\"Incremental\"},"
                                              "{\"volumeName\":\"d1\",\"type\":\"Full\"}]\n"
                                              "exactly target a d0 i o1 o2\n"
                                              "backing target a d1 i\n"
                                              "restores target a d1 t2 i\n"},
    {"a disk lost its bitmap at a restart, the others go on",
     TWO LOST("d1", "redefinition") "remember one o1\n" RESTART
                                    "event CheckpointRedefinitionFailed 0\n"
                                    "write a 3 1\n"
                                    "remember one o2\n"
                                    "remember two t2\n"
                                    "backup i t target\n"
                                    "run 1m\n"
                                    "is vmbackup i status.type Incremental\n"
                                    "exactly target a d0 i o1 o2\n"
                                    "restores target a d1 t2 i\n"},
    {"a disk came later", TWO
     "remember one o1\n"
     "claim three\n"
     "run 5s\n"
     "call vm a addvolume {\"name\":\"d2\",\"disk\":{\"name\":\"d2\",\"disk\":{\"bus\":\"scsi\"}},"
     "\"volumeSource\":{\"persistentVolumeClaim\":{\"claimName\":\"three\"}}}\n"
     "run 5s\n"
     "write a 3 1\n"
     "remember one o2\n"
     "remember three h2\n"
     "backup i t target\n"
     "run 1m\n"
     "is vmbackup i status.type Incremental\n"
     "exactly target a d0 i o1 o2\n"
     "restores target a d2 h2 i\n"
     "has vmbackuptracker t status.latestCheckpoint.volumes d2\n"},
};

START_TEST(disk_by_disk)
{
    script_run(&disks[_i], 0);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("sim.kubevirt.backup_fail",
                      SUITE_LONG_CASE("fail", 60, EACH(waiting, waits), EACH(migrating, migrations),
                                      EACH(refused, refusals), EACH(ending, ends),
                                      EACH(restarting, restarts), EACH(pulling, pulls),
                                      EACH(disk_by_disk, disks)));
}
