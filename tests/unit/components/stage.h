/* The stage of the operator's tests: a hub and a workload in one fake host, one instance with its
 * machine, snapshots on demand. */
#ifndef VMCONFORM_TESTS_UNIT_COMPONENTS_STAGE_H
#define VMCONFORM_TESTS_UNIT_COMPONENTS_STAGE_H

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/osac-operator/instance.h"
#include "components/osac-operator/kinds.h"
#include "components/osac-operator/operator.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "tests/unit/components/fake_host.h"

#define NS "osac"
#define VM_NS "tenant-ns"
#define T0 "2026-01-01T00:00:10Z"
#define T1 "2026-01-01T00:01:00Z"
#define T2 "2026-01-01T00:02:00Z"

struct stage {
    struct fake_host *f;
    struct osac_operator op;
    int64_t requeue_ns; /* of the last pass */
};

static inline void stage_init(struct stage *s)
{
    memset(s, 0, sizeof *s);
    s->f = fake_create();
    s->op.host = &s->f->host;
    s->op.version = OPERATOR_1_1;
    s->op.hub = s->op.workload = (struct client){&s->f->host, NULL};
    s->op.poll_ns = 30 * NS_PER_S;
    s->op.requeue_ns = 10 * NS_PER_S;
    s->op.subnet_ns = 30 * NS_PER_S;
    s->op.jobs_max = 10;
}

static inline void stage_finish(struct stage *s)
{
    fake_destroy(s->f);
}
#define STAGE(s)                                                                                   \
    struct stage s __attribute__((cleanup(stage_finish)));                                         \
    stage_init(&s)

static inline json_t *stage_ci(struct stage *s)
{
    return fake_get(s->f, &osac_kind_instance, NS, "vm-1");
}

static inline json_t *stage_vm(struct stage *s)
{
    return fake_get(s->f, &osac_kind_vm, VM_NS, "vm-1");
}

/* A stopped machine and its instance, provisioned. */
static inline void stage_instance(struct stage *s)
{
    json_t *vm = kind_object(&osac_kind_vm, VM_NS, "vm-1");
    meta_set_label(vm, KEY_INSTANCE, "vm-1");
    json_put_str(vm, "status.printableStatus", "Stopped");
    fake_put(s->f, &osac_kind_vm, vm);
    json_t *ci = kind_object(&osac_kind_instance, NS, "vm-1");
    json_put_str(ci, "spec.templateID", "t");
    meta_set_annotation(ci, KEY_TENANT, "one");
    meta_set_annotation(ci, KEY_VM_NAMESPACE, VM_NS);
    meta_add_finalizer(ci, INSTANCE_FINALIZER);
    fake_put(s->f, &osac_kind_instance, ci);
}

static inline json_t *stage_snapshot(struct stage *s, const char *name, const char *phase)
{
    json_t *sn = kind_object(&osac_kind_snapshot, NS, name);
    json_put_str(sn, "spec.computeInstanceRef", "vm-1");
    meta_set_annotation(sn, KEY_TENANT, "one");
    meta_add_finalizer(sn, SNAPSHOT_FINALIZER);
    if (phase) {
        json_put_str(sn, "status.phase", phase);
        json_put_str(sn, "status.virtualMachineSnapshotRef.name", name);
        json_put_str(sn, "status.virtualMachineSnapshotRef.namespace", VM_NS);
        json_t *vms = kind_object(&osac_kind_vms, VM_NS, name);
        json_put_str(vms, "spec.source.name", "vm-1");
        json_put_take(vms, "status.readyToUse", json_true());
        meta_set_label(vms, KEY_SNAPSHOT, name);
        fake_put(s->f, &osac_kind_snapshot, sn);
        meta_set_annotation(vms, KEY_SNAPSHOT_UID, meta_uid(sn));
        fake_put(s->f, &osac_kind_vms, vms);
    } else {
        fake_put(s->f, &osac_kind_snapshot, sn);
    }
    return sn;
}

static inline void stage_touch(json_t *obj, struct fake_host *f)
{
    char text[16];
    snprintf(text, sizeof text, "%u", ++f->version);
    json_put_str(obj, "metadata.resourceVersion", text);
}

static inline void stage_request(struct stage *s, const char *snapshot, const char *at)
{
    json_t *ci = stage_ci(s);
    if (snapshot)
        json_put_str(ci, "spec.restoreFromSnapshot", snapshot);
    if (at)
        json_put_str(ci, "spec.restoreRequestedAt", at);
    stage_touch(ci, s->f);
}

/* One pass; errors are for the back-off, so they are only reported. */
static inline int stage_pass(struct stage *s, reconcile_fn *fn, const char *name)
{
    struct reconcile_result result = {0};
    AUTO(err) struct err e = {0};
    int r = fn(&s->op, NS, name, &result, &e);
    s->requeue_ns = result.requeue_after_ns;
    ck_assert((r < 0) == (e.code != ERR_NONE));
    return r;
}

/* Passes until nothing is written any more. */
static inline void stage_settle(struct stage *s, reconcile_fn *fn, const char *name)
{
    for (int i = 0; i < 20; i++) {
        unsigned before = s->f->version;
        int r = stage_pass(s, fn, name);
        if (!r && s->f->version == before)
            return;
    }
    ck_abort_msg("does not settle");
}

static inline const char *stage_condition(struct stage *s, const char *type)
{
    return meta_condition_status(stage_ci(s), type);
}

static inline const char *stage_reason(struct stage *s, const char *type)
{
    return json_str_or_empty(meta_condition(stage_ci(s), type), "reason");
}

static inline const char *stage_restored(struct stage *s)
{
    return json_str_or_empty(stage_ci(s), "status.lastRestoredAt");
}

static inline void stage_set_condition(json_t *obj, const char *type, const char *status,
                                       const char *reason, int64_t now_ns)
{
    meta_set_condition(obj, type, status, reason, "", now_ns);
}

#endif
