/* Rows of pods: what one word tells of all containers. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "kube/meta.h"
#include "sim/rest/table_priv.h"

static const struct table_column pod_columns[] = {
    COLUMN_NAME,
    COLUMN("Ready"),
    COLUMN("Status"),
    COLUMN("Restarts"),
    COLUMN_AGE,
    COLUMN_WIDE("IP"),
    COLUMN_WIDE("Node"),
    COLUMN_WIDE("Nominated Node"),
    COLUMN_WIDE("Readiness Gates"),
};

#define REASON_TEXT 300
struct pod {
    const json_t *object, *spec, *status;
    char reason[REASON_TEXT];
    int64_t total, ready, restarts, sidecar_restarts;
    const char *last_restart, *last_sidecar_restart; /* times, or NULL */
};

/* RFC 3339 in UTC: text order is time's. */
static void note_later(const char **latest, const json_t *container)
{
    const char *time = json_str(container, "lastState.terminated.finishedAt");
    if (time && (!*latest || strcmp(time, *latest) > 0))
        *latest = time;
}

/* Init containers that stay. */
static bool is_sidecar(const struct pod *p, const char *name)
{
    const json_t *list = json_object_get(p->spec, "initContainers");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *c = json_array_get(list, i);
        if (strcmp(json_str_or_empty(c, "name"), name) == 0)
            return strcmp(json_str_or_empty(c, "restartPolicy"), "Always") == 0;
    }
    return false;
}

static void set_reason(struct pod *p, const char *prefix, const char *word)
{
    snprintf(p->reason, sizeof p->reason, "%s%s", prefix, word);
}

/* Why a container ended. */
static void set_ended(struct pod *p, const char *prefix, const json_t *ended)
{
    const char *reason = json_str_or_empty(ended, "reason");
    int64_t signal = json_int(ended, "signal", 0);
    char text[64];
    if (*reason) {
        set_reason(p, prefix, reason);
        return;
    }
    if (signal)
        snprintf(text, sizeof text, "Signal:%lld", (long long)signal);
    else
        snprintf(text, sizeof text, "ExitCode:%lld", (long long)json_int(ended, "exitCode", 0));
    set_reason(p, prefix, text);
}

static const json_t *state(const json_t *container, const char *which)
{
    const json_t *s = json_at(container, "state", which, NULL);
    return json_is_object(s) ? s : NULL;
}

/* Returns true when this one is where the pod's start stands still. */
static bool weigh_init(struct pod *p, const json_t *container, size_t i)
{
    bool sidecar = is_sidecar(p, json_str_or_empty(container, "name"));
    const json_t *ended = state(container, "terminated"), *waits = state(container, "waiting");
    const char *why = json_str_or_empty(waits, "reason");
    int64_t restarts = json_int(container, "restartCount", 0);
    p->restarts += restarts;
    note_later(&p->last_restart, container);
    if (sidecar) {
        p->sidecar_restarts += restarts;
        note_later(&p->last_sidecar_restart, container);
    }
    if (ended && json_int(ended, "exitCode", 0) == 0)
        return false;
    if (sidecar && json_bool(container, "started", false)) {
        p->ready += json_bool(container, "ready", false);
        return false;
    }
    if (ended)
        set_ended(p, "Init:", ended);
    else if (*why && strcmp(why, "PodInitializing") != 0)
        set_reason(p, "Init:", why);
    else
        snprintf(p->reason, sizeof p->reason, "Init:%zu/%zu", i,
                 json_array_size(json_object_get(p->spec, "initContainers")));
    return true;
}

static bool weigh_inits(struct pod *p)
{
    const json_t *list = json_object_get(p->status, "initContainerStatuses");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (weigh_init(p, json_array_get(list, i), i))
            return true;
    return false;
}

static void weigh_containers(struct pod *p)
{
    const json_t *list = json_object_get(p->status, "containerStatuses");
    bool running = false;
    p->restarts = p->sidecar_restarts;
    p->last_restart = p->last_sidecar_restart;
    for (size_t i = json_array_size(list); i-- > 0;) {
        const json_t *c = json_array_get(list, i);
        const json_t *ended = state(c, "terminated");
        const char *why = json_str_or_empty(state(c, "waiting"), "reason");
        p->restarts += json_int(c, "restartCount", 0);
        note_later(&p->last_restart, c);
        if (*why) {
            set_reason(p, "", why);
        } else if (ended) {
            set_ended(p, "", ended);
        } else if (json_bool(c, "ready", false) && state(c, "running")) {
            running = true;
            p->ready++;
        }
    }
    if (running && strcmp(p->reason, "Completed") == 0)
        set_reason(p, "",
                   strcmp(meta_condition_status(p->object, "Ready"), "True") == 0 ? "Running"
                                                                                  : "NotReady");
}

static bool is_over(const char *phase)
{
    return strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
}

static void weigh_pod(struct pod *p)
{
    const json_t *inits = json_object_get(p->spec, "initContainers");
    const char *phase = json_str_or_empty(p->status, "phase");
    const char *reason = json_str_or_empty(p->status, "reason");
    const json_t *scheduled = meta_condition(p->object, "PodScheduled");
    set_reason(p, "", *reason ? reason : phase);
    if (strcmp(json_str_or_empty(scheduled, "reason"), "SchedulingGated") == 0)
        set_reason(p, "", "SchedulingGated");
    p->total = (int64_t)json_array_size(json_object_get(p->spec, "containers"));
    for (size_t i = 0; i < json_array_size(inits); i++)
        p->total += is_sidecar(p, json_str_or_empty(json_array_get(inits, i), "name"));
    if (!weigh_inits(p) || strcmp(meta_condition_status(p->object, "Initialized"), "True") == 0)
        weigh_containers(p);
    if (!meta_deleting(p->object))
        return;
    if (strcmp(reason, "NodeLost") == 0)
        set_reason(p, "", "Unknown");
    else if (!is_over(phase))
        set_reason(p, "", "Terminating");
}

static void add_gates(struct table_row *row, const struct pod *p)
{
    const json_t *gates = json_object_get(p->spec, "readinessGates");
    size_t open = 0;
    for (size_t i = 0; i < json_array_size(gates); i++) {
        const char *type = json_str_or_empty(json_array_get(gates, i), "conditionType");
        open += strcmp(meta_condition_status(p->object, type), "True") == 0;
    }
    if (json_array_size(gates))
        row_textf(row, "%zu/%zu", open, json_array_size(gates));
    else
        row_text(row, "<none>");
}

static void add_condition(struct table_row *row, const char *phase)
{
    bool well = strcmp(phase, "Succeeded") == 0;
    if (is_over(phase))
        row->conditions = json_pack("[{s:s, s:s, s:s, s:s}]", "type", "Completed", "status", "True",
                                    "reason", phase, "message",
                                    well ? "All containers of the pod ended well."
                                         : "Containers of the pod ended with an error.");
}

static void pod_fill(struct table_row *row, const json_t *object)
{
    struct pod p = {.object = object,
                    .spec = json_object_get(object, "spec"),
                    .status = json_object_get(object, "status")};
    const char *ip = json_str(json_array_get(json_object_get(p.status, "podIPs"), 0), "ip");
    weigh_pod(&p);
    row_name(row, object);
    row_textf(row, "%lld/%lld", (long long)p.ready, (long long)p.total);
    row_text(row, p.reason);
    if (p.restarts && p.last_restart) {
        char ago[SPAN_TEXT];
        table_since(p.last_restart, row->now_ns, ago);
        row_textf(row, "%lld (%s ago)", (long long)p.restarts, ago);
    } else {
        row_textf(row, "%lld", (long long)p.restarts);
    }
    row_age(row, object);
    if (ip)
        row_text(row, ip);
    else
        row_str(row, p.status, "podIP", "<none>");
    row_str(row, p.spec, "nodeName", "<none>");
    row_str(row, p.status, "nominatedNodeName", "<none>");
    add_gates(row, &p);
    add_condition(row, json_str_or_empty(p.status, "phase"));
}

static const struct table_column template_columns[] = {COLUMN_NAME, COLUMN("Containers"),
                                                       COLUMN("Images"), COLUMN("Pod Labels")};

static void template_fill(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    row_containers(row, json_path(object, "template.spec"));
    row_labels(row, json_path(object, "template.metadata.labels"));
}

static const struct table_printer printers[] = {
    PRINTER("", "Pod", pod_columns, pod_fill),
    PRINTER("", "PodTemplate", template_columns, template_fill),
};
const struct table_printers table_pod_printers = {printers, ARRAY_LEN(printers)};
