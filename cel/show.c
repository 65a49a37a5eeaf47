/* Values as text and as JSON. */
#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/mem.h"
#include "cel/functions.h"
#include "cel/utf8.h"
#include "kube/time.h"

/* The digits of v, shortest that read back, without point; the value is 0.DIGITS * 10^*ret_point.
 */
static int shortest_digits(double v, char out[DOUBLE_TEXT], int *ret_point)
{
    char text[DOUBLE_TEXT];
    int count = 0, precision = 0;
    const char *p;

    do {
        snprintf(text, sizeof text, "%.*e", precision, v);
    } while (strtod(text, NULL) != v && ++precision < 17);
    for (p = text; *p != 'e'; p++)
        if (*p >= '0' && *p <= '9')
            out[count++] = *p;
    *ret_point = (int)strtol(p + 1, NULL, 10) + 1;
    while (count > 1 && out[count - 1] == '0')
        count--;
    return count;
}

/* Go's strconv.FormatFloat(v, 'g', -1, 64), which CEL's string(double) is defined by: with an
 * exponent from 1e+06 on. */
void value_format_double(double v, char out[DOUBLE_TEXT])
{
    char digits[DOUBLE_TEXT];
    int point, count, exponent;

    if (isnan(v) || isinf(v)) {
        snprintf(out, DOUBLE_TEXT, "%s", isnan(v) ? "NaN" : v < 0 ? "-Inf" : "+Inf");
        return;
    }
    count = shortest_digits(fabs(v), digits, &point);
    exponent = point - 1;
    if (exponent < -4 || exponent >= 6) {
        snprintf(out, DOUBLE_TEXT, "%s%c%s%.*se%c%02d", signbit(v) ? "-" : "", digits[0],
                 count > 1 ? "." : "", count - 1, digits + 1, exponent < 0 ? '-' : '+',
                 abs(exponent));
    } else if (point <= 0) {
        snprintf(out, DOUBLE_TEXT, "%s0.%.*s%.*s", signbit(v) ? "-" : "", -point, "0000", count,
                 digits);
    } else if (count <= point) {
        snprintf(out, DOUBLE_TEXT, "%s%.*s%.*s", signbit(v) ? "-" : "", count, digits,
                 point - count, "00000");
    } else {
        snprintf(out, DOUBLE_TEXT, "%s%.*s.%.*s", signbit(v) ? "-" : "", point, digits,
                 count - point, digits + point);
    }
}

void value_format_seconds(int64_t ns, char out[DOUBLE_TEXT])
{
    uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    int len =
        snprintf(out, DOUBLE_TEXT, "%s%llu.%09llu", ns < 0 ? "-" : "",
                 (unsigned long long)(size / NS_PER_S), (unsigned long long)(size % NS_PER_S));

    while (out[len - 1] == '0')
        len--;
    if (out[len - 1] == '.')
        len--;
    out[len] = 's';
    out[len + 1] = '\0';
}

/* ---- as CEL ---- */

struct show {
    struct strbuf out;
    size_t max;
};

static bool show_full(const struct show *s)
{
    return s->out.len >= s->max;
}

static void show_value(struct show *s, const struct cel_value *v);

static void show_quoted(struct show *s, const char *prefix, const char *data, size_t len,
                        bool is_text)
{
    strbuf_addf(&s->out, "%s'", prefix);
    for (size_t i = 0, bytes; i < len && !show_full(s); i += bytes) {
        unsigned char c = (unsigned char)data[i];

        bytes = 1;
        if (c == '\'' || c == '\\')
            strbuf_addf(&s->out, "\\%c", c);
        else if (c == '\n')
            strbuf_addstr(&s->out, "\\n");
        else if (c == '\t')
            strbuf_addstr(&s->out, "\\t");
        else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !is_text))
            strbuf_addf(&s->out, "\\x%02x", c);
        else if (c < 0x80)
            strbuf_addch(&s->out, (char)c);
        else if (utf8_decode(data + i, len - i, &bytes) && bytes > 1)
            strbuf_add(&s->out, data + i, bytes);
        else
            strbuf_addstr(&s->out, "\xef\xbf\xbd");
    }
    strbuf_addch(&s->out, '\'');
}

static void show_list(struct show *s, const struct cel_value *v)
{
    size_t count = value_count(v);

    strbuf_addch(&s->out, '[');
    for (size_t i = 0; i < count && !show_full(s); i++) {
        struct cel_value item = value_item(v, i);

        if (i)
            strbuf_addstr(&s->out, ", ");
        show_value(s, &item);
    }
    strbuf_addch(&s->out, ']');
}

static void show_map(struct show *s, const struct cel_value *v)
{
    struct map_cursor cur = {0};
    struct cel_value key, value;
    bool first = true;

    strbuf_addch(&s->out, '{');
    while (!show_full(s) && map_next(v, &cur, &key, &value)) {
        if (!first)
            strbuf_addstr(&s->out, ", ");
        first = false;
        show_value(s, &key);
        strbuf_addstr(&s->out, ": ");
        show_value(s, &value);
    }
    strbuf_addch(&s->out, '}');
}

static void show_double(struct show *s, double v)
{
    char text[DOUBLE_TEXT];

    value_format_double(v, text);
    if (!isfinite(v))
        strbuf_addf(&s->out, "double('%s')", text);
    else
        strbuf_addf(&s->out, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

static void show_time(struct show *s, const struct cel_value *v)
{
    char text[TIME_TEXT > DOUBLE_TEXT ? TIME_TEXT : DOUBLE_TEXT];

    if (v->type == CEL_TIMESTAMP)
        value_format_time(v, text);
    else
        value_format_seconds(v->u.integer, text);
    strbuf_addf(&s->out, "%s('%s')", v->type == CEL_TIMESTAMP ? "timestamp" : "duration", text);
}

static void show_quantity(struct show *s, const struct cel_value *v)
{
    char text[QUANTITY_TEXT];

    quantity_format(v->u.quantity, text);
    strbuf_addf(&s->out, "quantity('%s')", text);
}

/* As the call that made it. */
static void show_made(struct show *s, const struct cel_value *v)
{
    const char *maker = v->type == CEL_URL    ? "url"
                        : v->type == CEL_IP   ? "ip"
                        : v->type == CEL_CIDR ? "cidr"
                                              : "format.named";

    strbuf_addf(&s->out, "%s(", maker);
    show_quoted(s, "", v->u.text.data, v->u.text.len, true);
    strbuf_addch(&s->out, ')');
}

static void show_optional(struct show *s, const struct cel_value *v)
{
    if (!v->u.optional) {
        strbuf_addstr(&s->out, "optional.none()");
        return;
    }
    strbuf_addstr(&s->out, "optional.of(");
    show_value(s, v->u.optional);
    strbuf_addch(&s->out, ')');
}

static void show_value(struct show *s, const struct cel_value *v)
{
    switch (v->type) {
    case CEL_NULL:
        strbuf_addstr(&s->out, "null");
        break;
    case CEL_BOOL:
        strbuf_addstr(&s->out, v->u.boolean ? "true" : "false");
        break;
    case CEL_INT:
        strbuf_addf(&s->out, "%lld", (long long)v->u.integer);
        break;
    case CEL_UINT:
        strbuf_addf(&s->out, "%lluu", (unsigned long long)v->u.uinteger);
        break;
    case CEL_DOUBLE:
        show_double(s, v->u.real);
        break;
    case CEL_STRING:
    case CEL_BYTES:
        show_quoted(s, v->type == CEL_BYTES ? "b" : "", v->u.text.data, v->u.text.len,
                    v->type == CEL_STRING);
        break;
    case CEL_LIST:
        show_list(s, v);
        break;
    case CEL_MAP:
        show_map(s, v);
        break;
    case CEL_TIMESTAMP:
    case CEL_DURATION:
        show_time(s, v);
        break;
    case CEL_TYPE:
        strbuf_add(&s->out, v->u.text.data, v->u.text.len);
        break;
    case CEL_OPTIONAL:
        show_optional(s, v);
        break;
    case CEL_QUANTITY:
        show_quantity(s, v);
        break;
    case CEL_URL:
    case CEL_IP:
    case CEL_CIDR:
    case CEL_FORMAT:
        show_made(s, v);
        break;
    case CEL_ERROR:
    case CEL_TYPE_COUNT:
        assert(!"an error is not a value");
    }
}

char *cel_show(const struct cel_value *v, size_t max)
{
    struct show s = {.max = max};

    show_value(&s, v);
    if (s.out.len > max) {
        AUTO(strbuf) struct strbuf whole = s.out;
        size_t keep = max;

        while (keep > 0 && ((unsigned char)whole.data[keep] & 0xc0) == 0x80)
            keep--;
        s.out = (struct strbuf){0};
        strbuf_add(&s.out, whole.data, keep);
        strbuf_addstr(&s.out, "...");
    }
    return strbuf_take(&s.out);
}

/* ---- as JSON ---- */

static json_t *text_json(const char *data, size_t len)
{
    json_t *text = json_stringn(data, len);

    /* Only text that is not UTF-8 is refused, which host functions could have made. */
    return text ? text : json_string("");
}

static json_t *double_json(double v)
{
    char text[DOUBLE_TEXT];

    if (isfinite(v))
        return json_real(v);
    value_format_double(v, text);
    return json_string(text);
}

static json_t *list_json(const struct cel_value *v)
{
    json_t *array = json_array();

    for (size_t i = 0, count = value_count(v); i < count; i++) {
        struct cel_value item = value_item(v, i);

        json_array_append_new(array, cel_to_json(&item));
    }
    return array;
}

/* JSON's keys are text: those of other types are written as CEL's string() would. */
static void put_json(json_t *object, const struct cel_value *key, json_t *value)
{
    char number[32];

    if (key->type == CEL_STRING) {
        json_object_setn_new(object, key->u.text.data, key->u.text.len, value);
    } else if (key->type == CEL_BOOL) {
        json_object_set_new(object, key->u.boolean ? "true" : "false", value);
    } else {
        if (key->type == CEL_INT)
            snprintf(number, sizeof number, "%lld", (long long)key->u.integer);
        else
            snprintf(number, sizeof number, "%llu", (unsigned long long)key->u.uinteger);
        json_object_set_new(object, number, value);
    }
}

static json_t *map_json(const struct cel_value *v)
{
    json_t *object = json_object();
    struct map_cursor cur = {0};
    struct cel_value key, value;

    while (map_next(v, &cur, &key, &value))
        put_json(object, &key, cel_to_json(&value));
    return object;
}

static json_t *shown_json(const struct cel_value *v)
{
    AUTO(str) char *shown = cel_show(v, 4096);

    return json_string(shown);
}

static json_t *bytes_json(const struct cel_value *v)
{
    AUTO(strbuf) struct strbuf text = {0};

    base64_add(&text, v->u.text.data, v->u.text.len);
    return json_string(strbuf_str(&text));
}

static json_t *time_json(const struct cel_value *v)
{
    char text[TIME_TEXT > DOUBLE_TEXT ? TIME_TEXT : DOUBLE_TEXT];

    if (v->type == CEL_TIMESTAMP)
        value_format_time(v, text);
    else
        value_format_seconds(v->u.integer, text);
    return json_string(text);
}

static json_t *quantity_json(const struct cel_value *v)
{
    char text[QUANTITY_TEXT];

    quantity_format(v->u.quantity, text);
    return json_string(text);
}

json_t *cel_to_json(const struct cel_value *v)
{
    if (v->is_json)
        return json_copy_of(v->u.json);
    switch (v->type) {
    case CEL_NULL:
        return json_null();
    case CEL_BOOL:
        return json_boolean(v->u.boolean);
    case CEL_INT:
        return json_integer(v->u.integer);
    case CEL_UINT:
        return v->u.uinteger <= INT64_MAX ? json_integer((json_int_t)v->u.uinteger)
                                          : json_real((double)v->u.uinteger);
    case CEL_DOUBLE:
        return double_json(v->u.real);
    case CEL_STRING:
    case CEL_URL:
    case CEL_IP:
    case CEL_CIDR:
    case CEL_FORMAT:
        return text_json(v->u.text.data, v->u.text.len);
    case CEL_BYTES:
        return bytes_json(v);
    case CEL_LIST:
        return list_json(v);
    case CEL_MAP:
        return map_json(v);
    case CEL_TIMESTAMP:
    case CEL_DURATION:
        return time_json(v);
    case CEL_QUANTITY:
        return quantity_json(v);
    case CEL_TYPE:
    case CEL_OPTIONAL:
        return shown_json(v);
    case CEL_ERROR:
    case CEL_TYPE_COUNT:
        break;
    }
    assert(!"an error is not a value");
    return json_null();
}
