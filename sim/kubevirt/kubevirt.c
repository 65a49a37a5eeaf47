#include "sim/kubevirt/kubevirt.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/kv_priv.h"

const struct kind KIND_VM = {"kubevirt.io", "v1", "virtualmachines", "VirtualMachine"};
const struct kind KIND_VMI = {"kubevirt.io", "v1", "virtualmachineinstances",
                              "VirtualMachineInstance"};
const struct kind KIND_SNAPSHOT = {"snapshot.kubevirt.io", "v1beta1", "virtualmachinesnapshots",
                                   "VirtualMachineSnapshot"};
const struct kind KIND_CONTENT = {"snapshot.kubevirt.io", "v1beta1",
                                  "virtualmachinesnapshotcontents",
                                  "VirtualMachineSnapshotContent"};
const struct kind KIND_RESTORE = {"snapshot.kubevirt.io", "v1beta1", "virtualmachinerestores",
                                  "VirtualMachineRestore"};
const struct kind KIND_PVC = {"", "v1", "persistentvolumeclaims", "PersistentVolumeClaim"};
const struct kind KIND_POD = {"", "v1", "pods", "Pod"};
const struct kind KIND_STORAGE_CLASS = {"storage.k8s.io", "v1", "storageclasses", "StorageClass"};
const struct kind KIND_VOLUME_SNAPSHOT = {"snapshot.storage.k8s.io", "v1", "volumesnapshots",
                                          "VolumeSnapshot"};
const struct kind KIND_VOLUME_SNAPSHOT_CLASS = {"snapshot.storage.k8s.io", "v1",
                                                "volumesnapshotclasses", "VolumeSnapshotClass"};
const struct kind KIND_REVISION = {"apps", "v1", "controllerrevisions", "ControllerRevision"};

static const struct {
    const char *name;
    int64_t default_ns;
} durations[KV_DURATION_COUNT] = {
    [KV_START] = {"start", 8 * NS_PER_S},
    [KV_STOP] = {"stop", 4 * NS_PER_S},
    [KV_SNAPSHOT] = {"snapshot", 3 * NS_PER_S},
    [KV_RESTORE] = {"restore", 5 * NS_PER_S},
};

static char *part_name(const struct cluster *c)
{
    return mem_printf("kubevirt/%s", cluster_name(c));
}

struct kv *kv_of(const struct cluster *c)
{
    AUTO(str) char *name = part_name(c);
    return world_part(cluster_world(c), name);
}

/* ---- who is woken by what (kubevirt-csi.md 2.5, 3.3) ---- */

static void on_vm(void *cookie, enum api_event_type type, json_t *vm)
{
    struct kv *kv = cookie;
    const char *ns = meta_namespace(vm), *name = meta_name(vm);
    (void)type;
    worker_add_object(kv->vms, vm);
    worker_add_object(kv->volume_statuses, vm);
    size_t i;
    json_t *other;
    AUTO(json) json_t *snapshots = ctl_peek_all(&kv->snapshot, &KIND_SNAPSHOT, ns);
    json_array_foreach(snapshots, i, other)
    {
        if (!strcmp(json_str_or_empty(other, "spec.source.name"), name))
            worker_add_object(kv->snapshots, other);
    }
    AUTO(json) json_t *restores = ctl_peek_all(&kv->restore, &KIND_RESTORE, ns);
    json_array_foreach(restores, i, other)
    {
        if (!strcmp(json_str_or_empty(other, "spec.target.name"), name))
            worker_add_object(kv->restores, other);
    }
}

static void on_vmi(void *cookie, enum api_event_type type, json_t *vmi)
{
    struct kv *kv = cookie;
    if (type == EVENT_DELETED) {
        struct guest *g = kv_guest(kv, meta_namespace(vmi), meta_name(vmi));
        if (g->uid && !strcmp(g->uid, meta_uid(vmi)))
            kv_guest_end(g);
    }
    worker_add_object(kv->vms, vmi);
    worker_add_object(kv->vmis, vmi);
}

static void on_claim(void *cookie, enum api_event_type type, json_t *claim)
{
    struct kv *kv = cookie;
    const char *ns = meta_namespace(claim);
    (void)type;
    size_t i;
    json_t *vm;
    AUTO(json) json_t *vms = ctl_peek_all(&kv->vm, &KIND_VM, ns);
    json_array_foreach(vms, i, vm)
    {
        if (!kv_vm_uses_claim(vm, meta_name(claim)))
            continue;
        worker_add_object(kv->vmis, vm);
        on_vm(kv, EVENT_MODIFIED, vm);
    }
    const char *restore = meta_annotation(claim, "restore.kubevirt.io/name");
    if (restore)
        worker_add(kv->restores, ns, restore);
}

static void on_snapshot(void *cookie, enum api_event_type type, json_t *snapshot)
{
    struct kv *kv = cookie;
    (void)type;
    worker_add_object(kv->snapshots, snapshot);
    const char *content = json_str(snapshot, "status.virtualMachineSnapshotContentName");
    AUTO(str) char *name = content ? mem_strdup(content) : kv_content_name(snapshot);
    worker_add(kv->contents, meta_namespace(snapshot), name);
}

static void on_content(void *cookie, enum api_event_type type, json_t *content)
{
    struct kv *kv = cookie;
    (void)type;
    worker_add_object(kv->contents, content);
    const char *snapshot = json_str(content, "spec.virtualMachineSnapshotName");
    if (snapshot)
        worker_add(kv->snapshots, meta_namespace(content), snapshot);
}

static void on_volume_snapshot(void *cookie, enum api_event_type type, json_t *snapshot)
{
    struct kv *kv = cookie;
    (void)type;
    const json_t *owner = meta_controller_of(snapshot);
    if (owner && !strcmp(json_str_or_empty(owner, "kind"), KIND_CONTENT.kind))
        worker_add(kv->contents, meta_namespace(snapshot), json_str_or_empty(owner, "name"));
}

static void on_snapshot_class(void *cookie, enum api_event_type type, json_t *class)
{
    struct kv *kv = cookie;
    (void)type, (void)class;
    AUTO(json) json_t *vms = ctl_peek_all(&kv->vm, &KIND_VM, NULL);
    size_t i;
    json_t *vm;
    json_array_foreach(vms, i, vm) worker_add_object(kv->volume_statuses, vm);
}

static void on_restore(void *cookie, enum api_event_type type, json_t *restore)
{
    struct kv *kv = cookie;
    (void)type;
    worker_add_object(kv->restores, restore);
}

static void feed(struct kv *kv, struct process *p, const struct kind *k, feed_fn *fn)
{
    assert(kv->feeder_count < KV_FEEDERS_MAX);
    kv->feeders[kv->feeder_count++] = feeder_start(&kv->vm, p, k, fn, kv);
}

/* ---- life ---- */

static void kv_destroy(void *part)
{
    struct kv *kv = part;
    for (size_t i = 0; i < kv->feeder_count; i++)
        feeder_destroy(kv->feeders[i]);
    worker_destroy(kv->vms);
    worker_destroy(kv->vmis);
    worker_destroy(kv->snapshots);
    worker_destroy(kv->contents);
    worker_destroy(kv->restores);
    worker_destroy(kv->volume_statuses);
    recorder_destroy(kv->recorder);
    recorder_destroy(kv->handler_recorder);
    strmap_destroy(kv->guests, kv_guest_destroy);
    free(kv);
}

static struct ctl identity(struct kv *kv, const char *user, const char *component,
                           struct recorder *recorder)
{
    return (struct ctl){
        .cluster = kv->cluster, .user = user, .component = component, .recorder = recorder};
}

static void start_workers(struct kv *kv, struct process *controller, struct process *handler)
{
    struct sched *s = kv->sched;
    kv->vms = worker_start(s, controller, "vm", kv_vm_reconcile, kv);
    kv->snapshots = worker_start(s, controller, "snapshot", kv_snapshot_reconcile, kv);
    kv->contents = worker_start(s, controller, "snapshot-content", kv_content_reconcile, kv);
    kv->volume_statuses =
        worker_start(s, controller, "volume-status", kv_volume_status_reconcile, kv);
    kv->restores = worker_start(s, controller, "restore", kv_restore_reconcile, kv);
    kv->vmis = worker_start(s, handler, "vmi", kv_vmi_reconcile, kv);
}

int kubevirt_start(struct cluster *c, struct err *reterr)
{
    if (kv_of(c))
        return err_set(reterr, ERR_INVALID, NO_POS, "KubeVirt runs already on cluster '%s'",
                       cluster_name(c));
    struct kv *kv = mem_zalloc(sizeof *kv);
    kv->cluster = c;
    kv->world = cluster_world(c);
    kv->sched = world_sched(kv->world);
    kv->guests = strmap_create();
    for (int i = 0; i < KV_DURATION_COUNT; i++)
        kv->duration_ns[i] = durations[i].default_ns;
    struct process *controller = cluster_process(c, "virt-controller");
    struct process *handler = cluster_process(c, "virt-handler");
    kv->recorder = recorder_start(c, controller, KV_USER_CONTROLLER);
    kv->handler_recorder = recorder_start(c, handler, KV_USER_HANDLER);
    kv->vm = identity(kv, KV_USER_CONTROLLER, "virtualmachine-controller", kv->recorder);
    kv->snapshot = identity(kv, KV_USER_CONTROLLER, "snapshot-controller", kv->recorder);
    kv->restore = identity(kv, KV_USER_CONTROLLER, "restore-controller", kv->recorder);
    kv->handler = identity(kv, KV_USER_HANDLER, "virt-handler", kv->handler_recorder);
    AUTO(str) char *name = part_name(c);
    world_attach(kv->world, name, kv, kv_destroy);
    start_workers(kv, controller, handler);
    feed(kv, controller, &KIND_VM, on_vm);
    feed(kv, controller, &KIND_VMI, on_vmi);
    feed(kv, controller, &KIND_PVC, on_claim);
    feed(kv, controller, &KIND_SNAPSHOT, on_snapshot);
    feed(kv, controller, &KIND_CONTENT, on_content);
    feed(kv, controller, &KIND_RESTORE, on_restore);
    feed(kv, controller, &KIND_VOLUME_SNAPSHOT, on_volume_snapshot);
    feed(kv, controller, &KIND_VOLUME_SNAPSHOT_CLASS, on_snapshot_class);
    kv_admission_start(kv);
    return 0;
}

int kubevirt_set_duration(struct cluster *c, const char *what, int64_t ns, struct err *reterr)
{
    struct kv *kv = kv_of(c);
    if (!kv)
        return err_set(reterr, ERR_INVALID, NO_POS, "KubeVirt does not run on cluster '%s'",
                       cluster_name(c));
    if (ns < 0)
        return err_set(reterr, ERR_INVALID, NO_POS, "duration '%s' must not be negative", what);
    const char *names[KV_DURATION_COUNT];
    for (size_t i = 0; i < KV_DURATION_COUNT; i++) {
        names[i] = durations[i].name;
        if (!strcmp(what, names[i])) {
            kv->duration_ns[i] = ns;
            return 0;
        }
    }
    err_set(reterr, ERR_INVALID, NO_POS, "KubeVirt has no duration '%s'", what);
    const char *near = err_nearest(what, names, KV_DURATION_COUNT);
    return near ? err_hint(reterr, "did you mean '%s'?", near) : -1;
}
