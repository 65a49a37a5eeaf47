#include "sim/kubevirt/kubevirt.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/names.h"
#include "sim/kubelet/kubelet.h"
#include "sim/kubevirt/backup_priv.h"

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
#define DURATION(what, name, seconds, says) [KV_##what] = {#name, seconds * NS_PER_S},
#include "sim/kubevirt/durations.list"
#undef DURATION
};

struct kv *kv_of(const struct cluster *c)
{
    return cluster_part(c, "kubevirt");
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

/* The backups, trackers and migrations of a machine. */
static void wake_backups(struct kv *kv, const json_t *vmi)
{
    const char *ns = meta_namespace(vmi), *name = meta_name(vmi);
    size_t i;
    json_t *item;
    AUTO(json) json_t *trackers = ctl_peek_all(&kv->backup, &KIND_TRACKER, ns);
    json_array_foreach(trackers, i, item)
    {
        if (!strcmp(json_str_or_empty(item, "spec.source.name"), name))
            worker_add_object(kv->trackers, item);
    }
    AUTO(json) json_t *backups = ctl_peek_all(&kv->backup, &KIND_BACKUP, ns);
    json_array_foreach(backups, i, item)
    {
        AUTO(str) char *vm = kv_backup_vm(kv, item);
        if (!strcmp(vm, name))
            worker_add_object(kv->backups, item);
    }
    AUTO(json) json_t *migrations = ctl_peek_all(&kv->vm, &KIND_MIGRATION, ns);
    json_array_foreach(migrations, i, item)
    {
        if (!strcmp(json_str_or_empty(item, "spec.vmiName"), name))
            worker_add_object(kv->migrations, item);
    }
}

static void on_backup(void *cookie, enum api_event_type type, json_t *backup)
{
    struct kv *kv = cookie;
    (void)type;
    worker_add_object(kv->backups, backup);
    worker_add(kv->exports, meta_namespace(backup), meta_name(backup));
}

static void on_tracker(void *cookie, enum api_event_type type, json_t *tracker)
{
    struct kv *kv = cookie;
    AUTO(json) json_t *all = ctl_peek_all(&kv->backup, &KIND_BACKUP, meta_namespace(tracker));
    size_t i;
    json_t *backup;
    if (type == EVENT_DELETED)
        return;
    worker_add_object(kv->trackers, tracker);
    json_array_foreach(all, i, backup)
    {
        if (kv_backup_of_tracker(backup) &&
            !strcmp(json_str_or_empty(backup, "spec.source.name"), meta_name(tracker)))
            worker_add_object(kv->backups, backup);
    }
}

static void on_migration(void *cookie, enum api_event_type type, json_t *migration)
{
    struct kv *kv = cookie;
    (void)type;
    worker_add_object(kv->migrations, migration);
}

static void on_export(void *cookie, enum api_event_type type, json_t *export)
{
    struct kv *kv = cookie;
    (void)type;
    worker_add_object(kv->exports, export);
    worker_add(kv->backups, meta_namespace(export), meta_name(export));
}

static void wake_machines(struct kv *kv, const char *ns)
{
    AUTO(json) json_t *vms = ctl_peek_all(&kv->vm, &KIND_VM, ns);
    size_t i;
    json_t *vm;
    json_array_foreach(vms, i, vm) worker_add_object(kv->vms, vm);
}

static void on_config(void *cookie, enum api_event_type type, json_t *config)
{
    struct kv *kv = cookie;
    (void)type, (void)config;
    wake_machines(kv, NULL);
    AUTO(json) json_t *instances = ctl_peek_all(&kv->vm, &KIND_VMI, NULL);
    size_t i;
    json_t *vmi;
    json_array_foreach(instances, i, vmi) worker_add_object(kv->vmis, vmi);
}

/* Its labels may choose its machines. */
static void on_namespace(void *cookie, enum api_event_type type, json_t *ns)
{
    if (type == EVENT_MODIFIED)
        wake_machines(cookie, meta_name(ns));
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
    if (type == EVENT_MODIFIED) /* neither its creation nor its end wakes a backup */
        wake_backups(kv, vmi);
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
    AUTO(json) json_t *instances = ctl_peek_all(&kv->vm, &KIND_VMI, ns);
    json_array_foreach(instances, i, vm)
    {
        if (kv_vmi_uses_utility(vm, meta_name(claim)))
            worker_add_object(kv->vmis, vm);
    }
    const char *machine = meta_label(claim, "persistent-state-for");
    if (machine)
        worker_add(kv->vmis, ns, machine);
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

/* What waits for a node looks again. The node is seen as the scheduler sees it: without a watch. */
static void on_change(void *cookie, struct cluster *c, const struct store_change *change)
{
    struct kv *kv = cookie;
    if (c != kv->cluster || *change->group || strcmp(change->plural, "nodes"))
        return;
    AUTO(json) json_t *instances = ctl_peek_all(&kv->vm, &KIND_VMI, NULL);
    size_t i;
    json_t *vmi;
    json_array_foreach(instances, i, vmi)
    {
        if (!strcmp(json_str_or_empty(vmi, "status.phase"), "Scheduling"))
            worker_add_object(kv->vmis, vmi);
    }
}

static void on_restore(void *cookie, enum api_event_type type, json_t *restore)
{
    struct kv *kv = cookie;
    (void)type;
    worker_add_object(kv->restores, restore);
}

/* ---- life ---- */

static void start_destroy(struct kv_start *st)
{
    for (size_t i = 0; i < st->feeder_count; i++)
        feeder_destroy(st->feeders[i]);
    for (size_t i = 0; i < KV_WORKER_COUNT; i++)
        worker_destroy(st->workers[i]);
    recorder_destroy(st->recorder);
    recorder_destroy(st->handler_recorder);
    free(st->users.controller);
    free(st->users.handler);
    free(st->users.api);
    free(st);
}

static void kv_destroy(void *part)
{
    struct kv *kv = part;
    while (kv->latest) {
        struct kv_start *st = kv->latest;
        kv->latest = st->earlier;
        start_destroy(st);
    }
    strmap_destroy(kv->guests, kv_guest_destroy);
    free(kv->ns);
    free(kv);
}

static struct ctl identity(struct kv *kv, const char *user, const char *component,
                           struct recorder *recorder)
{
    return (struct ctl){
        .cluster = kv->cluster, .user = user, .component = component, .recorder = recorder};
}

static void start_workers(struct kv *kv, struct kv_start *st)
{
    struct {
        struct worker **slot;
        const char *name;
        reconcile_fn *fn;
    } const all[KV_WORKER_COUNT] = {
        {&kv->vms, "vm", kv_vm_reconcile},
        {&kv->snapshots, "snapshot", kv_snapshot_reconcile},
        {&kv->contents, "snapshot-content", kv_content_reconcile},
        {&kv->volume_statuses, "volume-status", kv_volume_status_reconcile},
        {&kv->restores, "restore", kv_restore_reconcile},
        {&kv->vmis, "vmi", kv_vmi_reconcile},
        {&kv->backups, "backup", kv_backup_reconcile},
        {&kv->trackers, "backup-tracker", kv_tracker_reconcile},
        {&kv->migrations, "migration", kv_migration_reconcile},
        {&kv->exports, "export", kv_export_reconcile},
    };
    for (size_t i = 0; i < KV_WORKER_COUNT; i++) {
        struct process *p = all[i].slot == &kv->vmis ? st->handler : st->controller;
        st->workers[i] = worker_start(kv->sched, p, all[i].name, all[i].fn, kv);
        *all[i].slot = st->workers[i];
    }
}

static void start_feeders(struct kv *kv, struct kv_start *st)
{
    static const struct {
        const struct kind *kind;
        feed_fn *fn;
    } all[] = {
        {&KIND_VM, on_vm},
        {&KIND_VMI, on_vmi},
        {&KIND_PVC, on_claim},
        {&KIND_SNAPSHOT, on_snapshot},
        {&KIND_CONTENT, on_content},
        {&KIND_RESTORE, on_restore},
        {&KIND_VOLUME_SNAPSHOT, on_volume_snapshot},
        {&KIND_VOLUME_SNAPSHOT_CLASS, on_snapshot_class},
        {&KIND_BACKUP, on_backup},
        {&KIND_TRACKER, on_tracker},
        {&KIND_KUBEVIRT, on_config},
        {&KIND_MIGRATION, on_migration},
        {&KIND_EXPORT, on_export},
        {&KIND_NAMESPACE, on_namespace},
    };
    _Static_assert(ARRAY_LEN(all) <= KV_FEEDERS_MAX, "room for all informers");
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        st->feeders[st->feeder_count++] =
            feeder_start(&kv->vm, st->controller, all[i].kind, all[i].fn, kv);
}

static char *account(const struct kv *kv, const char *name)
{
    return mem_printf("system:serviceaccount:%s:%s", kv->ns, name);
}

static void start_processes(struct kv *kv)
{
    struct kv_start *st = mem_zalloc(sizeof *st);
    st->users = (struct kv_users){.controller = account(kv, "kubevirt-controller"),
                                  .handler = account(kv, "kubevirt-handler"),
                                  .api = account(kv, "kubevirt-apiserver")};
    kv->users = &st->users;
    st->controller = cluster_process(kv->cluster, "virt-controller");
    st->handler = cluster_process(kv->cluster, "virt-handler");
    st->recorder = recorder_start(kv->cluster, st->controller, kv->users->controller);
    st->handler_recorder = recorder_start(kv->cluster, st->handler, kv->users->handler);
    kv->vm = identity(kv, kv->users->controller, "virtualmachine-controller", st->recorder);
    kv->snapshot = identity(kv, kv->users->controller, "snapshot-controller", st->recorder);
    kv->restore = identity(kv, kv->users->controller, "restore-controller", st->recorder);
    kv->backup = identity(kv, kv->users->controller, "backup-controller", st->recorder);
    kv->handler = identity(kv, kv->users->handler, "virt-handler", st->handler_recorder);
    start_workers(kv, st);
    start_feeders(kv, st);
    st->earlier = kv->latest;
    kv->latest = st;
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
    kv->ns = mem_strdup(KV_NAMESPACE);
    kv->guests = strmap_create();
    for (int i = 0; i < KV_DURATION_COUNT; i++)
        kv->duration_ns[i] = durations[i].default_ns;
    cluster_attach(c, "kubevirt", kv, kv_destroy);
    start_processes(kv);
    kubelet_serve_machines(c, kv->users->handler);
    world_on_change(kv->world, on_change, kv);
    kv_admission_start(kv);
    kv_subresources_start(kv);
    return 0;
}

static struct kv *running(const struct cluster *c, struct err *reterr)
{
    struct kv *kv = kv_of(c);
    if (!kv)
        err_set(reterr, ERR_INVALID, NO_POS, "KubeVirt does not run on cluster '%s'",
                cluster_name(c));
    return kv;
}

int kubevirt_set_api_down(struct cluster *c, bool down, struct err *reterr)
{
    struct kv *kv = running(c, reterr);
    if (!kv)
        return -1;
    kv->api_down = down;
    return 0;
}

static void restart(struct kv *kv)
{
    process_crash(kv->latest->controller);
    process_crash(kv->latest->handler);
    start_processes(kv);
}

int kubevirt_restart(struct cluster *c, struct err *reterr)
{
    struct kv *kv = running(c, reterr);
    if (!kv)
        return -1;
    restart(kv);
    return 0;
}

int kv_move(struct kv *kv, const char *ns, struct err *reterr)
{
    if (name_check_dns1123_label(ns))
        return err_set(reterr, ERR_INVALID, NO_POS, "'%s' is no name of a namespace", ns);
    free(kv->ns);
    kv->ns = mem_strdup(ns);
    restart(kv);
    kv_accounts_bind(kv);
    return 0;
}

int kubevirt_set_duration(struct cluster *c, const char *what, int64_t ns, struct err *reterr)
{
    struct kv *kv = running(c, reterr);
    if (!kv)
        return -1;
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
    return err_suggest(reterr, what, names, KV_DURATION_COUNT, NULL);
}
