#include "components/osac-operator/pass.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/osac-operator/kinds.h"
#include "components/osac-operator/text.h"
#include "kube/meta.h"

void osac_pass_condition(struct pass *p, const char *type, const char *status, const char *reason,
                         const char *message)
{
    meta_set_condition(p->own, type, status, reason, message, host_now(p->op->host));
}

bool osac_pass_is_true(const struct pass *p, const char *type)
{
    return strcmp(meta_condition_status(p->own, type), "True") == 0;
}

/* ---- writing ---- */

/* Somebody else wrote first: look again soon. Everything else is an error. */
static enum pass_step after_write(struct pass *p, enum answer a, json_t *stored, struct err *e,
                                  struct err *reterr)
{
    switch (a) {
    case ANSWER_OK:
        json_decref(p->stored);
        stored = osac_version_view(p->op->version, stored);
        p->stored = stored;
        json_object_set(p->own, "metadata", json_object_get(stored, "metadata"));
        return PASS_ON;
    case ANSWER_NOT_FOUND:
        return PASS_STOP; /* gone meanwhile */
    case ANSWER_CONFLICT:
        reconcile_after(p->result, CONFLICT_REQUEUE_NS);
        return PASS_STOP;
    default:
        err_move(reterr, e);
        return PASS_FAILED;
    }
}

enum pass_step osac_pass_write_metadata(struct pass *p, const json_t *edited, struct err *reterr)
{
    json_t *stored = NULL;
    AUTO(err) struct err e = {0};
    enum answer a = client_update(&p->op->hub, p->kind, edited, &stored, &e);
    return after_write(p, a, stored, &e, reterr);
}

enum pass_step osac_pass_write_status(struct pass *p, struct err *reterr)
{
    const json_t *was = json_object_get(p->stored, "status");
    const json_t *is = json_object_get(p->own, "status");
    if (was == is || (was && is && json_same(was, is)))
        return PASS_ON;
    json_t *stored = NULL;
    AUTO(err) struct err e = {0};
    enum answer a = client_update_status(&p->op->hub, p->kind, p->own, &stored, &e);
    return after_write(p, a, stored, &e, reterr);
}

/* ---- the machine ---- */

enum pass_step osac_pass_machine(struct pass *p, const json_t *instance, json_t **ret,
                                 struct err *reterr)
{
    AUTO(str) char *value = osac_object_label_value(meta_name(instance));
    AUTO(str) char *selector = mem_printf("%s=%s", KEY_INSTANCE, value);
    AUTO(json) json_t *vms = NULL;
    enum answer a =
        client_list(&p->op->workload, &osac_kind_vm, NULL, selector, NULL, &vms, reterr);
    if (a != ANSWER_OK)
        return PASS_FAILED;
    if (json_array_size(vms) > 1) {
        err_set(reterr, ERR_INVALID, NO_POS, "%zu virtual machines carry the label of %s",
                json_array_size(vms), meta_name(instance));
        return PASS_FAILED;
    }
    *ret = json_incref(json_array_get(vms, 0));
    return PASS_ON;
}

/* ---- the whole ---- */

int osac_pass_run(struct pass *p, const char *ns, const char *name, pass_fn *live_pass,
                  pass_fn *delete_pass, struct err *reterr)
{
    AUTO(err) struct err e = {0};
    enum answer a = client_get(&p->op->hub, p->kind, ns, name, &p->stored, &e);
    if (a == ANSWER_NOT_FOUND || a == ANSWER_NO_KIND)
        return 0;
    if (a != ANSWER_OK)
        return err_move(reterr, &e);
    p->stored = osac_version_view(p->op->version, p->stored);
    p->own = json_copy_parts(p->stored, "metadata", "status", NULL);
    enum pass_step step = PASS_ON;
    if (meta_deleting(p->stored))
        step = delete_pass(p, reterr);
    else if (!osac_object_is_unmanaged(p->stored))
        step = live_pass(p, reterr);
    json_decref(p->stored);
    json_decref(p->own);
    return step == PASS_FAILED ? -1 : 0;
}
