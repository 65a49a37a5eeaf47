/* Restores of machines (kubevirt-csi.md 8.5), bit for bit. */
#include "tests/unit/sim_kubevirt/script.h"
#include "tests/unit/suite.h"

/* A stopped machine whose disk is written on after the snapshot. */
#define SNAPPED                                                                                    \
    "claim disk\n"                                                                                 \
    "vm a Always disk\n"                                                                           \
    "run idle\n"                                                                                   \
    "write a 10 20\n"                                                                              \
    "mark a before\n"                                                                              \
    "snapshot s a\n"                                                                               \
    "run idle\n"                                                                                   \
    "is vmsnapshot s status.readyToUse true\n"                                                     \
    "write a 15 2\n"                                                                               \
    "differs a before blocks 15 to 16\n"
#define STOPPED                                                                                    \
    SNAPPED "patch vm a {\"spec\":{\"runStrategy\":\"Halted\"}}\n"                                 \
            "run idle\n"                                                                           \
            "gone vmi a\n"
#define COMPLETE                                                                                   \
    "is vmrestore r status.complete true\n"                                                        \
    "cond vmrestore r Progressing False Operation complete\n"                                      \
    "cond vmrestore r Ready True Operation complete\n"                                             \
    "cond vmrestore r Failure none\n"                                                              \
    "is vm a status.restoreInProgress\n"                                                           \
    "same a before\n"

static const struct script_case cases[] = {
    {"RS-02 plain claim",
     STOPPED "restore r a s\n"
             "run 3s\n"
             "cond vmrestore r Progressing True Creating new PVCs\n"
             "cond vmrestore r Ready False Waiting for new PVCs\n"
             "is vm a status.restoreInProgress r\n"
             "there pvc restore-$r-d0\n"
             "refused 422 Cannot update VM runStrategy until restore \"r\" completes\n"
             "patch vm a {\"spec\":{\"runStrategy\":\"Always\"}}\n"
             "run idle\n" COMPLETE
             "is vmrestore r status.restores [{\"volumeName\":\"d0\",\"persistentVolumeClaim\":"
             "\"restore-$r-d0\",\"volumeSnapshotName\":\"vmsnapshot-$s-volume-d0\"}]\n"
             "is vm a spec.runStrategy Halted\n"
             "has vm a spec.template.spec.volumes restore-$r-d0\n"
             "has vm a metadata.annotations r-$r\n"
             "has pvc restore-$r-d0 metadata.ownerReferences $a\n"
             "has vmrestore r metadata.ownerReferences $a\n"
             "there pvc disk\n"
             "event VirtualMachineRestoreComplete 1\n"
             "patch vm a {\"spec\":{\"runStrategy\":\"Always\"}}\n"
             "run idle\n"
             "is vm a status.printableStatus Running\n"
             "same a before\n"
             "write a 0 1\n"
             "differs a before block 0 holds write\n"},
    {"RS-01 claim of a template",
     "vm a Halted t:disk\n"
     "run idle\n"
     "write a 0 4\n"
     "mark a before\n"
     "snapshot s a\n"
     "run idle\n"
     "write a 1 1\n"
     "restore r a s\n"
     "run idle\n" COMPLETE "is vmrestore r status.deletedDataVolumes [\"disk\"]\n"
     "gone pvc disk\n"
     "is vm a spec.dataVolumeTemplates\n"},
    {"RS-03 new machine",
     STOPPED "patch vm a {\"metadata\":{\"labels\":{\"x\":\"old\"}}}\n"
             "run idle\n"
             "snapshot t a\n"
             "run idle\n"
             "restore r b t "
             "{\"patches\":[\"{\\\"op\\\":\\\"replace\\\",\\\"path\\\":\\\"/metadata/labels/x\\\","
             "\\\"value\\\":\\\"new\\\"}\"]}\n"
             "run idle\n"
             "is vmrestore r status.complete true\n"
             "is vm b spec.runStrategy Halted\n"
             "is vm b metadata.labels.x new\n"
             "has vm b metadata.annotations r-$r\n"
             "has vmrestore r metadata.ownerReferences VirtualMachine\n"},
    {"RS-04 waits for the stop", SNAPPED
     "restore r a s\n"
     "run idle\n"
     "cond vmrestore r Progressing False Waiting for target VM to be powered off. Please stop the "
     "restore target to proceed with restore, or the operation will fail after 5m0s\n"
     "event RestoreTargetNotReady 1\n"
     "is vm a status.restoreInProgress\n"
     "patch vm a {\"spec\":{\"runStrategy\":\"Halted\"}}\n"
     "run idle\n" COMPLETE},
    {"RS-05 RS-06 grace period", SNAPPED "restore r a s\n"
                                         "run 10m\n"
                                         "cond vmrestore r Failure none\n"
                                         "patch vm a {\"metadata\":{\"labels\":{\"x\":\"y\"}}}\n"
                                         "run idle\n"
                                         "cond vmrestore r Failure True Restore target failed to "
                                         "be ready within 5m0s. Please power off "
                                         "the target VM before attempting restore\n"
                                         "refused 422 VirtualMachineRestore \"r\" in progress\n"
                                         "restore t a s\n"
                                         "refused 422 VirtualMachineRestore \"r\" in progress\n"
                                         "restore r a s\n"
                                         "delete vmrestore r\n"
                                         "run idle\n"
                                         "gone vmrestore r\n"
                                         "restore t a s\n"},
    {"RS-07 fail at once", SNAPPED "restore r a s {\"targetReadinessPolicy\":\"FailImmediate\"}\n"
                                   "run idle\n"
                                   "cond vmrestore r Failure True Restore target VMI must be "
                                   "powered off before restore operation\n"
                                   "is vm a status.printableStatus Running\n"
                                   "is vm a status.restoreInProgress\n"},
    {"RS-08 stop the target", SNAPPED "restore r a s {\"targetReadinessPolicy\":\"StopTarget\"}\n"
                                      "run idle\n" COMPLETE "is vm a spec.runStrategy Halted\n"
                                      "is vm a status.printableStatus Stopped\n"},
    {"RS-09 wait for ever", SNAPPED "restore r a s {\"targetReadinessPolicy\":\"WaitEventually\"}\n"
                                    "run 1h\n"
                                    "cond vmrestore r Failure none\n"
                                    "patch vm a {\"spec\":{\"runStrategy\":\"Halted\"}}\n"
                                    "run idle\n" COMPLETE},
    {"RS-10 missing snapshot",
     "claim disk\n"
     "vm a Halted disk\n"
     "run idle\n"
     "write a 0 1\n"
     "mark a before\n"
     "restore r a s\n"
     "run 2s\n"
     "cond vmrestore r Progressing False VMSnapshot default/s does not exist\n"
     "cond vmrestore r Ready False VMSnapshot default/s does not exist\n"
     "cond vmrestore r Failure none\n"
     "snapshot s a\n"
     "run idle\n" COMPLETE},
    {"RS-11 failed snapshot",
     "snapshot s a {\"failureDeadline\":\"1s\"}\n"
     "run 5s\n"
     "claim disk\n"
     "vm a Halted disk\n"
     "run 5s\n"
     "is vmsnapshot s status.phase Failed\n"
     "refused 400 snapshot content name is nil in vmSnapshot status\n"
     "restore r b s\n"
     "restore r a s\n"
     "run 1m\n"
     "cond vmrestore r Ready False VMSnapshot default/s failed and is invalid to use\n"},
    {"RS-12 RS-26 snapshot deleted meanwhile",
     STOPPED "restore r a s\n"
             "run 2s\n"
             "there pvc restore-$r-d0\n"
             "delete vmsnapshot s\n"
             "run 1m\n"
             "cond vmrestore r Ready False VMSnapshot default/s does not exist\n"
             "is vm a status.restoreInProgress r\n"
             "delete vmrestore r\n"
             "run idle\n"
             "gone vmrestore r\n"
             "is vm a status.restoreInProgress\n"
             "patch vm a {\"spec\":{\"runStrategy\":\"Always\"}}\n"},
    {"RS-13 machine made again", STOPPED
     "delete vm a\n"
     "run idle\n"
     "vm a Halted disk\n"
     "run idle\n"
     "restore r a s\n"
     "run 10s\n"
     "cond vmrestore r Ready False restore source and restore target are different but restore "
     "target already exists\n"},
    {"RS-15 first consumer",
     "create "
     "{\"apiVersion\":\"storage.k8s.io/"
     "v1\",\"kind\":\"StorageClass\",\"metadata\":{\"name\":\"wffc\"},"
     "\"provisioner\":\"csi.vmconform.dev\",\"volumeBindingMode\":\"WaitForFirstConsumer\"}\n"
     "claim disk wffc\n"
     "vm a Always disk\n"
     "run idle\n"
     "write a 0 9\n"
     "mark a before\n"
     "snapshot s a\n"
     "run idle\n"
     "patch vm a {\"spec\":{\"runStrategy\":\"Halted\"}}\n"
     "run idle\n"
     "restore r a s\n"
     "run idle\n"
     "is vmrestore r status.complete true\n"
     "is pvc restore-$r-d0 status.phase Pending\n"
     "patch vm a {\"spec\":{\"runStrategy\":\"Always\"}}\n"
     "run idle\n"
     "is vm a status.printableStatus Running\n"
     "same a before\n"},
    {"RS-18 in place", STOPPED "restore r a s {\"volumeRestorePolicy\":\"InPlace\"}\n"
                               "run idle\n" COMPLETE "has pvc disk metadata.annotations r-$r\n"
                               "count pvc 1\n"},
    {"in place of claims that the machine has left",
     STOPPED "restore r a s\n"
             "run idle\n" COMPLETE "write a 0 50\n"
             "restore t a s {\"volumeRestorePolicy\":\"InPlace\"}\n"
             "run idle\n"
             "is vmrestore t status.complete true\n"
             "count pvc 2\n"
             "same a before\n"},
    {"RS-20 RS-21 names and owners", STOPPED
     "restore r a s "
     "{\"volumeRestorePolicy\":\"PrefixTargetName\",\"volumeOwnershipPolicy\":\"None\"}\n"
     "run idle\n" COMPLETE "is pvc a-d0 metadata.ownerReferences\n"
     "restore t a s {\"volumeRestoreOverrides\":[{\"volumeName\":\"d0\",\"restoreName\":\"mine\","
     "\"labels\":{\"x\":\"y\"}}]}\n"
     "run idle\n"
     "is vmrestore t status.complete true\n"
     "is pvc mine metadata.labels.x y\n"
     "same a before\n"},
    {"RS-23 RS-24 patches", STOPPED
     "refused 422 patching is valid only for elements under /spec/ only\n"
     "restore r b s "
     "{\"patches\":[\"{\\\"op\\\":\\\"replace\\\",\\\"path\\\":\\\"/metadata/name\\\","
     "\\\"value\\\":\\\"b\\\"}\"]}\n"
     "refused 422 one \":\" expected in a single key-value json patch\n"
     "restore r b s {\"patches\":[\"{\\\"op\\\":\\\"replace\\\",\\\"path\\\":\\\"/spec/x\\\","
     "\\\"value\\\":\\\"02:00\\\"}\"]}\n"},
    {"RS-27 delete the machine", STOPPED "restore r a s\n"
                                         "run idle\n" COMPLETE "delete vm a\n"
                                         "run idle\n"
                                         "gone vm a\n"
                                         "gone vmrestore r\n"
                                         "there vmsnapshot s\n"
                                         "there pvc disk\n"},
    {"RS-29 partial snapshot",
     "claim disk\n"
     "vm a Halted disk c:\n"
     "run idle\n"
     "mark a before\n"
     "snapshot s a\n"
     "run idle\n"
     "restore r a s\n"
     "run idle\n" COMPLETE "has vm a spec.template.spec.volumes cloudInitNoCloud\n"},
    {"again from the same snapshot", STOPPED "restore r a s\n"
                                             "run idle\n" COMPLETE "write a 0 50\n"
                                             "restore t a s\n"
                                             "run idle\n"
                                             "is vmrestore t status.complete true\n"
                                             "same a before\n"},
    {"a slow restore is in progress", STOPPED "duration restore 1h\n"
                                              "restore r a s\n"
                                              "run 30m\n"
                                              "is vmrestore r status.complete false\n"
                                              "is vm a status.restoreInProgress r\n"
                                              "run idle\n" COMPLETE},
    {"conflicts are retried", STOPPED
     "fault {\"point\":\"api\",\"match\":{\"verb\":\"update\",\"by\":\"main/virt-*\"},\"times\":8,"
     "\"action\":{\"answer\":409}}\n"
     "restore r a s\n"
     "run idle\n" COMPLETE},
    {"admission", STOPPED "refused 422 volume restore policy \"Else\" doesn't exist\n"
                          "restore r a s {\"volumeRestorePolicy\":\"Else\"}\n"
                          "refused 422 must provide at least one overriden field\n"
                          "restore r a s {\"volumeRestoreOverrides\":[{\"volumeName\":\"d0\"}]}\n"
                          "restore r a s\n"
                          "refused 422 spec in immutable after creation\n"
                          "patch vmrestore r {\"spec\":{\"virtualMachineSnapshotName\":\"t\"}}\n"
                          "refused 422 VirtualMachineRestore \"r\" in progress\n"
                          "restore r a s\n"},
};

START_TEST(restores)
{
    script_run(&cases[_i], 0);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("sim.kubevirt.restore",
                      SUITE_LONG_CASE("restores", 60, EACH(restores, cases)));
}
