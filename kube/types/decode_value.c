/* Values that the wire has as bytes: texts, messages, and types with marshalling of their own. */
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "kube/time.h"
#include "kube/types/decode_priv.h"
#include "kube/types/go_text.h"
#include "kube/types/protobuf.h"

static size_t length(struct wire w)
{
    return (size_t)(w.end - w.at);
}

json_t *decode_text(struct decoder *d, struct wire w)
{
    AUTO(strbuf) struct strbuf repaired = {0};
    json_t *text;

    if (w.at == w.end)
        return json_string_nocheck("");
    if (memchr(w.at, '\0', length(w)))
        return decode_fail(d, "a string holds U+0000");
    text = json_stringn((const char *)w.at, length(w)); /* NULL: not UTF-8 */
    if (text)
        return text;
    wire_repair_utf8(&repaired, w.at, length(w));
    return json_stringn_nocheck(strbuf_str(&repaired), repaired.len);
}

static json_t *decode_base64(struct wire w)
{
    AUTO(strbuf) struct strbuf text = {0};

    base64_add(&text, w.at, length(w));
    return json_stringn_nocheck(strbuf_str(&text), text.len);
}

/* ---- small messages ---- */

#define LOOSE 4
/* Fields 1 to 3 of a message, in whatever kind they came. */
struct loose {
    bool has[LOOSE];
    enum wire_kind kind[LOOSE];
    uint64_t number[LOOSE];
    struct wire bytes[LOOSE];
};

static const char *read_one(struct wire *w, struct loose *ret)
{
    uint32_t number;
    enum wire_kind kind;
    const char *wrong = wire_tag(w, &number, &kind);

    if (wrong)
        return wrong;
    if (number >= LOOSE || kind == WIRE_FIXED32 || kind == WIRE_FIXED64)
        return wire_skip(w, kind);
    ret->has[number] = true;
    ret->kind[number] = kind;
    return kind == WIRE_VARINT ? wire_varint(w, &ret->number[number])
                               : wire_bytes(w, &ret->bytes[number]);
}

/* kinds: of fields 1 to 3. */
static bool read_loose(struct decoder *d, struct wire w, const enum wire_kind kinds[3],
                       struct loose *ret)
{
    memset(ret, 0, sizeof *ret);
    while (w.at < w.end) {
        const char *wrong = read_one(&w, ret);

        if (wrong)
            return decode_fail(d, wrong);
    }
    for (unsigned i = 1; i < LOOSE; i++)
        if (ret->has[i] && ret->kind[i] != kinds[i - 1])
            return decode_fail(d, "proto: wrong wireType");
    return true;
}

static const enum wire_kind one_text[3] = {WIRE_BYTES, WIRE_BYTES, WIRE_BYTES};
static const enum wire_kind two_numbers[3] = {WIRE_VARINT, WIRE_VARINT, WIRE_BYTES};

static json_t *decode_quantity(struct decoder *d, struct wire w)
{
    struct loose fields;
    struct quantity q;
    const char *wrong;
    char out[QUANTITY_TEXT];

    if (!read_loose(d, w, one_text, &fields))
        return NULL;
    if (!fields.has[1])
        return json_string_nocheck("0");
    AUTO(json) json_t *text = decode_text(d, fields.bytes[1]);
    if (!text)
        return NULL;
    wrong = go_quantity(json_string_value(text), &q);
    if (wrong)
        return decode_fail(d, wrong);
    quantity_format(&q, out);
    return json_string_nocheck(out);
}

/* Time drops what is less than a second, MicroTime what is less than a microsecond. */
static json_t *decode_time(struct decoder *d, struct wire w, bool micro)
{
    struct loose fields;
    int64_t seconds, nanos;
    char out[TIME_TEXT];

    if (w.at == w.end)
        return json_null();
    if (!read_loose(d, w, two_numbers, &fields))
        return NULL;
    seconds = (int64_t)fields.number[1];
    nanos = micro ? (int32_t)(uint32_t)fields.number[2] / 1000 * 1000 : 0;
    if (seconds > WIRE_TIME_ZERO - 10 && seconds < WIRE_TIME_MAX + 10)
        for (seconds += nanos / NS_PER_S, nanos %= NS_PER_S; nanos < 0; nanos += NS_PER_S)
            seconds--;
    if (seconds == WIRE_TIME_ZERO && nanos == 0)
        return json_null();
    if (seconds < WIRE_TIME_ZERO || seconds > WIRE_TIME_MAX)
        return decode_fail(d, "a timestamp lies outside of the years 1 to 9999");
    time_format_seconds(seconds, nanos, micro ? 6 : 0, out);
    return json_string_nocheck(out);
}

static json_t *decode_duration(struct decoder *d, struct wire w)
{
    struct loose fields;
    char out[TIME_TEXT];

    if (!read_loose(d, w, two_numbers, &fields))
        return NULL;
    duration_format((int64_t)fields.number[1], out);
    return json_string_nocheck(out);
}

static json_t *decode_int_or_string(struct decoder *d, struct wire w)
{
    struct loose fields;

    if (!read_loose(d, w, two_numbers, &fields))
        return NULL;
    if (fields.number[1] > 1)
        return decode_fail(d, "impossible IntOrString.Type");
    if (fields.number[1] == 1)
        return decode_text(d, fields.bytes[3]);
    return json_integer((int32_t)(uint32_t)fields.number[2]);
}

/* ---- JSON inside ---- */

/* False when the value is deeper than `levels`. It came from json_read: JSON_DEPTH_MAX at most. */
static bool fits(const json_t *value, unsigned levels)
{
    const char *key;
    json_t *member;
    size_t i;

    if (!json_is_object(value) && !json_is_array(value))
        return true;
    if (levels == 0)
        return false;
    json_object_foreach((json_t *)value, key, member) if (!fits(member, levels - 1)) return false;
    json_array_foreach(value, i, member) if (!fits(member, levels - 1)) return false;
    return true;
}

json_t *decode_json(struct decoder *d, struct wire w)
{
    json_t *value = json_read((const char *)w.at, length(w), "raw", d->reterr);

    if (!value || fits(value, JSON_DEPTH_MAX - d->depth))
        return value;
    json_decref(value);
    d->depth = JSON_DEPTH_MAX;
    decode_enter(d); /* fails, and says why */
    return NULL;
}

/* RawExtension, JSON, FieldsV1: {1 bytes} with JSON text, or with another envelope. */
static json_t *decode_raw(struct decoder *d, struct wire w)
{
    struct loose fields;

    if (!read_loose(d, w, one_text, &fields))
        return NULL;
    w = fields.bytes[1];
    if (w.at == w.end)
        return json_null();
    if (protobuf_is_envelope(w.at, length(w)))
        return decode_envelope(d, w);
    return decode_json(d, w);
}

/* ---- lists without a field ---- */

/* Verbs, ExtraValue: {1 repeated string}. */
static json_t *decode_strings(struct decoder *d, struct wire w)
{
    AUTO(json) json_t *list = json_array();

    while (w.at < w.end) {
        struct loose one = {0};
        const char *wrong = read_one(&w, &one);

        if (!wrong && one.has[1] && one.kind[1] != WIRE_BYTES)
            wrong = "proto: wrong wireType";
        if (wrong)
            return decode_fail(d, wrong);
        if (!one.has[1])
            continue;
        json_t *text = decode_count(d) ? decode_text(d, one.bytes[1]) : NULL;
        if (!text)
            return NULL;
        json_array_append_new(list, text);
    }
    return TAKE(list);
}

/* One field of a JSONSchemaPropsOr...: a schema goes to *schema, an element to *list, which is as
 * Go's structs: two members of which one is used. */
static bool decode_or_field(struct decoder *d, const struct kube_field *f, const struct loose *one,
                            json_t **schema, json_t **list)
{
    unsigned number = one->has[1] ? 1 : 2;
    bool is_bool = f->scalar == KUBE_SCHEMA_OR_BOOL && number == 1;
    bool is_element = f->scalar != KUBE_SCHEMA_OR_BOOL && number == 2;
    json_t *value;

    if (one->kind[number] != (is_bool ? WIRE_VARINT : WIRE_BYTES))
        return decode_fail(d, "proto: wrong wireType");
    if (!decode_count(d))
        return false;
    if (is_bool)
        value = json_boolean(one->number[1] != 0);
    else if (is_element && f->scalar == KUBE_SCHEMA_OR_STRINGS)
        value = decode_text(d, one->bytes[2]);
    else
        value = decode_message(d, f->type, one->bytes[number], NULL, NULL);
    if (!value)
        return false;
    if (is_element) {
        if (!*list)
            *list = json_array();
        json_array_append_new(*list, value);
        return true;
    }
    if (is_bool) { /* a place of its own: the schema wins, whatever comes first */
        json_decref(*list);
        *list = value;
        return true;
    }
    json_decref(*schema);
    *schema = value;
    return true;
}

static json_t *decode_schema_or(struct decoder *d, const struct kube_field *f, struct wire w)
{
    AUTO(json) json_t *schema = NULL;
    AUTO(json) json_t *other = NULL;

    if (!decode_enter(d))
        return NULL;
    while (w.at < w.end) {
        struct loose one = {0};
        const char *wrong = read_one(&w, &one);

        if (wrong)
            return decode_fail(d, wrong);
        if ((one.has[1] || one.has[2]) && !decode_or_field(d, f, &one, &schema, &other))
            return NULL;
    }
    decode_leave(d);
    if (f->scalar == KUBE_SCHEMA_OR_BOOL)
        return schema ? TAKE(schema) : other ? TAKE(other) : json_false();
    return other ? TAKE(other) : schema ? TAKE(schema) : json_null();
}

json_t *decode_bytes(struct decoder *d, const struct kube_field *f, struct wire w)
{
    switch (f->scalar) {
    case KUBE_STRING:
        return decode_text(d, w);
    case KUBE_BYTES:
        return decode_base64(w);
    case KUBE_QUANTITY:
        return decode_quantity(d, w);
    case KUBE_TIME:
        return decode_time(d, w, false);
    case KUBE_MICRO_TIME:
        return decode_time(d, w, true);
    case KUBE_DURATION:
        return decode_duration(d, w);
    case KUBE_INT_OR_STRING:
        return decode_int_or_string(d, w);
    case KUBE_RAW:
    case KUBE_FIELDS_V1:
        return decode_raw(d, w);
    case KUBE_STRING_LIST:
        return decode_strings(d, w);
    case KUBE_SCHEMA_OR_ARRAY:
    case KUBE_SCHEMA_OR_BOOL:
    case KUBE_SCHEMA_OR_STRINGS:
        return decode_schema_or(d, f, w);
    case KUBE_MESSAGE:
        return decode_message(d, f->type, w, NULL, NULL);
    case KUBE_BOOL:
    case KUBE_INT32:
    case KUBE_INT64:
    case KUBE_UINT32:
    case KUBE_UINT64:
    case KUBE_DOUBLE:
        break; /* no bytes on the wire */
    }
    return decode_fail(d, "proto: wrong wireType");
}
