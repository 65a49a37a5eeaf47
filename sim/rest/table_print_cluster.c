/* Rows of what a cluster is made of, and of plain data: nodes, namespaces, events, access. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/order.h"
#include "kube/meta.h"
#include "sim/rest/table_priv.h"

/* ---- nodes ---- */

static const struct table_column node_columns[] = {
    COLUMN_NAME,
    COLUMN("Status"),
    COLUMN("Roles"),
    COLUMN_AGE,
    COLUMN("Version"),
    COLUMN_WIDE("Internal-IP"),
    COLUMN_WIDE("External-IP"),
    COLUMN_WIDE("OS-Image"),
    COLUMN_WIDE("Kernel-Version"),
    COLUMN_WIDE("Container-Runtime"),
};

#define ROLE_PREFIX "node-role.kubernetes.io/"
#define ROLES_MAX 32

static void add_roles(struct table_row *row, const json_t *object)
{
    const json_t *labels = json_path(object, "metadata.labels");
    const char *roles[ROLES_MAX], *key;
    size_t count = 0, prefix = strlen(ROLE_PREFIX);
    json_t *value;
    AUTO(strbuf) struct strbuf out = {0};
    json_object_foreach((json_t *)labels, key, value)
    {
        const char *role = "";
        if (strncmp(key, ROLE_PREFIX, prefix) == 0)
            role = key + prefix;
        else if (strcmp(key, "kubernetes.io/role") == 0 && json_is_string(value))
            role = json_string_value(value);
        if (*role && count < ROLES_MAX)
            roles[count++] = role;
    }
    if (count)
        qsort(roles, count, sizeof *roles, text_order);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(roles[i], roles[i - 1]) != 0)
            table_join(&out, ",", roles[i]);
    row_text(row, out.len ? strbuf_str(&out) : "<none>");
}

static void add_address(struct table_row *row, const json_t *object, const char *type)
{
    const json_t *list = json_path(object, "status.addresses");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *a = json_array_get(list, i);
        if (strcmp(json_str_or_empty(a, "type"), type) != 0)
            continue;
        row_str(row, a, "address", "<none>");
        return;
    }
    row_text(row, "<none>");
}

static void node_fill(struct table_row *row, const json_t *object)
{
    const char *ready = meta_condition_status(object, "Ready");
    const char *word = !*ready ? "Unknown" : strcmp(ready, "True") == 0 ? "Ready" : "NotReady";
    bool closed = json_bool(object, "spec.unschedulable", false);
    row_name(row, object);
    row_textf(row, "%s%s", word, closed ? ",SchedulingDisabled" : "");
    add_roles(row, object);
    row_age(row, object);
    row_str(row, object, "status.nodeInfo.kubeletVersion", "");
    add_address(row, object, "InternalIP");
    add_address(row, object, "ExternalIP");
    row_str(row, object, "status.nodeInfo.osImage", "<unknown>");
    row_str(row, object, "status.nodeInfo.kernelVersion", "<unknown>");
    row_str(row, object, "status.nodeInfo.containerRuntimeVersion", "<unknown>");
}

/* ---- namespaces and plain data ---- */

static const struct table_column namespace_columns[] = {COLUMN_NAME, COLUMN("Status"), COLUMN_AGE};

static void namespace_fill(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    row_str(row, object, "status.phase", "");
    row_age(row, object);
}

static const struct table_column map_columns[] = {COLUMN_NAME, COLUMN("Data"), COLUMN_AGE};

static void map_fill(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    row_int(row, (int64_t)(json_object_size(json_object_get(object, "data")) +
                           json_object_size(json_object_get(object, "binaryData"))));
    row_age(row, object);
}

static const struct table_column secret_columns[] = {COLUMN_NAME, COLUMN("Type"), COLUMN("Data"),
                                                     COLUMN_AGE};

static void secret_fill(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    row_str(row, object, "type", "");
    row_int(row, (int64_t)json_object_size(json_object_get(object, "data")));
    row_age(row, object);
}

static const struct table_column account_columns[] = {COLUMN_NAME, COLUMN("Secrets"), COLUMN_AGE};

static void account_fill(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    row_int(row, (int64_t)json_array_size(json_object_get(object, "secrets")));
    row_age(row, object);
}

static const struct table_column lease_columns[] = {COLUMN_NAME, COLUMN("Holder"), COLUMN_AGE};

static void lease_fill(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    row_str(row, object, "spec.holderIdentity", "");
    row_age(row, object);
}

/* ---- quotas ---- */

static const struct table_column quota_columns[] = {COLUMN_NAME, COLUMN("Request"), COLUMN("Limit"),
                                                    COLUMN_AGE};

/* "pods: 1/10, requests.cpu: 1/2", those that limit in a column of their own. */
static void add_quota(struct table_row *row, const json_t *object, bool limits)
{
    const json_t *hard = json_path(object, "status.hard");
    size_t count = json_object_size(hard), n = 0;
    const char **names = mem_reallocarray(NULL, count + 1, sizeof *names), *key;
    AUTO(strbuf) struct strbuf out = {0};
    json_t *value;
    json_object_foreach((json_t *)hard, key, value)
    {
        if ((strncmp(key, "limits", 6) == 0) == limits)
            names[n++] = key;
    }
    if (n)
        qsort(names, n, sizeof *names, text_order);
    for (size_t i = 0; i < n; i++) {
        const char *used = json_string_value(table_at(object, "status.used", names[i]));
        const char *most = json_string_value(json_object_get(hard, names[i]));
        table_join(&out, ", ", names[i]);
        strbuf_addf(&out, ": %s/%s", used ? used : "0", most ? most : "0");
    }
    free(names);
    row_text(row, strbuf_str(&out));
}

static void quota_fill(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    add_quota(row, object, /* limits= */ false);
    add_quota(row, object, /* limits= */ true);
    row_age(row, object);
}

/* ---- events ---- */

static const struct table_column event_columns[] = {
    COLUMN("Last Seen"),      COLUMN("Type"),
    COLUMN("Reason"),         COLUMN("Object"),
    COLUMN_WIDE("Subobject"), COLUMN_WIDE("Source"),
    COLUMN("Message"),        COLUMN_WIDE("First Seen"),
    COLUMN_WIDE("Count"),     {"Name", "string", "name", "", 1},
};

/* Two APIs show the same object; each has names of its own for these. */
struct event_names {
    const char *object, *first, *last, *count, *component, *host, *message, *series_last;
};
static const struct event_names core_event = {
    "involvedObject",   "firstTimestamp", "lastTimestamp", "count",
    "source.component", "source.host",    "message",       "series.lastObservedTime"};
static const struct event_names new_event = {"regarding",
                                             "deprecatedFirstTimestamp",
                                             "deprecatedLastTimestamp",
                                             "deprecatedCount",
                                             "deprecatedSource.component",
                                             "deprecatedSource.host",
                                             "note",
                                             "series.lastObservedTime"};

static void add_event_target(struct table_row *row, const json_t *target)
{
    AUTO(strbuf) struct strbuf out = {0};
    const char *name = json_str_or_empty(target, "name");
    for (const char *k = json_str_or_empty(target, "kind"); *k; k++)
        strbuf_addch(&out, *k >= 'A' && *k <= 'Z' ? (char)(*k - 'A' + 'a') : *k);
    if (*name)
        strbuf_addf(&out, "/%s", name);
    row_text(row, strbuf_str(&out));
}

static void add_event_source(struct table_row *row, const json_t *object,
                             const struct event_names *n)
{
    const char *component = json_str_or_empty(object, n->component);
    const char *host = json_str_or_empty(object, n->host);
    if (!*component)
        component = json_str_or_empty(object, "reportingComponent");
    if (!*component)
        component = json_str_or_empty(object, "reportingController");
    if (!*host)
        host = json_str_or_empty(object, "reportingInstance");
    row_textf(row, "%s%s%s", component, *host ? ", " : "", host);
}

static void add_trimmed(struct table_row *row, const char *text)
{
    static const char space[] = " \t\r\n\v\f";
    size_t len;
    text += strspn(text, space);
    len = strlen(text);
    while (len && strchr(space, text[len - 1]))
        len--;
    row_textf(row, "%.*s", (int)len, text);
}

static void fill_event(struct table_row *row, const json_t *object, const struct event_names *n)
{
    const char *first = json_str(object, n->first), *last = json_str(object, n->last);
    const json_t *series = json_object_get(object, "series");
    int64_t count = json_int(object, n->count, 0);
    char ago[SPAN_TEXT], began[SPAN_TEXT];
    if (!first)
        first = json_str(object, "eventTime");
    if (json_is_object(series)) {
        last = json_str(object, n->series_last);
        count = json_int(series, "count", 0);
    } else if (!last) {
        last = first;
    }
    table_since(last, row->now_ns, ago);
    table_since(first, row->now_ns, began);
    row_text(row, ago);
    row_str(row, object, "type", "");
    row_str(row, object, "reason", "");
    add_event_target(row, json_object_get(object, n->object));
    row_str(row, json_object_get(object, n->object), "fieldPath", "");
    add_event_source(row, object, n);
    add_trimmed(row, json_str_or_empty(object, n->message));
    row_text(row, began);
    row_int(row, count || json_is_object(series) ? count : 1);
    row_name(row, object);
}

static void event_fill(struct table_row *row, const json_t *object)
{
    fill_event(row, object, &core_event);
}

static void new_event_fill(struct table_row *row, const json_t *object)
{
    fill_event(row, object, &new_event);
}

/* ---- access ---- */

static const struct table_column binding_columns[] = {
    COLUMN_NAME,          COLUMN("Role"),        COLUMN_AGE,
    COLUMN_WIDE("Users"), COLUMN_WIDE("Groups"), COLUMN_WIDE("ServiceAccounts"),
};

static void add_subjects(struct table_row *row, const json_t *subjects, const char *kind)
{
    AUTO(strbuf) struct strbuf out = {0};
    bool account = strcmp(kind, "ServiceAccount") == 0;
    for (size_t i = 0; i < json_array_size(subjects); i++) {
        const json_t *s = json_array_get(subjects, i);
        if (strcmp(json_str_or_empty(s, "kind"), kind) != 0)
            continue;
        table_join(&out, ", ", account ? json_str_or_empty(s, "namespace") : "");
        strbuf_addf(&out, "%s%s", account ? "/" : "", json_str_or_empty(s, "name"));
    }
    row_text(row, strbuf_str(&out));
}

static void binding_fill(struct table_row *row, const json_t *object)
{
    static const char *const kinds[] = {"User", "Group", "ServiceAccount"};
    row_name(row, object);
    row_textf(row, "%s/%s", json_str_or_empty(object, "roleRef.kind"),
              json_str_or_empty(object, "roleRef.name"));
    row_age(row, object);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        add_subjects(row, json_object_get(object, "subjects"), kinds[i]);
}

static const struct table_column priority_columns[] = {
    COLUMN_NAME,
    COLUMN_INT("Value"),
    {"Global-Default", "boolean", "", "", 0},
    COLUMN_AGE,
    COLUMN_WIDE("PreemptionPolicy"),
};

static void priority_fill(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    row_int(row, json_int(object, "value", 0));
    json_array_append_new(row->cells, json_boolean(json_bool(object, "globalDefault", false)));
    row_age(row, object);
    row_str(row, object, "preemptionPolicy", "");
}

static const struct table_column runtime_columns[] = {COLUMN_NAME, COLUMN("Handler"), COLUMN_AGE};

static void runtime_fill(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    row_str(row, object, "handler", "");
    row_age(row, object);
}

#define RBAC "rbac.authorization.k8s.io"

static const struct table_printer printers[] = {
    PRINTER("", "Node", node_columns, node_fill),
    PRINTER("", "Namespace", namespace_columns, namespace_fill),
    PRINTER("", "ConfigMap", map_columns, map_fill),
    PRINTER("", "Secret", secret_columns, secret_fill),
    PRINTER("", "ServiceAccount", account_columns, account_fill),
    PRINTER("", "ResourceQuota", quota_columns, quota_fill),
    PRINTER("", "Event", event_columns, event_fill),
    PRINTER("events.k8s.io", "Event", event_columns, new_event_fill),
    PRINTER("coordination.k8s.io", "Lease", lease_columns, lease_fill),
    PRINTER(RBAC, "RoleBinding", binding_columns, binding_fill),
    PRINTER(RBAC, "ClusterRoleBinding", binding_columns, binding_fill),
    PRINTER("scheduling.k8s.io", "PriorityClass", priority_columns, priority_fill),
    PRINTER("node.k8s.io", "RuntimeClass", runtime_columns, runtime_fill),
};
const struct table_printers table_cluster_printers = {printers, ARRAY_LEN(printers)};
