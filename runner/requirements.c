/* See requirements.h. */
#include "runner/requirements.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "runner/shape.h"

#define IDS_MAX 4096
#define SAYS_MIN 20 /* characters */
#define LIST_PLACE "/docs/requirements.yaml"

struct requirement {
    const char *id; /* borrowed from doc */
    struct src_pos pos;
    bool later, claimed;
};
struct requirement_list {
    struct requirement *items;
    const char **ids; /* of the items, for hints */
    size_t count;
    struct yaml_doc *doc; /* NULL: no YAML */
    char *scenarios;      /* the folder whose promises these are, as realpath() tells it; or NULL */
};

static void list_destroy(void *list)
{
    struct requirement_list *l = list;

    yaml_destroy(l->doc);
    free(l->items);
    free(l->ids);
    free(l->scenarios);
    free(l);
}

void requirements_finish(struct requirements *r)
{
    strmap_destroy(r->lists, list_destroy);
    r->lists = NULL;
}

/* ---- the list ---- */

static const struct shape_key list_keys[] = {{"requirements", SHAPE_LIST, true},
                                             {NULL, SHAPE_ANY, false}};
static const struct shape_key requirement_keys[] = {
    {"id", SHAPE_TEXT, true},   {"says", SHAPE_TEXT, true},   {"strength", SHAPE_TEXT, true},
    {"from", SHAPE_TEXT, true}, {"later", SHAPE_BOOL, false}, {NULL, SHAPE_ANY, false}};
static const struct shape list_shape = {.what = "list of requirements", .keys = list_keys};
static const struct shape requirement_shape = {.what = "requirement", .keys = requirement_keys};

static size_t characters(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void check_strength(const struct yaml_node *n, struct diags *diags)
{
    static const char *const words[] = {"M", "C", "H"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(n->text, words[i]) == 0)
            return;
    diags_add_hint(diags, DIAG_ERROR, n->pos,
                   "M: the source states it; C: existing code does it; H: hardening",
                   "'%s' is no strength of a requirement", n->text);
}

static void check_texts(const struct requirement_list *l, const struct yaml_node *n,
                        struct diags *diags)
{
    const struct yaml_node *id = yaml_get(l->doc, n, "id"), *says = yaml_get(l->doc, n, "says");
    const struct yaml_node *from = yaml_get(l->doc, n, "from");
    const struct yaml_node *later = yaml_get(l->doc, n, "later");

    if (!*id->text)
        diags_add(diags, DIAG_ERROR, id->pos, "the id of a requirement must not be empty");
    if (characters(says->text) < SAYS_MIN)
        diags_add(diags, DIAG_ERROR, says->pos,
                  "'says' must tell what holds, in a sentence of at least %d characters, found %zu",
                  SAYS_MIN, characters(says->text));
    if (!*from->text)
        diags_add(diags, DIAG_ERROR, from->pos, "'from' must tell where the promise is written");
    if (later && later->type != YAML_BOOL)
        diags_add(diags, DIAG_ERROR, later->pos, "'later' must be true or false");
    check_strength(yaml_get(l->doc, n, "strength"), diags);
}

static struct requirement *find(const struct requirement_list *l, const char *id)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i].id, id) == 0)
            return &l->items[i];
    return NULL;
}

static void read_one(struct requirement_list *l, const struct yaml_node *n, struct diags *diags)
{
    bool sound = shape_check(l->doc, n, &requirement_shape, "requirement", diags);
    const struct yaml_node *id = n->type == YAML_MAP ? yaml_get(l->doc, n, "id") : NULL;
    const struct yaml_node *later = id ? yaml_get(l->doc, n, "later") : NULL;
    const struct requirement *twin;

    if (sound)
        check_texts(l, n, diags);
    if (!id || id->type != YAML_STRING)
        return;
    twin = find(l, id->text);
    if (twin) {
        diags_add(diags, DIAG_ERROR, id->pos, "the id '%s' is taken by line %u", id->text,
                  twin->pos.line);
        return;
    }
    l->ids[l->count] = id->text;
    l->items[l->count++] =
        (struct requirement){.id = id->text,
                             .pos = id->pos,
                             .later = later && later->type == YAML_BOOL && later->value.boolean};
}

static void read_items(struct requirement_list *l, const struct yaml_node *list,
                       struct diags *diags)
{
    const struct yaml_node *n;

    if (list->count > IDS_MAX)
        diags_add(diags, DIAG_ERROR, list->pos, "more than %d requirements", IDS_MAX);
    l->ids = mem_zalloc((list->count + 1) * sizeof *l->ids);
    l->items = mem_zalloc((list->count + 1) * sizeof *l->items);
    for (n = yaml_first(l->doc, list); n && l->count < IDS_MAX; n = yaml_next(l->doc, n))
        read_one(l, n, diags);
}

/* docs/requirements.yaml is that of the folder `scenarios` beside `docs`. */
static char *scenarios_of(const char *path)
{
    AUTO(str) char *real = realpath(path, NULL);
    size_t len = real ? strlen(real) : 0, tail = strlen(LIST_PLACE);

    if (len < tail || strcmp(real + len - tail, LIST_PLACE) != 0)
        return NULL;
    return mem_printf("%.*s/scenarios", (int)(len - tail), real);
}

static struct requirement_list *read_list(const char *path, struct diags *diags)
{
    struct requirement_list *l = mem_zalloc(sizeof *l);
    const struct yaml_node *root;

    l->scenarios = scenarios_of(path);
    l->doc = yaml_parse_file(path, diags, NULL, NULL);
    if (!l->doc)
        return l;
    root = yaml_node(l->doc, 0);
    if (shape_check(l->doc, root, &list_shape, "list of requirements", diags))
        read_items(l, yaml_get(l->doc, root, "requirements"), diags);
    return l;
}

/* The project's list: new path, or NULL. */
static char *list_beside(const char *scenario)
{
    AUTO(str) char *real = realpath(scenario, NULL);
    char *file;

    for (char *slash; real && (slash = strrchr(real, '/')); *slash = '\0') {
        if (strcmp(slash, "/scenarios") != 0)
            continue;
        *slash = '\0';
        file = mem_printf("%s" LIST_PLACE, real);
        if (access(file, R_OK) == 0)
            return file;
        free(file);
        return NULL;
    }
    return NULL;
}

static const struct requirement_list *list_of(struct requirements *r, const char *path,
                                              struct diags *diags)
{
    struct requirement_list *l;

    if (!r->lists)
        r->lists = strmap_create();
    l = strmap_get(r->lists, path);
    if (!l) {
        l = read_list(path, diags);
        strmap_put(r->lists, path, l);
    }
    return l;
}

/* ---- claims ---- */

static void check_claim(const struct requirement_list *l, const char *path, const char *id,
                        struct src_pos pos, struct diags *diags)
{
    AUTO(str) char *hint = NULL;
    struct requirement *r = find(l, id);

    if (!r) {
        hint = err_suggestion_known(id, l->ids, l->count);
        diags_add_hint(diags, DIAG_ERROR, pos, hint, "no requirement is called '%s' in %s", id,
                       path);
        return;
    }
    r->claimed = true;
    if (r->later)
        diags_add_hint(diags, DIAG_ERROR, pos, "take the `later` away there",
                       "'%s' is claimed, though %s:%u says `later: true`", id, path, r->pos.line);
}

static void check_node(const struct requirement_list *l, const char *path,
                       const struct yaml_doc *doc, const struct yaml_node *n, struct diags *diags)
{
    if (n && n->type == YAML_STRING)
        check_claim(l, path, n->text, n->pos, diags);
    for (const struct yaml_node *id = n && n->type == YAML_SEQ ? yaml_first(doc, n) : NULL; id;
         id = yaml_next(doc, id))
        check_claim(l, path, id->text, id->pos, diags);
}

static void check_claims(const struct requirement_list *l, const char *path, const struct unit *u,
                         struct diags *diags)
{
    static const char *const laws[] = {"always", "never"};
    const struct yaml_node *spec = yaml_get(u->doc, yaml_node(u->doc, 0), "spec");

    check_node(l, path, u->doc, yaml_get(u->doc, spec, "requirement"), diags);
    for (size_t i = 0; i < ARRAY_LEN(laws); i++) {
        const struct yaml_node *list = yaml_get(u->doc, spec, laws[i]), *law;

        for (law = list ? yaml_first(u->doc, list) : NULL; law; law = yaml_next(u->doc, law))
            check_node(l, path, u->doc, yaml_get(u->doc, law, "requirement"), diags);
    }
}

/* As the messages show it: from the folder where the program was started, when it is below that. */
static const char *shown(const char *path)
{
    AUTO(str) char *here = realpath(".", NULL);
    size_t len = here ? strlen(here) : 0;

    return len && strncmp(path, here, len) == 0 && path[len] == '/' ? path + len + 1 : path;
}

void requirements_check(struct requirements *r, const struct unit *u, const char *file,
                        struct diags *diags)
{
    AUTO(str) char *beside = file ? NULL : list_beside(u->path);
    const char *path = file ? file : beside ? shown(beside) : NULL;
    const struct requirement_list *l = path ? list_of(r, path, diags) : NULL;

    if (!l)
        r->unlisted++;
    else if (l->doc)
        check_claims(l, path, u, diags);
}

/* ---- the whole ---- */

/* One of the paths leads to the folder, or to one above it. */
static bool covers(char *const *paths, size_t count, const char *folder)
{
    for (size_t i = 0; i < count; i++) {
        AUTO(str) char *real = realpath(paths[i], NULL);
        size_t len = real ? strlen(real) : 0;

        if (len && strncmp(folder, real, len) == 0 &&
            (folder[len] == '/' || !folder[len] || strcmp(real, "/") == 0))
            return true;
    }
    return false;
}

void requirements_check_whole(const struct requirements *r, char *const *paths, size_t count,
                              struct diags *diags)
{
    size_t i = 0;
    const char *path;
    void *value;

    while (r->lists && strmap_each(r->lists, &i, &path, &value)) {
        const struct requirement_list *l = value;

        if (!l->scenarios || !covers(paths, count, l->scenarios))
            continue;
        for (size_t k = 0; k < l->count; k++)
            if (!l->items[k].claimed && !l->items[k].later)
                diags_add_hint(diags, DIAG_ERROR, l->items[k].pos,
                               "claim it in a scenario, or say `later: true`",
                               "no scenario claims '%s'", l->items[k].id);
    }
}
