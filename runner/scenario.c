/* Loading a file: its top-level keys, what they hold by others' hands. The order matters: names
 * before expressions, fixtures and templates before steps. */
#include "runner/scenario.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/names.h"
#include "runner/parse_priv.h"
#include "runner/saved.h"
#include "runner/shapes.h"

void unit_destroy(struct unit *u)
{
    if (!u)
        return;
    steps_finish(&u->steps);
    steps_finish(&u->finally);
    laws_finish(&u->laws);
    conditions_finish(&u->eventually);
    conditions_finish(&u->sometimes);
    for (size_t i = 0; i < u->saved_count; i++)
        free(u->saved[i]);
    free(u->saved);
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

    if (!shape_check(p->doc, metadata, &shape_metadata, "metadata", p->diags))
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

/* Before anything that may name an answer. */
static bool declare_saved(struct parser *p, const struct yaml_node *spec)
{
    static const char *const lists[] = {"steps", "finally"};
    const struct yaml_node *n;
    bool ok = true;

    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        ok = saved_declare(p, yaml_get(p->doc, spec, lists[i])) && ok;
    n = yaml_get(p->doc, spec, "given");
    for (n = n ? yaml_first(p->doc, n) : NULL; n; n = yaml_next(p->doc, n))
        if (n->type == YAML_MAP)
            ok = saved_declare(p, yaml_get(p->doc, n, "steps")) && ok;
    n = yaml_get(p->doc, spec, "templates");
    for (n = n ? yaml_first(p->doc, n) : NULL; n; n = yaml_next(p->doc, n))
        if (n->type == YAML_MAP)
            ok = saved_declare(p, yaml_get(p->doc, n, "steps")) && ok;
    return ok;
}

static bool parse_body(struct parser *p, const struct yaml_node *spec)
{
    struct unit *u = p->unit;
    const struct yaml_node *n;
    bool ok = true;
    size_t item = 0;

    ok = declare_saved(p, spec);
    if ((n = yaml_get(p->doc, spec, "given")))
        p->givens_broken = !parse_givens(p, n);
    ok = !p->givens_broken && ok;
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
    static const char *const known[] = {"qemu-img", "native", "tmpfs", "root"};
    const struct yaml_node *needs = yaml_get(p->doc, spec, "needs"), *n;
    bool ok = true;

    for (n = needs ? yaml_first(p->doc, needs) : NULL; n; n = yaml_next(p->doc, n)) {
        bool found = false;

        for (size_t i = 0; i < ARRAY_LEN(known); i++)
            found = found || strcmp(n->text, known[i]) == 0;
        if (!found) {
            diags_add_hint(p->diags, DIAG_ERROR, n->pos, "qemu-img, native, tmpfs, root",
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

    if (!shape_check(p->doc, spec, u->is_fixture ? &shape_fixture : &shape_scenario, "spec",
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

struct unit *unit_load(struct library *l, const char *path, bool is_fixture, unsigned depth,
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
    if (!shape_check(u->doc, root, &shape_file, is_fixture ? "fixture" : "scenario", diags) ||
        !check_header(&p, root))
        return NULL;
    /* Both, so that mistakes in one do not hide those in the other. */
    parse_metadata(&p, root);
    parse_spec(&p, yaml_get(u->doc, root, "spec"));
    return diags->errors == errors ? TAKE(u) : NULL;
}

struct unit *scenario_load(struct library *l, const char *path, struct diags *diags)
{
    struct unit *u = unit_load(l, path, false, 0, diags);

    diags_sort(diags);
    return u;
}
