/* VirtualMachineSnapshot: status first, then the lock, then the content; what follows is copied
 * from the content (kubevirt-csi.md 2.2 to 2.8). The human text of a condition stands in `reason`,
 * its message is empty. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/kv_priv.h"

#define RETRY_NS (5 * NS_PER_S)
#define DEADLINE_DEFAULT_NS (300 * NS_PER_S)

static const char *phase_of(const json_t *snapshot)
{
    return json_str_or_empty(snapshot, "status.phase");
}

bool kv_snapshot_progressing(const json_t *snapshot)
{
    const char *phase = phase_of(snapshot);
    return !*phase || !strcmp(phase, "InProgress");
}

static int64_t kv_snapshot_time_left(const struct kv *kv, const json_t *snapshot)
{
    int64_t deadline = DEADLINE_DEFAULT_NS;
    const char *text = json_str(snapshot, "spec.failureDeadline");
    if (text)
        duration_parse(text, &deadline);
    if (deadline == 0)
        return INT64_MAX;
    return ctl_created(snapshot) + deadline - ctl_now(&kv->snapshot);
}

bool kv_snapshot_keeps_content(const json_t *snapshot, const json_t *content)
{
    return !strcmp(json_str_or_empty(snapshot, "spec.deletionPolicy"), "Retain") &&
           json_bool(content, "status.readyToUse", false);
}

char *kv_content_name(const json_t *snapshot)
{
    return mem_printf("vmsnapshot-content-%s", meta_uid(snapshot));
}

/* ---- indications ---- */

static const struct {
    const char *name, *message; /* sorted by name; PartialSnapshot comes last whatever its name */
} indications[] = {
    {"GuestAgent", "Guest agent was active and attempted to quiesce the filesystem for application "
                   "consistency."},
    {"NoGuestAgent", "Guest agent was not available. Snapshot is crash-consistent and may not be "
                     "application-consistent."},
    {"Online", "Snapshot taken while the VM was running. Consistency depends on guest-agent "
               "quiescing."},
    {"Paused",
     "Snapshot taken while the VM was paused. Snapshot is crash-consistent and may not be "
     "application-consistent."},
    {"QuiesceTimeout",
     "Guest agent quiesced the filesystem, but the freeze window timed out before "
     "completion. Snapshot is crash-consistent and may not be "
     "application-consistent."},
    {"PartialSnapshot",
     "Not all snapshotable volumes were included in the snapshot. Check "
     "status.snapshotVolumes for excluded volumes and VM VolumeSnapshotStatus for "
     "details."},
};

static bool has_indication(const json_t *status, const char *name)
{
    size_t i;
    json_t *have;
    json_array_foreach(json_object_get(status, "indications"), i, have)
    {
        if (!strcmp(json_string_value(have), name))
            return true;
    }
    return false;
}

/* Writes both lists: what was there, and what `add` (names, NULL-terminated) brings. */
static void add_indications(json_t *status, const char *const *add)
{
    json_t *names = json_array(), *sources = json_array();
    for (size_t i = 0; i < ARRAY_LEN(indications); i++) {
        bool wanted = has_indication(status, indications[i].name);
        for (size_t k = 0; add[k]; k++)
            wanted = wanted || !strcmp(add[k], indications[i].name);
        if (!wanted)
            continue;
        json_array_append_new(names, json_string(indications[i].name));
        json_array_append_new(sources, json_pack("{s:s, s:s}", "indication", indications[i].name,
                                                 "message", indications[i].message));
    }
    json_object_set_new(status, "indications", names);
    json_object_set_new(status, "sourceIndications", sources);
}

/* The machine at this moment; an agent that comes and goes may leave several. */
static void update_indications(struct kv *kv, json_t *status, const json_t *vm)
{
    AUTO(json) json_t *vmi = ctl_peek(&kv->snapshot, &KIND_VMI, meta_namespace(vm), meta_name(vm));
    if (!vmi || kv_vmi_final(vmi)) {
        json_object_del(status, "indications");
        json_object_del(status, "sourceIndications");
        return;
    }
    bool agent = meta_condition(vmi, "AgentConnected") != NULL;
    bool paused = !strcmp(meta_condition_status(vmi, "Paused"), "True");
    bool limited =
        agent && strstr(json_str_or_empty(status, "error.message"), "fsfreeze is limited");
    const char *add[4] = {"Online",
                          paused  ? "Paused"
                          : agent ? "GuestAgent"
                                  : "NoGuestAgent",
                          limited ? "QuiesceTimeout" : NULL, NULL};
    add_indications(status, add);
}

/* ---- status ---- */

static void set_volumes(json_t *status, const json_t *content)
{
    json_t *included = json_array(), *excluded = json_array();
    bool partial = false;
    size_t i;
    json_t *volume;
    const json_t *vm = json_path(content, "spec.source.virtualMachine");
    json_array_foreach(kv_vm_volumes(vm), i, volume)
    {
        const char *name = json_str_or_empty(volume, "name");
        bool in = json_find(json_path(content, "spec.volumeBackups"), "volumeName", name);
        json_array_append_new(in ? included : excluded, json_string(name));
        partial = partial || (!in && kv_volume_claim(volume));
    }
    if (json_find(json_path(content, "spec.volumeBackups"), "volumeName", KV_BACKEND_VOLUME))
        json_array_append_new(included, json_string(KV_BACKEND_VOLUME));
    json_t *volumes = json_object();
    json_object_set_new(volumes, "includedVolumes", included);
    json_object_set_new(volumes, "excludedVolumes", excluded);
    for (int k = 0; k < 2; k++) {
        const char *key = k ? "excludedVolumes" : "includedVolumes";
        if (!json_array_size(json_object_get(volumes, key)))
            json_object_del(volumes, key);
    }
    json_object_set_new(status, "snapshotVolumes", volumes);
    if (partial)
        add_indications(status, (const char *const[]){"PartialSnapshot", NULL});
}

static void copy_content(json_t *status, const json_t *content)
{
    static const char *const keys[] = {"creationTime", "readyToUse", "error"};
    const json_t *theirs = json_object_get(content, "status");
    if (!theirs || meta_deleting(content))
        return;
    json_put_str(status, "virtualMachineSnapshotContentName", meta_name(content));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        json_t *value = json_object_get(theirs, keys[i]);
        if (value)
            json_object_set_new(status, keys[i], json_copy_of(value));
        else
            json_object_del(status, keys[i]);
    }
}

struct view {
    const json_t *vm, *content; /* NULL when absent */
    const char *obstacle;       /* of the lock; NULL: none known */
};

static void set_progress(struct kv *kv, json_t *snapshot, json_t *status, const struct view *v)
{
    int64_t now = ctl_now(&kv->snapshot);
    const char *text = NULL, *is = "False";
    AUTO(str) char *unlocked = NULL;
    if (!kv_snapshot_progressing(snapshot))
        return;
    json_put_str(status, "phase", "InProgress");
    if (v->vm)
        update_indications(kv, status, v->vm);
    if (kv_snapshot_time_left(kv, snapshot) <= 0) {
        json_put_str(status, "phase", "Failed");
        ctl_set_condition(status, "Failure", "True", "snapshot deadline exceeded", NULL, now);
        text = "Operation failed";
    } else if (v->content && json_path(v->content, "status.creationTime")) {
        json_put_str(status, "phase", "Succeeded");
        set_volumes(status, v->content);
        text = "Operation complete";
    } else if (!v->vm) {
        text = "Source does not exist";
    } else if (kv_source_locked(v->vm, snapshot)) {
        is = "True";
        text = "Source locked and operation in progress";
    } else {
        unlocked = mem_printf("Source not locked%s", v->obstacle ? v->obstacle : "");
        text = unlocked;
    }
    ctl_set_condition(status, "Progressing", is, text, NULL, now);
}

static json_t *status_object(json_t *snapshot)
{
    json_t *status = json_object_get(snapshot, "status");
    if (!json_is_object(status)) {
        status = json_object();
        json_object_set_new(snapshot, "status", status);
    }
    return status;
}

static int write_status(struct kv *kv, const json_t *old, const struct view *v, struct err *reterr)
{
    AUTO(json) json_t *snapshot = json_copy_parts(old, "status", NULL);
    int64_t now = ctl_now(&kv->snapshot);
    json_t *status = status_object(snapshot);
    if (!json_object_get(status, "readyToUse"))
        json_object_set_new(status, "readyToUse", json_false());
    if (v->vm && !json_object_get(status, "sourceUID"))
        json_put_str(status, "sourceUID", meta_uid(v->vm));
    if (v->content)
        copy_content(status, v->content);
    if (meta_deleting(old)) {
        json_put_str(status, "phase", "Deleting");
        ctl_set_condition(status, "Progressing", "False", "VM snapshot is deleting", NULL, now);
    } else {
        set_progress(kv, snapshot, status, v);
        if (json_object_get(status, "error"))
            ctl_set_condition(status, "Progressing", "False", "In error state", NULL, now);
        else if (!strcmp(json_str_or_empty(status, "phase"), "Succeeded"))
            ctl_set_condition(status, "Progressing", "False", "Operation complete", NULL, now);
    }
    bool ready = json_bool(status, "readyToUse", false);
    ctl_set_condition(status, "Ready", ready ? "True" : "False", ready ? "Ready" : "Not ready",
                      NULL, now);
    if (json_same(status, json_object_get(old, "status")))
        return 0;
    return ctl_update(&kv->snapshot, &KIND_SNAPSHOT, "status", snapshot, reterr);
}

/* ---- one pass ---- */

static int drop_content(struct kv *kv, const json_t *snapshot, const json_t *content,
                        struct err *reterr)
{
    if (!content || meta_deleting(content) || kv_snapshot_keeps_content(snapshot, content))
        return 0;
    return ctl_delete(&kv->snapshot, &KIND_CONTENT, meta_namespace(content), meta_name(content),
                      meta_uid(content), reterr);
}

static int on_deleting(struct kv *kv, const json_t *snapshot, const struct view *v,
                       struct err *reterr)
{
    int rc = write_status(kv, snapshot, v, reterr);
    if (rc || (rc = drop_content(kv, snapshot, v->content, reterr)))
        return rc;
    AUTO(json)
    json_t *content = v->content ? ctl_peek(&kv->snapshot, &KIND_CONTENT,
                                            meta_namespace(v->content), meta_name(v->content))
                                 : NULL;
    /* What stays must be free of our finalizer; what goes must be gone. Either wakes us. */
    if (content && (!kv_snapshot_keeps_content(snapshot, content) ||
                    meta_has_finalizer(content, FINALIZER_CONTENT)))
        return 0;
    if (v->vm && (rc = kv_source_unlock(kv, v->vm, snapshot, reterr)))
        return rc;
    AUTO(json)
    json_t *now =
        ctl_peek(&kv->snapshot, &KIND_SNAPSHOT, meta_namespace(snapshot), meta_name(snapshot));
    return now ? ctl_remove_finalizer(&kv->snapshot, &KIND_SNAPSHOT, now, FINALIZER_SNAPSHOT,
                                      reterr)
               : 0;
}

/* Lock, then content: at most one step each pass, since each write wakes us again. */
static int advance(struct kv *kv, const json_t *snapshot, const struct view *v, char **ret_obstacle,
                   struct err *reterr)
{
    if (!v->vm || v->content || kv_snapshot_time_left(kv, snapshot) <= 0)
        return 0;
    if (!kv_source_locked(v->vm, snapshot))
        return kv_source_lock(kv, v->vm, snapshot, ret_obstacle, reterr);
    if (strcmp(meta_condition_status(snapshot, "Progressing"), "True"))
        return 0; /* that it is locked is told first */
    return kv_content_create(kv, v->vm, snapshot, reterr);
}

static int finish(struct kv *kv, const char *ns, const char *name, struct err *reterr)
{
    AUTO(json) json_t *snapshot = ctl_peek(&kv->snapshot, &KIND_SNAPSHOT, ns, name);
    if (!snapshot || meta_deleting(snapshot) || kv_snapshot_progressing(snapshot))
        return 0;
    AUTO(str) char *content_name = kv_content_name(snapshot);
    AUTO(json) json_t *content = ctl_peek(&kv->snapshot, &KIND_CONTENT, ns, content_name);
    bool failed = !strcmp(phase_of(snapshot), "Failed");
    int rc = failed ? drop_content(kv, snapshot, content, reterr) : 0;
    if (rc)
        return rc;
    AUTO(json) json_t *vm = kv_snapshot_source(kv, snapshot);
    return vm ? kv_source_unlock(kv, vm, snapshot, reterr) : 0;
}

static int64_t next_look(const struct kv *kv, const json_t *snapshot, bool blocked)
{
    if (!kv_snapshot_progressing(snapshot))
        return 0;
    int64_t left = kv_snapshot_time_left(kv, snapshot);
    if (left == INT64_MAX)
        return 0; /* without a deadline only news wakes it, so that a world with one comes to rest
                   */
    if (blocked && left > RETRY_NS)
        return RETRY_NS;
    return left > 0 ? left : 1;
}

int kv_snapshot_reconcile(void *cookie, const char *ns, const char *name, int64_t *ret_after_ns,
                          struct err *reterr)
{
    struct kv *kv = cookie;
    AUTO(json) json_t *snapshot = ctl_peek(&kv->snapshot, &KIND_SNAPSHOT, ns, name);
    if (!snapshot)
        return 0;
    AUTO(str) char *content_name = kv_content_name(snapshot);
    AUTO(json) json_t *content = ctl_peek(&kv->snapshot, &KIND_CONTENT, ns, content_name);
    AUTO(json) json_t *vm = kv_snapshot_source(kv, snapshot);
    struct view v = {.vm = vm, .content = content};
    if (meta_deleting(snapshot)) {
        if (!meta_has_finalizer(snapshot, FINALIZER_SNAPSHOT))
            return 0;
        return on_deleting(kv, snapshot, &v, reterr);
    }
    if (!meta_has_finalizer(snapshot, FINALIZER_SNAPSHOT))
        return ctl_add_finalizer(&kv->snapshot, &KIND_SNAPSHOT, snapshot, FINALIZER_SNAPSHOT,
                                 reterr);
    AUTO(str) char *obstacle = NULL;
    int rc = 0;
    if (json_object_get(snapshot, "status") && kv_snapshot_progressing(snapshot))
        rc = advance(kv, snapshot, &v, &obstacle, reterr);
    if (rc)
        return rc;
    v.obstacle = obstacle;
    /* A step was made: its news brings us here again, with fresh objects. */
    AUTO(json) json_t *latest = ctl_peek(&kv->snapshot, &KIND_VM, ns, vm ? meta_name(vm) : "");
    if (vm && latest)
        v.vm = latest;
    rc = write_status(kv, snapshot, &v, reterr);
    if (rc)
        return rc;
    *ret_after_ns = next_look(kv, snapshot, obstacle != NULL);
    return finish(kv, ns, name, reterr);
}
