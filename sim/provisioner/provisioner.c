#include "sim/provisioner/provisioner.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/controller/ctl.h"

#define USER "system:serviceaccount:osac-system:provisioner"
#define LABEL_INSTANCE "osac.openshift.io/computeinstance"
#define ANNOTATION_NAMESPACE "osac.openshift.io/subnet-target-namespace"
#define ANNOTATION_TENANT "osac.openshift.io/tenant"
#define WORK_NS (2 * NS_PER_S)
#define CONFLICTS_MAX 5

static const struct kind KIND_INSTANCE = {"osac.openshift.io", "v1alpha1", "computeinstances",
                                          "ComputeInstance"};
static const struct kind KIND_VM = {"kubevirt.io", "v1", "virtualmachines", "VirtualMachine"};
static const struct kind KIND_VMI = {"kubevirt.io", "v1", "virtualmachineinstances",
                                     "VirtualMachineInstance"};
static const struct kind KIND_PVC = {"", "v1", "persistentvolumeclaims", "PersistentVolumeClaim"};
static const struct kind KIND_NAMESPACE = {"", "v1", "namespaces", "Namespace"};

struct provisioner {
    struct ctl hub, workload;
    struct worker *worker;
    struct feeder *instances, *machines;
    struct strmap *begun; /* job id -> int64_t: when it was taken up */
};

static const char *target_namespace(const json_t *ci)
{
    const char *ns = meta_annotation(ci, ANNOTATION_NAMESPACE);
    if (!ns || !*ns)
        ns = meta_annotation(ci, ANNOTATION_TENANT);
    return ns && *ns ? ns : meta_namespace(ci);
}

/* ---- jobs ---- */

static bool is_state(const json_t *job, const char *state)
{
    return !strcmp(json_str_or_empty(job, "state"), state);
}

static bool is_type(const json_t *job, const char *type)
{
    return !strcmp(json_str_or_empty(job, "type"), type);
}

static bool unfinished(const json_t *job)
{
    return is_state(job, "Pending") || is_state(job, "Waiting") || is_state(job, "Running");
}

static const json_t *jobs_of(const json_t *ci)
{
    return json_path(ci, "status.provisioningJobs");
}

static const json_t *next_job(const json_t *ci)
{
    size_t i;
    json_t *job;
    json_array_foreach(jobs_of(ci), i, job)
    {
        if (unfinished(job))
            return job;
    }
    return NULL;
}

/* The last finished job made the machine: it is ours to keep in step. */
static bool is_provisioned(const json_t *ci)
{
    bool provisioned = false;
    size_t i;
    json_t *job;
    json_array_foreach(jobs_of(ci), i, job)
    {
        if (is_state(job, "Succeeded"))
            provisioned = is_type(job, "provision");
        else if (is_type(job, "deprovision"))
            provisioned = false;
    }
    return provisioned;
}

static bool set_job(json_t *ci, const char *id, const char *state, const char *message)
{
    size_t i;
    json_t *job;
    json_array_foreach(json_at_mut(ci, "status", "provisioningJobs", NULL), i, job)
    {
        if (strcmp(json_str_or_empty(job, "jobID"), id))
            continue;
        json_put_str(job, "state", state);
        if (message)
            json_put_str(job, "message", message);
        return true;
    }
    return false;
}

/* Merges one job's state into the latest status; others may be writing theirs. */
static int report(struct provisioner *p, const json_t *ci, const char *id, const char *state,
                  const char *message, struct err *reterr)
{
    int rc = -409;
    for (int i = 0; i < CONFLICTS_MAX && rc == -409; i++) {
        err_clear(reterr);
        AUTO(json)
        json_t *now = ctl_peek(&p->hub, &KIND_INSTANCE, meta_namespace(ci), meta_name(ci));
        if (!now)
            return 0;
        AUTO(json) json_t *copy = json_copy_of(now);
        if (!set_job(copy, id, state, message))
            return 0;
        rc = ctl_update(&p->hub, &KIND_INSTANCE, "status", copy, reterr);
    }
    return rc;
}

/* ---- provision ---- */

static void label(json_t *obj, const json_t *ci)
{
    meta_set_label(obj, LABEL_INSTANCE, meta_name(ci));
}

/* Creates what is not there; an existing object is left alone. */
static int ensure(struct provisioner *p, const struct kind *k, const json_t *obj,
                  struct err *reterr)
{
    const char *ns = meta_namespace(obj);
    AUTO(json) json_t *have = ctl_peek(&p->workload, k, *ns ? ns : NULL, meta_name(obj));
    if (have)
        return 0;
    return ctl_ensure(&p->workload, k, obj, NULL, reterr);
}

static int ensure_claim(struct provisioner *p, const json_t *ci, const char *suffix, int64_t gib,
                        struct err *reterr)
{
    AUTO(str) char *name = mem_printf("%s-%s", meta_name(ci), suffix);
    AUTO(str) char *size = mem_printf("%lldGi", (long long)gib);
    AUTO(json) json_t *pvc = ctl_object(&KIND_PVC, target_namespace(ci), name);
    label(pvc, ci);
    json_put_take(pvc, "spec.accessModes", json_pack("[s]", "ReadWriteOnce"));
    json_put_str(pvc, "spec.resources.requests.storage", size);
    return ensure(p, &KIND_PVC, pvc, reterr);
}

static void add_disk(json_t *disks, json_t *volumes, const json_t *ci, const char *name)
{
    AUTO(str) char *claim = mem_printf("%s-%s", meta_name(ci), name);
    json_array_append_new(disks,
                          json_pack("{s:s, s:{s:s}}", "name", name, "disk", "bus", "virtio"));
    json_array_append_new(volumes, json_pack("{s:s, s:{s:s}}", "name", name,
                                             "persistentVolumeClaim", "claimName", claim));
}

static const char *wanted_strategy(const json_t *ci)
{
    const char *strategy = json_str(ci, "spec.runStrategy");
    return strategy ? strategy : "Always";
}

static json_t *machine_of(const json_t *ci)
{
    json_t *vm = ctl_object(&KIND_VM, target_namespace(ci), meta_name(ci));
    json_t *disks = json_array(), *volumes = json_array();
    size_t count = json_array_size(json_path(ci, "spec.additionalDisks"));
    add_disk(disks, volumes, ci, "root");
    for (size_t i = 1; i <= count; i++) {
        AUTO(str) char *name = mem_printf("disk-%zu", i);
        add_disk(disks, volumes, ci, name);
    }
    AUTO(str) char *memory = mem_printf("%lldGi", (long long)json_int(ci, "spec.memoryGiB", 1));
    label(vm, ci);
    json_put_str(vm, "spec.runStrategy", wanted_strategy(ci));
    json_put_take(vm, "spec.template.metadata.labels",
                  json_pack("{s:s}", LABEL_INSTANCE, meta_name(ci)));
    json_put_take(vm, "spec.template.spec.domain.cpu.cores",
                  json_integer(json_int(ci, "spec.cores", 1)));
    json_put_str(vm, "spec.template.spec.domain.memory.guest", memory);
    json_put_take(vm, "spec.template.spec.domain.devices.disks", disks);
    json_put_take(vm, "spec.template.spec.volumes", volumes);
    return vm;
}

/* KubeVirt may refuse while a snapshot or a restore is in progress: the caller tries again, and the
 * machine's news wakes it. */
static int follow_strategy(struct provisioner *p, const json_t *ci, const json_t *vm,
                           struct err *reterr)
{
    const char *want = wanted_strategy(ci);
    if (meta_deleting(vm) || !strcmp(json_str_or_empty(vm, "spec.runStrategy"), want))
        return 0;
    AUTO(json) json_t *patch = json_pack("{s:{s:s}}", "spec", "runStrategy", want);
    return ctl_patch(&p->workload, &KIND_VM, meta_namespace(vm), meta_name(vm), NULL, PATCH_MERGE,
                     patch, reterr);
}

static int restart_if_asked(struct provisioner *p, const json_t *ci, const json_t *vm,
                            struct err *reterr)
{
    const char *asked = json_str(ci, "spec.restartRequestedAt");
    const char *done = json_str(ci, "status.lastRestartedAt");
    int64_t asked_ns, done_ns = INT64_MIN;
    if (!asked || !time_parse(asked, &asked_ns))
        return 0;
    if (done)
        time_parse(done, &done_ns);
    if (asked_ns <= done_ns)
        return 0;
    return ctl_delete(&p->workload, &KIND_VMI, meta_namespace(vm), meta_name(vm), NULL, reterr);
}

static int ensure_claims(struct provisioner *p, const json_t *ci, struct err *reterr)
{
    int rc = ensure_claim(p, ci, "root", json_int(ci, "spec.bootDisk.sizeGiB", 1), reterr);
    size_t i;
    json_t *disk;
    json_array_foreach(json_path(ci, "spec.additionalDisks"), i, disk)
    {
        AUTO(str) char *suffix = mem_printf("disk-%zu", i + 1);
        if (!rc)
            rc = ensure_claim(p, ci, suffix, json_int(disk, "sizeGiB", 1), reterr);
    }
    return rc;
}

static int provision(struct provisioner *p, const json_t *ci, struct err *reterr)
{
    AUTO(json) json_t *ns = ctl_object(&KIND_NAMESPACE, NULL, target_namespace(ci));
    AUTO(json) json_t *vm = ctl_peek(&p->workload, &KIND_VM, target_namespace(ci), meta_name(ci));
    int rc = ensure(p, &KIND_NAMESPACE, ns, reterr);
    if (vm) {
        if (!rc)
            rc = follow_strategy(p, ci, vm, reterr);
        return rc ? rc : restart_if_asked(p, ci, vm, reterr);
    }
    if (!rc)
        rc = ensure_claims(p, ci, reterr);
    if (rc)
        return rc;
    AUTO(json) json_t *machine = machine_of(ci);
    return ensure(p, &KIND_VM, machine, reterr);
}

/* ---- deprovision ---- */

/* 0 and *ret_gone: nothing of the machine is left. */
static int deprovision(struct provisioner *p, const json_t *ci, bool *ret_gone, struct err *reterr)
{
    const char *ns = target_namespace(ci);
    AUTO(json) json_t *vm = ctl_peek(&p->workload, &KIND_VM, ns, meta_name(ci));
    *ret_gone = false;
    if (vm && meta_deleting(vm))
        return 0; /* its end wakes us */
    if (vm)
        return ctl_delete(&p->workload, &KIND_VM, ns, meta_name(ci), meta_uid(vm), reterr);
    AUTO(json) json_t *claims = ctl_peek_all(&p->workload, &KIND_PVC, ns);
    size_t i;
    json_t *claim;
    json_array_foreach(claims, i, claim)
    {
        const char *of = meta_label(claim, LABEL_INSTANCE);
        if (!of || strcmp(of, meta_name(ci)) || meta_deleting(claim))
            continue;
        int rc = ctl_delete(&p->workload, &KIND_PVC, ns, meta_name(claim), meta_uid(claim), reterr);
        if (rc)
            return rc;
    }
    *ret_gone = true;
    return 0;
}

/* ---- one pass ---- */

/* What is left of the job's working time, from when it was taken up. */
static int64_t work_left(struct provisioner *p, const char *id)
{
    int64_t now = ctl_now(&p->hub);
    int64_t *begun = strmap_get(p->begun, id);
    if (!begun) {
        begun = mem_dup(&now, sizeof now);
        strmap_put(p->begun, id, begun);
    }
    return *begun + WORK_NS - now;
}

/* Creation refused for good: bad names, quota. Everything else may pass. */
static bool is_hopeless(int rc)
{
    return rc == -400 || rc == -403;
}

static int run_job(struct provisioner *p, const json_t *ci, const json_t *job,
                   int64_t *ret_after_ns, struct err *reterr)
{
    AUTO(str) char *id = mem_strdup(json_str_or_empty(job, "jobID"));
    int64_t left = work_left(p, id);
    if (!is_state(job, "Running"))
        return report(p, ci, id, "Running", NULL, reterr); /* the write wakes us */
    if (left > 0) {
        *ret_after_ns = left;
        return 0;
    }
    bool done = true;
    int rc =
        is_type(job, "deprovision") ? deprovision(p, ci, &done, reterr) : provision(p, ci, reterr);
    if (is_hopeless(rc)) {
        AUTO(str) char *why = mem_strdup(reterr->msg ? reterr->msg : "refused");
        err_clear(reterr);
        return report(p, ci, id, "Failed", why, reterr);
    }
    return rc || !done ? rc : report(p, ci, id, "Succeeded", NULL, reterr);
}

static int reconcile(void *cookie, const char *ns, const char *name, int64_t *ret_after_ns,
                     struct err *reterr)
{
    struct provisioner *p = cookie;
    AUTO(json) json_t *ci = ctl_peek(&p->hub, &KIND_INSTANCE, ns, name);
    if (!ci)
        return 0;
    const json_t *job = next_job(ci);
    if (job)
        return run_job(p, ci, job, ret_after_ns, reterr);
    if (meta_deleting(ci) || !is_provisioned(ci))
        return 0;
    AUTO(json) json_t *vm = ctl_peek(&p->workload, &KIND_VM, target_namespace(ci), name);
    return vm ? follow_strategy(p, ci, vm, reterr) : 0;
}

/* ---- life ---- */

static void on_instance(void *cookie, enum api_event_type type, json_t *ci)
{
    struct provisioner *p = cookie;
    (void)type;
    worker_add_object(p->worker, ci);
}

static void on_machine(void *cookie, enum api_event_type type, json_t *vm)
{
    struct provisioner *p = cookie;
    const char *of = meta_label(vm, LABEL_INSTANCE);
    (void)type;
    if (!of)
        return;
    AUTO(json) json_t *all = ctl_peek_all(&p->hub, &KIND_INSTANCE, NULL);
    size_t i;
    json_t *ci;
    json_array_foreach(all, i, ci)
    {
        if (!strcmp(meta_name(ci), of) && !strcmp(target_namespace(ci), meta_namespace(vm)))
            worker_add_object(p->worker, ci);
    }
}

static void provisioner_destroy(void *part)
{
    struct provisioner *p = part;
    feeder_destroy(p->instances);
    feeder_destroy(p->machines);
    worker_destroy(p->worker);
    strmap_destroy(p->begun, free);
    free(p);
}

int provisioner_start(struct cluster *hub, struct cluster *workload, struct err *reterr)
{
    struct world *w = cluster_world(hub);
    assert(w == cluster_world(workload));
    if (cluster_part(hub, "provisioner"))
        return err_set(reterr, ERR_INVALID, NO_POS, "a provisioner serves cluster '%s' already",
                       cluster_name(hub));
    struct provisioner *p = mem_zalloc(sizeof *p);
    struct process *process = process_create(world_sched(w), "osac-provisioner");
    p->hub = (struct ctl){.cluster = hub, .user = USER, .component = "provisioner"};
    p->workload = (struct ctl){.cluster = workload, .user = USER, .component = "provisioner"};
    p->begun = strmap_create();
    cluster_attach(hub, "provisioner", p, provisioner_destroy);
    p->worker = worker_start(world_sched(w), process, "provisioner", reconcile, p);
    p->instances = feeder_start(&p->hub, process, &KIND_INSTANCE, on_instance, p);
    p->machines = feeder_start(&p->workload, process, &KIND_VM, on_machine, p);
    return 0;
}
