/* What the file of a mutant says once its texts are replaced. */
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/plural.h"
#include "base/strbuf.h"
#include "runner/mutants.h"

#define SOURCE_MAX (4u << 20)
#define NAMES_MAX 512

static size_t times_in(const char *text, const char *find)
{
    size_t count = 0;

    for (const char *at = strstr(text, find); at; at = strstr(at + 1, find))
        count++;
    return count;
}

/* ---- hints: where what is looked for may have gone ---- */

#define LINE_MAX_BYTES 200 /* longer ones are not compared */
#define LINES_TOLD 4

static size_t same_from(const char *a, const char *b, size_t max)
{
    size_t n = 0;

    while (n < max && a[n] == b[n])
        n++;
    return n;
}

static size_t same_to(const char *a_end, const char *b_end, size_t max)
{
    size_t n = 0;

    while (n < max && a_end[-1 - (ptrdiff_t)n] == b_end[-1 - (ptrdiff_t)n])
        n++;
    return n;
}

/* How many bytes of the text its beginning and its end have in this piece of a line, one before
 * the other. */
static size_t likeness(const char *find, size_t find_len, const char *piece, size_t len)
{
    size_t most = len < find_len ? len : find_len;
    size_t head = same_from(find, piece, most), best = head;

    for (size_t end = head; head && end <= len; end++) {
        size_t room = end - head < find_len - head ? end - head : find_len - head;
        size_t tail = same_to(find + find_len, piece + end, room);

        if (head + tail > best)
            best = head + tail;
    }
    return best;
}

/* The line that has most of the text, two thirds at least; its number, or 0. */
static size_t nearest_line(const char *text, const char *find, const char **ret, size_t *ret_len)
{
    size_t find_len = strlen(find), best = 2 * find_len / 3, found = 0, number = 0;

    for (const char *at = text, *next; at; at = next) {
        const char *end = strchrnul(at, '\n');

        next = *end ? end + 1 : NULL;
        number++;
        at += strspn(at, " \t");
        if (end < at || end - at > LINE_MAX_BYTES || find_len > LINE_MAX_BYTES)
            continue;
        for (const char *from = at; from < end; from++) {
            size_t like = likeness(find, find_len, from, (size_t)(end - from));

            if (like <= best)
                continue;
            best = like;
            found = number;
            *ret = at;
            *ret_len = (size_t)(end - at);
        }
    }
    return found;
}

static void hint_at_nearest(const struct mutant *m, const char *find, const char *text,
                            struct err *reterr)
{
    const char *line = NULL;
    size_t len = 0, number = nearest_line(text, find, &line, &len);
    AUTO(str) char *near = number ? mem_strndup(line, len) : NULL;
    AUTO(str) char *where = mem_printf(", %s:%zu", m->file, number);
    AUTO(str) char *meant = near ? err_did_you_mean(near, where) : NULL;

    err_hint(reterr, "%s", meant ? meant : "no line of the file is like it");
}

static void hint_at_several(const char *find, const char *text, struct err *reterr)
{
    AUTO(strbuf) struct strbuf lines = {0};
    size_t told = 0, number = 1;
    const char *from = text;

    for (const char *at = strstr(text, find); at; at = strstr(at + 1, find)) {
        for (; from < at; from++)
            number += *from == '\n';
        if (told++ < LINES_TOLD)
            strbuf_addf(&lines, "%s%zu", told > 1 ? ", " : "", number);
    }
    err_hint(reterr,
             "it stands in line %s%s; take in more of its line, or a line before or behind it",
             strbuf_str(&lines), told > LINES_TOLD ? ", ..." : "");
}

static void hint_at_text(const struct mutant *m, const char *find, size_t count, const char *text,
                         struct err *reterr)
{
    if (count)
        hint_at_several(find, text, reterr);
    else if (strchr(find, '\n'))
        err_hint(reterr,
                 "a text of several lines has the spaces of the file, but for those that all "
                 "of its lines begin with in the list");
    else
        hint_at_nearest(m, find, text, reterr);
}

/* The first part of the path that is not there, held against what its folder has. */
static void hint_at_path(const char *path, struct err *reterr)
{
    AUTO(str) char *folder = mem_strdup(path);
    const char *names[NAMES_MAX];
    size_t count = 0, i;
    char *slash;
    json_t *name;

    while ((slash = strrchr(folder, '/'))) {
        *slash = '\0';
        if (access(folder, F_OK) == 0)
            break;
    }
    const char *rest = slash ? path + (slash + 1 - folder) : path;
    AUTO(str) char *missing = mem_strndup(rest, strcspn(rest, "/"));
    AUTO(json) json_t *there = folder_names(slash ? folder : ".", NULL);

    json_array_foreach(there, i, name) if (count < NAMES_MAX) names[count++] =
        json_string_value(name);
    const char *near = err_nearest(missing, names, count);
    AUTO(str) char *meant = near && slash ? mem_printf("%s/%s", folder, near) : NULL;
    AUTO(str) char *hint = near ? err_did_you_mean(meant ? meant : near, "") : NULL;

    err_hint(reterr, "%s", hint ? hint : "'file' is a path below the current folder");
}

/* ---- the text ---- */

static char *edited(const struct mutant *m, const struct edit *edit, const char *text,
                    struct err *reterr)
{
    size_t count = times_in(text, edit->find);
    const char *at;

    if (count != 1) {
        err_set(reterr, ERR_INVALID, edit->pos,
                "mutant '%s': the text is %zu %s in %s, expected once", m->name, count,
                plural(count, "time", "times"), m->file);
        hint_at_text(m, edit->find, count, text, reterr);
        return NULL;
    }
    at = strstr(text, edit->find);
    return mem_printf("%.*s%s%s", (int)(at - text), text, edit->replace, at + strlen(edit->find));
}

char *mutant_text(const struct mutant *m, const char *path, struct err *reterr)
{
    AUTO(strbuf) struct strbuf text = {0};
    AUTO(str) char *first = NULL;
    struct err err = {0};

    if (file_read(path, SOURCE_MAX, &text, &err) < 0) {
        if (err.code == ERR_NOT_FOUND)
            hint_at_path(path, &err);
        err_wrap(&err, m->file_pos, "mutant '%s'", m->name);
        err_move(reterr, &err);
        return NULL;
    }
    first = edited(m, &m->edits[0], strbuf_str(&text), reterr);
    return first && m->edits[1].find ? edited(m, &m->edits[1], first, reterr) : TAKE(first);
}
