/* The common snapshot controller: from a VolumeSnapshot to its content, and back from the content's
 * status (kubevirt-csi.md section 5.5, write by write). There is no phase: an error may vanish
 * later. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/quantity.h"
#include "kube/time.h"
#include "sim/storage/snapshot_priv.h"

bool snapshot_set_error(json_t *obj, const char *message, int64_t now_ns)
{
    const char *was = json_str(obj, "status.error.message");
    if (!message) {
        if (json_path(obj, "status.error"))
            json_drop(obj, "status.error");
        return was != NULL;
    }
    if (was && !strcmp(was, message))
        return false;
    char now[TIME_TEXT];
    time_format(now_ns, now);
    json_put_str(obj, "status.error.message", message);
    json_put_str(obj, "status.error.time", now);
    json_put_take(obj, "status.readyToUse", json_false());
    return true;
}

bool snapshot_is_content_of(const json_t *content, const json_t *vs)
{
    const char *uid = json_str_or_empty(content, "spec.volumeSnapshotRef.uid");
    return !strcmp(json_str_or_empty(content, "spec.volumeSnapshotRef.namespace"),
                   meta_namespace(vs)) &&
           !strcmp(json_str_or_empty(content, "spec.volumeSnapshotRef.name"), meta_name(vs)) &&
           (!*uid || !strcmp(uid, meta_uid(vs)));
}

static char *content_name(const json_t *vs)
{
    const char *bound = json_str_or_empty(vs, "status.boundVolumeSnapshotContentName");
    const char *given = json_str_or_empty(vs, "spec.source.volumeSnapshotContentName");
    if (*bound)
        return mem_strdup(bound);
    return *given ? mem_strdup(given) : mem_printf("snapcontent-%s", meta_uid(vs));
}

json_t *snapshot_content(const struct simloop *l, const json_t *vs)
{
    AUTO(str) char *name = content_name(vs);
    return simloop_get(l, &LOOP_CONTENTS, NULL, name);
}

/* ---- errors ---- */

/* Says why a snapshot cannot go on: in its status, and as an event. A change of what is missing
 * wakes it. */
static int fail(struct simloop *l, const json_t *vs, const char *reason, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static int fail(struct simloop *l, const json_t *vs, const char *reason, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    AUTO(str) char *message = mem_vprintf(fmt, ap);
    va_end(ap);
    AUTO(json) json_t *copy = json_copy_of(vs);
    if (!snapshot_set_error(copy, message, simloop_now(l)))
        return 0;
    if (simloop_put(l, &LOOP_SNAPSHOTS, copy, "status", NULL) < 0)
        return -1;
    simloop_event(l, vs, "Warning", reason, "%s", message);
    return 0;
}

/* ---- steps 2 and 3: class, finalizers, content ---- */

static int set_default_class(struct simloop *l, const json_t *vs)
{
    AUTO(json)
    json_t *classes = apiserver_peek_all(simloop_server(l), LOOP_SNAPSHOT_CLASSES.group,
                                         LOOP_SNAPSHOT_CLASSES.plural, NULL);
    const char *name = NULL;
    size_t i, count = 0;
    json_t *class;
    json_array_foreach(classes, i, class)
    {
        const char *mark = meta_annotation(class, ANN_DEFAULT_SNAPSHOT_CLASS);
        if (!mark || strcmp(mark, "true"))
            continue;
        name = meta_name(class);
        count++;
    }
    if (count == 0)
        return fail(
            l, vs, "SetDefaultSnapshotClassFailed",
            "Failed to set default snapshot class with error cannot find default snapshot class");
    if (count > 1)
        return fail(
            l, vs, "SetDefaultSnapshotClassFailed",
            "Failed to set default snapshot class with error %zu default snapshot classes were "
            "found",
            count);
    AUTO(json) json_t *copy = json_copy_of(vs);
    json_put_str(copy, "spec.volumeSnapshotClassName", name);
    return simloop_put(l, &LOOP_SNAPSHOTS, copy, NULL, NULL);
}

static int add_finalizer(struct simloop *l, const struct api_resource *r, const json_t *obj,
                         const char *finalizer)
{
    if (meta_has_finalizer(obj, finalizer))
        return 0;
    AUTO(json) json_t *copy = json_copy_parts(obj, "metadata", NULL);
    meta_add_finalizer(copy, finalizer);
    return simloop_put(l, r, copy, NULL, NULL);
}

static json_t *make_content(const json_t *vs, const json_t *class, const json_t *pv,
                            const char *name)
{
    json_t *content = json_object();
    json_put_str(content, "apiVersion", "snapshot.storage.k8s.io/v1");
    json_put_str(content, "kind", "VolumeSnapshotContent");
    json_put_str(content, "metadata.name", name);
    meta_add_finalizer(content, FIN_CONTENT_BOUND);
    json_put_str(content, "spec.deletionPolicy", json_str_or_empty(class, "deletionPolicy"));
    json_put_str(content, "spec.driver", json_str_or_empty(class, "driver"));
    const char *handle = json_str(pv, "spec.csi.volumeHandle");
    json_put_str(content, "spec.source.volumeHandle", handle ? handle : meta_name(pv));
    json_put_str(content, "spec.sourceVolumeMode", claim_volume_mode(pv));
    json_put_str(content, "spec.volumeSnapshotClassName", meta_name(class));
    json_put_take(content, "spec.volumeSnapshotRef", simloop_reference(vs));
    return content;
}

static int create_from(struct simloop *l, const json_t *vs, const json_t *class,
                       const json_t *claim)
{
    AUTO(json)
    json_t *pv = simloop_get(l, &LOOP_VOLUMES, NULL, json_str_or_empty(claim, "spec.volumeName"));
    if (!pv)
        return fail(
            l, vs, "SnapshotContentCreationFailed",
            "Failed to create snapshot content with error failed to get input parameters to create "
            "snapshot %s: \"failed to retrieve PV %s from the API server\"",
            meta_name(vs), json_str_or_empty(claim, "spec.volumeName"));
    if (add_finalizer(l, &LOOP_CLAIMS, claim, FIN_CLAIM_SOURCE) < 0)
        return -1;
    AUTO(str) char *name = content_name(vs);
    AUTO(json) json_t *content = make_content(vs, class, pv, name);
    if (simloop_post(l, &LOOP_CONTENTS, content, NULL) < 0)
        return simloop_answered(l, "AlreadyExists") ? 0 : -1;
    simloop_event(l, vs, "Normal", "CreatingSnapshot",
                  "Waiting for a snapshot %s/%s to be created by the CSI driver.",
                  meta_namespace(vs), meta_name(vs));
    return 0;
}

static int create_content(struct simloop *l, const json_t *vs)
{
    const char *class_name = json_str_or_empty(vs, "spec.volumeSnapshotClassName");
    const char *claim_name = json_str_or_empty(vs, "spec.source.persistentVolumeClaimName");
    AUTO(json) json_t *class = simloop_get(l, &LOOP_SNAPSHOT_CLASSES, NULL, class_name);
    if (!class)
        return fail(
            l, vs, "GetSnapshotClassFailed",
            "Failed to get snapshot class with error volumesnapshotclass.snapshot.storage.k8s.io "
            "\"%s\" not found",
            class_name);
    AUTO(json) json_t *claim = simloop_get(l, &LOOP_CLAIMS, meta_namespace(vs), claim_name);
    if (!claim)
        return fail(
            l, vs, "SnapshotContentCreationFailed",
            "Failed to create snapshot content with error snapshot controller failed to update %s "
            "on API server: cannot get claim from snapshot",
            meta_name(vs));
    if (meta_deleting(claim) && !meta_has_finalizer(claim, FIN_CLAIM_SOURCE))
        return fail(
            l, vs, "SnapshotContentCreationFailed",
            "Failed to create snapshot content with error snapshot controller failed to update %s "
            "on API server: cannot add finalizer on claim because it is being deleted",
            claim_name);
    if (!claim_is_bound(claim))
        return fail(
            l, vs, "SnapshotContentCreationFailed",
            "Failed to create snapshot content with error failed to get input parameters to create "
            "snapshot %s: \"the PVC %s is not yet bound to a PV, will not attempt to take a "
            "snapshot\"",
            meta_name(vs), claim_name);
    return create_from(l, vs, class, claim);
}

/* ---- steps 4, 7 and 8: binding, and the content's status ---- */

/* A content made by hand names the snapshot; it gets the uid of the one that came. */
static int claim_content(struct simloop *l, const json_t *vs, const json_t *content)
{
    if (*json_str_or_empty(content, "spec.volumeSnapshotRef.uid"))
        return 0;
    AUTO(json) json_t *copy = json_copy_of(content);
    json_put_str(copy, "spec.volumeSnapshotRef.uid", meta_uid(vs));
    return simloop_put(l, &LOOP_CONTENTS, copy, NULL, NULL);
}

/* Writes what the content says into copy, the caller's own. true when that changed it. */
static bool take_status(json_t *copy, const json_t *content)
{
    bool changed = false;
    if (strcmp(json_str_or_empty(copy, "status.boundVolumeSnapshotContentName"),
               meta_name(content))) {
        json_put_str(copy, "status.boundVolumeSnapshotContentName", meta_name(content));
        changed = true;
    }
    int64_t created = json_int(content, "status.creationTime", 0);
    if (created && !json_path(copy, "status.creationTime")) {
        char text[TIME_TEXT];
        time_format(created, text);
        json_put_str(copy, "status.creationTime", text);
        changed = true;
    }
    int64_t size = json_int(content, "status.restoreSize", 0);
    if (size && !json_path(copy, "status.restoreSize")) {
        char text[QUANTITY_TEXT];
        quantity_from_bytes(size, text);
        json_put_str(copy, "status.restoreSize", text);
        changed = true;
    }
    bool ready = json_bool(content, "status.readyToUse", false);
    if (!json_path(copy, "status.readyToUse") ||
        json_bool(copy, "status.readyToUse", false) != ready) {
        json_put_take(copy, "status.readyToUse", json_boolean(ready));
        changed = true;
    }
    return changed;
}

static void tell_progress(struct simloop *l, const json_t *before, const json_t *after)
{
    bool cut = json_path(after, "status.creationTime") && !json_path(before, "status.creationTime");
    bool ready = json_bool(after, "status.readyToUse", false) &&
                 !json_bool(before, "status.readyToUse", false);
    if (cut)
        simloop_event(l, after, "Normal", "SnapshotCreated",
                      "Snapshot %s/%s was successfully created by the CSI driver.",
                      meta_namespace(after), meta_name(after));
    if (ready)
        simloop_event(l, after, "Normal", "SnapshotReady", "Snapshot %s/%s is ready to use.",
                      meta_namespace(after), meta_name(after));
}

static int follow_content(struct simloop *l, const json_t *vs, const json_t *content)
{
    if (!snapshot_is_content_of(content, vs))
        return fail(l, vs, "SnapshotMisbound",
                    "VolumeSnapshotContent [%s] is bound to a different snapshot",
                    meta_name(content));
    if (claim_content(l, vs, content) < 0)
        return -1;
    AUTO(json) json_t *copy = json_copy_of(vs);
    AUTO(json) json_t *stored = NULL;
    const char *error = json_str(content, "status.error.message");
    bool changed = take_status(copy, content);
    changed |= snapshot_set_error(copy, error, simloop_now(l));
    if (changed) {
        if (simloop_put(l, &LOOP_SNAPSHOTS, copy, "status", &stored) < 0)
            return -1;
        tell_progress(l, vs, stored);
        return 0; /* that write brings the key back */
    }
    bool deletes = !strcmp(json_str_or_empty(content, "spec.deletionPolicy"), "Delete");
    if (deletes && !meta_has_finalizer(vs, FIN_SNAPSHOT_BOUND))
        return add_finalizer(l, &LOOP_SNAPSHOTS, vs, FIN_SNAPSHOT_BOUND);
    return json_bool(vs, "status.readyToUse", false) ? snapshot_release_claim(l, vs) : 0;
}

static int sync_snapshot(struct simloop *l, const json_t *vs)
{
    bool dynamic = *json_str_or_empty(vs, "spec.source.persistentVolumeClaimName");
    if (meta_deleting(vs))
        return snapshot_delete(l, vs);
    AUTO(json) json_t *content = snapshot_content(l, vs);
    bool bound = *json_str_or_empty(vs, "status.boundVolumeSnapshotContentName");
    if (!content && bound && json_bool(vs, "status.readyToUse", false))
        return fail(l, vs, "SnapshotContentMissing", "VolumeSnapshotContent is missing");
    if (!content && bound)
        return 0;
    if (dynamic && !content && !*json_str_or_empty(vs, "spec.volumeSnapshotClassName"))
        return set_default_class(l, vs);
    if (!meta_has_finalizer(vs, FIN_SNAPSHOT_SOURCE))
        return add_finalizer(l, &LOOP_SNAPSHOTS, vs, FIN_SNAPSHOT_SOURCE);
    if (content)
        return follow_content(l, vs, content);
    return dynamic ? create_content(l, vs)
                   : fail(l, vs, "SnapshotContentMissing", "VolumeSnapshotContent is missing");
}

/* A content made by hand gets its finalizer here. */
static int sync_content(struct simloop *l, const json_t *content)
{
    if (meta_deleting(content))
        return 0;
    return add_finalizer(l, &LOOP_CONTENTS, content, FIN_CONTENT_BOUND);
}

int snapshot_reconcile(void *cookie, struct simloop *l, const char *key)
{
    char ns[LOOP_PART], name[LOOP_PART];
    (void)cookie;
    bool is_snapshot = simloop_key_is(key, "snapshot", ns, name);
    if (!is_snapshot && !simloop_key_is(key, "content", ns, name))
        return 0;
    AUTO(json)
    json_t *obj = simloop_get(l, is_snapshot ? &LOOP_SNAPSHOTS : &LOOP_CONTENTS, ns, name);
    if (!obj)
        return 0;
    int rc = is_snapshot ? sync_snapshot(l, obj) : sync_content(l, obj);
    return rc < 0 && simloop_code(l) == 404 ? 0 : rc;
}
