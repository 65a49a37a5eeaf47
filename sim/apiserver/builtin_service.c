/* Services: defaults and rules. What the server gives to them: builtin_allocate.c. */
#include <arpa/inet.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/status.h"
#include "sim/apiserver/builtin_priv.h"

bool service_is(const json_t *object, const char *type)
{
    return strcmp(json_str_or_empty(object, "spec.type"), type) == 0;
}

bool service_has_node_ports(const json_t *object)
{
    return service_is(object, "NodePort") ||
           (service_is(object, "LoadBalancer") &&
            json_bool(object, "spec.allocateLoadBalancerNodePorts", true));
}

/* ---- defaults ---- */

static void default_ports(json_t *spec)
{
    json_t *ports = json_object_get(spec, "ports");
    for (size_t i = 0; i < json_array_size(ports); i++) {
        json_t *port = json_array_get(ports, i);
        const json_t *number = json_object_get(port, "port");
        default_str(port, "protocol", "TCP");
        if (number)
            default_take(port, "targetPort", json_incref((json_t *)number));
    }
}

/* What was given out stays with the service when a client leaves it out. */
static void keep_allocated(json_t *object, const json_t *old)
{
    json_t *spec = json_object_get(object, "spec");
    const json_t *was = json_object_get(old, "spec");
    static const char *const fields[] = {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy",
                                         "healthCheckNodePort"};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const json_t *v = json_object_get(was, fields[i]);
        if (v && (!json_object_get(spec, fields[i]) || !*json_str_or_empty(spec, fields[i])))
            default_take(spec, fields[i], json_incref((json_t *)v));
    }
    json_t *ports = json_object_get(spec, "ports");
    const json_t *old_ports = json_object_get(was, "ports");
    for (size_t i = 0; i < json_array_size(ports) && service_has_node_ports(object); i++)
        for (size_t k = 0; k < json_array_size(old_ports); k++) {
            const json_t *a = json_array_get(ports, i), *b = json_array_get(old_ports, k);
            const json_t *given = json_object_get(b, "nodePort");
            if (given && json_int(a, "port", 0) == json_int(b, "port", 0) &&
                strcmp(json_str_or_empty(a, "protocol"), json_str_or_empty(b, "protocol")) == 0)
                default_take((json_t *)a, "nodePort", json_incref((json_t *)given));
        }
}

static void service_prepare(json_t *object, const json_t *old)
{
    json_t *spec = default_object(object, "spec");
    if (!spec)
        return;
    default_str(spec, "type", "ClusterIP");
    default_str(spec, "sessionAffinity", "None");
    default_ports(spec);
    if (strcmp(json_str_or_empty(spec, "sessionAffinity"), "ClientIP") == 0)
        default_int(default_object(default_object(spec, "sessionAffinityConfig"), "clientIP"),
                    "timeoutSeconds", 10800);
    if (!service_is(object, "ExternalName")) {
        default_str(spec, "internalTrafficPolicy", "Cluster");
        if (old && !service_is(old, "ExternalName"))
            keep_allocated(object, old);
    }
    if (service_is(object, "NodePort") || service_is(object, "LoadBalancer"))
        default_str(spec, "externalTrafficPolicy", "Cluster");
    if (service_is(object, "LoadBalancer"))
        default_bool(spec, "allocateLoadBalancerNodePorts", true);
    if (!old)
        default_object(default_object(object, "status"), "loadBalancer");
}

/* ---- rules ---- */

static void validate_port(const json_t *port, size_t i, bool named, struct field_errors *errors)
{
    static const char *const protocols[] = {"SCTP", "TCP", "UDP"};
    AUTO(str) char *at = mem_printf("spec.ports[%zu].port", i);
    int64_t number = json_int(port, "port", 0);
    if (number < 1 || number > 65535)
        field_errors_add(errors, FIELD_INVALID, at, json_object_get(port, "port"),
                         "must be between 1 and 65535, inclusive");
    AUTO(str) char *name = mem_printf("spec.ports[%zu].name", i);
    if (named && !*json_str_or_empty(port, "name"))
        field_errors_add(errors, FIELD_REQUIRED, name, NULL, "%s", "");
    AUTO(str) char *protocol = mem_printf("spec.ports[%zu].protocol", i);
    for (size_t k = 0; k < ARRAY_LEN(protocols); k++)
        if (strcmp(json_str_or_empty(port, "protocol"), protocols[k]) == 0)
            return;
    field_errors_add(errors, FIELD_NOT_SUPPORTED, protocol, json_object_get(port, "protocol"),
                     "supported values: \"SCTP\", \"TCP\", \"UDP\"");
}

static void validate_address(const json_t *object, const json_t *old, struct field_errors *errors)
{
    const char *now = json_str_or_empty(object, "spec.clusterIP");
    const char *was = json_str_or_empty(old, "spec.clusterIP");
    AUTO(json) json_t *shown = json_pack("[s]", now);
    unsigned char bytes[sizeof(struct in6_addr)];
    if (*now && strcmp(now, "None") != 0 && inet_pton(AF_INET, now, bytes) != 1 &&
        inet_pton(AF_INET6, now, bytes) != 1)
        field_errors_add(errors, FIELD_INVALID, "spec.clusterIPs[0]", shown,
                         "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
    if (old && *was && strcmp(now, was) != 0 && !service_is(old, "ExternalName") &&
        !service_is(object, "ExternalName"))
        field_errors_add(errors, FIELD_INVALID, "spec.clusterIPs[0]", shown,
                         "may not change once set");
}

static void service_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    static const char *const types[] = {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort",
                                        NULL};
    static const char *const affinities[] = {"ClientIP", "None", NULL};
    const json_t *ports = json_path(object, "spec.ports");
    bool headless = strcmp(json_str_or_empty(object, "spec.clusterIP"), "None") == 0;
    if (json_array_size(ports) == 0 && !headless && !service_is(object, "ExternalName"))
        field_errors_add(errors, FIELD_REQUIRED, "spec.ports", NULL, "%s", "");
    for (size_t i = 0; i < json_array_size(ports); i++)
        validate_port(json_array_get(ports, i), i, json_array_size(ports) > 1, errors);
    must_be_one_of(object, "spec.sessionAffinity", affinities, errors);
    must_be_one_of(object, "spec.type", types, errors);
    if (service_is(object, "ExternalName"))
        must_stand(object, "spec.externalName", errors);
    validate_address(object, old, errors);
}

static const struct builtin kinds[] = {
    {"", "v1", "Service", "services", "svc", "spec.clusterIP spec.type", .namespaced = true,
     .has_status = true, .unconditional = true, .delete_returns = true, .names = NAME_LABEL_1035,
     .prepare = service_prepare, .allocate = service_allocate, .validate = service_validate,
     .rank = 8},
};
const struct builtin_table builtin_services = {kinds, ARRAY_LEN(kinds)};
