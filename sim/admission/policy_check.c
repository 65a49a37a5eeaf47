/* What may be written: the spec of a policy and of a binding (delete-protection.md 1.1). */
#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/names.h"
#include "kube/selector.h"
#include "sim/admission/policy_priv.h"

#define CONDITIONS_MAX 64u
#define ANNOTATIONS_MAX 20u
#define VALUE_EXPRESSION_MAX 5120u

/* ---- small rules ---- */

static bool has_break(const char *s)
{
    return strpbrk(s, "\r\n") != NULL;
}

static void add(struct field_errors *errors, enum field_error_type type, const char *at,
                const char *member, const char *shown, const char *detail)
{
    AUTO(json) json_t *value = shown ? json_string(shown) : NULL;
    AUTO(str) char *path = *member ? mem_printf("%s.%s", at, member) : mem_strdup(at);
    field_errors_add(errors, type, path, value, "%s", detail);
}

static void require(const json_t *object, const char *at, const char *member, const char *detail,
                    struct field_errors *errors)
{
    if (policy_text_is_blank(json_str_or_empty(object, member)))
        add(errors, FIELD_REQUIRED, at, member, NULL, detail);
}

/* words: sorted, NULL-terminated. */
static void one_of(const char *have, const char *at, const char *member, const char *const *words,
                   struct field_errors *errors)
{
    AUTO(strbuf) struct strbuf all = {0};
    for (size_t i = 0; words[i]; i++) {
        if (strcmp(words[i], have) == 0)
            return;
        strbuf_addf(&all, "%s\"%s\"", i ? ", " : "", words[i]);
    }
    AUTO(str) char *detail = mem_printf("supported values: %s", strbuf_str(&all));
    add(errors, FIELD_NOT_SUPPORTED, at, member, have, detail);
}

/* Strings of the list that stand there before. */
static bool seen_before(const json_t *list, size_t i, const char *member)
{
    const json_t *one = json_array_get(list, i);
    const char *text = member ? json_str(one, member) : json_string_value(one);
    for (size_t k = 0; text && k < i; k++) {
        const json_t *other = json_array_get(list, k);
        const char *s = member ? json_str(other, member) : json_string_value(other);
        if (s && strcmp(s, text) == 0)
            return true;
    }
    return false;
}

static void check_name(const char *why, const char *shown, const char *at, const char *member,
                       struct field_errors *errors)
{
    if (why)
        add(errors, FIELD_INVALID, at, member, shown, why);
}

/* ---- MatchResources ---- */

static void check_operations(const json_t *rule, const char *at, struct field_errors *errors)
{
    static const char *const words[] = {"*", "CONNECT", "CREATE", "DELETE", "UPDATE", NULL};
    const json_t *list = json_object_get(rule, "operations");
    bool all = false;
    if (json_array_size(list) == 0)
        add(errors, FIELD_REQUIRED, at, "operations", NULL, "");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        AUTO(str) char *member = mem_printf("operations[%zu]", i);
        one_of(word ? word : "", at, member, words, errors);
        all = all || (word && strcmp(word, "*") == 0);
    }
    AUTO(str) char *path = mem_printf("%s.operations", at);
    if (all && json_array_size(list) > 1)
        field_errors_add(errors, FIELD_INVALID, path, list,
                         "if '*' is present, must not specify other operations");
}

static void check_list(const json_t *rule, const char *at, const char *member, const char *what,
                       bool may_be_empty, struct field_errors *errors)
{
    const json_t *list = json_object_get(rule, member);
    bool all = false;
    if (json_array_size(list) == 0)
        add(errors, FIELD_REQUIRED, at, member, NULL, "");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        AUTO(str) char *item = mem_printf("%s[%zu]", member, i);
        if (!may_be_empty && (!word || !*word))
            add(errors, FIELD_REQUIRED, at, item, NULL, "");
        all = all || (what && word && strcmp(word, "*") == 0);
    }
    if (!all || json_array_size(list) < 2)
        return;
    AUTO(str) char *path = mem_printf("%s.%s", at, member);
    field_errors_add(errors, FIELD_INVALID, path, list,
                     "if '*' is present, must not specify other %s", what);
}

/* "*" and a resource without a subresource, or the wildcard of everything and anything else. */
static void check_resources(const json_t *rule, const char *at, struct field_errors *errors)
{
    const json_t *list = json_object_get(rule, "resources");
    bool star = false, both = false, plain = false;
    check_list(rule, at, "resources", NULL, false, errors);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        star = star || (word && strcmp(word, "*") == 0);
        both = both || (word && strcmp(word, "*/*") == 0);
        plain = plain || (word && *word && strcmp(word, "*") != 0 && !strchr(word, '/'));
    }
    AUTO(str) char *path = mem_printf("%s.resources", at);
    if (both && json_array_size(list) > 1)
        field_errors_add(errors, FIELD_INVALID, path, list,
                         "if '*/*' is present, must not specify other resources");
    if (star && plain)
        field_errors_add(errors, FIELD_INVALID, path, list,
                         "if '*' is present, must not specify other resources without "
                         "subresources");
}

static void check_rule(const json_t *rule, const char *at, struct field_errors *errors)
{
    static const char *const scopes[] = {"*", "Cluster", "Namespaced", NULL};
    const json_t *names = json_object_get(rule, "resourceNames");
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        AUTO(str) char *member = mem_printf("resourceNames[%zu]", i);
        check_name(name ? name_check_path_segment(name) : "must be a string", name, at, member,
                   errors);
        if (seen_before(names, i, NULL))
            add(errors, FIELD_DUPLICATE, at, member, name, "");
    }
    check_operations(rule, at, errors);
    check_list(rule, at, "apiGroups", "API groups", true, errors);
    check_list(rule, at, "apiVersions", "API versions", false, errors);
    check_resources(rule, at, errors);
    if (json_str(rule, "scope"))
        one_of(json_str(rule, "scope"), at, "scope", scopes, errors);
}

static void check_rules(const json_t *match, const char *at, const char *member,
                        struct field_errors *errors)
{
    const json_t *rules = json_object_get(match, member);
    for (size_t i = 0; i < json_array_size(rules); i++) {
        AUTO(str) char *path = mem_printf("%s.%s[%zu]", at, member, i);
        check_rule(json_array_get(rules, i), path, errors);
    }
}

static void check_selector(const json_t *match, const char *at, const char *member,
                           struct field_errors *errors)
{
    const json_t *selector = json_object_get(match, member);
    struct err e = {0};
    if (!selector)
        return;
    AUTO(selector) struct selector *s = selector_from_label_selector(selector, &e);
    AUTO(str) char *path = mem_printf("%s.%s", at, member);
    if (!s)
        field_errors_add(errors, FIELD_INVALID, path, selector, "%s", e.msg ? e.msg : "");
    err_clear(&e);
}

static void check_match(const json_t *match, const char *at, struct field_errors *errors)
{
    static const char *const policies[] = {"Equivalent", "Exact", NULL};
    if (!json_is_object(match))
        return;
    if (json_str(match, "matchPolicy"))
        one_of(json_str(match, "matchPolicy"), at, "matchPolicy", policies, errors);
    check_selector(match, at, "namespaceSelector", errors);
    check_selector(match, at, "objectSelector", errors);
    check_rules(match, at, "resourceRules", errors);
    check_rules(match, at, "excludeResourceRules", errors);
}

/* ---- the parts of a policy ---- */

static void check_param_kind(const json_t *kind, struct field_errors *errors)
{
    if (!json_is_object(kind))
        return;
    require(kind, "spec.paramKind", "apiVersion", "", errors);
    require(kind, "spec.paramKind", "kind", "", errors);
    const char *api_version = json_str_or_empty(kind, "apiVersion"),
               *slash = strchr(api_version, '/');
    if (slash && strchr(slash + 1, '/'))
        add(errors, FIELD_INVALID, "spec.paramKind", "apiVersion", api_version,
            "unexpected GroupVersion string");
    else if (slash && !slash[1])
        add(errors, FIELD_INVALID, "spec.paramKind", "apiVersion", api_version,
            "version must be specified");
}

static void check_conditions(const json_t *list, struct field_errors *errors)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        AUTO(str) char *at = mem_printf("spec.matchConditions[%zu]", i);
        const char *name = json_str_or_empty(one, "name");
        require(one, at, "expression", "", errors);
        if (!*name)
            add(errors, FIELD_REQUIRED, at, "name", NULL, "");
        else
            check_name(name_check_qualified(name), name, at, "name", errors);
        if (*name && seen_before(list, i, "name"))
            add(errors, FIELD_DUPLICATE, at, "name", name, "");
    }
    if (json_array_size(list) > CONDITIONS_MAX) {
        AUTO(json) json_t *count = json_integer((json_int_t)json_array_size(list));
        field_errors_add(errors, FIELD_TOO_MANY, "spec.matchConditions", count,
                         "must have at most %u items", CONDITIONS_MAX);
    }
}

static bool is_identifier(const char *s)
{
    static const char *const reserved[] = {
        "true",     "false",   "null",      "in",       "as",  "break",  "const",
        "continue", "else",    "for",       "function", "if",  "import", "let",
        "loop",     "package", "namespace", "return",   "var", "void",   "while"};
    if (!isalpha((unsigned char)*s) && *s != '_')
        return false;
    for (const char *c = s; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_')
            return false;
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
        if (strcmp(s, reserved[i]) == 0)
            return false;
    return true;
}

static void check_variables(const json_t *list, struct field_errors *errors)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        AUTO(str) char *at = mem_printf("spec.variables[%zu]", i);
        const char *name = json_str_or_empty(one, "name");
        require(one, at, "name", "name is not specified", errors);
        if (!policy_text_is_blank(name) && !is_identifier(name))
            add(errors, FIELD_INVALID, at, "name", name, "name is not a valid CEL identifier");
        require(one, at, "expression", "expression is not specified", errors);
    }
}

static void check_validation(const json_t *one, const char *at, struct field_errors *errors)
{
    static const char *const reasons[] = {"Forbidden", "Invalid", "RequestEntityTooLarge",
                                          "Unauthorized", NULL};
    const char *message = json_str_or_empty(one, "message");
    const char *expression = json_str_or_empty(one, "messageExpression");
    require(one, at, "expression", "expression is not specified", errors);
    if (*expression && policy_text_is_blank(expression))
        add(errors, FIELD_INVALID, at, "messageExpression", expression,
            "must be non-empty if specified");
    if (*message && policy_text_is_blank(message)) {
        add(errors, FIELD_INVALID, at, "message", message,
            "message must be non-empty if specified");
    } else {
        AUTO(str) char *inner = mem_strdup(message + strspn(message, " \t\r\n\f\v"));
        for (size_t len = strlen(inner); len > 0 && isspace((unsigned char)inner[len - 1]); len--)
            inner[len - 1] = '\0';
        if (has_break(inner))
            add(errors, FIELD_INVALID, at, "message", message,
                "message must not contain line breaks");
    }
    if (json_str(one, "reason"))
        one_of(json_str(one, "reason"), at, "reason", reasons, errors);
}

static void check_annotations(const json_t *list, const char *policy, struct field_errors *errors)
{
    if (json_array_size(list) > ANNOTATIONS_MAX)
        field_errors_add(errors, FIELD_INVALID, "spec.auditAnnotations", list,
                         "must not have more than %u auditAnnotations", ANNOTATIONS_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        AUTO(str) char *at = mem_printf("spec.auditAnnotations[%zu]", i);
        const char *key = json_str_or_empty(one, "key");
        AUTO(str) char *whole = mem_printf("%s/%s", policy, key);
        check_name(name_check_qualified(whole), whole, at, "key", errors);
        require(one, at, "valueExpression", "valueExpression is not specified", errors);
        if (strlen(json_str_or_empty(one, "valueExpression")) > VALUE_EXPRESSION_MAX)
            add(errors, FIELD_REQUIRED, at, "valueExpression", NULL,
                "must not exceed 5120 bytes in length");
        if (seen_before(list, i, "key"))
            add(errors, FIELD_DUPLICATE, at, "key", key, "");
    }
}

static void check_does_anything(const json_t *spec, struct field_errors *errors)
{
    static const char detail[] = "validations or auditAnnotations must contain at least one item";
    if (json_array_size(json_object_get(spec, "validations")) > 0 ||
        json_array_size(json_object_get(spec, "auditAnnotations")) > 0)
        return;
    add(errors, FIELD_REQUIRED, "spec", "validations", NULL, detail);
    add(errors, FIELD_REQUIRED, "spec", "auditAnnotations", NULL, detail);
}

void policy_check(const json_t *object, struct field_errors *errors)
{
    static const char *const failures[] = {"Fail", "Ignore", NULL};
    const json_t *spec = json_object_get(object, "spec");
    const json_t *match = json_object_get(spec, "matchConstraints");
    const json_t *validations = json_object_get(spec, "validations");
    one_of(json_str_or_empty(spec, "failurePolicy"), "spec", "failurePolicy", failures, errors);
    check_param_kind(json_object_get(spec, "paramKind"), errors);
    if (!json_is_object(match))
        add(errors, FIELD_REQUIRED, "spec", "matchConstraints", NULL, "");
    else if (json_array_size(json_object_get(match, "resourceRules")) == 0)
        add(errors, FIELD_REQUIRED, "spec", "matchConstraints.resourceRules", NULL, "");
    check_match(match, "spec.matchConstraints", errors);
    check_conditions(json_object_get(spec, "matchConditions"), errors);
    check_variables(json_object_get(spec, "variables"), errors);
    check_does_anything(spec, errors);
    for (size_t i = 0; i < json_array_size(validations); i++) {
        AUTO(str) char *at = mem_printf("spec.validations[%zu]", i);
        check_validation(json_array_get(validations, i), at, errors);
    }
    check_annotations(json_object_get(spec, "auditAnnotations"), meta_name(object), errors);
    if (json_array_size(json_object_get(spec, "variables")) > POLICY_VARIABLES_MAX) {
        add(errors, FIELD_INVALID, "spec", "variables", NULL, "more than 256 variables");
        return;
    }
    policy_destroy(policy_create((json_t *)object, errors));
}

/* ---- bindings ---- */

static void check_actions(const json_t *spec, struct field_errors *errors)
{
    static const char *const words[] = {"Audit", "Deny", "Warn", NULL};
    const json_t *list = json_object_get(spec, "validationActions");
    bool denies = false, warns = false;
    if (json_array_size(list) == 0)
        add(errors, FIELD_REQUIRED, "spec", "validationActions", NULL,
            "at least one validation action is required");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        AUTO(str) char *member = mem_printf("validationActions[%zu]", i);
        one_of(word ? word : "", "spec", member, words, errors);
        if (seen_before(list, i, NULL))
            add(errors, FIELD_DUPLICATE, "spec", member, word, "");
        denies = denies || (word && strcmp(word, "Deny") == 0);
        warns = warns || (word && strcmp(word, "Warn") == 0);
    }
    if (denies && warns)
        field_errors_add(errors, FIELD_INVALID, "spec.validationActions", list,
                         "must not contain both Deny and Warn (repeating the same validation "
                         "failure information in the API response and headers serves no purpose)");
}

static void check_param_ref(const json_t *ref, struct field_errors *errors)
{
    static const char *const words[] = {"Allow", "Deny", NULL};
    static const char both[] = "name and selector are mutually exclusive";
    const char *name = json_str_or_empty(ref, "name");
    if (!json_is_object(ref))
        return;
    bool selects = json_object_get(ref, "selector") != NULL;
    if (*name)
        check_name(name_check_path_segment(name), name, "spec.paramRef", "name", errors);
    check_selector(ref, "spec.paramRef", "selector", errors);
    if (*name && selects) {
        add(errors, FIELD_FORBIDDEN, "spec.paramRef", "name", NULL, both);
        add(errors, FIELD_FORBIDDEN, "spec.paramRef", "selector", NULL, both);
    }
    if (!*name && !selects)
        add(errors, FIELD_REQUIRED, "spec.paramRef", "", NULL,
            "one of name or selector must be specified");
    if (!*json_str_or_empty(ref, "parameterNotFoundAction"))
        add(errors, FIELD_REQUIRED, "spec.paramRef", "parameterNotFoundAction", NULL, "");
    else
        one_of(json_str(ref, "parameterNotFoundAction"), "spec.paramRef", "parameterNotFoundAction",
               words, errors);
}

void binding_check(const json_t *object, struct field_errors *errors)
{
    const json_t *spec = json_object_get(object, "spec");
    const char *policy = json_str_or_empty(spec, "policyName");
    if (!*policy)
        add(errors, FIELD_REQUIRED, "spec", "policyName", NULL, "");
    else
        check_name(name_check_dns1123_subdomain(policy), policy, "spec", "policyName", errors);
    check_param_ref(json_object_get(spec, "paramRef"), errors);
    check_match(json_object_get(spec, "matchResources"), "spec.matchResources", errors);
    check_actions(spec, errors);
}
