#include "kube/meta.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "kube/time.h"
#include "tests/unit/suite.h"

static json_t *read_json(const char *text)
{
    json_t *v = json_read(text, strlen(text), "t", NULL);

    ck_assert_msg(v != NULL, "%s", text);
    return v;
}

static void check_text(const json_t *v, const char *want)
{
    AUTO(str) char *text = json_text(v);

    ck_assert_str_eq(text, want);
}

START_TEST(reads)
{
    AUTO(json)
    json_t *obj = read_json(
        "{\"apiVersion\":\"g/v1\",\"kind\":\"K\",\"metadata\":{\"name\":\"a\",\"namespace\":\"n\","
        "\"uid\":\"u\",\"resourceVersion\":\"7\",\"generation\":3,\"labels\":{\"x.y/z\":\"1\"},"
        "\"annotations\":{\"q\":\"2\"},\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"}}");
    AUTO(json) json_t *empty = json_object();

    ck_assert_str_eq(meta_name(obj), "a");
    ck_assert_str_eq(meta_namespace(obj), "n");
    ck_assert_str_eq(meta_uid(obj), "u");
    ck_assert_str_eq(meta_resource_version(obj), "7");
    ck_assert_str_eq(meta_kind(obj), "K");
    ck_assert_str_eq(meta_api_version(obj), "g/v1");
    ck_assert_int_eq(meta_generation(obj), 3);
    ck_assert_str_eq(meta_label(obj, "x.y/z"), "1");
    ck_assert_str_eq(meta_annotation(obj, "q"), "2");
    ck_assert(meta_deleting(obj));
    ck_assert_str_eq(meta_name(empty), "");
    ck_assert_ptr_null(meta_label(empty, "x"));
    ck_assert(!meta_deleting(empty));
    ck_assert_str_eq(meta_uid(NULL), "");
}
END_TEST

START_TEST(finalizers)
{
    AUTO(json) json_t *obj = json_object();

    ck_assert(!meta_has_finalizer(obj, "a"));
    ck_assert(!meta_remove_finalizer(obj, "a"));
    ck_assert(meta_add_finalizer(obj, "a"));
    ck_assert(!meta_add_finalizer(obj, "a"));
    ck_assert(meta_add_finalizer(obj, "b"));
    check_text(obj, "{\"metadata\":{\"finalizers\":[\"a\",\"b\"]}}");
    ck_assert(meta_remove_finalizer(obj, "a"));
    ck_assert(meta_has_finalizer(obj, "b"));
    ck_assert(meta_remove_finalizer(obj, "b"));
    check_text(obj, "{\"metadata\":{}}");
}
END_TEST

START_TEST(labels_and_annotations)
{
    AUTO(json) json_t *obj = json_object();

    meta_set_annotation(obj, "a.b/c", NULL);
    meta_set_label(obj, "a.b/c", "1");
    meta_set_annotation(obj, "a.b/c", "2");
    meta_set_annotation(obj, "a.b/c", "3");
    check_text(obj,
               "{\"metadata\":{\"labels\":{\"a.b/c\":\"1\"},\"annotations\":{\"a.b/c\":\"3\"}}}");
    meta_set_annotation(obj, "a.b/c", NULL);
    check_text(obj, "{\"metadata\":{\"labels\":{\"a.b/c\":\"1\"}}}");
}
END_TEST

START_TEST(owners)
{
    AUTO(json)
    json_t *owner = read_json(
        "{\"apiVersion\":\"g/v1\",\"kind\":\"K\",\"metadata\":{\"name\":\"a\",\"uid\":\"u\"}}");
    AUTO(json) json_t *obj = json_object();

    ck_assert_ptr_null(meta_controller_of(obj));
    json_put_take(obj, "metadata.ownerReferences",
                  json_pack("[o, o]", meta_owner_ref(owner, false, false),
                            meta_owner_ref(owner, true, true)));
    check_text(meta_controller_of(obj),
               "{\"apiVersion\":\"g/v1\",\"kind\":\"K\",\"name\":\"a\",\"uid\":\"u\","
               "\"controller\":true,\"blockOwnerDeletion\":true}");
}
END_TEST

static const struct split_case {
    const char *text, *group, *version; /* group NULL: malformed */
} splits[] = {
    {"v1", "", "v1"},
    {"apps/v1", "apps", "v1"},
    {"a.b.io/v1beta1", "a.b.io", "v1beta1"},
    {"", NULL, NULL},
    {"a/", NULL, NULL},
    {"/v1", NULL, NULL},
    {"a/b/c", NULL, NULL},
    {"much-too-long-for-the-buffer/v1", NULL, NULL},
};

START_TEST(api_versions)
{
    const struct split_case *c = &splits[_i];
    char group[16], version[16];
    bool ok = meta_split_api_version(c->text, group, sizeof group, version, sizeof version);

    ck_assert_msg(ok == (c->group != NULL), "%s", c->text);
    if (!ok)
        return;
    ck_assert_str_eq(group, c->group);
    ck_assert_str_eq(version, c->version);
    ck_assert(meta_split_api_version(c->text, NULL, 0, NULL, 0));
}
END_TEST

START_TEST(conditions)
{
    AUTO(json) json_t *obj = json_object();

    ck_assert_str_eq(meta_condition_status(obj, "Ready"), "");
    ck_assert(meta_set_condition(obj, "Ready", "False", "Starting", "wait", 0));
    ck_assert(!meta_set_condition(obj, "Ready", "False", "Starting", "wait", 5 * NS_PER_S));
    ck_assert(meta_set_condition(obj, "Ready", "False", "Starting", "longer", 5 * NS_PER_S));
    check_text(obj, "{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\","
                    "\"lastTransitionTime\":\"1970-01-01T00:00:00Z\",\"reason\":\"Starting\","
                    "\"message\":\"longer\"}]}}");
    ck_assert(meta_set_condition(obj, "Ready", "True", NULL, NULL, 9 * NS_PER_S));
    ck_assert(meta_set_condition(obj, "Other", "Unknown", "x", "", 9 * NS_PER_S));
    ck_assert_str_eq(meta_condition_status(obj, "Ready"), "True");
    ck_assert_str_eq(json_str(meta_condition(obj, "Ready"), "lastTransitionTime"),
                     "1970-01-01T00:00:09Z");
    ck_assert_str_eq(json_str(meta_condition(obj, "Ready"), "reason"), "");
    ck_assert_str_eq(meta_condition_status(obj, "Other"), "Unknown");
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("kube.meta", SUITE_CASE("meta", TEST(reads), TEST(finalizers),
                                              TEST(labels_and_annotations), TEST(owners),
                                              EACH(api_versions, splits), TEST(conditions)));
}
