/* From an object's status to its record's. What the object does not say stays as it is in the
 * record: an operator that lost a status must not make the service forget. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/osac-operator/feedback.h"
#include "components/osac-operator/kinds.h"
#include "kube/meta.h"
#include "kube/time.h"

#define INSTANCE_STATE "COMPUTE_INSTANCE_STATE_"
#define SNAPSHOT_STATE "COMPUTE_INSTANCE_SNAPSHOT_STATE_"
#define INSTANCE_CONDITION "COMPUTE_INSTANCE_CONDITION_TYPE_"
#define SNAPSHOT_CONDITION "COMPUTE_INSTANCE_SNAPSHOT_CONDITION_TYPE_"
#define RESTORE_FAILED INSTANCE_CONDITION "RESTORE_FAILED"

struct word {
    const char *own, *remote; /* own NULL: the end */
};

/* NULL: not in the table. */
static const char *remote_word(const struct word *words, const char *own)
{
    for (; words->own; words++)
        if (strcmp(words->own, own) == 0)
            return words->remote;
    return NULL;
}

/* "" drops it: proto's zero is not written. */
static bool put_text(json_t *object, const char *path, const char *text)
{
    if (strcmp(json_str_or_empty(object, path), text) == 0)
        return false;
    if (*text)
        json_put_str(object, path, text);
    else
        json_drop(object, path);
    return true;
}

static bool put_now(json_t *object, const char *path, struct host *h)
{
    char text[TIME_TEXT];
    time_format_nano(host_now(h), text);
    return put_text(object, path, text);
}

/* ---- state ---- */

/* A record that is being deleted says so, whatever an object says that has not heard of it yet. */
static bool copy_state(struct host *h, const json_t *object, json_t *record,
                       const struct word *states)
{
    const char *phase = json_str_or_empty(object, "status.phase");
    const char *state = remote_word(states, phase);
    if (!state && *phase)
        host_log(h, LOG_WARNING, "%s: phase '%s' is unknown, and not reported", meta_name(object),
                 phase);
    if (!state ||
        (json_path(record, "metadata.deletion_timestamp") && strcmp(phase, "Deleting") != 0))
        return false;
    return put_text(record, "status.state", state);
}

/* ---- conditions ---- */

static const struct word statuses[] = {{"True", "CONDITION_STATUS_TRUE"},
                                       {"False", "CONDITION_STATUS_FALSE"},
                                       {"Unknown", ""},
                                       {NULL, NULL}};

static json_t *conditions_of(json_t *record)
{
    if (!json_path(record, "status.conditions"))
        json_put_take(record, "status.conditions", json_array());
    return json_at_mut(record, "status", "conditions", NULL);
}

static json_t *new_condition(json_t *record, const char *type)
{
    json_t *c = json_pack("{s:s}", "type", type);
    json_array_append_new(conditions_of(record), c);
    return c;
}

static void write_condition(struct host *h, const json_t *own, json_t *condition)
{
    const char *status = remote_word(statuses, json_str_or_empty(own, "status"));
    if (put_text(condition, "status", status ? status : ""))
        put_now(condition, "last_transition_time", h);
    put_text(condition, "reason", json_str_or_empty(own, "reason"));
    put_text(condition, "message", json_str_or_empty(own, "message"));
}

/* One that the object does not have is skipped. */
static void copy_condition(struct host *h, const json_t *object, json_t *record,
                           const struct word *type)
{
    const json_t *own = meta_condition(object, type->own);
    json_t *condition = json_find(json_path(record, "status.conditions"), "type", type->remote);
    if (own)
        write_condition(h, own, condition ? condition : new_condition(record, type->remote));
}

static void copy_time(const json_t *object, const char *from, json_t *record, const char *to)
{
    int64_t is, was;
    char text[TIME_TEXT];
    const char *remote = json_str(record, to);
    if (!time_parse(json_str_or_empty(object, from), &is) ||
        (remote && time_parse(remote, &was) && was == is))
        return;
    time_format_nano(is, text);
    json_put_str(record, to, text);
}

/* ---- instances ---- */

static const struct word instance_states[] = {
    {"Starting", INSTANCE_STATE "STARTING"}, {"Running", INSTANCE_STATE "RUNNING"},
    {"Failed", INSTANCE_STATE "FAILED"},     {"Deleting", INSTANCE_STATE "DELETING"},
    {"Stopping", INSTANCE_STATE "STOPPING"}, {"Stopped", INSTANCE_STATE "STOPPED"},
    {"Paused", INSTANCE_STATE "PAUSED"},     {NULL, NULL},
};
static const struct word instance_conditions[] = {
    {"ConfigurationApplied", INSTANCE_CONDITION "CONFIGURATION_APPLIED"},
    {"Ready", INSTANCE_CONDITION "READY"},
    {"RestartInProgress", INSTANCE_CONDITION "RESTART_IN_PROGRESS"},
    {"RestartFailed", INSTANCE_CONDITION "RESTART_FAILED"},
    {"Provisioned", INSTANCE_CONDITION "PROVISIONED"},
    {"RestartRequired", INSTANCE_CONDITION "RESTART_REQUIRED"},
};
static const struct word restore_conditions[] = {
    {"RestoreInProgress", INSTANCE_CONDITION "RESTORE_IN_PROGRESS"},
    {"RestoreFailed", RESTORE_FAILED},
};

static int64_t seconds_at(const json_t *object, const char *path)
{
    int64_t seconds, nanos;
    const char *text = json_str(object, path);
    return text && time_parse_seconds(text, &seconds, &nanos) ? seconds : INT64_MIN;
}

/* The service says of some requests itself that they have failed, and does not hand them on. What
 * the object says then is about another one. */
static bool is_of_another(const json_t *object, const json_t *record)
{
    const json_t *remote =
        json_find(json_path(record, "status.conditions"), "type", RESTORE_FAILED);
    return strcmp(json_str_or_empty(remote, "status"), "CONDITION_STATUS_TRUE") == 0 &&
           seconds_at(record, "spec.restore_requested_at") !=
               seconds_at(object, "spec.restoreRequestedAt");
}

/* Both conditions are of one request, and never both True: what is said of a later one that has
 * failed stays, and a restore of before it that still comes to run shows in its time alone. */
static void copy_restore_conditions(struct host *h, const json_t *object, json_t *record)
{
    bool other = is_of_another(object, record);
    if (!other || strcmp(meta_condition_status(object, "RestoreInProgress"), "True") != 0)
        copy_condition(h, object, record, &restore_conditions[0]);
    if (!other)
        copy_condition(h, object, record, &restore_conditions[1]);
}

/* A service that knows restores has both conditions in every record from the start. One that does
 * not would choke on their numbers, and refuse the rest with them. The time never moves back. */
static void copy_restore(struct host *h, const json_t *object, json_t *record)
{
    for (size_t i = 0; i < ARRAY_LEN(restore_conditions); i++)
        if (!json_find(json_path(record, "status.conditions"), "type",
                       restore_conditions[i].remote))
            return;
    copy_restore_conditions(h, object, record);
    if (seconds_at(object, "status.lastRestoredAt") > seconds_at(record, "status.last_restored_at"))
        copy_time(object, "status.lastRestoredAt", record, "status.last_restored_at");
}

static void copy_instance_old(struct host *h, const json_t *object, json_t *record)
{
    if (copy_state(h, object, record, instance_states))
        put_now(record, "status.state_transition_time", h);
    for (size_t i = 0; i < ARRAY_LEN(instance_conditions); i++)
        copy_condition(h, object, record, &instance_conditions[i]);
    copy_time(object, "status.lastRestartedAt", record, "status.last_restarted_at");
    put_text(record, "status.internal_ip_address", json_str_or_empty(object, "status.ipAddress"));
    put_text(record, "status.external_ip_address",
             json_str_or_empty(object, "status.externalIPAddress"));
}

static void copy_instance(struct host *h, const json_t *object, json_t *record)
{
    copy_instance_old(h, object, record);
    copy_restore(h, object, record);
}

const struct feedback_kind osac_feedback_instance_old = {
    .kind = &osac_kind_instance,
    .label = KEY_INSTANCE_UUID,
    .finalizer = INSTANCE_FEEDBACK_FINALIZER,
    .service = "ComputeInstances",
    .copy = copy_instance_old,
};

const struct feedback_kind osac_feedback_instance = {
    .kind = &osac_kind_instance,
    .label = KEY_INSTANCE_UUID,
    .finalizer = INSTANCE_FEEDBACK_FINALIZER,
    .service = "ComputeInstances",
    .copy = copy_instance,
};

/* ---- snapshots ---- */

static const struct word snapshot_states[] = {
    {"Creating", SNAPSHOT_STATE "CREATING"},
    {"Ready", SNAPSHOT_STATE "READY"},
    {"Failed", SNAPSHOT_STATE "FAILED"},
    {"Deleting", SNAPSHOT_STATE "DELETING"},
    {NULL, NULL},
};
static const struct word snapshot_ready = {"Ready", SNAPSHOT_CONDITION "READY"};

/* int64 is text. */
static void copy_size(const json_t *object, json_t *record)
{
    const json_t *size = json_path(object, "status.sizeBytes");
    if (!json_is_integer(size))
        return;
    AUTO(str) char *text = mem_printf("%lld", (long long)json_integer_value(size));
    put_text(record, "status.size_bytes", text);
}

static void copy_online(const json_t *object, json_t *record)
{
    bool online = json_bool(object, "status.online", false);
    if (online == json_bool(record, "status.online", false))
        return;
    if (online)
        json_put_take(record, "status.online", json_true());
    else
        json_drop(record, "status.online");
}

static void copy_snapshot(struct host *h, const json_t *object, json_t *record)
{
    copy_state(h, object, record, snapshot_states);
    copy_condition(h, object, record, &snapshot_ready);
    copy_time(object, "status.creationTime", record, "status.creation_time");
    copy_size(object, record);
    copy_online(object, record);
}

const struct feedback_kind osac_feedback_snapshot = {
    .kind = &osac_kind_snapshot,
    .label = KEY_SNAPSHOT_UUID,
    .finalizer = SNAPSHOT_FEEDBACK_FINALIZER,
    .service = "ComputeInstanceSnapshots",
    .copy = copy_snapshot,
};
