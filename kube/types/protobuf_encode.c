/* JSON to protobuf, byte for byte as Go's serializer: fields in the order of their numbers, what Go
 * holds by value written even when it is zero, maps sorted. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/order.h"
#include "kube/types/encode_priv.h"
#include "kube/types/protobuf.h"
#include "kube/types/types_priv.h"

int encode_fail(struct encoder *e, const struct kube_field *f, const char *expected)
{
    return err_set(e->reterr, ERR_INVALID, NO_POS, "field %s: expected %s",
                   *f->name ? f->name : f->type->name, expected);
}

/* ---- lists and maps ---- */

static int encode_map(struct encoder *e, const struct kube_field *f, const json_t *map)
{
    size_t count = json_object_size(map), at = 0;
    AUTO(mem) void *memory = mem_reallocarray(NULL, count + 1, sizeof(char *));
    const char **keys = memory;
    const char *key;
    json_t *value;

    if (!json_is_object(map))
        return encode_fail(e, f, "an object");
    json_object_foreach((json_t *)map, key, value) keys[at++] = key;
    qsort(keys, count, sizeof *keys, text_order);
    for (at = 0; at < count; at++) {
        size_t begun = wire_begin(e->out, f->number);

        wire_put_bytes(e->out, 1, keys[at], strlen(keys[at]));
        if (encode_element(e, f, 2, encode_given(json_object_get(map, keys[at]))) < 0)
            return -1;
        wire_end(e->out, begun);
    }
    return 0;
}

static int encode_list(struct encoder *e, const struct kube_field *f, const json_t *list)
{
    const json_t *value;
    size_t i;

    if (!json_is_array(list))
        return encode_fail(e, f, "an array");
    json_array_foreach(list, i, value) if (encode_element(e, f, f->number, encode_given(value)) <
                                           0) return -1;
    return 0;
}

/* ---- messages ---- */

static int encode_field(struct encoder *e, const struct kube_field *f, const json_t *value)
{
    bool nil = f->pointer || f->repeated || f->map || f->scalar == KUBE_BYTES ||
               f->scalar == KUBE_STRING_LIST;

    if (!f->number || (!value && nil))
        return 0;
    if (f->map)
        return encode_map(e, f, value);
    return f->repeated ? encode_list(e, f, value) : encode_element(e, f, f->number, value);
}

int encode_message(struct encoder *e, const struct kube_type *t, const json_t *object)
{
    const struct kube_field *const *fields = types_by_number(t);

    if (e->depth == JSON_DEPTH_MAX)
        return err_set(e->reterr, ERR_LIMIT, NO_POS, "the object is nested deeper than %d levels",
                       JSON_DEPTH_MAX);
    e->depth++;
    for (size_t i = 0; i < t->field_count; i++) {
        const struct kube_field *f = fields[i];
        const json_t *value = *f->name ? encode_given(json_object_get(object, f->name)) : object;

        if (encode_field(e, f, value) < 0)
            return -1;
    }
    e->depth--;
    return 0;
}

/* ---- entry points ---- */

static int undo(struct strbuf *out, size_t len)
{
    out->len = len;
    if (out->data)
        out->data[len] = '\0';
    return -1;
}

int protobuf_encode_message(struct strbuf *out, const struct kube_type *t, const json_t *object,
                            struct err *reterr)
{
    struct encoder e = {.out = out, .reterr = reterr};
    size_t len = out->len;

    return encode_message(&e, t, object) < 0 ? undo(out, len) : 0;
}

static void put_type_meta(struct strbuf *out, const char *api_version, const char *kind)
{
    size_t begun = wire_begin(out, 1);

    wire_put_bytes(out, 1, api_version, strlen(api_version));
    wire_put_bytes(out, 2, kind, strlen(kind));
    wire_end(out, begun);
}

int protobuf_encode(struct strbuf *out, const json_t *object, struct err *reterr)
{
    const char *api_version = json_str_or_empty(object, "apiVersion");
    const char *kind = json_str_or_empty(object, "kind");
    const struct kube_type *t = kube_type_of(api_version, kind);
    size_t len = out->len, begun;

    if (!t)
        return err_set(reterr, ERR_NOT_FOUND, NO_POS,
                       "no kind \"%s\" is registered for version \"%s\"", kind, api_version);
    strbuf_add(out, "k8s\0", 4);
    put_type_meta(out, api_version, kind);
    begun = wire_begin(out, 2);
    if (protobuf_encode_message(out, t, object, reterr) < 0)
        return undo(out, len);
    wire_end(out, begun);
    wire_put_bytes(out, 3, "", 0); /* content encoding and type: none, and written */
    wire_put_bytes(out, 4, "", 0);
    return 0;
}
