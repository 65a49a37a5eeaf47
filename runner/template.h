/* Values with `${...}` holes: compiled once from YAML, evaluated per case into JSON. */
#ifndef VMCONFORM_RUNNER_TEMPLATE_H
#define VMCONFORM_RUNNER_TEMPLATE_H

#include "base/yaml.h"
#include "cel/cel.h"

/* The names an expression may use. The first three are self, oldSelf and event, in every scope. */
enum { SCOPE_SELF, SCOPE_OLD_SELF, SCOPE_EVENT, SCOPE_FIRST };
struct scope {
    char **names; /* NULL-terminated; owned */
    size_t count; /* with the three */
    struct cel_env env;
};
struct scope *scope_create(const struct scope *parent /* copied, may be NULL */);
void scope_add(struct scope *s, const char *name); /* a name that is there is not added again */
int scope_find(const struct scope *s, const char *name); /* index or -1 */
void scope_destroy(struct scope *s);
DEFINE_CLEANUP(struct scope, scope, scope_destroy);

/* The values of a scope's names in one run. */
struct frame {
    const struct scope *scope;
    json_t **values; /* scope->count, owned references; NULL is unbound */
};
struct frame *frame_create(const struct scope *s,
                           const struct frame *parent /* values of equal names are taken over */);
void frame_set_take(struct frame *f, int index, json_t *value);
void frame_destroy(struct frame *f);
DEFINE_CLEANUP(struct frame, frame, frame_destroy);

/* What an evaluation needs: cookie goes to the host functions. */
struct eval {
    struct cel_context *cel;
    const struct frame *frame;
    void *cookie;
};

int eval_program(const struct eval *e, const struct cel_program *p, struct cel_value *ret,
                 struct err *reterr);
int eval_bool(const struct eval *e, const struct cel_program *p, bool *ret, struct err *reterr);

/* What one value may weigh, lest `${a}${a}` of `${b}${b}` of ... fill the memory. */
#define VALUE_NODES_MAX 200000u
#define VALUE_TEXT_MAX (4u << 20)
/* Ten years of virtual time: sums of a few cannot leave the range of the clock. */
#define DURATION_MAX (INT64_C(87600) * 3600 * 1000000000)

struct tmpl; /* immutable */
/* NULL after errors went to diags. */
struct tmpl *tmpl_compile(const struct yaml_doc *doc, const struct yaml_node *node,
                          const struct scope *scope, struct diags *diags);
struct tmpl *tmpl_literal(json_t *value_take, struct src_pos pos);
void tmpl_destroy(struct tmpl *t);
DEFINE_CLEANUP(struct tmpl, tmpl, tmpl_destroy);
struct src_pos tmpl_pos(const struct tmpl *t);
/* New JSON, NULL with *reterr. */
json_t *tmpl_eval(const struct tmpl *t, const struct eval *e, struct err *reterr);
/* The same for reading only: what has no holes is shared with the template. */
json_t *tmpl_view(const struct tmpl *t, const struct eval *e, struct err *reterr);
/* New text; numbers and bools become their text. */
char *tmpl_text(const struct tmpl *t, const struct eval *e, struct err *reterr);
/* 0 to DURATION_MAX. */
int tmpl_duration(const struct tmpl *t, const struct eval *e, int64_t *ret_ns, struct err *reterr);
/* For those who read a file without running it; all borrowed.
 * The value, when it has no holes; else NULL. */
const json_t *tmpl_fixed(const struct tmpl *t);
/* The expression, when it is one `${...}` and nothing else; else NULL. */
const struct cel_program *tmpl_alone(const struct tmpl *t);
/* Each expression in it. */
void tmpl_visit(const struct tmpl *t, const struct cel_visitor *v);
bool tmpl_is_map(const struct tmpl *t);
/* The i-th member of a map, or element of a list; NULL behind the last. *ret_key and *ret_pos (may
 * be NULL) get the key of a map's member and where it stands. */
const struct tmpl *tmpl_at(const struct tmpl *t, size_t i, const char **ret_key,
                           struct src_pos *ret_pos);
/* What it says when that is a text without holes; else NULL. Borrowed. */
const char *tmpl_word(const struct tmpl *t);
/* Member of a map template, or NULL. Borrowed. */
const struct tmpl *tmpl_get(const struct tmpl *t, const char *key);
/* Element of a list template, or NULL. Borrowed. */
const struct tmpl *tmpl_item(const struct tmpl *t, size_t index);

/* Compiles an expression that stands alone in a scalar node. */
struct cel_program *expr_compile(const struct yaml_node *node, const struct scope *scope,
                                 struct diags *diags);

#endif
