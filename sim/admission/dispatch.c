/* Every policy under every binding, and what comes of it (delete-protection.md 1.10, 1.11). */
#include "sim/admission/dispatch_priv.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "sim/admission/policy_priv.h"

/* The first denial; all of one request's policies write to it. */
struct denial {
    char *message; /* NULL: nobody denies */
    char *reason;
};

struct dispatching {
    struct review *review;
    struct api_response *ret;
    struct denial denial;
    struct audit_notes notes;
};

/* ---- denials ---- */

static void deny(struct dispatching *d, const struct policy *p, const struct binding *b,
                 const char *message, const char *reason)
{
    if (d->denial.message)
        return;
    d->denial.message =
        b ? mem_printf("ValidatingAdmissionPolicy '%s' with binding '%s' denied request: %s",
                       p->name, b->name, message)
          : mem_printf("ValidatingAdmissionPolicy '%s' denied request: %s", p->name, message);
    d->denial.reason = mem_strdup(reason && *reason ? reason : "Invalid");
}

/* A mistake of policy, binding or params denies whatever the binding's actions are. */
static void deny_configured(struct dispatching *d, const struct policy *p, const struct binding *b,
                            struct err *e)
{
    AUTO(str)
    char *message = mem_printf("failed to configure %s: %s", b ? "binding" : "policy", e->msg);
    err_clear(e);
    if (!p->ignores_failure)
        deny(d, p, b, message, NULL);
}

static int code_of(const char *reason)
{
    if (strcmp(reason, "Forbidden") == 0)
        return 403;
    if (strcmp(reason, "Unauthorized") == 0)
        return 401;
    return strcmp(reason, "RequestEntityTooLarge") == 0 ? 413 : 422;
}

/* The name of which the Status speaks: a collection's request has none, and no object. */
static const char *name_told(const struct review *r)
{
    const char *name = *r->name ? r->name : meta_name(r->in->object);
    return *name ? name : "Unknown";
}

static int answer(struct dispatching *d)
{
    const char *reason = d->denial.reason;
    status_forbidden(d->ret, review_resource(d->review), name_told(d->review), d->denial.message);
    d->ret->code = code_of(reason);
    json_put_take(d->ret->body, "code", json_integer(d->ret->code));
    json_put_str(d->ret->body, "reason", reason);
    json_put_take(d->ret->body, "details.causes",
                  json_pack("[{s:s}]", "message", d->denial.message));
    return -1;
}

/* ---- one policy under one binding ---- */

static void act(struct dispatching *d, const struct policy *p, const struct binding *b,
                const struct decision *decision)
{
    if (binding_acts(b, "Deny"))
        deny(d, p, b, decision->message, decision->reason);
    if (binding_acts(b, "Warn"))
        api_response_warn(d->ret,
                          "Validation failed for ValidatingAdmissionPolicy '%s' with binding "
                          "'%s': %s",
                          p->name, b->name, decision->message);
    if (binding_acts(b, "Audit"))
        audit_failure(&d->notes, decision->message, b->policy, b->name, decision->index,
                      b->actions);
}

static void act_on_all(struct dispatching *d, const struct policy *p, const struct binding *b,
                       const struct verdict *v)
{
    const char *key;
    json_t *value;
    for (size_t i = 0; i < v->count; i++)
        act(d, p, b, &v->items[i]);
    json_object_foreach(v->annotations, key, value)
        audit_annotate(&d->notes, p->name, key, json_string_value(value));
    if (v->annotation_error)
        deny(d, p, b, v->annotation_error, NULL);
}

static void run_binding(struct dispatching *d, const struct policy *p, const struct binding *b,
                        const struct shape *shape, const json_t *params)
{
    size_t i;
    json_t *param;
    json_array_foreach(params, i, param)
    {
        struct verdict v = {0};
        policy_evaluate(d->review, p, shape, param, &v);
        act_on_all(d, p, b, &v);
        verdict_finish(&v);
    }
}

static void run_policy(struct dispatching *d, const struct policy *p)
{
    struct api_resource as, ignored;
    struct err e = {0};
    if (p->binding_count == 0)
        return;
    if (!match_review(&p->match, d->review, &as, &e)) {
        if (err_pending(&e))
            deny_configured(d, p, NULL, &e);
        return;
    }
    for (size_t i = 0; i < p->binding_count; i++) {
        const struct binding *b = p->bindings[i];
        bool of_policy = false;
        AUTO(json) json_t *params = NULL;
        if (match_review(&b->match, d->review, &ignored, &e))
            params = params_collect(d->review, p, b, &of_policy, &e);
        if (params)
            run_binding(d, p, b, review_shape(d->review, &as), params);
        else if (err_pending(&e))
            deny_configured(d, p, of_policy ? NULL : b, &e);
    }
}

int dispatch(struct admission *a, struct review *r, struct api_response *ret)
{
    struct dispatching d = {.review = r, .ret = ret};
    for (size_t i = 0; i < a->policy_count; i++)
        run_policy(&d, a->order_of_policies[i]);
    audit_publish(a, r, &d.notes);
    int rc = d.denial.message ? answer(&d) : 0;
    free(d.denial.message);
    free(d.denial.reason);
    return rc;
}
