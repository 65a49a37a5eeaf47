/* "k8s\0", then runtime.Unknown: {1 TypeMeta {1 apiVersion, 2 kind}, 2 raw, 3 contentEncoding,
 * 4 contentType}. */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "kube/types/decode_priv.h"
#include "kube/types/protobuf.h"

static const char magic[4] = {'k', '8', 's', '\0'};

bool protobuf_is_envelope(const void *data, size_t len)
{
    return len >= sizeof magic && memcmp(data, magic, sizeof magic) == 0;
}

/* Fields 1 to 4 of a message, all of them bytes. */
static bool read_parts(struct decoder *d, struct wire w, struct wire parts[5])
{
    for (unsigned i = 0; i < 5; i++)
        parts[i] = (struct wire){w.end, w.end};
    while (w.at < w.end) {
        uint32_t number;
        enum wire_kind kind;
        const char *wrong = wire_tag(&w, &number, &kind);

        if (!wrong)
            wrong = number <= 4 && kind == WIRE_BYTES ? wire_bytes(&w, &parts[number])
                                                      : wire_skip(&w, kind);
        if (wrong)
            return decode_fail(d, wrong);
    }
    return true;
}

static size_t length(struct wire w)
{
    return (size_t)(w.end - w.at);
}

static json_t *decode_json_body(struct decoder *d, struct wire raw, const char *api_version,
                                const char *kind)
{
    json_t *value = decode_json(d, raw);

    if (!json_is_object(value)) {
        json_decref(value);
        return value ? decode_fail(d, "raw is JSON, but not an object") : NULL;
    }
    if (!json_object_get(value, "apiVersion"))
        json_object_set_new_nocheck(value, "apiVersion", json_string_nocheck(api_version));
    if (!json_object_get(value, "kind"))
        json_object_set_new_nocheck(value, "kind", json_string_nocheck(kind));
    return value;
}

static json_t *decode_body(struct decoder *d, const struct wire parts[5], const char *api_version,
                           const char *kind)
{
    static const char json_type[] = "application/json";
    const struct kube_type *t;

    if (length(parts[3])) {
        err_set(d->reterr, ERR_UNSUPPORTED, NO_POS, "content encoding of protobuf: \"%.*s\"",
                (int)(length(parts[3]) > 40 ? 40 : length(parts[3])), (const char *)parts[3].at);
        return NULL;
    }
    if (length(parts[4]) == sizeof json_type - 1 &&
        memcmp(parts[4].at, json_type, sizeof json_type - 1) == 0)
        return decode_json_body(d, parts[2], api_version, kind);
    t = kube_type_of(api_version, kind);
    if (!t) {
        err_set(d->reterr, ERR_NOT_FOUND, NO_POS, "no kind \"%s\" is registered for version \"%s\"",
                kind, api_version);
        return NULL;
    }
    return decode_message(d, t, parts[2], api_version, kind);
}

json_t *decode_envelope(struct decoder *d, struct wire w)
{
    struct wire parts[5], meta[5];

    w.at += sizeof magic;
    if (!read_parts(d, w, parts) || !read_parts(d, parts[1], meta))
        return NULL;
    AUTO(json) json_t *api_version = decode_text(d, meta[1]);
    AUTO(json) json_t *kind = api_version ? decode_text(d, meta[2]) : NULL;
    if (!kind)
        return NULL;
    if (!json_string_length(kind))
        return decode_fail(d, "Object 'Kind' is missing in the protobuf envelope");
    return decode_body(d, parts, json_string_value(api_version), json_string_value(kind));
}
