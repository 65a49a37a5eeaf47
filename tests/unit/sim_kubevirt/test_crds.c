/* The definitions of our own writing: what they refuse, default and prune. */
#include "tests/unit/sim_kubevirt/script.h"
#include "tests/unit/suite.h"

#define INSTANCE(spec)                                                                             \
    "create "                                                                                      \
    "{\"apiVersion\":\"osac.openshift.io/v1alpha1\",\"kind\":\"ComputeInstance\",\"metadata\":"    \
    "{\"name\":\"ci\",\"namespace\":\"default\"},\"spec\":{" spec "}}\n"
#define FULL                                                                                       \
    INSTANCE("\"templateID\":\"t.x\",\"cores\":2,\"memoryGiB\":4,\"bootDisk\":{\"sizeGiB\":10},"   \
             "\"runStrategy\":\"Always\",\"networkAttachments\":[{\"subnetRef\":\"n\"}]")
#define SNAPSHOT(spec)                                                                             \
    "create {\"apiVersion\":\"osac.openshift.io/v1alpha1\",\"kind\":\"ComputeInstanceSnapshot\","  \
    "\"metadata\":{\"name\":\"sn\",\"namespace\":\"default\"},\"spec\":{" spec "}}\n"
#define BACKUP(spec)                                                                               \
    "create {\"apiVersion\":\"backup.kubevirt.io/v1alpha1\",\"kind\":\"VirtualMachineBackup\","    \
    "\"metadata\":{\"name\":\"b\",\"namespace\":\"default\"},\"spec\":{" spec "}}\n"
#define SOURCE                                                                                     \
    "\"source\":{\"apiGroup\":\"kubevirt.io\",\"kind\":\"VirtualMachine\",\"name\":\"a\"}"

static const struct script_case cases[] = {
    {"instance: templateID", "refused 422 spec.templateID: Required value\n" INSTANCE(
                                 "\"cores\":1") "refused 422 spec.templateID in body "
                                                "should match\n" INSTANCE("\"templateID\":"
                                                                          "\"9\"")},
    {"instance: run strategy", "refused 422 Unsupported value: \"Manual\"\n" INSTANCE(
                                   "\"templateID\":\"t\",\"runStrategy\":\"Manual\"")},
    {"instance: immutable fields",
     FULL "refused 422 cores is immutable\n"
          "patch ci ci {\"spec\":{\"cores\":3}}\n"
          "refused 422 memoryGiB is immutable\n"
          "patch ci ci {\"spec\":{\"memoryGiB\":3}}\n"
          "refused 422 bootDisk is immutable\n"
          "patch ci ci {\"spec\":{\"bootDisk\":{\"sizeGiB\":11}}}\n"
          "refused 422 networkAttachments cannot be added or removed\n"
          "patch ci ci "
          "{\"spec\":{\"networkAttachments\":[{\"subnetRef\":\"n\"},{\"subnetRef\":\"m\"}]}}\n"
          "patch ci ci "
          "{\"spec\":{\"networkAttachments\":[{\"subnetRef\":\"n\",\"securityGroupRefs\":[\"g\"]"
          "}]}}\n"
          "patch ci ci {\"spec\":{\"runStrategy\":\"Halted\"}}\n"},
    {"instance: restore fields",
     FULL "patch ci ci "
          "{\"spec\":{\"restoreFromSnapshot\":\"sn\",\"restoreRequestedAt\":\"2026-01-01T00:00:"
          "00Z\"}}\n"
          "is ci ci spec.restoreFromSnapshot sn\n"
          "patchstatus ci ci "
          "{\"status\":{\"lastRestoredAt\":\"2026-01-01T00:00:00Z\",\"phase\":\"Stopped\"}}\n"
          "is ci ci status.lastRestoredAt 2026-01-01T00:00:00Z\n"
          "refused 422 Unsupported value: \"Bad\"\n"
          "patchstatus ci ci {\"status\":{\"phase\":\"Bad\"}}\n"
          "refused 422 spec.restoreRequestedAt\n"
          "patch ci ci {\"spec\":{\"restoreRequestedAt\":\"soon\"}}\n"},
    {"instance: a release before restores prunes them",
     "crd sim/crds/variants/osac.openshift.io_computeinstances_without_restore.yaml\n" FULL
     "patch ci ci "
     "{\"spec\":{\"restoreFromSnapshot\":\"sn\",\"restoreRequestedAt\":\"2026-01-01T00:00:"
     "00Z\"}}\n"
     "is ci ci spec.restoreFromSnapshot\n"
     "is ci ci spec.restoreRequestedAt\n"
     "patchstatus ci ci "
     "{\"status\":{\"lastRestoredAt\":\"2026-01-01T00:00:00Z\",\"phase\":\"Stopped\"}}\n"
     "is ci ci status.lastRestoredAt\n"
     "is ci ci status.phase Stopped\n"},
    {"instance snapshot",
     "refused 422 spec.computeInstanceRef: Required value\n" SNAPSHOT("\"description\":"
                                                                      "\"x\"")
         SNAPSHOT("\"computeInstanceRef\":\"ci\"") "refused 422 computeInstanceRef is immutable\n"
                                                   "patch cisnap sn "
                                                   "{\"spec\":{\"computeInstanceRef\":\"other\"}}\n"
                                                   "patch cisnap sn "
                                                   "{\"spec\":{\"description\":\"other\"}}\n"
                                                   "patchstatus cisnap sn "
                                                   "{\"status\":{\"phase\":\"Ready\",\"sizeBytes\":"
                                                   "5,\"online\":true}}\n"
                                                   "refused 422 reason\n"
                                                   "patchstatus cisnap sn "
                                                   "{\"status\":{\"conditions\":[{\"type\":"
                                                   "\"Ready\",\"status\":\"True\",\"reason\":\"\","
                                                   "\"message\":\"\",\"lastTransitionTime\":\"2026-"
                                                   "01-01T00:00:00Z\"}]}}\n"},
    {"backup",
     "refused 422 pvcName is required\n" BACKUP(
         SOURCE) "refused 422 tokenSecretRef is "
                 "required when mode is "
                 "Pull\n" BACKUP(
                     SOURCE ",\"pvcName"
                            "\":\"p\","
                            "\"mode\":"
                            "\"Pull\"") "refused 422 kind must be VirtualMachine for "
                                        "kubevirt.io\n" BACKUP(
                                            "\"pvcName\":\"p\",\"source\":{"
                                            "\"apiGroup\":\"kubevirt.io\","
                                            "\"kind\":\"Pod\",\"name\":"
                                            "\"a\"}") "refused 422 "
                                                      "apiGroup is "
                                                      "required\n" BACKUP("\"pvcName\":\"p\","
                                                                          "\"source\":{\"kind\":"
                                                                          "\"VirtualMachine\","
                                                                          "\"name\":\"a\"}")
                                                          BACKUP(SOURCE ",\"pvcName\""
                                                                        ":\"p\"") "re"
                                                                                  "fu"
                                                                                  "se"
                                                                                  "d "
                                                                                  "42"
                                                                                  "2 "
                                                                                  "sp"
                                                                                  "ec"
                                                                                  " i"
                                                                                  "s "
                                                                                  "im"
                                                                                  "mu"
                                                                                  "ta"
                                                                                  "bl"
                                                                                  "e "
                                                                                  "af"
                                                                                  "te"
                                                                                  "r "
                                                                                  "cr"
                                                                                  "ea"
                                                                                  "ti"
                                                                                  "on"
                                                                                  "\n"
                                                                                  "pa"
                                                                                  "tc"
                                                                                  "h "
                                                                                  "vm"
                                                                                  "ba"
                                                                                  "ck"
                                                                                  "up"
                                                                                  " b"
                                                                                  " {"
                                                                                  "\""
                                                                                  "sp"
                                                                                  "ec"
                                                                                  "\""
                                                                                  ":{"
                                                                                  "\""
                                                                                  "pv"
                                                                                  "cN"
                                                                                  "am"
                                                                                  "e"
                                                                                  "\""
                                                                                  ":"
                                                                                  "\""
                                                                                  "q"
                                                                                  "\""
                                                                                  "}}"
                                                                                  "\n"},
    {"data upload has no status subresource",
     "create "
     "{\"apiVersion\":\"velero.io/"
     "v2alpha1\",\"kind\":\"DataUpload\",\"metadata\":{\"name\":\"d\","
     "\"namespace\":\"default\"},\"spec\":{\"snapshotType\":\"CSI\",\"csiSnapshot\":null,"
     "\"sourcePVC\":\"p\","
     "\"backupStorageLocation\":\"l\",\"sourceNamespace\":\"n\",\"operationTimeout\":"
     "\"1h\"}}\n"
     "patch dataupload d {\"status\":{\"phase\":\"Accepted\"}}\n"
     "is dataupload d status.phase Accepted\n"
     "refused 422 Unsupported value\n"
     "patch dataupload d {\"spec\":{\"snapshotType\":\"kubevirt\"}}\n"},
    {"machine status defaults", "vm a Halted\n"
                                "patchstatus vm a {\"status\":{\"created\":true}}\n"
                                "is vm a status.printableStatus Stopped\n"},
    {"restore policy defaults", "refused 422 Unsupported value: \"Never\"\n"
                                "restore r a s {\"targetReadinessPolicy\":\"Never\"}\n"
                                "restore r a s\n"
                                "is vmrestore r spec.targetReadinessPolicy WaitGracePeriod\n"},
};

START_TEST(definitions)
{
    script_run(&cases[_i], 0);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("sim.crds.own", SUITE_LONG_CASE("definitions", 60, EACH(definitions, cases)));
}
