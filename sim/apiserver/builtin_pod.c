/* Pods, and the kinds of the core group that make them. */
#include <string.h>

#include "base/json.h"
#include "kube/quantity.h"
#include "kube/status.h"
#include "sim/apiserver/builtin_priv.h"

/* ---- what containers ask for ---- */

/* What has a limit asks for that much, when it says nothing else. */
static void default_requests(json_t *containers)
{
    for (size_t i = 0; i < json_array_size(containers); i++) {
        json_t *resources = member(json_array_get(containers, i), "resources");
        const char *key;
        json_t *limit;
        json_object_foreach(member(resources, "limits"), key, limit)
        {
            json_t *requests = default_object(resources, "requests");
            if (requests && !json_object_get(requests, key))
                json_object_set_new(requests, key, json_copy_of(limit));
        }
    }
}

/* False when there is none, or it asks for nothing. */
static bool amount_of(const json_t *resources, const char *list, const char *name,
                      struct quantity *ret)
{
    const char *text = json_string_value(json_at(resources, list, name, NULL));
    return text && quantity_parse(text, ret) && ret->nanos > 0;
}

struct asked {
    bool something, everything;
};

static void add_asked(const json_t *containers, struct asked *ret)
{
    static const char *const names[] = {"cpu", "memory"};
    for (size_t i = 0; i < json_array_size(containers); i++) {
        const json_t *resources = json_object_get(json_array_get(containers, i), "resources");
        for (size_t k = 0; k < ARRAY_LEN(names); k++) {
            struct quantity request, limit;
            bool requests = amount_of(resources, "requests", names[k], &request);
            bool limits = amount_of(resources, "limits", names[k], &limit);
            ret->something = ret->something || requests || limits;
            if (!requests || !limits || quantity_compare(&request, &limit) != 0)
                ret->everything = false;
        }
    }
}

static const char *quality_of(const json_t *spec)
{
    struct asked a = {.everything = true};
    add_asked(json_object_get(spec, "containers"), &a);
    add_asked(json_object_get(spec, "initContainers"), &a);
    return !a.something ? "BestEffort" : a.everything ? "Guaranteed" : "Burstable";
}

/* ---- pods ---- */

static void pod_prepare(json_t *object, const json_t *old)
{
    json_t *spec = default_object(object, "spec");
    pod_spec_default(spec);
    default_bool(spec, "enableServiceLinks", true);
    if (old)
        return;
    default_requests(json_object_get(spec, "containers"));
    default_requests(json_object_get(spec, "initContainers"));
    json_put_str(object, "status.phase", "Pending");
    json_put_str(object, "status.qosClass", quality_of(spec));
}

static json_t *pod_fixed_spec(const json_t *pod)
{
    static const char *const free_fields[] = {"activeDeadlineSeconds", "tolerations",
                                              "terminationGracePeriodSeconds", "schedulingGates"};
    static const char *const lists[] = {"containers", "initContainers"};
    json_t *spec = json_copy_of(json_object_get(pod, "spec"));
    for (size_t i = 0; i < ARRAY_LEN(free_fields); i++)
        json_object_del(spec, free_fields[i]);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        json_t *list = json_object_get(spec, lists[i]);
        for (size_t k = 0; k < json_array_size(list); k++)
            json_object_del(json_array_get(list, k), "image");
    }
    return spec;
}

static void pod_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    pod_spec_validate(json_object_get(object, "spec"), "spec", errors);
    if (!old || unchanged(object, old, "spec"))
        return;
    AUTO(json) json_t *a = pod_fixed_spec(object);
    AUTO(json) json_t *b = pod_fixed_spec(old);
    /* The simulated scheduler may name the node once without going through pods/binding. */
    if (!*json_str_or_empty(b, "nodeName"))
        json_object_del(a, "nodeName");
    json_object_del(b, "nodeName");
    if (*json_str_or_empty(old, "spec.nodeName") && unchanged(object, old, "spec.nodeName"))
        json_object_del(a, "nodeName");
    if (!json_same(a, b))
        field_errors_add(errors, FIELD_FORBIDDEN, "spec", NULL,
                         "pod updates may not change fields other than "
                         "`spec.containers[*].image`,`spec.initContainers[*].image`,"
                         "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
                         "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to "
                         "be set to 1 if it was previously negative)");
}

/* ---- templates and replication controllers ---- */

static void pod_template_prepare(json_t *object, const json_t *old)
{
    (void)old;
    json_t *spec = member(default_object(object, "template"), "spec");
    if (spec)
        pod_spec_default(spec);
}

static void controller_prepare(json_t *object, const json_t *old)
{
    (void)old;
    json_t *spec = default_object(object, "spec");
    template_default(object);
    default_int(spec, "replicas", 1);
    const json_t *labels = json_path(spec, "template.metadata.labels");
    if (!labels)
        return;
    default_take(spec, "selector", json_copy_of(labels));
    default_take(default_object(object, "metadata"), "labels", json_copy_of(labels));
}

static bool chooses(const json_t *selector, const json_t *labels)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)selector, key, value)
    {
        const json_t *have = json_object_get(labels, key);
        if (!have || !json_same(have, value))
            return false;
    }
    return true;
}

static void controller_validate(const json_t *object, const json_t *old,
                                struct field_errors *errors)
{
    (void)old;
    const json_t *selector = json_path(object, "spec.selector");
    const json_t *labels = json_path(object, "spec.template.metadata.labels");
    must_not_be_negative(object, "spec.replicas", errors);
    if (json_object_size(selector) == 0)
        field_errors_add(errors, FIELD_REQUIRED, "spec.selector", NULL, "%s", "");
    if (!json_path(object, "spec.template")) {
        must_stand(object, "spec.template", errors);
        return;
    }
    if (!chooses(selector, labels))
        field_errors_add(errors, FIELD_INVALID, "spec.template.metadata.labels", labels,
                         "`selector` does not match template `labels`");
    pod_spec_validate(json_path(object, "spec.template.spec"), "spec.template.spec", errors);
}

#define POD_GRACE_DEFAULT_S 30
/* Longer than any world lasts: what is given is added to times. */
#define POD_GRACE_MAX_S INT32_MAX

static int64_t pod_grace_s(const json_t *pod, const int64_t *asked)
{
    const char *phase = json_str_or_empty(pod, "status.phase");
    if (!*json_str_or_empty(pod, "spec.nodeName") || strcmp(phase, "Succeeded") == 0 ||
        strcmp(phase, "Failed") == 0)
        return 0;
    int64_t own_s = json_int(pod, "spec.terminationGracePeriodSeconds", POD_GRACE_DEFAULT_S);
    int64_t grace_s = asked ? *asked : own_s;
    return grace_s < 0 ? 1 : grace_s > POD_GRACE_MAX_S ? POD_GRACE_MAX_S : grace_s;
}

#define POD_FIELDS                                                                                 \
    "spec.nodeName spec.restartPolicy spec.schedulerName spec.serviceAccountName "                 \
    "spec.hostNetwork status.phase status.podIP status.podIPs status.nominatedNodeName"

static const json_t *pod_field(const json_t *object, const char *field)
{
    return field_of_bool(object, field, "spec.hostNetwork");
}

/* Pods have no generation before 1.33, and this server claims to be older. */
static const struct builtin kinds[] = {
    {"", "v1", "Pod", "pods", "po", POD_FIELDS, .field_value = pod_field, .namespaced = true,
     .has_status = true, .unconditional = true, .delete_returns = true, .prepare = pod_prepare,
     .validate = pod_validate, .grace_s = pod_grace_s, .rank = 2},
    {"", "v1", "PodTemplate", "podtemplates", NULL, NULL, .namespaced = true, .unconditional = true,
     .delete_returns = true, .generation = GENERATION_ALL, .prepare = pod_template_prepare},
    {"", "v1", "ReplicationController", "replicationcontrollers", "rc", "status.replicas",
     .namespaced = true, .has_status = true, .unconditional = true, .generation = GENERATION_SPEC,
     .prepare = controller_prepare, .validate = controller_validate},
};
const struct builtin_table builtin_pods = {kinds, ARRAY_LEN(kinds)};
