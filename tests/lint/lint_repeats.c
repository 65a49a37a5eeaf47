/* Six lines that stand twice in the C sources. White space is folded; blank lines, comments,
 * includes and lone punctuation do not count, so neither layout nor a brace hides a copy. The few
 * that must stay are in a list, each with its reason; a line of it that excuses nothing is a
 * mistake too. */
#include "tests/lint/source.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define RUN 6
#define NONE SIZE_MAX

struct place {
    uint64_t text; /* a hash of the line */
    const struct source *source;
    unsigned line;
};
struct places {
    struct place *items;
    size_t count, cap;
};
/* RUN lines from `at` on. */
struct window {
    uint64_t text;
    size_t at;
};
DEFINE_CLEANUP(struct window, windows, free);

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * UINT64_C(0x100000001b3);
}

/* 0: a line that does not count. */
static uint64_t hash_line(const char *line, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    bool gap = false, word = false;

    if (len > 0 && *line == '#' && memmem(line, len, "include", 7))
        return 0;
    for (size_t i = 0; i < len; i++) {
        if (isspace((unsigned char)line[i])) {
            gap = true;
            continue;
        }
        if (gap && word)
            hash = mix(hash, ' ');
        gap = false;
        word = word || isalnum((unsigned char)line[i]);
        hash = mix(hash, (unsigned char)line[i]);
    }
    return word ? hash : 0;
}

static void add_lines(struct places *p, const struct source *s)
{
    unsigned number = 0;

    for (const char *line = s->strings; line && *line;) {
        const char *end = strchr(line, '\n');
        uint64_t text = hash_line(line, end ? (size_t)(end - line) : strlen(line));

        number++;
        if (text) {
            p->items = mem_grow(p->items, &p->cap, p->count + 1, sizeof *p->items);
            p->items[p->count++] = (struct place){text, s, number};
        }
        line = end ? end + 1 : NULL;
    }
}

static bool same(const struct places *p, size_t a, size_t b)
{
    return p->items[a].text == p->items[b].text;
}

static bool is_window(const struct places *p, size_t at)
{
    return at + RUN <= p->count && p->items[at].source == p->items[at + RUN - 1].source;
}

static int compare_windows(const void *a, const void *b)
{
    const struct window *x = a, *y = b;

    if (x->text != y->text)
        return x->text < y->text ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* For the windows that begin at each line: the one before that is equal, or NONE. New. */
static size_t *find_windows(const struct places *p)
{
    AUTO(windows) struct window *all = mem_alloc((p->count + 1) * sizeof *all);
    size_t *before = mem_alloc((p->count + 1) * sizeof *before), n = 0;

    for (size_t at = 0; at < p->count; at++) {
        uint64_t text = 0;

        before[at] = NONE;
        if (!is_window(p, at))
            continue;
        for (size_t i = 0; i < RUN; i++)
            text = mix(text, p->items[at + i].text) + (text >> 32);
        all[n++] = (struct window){text, at};
    }
    qsort(all, n, sizeof *all, compare_windows);
    for (size_t i = 1; i < n; i++)
        if (all[i].text == all[i - 1].text)
            before[all[i].at] = all[i - 1].at;
    return before;
}

/* Whether the lines before a and b are the same as well: the run has begun there. */
static bool goes_back(const struct places *p, size_t a, size_t b)
{
    return a > 0 && p->items[a - 1].source == p->items[a].source &&
           p->items[b - 1].source == p->items[b].source && same(p, a - 1, b - 1);
}

static unsigned run_length(const struct places *p, size_t a, size_t b)
{
    unsigned n = 0;

    while (b + n < p->count && a + n < b && same(p, a + n, b + n) &&
           p->items[a + n].source == p->items[a].source &&
           p->items[b + n].source == p->items[b].source)
        n++;
    return n;
}

/* ---- the list: "LINES PATH PATH: reason", nothing longer ---- */

struct excuse {
    const char *from; /* its line of the list */
    unsigned lines;
    size_t used;
};
struct excuses {
    struct excuse *items;
    size_t count, cap;
};

static void read_excuses(struct excuses *e, const char *list)
{
    for (const char *p = list; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
        char *rest;
        unsigned long lines = strtoul(p, &rest, 10);

        if (rest == p)
            continue;
        e->items = mem_grow(e->items, &e->cap, e->count + 1, sizeof *e->items);
        e->items[e->count++] = (struct excuse){rest, (unsigned)lines, 0};
    }
}

static bool excused(struct excuses *e, const char *a, const char *b, unsigned lines)
{
    AUTO(str) char *want = mem_printf(" %s %s: ", a, b);

    for (size_t i = 0; i < e->count; i++)
        if (strncmp(e->items[i].from, want, strlen(want)) == 0 && lines <= e->items[i].lines) {
            e->items[i].used++;
            return true;
        }
    return false;
}

/* How many lines to go on behind: a run is told once. */
static unsigned check_run(const struct places *p, size_t a, size_t b, struct excuses *e,
                          struct findings *f)
{
    const struct place *first = &p->items[a], *again = &p->items[b];
    unsigned lines = run_length(p, a, b);

    if (lines < RUN || goes_back(p, a, b) ||
        excused(e, first->source->path, again->source->path, lines))
        return 1;
    finding(f, again->source->path, again->line, "%u lines that stand at %s:%u already", lines,
            first->source->path, first->line);
    return lines;
}

static void check_excuses(const struct excuses *e, const char *list, const char *text,
                          struct findings *f)
{
    for (size_t i = 0; i < e->count; i++) {
        const char *from = e->items[i].from;
        unsigned line = 1;

        for (const char *p = text; p < from; p++)
            line += *p == '\n';
        if (!e->items[i].used)
            finding(f, list, line, "nothing stands twice there");
    }
}

void lint_repeats(const struct tree *t, const char *list, struct findings *f)
{
    const struct source *file = tree_find(t, list);
    struct excuses excuses = {0};
    struct places lines = {0};
    size_t *before;

    if (file)
        read_excuses(&excuses, file->text);
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].is_c)
            add_lines(&lines, &t->items[i]);
    before = find_windows(&lines);
    for (size_t at = 0; at < lines.count;)
        at += before[at] == NONE ? 1 : check_run(&lines, before[at], at, &excuses, f);
    free(before);
    if (file)
        check_excuses(&excuses, list, file->text, f);
    free(excuses.items);
    free(lines.items);
}
