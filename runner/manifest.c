/* Recursion follows the YAML tree, which is at most YAML_DEPTH_MAX deep. */
#include "runner/manifest.h"

#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "kube/types/types.h"
#include "runner/shape.h"

#define FIELDS_MAX 128 /* that a hint chooses from */

struct checker {
    const struct yaml_doc *doc;
    struct diags *diags;
    const char *kind;
    struct strbuf path;
    bool holes, ok;
};

static void check_message(struct checker *c, const struct kube_type *t, const struct yaml_node *n);

static void cut(struct checker *c, size_t len)
{
    c->path.len = len;
    if (c->path.data)
        c->path.data[len] = '\0';
}

static void add_name(struct checker *c, const char *name)
{
    strbuf_addf(&c->path, "%s%s", c->path.len ? "." : "", name);
}

/* ---- what is wrong ---- */

/* Inlined types' fields stand among the others. */
static size_t field_names(const struct kube_type *t, const char **out, size_t count)
{
    for (size_t i = 0; i < t->field_count && count < FIELDS_MAX; i++) {
        const struct kube_field *f = &t->fields[i];

        if (*f->name)
            out[count++] = f->name;
        else if (f->type)
            count = field_names(f->type, out, count);
    }
    return count;
}

static void unknown_field(struct checker *c, const struct kube_type *t, const struct yaml_node *n)
{
    const char *names[FIELDS_MAX];
    AUTO(str) char *hint = err_suggestion(n->key, names, field_names(t, names, 0));

    diags_add_hint(c->diags, DIAG_ERROR, n->key_pos, hint, "%s: unknown field '%s'", c->kind,
                   strbuf_str(&c->path));
    c->ok = false;
}

static bool is_scalar(const struct yaml_node *n)
{
    return n->type != YAML_MAP && n->type != YAML_SEQ;
}

/* Whether the node is what is wanted. null is any field's, and a hole may become it. */
static bool expect(struct checker *c, bool fits, const struct yaml_node *n, const char *wanted,
                   const char *hint)
{
    if (fits || n->type == YAML_NULL || (c->holes && shape_has_hole(n)))
        return fits;
    c->ok = false;
    if (is_scalar(n))
        diags_add_hint(c->diags, DIAG_ERROR, n->pos, hint, "%s: '%s' must be %s, found '%s'",
                       c->kind, strbuf_str(&c->path), wanted, n->text);
    else
        diags_add(c->diags, DIAG_ERROR, n->pos, "%s: '%s' must be %s, found a %s", c->kind,
                  strbuf_str(&c->path), wanted, yaml_type_name(n->type));
    return false;
}

/* ---- values ---- */

static void check_scalar(struct checker *c, enum kube_scalar scalar, const struct yaml_node *n)
{
    bool whole = n->type == YAML_INT, text = n->type == YAML_STRING;

    switch (scalar) {
    case KUBE_BOOL:
        expect(c, n->type == YAML_BOOL, n, "true or false", NULL);
        break;
    case KUBE_INT32:
    case KUBE_INT64:
    case KUBE_UINT32:
    case KUBE_UINT64:
        expect(c, whole, n, "an integer", NULL);
        break;
    case KUBE_DOUBLE:
        expect(c, whole || n->type == YAML_REAL, n, "a number", NULL);
        break;
    case KUBE_QUANTITY:
        expect(c, whole || text || n->type == YAML_REAL, n, "a quantity", NULL);
        break;
    case KUBE_INT_OR_STRING:
        expect(c, whole || text, n, "an integer or a string", NULL);
        break;
    case KUBE_FIELDS_V1:
        expect(c, n->type == YAML_MAP, n, "a map", NULL);
        break;
    case KUBE_STRING_LIST:
        expect(c, n->type == YAML_SEQ, n, "a list", NULL);
        break;
    case KUBE_STRING:
    case KUBE_BYTES:
    case KUBE_TIME:
    case KUBE_MICRO_TIME:
    case KUBE_DURATION:
        expect(c, text, n, "a string", "quote it");
        break;
    case KUBE_RAW:
    case KUBE_SCHEMA_OR_ARRAY:
    case KUBE_SCHEMA_OR_BOOL:
    case KUBE_SCHEMA_OR_STRINGS:
    case KUBE_MESSAGE:
        break;
    }
}

static void check_one(struct checker *c, const struct kube_field *f, const struct yaml_node *n)
{
    if (f->scalar == KUBE_MESSAGE)
        check_message(c, f->type, n);
    else
        check_scalar(c, f->scalar, n);
}

static void check_field(struct checker *c, const struct kube_field *f, const struct yaml_node *n)
{
    const struct yaml_node *one;
    size_t len = c->path.len, i = 0;

    if (!f->map && !f->repeated) {
        check_one(c, f, n);
        return;
    }
    if (!expect(c, n->type == (f->map ? YAML_MAP : YAML_SEQ), n, f->map ? "a map" : "a list", NULL))
        return;
    for (one = yaml_first(c->doc, n); one; one = yaml_next(c->doc, one), i++) {
        if (f->map)
            add_name(c, one->key);
        else
            strbuf_addf(&c->path, "[%zu]", i);
        check_one(c, f, one);
        cut(c, len);
    }
}

static void check_message(struct checker *c, const struct kube_type *t, const struct yaml_node *n)
{
    const struct yaml_node *member;
    size_t len = c->path.len;

    if (!expect(c, n->type == YAML_MAP, n, "a map", NULL))
        return;
    for (member = yaml_first(c->doc, n); member; member = yaml_next(c->doc, member)) {
        const struct kube_field *f = kube_field_find(t, member->key);

        add_name(c, member->key);
        if (f)
            check_field(c, f, member);
        else
            unknown_field(c, t, member);
        cut(c, len);
    }
}

/* ---- objects ---- */

static const char *text_of(const struct yaml_doc *doc, const struct yaml_node *map, const char *key)
{
    const struct yaml_node *n = yaml_get(doc, map, key);

    return n && n->type == YAML_STRING ? n->text : "";
}

static bool check_items(const struct yaml_doc *doc, const struct yaml_node *list, bool holes,
                        struct diags *diags)
{
    const struct yaml_node *items = yaml_get(doc, list, "items"), *n;
    bool ok = true;

    for (n = items ? yaml_first(doc, items) : NULL; n; n = yaml_next(doc, n))
        ok = manifest_check(doc, n, holes, diags) && ok;
    return ok;
}

bool manifest_check(const struct yaml_doc *doc, const struct yaml_node *object, bool holes,
                    struct diags *diags)
{
    static const char meta_name[] = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    const struct yaml_node *meta;
    const struct kube_type *t;
    struct checker c = {.doc = doc, .diags = diags, .holes = holes, .ok = true};

    if (object->type != YAML_MAP)
        return true; /* told by those who wanted one */
    c.kind = text_of(doc, object, "kind");
    if (strcmp(c.kind, "List") == 0)
        return check_items(doc, object, holes, diags);
    t = kube_type_of(text_of(doc, object, "apiVersion"), c.kind);
    meta = yaml_get(doc, object, "metadata");
    if (t) {
        check_message(&c, t, object);
    } else if (meta) {
        add_name(&c, "metadata");
        check_message(&c, kube_type_named(meta_name), meta);
    }
    strbuf_finish(&c.path);
    return c.ok;
}
