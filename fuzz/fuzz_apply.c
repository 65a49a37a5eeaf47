/* Any three lines as live object, applied configuration and managedFields of a built-in kind (the
 * one that the live object names, or a pod): the apply goes through or says why; what it gives back
 * has readable owners and takes the same configuration again; nothing that was passed in changes.
 * The same for updates. */
#include <assert.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "fuzz/next_json.h"
#include "kube/fields/managed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The fields of a type are found in the table of the built-in kinds alone: so it is one of those.
 */
static const struct kube_type *type_of(const json_t *live)
{
    const struct kube_type *t =
        kube_type_of(json_str_or_empty(live, "apiVersion"), json_str_or_empty(live, "kind"));
    return t ? t : kube_type_of("v1", "Pod");
}

/* A type whose fields nobody finds would let everything through. */
static struct typed typed_by_kind(const json_t *live)
{
    const struct kube_type *t = type_of(live);
    struct typed typed = typed_of_kube(t), member;
    assert(t->kind && typed_member(typed, "kind", &member));
    return typed;
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
    AUTO(json) json_t *live = next_json(&at, &size);
    AUTO(json) json_t *applied = next_json(&at, &size);
    AUTO(json) json_t *entries = next_json(&at, &size);
    if (!json_is_object(live) || !json_is_object(applied))
        return 0;
    if (!json_is_object(json_object_get(live, "metadata")))
        json_object_set_new(live, "metadata", json_object());
    if (json_is_array(entries))
        json_object_set(json_object_get(live, "metadata"), "managedFields", entries);
    AUTO(json) json_t *live_before = json_deep_copy(live);
    AUTO(json) json_t *applied_before = json_deep_copy(applied);
    run(live, applied, typed_by_kind(live));
    run(live, applied, typed_resource_any());
    run(live, applied, typed_any());
    assert(json_equal(live, live_before) && json_equal(applied, applied_before));
    return 0;
}
