/* The state of one evaluation, and what functions may ask of it. */
#ifndef VMCONFORM_CEL_CONTEXT_H
#define VMCONFORM_CEL_CONTEXT_H

#include "cel/ast.h"
#include "cel/re2_shim.h"
#include "cel/value.h"
#include "cel/zone.h"

/* What an evaluation may make, all values together. */
#define CEL_MEMORY_MAX ((size_t)32 << 20)
#define CEL_STRING_MAX ((size_t)4 << 20)

/* The CEL error value. It becomes a struct err when it reaches the top. */
struct cel_error {
    enum err_code code;
    uint32_t offset;
    bool fatal; /* a limit or a crash: && and || do not absorb it */
    const char *msg;
    const char *hint;
};

struct cel_context {
    struct arena arena;
    const struct cel_program *program;
    const struct cel_binding *bindings;
    void *cookie;
    struct cel_value *frame;
    uint64_t steps, steps_max; /* work that is done */
    uint64_t cost, cost_max;   /* as Kubernetes counts it: cost.h */
    size_t memory_max;
    const struct node *at; /* the call or operator that is running: its offset goes into errors */
    const struct cel_error *error; /* of the last -1 */
    json_t **kept;
    size_t kept_count, kept_cap;
    bool running;
    /* The last pattern that was no literal. */
    struct regex *regex;
    char *pattern;
    size_t pattern_len;
    /* The last zone that was asked for by name; NULL: there is none of that name. */
    struct zone *zone;
    char zone_name[ZONE_NAME_MAX + 1];
};

/* Every function of the evaluator returns 0, or -1 with c->error set. */
int eval_node(struct cel_context *c, const struct node *n, struct cel_value *ret);
/* operators.c */
int eval_binary(struct cel_context *c, enum binary_op op, const struct cel_value *a,
                const struct cel_value *b, struct cel_value *ret);
int eval_negate(struct cel_context *c, struct cel_value *v);
/* loops.c */
int eval_loop(struct cel_context *c, const struct node *n, struct cel_value *ret);
/* list[key], map[key]. An optional target, or `optional`, gives an optional. */
int eval_index(struct cel_context *c, const struct cel_value *target, const struct cel_value *key,
               bool optional, struct cel_value *ret);

/* Fails at c->at. */
int eval_fail(struct cel_context *c, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), cold));
/* "no such overload: size(int)" from c->at and the types of the arguments. */
int eval_no_overload(struct cel_context *c, size_t nargs, const struct cel_value *args)
    __attribute__((cold));
int eval_fail_cost(struct cel_context *c) __attribute__((cold));
int eval_fail_steps(struct cel_context *c) __attribute__((cold));
int eval_fail_memory(struct cel_context *c) __attribute__((cold));

static inline int eval_charge(struct cel_context *c, uint64_t steps)
{
    c->steps += steps;
    return c->steps > c->steps_max ? eval_fail_steps(c) : 0;
}

/* Units of cel/cost.h; a sum that is too large stays so. */
void eval_add_cost(struct cel_context *c, uint64_t units);

/* Memory for a value. NULL with the error set when the evaluation has had enough. */
void *eval_alloc(struct cel_context *c, size_t bytes);
/* An arena list with room for count items; the caller sets items, and may lower the count. */
int eval_new_list(struct cel_context *c, size_t count, struct cel_value *ret);
int eval_new_map(struct cel_context *c, size_t cap, struct cel_value *ret);
/* A key that is there already, or of a type that cannot be one, is an error. */
int eval_map_add(struct cel_context *c, struct cel_value *map, const struct cel_value *key,
                 const struct cel_value *value);
/* A string copied into the arena. */
int eval_text(struct cel_context *c, const char *data, size_t len, struct cel_value *ret);
int eval_some(struct cel_context *c, const struct cel_value *v, struct cel_value *ret);
/* A zone by its name; borrowed until the next call. NULL: there is none. */
const struct zone *eval_zone(struct cel_context *c, const struct cel_value *name);
/* The pattern as a regex; borrowed until the next call. */
const struct regex *eval_regex(struct cel_context *c, const struct cel_value *pattern);

static inline struct cel_value value_none(void)
{
    return (struct cel_value){.type = CEL_OPTIONAL};
}

#endif
