/* Searching with regular expressions (RE2): not anchored, so 'xtruex'.matches('true') holds. */
#include "cel/functions.h"
#include "cel/utf8.h"

/* The regex of args[1], with the search charged. */
static const struct regex *begin(struct cel_context *c, size_t nargs, struct cel_value *args)
{
    if (args[0].type != CEL_STRING || args[1].type != CEL_STRING ||
        (nargs == 3 && args[2].type != CEL_INT)) {
        eval_no_overload(c, nargs, args);
        return NULL;
    }
    if (eval_charge(c, 1 + args[0].u.text.len / 8) < 0)
        return NULL;
    return eval_regex(c, &args[1]);
}

static int fn_matches(struct cel_context *c, size_t nargs, struct cel_value *args,
                      struct cel_value *ret)
{
    const struct regex *re = begin(c, nargs, args);

    if (!re)
        return -1;
    *ret = cel_bool(regex_find(re, args[0].u.text.data, args[0].u.text.len, 0, NULL, NULL));
    return 0;
}

static int fn_find(struct cel_context *c, size_t nargs, struct cel_value *args,
                   struct cel_value *ret)
{
    const struct regex *re = begin(c, nargs, args);
    size_t start = 0, end = 0;

    if (!re)
        return -1;
    if (!regex_find(re, args[0].u.text.data, args[0].u.text.len, 0, &start, &end))
        start = end = 0;
    *ret = value_text(args[0].u.text.data + start, end - start);
    return 0;
}

/* Finds the match number *count and moves on as Go's FindAllString does: an empty match right
 * behind a match does not count. */
static bool next_found(const struct regex *re, const struct cel_value *in, size_t *at,
                       size_t *last_end, size_t *ret_start, size_t *ret_end)
{
    while (*at <= in->u.text.len &&
           regex_find(re, in->u.text.data, in->u.text.len, *at, ret_start, ret_end)) {
        bool empty = *ret_start == *ret_end, counts = !empty || *ret_start != *last_end;

        *last_end = *ret_end;
        *at = *ret_end;
        if (empty)
            *at += *ret_end < in->u.text.len
                       ? utf8_step(in->u.text.data + *ret_end, in->u.text.len - *ret_end)
                       : 1;
        if (counts)
            return true;
    }
    return false;
}

static int fn_find_all(struct cel_context *c, size_t nargs, struct cel_value *args,
                       struct cel_value *ret)
{
    const struct regex *re = begin(c, nargs, args);
    int64_t limit = nargs == 3 ? args[2].u.integer : -1;
    size_t at, last, start, end, count = 0;

    if (!re)
        return -1;
    /* Two rounds: the first counts, the second fills a list of that size. */
    for (at = 0, last = SIZE_MAX; limit < 0 || count < (uint64_t)limit; count++)
        if (eval_charge(c, 1) < 0)
            return -1;
        else if (!next_found(re, &args[0], &at, &last, &start, &end))
            break;
    if (eval_new_list(c, count, ret) < 0)
        return -1;
    at = 0;
    last = SIZE_MAX;
    for (size_t i = 0; i < count && next_found(re, &args[0], &at, &last, &start, &end); i++)
        ret->u.list->items[i] = value_text(args[0].u.text.data + start, end - start);
    return 0;
}

static const struct cel_std rows[] = {
    {"matches", STD_BOTH, 2, 2, STD_REGEX, fn_matches, "string,string->bool", 0, COST_PATTERN},
    {"find", STD_MEMBER, 2, 2, STD_REGEX, fn_find, "string,string->string", 0, COST_PATTERN},
    {"findAll", STD_MEMBER, 2, 3, STD_REGEX, fn_find_all,
     "string,string->list(string);string,string,int->list(string)", 0, COST_PATTERN},
};

const struct std_family std_text_search = {.rows = rows, .count = ARRAY_LEN(rows)};
