/* See source.h. Who has a text from a YAML scalar of several lines tells where its parts stand.
 * Where nobody knows, a column would be wrong: the message carries the place inside the expression.
 */
#include "cel/source.h"

#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

void source_init(struct source *s, const char *text, size_t len, struct src_pos pos)
{
    *s = (struct source){
        .text = text, .len = len, .pos = pos, .one_line = memchr(text, '\n', len) == NULL};
}

struct src_pos source_pos(const struct source *s, size_t offset)
{
    struct src_pos pos = s->pos;

    assert(offset <= s->len);
    if (s->run_count)
        return src_runs_pos(s->runs, s->run_count, offset);
    if (s->one_line)
        pos.col += (uint32_t)offset;
    return pos;
}

static void line_and_column(const struct source *s, size_t offset, unsigned *ret_line,
                            unsigned *ret_col)
{
    unsigned line = 1, col = 1;

    for (size_t i = 0; i < offset && i < s->len; i++) {
        col++;
        if (s->text[i] == '\n') {
            line++;
            col = 1;
        }
    }
    *ret_line = line;
    *ret_col = col;
}

int source_failv(const struct source *s, struct err *reterr, enum err_code code, size_t offset,
                 const char *fmt, va_list ap)
{
    AUTO(str) char *msg = NULL;
    unsigned line, col;

    if (!reterr)
        return -1;
    if (s->one_line || s->run_count)
        return err_setv(reterr, code, source_pos(s, offset), fmt, ap);
    msg = mem_vprintf(fmt, ap);
    line_and_column(s, offset, &line, &col);
    return err_set(reterr, code, s->pos, "%s (line %u, column %u of the expression)", msg, line,
                   col);
}

int source_fail(const struct source *s, struct err *reterr, enum err_code code, size_t offset,
                const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    source_failv(s, reterr, code, offset, fmt, ap);
    va_end(ap);
    return -1;
}
