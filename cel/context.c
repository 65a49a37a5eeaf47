/* Evaluations and their memory; the public half of evaluating. */
#include "cel/context.h"

#include <assert.h>
#include <stdio.h>

#include "base/mem.h"

/* What costs nothing is work all the same: constants, lookups in large maps. */
#define STEPS_PER_UNIT 2u

struct cel_context *cel_context_create(void)
{
    return mem_zalloc(sizeof(struct cel_context));
}

static void drop_kept(struct cel_context *c)
{
    for (size_t i = 0; i < c->kept_count; i++)
        json_decref(c->kept[i]);
    c->kept_count = 0;
}

void cel_context_destroy(struct cel_context *c)
{
    if (!c)
        return;
    assert(!c->running);
    drop_kept(c);
    free(c->kept);
    regex_destroy(c->regex);
    free(c->pattern);
    zone_destroy(c->zone);
    arena_finish(&c->arena);
    free(c);
}

uint64_t cel_context_cost(const struct cel_context *c)
{
    return c->cost;
}

struct cel_value cel_string(struct cel_context *c, const char *s, size_t len)
{
    return value_text(arena_copy(&c->arena, s, len), len);
}

struct cel_value cel_json_take(struct cel_context *c, json_t *json)
{
    if (!json)
        return cel_null();
    c->kept = mem_grow(c->kept, &c->kept_cap, c->kept_count + 1, sizeof(json_t *));
    c->kept[c->kept_count++] = json;
    return cel_json(json);
}

/* Codes that say something about the evaluation, and not about a value. */
static bool is_fatal(enum err_code code)
{
    return code == ERR_LIMIT || code == ERR_CRASHED || code == ERR_INTERNAL;
}

int eval_fail(struct cel_context *c, enum err_code code, const char *fmt, ...)
{
    struct cel_error *error = arena_zalloc(&c->arena, sizeof *error);
    char text[256];
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    assert(len >= 0);
    if ((size_t)len >= sizeof text)
        len = sizeof text - 1;
    error->code = code;
    error->offset = c->at ? c->at->offset : 0;
    error->fatal = is_fatal(code);
    error->msg = arena_copy(&c->arena, text, (size_t)len);
    c->error = error;
    return -1;
}

int eval_fail_steps(struct cel_context *c)
{
    return eval_fail(c, ERR_LIMIT, "the evaluation needs more than %llu steps",
                     (unsigned long long)c->steps_max);
}

/* In cel-go's words, which clients of Kubernetes see. */
int eval_fail_cost(struct cel_context *c)
{
    return eval_fail(c, ERR_LIMIT, "operation cancelled: actual cost limit exceeded");
}

int eval_fail_memory(struct cel_context *c)
{
    return eval_fail(c, ERR_LIMIT, "the evaluation needs more than %zu KiB of memory",
                     c->memory_max >> 10);
}

static const char *operator_text(const struct node *n)
{
    static const char *const texts[OP_COUNT] = {
        [OP_EQ] = "==", [OP_NE] = "!=", [OP_LT] = "<",  [OP_LE] = "<=",
        [OP_GT] = ">",  [OP_GE] = ">=", [OP_IN] = "in", [OP_ADD] = "+",
        [OP_SUB] = "-", [OP_MUL] = "*", [OP_DIV] = "/", [OP_MOD] = "%",
    };

    return texts[n->op];
}

int eval_no_overload(struct cel_context *c, size_t nargs, const struct cel_value *args)
{
    const struct node *n = c->at;
    char types[160];
    size_t len = 0, first = n->kind == NODE_CALL_STD && n->member ? 1 : 0;

    if (n->kind == NODE_BINARY)
        return eval_fail(c, ERR_INVALID, "no such overload: %s %s %s", cel_type_name(args[0].type),
                         operator_text(n), cel_type_name(args[1].type));
    if (n->kind == NODE_NEGATE)
        return eval_fail(c, ERR_INVALID, "no such overload: -%s", cel_type_name(args[0].type));
    if (n->kind == NODE_INDEX)
        return eval_fail(c, ERR_INVALID, "no such overload: %s[%s]", cel_type_name(args[0].type),
                         cel_type_name(args[1].type));
    types[0] = '\0';
    for (size_t i = first; i < nargs && len < sizeof types; i++)
        len += (size_t)snprintf(types + len, sizeof types - len, "%s%s", i > first ? ", " : "",
                                cel_type_name(args[i].type));
    return eval_fail(c, ERR_INVALID, "no such overload: %s%s%.*s(%s)",
                     first ? cel_type_name(args[0].type) : "", first ? "." : "", (int)n->name_len,
                     n->name, types);
}

void *eval_alloc(struct cel_context *c, size_t bytes)
{
    if (bytes > c->memory_max || c->arena.bytes > c->memory_max - bytes) {
        eval_fail_memory(c);
        return NULL;
    }
    return arena_alloc(&c->arena, bytes);
}

int eval_new_list(struct cel_context *c, size_t count, struct cel_value *ret)
{
    struct cel_list *list;

    if (count > c->memory_max / sizeof *list->items)
        return eval_fail_memory(c);
    list = eval_alloc(c, sizeof *list + count * sizeof *list->items);
    if (!list)
        return -1;
    list->count = count;
    list->items = (struct cel_value *)(list + 1);
    *ret = (struct cel_value){.type = CEL_LIST, .u.list = list};
    return 0;
}

int eval_new_map(struct cel_context *c, size_t cap, struct cel_value *ret)
{
    struct cel_map *map;

    if (cap > c->memory_max / (2 * sizeof *map->keys))
        return eval_fail_memory(c);
    map = eval_alloc(c, sizeof *map + 2 * cap * sizeof *map->keys + 8);
    if (!map)
        return -1;
    map->count = 0;
    map->keys = (struct cel_value *)(map + 1);
    map->values = map->keys + cap;
    *ret = (struct cel_value){.type = CEL_MAP, .u.map = map};
    return 0;
}

int eval_map_add(struct cel_context *c, struct cel_value *map, const struct cel_value *key,
                 const struct cel_value *value)
{
    struct cel_map *m = map->u.map;
    struct cel_value found;

    if (key->type != CEL_STRING && key->type != CEL_INT && key->type != CEL_UINT &&
        key->type != CEL_BOOL)
        return eval_fail(c, ERR_INVALID, "a map key cannot be of type %s",
                         cel_type_name(key->type));
    if (eval_charge(c, m->count / 16) < 0)
        return -1;
    if (value_lookup(map, key, &found)) {
        AUTO(str) char *shown = cel_show(key, 60);

        return eval_fail(c, ERR_INVALID, "duplicate key in a map: %s", shown);
    }
    m->keys[m->count] = *key;
    m->values[m->count] = *value;
    m->count++;
    return 0;
}

int eval_text(struct cel_context *c, const char *data, size_t len, struct cel_value *ret)
{
    char *copy = eval_alloc(c, len + 1);

    if (!copy)
        return -1;
    if (len > 0)
        memcpy(copy, data, len);
    copy[len] = '\0';
    *ret = value_text(copy, len);
    return eval_charge(c, len / 16);
}

int eval_some(struct cel_context *c, const struct cel_value *v, struct cel_value *ret)
{
    struct cel_value *inner = eval_alloc(c, sizeof *inner);

    if (!inner)
        return -1;
    *inner = *v;
    *ret = (struct cel_value){.type = CEL_OPTIONAL, .u.optional = inner};
    return 0;
}

const struct regex *eval_regex(struct cel_context *c, const struct cel_value *pattern)
{
    size_t len = pattern->u.text.len;
    char why[160];

    if (c->at->u.call.regex)
        return c->at->u.call.regex;
    if (c->regex && c->pattern_len == len && memcmp(c->pattern, pattern->u.text.data, len) == 0)
        return c->regex;
    regex_destroy(TAKE(c->regex));
    free(TAKE(c->pattern));
    if (eval_charge(c, 100 + len) < 0)
        return NULL;
    c->regex = regex_create(pattern->u.text.data, len, why, sizeof why);
    if (!c->regex) {
        eval_fail(c, ERR_INVALID, "bad regular expression: %s", why);
        return NULL;
    }
    c->pattern = mem_strndup(pattern->u.text.data, len);
    c->pattern_len = len;
    return c->regex;
}

static void begin(const struct cel_program *p, struct cel_context *c,
                  const struct cel_binding *bindings, void *cookie, uint64_t cost_max)
{
    /* A host function that evaluates needs a context of its own: this one's values are still in
     * use. */
    assert(!c->running);
    arena_reset(&c->arena);
    if (c->kept_count)
        drop_kept(c);
    c->running = true;
    c->program = p;
    c->bindings = bindings;
    c->cookie = cookie;
    c->steps = c->cost = 0;
    c->cost_max = cost_max ? cost_max : CEL_COST_DEFAULT;
    c->steps_max = c->cost_max > CEL_COST_DEFAULT ? c->cost_max : CEL_COST_DEFAULT;
    if (__builtin_mul_overflow(c->steps_max, STEPS_PER_UNIT, &c->steps_max))
        c->steps_max = UINT64_MAX;
    c->memory_max = CEL_MEMORY_MAX;
    c->at = NULL;
    c->error = NULL;
    c->frame = arena_alloc(&c->arena, p->frame_slots * sizeof *c->frame);
}

static int report(const struct cel_program *p, const struct cel_error *e, struct err *reterr)
{
    source_fail(&p->source, reterr, e->code, e->offset, "%s", e->msg);
    return e->hint ? err_hint(reterr, "%s", e->hint) : -1;
}

int cel_eval(const struct cel_program *p, struct cel_context *c, const struct cel_binding *bindings,
             void *cookie, uint64_t cost_max, struct cel_value *ret, struct err *reterr)
{
    int rc;

    begin(p, c, bindings, cookie, cost_max);
    rc = eval_node(c, p->root, ret);
    /* An error that comes later than the limit would not have come. */
    if (rc == 0 || !c->error->fatal) {
        if (c->steps > c->steps_max)
            rc = eval_fail_steps(c);
        else if (c->cost > c->cost_max)
            rc = eval_fail_cost(c);
    }
    c->running = false;
    return rc < 0 ? report(p, c->error, reterr) : 0;
}

void eval_add_cost(struct cel_context *c, uint64_t units)
{
    if (__builtin_add_overflow(c->cost, units, &c->cost))
        c->cost = UINT64_MAX;
}

int cel_charge(struct cel_context *c, uint64_t units, struct err *reterr)
{
    eval_add_cost(c, units);
    return c->cost > c->cost_max ? err_set(reterr, ERR_LIMIT, NO_POS, "out of budget") : 0;
}

int cel_eval_bool(const struct cel_program *p, struct cel_context *c,
                  const struct cel_binding *bindings, void *cookie, uint64_t cost_max, bool *ret,
                  struct err *reterr)
{
    struct cel_value v;

    if (cel_eval(p, c, bindings, cookie, cost_max, &v, reterr) < 0)
        return -1;
    if (v.type != CEL_BOOL)
        return source_fail(&p->source, reterr, ERR_INVALID, p->root->offset,
                           "expected bool, found %s", cel_type_name(v.type));
    *ret = v.u.boolean;
    return 0;
}

const struct zone *eval_zone(struct cel_context *c, const struct cel_value *name)
{
    size_t len = name->u.text.len;

    if (len > ZONE_NAME_MAX)
        return NULL;
    if (strlen(c->zone_name) == len && memcmp(c->zone_name, name->u.text.data, len) == 0)
        return c->zone;
    zone_destroy(c->zone);
    c->zone = zone_read(name->u.text.data, len);
    memcpy(c->zone_name, name->u.text.data, len);
    c->zone_name[len] = '\0';
    return c->zone;
}
