/* VirtualMachineSnapshotContent: freeze, one volume snapshot after another, thaw
 * (kubevirt-csi.md 2.4 to 2.8). */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "kube/meta.h"
#include "sim/kubevirt/instancetype_priv.h"

#define RETRY_NS (5 * NS_PER_S)

/* ---- creation ---- */

static json_t *bare_metadata(const json_t *obj)
{
    json_t *meta = json_copy_of(json_object_get(obj, "metadata"));
    json_object_del(meta, "managedFields");
    return meta;
}

/* The spec that a running instance was started with; volumes, disks and templates are those of the
 * live machine. NULL: its revision is missing. New. */
static json_t *running_spec(struct kv *kv, const json_t *vm, const json_t *vmi, struct err *reterr)
{
    static const char *const live[] = {"template.spec.volumes",
                                       "template.spec.domain.devices.disks", "dataVolumeTemplates"};
    const json_t *now = json_object_get(vm, "spec");
    const char *name = json_str_or_empty(vmi, "status.virtualMachineRevisionName");
    AUTO(json) json_t *revision = ctl_peek(&kv->snapshot, &KIND_REVISION, meta_namespace(vm), name);
    if (!revision) {
        err_set(reterr, ERR_NOT_FOUND, NO_POS, "vm revision %s doesn't exist", name);
        return NULL;
    }
    json_t *spec = json_copy_of(json_path(revision, "data.spec"));
    for (size_t i = 0; i < ARRAY_LEN(live); i++) {
        const json_t *value = json_path(now, live[i]);
        if (value)
            json_put_take(spec, live[i], json_copy_of(value));
        else
            json_drop(spec, live[i]);
    }
    return spec;
}

static json_t *source_spec(struct kv *kv, const json_t *vm, struct err *reterr)
{
    AUTO(json) json_t *vmi = ctl_peek(&kv->snapshot, &KIND_VMI, meta_namespace(vm), meta_name(vm));
    if (vmi && !kv_vmi_final(vmi) && *json_str_or_empty(vmi, "status.virtualMachineRevisionName"))
        return running_spec(kv, vm, vmi, reterr);
    return json_copy_of(json_object_get(vm, "spec"));
}

/* One entry for each claim that has a class; the others are left out without a word. The order is
 * that of the spec, where KubeVirt's is random: readers compare it as a set. */
static json_t *volume_backups(struct kv *kv, const json_t *vm, const json_t *snapshot,
                              struct err *reterr)
{
    AUTO(json) json_t *list = json_array();
    size_t i;
    json_t *volume;
    AUTO(json) json_t *volumes = kv_vm_all_volumes(kv, vm);
    json_array_foreach(volumes, i, volume)
    {
        const char *claim = kv_volume_claim(volume), *name = json_str_or_empty(volume, "name");
        AUTO(json)
        json_t *pvc = claim ? ctl_peek(&kv->snapshot, &KIND_PVC, meta_namespace(vm), claim) : NULL;
        AUTO(str) char *class = NULL;
        if (!pvc)
            continue;
        if (kv_snapshot_class(kv, pvc, &class, reterr) < 0)
            return NULL;
        if (!class)
            continue;
        AUTO(str) char *vs = mem_printf("vmsnapshot-%s-volume-%s", meta_uid(snapshot), name);
        json_array_append_new(
            list, json_pack("{s:s, s:{s:o, s:O}, s:s}", "volumeName", name, "persistentVolumeClaim",
                            "metadata", bare_metadata(pvc), "spec", json_object_get(pvc, "spec"),
                            "volumeSnapshotName", vs));
    }
    return TAKE(list);
}

int kv_content_create(struct kv *kv, const json_t *vm, const json_t *snapshot, struct err *reterr)
{
    AUTO(json) json_t *backups = volume_backups(kv, vm, snapshot, reterr);
    AUTO(json) json_t *spec = backups ? source_spec(kv, vm, reterr) : NULL;
    if (!spec)
        return -1;
    int rc = kv_revision_capture(kv, snapshot, spec, reterr);
    if (rc)
        return rc;
    AUTO(str) char *name = kv_content_name(snapshot);
    AUTO(json) json_t *content = ctl_object(&KIND_CONTENT, meta_namespace(snapshot), name);
    meta_add_finalizer(content, FINALIZER_CONTENT);
    json_put_str(content, "spec.virtualMachineSnapshotName", meta_name(snapshot));
    json_put_take(content, "spec.source.virtualMachine.metadata", bare_metadata(vm));
    json_put_take(content, "spec.source.virtualMachine.spec", json_incref(spec));
    json_put_take(content, "spec.volumeBackups", json_incref(backups));
    bool made;
    rc = ctl_ensure(&kv->snapshot, &KIND_CONTENT, content, &made, reterr);
    if (made)
        ctl_event(&kv->snapshot, snapshot, "Normal",
                  "SuccessfulVirtualMachineSnapshotContentCreate",
                  "Successfully created VirtualMachineSnapshotContent %s", name);
    return rc;
}

/* ---- one pass over the volume snapshots ---- */

struct pass {
    struct kv *kv;
    const json_t *content, *snapshot; /* snapshot NULL when gone */
    bool created;                     /* the content has its creation time */
    bool frozen_now;                  /* freeze was dealt with in this pass */
    int64_t retry_ns;                 /* the freeze failed: look again then; else 0 */
    size_t cut, ready, total;
    json_t *statuses;
    struct strbuf missing, skipped;
    char *error; /* the first one; new */
};

static void list_name(struct strbuf *b, const char *name)
{
    strbuf_addf(b, "%s%s", b->len ? "," : "", name);
}

static json_t *instance_to_freeze(const struct pass *p)
{
    AUTO(json) json_t *vm = kv_snapshot_source(p->kv, p->snapshot);
    if (!vm || !kv_source_locked(vm, p->snapshot))
        return NULL;
    AUTO(json)
    json_t *vmi = ctl_peek(&p->kv->snapshot, &KIND_VMI, meta_namespace(vm), meta_name(vm));
    if (!vmi || kv_vmi_final(vmi) || !meta_condition(vmi, "AgentConnected") ||
        !strcmp(meta_condition_status(vmi, "Paused"), "True"))
        return NULL;
    return TAKE(vmi);
}

/* 0, or a failure whose text is now p->error. */
static int call_freeze(struct pass *p, const json_t *vmi, struct guest *g, struct err *reterr)
{
    struct kv *kv = p->kv;
    int64_t deadline = 300 * NS_PER_S;
    const char *text = json_str(p->snapshot, "spec.failureDeadline");
    if (text)
        duration_parse(text, &deadline);
    int rc = kv_guest_freeze(kv, g->ns, g->name, deadline, reterr);
    if (rc >= -1)
        return rc;
    ctl_event(&kv->snapshot, vmi, "Warning", "FreezeError", "Failed to freeze VMI: %s",
              reterr->msg);
    p->error = mem_strdup(reterr->msg);
    err_clear(reterr);
    g->freeze_after_ns = ctl_now(&kv->snapshot) + RETRY_NS;
    p->retry_ns = RETRY_NS;
    return rc;
}

/* Before the first volume snapshot of this pass. Not 0: no volume snapshot may be created. */
static int freeze(struct pass *p, struct err *reterr)
{
    if (p->frozen_now)
        return 0;
    p->frozen_now = true;
    AUTO(json) json_t *vmi = instance_to_freeze(p);
    if (!vmi)
        return 0;
    struct guest *g = kv_guest(p->kv, meta_namespace(vmi), meta_name(vmi));
    int64_t wait = g->freeze_after_ns - ctl_now(&p->kv->snapshot);
    if (g->frozen)
        return 0;
    if (wait <= 0)
        return call_freeze(p, vmi, g, reterr);
    const char *last = json_str(p->content, "status.error.message");
    p->error = last ? mem_strdup(last) : NULL;
    p->retry_ns = wait;
    return -500;
}

static int create_volume_snapshot(struct pass *p, const json_t *backup, struct err *reterr)
{
    struct kv *kv = p->kv;
    const char *ns = meta_namespace(p->content), *vs_name = json_str(backup, "volumeSnapshotName");
    const char *claim = json_str_or_empty(backup, "persistentVolumeClaim.metadata.name");
    AUTO(json) json_t *pvc = json_copy_of(json_object_get(backup, "persistentVolumeClaim"));
    json_put_str(pvc, "status.phase", "Bound"); /* it was, when the content was made */
    AUTO(str) char *class = NULL;
    if (kv_snapshot_class(kv, pvc, &class, reterr) < 0)
        return -1;
    AUTO(json) json_t *vs = ctl_object(&KIND_VOLUME_SNAPSHOT, ns, vs_name);
    const json_t *vm = json_path(p->content, "spec.source.virtualMachine");
    meta_set_label(vs, "snapshot.kubevirt.io/source-vm-name", meta_name(vm));
    meta_set_label(vs, "snapshot.kubevirt.io/source-vm-namespace", meta_namespace(vm));
    json_t *owners = json_array();
    json_array_append_new(owners, meta_owner_ref(p->content, true, true));
    json_put_take(vs, "metadata.ownerReferences", owners);
    json_put_str(vs, "spec.source.persistentVolumeClaimName", claim);
    if (class)
        json_put_str(vs, "spec.volumeSnapshotClassName", class);
    bool made;
    int rc = ctl_ensure(&kv->snapshot, &KIND_VOLUME_SNAPSHOT, vs, &made, reterr);
    if (made)
        ctl_event(&kv->snapshot, p->content, "Normal", "SuccessfulVolumeSnapshotCreate",
                  "Successfully created VolumeSnapshot %s", vs_name);
    return rc;
}

static void note_status(struct pass *p, const json_t *vs)
{
    json_t *entry = json_pack("{s:s}", "volumeSnapshotName", meta_name(vs));
    const json_t *status = json_object_get(vs, "status");
    json_t *created = json_object_get(status, "creationTime");
    json_t *error = json_object_get(status, "error");
    bool ready = json_bool(status, "readyToUse", false);
    if (created)
        json_object_set_new(entry, "creationTime", json_copy_of(created));
    if (json_object_get(status, "readyToUse"))
        json_object_set_new(entry, "readyToUse", json_boolean(ready));
    if (json_is_object(error))
        json_object_set_new(entry, "error", json_copy_of(error));
    json_array_append_new(p->statuses, entry);
    p->cut += created != NULL;
    p->ready += ready;
    if (json_is_object(error) && !ready && !p->error)
        p->error = mem_printf("VolumeSnapshot %s error: %s", meta_name(vs),
                              json_str_or_empty(error, "message"));
}

static int visit(struct pass *p, const json_t *backup, struct err *reterr)
{
    const char *name = json_str(backup, "volumeSnapshotName");
    if (!name)
        return 0;
    p->total++;
    AUTO(json)
    json_t *vs =
        ctl_peek(&p->kv->snapshot, &KIND_VOLUME_SNAPSHOT, meta_namespace(p->content), name);
    if (vs) {
        note_status(p, vs);
        return 0;
    }
    if (p->created) {
        ctl_event(&p->kv->snapshot, p->content, "Warning", "VolumeSnapshotMissing",
                  "VolumeSnapshot %s no longer exists", name);
        list_name(&p->missing, name);
        return 0;
    }
    if (!p->snapshot || meta_deleting(p->snapshot) || !kv_snapshot_progressing(p->snapshot)) {
        list_name(&p->skipped, name);
        return 0;
    }
    int rc = freeze(p, reterr);
    if (rc)
        return rc;
    return create_volume_snapshot(p, backup, reterr);
}

/* ---- status ---- */

static void set_error(json_t *status, const char *message, int64_t now)
{
    if (!message) {
        json_object_del(status, "error");
        return;
    }
    if (!strcmp(json_str_or_empty(status, "error.message"), message))
        return;
    char when[TIME_TEXT];
    time_format(now, when);
    json_object_set_new(status, "error", json_pack("{s:s, s:s}", "time", when, "message", message));
}

static char *final_error(struct pass *p)
{
    if (p->missing.len)
        return mem_printf("VolumeSnapshots (%s) missing", strbuf_str(&p->missing));
    if (p->skipped.len)
        return mem_printf("VolumeSnapshots (%s) skipped because vm snapshot is deleted",
                          strbuf_str(&p->skipped));
    return TAKE(p->error);
}

/* All snapshots are cut, and the time that taking them costs has passed. */
static bool is_created(struct pass *p, int64_t *ret_after_ns)
{
    if (p->created || p->cut < p->total || p->missing.len || p->skipped.len || p->error)
        return false;
    int64_t left =
        ctl_created(p->content) + p->kv->duration_ns[KV_SNAPSHOT] - ctl_now(&p->kv->snapshot);
    if (p->total && left > 0) {
        *ret_after_ns = left;
        return false;
    }
    return true;
}

static int thaw(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *vmi = p->snapshot ? instance_to_freeze(p) : NULL;
    if (!vmi)
        return 0;
    return kv_guest_thaw(p->kv, meta_namespace(vmi), meta_name(vmi), reterr);
}

static int write_status(struct pass *p, int64_t *ret_after_ns, struct err *reterr)
{
    AUTO(json) json_t *content = json_copy_parts(p->content, "status", NULL);
    int64_t now = ctl_now(&p->kv->snapshot);
    if (!json_is_object(json_object_get(content, "status")))
        json_object_set_new(content, "status", json_object());
    json_t *status = json_object_get(content, "status");
    AUTO(str) char *error = NULL;
    if (is_created(p, ret_after_ns)) {
        /* The guest may go on before anybody knows that the snapshot is ready. */
        int rc = thaw(p, reterr);
        if (rc)
            return rc;
        char when[TIME_TEXT];
        time_format(ctl_now(&p->kv->snapshot), when);
        json_put_str(status, "creationTime", when);
        p->created = true;
    }
    error = final_error(p);
    set_error(status, error, now);
    bool ready = p->created && !error && p->ready == p->total;
    json_object_set_new(status, "readyToUse", json_boolean(ready));
    if (json_array_size(p->statuses))
        json_object_set(status, "volumeSnapshotStatus", p->statuses);
    if (json_same(status, json_object_get(p->content, "status")))
        return 0;
    return ctl_update(&p->kv->snapshot, &KIND_CONTENT, "status", content, reterr);
}

/* ---- end of life ---- */

static bool may_go(const json_t *snapshot)
{
    return !snapshot || meta_deleting(snapshot) ||
           !strcmp(json_str_or_empty(snapshot, "status.phase"), "Failed");
}

/* true: nothing but the finalizer is left to do. */
static bool is_ending(const json_t *content, const json_t *snapshot)
{
    if (meta_deleting(content))
        return true;
    return snapshot && meta_deleting(snapshot) && kv_snapshot_keeps_content(snapshot, content);
}

static int on_ending(struct kv *kv, const json_t *content, const json_t *snapshot,
                     struct err *reterr)
{
    if (!may_go(snapshot))
        return 0; /* deleted by hand while its snapshot lives */
    return ctl_remove_finalizer(&kv->snapshot, &KIND_CONTENT, content, FINALIZER_CONTENT, reterr);
}

/* The snapshot ends before it is done: the guest must not stay frozen. Errors do not count. */
static void thaw_abandoned(struct kv *kv, const json_t *snapshot)
{
    __attribute__((cleanup(cleanup_err))) struct err e = {0};
    if (!snapshot || (kv_snapshot_progressing(snapshot) && !meta_deleting(snapshot)))
        return;
    const char *vm = json_str_or_empty(snapshot, "spec.source.name");
    const char *ns = meta_namespace(snapshot);
    AUTO(json) json_t *machine = kv_snapshot_source(kv, snapshot);
    if (kv_source_locked(machine, snapshot) && kv_guest(kv, ns, vm)->frozen)
        kv_guest_thaw(kv, ns, vm, &e);
}

int kv_content_reconcile(void *cookie, const char *ns, const char *name, int64_t *ret_after_ns,
                         struct err *reterr)
{
    struct kv *kv = cookie;
    AUTO(json) json_t *content = ctl_peek(&kv->snapshot, &KIND_CONTENT, ns, name);
    if (!content)
        return 0;
    AUTO(json)
    json_t *snapshot = ctl_peek(&kv->snapshot, &KIND_SNAPSHOT, ns,
                                json_str_or_empty(content, "spec.virtualMachineSnapshotName"));
    thaw_abandoned(kv, snapshot);
    if (is_ending(content, snapshot))
        return on_ending(kv, content, snapshot, reterr);
    struct pass p = {
        .kv = kv,
        .content = content,
        .snapshot = snapshot,
        .created = json_path(content, "status.creationTime") != NULL,
        .statuses = json_array(),
    };
    size_t i;
    json_t *backup;
    int rc = 0;
    json_array_foreach(json_path(content, "spec.volumeBackups"), i, backup)
    {
        rc = visit(&p, backup, reterr);
        if (rc)
            break;
    }
    if (!rc || p.retry_ns)
        rc = write_status(&p, ret_after_ns, reterr);
    if (p.retry_ns && !rc)
        *ret_after_ns = p.retry_ns;
    json_decref(p.statuses);
    strbuf_finish(&p.missing);
    strbuf_finish(&p.skipped);
    free(p.error);
    return rc;
}
