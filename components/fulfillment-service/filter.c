#include "components/fulfillment-service/filter.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "components/fulfillment-service/filter_priv.h"

static bool is_blank(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!strchr(" \t\r\n", text[i]) || !text[i])
            return false;
    return true;
}

int filter_fail_place(struct err *reterr)
{
    if (reterr && reterr->pos.line)
        err_wrap(reterr, NO_POS, "column %u", reterr->pos.col);
    return -1;
}

/* Of a text of several lines the message itself tells line and column. */
static int fail_place(const struct filter *f, struct err *reterr)
{
    return f->program && !f->program->source.one_line ? -1 : filter_fail_place(reterr);
}

int filter_compile(const char *text, size_t len, const struct filter_fields *fields, int64_t now_ns,
                   struct filter **ret, struct err *reterr)
{
    AUTO(filter) struct filter *f = NULL;

    if (is_blank(text, len)) {
        *ret = NULL;
        return 0;
    }
    if (len > FILTER_TEXT_MAX)
        return err_set(reterr, ERR_LIMIT, NO_POS, "the filter has %zu bytes, the limit is %u", len,
                       FILTER_TEXT_MAX);
    f = mem_zalloc(sizeof *f);
    f->program = cel_parse(text, len, (struct src_pos){NULL, 1, 1}, reterr);
    if (!f->program || filter_check(f, fields, now_ns, reterr) < 0)
        return fail_place(f, reterr);
    *ret = TAKE(f);
    return 0;
}

void filter_destroy(struct filter *f)
{
    if (!f)
        return;
    cel_program_destroy(f->program);
    arena_finish(&f->arena);
    free(f);
}

/* ---- order ---- */

struct words {
    const char *text;
    size_t len, at;
};

static struct src_pos place_of(size_t at)
{
    return (struct src_pos){NULL, 1, (uint32_t)at + 1};
}

static void skip_blank(struct words *w)
{
    while (w->at < w->len && is_blank(w->text + w->at, 1))
        w->at++;
}

/* Up to a blank, a comma or the end. */
static size_t word_length(const struct words *w)
{
    size_t end = w->at;

    while (end < w->len && w->text[end] != ',' && !is_blank(w->text + end, 1))
        end++;
    return end - w->at;
}

static bool word_is(const struct words *w, size_t len, const char *word)
{
    return strlen(word) == len && strncasecmp(w->text + w->at, word, len) == 0;
}

static bool is_path(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '_' && text[i] != '.')
            return false;
    return true;
}

static bool may_order(const struct filter_field *f)
{
    return f && f->type != FILTER_MESSAGE && f->type != FILTER_STRINGS && f->type != FILTER_LABELS;
}

static int check_key(struct words *w, size_t len, const struct filter_fields *fields,
                     const struct order *o, const struct filter_field **ret, struct err *reterr)
{
    char path[FILTER_PATH_MAX + 1] = "";
    size_t prefix = len > 5 && strncmp(w->text + w->at, "this.", 5) == 0 ? 5 : 0;
    const struct filter_field *f;

    if (len - prefix > FILTER_PATH_MAX || !is_path(w->text + w->at, len))
        return err_set(reterr, ERR_INVALID, place_of(w->at), "this is no field to order by");
    memcpy(path, w->text + w->at + prefix, len - prefix);
    f = filter_field_find(fields, path, NULL);
    if (!may_order(f)) {
        err_set(reterr, ERR_INVALID, place_of(w->at), "there is no field '%s' to order by", path);
        filter_field_suggest(fields, path, reterr);
        return -1;
    }
    for (size_t i = 0; i < o->count; i++)
        if (o->keys[i].field == f)
            return err_set(reterr, ERR_INVALID, place_of(w->at), "'%s' is there twice", path);
    *ret = f;
    return 0;
}

static int read_direction(struct words *w, bool *ret, struct err *reterr)
{
    size_t len;

    skip_blank(w);
    len = word_length(w);
    *ret = word_is(w, len, "desc");
    if (len > 0 && !*ret && !word_is(w, len, "asc"))
        return err_set(reterr, ERR_SYNTAX, place_of(w->at),
                       "expected 'asc', 'desc', ',' or the end after a field");
    w->at += len;
    skip_blank(w);
    if (w->at < w->len && w->text[w->at] != ',')
        return err_set(reterr, ERR_SYNTAX, place_of(w->at), "expected ',' or the end");
    return 0;
}

static int read_key(struct words *w, const struct filter_fields *fields, struct order *o,
                    struct err *reterr)
{
    struct order_key *key = &o->keys[o->count];
    size_t len;

    skip_blank(w);
    len = word_length(w);
    if (len == 0)
        return err_set(reterr, ERR_SYNTAX, place_of(w->at), "expected a field to order by");
    if (o->count == ORDER_KEYS_MAX)
        return err_set(reterr, ERR_LIMIT, place_of(w->at), "an order has at most %d fields",
                       ORDER_KEYS_MAX);
    if (check_key(w, len, fields, o, &key->field, reterr) < 0)
        return -1;
    w->at += len;
    if (read_direction(w, &key->descending, reterr) < 0)
        return -1;
    o->count++;
    return 0;
}

int order_compile(const char *text, size_t len, const struct filter_fields *fields,
                  struct order **ret, struct err *reterr)
{
    AUTO(order) struct order *o = NULL;
    struct words w = {text, len, 0};

    if (is_blank(text, len)) {
        *ret = NULL;
        return 0;
    }
    if (len > FILTER_TEXT_MAX)
        return err_set(reterr, ERR_LIMIT, NO_POS, "the order has %zu bytes, the limit is %u", len,
                       FILTER_TEXT_MAX);
    o = mem_zalloc(sizeof *o);
    for (bool more = true; more; w.at++) {
        if (read_key(&w, fields, o, reterr) < 0)
            return filter_fail_place(reterr);
        more = w.at < w.len;
    }
    *ret = TAKE(o);
    return 0;
}

void order_destroy(struct order *o)
{
    free(o);
}
