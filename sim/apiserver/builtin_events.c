/* Events: one store behind v1 and events.k8s.io/v1 (kube-apiserver.md 7.6). */
#include <string.h>

#include "base/json.h"
#include "kube/meta.h"
#include "kube/names.h"
#include "kube/status.h"
#include "sim/apiserver/builtin_priv.h"

#define TEXT_MAX 128 /* of action, reason, reportingInstance */
#define MESSAGE_MAX 1024

/* The member, NULL when it says nothing: clients send what they left empty, too. */
static const json_t *given(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    bool empty = json_is_null(v) || (json_is_object(v) && json_object_size(v) == 0) ||
                 (json_is_string(v) && json_string_length(v) == 0) ||
                 (json_is_integer(v) && json_integer_value(v) == 0);
    return empty ? NULL : v;
}

/* ---- both APIs ---- */

static void validate_place(const json_t *object, struct field_errors *errors)
{
    const char *about = json_str_or_empty(object, "involvedObject.namespace");
    const char *ns = meta_namespace(object);
    /* What has no namespace is told of in "default". */
    if (strcmp(about, ns) == 0 || (*about == '\0' && strcmp(ns, "default") == 0))
        return;
    AUTO(json) json_t *shown = json_string(about);
    field_errors_add(errors, FIELD_INVALID, "involvedObject.namespace", shown,
                     "does not match event.namespace");
}

static void validate_length(const json_t *object, const char *key, size_t max,
                            struct field_errors *errors)
{
    AUTO(json) json_t *nothing = json_string("");
    if (strlen(json_str_or_empty(object, key)) > max)
        field_errors_add(errors, FIELD_INVALID, key, nothing, "can have at most %zu characters",
                         max);
}

/* An event with eventTime is one of the new kind, whichever API it comes through. The reporter's
 * name is told by the name that it has there. */
static void validate_new_kind(const json_t *object, const char *reporter,
                              struct field_errors *errors)
{
    static const char *const texts[] = {"reportingInstance", "action", "reason"};
    const json_t *controller = given(object, "reportingComponent");
    if (!given(object, "eventTime"))
        return;
    if (!controller)
        field_errors_add(errors, FIELD_REQUIRED, reporter, NULL, "%s", "");
    const char *why = name_check_qualified(json_str_or_empty(object, "reportingComponent"));
    if (controller && why)
        field_errors_add(errors, FIELD_INVALID, reporter, controller, "%s", why);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        must_stand(object, texts[i], errors);
        validate_length(object, texts[i], TEXT_MAX, errors);
    }
    validate_length(object, "message", MESSAGE_MAX, errors);
}

static void event_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    (void)old;
    validate_place(object, errors);
    validate_new_kind(object, "reportingComponent", errors);
}

/* ---- events.k8s.io ---- */

static void validate_series(const json_t *object, struct field_errors *errors)
{
    const json_t *series = json_object_get(object, "series");
    if (!json_is_object(series))
        return;
    AUTO(json) json_t *nothing = json_string("");
    if (json_int(series, "count", 0) < 2)
        field_errors_add(errors, FIELD_INVALID, "series.count", nothing, "should be at least 2");
    if (!given(series, "lastObservedTime"))
        field_errors_add(errors, FIELD_REQUIRED, "series.lastObservedTime", NULL, "%s", "");
}

/* What the old API had for the same is not for new events. */
static void validate_created(const json_t *object, struct field_errors *errors)
{
    static const char *const unset[] = {"firstTimestamp", "lastTimestamp", "count", "source"};
    const char *type = json_str_or_empty(object, "type");
    AUTO(json) json_t *nothing = json_string("");
    validate_series(object, errors);
    if (!given(object, "eventTime"))
        field_errors_add(errors, FIELD_REQUIRED, "eventTime", NULL, "%s", "");
    if (strcmp(type, "Normal") != 0 && strcmp(type, "Warning") != 0)
        field_errors_add(errors, FIELD_INVALID, "type", nothing, "has invalid value: %s", type);
    for (size_t i = 0; i < ARRAY_LEN(unset); i++)
        if (given(object, unset[i]))
            field_errors_add(errors, FIELD_INVALID, unset[i], nothing, "needs to be unset");
}

static bool same_value(const json_t *a, const json_t *b)
{
    return a && b ? json_same(a, b) : a == b;
}

/* Only a series goes on. */
static void validate_changed(const json_t *object, const json_t *old, struct field_errors *errors)
{
    static const char *const kept[] = {
        "involvedObject",   "reason",        "message", "source",
        "firstTimestamp",   "lastTimestamp", "count",   "type",
        "eventTime",        "action",        "related", "reportingComponent",
        "reportingInstance"};
    if (!same_value(given(object, "series"), given(old, "series")))
        validate_series(object, errors);
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        const json_t *now = given(object, kept[i]);
        bool reporter = strcmp(kept[i], "reportingComponent") == 0;
        if (!same_value(now, given(old, kept[i])))
            field_errors_add(errors, FIELD_INVALID, reporter ? "reportingController" : kept[i], now,
                             "field is immutable");
    }
}

static void new_event_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    validate_place(object, errors);
    validate_new_kind(object, "reportingController", errors);
    if (old)
        validate_changed(object, old, errors);
    else
        validate_created(object, errors);
}

#define EVENT_FIELDS                                                                               \
    "involvedObject.kind involvedObject.namespace involvedObject.name involvedObject.uid "         \
    "involvedObject.apiVersion involvedObject.resourceVersion involvedObject.fieldPath reason "    \
    "reportingComponent source type"
#define REGARDING_FIELDS                                                                           \
    "regarding.kind regarding.namespace regarding.name regarding.uid regarding.apiVersion "        \
    "regarding.resourceVersion regarding.fieldPath reason reportingController type"

/* `source` is the component of a structure; what reports by the new API alone has only the other
 * name. */
static const json_t *event_field(const json_t *object, const char *field)
{
    if (strcmp(field, "source") != 0)
        return json_path(object, field);
    const json_t *component = json_path(object, "source.component");
    return json_string_length(component) > 0 ? component : json_path(object, "reportingComponent");
}

static const struct field_alias aliases[] = {
    {"involvedObject", "regarding"},
    {"message", "note"},
    {"reportingComponent", "reportingController"},
    {"source", "deprecatedSource"},
    {"firstTimestamp", "deprecatedFirstTimestamp"},
    {"lastTimestamp", "deprecatedLastTimestamp"},
    {"count", "deprecatedCount"},
};
static const struct kind_view new_events = {
    "events.k8s.io", "v1", REGARDING_FIELDS, aliases, ARRAY_LEN(aliases), new_event_validate,
};

static const struct builtin kinds[] = {
    {"", "v1", "Event", "events", "ev", EVENT_FIELDS, .field_value = event_field,
     .namespaced = true, .unconditional = true, .create_on_put = true, .validate = event_validate,
     .view = &new_events, .rank = 10},
};
const struct builtin_table builtin_events = {kinds, ARRAY_LEN(kinds)};
