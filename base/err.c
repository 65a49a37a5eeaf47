/* See err.h. Positions are printed in the form that editors and CI already understand:
 * FILE:LINE:COL. */
#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/utf8.h"

int err_setv(struct err *e, enum err_code code, struct src_pos pos, const char *fmt, va_list ap)
{
    assert(code != ERR_NONE);
    if (!e)
        return -1;
    assert(e->code == ERR_NONE);
    e->code = code;
    e->pos = pos;
    e->msg = mem_vprintf(fmt, ap);
    e->hint = NULL;
    return -1;
}

int err_set(struct err *e, enum err_code code, struct src_pos pos, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    err_setv(e, code, pos, fmt, ap);
    va_end(ap);
    return -1;
}

static enum err_code code_of_errno(int errnum)
{
    switch (errnum) {
    case ENOSPC:
    case EDQUOT:
        return ERR_NO_SPACE;
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    default:
        return ERR_IO;
    }
}

int err_set_errno(struct err *e, int errnum, struct src_pos pos, const char *fmt, ...)
{
    va_list ap;
    AUTO(str) char *what = NULL;

    va_start(ap, fmt);
    what = mem_vprintf(fmt, ap);
    va_end(ap);
    return err_set(e, code_of_errno(errnum), pos, "%s: %s", what, strerror(errnum));
}

int err_wrap(struct err *e, struct src_pos pos_if_none, const char *fmt, ...)
{
    va_list ap;
    AUTO(str) char *outer = NULL;
    char *inner;

    if (!e)
        return -1;
    assert(e->code != ERR_NONE);
    va_start(ap, fmt);
    outer = mem_vprintf(fmt, ap);
    va_end(ap);
    inner = e->msg;
    e->msg = mem_printf("%s: %s", outer, inner);
    free(inner);
    if (e->pos.line == 0)
        e->pos = pos_if_none;
    return -1;
}

int err_hint(struct err *e, const char *fmt, ...)
{
    va_list ap;

    if (!e)
        return -1;
    assert(e->code != ERR_NONE);
    free(e->hint);
    va_start(ap, fmt);
    e->hint = mem_vprintf(fmt, ap);
    va_end(ap);
    return -1;
}

int err_move(struct err *to, struct err *from)
{
    assert(from->code != ERR_NONE);
    if (to) {
        assert(to->code == ERR_NONE);
        *to = *from;
        *from = (struct err){0};
    } else {
        err_clear(from);
    }
    return -1;
}

void err_clear(struct err *e)
{
    if (!e)
        return;
    free(e->msg);
    free(e->hint);
    *e = (struct err){0};
}

/* Names of files that errors point into. A process reads few of them, and positions outlive the
 * documents they came from, so they stay for good. The list stays reachable, so it is no leak. */
struct interned {
    struct interned *next;
    char name[];
};
static struct interned *interned_files;

const char *err_intern_file(const char *name)
{
    size_t bytes = strlen(name) + 1;
    struct interned *it;

    for (it = interned_files; it; it = it->next)
        if (strcmp(it->name, name) == 0)
            return it->name;
    it = mem_alloc(sizeof *it + bytes);
    memcpy(it->name, name, bytes);
    it->next = interned_files;
    interned_files = it;
    return it->name;
}

static void diags_addv(struct diags *d, enum diag_level level, struct src_pos pos, const char *hint,
                       const char *fmt, va_list ap)
{
    struct diag *item;

    if (level == DIAG_ERROR && ++d->errors > DIAGS_MAX) {
        d->dropped++;
        return;
    }
    d->items = mem_grow(d->items, &d->cap, d->count + 1, sizeof *d->items);
    item = &d->items[d->count++];
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

/* C0 controls but tab, DEL, C1 controls and broken UTF-8 must not reach a terminal. */
static void print_escaped(FILE *out, const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;

    for (size_t i = 0; i < len;) {
        size_t n = utf8_length(text + i, len - i);
        bool c1 = n == 2 && s[i] == 0xc2 && s[i + 1] < 0xa0;

        if (n == 0 || c1 || (s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f) {
            fprintf(out, "\\x%02x", c1 ? s[i + 1] : s[i]);
            i += c1 ? 2 : 1;
            continue;
        }
        fwrite(s + i, 1, n, out);
        i += n;
    }
}

static bool find_line(const char *source, size_t len, uint32_t line, const char **ret_line,
                      size_t *ret_len)
{
    const char *p = source, *end = source + len;

    for (uint32_t n = 1; n < line; n++) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));

        if (!nl)
            return false;
        p = nl + 1;
    }
    *ret_line = p;
    {
        const char *nl = memchr(p, '\n', (size_t)(end - p));

        *ret_len = (size_t)((nl ? nl : end) - p);
    }
    return true;
}

static bool word_char(char c)
{
    return c == '_' || c == '-' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || (c & 0x80);
}

#define SHOWN_LINE_MAX 160

static void print_source(FILE *out, const struct src_pos *pos, const char *source, size_t len)
{
    const char *line;
    size_t line_len, i, width = 1;

    if (!source || pos->line == 0 || !find_line(source, len, pos->line, &line, &line_len))
        return;
    if (line_len > SHOWN_LINE_MAX)
        line_len = SHOWN_LINE_MAX;
    fprintf(out, "%5u | ", pos->line);
    print_escaped(out, line, line_len);
    fputc('\n', out);
    if (pos->col == 0 || pos->col > line_len)
        return;
    fputs("      | ", out);
    for (i = 0; i + 1 < pos->col; i++)
        fputc(line[i] == '\t' ? '\t' : ' ', out);
    while (pos->col - 1 + width < line_len && word_char(line[pos->col - 1]) &&
           word_char(line[pos->col - 1 + width]))
        width++;
    fputc('^', out);
    while (--width)
        fputc('~', out);
    fputc('\n', out);
}

static const char *level_name(enum diag_level level)
{
    switch (level) {
    case DIAG_ERROR:
        return "error";
    case DIAG_WARNING:
        return "warning";
    case DIAG_NOTE:
        return "note";
    }
    return "error";
}

static void print_one(FILE *out, enum diag_level level, const struct err *e, const char *source,
                      size_t source_len)
{
    if (e->pos.file) {
        print_escaped(out, e->pos.file, strlen(e->pos.file));
        if (e->pos.line && e->pos.col)
            fprintf(out, ":%u:%u", e->pos.line, e->pos.col);
        else if (e->pos.line)
            fprintf(out, ":%u", e->pos.line);
        fputs(": ", out);
    } else {
        fputs("vmconform: ", out);
    }
    fprintf(out, "%s: ", level_name(level));
    print_escaped(out, e->msg, strlen(e->msg));
    fputc('\n', out);
    print_source(out, &e->pos, source, source_len);
    if (e->hint) {
        fputs("  hint: ", out);
        print_escaped(out, e->hint, strlen(e->hint));
        fputc('\n', out);
    }
}

void err_print(FILE *out, const struct err *e, const char *source, size_t source_len)
{
    print_one(out, DIAG_ERROR, e, source, source_len);
}

void diag_print(FILE *out, const struct diag *d, const char *source, size_t source_len)
{
    print_one(out, d->level, &d->err, source, source_len);
}

void diags_print(FILE *out, const struct diags *d, const char *source, size_t source_len)
{
    for (size_t i = 0; i < d->count; i++)
        diag_print(out, &d->items[i], source, source_len);
    if (d->dropped)
        fprintf(out, "vmconform: %zu more errors not shown\n", d->dropped);
}

#define NEAREST_MAX 40

/* Damerau-Levenshtein distance, bounded: words longer than NEAREST_MAX are never near. */
static size_t distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    size_t d[NEAREST_MAX + 1][NEAREST_MAX + 1];

    if (la > NEAREST_MAX || lb > NEAREST_MAX)
        return SIZE_MAX;
    for (size_t i = 0; i <= la; i++)
        d[i][0] = i;
    for (size_t k = 0; k <= lb; k++)
        d[0][k] = k;
    for (size_t i = 1; i <= la; i++) {
        for (size_t k = 1; k <= lb; k++) {
            size_t cost = a[i - 1] == b[k - 1] ? 0 : 1;
            size_t best = d[i - 1][k - 1] + cost;

            if (d[i - 1][k] + 1 < best)
                best = d[i - 1][k] + 1;
            if (d[i][k - 1] + 1 < best)
                best = d[i][k - 1] + 1;
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] &&
                d[i - 2][k - 2] + 1 < best)
                best = d[i - 2][k - 2] + 1;
            d[i][k] = best;
        }
    }
    return d[la][lb];
}

const char *err_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 1;

    for (size_t i = 0; i < count; i++) {
        size_t dist = distance(word, candidates[i]);

        if (dist <= best_distance && (!best || dist < best_distance)) {
            best = candidates[i];
            best_distance = dist;
        }
    }
    return best;
}
