#include "runner/shape.h"

#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "kube/names.h"
#include "kube/quantity.h"
#include "kube/time.h"

#define NAMES_MAX 64

bool shape_has_hole(const struct yaml_node *node)
{
    return node->type == YAML_STRING && strstr(node->text, "${") != NULL;
}

static const char *type_wanted(enum shape_type type)
{
    switch (type) {
    case SHAPE_ANY:
        return "a value";
    case SHAPE_TEXT:
        return "a text";
    case SHAPE_NAME:
        return "a name (lower case letters, digits and '-', at most 63 characters)";
    case SHAPE_BOOL:
        return "true or false";
    case SHAPE_INT:
        return "an integer";
    case SHAPE_DURATION:
        return "a duration such as 30s or 1h30m";
    case SHAPE_QUANTITY:
        return "a number of bytes such as 4096 or 10Gi";
    case SHAPE_EXPR:
        return "an expression";
    case SHAPE_MAP:
    case SHAPE_MAP_VALUE:
        return "a map";
    case SHAPE_LIST:
    case SHAPE_LIST_VALUE:
        return "a list";
    case SHAPE_TEXTS:
        return "a list of texts";
    case SHAPE_SCALAR:
        return "a text or a number";
    }
    return "a value";
}

static bool all_texts(const struct yaml_doc *doc, const struct yaml_node *list)
{
    const struct yaml_node *n;

    for (n = yaml_first(doc, list); n; n = yaml_next(doc, n))
        if (n->type != YAML_STRING)
            return false;
    return true;
}

static bool is_quantity(const struct yaml_node *n)
{
    struct quantity q;

    return n->type == YAML_INT || (n->type == YAML_STRING && quantity_parse(n->text, &q));
}

static bool is_duration(const struct yaml_node *n)
{
    int64_t ns;

    return (n->type == YAML_STRING && duration_parse(n->text, &ns) && ns >= 0 &&
            ns <= DURATION_MAX) ||
           (n->type == YAML_INT && n->value.integer == 0);
}

static bool fits(const struct yaml_doc *doc, const struct yaml_node *n, enum shape_type type)
{
    bool hole = shape_has_hole(n);

    switch (type) {
    case SHAPE_ANY:
        return true;
    case SHAPE_TEXT:
        return n->type == YAML_STRING;
    case SHAPE_NAME:
        return n->type == YAML_STRING && (hole || !name_check_dns1123_label(n->text));
    case SHAPE_BOOL:
        return hole || n->type == YAML_BOOL;
    case SHAPE_INT:
        return hole || n->type == YAML_INT;
    case SHAPE_DURATION:
        return hole || is_duration(n);
    case SHAPE_QUANTITY:
        return hole || is_quantity(n);
    case SHAPE_EXPR:
        return n->type == YAML_STRING || n->type == YAML_BOOL;
    case SHAPE_MAP:
        return n->type == YAML_MAP;
    case SHAPE_LIST:
        return n->type == YAML_SEQ;
    case SHAPE_MAP_VALUE:
        return hole || n->type == YAML_MAP;
    case SHAPE_LIST_VALUE:
        return hole || n->type == YAML_SEQ;
    case SHAPE_TEXTS:
        return n->type == YAML_SEQ && all_texts(doc, n);
    case SHAPE_SCALAR:
        return n->type != YAML_MAP && n->type != YAML_SEQ && n->type != YAML_NULL;
    }
    return false;
}

static const struct shape_key *find_key(const struct shape_key *keys, const char *name)
{
    for (; keys->key; keys++)
        if (strcmp(keys->key, name) == 0)
            return keys;
    return NULL;
}

static bool is_form(const struct shape *shape, const char *key)
{
    for (size_t i = 0; shape->one_of && shape->one_of[i]; i++)
        if (strcmp(shape->one_of[i], key) == 0)
            return true;
    return false;
}

/* What a map may have: first the keys of which it has one, then those that go with it. */
static void add_keys(struct strbuf *out, const struct shape *shape, bool forms)
{
    const char *sign = "";

    for (const struct shape_key *k = shape->keys; k->key; k++) {
        if (is_form(shape, k->key) != forms)
            continue;
        strbuf_addf(out, "%s %s", sign, k->key);
        sign = ",";
    }
}

static void unknown_key(const struct yaml_node *n, const struct shape *shape, const char *what,
                        struct diags *diags)
{
    const char *names[NAMES_MAX] = {0};
    size_t count = 0;
    AUTO(strbuf) struct strbuf all = {0};
    AUTO(str) char *hint = NULL;

    for (; shape->keys[count].key && count < NAMES_MAX; count++)
        names[count] = shape->keys[count].key;
    strbuf_addf(&all, shape->one_of ? "a %s has one of:" : "a %s has:", what);
    if (shape->one_of) {
        add_keys(&all, shape, true);
        strbuf_addstr(&all, "; with it:");
    }
    add_keys(&all, shape, false);
    hint = err_suggestion(n->key, names, count);
    diags_add_hint(diags, DIAG_ERROR, n->key_pos, hint ? hint : strbuf_str(&all),
                   "%s: unknown key '%s'", what, n->key);
}

/* A key that looks like this one is there: that one is told. */
static bool is_misspelled(const struct yaml_doc *doc, const struct yaml_node *node,
                          const struct shape_key *keys, const char *key)
{
    for (const struct yaml_node *n = yaml_first(doc, node); n; n = yaml_next(doc, n))
        if (!find_key(keys, n->key) && err_nearest(n->key, &key, 1))
            return true;
    return false;
}

static bool check_member(const struct yaml_doc *doc, const struct yaml_node *n,
                         const struct shape_key *key, const char *what, struct diags *diags)
{
    if (fits(doc, n, key->type))
        return true;
    if (n->type == YAML_STRING || n->type == YAML_INT || n->type == YAML_REAL)
        diags_add(diags, DIAG_ERROR, n->pos, "%s: '%s' must be %s, found '%s'", what, key->key,
                  type_wanted(key->type), n->text);
    else
        diags_add(diags, DIAG_ERROR, n->pos, "%s: '%s' must be %s, found a %s", what, key->key,
                  type_wanted(key->type), yaml_type_name(n->type));
    return false;
}

bool shape_check_member(const struct yaml_doc *doc, const struct yaml_node *n,
                        const struct shape_key *keys, const char *what, struct diags *diags)
{
    return check_member(doc, n, find_key(keys, n->key), what, diags);
}

bool shape_check(const struct yaml_doc *doc, const struct yaml_node *node,
                 const struct shape *shape, const char *what, struct diags *diags)
{
    const struct shape_key *keys = shape->keys, *k;
    const struct yaml_node *n;
    bool ok = true;

    if (node->type != YAML_MAP) {
        diags_add(diags, DIAG_ERROR, node->pos, "%s must be a map, found a %s", what,
                  yaml_type_name(node->type));
        return false;
    }
    for (n = yaml_first(doc, node); n; n = yaml_next(doc, n)) {
        const struct shape_key *key = find_key(keys, n->key);

        if (!key) {
            unknown_key(n, shape, what, diags);
            ok = false;
        } else if (!check_member(doc, n, key, what, diags)) {
            ok = false;
        }
    }
    for (k = keys; k->key; k++) {
        if (!k->required || yaml_get(doc, node, k->key))
            continue;
        ok = false;
        if (!is_misspelled(doc, node, keys, k->key))
            diags_add(diags, DIAG_ERROR, node->key ? node->key_pos : node->pos,
                      "%s: '%s' is missing", what, k->key);
    }
    return ok;
}

int shape_one_of(const struct yaml_doc *doc, const struct yaml_node *node, const char *const *verbs,
                 const char *what, struct diags *diags)
{
    int found = -1;
    AUTO(strbuf) struct strbuf names = {0};

    for (int i = 0; verbs[i]; i++) {
        const struct yaml_node *n = yaml_get(doc, node, verbs[i]);

        strbuf_addf(&names, "%s%s", i ? ", " : "", verbs[i]);
        if (!n)
            continue;
        if (found >= 0) {
            diags_add(diags, DIAG_ERROR, n->key_pos,
                      "%s: both '%s' and '%s'; exactly one is allowed", what, verbs[found],
                      verbs[i]);
            return -1;
        }
        found = i;
    }
    if (found < 0)
        diags_add_hint(diags, DIAG_ERROR, node->pos, strbuf_str(&names),
                       "%s: nothing to do; exactly one of these is needed", what);
    return found;
}

/* ---- values ---- */

static const char *json_type_word(const json_t *v)
{
    static const char *const words[] = {
        [JSON_OBJECT] = "a map",       [JSON_ARRAY] = "a list",       [JSON_STRING] = "a text",
        [JSON_INTEGER] = "an integer", [JSON_REAL] = "a real number", [JSON_TRUE] = "a bool",
        [JSON_FALSE] = "a bool",       [JSON_NULL] = "null"};

    return words[json_typeof(v)];
}

static bool list_of_texts(const json_t *v)
{
    size_t i;
    json_t *item;

    if (!json_is_array(v))
        return false;
    json_array_foreach((json_t *)v, i, item)
    {
        if (!json_is_string(item))
            return false;
    }
    return true;
}

static bool value_fits(const json_t *v, enum shape_type type)
{
    struct quantity q;
    int64_t ns;

    switch (type) {
    case SHAPE_ANY:
        return true;
    case SHAPE_TEXT:
    case SHAPE_EXPR:
        return json_is_string(v);
    case SHAPE_NAME:
        return json_is_string(v) && !name_check_dns1123_label(json_string_value(v));
    case SHAPE_BOOL:
        return json_is_boolean(v);
    case SHAPE_INT:
        return json_is_integer(v);
    case SHAPE_DURATION:
        return json_is_string(v)
                   ? duration_parse(json_string_value(v), &ns) && ns >= 0 && ns <= DURATION_MAX
                   : json_is_integer(v) && json_integer_value(v) == 0;
    case SHAPE_QUANTITY:
        return json_is_integer(v) ||
               (json_is_string(v) && quantity_parse(json_string_value(v), &q));
    case SHAPE_MAP:
    case SHAPE_MAP_VALUE:
        return json_is_object(v);
    case SHAPE_LIST:
    case SHAPE_LIST_VALUE:
        return json_is_array(v);
    case SHAPE_TEXTS:
        return list_of_texts(v);
    case SHAPE_SCALAR:
        return !json_is_object(v) && !json_is_array(v) && !json_is_null(v);
    }
    return false;
}

int shape_check_type(const json_t *value, enum shape_type type, const char *name,
                     struct src_pos pos, struct err *reterr)
{
    if (value_fits(value, type))
        return 0;
    if (json_is_string(value))
        return err_set(reterr, ERR_INVALID, pos, "'%s' must be %s, found '%s'", name,
                       type_wanted(type), json_string_value(value));
    return err_set(reterr, ERR_INVALID, pos, "'%s' must be %s, found %s", name, type_wanted(type),
                   json_type_word(value));
}

static int check_forms(const json_t *value, struct src_pos pos, const struct shape *shape,
                       struct err *reterr)
{
    size_t found = 0;

    for (size_t i = 0; shape->one_of && shape->one_of[i]; i++)
        found += json_object_get(value, shape->one_of[i]) != NULL;
    if (!shape->one_of || found == 1)
        return 0;
    return err_set(reterr, ERR_INVALID, pos, "%s: exactly one of '%s', '%s', ... is needed",
                   shape->what, shape->one_of[0], shape->one_of[1]);
}

int shape_check_value(const json_t *value, const struct tmpl *t, const struct shape *shape,
                      struct err *reterr)
{
    const char *key;
    json_t *v;

    if (!json_is_object(value))
        return err_set(reterr, ERR_INVALID, tmpl_pos(t), "%s must be a map, found %s", shape->what,
                       json_type_word(value));
    json_object_foreach((json_t *)value, key, v)
    {
        const struct shape_key *known = find_key(shape->keys, key);
        const struct tmpl *member = tmpl_get(t, key);
        struct src_pos pos = tmpl_pos(member ? member : t);
        AUTO(str) char *name = mem_printf("%s.%s", shape->what, key);

        if (!known)
            return err_set(reterr, ERR_INVALID, pos, "%s: unknown key '%s'", shape->what, key);
        if (shape_check_type(v, known->type, name, pos, reterr) < 0)
            return -1;
    }
    for (const struct shape_key *k = shape->keys; k->key; k++)
        if (k->required && !json_object_get(value, k->key))
            return err_set(reterr, ERR_INVALID, tmpl_pos(t), "%s: '%s' is missing", shape->what,
                           k->key);
    return check_forms(value, tmpl_pos(t), shape, reterr);
}

int shape_check_values(const json_t *list, const struct tmpl *t, const struct shape *shape,
                       struct err *reterr)
{
    size_t i;
    json_t *v;

    json_array_foreach((json_t *)list, i, v)
    {
        const struct tmpl *item = tmpl_item(t, i);

        if (shape_check_value(v, item ? item : t, shape, reterr) < 0)
            return -1;
    }
    return 0;
}
