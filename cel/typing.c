#include "cel/typing.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "cel/functions.h"
#include "cel/type_text.h"

/* What each node adds to the budget: a node needs a few dozen steps, and its types some hundred
 * bytes. */
#define STEPS_PER_NODE 4000u
#define STEPS_MAX 4000000u
#define BYTES_FIRST ((size_t)1 << 20)
#define BYTES_PER_NODE ((size_t)4 << 10)
#define BYTES_MAX ((size_t)32 << 20)

typedef const struct cel_static_type *type;

static type simple(enum cel_static_kind kind)
{
    return &cel_static[kind];
}

static type make1(struct typing *t, enum cel_static_kind kind, type arg)
{
    return unify_make(&t->unify, kind, NULL, &arg, 1);
}

static type make_map(struct typing *t, type key, type value)
{
    const type args[2] = {key, value};

    return unify_make(&t->unify, CEL_STATIC_MAP, NULL, args, 2);
}

static type resolved(struct typing *t, type of)
{
    return unify_resolve(&t->unify, of, /* free_to_dyn= */ false);
}

static bool goes(struct typing *t, type a, type b)
{
    return unify_assignable(&t->unify, &a, &b, 1);
}

static char *text_of(struct typing *t, type of)
{
    return cel_type_text(unify_resolve(&t->unify, of, /* free_to_dyn= */ true));
}

/* ---- failing ---- */

static int fail_large(struct typing *t, const struct node *n)
{
    return source_fail(&t->p->source, t->reterr, ERR_LIMIT, n->mark,
                       "the types of the expression are too large");
}

static int fail_mismatch(struct typing *t, const struct node *n, type want, type got)
{
    AUTO(str) char *want_text = text_of(t, want);
    AUTO(str) char *got_text = text_of(t, got);

    if (t->unify.exhausted)
        return fail_large(t, n);
    return source_fail(&t->p->source, t->reterr, ERR_INVALID, n->mark,
                       "expected type '%s' but found '%s'", want_text, got_text);
}

static int fail_overload(struct typing *t, const struct node *n, const char *name, size_t name_len,
                         bool member, const type *given, size_t count)
{
    AUTO(strbuf) struct strbuf types = {0};

    if (t->unify.exhausted)
        return fail_large(t, n);
    for (size_t i = 0; i < count; i++) {
        AUTO(str) char *text = text_of(t, given[i]);

        if (member && i == 0)
            strbuf_addf(&types, "%s.(", text);
        else
            strbuf_addf(&types, "%s%s", i > member ? ", " : member ? "" : "(", text);
    }
    if (count == 0)
        strbuf_addstr(&types, "(");
    return source_fail(&t->p->source, t->reterr, ERR_INVALID, n->mark,
                       "found no matching overload for '%.*s' applied to '%s)'", (int)name_len,
                       name, strbuf_str(&types));
}

/* ---- overloads ---- */

/* "list(A),int->A;*map(A,B),A->B": those with a star only in the standard environment. */
struct signature {
    type args[CEL_ARGS_MAX];
    size_t count;
    type result;
    bool standard;
};

static type fresh(void *cookie)
{
    return unify_fresh(cookie);
}

/* The signature at *at, which moves to the next. */
static void read_signature(struct typing *t, const char **at, struct signature *ret)
{
    struct type_text text = {.at = *at,
                             .arena = &t->p->arena,
                             .objects = t->p->env->object_types,
                             .fresh = fresh,
                             .cookie = &t->unify};

    *ret = (struct signature){.standard = *text.at == '*'};
    text.at += ret->standard;
    while (*text.at != '-') {
        assert(ret->count < CEL_ARGS_MAX);
        ret->args[ret->count] = type_read(&text);
        assert(ret->args[ret->count]);
        ret->count++;
        assert(*text.at == ',' || *text.at == '-');
        text.at += *text.at == ',';
    }
    assert(text.at[1] == '>');
    text.at += 2;
    ret->result = type_read(&text);
    assert(ret->result);
    assert(*text.at == ';' || *text.at == '\0');
    *at = *text.at ? text.at + 1 : NULL;
}

/* The result of the overloads that take what is given: that of one of them, or dyn when several do
 * and differ. NULL: none does. */
static type find_overload(struct typing *t, const char *signatures, const type *given, size_t count)
{
    type result = NULL;

    while (signatures && *signatures) {
        struct signature s;
        type found;

        read_signature(t, &signatures, &s);
        if (s.count != count || (s.standard && !t->p->env->standard) ||
            !unify_assignable(&t->unify, given, s.args, count))
            continue;
        found = resolved(t, s.result);
        if (!result)
            result = found;
        else if (result->kind != CEL_STATIC_DYN && !cel_type_same(result, found))
            result = CEL_DYN;
    }
    return result;
}

static int overload(struct typing *t, struct node *n, const char *name, bool member,
                    const char *signatures, const type *given, size_t count)
{
    n->type = find_overload(t, signatures, given, count);
    return n->type ? 0 : fail_overload(t, n, name, strlen(name), member, given, count);
}

/* Of the node's own operands. */
static int overload_of_args(struct typing *t, struct node *n, const char *name, bool member,
                            const char *signatures)
{
    type given[CEL_ARGS_MAX];

    assert(n->count <= CEL_ARGS_MAX);
    for (uint32_t i = 0; i < n->count; i++)
        given[i] = n->args[i]->type;
    return overload(t, n, name, member, signatures, given, n->count);
}

#define SAME_ORDER                                                                                 \
    "bool,bool->bool;int,int->bool;uint,uint->bool;double,double->bool;string,string->bool;"       \
    "bytes,bytes->bool;timestamp,timestamp->bool;duration,duration->bool"
#define CROSS_ORDER                                                                                \
    ";int,double->bool;int,uint->bool;uint,double->bool;uint,int->bool;double,int->bool;"          \
    "double,uint->bool"
#define NUMBERS "int,int->int;uint,uint->uint;double,double->double"
#define CHOICE "bool,A,A->A"

static const struct binary {
    const char *name, *signatures;
} binaries[OP_COUNT] = {
    [OP_EQ] = {"_==_", "A,A->bool"},
    [OP_NE] = {"_!=_", "A,A->bool"},
    [OP_LT] = {"_<_", SAME_ORDER CROSS_ORDER},
    [OP_LE] = {"_<=_", SAME_ORDER CROSS_ORDER},
    [OP_GT] = {"_>_", SAME_ORDER CROSS_ORDER},
    [OP_GE] = {"_>=_", SAME_ORDER CROSS_ORDER},
    [OP_IN] = {"@in", "A,list(A)->bool;A,map(A,B)->bool"},
    [OP_ADD] = {"_+_", "bytes,bytes->bytes;double,double->double;duration,duration->duration;"
                       "duration,timestamp->timestamp;timestamp,duration->timestamp;int,int->int;"
                       "list(A),list(A)->list(A);string,string->string;uint,uint->uint"},
    [OP_SUB] = {"_-_", NUMBERS ";duration,duration->duration;timestamp,duration->timestamp;"
                               "timestamp,timestamp->duration"},
    [OP_MUL] = {"_*_", NUMBERS},
    [OP_DIV] = {"_/_", NUMBERS},
    [OP_MOD] = {"_%_", "int,int->int;uint,uint->uint"},
};

/* Kubernetes compares numbers of different types since 1.28. */
static int type_binary(struct typing *t, struct node *n)
{
    const struct binary *b = &binaries[n->op];
    bool ordered = n->op >= OP_LT && n->op <= OP_GE;

    return overload_of_args(t, n, b->name, false,
                            ordered && !env_has(t->p->env, 28) ? SAME_ORDER : b->signatures);
}

static int type_index(struct typing *t, struct node *n)
{
    if (n->optional)
        return overload_of_args(t, n, "_[?_]", false,
                                "list(A),int->optional_type(A);"
                                "optional_type(list(A)),int->optional_type(A);"
                                "map(A,B),A->optional_type(B);"
                                "optional_type(map(A,B)),A->optional_type(B)");
    return overload_of_args(t, n, "_[_]", false,
                            "list(A),int->A;map(A,B),A->B;"
                            "optional_type(list(A)),int->optional_type(A);"
                            "optional_type(map(A,B)),A->optional_type(B)");
}

static const char *host_signatures(const struct cel_env *env, const struct cel_function *host)
{
    for (size_t i = 0; env->function_types && i < env->function_count; i++)
        if (env->functions[i] == host)
            return env->function_types[i];
    return NULL;
}

static int type_call(struct typing *t, struct node *n)
{
    type given[CEL_ARGS_MAX];
    const char *signatures =
        n->kind == NODE_CALL_STD ? n->u.call.std->types : host_signatures(t->p->env, n->u.host);

    for (uint32_t i = 0; i < n->count; i++)
        given[i] = n->args[i]->type;
    n->type = signatures ? find_overload(t, signatures, given, n->count) : CEL_DYN;
    return n->type ? 0 : fail_overload(t, n, n->name, n->name_len, n->member, given, n->count);
}

int typing_no_overload(struct typing *t, const struct node *call)
{
    type given[CEL_ARGS_MAX + 1];
    size_t count = call->count > CEL_ARGS_MAX ? CEL_ARGS_MAX : call->count;

    for (size_t i = 0; i < count; i++)
        given[i] = call->args[i]->type;
    return fail_overload(t, call, call->name, call->name_len, call->member, given, count);
}

/* ---- names and literals ---- */

static type named_type(struct typing *t, const struct cel_value *v)
{
    static const struct {
        const char *name;
        enum cel_static_kind kind;
    } renamed[] = {
        {"null_type", CEL_STATIC_NULL},
        {"google.protobuf.Timestamp", CEL_STATIC_TIMESTAMP},
        {"google.protobuf.Duration", CEL_STATIC_DURATION},
    };
    struct type_text text = {.arena = &t->p->arena};
    type found;

    for (size_t i = 0; i < ARRAY_LEN(renamed); i++)
        if (value_text_is(v, renamed[i].name))
            return make1(t, CEL_STATIC_TYPE, simple(renamed[i].kind));
    if (value_text_is(v, "list"))
        text.at = "list(dyn)";
    else if (value_text_is(v, "map"))
        text.at = "map(dyn, dyn)";
    else if (value_text_is(v, "optional_type"))
        text.at = "optional_type(dyn)";
    else
        text.at = arena_copy(&t->p->arena, v->u.text.data, v->u.text.len);
    found = type_read(&text);
    assert(found);
    return make1(t, CEL_STATIC_TYPE, found);
}

static type type_of_literal(struct typing *t, const struct cel_value *v)
{
    switch (v->type) {
    case CEL_NULL:
        return simple(CEL_STATIC_NULL);
    case CEL_BOOL:
        return simple(CEL_STATIC_BOOL);
    case CEL_INT:
        return simple(CEL_STATIC_INT);
    case CEL_UINT:
        return simple(CEL_STATIC_UINT);
    case CEL_DOUBLE:
        return simple(CEL_STATIC_DOUBLE);
    case CEL_STRING:
        return simple(CEL_STATIC_STRING);
    case CEL_BYTES:
        return simple(CEL_STATIC_BYTES);
    case CEL_TYPE:
        return named_type(t, v);
    default:
        return CEL_DYN;
    }
}

static type type_of_variable(const struct cel_env *env, uint32_t slot)
{
    return env->variable_types && env->variable_types[slot] ? env->variable_types[slot] : CEL_DYN;
}

/* ---- fields ---- */

static int field_type(struct typing *t, const struct node *n, type target, type *ret)
{
    AUTO(str) char *text = NULL;

    *ret = CEL_DYN;
    switch (target->kind) {
    case CEL_STATIC_MAP:
        *ret = target->args[1];
        return 0;
    case CEL_STATIC_OBJECT:
        *ret = cel_type_field(target, n->name, n->name_len);
        if (*ret)
            return 0;
        return source_fail(&t->p->source, t->reterr, ERR_INVALID, n->mark, "undefined field '%.*s'",
                           (int)n->name_len, n->name);
    case CEL_STATIC_PARAM:
        goes(t, CEL_DYN, target);
        return 0;
    case CEL_STATIC_DYN:
        return 0;
    default:
        text = text_of(t, target);
        return source_fail(&t->p->source, t->reterr, ERR_INVALID, n->mark,
                           "type '%s' does not support field selection", text);
    }
}

static int type_select(struct typing *t, struct node *n)
{
    type target = resolved(t, n->args[0]->type), found;
    bool optional = n->optional;

    if (target->kind == CEL_STATIC_OPTIONAL) {
        target = resolved(t, target->args[0]);
        optional = true;
    }
    if (field_type(t, n, target, &found) < 0)
        return -1;
    if (n->kind == NODE_HAS)
        n->type = simple(CEL_STATIC_BOOL);
    else
        n->type = optional ? make1(t, CEL_STATIC_OPTIONAL, found) : found;
    n->type = resolved(t, n->type);
    return 0;
}

/* ---- lists and maps ---- */

/* The type of an entry, without the optional of one that is written with ?. */
static int entry_type(struct typing *t, const struct node *entry, const struct node *value,
                      type *ret)
{
    type found = resolved(t, value->type);

    *ret = found;
    if (!entry->entry_optional || found->kind == CEL_STATIC_DYN)
        return 0;
    if (found->kind != CEL_STATIC_OPTIONAL)
        return fail_mismatch(t, value, make1(t, CEL_STATIC_OPTIONAL, found), found);
    *ret = found->args[0];
    return 0;
}

static type join(struct typing *t, type before, type next)
{
    if (!before)
        return next;
    return goes(t, before, next) ? unify_general(&t->unify, before, next) : CEL_DYN;
}

/* Entries first, first + stride, ...: keys of a map, its values, elements of a list. */
static int join_entries(struct typing *t, const struct node *n, uint32_t first, uint32_t stride,
                        type *ret)
{
    type all = NULL, entry;

    for (uint32_t i = first; i < n->count; i += stride) {
        const struct node *key = n->args[i - first];

        if (stride == 2 && first == 0)
            entry = n->args[i]->type;
        else if (entry_type(t, key, n->args[i], &entry) < 0)
            return -1;
        all = join(t, all, entry);
    }
    *ret = all ? all : unify_fresh(&t->unify);
    return 0;
}

/* Before 1.29 it was a matter of what goes together, and format() no exception. */
static bool is_uniform(struct typing *t, type all, type entry)
{
    return env_has(t->p->env, 29) ? t->unify.exhausted || cel_type_same(all, entry)
                                  : goes(t, all, entry);
}

/* Kubernetes takes no literal whose entries differ in type, but in arguments of format(). */
static int check_homogeneous(struct typing *t, const struct node *n, uint32_t first,
                             uint32_t stride)
{
    type all = NULL, entry;

    if (!t->p->env->homogeneous || (t->mixed_allowed && env_has(t->p->env, 29)))
        return 0;
    for (uint32_t i = first; i < n->count; i += stride) {
        if (stride == 2 && first == 0)
            entry = n->args[i]->type;
        else if (entry_type(t, n->args[i - first], n->args[i], &entry) < 0)
            return -1;
        entry = unify_resolve(&t->unify, entry, /* free_to_dyn= */ true);
        if (all && !is_uniform(t, all, entry))
            return fail_mismatch(t, n->args[i], all, entry);
        if (!all)
            all = entry;
    }
    return 0;
}

static int type_list(struct typing *t, struct node *n)
{
    type item;

    if (join_entries(t, n, 0, 1, &item) < 0 || check_homogeneous(t, n, 0, 1) < 0)
        return -1;
    n->type = make1(t, CEL_STATIC_LIST, item);
    return 0;
}

static int type_map(struct typing *t, struct node *n)
{
    type key, value;

    if (join_entries(t, n, 0, 2, &key) < 0 || join_entries(t, n, 1, 2, &value) < 0 ||
        check_homogeneous(t, n, 0, 2) < 0 || check_homogeneous(t, n, 1, 2) < 0)
        return -1;
    n->type = make_map(t, key, value);
    return 0;
}

/* ---- macros ---- */

#define HAS_VALUE "optional_type(A)->bool"
#define VALUE "optional_type(A)->A"

static int let_type(struct typing *t, const struct node *n, type *ret)
{
    type range = n->args[0]->type;

    if (n->op == LET_BIND) {
        *ret = range;
        return 0;
    }
    if (!find_overload(t, HAS_VALUE, &range, 1))
        return fail_overload(t, n, "hasValue", strlen("hasValue"), true, &range, 1);
    *ret = find_overload(t, VALUE, &range, 1);
    return *ret ? 0 : fail_large(t, n);
}

int typing_scope(struct typing *t, const struct node *n, type ret[2])
{
    type range = resolved(t, n->args[0]->type);
    bool two = n->u.loop->name_count == 2;

    if (n->kind == NODE_LET)
        return let_type(t, n, &ret[0]);
    ret[0] = ret[1] = CEL_DYN;
    switch (range->kind) {
    case CEL_STATIC_LIST:
        ret[0] = two ? simple(CEL_STATIC_INT) : range->args[0];
        ret[1] = range->args[0];
        return 0;
    case CEL_STATIC_MAP:
        ret[0] = range->args[0];
        ret[1] = range->args[1];
        return 0;
    case CEL_STATIC_PARAM:
        goes(t, CEL_DYN, range);
        return 0;
    case CEL_STATIC_DYN:
        return 0;
    default: {
        AUTO(str) char *text = text_of(t, range);

        return source_fail(&t->p->source, t->reterr, ERR_INVALID, n->args[0]->mark,
                           "expression of type '%s' cannot be range of a comprehension (must be "
                           "list, map, or dynamic)",
                           text);
    }
    }
}

static int want_bool(struct typing *t, const struct node *n)
{
    if (goes(t, n->type, simple(CEL_STATIC_BOOL)))
        return 0;
    return fail_mismatch(t, n, simple(CEL_STATIC_BOOL), n->type);
}

/* Where the macro is "predicate ? more : same": both of that type. */
static int choose(struct typing *t, struct node *n, const struct node *predicate, type of)
{
    const type given[3] = {predicate->type, of, of};

    return overload(t, n, "_?_:_", false, CHOICE, given, 3);
}

static int type_loop(struct typing *t, struct node *n, type item)
{
    const struct loop *loop = n->u.loop;
    type made;

    switch ((enum loop_op)n->op) {
    case LOOP_ALL:
    case LOOP_EXISTS:
        n->type = simple(CEL_STATIC_BOOL);
        return want_bool(t, loop->predicate);
    case LOOP_EXISTS_ONE:
        if (choose(t, n, loop->predicate, simple(CEL_STATIC_INT)) < 0)
            return -1;
        n->type = simple(CEL_STATIC_BOOL);
        return 0;
    default:
        break;
    }
    made = loop->result ? loop->result->type : item;
    made = n->op == LOOP_MAP ? make_map(t, item, made) : make1(t, CEL_STATIC_LIST, made);
    if (loop->predicate && choose(t, n, loop->predicate, made) < 0)
        return -1;
    n->type = resolved(t, made);
    return 0;
}

static int type_let(struct typing *t, struct node *n)
{
    type body = n->args[1]->type;
    type given[3] = {simple(CEL_STATIC_BOOL), body, NULL};

    if (n->op == LET_BIND) {
        n->type = body;
        return 0;
    }
    if (n->op == LET_OPT_MAP) {
        n->type = make1(t, CEL_STATIC_OPTIONAL, body);
        return 0;
    }
    given[2] = make1(t, CEL_STATIC_OPTIONAL, unify_fresh(&t->unify));
    return overload(t, n, "_?_:_", false, CHOICE, given, 3);
}

/* ---- all of them ---- */

static int type_logical(struct typing *t, struct node *n)
{
    for (uint32_t i = 0; i < n->count; i++)
        if (want_bool(t, n->args[i]) < 0)
            return -1;
    n->type = simple(CEL_STATIC_BOOL);
    return 0;
}

static int type_macro(struct typing *t, struct node *n)
{
    type names[2];

    if (n->kind == NODE_LET)
        return type_let(t, n);
    return typing_scope(t, n, names) < 0 ? -1 : type_loop(t, n, names[0]);
}

static int type_any(struct typing *t, struct node *n)
{
    switch ((enum node_kind)n->kind) {
    case NODE_CONST:
        n->type = type_of_literal(t, &n->u.value);
        return 0;
    case NODE_LOCAL:
        assert(n->type);
        return 0;
    case NODE_VARIABLE:
        n->type = type_of_variable(t->p->env, n->slot);
        return 0;
    case NODE_SELECT:
    case NODE_HAS:
        return type_select(t, n);
    case NODE_INDEX:
        return type_index(t, n);
    case NODE_CALL_STD:
    case NODE_CALL_HOST:
        return type_call(t, n);
    case NODE_AND:
    case NODE_OR:
        return type_logical(t, n);
    case NODE_NOT:
        return overload_of_args(t, n, "!_", false, "bool->bool");
    case NODE_NEGATE:
        return overload_of_args(t, n, "-_", false, "double->double;int->int");
    case NODE_TERNARY:
        return overload_of_args(t, n, "_?_:_", false, CHOICE);
    case NODE_BINARY:
        return type_binary(t, n);
    case NODE_LIST:
        return type_list(t, n);
    case NODE_MAP:
        return type_map(t, n);
    case NODE_LOOP:
    case NODE_LET:
        return type_macro(t, n);
    case NODE_OPTIONAL_OR:
        return n->op ? overload_of_args(t, n, "orValue", true, "optional_type(A),A->A")
                     : overload_of_args(t, n, "or", true,
                                        "optional_type(A),optional_type(A)->optional_type(A)");
    case NODE_UNKNOWN:
    case NODE_NAME:
    case NODE_CALL:
        break;
    }
    n->type = CEL_DYN;
    return 0;
}

int typing_node(struct typing *t, struct node *n)
{
    struct unify *u = &t->unify;

    u->steps += STEPS_PER_NODE;
    if (u->steps > STEPS_MAX)
        u->steps = STEPS_MAX;
    u->bytes_left += BYTES_PER_NODE;
    if (u->bytes_left > BYTES_MAX)
        u->bytes_left = BYTES_MAX;
    if (type_any(t, n) < 0)
        return -1;
    return u->exhausted ? fail_large(t, n) : 0;
}

void typing_init(struct typing *t, struct cel_program *p, struct err *reterr)
{
    *t = (struct typing){
        .p = p, .unify = {.arena = &p->arena, .bytes_left = BYTES_FIRST}, .reterr = reterr};
}

int typing_finish(struct typing *t)
{
    t->unify.steps += STEPS_PER_NODE;
    t->p->type = unify_resolve(&t->unify, t->p->root->type, /* free_to_dyn= */ true);
    return t->unify.exhausted ? fail_large(t, t->p->root) : 0;
}
