/* What the file of a mutant says once its texts are replaced. */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "runner/mutants.h"

#define SOURCE_MAX (4u << 20)

static size_t times_in(const char *text, const char *find)
{
    size_t count = 0;

    for (const char *at = strstr(text, find); at; at = strstr(at + 1, find))
        count++;
    return count;
}

static char *edited(const struct mutant *m, const struct edit *edit, const char *text,
                    struct err *reterr)
{
    size_t count = times_in(text, edit->find);
    const char *at;

    if (count != 1) {
        err_set(reterr, ERR_INVALID, edit->pos,
                "mutant '%s': the text is %zu times in %s, expected once", m->name, count, m->file);
        err_hint(reterr, "%s",
                 count ? "take in a line before or behind it"
                       : "a text of several lines has the spaces of the file, but for those that "
                         "all of its lines begin with in the list");
        return NULL;
    }
    at = strstr(text, edit->find);
    return mem_printf("%.*s%s%s", (int)(at - text), text, edit->replace, at + strlen(edit->find));
}

char *mutant_text(const struct mutant *m, const char *path, struct err *reterr)
{
    AUTO(strbuf) struct strbuf text = {0};
    AUTO(str) char *first = NULL;

    if (file_read(path, SOURCE_MAX, &text, reterr) < 0) {
        err_wrap(reterr, m->pos, "mutant '%s'", m->name);
        return NULL;
    }
    first = edited(m, &m->edits[0], strbuf_str(&text), reterr);
    return first && m->edits[1].find ? edited(m, &m->edits[1], first, reterr) : TAKE(first);
}
