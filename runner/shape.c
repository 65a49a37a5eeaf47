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

    return (n->type == YAML_STRING && duration_parse(n->text, &ns)) ||
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

static void unknown_key(const struct yaml_node *n, const struct shape_key *keys, const char *what,
                        struct diags *diags)
{
    const char *names[NAMES_MAX] = {0};
    size_t count = 0;
    const char *near;
    AUTO(strbuf) struct strbuf hint = {0};

    for (; keys[count].key && count < NAMES_MAX; count++)
        names[count] = keys[count].key;
    near = err_nearest(n->key, names, count);
    if (near) {
        strbuf_addf(&hint, "did you mean '%s'?", near);
    } else {
        strbuf_addf(&hint, "a %s has:", what);
        for (size_t i = 0; i < count; i++)
            strbuf_addf(&hint, "%s %s", i ? "," : "", names[i]);
    }
    diags_add_hint(diags, DIAG_ERROR, n->key_pos, strbuf_str(&hint), "%s: unknown key '%s'", what,
                   n->key);
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

bool shape_check(const struct yaml_doc *doc, const struct yaml_node *node,
                 const struct shape_key *keys, const char *what, struct diags *diags)
{
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
            unknown_key(n, keys, what, diags);
            ok = false;
        } else if (!check_member(doc, n, key, what, diags)) {
            ok = false;
        }
    }
    for (; keys->key; keys++) {
        if (keys->required && !yaml_get(doc, node, keys->key)) {
            diags_add(diags, DIAG_ERROR, node->key ? node->key_pos : node->pos,
                      "%s: '%s' is missing", what, keys->key);
            ok = false;
        }
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
