/* Any three lines as live object, applied configuration and managedFields of a small type: the
 * apply goes through or says why; what it gives back has readable owners and takes the same
 * configuration again; nothing that was passed in changes. The same for updates. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "kube/fields/managed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const name_key[] = {"name", NULL};
static const struct kube_field item_fields[] = {
    {.name = "name", .scalar = KUBE_STRING, .required = true},
    {.name = "n", .scalar = KUBE_INT64},
};
static const struct kube_type item_type = {
    .name = "Item", .fields = item_fields, .field_count = ARRAY_LEN(item_fields)};
static const struct kube_field spec_fields[] = {
    {.name = "text", .scalar = KUBE_STRING},
    {.name = "n", .scalar = KUBE_INT64},
    {.name = "map", .scalar = KUBE_STRING, .map = true, .omit_empty = true},
    {.name = "set",
     .scalar = KUBE_STRING,
     .repeated = true,
     .list_type = KUBE_LIST_SET,
     .omit_empty = true},
    {.name = "list", .scalar = KUBE_STRING, .repeated = true},
    {.name = "items",
     .scalar = KUBE_MESSAGE,
     .type = &item_type,
     .repeated = true,
     .list_type = KUBE_LIST_MAP,
     .list_keys = name_key},
    {.name = "whole", .scalar = KUBE_MESSAGE, .type = &item_type, .atomic = true},
    {.name = "any", .scalar = KUBE_RAW},
};
static const struct kube_type spec_type = {
    .name = "Spec", .fields = spec_fields, .field_count = ARRAY_LEN(spec_fields)};
static const struct kube_field root_fields[] = {
    {.name = "apiVersion", .scalar = KUBE_STRING, .omit_empty = true},
    {.name = "kind", .scalar = KUBE_STRING, .omit_empty = true},
    {.name = "spec", .scalar = KUBE_MESSAGE, .type = &spec_type},
};
static const struct kube_type root_type = {
    .name = "Root", .kind = "Root", .fields = root_fields, .field_count = ARRAY_LEN(root_fields)};

/* The next line as JSON, or NULL. */
static json_t *next_line(const char **at, size_t *left)
{
    const char *end = memchr(*at, '\n', *left);
    size_t len = end ? (size_t)(end - *at) : *left;
    json_t *v = json_read(*at, len, "line", NULL);
    size_t used = end ? len + 1 : len;
    *at += used;
    *left -= used;
    if (v && !json_is_object(v) && !json_is_array(v)) {
        json_decref(v);
        return NULL;
    }
    return v;
}

static void check_result(const json_t *object)
{
    const json_t *entries = json_at(object, "metadata", "managedFields", NULL);
    AUTO(str) char *why = managed_check(entries);
    assert(!why);
}

/* What went through once goes through again. */
static void apply_twice(const json_t *live, const json_t *applied, struct typed type, bool force)
{
    struct managed_writer w = {.manager = "x", .api_version = "v1", .now_ns = 1000000000};
    AUTO(response) struct api_response ret = {0};
    AUTO(json) json_t *once = NULL;
    AUTO(json) json_t *twice = NULL;
    if (managed_apply(live, applied, type, &w, force, &once, &ret) < 0) {
        assert(!once && ret.code >= 400 && ret.body);
        return;
    }
    check_result(once);
    w.now_ns *= 2;
    AUTO(response) struct api_response again = {0};
    int rc = managed_apply(once, applied, type, &w, true, &twice, &again);
    assert(rc == 0);
    check_result(twice);
}

static void update(const json_t *live, const json_t *object, struct typed type)
{
    struct managed_writer w = {
        .manager = "u", .api_version = "v1", .has_status = true, .now_ns = 1000000000};
    AUTO(json) json_t *entries = managed_update(live, object, type, &w);
    AUTO(str) char *why = managed_check(entries);
    assert(json_is_array(entries) && !why);
}

static void run(const json_t *live, const json_t *applied, struct typed type)
{
    apply_twice(live, applied, type, false);
    apply_twice(live, applied, type, true);
    apply_twice(NULL, applied, type, false);
    update(live, applied, type);
    update(NULL, live, type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data;

    json_init();
    AUTO(json) json_t *live = next_line(&at, &size);
    AUTO(json) json_t *applied = next_line(&at, &size);
    AUTO(json) json_t *entries = next_line(&at, &size);
    if (!json_is_object(live) || !json_is_object(applied))
        return 0;
    if (!json_is_object(json_object_get(live, "metadata")))
        json_object_set_new(live, "metadata", json_object());
    if (json_is_array(entries))
        json_object_set(json_object_get(live, "metadata"), "managedFields", entries);
    AUTO(json) json_t *live_before = json_deep_copy(live);
    AUTO(json) json_t *applied_before = json_deep_copy(applied);
    run(live, applied, typed_of_kube(&root_type));
    run(live, applied, typed_resource_any());
    run(live, applied, typed_any());
    assert(json_equal(live, live_before) && json_equal(applied, applied_before));
    return 0;
}
