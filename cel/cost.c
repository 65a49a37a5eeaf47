/* After cel-go's interpreter/runtimecost.go and Kubernetes' cel/library/cost.go (what they count,
 * not how they are written). */
#include "cel/cost.h"

#include "cel/functions.h"
#include "cel/utf8.h"

/* ---- sizes ---- */

static uint64_t bits_of(const struct cel_value *ip)
{
    return memchr(ip->u.text.data, ':', ip->u.text.len) ? 128 : 32;
}

static uint64_t prefix_bytes(const struct cel_value *cidr)
{
    const char *slash = memchr(cidr->u.text.data, '/', cidr->u.text.len);
    uint64_t bits = 0;

    for (const char *s = slash ? slash + 1 : NULL; s && s < cidr->u.text.data + cidr->u.text.len;
         s++)
        bits = bits * 10 + (uint64_t)(*s - '0');
    return (bits + 7) / 8;
}

/* Counting characters is work, which the units need not show. */
static uint64_t size_of(struct cel_context *c, const struct cel_value *v)
{
    while (v->type == CEL_OPTIONAL && v->u.optional)
        v = v->u.optional;
    switch (v->type) {
    case CEL_STRING:
        c->steps += v->u.text.len / 16;
        return utf8_count(v->u.text.data, v->u.text.len);
    case CEL_BYTES:
        return v->u.text.len;
    case CEL_LIST:
    case CEL_MAP:
        return value_count(v);
    case CEL_IP:
        return bits_of(v) / 8;
    case CEL_CIDR:
        return prefix_bytes(v);
    default:
        return 1;
    }
}

/* A tenth, rounded up. */
static uint64_t read_units(uint64_t size)
{
    return size / 10 + (size % 10 != 0);
}

/* ---- nodes ---- */

/* Names with what is selected from them are one thing for cel-go: an attribute. */
static bool is_attribute(const struct node *n)
{
    switch ((enum node_kind)n->kind) {
    case NODE_VARIABLE:
    case NODE_LOCAL:
    case NODE_SELECT:
    case NODE_INDEX:
    case NODE_TERNARY:
        return true;
    default:
        return false;
    }
}

/* A branch of ?: and a key in brackets are a part of the attribute around them: then the attribute
 * itself costs nothing, only what is selected from it. */
static void absorb(struct node *attribute)
{
    struct node *n = attribute;

    if (!n->attribute)
        return;
    while ((n->kind == NODE_SELECT || n->kind == NODE_INDEX) && n->args[0]->attribute)
        n = n->args[0];
    if (n->unit > 0 && n->kind != NODE_TERNARY)
        n->unit -= UNITS_NAME;
}

/* One that selects from something else is an attribute of its own. */
static uint32_t base_units(const struct node *n)
{
    return n->args[0]->attribute ? 0 : UNITS_NAME;
}

static uint32_t call_units(const struct node *n)
{
    return n->kind == NODE_CALL_HOST || n->u.call.std->cost == COST_CALL ? UNITS_CALL : 0;
}

void cost_node(struct node *n)
{
    n->attribute = is_attribute(n);
    switch ((enum node_kind)n->kind) {
    case NODE_VARIABLE:
    case NODE_LOCAL:
        n->unit = UNITS_NAME;
        break;
    case NODE_SELECT:
        n->unit = base_units(n) + UNITS_NAME;
        break;
    case NODE_HAS: /* Kubernetes has it for nothing */
        n->unit = base_units(n);
        break;
    case NODE_INDEX:
        n->unit = base_units(n) + UNITS_NAME;
        absorb(n->args[1]);
        break;
    case NODE_TERNARY:
        absorb(n->args[1]);
        absorb(n->args[2]);
        break;
    case NODE_CALL_STD:
    case NODE_CALL_HOST:
        n->unit = call_units(n);
        break;
    case NODE_NOT:
    case NODE_NEGATE:
        n->unit = UNITS_CALL;
        break;
    case NODE_LIST:
        n->unit = UNITS_LIST;
        break;
    case NODE_MAP:
        n->unit = UNITS_MAP;
        break;
    default:
        break;
    }
}

static bool is_conversion(const struct node *n)
{
    static const char *const names[] = {"bool", "bytes",  "double", "duration", "dyn",
                                        "int",  "string", "type",   "uint",     "timestamp"};

    if (n->kind != NODE_CALL_STD)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(n->u.call.std->name, names[i]) == 0)
            return true;
    return false;
}

void cost_folded(struct node *n, uint64_t cost)
{
    bool free = n->kind == NODE_LIST || n->kind == NODE_MAP || is_conversion(n);

    for (uint32_t i = 0; i < n->count; i++)
        free = free && n->args[i]->unit == 0;
    n->unit = free ? 0 : cost > UINT32_MAX ? UINT32_MAX : (uint32_t)cost;
}

/* ---- operators ---- */

static bool has_text(const struct cel_value *v)
{
    return v->type == CEL_STRING || v->type == CEL_BYTES;
}

/* The one with fewer bytes is counted, and the other only when it may have fewer characters. */
static uint64_t smaller_text(struct cel_context *c, const struct cel_value *a,
                             const struct cel_value *b)
{
    const struct cel_value *little = a->u.text.len < b->u.text.len ? a : b;
    const struct cel_value *big = little == a ? b : a;
    uint64_t size, other;

    if (little->u.text.len <= 10 && big->u.text.len > 30)
        return little->u.text.len > 0;
    size = size_of(c, little);
    if (big->u.text.len / 4 >= size)
        return read_units(size);
    other = size_of(c, big);
    return read_units(size < other ? size : other);
}

static bool is_empty(const struct cel_value *v)
{
    if (v->type == CEL_LIST || v->type == CEL_MAP)
        return value_count(v) == 0;
    return has_text(v) && v->u.text.len == 0;
}

static uint64_t smaller_units(struct cel_context *c, const struct cel_value *a,
                              const struct cel_value *b)
{
    uint64_t a_size, b_size;

    if (has_text(a) && has_text(b))
        return smaller_text(c, a, b);
    /* Numbers and the like have the size 1. */
    if (a->type < CEL_STRING || b->type < CEL_STRING)
        return !is_empty(a) && !is_empty(b);
    a_size = size_of(c, a);
    b_size = size_of(c, b);
    return read_units(a_size < b_size ? a_size : b_size);
}

uint64_t cost_binary(struct cel_context *c, enum binary_op op, const struct cel_value *a,
                     const struct cel_value *b)
{
    switch (op) {
    case OP_EQ:
    case OP_NE:
        return smaller_units(c, a, b);
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE:
        return has_text(a) && has_text(b) ? smaller_text(c, a, b) : UNITS_CALL;
    case OP_IN:
        return b->type == CEL_LIST ? value_count(b) : UNITS_CALL;
    case OP_ADD:
        return has_text(a) && has_text(b) ? read_units(size_of(c, a) + size_of(c, b)) : UNITS_CALL;
    default:
        return UNITS_CALL;
    }
}

/* ---- functions ---- */

/* Texts a tenth of their bytes, rounded down; whatever has no parts 1. Ends early when the steps
 * are used up, because lists may share their parts. Recursion: values nest no deeper than JSON and
 * expressions do. */
static uint64_t tree_units(struct cel_context *c, const struct cel_value *v)
{
    struct map_cursor cursor = {0};
    struct cel_value key, value;
    uint64_t units = 0;

    if (++c->steps > c->steps_max)
        return 0;
    if (has_text(v))
        return v->u.text.len / 10;
    if (v->type != CEL_LIST && v->type != CEL_MAP)
        return 1;
    for (size_t i = 0, count = v->type == CEL_LIST ? value_count(v) : 0;
         i < count && c->steps <= c->steps_max; i++) {
        value = value_item(v, i);
        units += tree_units(c, &value);
    }
    while (v->type == CEL_MAP && c->steps <= c->steps_max && map_next(v, &cursor, &key, &value))
        units += tree_units(c, &key) + tree_units(c, &value);
    return units;
}

/* Saturating: what the units cannot hold is over every limit. */
static uint64_t product(uint64_t a, uint64_t b)
{
    uint64_t units;

    return __builtin_mul_overflow(a, b, &units) ? UINT32_MAX : units;
}

static uint64_t made_list(uint64_t units)
{
    return units + UNITS_CALL + UNITS_LIST;
}

/* 2, and for texts 2.1, for each pair. */
static uint64_t order_units(const struct cel_value *list)
{
    uint64_t count = value_count(list), pairs = product(count, count);
    struct cel_value first = count ? value_item(list, 0) : cel_null();

    return made_list(2 * pairs + (has_text(&first) ? pairs / 10 : 0));
}

static uint64_t pattern_units(struct cel_context *c, const struct cel_value *text,
                              const struct cel_value *pattern)
{
    uint64_t size = size_of(c, pattern);

    return product(read_units(1 + size_of(c, text)), size / 4 + (size % 4 != 0));
}

static uint64_t contains_units(struct cel_context *c, const struct cel_value *cidr,
                               const struct cel_value *other)
{
    return read_units(2 * size_of(c, cidr)) +
           (other->type == CEL_STRING ? read_units(size_of(c, other)) : 0);
}

uint64_t cost_call(struct cel_context *c, enum std_cost how, const struct cel_value *args,
                   const struct cel_value *ret)
{
    switch (how) {
    case COST_CALL:
        break;
    case COST_TEXT:
        return read_units(size_of(c, &args[0]));
    case COST_TEXT_TWICE:
        return read_units(2 * size_of(c, &args[0]));
    case COST_FROM_BYTES:
        return args[0].type == CEL_BYTES ? read_units(size_of(c, &args[0])) : UNITS_CALL;
    case COST_FROM_STRING:
        return args[0].type == CEL_STRING ? read_units(size_of(c, &args[0])) : UNITS_CALL;
    case COST_RESULT:
        return read_units(2 * size_of(c, ret));
    case COST_TREE:
        return tree_units(c, &args[0]);
    case COST_SEARCH:
        return product(read_units(size_of(c, &args[0])), read_units(size_of(c, &args[1])));
    case COST_PATTERN:
        return pattern_units(c, &args[0], &args[1]);
    case COST_PRODUCT:
        return UNITS_CALL + product(size_of(c, &args[0]), size_of(c, &args[1]));
    case COST_PRODUCT_TWICE:
        return UNITS_CALL + product(2 * size_of(c, &args[0]), size_of(c, &args[1]));
    case COST_LIST:
        return made_list(size_of(c, ret));
    case COST_LIST_FLAT:
        return made_list(size_of(c, &args[0]));
    case COST_LIST_ORDER:
        return order_units(&args[0]);
    case COST_CONTAINS_IP:
        return contains_units(c, &args[0], &args[1]);
    case COST_CONTAINS_CIDR:
        return contains_units(c, &args[0], &args[1]) + read_units(size_of(c, &args[0])) + 1;
    }
    return UNITS_CALL;
}
