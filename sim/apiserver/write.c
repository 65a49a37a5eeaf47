/* The stages that every write passes: admission, defaults and pruning, validation. */
#include "sim/apiserver/write_priv.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/call_priv.h"
#include "sim/apiserver/meta_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/schema.h"
#include "sim/apiserver/server_priv.h"

static struct admission_review review_of(const struct call *c, json_t *object, const json_t *old)
{
    return (struct admission_review){.request = c->req,
                                     .kind = c->t->kind,
                                     .namespaced = c->t->namespaced,
                                     .dry_run = c->req->dry_run,
                                     .object = object,
                                     .old = old};
}

int write_admit(struct call *c, json_t *object, const json_t *old)
{
    struct admission_review review = review_of(c, object, old);
    for (size_t i = 0; i < c->a->admitter_count; i++) {
        /* By value: a plug-in may register another one. */
        struct admitter p = c->a->admitters[i];
        if (strcmp(p.plural, c->t->plural) != 0 || strcmp(p.group, c->v->group) != 0)
            continue;
        if (p.fn(p.cookie, &review, c->ret) < 0) {
            assert(c->ret->body); /* a refusal says why */
            return -1;
        }
        assert(!c->ret->body);
    }
    return 0;
}

void apiserver_set_validator(struct apiserver *a, admission_fn *fn, void *cookie)
{
    a->validator = (struct admitter){.fn = fn, .cookie = cookie};
}

int write_admit_validating(struct call *c, json_t *object, const json_t *old, bool dry_run)
{
    struct admission_review review = review_of(c, object, old);
    if (!c->a->validator.fn)
        return 0;
    review.dry_run = dry_run;
    int rc = c->a->validator.fn(c->a->validator.cookie, &review, c->ret);
    assert(rc == 0 || c->ret->body); /* a refusal says why */
    return rc;
}

bool write_has_admission(const struct call *c)
{
    for (size_t i = 0; i < c->a->admitter_count; i++)
        if (strcmp(c->a->admitters[i].plural, c->t->plural) == 0 &&
            strcmp(c->a->admitters[i].group, c->v->group) == 0)
            return true;
    return false;
}

bool write_is_admitted(const struct call *c)
{
    return c->a->validator.fn || write_has_admission(c);
}

void write_normalise(const struct rtype *t, const struct rversion *v, json_t *object,
                     const json_t *old)
{
    assert(json_is_object(object));
    if (v->schema)
        schema_normalise(v->schema, object);
    else if (t->builtin && t->builtin->prepare)
        t->builtin->prepare(object, old);
}

/* The rules of a view look at what will be stored. */
static void validate_view(const struct call *c, const json_t *object, const json_t *old,
                          struct field_errors *errors)
{
    assert(c->v->view);
    AUTO(json) json_t *now = json_copy_of(object);
    AUTO(json) json_t *before = old ? json_copy_of(old) : NULL;
    version_store(c->t, c->v, now);
    if (before)
        version_store(c->t, c->v, before);
    c->v->view->validate(now, before, errors);
}

int write_validate(struct call *c, const json_t *object, const json_t *old)
{
    struct field_errors errors = {0};
    assert(json_is_object(object));
    meta_validate(c->t, object, old, &errors);
    if (c->v->schema && call_is_status(c))
        schema_validate_status(c->v->schema, object, old, c->a->cel, &errors);
    else if (c->v->schema)
        schema_validate(c->v->schema, object, old, c->a->cel, &errors);
    else if (c->v->view)
        validate_view(c, object, old, &errors);
    else if (c->t->builtin && c->t->builtin->validate)
        c->t->builtin->validate(object, old, &errors);
    if (c->v->scale && c->v->schema)
        scale_validate(c, object, &errors);
    if (!field_errors_any(&errors))
        return 0;
    return status_invalid(c->ret, c->t->group, c->t->kind, meta_name(object), &errors);
}

int write_allocate(struct call *c, json_t *object, const json_t *old)
{
    struct field_errors errors = {0};
    if (!c->t->builtin || !c->t->builtin->allocate)
        return 0;
    c->given = c->a->given;
    c->t->builtin->allocate(c->a, object, old, &c->given, &errors);
    if (!field_errors_any(&errors))
        return 0;
    return status_invalid(c->ret, c->t->group, c->t->kind, meta_name(object), &errors);
}

void write_keep_given(struct call *c)
{
    if (c->t->builtin && c->t->builtin->allocate)
        c->a->given = c->given;
}
