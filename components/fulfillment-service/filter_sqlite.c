/* The meaning of a node is CEL's; what has no value there is NULL here, and SQL's AND, OR and NOT
 * treat it alike.
 *
 * SQLite's parser has a stack of 100 symbols and no more, so nothing may nest deep in the text.
 * Chains become balanced trees; and a part that nests deeper than DEPTH_MAX becomes a column xN of
 * a WITH clause, whose name then stands in its place. Columns of one level depend on those of the
 * levels below alone, so that few levels do. */
#include "components/fulfillment-service/filter_sqlite.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "components/fulfillment-service/filter_priv.h"
#include "components/fulfillment-service/store_db.h"

/* Symbols on the stack of SQLite's parser, counted with a margin. */
#define DEPTH_MAX 48
#define DEPTH_VALUE 12 /* coalesce(CAST(json_extract(data, '...') AS INTEGER), 0) */
#define DEPTH_QUERY 20 /* (SELECT ... FROM json_each(...) WHERE key = ?) */
#define DEPTH_CALL 5   /* name(a, ... */
#define DEPTH_INFIX 4  /* (a AND ... */

struct filter_bind {
    int type; /* of filter.h */
    int64_t integer;
    double real;
    const char *text;
    size_t len;
};

/* How deep a piece of text nests, and the highest level of the columns in it. */
struct shape {
    unsigned depth, level;
};

struct column {
    char *text;
    unsigned level; /* from 1 */
};

struct emitter {
    struct strbuf out;
    struct filter_sql sql;
    struct column *columns;
    size_t count, cap;
};

static struct shape emit(struct emitter *e, const struct filter_node *n);

static void add(struct emitter *e, const char *text)
{
    strbuf_addstr(&e->out, text);
}

static struct shape leaf(unsigned depth)
{
    return (struct shape){depth, 0};
}

static struct shape deeper(struct shape a, struct shape b)
{
    return (struct shape){a.depth > b.depth ? a.depth : b.depth,
                          a.level > b.level ? a.level : b.level};
}

/* What stands from `start` on nests by `more` around its parts: it stays, or becomes a column. */
static struct shape around(struct emitter *e, size_t start, struct shape parts, unsigned more)
{
    struct column column = {NULL, parts.level + 1};

    parts.depth += more;
    if (parts.depth <= DEPTH_MAX)
        return parts;
    column.text = mem_strdup(e->out.data + start);
    e->out.len = start;
    e->columns = mem_grow(e->columns, &e->cap, e->count + 1, sizeof *e->columns);
    e->columns[e->count++] = column;
    strbuf_addf(&e->out, "x%zu", e->count);
    return (struct shape){1, column.level};
}

static void bind(struct emitter *e, struct filter_bind b)
{
    struct filter_sql *sql = &e->sql;

    sql->binds = mem_grow(sql->binds, &sql->cap, sql->count + 1, sizeof *sql->binds);
    sql->binds[sql->count++] = b;
    strbuf_addf(&e->out, "?%zu", sql->count);
}

static void bind_text(struct emitter *e, const char *text, size_t len)
{
    bind(e, (struct filter_bind){.type = FILTER_STRING, .text = text, .len = len});
}

/* ---- fields ---- */

static const char *column_of(enum filter_place place)
{
    static const char *const columns[] = {
        [FILTER_IN_DATA] = NULL,
        [FILTER_IN_ID] = "id",
        [FILTER_IN_NAME] = "name",
        [FILTER_IN_TENANT] = "tenant",
        [FILTER_IN_CREATOR] = "creator",
        [FILTER_IN_PROJECT] = "project",
        [FILTER_IN_CREATION] = "nullif(creation_timestamp, 0)",
        [FILTER_IN_DELETION] = "nullif(deletion_timestamp, 0)",
        [FILTER_IN_LABELS] = "labels",
    };

    return columns[place];
}

/* The stored value; NULL when there is none. Paths are this program's own words. */
static void add_stored(struct strbuf *out, const struct filter_field *f)
{
    const char *column = column_of(f->place);

    assert(strspn(f->path, "abcdefghijklmnopqrstuvwxyz0123456789_.") == strlen(f->path));
    if (column)
        strbuf_addstr(out, column);
    else
        strbuf_addf(out, "json_extract(data, '$.%s')", f->path);
}

/* The value that proto has: what is not set is zero, or no time. */
static void add_value(struct strbuf *out, const struct filter_field *f)
{
    static const struct {
        const char *before, *after;
    } forms[] = {
        [FILTER_BOOL] = {"coalesce(", " = 1, 0)"},
        [FILTER_INT] = {"coalesce(CAST(", " AS INTEGER), 0)"},
        [FILTER_DOUBLE] = {"coalesce(CAST(", " AS REAL), 0.0)"},
        [FILTER_STRING] = {"coalesce(", ", '')"},
        [FILTER_ENUM] = {"coalesce(", ", '')"},
        [FILTER_TIMESTAMP] = {"filter_time(", ")"},
    };

    assert((size_t)f->type < ARRAY_LEN(forms));
    if (f->place != FILTER_IN_DATA) {
        add_stored(out, f);
        return;
    }
    strbuf_addstr(out, forms[f->type].before);
    add_stored(out, f);
    strbuf_addstr(out, forms[f->type].after);
}

/* What json_each() takes. */
static void add_collection(struct strbuf *out, const struct filter_field *f)
{
    if (f->place == FILTER_IN_DATA)
        strbuf_addf(out, "data, '$.%s'", f->path);
    else
        strbuf_addstr(out, column_of(f->place));
}

static struct shape emit_label(struct emitter *e, const struct filter_node *n)
{
    add(e, "(SELECT value FROM json_each(");
    add_collection(&e->out, n->field);
    add(e, ") WHERE key = ");
    bind_text(e, n->u.text.data, n->u.text.len);
    add(e, ")");
    return leaf(DEPTH_QUERY);
}

/* The names of the value of this number, or of all others. */
static void bind_names(struct emitter *e, const struct filter_enum *v, int64_t number, bool equal)
{
    bool first = true;

    for (; v->name; v++) {
        if ((v->number == number) != equal)
            continue;
        if (!first)
            add(e, ", ");
        bind_text(e, v->name, strlen(v->name));
        first = false;
    }
}

/* A name that nobody knows is as good as none: 0. */
static struct shape emit_is_enum(struct emitter *e, const struct filter_field *f, int64_t number)
{
    bool zero = number == 0;

    add(e, "coalesce(");
    add_stored(&e->out, f);
    add(e, zero ? " NOT IN (" : " IN (");
    bind_names(e, f->values, number, !zero);
    add(e, zero ? "), 1)" : "), 0)");
    return leaf(DEPTH_VALUE);
}

static struct shape emit_has(struct emitter *e, const struct filter_field *f)
{
    if (f->type == FILTER_STRINGS || f->type == FILTER_LABELS) {
        add(e, "EXISTS (SELECT 1 FROM json_each(");
        add_collection(&e->out, f);
        add(e, "))");
        return leaf(DEPTH_QUERY);
    }
    add(e, f->type == FILTER_ENUM ? "(NOT " : "(");
    if (f->optional || f->type == FILTER_MESSAGE || f->type == FILTER_TIMESTAMP) {
        add_stored(&e->out, f);
        add(e, " IS NOT NULL)");
    } else if (f->type == FILTER_ENUM) {
        emit_is_enum(e, f, 0);
        add(e, ")");
    } else {
        add_value(&e->out, f);
        add(e, f->type == FILTER_STRING ? " <> '')" : " <> 0)");
    }
    return leaf(DEPTH_VALUE + DEPTH_INFIX);
}

/* ---- operators ---- */

static struct shape emit_const(struct emitter *e, const struct filter_node *n)
{
    struct filter_bind b = {.type = n->type};

    switch (n->type) {
    case FILTER_BOOL:
        b.integer = n->u.boolean;
        break;
    case FILTER_DOUBLE:
        b.real = n->u.real;
        break;
    case FILTER_STRING:
        b.text = n->u.text.data;
        b.len = n->u.text.len;
        break;
    default:
        b.integer = n->u.integer;
    }
    bind(e, b);
    return leaf(1);
}

/* args[first] up to args[end], halved again and again. */
static struct shape emit_chain(struct emitter *e, const struct filter_node *n, size_t first,
                               size_t end)
{
    size_t middle = first + (end - first) / 2, start = e->out.len;
    struct shape left, right;

    if (end - first == 1)
        return emit(e, n->args[first]);
    add(e, "(");
    left = emit_chain(e, n, first, middle);
    add(e, n->kind == FILTER_AND ? " AND " : " OR ");
    right = emit_chain(e, n, middle, end);
    add(e, ")");
    return around(e, start, deeper(left, right), DEPTH_INFIX);
}

/* A time that is not set is equal to no other, and before or after nothing. */
static const char *comparison(const struct filter_node *n)
{
    bool time = n->args[0]->type == FILTER_TIMESTAMP;

    switch (n->op) {
    case OP_EQ:
        return time ? " IS " : " = ";
    case OP_NE:
        return time ? " IS NOT " : " <> ";
    case OP_LT:
        return " < ";
    case OP_LE:
        return " <= ";
    case OP_GT:
        return " > ";
    default:
        return " >= ";
    }
}

/* The arguments from `first` on between texts. */
static struct shape emit_args(struct emitter *e, const struct filter_node *n, size_t first,
                              const char *between)
{
    struct shape shape = {0, 0};

    for (size_t i = first; i < n->count; i++) {
        if (i > first)
            add(e, between);
        shape = deeper(shape, emit(e, n->args[i]));
    }
    return shape;
}

static struct shape emit_call(struct emitter *e, const char *name, const struct filter_node *n)
{
    size_t start = e->out.len;
    struct shape shape;

    add(e, name);
    add(e, "(");
    shape = emit_args(e, n, 0, ", ");
    add(e, ")");
    return around(e, start, shape, DEPTH_CALL);
}

static struct shape emit_compute(struct emitter *e, const struct filter_node *n)
{
    static const char *const names[] = {
        [OP_ADD] = "filter_add", [OP_SUB] = "filter_sub", [OP_MUL] = "filter_mul",
        [OP_DIV] = "filter_div", [OP_MOD] = "filter_mod",
    };

    return emit_call(e, n->type == FILTER_STRING ? "filter_join" : names[n->op], n);
}

static struct shape emit_between(struct emitter *e, const char *before, const struct filter_node *n,
                                 const char *between, const char *after)
{
    size_t start = e->out.len;
    struct shape shape;

    add(e, before);
    shape = emit_args(e, n, 0, between);
    add(e, after);
    return around(e, start, shape, DEPTH_INFIX);
}

static struct shape emit_in_list(struct emitter *e, const struct filter_node *n)
{
    bool time = n->args[0]->type == FILTER_TIMESTAMP;
    size_t start = e->out.len;
    struct shape shape;

    add(e, time ? "coalesce(" : "(");
    shape = emit(e, n->args[0]);
    add(e, " IN (");
    emit_args(e, n, 1, ", ");
    add(e, time ? "), 0)" : "))");
    return around(e, start, shape, DEPTH_CALL + DEPTH_INFIX);
}

static struct shape emit_in_field(struct emitter *e, const struct filter_node *n)
{
    size_t start = e->out.len;
    struct shape shape;

    add(e, "(");
    shape = emit(e, n->args[0]);
    add(e, n->field->type == FILTER_LABELS ? " IN (SELECT key FROM json_each("
                                           : " IN (SELECT value FROM json_each(");
    add_collection(&e->out, n->field);
    add(e, ")))");
    return around(e, start, deeper(shape, leaf(DEPTH_QUERY)), DEPTH_INFIX);
}

static struct shape emit(struct emitter *e, const struct filter_node *n)
{
    switch (n->kind) {
    case FILTER_CONST:
        return emit_const(e, n);
    case FILTER_FIELD:
        add_value(&e->out, n->field);
        return leaf(DEPTH_VALUE);
    case FILTER_LABEL:
        return emit_label(e, n);
    case FILTER_AND:
    case FILTER_OR:
        return emit_chain(e, n, 0, n->count);
    case FILTER_NOT:
        return emit_between(e, "(NOT ", n, "", ")");
    case FILTER_NEGATE:
        return emit_call(e, "filter_negate", n);
    case FILTER_COMPARE:
        return emit_between(e, "(", n, comparison(n), ")");
    case FILTER_COMPUTE:
        return emit_compute(e, n);
    case FILTER_IN_LIST:
        return emit_in_list(e, n);
    case FILTER_IN_FIELD:
        return emit_in_field(e, n);
    case FILTER_IS_ENUM:
        return emit_is_enum(e, n->field, n->u.integer);
    case FILTER_IS_NULL:
        return emit_between(e, "(", n, "", " IS NULL)");
    case FILTER_HAS:
        return emit_has(e, n->field);
    case FILTER_STARTS:
        return emit_call(e, "filter_starts", n);
    case FILTER_ENDS:
        return emit_call(e, "filter_ends", n);
    case FILTER_CONTAINS:
        return emit_call(e, "filter_contains", n);
    }
    return leaf(0);
}

/* ---- the whole ---- */

/* s1 is the table and the columns of level 1, s2 is s1 and those of level 2, and so on. */
static void finish_columns(struct emitter *e, unsigned levels, const char *table)
{
    struct strbuf with = {0};

    e->sql.from = levels ? mem_printf("s%u", levels) : mem_strdup(table);
    for (unsigned level = 1; level <= levels; level++) {
        strbuf_addf(&with, "%s s%u AS (SELECT *", level == 1 ? "WITH" : ",", level);
        for (size_t i = 0; i < e->count; i++)
            if (e->columns[i].level == level)
                strbuf_addf(&with, ", %s AS x%zu", e->columns[i].text, i + 1);
        if (level == 1)
            strbuf_addf(&with, " FROM %s)", table);
        else
            strbuf_addf(&with, " FROM s%u)", level - 1);
    }
    if (levels)
        strbuf_addch(&with, ' ');
    e->sql.with = strbuf_take(&with);
    for (size_t i = 0; i < e->count; i++)
        free(e->columns[i].text);
    free(e->columns);
}

struct filter_sql filter_sqlite(const struct filter *f, const char *table)
{
    struct emitter e = {0};
    struct shape shape = {0, 0};

    if (f)
        shape = emit(&e, f->root);
    else
        add(&e, "1");
    e.sql.text = strbuf_take(&e.out);
    finish_columns(&e, shape.level, table);
    return e.sql;
}

void filter_sqlite_bind(const struct filter_sql *sql, struct statement *s)
{
    for (size_t i = 0; i < sql->count; i++) {
        const struct filter_bind *b = &sql->binds[i];

        if (b->type == FILTER_STRING)
            statement_bytes(s, b->text, b->len);
        else if (b->type == FILTER_DOUBLE)
            statement_double(s, b->real);
        else
            statement_int(s, b->integer);
    }
}

void filter_sql_finish(struct filter_sql *sql)
{
    free(sql->with);
    free(sql->from);
    free(sql->text);
    free(sql->binds);
    memset(sql, 0, sizeof *sql);
}

char *filter_sqlite_order(const struct order *o)
{
    struct strbuf out = {0};

    for (size_t i = 0; o && i < o->count; i++) {
        add_value(&out, o->keys[i].field);
        strbuf_addstr(&out, o->keys[i].descending ? " DESC, " : ", ");
    }
    strbuf_addstr(&out, "id");
    return strbuf_take(&out);
}
