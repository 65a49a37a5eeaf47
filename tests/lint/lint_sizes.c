/* Functions of more than 70 lines and files of more than 900: those that exist are listed with
 * their length, and nothing may join the list or grow. */
#include "tests/lint/source.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define FUNCTION_LINES_MAX 70
#define FILE_LINES_MAX 900

/* How long "PATH NAME" may be according to the list: its lines are "LINES PATH [FUNCTION]". */
static unsigned listed(const char *list, const char *path, const char *name)
{
    AUTO(str) char *want = mem_printf("%s%s%s", path, *name ? " " : "", name);
    size_t len = strlen(want);

    for (const char *p = list; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
        char *rest;
        unsigned long lines = strtoul(p, &rest, 10);

        if (rest != p && *rest == ' ' && strncmp(rest + 1, want, len) == 0 &&
            (rest[1 + len] == '\n' || rest[1 + len] == '\0'))
            return (unsigned)lines;
    }
    return 0;
}

static void check(const char *list, const struct source *s, unsigned line, const char *name,
                  unsigned lines, unsigned max, struct findings *f)
{
    unsigned known = listed(list, s->path, name);
    const char *what = *name ? name : "the file";

    if (lines <= max)
        return;
    if (!known)
        finding(f, s->path, line, "%s has %u lines, more than %u", what, lines, max);
    else if (lines > known)
        finding(f, s->path, line, "%s has grown from %u to %u lines", what, known, lines);
}

/* The name of the function whose brace stands at `brace`: the word before the parameter list. The
 * list's parenthesis is found backwards, past attributes and the parameters themselves. New. */
static char *function_name(const char *code, size_t brace)
{
    size_t i = brace, end;
    int depth = 0;

    while (i > 0) {
        char c = code[--i];
        depth += c == ')';
        depth -= c == '(';
        if (depth == 0 && c == '(')
            break;
        if (depth == 0 && (c == ';' || c == '}'))
            return mem_strdup("");
    }
    while (i > 0 && isspace((unsigned char)code[i - 1]))
        i--;
    end = i;
    while (i > 0 && (isalnum((unsigned char)code[i - 1]) || code[i - 1] == '_'))
        i--;
    return mem_strndup(code + i, end - i);
}

/* Functions begin and end with a brace in the first column (.clang-format sees to that). */
static void check_functions(const char *list, const struct source *s, struct findings *f)
{
    unsigned line = 0, begin = 0;
    size_t brace = 0;

    for (const char *p = s->code; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
        line++;
        if (*p == '{') {
            begin = line;
            brace = (size_t)(p - s->code);
        } else if (*p == '}' && begin) {
            AUTO(str) char *name = function_name(s->code, brace);
            if (*name)
                check(list, s, begin, name, line - begin + 1, FUNCTION_LINES_MAX, f);
            begin = 0;
        }
    }
}

void lint_sizes(const struct tree *t, const char *ratchet, struct findings *f)
{
    const struct source *file = tree_find(t, ratchet);
    const char *list = file ? file->text : "";

    for (size_t i = 0; i < t->count; i++) {
        const struct source *s = &t->items[i];

        if (!s->is_c)
            continue;
        check(list, s, 0, "", source_line(s, strlen(s->text)) - 1, FILE_LINES_MAX, f);
        check_functions(list, s, f);
    }
}
