/* The external provisioner: makes volumes for claims that name its driver, from nothing, from a
 * VolumeSnapshot, or as a clone of another claim, and deletes those that are released with policy
 * Delete (kubevirt-csi.md sections 5.3, 5.4). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/quantity.h"
#include "sim/storage/storage_priv.h"

#define PROVISIONER_IDENTITY "vmconform-csi"

/* Where the bytes of a new volume come from. */
struct source {
    const struct api_resource *resource; /* NULL: an empty volume */
    const char *finalizer;
    json_t *object;             /* new */
    struct disk_moment *moment; /* new */
    char *why;                  /* new: what is wrong with it */
};

static void source_finish(struct source *s)
{
    json_decref(s->object);
    disk_moment_unref(s->moment);
    free(s->why);
}

static inline void cleanup_source(struct source *s)
{
    source_finish(s);
}

/* ---- sources ---- */

static char *check_mode(const json_t *content, const json_t *claim)
{
    const char *mode = json_str(content, "spec.sourceVolumeMode");
    const char *allowed = meta_annotation(content, ANN_MODE_CHANGE);
    if (!mode || !strcmp(mode, claim_volume_mode(claim)) || (allowed && !strcmp(allowed, "true")))
        return NULL;
    return mem_printf(
        "requested volume %s/%s modifies the mode of the source volume but does not have "
        "permission to do so. %s annotation is not present on snapshotcontent %s",
        meta_namespace(claim), meta_name(claim), ANN_MODE_CHANGE, meta_name(content));
}

/* NULL: ready to use, and *ret_moment (new) is its content. */
static char *check_snapshot(struct storage *st, struct simloop *l, const json_t *claim,
                            const json_t *vs, const char *name, struct disk_moment **ret_moment)
{
    if (!vs)
        return mem_printf("error getting snapshot %s from api server: "
                          "volumesnapshots.snapshot.storage.k8s.io \"%s\" not found",
                          name, name);
    if (meta_deleting(vs))
        return mem_printf("snapshot %s is being deleted", name);
    const char *bound = json_str_or_empty(vs, "status.boundVolumeSnapshotContentName");
    AUTO(json) json_t *content = simloop_get(l, &LOOP_CONTENTS, NULL, bound);
    if (!*bound || !content)
        return mem_printf("snapshot %s not bound", name);
    if (!json_bool(vs, "status.readyToUse", false))
        return mem_printf("snapshot %s is not Ready", name);
    struct snapshot *snap =
        strmap_get(st->snapshots, json_str_or_empty(content, "status.snapshotHandle"));
    if (!snap)
        return mem_printf("snapshot handle %s is not available", name);
    int64_t restore_size = json_int(content, "status.restoreSize", 0);
    if (claim_request(claim) < restore_size)
        return mem_printf("requested volume size %" PRId64 " is less than the size %" PRId64
                          " for the source snapshot %s",
                          claim_request(claim), restore_size, name);
    char *why = check_mode(content, claim);
    if (!why)
        *ret_moment = disk_moment_ref(snap->moment);
    return why;
}

static char *check_clone(struct storage *st, struct simloop *l, const json_t *claim,
                         const json_t *from, const char *name, struct disk_moment **ret_moment)
{
    if (!from)
        return mem_printf("error getting PVC %s (namespace \"%s\") from api server: "
                          "persistentvolumeclaims \"%s\" not found",
                          name, meta_namespace(claim), name);
    if (meta_deleting(from))
        return mem_printf("the source PVC %s is being deleted", name);
    if (!claim_is_bound(from))
        return mem_printf("the PVC %s is not yet bound to a PV", name);
    AUTO(json)
    json_t *pv = simloop_get(l, &LOOP_VOLUMES, NULL, json_str_or_empty(from, "spec.volumeName"));
    struct volume *v = pv ? volume_of_pv(st, pv) : NULL;
    if (!v)
        return mem_printf("error getting PV for PVC %s", name);
    if (claim_request(claim) < claim_request(from))
        return mem_printf(
            "new PVC request must be greater than or equal in size to the specified PVC "
            "data source, requested %" PRId64 " but source is %" PRId64,
            claim_request(claim), claim_request(from));
    if (strcmp(claim_volume_mode(claim), claim_volume_mode(from)))
        return mem_printf(
            "the source PVC and destination PVCs must have the same volume mode for cloning");
    *ret_moment = disk_now(volume_disk(v));
    return NULL;
}

/* Fills *ret; ret->why tells why the claim must wait. */
static void find_source(struct storage *st, struct simloop *l, const json_t *claim,
                        struct source *ret)
{
    const json_t *from = json_path(claim, "spec.dataSource");
    const char *kind = json_str_or_empty(from, "kind"), *name = json_str_or_empty(from, "name");
    const char *group = json_str_or_empty(from, "apiGroup");
    if (!from && !json_path(claim, "spec.dataSourceRef"))
        return;
    AUTO(str) char *why = NULL;
    if (!strcmp(kind, "VolumeSnapshot") && !strcmp(group, LOOP_SNAPSHOTS.group)) {
        ret->resource = &LOOP_SNAPSHOTS;
        ret->finalizer = FIN_SNAPSHOT_PROVISIONING;
        ret->object = simloop_get(l, ret->resource, meta_namespace(claim), name);
        why = check_snapshot(st, l, claim, ret->object, name, &ret->moment);
    } else if (!strcmp(kind, "PersistentVolumeClaim") && !*group) {
        ret->resource = &LOOP_CLAIMS;
        ret->finalizer = FIN_CLONING;
        ret->object = simloop_get(l, ret->resource, meta_namespace(claim), name);
        why = check_clone(st, l, claim, ret->object, name, &ret->moment);
    } else {
        /* A populator's kind: some other controller binds the claim. */
        ret->why = mem_strdup("");
        return;
    }
    if (why)
        ret->why = mem_printf("error getting handle for DataSource Type %s by Name %s: %s", kind,
                              name, why);
}

static int protect_source(struct simloop *l, const struct source *s, bool wanted)
{
    if (!s->resource || !s->object)
        return 0;
    AUTO(json)
    json_t *now = simloop_get(l, s->resource, meta_namespace(s->object), meta_name(s->object));
    if (!now || strcmp(meta_uid(now), meta_uid(s->object)))
        return 0;
    return put_finalizer(l, s->resource, now, s->finalizer, wanted);
}

/* ---- making a volume ---- */

static json_t *make_pv(const json_t *claim, const json_t *class, const char *name,
                       const char *handle)
{
    char size[QUANTITY_TEXT];
    json_t *pv = json_object();
    json_put_str(pv, "apiVersion", "v1");
    json_put_str(pv, "kind", "PersistentVolume");
    json_put_str(pv, "metadata.name", name);
    meta_set_annotation(pv, ANN_PROVISIONED_BY, STORAGE_DRIVER);
    meta_set_annotation(pv, "volume.kubernetes.io/provisioner-deletion-secret-name", "");
    meta_set_annotation(pv, "volume.kubernetes.io/provisioner-deletion-secret-namespace", "");
    const char *policy = json_str(class, "reclaimPolicy");
    if (!policy || !strcmp(policy, "Delete"))
        meta_add_finalizer(pv, FIN_PROVISIONER);
    json_put_take(pv, "spec.accessModes", json_copy_of(json_path(claim, "spec.accessModes")));
    quantity_from_bytes(claim_request(claim), size);
    json_put_str(pv, "spec.capacity.storage", size);
    json_put_take(pv, "spec.claimRef", simloop_reference(claim));
    json_put_str(pv, "spec.csi.driver", STORAGE_DRIVER);
    json_put_str(pv, "spec.csi.volumeHandle", handle);
    json_t *attributes = json_object();
    json_object_set_new(attributes, "storage.kubernetes.io/csiProvisionerIdentity",
                        json_string(PROVISIONER_IDENTITY));
    json_put_take(pv, "spec.csi.volumeAttributes", attributes);
    json_put_str(pv, "spec.persistentVolumeReclaimPolicy", policy ? policy : "Delete");
    json_put_str(pv, "spec.storageClassName", claim_class(claim));
    json_put_str(pv, "spec.volumeMode", claim_volume_mode(claim));
    const json_t *options = json_path(class, "mountOptions");
    if (options)
        json_put_take(pv, "spec.mountOptions", json_copy_of(options));
    return pv;
}

/* The driver's part: what it made under this name before is found again, as a real driver's
 * idempotent call finds it. */
static struct volume *make_volume(struct storage *st, const json_t *claim, const char *name,
                                  const struct source *from)
{
    struct volume *v = strmap_get(st->volumes, name);
    if (v)
        return v;
    v = volume_create(st, name, name, (uint64_t)claim_request(claim),
                      !strcmp(claim_volume_mode(claim), "Block"));
    v->limit = storage_take_limit(st, meta_name(claim));
    if (from->moment)
        volume_begin_from(v, from->moment);
    return v;
}

static int fail_provisioning(struct simloop *l, const char *key, const json_t *claim,
                             const struct fail_rule *fail)
{
    simloop_event(
        l, claim, "Warning", "ProvisioningFailed",
        "failed to provision volume with StorageClass \"%s\": rpc error: code = %s desc = %s",
        claim_class(claim), fail->code, fail->text);
    csi_retry(l, key, fail);
    return 0;
}

static int finish_provisioning(struct storage *st, struct simloop *l, const json_t *claim,
                               const char *pv_name, const struct source *from)
{
    AUTO(json) json_t *class = simloop_get(l, &LOOP_CLASSES, NULL, claim_class(claim));
    make_volume(st, claim, pv_name, from);
    AUTO(json) json_t *pv = make_pv(claim, class, pv_name, pv_name);
    if (simloop_post(l, &LOOP_VOLUMES, pv, NULL) < 0 && !simloop_answered(l, "AlreadyExists"))
        return -1;
    simloop_event(l, claim, "Normal", "ProvisioningSucceeded", "Successfully provisioned volume %s",
                  pv_name);
    return protect_source(l, from, false);
}

static bool is_ours(const struct simloop *l, const json_t *claim)
{
    const char *driver = meta_annotation(claim, ANN_PROVISIONER);
    if (!driver)
        driver = meta_annotation(claim, ANN_PROVISIONER_BETA);
    if (!driver || strcmp(driver, STORAGE_DRIVER) || *json_str_or_empty(claim, "spec.volumeName"))
        return false;
    return !class_waits(l, claim_class(claim)) || meta_annotation(claim, ANN_SELECTED_NODE);
}

static int provision(struct storage *st, struct simloop *l, const char *key, const json_t *claim)
{
    AUTO(str) char *pv_name = mem_printf("pvc-%s", meta_uid(claim));
    AUTO(source) struct source from = {0};
    const struct fail_rule *fail = NULL;
    AUTO(json) json_t *done = simloop_get(l, &LOOP_VOLUMES, NULL, pv_name);
    if (done)
        return 0;
    if (meta_deleting(claim)) {
        /* The volume of a call that still runs would be deleted at once: it is not made at all. */
        csi_call_drop(st, "CreateVolume", pv_name);
        return 0;
    }
    if (json_path(claim, "spec.selector")) {
        simloop_event(
            l, claim, "Warning", "ProvisioningFailed",
            "failed to provision volume with StorageClass \"%s\": claim Selector is not supported",
            claim_class(claim));
        return 0;
    }
    bool begun = csi_call_find(st, "CreateVolume", pv_name);
    find_source(st, l, claim, &from);
    if (from.why) {
        if (*from.why)
            simloop_event(l, claim, "Warning", "ProvisioningFailed",
                          "failed to provision volume with StorageClass \"%s\": %s",
                          claim_class(claim), from.why);
        return 0; /* a change of the source wakes the claim */
    }
    if (!begun) {
        if (protect_source(l, &from, true) < 0)
            return -1;
        simloop_event(l, claim, "Normal", "Provisioning",
                      "External provisioner is provisioning volume for claim \"%s/%s\"",
                      meta_namespace(claim), meta_name(claim));
    }
    if (csi_call(st, l, key, "CreateVolume", pv_name, meta_name(claim), DURATION_PROVISION, &fail))
        return 0;
    if (fail)
        return fail_provisioning(l, key, claim, fail);
    return finish_provisioning(st, l, claim, pv_name, &from);
}

static int sync_claim(struct storage *st, struct simloop *l, const char *key, const char *ns,
                      const char *name)
{
    AUTO(json) json_t *claim = simloop_get(l, &LOOP_CLAIMS, ns, name);
    return claim && is_ours(l, claim) ? provision(st, l, key, claim) : 0;
}

/* ---- sources whose claim went before it was provisioned ---- */

static bool is_restored(const json_t *claims, const char *kind, const char *name)
{
    size_t i;
    json_t *claim;
    json_array_foreach(claims, i, claim)
    {
        if (!*json_str_or_empty(claim, "spec.volumeName") && !meta_deleting(claim) &&
            !strcmp(json_str_or_empty(claim, "spec.dataSource.kind"), kind) &&
            !strcmp(json_str_or_empty(claim, "spec.dataSource.name"), name))
            return true;
    }
    return false;
}

static int sweep(struct simloop *l, const struct api_resource *r, const char *kind,
                 const char *finalizer, const char *ns)
{
    AUTO(json) json_t *claims = apiserver_peek_all(simloop_server(l), "", LOOP_CLAIMS.plural, ns);
    AUTO(json) json_t *sources = apiserver_peek_all(simloop_server(l), r->group, r->plural, ns);
    size_t i;
    json_t *source;
    json_array_foreach(sources, i, source)
    {
        if (!meta_has_finalizer(source, finalizer) || is_restored(claims, kind, meta_name(source)))
            continue;
        AUTO(json) json_t *copy = json_copy_of(source);
        meta_remove_finalizer(copy, finalizer);
        if (simloop_put(l, r, copy, NULL, NULL) < 0 && simloop_code(l) != 404)
            return -1;
    }
    return 0;
}

static int sweep_sources(struct simloop *l, const char *ns)
{
    if (sweep(l, &LOOP_SNAPSHOTS, "VolumeSnapshot", FIN_SNAPSHOT_PROVISIONING, ns) < 0)
        return -1;
    return sweep(l, &LOOP_CLAIMS, "PersistentVolumeClaim", FIN_CLONING, ns);
}

/* ---- deleting a volume ---- */

static bool should_delete(const json_t *pv)
{
    const char *by = meta_annotation(pv, ANN_PROVISIONED_BY);
    return by && !strcmp(by, STORAGE_DRIVER) &&
           !strcmp(json_str_or_empty(pv, "status.phase"), "Released") &&
           !strcmp(json_str_or_empty(pv, "spec.persistentVolumeReclaimPolicy"), "Delete");
}

/* The finalizer follows the reclaim policy: a volume that is to be kept must not wait for its
 * driver. */
static int follow_policy(struct simloop *l, const json_t *pv)
{
    const char *by = meta_annotation(pv, ANN_PROVISIONED_BY);
    if (!by || strcmp(by, STORAGE_DRIVER))
        return 0;
    bool wanted = !strcmp(json_str_or_empty(pv, "spec.persistentVolumeReclaimPolicy"), "Delete");
    return put_finalizer(l, &LOOP_VOLUMES, pv, FIN_PROVISIONER, wanted);
}

static int remove_pv(struct storage *st, struct simloop *l, const json_t *pv)
{
    struct volume *v = volume_of_pv(st, pv);
    if (v)
        volume_delete(v);
    if (!meta_deleting(pv) && simloop_delete(l, &LOOP_VOLUMES, pv, -1) < 0)
        return -1;
    AUTO(json) json_t *left = simloop_get(l, &LOOP_VOLUMES, NULL, meta_name(pv));
    return left ? put_finalizer(l, &LOOP_VOLUMES, left, FIN_PROVISIONER, false) : 0;
}

static int sync_volume(struct storage *st, struct simloop *l, const char *key, const char *name)
{
    const struct fail_rule *fail = NULL;
    AUTO(json) json_t *pv = simloop_get(l, &LOOP_VOLUMES, NULL, name);
    if (!pv)
        return 0;
    if (!should_delete(pv)) {
        csi_call_drop(st, "DeleteVolume", meta_uid(pv));
        return follow_policy(l, pv);
    }
    if (csi_call(st, l, key, "DeleteVolume", meta_uid(pv), name, DURATION_DELETE, &fail))
        return 0;
    if (fail) {
        simloop_event(l, pv, "Warning", "VolumeFailedDelete", "rpc error: code = %s desc = %s",
                      fail->code, fail->text);
        csi_retry(l, key, fail);
        return 0;
    }
    return remove_pv(st, l, pv);
}

int provisioner_reconcile(void *cookie, struct simloop *l, const char *key)
{
    char ns[LOOP_PART], name[LOOP_PART];
    int rc = 0;
    if (simloop_key_is(key, "claim", ns, name))
        rc = sync_claim(cookie, l, key, ns, name);
    else if (simloop_key_is(key, "volume", ns, name))
        rc = sync_volume(cookie, l, key, name);
    else if (simloop_key_is(key, "sweep", ns, name))
        rc = sweep_sources(l, name);
    return rc < 0 && simloop_code(l) == 404 ? 0 : rc;
}
