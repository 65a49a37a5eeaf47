#include "cel/unify.h"

#include <string.h>

#include "cel/type_text.h"

/* How deep a walk goes: a fiber has little stack. */
#define WALK_MAX 120

struct type_var {
    struct cel_static_type base; /* first: a PARAM is one of these */
    const struct cel_static_type *is;
};

struct type_trail {
    struct type_trail *older;
    struct type_var *var;
    const struct cel_static_type *was;
};

static struct type_var *var_of(const struct cel_static_type *t)
{
    return t->kind == CEL_STATIC_PARAM ? (struct type_var *)(uintptr_t)t : NULL;
}

/* A step down into a type. False: there is no more of them; leave() all the same. */
static bool enter(struct unify *u)
{
    if (u->steps == 0 || u->depth == WALK_MAX)
        u->exhausted = true;
    else
        u->steps--;
    u->depth++;
    return !u->exhausted;
}

static bool leave(struct unify *u, bool answer)
{
    u->depth--;
    return answer;
}

static void *take(struct unify *u, size_t bytes)
{
    if (bytes > u->bytes_left)
        u->exhausted = true;
    else
        u->bytes_left -= bytes;
    return arena_zalloc(u->arena, bytes);
}

const struct cel_static_type *unify_make(struct unify *u, enum cel_static_kind kind,
                                         const char *name,
                                         const struct cel_static_type *const *args, size_t count)
{
    size_t bytes = sizeof(struct cel_static_type) + count * sizeof *args;

    if (bytes > u->bytes_left || u->exhausted) {
        u->exhausted = true;
        return CEL_DYN;
    }
    u->bytes_left -= bytes;
    return type_make(u->arena, kind, name, args, count);
}

const struct cel_static_type *unify_fresh(struct unify *u)
{
    struct type_var *v = take(u, sizeof *v);

    v->base = (struct cel_static_type){.kind = CEL_STATIC_PARAM, .name = "_var"};
    return &v->base;
}

static void bind(struct unify *u, struct type_var *v, const struct cel_static_type *is)
{
    struct type_trail *entry = take(u, sizeof *entry);

    *entry = (struct type_trail){u->trail, v, v->is};
    u->trail = entry;
    v->is = is;
}

static bool same(struct unify *u, const struct cel_static_type *a, const struct cel_static_type *b);

static bool same_parts(struct unify *u, const struct cel_static_type *a,
                       const struct cel_static_type *b)
{
    if (a->kind != b->kind || a->kind == CEL_STATIC_PARAM || a->arg_count != b->arg_count)
        return false;
    if ((a->kind == CEL_STATIC_OPAQUE || a->kind == CEL_STATIC_OBJECT) &&
        strcmp(a->name, b->name) != 0)
        return false;
    for (size_t i = 0; i < a->arg_count; i++)
        if (!same(u, a->args[i], b->args[i]))
            return false;
    return true;
}

static bool same(struct unify *u, const struct cel_static_type *a, const struct cel_static_type *b)
{
    return a == b || leave(u, enter(u) && same_parts(u, a, b));
}

static bool less_specific(struct unify *u, const struct cel_static_type *a,
                          const struct cel_static_type *b);

static bool less_specific_parts(struct unify *u, const struct cel_static_type *a,
                                const struct cel_static_type *b)
{
    if (a->kind == CEL_STATIC_DYN || a->kind == CEL_STATIC_PARAM)
        return true;
    if (b->kind == CEL_STATIC_DYN || b->kind == CEL_STATIC_PARAM || a->kind != b->kind)
        return false;
    if (a->kind == CEL_STATIC_TYPE)
        return true;
    if (a->arg_count != b->arg_count || (a->name && strcmp(a->name, b->name) != 0))
        return false;
    for (size_t i = 0; i < a->arg_count; i++)
        if (!less_specific(u, a->args[i], b->args[i]))
            return false;
    return true;
}

static bool less_specific(struct unify *u, const struct cel_static_type *a,
                          const struct cel_static_type *b)
{
    return leave(u, enter(u) && less_specific_parts(u, a, b));
}

static bool nullable(const struct cel_static_type *t)
{
    return t->kind == CEL_STATIC_NULL || t->kind == CEL_STATIC_OPAQUE ||
           t->kind == CEL_STATIC_OPTIONAL || t->kind == CEL_STATIC_OBJECT ||
           t->kind == CEL_STATIC_TIMESTAMP || t->kind == CEL_STATIC_DURATION;
}

const struct cel_static_type *unify_general(struct unify *u, const struct cel_static_type *a,
                                            const struct cel_static_type *b)
{
    /* cel-spec's tests want [optional.of(1), null] to be of optionals, which cel-go misses. */
    if (b->kind == CEL_STATIC_NULL && nullable(a))
        return a;
    return less_specific(u, a, b) ? a : b;
}

static bool occurs(struct unify *u, const struct type_var *v, const struct cel_static_type *within);

static bool occurs_inside(struct unify *u, const struct type_var *v,
                          const struct cel_static_type *within)
{
    const struct type_var *other = var_of(within);

    if (other)
        return other->is && occurs(u, v, other->is);
    for (size_t i = 0; i < within->arg_count; i++)
        if (occurs(u, v, within->args[i]))
            return true;
    return false;
}

/* Whether the variable is a part of the type: then the one cannot be the other. */
static bool occurs(struct unify *u, const struct type_var *v, const struct cel_static_type *within)
{
    bool found = !enter(u) || &v->base == within;

    return leave(u, found || occurs_inside(u, v, within));
}

static bool assignable(struct unify *u, const struct cel_static_type *a,
                       const struct cel_static_type *b);

/* Whether the variable may be t, or is something that goes together with it. */
static bool substitutes(struct unify *u, const struct cel_static_type *t, struct type_var *v,
                        bool *ret_known)
{
    *ret_known = true;
    if (t == &v->base)
        return true;
    if (v->is) {
        const struct cel_static_type *general;

        if (same(u, t, v->is))
            return true;
        if (!assignable(u, t, v->is))
            return false;
        general = unify_general(u, t, v->is);
        if (!occurs(u, v, general))
            bind(u, v, general);
        return true;
    }
    *ret_known = false;
    if (occurs(u, v, t))
        return false;
    bind(u, v, t);
    return true;
}

static bool assignable_parts(struct unify *u, const struct cel_static_type *a,
                             const struct cel_static_type *b)
{
    if (a->arg_count != b->arg_count)
        return false;
    for (size_t i = 0; i < a->arg_count; i++)
        if (!assignable(u, a->args[i], b->args[i]))
            return false;
    return true;
}

static bool assignable_kinds(struct unify *u, const struct cel_static_type *a,
                             const struct cel_static_type *b)
{
    struct type_var *a_var = var_of(a), *b_var = var_of(b);
    bool known;

    if (b_var) {
        if (substitutes(u, a, b_var, &known))
            return true;
        if (known)
            return false;
    }
    if (a_var)
        return substitutes(u, b, a_var, &known);
    if (a->kind == CEL_STATIC_DYN || b->kind == CEL_STATIC_DYN)
        return true;
    if (a->kind == CEL_STATIC_NULL || b->kind == CEL_STATIC_NULL)
        return nullable(a->kind == CEL_STATIC_NULL ? b : a);
    if (a->kind != b->kind)
        return false;
    if (a->kind == CEL_STATIC_TYPE)
        return true;
    if ((a->kind == CEL_STATIC_OPAQUE || a->kind == CEL_STATIC_OBJECT) &&
        strcmp(a->name, b->name) != 0)
        return false;
    return assignable_parts(u, a, b);
}

static bool assignable(struct unify *u, const struct cel_static_type *a,
                       const struct cel_static_type *b)
{
    return leave(u, enter(u) && assignable_kinds(u, a, b));
}

bool unify_assignable(struct unify *u, const struct cel_static_type *const *a,
                      const struct cel_static_type *const *b, size_t count)
{
    bool fits = true;

    u->trail = NULL;
    for (size_t i = 0; i < count && fits; i++)
        fits = assignable(u, a[i], b[i]);
    if (fits && !u->exhausted)
        return true;
    for (struct type_trail *t = u->trail; t; t = t->older)
        t->var->is = t->was;
    return false;
}

static const struct cel_static_type *resolve_parts(struct unify *u, const struct cel_static_type *t,
                                                   bool free_to_dyn)
{
    const struct cel_static_type *args[CEL_TYPE_ARGS_MAX];
    bool changed = false;

    for (size_t i = 0; i < t->arg_count; i++) {
        args[i] = unify_resolve(u, t->args[i], free_to_dyn);
        changed |= args[i] != t->args[i];
    }
    return changed ? unify_make(u, t->kind, t->name, args, t->arg_count) : t;
}

const struct cel_static_type *unify_resolve(struct unify *u, const struct cel_static_type *t,
                                            bool free_to_dyn)
{
    const struct type_var *v;

    while ((v = var_of(t)) && v->is)
        t = v->is;
    if (v)
        return free_to_dyn ? CEL_DYN : t;
    t = enter(u) ? resolve_parts(u, t, free_to_dyn) : CEL_DYN;
    leave(u, true);
    return t;
}
