/* The snapshotter that stands beside the CSI driver: it takes and deletes the driver's snapshots,
 * as VolumeSnapshotContents ask (kubevirt-csi.md section 5.5). The bytes of a snapshot are those of
 * the moment when CreateSnapshot was called. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/storage/snapshot_priv.h"

/* The driver names its snapshot after the VolumeSnapshot, so that a repeated call finds it again.
 */
static char *snapshot_handle(const json_t *content)
{
    return mem_printf("snapshot-%s", json_str_or_empty(content, "spec.volumeSnapshotRef.uid"));
}

static int set_annotation(struct simloop *l, const json_t *content, const char *key,
                          const char *value)
{
    const char *was = meta_annotation(content, key);
    if ((!was && !value) || (was && value && !strcmp(was, value)))
        return 0;
    AUTO(json) json_t *copy = json_copy_of(content);
    meta_set_annotation(copy, key, value);
    return simloop_put(l, &LOOP_CONTENTS, copy, NULL, NULL);
}

static int set_error(struct simloop *l, const json_t *content, const char *reason,
                     const char *message)
{
    AUTO(json) json_t *copy = json_copy_of(content);
    if (!snapshot_set_error(copy, message, simloop_now(l)))
        return 0;
    AUTO(json) json_t *stored = NULL;
    if (simloop_put(l, &LOOP_CONTENTS, copy, "status", &stored) < 0)
        return -1;
    simloop_event(l, stored, "Warning", reason, "%s", message);
    return 0;
}

/* ---- taking ---- */

static struct snapshot *keep_snapshot(struct storage *st, struct simloop *l, const char *handle,
                                      struct volume *source, struct disk_moment *moment)
{
    struct snapshot *snap = mem_zalloc(sizeof *snap);
    snap->handle = mem_strdup(handle);
    snap->source = source;
    snap->moment = disk_moment_ref(moment);
    snap->cut_ns = simloop_now(l) - st->durations[DURATION_SNAPSHOT];
    snap->ready_ns = simloop_now(l) + st->durations[DURATION_SNAPSHOT_READY];
    snap->bytes = source->capacity;
    strmap_put(st->snapshots, handle, snap);
    return snap;
}

/* The latest state after requests of ours. New, NULL when it has gone. */
static json_t *again(const struct simloop *l, const json_t *content)
{
    return simloop_get(l, &LOOP_CONTENTS, NULL, meta_name(content));
}

static int report_snapshot(struct simloop *l, const char *key, const json_t *found,
                           const struct snapshot *snap)
{
    bool ready = simloop_now(l) >= snap->ready_ns;
    AUTO(json) json_t *copy = json_copy_of(found);
    bool changed = snapshot_set_error(copy, NULL, simloop_now(l));
    if (!json_path(copy, "status.snapshotHandle")) {
        json_put_str(copy, "status.snapshotHandle", snap->handle);
        json_put_take(copy, "status.creationTime", json_integer(snap->cut_ns));
        json_put_take(copy, "status.restoreSize", json_integer((json_int_t)snap->bytes));
        changed = true;
    }
    if (!json_path(copy, "status.readyToUse") ||
        json_bool(copy, "status.readyToUse", false) != ready) {
        json_put_take(copy, "status.readyToUse", json_boolean(ready));
        changed = true;
    }
    if (changed && simloop_put(l, &LOOP_CONTENTS, copy, "status", NULL) < 0)
        return -1;
    if (!ready)
        simloop_add_at(l, snap->ready_ns, key);
    AUTO(json) json_t *now = again(l, found);
    return now ? set_annotation(l, now, ANN_BEING_CREATED, NULL) : 0;
}

static int fail_snapshot(struct simloop *l, const char *key, const json_t *content,
                         const struct fail_rule *fail)
{
    /* The doubled quotes are the product's. */
    AUTO(str)
    char *message =
        mem_printf("Failed to create snapshot: failed to take snapshot of the volume "
                   "%s: \"rpc error: code = %s desc = %s\"",
                   json_str_or_empty(content, "spec.source.volumeHandle"), fail->code, fail->text);
    if (set_error(l, content, "SnapshotCreationFailed", message) < 0)
        return -1;
    csi_retry(l, key, fail);
    if (!csi_code_is_final(fail->code, true))
        return 0;
    AUTO(json) json_t *now = again(l, content);
    return now ? set_annotation(l, now, ANN_BEING_CREATED, NULL) : 0;
}

/* The moment that the call has cut already, or this one. New reference. */
static struct disk_moment *cut(struct storage *st, struct volume *v, const char *handle)
{
    struct csi_call *call = csi_call_find(st, "CreateSnapshot", handle);
    if (call && call->moment)
        return disk_moment_ref(call->moment);
    return disk_moment_ref(disk_checkpoint(volume_disk(v), handle));
}

static int take_snapshot(struct storage *st, struct simloop *l, const char *key,
                         const json_t *content, const char *handle)
{
    const struct fail_rule *fail = NULL;
    struct volume *v =
        strmap_get(st->volumes, json_str_or_empty(content, "spec.source.volumeHandle"));
    if (!v || v->deleted) {
        AUTO(str)
        char *message = mem_printf("Failed to create snapshot: failed to take snapshot of the "
                                   "volume %s: \"rpc error: code = "
                                   "NotFound desc = volume not found\"",
                                   json_str_or_empty(content, "spec.source.volumeHandle"));
        return set_error(l, content, "SnapshotCreationFailed", message);
    }
    if (set_annotation(l, content, ANN_BEING_CREATED, "yes") < 0)
        return -1;
    AUTO(disk_moment) struct disk_moment *moment = cut(st, v, handle);
    if (csi_call(st, l, key, "CreateSnapshot", handle,
                 json_str_or_empty(content, "spec.volumeSnapshotRef.name"), DURATION_SNAPSHOT,
                 &fail)) {
        struct csi_call *call = csi_call_find(st, "CreateSnapshot", handle);
        if (!call->moment)
            call->moment = TAKE(moment);
        return 0;
    }
    AUTO(json) json_t *now = again(l, content);
    if (!now)
        return 0;
    if (fail) {
        disk_forget(volume_disk(v), handle);
        return fail_snapshot(l, key, now, fail);
    }
    return report_snapshot(l, key, now, keep_snapshot(st, l, handle, v, moment));
}

static int sync_dynamic(struct storage *st, struct simloop *l, const char *key,
                        const json_t *content)
{
    AUTO(str) char *handle = snapshot_handle(content);
    struct snapshot *snap = strmap_get(st->snapshots, handle);
    return snap ? report_snapshot(l, key, content, snap)
                : take_snapshot(st, l, key, content, handle);
}

static int sync_given(struct storage *st, struct simloop *l, const char *key, const json_t *content,
                      const char *handle)
{
    struct snapshot *snap = strmap_get(st->snapshots, handle);
    if (snap)
        return report_snapshot(l, key, content, snap);
    AUTO(str)
    char *message =
        mem_printf("Failed to check and update snapshot content: failed to list snapshot "
                   "for content %s: \"rpc error: code = NotFound desc = snapshot %s not "
                   "found\"",
                   meta_name(content), handle);
    return set_error(l, content, "SnapshotContentCheckandUpdateFailed", message);
}

/* ---- deleting ---- */

static int forget_finalizer(struct simloop *l, const json_t *content)
{
    AUTO(json) json_t *now = again(l, content);
    return now ? put_finalizer(l, &LOOP_CONTENTS, now, FIN_CONTENT_BOUND, false) : 0;
}

static int clear_status(struct simloop *l, const json_t *content)
{
    if (!json_path(content, "status.snapshotHandle"))
        return 0;
    AUTO(json) json_t *copy = json_copy_of(content);
    json_drop(copy, "status.snapshotHandle");
    json_drop(copy, "status.creationTime");
    json_drop(copy, "status.restoreSize");
    json_drop(copy, "status.readyToUse");
    return simloop_put(l, &LOOP_CONTENTS, copy, "status", NULL);
}

static int delete_snapshot(struct storage *st, struct simloop *l, const char *key,
                           const json_t *content)
{
    const struct fail_rule *fail = NULL;
    const char *handle = json_str_or_empty(content, "status.snapshotHandle");
    if (*handle) {
        if (csi_call(st, l, key, "DeleteSnapshot", handle, meta_name(content), DURATION_DELETE,
                     &fail))
            return 0;
        if (fail) {
            simloop_event(l, content, "Warning", "SnapshotDeleteError",
                          "Failed to delete snapshot");
            csi_retry(l, key, fail);
            return 0;
        }
        snapshot_free(strmap_remove(st->snapshots, handle));
    }
    if (clear_status(l, content) < 0)
        return -1;
    return forget_finalizer(l, content);
}

/* Blocked while a snapshot may still come into being, and while the VolumeSnapshot stands. */
static bool may_delete(const json_t *content)
{
    return meta_deleting(content) && !meta_annotation(content, ANN_BEING_CREATED) &&
           (meta_annotation(content, ANN_BEING_DELETED) ||
            !*json_str_or_empty(content, "spec.volumeSnapshotRef.uid"));
}

static int sync_content(struct storage *st, struct simloop *l, const char *key,
                        const json_t *content)
{
    if (strcmp(json_str_or_empty(content, "spec.driver"), STORAGE_DRIVER))
        return 0;
    if (may_delete(content))
        return !strcmp(json_str_or_empty(content, "spec.deletionPolicy"), "Delete")
                   ? delete_snapshot(st, l, key, content)
                   : forget_finalizer(l, content);
    if (json_bool(content, "status.readyToUse", false))
        return set_annotation(l, content, ANN_BEING_CREATED, NULL);
    const char *given = json_str_or_empty(content, "spec.source.snapshotHandle");
    return *given ? sync_given(st, l, key, content, given) : sync_dynamic(st, l, key, content);
}

int sidecar_reconcile(void *cookie, struct simloop *l, const char *key)
{
    char ns[LOOP_PART], name[LOOP_PART];
    if (!simloop_key_is(key, "content", ns, name))
        return 0;
    AUTO(json) json_t *content = simloop_get(l, &LOOP_CONTENTS, NULL, name);
    if (!content)
        return 0;
    int rc = sync_content(cookie, l, key, content);
    return rc < 0 && simloop_code(l) == 404 ? 0 : rc;
}
