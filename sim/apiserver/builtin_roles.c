/* Roles and what binds them. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/names.h"
#include "kube/status.h"
#include "sim/apiserver/builtin_priv.h"

#define RBAC "rbac.authorization.k8s.io"

/* ---- rules ---- */

static void must_hold_some(const json_t *rule, const char *at, const char *field, const char *why,
                           struct field_errors *errors)
{
    AUTO(str) char *path = mem_printf("%s.%s", at, field);
    if (json_array_size(json_object_get(rule, field)) == 0)
        field_errors_add(errors, FIELD_REQUIRED, path, NULL, "%s", why);
}

static void validate_urls(const json_t *rule, const char *at, bool namespaced,
                          struct field_errors *errors)
{
    static const char *const others[] = {"apiGroups", "resources", "resourceNames"};
    const json_t *urls = json_object_get(rule, "nonResourceURLs");
    AUTO(str) char *path = mem_printf("%s.nonResourceURLs", at);
    bool both = false;
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        both = both || json_array_size(json_object_get(rule, others[i])) > 0;
    if (namespaced)
        field_errors_add(errors, FIELD_INVALID, path, urls,
                         "namespaced rules cannot apply to non-resource URLs");
    if (both)
        field_errors_add(errors, FIELD_INVALID, path, urls,
                         "rules cannot apply to both regular resources and non-resource URLs");
}

static void validate_rule(const json_t *rule, const char *at, bool namespaced,
                          struct field_errors *errors)
{
    must_hold_some(rule, at, "verbs", "verbs must contain at least one value", errors);
    if (json_array_size(json_object_get(rule, "nonResourceURLs")) > 0) {
        validate_urls(rule, at, namespaced, errors);
        return;
    }
    must_hold_some(rule, at, "apiGroups", "resource rules must supply at least one api group",
                   errors);
    must_hold_some(rule, at, "resources", "resource rules must supply at least one resource",
                   errors);
}

void role_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    (void)old;
    const json_t *rules = json_object_get(object, "rules");
    for (size_t i = 0; i < json_array_size(rules); i++) {
        AUTO(str) char *at = mem_printf("rules[%zu]", i);
        validate_rule(json_array_get(rules, i), at, *meta_namespace(object) != '\0', errors);
    }
}

/* ---- bindings ---- */

static bool is_kind(const json_t *subject, const char *kind)
{
    return strcmp(json_str_or_empty(subject, "kind"), kind) == 0;
}

void binding_prepare(json_t *object, const json_t *old)
{
    (void)old;
    default_str(member(object, "roleRef"), "apiGroup", RBAC);
    json_t *subjects = json_object_get(object, "subjects");
    for (size_t i = 0; i < json_array_size(subjects); i++) {
        json_t *one = json_array_get(subjects, i);
        if (is_kind(one, "User") || is_kind(one, "Group"))
            default_str(one, "apiGroup", RBAC);
    }
}

static void unsupported(const json_t *holder, const char *at, const char *field,
                        const char *supported, struct field_errors *errors)
{
    AUTO(str) char *path = mem_printf("%s.%s", at, field);
    AUTO(json) json_t *shown = json_string(json_str_or_empty(holder, field));
    field_errors_add(errors, FIELD_NOT_SUPPORTED, path, shown, "supported values: %s", supported);
}

static void must_name(const json_t *holder, const char *at, const char *field,
                      struct field_errors *errors)
{
    AUTO(str) char *path = mem_printf("%s.%s", at, field);
    if (!*json_str_or_empty(holder, field))
        field_errors_add(errors, FIELD_REQUIRED, path, NULL, "%s", "");
}

static void validate_ref(const json_t *ref, bool namespaced, struct field_errors *errors)
{
    bool known = is_kind(ref, "ClusterRole") || (namespaced && is_kind(ref, "Role"));
    if (strcmp(json_str_or_empty(ref, "apiGroup"), RBAC) != 0)
        unsupported(ref, "roleRef", "apiGroup", "\"" RBAC "\"", errors);
    if (!known)
        unsupported(ref, "roleRef", "kind",
                    namespaced ? "\"Role\", \"ClusterRole\"" : "\"ClusterRole\"", errors);
    must_name(ref, "roleRef", "name", errors);
}

static void validate_account(const json_t *subject, const char *at, bool namespaced,
                             struct field_errors *errors)
{
    const json_t *name = json_object_get(subject, "name");
    const char *why =
        json_string_length(name) ? name_check_dns1123_subdomain(json_string_value(name)) : NULL;
    AUTO(str) char *path = mem_printf("%s.name", at);
    if (why)
        field_errors_add(errors, FIELD_INVALID, path, name, "%s", why);
    if (*json_str_or_empty(subject, "apiGroup"))
        unsupported(subject, at, "apiGroup", "\"\"", errors);
    /* A RoleBinding's accounts are those of its own namespace. */
    if (!namespaced)
        must_name(subject, at, "namespace", errors);
}

static void validate_subject(const json_t *subject, const char *at, bool namespaced,
                             struct field_errors *errors)
{
    must_name(subject, at, "name", errors);
    if (is_kind(subject, "ServiceAccount"))
        validate_account(subject, at, namespaced, errors);
    else if (!is_kind(subject, "User") && !is_kind(subject, "Group"))
        unsupported(subject, at, "kind", "\"ServiceAccount\", \"User\", \"Group\"", errors);
    else if (strcmp(json_str_or_empty(subject, "apiGroup"), RBAC) != 0)
        unsupported(subject, at, "apiGroup", "\"" RBAC "\"", errors);
}

void binding_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    bool namespaced = *meta_namespace(object) != '\0';
    const json_t *subjects = json_object_get(object, "subjects");
    validate_ref(json_object_get(object, "roleRef"), namespaced, errors);
    for (size_t i = 0; i < json_array_size(subjects); i++) {
        AUTO(str) char *at = mem_printf("subjects[%zu]", i);
        validate_subject(json_array_get(subjects, i), at, namespaced, errors);
    }
    if (old && !unchanged(object, old, "roleRef"))
        field_errors_add(errors, FIELD_INVALID, "roleRef", json_object_get(object, "roleRef"),
                         "cannot change roleRef");
}
