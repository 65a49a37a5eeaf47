#include "components/bsl/failure.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int failure_set(struct err *e, enum err_code code, const char *tag, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = mem_vprintf(fmt, ap);
    va_end(ap);
    err_set(e, code, NO_POS, "%s: %s", tag, text);
    free(text);
    return -1;
}

int failure_wrap(struct err *e, const char *tag, const char *fmt, ...)
{
    if (!e || e->code == ERR_CRASHED)
        return -1;
    va_list ap;
    va_start(ap, fmt);
    char *text = mem_vprintf(fmt, ap);
    va_end(ap);
    err_wrap(e, NO_POS, "%s: %s", e->code == ERR_NO_SPACE ? FAILURE_NO_SPACE : tag, text);
    free(text);
    return -1;
}

int failure_join(struct err *e, struct err *more)
{
    if (!err_pending(more))
        return err_pending(e) ? -1 : 0;
    if (!err_pending(e))
        return err_move(e, more);
    if (more->code != ERR_CRASHED) {
        char *text = mem_printf("%s; %s", e->msg, more->msg);
        free(e->msg);
        e->msg = text;
    }
    err_clear(more);
    return -1;
}

#define CUT "..."

/* Where a text of UTF-8 may be cut: not inside of a character. */
static size_t place_to_cut(const char *text, size_t at)
{
    while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
        at--;
    return at;
}

char *failure_plain(const char *text)
{
    size_t len = strlen(text);
    char *line =
        len <= FAILURE_TEXT_MAX
            ? mem_strdup(text)
            : mem_printf("%.*s" CUT, (int)place_to_cut(text, FAILURE_TEXT_MAX - strlen(CUT)), text);
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    return line;
}
