/* Second pass over the tree: names become places, calls become functions, literals are checked,
 * constants are computed once.
 *
 * Slots: a node that needs room takes it from the frame above what its ancestors took, so that the
 * frame is as large as the deepest path needs, and nothing is saved or restored while evaluating.
 */
#include <assert.h>
#include <stdio.h>

#include "cel/functions.h"
#include "cel/typing.h"

/* What folding may use at compile time; what needs more is left for the evaluation. */
#define FOLD_COST_MAX 100000u
#define FOLD_MEMORY_MAX ((size_t)1 << 20)

/* A qualified name longer than this is no name we know. */
#define QUALIFIED_MAX 128

/* Keeps large locals out of the frames that nest. */
#define NOT_INLINED __attribute__((noinline))

struct local {
    struct local *outer;
    const char *name;
    size_t len;
    uint32_t slot;
    const struct cel_static_type *type;
};

struct checker {
    struct cel_program *p;
    struct local *locals;
    uint32_t slots;      /* in use */
    uint32_t host_calls; /* seen so far */
    struct cel_context fold;
    uint32_t fold_slots;
    struct typing *typing; /* NULL: nobody asks for types */
    struct err *reterr;
};

static int check_node(struct checker *k, struct node *n);

static bool same_name(const char *name, const char *s, size_t len)
{
    return strncmp(name, s, len) == 0 && name[len] == '\0';
}

static uint32_t take_slots(struct checker *k, uint32_t count)
{
    uint32_t first = k->slots;

    k->slots += count;
    if (k->slots > k->p->frame_slots)
        k->p->frame_slots = k->slots;
    return first;
}

/* ---- names ---- */

static const struct local *find_local(const struct checker *k, const char *s, size_t len)
{
    for (const struct local *l = k->locals; l; l = l->outer)
        if (l->len == len && memcmp(l->name, s, len) == 0)
            return l;
    return NULL;
}

static const struct type_name {
    const char *name;
} type_names[] = {
    {"null_type"},
    {"bool"},
    {"int"},
    {"uint"},
    {"double"},
    {"string"},
    {"bytes"},
    {"list"},
    {"map"},
    {"type"},
    {"google.protobuf.Timestamp"},
    {"google.protobuf.Duration"},
    {"optional_type"},
    {"kubernetes.Quantity"},
    {"kubernetes.URL"},
    {"kubernetes.NamedFormat"},
    {"net.IP"},
    {"net.CIDR"},
};

/* A whole name is that of a variable or of a type. */
static bool resolve_whole(struct checker *k, struct node *n, const char *s, size_t len)
{
    for (size_t i = 0; i < k->p->variable_count; i++) {
        if (same_name(k->p->env->variables[i], s, len)) {
            n->kind = NODE_VARIABLE;
            n->slot = (uint32_t)i;
            k->p->used[i] = true;
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(type_names); i++) {
        const char *name = type_names[i].name;

        if (same_name(name, s, len)) {
            n->kind = NODE_CONST;
            n->u.value = (struct cel_value){.type = CEL_TYPE, .u.text = {name, len}};
            return true;
        }
    }
    return false;
}

/* The name in the container, then in what contains that, and so on; one that was written with a
 * leading dot only as it is. */
static bool resolve(struct checker *k, struct node *n, const char *s, size_t len, bool rooted)
{
    const char *container = rooted ? NULL : k->p->env->container;
    char whole[QUALIFIED_MAX];
    size_t prefix = container ? strlen(container) : 0;

    while (prefix > 0) {
        if (prefix + 1 + len < sizeof whole) {
            memcpy(whole, container, prefix);
            whole[prefix] = '.';
            memcpy(whole + prefix + 1, s, len);
            if (resolve_whole(k, n, whole, prefix + 1 + len))
                return true;
        }
        while (prefix > 0 && container[--prefix] != '.')
            ;
    }
    return resolve_whole(k, n, s, len);
}

/* Writes the tree a.b.c as text. 0 when it is something else, too long, or begins with a local
 * variable. */
static size_t qualified_name(const struct checker *k, const struct node *n, char out[QUALIFIED_MAX])
{
    size_t used = 0;

    if (n->kind == NODE_SELECT && !n->optional) {
        used = qualified_name(k, n->args[0], out);
        if (used == 0 || used + 1 + n->name_len >= QUALIFIED_MAX)
            return 0;
        out[used++] = '.';
    } else if (n->kind != NODE_NAME || n->name_len >= QUALIFIED_MAX ||
               (!n->rooted && find_local(k, n->name, n->name_len))) {
        return 0;
    }
    memcpy(out + used, n->name, n->name_len);
    out[used + n->name_len] = '\0';
    return used + n->name_len;
}

static int fail_undeclared(struct checker *k, const struct node *n, const char *name)
{
    const char *container = k->p->env->container;

    return source_fail(&k->p->source, k->reterr, ERR_INVALID, n->mark,
                       "undeclared reference to '%.128s' (in container '%s')", name,
                       container ? container : "");
}

NOT_INLINED static int fail_name(struct checker *k, const struct node *n)
{
    const char *names[96];
    size_t count = 0;
    const char *word = arena_copy(&k->p->arena, n->name, n->name_len);

    for (const struct local *l = k->locals; l && count < 32; l = l->outer)
        names[count++] = arena_copy(&k->p->arena, l->name, l->len);
    for (size_t i = 0; i < k->p->variable_count && count < ARRAY_LEN(names); i++)
        names[count++] = k->p->env->variables[i];
    for (size_t i = 0; i < ARRAY_LEN(type_names) && count < ARRAY_LEN(names); i++)
        names[count++] = type_names[i].name;
    if (k->typing)
        fail_undeclared(k, n, word);
    else
        source_fail(&k->p->source, k->reterr, ERR_INVALID, n->offset, "unknown name '%.60s'", word);
    return err_suggest(k->reterr, word, names, count, NULL);
}

static int leave_unknown(struct node *n)
{
    n->kind = NODE_UNKNOWN;
    n->count = 0;
    return 0;
}

static int check_name(struct checker *k, struct node *n)
{
    const struct local *local = n->rooted ? NULL : find_local(k, n->name, n->name_len);

    if (local) {
        n->kind = NODE_LOCAL;
        n->slot = local->slot;
        n->type = local->type;
        return 0;
    }
    if (resolve(k, n, n->name, n->name_len, n->rooted))
        return 0;
    return k->p->env->unchecked ? leave_unknown(n) : fail_name(k, n);
}

NOT_INLINED static bool resolve_qualified(struct checker *k, struct node *n)
{
    char name[QUALIFIED_MAX];
    size_t len = qualified_name(k, n, name);
    const struct node *first = n;

    while (first->kind == NODE_SELECT)
        first = first->args[0];
    return len > 0 && resolve(k, n, name, len, first->rooted);
}

/* ---- functions ---- */

static bool bind_host(struct node *n, const struct cel_env *env, const char *s, size_t len,
                      bool member, uint32_t given)
{
    for (size_t i = 0; i < env->function_count; i++) {
        const struct cel_function *f = env->functions[i];

        if (f->member == member && same_name(f->name, s, len) && given >= f->args_min &&
            given <= f->args_max) {
            n->kind = NODE_CALL_HOST;
            n->u.host = f;
            return true;
        }
    }
    return false;
}

static bool bind_std(struct node *n, const struct cel_env *env, const char *s, size_t len,
                     bool member, uint32_t given)
{
    for (size_t i = 0; i < std_family_count; i++) {
        for (size_t j = 0; j < std_families[i]->count; j++) {
            const struct cel_std *f = &std_families[i]->rows[j];

            if (!std_is_known(env, std_families[i], f))
                continue;
            if ((f->form & (member ? STD_MEMBER : STD_GLOBAL)) && same_name(f->name, s, len) &&
                given >= f->args_min && given <= f->args_max) {
                n->kind = NODE_CALL_STD;
                n->u.call.std = f;
                n->u.call.regex = NULL;
                return true;
            }
        }
    }
    return false;
}

static bool bind(struct checker *k, struct node *n, const char *s, size_t len, bool member,
                 uint32_t given)
{
    return bind_host(n, k->p->env, s, len, member, given) ||
           bind_std(n, k->p->env, s, len, member, given);
}

/* optional.of(x) parses as a member call on `optional`. */
NOT_INLINED static bool bind_qualified(struct checker *k, struct node *n)
{
    char name[QUALIFIED_MAX];
    size_t len = n->member ? qualified_name(k, n->args[0], name) : 0;

    if (len == 0 || len + 1 + n->name_len >= sizeof name)
        return false;
    name[len++] = '.';
    memcpy(name + len, n->name, n->name_len);
    len += n->name_len;
    if (!bind(k, n, name, len, false, n->count - 1))
        return false;
    n->name = arena_copy(&k->p->arena, name, len);
    n->name_len = len;
    n->member = false;
    n->args++;
    n->count--;
    return true;
}

/* One function that has the name, whatever its form: member in which form, and how many arguments
 * beside the target. */
struct known {
    const char *name;
    bool member;
    unsigned args_min, args_max;
};

static size_t list_known(const struct checker *k, struct known *out, size_t max)
{
    const struct cel_env *env = k->p->env;
    size_t count = 0;

    for (size_t i = 0; i < env->function_count && count < max; i++) {
        const struct cel_function *f = env->functions[i];

        out[count++] =
            (struct known){f->name, f->member, f->args_min - f->member, f->args_max - f->member};
    }
    for (size_t i = 0; i < std_family_count; i++) {
        for (size_t j = 0; j < std_families[i]->count; j++) {
            const struct cel_std *f = &std_families[i]->rows[j];

            if (!std_is_known(env, std_families[i], f))
                continue;
            for (unsigned member = 0; member < 2 && count < max; member++)
                if (f->form & (member ? STD_MEMBER : STD_GLOBAL))
                    out[count++] =
                        (struct known){f->name, member, f->args_min - member, f->args_max - member};
        }
    }
    return count;
}

NOT_INLINED static int fail_count(struct checker *k, const struct node *n, const struct known *f,
                                  unsigned given)
{
    if (f->args_min == f->args_max)
        return source_fail(&k->p->source, k->reterr, ERR_INVALID, n->offset,
                           "'%s' takes %u argument%s, found %u", f->name, f->args_min,
                           f->args_min == 1 ? "" : "s", given);
    return source_fail(&k->p->source, k->reterr, ERR_INVALID, n->offset,
                       "'%s' takes %u to %u arguments, found %u", f->name, f->args_min, f->args_max,
                       given);
}

NOT_INLINED static int fail_form(struct checker *k, const struct node *n, const struct known *f)
{
    source_fail(&k->p->source, k->reterr, ERR_INVALID, n->offset,
                f->member ? "'%s' is a member function" : "'%s' is not a member function", f->name);
    return err_hint(k->reterr, f->member ? "write VALUE.%s(...)" : "write %s(VALUE, ...)", f->name);
}

enum { KNOWN_MAX = 512 };

static int check_args(struct checker *k, struct node *n);

NOT_INLINED static int fail_function(struct checker *k, struct node *n)
{
    struct known *all = arena_alloc(&k->p->arena, KNOWN_MAX * sizeof *all);
    const char **names = arena_alloc(&k->p->arena, KNOWN_MAX * sizeof *names);
    size_t count = list_known(k, all, KNOWN_MAX), nearby = 0;
    const struct known *other_form = NULL, *other_count = NULL;
    const char *word = arena_copy(&k->p->arena, n->name, n->name_len);
    unsigned given = n->count - (n->member ? 1 : 0);

    if (k->typing && check_args(k, n) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (same_name(all[i].name, n->name, n->name_len)) {
            if (all[i].member == n->member)
                other_count = &all[i];
            else
                other_form = &all[i];
        }
        if (all[i].member == n->member)
            names[nearby++] = all[i].name;
    }
    if (k->typing)
        return other_count || other_form ? typing_no_overload(k->typing, n)
                                         : fail_undeclared(k, n, word);
    if (other_count)
        return fail_count(k, n, other_count, given);
    if (other_form)
        return fail_form(k, n, other_form);
    source_fail(&k->p->source, k->reterr, ERR_INVALID, n->offset, "unknown %sfunction '%.60s'",
                n->member ? "member " : "", word);
    return err_suggest(k->reterr, word, names, nearby, NULL);
}

/* Of a literal argument that can never be right. Kubernetes looks at these three alone, since 1.29:
 * others fail when they are evaluated. */
static bool is_validated(const struct checker *k, const struct node *n)
{
    const char *name = n->u.call.std->name;

    if (!k->typing || k->p->env->standard)
        return true;
    return env_has(k->p->env, 29) &&
           (strcmp(name, "matches") == 0 || strcmp(name, "timestamp") == 0 ||
            strcmp(name, "duration") == 0);
}

static int fail_literal(struct checker *k, const struct node *call, const struct node *literal,
                        const char *why)
{
    if (k->typing && !k->p->env->standard)
        return source_fail(&k->p->source, k->reterr, ERR_INVALID, literal->mark,
                           "invalid %s argument", call->u.call.std->name);
    return source_fail(&k->p->source, k->reterr, ERR_INVALID, literal->offset, "%s", why);
}

NOT_INLINED static int compile_regex(struct checker *k, struct node *n)
{
    const struct node *pattern = n->args[1];
    struct program_regex *row;
    static const char bad[] = "bad regular expression: ";
    char why[160 + sizeof bad];
    struct regex *re;

    if (pattern->kind != NODE_CONST || pattern->u.value.type != CEL_STRING)
        return 0;
    memcpy(why, bad, sizeof bad);
    re = regex_create(pattern->u.value.u.text.data, pattern->u.value.u.text.len,
                      why + sizeof bad - 1, sizeof why - sizeof bad);
    if (!re)
        return is_validated(k, n) ? fail_literal(k, n, pattern, why) : 0;
    row = arena_alloc(&k->p->arena, sizeof *row);
    *row = (struct program_regex){k->p->regexes, re};
    k->p->regexes = row;
    n->u.call.regex = re;
    return 0;
}

static int check_args(struct checker *k, struct node *n)
{
    for (uint32_t i = 0; i < n->count; i++)
        if (check_node(k, n->args[i]) < 0)
            return -1;
    return 0;
}

/* A literal list of format() may be of any values. */
static int check_call_args(struct checker *k, struct node *n)
{
    bool mixed = k->typing && n->member && same_name("format", n->name, n->name_len);
    int rc;

    if (mixed)
        k->typing->mixed_allowed++;
    rc = check_args(k, n);
    if (mixed)
        k->typing->mixed_allowed--;
    return rc;
}

static int check_call(struct checker *k, struct node *n)
{
    if (n->member && n->count == 2 &&
        (same_name("or", n->name, n->name_len) || same_name("orValue", n->name, n->name_len))) {
        n->kind = NODE_OPTIONAL_OR;
        n->op = n->name_len > 2;
        return check_args(k, n);
    }
    if (!bind_qualified(k, n) && !bind(k, n, n->name, n->name_len, n->member, n->count))
        return k->p->env->unchecked ? leave_unknown(n) : fail_function(k, n);
    assert(n->count <= CEL_ARGS_MAX);
    if (n->kind == NODE_CALL_HOST)
        k->host_calls++;
    n->slot = take_slots(k, n->count);
    if (check_call_args(k, n) < 0)
        return -1;
    if (n->kind == NODE_CALL_STD && (n->u.call.std->flags & STD_REGEX))
        return compile_regex(k, n);
    return 0;
}

/* ---- variables of macros ---- */

static void add_local(struct checker *k, const struct loop_name *name, uint32_t slot,
                      const struct cel_static_type *type)
{
    struct local *local = arena_alloc(&k->p->arena, sizeof *local);

    *local = (struct local){k->locals, name->name, name->len, slot, type};
    k->locals = local;
}

/* The range is outside the scope of the names; everything else is inside. */
static int check_scope(struct checker *k, struct node *n, uint32_t slots, uint32_t first_name)
{
    struct loop *loop = n->u.loop;
    struct local *outer = k->locals;
    const struct cel_static_type *types[2] = {NULL, NULL};
    uint32_t calls;
    int rc = 0;

    n->slot = take_slots(k, slots);
    if (check_node(k, n->args[0]) < 0)
        return -1;
    if (k->typing && typing_scope(k->typing, n, types) < 0)
        return -1;
    calls = k->host_calls;
    for (unsigned i = 0; i < loop->name_count; i++)
        add_local(k, &loop->names[i], n->slot + first_name + i, types[i]);
    for (uint32_t i = 1; i < n->count && rc == 0; i++)
        rc = check_node(k, n->args[i]);
    k->locals = outer;
    loop->pure = calls == k->host_calls;
    return rc;
}

/* ---- constants ---- */

static bool may_fold(const struct node *n)
{
    switch ((enum node_kind)n->kind) {
    case NODE_NEGATE:
    case NODE_NOT:
    case NODE_BINARY:
    case NODE_LIST:
    case NODE_MAP:
    case NODE_INDEX:
    case NODE_SELECT:
    case NODE_HAS:
    case NODE_CALL_STD:
        break;
    default:
        return false;
    }
    for (uint32_t i = 0; i < n->count; i++)
        if (n->args[i]->kind != NODE_CONST)
            return false;
    return true;
}

/* Computes a node of constants. One that fails is left for the evaluation, where && may absorb it;
 * but a literal that can never be right, like timestamp('yesterday'), is the author's mistake. */
NOT_INLINED static int fold(struct checker *k, struct node *n)
{
    struct cel_context *c = &k->fold;
    struct arena_mark mark = arena_mark(&k->p->arena);
    uint32_t need = n->slot + n->count + LOOP_SLOTS;
    struct cel_value v;
    int rc;

    if (need > k->fold_slots) {
        k->fold_slots = need * 2;
        c->frame = arena_alloc(&k->p->arena, k->fold_slots * sizeof *c->frame);
        mark = arena_mark(&k->p->arena);
    }
    c->arena = k->p->arena;
    c->memory_max = mark.bytes + FOLD_MEMORY_MAX;
    c->cost = 0;
    rc = eval_node(c, n, &v);
    k->p->arena = c->arena;
    if (rc == 0) {
        cost_folded(n, c->cost);
        n->kind = NODE_CONST;
        n->u.value = v;
        return 0;
    }
    if (n->kind == NODE_CALL_STD && (n->u.call.std->flags & STD_LITERAL) && !c->error->fatal &&
        is_validated(k, n))
        return fail_literal(k, n, n->args[0], c->error->msg);
    arena_release(&k->p->arena, mark);
    return 0;
}

static int check_kind(struct checker *k, struct node *n)
{
    switch ((enum node_kind)n->kind) {
    case NODE_NAME:
        return check_name(k, n);
    case NODE_CALL:
        return check_call(k, n);
    case NODE_SELECT:
        return !n->optional && resolve_qualified(k, n) ? 0 : check_args(k, n);
    case NODE_BINARY:
    case NODE_INDEX:
        n->slot = take_slots(k, 2);
        return check_args(k, n);
    case NODE_LIST:
        n->slot = take_slots(k, 1);
        return check_args(k, n);
    case NODE_MAP:
        n->slot = take_slots(k, 3);
        return check_args(k, n);
    case NODE_LOOP:
        return check_scope(k, n, LOOP_SLOTS, LOOP_NAME);
    case NODE_LET:
        return check_scope(k, n, 1, 0);
    default:
        return check_args(k, n);
    }
}

static int check_node(struct checker *k, struct node *n)
{
    uint32_t slots = k->slots;
    int rc = check_kind(k, n);

    k->slots = slots;
    if (rc == 0)
        cost_node(n);
    if (rc == 0 && k->typing)
        rc = typing_node(k->typing, n);
    if (rc == 0 && may_fold(n))
        return fold(k, n);
    return rc;
}

int check_program(struct cel_program *p, struct err *reterr)
{
    struct checker k = {
        .p = p,
        .fold = {.program = p, .steps_max = FOLD_COST_MAX, .cost_max = UINT64_MAX},
        .reterr = reterr,
    };
    struct typing typing;
    int r;

    p->type = CEL_DYN;
    if (p->env->typed && !p->env->unchecked) {
        typing_init(&typing, p, reterr);
        k.typing = &typing;
    }
    r = check_node(&k, p->root);
    if (r == 0 && k.typing)
        r = typing_finish(&typing);
    zone_destroy(k.fold.zone);
    return r;
}
