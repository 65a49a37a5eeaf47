/* One error: a code, a place, a message, a hint. The list of many is diags.c, the printer
 * err_print.c, "did you mean" err_suggest.c. */
#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

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
