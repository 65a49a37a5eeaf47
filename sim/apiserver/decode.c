/* From a request's body to an object of the pipeline's own: settled against the URL, metadata of
 * known fields and types only. */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/gotext.h"
#include "kube/status.h"
#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/body_priv.h"
#include "sim/apiserver/call_priv.h"
#include "sim/apiserver/rtype_priv.h"

/* What metadata may hold, and how it looks like. managedFields is what the client says they are
 * until the write settles them. */
enum shape {
    SHAPE_STRING,
    SHAPE_INT,
    SHAPE_MAP,
    SHAPE_STRINGS,
    SHAPE_OWNERS,
    SHAPE_MANAGED,
    SHAPE_DROP
};
static const struct {
    const char *name;
    enum shape shape;
    const char *go_type;
} meta_fields[] = {
    {"name", SHAPE_STRING, "string"},
    {"generateName", SHAPE_STRING, "string"},
    {"namespace", SHAPE_STRING, "string"},
    {"uid", SHAPE_STRING, "types.UID"},
    {"resourceVersion", SHAPE_STRING, "string"},
    {"generation", SHAPE_INT, "int64"},
    {"creationTimestamp", SHAPE_STRING, "string"},
    {"deletionTimestamp", SHAPE_STRING, "string"},
    {"deletionGracePeriodSeconds", SHAPE_INT, "int64"},
    {"labels", SHAPE_MAP, "map[string]string"},
    {"annotations", SHAPE_MAP, "map[string]string"},
    {"finalizers", SHAPE_STRINGS, "[]string"},
    {"ownerReferences", SHAPE_OWNERS, "[]v1.OwnerReference"},
    {"managedFields", SHAPE_MANAGED, "[]v1.ManagedFieldsEntry"},
    {"selfLink", SHAPE_DROP, ""},
};

static int bad_type(struct call *c, const json_t *v, const char *field, const char *go_type)
{
    AUTO(str)
    char *why = mem_printf(
        "json: cannot unmarshal %s into Go struct field ObjectMeta.metadata.%s of type %s",
        gotext_kind(v), field, go_type);
    return decode_failed(c, why);
}

/* null is the empty text, as Go reads it; v is the pipeline's own. */
static int check_strings(struct call *c, json_t *v, const char *field)
{
    json_t *one;
    size_t i;
    for (void *at = json_object_iter(v); at; at = json_object_iter_next(v, at)) {
        one = json_object_iter_value(at);
        if (json_is_null(one))
            json_object_iter_set_new(v, at, json_string_nocheck(""));
        else if (!json_is_string(one))
            return bad_type(c, one, field, "string");
    }
    json_array_foreach(v, i, one)
    {
        if (json_is_null(one))
            json_array_set_new(v, i, json_string_nocheck(""));
        else if (!json_is_string(one))
            return bad_type(c, one, field, "string");
    }
    return 0;
}

static int check_owners(struct call *c, const json_t *list)
{
    static const char *const texts[] = {"apiVersion", "kind", "name", "uid"};
    static const char *const flags[] = {"controller", "blockOwnerDeletion"};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (!json_is_object(one))
            return bad_type(c, one, "ownerReferences", "v1.OwnerReference");
        for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
            const json_t *v = json_object_get(one, texts[k]);
            if (v && !json_is_string(v))
                return bad_type(c, v, "ownerReferences", "string");
        }
        for (size_t k = 0; k < ARRAY_LEN(flags); k++) {
            const json_t *v = json_object_get(one, flags[k]);
            if (v && !json_is_boolean(v) && !json_is_null(v))
                return bad_type(c, v, "ownerReferences", "bool");
        }
    }
    return 0;
}

static int check_managed(struct call *c, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (!json_is_object(one))
            return bad_type(c, one, "managedFields", "v1.ManagedFieldsEntry");
    }
    return 0;
}

static int check_field(struct call *c, json_t *v, size_t i)
{
    const char *name = meta_fields[i].name, *go_type = meta_fields[i].go_type;
    switch (meta_fields[i].shape) {
    case SHAPE_STRING:
        return json_is_string(v) ? 0 : bad_type(c, v, name, go_type);
    case SHAPE_INT:
        return json_is_integer(v) ? 0 : bad_type(c, v, name, go_type);
    case SHAPE_MAP:
        return json_is_object(v) ? check_strings(c, v, name) : bad_type(c, v, name, go_type);
    case SHAPE_STRINGS:
        return json_is_array(v) ? check_strings(c, v, name) : bad_type(c, v, name, go_type);
    case SHAPE_OWNERS:
        return json_is_array(v) ? check_owners(c, v) : bad_type(c, v, name, go_type);
    case SHAPE_MANAGED:
        return json_is_array(v) ? check_managed(c, v) : bad_type(c, v, name, go_type);
    case SHAPE_DROP:
        break;
    }
    return 0;
}

/* Empty containers are left out, as Go's omitempty does: an object with "labels": {} is the same as
 * one without. */
static bool is_empty(const json_t *v)
{
    return (json_is_array(v) && json_array_size(v) == 0) ||
           (json_is_object(v) && json_object_size(v) == 0) ||
           (json_is_string(v) && json_string_length(v) == 0);
}

static int decode_meta(struct call *c, json_t *object)
{
    json_t *meta = json_object_get(object, "metadata");
    if (!meta || json_is_null(meta)) {
        json_object_set_new(object, "metadata", json_object());
        return 0;
    }
    if (!json_is_object(meta)) {
        AUTO(str)
        char *why = mem_printf(
            "json: cannot unmarshal %s into Go struct field %s.metadata of type v1.ObjectMeta",
            gotext_kind(meta), c->t->kind);
        return decode_failed(c, why);
    }
    strict_meta(c, meta);
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(meta, next, key, value)
    {
        size_t i = 0;
        while (i < ARRAY_LEN(meta_fields) && strcmp(meta_fields[i].name, key) != 0)
            i++;
        if (i == ARRAY_LEN(meta_fields) || meta_fields[i].shape == SHAPE_DROP ||
            json_is_null(value) || (is_empty(value) && meta_fields[i].shape != SHAPE_MANAGED)) {
            json_object_del(meta, key);
            continue;
        }
        if (check_field(c, value, i) < 0)
            return -1;
    }
    return 0;
}

static int decode_type(struct call *c, json_t *object)
{
    char want[API_VERSION_TEXT];
    api_version_of(c->v->group, c->v->name, want, sizeof(want));
    const json_t *have = json_object_get(object, "apiVersion");
    if (have && strcmp(json_string_value(have) ? json_string_value(have) : "", want) != 0)
        return status_bad_request(
            c->ret, "the API version in the data (%s) does not match the expected API version (%s)",
            json_string_value(have) ? json_string_value(have) : "", want);
    const json_t *kind = json_object_get(object, "kind");
    if (kind && strcmp(json_string_value(kind) ? json_string_value(kind) : "", c->t->kind) != 0) {
        if (!c->t->crd)
            return status_bad_request(c->ret,
                                      "%s in version \"%s\" cannot be handled as a %s: no kind "
                                      "\"%s\" is registered for this endpoint",
                                      json_string_value(kind) ? json_string_value(kind) : "",
                                      c->v->name, c->t->kind,
                                      json_string_value(kind) ? json_string_value(kind) : "");
        struct field_errors errors = {0};
        field_errors_add(&errors, FIELD_INVALID, "kind", kind, "must be %s", c->t->kind);
        return status_invalid(c->ret, c->t->group, c->t->kind,
                              json_str_or_empty(object, "metadata.name"), &errors);
    }
    if (!have)
        json_put_str(object, "apiVersion", want);
    if (!kind)
        json_put_str(object, "kind", c->t->kind);
    return 0;
}

static int decode_place(struct call *c, json_t *object, bool need_name)
{
    json_t *meta = json_object_get(object, "metadata");
    if (!c->t->namespaced) {
        json_object_del(meta, "namespace");
    } else {
        const char *ns = json_str_or_empty(meta, "namespace");
        if (*ns && strcmp(ns, c->req->ns) != 0)
            return status_bad_request(c->ret, "the namespace of the provided object does not match "
                                              "the namespace sent on the request");
        if (!*ns)
            json_put_str(meta, "namespace", c->req->ns);
    }
    if (!need_name)
        return 0;
    const char *name = json_str_or_empty(meta, "name");
    if (!*name)
        return status_bad_request(c->ret,
                                  "the name of the object (%s based on URL) was undeterminable: "
                                  "name must be provided",
                                  c->req->name);
    if (strcmp(name, c->req->name) != 0)
        return status_bad_request(
            c->ret, "the name of the object (%s) does not match the name on the URL (%s)", name,
            c->req->name);
    return 0;
}

int decode_taken(struct call *c, json_t **object, bool need_name)
{
    if (!json_is_object(*object))
        return status_bad_request(c->ret,
                                  "the object provided is unrecognized (must be of type %s): "
                                  "couldn't get version/kind; json parse error: the body is not an "
                                  "object",
                                  c->t->kind);
    if (decode_meta(c, *object) < 0 || decode_type(c, *object) < 0 ||
        strict_fields(c, *object) < 0 || strict_settle(c) < 0) {
        json_decref(c->findings);
        c->findings = NULL;
        return -1;
    }
    return decode_place(c, *object, need_name);
}

/* Of a body for the status endpoint only these two are looked at (restrict_to_status). */
static json_t *copy_body(const struct call *c, const json_t *body)
{
    const char *sub = c->req->subresource;
    if (!json_is_object(body))
        return json_null();
    if (sub && strcmp(sub, "status") == 0 && !call_validates(c) && !apiserver_tracks_fields(c->a))
        return json_copy_parts(body, "metadata", "status", NULL);
    return json_copy_of(body);
}

int decode_object(struct call *c, const json_t *body, bool need_name, json_t **ret)
{
    AUTO(json) json_t *object = copy_body(c, body);
    if (decode_taken(c, &object, need_name) < 0)
        return -1;
    *ret = TAKE(object);
    return 0;
}
