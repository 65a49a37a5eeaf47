/* From the tree as it was written to one whose every node has a type. Recursion is as deep as the
 * tree, which is refused when it is deeper than FILTER_DEPTH_MAX. */
#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "components/fulfillment-service/filter_priv.h"
#include "kube/time.h"

struct checker {
    struct filter *filter;
    const struct filter_fields *fields;
    int64_t now_ns;
    size_t nodes;
    struct err *reterr;
};

static struct filter_node *check(struct checker *c, const struct node *n);

/* ---- errors ---- */

static void *fail(struct checker *c, const struct node *n, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void *fail(struct checker *c, const struct node *n, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    source_failv(&c->filter->program->source, c->reterr, ERR_INVALID, n->offset, fmt, ap);
    va_end(ap);
    return NULL;
}

static void *fail_limit(struct checker *c, const struct node *n, const char *what, int limit)
{
    source_fail(&c->filter->program->source, c->reterr, ERR_LIMIT, n->offset,
                "the filter has more than %d %s", limit, what);
    return NULL;
}

static bool name_is(const struct node *n, const char *name)
{
    return strlen(name) == n->name_len && memcmp(n->name, name, n->name_len) == 0;
}

static const char *operator_name(enum binary_op op)
{
    static const char *const names[OP_COUNT] = {
        [OP_EQ] = "==", [OP_NE] = "!=", [OP_LT] = "<",  [OP_LE] = "<=",
        [OP_GT] = ">",  [OP_GE] = ">=", [OP_IN] = "in", [OP_ADD] = "+",
        [OP_SUB] = "-", [OP_MUL] = "*", [OP_DIV] = "/", [OP_MOD] = "%",
    };

    return names[op];
}

/* ---- nodes ---- */

static struct filter_node *make(struct checker *c, enum filter_kind kind, int type, size_t args)
{
    struct filter_node *f = arena_zalloc(&c->filter->arena, sizeof *f);

    f->kind = kind;
    f->type = type;
    f->count = args;
    if (args)
        f->args = arena_zalloc(&c->filter->arena, args * sizeof(struct filter_node *));
    return f;
}

static struct filter_node *make_unary(struct checker *c, enum filter_kind kind, int type,
                                      struct filter_node *a)
{
    struct filter_node *f = make(c, kind, type, 1);

    f->args[0] = a;
    return f;
}

static struct filter_node *make_binary(struct checker *c, enum filter_kind kind, int type,
                                       struct filter_node *a, struct filter_node *b)
{
    struct filter_node *f = make(c, kind, type, 2);

    f->args[0] = a;
    f->args[1] = b;
    return f;
}

static struct filter_node *make_bool(struct checker *c, bool value)
{
    struct filter_node *f = make(c, FILTER_CONST, FILTER_BOOL, 0);

    f->u.boolean = value;
    return f;
}

static struct filter_node *make_integer(struct checker *c, int type, int64_t value)
{
    struct filter_node *f = make(c, FILTER_CONST, type, 0);

    f->u.integer = value;
    return f;
}

static struct filter_node *make_text(struct checker *c, const struct node *n, const char *data,
                                     size_t len)
{
    struct filter_node *f = make(c, FILTER_CONST, FILTER_STRING, 0);

    if (memchr(data, '\0', len))
        return fail(c, n, "a text of a filter cannot hold U+0000");
    f->u.text.data = data;
    f->u.text.len = len;
    return f;
}

/* ---- literals and names ---- */

static struct filter_node *check_const(struct checker *c, const struct node *n)
{
    const struct cel_value *v = &n->u.value;
    struct filter_node *f;

    switch (v->type) {
    case CEL_NULL:
        return make(c, FILTER_CONST, FILTER_NULL, 0);
    case CEL_BOOL:
        return make_bool(c, v->u.boolean);
    case CEL_INT:
        return make_integer(c, FILTER_INT, v->u.integer);
    case CEL_UINT:
        if (v->u.uinteger > INT64_MAX)
            return fail(c, n, "this number is out of range for int");
        return make_integer(c, FILTER_INT, (int64_t)v->u.uinteger);
    case CEL_DOUBLE:
        f = make(c, FILTER_CONST, FILTER_DOUBLE, 0);
        f->u.real = v->u.real;
        return f;
    case CEL_STRING:
        return make_text(c, n, v->u.text.data, v->u.text.len);
    default:
        return fail(c, n, "filters have no values of type %s", cel_type_name(v->type));
    }
}

static struct filter_node *check_name(struct checker *c, const struct node *n)
{
    if (!n->rooted && name_is(n, "now"))
        return make_integer(c, FILTER_TIMESTAMP, c->now_ns);
    if (!n->rooted && name_is(n, "this"))
        return fail(c, n, "'this' is compared by its fields: this.id");
    fail(c, n, "unknown name '%.*s': expected 'this' or 'now'", (int)n->name_len, n->name);
    err_hint(c->reterr, "fields are written this.metadata.name");
    return NULL;
}

/* ---- fields ---- */

/* The path below `this` that a chain of selections spells, of which n is the last; false when it is
 * no such chain. */
static bool spell(const struct node *n, char path[FILTER_PATH_MAX + 1])
{
    size_t at = FILTER_PATH_MAX;

    path[at] = '\0';
    do {
        size_t dot = path[at] ? 1 : 0;

        if (n->optional || n->name_len + dot > at)
            return false;
        if (dot)
            path[--at] = '.';
        at -= n->name_len;
        memcpy(path + at, n->name, n->name_len);
        n = n->args[0];
    } while (n->kind == NODE_SELECT);
    memmove(path, path + at, FILTER_PATH_MAX + 1 - at);
    return n->kind == NODE_NAME && !n->rooted && name_is(n, "this");
}

static const struct filter_field *find_field(struct checker *c, const struct node *n)
{
    char path[FILTER_PATH_MAX + 1];

    if ((n->kind != NODE_SELECT && n->kind != NODE_HAS) || !spell(n, path))
        return NULL;
    return filter_field_find(c->fields, path, &c->filter->arena);
}

static void *fail_field(struct checker *c, const struct node *n)
{
    char path[FILTER_PATH_MAX + 1];

    if (n->optional)
        return fail(c, n, "optional selection is not part of filters");
    if (!spell(n, path))
        return fail(c, n, "a selection begins with 'this': this.metadata.name");
    fail(c, n, "there is no field 'this.%s' that filters can name", path);
    filter_field_suggest(c->fields, path, c->reterr);
    return NULL;
}

static struct filter_node *make_field(struct checker *c, enum filter_kind kind, int type,
                                      const struct filter_field *field)
{
    struct filter_node *f = make(c, kind, type, 0);

    f->field = field;
    return f;
}

/* labels.key is labels["key"]. */
static const struct filter_field *labels_of(struct checker *c, const struct node *n)
{
    bool plain = !n->optional && n->args[0]->kind == NODE_SELECT;
    const struct filter_field *f = plain ? find_field(c, n->args[0]) : NULL;

    return f && f->type == FILTER_LABELS ? f : NULL;
}

static struct filter_node *make_label(struct checker *c, const struct filter_field *labels,
                                      const char *key, size_t len)
{
    struct filter_node *f = make_field(c, FILTER_LABEL, FILTER_STRING, labels);

    f->u.text.data = key;
    f->u.text.len = len;
    return f;
}

static struct filter_node *check_select(struct checker *c, const struct node *n)
{
    const struct filter_field *f = find_field(c, n), *labels;

    if (f)
        return make_field(c, FILTER_FIELD, f->type, f);
    labels = labels_of(c, n);
    return labels ? make_label(c, labels, n->name, n->name_len) : fail_field(c, n);
}

static struct filter_node *check_has(struct checker *c, const struct node *n)
{
    const struct filter_field *f = find_field(c, n), *labels;
    struct filter_node *in;

    if (f)
        return make_field(c, FILTER_HAS, FILTER_BOOL, f);
    labels = labels_of(c, n);
    if (!labels)
        return fail_field(c, n);
    in = make_unary(c, FILTER_IN_FIELD, FILTER_BOOL, make_text(c, n, n->name, n->name_len));
    in->field = labels;
    return in;
}

static struct filter_node *check_index(struct checker *c, const struct node *n)
{
    const struct node *key = n->args[1];
    const struct filter_field *labels = labels_of(c, n);
    struct filter_node *text;

    if (!labels)
        return fail(c, n, "only labels are looked up with [...]: this.metadata.labels[\"key\"]");
    if (key->kind != NODE_CONST || key->u.value.type != CEL_STRING)
        return fail(c, key, "the key of a label is a literal text");
    text = check(c, key);
    return text ? make_label(c, labels, text->u.text.data, text->u.text.len) : NULL;
}

/* ---- conditions ---- */

static bool is_scalar(int type)
{
    return type != FILTER_MESSAGE && type != FILTER_STRINGS && type != FILTER_LABELS;
}

static struct filter_node *check_condition(struct checker *c, const struct node *n)
{
    struct filter_node *f = check(c, n);

    if (!f || f->type == FILTER_BOOL)
        return f;
    return fail(c, n, "expected a condition (bool), found a value of type %s",
                filter_type_name(f->type));
}

static struct filter_node *check_chain(struct checker *c, const struct node *n,
                                       enum filter_kind kind)
{
    struct filter_node *f = make(c, kind, FILTER_BOOL, n->count);

    for (size_t i = 0; i < n->count; i++) {
        f->args[i] = check_condition(c, n->args[i]);
        if (!f->args[i])
            return NULL;
    }
    return f;
}

static struct filter_node *check_not(struct checker *c, const struct node *n)
{
    struct filter_node *a = check_condition(c, n->args[0]);

    if (a && a->kind == FILTER_NOT)
        return a->args[0];
    return a ? make_unary(c, FILTER_NOT, FILTER_BOOL, a) : NULL;
}

static bool is_number(int type)
{
    return type == FILTER_INT || type == FILTER_DOUBLE;
}

/* Fields are signed, and CEL does not mix: 750u is for comparisons. */
static bool is_unsigned(struct checker *c, const struct node *n)
{
    if (n->kind != NODE_CONST || n->u.value.type != CEL_UINT)
        return false;
    fail(c, n, "an unsigned number is compared, not computed with");
    return true;
}

static struct filter_node *check_negate(struct checker *c, const struct node *n)
{
    struct filter_node *a = is_unsigned(c, n->args[0]) ? NULL : check(c, n->args[0]);

    if (!a)
        return NULL;
    if (!is_number(a->type))
        return fail(c, n, "'-' takes a number, found a value of type %s",
                    filter_type_name(a->type));
    return make_unary(c, FILTER_NEGATE, a->type, a);
}

/* ---- comparisons ---- */

static struct filter_node *negate_if(struct checker *c, bool negate, struct filter_node *f)
{
    return f && negate ? make_unary(c, FILTER_NOT, FILTER_BOOL, f) : f;
}

static struct filter_node *make_is_enum(struct checker *c, const struct filter_node *field,
                                        const struct filter_node *number, const struct node *at)
{
    const struct filter_enum *v = field->field->values;
    struct filter_node *f;

    if (number->kind != FILTER_CONST || number->type != FILTER_INT)
        return fail(c, at, "the enum '%s' is compared with the number of a value, as a literal",
                    field->field->path);
    while (v->name && v->number != number->u.integer)
        v++;
    if (!v->name)
        return fail(c, at, "the enum '%s' has no value of the number %lld", field->field->path,
                    (long long)number->u.integer);
    f = make_field(c, FILTER_IS_ENUM, FILTER_BOOL, field->field);
    f->u.integer = number->u.integer;
    return f;
}

static struct filter_node *compare_enum(struct checker *c, const struct node *n,
                                        const struct filter_node *a, const struct filter_node *b)
{
    bool first = a->type == FILTER_ENUM;
    const struct filter_node *field = first ? a : b;

    if (n->op != OP_EQ && n->op != OP_NE)
        return fail(c, n, "an enum has no order: it is compared with == and !=");
    return negate_if(c, n->op == OP_NE,
                     make_is_enum(c, field, first ? b : a, n->args[first ? 1 : 0]));
}

static struct filter_node *compare_null(struct checker *c, const struct node *n,
                                        struct filter_node *a, struct filter_node *b)
{
    struct filter_node *other = a->type == FILTER_NULL ? b : a, *f;

    if (n->op != OP_EQ && n->op != OP_NE)
        return fail(c, n, "null has no order: it is compared with == and !=");
    switch (other->type) {
    case FILTER_NULL:
        f = make_bool(c, true);
        break;
    case FILTER_TIMESTAMP:
        f = make_unary(c, FILTER_IS_NULL, FILTER_BOOL, other);
        break;
    case FILTER_MESSAGE:
        f = negate_if(c, true, make_field(c, FILTER_HAS, FILTER_BOOL, other->field));
        break;
    default:
        return fail(c, n, "a value of type %s is never null", filter_type_name(other->type));
    }
    return negate_if(c, n->op == OP_NE, f);
}

static bool comparable(int a, int b)
{
    return is_scalar(a) && (a == b || (is_number(a) && is_number(b)));
}

static struct filter_node *check_compare(struct checker *c, const struct node *n)
{
    struct filter_node *a = check(c, n->args[0]);
    struct filter_node *b = a ? check(c, n->args[1]) : NULL, *f;

    if (!b)
        return NULL;
    if (a->type == FILTER_NULL || b->type == FILTER_NULL)
        return compare_null(c, n, a, b);
    if (a->type == FILTER_ENUM || b->type == FILTER_ENUM)
        return compare_enum(c, n, a, b);
    if (!comparable(a->type, b->type))
        return fail(c, n, "'%s' cannot compare a %s with a %s",
                    operator_name((enum binary_op)n->op), filter_type_name(a->type),
                    filter_type_name(b->type));
    f = make_binary(c, FILTER_COMPARE, FILTER_BOOL, a, b);
    f->op = (enum binary_op)n->op;
    return f;
}

static struct filter_node *check_compute(struct checker *c, const struct node *n)
{
    struct filter_node *a = check(c, n->args[0]);
    struct filter_node *b = a ? check(c, n->args[1]) : NULL, *f;
    bool joins;

    if (!b || is_unsigned(c, n->args[0]) || is_unsigned(c, n->args[1]))
        return NULL;
    joins = n->op == OP_ADD && a->type == FILTER_STRING;
    if (a->type != b->type || !(joins || is_number(a->type)) ||
        (n->op == OP_MOD && a->type != FILTER_INT))
        return fail(c, n, "'%s' cannot take a %s and a %s", operator_name((enum binary_op)n->op),
                    filter_type_name(a->type), filter_type_name(b->type));
    f = make_binary(c, FILTER_COMPUTE, a->type, a, b);
    f->op = (enum binary_op)n->op;
    return f;
}

/* ---- in ---- */

/* An item of a list. Lists have a limit of their own: their items are not counted as nodes. */
static struct filter_node *check_item(struct checker *c, const struct node *n)
{
    struct filter_node *item;

    c->nodes--;
    item = check(c, n);
    if (item && (n->entry_optional || item->kind != FILTER_CONST))
        return fail(c, n, "the list of 'in' holds literals alone");
    return item;
}

static struct filter_node *check_in_enum(struct checker *c, const struct filter_node *a,
                                         const struct node *list)
{
    struct filter_node *f = make(c, FILTER_OR, FILTER_BOOL, list->count);
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        struct filter_node *number = check_item(c, list->args[i]), *is;
        bool known = false;

        is = number ? make_is_enum(c, a, number, list->args[i]) : NULL;
        if (!is)
            return NULL;
        for (size_t k = 0; k < kept; k++)
            known = known || f->args[k]->u.integer == is->u.integer;
        if (!known)
            f->args[kept++] = is;
    }
    f->count = kept;
    return kept == 1 ? f->args[0] : f;
}

static struct filter_node *check_in_list(struct checker *c, struct filter_node *a,
                                         const struct node *list)
{
    struct filter_node *f;

    if (list->count > FILTER_LIST_MAX)
        return fail_limit(c, list, "values in a list", FILTER_LIST_MAX);
    if (list->count == 0)
        return make_bool(c, false);
    if (a->type == FILTER_ENUM)
        return check_in_enum(c, a, list);
    f = make(c, FILTER_IN_LIST, FILTER_BOOL, list->count + 1);
    f->args[0] = a;
    for (size_t i = 0; i < list->count; i++) {
        struct filter_node *item = check_item(c, list->args[i]);

        if (!item)
            return NULL;
        if (!comparable(a->type, item->type))
            return fail(c, list->args[i], "'in' cannot look for a %s among values of type %s",
                        filter_type_name(a->type), filter_type_name(item->type));
        f->args[i + 1] = item;
    }
    return f;
}

static struct filter_node *check_in(struct checker *c, const struct node *n)
{
    const struct node *right = n->args[1];
    struct filter_node *a = check(c, n->args[0]), *b;

    if (!a)
        return NULL;
    if (right->kind == NODE_LIST)
        return check_in_list(c, a, right);
    b = check(c, right);
    if (!b)
        return NULL;
    if (b->kind != FILTER_FIELD || (b->type != FILTER_STRINGS && b->type != FILTER_LABELS))
        return fail(c, right, "'in' takes a list of literals, a list field or labels");
    if (a->type != FILTER_STRING)
        return fail(c, n->args[0], "'in' looks for a string here, found a value of type %s",
                    filter_type_name(a->type));
    a = make_unary(c, FILTER_IN_FIELD, FILTER_BOOL, a);
    a->field = b->field;
    return a;
}

/* ---- calls ---- */

static struct filter_node *check_timestamp(struct checker *c, const struct node *n)
{
    struct filter_node *text;
    int64_t ns;
    char copy[TIME_TEXT * 2];

    if (n->count != 1 || n->args[0]->kind != NODE_CONST || n->args[0]->u.value.type != CEL_STRING)
        return fail(c, n,
                    "timestamp() takes one literal text: timestamp(\"2026-01-01T00:00:00Z\")");
    text = check(c, n->args[0]);
    if (!text)
        return NULL;
    if (text->u.text.len < sizeof copy) {
        memcpy(copy, text->u.text.data, text->u.text.len);
        copy[text->u.text.len] = '\0';
        if (time_parse(copy, &ns))
            return make_integer(c, FILTER_TIMESTAMP, ns);
    }
    return fail(c, n->args[0], "expected a time as RFC 3339 writes it, from 1678 to 2262");
}

static struct filter_node *check_text_call(struct checker *c, const struct node *n,
                                           enum filter_kind kind)
{
    struct filter_node *a, *b;

    if (n->count != 2)
        return fail(c, n, "%.*s() takes one text", (int)n->name_len, n->name);
    a = check(c, n->args[0]);
    b = a ? check(c, n->args[1]) : NULL;
    if (!b)
        return NULL;
    if (a->type != FILTER_STRING)
        return fail(c, n, "%.*s() is a function of strings, found a %s", (int)n->name_len, n->name,
                    filter_type_name(a->type));
    if (b->kind != FILTER_CONST || b->type != FILTER_STRING)
        return fail(c, n->args[1], "%.*s() takes a literal text", (int)n->name_len, n->name);
    return make_binary(c, kind, FILTER_BOOL, a, b);
}

static struct filter_node *check_call(struct checker *c, const struct node *n)
{
    static const struct {
        const char *name;
        enum filter_kind kind;
    } members[] = {
        {"startsWith", FILTER_STARTS}, {"endsWith", FILTER_ENDS}, {"contains", FILTER_CONTAINS}};

    for (size_t i = 0; i < ARRAY_LEN(members) && n->member; i++)
        if (name_is(n, members[i].name))
            return check_text_call(c, n, members[i].kind);
    if (!n->member && !n->rooted && name_is(n, "timestamp"))
        return check_timestamp(c, n);
    return fail(c, n, "the function '%.*s' is not part of filters", (int)n->name_len, n->name);
}

/* ---- all of it ---- */

static struct filter_node *check_binary(struct checker *c, const struct node *n)
{
    switch ((enum binary_op)n->op) {
    case OP_EQ:
    case OP_NE:
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE:
        return check_compare(c, n);
    case OP_IN:
        return check_in(c, n);
    default:
        return check_compute(c, n);
    }
}

static struct filter_node *check(struct checker *c, const struct node *n)
{
    if (++c->nodes > FILTER_NODES_MAX)
        return fail_limit(c, n, "nodes", FILTER_NODES_MAX);
    switch ((enum node_kind)n->kind) {
    case NODE_CONST:
        return check_const(c, n);
    case NODE_NAME:
        return check_name(c, n);
    case NODE_SELECT:
        return check_select(c, n);
    case NODE_HAS:
        return check_has(c, n);
    case NODE_INDEX:
        return check_index(c, n);
    case NODE_CALL:
        return check_call(c, n);
    case NODE_AND:
        return check_chain(c, n, FILTER_AND);
    case NODE_OR:
        return check_chain(c, n, FILTER_OR);
    case NODE_NOT:
        return check_not(c, n);
    case NODE_NEGATE:
        return check_negate(c, n);
    case NODE_BINARY:
        return check_binary(c, n);
    case NODE_LIST:
        return fail(c, n, "a list stands on the right side of 'in' alone");
    case NODE_LOOP:
    case NODE_LET:
        return fail(c, n, "'%.*s' is not part of filters", (int)n->name_len, n->name);
    default:
        return fail(c, n, "this is not part of filters");
    }
}

int filter_check(struct filter *f, const struct filter_fields *fields, int64_t now_ns,
                 struct err *reterr)
{
    struct checker c = {f, fields, now_ns, 0, reterr};
    const struct node *root = f->program->root;

    if (root->height > FILTER_DEPTH_MAX)
        return source_fail(&f->program->source, reterr, ERR_LIMIT, root->offset,
                           "the filter is nested deeper than %d", FILTER_DEPTH_MAX);
    f->root = check_condition(&c, root);
    return f->root ? 0 : -1;
}
