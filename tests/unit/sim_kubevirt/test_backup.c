/* Changed block tracking and the backups that end well (kubevirt-csi.md 1.11, 4.4 to 4.6, 8.3,
 * 8.6). */
#include <string.h>

#include "sim/kubevirt/backup_priv.h"
#include "tests/unit/sim_kubevirt/script.h"
#include "tests/unit/suite.h"

#define LABEL "patch vm a {\"metadata\":{\"labels\":{\"changedBlockTracking\":\"true\"}}}\n"
#define UNLABEL "patch vm a {\"metadata\":{\"labels\":{\"changedBlockTracking\":null}}}\n"
#define START "patch vm a {\"spec\":{\"runStrategy\":\"Always\"}}\nrun 20s\n"
#define STOP "patch vm a {\"spec\":{\"runStrategy\":\"Halted\"}}\nrun 20s\n"
#define RESTART "call vm a restart\nrun 40s\n"
#define STATE "is vm a status.changedBlockTracking.state "
#define VMI_STATE "is vmi a status.changedBlockTracking.state "
/* A machine that is tracked from its first start, and a claim for its backups. */
#define TRACKED                                                                                    \
    "claim disk\n"                                                                                 \
    "claim target\n"                                                                               \
    "vm a Halted disk c:\n" LABEL START
#define CONFIG(GATES, SELECTORS)                                                                   \
    "{\"apiVersion\":\"kubevirt.io/"                                                               \
    "v1\",\"kind\":\"KubeVirt\",\"metadata\":{\"name\":\"kubevirt\","                              \
    "\"namespace\":\"default\"},\"spec\":{\"configuration\":{\"developerConfiguration\":{"         \
    "\"featureGates\":[" GATES "]},\"changedBlockTrackingLabelSelectors\":" SELECTORS "}}}\n"
#define GATES "\"IncrementalBackup\",\"UtilityVolumes\""

/* ---- the table of states, row by row ---- */

static const struct state_case {
    const char *name;
    bool gate, selected, has_vmi;
    const char *vm, *vmi, *want;
} states[] = {
    {"selected while it runs", 1, 1, 1, "", "", "PendingRestart"},
    {"selected while it runs, gate was off", 1, 1, 1, "IncrementalBackupFeatureGateDisabled", "",
     "PendingRestart"},
    {"selected, instance goes on", 1, 1, 1, "PendingRestart", "", "PendingRestart"},
    {"selected, instance prepares", 1, 1, 1, "PendingRestart", "Initializing", "Initializing"},
    {"selected, instance is tracked", 1, 1, 1, "PendingRestart", "Enabled", "Enabled"},
    {"selected, instance is not", 1, 1, 1, "PendingRestart", "Disabled", "PendingRestart"},
    {"selected again, prepares", 1, 1, 1, "Disabled", "Initializing", "Initializing"},
    {"selected again, is tracked", 1, 1, 1, "Disabled", "Enabled", "Enabled"},
    {"selected again, is not", 1, 1, 1, "Disabled", "Disabled", "PendingRestart"},
    {"prepares", 1, 1, 1, "Initializing", "Initializing", "Initializing"},
    {"has prepared", 1, 1, 1, "Initializing", "Enabled", "Enabled"},
    {"prepares without a state", 1, 1, 1, "Initializing", "", "Initializing"},
    {"stays tracked", 1, 1, 1, "Enabled", "Enabled", "Enabled"},
    {"restarted", 1, 1, 1, "Enabled", "Initializing", "Initializing"},
    {"stopped, stays tracked", 1, 1, 0, "Enabled", "", "Enabled"},
    {"stopped, selected", 1, 1, 0, "", "", "Initializing"},
    {"stopped, pending", 1, 1, 0, "PendingRestart", "", "Initializing"},
    {"stopped, was off", 1, 1, 0, "Disabled", "", "Initializing"},
    {"stopped, gate was off", 1, 1, 0, "IncrementalBackupFeatureGateDisabled", "", "Initializing"},
    {"never selected", 1, 0, 0, "", "", ""},
    {"never selected, runs", 1, 0, 1, "", "", ""},
    {"off stays off", 1, 0, 0, "Disabled", "", "Disabled"},
    {"off, instance tracked", 1, 0, 1, "Disabled", "Enabled", "Disabled"},
    {"unknown, instance tracked", 1, 0, 1, "", "Enabled", ""},
    {"no longer selected, stopped", 1, 0, 0, "Enabled", "", "Disabled"},
    {"no longer selected, untracked", 1, 0, 1, "PendingRestart", "Disabled", "Disabled"},
    {"no longer selected, runs", 1, 0, 1, "Enabled", "Enabled", "PendingRestart"},
    {"no longer selected, prepares", 1, 0, 1, "Initializing", "Initializing", "PendingRestart"},
    {"gate was off, not selected", 1, 0, 0, "IncrementalBackupFeatureGateDisabled", "", "Disabled"},
    {"gate off, selected, stopped", 0, 1, 0, "Enabled", "", "IncrementalBackupFeatureGateDisabled"},
    {"gate off, selected, new", 0, 1, 0, "", "", "IncrementalBackupFeatureGateDisabled"},
    {"gate off, selected, untracked", 0, 1, 1, "PendingRestart", "Disabled",
     "IncrementalBackupFeatureGateDisabled"},
    {"gate off, not selected", 0, 0, 0, "Enabled", "", ""},
    {"gate off, not selected, untracked", 0, 0, 1, "Disabled", "", ""},
    {"gate off, tracked", 0, 1, 1, "Enabled", "Enabled", "PendingRestart"},
    {"gate off, prepares", 0, 0, 1, "Initializing", "Initializing", "PendingRestart"},
    {"gate off, pending", 0, 1, 1, "PendingRestart", "Enabled", "PendingRestart"},
    {"gate off, told before", 0, 1, 1, "IncrementalBackupFeatureGateDisabled", "Enabled",
     "IncrementalBackupFeatureGateDisabled"},
};

START_TEST(next_state)
{
    const struct state_case *c = &states[_i];
    const char *got = kv_cbt_next(c->gate, c->selected, c->has_vmi, c->vm, c->vmi);
    ck_assert_msg(!strcmp(got, c->want), "%s: '%s' instead of '%s'", c->name, got, c->want);
}
END_TEST

/* ---- the same in a cluster ---- */

static const struct script_case tracking[] = {
    {"CBT-01 and 02: a restart enables it",
     "claim disk\n"
     "vm a Always disk\n"
     "run 20s\n" STATE "\n" LABEL "run 1s\n" STATE "PendingRestart\n" VMI_STATE "\n" RESTART STATE
     "Enabled\n" VMI_STATE "Enabled\n"
     "cond vm a RestartRequired none\n"},
    {"CBT-03 and 04: before it starts",
     "claim disk\n"
     "vm a Halted disk\n" LABEL "run 1s\n" STATE "Initializing\n" START STATE "Enabled\n" VMI_STATE
     "Enabled\n" STOP "gone vmi a\n" STATE "Enabled\n"},
    {"CBT-02: the claim for the overlays",
     "claim disk\n"
     "vm a Halted disk\n" LABEL "run 5s\n"
     "count pvc 1\n" START "count pvc 2\n" STOP START "count pvc 2\n" STATE "Enabled\n"
     "delete vm a\n"
     "run 30s\n"
     "count pvc 1\n"},
    {"B-12: no room for the overlays of two disks",
     "knob smallOverlays true\n"
     "claim one\n"
     "claim two\n"
     "vm a Halted one two\n" LABEL "patch vm a {\"spec\":{\"runStrategy\":\"Always\"}}\n"
     "run 60s\n"
     "is vm a status.printableStatus CrashLoopBackOff\n"},
    {"the overlays' claim waits for storage",
     "fail CreateVolume persistent* 1\n"
     "claim disk\n"
     "vm a Halted disk\n" LABEL "run 5s\n"
     "patch vm a {\"spec\":{\"runStrategy\":\"Always\"}}\n"
     "run 1s\n"
     "cond vmi a Synchronized False BackendStorageNotReady\n"
     "run 60s\n" STATE "Enabled\n"},
    {"CBT-05: no longer selected",
     "claim disk\n"
     "vm a Halted disk\n" LABEL START UNLABEL "run 1s\n" STATE "PendingRestart\n" VMI_STATE
     "Enabled\n" STOP STATE "Disabled\n" START VMI_STATE "Disabled\n" STATE "Disabled\n"},
    {"CBT-06: by the namespace's labels",
     "claim disk\n"
     "create " CONFIG(GATES, "{\"namespaceLabelSelector\":{\"matchLabels\":{"
                             "\"track\":\"yes\"}}}") "vm a Halted disk\n"
                                                     "run 1s\n" STATE "\n"
                                                     "patch namespace default "
                                                     "{\"metadata\":{\"labels\":{"
                                                     "\"track\":\"yes\"}}}\n"
                                                     "run 1s\n" STATE "Initializing\n"},
    {"CBT-07: the gate is closed meanwhile",
     "claim disk\n"
     "create " CONFIG(
         GATES,
         "{\"virtualMachineLabelSelector\":{\"matchLabels\":{"
         "\"changedBlockTracking\":\"true\"}}}") "vm a Halted disk\n" LABEL START STATE "Enabled\n"
                                                 "patch kubevirts kubevirt "
                                                 "{\"spec\":{\"configuration\":{"
                                                 "\"developerConfiguration\":{\"featureGates\":[]}}"
                                                 "}}\n"
                                                 "run 1s\n" STATE "PendingRestart\n" STOP STATE
                                                 "IncrementalBackupFeatureGateDisabled\n" UNLABEL
                                                 "run 1s\n" STATE "\n"},
    {"CBT-09: a selector that is none",
     "claim disk\n"
     "create " CONFIG(GATES, "{\"virtualMachineLabelSelector\":{\"matchExpressions\":[{\"key\":"
                             "\"a\",\"operator\":\"Like\"}]}}") "vm a Halted disk\n" LABEL
                                                                "run 1s\n" STATE "\n"},
    {"the gate by the knob", "knob incrementalBackup false\n"
                             "claim disk\n"
                             "vm a Halted disk\n" LABEL "run 1s\n" STATE
                             "IncrementalBackupFeatureGateDisabled\n" START VMI_STATE "\n"},
    {"a disabled gate wins",
     "create "
     "{\"apiVersion\":\"kubevirt.io/v1\",\"kind\":\"KubeVirt\",\"metadata\":{\"name\":\"kv\","
     "\"namespace\":\"default\"},\"spec\":{\"configuration\":{\"developerConfiguration\":{"
     "\"featureGates\":[\"IncrementalBackup\"],\"disabledFeatureGates\":[\"IncrementalBackup\"]},"
     "\"changedBlockTrackingLabelSelectors\":{\"virtualMachineLabelSelector\":{}}}}}\n"
     "claim disk\n"
     "vm a Halted disk\n"
     "run 1s\n" STATE "IncrementalBackupFeatureGateDisabled\n"},
};

START_TEST(states_in_a_cluster)
{
    script_run(&tracking[_i], 0);
}
END_TEST

/* ---- backups ---- */

static const struct script_case backups[] = {
    {"BK-01: full, of a machine",
     TRACKED "write a 3 5\n"
             "remember disk m1\n"
             "backup b vm:a target\n"
             "run 4s\n"
             "cond vmbackup b Progressing True Initiated\n"
             "is vmbackup b status.type Full\n"
             "has vmbackup b metadata.finalizers backup.kubevirt.io/vmbackup-protection\n"
             "has vmi a spec.utilityVolumes \"name\":\"b-backup-target-pvc\"\n"
             "has vmi a status.changedBlockTracking.backupStatus \"backupName\":\"b\"\n"
             "write a 3 1\n"
             "run 20s\n"
             "cond vmbackup b Complete True Completed\n"
             "cond vmbackup b Progressing False Completed\n"
             "cond vmbackup b Quiesced True QuiesceSucceeded\n"
             "cond vmbackup b Done none\n"
             "has vmbackup b status.includedVolumes [{\"volumeName\":\"d0\"}]\n"
             "is vmi a spec.utilityVolumes\n"
             "is vmi a status.changedBlockTracking.backupStatus\n"
             "event VirtualMachineBackupCompletedSuccessfully 1\n"
             "backing target a d0 b\n"
             "restores target a d0 m1 b\n"},
    {"BK-02, 03 and 04: a chain by a tracker",
     TRACKED "tracker t a\n"
             "write a 0 300\n"
             "remember disk m1\n"
             "backup f t target\n"
             "run 20s\n"
             "is vmbackup f status.type Full\n"
             "has vmbackuptracker t status.latestCheckpoint.name f-2026-01-01_00-00-20\n"
             "is vmbackuptracker t status.latestCheckpoint.creationTime 2026-01-01T00:00:20Z\n"
             "is vmbackuptracker t status.latestCheckpoint.volumes [{\"volumeName\":\"d0\"}]\n"
             "write a 70 1\n"
             "write a 4000 100\n"
             "remember disk m2\n"
             "backup i1 t target\n"
             "run 20s\n"
             "is vmbackup i1 status.type Incremental\n"
             "is vmbackup i1 status.checkpointName i1-2026-01-01_00-00-40\n"
             "has vmbackuptracker t status.latestCheckpoint.name i1-2026-01-01_00-00-40\n"
             "backing target a d0 i1 /var/lib/kubevirt/cbt/d0.qcow2\n"
             "exactly target a d0 i1 m1 m2\n"
             "write a 71 2\n"
             "remember disk m3\n"
             "backup i2 t target\n"
             "run 20s\n"
             "exactly target a d0 i2 m2 m3\n"
             "restores target a d0 m1 f\n"
             "restores target a d0 m2 f i1\n"
             "restores target a d0 m3 f i1 i2\n"
             "write a 9 9\n"
             "remember disk m4\n"
             "backup f2 t target {\"forceFullBackup\":true}\n"
             "run 20s\n"
             "is vmbackup f2 status.type Full\n"
             "has vmbackuptracker t status.latestCheckpoint.name f2-\n"
             "backing target a d0 f2\n"
             "restores target a d0 m4 f2\n"
             "folders target a 4\n"},
    {"standalone increments", "knob standaloneIncrements true\n" TRACKED "tracker t a\n"
                              "backup f t target\n"
                              "run 20s\n"
                              "remember disk m1\n"
                              "write a 5 1\n"
                              "remember disk m2\n"
                              "backup i1 t target\n"
                              "run 20s\n"
                              "backing target a d0 i1\n"
                              "exactly target a d0 i1 m1 m2\n"
                              "restores target a d0 m2 f i1\n"},
    {"BK-35: conditions of 1.8",
     "knob version \"1.8\"\n" TRACKED "tracker t a\n"
     "backup f t target\n"
     "run 1s\n"
     "cond vmbackup f Initializing True Initializing VirtualMachineBackup\n"
     "cond vmbackup f Progressing False\n"
     "cond vmbackup f Done none\n"
     "run 3s\n"
     "cond vmbackup f Initializing none\n"
     "cond vmbackup f Progressing True Backup is in progress\n"
     "run 20s\n"
     "cond vmbackup f Done True Successfully completed VirtualMachineBackup\n"
     "cond vmbackup f Progressing False Successfully completed VirtualMachineBackup\n"
     "cond vmbackup f Complete none\n"
     "is vmbackup f status.includedVolumes [{\"volumeName\":\"d0\",\"diskTarget\":\"vda\"}]\n"
     "cond vmbackup f Quiesced none\n"
     "event VirtualMachineBackupInitiated 1\n"},
    {"the target waits for its first consumer",
     "create "
     "{\"apiVersion\":\"storage.k8s.io/v1\",\"kind\":\"StorageClass\",\"metadata\":{\"name\":"
     "\"wait\"},\"provisioner\":\"csi.vmconform.dev\",\"volumeBindingMode\":"
     "\"WaitForFirstConsumer\"}\n"
     "claim disk\n"
     "claim target wait\n"
     "vm a Halted disk\n" LABEL START "is pvc target status.phase Pending\n"
     "backup b vm:a target\n"
     "run 30s\n"
     "is pvc target status.phase Bound\n"
     "cond vmbackup b Complete True Completed\n"},
    {"a machine of two disks", "claim one\n"
                               "claim two\n"
                               "claim target\n"
                               "vm a Halted one two\n" LABEL START "tracker t a\n"
                               "backup f t target\n"
                               "run 20s\n"
                               "remember one o1\n"
                               "write a 1 1\n"
                               "remember one o2\n"
                               "remember two t2\n"
                               "backup i t target\n"
                               "run 20s\n"
                               "exactly target a d0 i o1 o2\n"
                               "empty target a d1 i\n"
                               "restores target a d0 o2 f i\n"
                               "restores target a d1 t2 f i\n"},
    {"BK-32: a name of 63 characters",
     TRACKED "backup b23456789012345678901234567890123456789012345678901234567890123 vm:a target\n"
             "run 1s\n"
             "has vmi a spec.utilityVolumes b23456789012345678901234567890123456-\n"
             "run 20s\n"
             "cond vmbackup b23456789012345678901234567890123456789012345678901234567890123 "
             "Complete True\n"},
};

START_TEST(backups_that_end_well)
{
    script_run(&backups[_i], 0);
}
END_TEST

START_TEST(same_trace)
{
    char *first = script_trace(&backups[_i]);
    char *second = script_trace(&backups[_i]);
    ck_assert_str_eq(first, second);
    free(first);
    free(second);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("sim.kubevirt.backup", SUITE_LONG_CASE("backup", 60, EACH(next_state, states),
                                                             EACH(states_in_a_cluster, tracking),
                                                             EACH(backups_that_end_well, backups),
                                                             RANGE(same_trace, 0, 3)));
}
