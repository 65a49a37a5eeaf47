#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/sim_storage/stage.h"
#include "tests/unit/suite.h"

#define SPEC(extra)                                                                                \
    "{'spec': {'accessModes': ['ReadWriteOnce'], 'resources': {'requests': {'storage': "           \
    "'1Gi'}}" extra "}}"
#define PLAIN SPEC("")
#define WFFC SPEC(", 'storageClassName': 'late'")
#define RETAIN SPEC(", 'storageClassName': 'keep'")
#define NO_CLASS SPEC(", 'storageClassName': ''")
#define CLASS(mode, policy)                                                                        \
    "{'provisioner': 'csi.vmconform.dev', 'volumeBindingMode': '" mode                             \
    "', 'reclaimPolicy': '" policy "'}"
#define POD(claim)                                                                                 \
    "{'spec': {'containers': [{'name': 'c', 'image': 'none:1'}], 'volumes': [{'name': 'v', "       \
    "'persistentVolumeClaim': {'claimName': '" claim "'}}]}}"
#define STATIC_PV(extra)                                                                           \
    "{'spec': {'capacity': {'storage': '2Gi'}, 'accessModes': ['ReadWriteOnce'], "                 \
    "'csi': {'driver': 'other', 'volumeHandle': 'Some/Handle'}" extra "}}"

#define PVC_FIN "kubernetes.io/pvc-protection"
#define A "pvc/default/a"

static const struct row {
    const char *name;
    struct step steps[24];
} rows[] = {
    {"immediate",
     {{CREATE, A, NULL, PLAIN},
      {IS, A, "spec.storageClassName", "standard"},
      {HAS_FINALIZER, A, NULL, PVC_FIN},
      {RUN, NULL, NULL, "500ms"},
      {IS, A, "status.phase", "Pending"},
      {EVENT, "a", "Provisioning",
       "External provisioner is provisioning volume for claim \"default/a\""},
      {SETTLE, NULL, NULL, NULL},
      {IS, A, "status.phase", "Bound"},
      {IS, A, "status.capacity.storage", "1Gi"},
      {ANNOTATED, A, "pv.kubernetes.io/bind-completed", "yes"},
      {ANNOTATED, A, "volume.kubernetes.io/storage-provisioner", "csi.vmconform.dev"},
      {EVENT, "a", "ProvisioningSucceeded", "Successfully provisioned volume pvc-"},
      {DELETE, A, NULL, NULL},
      {SETTLE, NULL, NULL, NULL},
      {GONE, A, NULL, NULL}}},
    {"first consumer",
     {{CREATE, "sc/late", NULL, CLASS("WaitForFirstConsumer", "Delete")},
      {CREATE, A, NULL, WFFC},
      {SETTLE, NULL, NULL, NULL},
      {IS, A, "status.phase", "Pending"},
      {EVENT, "a", "WaitForFirstConsumer", "waiting for first consumer"},
      {CREATE, "pod/default/p", NULL, POD("a")},
      {SETTLE, NULL, NULL, NULL},
      {IS, A, "status.phase", "Bound"},
      {ANNOTATED, A, "volume.kubernetes.io/selected-node", "node01"},
      {IS, "pod/default/p", "status.phase", "Running"}}},
    {"no class, then a default",
     {{DELETE, "sc/standard", NULL, NULL},
      {CREATE, A, NULL, PLAIN},
      {SETTLE, NULL, NULL, NULL},
      {EVENT, "a", "FailedBinding", "no storage class is set"},
      {CREATE, "sc/new", NULL,
       "{'provisioner': 'csi.vmconform.dev', 'metadata': {'annotations': "
       "{'storageclass.kubernetes.io/is-default-class': 'true'}}}"},
      {SETTLE, NULL, NULL, NULL},
      {IS, A, "status.phase", "Bound"},
      {IS, A, "spec.storageClassName", "new"}}},
    {"missing class",
     {{CREATE, A, NULL, WFFC},
      {SETTLE, NULL, NULL, NULL},
      {IS, A, "status.phase", "Pending"},
      {EVENT, "a", "ProvisioningFailed", "storageclass.storage.k8s.io \"late\" not found"}}},
    {"driver fails twice",
     {{FAIL, "CreateVolume", "ResourceExhausted", "a"},
      {CREATE, A, NULL, PLAIN},
      {SETTLE, NULL, NULL, NULL},
      {EVENT, "a", "ProvisioningFailed",
       "failed to provision volume with StorageClass \"standard\": rpc error: code = "
       "ResourceExhausted desc"},
      {IS, A, "status.phase", "Bound"}}},
    {"claim goes while it is provisioned",
     {{CREATE, A, NULL, PLAIN},
      {RUN, NULL, NULL, "500ms"},
      {DELETE, A, NULL, NULL},
      {SETTLE, NULL, NULL, NULL},
      {GONE, A, NULL, NULL}}},
    {"pod holds its claim, even when it is finished",
     {{CREATE, A, NULL, PLAIN},
      {CREATE, "pod/default/p", NULL, POD("a")},
      {SETTLE, NULL, NULL, NULL},
      {DELETE, A, NULL, NULL},
      {SETTLE, NULL, NULL, NULL},
      {DELETING, A, NULL, NULL},
      {STATUS, "pod/default/p", NULL, "{'status': {'phase': 'Succeeded'}}"},
      {SETTLE, NULL, NULL, NULL},
      {DELETING, A, NULL, NULL},
      {DELETE, "pod/default/p", NULL, NULL},
      {SETTLE, NULL, NULL, NULL},
      {GONE, "pod/default/p", NULL, NULL},
      {GONE, A, NULL, NULL}}},
    {"unscheduled pod does not hold it",
     {{CREATE, "pod/default/p", NULL, POD("a")},
      {SETTLE, NULL, NULL, NULL},
      {EVENT, "p", "FailedScheduling", "persistentvolumeclaim \"a\" not found"},
      {DOWN, "external-provisioner", NULL, NULL},
      {CREATE, A, NULL, PLAIN},
      {SETTLE, NULL, NULL, NULL},
      {EVENT, "p", "FailedScheduling", "pod has unbound immediate PersistentVolumeClaims"},
      {DELETE, A, NULL, NULL},
      {SETTLE, NULL, NULL, NULL},
      {GONE, A, NULL, NULL}}},
    {"provisioner down and back",
     {{DOWN, "external-provisioner", NULL, NULL},
      {CREATE, A, NULL, PLAIN},
      {SETTLE, NULL, NULL, NULL},
      {IS, A, "status.phase", "Pending"},
      {EVENT, "a", "ExternalProvisioning", "csi.vmconform.dev"},
      {UP, "external-provisioner", NULL, NULL},
      {SETTLE, NULL, NULL, NULL},
      {IS, A, "status.phase", "Bound"}}},
    {"static volume by name",
     {{CREATE, "pv/s", NULL, STATIC_PV("")},
      {CREATE, A, NULL, SPEC(", 'storageClassName': '', 'volumeName': 's'")},
      {SETTLE, NULL, NULL, NULL},
      {IS, A, "status.phase", "Bound"},
      {IS, A, "status.capacity.storage", "2Gi"},
      {ANNOTATED, A, "pv.kubernetes.io/bound-by-controller", NULL},
      {IS, "pv/s", "spec.claimRef.name", "a"},
      {DELETE, A, NULL, NULL},
      {SETTLE, NULL, NULL, NULL},
      {IS, "pv/s", "status.phase", "Released"},
      {CREATE, A, NULL, SPEC(", 'storageClassName': '', 'volumeName': 's'")},
      {SETTLE, NULL, NULL, NULL},
      {IS, A, "status.phase", "Pending"},
      {EVENT, "a", "FailedBinding", "volume \"s\" already bound to a different claim."},
      {PATCH, "pv/s", NULL, "{'spec': {'claimRef': null}}"},
      {SETTLE, NULL, NULL, NULL},
      {IS, A, "status.phase", "Bound"}}},
    {"static volume found by size",
     {{CREATE, A, NULL, NO_CLASS},
      {SETTLE, NULL, NULL, NULL},
      {IS, A, "status.phase", "Pending"},
      {CREATE, "pv/s", NULL, STATIC_PV("")},
      {SETTLE, NULL, NULL, NULL},
      {IS, A, "spec.volumeName", "s"},
      {IS, "pv/s", "status.phase", "Bound"}}},
    {"mismatch",
     {{CREATE, "pv/s", NULL, STATIC_PV(", 'volumeMode': 'Block'")},
      {CREATE, A, NULL, SPEC(", 'storageClassName': '', 'volumeName': 's'")},
      {SETTLE, NULL, NULL, NULL},
      {IS, A, "status.phase", "Pending"},
      {EVENT, "a", "VolumeMismatch",
       "Cannot bind to requested volume \"s\": incompatible volumeMode"}}},
    {"volume taken away",
     {{CREATE, "pv/s", NULL, STATIC_PV("")},
      {CREATE, A, NULL, NO_CLASS},
      {SETTLE, NULL, NULL, NULL},
      {IS, A, "status.phase", "Bound"},
      {DELETE, "pv/s", NULL, NULL},
      {SETTLE, NULL, NULL, NULL},
      {DELETING, "pv/s", NULL, NULL},
      {PATCH, "pv/s", NULL, "{'metadata': {'finalizers': null}}"},
      {SETTLE, NULL, NULL, NULL},
      {GONE, "pv/s", NULL, NULL},
      {IS, A, "status.phase", "Lost"},
      {EVENT, "a", "ClaimLost", "Bound claim has lost its PersistentVolume"}}},
    {"access modes",
     {{REFUSED, A, "may not use ReadWriteOncePod with other access modes",
       "{'spec': {'accessModes': ['ReadWriteOnce', 'ReadWriteOncePod'], 'resources': {'requests': "
       "{'storage': '1Gi'}}}}"},
      {CREATE, A, NULL,
       "{'spec': {'accessModes': ['ReadWriteOncePod'], 'resources': {'requests': {'storage': "
       "'1Gi'}}}}"},
      {CREATE, "pod/default/p", NULL, POD("a")},
      {SETTLE, NULL, NULL, NULL},
      {CREATE, "pod/default/q", NULL, POD("a")},
      {SETTLE, NULL, NULL, NULL},
      {IS, "pod/default/q", "status.phase", "Pending"},
      {EVENT, "q", "FailedScheduling", "ReadWriteOncePod access mode already in-use"},
      {DELETE, "pod/default/p", NULL, NULL},
      {SETTLE, NULL, NULL, NULL},
      {IS, "pod/default/q", "status.phase", "Running"}}},
    {"resize",
     {{CREATE, A, NULL, PLAIN},
      {REFUSED_PATCH, A, "Only bound persistent volume claims can be expanded",
       "{'spec': {'resources': {'requests': {'storage': '2Gi'}}}}"},
      {SETTLE, NULL, NULL, NULL},
      {PATCH, A, NULL, "{'spec': {'resources': {'requests': {'storage': '2Gi'}}}}"},
      {SETTLE, NULL, NULL, NULL},
      {IS, A, "status.capacity.storage", "2Gi"},
      {IS, A, "status.conditions", "(absent)"},
      {EVENT, "a", "VolumeResizeSuccessful", ""},
      {REFUSED_PATCH, A, "field can not be less than",
       "{'spec': {'resources': {'requests': {'storage': '1Gi'}}}}"},
      {CREATE, "sc/keep", NULL, CLASS("Immediate", "Retain")},
      {CREATE, "pvc/default/b", NULL, RETAIN},
      {SETTLE, NULL, NULL, NULL},
      {REFUSED_PATCH, "pvc/default/b", "only dynamically provisioned pvc can be resized",
       "{'spec': {'resources': {'requests': {'storage': '2Gi'}}}}"}}},
    {"clone",
     {{CREATE, A, NULL, PLAIN},
      {CREATE, "pvc/default/b", NULL,
       SPEC(", 'dataSource': {'kind': 'PersistentVolumeClaim', 'name': 'a'}")},
      {RUN, NULL, NULL, "1500ms"},
      {HAS_FINALIZER, A, NULL, "provisioner.storage.kubernetes.io/cloning-protection"},
      {SETTLE, NULL, NULL, NULL},
      {IS, "pvc/default/b", "status.phase", "Bound"},
      {LACKS_FINALIZER, A, NULL, "provisioner.storage.kubernetes.io/cloning-protection"}}},
};

START_TEST(claims)
{
    struct stage st;
    stage_open(&st, NULL, false);
    stage_steps(&st, rows[_i].name, rows[_i].steps);
    stage_close(&st);
}
END_TEST

/* The volume of a claim is handed to another claim, as a data mover publishes what it wrote: policy
 * Retain, claim deleted, claimRef patched, the other bound. */
START_TEST(rebind)
{
    struct stage st;
    stage_open(&st, NULL, false);
    static const struct step source[] = {
        {CREATE, A, NULL, PLAIN}, {SETTLE, NULL, NULL, NULL}, {END, NULL, NULL, NULL}};
    stage_steps(&st, "rebind", source);
    const char *pv = json_string_value(
        json_object_get(json_object_get(stage_get(&st, A), "spec"), "volumeName"));
    char what[128], patch[512];
    snprintf(what, sizeof what, "pv/%s", pv);
    static const struct step target[] = {
        {DOWN, "external-provisioner", NULL, NULL},
        {CREATE, "pvc/default/target", NULL, PLAIN},
        {SETTLE, NULL, NULL, NULL},
        {IS, "pvc/default/target", "status.phase", "Pending"},
        {END, NULL, NULL, NULL},
    };
    stage_steps(&st, "rebind", target);
    const struct step keep[] = {
        {PATCH, what, NULL, "{'spec': {'persistentVolumeReclaimPolicy': 'Retain'}}"},
        {DELETE, A, NULL, NULL},
        {SETTLE, NULL, NULL, NULL},
        {GONE, A, NULL, NULL},
        {IS, what, "status.phase", "Released"},
        {END, NULL, NULL, NULL}};
    stage_steps(&st, "rebind", keep);
    const char *uid = json_string_value(
        json_object_get(json_object_get(stage_get(&st, "pvc/default/target"), "metadata"), "uid"));
    snprintf(patch, sizeof patch,
             "{'spec': {'claimRef': {'namespace': 'default', 'name': 'target', 'uid': '%s', "
             "'resourceVersion': null}}}",
             uid);
    const struct step over[] = {
        {PATCH, what, NULL, patch},
        {SETTLE, NULL, NULL, NULL},
        {IS, what, "status.phase", "Bound"},
        {IS, "pvc/default/target", "status.phase", "Bound"},
        {IS, "pvc/default/target", "spec.volumeName", strrchr(what, '/') + 1},
        {UP, "external-provisioner", NULL, NULL},
        {SETTLE, NULL, NULL, NULL},
        {IS, "pvc/default/target", "status.phase", "Bound"},
        {END, NULL, NULL, NULL}};
    stage_steps(&st, "rebind", over);
    ck_assert_ptr_nonnull(storage_volume(st.cluster, "default", "target"));
    stage_close(&st);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("sim.storage.claims",
                      SUITE_LONG_CASE("claims", 60, EACH(claims, rows), TEST(rebind)));
}
