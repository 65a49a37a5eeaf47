/* Where the text of a scalar stands in its file, byte for byte: libyaml tells where it begins and
 * ends, and what it reads, so the two are laid side by side. White space may have been folded or
 * taken away; every other character stands in both, in double quotes perhaps as an escape. */
#include "base/yaml_runs_priv.h"

#include <string.h>

#include "base/mem.h"

struct pair {
    struct yaml_source *source;
    size_t at, end; /* in the file */
    char quote;     /* '"', '\'' or 0 */
    size_t line;    /* of `at`, from 0 */
    struct src_run *runs;
    size_t count, cap;
};

static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static char here(const struct pair *p)
{
    return p->at < p->end ? p->source->text[p->at] : '\0';
}

static void step(struct pair *p, size_t bytes)
{
    for (; bytes && p->at < p->end; bytes--)
        if (p->source->text[p->at++] == '\n')
            p->line++;
}

/* A line that ends with a backslash goes on in the next one. */
static bool is_joint(const struct pair *p)
{
    const char *text = p->source->text;

    return p->quote == '"' && here(p) == '\\' && p->at + 1 < p->end &&
           (text[p->at + 1] == '\n' || text[p->at + 1] == '\r');
}

/* Bytes of the escape that stands here; 0: none does. */
static size_t escape_size(const struct pair *p)
{
    if (p->quote == '\'' && here(p) == '\'')
        return 2;
    if (p->quote != '"' || here(p) != '\\' || p->at + 1 >= p->end || is_joint(p))
        return 0;
    switch (p->source->text[p->at + 1]) {
    case 'x':
        return 4;
    case 'u':
        return 6;
    case 'U':
        return 10;
    default:
        return 2;
    }
}

/* What the digits of an escape say; those that are none are refused before. */
static unsigned long escape_value(const char *digits, size_t count)
{
    char text[9] = "";

    memcpy(text, digits, count);
    return strtoul(text, NULL, 16);
}

/* Bytes of the escape that stands here for white space; 0: none does. */
static size_t white_escape(const struct pair *p)
{
    const char *text = p->source->text + p->at;
    size_t size = p->quote == '"' ? escape_size(p) : 0;

    if (size == 0 || size > p->end - p->at)
        return 0;
    if (size == 2)
        return strchr(" \ttnr", text[1]) ? size : 0;
    unsigned long value = escape_value(text + 2, size - 2);
    return value < 0x80 && is_white((char)value) ? size : 0;
}

/* Up to a character that is none: white space of the text that was not found where it was looked
 * for, behind a fold, stands on the way. */
static void skip_white(struct pair *p)
{
    while (p->at < p->end) {
        size_t size = is_white(here(p)) || is_joint(p) ? 1 : white_escape(p);

        if (!size)
            return;
        step(p, size);
    }
}

static struct src_pos pos_here(const struct pair *p)
{
    size_t start = p->line < p->source->line_count ? p->source->line_starts[p->line] : 0;

    return (struct src_pos){p->source->file, (uint32_t)p->line + 1, (uint32_t)(p->at - start) + 1};
}

/* The byte of the text at `offset` stands here. */
static void note(struct pair *p, size_t offset)
{
    struct src_pos pos = pos_here(p);

    if (p->count) {
        const struct src_run *last = &p->runs[p->count - 1];

        if (pos.line == last->pos.line && pos.col - last->pos.col == offset - last->offset)
            return;
    }
    p->runs = mem_grow(p->runs, &p->cap, p->count + 1, sizeof *p->runs);
    p->runs[p->count++] = (struct src_run){offset, pos};
}

/* How many bytes the character has that begins here. */
static size_t character_size(const char *text, size_t len)
{
    size_t n = 1;

    while (n < len && ((unsigned char)text[n] & 0xc0) == 0x80)
        n++;
    return n;
}

/* Lays one character of the text beside what stands here; false: they differ. */
static bool lay(struct pair *p, const char *text, size_t len, size_t *offset)
{
    size_t size = character_size(text + *offset, len - *offset), escape;

    if (!is_white(text[*offset]))
        skip_white(p);
    note(p, *offset);
    escape = escape_size(p);
    *offset += size;
    if (escape)
        step(p, escape);
    else if (is_white(text[*offset - size]))
        step(p, here(p) == text[*offset - size]); /* a fold is passed over before what follows */
    else if (size <= p->end - p->at &&
             memcmp(p->source->text + p->at, text + *offset - size, size) == 0)
        step(p, size);
    else
        return false;
    return true;
}

/* Behind anchor and tag, the quote, or the head of a block. */
static void enter(struct pair *p)
{
    while (here(p) == '&' || here(p) == '!') {
        while (p->at < p->end && !is_white(here(p)))
            step(p, 1);
        skip_white(p);
    }
    if (here(p) == '"' || here(p) == '\'') {
        p->quote = here(p);
        step(p, 1);
    }
}

static void enter_block(struct pair *p)
{
    while (p->at < p->end && here(p) != '\n')
        step(p, 1);
    step(p, 1);
}

struct src_run *yaml_runs(struct yaml_source *source, const struct yaml_span *span,
                          const char *text, size_t len, size_t *ret_count)
{
    struct pair p = {.source = source, .at = span->start, .end = span->end, .line = span->line};
    size_t offset = 0;

    if (span->plain && !span->properties)
        ; /* begins here, with whatever character */
    else
        enter(&p);
    if (span->block)
        enter_block(&p);
    note(&p, 0);
    while (offset < len) {
        if (!lay(&p, text, len, &offset)) {
            free(p.runs);
            return NULL;
        }
    }
    note(&p, len); /* an expression may miss something at its end */
    *ret_count = p.count;
    return p.runs;
}
