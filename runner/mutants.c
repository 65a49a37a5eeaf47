/* See mutants.h. The list of mutants is read here; programs are made in mutant_build.c. */
#include "runner/mutants.h"

#include <string.h>

#include "base/mem.h"
#include "runner/shape.h"

#define NAME_MAX_LEN 63

static const struct shape_key mutant_keys[] = {
    {"name", SHAPE_TEXT, true},    {"file", SHAPE_TEXT, true},   {"find", SHAPE_TEXT, true},
    {"replace", SHAPE_TEXT, true}, {"kills", SHAPE_TEXTS, true}, {"why", SHAPE_TEXT, true},
    {"how", SHAPE_TEXT, false},    {"also", SHAPE_MAP, false},   {NULL, SHAPE_ANY, false},
};
static const struct shape_key edit_keys[] = {
    {"find", SHAPE_TEXT, true},
    {"replace", SHAPE_TEXT, true},
    {NULL, SHAPE_ANY, false},
};

static char *text_of(const struct yaml_doc *doc, const struct yaml_node *n, const char *key)
{
    const struct yaml_node *c = yaml_get(doc, n, key);
    return c && c->text ? mem_strdup(c->text) : NULL;
}

static void unknown_scenario(const struct yaml_node *kill, const struct strmap *scenarios,
                             struct diags *diags)
{
    size_t i = 0, count = 0, cap = 0;
    const char **names = NULL, *name;
    void *value;

    while (strmap_each(scenarios, &i, &name, &value)) {
        names = mem_grow(names, &cap, count + 1, sizeof *names);
        names[count++] = name;
    }
    AUTO(str) char *hint = err_suggestion(kill->text, names, count);
    diags_add_hint(diags, DIAG_ERROR, kill->pos, hint, "no scenario is called '%s'", kill->text);
    free(names);
}

static void read_kills(const struct yaml_doc *doc, const struct yaml_node *list, struct mutant *m,
                       const struct strmap *scenarios, struct diags *diags)
{
    m->kills = mem_zalloc((list->count + 1) * sizeof *m->kills);
    m->kill_pos = mem_zalloc((list->count + 1) * sizeof *m->kill_pos);
    if (list->count == 0)
        diags_add(diags, DIAG_ERROR, list->pos, "mutant: 'kills' is empty");
    for (const struct yaml_node *n = yaml_first(doc, list); n; n = yaml_next(doc, n)) {
        if (!strmap_get(scenarios, n->text)) {
            unknown_scenario(n, scenarios, diags);
            continue;
        }
        m->kill_pos[m->kill_count] = n->pos;
        m->kills[m->kill_count++] = mem_strdup(n->text);
    }
}

/* A file name that no shell minds. Bugs that are known by a number keep its capital: B-14. */
static bool is_name(const char *s)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    size_t len = strlen(s);

    return len > 0 && len <= NAME_MAX_LEN && s[0] != '-' && strspn(s, letters) == len;
}

static void check_mutant(const struct mutant_list *l, const struct mutant *m, const char *how,
                         struct diags *diags)
{
    for (size_t i = 0; i + 1 < l->count; i++)
        if (strcmp(l->items[i].name, m->name) == 0)
            diags_add(diags, DIAG_ERROR, m->pos, "mutant: '%s' is there twice", m->name);
    if (!is_name(m->name))
        diags_add(diags, DIAG_ERROR, m->pos,
                  "mutant: 'name' must be a name (letters, digits and '-', at most %d characters), "
                  "found '%s'",
                  NAME_MAX_LEN, m->name);
    if (how && strcmp(how, "error") != 0)
        diags_add(diags, DIAG_ERROR, m->pos, "mutant: 'how' knows 'error' only, found '%s'", how);
    if (strcmp(m->edits[0].find, m->edits[0].replace) == 0)
        diags_add(diags, DIAG_ERROR, m->pos, "mutant: 'find' and 'replace' are the same");
    if (m->file[0] == '/' || strstr(m->file, ".."))
        diags_add(diags, DIAG_ERROR, m->pos, "mutant: 'file' must be a path below the project");
}

static struct edit read_edit(const struct yaml_doc *doc, const struct yaml_node *n)
{
    return (struct edit){text_of(doc, n, "find"), text_of(doc, n, "replace"),
                         yaml_get(doc, n, "find")->pos};
}

static void read_mutant(const struct yaml_doc *doc, const struct yaml_node *n,
                        struct mutant_list *l, const struct strmap *scenarios, struct diags *diags)
{
    struct mutant *m;

    if (!shape_check(doc, n, mutant_keys, "mutant", diags))
        return;
    l->items = mem_grow(l->items, &l->cap, l->count + 1, sizeof *l->items);
    m = &l->items[l->count++];
    AUTO(str) char *how = text_of(doc, n, "how");
    *m = (struct mutant){
        .pos = n->pos,
        .name = text_of(doc, n, "name"),
        .file = text_of(doc, n, "file"),
        .edits[0] = read_edit(doc, n),
        .by_error = how && strcmp(how, "error") == 0,
    };
    const struct yaml_node *also = yaml_get(doc, n, "also");
    if (also && shape_check(doc, also, edit_keys, "also", diags))
        m->edits[1] = read_edit(doc, also);
    read_kills(doc, yaml_get(doc, n, "kills"), m, scenarios, diags);
    check_mutant(l, m, how, diags);
}

struct mutant_list *mutants_load(const char *path, const struct strmap *scenarios,
                                 struct diags *diags)
{
    size_t before = diags->errors;
    AUTO(yaml) struct yaml_doc *doc = yaml_parse_file(path, diags, NULL, NULL);
    AUTO(mutants) struct mutant_list *l = mem_zalloc(sizeof *l);
    const struct yaml_node *root;

    if (!doc)
        return NULL;
    root = yaml_node(doc, 0);
    if (root->type != YAML_SEQ) {
        diags_add(diags, DIAG_ERROR, root->pos, "expected a list of mutants, found %s",
                  yaml_type_name(root->type));
        return NULL;
    }
    for (const struct yaml_node *n = yaml_first(doc, root); n; n = yaml_next(doc, n))
        read_mutant(doc, n, l, scenarios, diags);
    return diags->errors > before ? NULL : TAKE(l);
}

void mutants_destroy(struct mutant_list *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->count; i++) {
        struct mutant *m = &l->items[i];

        for (size_t k = 0; k < m->kill_count; k++)
            free(m->kills[k]);
        free(m->kills);
        free(m->kill_pos);
        free(m->name);
        free(m->file);
        for (size_t k = 0; k < ARRAY_LEN(m->edits); k++) {
            free(m->edits[k].find);
            free(m->edits[k].replace);
        }
    }
    free(l->items);
    free(l);
}
