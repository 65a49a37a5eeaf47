/* Rows of what runs pods: deployments, sets, jobs, and what scales them. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/rest/table_priv.h"

#define TEMPLATE "spec.template.spec"

/* ---- deployments and sets ---- */

static const struct table_column deployment_columns[] = {
    COLUMN_NAME, COLUMN("Ready"),           COLUMN("Up-to-date"),  COLUMN("Available"),
    COLUMN_AGE,  COLUMN_WIDE("Containers"), COLUMN_WIDE("Images"), COLUMN_WIDE("Selector"),
};

static void deployment_fill(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    row_textf(row, "%lld/%lld", (long long)json_int(object, "status.readyReplicas", 0),
              (long long)json_int(object, "spec.replicas", 1));
    row_int(row, json_int(object, "status.updatedReplicas", 0));
    row_int(row, json_int(object, "status.availableReplicas", 0));
    row_age(row, object);
    row_containers(row, json_path(object, TEMPLATE));
    row_selector(row, json_path(object, "spec.selector"));
}

static const struct table_column stateful_columns[] = {
    COLUMN_NAME, COLUMN("Ready"), COLUMN_AGE, COLUMN_WIDE("Containers"), COLUMN_WIDE("Images"),
};

static void stateful_fill(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    row_textf(row, "%lld/%lld", (long long)json_int(object, "status.readyReplicas", 0),
              (long long)json_int(object, "spec.replicas", 1));
    row_age(row, object);
    row_containers(row, json_path(object, TEMPLATE));
}

static const struct table_column replica_columns[] = {
    COLUMN_NAME, COLUMN_INT("Desired"),     COLUMN_INT("Current"), COLUMN_INT("Ready"),
    COLUMN_AGE,  COLUMN_WIDE("Containers"), COLUMN_WIDE("Images"), COLUMN_WIDE("Selector"),
};

static void add_replicas(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    row_int(row, json_int(object, "spec.replicas", 1));
    row_int(row, json_int(object, "status.replicas", 0));
    row_int(row, json_int(object, "status.readyReplicas", 0));
    row_age(row, object);
    row_containers(row, json_path(object, TEMPLATE));
}

static void replica_fill(struct table_row *row, const json_t *object)
{
    add_replicas(row, object);
    row_selector(row, json_path(object, "spec.selector"));
}

/* The oldest of them selects by a plain map. */
static void controller_fill(struct table_row *row, const json_t *object)
{
    add_replicas(row, object);
    row_labels(row, json_path(object, "spec.selector"));
}

static const struct table_column daemon_columns[] = {
    COLUMN_NAME,
    COLUMN_INT("Desired"),
    COLUMN_INT("Current"),
    COLUMN_INT("Ready"),
    COLUMN_INT("Up-to-date"),
    COLUMN_INT("Available"),
    COLUMN("Node Selector"),
    COLUMN_AGE,
    COLUMN_WIDE("Containers"),
    COLUMN_WIDE("Images"),
    COLUMN_WIDE("Selector"),
};

static void daemon_fill(struct table_row *row, const json_t *object)
{
    static const char *const counts[] = {"desiredNumberScheduled", "currentNumberScheduled",
                                         "numberReady", "updatedNumberScheduled",
                                         "numberAvailable"};
    const json_t *status = json_object_get(object, "status");
    row_name(row, object);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        row_int(row, json_int(status, counts[i], 0));
    row_labels(row, json_path(object, TEMPLATE ".nodeSelector"));
    row_age(row, object);
    row_containers(row, json_path(object, TEMPLATE));
    row_selector(row, json_path(object, "spec.selector"));
}

static const struct table_column revision_columns[] = {COLUMN_NAME, COLUMN("Controller"),
                                                       COLUMN_INT("Revision"), COLUMN_AGE};

static void revision_fill(struct table_row *row, const json_t *object)
{
    const json_t *owner = meta_controller_of(object);
    char group[256] = "";
    row_name(row, object);
    if (!owner) {
        row_text(row, "<none>");
    } else {
        AUTO(strbuf) struct strbuf kind = {0};
        meta_split_api_version(json_str_or_empty(owner, "apiVersion"), group, sizeof group, NULL,
                               0);
        for (const char *k = json_str_or_empty(owner, "kind"); *k; k++)
            strbuf_addch(&kind, *k >= 'A' && *k <= 'Z' ? (char)(*k - 'A' + 'a') : *k);
        row_textf(row, "%s%s%s/%s", strbuf_str(&kind), *group ? "." : "", group,
                  json_str_or_empty(owner, "name"));
    }
    row_int(row, json_int(object, "revision", 0));
    row_age(row, object);
}

/* ---- jobs ---- */

static const struct table_column job_columns[] = {
    COLUMN_NAME, COLUMN("Status"),          COLUMN("Completions"), COLUMN("Duration"),
    COLUMN_AGE,  COLUMN_WIDE("Containers"), COLUMN_WIDE("Images"), COLUMN_WIDE("Selector"),
};

static const char *job_status(const json_t *object)
{
    static const char *const first[] = {"Complete", "Failed"};
    static const char *const last[] = {"Suspended", "FailureTarget", "SuccessCriteriaMet"};
    for (size_t i = 0; i < ARRAY_LEN(first); i++)
        if (strcmp(meta_condition_status(object, first[i]), "True") == 0)
            return first[i];
    if (meta_deleting(object))
        return "Terminating";
    for (size_t i = 0; i < ARRAY_LEN(last); i++)
        if (strcmp(meta_condition_status(object, last[i]), "True") == 0)
            return last[i];
    return "Running";
}

static void add_completions(struct table_row *row, const json_t *object)
{
    long long done = json_int(object, "status.succeeded", 0);
    long long parallel = json_int(object, "spec.parallelism", 0);
    if (json_is_integer(json_path(object, "spec.completions")))
        row_textf(row, "%lld/%lld", done, (long long)json_int(object, "spec.completions", 0));
    else if (parallel > 1)
        row_textf(row, "%lld/1 of %lld", done, parallel);
    else
        row_textf(row, "%lld/1", done);
}

static void add_job_span(struct table_row *row, const json_t *object)
{
    int64_t start, end = row->now_ns;
    char text[SPAN_TEXT] = "";
    const char *ended = json_str(object, "status.completionTime");
    const char *began = json_str(object, "status.startTime");
    if (began && time_parse(began, &start) && (!ended || time_parse(ended, &end)))
        table_span(end - start, text);
    row_text(row, text);
}

static void job_fill(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    row_text(row, job_status(object));
    add_completions(row, object);
    add_job_span(row, object);
    row_age(row, object);
    row_containers(row, json_path(object, TEMPLATE));
    row_selector(row, json_path(object, "spec.selector"));
}

static const struct table_column cron_columns[] = {
    COLUMN_NAME,
    COLUMN("Schedule"),
    COLUMN("Timezone"),
    {"Suspend", "boolean", "", "", 0},
    COLUMN_INT("Active"),
    COLUMN("Last Schedule"),
    COLUMN_AGE,
    COLUMN_WIDE("Containers"),
    COLUMN_WIDE("Images"),
    COLUMN_WIDE("Selector"),
};

static void cron_fill(struct table_row *row, const json_t *object)
{
    const json_t *suspend = json_path(object, "spec.suspend");
    const char *last = json_str(object, "status.lastScheduleTime");
    char ago[SPAN_TEXT] = "<none>";
    row_name(row, object);
    row_str(row, object, "spec.schedule", "");
    row_str(row, object, "spec.timeZone", "<none>");
    row_text(row, !json_is_boolean(suspend) ? "<unset>" : json_is_true(suspend) ? "True" : "False");
    row_int(row, (int64_t)json_array_size(json_path(object, "status.active")));
    if (last)
        table_since(last, row->now_ns, ago);
    row_text(row, ago);
    row_age(row, object);
    row_containers(row, json_path(object, "spec.jobTemplate." TEMPLATE));
    row_selector(row, json_path(object, "spec.jobTemplate.spec.selector"));
}

/* ---- what scales ---- */

static const struct table_column hpa_columns[] = {
    COLUMN_NAME,       COLUMN("Reference"), COLUMN("Targets"), COLUMN("MinPods"),
    COLUMN("MaxPods"), COLUMN("Replicas"),  COLUMN_AGE,
};

/* Where a metric's parts stand, by its type. */
static const json_t *metric_source(const json_t *metric)
{
    static const struct {
        const char *type, *member;
    } known[] = {{"Resource", "resource"},
                 {"ContainerResource", "containerResource"},
                 {"Pods", "pods"},
                 {"Object", "object"},
                 {"External", "external"}};
    const char *type = json_str_or_empty(metric, "type");
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(type, known[i].type) == 0)
            return json_object_get(metric, known[i].member);
    return NULL;
}

static void add_metric(struct strbuf *out, const json_t *spec, const json_t *status)
{
    const json_t *source = metric_source(spec),
                 *now = json_object_get(metric_source(status), "current");
    const json_t *target = json_object_get(source, "target");
    const char *type = json_str_or_empty(spec, "type");
    bool named = strstr(type, "Resource"), average = json_str(target, "averageValue");
    const char *field = average ? "averageValue" : "value";
    const char *have = json_str(now, field), *want = json_str(target, field);
    if (!source) {
        table_join(out, ", ", "<unknown type>");
        return;
    }
    table_join(out, ", ", named ? json_str_or_empty(source, "name") : "");
    if (named)
        strbuf_addstr(out, ": ");
    if (!named || average) {
        bool shown = average && (strcmp(type, "External") == 0 || strcmp(type, "Object") == 0);
        strbuf_addf(out, "%s/%s%s", have ? have : "<unknown>", want ? want : "<unknown>",
                    shown ? " (avg)" : "");
        return;
    }
    const json_t *used = json_object_get(now, "averageUtilization");
    const json_t *limit = json_object_get(target, "averageUtilization");
    if (json_is_integer(used))
        strbuf_addf(out, "%lld%%/", (long long)json_integer_value(used));
    else
        strbuf_addstr(out, "<unknown>/");
    if (json_is_integer(limit))
        strbuf_addf(out, "%lld%%", (long long)json_integer_value(limit));
    else
        strbuf_addstr(out, "<auto>");
}

#define METRICS_SHOWN 2

static void add_metrics(struct table_row *row, const json_t *object)
{
    const json_t *specs = json_path(object, "spec.metrics");
    const json_t *statuses = json_path(object, "status.currentMetrics");
    size_t count = json_array_size(specs);
    AUTO(strbuf) struct strbuf out = {0};
    for (size_t i = 0; i < count && i < METRICS_SHOWN; i++)
        add_metric(&out, json_array_get(specs, i), json_array_get(statuses, i));
    if (count > METRICS_SHOWN)
        strbuf_addf(&out, " + %zu more...", count - METRICS_SHOWN);
    row_text(row, count ? strbuf_str(&out) : "<none>");
}

static void hpa_fill(struct table_row *row, const json_t *object)
{
    const json_t *least = json_path(object, "spec.minReplicas");
    row_name(row, object);
    row_textf(row, "%s/%s", json_str_or_empty(object, "spec.scaleTargetRef.kind"),
              json_str_or_empty(object, "spec.scaleTargetRef.name"));
    add_metrics(row, object);
    if (json_is_integer(least))
        row_textf(row, "%lld", (long long)json_integer_value(least));
    else
        row_text(row, "<unset>");
    row_int(row, json_int(object, "spec.maxReplicas", 0));
    row_int(row, json_int(object, "status.currentReplicas", 0));
    row_age(row, object);
}

static const struct table_column scale_columns[] = {COLUMN_NAME, COLUMN_INT("Desired"),
                                                    COLUMN_INT("Available"), COLUMN_AGE};

static void scale_fill(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    row_int(row, json_int(object, "spec.replicas", 0));
    row_int(row, json_int(object, "status.replicas", 0));
    row_age(row, object);
}

static const struct table_column budget_columns[] = {COLUMN_NAME, COLUMN("Min Available"),
                                                     COLUMN("Max Unavailable"),
                                                     COLUMN_INT("Allowed Disruptions"), COLUMN_AGE};

/* A number or a percentage. */
static void add_amount(struct table_row *row, const json_t *v)
{
    if (json_is_integer(v))
        row_textf(row, "%lld", (long long)json_integer_value(v));
    else
        row_text(row, json_is_string(v) ? json_string_value(v) : "N/A");
}

static void budget_fill(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    add_amount(row, json_path(object, "spec.minAvailable"));
    add_amount(row, json_path(object, "spec.maxUnavailable"));
    row_int(row, json_int(object, "status.disruptionsAllowed", 0));
    row_age(row, object);
}

static const struct table_printer printers[] = {
    PRINTER("apps", "Deployment", deployment_columns, deployment_fill),
    PRINTER("apps", "ReplicaSet", replica_columns, replica_fill),
    PRINTER("", "ReplicationController", replica_columns, controller_fill),
    PRINTER("apps", "StatefulSet", stateful_columns, stateful_fill),
    PRINTER("apps", "DaemonSet", daemon_columns, daemon_fill),
    PRINTER("apps", "ControllerRevision", revision_columns, revision_fill),
    PRINTER("batch", "Job", job_columns, job_fill),
    PRINTER("batch", "CronJob", cron_columns, cron_fill),
    PRINTER("autoscaling", "HorizontalPodAutoscaler", hpa_columns, hpa_fill),
    PRINTER("autoscaling", "Scale", scale_columns, scale_fill),
    PRINTER("policy", "PodDisruptionBudget", budget_columns, budget_fill),
};
const struct table_printers table_work_printers = {printers, ARRAY_LEN(printers)};
