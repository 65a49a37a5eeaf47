/* What no file may hold: paths of one machine, promises without an address, sentences that another
 * place says for all. */
#include "tests/lint/source.h"

#include <ctype.h>
#include <string.h>

static const struct word {
    const char *text, *why;
    bool whole; /* stands alone, and no "(...)" follows, which would say where the issue is */
    bool said;  /* made in base/err_suggest.c alone; tests may expect it */
} words[] = {
    {"/home/", "a path of one machine", false, false},
    {"/Users/", "a path of one machine", false, false},
    {"/root/", "a path of one machine", false, false},
    {"FIXME", "write FIXME(issue), with the issue that it waits for", true, false},
    {"TODO", "write FIXME(issue), with the issue that it waits for", true, false},
    {"XXX", "write FIXME(issue), with the issue that it waits for", true, false},
    {"did you mean", "base/err.h says that: err_suggest(), err_did_you_mean()", false, true},
};

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Sources of the product, but for the one that says it. */
static bool may_say(const struct source *s)
{
    size_t len = strlen(s->path);

    return len < 2 || strcmp(s->path + len - 2, ".c") != 0 || strncmp(s->path, "tests/", 6) == 0 ||
           strcmp(s->path, "base/err_suggest.c") == 0;
}

static bool applies(const struct word *w, const struct source *s, const char *at)
{
    const char *text = s->text, *after = at + strlen(w->text);

    if (w->said) /* in quotes alone, a comment speaks of it */
        return !may_say(s) && *after != '"';
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
                if (applies(&words[j], s, p))
                    finding(f, s->path, source_line(s, (size_t)(p - s->text)), "'%s': %s",
                            words[j].text, words[j].why);
    }
}
