/* One policy on one request, under one binding and with one param (delete-protection.md 1.10). */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/admission/policy_priv.h"

#define OUT_OF_BUDGET                                                                              \
    "validation failed due to running out of cost budget, no further validation rules will be run"

/* What the expressions of one pass share. */
struct pass {
    struct review *review;
    const struct policy *policy;
    struct cel_binding *bindings; /* by slots */
    struct lazy *lazies;          /* of the policy's variables */
    uint64_t budget;
    bool spent; /* the budget is gone: nothing more is said */
};

enum lazy_state { LAZY_UNSEEN, LAZY_RUNNING, LAZY_DONE, LAZY_FAILED };

/* A variable of the policy: evaluated by who asks first. */
struct lazy {
    struct cel_lazy cel;
    struct pass *pass;
    struct policy_variable *variable;
    enum lazy_state state;
    struct cel_value value;
    char *error;
};

void verdict_finish(struct verdict *v)
{
    for (size_t i = 0; i < v->count; i++)
        free(v->items[i].message);
    free(v->items);
    json_decref(v->annotations);
    free(v->annotation_error);
    *v = (struct verdict){0};
}

/* ---- variables ---- */

static int force_lazy(void *cookie, struct cel_value *ret, uint64_t *ret_cost, struct err *reterr)
{
    struct lazy *l = cookie;
    struct err e = {0};
    if (l->state == LAZY_UNSEEN) {
        l->state = LAZY_RUNNING; /* it sees earlier ones only: never asked for meanwhile */
        int rc = l->variable->value.program
                     ? cel_eval(l->variable->value.program, l->variable->cel, l->pass->bindings,
                                l->pass->review, POLICY_CALL_COST_MAX, &l->value, &e)
                     : -1;
        *ret_cost = rc == 0 ? cel_context_cost(l->variable->cel) : 0;
        l->state = rc == 0 ? LAZY_DONE : LAZY_FAILED;
        if (rc < 0)
            l->error = mem_printf("composited variable \"%s\" fails to %s: %s", l->variable->name,
                                  l->variable->value.program ? "evaluate" : "compile",
                                  e.msg ? e.msg : l->variable->value.error);
        err_clear(&e);
    }
    if (l->state == LAZY_FAILED)
        return err_set(reterr, ERR_INVALID, NO_POS, "%s", l->error);
    *ret = l->value;
    return 0;
}

static void lazies_forget(struct pass *p)
{
    for (size_t i = 0; i < p->policy->variable_count; i++) {
        free(p->lazies[i].error);
        p->lazies[i].error = NULL;
        p->lazies[i].state = LAZY_UNSEEN;
    }
}

static void lazies_init(struct pass *p)
{
    size_t count = p->policy->variable_count;
    p->lazies = mem_zalloc((count + 1) * sizeof(*p->lazies));
    for (size_t i = 0; i < count; i++) {
        struct lazy *l = &p->lazies[i];
        *l = (struct lazy){.pass = p, .variable = &p->policy->variables[i]};
        l->cel = (struct cel_lazy){force_lazy, l};
        p->bindings[SLOT_VARIABLES + i] = (struct cel_binding){.lazy = &l->cel};
    }
}

/* ---- expressions ---- */

static int say_error(const struct expression *e, const char *why, struct err *reterr)
{
    return err_set(reterr, ERR_INVALID, NO_POS, "expression '%s' resulted in error: %s", e->text,
                   why);
}

/* 0 and *ret (valid until the next evaluation), or -1 with the error as a decision has it. */
static int pass_evaluate(struct pass *p, const struct expression *e, struct cel_value *ret,
                         struct err *reterr)
{
    struct cel_context *cel = p->review->admission->cel;
    struct err err = {0};
    if (!e->program)
        return say_error(e, e->error ? e->error : "no expression", reterr);
    uint64_t limit = p->budget < POLICY_CALL_COST_MAX ? p->budget : POLICY_CALL_COST_MAX;
    int rc = cel_eval(e->program, cel, p->bindings, p->review, limit ? limit : 1, ret, &err);
    uint64_t cost = cel_context_cost(cel);
    p->spent = cost > p->budget;
    p->budget -= p->spent ? p->budget : cost;
    if (p->spent) {
        err_clear(&err);
        return err_set(reterr, ERR_LIMIT, NO_POS, OUT_OF_BUDGET);
    }
    if (rc == 0)
        return 0;
    say_error(e,
              err.code == ERR_LIMIT ? "operation cancelled: actual cost limit exceeded" : err.msg,
              reterr);
    err_clear(&err);
    return -1;
}

/* ---- decisions ---- */

static void decide(struct verdict *v, size_t index, char *message /* taken */, const char *reason)
{
    v->items = mem_realloc(v->items, (v->count + 1) * sizeof(*v->items));
    v->items[v->count++] = (struct decision){index, message, reason};
}

/* What could not be said is a denial, unless the policy ignores failure. */
static void decide_error(struct pass *p, struct verdict *v, size_t index, const char *message)
{
    if (!p->policy->ignores_failure)
        decide(v, index, mem_strdup(message), NULL);
}

/* ---- matchConditions ---- */

/* Whether the policy is to be evaluated. One that is false wins over any that cannot be said. */
static bool conditions_hold(struct pass *p, struct verdict *v)
{
    AUTO(strbuf) struct strbuf errors = {0};
    size_t failed = 0;
    p->budget = POLICY_CONDITION_COST_MAX;
    for (size_t i = 0; i < p->policy->condition_count; i++) {
        struct cel_value result;
        struct err e = {0};
        int rc = pass_evaluate(p, &p->policy->conditions[i], &result, &e);
        if (rc == 0 && result.type == CEL_BOOL && !result.u.boolean)
            return false;
        if (rc == 0 && result.type == CEL_BOOL)
            continue;
        strbuf_addf(&errors, "%s%s", failed++ ? ", " : "",
                    rc < 0 ? e.msg : "expected evaluation result type to be bool");
        err_clear(&e);
    }
    if (failed == 0)
        return true;
    AUTO(str)
    char *text =
        failed == 1 ? mem_strdup(strbuf_str(&errors)) : mem_printf("[%s]", strbuf_str(&errors));
    decide_error(p, v, 0, text);
    return false;
}

/* ---- validations and their messages ---- */

struct outcome {
    bool failed;
    char *error;   /* it could not be said */
    char *message; /* by its messageExpression */
};

static void outcomes_finish(struct outcome *o, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(o[i].error);
        free(o[i].message);
    }
    free(o);
}

static int run_rules(struct pass *p, struct outcome *o)
{
    for (size_t i = 0; i < p->policy->validation_count; i++) {
        struct cel_value result;
        struct err e = {0};
        if (pass_evaluate(p, &p->policy->validations[i].rule, &result, &e) == 0)
            o[i].failed = result.type != CEL_BOOL || !result.u.boolean;
        else
            o[i].error = mem_strdup(e.msg);
        err_clear(&e);
        if (p->spent)
            return -1;
    }
    return 0;
}

/* Of all validations, whatever came of them. */
static int run_messages(struct pass *p, struct outcome *o)
{
    for (size_t i = 0; i < p->policy->validation_count; i++) {
        const struct expression *expression = &p->policy->validations[i].message_expression;
        struct cel_value result;
        struct err e = {0};
        if (!expression->program)
            continue;
        if (pass_evaluate(p, expression, &result, &e) == 0)
            o[i].message = policy_message_of(&result);
        err_clear(&e);
        if (p->spent)
            return -1;
    }
    return 0;
}

static void run_validations(struct pass *p, struct verdict *v)
{
    size_t count = p->policy->validation_count;
    struct outcome *o = mem_zalloc((count + 1) * sizeof(*o));
    p->budget = POLICY_COST_MAX;
    p->spent = false;
    bool within = run_rules(p, o) == 0;
    lazies_forget(p);
    if (within && run_messages(p, o) < 0) {
        /* Nothing of all this counts: each of them is an error. */
        for (size_t i = 0; i < count; i++)
            decide_error(p, v, i, OUT_OF_BUDGET);
    } else if (!within) {
        decide_error(p, v, 0, OUT_OF_BUDGET);
    } else {
        for (size_t i = 0; i < count; i++) {
            const struct policy_validation *rule = &p->policy->validations[i];
            if (o[i].error)
                decide_error(p, v, i, o[i].error);
            else if (o[i].failed)
                decide(v, i, policy_message(rule, o[i].message), rule->reason);
        }
    }
    outcomes_finish(o, count);
}

/* ---- auditAnnotations ---- */

static void annotate(struct pass *p, const struct policy_annotation *a, struct verdict *v)
{
    struct cel_value result;
    struct err e = {0};
    if (pass_evaluate(p, &a->value, &result, &e) < 0) {
        if (!p->policy->ignores_failure && !v->annotation_error)
            v->annotation_error = mem_strdup(e.msg);
        err_clear(&e);
        return;
    }
    if (result.type != CEL_STRING)
        return; /* null leaves it out */
    AUTO(str) char *text = mem_strndup(result.u.text.data, result.u.text.len);
    if (text[strspn(text, " \t\r\n")] == '\0')
        return;
    if (!v->annotations)
        v->annotations = json_object();
    json_object_set_new(v->annotations, a->key, json_string(text));
}

/* The authoriser is declared for these, and not there when they run. */
static void run_annotations(struct pass *p, struct verdict *v)
{
    p->budget = POLICY_COST_MAX;
    p->spent = false;
    p->bindings[SLOT_AUTHORIZER] = (struct cel_binding){0};
    p->bindings[SLOT_RESOURCE_CHECK] = (struct cel_binding){0};
    lazies_forget(p);
    for (size_t i = 0; i < p->policy->annotation_count; i++)
        annotate(p, &p->policy->annotations[i], v);
}

/* ---- all of it ---- */

/* The namespace with the fields that expressions may see. New; JSON null when there is none. */
static json_t *namespace_seen(const struct review *r)
{
    static const char *const kept[] = {
        "name",        "generateName",      "namespace",         "labels",
        "annotations", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
        "generation",  "resourceVersion",   "finalizers"};
    const json_t *ns = review_namespace(r), *meta = json_object_get(ns, "metadata");
    if (!ns)
        return json_null();
    json_t *out = json_object(), *seen = json_object();
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        json_t *value = json_object_get(meta, kept[i]);
        if (value)
            json_object_set(seen, kept[i], value);
    }
    if (*meta_uid(ns))
        json_put_str(seen, "UID", meta_uid(ns));
    json_object_set_new(out, "metadata", seen);
    if (json_object_get(ns, "spec"))
        json_object_set(out, "spec", json_object_get(ns, "spec"));
    if (json_object_get(ns, "status"))
        json_object_set(out, "status", json_object_get(ns, "status"));
    return out;
}

void policy_evaluate(struct review *r, const struct policy *p, const struct shape *shape,
                     const json_t *param, struct verdict *ret)
{
    AUTO(json) json_t *authorizer = authorizer_value();
    AUTO(json) json_t *check = authorizer_request_resource(r);
    AUTO(json) json_t *ns = namespace_seen(r);
    AUTO(json) json_t *no_namespace = json_null();
    struct pass pass = {.review = r, .policy = p};
    pass.bindings = mem_zalloc((SLOT_VARIABLES + p->variable_count) * sizeof(*pass.bindings));
    pass.bindings[SLOT_OBJECT].json = shape->object;
    pass.bindings[SLOT_OLD].json = shape->old;
    pass.bindings[SLOT_REQUEST].json = shape->request;
    pass.bindings[SLOT_NAMESPACE].json = no_namespace;
    pass.bindings[SLOT_PARAMS].json = param;
    pass.bindings[SLOT_AUTHORIZER].json = authorizer;
    pass.bindings[SLOT_RESOURCE_CHECK].json = check;
    lazies_init(&pass);
    if (conditions_hold(&pass, ret)) {
        pass.bindings[SLOT_NAMESPACE].json = ns;
        run_validations(&pass, ret);
        run_annotations(&pass, ret);
    }
    lazies_forget(&pass);
    free(pass.lazies);
    free(pass.bindings);
}
