/* Rows of what connects: services, their endpoints, ingresses, network policies. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/order.h"
#include "kube/meta.h"
#include "sim/rest/table_priv.h"

/* ---- services ---- */

static const struct table_column service_columns[] = {
    COLUMN_NAME,       COLUMN("Type"), COLUMN("Cluster-IP"),    COLUMN("External-IP"),
    COLUMN("Port(s)"), COLUMN_AGE,     COLUMN_WIDE("Selector"),
};

static void join_array(struct strbuf *out, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_is_string(json_array_get(list, i)))
            table_join(out, ",", json_string_value(json_array_get(list, i)));
}

#define ADDRESSES_MAX 64

/* Addresses and host names of a load balancer, each once, sorted. */
static void join_balancer(struct strbuf *out, const json_t *object)
{
    const json_t *list = json_path(object, "status.loadBalancer.ingress");
    const char *names[ADDRESSES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list) && count < ADDRESSES_MAX; i++) {
        const json_t *one = json_array_get(list, i);
        const char *ip = json_str_or_empty(one, "ip");
        names[count] = *ip ? ip : json_str_or_empty(one, "hostname");
        count += *names[count] != '\0';
    }
    if (count)
        qsort(names, count, sizeof *names, text_order);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
            table_join(out, ",", names[i]);
}

static void add_external(struct table_row *row, const json_t *object)
{
    const char *type = json_str_or_empty(object, "spec.type");
    AUTO(strbuf) struct strbuf out = {0};
    if (strcmp(type, "ExternalName") == 0) {
        row_str(row, object, "spec.externalName", "");
        return;
    }
    bool balanced = strcmp(type, "LoadBalancer") == 0;
    if (balanced)
        join_balancer(&out, object);
    join_array(&out, json_path(object, "spec.externalIPs"));
    row_text(row, out.len ? strbuf_str(&out) : balanced ? "<pending>" : "<none>");
}

static void add_ports(struct table_row *row, const json_t *ports)
{
    AUTO(strbuf) struct strbuf out = {0};
    for (size_t i = 0; i < json_array_size(ports); i++) {
        const json_t *p = json_array_get(ports, i);
        const char *protocol = json_str(p, "protocol");
        long long node = json_int(p, "nodePort", 0);
        table_join(&out, ",", "");
        strbuf_addf(&out, "%lld", (long long)json_int(p, "port", 0));
        if (node > 0)
            strbuf_addf(&out, ":%lld", node);
        strbuf_addf(&out, "/%s", protocol ? protocol : "TCP");
    }
    row_text(row, out.len ? strbuf_str(&out) : "<none>");
}

static void service_fill(struct table_row *row, const json_t *object)
{
    const char *ip = json_string_value(json_array_get(json_path(object, "spec.clusterIPs"), 0));
    row_name(row, object);
    row_str(row, object, "spec.type", "ClusterIP");
    if (ip)
        row_text(row, ip);
    else
        row_str(row, object, "spec.clusterIP", "<none>");
    add_external(row, object);
    add_ports(row, json_path(object, "spec.ports"));
    row_age(row, object);
    row_labels(row, json_path(object, "spec.selector"));
}

/* ---- endpoints ---- */

#define SHOWN_MAX 3 /* of a list that may be long */

struct shown {
    struct strbuf text;
    size_t count;
};

static bool has_room(struct shown *s)
{
    return s->count++ < SHOWN_MAX;
}

static void add_shown(struct table_row *row, struct shown *s, const char *otherwise)
{
    if (s->count > SHOWN_MAX)
        strbuf_addf(&s->text, " + %zu more...", s->count - SHOWN_MAX);
    row_text(row, s->count ? strbuf_str(&s->text) : otherwise);
    strbuf_finish(&s->text);
}

static const struct table_column endpoints_columns[] = {COLUMN_NAME, COLUMN("Endpoints"),
                                                        COLUMN_AGE};

static void show_address(struct shown *s, const json_t *address, const json_t *port)
{
    const char *ip = json_str_or_empty(address, "ip");
    if (!has_room(s))
        return;
    table_join(&s->text, ",", "");
    if (!port) {
        strbuf_addstr(&s->text, ip);
        return;
    }
    bool six = strchr(ip, ':');
    strbuf_addf(&s->text, "%s%s%s:%lld", six ? "[" : "", ip, six ? "]" : "",
                (long long)json_int(port, "port", 0));
}

static void show_subset(struct shown *s, const json_t *subset)
{
    const json_t *ports = json_object_get(subset, "ports");
    const json_t *addresses = json_object_get(subset, "addresses");
    size_t count = json_array_size(ports);
    for (size_t p = 0; p < (count ? count : 1); p++)
        for (size_t i = 0; i < json_array_size(addresses); i++)
            show_address(s, json_array_get(addresses, i), json_array_get(ports, p));
}

static void endpoints_fill(struct table_row *row, const json_t *object)
{
    const json_t *subsets = json_object_get(object, "subsets");
    struct shown s = {0};
    for (size_t i = 0; i < json_array_size(subsets); i++)
        show_subset(&s, json_array_get(subsets, i));
    row_name(row, object);
    add_shown(row, &s, json_array_size(subsets) ? "" : "<none>");
    row_age(row, object);
}

static const struct table_column slice_columns[] = {
    COLUMN_NAME, COLUMN("AddressType"), COLUMN("Ports"), COLUMN("Endpoints"), COLUMN_AGE,
};

static void slice_fill(struct table_row *row, const json_t *object)
{
    const json_t *ports = json_object_get(object, "ports");
    const json_t *endpoints = json_object_get(object, "endpoints");
    struct shown p = {0}, e = {0};
    for (size_t i = 0; i < json_array_size(ports); i++) {
        const json_t *port = json_object_get(json_array_get(ports, i), "port");
        if (!has_room(&p))
            continue;
        table_join(&p.text, ",", json_is_integer(port) ? "" : "*");
        if (json_is_integer(port))
            strbuf_addf(&p.text, "%lld", (long long)json_integer_value(port));
    }
    for (size_t i = 0; i < json_array_size(endpoints); i++) {
        const json_t *addresses = json_object_get(json_array_get(endpoints, i), "addresses");
        for (size_t k = 0; k < json_array_size(addresses); k++) {
            const char *text = json_string_value(json_array_get(addresses, k));
            if (has_room(&e))
                table_join(&e.text, ",", text ? text : "");
        }
    }
    row_name(row, object);
    row_str(row, object, "addressType", "");
    add_shown(row, &p, "<unset>");
    add_shown(row, &e, "<unset>");
    row_age(row, object);
}

/* ---- ingresses ---- */

static const struct table_column ingress_columns[] = {
    COLUMN_NAME, COLUMN("Class"), COLUMN("Hosts"), COLUMN("Address"), COLUMN("Ports"), COLUMN_AGE,
};

static void add_hosts(struct table_row *row, const json_t *rules)
{
    AUTO(strbuf) struct strbuf out = {0};
    size_t shown = 0, count = json_array_size(rules);
    bool more = false;
    for (size_t i = 0; i < count; i++) {
        const char *host = json_str_or_empty(json_array_get(rules, i), "host");
        more |= shown == SHOWN_MAX;
        if (more || !*host)
            continue;
        table_join(&out, ",", host);
        shown++;
    }
    if (more)
        strbuf_addf(&out, " + %zu more...", count - SHOWN_MAX);
    row_text(row, out.len ? strbuf_str(&out) : "*");
}

static void ingress_fill(struct table_row *row, const json_t *object)
{
    AUTO(strbuf) struct strbuf address = {0};
    join_balancer(&address, object);
    row_name(row, object);
    row_str(row, object, "spec.ingressClassName", "<none>");
    add_hosts(row, json_path(object, "spec.rules"));
    row_text(row, strbuf_str(&address));
    row_text(row, json_array_size(json_path(object, "spec.tls")) ? "80, 443" : "80");
    row_age(row, object);
}

static const struct table_column class_columns[] = {COLUMN_NAME, COLUMN("Controller"),
                                                    COLUMN("Parameters"), COLUMN_AGE};

static void class_fill(struct table_row *row, const json_t *object)
{
    const json_t *p = json_path(object, "spec.parameters");
    const char *group = json_str_or_empty(p, "apiGroup");
    row_name(row, object);
    row_str(row, object, "spec.controller", "");
    if (json_is_object(p))
        row_textf(row, "%s%s%s/%s", json_str_or_empty(p, "kind"), *group ? "." : "", group,
                  json_str_or_empty(p, "name"));
    else
        row_text(row, "<none>");
    row_age(row, object);
}

static const struct table_column policy_columns[] = {COLUMN_NAME, COLUMN("Pod-Selector"),
                                                     COLUMN_AGE};

static void policy_fill(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    row_selector(row, json_path(object, "spec.podSelector"));
    row_age(row, object);
}

static const struct table_printer printers[] = {
    PRINTER("", "Service", service_columns, service_fill),
    PRINTER("", "Endpoints", endpoints_columns, endpoints_fill),
    PRINTER("discovery.k8s.io", "EndpointSlice", slice_columns, slice_fill),
    PRINTER("networking.k8s.io", "Ingress", ingress_columns, ingress_fill),
    PRINTER("networking.k8s.io", "IngressClass", class_columns, class_fill),
    PRINTER("networking.k8s.io", "NetworkPolicy", policy_columns, policy_fill),
};
const struct table_printers table_net_printers = {printers, ARRAY_LEN(printers)};
