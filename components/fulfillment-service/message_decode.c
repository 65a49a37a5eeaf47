/* JSON as clients send it, into objects: protojson's rules. Nothing here trusts its input; it
 * recurses as deep as the tables are. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "components/fulfillment-service/message.h"
#include "kube/time.h"

#define SECONDS_MIN INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define ANY_DEPTH_MAX 32                  /* what is put around it must fit JSON_DEPTH_MAX too */
#define NAME_SHOWN 64                     /* bytes of a stranger's name in an error */

struct decode {
    enum version version;
    struct strbuf path;
    struct err *err;
};

static json_t *decode_message(struct decode *d, const struct message *m, const json_t *v);

/* NULL, always: what a decoder returns. */
static json_t *bad(struct decode *d, const char *what)
{
    err_set(d->err, ERR_INVALID, NO_POS, "%s: %s", d->path.len ? d->path.data : "body", what);
    return NULL;
}

/* Appends a step; what was there before comes back with path_cut(). */
static size_t path_add(struct decode *d, const char *step)
{
    size_t was = d->path.len;
    if (was && *step != '[')
        strbuf_addch(&d->path, '.');
    strbuf_addstr(&d->path, step);
    return was;
}

static void path_cut(struct decode *d, size_t len)
{
    d->path.len = len;
    if (d->path.data)
        d->path.data[len] = '\0';
}

/* ---- scalars ---- */

/* A whole number, however it is written: 5, 5.0, 5e0, "5". */
static bool read_number(const json_t *v, int64_t min, int64_t max, int64_t *ret)
{
    AUTO(json) json_t *inner = NULL;
    if (json_is_string(v)) {
        const char *text = json_string_value(v);
        if (!*text || !strchr("-0123456789", *text))
            return false;
        inner = json_read(text, strlen(text), "number", NULL);
        v = inner;
    }
    if (json_is_integer(v)) {
        *ret = json_integer_value(v);
        return *ret >= min && *ret <= max;
    }
    if (!json_is_real(v))
        return false;
    double real = json_real_value(v);
    if (real != floor(real) || real < -9007199254740992.0 || real > 9007199254740992.0)
        return false;
    *ret = (int64_t)real;
    return *ret >= min && *ret <= max;
}

static json_t *decode_int32(struct decode *d, const json_t *v)
{
    int64_t n;
    if (!read_number(v, INT32_MIN, INT32_MAX, &n))
        return bad(d, "expected a whole number of 32 bits");
    return json_integer(n);
}

static json_t *decode_int64(struct decode *d, const json_t *v)
{
    int64_t n;
    if (!read_number(v, INT64_MIN, INT64_MAX, &n))
        return bad(d, "expected a whole number of 64 bits");
    AUTO(str) char *text = mem_printf("%" PRId64, n);
    return json_string(text);
}

/* A number without a name is kept: somebody newer may know it. */
static json_t *decode_enum(struct decode *d, const struct enumeration *e, const json_t *v)
{
    int64_t n;
    if (json_is_string(v)) {
        const char *text = json_string_value(v);
        for (size_t i = 0; e->values[i].name; i++)
            if (strcmp(e->values[i].name, text) == 0 &&
                enum_name(e, d->version, e->values[i].number))
                return json_string(text);
        return bad(d, "no such value");
    }
    if (!json_is_number(v) || !read_number(v, INT32_MIN, INT32_MAX, &n))
        return bad(d, "expected the name or number of a value");
    const char *name = enum_name(e, d->version, n);
    return name ? json_string(name) : json_integer(n);
}

static json_t *decode_time(struct decode *d, const json_t *v)
{
    int64_t seconds, nanos;
    const char *text = json_string_value(v);
    if (!text || !time_parse_seconds(text, &seconds, &nanos) || seconds < SECONDS_MIN)
        return bad(d, "expected a time such as \"2026-01-01T00:00:00Z\"");
    unsigned digits = nanos % 1000 ? 9 : nanos % 1000000 ? 6 : nanos ? 3 : 0;
    char out[TIME_TEXT];
    time_format_seconds(seconds, nanos, digits, out);
    return json_string(out);
}

static bool is_deeper(const json_t *v, unsigned max)
{
    const char *key;
    json_t *value;
    size_t i;
    if (!json_is_object(v) && !json_is_array(v))
        return false;
    if (max == 0)
        return true;
    json_object_foreach((json_t *)(uintptr_t)v, key,
                        value) if (is_deeper(value, max - 1)) return true;
    json_array_foreach(v, i, value) if (is_deeper(value, max - 1)) return true;
    return false;
}

static json_t *decode_any(struct decode *d, const json_t *v)
{
    if (is_deeper(v, ANY_DEPTH_MAX))
        return bad(d, "nested too deeply");
    if (!json_is_string(json_object_get(v, "@type")))
        return bad(d, "expected an object with \"@type\"");
    return json_copy_of(v);
}

static json_t *decode_mask(struct decode *d, const json_t *v)
{
    return json_is_string(v) ? mask_parse(json_string_value(v))
                             : bad(d, "expected a text of paths");
}

static json_t *decode_value(struct decode *d, const struct field *f, const json_t *v)
{
    switch (f->type) {
    case FIELD_STRING:
        return json_is_string(v) ? json_incref((json_t *)(uintptr_t)v) : bad(d, "expected text");
    case FIELD_BOOL:
        return json_is_boolean(v) ? json_boolean(json_is_true(v))
                                  : bad(d, "expected true or false");
    case FIELD_INT32:
        return decode_int32(d, v);
    case FIELD_INT64:
        return decode_int64(d, v);
    case FIELD_ENUM:
        return decode_enum(d, f->values, v);
    case FIELD_TIME:
        return decode_time(d, v);
    case FIELD_ANY:
        return decode_any(d, v);
    case FIELD_MASK:
        return decode_mask(d, v);
    case FIELD_MESSAGE:
        break;
    }
    return decode_message(d, f->message, v);
}

/* ---- shapes ---- */

static json_t *decode_list(struct decode *d, const struct field *f, const json_t *v)
{
    if (!json_is_array(v))
        return bad(d, "expected a list");
    AUTO(json) json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(v); i++) {
        char step[32];
        snprintf(step, sizeof step, "[%zu]", i);
        size_t was = path_add(d, step);
        json_t *item = decode_value(d, f, json_array_get(v, i));
        if (!item)
            return NULL;
        json_array_append_new(list, item);
        path_cut(d, was);
    }
    return TAKE(list);
}

static json_t *decode_map(struct decode *d, const struct field *f, const json_t *v)
{
    if (!json_is_object(v))
        return bad(d, "expected an object");
    AUTO(json) json_t *map = json_object();
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)v, key, value)
    {
        AUTO(str) char *step = mem_printf("[\"%.*s\"]", NAME_SHOWN, key);
        size_t was = path_add(d, step);
        json_t *item = decode_value(d, f, value);
        if (!item)
            return NULL;
        json_object_set_new(map, key, item);
        path_cut(d, was);
    }
    return TAKE(map);
}

static bool is_zero(const struct field *f, const json_t *v)
{
    if (f->shape == SHAPE_LIST)
        return json_array_size(v) == 0;
    if (f->shape == SHAPE_MAP)
        return json_object_size(v) == 0;
    if (f->shape == SHAPE_OPTIONAL)
        return false;
    if (f->type == FIELD_ENUM)
        return json_is_string(v) && strcmp(json_string_value(v), f->values->values[0].name) == 0;
    return (json_is_string(v) && !*json_string_value(v)) || json_is_false(v) ||
           (json_is_integer(v) && json_integer_value(v) == 0) ||
           (f->type == FIELD_INT64 && json_is_string(v) && strcmp(json_string_value(v), "0") == 0);
}

/* One member into the object. -1: *d->err is set. */
static int decode_member(struct decode *d, const struct field *f, const json_t *v, json_t *object)
{
    if (json_is_null(v))
        return 0;
    json_t *value = f->shape == SHAPE_LIST  ? decode_list(d, f, v)
                    : f->shape == SHAPE_MAP ? decode_map(d, f, v)
                                            : decode_value(d, f, v);
    if (!value)
        return -1;
    if (is_zero(f, value))
        json_decref(value);
    else
        json_object_set_new(object, f->name, value);
    return 0;
}

static json_t *decode_message(struct decode *d, const struct message *m, const json_t *v)
{
    if (!json_is_object(v))
        return bad(d, "expected an object");
    AUTO(json) json_t *object = json_object();
    uint64_t seen = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)v, key, value)
    {
        const struct field *f = message_field(m, d->version, key);
        AUTO(str) char *step = f ? NULL : mem_strndup(key, NAME_SHOWN);
        size_t was = path_add(d, f ? f->name : step);
        if (!f)
            return bad(d, "unknown field");
        uint64_t bit = UINT64_C(1) << (f - m->fields);
        if (seen & bit)
            return bad(d, "stands twice, in both spellings");
        seen |= bit;
        if (decode_member(d, f, value, object) < 0)
            return NULL;
        path_cut(d, was);
    }
    return TAKE(object);
}

json_t *message_decode(const struct message *m, enum version v, const json_t *wire,
                       struct err *reterr)
{
    struct decode d = {.version = v, .err = reterr};
    json_t *object = decode_message(&d, m, wire);
    strbuf_finish(&d.path);
    return object;
}
