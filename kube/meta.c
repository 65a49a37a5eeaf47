#include "kube/meta.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "kube/time.h"

const char *meta_name(const json_t *obj)
{
    return json_str_or_empty(obj, "metadata.name");
}

const char *meta_namespace(const json_t *obj)
{
    return json_str_or_empty(obj, "metadata.namespace");
}

const char *meta_uid(const json_t *obj)
{
    return json_str_or_empty(obj, "metadata.uid");
}

const char *meta_resource_version(const json_t *obj)
{
    return json_str_or_empty(obj, "metadata.resourceVersion");
}

const char *meta_kind(const json_t *obj)
{
    return json_str_or_empty(obj, "kind");
}

const char *meta_api_version(const json_t *obj)
{
    return json_str_or_empty(obj, "apiVersion");
}

/* Keys of labels and annotations hold dots, so no dotted path leads to them. */
const char *meta_label(const json_t *obj, const char *key)
{
    return json_string_value(json_at(obj, "metadata", "labels", key, NULL));
}

const char *meta_annotation(const json_t *obj, const char *key)
{
    return json_string_value(json_at(obj, "metadata", "annotations", key, NULL));
}

bool meta_deleting(const json_t *obj)
{
    return json_is_string(json_path(obj, "metadata.deletionTimestamp"));
}

int64_t meta_generation(const json_t *obj)
{
    return json_int(obj, "metadata.generation", 0);
}

/* Index of the finalizer, or the number of finalizers when it is not there. */
static size_t find_finalizer(const json_t *list, const char *finalizer)
{
    size_t i;

    for (i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));

        if (text && strcmp(text, finalizer) == 0)
            break;
    }
    return i;
}

bool meta_has_finalizer(const json_t *obj, const char *finalizer)
{
    const json_t *list = json_path(obj, "metadata.finalizers");

    return find_finalizer(list, finalizer) < json_array_size(list);
}

bool meta_add_finalizer(json_t *obj, const char *finalizer)
{
    json_t *list = json_at_mut(obj, "metadata", "finalizers", NULL);

    assert(json_is_object(obj));
    assert(*finalizer);
    if (meta_has_finalizer(obj, finalizer))
        return false;
    if (!json_is_array(list)) {
        list = json_array();
        json_put_take(obj, "metadata.finalizers", list);
    }
    json_array_append_new(list, json_string(finalizer));
    return true;
}

bool meta_remove_finalizer(json_t *obj, const char *finalizer)
{
    json_t *list = json_at_mut(obj, "metadata", "finalizers", NULL);
    size_t count = json_array_size(list), i;
    bool changed = false;

    while ((i = find_finalizer(list, finalizer)) < count) {
        json_array_remove(list, i);
        count--;
        changed = true;
    }
    if (changed && count == 0)
        json_drop(obj, "metadata.finalizers"); /* omitempty: Go clients send no empty list */
    return changed;
}

static void set_in_map(json_t *obj, const char *map, const char *key, const char *value)
{
    json_t *found = json_at_mut(obj, "metadata", map, NULL);

    if (!value) {
        if (!json_is_object(found))
            return;
        json_object_del(found, key);
        if (json_object_size(found) == 0)
            json_object_del(json_object_get(obj, "metadata"), map);
        return;
    }
    if (!json_is_object(found)) {
        char path[32];

        found = json_object();
        snprintf(path, sizeof path, "metadata.%s", map);
        json_put_take(obj, path, found);
    }
    json_object_set_new(found, key, json_string(value));
}

void meta_set_label(json_t *obj, const char *key, const char *value)
{
    set_in_map(obj, "labels", key, value);
}

void meta_set_annotation(json_t *obj, const char *key, const char *value)
{
    set_in_map(obj, "annotations", key, value);
}

const json_t *meta_controller_of(const json_t *obj)
{
    const json_t *refs = json_path(obj, "metadata.ownerReferences");

    for (size_t i = 0; i < json_array_size(refs); i++)
        if (json_bool(json_array_get(refs, i), "controller", false))
            return json_array_get(refs, i);
    return NULL;
}

json_t *meta_owner_ref(const json_t *owner, bool controller, bool block_owner_deletion)
{
    json_t *ref = json_object();

    json_put_str(ref, "apiVersion", meta_api_version(owner));
    json_put_str(ref, "kind", meta_kind(owner));
    json_put_str(ref, "name", meta_name(owner));
    json_put_str(ref, "uid", meta_uid(owner));
    if (controller)
        json_put_take(ref, "controller", json_true());
    if (block_owner_deletion)
        json_put_take(ref, "blockOwnerDeletion", json_true());
    return ref;
}

static bool copy_part(const char *part, size_t len, char *out, size_t size)
{
    if (!out)
        return true;
    if (len >= size)
        return false;
    memcpy(out, part, len);
    out[len] = '\0';
    return true;
}

bool meta_split_api_version(const char *api_version, char *group, size_t group_size, char *version,
                            size_t version_size)
{
    const char *slash = strchr(api_version, '/');
    const char *rest = slash ? slash + 1 : api_version;
    size_t group_len = slash ? (size_t)(slash - api_version) : 0;

    if (*rest == '\0' || strchr(rest, '/') || (slash && group_len == 0))
        return false;
    return copy_part(api_version, group_len, group, group_size) &&
           copy_part(rest, strlen(rest), version, version_size);
}

const json_t *meta_condition(const json_t *obj, const char *type)
{
    const json_t *list = json_path(obj, "status.conditions");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *c = json_array_get(list, i);

        if (strcmp(json_str_or_empty(c, "type"), type) == 0)
            return c;
    }
    return NULL;
}

const char *meta_condition_status(const json_t *obj, const char *type)
{
    return json_str_or_empty(meta_condition(obj, type), "status");
}

static bool set_text(json_t *obj, const char *key, const char *value)
{
    const char *old = json_str(obj, key);

    if (old && strcmp(old, value) == 0)
        return false;
    json_put_str(obj, key, value);
    return true;
}

bool meta_set_condition(json_t *obj, const char *type, const char *status, const char *reason,
                        const char *message, int64_t now_ns)
{
    json_t *list = json_at_mut(obj, "status", "conditions", NULL);
    json_t *c = (json_t *)meta_condition(obj, type);
    char now[TIME_TEXT];
    bool changed = false, turned;

    assert(json_is_object(obj));
    assert(*type);
    time_format(now_ns, now);
    if (!c) {
        if (!json_is_array(list)) {
            list = json_array();
            json_put_take(obj, "status.conditions", list);
        }
        c = json_object();
        json_put_str(c, "type", type);
        json_array_append_new(list, c);
    }
    turned = set_text(c, "status", status);
    if (turned || !json_str(c, "lastTransitionTime"))
        changed = set_text(c, "lastTransitionTime", now);
    changed |= turned;
    changed |= set_text(c, "reason", reason ? reason : "");
    changed |= set_text(c, "message", message ? message : "");
    return changed;
}
