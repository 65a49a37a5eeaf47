#include "tests/lint/source.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/strbuf.h"

#define FILE_BYTES_MAX (4u << 20)

/* ---- reading ---- */

static bool ends_with(const char *text, const char *tail)
{
    size_t a = strlen(text), b = strlen(tail);
    return a >= b && strcmp(text + a - b, tail) == 0;
}

static bool wanted(const char *path)
{
    static const char *const tails[] = {".c",   ".h",     ".cc",    ".S",      ".yaml", ".md",
                                        ".txt", ".pod",   ".cmake", ".json",   "/run",  "/test",
                                        ".sh",  "/build", "/bench", "Makefile"};

    if (strncmp(path, "scripts/", 8) == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(tails); i++)
        if (ends_with(path, tails[i]))
            return true;
    return false;
}

static bool skipped(const char *path)
{
    return strcmp(path, "build") == 0 || strcmp(path, ".git") == 0 ||
           strcmp(path, "tests/lint/bad") == 0 || strcmp(path, "fuzz/corpus") == 0 ||
           strcmp(path, "tests/scenario-errors") == 0;
}

static char *read_all(const char *path)
{
    AUTO(file) FILE *f = fopen(path, "rb");
    AUTO(strbuf) struct strbuf text = {0};
    char buf[8192];
    size_t n;

    if (!f)
        return mem_strdup("");
    while ((n = fread(buf, 1, sizeof buf, f)) > 0 && text.len < FILE_BYTES_MAX)
        strbuf_add(&text, buf, n);
    return strbuf_take(&text);
}

/* Blanks [from, to), but keeps the line ends: offsets and line numbers stay true. */
static void blank(char *text, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (text[i] != '\n')
            text[i] = ' ';
}

static size_t end_of_comment(const char *p, size_t at)
{
    const char *end = p[at + 1] == '*' ? strstr(p + at + 2, "*/") : strchr(p + at, '\n');

    if (!end)
        return strlen(p);
    return (size_t)(end - p) + (p[at + 1] == '*' ? 2 : 0);
}

static size_t end_of_string(const char *p, size_t at)
{
    char quote = p[at];

    for (at++; p[at] && p[at] != quote && p[at] != '\n'; at++)
        if (p[at] == '\\' && p[at + 1])
            at++;
    return at;
}

static void strip(struct source *s)
{
    const char *p = s->text;

    for (size_t i = 0; p[i];) {
        size_t end;

        if (p[i] == '/' && (p[i + 1] == '*' || p[i + 1] == '/')) {
            end = end_of_comment(p, i);
            blank(s->code, i, end);
            blank(s->strings, i, end);
            i = end;
        } else if (p[i] == '"' || (p[i] == '\'' && !(i && p[i - 1] >= '0' && p[i - 1] <= '9'))) {
            end = end_of_string(p, i);
            blank(s->code, i + 1, end);
            i = p[end] ? end + 1 : end;
        } else {
            i++;
        }
    }
}

static void add_file(struct tree *t, const char *root, const char *path)
{
    AUTO(str) char *full = mem_printf("%s/%s", root, path);
    struct source s = {.path = mem_strdup(path), .text = read_all(full)};

    s.code = mem_strdup(s.text);
    s.strings = mem_strdup(s.text);
    s.is_c = ends_with(path, ".c") || ends_with(path, ".h") || ends_with(path, ".cc");
    if (s.is_c)
        strip(&s);
    t->items = mem_grow(t->items, &t->cap, t->count + 1, sizeof *t->items);
    t->items[t->count++] = s;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void walk(struct tree *t, const char *root, const char *dir)
{
    AUTO(str) char *full = mem_printf("%s/%s", root, dir);
    struct dirent **entries = NULL;
    int n = scandir(full, &entries, NULL, by_bytes);

    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        AUTO(str) char *path = mem_printf("%s%s%s", dir, *dir ? "/" : "", name);
        AUTO(str) char *below = mem_printf("%s/%s", root, path);
        struct stat st;

        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !skipped(path) &&
            lstat(below, &st) == 0) {
            if (S_ISDIR(st.st_mode))
                walk(t, root, path);
            else if (S_ISREG(st.st_mode) && wanted(path))
                add_file(t, root, path);
        }
        free(entries[i]);
    }
    free(entries);
}

struct tree *tree_load(const char *root)
{
    struct tree *t = mem_zalloc(sizeof *t);
    walk(t, root, "");
    return t;
}

void tree_destroy(struct tree *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->count; i++) {
        free(t->items[i].path);
        free(t->items[i].text);
        free(t->items[i].code);
        free(t->items[i].strings);
    }
    free(t->items);
    free(t);
}

const struct source *tree_find(const struct tree *t, const char *path)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->items[i].path, path) == 0)
            return &t->items[i];
    return NULL;
}

unsigned source_line(const struct source *s, size_t offset)
{
    unsigned line = 1;
    for (size_t i = 0; i < offset; i++)
        line += s->text[i] == '\n';
    return line;
}

void finding(struct findings *f, const char *path, unsigned line, const char *fmt, ...)
{
    va_list ap;

    f->count++;
    printf("%s:", path);
    if (line)
        printf("%u:", line);
    putchar(' ');
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}
