/* Functions on strings: the standard ones and the strings extension. Positions count code points.
 * Parts of a string are borrowed from it: a string lives at least as long as the evaluation. */
#include "cel/functions.h"
#include "cel/utf8.h"

static bool is_text(const struct cel_value *v)
{
    return v->type == CEL_STRING;
}

/* True when the first count arguments are strings. */
static bool all_text(const struct cel_value *args, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!is_text(&args[i]))
            return false;
    return true;
}

static int fail_range(struct cel_context *c, int64_t index)
{
    return eval_fail(c, ERR_INVALID, "index out of range: %lld", (long long)index);
}

static int fn_size(struct cel_context *c, size_t nargs, struct cel_value *args,
                   struct cel_value *ret)
{
    const struct cel_value *v = &args[0];

    if (v->type == CEL_STRING)
        *ret = cel_int((int64_t)utf8_count(v->u.text.data, v->u.text.len));
    else if (v->type == CEL_BYTES)
        *ret = cel_int((int64_t)v->u.text.len);
    else if (v->type == CEL_LIST || v->type == CEL_MAP)
        *ret = cel_int((int64_t)value_count(v));
    else
        return eval_no_overload(c, nargs, args);
    return v->type == CEL_STRING ? eval_charge(c, v->u.text.len / 64) : 0;
}

static const char *find_text(const struct cel_value *in, const struct cel_value *what, size_t from)
{
    if (what->u.text.len == 0)
        return in->u.text.data + from;
    return memmem(in->u.text.data + from, in->u.text.len - from, what->u.text.data,
                  what->u.text.len);
}

static int fn_contains(struct cel_context *c, size_t nargs, struct cel_value *args,
                       struct cel_value *ret)
{
    if (!all_text(args, 2))
        return eval_no_overload(c, nargs, args);
    *ret = cel_bool(find_text(&args[0], &args[1], 0) != NULL);
    return eval_charge(c, args[0].u.text.len / 16);
}

static bool same_at(const struct cel_value *in, size_t at, const struct cel_value *what)
{
    return what->u.text.len == 0 ||
           memcmp(in->u.text.data + at, what->u.text.data, what->u.text.len) == 0;
}

static int fn_starts_with(struct cel_context *c, size_t nargs, struct cel_value *args,
                          struct cel_value *ret)
{
    if (!all_text(args, 2))
        return eval_no_overload(c, nargs, args);
    *ret = cel_bool(args[0].u.text.len >= args[1].u.text.len && same_at(&args[0], 0, &args[1]));
    return 0;
}

static int fn_ends_with(struct cel_context *c, size_t nargs, struct cel_value *args,
                        struct cel_value *ret)
{
    if (!all_text(args, 2))
        return eval_no_overload(c, nargs, args);
    *ret = cel_bool(args[0].u.text.len >= args[1].u.text.len &&
                    same_at(&args[0], args[0].u.text.len - args[1].u.text.len, &args[1]));
    return 0;
}

static int map_ascii(struct cel_context *c, size_t nargs, struct cel_value *args, char first,
                     struct cel_value *ret)
{
    char *data;

    if (!is_text(&args[0]))
        return eval_no_overload(c, nargs, args);
    if (eval_text(c, args[0].u.text.data, args[0].u.text.len, ret) < 0)
        return -1;
    data = (char *)ret->u.text.data; /* our own copy */
    for (size_t i = 0; i < ret->u.text.len; i++)
        if (data[i] >= first && data[i] <= first + 25)
            data[i] ^= 0x20;
    return 0;
}

static int fn_lower_ascii(struct cel_context *c, size_t nargs, struct cel_value *args,
                          struct cel_value *ret)
{
    return map_ascii(c, nargs, args, 'A', ret);
}

static int fn_upper_ascii(struct cel_context *c, size_t nargs, struct cel_value *args,
                          struct cel_value *ret)
{
    return map_ascii(c, nargs, args, 'a', ret);
}

static int fn_trim(struct cel_context *c, size_t nargs, struct cel_value *args,
                   struct cel_value *ret)
{
    const char *s = args[0].u.text.data;
    size_t start = 0, end = args[0].u.text.len, bytes;

    if (!is_text(&args[0]))
        return eval_no_overload(c, nargs, args);
    while (start < end && utf8_is_space(utf8_decode(s + start, end - start, &bytes)))
        start += bytes;
    while (end > start) {
        size_t last = end - 1;

        while (last > start && ((unsigned char)s[last] & 0xc0) == 0x80)
            last--;
        if (!utf8_is_space(utf8_decode(s + last, end - last, &bytes)))
            break;
        end = last;
    }
    *ret = value_text(s + start, end - start);
    return 0;
}

static int fn_char_at(struct cel_context *c, size_t nargs, struct cel_value *args,
                      struct cel_value *ret)
{
    const char *s = args[0].u.text.data;
    size_t len = args[0].u.text.len, at;
    int64_t index = args[1].u.integer;

    if (!is_text(&args[0]) || args[1].type != CEL_INT)
        return eval_no_overload(c, nargs, args);
    if (index < 0 || (uint64_t)index > utf8_count(s, len))
        return fail_range(c, index);
    at = utf8_offset(s, len, (size_t)index);
    *ret = value_text(s + at, at < len ? utf8_step(s + at, len - at) : 0);
    return eval_charge(c, len / 64);
}

static int fn_substring(struct cel_context *c, size_t nargs, struct cel_value *args,
                        struct cel_value *ret)
{
    const char *s = args[0].u.text.data;
    size_t len = args[0].u.text.len, from;
    int64_t count, start = args[1].u.integer, end;

    if (!is_text(&args[0]) || args[1].type != CEL_INT || (nargs == 3 && args[2].type != CEL_INT))
        return eval_no_overload(c, nargs, args);
    count = (int64_t)utf8_count(s, len);
    end = nargs == 3 ? args[2].u.integer : count;
    if (start < 0 || start > count)
        return fail_range(c, start);
    if (end < 0 || end > count)
        return fail_range(c, end);
    if (start > end)
        return eval_fail(c, ERR_INVALID, "bad substring range: start %lld is after end %lld",
                         (long long)start, (long long)end);
    from = utf8_offset(s, len, (size_t)start);
    *ret = value_text(s + from, utf8_offset(s + from, len - from, (size_t)(end - start)));
    return eval_charge(c, len / 32);
}

/* cel-spec refuses a place behind the end; Kubernetes' library finds nothing there. */
static bool is_beyond(const struct cel_context *c, int64_t from, size_t count)
{
    return c->program->env->standard && from > 0 && (uint64_t)from > count;
}

/* indexOf on a string; lists have their own in functions_lists.c. */
static int fn_index_of(struct cel_context *c, size_t nargs, struct cel_value *args,
                       struct cel_value *ret)
{
    const char *s = args[0].u.text.data, *found;
    int64_t from = nargs == 3 ? args[2].u.integer : 0;
    size_t count, at;

    if (!all_text(args, 2) || (nargs == 3 && args[2].type != CEL_INT))
        return eval_no_overload(c, nargs, args);
    if (from < 0)
        return fail_range(c, from);
    count = utf8_count(s, args[0].u.text.len);
    if (is_beyond(c, from, count))
        return fail_range(c, from);
    *ret = cel_int(args[1].u.text.len == 0 ? from : -1);
    if (args[1].u.text.len == 0 || (uint64_t)from >= count)
        return 0;
    at = utf8_offset(s, args[0].u.text.len, (size_t)from);
    found = find_text(&args[0], &args[1], at);
    if (found)
        *ret = cel_int(from + (int64_t)utf8_count(s + at, (size_t)(found - s) - at));
    return eval_charge(c, args[0].u.text.len / 16);
}

static int fn_last_index_of(struct cel_context *c, size_t nargs, struct cel_value *args,
                            struct cel_value *ret)
{
    const char *s = args[0].u.text.data;
    size_t len = args[0].u.text.len, what = args[1].u.text.len, count, at;

    if (!all_text(args, 2) || (nargs == 3 && args[2].type != CEL_INT))
        return eval_no_overload(c, nargs, args);
    if (nargs == 3 && args[2].u.integer < 0)
        return fail_range(c, args[2].u.integer);
    count = utf8_count(s, len);
    if (nargs == 3 && is_beyond(c, args[2].u.integer, count))
        return fail_range(c, args[2].u.integer);
    *ret = cel_int(what == 0 ? (nargs == 3 ? args[2].u.integer : (int64_t)count) : -1);
    if (what == 0 || what > len)
        return 0;
    at = len - what;
    if (nargs == 3) {
        size_t limit = utf8_offset(s, len, (size_t)args[2].u.integer);

        at = limit < at ? limit : at;
    }
    if (eval_charge(c, len / 8) < 0)
        return -1;
    for (;; at--) {
        if (same_at(&args[0], at, &args[1])) {
            *ret = cel_int((int64_t)utf8_count(s, at));
            return 0;
        }
        if (at == 0)
            return 0;
    }
}

/* Where the next match of `what` begins, for replace and split: an empty one matches before each
 * character and at the end. */
static bool next_match(const struct cel_value *in, const struct cel_value *what, size_t from,
                       size_t *ret_at)
{
    const char *found;

    if (what->u.text.len > 0) {
        found = find_text(in, what, from);
        if (found)
            *ret_at = (size_t)(found - in->u.text.data);
        return found != NULL;
    }
    *ret_at = from;
    return from <= in->u.text.len;
}

/* The position behind a match. */
static size_t skip_match(const struct cel_value *in, const struct cel_value *what, size_t at)
{
    if (what->u.text.len > 0)
        return at + what->u.text.len;
    return at < in->u.text.len ? at + utf8_step(in->u.text.data + at, in->u.text.len - at) : at + 1;
}

static size_t count_matches(const struct cel_value *in, const struct cel_value *what, int64_t limit)
{
    size_t count = 0, at;

    for (size_t from = 0; (limit < 0 || count < (uint64_t)limit) && next_match(in, what, from, &at);
         count++)
        from = skip_match(in, what, at);
    return count;
}

/* Appends at *used, which has been sized. */
static void put(char *out, size_t *used, const char *data, size_t len)
{
    if (len > 0)
        memcpy(out + *used, data, len);
    *used += len;
}

static int fn_replace(struct cel_context *c, size_t nargs, struct cel_value *args,
                      struct cel_value *ret)
{
    const struct cel_value *in = &args[0], *what = &args[1], *with = &args[2];
    size_t count, size, used = 0, copied = 0, at;
    char *out;

    if (!all_text(args, 3) || (nargs == 4 && args[3].type != CEL_INT))
        return eval_no_overload(c, nargs, args);
    count = count_matches(in, what, nargs == 4 ? args[3].u.integer : -1);
    if (with->u.text.len > 0 && count > CEL_STRING_MAX / with->u.text.len)
        return eval_fail(c, ERR_LIMIT, "a string of more than %zu KiB", CEL_STRING_MAX >> 10);
    size = in->u.text.len - count * what->u.text.len + count * with->u.text.len;
    out = eval_alloc(c, size + 1);
    if (!out || eval_charge(c, (in->u.text.len + size) / 16) < 0)
        return -1;
    for (size_t i = 0, from = 0; i < count && next_match(in, what, from, &at); i++) {
        put(out, &used, in->u.text.data + copied, at - copied);
        put(out, &used, with->u.text.data, with->u.text.len);
        copied = at + what->u.text.len;
        from = skip_match(in, what, at);
    }
    put(out, &used, in->u.text.data + copied, in->u.text.len - copied);
    out[used] = '\0';
    *ret = value_text(out, used);
    return 0;
}

/* Go's strings.SplitN: at most `limit` parts, all when negative; an empty separator splits into
 * characters. */
static int fn_split(struct cel_context *c, size_t nargs, struct cel_value *args,
                    struct cel_value *ret)
{
    const struct cel_value *in = &args[0], *by = &args[1];
    int64_t limit = nargs == 3 ? args[2].u.integer : -1;
    size_t count, from = 0, at;

    if (!all_text(args, 2) || (nargs == 3 && args[2].type != CEL_INT))
        return eval_no_overload(c, nargs, args);
    if (limit == 0)
        return eval_new_list(c, 0, ret);
    count = by->u.text.len ? count_matches(in, by, limit - 1) + 1
                           : utf8_count(in->u.text.data, in->u.text.len);
    if (limit > 0 && count > (uint64_t)limit)
        count = (size_t)limit;
    if (eval_new_list(c, count, ret) < 0 || eval_charge(c, count + in->u.text.len / 16) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (i + 1 == count)
            at = in->u.text.len;
        else if (by->u.text.len == 0)
            at = from + utf8_step(in->u.text.data + from, in->u.text.len - from);
        else if (!next_match(in, by, from, &at))
            at = in->u.text.len;
        ret->u.list->items[i] = value_text(in->u.text.data + from, at - from);
        from = at + by->u.text.len;
    }
    return 0;
}

static int fn_join(struct cel_context *c, size_t nargs, struct cel_value *args,
                   struct cel_value *ret)
{
    struct cel_value by = nargs == 2 ? args[1] : value_text("", 0);
    size_t count, size = 0, used = 0;
    char *out;

    if (args[0].type != CEL_LIST || !is_text(&by))
        return eval_no_overload(c, nargs, args);
    count = value_count(&args[0]);
    for (size_t i = 0; i < count; i++) {
        struct cel_value item = value_item(&args[0], i);

        if (!is_text(&item))
            return eval_fail(c, ERR_INVALID, "join() needs a list of strings, found %s",
                             cel_type_name(item.type));
        size += item.u.text.len + (i ? by.u.text.len : 0);
        if (size > CEL_STRING_MAX)
            return eval_fail(c, ERR_LIMIT, "a string of more than %zu KiB", CEL_STRING_MAX >> 10);
    }
    out = eval_alloc(c, size + 1);
    if (!out || eval_charge(c, count + size / 16) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct cel_value item = value_item(&args[0], i);

        if (i)
            put(out, &used, by.u.text.data, by.u.text.len);
        put(out, &used, item.u.text.data, item.u.text.len);
    }
    out[used] = '\0';
    *ret = value_text(out, used);
    return 0;
}

static int fn_reverse(struct cel_context *c, struct cel_value *text, struct cel_value *ret)
{
    const char *s = text->u.text.data;
    size_t len = text->u.text.len;
    char *out = eval_alloc(c, len + 1);

    if (!out || eval_charge(c, len / 16) < 0)
        return -1;
    for (size_t at = 0, bytes; at < len; at += bytes) {
        bytes = utf8_step(s + at, len - at);
        memcpy(out + len - at - bytes, s + at, bytes);
    }
    out[len] = '\0';
    *ret = value_text(out, len);
    return 0;
}

/* strings reverse here, lists in place of their items. */
static int fn_reverse_any(struct cel_context *c, size_t nargs, struct cel_value *args,
                          struct cel_value *ret)
{
    size_t count;

    if (is_text(&args[0]))
        return fn_reverse(c, &args[0], ret);
    if (args[0].type != CEL_LIST)
        return eval_no_overload(c, nargs, args);
    count = value_count(&args[0]);
    if (eval_new_list(c, count, ret) < 0 || eval_charge(c, count) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        ret->u.list->items[i] = value_item(&args[0], count - 1 - i);
    return 0;
}

static int fn_quote(struct cel_context *c, size_t nargs, struct cel_value *args,
                    struct cel_value *ret)
{
    AUTO(strbuf) struct strbuf out = {0};

    if (!is_text(&args[0]))
        return eval_no_overload(c, nargs, args);
    strbuf_addch(&out, '"');
    for (size_t i = 0; i < args[0].u.text.len; i++) {
        static const char from[] = "\a\b\f\n\r\t\v\\\"", to[] = "abfnrtv\\\"";
        char ch = args[0].u.text.data[i];
        const char *p = ch ? strchr(from, ch) : NULL;

        if (p)
            strbuf_addf(&out, "\\%c", to[p - from]);
        else
            strbuf_addch(&out, ch);
    }
    strbuf_addch(&out, '"');
    return eval_text(c, out.data, out.len, ret);
}

/* indexOf and lastIndexOf also exist on lists, where the value may be of any type. */
static int list_index(struct cel_context *c, const struct cel_value *args, bool last,
                      struct cel_value *ret)
{
    size_t count = value_count(&args[0]);
    uint64_t steps = 0;

    *ret = cel_int(-1);
    for (size_t i = 0; i < count; i++) {
        size_t at = last ? count - 1 - i : i;
        struct cel_value item = value_item(&args[0], at);

        if (value_equal(&item, &args[1], &steps)) {
            *ret = cel_int((int64_t)at);
            break;
        }
    }
    return eval_charge(c, steps);
}

static int fn_index_of_any(struct cel_context *c, size_t nargs, struct cel_value *args,
                           struct cel_value *ret)
{
    if (args[0].type == CEL_LIST && nargs == 2)
        return list_index(c, args, false, ret);
    return fn_index_of(c, nargs, args, ret);
}

static int fn_last_index_of_any(struct cel_context *c, size_t nargs, struct cel_value *args,
                                struct cel_value *ret)
{
    if (args[0].type == CEL_LIST && nargs == 2)
        return list_index(c, args, true, ret);
    return fn_last_index_of(c, nargs, args, ret);
}

static const struct cel_std rows[] = {
    {"size", STD_BOTH, 1, 1, 0, fn_size, "bytes->int;list(A)->int;map(A,B)->int;string->int", 0,
     COST_CALL},
    {"contains", STD_MEMBER, 2, 2, 0, fn_contains, "string,string->bool", 0, COST_SEARCH},
    {"startsWith", STD_MEMBER, 2, 2, 0, fn_starts_with, "string,string->bool", 0, COST_TEXT},
    {"endsWith", STD_MEMBER, 2, 2, 0, fn_ends_with, "string,string->bool", 0, COST_TEXT},
    {"lowerAscii", STD_MEMBER, 1, 1, 0, fn_lower_ascii, "string->string", 0, COST_TEXT},
    {"upperAscii", STD_MEMBER, 1, 1, 0, fn_upper_ascii, "string->string", 0, COST_TEXT},
    {"trim", STD_MEMBER, 1, 1, 0, fn_trim, "string->string", 0, COST_TEXT},
    {"charAt", STD_MEMBER, 2, 2, 0, fn_char_at, "string,int->string", 0, COST_CALL},
    {"substring", STD_MEMBER, 2, 3, 0, fn_substring, "string,int->string;string,int,int->string", 0,
     COST_TEXT},
    {"indexOf", STD_MEMBER, 2, 3, 0, fn_index_of_any,
     "string,string->int;string,string,int->int;list(A),A->int", 0, COST_TREE},
    {"lastIndexOf", STD_MEMBER, 2, 3, 0, fn_last_index_of_any,
     "string,string->int;string,string,int->int;list(A),A->int", 0, COST_TREE},
    {"replace", STD_MEMBER, 3, 4, 0, fn_replace,
     "string,string,string->string;string,string,string,int->string", 0, COST_TEXT_TWICE},
    {"split", STD_MEMBER, 2, 3, 0, fn_split,
     "string,string->list(string);string,string,int->list(string)", 0, COST_TEXT_TWICE},
    {"join", STD_MEMBER, 1, 2, 0, fn_join, "list(string)->string;list(string),string->string", 0,
     COST_RESULT},
    {"reverse", STD_MEMBER, 1, 1, 0, fn_reverse_any, "*string->string;list(A)->list(A)", 34,
     COST_CALL},
    {"strings.quote", STD_GLOBAL, 1, 1, 0, fn_quote, "string->string", 29, COST_TEXT},
};

const struct std_family std_strings = {.rows = rows, .count = ARRAY_LEN(rows)};
