/* Loading a file: top-level keys, variables, fixtures. The order matters: names before expressions,
 * fixtures and templates before steps. */
#include "runner/scenario.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/names.h"
#include "runner/parse_priv.h"
#include "runner/shapes.h"

#define FIXTURE_DEPTH_MAX 8
#define MATRIX_CASES_MAX 10000

struct library {
    struct strmap *fixtures; /* path to struct unit */
    struct strmap *broken;   /* path to itself: told once, not once per scenario */
    struct strmap *loading;  /* path to itself: those that are being read now */
};

void unit_destroy(struct unit *u)
{
    if (!u)
        return;
    steps_finish(&u->steps);
    steps_finish(&u->finally);
    laws_finish(&u->laws);
    conditions_finish(&u->eventually);
    conditions_finish(&u->sometimes);
    givens_finish(u);
    strmap_destroy(u->templates, (void (*)(void *))template_def_destroy);
    for (size_t i = 0; i < u->var_count; i++) {
        free(u->var_names[i]);
        tmpl_destroy(u->var_values[i]);
    }
    free(u->var_names);
    free(u->var_values);
    json_decref(u->matrix);
    json_decref(u->exclude);
    json_decref(u->labels);
    json_decref(u->requirements);
    json_decref(u->needs);
    scope_destroy(u->scope);
    yaml_destroy(u->doc);
    free(u->description);
    free(u->name);
    free(u->path);
    free(u->text);
    free(u);
}

struct library *library_create(void)
{
    struct library *l = mem_zalloc(sizeof *l);

    l->fixtures = strmap_create();
    l->broken = strmap_create();
    l->loading = strmap_create();
    return l;
}

void library_destroy(struct library *l)
{
    if (!l)
        return;
    strmap_destroy(l->fixtures, (void (*)(void *))unit_destroy);
    strmap_destroy(l->broken, free);
    strmap_destroy(l->loading, free);
    free(l);
}

/* ---- variables and matrix ---- */

static bool legal_variable(const char *name)
{
    if (!((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') || *name == '_'))
        return false;
    for (; *name; name++)
        if (!((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') || *name == '_' ||
              (*name >= '0' && *name <= '9')))
            return false;
    return true;
}

bool parse_variable_names(struct parser *p, const struct yaml_node *map, const struct scope *scope)
{
    const struct yaml_node *n;
    bool ok = true;

    for (n = yaml_first(p->doc, map); n; n = yaml_next(p->doc, n)) {
        int index = scope_find(scope, n->key);

        if (index >= SCOPE_FIRST) {
            diags_add(p->diags, DIAG_ERROR, n->key_pos, "the name '%s' is taken", n->key);
            ok = false;
        } else if (index >= 0 || !legal_variable(n->key)) {
            diags_add(
                p->diags, DIAG_ERROR, n->key_pos,
                "'%s' cannot be the name of a variable: letters, digits and '_' only, and not "
                "self, oldSelf or event",
                n->key);
            ok = false;
        }
    }
    return ok;
}

static bool parse_matrix(struct parser *p, const struct yaml_node *map)
{
    struct unit *u = p->unit;
    const struct yaml_node *n;
    size_t cases = 1;
    bool ok = parse_variable_names(p, map, u->scope);

    u->matrix = json_object();
    for (n = yaml_first(p->doc, map); n; n = yaml_next(p->doc, n)) {
        if (n->type != YAML_SEQ || n->count == 0) {
            diags_add(p->diags, DIAG_ERROR, n->pos, "matrix: '%s' must be a list that is not empty",
                      n->key);
            return false;
        }
        if (strcmp(n->key, "exclude") == 0) {
            u->exclude = yaml_to_json(p->doc, n);
            continue;
        }
        cases *= n->count;
        if (cases > MATRIX_CASES_MAX) {
            diags_add(p->diags, DIAG_ERROR, n->key_pos, "matrix: more than %d cases",
                      MATRIX_CASES_MAX);
            return false;
        }
        json_object_set_new(u->matrix, n->key, yaml_to_json(p->doc, n));
        scope_add(u->scope, n->key);
    }
    return ok;
}

static bool check_exclude(struct parser *p, const struct yaml_node *map)
{
    const struct yaml_node *list = yaml_get(p->doc, map, "exclude"), *n, *m;
    bool ok = true;

    for (n = list ? yaml_first(p->doc, list) : NULL; n; n = yaml_next(p->doc, n)) {
        if (n->type != YAML_MAP) {
            diags_add(p->diags, DIAG_ERROR, n->pos, "matrix: 'exclude' is a list of maps");
            ok = false;
            continue;
        }
        for (m = yaml_first(p->doc, n); m; m = yaml_next(p->doc, m)) {
            if (json_object_get(p->unit->matrix, m->key))
                continue;
            diags_add(p->diags, DIAG_ERROR, m->key_pos,
                      "matrix: 'exclude' names '%s', which the "
                      "matrix does not have",
                      m->key);
            ok = false;
        }
    }
    return ok;
}

/* Every case has a name of its own, and there is one. */
static bool check_cases(struct parser *p, const struct yaml_node *map)
{
    AUTO(json) json_t *cases = scenario_cases(p->unit);
    const struct yaml_node *n, *a, *b;

    for (n = yaml_first(p->doc, map); n; n = yaml_next(p->doc, n)) {
        if (strcmp(n->key, "exclude") == 0)
            continue;
        for (a = yaml_first(p->doc, n); a; a = yaml_next(p->doc, a)) {
            for (b = yaml_first(p->doc, n); b != a; b = yaml_next(p->doc, b)) {
                if (!a->text || !b->text || strcmp(a->text, b->text) != 0)
                    continue;
                diags_add(p->diags, DIAG_ERROR, a->pos, "matrix: '%s' has '%s' twice", n->key,
                          a->text);
                return false;
            }
        }
    }
    if (json_array_size(cases) > 0)
        return true;
    diags_add(p->diags, DIAG_ERROR, map->key_pos, "matrix: 'exclude' leaves no case");
    return false;
}

/* vars see the matrix and the vars above them; params see nothing but each other. */
static bool parse_vars(struct parser *p, const struct yaml_node *map)
{
    struct unit *u = p->unit;
    const struct yaml_node *n;

    if (!parse_variable_names(p, map, u->scope))
        return false;
    u->var_names = mem_zalloc((map->count + 1) * sizeof *u->var_names);
    u->var_values = mem_zalloc((map->count + 1) * sizeof *u->var_values);
    for (n = yaml_first(p->doc, map); n; n = yaml_next(p->doc, n)) {
        struct tmpl *t = NULL;

        if (!(u->is_fixture && n->type == YAML_NULL)) {
            t = tmpl_compile(p->doc, n, u->scope, p->diags);
            if (!t)
                return false;
        }
        u->var_names[u->var_count] = mem_strdup(n->key);
        u->var_values[u->var_count++] = t;
        scope_add(u->scope, n->key);
    }
    return true;
}

/* ---- the file ---- */

static bool check_header(struct parser *p, const struct yaml_node *root)
{
    const char *want = p->unit->is_fixture ? "Fixture" : "Scenario";
    const struct yaml_node *version = yaml_get(p->doc, root, "apiVersion");
    const struct yaml_node *kind = yaml_get(p->doc, root, "kind");
    bool ok = true;

    if (strcmp(version->text, "vmconform.dev/v1alpha1") != 0) {
        diags_add_hint(p->diags, DIAG_ERROR, version->pos,
                       "this program reads vmconform.dev/v1alpha1", "unknown apiVersion '%s'",
                       version->text);
        ok = false;
    }
    if (strcmp(kind->text, want) != 0) {
        diags_add(p->diags, DIAG_ERROR, kind->pos, "expected kind '%s', found '%s'", want,
                  kind->text);
        ok = false;
    }
    return ok;
}

/* The last part of the path without ".yaml"; fixtures keep their folders below fixtures/. */
static bool check_file_name(struct parser *p, const struct yaml_node *name)
{
    const char *base = strrchr(p->unit->path, '/');
    size_t len = strlen(name->text);
    const char *wrong = name_check_dns1123_label(name->text);

    base = base ? base + 1 : p->unit->path;
    if (!p->unit->is_fixture && wrong) {
        diags_add(p->diags, DIAG_ERROR, name->pos, "metadata.name '%s': %s", name->text, wrong);
        return false;
    }
    if (p->unit->is_fixture)
        return true;
    if (strncmp(base, name->text, len) != 0 || strcmp(base + len, ".yaml") != 0) {
        diags_add(p->diags, DIAG_ERROR, name->pos,
                  "metadata.name '%s' does not match the file's name '%s'", name->text, base);
        return false;
    }
    return true;
}

/* family and group come from the folder: .../FAMILY/GROUP/NAME.yaml */
static void default_labels(struct unit *u)
{
    AUTO(str) char *path = mem_strdup(u->path);
    char *slash = strrchr(path, '/');
    static const char *const keys[] = {"group", "family"};

    for (size_t i = 0; slash && i < ARRAY_LEN(keys); i++) {
        char *parent;

        *slash = '\0';
        parent = strrchr(path, '/');
        if (!json_object_get(u->labels, keys[i]) && *(parent ? parent + 1 : path))
            json_object_set_new(u->labels, keys[i], json_string(parent ? parent + 1 : path));
        slash = parent;
    }
}

static bool parse_metadata(struct parser *p, const struct yaml_node *root)
{
    struct unit *u = p->unit;
    const struct yaml_node *metadata = yaml_get(p->doc, root, "metadata");
    const struct yaml_node *name, *labels, *n;

    if (!shape_check(p->doc, metadata, shape_metadata.keys, "metadata", p->diags))
        return false;
    name = yaml_get(p->doc, metadata, "name");
    labels = yaml_get(p->doc, metadata, "labels");
    u->name = mem_strdup(name->text);
    u->labels = labels ? yaml_to_json(p->doc, labels) : json_object();
    for (n = labels ? yaml_first(p->doc, labels) : NULL; n; n = yaml_next(p->doc, n)) {
        if (n->type != YAML_STRING) {
            diags_add(p->diags, DIAG_ERROR, n->pos, "label '%s' must be a text", n->key);
            return false;
        }
    }
    default_labels(u);
    return check_file_name(p, name);
}

static bool parse_names(struct parser *p, const struct yaml_node *spec)
{
    const struct yaml_node *matrix = yaml_get(p->doc, spec, "matrix");
    const struct yaml_node *vars = yaml_get(p->doc, spec, p->unit->is_fixture ? "params" : "vars");
    bool ok = true;

    if (matrix)
        ok = parse_matrix(p, matrix) && check_exclude(p, matrix);
    if (vars)
        ok = parse_vars(p, vars) && ok;
    if (p->unit->scope->count > SCOPE_NAMES_MAX) {
        diags_add(p->diags, DIAG_ERROR, (vars ? vars : matrix)->key_pos, "more than %d variables",
                  SCOPE_NAMES_MAX - SCOPE_FIRST);
        return false;
    }
    return ok && (!matrix || check_cases(p, matrix));
}

static bool parse_body(struct parser *p, const struct yaml_node *spec)
{
    struct unit *u = p->unit;
    const struct yaml_node *n;
    bool ok = true;
    size_t item = 0;

    if ((n = yaml_get(p->doc, spec, "given")))
        ok = parse_givens(p, n) && ok;
    p->givens_broken = !ok;
    if ((n = yaml_get(p->doc, spec, "templates")))
        ok = parse_templates(p, n) && ok;
    /* The steps among the givens need the templates, which need the fixtures among the givens. */
    n = yaml_get(p->doc, spec, "given");
    for (n = n && ok ? yaml_first(p->doc, n) : NULL; n; n = yaml_next(p->doc, n), item++) {
        const struct yaml_node *list = yaml_get(p->doc, n, "steps");

        if (list)
            ok = parse_steps(p, list, u->scope, &u->givens[item].steps) && ok;
    }
    if ((n = yaml_get(p->doc, spec, "steps")))
        ok = parse_steps(p, n, u->scope, &u->steps) && ok;
    if ((n = yaml_get(p->doc, spec, "finally")))
        ok = parse_steps(p, n, u->scope, &u->finally) && ok;
    if ((n = yaml_get(p->doc, spec, "always")))
        ok = parse_laws(p, n, false, &u->laws) && ok;
    if ((n = yaml_get(p->doc, spec, "never")))
        ok = parse_laws(p, n, true, &u->laws) && ok;
    if ((n = yaml_get(p->doc, spec, "eventually")))
        ok = parse_conditions(p, n, &u->eventually) && ok;
    if ((n = yaml_get(p->doc, spec, "sometimes")))
        ok = parse_conditions(p, n, &u->sometimes) && ok;
    return ok;
}

static bool parse_needs(struct parser *p, const struct yaml_node *spec)
{
    static const char *const known[] = {"qemu-img", "tmpfs", "root"};
    const struct yaml_node *needs = yaml_get(p->doc, spec, "needs"), *n;
    bool ok = true;

    for (n = needs ? yaml_first(p->doc, needs) : NULL; n; n = yaml_next(p->doc, n)) {
        bool found = false;

        for (size_t i = 0; i < ARRAY_LEN(known); i++)
            found = found || strcmp(n->text, known[i]) == 0;
        if (!found) {
            diags_add_hint(p->diags, DIAG_ERROR, n->pos, "qemu-img, tmpfs, root",
                           "needs: unknown '%s'", n->text);
            ok = false;
        }
    }
    p->unit->needs = needs ? yaml_to_json(p->doc, needs) : json_array();
    return ok;
}

static bool parse_spec(struct parser *p, const struct yaml_node *spec)
{
    struct unit *u = p->unit;
    const struct yaml_node *n;

    if (!shape_check(p->doc, spec, u->is_fixture ? shape_fixture.keys : shape_scenario.keys, "spec",
                     p->diags))
        return false;
    if ((n = yaml_get(p->doc, spec, "explore"))) {
        diags_add(p->diags, DIAG_ERROR, n->key_pos, "'explore' is not yet supported");
        return false;
    }
    n = yaml_get(p->doc, spec, "requirement");
    if (n && n->count == 0) {
        diags_add(p->diags, DIAG_ERROR, n->pos, "'requirement' must name at least one requirement");
        return false;
    }
    u->requirements = n ? yaml_to_json(p->doc, n) : json_array();
    n = yaml_get(p->doc, spec, "description");
    u->description = mem_strdup(n->text);
    /* Without names, every expression would fail: more noise than help. */
    return parse_needs(p, spec) && parse_names(p, spec) && parse_body(p, spec);
}

static struct unit *load(struct library *l, const char *path, bool is_fixture, unsigned depth,
                         struct diags *diags)
{
    AUTO(unit) struct unit *u = mem_zalloc(sizeof *u);
    struct parser p = {.library = l, .unit = u, .diags = diags, .depth = depth};
    size_t errors = diags->errors;
    const struct yaml_node *root;

    u->is_fixture = is_fixture;
    u->path = mem_strdup(path);
    u->scope = scope_create(NULL);
    u->templates = strmap_create();
    u->doc = yaml_parse_file(path, diags, &u->text, &u->text_len);
    if (!u->doc)
        return NULL;
    p.doc = u->doc;
    root = yaml_node(u->doc, 0);
    if (!shape_check(u->doc, root, shape_file.keys, is_fixture ? "fixture" : "scenario", diags) ||
        !check_header(&p, root))
        return NULL;
    /* Both, so that mistakes in one do not hide those in the other. */
    parse_metadata(&p, root);
    parse_spec(&p, yaml_get(u->doc, root, "spec"));
    return diags->errors == errors ? TAKE(u) : NULL;
}

struct unit *scenario_load(struct library *l, const char *path, struct diags *diags)
{
    struct unit *u = load(l, path, false, 0, diags);

    diags_sort(diags);
    return u;
}

/* ---- fixtures ---- */

static bool readable(const char *path)
{
    return access(path, R_OK) == 0;
}

/* Climbs from the folder of `from` to the root, looking for fixtures/NAME.yaml. */
static char *climb(const char *from, const char *name)
{
    AUTO(str) char *dir = mem_strdup(from);

    for (;;) {
        char *slash = strrchr(dir, '/');
        char *path;

        if (slash)
            *slash = '\0';
        else
            *dir = '\0';
        path = slash ? mem_printf("%s/fixtures/%s.yaml", dir, name)
                     : mem_printf("fixtures/%s.yaml", name);
        if (readable(path))
            return path;
        free(path);
        if (!slash)
            return NULL;
    }
}

static char *find_fixture(const char *from, const char *name)
{
    char *path = climb(from, name);

    if (!path) {
        /* The scenario was named from inside its folder: what is above does not stand in its name.
         */
        AUTO(str) char *absolute = realpath(from, NULL);

        path = absolute ? climb(absolute, name) : NULL;
    }
    if (!path)
        path = climb("x", name); /* the current folder */
    if (!path) {
        path = mem_printf("%s/fixtures/%s.yaml", VMCONFORM_DATA_DIR, name);
        if (!readable(path)) {
            free(path);
            path = NULL;
        }
    }
    return path;
}

static bool legal_fixture_name(const char *name)
{
    return *name && *name != '/' && !strstr(name, "..") &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-/") == strlen(name);
}

struct unit *library_fixture(struct parser *p, const char *name, struct src_pos pos)
{
    AUTO(str) char *path = NULL;
    struct unit *u;

    if (!legal_fixture_name(name)) {
        diags_add(p->diags, DIAG_ERROR, pos, "'%s' cannot be the name of a fixture", name);
        return NULL;
    }
    if (p->depth >= FIXTURE_DEPTH_MAX) {
        diags_add(p->diags, DIAG_ERROR, pos, "fixtures include each other more than %d deep",
                  FIXTURE_DEPTH_MAX);
        return NULL;
    }
    path = find_fixture(p->unit->path, name);
    if (!path) {
        diags_add_hint(p->diags, DIAG_ERROR, pos,
                       "fixtures are looked for in the folder fixtures/ above the scenario",
                       "no fixture is called '%s'", name);
        return NULL;
    }
    u = strmap_get(p->library->fixtures, path);
    if (u)
        return u;
    if (strmap_get(p->library->broken, path)) {
        diags_add(p->diags, DIAG_ERROR, pos, "the fixture '%s' has mistakes; see above", name);
        return NULL;
    }
    if (strmap_get(p->library->loading, path)) {
        diags_add(p->diags, DIAG_ERROR, pos, "the fixture '%s' includes itself", name);
        return NULL;
    }
    strmap_put(p->library->loading, path, mem_strdup(path));
    u = load(p->library, path, true, p->depth + 1, p->diags);
    free(strmap_remove(p->library->loading, path));
    if (!u) {
        diags_add(p->diags, DIAG_NOTE, pos, "in fixture '%s', included here", name);
        strmap_put(p->library->broken, path, mem_strdup(path));
        return NULL;
    }
    strmap_put(p->library->fixtures, path, u);
    return u;
}

/* ---- cases ---- */

static bool excluded(const struct unit *u, const json_t *values)
{
    size_t i;
    json_t *item;

    json_array_foreach(u->exclude, i, item)
    {
        const char *key;
        json_t *v;
        bool all = true;

        json_object_foreach(item, key, v) all = all && json_same(json_object_get(values, key), v);
        if (all)
            return true;
    }
    return false;
}

json_t *scenario_cases(const struct unit *u)
{
    json_t *cases = json_array();
    const char *key;
    json_t *list;

    json_array_append_new(cases, json_object());
    if (!u->matrix)
        return cases;
    json_object_foreach(u->matrix, key, list)
    {
        json_t *wider = json_array();
        size_t i, k;
        json_t *values, *v;

        json_array_foreach(cases, i, values)
        {
            json_array_foreach(list, k, v)
            {
                json_t *one = json_copy(values);

                json_object_set(one, key, v);
                json_array_append_new(wider, one);
            }
        }
        json_decref(cases);
        cases = wider;
    }
    for (size_t i = json_array_size(cases); i-- > 0;)
        if (excluded(u, json_array_get(cases, i)))
            json_array_remove(cases, i);
    return cases;
}

char *scenario_case_name(const struct unit *u, const json_t *values)
{
    AUTO(strbuf) struct strbuf name = {0};
    const char *key;
    json_t *v;
    bool first = true;

    strbuf_addstr(&name, u->name);
    json_object_foreach((json_t *)values, key, v)
    {
        AUTO(str) char *text = json_is_string(v) ? NULL : json_text(v);

        strbuf_addf(&name, "%s%s=%s", first ? "[" : ",", key, text ? text : json_string_value(v));
        first = false;
    }
    if (!first)
        strbuf_addch(&name, ']');
    return strbuf_take(&name);
}
