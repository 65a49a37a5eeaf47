/* A capped list of independent mistakes, told in the order of the files. */
#include "base/err.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void diags_addv(struct diags *d, enum diag_level level, struct src_pos pos, const char *hint,
                       const char *fmt, va_list ap)
{
    struct diag *item;

    assert(d->errors >= d->dropped);
    if (level == DIAG_ERROR && ++d->errors > DIAGS_MAX) {
        d->dropped++;
        return;
    }
    d->items = mem_grow(d->items, &d->cap, d->count + 1, sizeof *d->items);
    item = &d->items[d->count++];
    assert(d->errors - d->dropped <= DIAGS_MAX);
    *item = (struct diag){.level = level};
    err_setv(&item->err, ERR_INVALID, pos, fmt, ap);
    if (hint)
        item->err.hint = mem_strdup(hint);
}

void diags_add(struct diags *d, enum diag_level level, struct src_pos pos, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    diags_addv(d, level, pos, NULL, fmt, ap);
    va_end(ap);
}

void diags_add_hint(struct diags *d, enum diag_level level, struct src_pos pos, const char *hint,
                    const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    diags_addv(d, level, pos, hint, fmt, ap);
    va_end(ap);
}

void diags_take(struct diags *d, struct err *e)
{
    assert(e->code != ERR_NONE);
    if (++d->errors > DIAGS_MAX) {
        d->dropped++;
        err_clear(e);
        return;
    }
    d->items = mem_grow(d->items, &d->cap, d->count + 1, sizeof *d->items);
    d->items[d->count].level = DIAG_ERROR;
    d->items[d->count].err = *e;
    d->count++;
    assert(d->errors - d->dropped <= DIAGS_MAX);
    *e = (struct err){0};
}

static int compare_pos(const struct src_pos *a, const struct src_pos *b)
{
    int c = strcmp(a->file ? a->file : "", b->file ? b->file : "");

    if (c)
        return c;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->col != b->col)
        return a->col < b->col ? -1 : 1;
    return 0;
}

void diags_sort(struct diags *d)
{
    /* Insertion sort: stable, and there are at most a few dozen. */
    for (size_t i = 1; i < d->count; i++) {
        struct diag item = d->items[i];
        size_t k = i;

        while (k > 0 && compare_pos(&d->items[k - 1].err.pos, &item.err.pos) > 0) {
            d->items[k] = d->items[k - 1];
            k--;
        }
        d->items[k] = item;
    }
}

void diags_finish(struct diags *d)
{
    for (size_t i = 0; i < d->count; i++)
        err_clear(&d->items[i].err);
    free(d->items);
    *d = (struct diags){0};
}
