/* Policies and bindings as they are active: compiled, and evaluated on a request
 * (delete-protection.md 1.4, 1.10 to 1.13). */
#ifndef VMCONFORM_SIM_ADMISSION_POLICY_PRIV_H
#define VMCONFORM_SIM_ADMISSION_POLICY_PRIV_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "cel/cel.h"
#include "cel/static_type.h"
#include "kube/status.h"
#include "sim/admission/match_priv.h"
#include "sim/admission/review_priv.h"

#define POLICY_CALL_COST_MAX 1000000u /* one expression */
#define POLICY_COST_MAX 10000000u     /* all of a policy under one binding with one param */
#define POLICY_CONDITION_COST_MAX 2500000u
#define POLICY_VARIABLES_MAX 256u

/* The variables of expressions, by their places; those of the policy follow. */
enum {
    SLOT_OBJECT,
    SLOT_OLD,
    SLOT_REQUEST,
    SLOT_NAMESPACE,
    SLOT_PARAMS,
    SLOT_AUTHORIZER,
    SLOT_RESOURCE_CHECK,
    SLOT_VARIABLES
};

struct expression {
    const char *text;            /* borrowed from the policy's object; NULL: none */
    struct cel_program *program; /* NULL with text: it does not compile */
    char *error;                 /* why */
};

struct policy_variable {
    const char *name;
    struct expression value;
    char *qualified;      /* "variables.NAME" */
    const char **visible; /* what its own expression may name */
    struct cel_env env;
    struct cel_context *cel; /* holds its value as long as a pass lasts */
};
struct policy_validation {
    struct expression rule, message_expression;
    const char *message, *reason; /* NULL: none */
};
struct policy_annotation {
    const char *key;
    struct expression value;
};

struct policy {
    json_t *object;
    const char *name;
    bool ignores_failure;
    bool has_params;
    struct match match;
    const char **visible, **message_visible, **condition_visible; /* names, by slots */
    const struct cel_static_type **types;                         /* theirs, by slots */
    struct cel_env env, message_env, condition_env;
    struct expression *conditions;
    struct policy_variable *variables;
    struct policy_validation *validations;
    struct policy_annotation *annotations;
    size_t condition_count, variable_count, validation_count, annotation_count;
    struct binding **bindings; /* the active ones that name it, in an order of chance; borrowed */
    size_t binding_count;
};

struct binding {
    json_t *object;
    const char *name, *policy;
    const json_t *actions;
    struct match match;
};

/* ---- policy.c ---- */

/* Takes a reference of its own. What does not compile is told in *errors (may be NULL), and is an
 * error of each evaluation. */
struct policy *policy_create(json_t *object, struct field_errors *errors);
void policy_destroy(struct policy *p);
struct binding *binding_create(json_t *object);
void binding_destroy(struct binding *b);
bool binding_acts(const struct binding *b, const char *action);

/* ---- policy_check.c: what may be written ---- */

void policy_check(const json_t *object, struct field_errors *errors);
void binding_check(const json_t *object, struct field_errors *errors);

/* ---- params.c ---- */

/* The params of a policy under a binding: array of borrowed objects, of one null when there is
 * none to have. NULL with *reterr: they are not to be had. *ret_policy: that is the policy's
 * mistake, whatever the binding. */
json_t *params_collect(const struct review *r, const struct policy *p, const struct binding *b,
                       bool *ret_policy, struct err *reterr);

/* ---- policy_eval.c ---- */

/* One validation that did not hold, or could not be said. */
struct decision {
    size_t index;
    char *message;      /* owned */
    const char *reason; /* borrowed; NULL: Invalid */
};
struct verdict {
    struct decision *items; /* those alone that deny */
    size_t count;
    json_t *annotations;    /* key to text, or NULL */
    char *annotation_error; /* the first annotation that could not be made, or NULL */
};
void verdict_finish(struct verdict *v);
/* Evaluates all of the policy on the request in that shape. param: JSON null when there is none. */
void policy_evaluate(struct review *r, const struct policy *p, const struct shape *shape,
                     const json_t *param, struct verdict *ret);

/* ---- policy_message.c ---- */

bool policy_text_is_blank(const char *s);

/* What a validation that failed has to say, by its own texts. NULL messages: no such expression, or
 * none that counts. New. */
char *policy_message(const struct policy_validation *v, const char *from_expression);
/* What a messageExpression gave, when it counts; new, or NULL. */
char *policy_message_of(const struct cel_value *v);

/* ---- authorizer.c ---- */

/* The functions of `authorizer`; their cookie is a struct review. */
extern const struct cel_function *const authorizer_functions[];
extern const size_t authorizer_function_count;
/* Their overloads, in the same order. */
extern const char *const authorizer_function_types[];
#define AUTHORIZER_TYPE "kubernetes.authorization.Authorizer"
#define RESOURCE_CHECK_TYPE "kubernetes.authorization.ResourceCheck"
/* What expressions know of the variables (types.c). */
extern const struct cel_static_type *const policy_slot_types[SLOT_VARIABLES];
/* The values of `authorizer` and `authorizer.requestResource`. New. */
json_t *authorizer_value(void);
json_t *authorizer_request_resource(const struct review *r);

#endif
