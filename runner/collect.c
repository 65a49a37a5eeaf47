#include "runner/collect.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/glob.h"
#include "base/mem.h"
#include "base/plural.h"

#define DEPTH_MAX 16

/* ---- printing ---- */

/* Mistakes stand sorted by file: each is read once. */
void print_diags(const struct diags *d)
{
    AUTO(strbuf) struct strbuf text = {0};
    const char *read = NULL;
    bool shown = false;

    for (size_t i = 0; i < d->count; i++) {
        const char *file = d->items[i].err.pos.file;

        if (file && (!read || strcmp(read, file) != 0)) {
            strbuf_reset(&text);
            shown = file_read(file, YAML_BYTES_MAX, &text, NULL) == 0;
            read = file;
        }
        diag_print(stderr, &d->items[i], file && shown ? strbuf_str(&text) : NULL, text.len);
    }
    if (d->dropped)
        fprintf(stderr, "vmconform: %zu more %s not shown\n", d->dropped,
                plural(d->dropped, "error", "errors"));
}

/* ---- files ---- */

struct found {
    char *path;
    dev_t dev;
    ino_t ino;
};
struct paths {
    struct found *items;
    size_t count, cap;
};

/* A file that two of the paths lead to is one file. */
static void add_path(struct paths *p, char *path, const struct stat *st)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->items[i].dev == st->st_dev && p->items[i].ino == st->st_ino) {
            free(path);
            return;
        }
    }
    p->items = mem_grow(p->items, &p->cap, p->count + 1, sizeof *p->items);
    p->items[p->count++] = (struct found){path, st->st_dev, st->st_ino};
}

static bool is_yaml(const char *name)
{
    size_t len = strlen(name);

    return name[0] != '.' && len > 5 && strcmp(name + len - 5, ".yaml") == 0;
}

static int not_dot(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* Like alphasort, but the same in every locale. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int complain(const char *path, const char *what)
{
    fprintf(stderr, "vmconform: error: %s: %s\n", path, what);
    return -1;
}

static int walk(struct paths *out, const char *dir, unsigned depth);

/* Links to files are followed, links to folders are not: they could lead in circles. Fixtures are
 * read when a scenario names them. */
static int visit(struct paths *out, const char *path, const char *name, unsigned depth)
{
    struct stat link, st;

    if (lstat(path, &link) < 0)
        return complain(path, strerror(errno));
    if (S_ISDIR(link.st_mode))
        return strcmp(name, "fixtures") == 0 ? 0 : walk(out, path, depth + 1);
    if (!is_yaml(name))
        return 0;
    if (stat(path, &st) < 0)
        return complain(path, strerror(errno));
    if (S_ISREG(st.st_mode))
        add_path(out, mem_strdup(path), &st);
    return 0;
}

static int walk(struct paths *out, const char *dir, unsigned depth)
{
    struct dirent **entries = NULL;
    int r = 0, n;

    if (depth > DEPTH_MAX)
        return complain(dir, "the folders are nested too deeply");
    n = scandir(dir, &entries, not_dot, by_bytes);
    if (n < 0)
        return complain(dir, strerror(errno));
    for (int i = 0; i < n; i++) {
        size_t len = strlen(dir);
        AUTO(str)
        char *path =
            mem_printf("%s%s%s", dir, len && dir[len - 1] == '/' ? "" : "/", entries[i]->d_name);

        if (visit(out, path, entries[i]->d_name, depth) < 0)
            r = -1;
        free(entries[i]);
    }
    free(entries);
    return r;
}

static int find_files(struct paths *out, char *const *paths, size_t count)
{
    int r = 0;

    for (size_t i = 0; i < count; i++) {
        struct stat st;

        if (stat(paths[i], &st) < 0) {
            r = complain(paths[i], strerror(errno));
        } else if (S_ISDIR(st.st_mode)) {
            if (walk(out, paths[i], 0) < 0)
                r = -1;
        } else if (!S_ISREG(st.st_mode)) {
            r = complain(paths[i], "neither a file nor a folder");
        } else {
            add_path(out, mem_strdup(paths[i]), &st);
        }
    }
    return r;
}

/* ---- cases ---- */

static void add_cases(struct collection *c, const struct unit *u, const struct collect_filter *f)
{
    AUTO(json) json_t *cases = scenario_cases(u);
    size_t i;
    json_t *values;

    if (f->selector && !selector_matches(f->selector, u->labels))
        return;
    json_array_foreach(cases, i, values)
    {
        AUTO(str) char *name = scenario_case_name(u, values);

        if (f->glob && !glob_match(f->glob, name) && strcmp(f->glob, name) != 0)
            continue;
        c->cases = mem_grow(c->cases, &c->case_cap, c->case_count + 1, sizeof *c->cases);
        c->cases[c->case_count++] =
            (struct planned_case){.unit = u, .values = json_incref(values), .name = TAKE(name)};
    }
}

static void keep_shard(struct collection *c, const struct collect_filter *f)
{
    size_t kept = 0;

    if (!f->shard_count)
        return;
    for (size_t i = 0; i < c->case_count; i++) {
        if (i % f->shard_count == f->shard_index - 1) {
            c->cases[kept++] = c->cases[i];
            continue;
        }
        json_decref(c->cases[i].values);
        free(c->cases[i].name);
    }
    c->case_count = kept;
}

static const struct unit *same_name(const struct collection *c, const char *name)
{
    for (size_t i = 0; i < c->unit_count; i++)
        if (strcmp(c->units[i]->name, name) == 0)
            return c->units[i];
    return NULL;
}

static int load_one(struct collection *c, const char *path, const struct collect_filter *filter)
{
    AUTO(diags) struct diags diags = {0};
    AUTO(unit) struct unit *u = scenario_load(c->library, path, &diags);
    const struct unit *twin = u ? same_name(c, u->name) : NULL;

    if (u) {
        requirements_check(&c->requirements, u, filter->check.requirements, &diags);
        scenario_check(u, &filter->check, c->kinds.server, &diags);
    }
    if (twin)
        diags_add(&diags, DIAG_ERROR, (struct src_pos){err_intern_file(path), 0, 0},
                  "the name '%s' is taken by %s", u->name, twin->path);
    print_diags(&diags);
    if (diags.errors)
        return -1;
    c->units = mem_grow(c->units, &c->unit_cap, c->unit_count + 1, sizeof *c->units);
    c->units[c->unit_count++] = u;
    add_cases(c, TAKE(u), filter);
    return 0;
}

int collect(struct collection *c, char *const *paths, size_t count,
            const struct collect_filter *filter)
{
    struct paths files = {0};
    int r = find_files(&files, paths, count);

    *c = (struct collection){.library = library_create()};
    kinds_create(&c->kinds);
    for (size_t i = 0; i < files.count; i++) {
        if (load_one(c, files.items[i].path, filter) < 0)
            r = -1;
        free(files.items[i].path);
    }
    free(files.items);
    keep_shard(c, filter);
    return r;
}

void collection_finish(struct collection *c)
{
    for (size_t i = 0; i < c->case_count; i++) {
        json_decref(c->cases[i].values);
        free(c->cases[i].name);
    }
    free(c->cases);
    for (size_t i = 0; i < c->unit_count; i++)
        unit_destroy(c->units[i]);
    free(c->units);
    kinds_destroy(&c->kinds);
    requirements_finish(&c->requirements);
    library_destroy(c->library);
    *c = (struct collection){0};
}
