/* Conversions between types. A value out of the target's range is an error, never a wrapped or
 * rounded number. */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "cel/functions.h"
#include "cel/utf8.h"
#include "kube/time.h"

/* The longest text of a number or a time that is looked at. */
#define NUMBER_TEXT 128

static int fail_text(struct cel_context *c, const struct cel_value *v, const char *what)
{
    AUTO(str) char *shown = cel_show(v, 60);

    return eval_fail(c, ERR_INVALID, "%s is not %s", shown, what);
}

static int fail_range(struct cel_context *c, const struct cel_value *v, const char *type)
{
    AUTO(str) char *shown = cel_show(v, 60);

    return eval_fail(c, ERR_INVALID, "%s is out of range for %s", shown, type);
}

/* Go's ParseInt and ParseUint, base 10: digits with an optional sign, nothing else. Returns -1 when
 * it is no number, 1 when it does not fit. */
static int read_decimal(const struct cel_value *v, bool allow_sign, bool *ret_negative,
                        uint64_t *ret)
{
    const char *s = v->u.text.data;
    size_t len = v->u.text.len, at = 0;
    uint64_t n = 0;
    bool overflow = false;

    *ret_negative = len > 0 && s[0] == '-';
    if (allow_sign && len > 0 && (s[0] == '-' || s[0] == '+'))
        at++;
    if (at == len)
        return -1;
    for (; at < len; at++) {
        if (s[at] < '0' || s[at] > '9')
            return -1;
        overflow |= __builtin_mul_overflow(n, 10u, &n);
        overflow |= __builtin_add_overflow(n, (unsigned)(s[at] - '0'), &n);
    }
    *ret = n;
    return overflow;
}

static int int_of_text(struct cel_context *c, const struct cel_value *v, struct cel_value *ret)
{
    bool negative;
    uint64_t n;
    int rc = read_decimal(v, true, &negative, &n);

    if (rc < 0)
        return fail_text(c, v, "a decimal integer");
    if (rc > 0 || n > (uint64_t)INT64_MAX + negative)
        return fail_range(c, v, "int");
    *ret = cel_int((int64_t)(negative ? 0 - n : n));
    return 0;
}

static int fn_int(struct cel_context *c, size_t nargs, struct cel_value *args,
                  struct cel_value *ret)
{
    const struct cel_value *v = &args[0];

    switch (v->type) {
    case CEL_INT:
        *ret = *v;
        return 0;
    case CEL_UINT:
        if (v->u.uinteger > INT64_MAX)
            return fail_range(c, v, "int");
        *ret = cel_int((int64_t)v->u.uinteger);
        return 0;
    case CEL_DOUBLE:
        /* Both ends are errors: 2^63 is no int, and -2^63 may be any double that was rounded to it.
         */
        if (!(v->u.real > -0x1p63 && v->u.real < 0x1p63))
            return fail_range(c, v, "int");
        *ret = cel_int((int64_t)v->u.real);
        return 0;
    case CEL_STRING:
        return int_of_text(c, v, ret);
    case CEL_TIMESTAMP:
        *ret = cel_int(v->u.time.seconds);
        return 0;
    case CEL_DURATION:
        *ret = cel_int(v->u.integer);
        return 0;
    default:
        return eval_no_overload(c, nargs, args);
    }
}

static int fn_uint(struct cel_context *c, size_t nargs, struct cel_value *args,
                   struct cel_value *ret)
{
    const struct cel_value *v = &args[0];
    uint64_t n = 0;
    bool negative;
    int rc;

    switch (v->type) {
    case CEL_UINT:
        n = v->u.uinteger;
        break;
    case CEL_INT:
        if (v->u.integer < 0)
            return fail_range(c, v, "uint");
        n = (uint64_t)v->u.integer;
        break;
    case CEL_DOUBLE:
        if (!(v->u.real >= 0 && v->u.real < 0x1p64))
            return fail_range(c, v, "uint");
        n = (uint64_t)v->u.real;
        break;
    case CEL_STRING:
        rc = read_decimal(v, false, &negative, &n);
        if (rc < 0)
            return fail_text(c, v, "a decimal unsigned integer");
        if (rc > 0)
            return fail_range(c, v, "uint");
        break;
    default:
        return eval_no_overload(c, nargs, args);
    }
    *ret = (struct cel_value){.type = CEL_UINT, .u.uinteger = n};
    return 0;
}

/* Go's ParseFloat, without its hexadecimal form. */
static bool read_double(const struct cel_value *v, double *ret)
{
    char text[NUMBER_TEXT], *end;
    size_t len;

    if (!text_to_c(v, text, sizeof text))
        return false;
    len = strlen(text);
    if (len == 0 || text[0] == ' ' || (text[0] >= '\t' && text[0] <= '\r') || strpbrk(text, "xX("))
        return false;
    *ret = strtod(text, &end);
    return end == text + len && (!isinf(*ret) || strpbrk(text, "iI"));
}

static int fn_double(struct cel_context *c, size_t nargs, struct cel_value *args,
                     struct cel_value *ret)
{
    const struct cel_value *v = &args[0];
    double real;

    switch (v->type) {
    case CEL_DOUBLE:
        *ret = *v;
        return 0;
    case CEL_INT:
        *ret = cel_double((double)v->u.integer);
        return 0;
    case CEL_UINT:
        *ret = cel_double((double)v->u.uinteger);
        return 0;
    case CEL_STRING:
        if (!read_double(v, &real))
            return fail_text(c, v, "a number");
        *ret = cel_double(real);
        return 0;
    default:
        return eval_no_overload(c, nargs, args);
    }
}

static int text_of_bytes(struct cel_context *c, const struct cel_value *v, struct cel_value *ret)
{
    if (utf8_valid_prefix(v->u.text.data, v->u.text.len) < v->u.text.len)
        return eval_fail(c, ERR_INVALID, "the bytes are not valid UTF-8");
    *ret = value_text(v->u.text.data, v->u.text.len);
    return 0;
}

static int fn_string(struct cel_context *c, size_t nargs, struct cel_value *args,
                     struct cel_value *ret)
{
    const struct cel_value *v = &args[0];
    char text[QUANTITY_TEXT];

    switch (v->type) {
    case CEL_STRING:
    case CEL_IP:
    case CEL_CIDR:
        *ret = value_text(v->u.text.data, v->u.text.len);
        return 0;
    case CEL_BYTES:
        return text_of_bytes(c, v, ret);
    case CEL_BOOL:
        *ret = v->u.boolean ? value_text("true", 4) : value_text("false", 5);
        return 0;
    case CEL_INT:
        snprintf(text, sizeof text, "%lld", (long long)v->u.integer);
        break;
    case CEL_UINT:
        snprintf(text, sizeof text, "%llu", (unsigned long long)v->u.uinteger);
        break;
    case CEL_DOUBLE:
        value_format_double(v->u.real, text);
        break;
    case CEL_TIMESTAMP:
        value_format_time(v, text);
        break;
    case CEL_DURATION:
        value_format_seconds(v->u.integer, text);
        break;
    case CEL_QUANTITY:
        quantity_format(v->u.quantity, text);
        break;
    default:
        return eval_no_overload(c, nargs, args);
    }
    return eval_text(c, text, strlen(text), ret);
}

static int fn_bytes(struct cel_context *c, size_t nargs, struct cel_value *args,
                    struct cel_value *ret)
{
    if (args[0].type != CEL_STRING && args[0].type != CEL_BYTES)
        return eval_no_overload(c, nargs, args);
    *ret = args[0];
    ret->type = CEL_BYTES;
    return 0;
}

static int fn_bool(struct cel_context *c, size_t nargs, struct cel_value *args,
                   struct cel_value *ret)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};

    if (args[0].type == CEL_BOOL) {
        *ret = args[0];
        return 0;
    }
    if (args[0].type != CEL_STRING)
        return eval_no_overload(c, nargs, args);
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (value_text_is(&args[0], yes[i]) || value_text_is(&args[0], no[i])) {
            *ret = cel_bool(value_text_is(&args[0], yes[i]));
            return 0;
        }
    }
    return fail_text(c, &args[0], "a bool");
}

static int fn_timestamp(struct cel_context *c, size_t nargs, struct cel_value *args,
                        struct cel_value *ret)
{
    const struct cel_value *v = &args[0];
    char text[NUMBER_TEXT];
    int64_t seconds, nanos;

    switch (v->type) {
    case CEL_TIMESTAMP:
        *ret = *v;
        return 0;
    case CEL_INT:
        if (!value_time(v->u.integer, 0, ret))
            return fail_range(c, v, "a timestamp (years 1 to 9999)");
        return 0;
    case CEL_STRING:
        if (!text_to_c(v, text, sizeof text) || !time_parse_seconds(text, &seconds, &nanos) ||
            !value_time(seconds, nanos, ret))
            return fail_text(c, v, "an RFC 3339 time of the years 1 to 9999");
        return 0;
    default:
        return eval_no_overload(c, nargs, args);
    }
}

static int fn_duration(struct cel_context *c, size_t nargs, struct cel_value *args,
                       struct cel_value *ret)
{
    char text[NUMBER_TEXT];
    int64_t ns;

    if (args[0].type == CEL_DURATION) {
        *ret = args[0];
        return 0;
    }
    if (args[0].type != CEL_STRING)
        return eval_no_overload(c, nargs, args);
    if (!text_to_c(&args[0], text, sizeof text) || !duration_parse(text, &ns))
        return fail_text(c, &args[0], "a duration like '1h30m' or '1.5s'");
    *ret = cel_duration(ns);
    return 0;
}

static int fn_dyn(struct cel_context *c, size_t nargs, struct cel_value *args,
                  struct cel_value *ret)
{
    (void)c;
    (void)nargs;
    *ret = args[0];
    return 0;
}

static int fn_type(struct cel_context *c, size_t nargs, struct cel_value *args,
                   struct cel_value *ret)
{
    (void)c;
    (void)nargs;
    const char *name = cel_type_name(args[0].type);

    *ret = value_text(name, strlen(name));
    ret->type = CEL_TYPE;
    return 0;
}

static const struct cel_std rows[] = {
    {"int", STD_GLOBAL, 1, 1, 0, fn_int,
     "int->int;double->int;duration->int;string->int;timestamp->int;uint->int", 0, COST_CALL},
    {"uint", STD_GLOBAL, 1, 1, 0, fn_uint, "uint->uint;double->uint;int->uint;string->uint", 0,
     COST_CALL},
    {"double", STD_GLOBAL, 1, 1, 0, fn_double,
     "double->double;int->double;string->double;uint->double", 0, COST_CALL},
    {"string", STD_GLOBAL, 1, 1, 0, fn_string,
     "string->string;bool->string;bytes->string;double->string;duration->string;int->string;"
     "timestamp->string;uint->string;net.IP->string;net.CIDR->string",
     0, COST_FROM_BYTES},
    {"bytes", STD_GLOBAL, 1, 1, 0, fn_bytes, "bytes->bytes;string->bytes", 0, COST_FROM_STRING},
    {"bool", STD_GLOBAL, 1, 1, 0, fn_bool, "bool->bool;string->bool", 0, COST_CALL},
    {"timestamp", STD_GLOBAL, 1, 1, STD_LITERAL, fn_timestamp,
     "timestamp->timestamp;int->timestamp;string->timestamp", 0, COST_CALL},
    {"duration", STD_GLOBAL, 1, 1, STD_LITERAL, fn_duration, "duration->duration;string->duration",
     0, COST_CALL},
    {"dyn", STD_GLOBAL, 1, 1, 0, fn_dyn, "A->dyn", 0, COST_CALL},
    {"type", STD_GLOBAL, 1, 1, 0, fn_type, "A->type(A)", 0, COST_CALL},
};

const struct std_family std_convert = {.rows = rows, .count = ARRAY_LEN(rows)};
