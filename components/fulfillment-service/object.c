#include "components/fulfillment-service/object.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/time.h"

static void put_time(json_t *object, const char *path, int64_t ns)
{
    char text[TIME_TEXT];
    if (ns == 0)
        return;
    time_format_nano(ns, text);
    json_put_str(object, path, text);
}

static void put_text(json_t *object, const char *path, const char *text)
{
    if (text && *text)
        json_put_str(object, path, text);
}

static void put_map(json_t *object, const char *path, json_t *map)
{
    if (json_object_size(map) > 0)
        json_put_take(object, path, json_incref(map));
}

/* Shares what the row holds. */
static json_t *metadata_of_row(const struct row *r)
{
    json_t *meta = json_object();
    put_time(meta, "creation_timestamp", r->creation_ns);
    put_time(meta, "deletion_timestamp", r->deletion_ns);
    if (json_array_size(r->finalizers) > 0)
        json_put_take(meta, "finalizers", json_incref(r->finalizers));
    put_text(meta, "creator", r->creator);
    put_text(meta, "tenant", r->tenant);
    put_text(meta, "name", r->name);
    put_map(meta, "labels", r->labels);
    put_map(meta, "annotations", r->annotations);
    if (r->version)
        json_put_take(meta, "version", json_integer(r->version));
    put_text(meta, "project", r->project);
    return meta;
}

json_t *object_of_row(const struct message *m, enum version v, const struct row *r)
{
    AUTO(json) json_t *whole = json_object();
    json_put_str(whole, "id", r->id);
    json_put_take(whole, "metadata", metadata_of_row(r));
    const char *key;
    json_t *value;
    json_object_foreach(r->data, key, value) if (!json_object_get(whole, key))
        json_object_set(whole, key, value);
    return message_encode(m, v, whole);
}

static void set_text(char **target, const json_t *object, const char *path)
{
    free(*target);
    *target = mem_strdup(json_str_or_empty(object, path));
}

static void set_json(json_t **target, const json_t *object, const char *path)
{
    const json_t *value = json_path(object, path);
    json_decref(*target);
    *target = value ? json_copy_of(value) : NULL;
}

void object_to_row(const json_t *object, struct row *r)
{
    set_text(&r->id, object, "id");
    set_text(&r->name, object, "metadata.name");
    set_text(&r->tenant, object, "metadata.tenant");
    set_text(&r->project, object, "metadata.project");
    set_json(&r->finalizers, object, "metadata.finalizers");
    set_json(&r->labels, object, "metadata.labels");
    set_json(&r->annotations, object, "metadata.annotations");
    json_decref(r->data);
    r->data = json_copy_of(object);
    json_object_del(r->data, "id");
    json_object_del(r->data, "metadata");
}

static void keep_unknown(const struct message *m, enum version v, const json_t *was, json_t *is)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)was, key, value)
    {
        const struct field *f = message_field(m, v, key);
        if (!f)
            json_object_set(is, key, value);
        else if (f->type == FIELD_MESSAGE && json_is_object(value) &&
                 json_is_object(json_object_get(is, key)))
            keep_unknown(f->message, v, value, json_object_get(is, key));
    }
}

void object_over_row(const struct message *m, enum version v, const json_t *object, struct row *r)
{
    AUTO(json) json_t *was = json_incref(r->data);
    object_to_row(object, r);
    keep_unknown(m, v, was, r->data);
}

/* ---- conditions ---- */

json_t *object_condition(const json_t *object, const char *type)
{
    return json_find(json_path(object, "status.conditions"), "type", type);
}

static bool put_if_other(json_t *object, const char *key, const char *text)
{
    const char *was = json_string_value(json_object_get(object, key));
    if (was && strcmp(was, text) == 0)
        return false;
    json_put_str(object, key, text);
    return true;
}

bool object_set_condition(json_t *object, const char *type, const char *status, const char *reason,
                          const char *message, int64_t now_ns)
{
    json_t *c = object_condition(object, type);
    if (!c) {
        if (!json_path(object, "status.conditions"))
            json_put_take(object, "status.conditions", json_array());
        c = json_object();
        json_put_str(c, "type", type);
        json_array_append_new((json_t *)(uintptr_t)json_path(object, "status.conditions"), c);
    }
    bool changed = put_if_other(c, "status", status);
    if (changed)
        put_time(c, "last_transition_time", now_ns);
    changed |= put_if_other(c, "reason", reason);
    changed |= put_if_other(c, "message", message);
    return changed;
}
