/* Snapshots of machines (kubevirt-csi.md 8.4). */
#include "tests/unit/sim_kubevirt/script.h"
#include "tests/unit/suite.h"

#define STOPPED                                                                                    \
    "claim disk\n"                                                                                 \
    "claim data\n"                                                                                 \
    "vm a Halted disk data\n"                                                                      \
    "run idle\n"
#define RUNNING                                                                                    \
    "claim disk\n"                                                                                 \
    "vm a Always disk\n"                                                                           \
    "run idle\n"                                                                                   \
    "is vm a status.printableStatus Running\n"
#define UNLOCKED                                                                                   \
    "is vm a status.snapshotInProgress\n"                                                          \
    "is vm a metadata.finalizers [\"kubevirt.io/virtualMachineControllerFinalize\"]\n"

static const struct script_case cases[] = {
    {"SN-01 stopped machine",
     STOPPED "snapshot s a\n"
             "run 1s\n"
             "is vmsnapshot s status.phase InProgress\n"
             "cond vmsnapshot s Progressing True Source locked and operation in progress\n"
             "cond vmsnapshot s Ready False Not ready\n"
             "is vmsnapshot s status.sourceUID $a\n"
             "is vm a status.snapshotInProgress s\n"
             "has vm a metadata.finalizers snapshot.kubevirt.io/snapshot-source-protection\n"
             "there vmsnapshotcontent vmsnapshot-content-$s\n"
             "there volumesnapshot vmsnapshot-$s-volume-d1\n"
             "run idle\n"
             "is vmsnapshot s status.phase Succeeded\n"
             "is vmsnapshot s status.readyToUse true\n"
             "cond vmsnapshot s Progressing False Operation complete\n"
             "cond vmsnapshot s Ready True Ready\n"
             "cond vmsnapshot s Failure none\n"
             "is vmsnapshot s status.indications\n"
             "is vmsnapshot s status.virtualMachineSnapshotContentName vmsnapshot-content-$s\n"
             "is vmsnapshot s status.snapshotVolumes {\"includedVolumes\":[\"d0\",\"d1\"]}\n"
             "is vmsnapshot s metadata.ownerReferences\n"
             "count volumesnapshots 2\n"
             "event SuccessfulVirtualMachineSnapshotContentCreate 1\n"
             "event SuccessfulVolumeSnapshotCreate 2\n" UNLOCKED},
    {"SN-02 running with agent",
     RUNNING "snapshot s a\n"
             "run 1s\n"
             "is vmi a status.fsFreezeStatus frozen\n"
             "run idle\n"
             "is vmi a status.fsFreezeStatus\n"
             "is vmsnapshot s status.indications [\"GuestAgent\",\"Online\"]\n"
             "has vmsnapshot s status.sourceIndications Guest agent was active\n"
             "is vmsnapshot s status.readyToUse true\n" UNLOCKED},
    {"SN-03 running without agent",
     RUNNING "power a agent-down\n"
             "run idle\n"
             "snapshot s a\n"
             "run 1s\n"
             "is vmi a status.fsFreezeStatus\n"
             "run idle\n"
             "is vmsnapshot s status.indications [\"NoGuestAgent\",\"Online\"]\n"},
    {"SN-04 paused", RUNNING "power a pause\n"
                             "run idle\n"
                             "snapshot s a\n"
                             "run idle\n"
                             "is vmsnapshot s status.indications [\"Online\",\"Paused\"]\n"},
    {"SN-05 late readiness", STOPPED "storage snapshot-ready 10m\n"
                                     "snapshot s a\n"
                                     "run 1m\n"
                                     "is vmsnapshot s status.phase Succeeded\n"
                                     "is vmsnapshot s status.readyToUse false\n"
                                     "cond vmsnapshot s Ready False Not ready\n" UNLOCKED "run 6m\n"
                                     "is vmsnapshot s status.phase Succeeded\n"
                                     "run idle\n"
                                     "is vmsnapshot s status.readyToUse true\n"},
    {"SN-06 no machine", "snapshot s a {\"failureDeadline\":\"1m\"}\n"
                         "run 50s\n"
                         "cond vmsnapshot s Progressing False Source does not exist\n"
                         "is vmsnapshot s status.phase InProgress\n"
                         "run idle\n"
                         "is vmsnapshot s status.phase Failed\n"
                         "cond vmsnapshot s Failure True snapshot deadline exceeded\n"
                         "cond vmsnapshot s Progressing False Operation failed\n"},
    {"SN-07 late machine", "snapshot s a\n"
                           "run 30s\n" STOPPED "is vmsnapshot s status.phase Succeeded\n"},
    {"SN-08 unbound claim",
     "create "
     "{\"apiVersion\":\"storage.k8s.io/"
     "v1\",\"kind\":\"StorageClass\",\"metadata\":{\"name\":\"wffc\"},"
     "\"provisioner\":\"csi.vmconform.dev\",\"volumeBindingMode\":\"WaitForFirstConsumer\"}\n"
     "claim disk wffc\n"
     "vm a Halted disk\n"
     "snapshot s a\n"
     "run 10s\n"
     "cond vmsnapshot s Progressing False Source not locked source default/a volume not bound: "
     "disk\n"
     "run idle\n"
     "is vmsnapshot s status.phase Failed\n"},
    {"SN-09 a pod uses the claims", STOPPED
     "create "
     "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":"
     "\"default\"},"
     "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}],\"volumes\":[{\"name\":\"v\","
     "\"persistentVolumeClaim\":{\"claimName\":\"data\"}}]}}\n"
     "snapshot s a\n"
     "run 10s\n"
     "cond vmsnapshot s Progressing False Source not locked source is offline but 1 pods using "
     "PVCs [disk data]\n"
     "patchstatus pod p {\"status\":{\"phase\":\"Succeeded\"}}\n"
     "run idle\n"
     "is vmsnapshot s status.phase Succeeded\n"},
    {"SN-10 one after the other",
     STOPPED "snapshot s a\n"
             "snapshot t a\n"
             "run 2s\n"
             "cond vmsnapshot t Progressing False Source not locked snapshot \"s\" in progress\n"
             "run idle\n"
             "is vmsnapshot s status.readyToUse true\n"
             "is vmsnapshot t status.readyToUse true\n" UNLOCKED},
    {"SN-11 one volume without a class",
     "create "
     "{\"apiVersion\":\"storage.k8s.io/"
     "v1\",\"kind\":\"StorageClass\",\"metadata\":{\"name\":\"other\"},"
     "\"provisioner\":\"other.example\"}\n"
     "claim disk\n"
     "claim data\n"
     "vm a Halted disk data c:\n"
     "run idle\n"
     "is vm a status.volumeSnapshotStatuses [{\"name\":\"d0\",\"enabled\":true},{\"name\":\"d1\","
     "\"enabled\":true},{\"name\":\"d2\",\"enabled\":false,\"reason\":\"Snapshot is not supported "
     "for "
     "this volumeSource type [d2]\"}]\n"
     "snapshot s a\n"
     "run idle\n"
     "is vmsnapshot s status.snapshotVolumes "
     "{\"includedVolumes\":[\"d0\",\"d1\"],\"excludedVolumes\":"
     "[\"d2\"]}\n"
     "is vmsnapshot s status.indications\n"},
    {"SN-12 no class at all", STOPPED
     "delete volumesnapshotclass standard-snapshots\n"
     "run idle\n"
     "has vm a status.volumeSnapshotStatuses No VolumeSnapshotClass: Volume snapshots are not "
     "configured for this StorageClass [standard] [d0]\n"
     "snapshot s a\n"
     "run idle\n"
     "is vmsnapshot s status.phase Succeeded\n"
     "is vmsnapshot s status.readyToUse true\n"
     "is vmsnapshot s status.snapshotVolumes {\"excludedVolumes\":[\"d0\",\"d1\"]}\n"
     "is vmsnapshot s status.indications [\"PartialSnapshot\"]\n"},
    {"SN-13 two classes, none default", STOPPED
     "delete volumesnapshotclass standard-snapshots\n"
     "create "
     "{\"apiVersion\":\"snapshot.storage.k8s.io/v1\",\"kind\":\"VolumeSnapshotClass\",\"metadata\":"
     "{\"name\":\"x\"},\"driver\":\"csi.vmconform.dev\",\"deletionPolicy\":\"Delete\"}\n"
     "create "
     "{\"apiVersion\":\"snapshot.storage.k8s.io/v1\",\"kind\":\"VolumeSnapshotClass\",\"metadata\":"
     "{\"name\":\"y\"},\"driver\":\"csi.vmconform.dev\",\"deletionPolicy\":\"Delete\"}\n"
     "snapshot s a\n"
     "run idle\n"
     "is vmsnapshot s status.phase Failed\n"
     "has vm a status.volumeSnapshotStatuses 2 matching VolumeSnapshotClasses for standard\n"
     "count vmsnapshotcontents 0\n" UNLOCKED},
    {"SN-16 freeze fails twice", RUNNING
     "fault {\"point\":\"api\",\"match\":{\"subresource\":\"freeze\"},\"times\":2,\"action\":"
     "{\"answer\":500}}\n"
     "snapshot s a\n"
     "run 1s\n"
     "cond vmsnapshot s Progressing False In error state\n"
     "has vmsnapshot s status.error.message unexpected return code 400\n"
     "run idle\n"
     "event FreezeError 2\n"
     "is vmsnapshot s status.phase Succeeded\n"
     "is vmsnapshot s status.error\n"},
    {"SN-17 freeze always fails", RUNNING
     "fault "
     "{\"point\":\"api\",\"match\":{\"subresource\":\"freeze\"},\"action\":{\"answer\":500}}\n"
     "snapshot s a\n"
     "run idle\n"
     "is vmsnapshot s status.phase Failed\n"
     "cond vmsnapshot s Failure True snapshot deadline exceeded\n"
     "cond vmsnapshot s Progressing False In error state\n"
     "count vmsnapshotcontents 0\n" UNLOCKED},
    {"SN-19 a volume snapshot recovers", STOPPED "fail CreateSnapshot * 1\n"
                                                 "snapshot s a\n"
                                                 "run idle\n"
                                                 "is vmsnapshot s status.phase Succeeded\n"
                                                 "is vmsnapshot s status.error\n"},
    {"SN-20 a volume snapshot fails for good", STOPPED
     "fail CreateSnapshot * 0\n"
     "snapshot s a\n"
     "run 30s\n"
     "has vmsnapshot s status.error.message VolumeSnapshot vmsnapshot-$s-volume-d0 error: Failed\n"
     "cond vmsnapshot s Progressing False In error state\n"
     "is vmsnapshot s status.phase InProgress\n"
     "run idle\n"
     "is vmsnapshot s status.phase Failed\n"
     "count vmsnapshotcontents 0\n" UNLOCKED},
    {"SN-21 a volume snapshot vanishes", STOPPED
     "snapshot s a\n"
     "run idle\n"
     "delete volumesnapshot vmsnapshot-$s-volume-d0\n"
     "run idle\n"
     "is vmsnapshot s status.phase Succeeded\n"
     "is vmsnapshot s status.readyToUse false\n"
     "cond vmsnapshot s Ready False Not ready\n"
     "cond vmsnapshot s Progressing False In error state\n"
     "is vmsnapshot s status.error.message VolumeSnapshots (vmsnapshot-$s-volume-d0) missing\n"},
    {"SN-22 delete", STOPPED "snapshot s a\n"
                             "run idle\n"
                             "delete vmsnapshot s\n"
                             "run idle\n"
                             "gone vmsnapshot s\n"
                             "count vmsnapshotcontents 0\n"
                             "count volumesnapshots 0\n"},
    {"SN-23 retain", STOPPED "snapshot s a {\"deletionPolicy\":\"Retain\"}\n"
                             "run idle\n"
                             "delete vmsnapshot s\n"
                             "run idle\n"
                             "gone vmsnapshot s\n"
                             "count vmsnapshotcontents 1\n"
                             "count volumesnapshots 2\n"},
    {"SN-24 delete in progress", STOPPED "snapshot s a {\"deletionPolicy\":\"Retain\"}\n"
                                         "run 1s\n"
                                         "is vm a status.snapshotInProgress s\n"
                                         "delete vmsnapshot s\n"
                                         "run idle\n"
                                         "gone vmsnapshot s\n"
                                         "count vmsnapshotcontents 0\n" UNLOCKED},
    {"SN-25 delete the machine after", STOPPED "snapshot s a\n"
                                               "run idle\n"
                                               "delete vm a\n"
                                               "run idle\n"
                                               "gone vm a\n"
                                               "is vmsnapshot s status.readyToUse true\n"
                                               "count volumesnapshots 2\n"},
    {"SN-26 delete the machine meanwhile", STOPPED "snapshot s a\n"
                                                   "run 1s\n"
                                                   "delete vm a\n"
                                                   "run 1s\n"
                                                   "is vm a status.printableStatus Terminating\n"
                                                   "run idle\n"
                                                   "gone vm a\n"
                                                   "is vmsnapshot s status.phase Succeeded\n"},
    {"SN-27 no deadline", "claim disk\n"
                          "vm a Halted disk gone\n"
                          "run idle\n"
                          "snapshot s a {\"failureDeadline\":\"0\"}\n"
                          "run 1h\n"
                          "cond vmsnapshot s Progressing False Source not locked source default/a "
                          "volume doesnt exist: gone\n"
                          "is vmsnapshot s status.phase InProgress\n"
                          "claim gone\n"
                          "run idle\n"
                          "is vmsnapshot s status.phase Succeeded\n"},
    {"SN-29 unapplied change", RUNNING
     "patch vm a {\"spec\":{\"template\":{\"spec\":{\"hostname\":\"new\"}}}}\n"
     "run idle\n"
     "snapshot s a\n"
     "run idle\n"
     "is vmsnapshotcontent vmsnapshot-content-$s spec.source.virtualMachine.spec.template.spec "
     "{\"volumes\":[{\"name\":\"d0\",\"persistentVolumeClaim\":{\"claimName\":\"disk\"}}]}\n"},
    {"SN-32 old version", STOPPED
     "create {\"apiVersion\":\"snapshot.kubevirt.io/v1alpha1\",\"kind\":\"VirtualMachineSnapshot\","
     "\"metadata\":{\"name\":\"s\",\"namespace\":\"default\"},\"spec\":{\"source\":{\"apiGroup\":"
     "\"kubevirt.io\",\"kind\":\"VirtualMachine\",\"name\":\"a\"}}}\n"
     "run idle\n"
     "is vmsnapshot s status.readyToUse true\n"},
    {"no virt-api, no snapshot", STOPPED "snapshot s a\n"
                                         "virtapi down\n"
                                         "refused 500 failed calling webhook\n"
                                         "snapshot t a\n"
                                         "run 1m\n"
                                         "is vmsnapshot s status\n"
                                         "is vm a status.snapshotInProgress\n"
                                         "virtapi up\n"
                                         "run idle\n"
                                         "is vmsnapshot s status.readyToUse true\n" UNLOCKED},
    {"slow snapshot hits its deadline", STOPPED "duration snapshot 10m\n"
                                                "snapshot s a\n"
                                                "run idle\n"
                                                "is vmsnapshot s status.phase Failed\n"
                                                "count volumesnapshots 0\n" UNLOCKED},
    {"admission", STOPPED
     "refused 422 invalid kind\n"
     "snapshot s a {\"source\":{\"apiGroup\":\"kubevirt.io\",\"kind\":\"Pod\",\"name\":\"a\"}}\n"
     "refused 422 missing apiGroup\n"
     "snapshot s a {\"source\":{\"kind\":\"VirtualMachine\",\"name\":\"a\"}}\n"
     "refused 422 invalid apiGroup\n"
     "snapshot s a "
     "{\"source\":{\"apiGroup\":\"apps\",\"kind\":\"VirtualMachine\",\"name\":\"a\"}}\n"
     "snapshot s a\n"
     "refused 409 already exists\n"
     "snapshot s a\n"
     "refused 422 spec in immutable after creation\n"
     "patch vmsnapshot s {\"spec\":{\"deletionPolicy\":\"Retain\"}}\n"},
    {"gate off", STOPPED
     "fault {\"point\":\"gate\",\"match\":{\"kind\":\"VirtualMachineSnapshot\"},\"times\":1,"
     "\"action\":{\"closed\":true}}\n"
     "refused 400 snapshot feature gate not enabled\n"
     "snapshot s a\n"
     "snapshot s a\n"
     "run idle\n"
     "is vmsnapshot s status.readyToUse true\n"
     "fault {\"point\":\"gate\",\"action\":{\"closed\":true}}\n"
     "refused 400 snapshot feature gate not enabled\n"
     "restore r a s\n"},
    {"conflicts are retried", STOPPED
     "fault {\"point\":\"api\",\"match\":{\"verb\":\"update\",\"by\":\"main/virt-*\"},\"times\":6,"
     "\"action\":{\"answer\":409}}\n"
     "snapshot s a\n"
     "run idle\n"
     "is vmsnapshot s status.readyToUse true\n"
     "count vmsnapshotcontents 1\n"
     "count volumesnapshots 2\n" UNLOCKED},
    {"lost replies are harmless", STOPPED
     "fault {\"point\":\"api\",\"match\":{\"verb\":\"create\",\"by\":\"main/virt-*\"},\"times\":4,"
     "\"action\":{\"answer\":\"lost\"}}\n"
     "snapshot s a\n"
     "run idle\n"
     "is vmsnapshot s status.readyToUse true\n"
     "count vmsnapshotcontents 1\n"
     "count volumesnapshots 2\n" UNLOCKED},
};

START_TEST(snapshots)
{
    script_run(&cases[_i], 0);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("sim.kubevirt.snapshot",
                      SUITE_LONG_CASE("snapshots", 60, EACH(snapshots, cases)));
}
