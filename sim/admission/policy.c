/* From an object to what can be evaluated. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/admission/policy_priv.h"

static const char *const slot_names[SLOT_VARIABLES] = {"object",
                                                       "oldObject",
                                                       "request",
                                                       "namespaceObject",
                                                       "params",
                                                       "authorizer",
                                                       "authorizer.requestResource"};

/* A name that nobody can write: what stands at its place is not to be had. */
#define HIDDEN ""

static const struct cel_env bare_env = {.functions = authorizer_functions,
                                        .function_types = authorizer_function_types,
                                        .typed = true,
                                        .homogeneous = true};

/* ---- names ---- */

/* The first `count` variables of the policy behind the slots; NULL-terminated. New. */
static const char **names_new(const struct policy *p, size_t count, bool with_authorizer)
{
    const char **names = mem_zalloc((SLOT_VARIABLES + count + 1) * sizeof(*names));
    for (size_t i = 0; i < SLOT_VARIABLES; i++) {
        bool hidden =
            (i == SLOT_PARAMS && !p->has_params) || (i >= SLOT_AUTHORIZER && !with_authorizer);
        names[i] = hidden ? HIDDEN : slot_names[i];
    }
    for (size_t i = 0; i < count; i++)
        names[SLOT_VARIABLES + i] = p->variables[i].qualified;
    return names;
}

static struct cel_env env_of(const struct policy *p, const char **names)
{
    struct cel_env env = bare_env;
    env.variables = names;
    env.variable_types = p->types;
    env.function_count = authorizer_function_count;
    return env;
}

/* ---- expressions ---- */

static void complain(const struct expression *e, const char *at, struct field_errors *errors)
{
    AUTO(json) json_t *shown = json_string(e->text);
    if (errors)
        field_errors_add(errors, FIELD_INVALID, at, shown, "%s", e->error);
}

/* What an expression must be known to give. */
enum wanted { WANT_ANY, WANT_BOOL, WANT_STRING, WANT_STRING_OR_NULL };

static const char *const wanted_words[] = {NULL, "must evaluate to bool", "must evaluate to string",
                                           "must evaluate to one of [string null_type]"};

static bool gives_wanted(const struct cel_program *p, enum wanted want)
{
    enum cel_static_kind gives = cel_program_type(p)->kind;
    switch (want) {
    case WANT_ANY:
        return true;
    case WANT_BOOL:
        return gives == CEL_STATIC_BOOL;
    case WANT_STRING:
        return gives == CEL_STATIC_STRING;
    case WANT_STRING_OR_NULL:
        /* Where one branch is null, so much is known and no more. */
        return gives == CEL_STATIC_STRING || gives == CEL_STATIC_NULL || gives == CEL_STATIC_DYN;
    }
    return false;
}

static void compile(struct expression *e, const char *text, const struct cel_env *env,
                    enum wanted want, const char *at, struct field_errors *errors)
{
    AUTO(str) char *mistake = NULL;
    e->text = text;
    if (!text || policy_text_is_blank(text))
        return;
    e->program = cel_compile_shown(text, env, &mistake);
    if (e->program && gives_wanted(e->program, want))
        return;
    e->error =
        e->program ? mem_strdup(wanted_words[want]) : mem_printf("compilation failed: %s", mistake);
    cel_program_destroy(TAKE(e->program));
    complain(e, at, errors);
}

static void expression_finish(struct expression *e)
{
    cel_program_destroy(e->program);
    free(e->error);
}

/* ---- the parts of a policy ---- */

static const json_t *list_of(const struct policy *p, const char *member, size_t *ret_count)
{
    const json_t *list = json_at(p->object, "spec", member, NULL);
    *ret_count = json_array_size(list);
    return list;
}

static void read_variables(struct policy *p, struct field_errors *errors)
{
    const json_t *list = list_of(p, "variables", &p->variable_count);
    p->variables = mem_zalloc((p->variable_count + 1) * sizeof(*p->variables));
    for (size_t i = 0; i < p->variable_count; i++) {
        const json_t *json = json_array_get(list, i);
        struct policy_variable *v = &p->variables[i];
        AUTO(str) char *at = mem_printf("spec.variables[%zu].expression", i);
        v->name = json_str_or_empty(json, "name");
        v->qualified = mem_printf("variables.%s", v->name);
        v->visible = names_new(p, i, true);
        v->env = env_of(p, v->visible);
        v->cel = cel_context_create();
        compile(&v->value, json_str(json, "expression"), &v->env, WANT_ANY, at, errors);
        p->types[SLOT_VARIABLES + i] =
            v->value.program ? cel_program_type(v->value.program) : CEL_DYN;
    }
}

static void read_conditions(struct policy *p, struct field_errors *errors)
{
    const json_t *list = list_of(p, "matchConditions", &p->condition_count);
    p->conditions = mem_zalloc((p->condition_count + 1) * sizeof(*p->conditions));
    for (size_t i = 0; i < p->condition_count; i++) {
        AUTO(str) char *at = mem_printf("spec.matchConditions[%zu].expression", i);
        compile(&p->conditions[i], json_str(json_array_get(list, i), "expression"),
                &p->condition_env, WANT_BOOL, at, errors);
    }
}

static void read_validations(struct policy *p, struct field_errors *errors)
{
    const json_t *list = list_of(p, "validations", &p->validation_count);
    p->validations = mem_zalloc((p->validation_count + 1) * sizeof(*p->validations));
    for (size_t i = 0; i < p->validation_count; i++) {
        const json_t *json = json_array_get(list, i);
        struct policy_validation *v = &p->validations[i];
        AUTO(str) char *at = mem_printf("spec.validations[%zu].expression", i);
        AUTO(str) char *message_at = mem_printf("spec.validations[%zu].messageExpression", i);
        v->message = json_str(json, "message");
        v->reason = json_str(json, "reason");
        compile(&v->rule, json_str(json, "expression"), &p->env, WANT_BOOL, at, errors);
        compile(&v->message_expression, json_str(json, "messageExpression"), &p->message_env,
                WANT_STRING, message_at, errors);
    }
}

static void read_annotations(struct policy *p, struct field_errors *errors)
{
    const json_t *list = list_of(p, "auditAnnotations", &p->annotation_count);
    p->annotations = mem_zalloc((p->annotation_count + 1) * sizeof(*p->annotations));
    for (size_t i = 0; i < p->annotation_count; i++) {
        const json_t *json = json_array_get(list, i);
        AUTO(str) char *at = mem_printf("spec.auditAnnotations[%zu].valueExpression", i);
        p->annotations[i].key = json_str_or_empty(json, "key");
        compile(&p->annotations[i].value, json_str(json, "valueExpression"), &p->env,
                WANT_STRING_OR_NULL, at, errors);
    }
}

struct policy *policy_create(json_t *object, struct field_errors *errors)
{
    struct policy *p = mem_zalloc(sizeof(*p));
    p->object = json_incref(object);
    p->name = meta_name(object);
    p->ignores_failure = strcmp(json_str_or_empty(object, "spec.failurePolicy"), "Ignore") == 0;
    p->has_params = json_is_object(json_path(object, "spec.paramKind"));
    match_init(&p->match, json_path(object, "spec.matchConstraints"));
    list_of(p, "variables", &p->variable_count);
    p->types = mem_zalloc((SLOT_VARIABLES + p->variable_count) * sizeof(*p->types));
    memcpy(p->types, policy_slot_types, sizeof(policy_slot_types));
    p->condition_visible = names_new(p, 0, true);
    p->condition_env = env_of(p, p->condition_visible);
    read_variables(p, errors);
    p->visible = names_new(p, p->variable_count, true);
    p->env = env_of(p, p->visible);
    p->message_visible = names_new(p, p->variable_count, false);
    p->message_env = env_of(p, p->message_visible);
    read_conditions(p, errors);
    read_validations(p, errors);
    read_annotations(p, errors);
    return p;
}

static void destroy_variables(struct policy *p)
{
    for (size_t i = 0; i < p->variable_count; i++) {
        struct policy_variable *v = &p->variables[i];
        expression_finish(&v->value);
        cel_context_destroy(v->cel);
        free(v->qualified);
        free(v->visible);
    }
    free(p->variables);
}

void policy_destroy(struct policy *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->condition_count; i++)
        expression_finish(&p->conditions[i]);
    for (size_t i = 0; i < p->validation_count; i++) {
        expression_finish(&p->validations[i].rule);
        expression_finish(&p->validations[i].message_expression);
    }
    for (size_t i = 0; i < p->annotation_count; i++)
        expression_finish(&p->annotations[i].value);
    destroy_variables(p);
    match_finish(&p->match);
    free(p->conditions);
    free(p->validations);
    free(p->annotations);
    free(p->types);
    free(p->visible);
    free(p->message_visible);
    free(p->condition_visible);
    free(p->bindings);
    json_decref(p->object);
    free(p);
}

/* ---- bindings ---- */

struct binding *binding_create(json_t *object)
{
    struct binding *b = mem_zalloc(sizeof(*b));
    b->object = json_incref(object);
    b->name = meta_name(object);
    b->policy = json_str_or_empty(object, "spec.policyName");
    b->actions = json_path(object, "spec.validationActions");
    match_init(&b->match, json_path(object, "spec.matchResources"));
    return b;
}

void binding_destroy(struct binding *b)
{
    if (!b)
        return;
    match_finish(&b->match);
    json_decref(b->object);
    free(b);
}

bool binding_acts(const struct binding *b, const char *action)
{
    size_t i;
    json_t *item;
    json_array_foreach(b->actions, i, item)
    {
        if (strcmp(json_string_value(item), action) == 0)
            return true;
    }
    return false;
}
