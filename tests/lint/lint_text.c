/* What no file may hold: paths of one machine, and promises without an address. */
#include "tests/lint/source.h"

#include <ctype.h>
#include <string.h>

static const struct word {
    const char *text, *why;
    bool whole; /* stands alone, and no "(...)" follows, which would say where the issue is */
} words[] = {
    {"/home/", "a path of one machine", false},
    {"/Users/", "a path of one machine", false},
    {"/root/", "a path of one machine", false},
    {"FIXME", "write FIXME(issue), with the issue that it waits for", true},
    {"TODO", "write FIXME(issue), with the issue that it waits for", true},
    {"XXX", "write FIXME(issue), with the issue that it waits for", true},
};

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool applies(const struct word *w, const char *text, const char *at)
{
    const char *after = at + strlen(w->text);

    if (!w->whole)
        return true;
    return !(at > text && is_word(at[-1])) && !is_word(*after) && *after != '(';
}

void lint_text(const struct tree *t, struct findings *f)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct source *s = &t->items[i];

        if (strncmp(s->path, "tests/lint/lint_text.c", 22) == 0 ||
            strcmp(s->path, "CONTRIBUTING.md") == 0)
            continue;
        for (size_t j = 0; j < ARRAY_LEN(words); j++)
            for (const char *p = s->text; (p = strstr(p, words[j].text));
                 p += strlen(words[j].text))
                if (applies(&words[j], s->text, p))
                    finding(f, s->path, source_line(s, (size_t)(p - s->text)), "'%s': %s",
                            words[j].text, words[j].why);
    }
}
