/* What a PodSpec holds, in a pod and in the template of a workload. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "kube/selector.h"
#include "kube/status.h"
#include "sim/apiserver/builtin_priv.h"

/* ---- defaults ---- */

/* "name", "name:latest": such an image is pulled always. */
static bool is_latest(const char *image)
{
    const char *slash = strrchr(image, '/'), *name = slash ? slash + 1 : image;
    const char *colon = strchr(name, ':');
    if (strchr(name, '@'))
        return false;
    return !colon || strcmp(colon, ":latest") == 0;
}

static void default_http(json_t *get)
{
    default_str(get, "path", "/");
    default_str(get, "scheme", "HTTP");
}

static void default_probe(json_t *probe)
{
    if (!probe)
        return;
    default_int(probe, "timeoutSeconds", 1);
    default_int(probe, "periodSeconds", 10);
    default_int(probe, "successThreshold", 1);
    default_int(probe, "failureThreshold", 3);
    default_http(member(probe, "httpGet"));
}

static void default_container(json_t *container)
{
    static const char *const probes[] = {"livenessProbe", "readinessProbe", "startupProbe"};
    static const char *const hooks[] = {"postStart", "preStop"};
    default_object(container, "resources");
    default_str(container, "terminationMessagePath", "/dev/termination-log");
    default_str(container, "terminationMessagePolicy", "File");
    default_str(container, "imagePullPolicy",
                is_latest(json_str_or_empty(container, "image")) ? "Always" : "IfNotPresent");
    json_t *ports = json_object_get(container, "ports");
    for (size_t i = 0; i < json_array_size(ports); i++)
        default_str(json_array_get(ports, i), "protocol", "TCP");
    json_t *env = json_object_get(container, "env");
    for (size_t i = 0; i < json_array_size(env); i++)
        default_str(member(member(json_array_get(env, i), "valueFrom"), "fieldRef"), "apiVersion",
                    "v1");
    for (size_t i = 0; i < ARRAY_LEN(probes); i++)
        default_probe(member(container, probes[i]));
    for (size_t i = 0; i < ARRAY_LEN(hooks); i++)
        default_http(member(member(member(container, "lifecycle"), hooks[i]), "httpGet"));
}

static void default_volume(json_t *volume)
{
    static const char *const moded[] = {"secret", "configMap", "projected", "downwardAPI"};
    for (size_t i = 0; i < ARRAY_LEN(moded); i++)
        default_int(member(volume, moded[i]), "defaultMode", 0644);
    default_str(member(volume, "hostPath"), "type", "");
    json_t *sources = json_object_get(member(volume, "projected"), "sources");
    for (size_t i = 0; i < json_array_size(sources); i++)
        default_int(member(json_array_get(sources, i), "serviceAccountToken"), "expirationSeconds",
                    3600);
    if (json_is_object(volume) && json_object_size(volume) == 1)
        default_object(volume, "emptyDir");
}

void pod_spec_default(json_t *spec)
{
    static const char *const lists[] = {"containers", "initContainers"};
    if (!spec)
        return;
    for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
        json_t *list = json_object_get(spec, lists[k]);
        for (size_t i = 0; i < json_array_size(list); i++)
            default_container(json_array_get(list, i));
    }
    json_t *volumes = json_object_get(spec, "volumes");
    for (size_t i = 0; i < json_array_size(volumes); i++)
        default_volume(json_array_get(volumes, i));
    default_str(spec, "restartPolicy", "Always");
    default_int(spec, "terminationGracePeriodSeconds", 30);
    default_str(spec, "dnsPolicy", "ClusterFirst");
    default_object(spec, "securityContext");
    default_str(spec, "schedulerName", "default-scheduler");
}

void template_default(json_t *object)
{
    json_t *template = member(member(object, "spec"), "template");
    pod_spec_default(member(template, "spec"));
}

/* ---- rules ---- */

static void validate_containers(const json_t *spec, const char *list_name, const char *at,
                                struct field_errors *errors)
{
    const json_t *list = json_object_get(spec, list_name);
    struct strmap *seen = strmap_create();
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        AUTO(str) char *field = mem_printf("%s.%s[%zu].name", at, list_name, i);
        if (!*json_str_or_empty(one, "name"))
            field_errors_add(errors, FIELD_REQUIRED, field, NULL, "%s", "");
        if (strmap_put(seen, json_str_or_empty(one, "name"), seen))
            field_errors_add(errors, FIELD_DUPLICATE, field, json_object_get(one, "name"), "%s",
                             "");
    }
    strmap_destroy(seen, NULL);
}

void pod_spec_validate(const json_t *spec, const char *at, struct field_errors *errors)
{
    AUTO(str) char *field = mem_printf("%s.containers", at);
    if (json_array_size(json_object_get(spec, "containers")) == 0)
        field_errors_add(errors, FIELD_REQUIRED, field, NULL, "%s", "");
    validate_containers(spec, "containers", at, errors);
    validate_containers(spec, "initContainers", at, errors);
}

static void validate_selector(const json_t *object, const char *kind, struct field_errors *errors)
{
    static const char path[] = "spec.selector";
    const json_t *labels = json_path(object, "spec.template.metadata.labels");
    const json_t *written = json_path(object, path);
    struct err e = {0};
    AUTO(selector) struct selector *s = selector_from_label_selector(written, &e);
    if (!s)
        field_errors_add(errors, FIELD_INVALID, path, written, "%s",
                         e.msg ? e.msg : "invalid label selector");
    else if (selector_is_everything(s))
        field_errors_add(errors, FIELD_INVALID, path, written, "empty selector is invalid for %s",
                         kind);
    else if (!selector_matches(s, labels))
        field_errors_add(errors, FIELD_INVALID, "spec.template.metadata.labels", labels,
                         "`selector` does not match template `labels`");
    err_clear(&e);
}

void workload_validate(const json_t *object, const json_t *old, const char *kind,
                       struct field_errors *errors)
{
    static const char *const policies[] = {"Always", NULL};
    must_not_be_negative(object, "spec.replicas", errors);
    if (!json_path(object, "spec.selector"))
        field_errors_add(errors, FIELD_REQUIRED, "spec.selector", NULL, "%s", "");
    else
        validate_selector(object, kind, errors);
    pod_spec_validate(json_path(object, "spec.template.spec"), "spec.template.spec", errors);
    if (json_path(object, "spec.template.spec"))
        must_be_one_of(object, "spec.template.spec.restartPolicy", policies, errors);
    must_not_change(object, old, "spec.selector", errors);
}
