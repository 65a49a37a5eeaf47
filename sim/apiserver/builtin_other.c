/* Networks, runtimes, and the kinds that extend a server: those are stored, and do nothing here. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "sim/apiserver/builtin_priv.h"

#define ADMISSION "admissionregistration.k8s.io"

/* ---- networks ---- */

static void ingress_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    (void)old;
    const json_t *rules = json_path(object, "spec.rules");
    if (json_array_size(rules) == 0 && !json_path(object, "spec.defaultBackend"))
        field_errors_add(errors, FIELD_INVALID, "spec", json_object_get(object, "spec"),
                         "either `defaultBackend` or `rules` must be specified");
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *paths = json_path(json_array_get(rules, i), "http.paths");
        for (size_t k = 0; k < json_array_size(paths); k++) {
            AUTO(str) char *at = mem_printf("spec.rules[%zu].http.paths[%zu].pathType", i, k);
            if (!json_object_get(json_array_get(paths, k), "pathType"))
                field_errors_add(errors, FIELD_REQUIRED, at, NULL, "pathType must be specified");
        }
    }
}

static void policy_prepare(json_t *object, const json_t *old)
{
    static const char *const lists[] = {"ingress", "egress"};
    (void)old;
    json_t *spec = default_object(object, "spec");
    json_t *types = json_pack("[s]", "Ingress");
    if (json_array_size(json_object_get(spec, "egress")) > 0)
        json_array_append_new(types, json_string("Egress"));
    default_take(spec, "policyTypes", types);
    for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
        json_t *rules = json_object_get(spec, lists[k]);
        for (size_t i = 0; i < json_array_size(rules); i++) {
            json_t *ports = json_object_get(json_array_get(rules, i), "ports");
            for (size_t n = 0; n < json_array_size(ports); n++)
                default_str(json_array_get(ports, n), "protocol", "TCP");
        }
    }
}

static void class_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    must_not_change(object, old, "spec.controller", errors);
}

static void runtime_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    must_stand(object, "handler", errors);
    must_not_change(object, old, "handler", errors);
}

/* ---- admission ---- */

static void default_scopes(json_t *rules)
{
    size_t i;
    json_t *rule;
    json_array_foreach(rules, i, rule) default_str(rule, "scope", "*");
}

static void webhooks_prepare(json_t *object, const json_t *old)
{
    (void)old;
    bool mutating = strcmp(meta_kind(object), "MutatingWebhookConfiguration") == 0;
    json_t *hooks = json_object_get(object, "webhooks");
    for (size_t i = 0; i < json_array_size(hooks); i++) {
        json_t *hook = json_array_get(hooks, i);
        default_str(hook, "failurePolicy", "Fail");
        default_str(hook, "matchPolicy", "Equivalent");
        default_int(hook, "timeoutSeconds", 10);
        default_object(hook, "namespaceSelector");
        default_object(hook, "objectSelector");
        if (mutating)
            default_str(hook, "reinvocationPolicy", "Never");
        default_int(member(member(hook, "clientConfig"), "service"), "port", 443);
        default_scopes(json_object_get(hook, "rules"));
    }
}

static void webhooks_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    (void)old;
    const json_t *hooks = json_object_get(object, "webhooks");
    for (size_t i = 0; i < json_array_size(hooks); i++) {
        const json_t *hook = json_array_get(hooks, i);
        AUTO(str) char *versions = mem_printf("webhooks[%zu].admissionReviewVersions", i);
        AUTO(str) char *effects = mem_printf("webhooks[%zu].sideEffects", i);
        if (json_array_size(json_object_get(hook, "admissionReviewVersions")) == 0)
            field_errors_add(errors, FIELD_REQUIRED, versions, NULL,
                             "must specify one of v1, v1beta1");
        if (!json_object_get(hook, "sideEffects"))
            field_errors_add(errors, FIELD_REQUIRED, effects, NULL,
                             "must specify one of None, NoneOnDryRun");
    }
}

static void default_match(json_t *match)
{
    if (!match)
        return;
    default_str(match, "matchPolicy", "Equivalent");
    default_object(match, "namespaceSelector");
    default_object(match, "objectSelector");
    default_scopes(json_object_get(match, "resourceRules"));
    default_scopes(json_object_get(match, "excludeResourceRules"));
}

static void admission_policy_prepare(json_t *object, const json_t *old)
{
    (void)old;
    json_t *spec = default_object(object, "spec");
    default_str(spec, "failurePolicy", "Fail");
    default_match(member(spec, "matchConstraints"));
}

static void admission_binding_prepare(json_t *object, const json_t *old)
{
    (void)old;
    default_match(member(default_object(object, "spec"), "matchResources"));
}

/* ---- aggregation ---- */

static void service_prepare(json_t *object, const json_t *old)
{
    (void)old;
    default_int(member(member(object, "spec"), "service"), "port", 443);
}

static void service_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    (void)old;
    AUTO(str)
    char *want = mem_printf("%s.%s", json_str_or_empty(object, "spec.version"),
                            json_str_or_empty(object, "spec.group"));
    if (strcmp(want, meta_name(object)) != 0)
        field_errors_add(errors, FIELD_INVALID, "metadata.name",
                         json_at(object, "metadata", "name", NULL),
                         "must be `spec.version+\".\"+spec.group`: \"%s\"", want);
}

static const struct builtin kinds[] = {
    {"networking.k8s.io", "v1", "Ingress", "ingresses", "ing", NULL, .namespaced = true,
     .has_status = true, .unconditional = true, .generation = GENERATION_SPEC,
     .validate = ingress_validate},
    {"networking.k8s.io", "v1", "IngressClass", "ingressclasses", NULL, NULL, .unconditional = true,
     .generation = GENERATION_SPEC, .validate = class_validate},
    {"networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", "netpol", NULL,
     .namespaced = true, .unconditional = true, .generation = GENERATION_SPEC,
     .prepare = policy_prepare},
    {"node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", NULL, NULL, .create_on_put = true,
     .validate = runtime_validate},
    {ADMISSION, "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", NULL, NULL,
     .generation = GENERATION_ALL, .prepare = webhooks_prepare, .validate = webhooks_validate},
    {ADMISSION, "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", NULL,
     NULL, .generation = GENERATION_ALL, .prepare = webhooks_prepare,
     .validate = webhooks_validate},
    {ADMISSION, "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", NULL, NULL,
     .has_status = true, .generation = GENERATION_SPEC, .prepare = admission_policy_prepare},
    {ADMISSION, "v1", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", NULL,
     NULL, .generation = GENERATION_SPEC, .prepare = admission_binding_prepare},
    {"apiregistration.k8s.io", "v1", "APIService", "apiservices", NULL, NULL, .has_status = true,
     .unconditional = true, .names = NAME_PATH, .prepare = service_prepare,
     .validate = service_validate},
};
const struct builtin_table builtin_others = {kinds, ARRAY_LEN(kinds)};
