/* Conversions of what is answered: metadata alone, or a Table (kube-apiserver.md 1.5). */
#include <string.h>

#include "sim/rest/rest_priv.h"

static json_t *new_partial(const char *kind, bool v1beta1, json_t *meta /* taken, or NULL */)
{
    json_t *out = json_object();
    json_put_str(out, "kind", kind);
    json_put_str(out, "apiVersion", v1beta1 ? "meta.k8s.io/v1beta1" : "meta.k8s.io/v1");
    json_object_set_new(out, "metadata", meta ? meta : json_object());
    return out;
}

json_t *partial_object(const json_t *object, bool v1beta1)
{
    return new_partial("PartialObjectMetadata", v1beta1,
                       json_incref(json_object_get(object, "metadata")));
}

static json_t *partial_list(const json_t *list, bool v1beta1)
{
    const json_t *items = json_object_get(list, "items");
    json_t *out = new_partial("PartialObjectMetadataList", v1beta1,
                              json_incref(json_object_get(list, "metadata")));
    json_t *made = json_array();
    for (size_t i = 0; i < json_array_size(items); i++)
        json_array_append_new(made, partial_object(json_array_get(items, i), v1beta1));
    json_object_set_new(out, "items", made);
    return out;
}

/* What the server's language calls the type, as its message shows it. New. */
static char *go_type(const struct rest_call *c, const json_t *body)
{
    const char *group = c->type.resource.group;
    if (c->known && !c->type.builtin)
        return mem_strdup(json_object_get(body, "items") ? "*unstructured.UnstructuredList"
                                                         : "*unstructured.Unstructured");
    return mem_printf("*%.*s.%s", *group ? (int)strcspn(group, ".") : 4, *group ? group : "core",
                      meta_kind(body));
}

int convert_response(struct rest_call *c, const json_t *body, json_t **ret,
                     struct api_response *error)
{
    bool is_list = c->known && strcmp(meta_kind(body), c->type.list_kind) == 0;
    bool beta = c->accept.v1beta1, wants_list = c->accept.convert == CONVERT_PARTIAL_LIST;
    if (c->accept.convert == CONVERT_TABLE)
        return table_make(c, body, /* columns= */ true, ret, error);
    if (is_list == wants_list) {
        *ret = is_list ? partial_list(body, beta) : partial_object(body, beta);
        return 0;
    }
    AUTO(str) char *type = go_type(c, body);
    AUTO(str)
    char *message = mem_printf(
        "you requested PartialObjectMetadata%s, but the requested object is %sa list (%s)",
        wants_list ? "List" : "", is_list ? "" : "not ", type);
    return fail_status(error, 406, "NotAcceptable", message, /* with_details= */ false);
}
