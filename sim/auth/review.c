/* What all reviews share: a body of a known kind comes in, the same with a status goes out, nothing
 * is stored. */
#include <string.h>

#include "base/json.h"
#include "kube/gotext.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "sim/auth/auth_priv.h"

static const char *const go_types[128] = {
    ['s'] = "string", ['b'] = "bool",     ['i'] = "int64",
    ['o'] = "object", ['a'] = "[]string", ['m'] = "map[string][]string"};

static bool are_strings(const json_t *list)
{
    if (!json_is_array(list))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!json_is_string(json_array_get(list, i)))
            return false;
    return true;
}

static bool are_lists(const json_t *map)
{
    const char *key;
    json_t *value;
    if (!json_is_object(map))
        return false;
    json_object_foreach((json_t *)map, key, value)
    {
        if (!are_strings(value))
            return false;
    }
    return true;
}

static bool has_type(const json_t *v, char type)
{
    switch (type) {
    case 's':
        return json_is_string(v);
    case 'b':
        return json_is_boolean(v);
    case 'i':
        return json_is_integer(v);
    case 'o':
        return json_is_object(v);
    case 'a':
        return are_strings(v);
    default:
        return are_lists(v);
    }
}

static int bad_type(const char *kind, const json_t *v, const struct review_field *f,
                    struct api_response *ret)
{
    return status_bad_request(ret,
                              "%s in version \"v1\" cannot be handled as a %s: json: cannot "
                              "unmarshal %s into Go struct field %s.%s of type %s",
                              kind, kind, gotext_kind(v), kind, f->path, go_types[(int)f->type]);
}

/* null is the same as nothing. */
static int check_fields(const json_t *body, const char *kind, const struct review_field *fields,
                        size_t count, struct api_response *ret)
{
    static const struct review_field common[] = {
        {"metadata", 'o'}, {"spec", 'o'}, {"metadata.name", 's'}, {"metadata.namespace", 's'}};
    for (size_t i = 0; i < ARRAY_LEN(common) + count; i++) {
        const struct review_field *f =
            i < ARRAY_LEN(common) ? &common[i] : &fields[i - ARRAY_LEN(common)];
        const json_t *v = json_path(body, f->path);
        if (v && !json_is_null(v) && !has_type(v, f->type))
            return bad_type(kind, v, f, ret);
    }
    return 0;
}

static int check_kind(const json_t *body, const char *api_version, const char *kind,
                      struct api_response *ret)
{
    const json_t *have_version = json_object_get(body, "apiVersion");
    const json_t *have_kind = json_object_get(body, "kind");
    const char *version_text = json_string_value(have_version);
    const char *kind_text = json_string_value(have_kind);
    if (have_version && (!version_text || strcmp(version_text, api_version) != 0))
        return status_bad_request(
            ret, "the API version in the data (%s) does not match the expected API version (%s)",
            version_text ? version_text : "", api_version);
    if (have_kind && (!kind_text || strcmp(kind_text, kind) != 0))
        return status_bad_request(ret,
                                  "%s in version \"v1\" cannot be handled as a %s: no kind \"%s\" "
                                  "is registered for this endpoint",
                                  kind_text ? kind_text : "", kind, kind_text ? kind_text : "");
    return 0;
}

static json_t *member_or_empty(const json_t *body, const char *key)
{
    const json_t *v = json_object_get(body, key);
    return json_is_object(v) ? json_copy_of(v) : json_object();
}

json_t *review_open(const struct api_request *req, const char *group, const char *kind,
                    const struct review_field *fields, size_t count, struct api_response *ret)
{
    AUTO(str) char *api_version = mem_printf("%s/v1", group);
    if (!json_is_object(req->body)) {
        status_bad_request(ret,
                           "the object provided is unrecognized (must be of type %s): couldn't get "
                           "version/kind; json parse error: the body is not an object",
                           kind);
        return NULL;
    }
    if (check_kind(req->body, api_version, kind, ret) < 0 ||
        check_fields(req->body, kind, fields, count, ret) < 0)
        return NULL;
    const char *ns = json_str_or_empty(req->body, "metadata.namespace");
    if (*ns && req->ns && *req->ns && strcmp(ns, req->ns) != 0) {
        status_bad_request(ret, "the namespace of the provided object does not match the namespace "
                                "sent on the request");
        return NULL;
    }
    json_t *out = json_pack("{s:s, s:s}", "kind", kind, "apiVersion", api_version);
    json_object_set_new(out, "metadata", member_or_empty(req->body, "metadata"));
    json_drop(out, "metadata.managedFields");
    json_drop(out, "metadata.creationTimestamp");
    json_object_set_new(out, "spec", member_or_empty(req->body, "spec"));
    return out;
}

int review_answer(struct api_response *ret, json_t *review, json_t *status)
{
    if (status)
        json_object_set_new(review, "status", status);
    ret->code = 201;
    ret->body = review;
    return 0;
}

void review_add(struct auth *a, const char *group, const char *plural, const char *singular,
                const char *kind, bool namespaced, virtual_fn *fn)
{
    const struct virtual_resource r = {.resource = {group, "v1", plural},
                                       .kind = kind,
                                       .singular = singular,
                                       .namespaced = namespaced,
                                       .verbs = 1u << API_CREATE,
                                       .fn = fn,
                                       .cookie = a};
    apiserver_add_virtual(a->config.server, &r);
}
