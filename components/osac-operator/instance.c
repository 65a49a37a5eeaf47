/* The ComputeInstance controller (compute-instance-snapshots.md 3.1): what a pass does, in order.
 */
#include "components/osac-operator/instance.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/osac-operator/kinds.h"
#include "components/osac-operator/text.h"
#include "kube/meta.h"

/* The VM lives in the first subnet's namespace, else in the tenant's. */
static enum pass_step vm_namespace(struct pass *p, char **ret, struct err *reterr)
{
    const json_t *attachments = json_path(p->stored, "spec.networkAttachments");
    const char *subnet = json_str(json_array_get(attachments, 0), "subnetRef");
    const char *tenant = meta_annotation(p->stored, KEY_TENANT);
    if (subnet || !tenant) {
        *ret = mem_strdup(subnet ? subnet : meta_namespace(p->stored));
        return PASS_ON;
    }
    AUTO(json) json_t *obj = NULL;
    AUTO(err) struct err e = {0};
    enum answer a =
        client_get(&p->op->hub, &osac_kind_tenant, meta_namespace(p->stored), tenant, &obj, &e);
    if (a != ANSWER_OK && a != ANSWER_NOT_FOUND && a != ANSWER_NO_KIND) {
        err_move(reterr, &e);
        return PASS_FAILED;
    }
    const char *ns = json_str(obj, "status.namespace");
    *ret = mem_strdup(ns && *ns ? ns : tenant);
    return PASS_ON;
}

/* Step 1: finalizer and VM namespace, persisted before anything is done for the instance. */
static enum pass_step adopt_instance(struct pass *p, struct err *reterr)
{
    bool has_namespace = meta_annotation(p->stored, KEY_VM_NAMESPACE) != NULL;
    if (has_namespace && meta_has_finalizer(p->stored, INSTANCE_FINALIZER))
        return PASS_ON;
    AUTO(json) json_t *edited = json_copy_of(p->stored);
    meta_add_finalizer(edited, INSTANCE_FINALIZER);
    if (!has_namespace) {
        char *ns = NULL;
        enum pass_step step = vm_namespace(p, &ns, reterr);
        if (step != PASS_ON)
            return step;
        meta_set_annotation(edited, KEY_VM_NAMESPACE, ns);
        free(ns);
    }
    return osac_pass_write_metadata(p, edited, reterr);
}

/* Step 2. A hub without the Subnet kind has no subnets to wait for. */
static enum pass_step await_subnet(struct pass *p, struct err *reterr)
{
    const json_t *attachments = json_path(p->stored, "spec.networkAttachments");
    const char *subnet = json_str(json_array_get(attachments, 0), "subnetRef");
    if (!subnet)
        return PASS_ON;
    AUTO(json) json_t *obj = NULL;
    AUTO(err) struct err e = {0};
    switch (
        client_get(&p->op->hub, &osac_kind_subnet, meta_namespace(p->stored), subnet, &obj, &e)) {
    case ANSWER_OK:
    case ANSWER_NO_KIND:
        return PASS_ON;
    case ANSWER_NOT_FOUND:
        reconcile_after(p->result, p->op->subnet_ns);
        return PASS_STOP;
    default:
        err_move(reterr, &e);
        return PASS_FAILED;
    }
}

/* Steps 4 and 5. Without a Tenant kind (or object, unless it is required) there is nothing to wait
 * for. */
static enum pass_step await_tenant(struct pass *p, struct err *reterr)
{
    const char *tenant = meta_annotation(p->stored, KEY_TENANT);
    if (!tenant)
        return PASS_ON;
    AUTO(json) json_t *obj = NULL;
    AUTO(err) struct err e = {0};
    enum answer a =
        client_get(&p->op->hub, &osac_kind_tenant, meta_namespace(p->stored), tenant, &obj, &e);
    if (a == ANSWER_NO_KIND || (a == ANSWER_NOT_FOUND && !p->op->require_tenant))
        return PASS_ON;
    if (a != ANSWER_OK) {
        err_move(reterr, &e);
        return PASS_FAILED;
    }
    if (meta_deleting(obj)) {
        err_set(reterr, ERR_INVALID, NO_POS, "the tenant of %s is being deleted",
                meta_name(p->stored));
        return PASS_FAILED;
    }
    if (strcmp(json_str_or_empty(obj, "status.phase"), "Ready") == 0)
        return PASS_ON;
    osac_pass_condition(p, "Provisioned", "False", "TenantNotReady", "The tenant is not ready yet");
    reconcile_after(p->result, p->op->requeue_ns);
    return PASS_STOP;
}

static enum pass_step live_steps(struct pass *p, struct err *reterr)
{
    osac_status_init_conditions(p);
    enum pass_step (*const steps[])(struct pass *, struct err *) = {
        await_tenant, osac_status_follow_vm, osac_jobs_provision, osac_restore_step};
    size_t count = ARRAY_LEN(steps) - (p->op->version < OPERATOR_1_1);
    for (size_t i = 0; i < count; i++) {
        enum pass_step step = steps[i](p, reterr);
        if (step != PASS_ON)
            return step;
    }
    return PASS_ON;
}

/* The status that a pass has reached is worth writing even when a later step failed or stopped. */
static enum pass_step live_pass(struct pass *p, struct err *reterr)
{
    enum pass_step step = adopt_instance(p, reterr);
    if (step == PASS_ON)
        step = await_subnet(p, reterr);
    if (step != PASS_ON)
        return step;
    AUTO(err) struct err e = {0};
    step = live_steps(p, &e);
    if (e.code == ERR_CRASHED) {
        err_move(reterr, &e);
        return PASS_FAILED;
    }
    enum pass_step wrote = osac_pass_write_status(p, step == PASS_FAILED ? NULL : reterr);
    if (step == PASS_FAILED) {
        err_move(reterr, &e);
        return PASS_FAILED;
    }
    if (wrote != PASS_ON || p->op->version < OPERATOR_1_1)
        return wrote;
    return osac_restore_verify_written(p, reterr);
}

static enum pass_step release_instance(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *edited = json_copy_of(p->stored);
    if (!meta_remove_finalizer(edited, INSTANCE_FINALIZER))
        return PASS_ON;
    return osac_pass_write_metadata(p, edited, reterr);
}

/* Snapshots first, then the machine, then our finalizer (3.8). */
static enum pass_step delete_pass(struct pass *p, struct err *reterr)
{
    if (!meta_has_finalizer(p->stored, INSTANCE_FINALIZER))
        return PASS_ON;
    json_put_str(p->own, "status.phase", "Deleting");
    AUTO(err) struct err e = {0};
    enum pass_step step = osac_cascade_snapshots(p, &e);
    if (step == PASS_ON)
        step = osac_jobs_deprovision(p, &e);
    if (e.code != ERR_CRASHED) {
        enum pass_step wrote = osac_pass_write_status(p, step == PASS_FAILED ? NULL : reterr);
        if (step == PASS_ON && wrote != PASS_ON)
            return wrote;
    }
    if (step == PASS_FAILED)
        err_move(reterr, &e);
    return step == PASS_ON ? release_instance(p, reterr) : step;
}

int osac_instance_reconcile(void *cookie, const char *ns, const char *name,
                            struct reconcile_result *ret, struct err *reterr)
{
    struct pass p = {.op = cookie, .kind = &osac_kind_instance, .result = ret};
    return osac_pass_run(&p, ns, name, live_pass, delete_pass, reterr);
}
