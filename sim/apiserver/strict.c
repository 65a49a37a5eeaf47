/* What a strict decoder notices in a body: unknown fields, keys that stand twice, values of the
 * wrong type. Told or refused as the request asks (section 4.4). */
#include <stdarg.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "kube/gotext.h"
#include "kube/status.h"
#include "kube/types/types.h"
#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/body_priv.h"
#include "sim/apiserver/call_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/schema.h"
#include "sim/apiserver/update_priv.h"

const struct kube_type *call_type(const struct call *c)
{
    if (!c->t->builtin)
        return NULL;
    struct rversion *v = &c->t->versions[c->v - c->t->versions];
    if (!v->kube_looked_up) {
        v->kube = kube_type_find(v->group, v->name, c->t->kind);
        v->kube_looked_up = true;
    }
    return v->kube;
}

/* ---- failing ---- */

/* A body that is no object of its kind. What a patch leads to is shown as the patch's fault. */
int decode_failed(struct call *c, const char *why)
{
    if (!c->patch_base)
        return status_bad_request(c->ret, "%s in version \"%s\" cannot be handled as a %s: %s",
                                  c->t->kind, c->v->name, c->t->kind, why);
    AUTO(strbuf) struct strbuf text = {0};
    AUTO(json) json_t *patched = NULL;
    if (c->req->patch == PATCH_STRATEGIC)
        gotext_value(&text, c->req->body);
    else if (call_apply_patch(c, c->patch_base, &patched) == 0)
        json_write_sorted(&text, patched, JSON_TIGHT);
    AUTO(json) json_t *shown = json_string(strbuf_str(&text));
    struct field_errors errors = {0};
    field_errors_add(&errors, FIELD_INVALID, "patch", shown, "%s", why);
    return status_invalid(c->ret, "", "", "", &errors);
}

/* ---- finding ---- */

void strict_find(struct call *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    AUTO(str) char *text = mem_vprintf(fmt, ap);
    va_end(ap);
    if (!c->findings)
        c->findings = json_array();
    json_array_append_new(c->findings, json_string(text));
}

static void find_field(void *cookie, const char *path)
{
    strict_find(cookie, "unknown field \"%s\"", path);
}

static void find_meta_field(void *cookie, const char *path)
{
    strict_find(cookie, "unknown field \"metadata.%s\"", path);
}

void strict_meta(struct call *c, json_t *meta)
{
    static const char name[] = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    if (call_validates(c) && json_is_object(meta))
        kube_type_prune(kube_type_named(name), meta, find_meta_field, c);
}

/* An empty list of managers is a wish of its own: to forget them. */
static void settle(const struct kube_type *t, json_t *object)
{
    json_t *meta = json_object_get(object, "metadata");
    AUTO(json) json_t *managers = json_incref(json_object_get(meta, "managedFields"));
    kube_type_settle(t, object);
    if (managers && json_array_size(managers) == 0)
        json_object_set_nocheck(meta, "managedFields", managers);
}

/* Callers in the process know what they write: nothing is looked at for them. */
static bool looks(const struct call *c)
{
    return call_validates(c) || apiserver_tracks_fields(c->a);
}

int strict_fields(struct call *c, json_t *object)
{
    if (!looks(c))
        return 0;
    const struct kube_type *t = call_type(c);
    if (!t) {
        if (c->v->schema && call_validates(c))
            schema_unknown(c->v->schema, object, find_field, c);
        return 0;
    }
    AUTO(str) char *mismatch = kube_type_mismatch(t, object);
    if (mismatch)
        return decode_failed(c, mismatch);
    kube_type_prune(t, object, call_validates(c) ? find_field : NULL, c);
    settle(t, object);
    return 0;
}

/* ---- telling ---- */

static char *finding_text(const struct call *c, const json_t *one, bool of_body)
{
    return mem_printf("%s%s", of_body && c->req->patch == PATCH_JSON ? "json patch " : "",
                      json_string_value(one));
}

static char *strict_error(const struct call *c)
{
    AUTO(strbuf) struct strbuf text = {0};
    const json_t *const lists[] = {c->req->body_findings, c->findings};
    for (size_t k = 0; k < ARRAY_LEN(lists); k++)
        for (size_t i = 0; i < json_array_size(lists[k]); i++) {
            AUTO(str) char *one = finding_text(c, json_array_get(lists[k], i), k == 0);
            strbuf_addf(&text, "%s%s", text.len ? ", " : "strict decoding error: ", one);
        }
    return strbuf_take(&text);
}

static void warn(struct call *c)
{
    const json_t *const lists[] = {c->req->body_findings, c->findings};
    for (size_t k = 0; k < ARRAY_LEN(lists); k++)
        for (size_t i = 0; i < json_array_size(lists[k]); i++) {
            AUTO(str) char *one = finding_text(c, json_array_get(lists[k], i), k == 0);
            api_response_warn(c->ret, "%s", one);
        }
}

int strict_settle(struct call *c)
{
    bool any = json_array_size(c->findings) + json_array_size(c->req->body_findings) > 0;
    int rc = 0;
    if (any && c->req->field_validation == VALIDATION_STRICT) {
        AUTO(str) char *why = strict_error(c);
        rc = decode_failed(c, why);
    } else if (any && c->req->field_validation == VALIDATION_WARN) {
        warn(c);
    }
    json_decref(c->findings);
    c->findings = NULL;
    return rc;
}
