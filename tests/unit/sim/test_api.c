/* Create, get, update, patch, delete: the rules that clients meet on every request. */
#include "tests/unit/sim/kit.h"

START_TEST(create_sets_system_fields)
{
    struct kit k = kit_create();
    AUTO(json)
    json_t *a = kit_do(&k, API_CREATE, "configmaps", "default", NULL,
                       js("{'metadata':{'name':'a','uid':'x','creationTimestamp':"
                          "'2001-01-01T00:00:00Z','deletionTimestamp':"
                          "'2001-01-01T00:00:00Z','generation':7}}"),
                       201);
    want_text(a, "kind", "ConfigMap");
    want_text(a, "apiVersion", "v1");
    want_text(a, "metadata.creationTimestamp", "2026-01-01T00:00:00Z");
    want_text(a, "metadata.namespace", "default");
    ck_assert_uint_eq(strlen(meta_uid(a)), 36);
    ck_assert(!meta_deleting(a));
    ck_assert(!json_path(a, "metadata.generation"));
    ck_assert_int_gt(strtol(meta_resource_version(a), NULL, 10), 0);
    AUTO(json) json_t *b = kit_do(&k, API_GET, "configmaps", "default", "a", NULL, 200);
    ck_assert(json_same(a, b));
    kit_destroy(&k);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sim.api");
    TCase *tc = tcase_create("api");

    json_init();
    tcase_add_test(tc, create_sets_system_fields);
    suite_add_tcase(s, tc);
    return suite_run(s);
}
