#include "base/yaml_source_priv.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

/* ---- bytes ---- */

/* YAML 1.1 ends a line at these, 1.2 and every editor do not. */
static bool is_odd_break(const unsigned char *p, size_t len)
{
    return (len == 2 && p[0] == 0xc2 && p[1] == 0x85) ||
           (len == 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] & 0xfe) == 0xa8);
}

static bool is_control(const unsigned char *p, size_t len)
{
    return (len == 1 && (p[0] == 0x7f || (p[0] < 0x20 && !strchr("\t\n\r", p[0])))) || p[0] == 0 ||
           (len == 2 && p[0] == 0xc2 && p[1] < 0xa0) ||
           (len == 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe);
}

static void add_line(struct yaml_source *s, size_t start)
{
    assert(s->line_count == 0 || start > s->line_starts[s->line_count - 1]);
    s->line_starts =
        mem_grow(s->line_starts, &s->line_cap, s->line_count + 1, sizeof *s->line_starts);
    s->line_starts[s->line_count++] = start;
}

/* Byte position of the offset, which lies in the last line begun so far. */
static struct src_pos pos_at(const struct yaml_source *s, size_t offset)
{
    assert(s->line_count > 0);
    assert(offset >= s->line_starts[s->line_count - 1]);
    return (struct src_pos){s->file, (uint32_t)s->line_count,
                            (uint32_t)(offset - s->line_starts[s->line_count - 1]) + 1};
}

bool yaml_source_check(struct yaml_source *s, struct diags *diags)
{
    const unsigned char *p = (const unsigned char *)s->text;
    size_t errors = diags->errors;

    add_line(s, 0);
    for (size_t i = 0; i < s->len;) {
        size_t len = p[i] < 0x80 ? 1 : utf8_length(s->text + i, s->len - i);

        if (len == 0) {
            diags_add(diags, DIAG_ERROR, pos_at(s, i), "invalid UTF-8: byte 0x%02x", p[i]);
            return false;
        }
        if (is_odd_break(p + i, len))
            diags_add_hint(diags, DIAG_ERROR, pos_at(s, i),
                           "write it as \\N, \\L or \\P in a double-quoted string",
                           "Unicode line break that YAML 1.1 and 1.2 read differently");
        else if (is_control(p + i, len))
            diags_add(diags, DIAG_ERROR, pos_at(s, i), "control character 0x%02x is not allowed",
                      p[i + len - 1]);
        else if (p[i] == '\r' && (i + 1 == s->len || p[i + 1] != '\n'))
            diags_add(diags, DIAG_ERROR, pos_at(s, i), "carriage return without a line feed");
        if (diags->errors - errors > DIAGS_MAX)
            return false; /* no text at all */
        i += len;
        if (p[i - 1] == '\n')
            add_line(s, i);
    }
    return diags->errors == errors;
}

/* ---- places ---- */

size_t yaml_source_offset(struct yaml_source *s, size_t line, size_t column)
{
    const unsigned char *p = (const unsigned char *)s->text;
    size_t i, left = column;

    if (line >= s->line_count)
        return s->len;
    i = s->line_starts[line];
    if (line == s->last.line && column >= s->last.column) {
        i += s->last.offset;
        left -= s->last.column;
    }
    while (left-- && i < s->len) {
        i++;
        while (i < s->len && (p[i] & 0xc0) == 0x80)
            i++;
    }
    assert(i <= s->len);
    s->last.line = line;
    s->last.column = column;
    s->last.offset = i - s->line_starts[line];
    return i;
}

struct src_pos yaml_source_pos(struct yaml_source *s, size_t line, size_t column)
{
    size_t in = line < s->line_count ? line : s->line_count - 1;

    return (struct src_pos){s->file, (uint32_t)in + 1,
                            (uint32_t)(yaml_source_offset(s, line, column) - s->line_starts[in]) +
                                1};
}

void yaml_source_finish(struct yaml_source *s)
{
    free(s->line_starts);
    s->line_starts = NULL;
    s->line_count = s->line_cap = 0;
}
