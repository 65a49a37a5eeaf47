/* The stages that every write passes: admission, defaults and pruning, validation. */
#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "sim/apiserver/server_priv.h"

int untyped_error(struct api_response *ret, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    AUTO(str) char *text = mem_vprintf(fmt, ap);
    va_end(ap);
    ret->code = code;
    ret->body = json_pack("{s:s, s:s, s:{}, s:s, s:s, s:i}", "kind", "Status", "apiVersion", "v1",
                          "metadata", "status", "Failure", "message", text, "code", code);
    return -1;
}

void respond(struct call *c, int code, json_t *body)
{
    c->ret->code = code;
    c->ret->body = body;
}

int write_admit(struct call *c, json_t *object, const json_t *old)
{
    struct admission_review review = {.request = c->req, .object = object, .old = old};
    for (size_t i = 0; i < c->a->admitter_count; i++) {
        /* By value: a plug-in may register another one. */
        struct admitter p = c->a->admitters[i];
        if (strcmp(p.plural, c->t->plural) != 0 || strcmp(p.group, c->t->group) != 0)
            continue;
        if (p.fn(p.cookie, &review, c->ret) < 0)
            return -1;
    }
    return 0;
}

bool write_has_admission(const struct call *c)
{
    for (size_t i = 0; i < c->a->admitter_count; i++)
        if (strcmp(c->a->admitters[i].plural, c->t->plural) == 0 &&
            strcmp(c->a->admitters[i].group, c->t->group) == 0)
            return true;
    return false;
}

void write_normalise(const struct rtype *t, const struct rversion *v, json_t *object,
                     const json_t *old)
{
    if (v->schema)
        schema_normalise(v->schema, object);
    else if (t->builtin && t->builtin->prepare)
        t->builtin->prepare(object, old);
}

int write_validate(struct call *c, const json_t *object, const json_t *old)
{
    struct field_errors errors = {0};
    meta_validate(c->t, object, old, &errors);
    if (c->v->schema)
        schema_validate(c->v->schema, object, old, c->a->cel, &errors);
    else if (c->t->builtin && c->t->builtin->validate)
        c->t->builtin->validate(object, old, &errors);
    if (!field_errors_any(&errors))
        return 0;
    return status_invalid(c->ret, c->t->group, c->t->kind, meta_name(object), &errors);
}

/* ---- versions ---- */

void api_version_of(const char *group, const char *version, char *out, size_t size)
{
    size_t at = strlen(group), len = strlen(version);
    assert(at + 1 + len < size);
    if (at) {
        memcpy(out, group, at);
        out[at++] = '/';
    }
    memcpy(out + at, version, len + 1);
}

/* Conversion strategy None: another apiVersion, then that version's schema. */
static void convert(const struct rtype *t, const struct rversion *to, json_t *object)
{
    char api_version[API_VERSION_TEXT];
    api_version_of(t->group, to->name, api_version, sizeof(api_version));
    json_put_str(object, "apiVersion", api_version);
    if (to->schema)
        schema_normalise(to->schema, object);
}

json_t *version_view(const struct rtype *t, const struct rversion *v, json_t *stored)
{
    if (v == rtype_storage(t))
        return json_incref(stored);
    json_t *copy = json_copy_of(stored);
    convert(t, v, copy);
    return copy;
}

void version_store(const struct rtype *t, const struct rversion *v, json_t *object)
{
    if (v != rtype_storage(t))
        convert(t, rtype_storage(t), object);
}
