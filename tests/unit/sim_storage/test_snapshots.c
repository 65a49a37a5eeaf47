#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/disk_compare.h"
#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/sim_storage/stage.h"
#include "tests/unit/suite.h"

#define PLAIN                                                                                      \
    "{'spec': {'accessModes': ['ReadWriteOnce'], 'resources': {'requests': {'storage': '1Gi'}}}}"
#define FROM(vs, size, extra)                                                                      \
    "{'spec': {'accessModes': ['ReadWriteOnce'], 'resources': {'requests': {'storage': '" size     \
    "'}}, 'dataSource': {'apiGroup': 'snapshot.storage.k8s.io', 'kind': 'VolumeSnapshot', "        \
    "'name': '" vs "'}" extra "}}"
#define SNAP "{'spec': {'source': {'persistentVolumeClaimName': 'a'}}}"
#define SNAP_CLASS(class)                                                                          \
    "{'spec': {'source': {'persistentVolumeClaimName': 'a'}, 'volumeSnapshotClassName': '" class   \
        "'}}"
#define KEEP_CLASS "{'driver': 'csi.vmconform.dev', 'deletionPolicy': 'Retain'}"

#define A "pvc/default/a"
#define B "pvc/default/b"
#define S "vs/default/s"
#define SOURCE_FIN "snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection"
#define BOUND_FIN "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection"
#define CLAIM_FIN "snapshot.storage.kubernetes.io/pvc-as-source-protection"
#define RESTORE_FIN "provisioner.storage.kubernetes.io/volumesnapshot-as-source-protection"

static const struct row {
    const char *name;
    struct step steps[26];
} rows[] = {
    {"taken, restored, deleted",
     {{CREATE, A, NULL, PLAIN},
      {SETTLE, NULL, NULL, NULL},
      {CREATE, S, NULL, SNAP},
      {RUN, NULL, NULL, "1s"},
      {IS, S, "spec.volumeSnapshotClassName", "standard-snapshots"},
      {IS, S, "status.readyToUse", "false"},
      {HAS_FINALIZER, A, NULL, CLAIM_FIN},
      {HAS_FINALIZER, S, NULL, SOURCE_FIN},
      {SETTLE, NULL, NULL, NULL},
      {IS, S, "status.readyToUse", "true"},
      {IS, S, "status.restoreSize", "1Gi"},
      {HAS_FINALIZER, S, NULL, BOUND_FIN},
      {LACKS_FINALIZER, A, NULL, CLAIM_FIN},
      {EVENT, "s", "SnapshotCreated",
       "Snapshot default/s was successfully created by the CSI driver."},
      {EVENT, "s", "SnapshotReady", "Snapshot default/s is ready to use."},
      {CREATE, B, NULL, FROM("s", "1Gi", "")},
      {RUN, NULL, NULL, "500ms"},
      {HAS_FINALIZER, S, NULL, RESTORE_FIN},
      {SETTLE, NULL, NULL, NULL},
      {IS, B, "status.phase", "Bound"},
      {LACKS_FINALIZER, S, NULL, RESTORE_FIN},
      {DELETE, S, NULL, NULL},
      {SETTLE, NULL, NULL, NULL},
      {GONE, S, NULL, NULL}}},
    {"claim not bound yet",
     {{DOWN, "external-provisioner", NULL, NULL},
      {CREATE, A, NULL, PLAIN},
      {CREATE, S, NULL, SNAP},
      {SETTLE, NULL, NULL, NULL},
      {EVENT, "s", "SnapshotContentCreationFailed", "the PVC a is not yet bound to a PV"},
      {IS, S, "status.readyToUse", "false"},
      {UP, "external-provisioner", NULL, NULL},
      {SETTLE, NULL, NULL, NULL},
      {IS, S, "status.readyToUse", "true"},
      {IS, S, "status.error", "(absent)"}}},
    {"claim missing",
     {{CREATE, S, NULL, SNAP},
      {SETTLE, NULL, NULL, NULL},
      {EVENT, "s", "SnapshotContentCreationFailed", "cannot get claim from snapshot"}}},
    {"class missing",
     {{CREATE, A, NULL, PLAIN},
      {CREATE, S, NULL, SNAP_CLASS("none")},
      {SETTLE, NULL, NULL, NULL},
      {EVENT, "s", "GetSnapshotClassFailed", "\"none\" not found"}}},
    {"no default class",
     {{DELETE, "vsclass/standard-snapshots", NULL, NULL},
      {CREATE, A, NULL, PLAIN},
      {CREATE, S, NULL, SNAP},
      {SETTLE, NULL, NULL, NULL},
      {EVENT, "s", "SetDefaultSnapshotClassFailed", "cannot find default snapshot class"}}},
    {"driver fails for good, then works",
     {{CREATE, A, NULL, PLAIN},
      {SETTLE, NULL, NULL, NULL},
      {FAIL_ONCE, "CreateSnapshot", "Internal", "s"},
      {CREATE, S, NULL, SNAP},
      {RUN, NULL, NULL, "2500ms"},
      {IS, S, "status.readyToUse", "false"},
      {EVENT, "s", "CreatingSnapshot", "Waiting for a snapshot default/s"},
      {SETTLE, NULL, NULL, NULL},
      {IS, S, "status.readyToUse", "true"},
      {IS, S, "status.error", "(absent)"}}},
    {"deleted while it is taken",
     {{CREATE, A, NULL, PLAIN},
      {SETTLE, NULL, NULL, NULL},
      {CREATE, S, NULL, SNAP},
      {RUN, NULL, NULL, "1s"},
      {DELETE, S, NULL, NULL},
      {RUN, NULL, NULL, "500ms"},
      {DELETING, S, NULL, NULL},
      {SETTLE, NULL, NULL, NULL},
      {GONE, S, NULL, NULL},
      {LACKS_FINALIZER, A, NULL, CLAIM_FIN}}},
    {"kept by its policy",
     {{CREATE, "vsclass/keep", NULL, KEEP_CLASS},
      {CREATE, A, NULL, PLAIN},
      {CREATE, S, NULL, SNAP_CLASS("keep")},
      {SETTLE, NULL, NULL, NULL},
      {LACKS_FINALIZER, S, NULL, BOUND_FIN},
      {DELETE, S, NULL, NULL},
      {SETTLE, NULL, NULL, NULL},
      {GONE, S, NULL, NULL}}},
    {"waits for a restore that is pending",
     {{CREATE, A, NULL, PLAIN},
      {CREATE, S, NULL, SNAP},
      {SETTLE, NULL, NULL, NULL},
      {DOWN, "external-provisioner", NULL, NULL},
      {CREATE, B, NULL, FROM("s", "1Gi", "")},
      {SETTLE, NULL, NULL, NULL},
      {DELETE, S, NULL, NULL},
      {SETTLE, NULL, NULL, NULL},
      {DELETING, S, NULL, NULL},
      {EVENT, "s", "SnapshotDeletePending", "Snapshot is being used to restore a PVC"},
      {DELETE, B, NULL, NULL},
      {SETTLE, NULL, NULL, NULL},
      {GONE, B, NULL, NULL},
      {GONE, S, NULL, NULL}}},
    {"restore of what is missing, not ready, too large",
     {{CREATE, B, NULL, FROM("s", "1Mi", "")},
      {SETTLE, NULL, NULL, NULL},
      {EVENT, "b", "ProvisioningFailed", "error getting snapshot s from api server"},
      {CREATE, A, NULL, PLAIN},
      {CREATE, S, NULL, SNAP},
      {RUN, NULL, NULL, "2s"},
      {EVENT, "b", "ProvisioningFailed", "snapshot s is not Ready"},
      {SETTLE, NULL, NULL, NULL},
      {EVENT, "b", "ProvisioningFailed",
       "requested volume size 1048576 is less than the size 1073741824 for the source snapshot s"},
      {IS, B, "status.phase", "Pending"},
      {CREATE, "pvc/default/c", NULL, FROM("s", "1Gi", ", 'volumeMode': 'Block'")},
      {SETTLE, NULL, NULL, NULL},
      {EVENT, "c", "ProvisioningFailed", "modifies the mode of the source volume"},
      {IS, "pvc/default/c", "status.phase", "Pending"}}},
    {"source claim goes after it is ready",
     {{CREATE, A, NULL, PLAIN},
      {CREATE, S, NULL, SNAP},
      {SETTLE, NULL, NULL, NULL},
      {DELETE, A, NULL, NULL},
      {SETTLE, NULL, NULL, NULL},
      {GONE, A, NULL, NULL},
      {IS, S, "status.readyToUse", "true"},
      {CREATE, B, NULL, FROM("s", "2Gi", "")},
      {SETTLE, NULL, NULL, NULL},
      {IS, B, "status.phase", "Bound"}}},
    {"source claim is held while it is taken",
     {{CREATE, A, NULL, PLAIN},
      {SETTLE, NULL, NULL, NULL},
      {CREATE, S, NULL, SNAP},
      {RUN, NULL, NULL, "1s"},
      {DELETE, A, NULL, NULL},
      {RUN, NULL, NULL, "500ms"},
      {DELETING, A, NULL, NULL},
      {SETTLE, NULL, NULL, NULL},
      {GONE, A, NULL, NULL},
      {IS, S, "status.readyToUse", "true"}}},
    {"delete fails twice",
     {{CREATE, A, NULL, PLAIN},
      {CREATE, S, NULL, SNAP},
      {SETTLE, NULL, NULL, NULL},
      {FAIL, "DeleteSnapshot", "Internal", "*"},
      {DELETE, S, NULL, NULL},
      {RUN, NULL, NULL, "1500ms"},
      {DELETING, S, NULL, NULL},
      {SETTLE, NULL, NULL, NULL},
      {GONE, S, NULL, NULL}}},
    {"deleted while the driver may still be at it",
     {{CREATE, A, NULL, PLAIN},
      {SETTLE, NULL, NULL, NULL},
      {FAIL, "CreateSnapshot", "Unavailable", "s"},
      {CREATE, S, NULL, SNAP},
      {RUN, NULL, NULL, "2500ms"},
      {DELETE, S, NULL, NULL},
      {RUN, NULL, NULL, "2s"},
      {DELETING, S, NULL, NULL},
      {SETTLE, NULL, NULL, NULL},
      {GONE, S, NULL, NULL}}},
    {"controllers down",
     {{CREATE, A, NULL, PLAIN},
      {SETTLE, NULL, NULL, NULL},
      {DOWN, "csi-snapshotter", NULL, NULL},
      {CREATE, S, NULL, SNAP},
      {SETTLE, NULL, NULL, NULL},
      {IS, S, "status.readyToUse", "false"},
      {IS, S, "status.creationTime", "(absent)"},
      {UP, "csi-snapshotter", NULL, NULL},
      {SETTLE, NULL, NULL, NULL},
      {IS, S, "status.readyToUse", "true"}}},
};

START_TEST(snapshots)
{
    struct stage st;
    stage_open(&st, NULL, false);
    stage_steps(&st, rows[_i].name, rows[_i].steps);
    stage_close(&st);
}
END_TEST

static char *why_not_restored(struct stage *st, const struct disk_moment *want)
{
    struct disk_model *restored = volume_disk(storage_volume(st->cluster, "default", "b"));
    AUTO(disk_moment) struct disk_moment *now = disk_now(restored);
    return disk_explain(want, now, NULL, 0);
}

/* A restored volume holds the bytes of the snapshot's moment, whatever was written since, and parts
 * from its source after that; a deleted source changes nothing. */
START_TEST(bytes)
{
    static const struct step make[] = {
        {CREATE, A, NULL, PLAIN}, {SETTLE, NULL, NULL, NULL}, {END, NULL, NULL, NULL}};
    static const struct step take[] = {
        {CREATE, S, NULL, SNAP}, {SETTLE, NULL, NULL, NULL}, {END, NULL, NULL, NULL}};
    static const struct step restore[] = {{DELETE, A, NULL, NULL},
                                          {CREATE, B, NULL, FROM("s", "1Gi", "")},
                                          {SETTLE, NULL, NULL, NULL},
                                          {GONE, A, NULL, NULL},
                                          {END, NULL, NULL, NULL}};
    struct stage st;
    stage_open(&st, NULL, false);
    stage_steps(&st, "make", make);
    struct disk_model *disk = volume_disk(storage_volume(st.cluster, "default", "a"));
    disk_write(disk, 0, 100);
    AUTO(disk_moment) struct disk_moment *then = disk_now(disk);
    stage_steps(&st, "take", take);
    disk_write(disk, 50, 10);
    stage_steps(&st, "restore", restore);
    AUTO(str) char *why = why_not_restored(&st, then);
    ck_assert_msg(!why, "%s", why);

    struct disk_model *of = NULL;
    const char *checkpoint = NULL;
    const char *content =
        json_str_or_empty(stage_get(&st, S), "status.boundVolumeSnapshotContentName");
    ck_assert(storage_snapshot_moment(st.cluster, content, &of, &checkpoint));
    ck_assert(disk_moment_same(disk_find(of, checkpoint), then));

    disk_write(volume_disk(storage_volume(st.cluster, "default", "b")), 3, 1);
    AUTO(str) char *differs = why_not_restored(&st, then);
    ck_assert_ptr_nonnull(differs);
    stage_close(&st);
}
END_TEST

static void content_of(struct stage *st, char out[128])
{
    const char *name = json_str_or_empty(stage_get(st, S), "status.boundVolumeSnapshotContentName");
    snprintf(out, 128, "vsc/%s", name);
}

START_TEST(content_taken_away)
{
    static const struct step make[] = {{CREATE, A, NULL, PLAIN},
                                       {CREATE, S, NULL, SNAP},
                                       {SETTLE, NULL, NULL, NULL},
                                       {END, NULL, NULL, NULL}};
    struct stage st;
    char content[128];
    stage_open(&st, NULL, false);
    stage_steps(&st, "make", make);
    content_of(&st, content);
    const struct step take[] = {
        {DELETE, content, NULL, NULL},
        {SETTLE, NULL, NULL, NULL},
        {DELETING, content, NULL, NULL},
        {IS, S, "status.readyToUse", "true"},
        {PATCH, content, NULL, "{'metadata': {'finalizers': null}}"},
        {SETTLE, NULL, NULL, NULL},
        {GONE, content, NULL, NULL},
        {IS, S, "status.readyToUse", "false"},
        {EVENT, "s", "SnapshotContentMissing", "VolumeSnapshotContent is missing"},
        {END, NULL, NULL, NULL}};
    stage_steps(&st, "take", take);
    stage_close(&st);
}
END_TEST

/* A snapshot that its content survived is bound again by hand, and restored. */
START_TEST(content_made_by_hand)
{
    static const struct step make[] = {{CREATE, "vsclass/keep", NULL, KEEP_CLASS},
                                       {CREATE, A, NULL, PLAIN},
                                       {CREATE, S, NULL, SNAP_CLASS("keep")},
                                       {SETTLE, NULL, NULL, NULL},
                                       {END, NULL, NULL, NULL}};
    struct stage st;
    char content[128], by_hand[1024];
    stage_open(&st, NULL, false);
    stage_steps(&st, "make", make);
    content_of(&st, content);
    snprintf(by_hand, sizeof by_hand,
             "{'spec': {'deletionPolicy': 'Delete', 'driver': 'csi.vmconform.dev', 'source': "
             "{'snapshotHandle': "
             "'%s'}, 'sourceVolumeMode': 'Filesystem', 'volumeSnapshotRef': {'kind': "
             "'VolumeSnapshot', 'name': "
             "'s2', 'namespace': 'default'}}}",
             json_str_or_empty(stage_get(&st, content), "status.snapshotHandle"));
    const struct step bind[] = {{DELETE, S, NULL, NULL},
                                {SETTLE, NULL, NULL, NULL},
                                {GONE, S, NULL, NULL},
                                {IS, content, "status.readyToUse", "true"},
                                {CREATE, "vs/default/s2", NULL,
                                 "{'spec': {'source': {'volumeSnapshotContentName': 'hand'}}}"},
                                {SETTLE, NULL, NULL, NULL},
                                {CREATE, "vsc/hand", NULL, by_hand},
                                {SETTLE, NULL, NULL, NULL},
                                {IS, "vs/default/s2", "status.readyToUse", "true"},
                                {CREATE, B, NULL, FROM("s2", "1Gi", "")},
                                {SETTLE, NULL, NULL, NULL},
                                {IS, B, "status.phase", "Bound"},
                                {DELETE, "vs/default/s2", NULL, NULL},
                                {SETTLE, NULL, NULL, NULL},
                                {GONE, "vsc/hand", NULL, NULL},
                                {END, NULL, NULL, NULL}};
    stage_steps(&st, "bind", bind);
    stage_close(&st);
}
END_TEST

/* The same steps give the same trace. */
START_TEST(same_again)
{
    AUTO(str) char *first = NULL;
    for (int i = 0; i < 2; i++) {
        struct stage st;
        stage_open(&st, NULL, false);
        stage_steps(&st, rows[0].name, rows[0].steps);
        const char *text = strbuf_str(trace_text(world_trace(st.world)));
        if (first)
            ck_assert_str_eq(first, text);
        else
            first = mem_strdup(text);
        stage_close(&st);
    }
}
END_TEST

int main(void)
{
    return SUITE_MAIN("sim.storage.snapshots",
                      SUITE_LONG_CASE("snapshots", 60, EACH(snapshots, rows), TEST(bytes),
                                      TEST(content_taken_away), TEST(content_made_by_hand),
                                      TEST(same_again)));
}
