/* The addresses and node ports that the server gives to services, and the ones that clients choose.
 *
 * Numbers go up and are not given again before the range was gone through once. What a request got
 * counts only when it is stored: refused ones and dry runs use nothing up. */
#include <arpa/inet.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "sim/apiserver/builtin_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/store.h"

/* 10.96.0.0/12, and the default range of node ports. */
#define ADDRESS_RANGE "10.96.0.0/12"
#define FIRST_ADDRESS 0x0a600001u
#define ADDRESS_COUNT 0x000ffffeu
#define FIRST_NODE_PORT 30000
#define NODE_PORT_COUNT 2768u

/* ---- addresses ---- */

static bool is_address(const json_t *spec)
{
    const char *text = json_str_or_empty(spec, "clusterIP");
    return *text && strcmp(text, "None") != 0;
}

static bool address_taken(const struct apiserver *a, const char *address)
{
    const struct rtype *t = rtype_find(a, "", "services");
    struct store_pos pos = store_seek(&t->table, "");
    const struct store_entry *e;
    while ((e = store_next(&t->table, &pos)))
        if (strcmp(json_str_or_empty(e->object, "spec.clusterIP"), address) == 0)
            return true;
    return false;
}

/* One behind the other. Only addresses that a client chose make it look for one that is free. */
static void next_address(const struct apiserver *a, struct given *given, char out[INET_ADDRSTRLEN])
{
    for (uint32_t i = 0; i < ADDRESS_COUNT; i++) {
        struct in_addr in = {htonl(FIRST_ADDRESS + given->addresses++ % ADDRESS_COUNT)};
        inet_ntop(AF_INET, &in, out, INET_ADDRSTRLEN);
        if (!given->addresses_chosen || !address_taken(a, out))
            return;
    }
}

static bool address_in_range(const char *address)
{
    struct in_addr in;
    return inet_pton(AF_INET, address, &in) == 1 &&
           ntohl(in.s_addr) - FIRST_ADDRESS < ADDRESS_COUNT;
}

static void take_address(const struct apiserver *a, const json_t *spec, struct given *given,
                         struct field_errors *errors)
{
    const char *address = json_str_or_empty(spec, "clusterIP");
    AUTO(json) json_t *shown = json_pack("[s]", address);
    if (!address_in_range(address))
        field_errors_add(errors, FIELD_INVALID, "spec.clusterIPs", shown,
                         "failed to allocate IP %s: the provided IP (%s) is not in the valid "
                         "range. The range of valid IPs is " ADDRESS_RANGE,
                         address, address);
    else if (address_taken(a, address))
        field_errors_add(errors, FIELD_INVALID, "spec.clusterIPs", shown,
                         "failed to allocate IP %s: provided IP is already allocated", address);
    given->addresses_chosen = true;
}

static void give_address(const struct apiserver *a, json_t *spec, const json_t *old,
                         struct given *given, struct field_errors *errors)
{
    const char *was = json_str_or_empty(old, "spec.clusterIP");
    if (!*json_str_or_empty(spec, "clusterIP")) {
        char address[INET_ADDRSTRLEN] = "";
        next_address(a, given, address);
        json_put_str(spec, "clusterIP", address);
    } else if (is_address(spec) && strcmp(json_str_or_empty(spec, "clusterIP"), was) != 0) {
        take_address(a, spec, given, errors);
    }
    default_take(spec, "clusterIPs", json_pack("[O]", json_object_get(spec, "clusterIP")));
    default_take(spec, "ipFamilies", json_pack("[s]", "IPv4"));
    default_str(spec, "ipFamilyPolicy", "SingleStack");
}

/* ---- node ports ---- */

struct port_use {
    bool taken[NODE_PORT_COUNT];
};

static bool port_in_range(int64_t port)
{
    return port >= FIRST_NODE_PORT && port < FIRST_NODE_PORT + (int64_t)NODE_PORT_COUNT;
}

static void note_ports(struct port_use *use, const json_t *service)
{
    const json_t *ports = json_path(service, "spec.ports");
    for (size_t i = 0; i < json_array_size(ports); i++) {
        int64_t port = json_int(json_array_get(ports, i), "nodePort", 0);
        if (port_in_range(port))
            use->taken[port - FIRST_NODE_PORT] = true;
    }
}

/* What all services but this one have. */
static void note_others(const struct apiserver *a, const json_t *object, struct port_use *use)
{
    const struct rtype *t = rtype_find(a, "", "services");
    struct store_pos pos = store_seek(&t->table, "");
    const struct store_entry *e;
    while ((e = store_next(&t->table, &pos)))
        if (strcmp(meta_uid(e->object), meta_uid(object)) != 0)
            note_ports(use, e->object);
}

static void take_port(const struct port_use *use, const json_t *port, size_t i,
                      struct field_errors *errors)
{
    AUTO(str) char *at = mem_printf("spec.ports[%zu].nodePort", i);
    const json_t *number = json_object_get(port, "nodePort");
    int64_t n = json_integer_value(number);
    if (!port_in_range(n))
        field_errors_add(errors, FIELD_INVALID, at, number,
                         "provided port is not in the valid range. The range of valid ports is "
                         "%d-%d",
                         FIRST_NODE_PORT, FIRST_NODE_PORT + (int)NODE_PORT_COUNT - 1);
    else if (use->taken[n - FIRST_NODE_PORT])
        field_errors_add(errors, FIELD_INVALID, at, number, "provided port is already allocated");
}

/* 0 when all are taken. */
static int next_port(struct port_use *use, struct given *given)
{
    for (uint32_t i = 0; i < NODE_PORT_COUNT; i++) {
        uint32_t at = given->node_ports++ % NODE_PORT_COUNT;
        if (use->taken[at])
            continue;
        use->taken[at] = true;
        return FIRST_NODE_PORT + (int)at;
    }
    return 0;
}

static void give_ports(const struct apiserver *a, json_t *object, struct given *given,
                       struct field_errors *errors)
{
    struct port_use use = {0};
    json_t *ports =
        json_path(object, "spec.ports") ? json_at_mut(object, "spec", "ports", NULL) : NULL;
    note_others(a, object, &use);
    for (size_t i = 0; i < json_array_size(ports); i++)
        if (json_int(json_array_get(ports, i), "nodePort", 0) != 0)
            take_port(&use, json_array_get(ports, i), i, errors);
    note_ports(&use, object); /* two protocols may share one */
    for (size_t i = 0; i < json_array_size(ports) && service_has_node_ports(object); i++) {
        json_t *port = json_array_get(ports, i);
        if (json_int(port, "nodePort", 0) != 0)
            continue;
        int number = next_port(&use, given);
        AUTO(str) char *at = mem_printf("spec.ports[%zu].nodePort", i);
        if (number == 0)
            field_errors_add(errors, FIELD_INVALID, at, NULL,
                             "failed to allocate a nodePort: range is full");
        else
            json_object_set_new(port, "nodePort", json_integer(number));
    }
}

void service_allocate(const struct apiserver *a, json_t *object, const json_t *old,
                      struct given *given, struct field_errors *errors)
{
    json_t *spec = member(object, "spec");
    if (!spec || service_is(object, "ExternalName"))
        return;
    give_address(a, spec, old, given, errors);
    if (service_is(object, "NodePort") || service_is(object, "LoadBalancer"))
        give_ports(a, object, given, errors);
}
