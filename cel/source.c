/* See source.h. Who has a text from a YAML scalar of several lines tells where its parts stand.
 * Where nobody knows, a column would be wrong: the message carries the place inside the expression.
 */
#include "cel/source.h"

#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "cel/utf8.h"

/* cel-go shows no line that is longer. */
#define SHOWN_LINE_MAX 16384

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

    if (s->issue && !s->issue->msg) {
        va_list again;

        va_copy(again, ap);
        *s->issue = (struct source_issue){mem_vprintf(fmt, again), offset};
        va_end(again);
    }
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

/* Characters, and whether each is of one byte: a wider one gets a wider dot. */
static void mark_line(struct strbuf *out, const char *line, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t size = utf8_step(line + i, len - i);

        strbuf_addstr(out, size > 1 ? "\uff0e" : ".");
        i += size;
    }
}

char *source_show(const struct source *s, const char *msg, size_t offset)
{
    AUTO(strbuf) struct strbuf out = {0};
    size_t start = 0, end, column = 1;
    unsigned line = 1;

    for (size_t i = 0; i < offset; i++) {
        column += ((unsigned char)s->text[i] & 0xC0) != 0x80;
        if (s->text[i] == '\n') {
            line++;
            column = 1;
            start = i + 1;
        }
    }
    strbuf_addf(&out, "ERROR: <input>:%u:%zu: %s", line, column, msg);
    for (end = start; end < s->len && s->text[end] != '\n'; end++)
        ;
    if (end - start > SHOWN_LINE_MAX)
        return mem_strdup(strbuf_str(&out));
    strbuf_addstr(&out, "\n | ");
    for (size_t i = start; i < end; i++)
        strbuf_add(&out, s->text[i] == '\t' ? " " : &s->text[i], 1);
    strbuf_addstr(&out, "\n | ");
    mark_line(&out, s->text + start, offset - start);
    strbuf_addstr(&out,
                  offset < end && utf8_step(s->text + offset, end - offset) > 1 ? "\uff3e" : "^");
    return mem_strdup(strbuf_str(&out));
}
