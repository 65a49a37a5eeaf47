/* x-kubernetes-validations: rules compiled with the schema, evaluated on what they stand at
 * (section 6.6). */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "sim/apiserver/schema_priv.h"

#define RULE_COST_MAX 1000000u

static const char *const rule_variables[] = {"self", "oldSelf", NULL};
static const struct cel_env rule_env = {.variables = rule_variables, .nulls_are_absent = true};

static struct cel_program *compile_one(const char *text, const char *field, const char *member,
                                       const json_t *shown, struct field_errors *errors)
{
    struct err e = {0};
    struct cel_program *p = cel_compile(text, &rule_env, NO_POS, &e);
    if (!p) {
        AUTO(str) char *at = mem_printf("%s.%s", field, member);
        field_errors_add(
            errors, FIELD_INVALID, at, shown, "compilation failed: ERROR: <input>:%u:%u: %s",
            e.pos.line ? e.pos.line : 1u, e.pos.col ? e.pos.col : 1u, e.msg ? e.msg : "");
        err_clear(&e);
    }
    return p;
}

static void compile_rule(struct schema_rule *r, const json_t *src, const char *field,
                         struct field_errors *errors)
{
    const char *rule = json_str(src, "rule");
    const char *message = json_str(src, "messageExpression");
    if (!rule || !*rule) {
        AUTO(str) char *at = mem_printf("%s.rule", field);
        field_errors_add(errors, FIELD_REQUIRED, at, NULL, "rule is not specified");
        return;
    }
    r->rule = compile_one(rule, field, "rule", src, errors);
    if (message && *message)
        r->message_expression = compile_one(message, field, "messageExpression", src, errors);
    r->message = json_str(src, "message");
    r->reason = json_str(src, "reason");
    r->field_path = json_str(src, "fieldPath");
    r->uses_old = r->rule && cel_program_uses(r->rule, "oldSelf");
    r->optional_old = json_bool(src, "optionalOldSelf", false);
}

void schema_rules_compile(struct schema *s, const json_t *rules, const char *field,
                          struct field_errors *errors)
{
    s->rules = mem_zalloc((json_array_size(rules) + 1) * sizeof(*s->rules));
    for (size_t i = 0; i < json_array_size(rules); i++) {
        AUTO(str) char *at = mem_printf("%s.x-kubernetes-validations[%zu]", field, i);
        compile_rule(&s->rules[s->rule_count++], json_array_get(rules, i), at, errors);
    }
}

void schema_rules_finish(struct schema *s)
{
    for (size_t i = 0; i < s->rule_count; i++) {
        cel_program_destroy(s->rules[i].rule);
        cel_program_destroy(s->rules[i].message_expression);
    }
    free(s->rules);
}

/* ---- evaluation ---- */

/* oldSelf with optionalOldSelf is an optional; without, a transition rule has it or does not run.
 */
static void bind(const struct schema_rule *r, const struct schema_frame *f, struct cel_value old[2],
                 struct cel_binding out[2])
{
    out[0] = (struct cel_binding){.json = f->value};
    out[1] = (struct cel_binding){.json = f->old};
    if (!r->optional_old)
        return;
    old[0] = f->old ? cel_json(f->old) : cel_null();
    old[1] = (struct cel_value){.type = CEL_OPTIONAL};
    old[1].u.optional = f->old ? &old[0] : NULL;
    out[1] = (struct cel_binding){.value = &old[1]};
}

static char *trimmed(const char *s)
{
    static const char space[] = " \t\r\n";
    s += strspn(s, space);
    size_t len = strlen(s);
    while (len > 0 && strchr(space, s[len - 1]))
        len--;
    return mem_printf("%.*s", (int)len, s);
}

static char *rule_message(const struct schema_rule *r, struct cel_context *cel,
                          const struct cel_binding *bindings)
{
    if (r->message_expression) {
        struct cel_value v;
        struct err e = {0};
        if (cel_eval(r->message_expression, cel, bindings, NULL, RULE_COST_MAX, &v, &e) == 0 &&
            v.type == CEL_STRING) {
            AUTO(json) json_t *text = cel_to_json(&v);
            const char *s = json_string_value(text);
            if (s && *s && !strchr(s, '\n') && strspn(s, " \t") != strlen(s))
                return trimmed(s);
        }
        err_clear(&e);
    }
    if (r->message && *r->message)
        return trimmed(r->message);
    return mem_printf("failed rule: %s", cel_program_text(r->rule));
}

static enum field_error_type rule_type(const struct schema_rule *r)
{
    if (!r->reason)
        return FIELD_INVALID;
    if (strcmp(r->reason, "FieldValueRequired") == 0)
        return FIELD_REQUIRED;
    if (strcmp(r->reason, "FieldValueForbidden") == 0)
        return FIELD_FORBIDDEN;
    if (strcmp(r->reason, "FieldValueDuplicate") == 0)
        return FIELD_DUPLICATE;
    return FIELD_INVALID;
}

/* Of values, only their type is shown. */
static void report(const struct schema *s, const struct schema_rule *r,
                   const struct schema_frame *f, const char *message, struct field_errors *errors)
{
    AUTO(strbuf) struct strbuf path = {0};
    schema_frame_path(f, &path);
    if (r->field_path && *r->field_path) {
        if (!f->up)
            strbuf_reset(&path);
        const char *rest = r->field_path;
        if (path.len == 0 && *rest == '.')
            rest++;
        strbuf_addstr(&path, rest);
    }
    AUTO(json) json_t *shown = json_string(schema_type_text(s));
    field_errors_add(errors, rule_type(r), strbuf_str(&path), shown, "%s", message);
}

static void report_failure(const struct schema *s, const struct schema_rule *r,
                           const struct schema_frame *f, const char *why,
                           struct field_errors *errors)
{
    AUTO(str)
    char *rule = trimmed(r->message && *r->message ? r->message : cel_program_text(r->rule));
    AUTO(str) char *message = mem_printf("%s evaluating rule: %s", why, rule);
    /* A rule that cannot be evaluated is told of the value itself. */
    struct schema_rule plain = *r;
    plain.reason = plain.field_path = NULL;
    report(s, &plain, f, message, errors);
}

static void spend(struct schema_rules_run *run)
{
    uint64_t cost = cel_context_cost(run->cel);
    run->budget = cost < run->budget ? run->budget - cost : 0;
    AUTO(json) json_t *nothing = json_string("null");
    if (run->budget == 0)
        field_errors_add(run->errors, FIELD_INVALID, "<nil>", nothing,
                         "validation failed due to running out of cost budget, no further "
                         "validation rules will be run");
}

static void check_rule(const struct schema *s, const struct schema_rule *r, struct schema_frame *f,
                       struct schema_rules_run *run)
{
    if (run->budget == 0 || (r->uses_old && !f->old && !r->optional_old))
        return;
    struct cel_value old[2];
    struct cel_binding bindings[2];
    bind(r, f, old, bindings);
    bool ok = false;
    struct err e = {0};
    int rc = cel_eval_bool(r->rule, run->cel, bindings, NULL, RULE_COST_MAX, &ok, &e);
    spend(run);
    /* What is stored already may stay, but a transition is judged each time. */
    bool excused = !ok && !r->uses_old && schema_frame_unchanged(f);
    if (rc < 0 && !excused)
        report_failure(s, r, f, e.msg ? e.msg : "error", run->errors);
    err_clear(&e);
    if (rc < 0 || ok || excused)
        return;
    AUTO(str) char *message = rule_message(r, run->cel, bindings);
    report(s, r, f, message, run->errors);
}

static void rules_in_object(const struct schema *s, struct schema_frame *f,
                            struct schema_rules_run *run)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)f->value, key, value)
    {
        struct schema_frame next;
        const struct schema *child = schema_frame_enter(s, f, key, &next);
        if (!child || !child->has_rules)
            continue;
        if (s->atomic_map)
            next.old = NULL;
        schema_validate_rules(child, &next, run);
    }
}

void schema_validate_rules(const struct schema *s, struct schema_frame *f,
                           struct schema_rules_run *run)
{
    if (!s->has_rules || json_is_null(f->value))
        return;
    for (size_t i = 0; i < s->rule_count; i++)
        check_rule(s, &s->rules[i], f, run);
    if (json_is_object(f->value)) {
        rules_in_object(s, f, run);
    } else if (json_is_array(f->value) && s->items && s->items->has_rules) {
        for (size_t i = 0; i < json_array_size(f->value); i++) {
            const json_t *item = json_array_get(f->value, i);
            struct schema_frame next = {
                .up = f, .index = i, .value = item, .old = schema_correlate(s, item, i, f->old)};
            schema_validate_rules(s->items, &next, run);
        }
    }
}
