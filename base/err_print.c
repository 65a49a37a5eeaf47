/* The one printer. Positions are printed in the form that editors and CI already understand:
 * FILE:LINE:COL. */
#include "base/err.h"

#include <string.h>

#include "base/plural.h"
#include "base/utf8.h"

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
        fprintf(out, "vmconform: %zu more %s not shown\n", d->dropped,
                plural(d->dropped, "error", "errors"));
}
