/* One value of a field, with its tag: numbers, texts, and types with marshalling of their own. */
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "kube/time.h"
#include "kube/types/encode_priv.h"
#include "kube/types/go_text.h"

/* ---- numbers ---- */

static void put_number(struct encoder *e, uint32_t number, uint64_t value)
{
    wire_put_tag(e->out, number, WIRE_VARINT);
    wire_put_varint(e->out, value);
}

static int encode_bool(struct encoder *e, const struct kube_field *f, uint32_t number,
                       const json_t *value)
{
    if (value && !json_is_boolean(value))
        return encode_fail(e, f, "a boolean");
    put_number(e, number, json_is_true(value));
    return 0;
}

static int encode_integer(struct encoder *e, const struct kube_field *f, uint32_t number,
                          const json_t *value)
{
    int64_t n = json_integer_value(value);

    if (value && !json_is_integer(value))
        return encode_fail(e, f, "an integer");
    if ((f->scalar == KUBE_INT32 && n != (int32_t)n) ||
        (f->scalar == KUBE_UINT32 && n != (uint32_t)n) || (f->scalar == KUBE_UINT64 && n < 0))
        return encode_fail(e, f, "an integer that fits");
    put_number(e, number, (uint64_t)n);
    return 0;
}

static int encode_double(struct encoder *e, const struct kube_field *f, uint32_t number,
                         const json_t *value)
{
    double real = json_number_value(value);
    uint64_t bits;
    uint8_t bytes[8];

    if (value && !json_is_number(value))
        return encode_fail(e, f, "a number");
    memcpy(&bits, &real, sizeof bits);
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(bits >> (8 * i));
    wire_put_tag(e->out, number, WIRE_FIXED64);
    strbuf_add(e->out, bytes, sizeof bytes);
    return 0;
}

/* ---- texts ---- */

static int encode_string(struct encoder *e, const struct kube_field *f, uint32_t number,
                         const json_t *value)
{
    if (value && !json_is_string(value))
        return encode_fail(e, f, "a string");
    wire_put_bytes(e->out, number, value ? json_string_value(value) : "",
                   json_string_length(value));
    return 0;
}

static int encode_base64(struct encoder *e, const struct kube_field *f, uint32_t number,
                         const json_t *value)
{
    AUTO(strbuf) struct strbuf bytes = {0};
    size_t bad;

    if (value && (!json_is_string(value) || base64_read(&bytes, json_string_value(value),
                                                        json_string_length(value), &bad) < 0))
        return encode_fail(e, f, "base64");
    wire_put_bytes(e->out, number, strbuf_str(&bytes), bytes.len);
    return 0;
}

/* The number's JSON text is read, as Go does. */
static int encode_quantity(struct encoder *e, const struct kube_field *f, uint32_t number,
                           const json_t *value)
{
    AUTO(strbuf) struct strbuf text = {0};
    struct quantity q = {0};
    char out[QUANTITY_TEXT];
    size_t begun;

    if (json_is_string(value))
        strbuf_addstr(&text, json_string_value(value));
    else if (json_is_number(value))
        json_write(&text, value, JSON_TIGHT);
    if (value && go_quantity(strbuf_str(&text), &q))
        return encode_fail(e, f, "a quantity");
    quantity_format(&q, out);
    begun = wire_begin(e->out, number);
    wire_put_bytes(e->out, 1, out, strlen(out));
    wire_end(e->out, begun);
    return 0;
}

/* Go's zero time is an empty message. */
static int encode_time(struct encoder *e, const struct kube_field *f, uint32_t number,
                       const json_t *value)
{
    int64_t seconds = WIRE_TIME_ZERO, nanos = 0;
    size_t begun;

    if (value &&
        (!json_is_string(value) || !time_parse_seconds(json_string_value(value), &seconds, &nanos)))
        return encode_fail(e, f, "a time");
    nanos = f->scalar == KUBE_MICRO_TIME ? nanos / 1000 * 1000 : 0;
    begun = wire_begin(e->out, number);
    if (seconds != WIRE_TIME_ZERO || nanos) {
        put_number(e, 1, (uint64_t)seconds);
        put_number(e, 2, (uint64_t)nanos);
    }
    wire_end(e->out, begun);
    return 0;
}

static int encode_duration(struct encoder *e, const struct kube_field *f, uint32_t number,
                           const json_t *value)
{
    int64_t ns = 0;
    size_t begun;

    if (value && (!json_is_string(value) || !duration_parse(json_string_value(value), &ns)))
        return encode_fail(e, f, "a duration");
    begun = wire_begin(e->out, number);
    put_number(e, 1, (uint64_t)ns);
    wire_end(e->out, begun);
    return 0;
}

static int encode_int_or_string(struct encoder *e, const struct kube_field *f, uint32_t number,
                                const json_t *value)
{
    int64_t n = json_integer_value(value);
    size_t begun;

    if (value && !json_is_string(value) && (!json_is_integer(value) || n != (int32_t)n))
        return encode_fail(e, f, "an integer or a string");
    begun = wire_begin(e->out, number);
    put_number(e, 1, json_is_string(value));
    put_number(e, 2, (uint64_t)n);
    wire_put_bytes(e->out, 3, json_is_string(value) ? json_string_value(value) : "",
                   json_string_length(value));
    wire_end(e->out, begun);
    return 0;
}

static int encode_raw(struct encoder *e, uint32_t number, const json_t *value)
{
    AUTO(strbuf) struct strbuf text = {0};
    size_t begun = wire_begin(e->out, number);

    if (value) {
        json_write(&text, value, JSON_TIGHT);
        wire_put_bytes(e->out, 1, strbuf_str(&text), text.len);
    }
    wire_end(e->out, begun);
    return 0;
}

/* ---- lists without a field ---- */

/* Repeated field `number`, here and below. */
static int put_strings(struct encoder *e, const struct kube_field *f, uint32_t number,
                       const json_t *list)
{
    const json_t *text;
    size_t i;

    if (list && !json_is_array(list))
        return encode_fail(e, f, "an array");
    json_array_foreach(list, i,
                       text) if (encode_string(e, f, number, encode_given(text)) < 0) return -1;
    return 0;
}

static int encode_strings(struct encoder *e, const struct kube_field *f, uint32_t number,
                          const json_t *value)
{
    size_t begun = wire_begin(e->out, number);

    if (put_strings(e, f, 1, value) < 0)
        return -1;
    wire_end(e->out, begun);
    return 0;
}

static int put_message(struct encoder *e, const struct kube_field *f, uint32_t number,
                       const json_t *schema)
{
    size_t begun = wire_begin(e->out, number);

    if (schema && !json_is_object(schema))
        return encode_fail(e, f, "an object");
    if (encode_message(e, f->type, schema) < 0)
        return -1;
    wire_end(e->out, begun);
    return 0;
}

static int put_schemas(struct encoder *e, const struct kube_field *f, const json_t *list)
{
    const json_t *schema;
    size_t i;

    json_array_foreach(list, i,
                       schema) if (put_message(e, f, 2, encode_given(schema)) < 0) return -1;
    return 0;
}

static int put_schema_or(struct encoder *e, const struct kube_field *f, const json_t *value)
{
    if (f->scalar == KUBE_SCHEMA_OR_BOOL) {
        if (value && !json_is_boolean(value) && !json_is_object(value))
            return encode_fail(e, f, "a boolean or a schema");
        put_number(e, 1, json_is_true(value) || json_is_object(value));
        return json_is_object(value) ? put_message(e, f, 2, value) : 0;
    }
    if (json_is_object(value))
        return put_message(e, f, 1, value);
    if (!json_is_array(value)) /* Go takes anything else for nothing */
        return 0;
    return f->scalar == KUBE_SCHEMA_OR_ARRAY ? put_schemas(e, f, value)
                                             : put_strings(e, f, 2, value);
}

static int encode_schema_or(struct encoder *e, const struct kube_field *f, uint32_t number,
                            const json_t *value)
{
    size_t begun = wire_begin(e->out, number);

    if (put_schema_or(e, f, value) < 0)
        return -1;
    wire_end(e->out, begun);
    return 0;
}

int encode_element(struct encoder *e, const struct kube_field *f, uint32_t number,
                   const json_t *value)
{
    switch (f->scalar) {
    case KUBE_STRING:
        return encode_string(e, f, number, value);
    case KUBE_BOOL:
        return encode_bool(e, f, number, value);
    case KUBE_INT32:
    case KUBE_INT64:
    case KUBE_UINT32:
    case KUBE_UINT64:
        return encode_integer(e, f, number, value);
    case KUBE_DOUBLE:
        return encode_double(e, f, number, value);
    case KUBE_BYTES:
        return encode_base64(e, f, number, value);
    case KUBE_QUANTITY:
        return encode_quantity(e, f, number, value);
    case KUBE_TIME:
    case KUBE_MICRO_TIME:
        return encode_time(e, f, number, value);
    case KUBE_DURATION:
        return encode_duration(e, f, number, value);
    case KUBE_INT_OR_STRING:
        return encode_int_or_string(e, f, number, value);
    case KUBE_RAW:
    case KUBE_FIELDS_V1:
        return encode_raw(e, number, value);
    case KUBE_STRING_LIST:
        return encode_strings(e, f, number, value);
    case KUBE_SCHEMA_OR_ARRAY:
    case KUBE_SCHEMA_OR_BOOL:
    case KUBE_SCHEMA_OR_STRINGS:
        return encode_schema_or(e, f, number, value);
    case KUBE_MESSAGE:
        return put_message(e, f, number, value);
    }
    return encode_fail(e, f, "what the table knows");
}
