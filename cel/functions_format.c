/* 'text with %s'.format([values]), of the strings extension. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cel/functions.h"
#include "kube/time.h"

static void add_plain(struct strbuf *out, const struct cel_value *v);

static void add_plain_list(struct strbuf *out, const struct cel_value *v)
{
    size_t count = value_count(v);

    strbuf_addch(out, '[');
    for (size_t i = 0; i < count && out->len < CEL_STRING_MAX; i++) {
        struct cel_value item = value_item(v, i);

        if (i)
            strbuf_addstr(out, ", ");
        add_plain(out, &item);
    }
    strbuf_addch(out, ']');
}

struct shown_entry {
    char *key;
    struct cel_value value;
};

static int entry_order(const void *a, const void *b)
{
    return strcmp(((const struct shown_entry *)a)->key, ((const struct shown_entry *)b)->key);
}

/* In the order of the keys' texts: a map has none of its own. */
static void add_plain_map(struct strbuf *out, const struct cel_value *v)
{
    struct shown_entry *entries = mem_reallocarray(NULL, value_count(v) + 1, sizeof *entries);
    struct map_cursor cur = {0};
    struct cel_value key;
    size_t count = 0;

    for (; map_next(v, &cur, &key, &entries[count].value); count++) {
        struct strbuf text = {0};

        add_plain(&text, &key);
        entries[count].key = strbuf_take(&text);
    }
    qsort(entries, count, sizeof *entries, entry_order);
    strbuf_addch(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (out->len < CEL_STRING_MAX) {
            strbuf_addf(out, "%s%s: ", i ? ", " : "", entries[i].key);
            add_plain(out, &entries[i].value);
        }
        free(entries[i].key);
    }
    free(entries);
    strbuf_addch(out, '}');
}

/* What %s writes: the text of string(v), and lists and maps of it. */
static void add_plain(struct strbuf *out, const struct cel_value *v)
{
    char text[TIME_TEXT > DOUBLE_TEXT ? TIME_TEXT : DOUBLE_TEXT];

    switch (v->type) {
    case CEL_STRING:
    case CEL_BYTES:
    case CEL_TYPE:
        strbuf_add(out, v->u.text.data, v->u.text.len);
        break;
    case CEL_LIST:
        add_plain_list(out, v);
        break;
    case CEL_MAP:
        add_plain_map(out, v);
        break;
    case CEL_UINT:
        strbuf_addf(out, "%llu", (unsigned long long)v->u.uinteger);
        break;
    case CEL_DOUBLE:
        if (isinf(v->u.real))
            snprintf(text, sizeof text, "%sInfinity", v->u.real < 0 ? "-" : "");
        else
            value_format_double(v->u.real, text);
        strbuf_addstr(out, text);
        break;
    case CEL_TIMESTAMP:
        value_format_time(v, text);
        strbuf_addstr(out, text);
        break;
    case CEL_DURATION:
        value_format_seconds(v->u.integer, text);
        strbuf_addstr(out, text);
        break;
    default: {
        AUTO(str) char *shown = cel_show(v, 4096);

        strbuf_addstr(out, shown);
    }
    }
}

static bool integer_of(const struct cel_value *v, bool *ret_negative, uint64_t *ret)
{
    if (v->type != CEL_INT && v->type != CEL_UINT)
        return false;
    *ret_negative = v->type == CEL_INT && v->u.integer < 0;
    *ret = *ret_negative ? 0 - (uint64_t)v->u.integer : v->u.uinteger;
    return true;
}

static bool add_integer(struct strbuf *out, char verb, const struct cel_value *v)
{
    char digits[65];
    size_t at = sizeof digits - 1;
    unsigned base = verb == 'd' ? 10 : verb == 'o' ? 8 : verb == 'b' ? 2 : 16;
    const char *alphabet = verb == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    bool negative;
    uint64_t n;

    if (v->type == CEL_DOUBLE && verb == 'd' && !isfinite(v->u.real)) {
        strbuf_addstr(out, isnan(v->u.real) ? "NaN" : v->u.real < 0 ? "-Infinity" : "Infinity");
        return true;
    }
    if (v->type == CEL_BOOL && verb == 'b') {
        strbuf_addch(out, v->u.boolean ? '1' : '0');
        return true;
    }
    if (!integer_of(v, &negative, &n))
        return false;
    digits[at] = '\0';
    do {
        digits[--at] = alphabet[n % base];
        n /= base;
    } while (n > 0);
    strbuf_addf(out, "%s%s", negative ? "-" : "", digits + at);
    return true;
}

static bool add_hex_text(struct strbuf *out, char verb, const struct cel_value *v)
{
    if (v->type != CEL_STRING && v->type != CEL_BYTES)
        return false;
    for (size_t i = 0; i < v->u.text.len; i++)
        strbuf_addf(out, verb == 'x' ? "%02x" : "%02X", (unsigned char)v->u.text.data[i]);
    return true;
}

static bool add_real(struct strbuf *out, char verb, int precision, const struct cel_value *v)
{
    double real;

    if (!value_is_number(v))
        return false;
    real = v->type == CEL_DOUBLE ? v->u.real
           : v->type == CEL_INT  ? (double)v->u.integer
                                 : (double)v->u.uinteger;
    if (!isfinite(real))
        strbuf_addstr(out, isnan(real) ? "NaN" : real < 0 ? "-Infinity" : "Infinity");
    else
        strbuf_addf(out, verb == 'f' ? "%.*f" : "%.*e", precision, real);
    return true;
}

static bool add_formatted(struct strbuf *out, char verb, int precision, const struct cel_value *v)
{
    switch (verb) {
    case 's':
        add_plain(out, v);
        return true;
    case 'x':
    case 'X':
        return add_hex_text(out, verb, v) || add_integer(out, verb, v);
    case 'd':
    case 'o':
    case 'b':
        return add_integer(out, verb, v);
    default:
        return add_real(out, verb, precision, v);
    }
}

/* Reads the clause after '%': precision and verb. Returns its length, 0 when it is bad. */
static size_t read_clause(const char *s, size_t len, char *ret_verb, int *ret_precision)
{
    size_t at = 0;

    *ret_precision = 6;
    if (at < len && s[at] == '.') {
        *ret_precision = 0;
        for (at++; at < len && s[at] >= '0' && s[at] <= '9'; at++) {
            *ret_precision = *ret_precision * 10 + (s[at] - '0');
            if (*ret_precision > 100)
                return 0;
        }
    }
    if (at >= len || !strchr("sdxXobfe", s[at]) || s[at] == '\0')
        return 0;
    *ret_verb = s[at];
    return at + 1;
}

static int format_into(struct cel_context *c, const struct cel_value *args, struct strbuf *out)
{
    const char *s = args[0].u.text.data;
    size_t len = args[0].u.text.len, next = 0, given = value_count(&args[1]), clause;

    for (size_t i = 0; i < len; i++) {
        struct cel_value v;
        int precision;
        char verb;

        if (s[i] != '%' || (i + 1 < len && s[i + 1] == '%')) {
            strbuf_addch(out, s[i]);
            i += s[i] == '%';
            continue;
        }
        clause = read_clause(s + i + 1, len - i - 1, &verb, &precision);
        if (!clause)
            return eval_fail(c, ERR_INVALID,
                             "format(): bad clause at byte %zu: expected %%s, %%d, "
                             "%%f, %%e, %%x, %%X, %%o, %%b or %%%%",
                             i);
        if (next >= given)
            return eval_fail(c, ERR_INVALID, "format(): the text needs more than %zu values",
                             given);
        v = value_item(&args[1], next++);
        if (!add_formatted(out, verb, precision, &v))
            return eval_fail(c, ERR_INVALID, "format(): %%%c cannot show a value of type %s", verb,
                             cel_type_name(v.type));
        if (out->len > CEL_STRING_MAX)
            return eval_fail(c, ERR_LIMIT, "a string of more than %zu KiB", CEL_STRING_MAX >> 10);
        i += clause;
    }
    return 0;
}

static int fn_format(struct cel_context *c, size_t nargs, struct cel_value *args,
                     struct cel_value *ret)
{
    AUTO(strbuf) struct strbuf out = {0};

    if (args[0].type != CEL_STRING || args[1].type != CEL_LIST)
        return eval_no_overload(c, nargs, args);
    if (format_into(c, args, &out) < 0)
        return -1;
    return eval_text(c, strbuf_str(&out), out.len, ret);
}

static const struct cel_std rows[] = {
    {"format", STD_MEMBER, 2, 2, 0, fn_format, "string,list(dyn)->string", 29, COST_TEXT},
};

const struct std_family std_format = {.rows = rows, .count = ARRAY_LEN(rows)};
