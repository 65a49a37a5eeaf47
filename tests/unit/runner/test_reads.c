#include "runner/reads.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/suite.h"

static void note(struct reads *r, const char *by, const char *body, int64_t t)
{
    AUTO(json) json_t *v = json_read(body, strlen(body), "t", NULL);

    ck_assert_ptr_nonnull(v);
    reads_note(r, by, "main", "Pod", v, t);
}

START_TEST(last_received)
{
    struct reads r = {0};
    int64_t t = 0;

    ck_assert_uint_eq(reads_version(&r, "a", "main", "Pod", "ns", "x", &t), 0);
    note(&r, "a", "{\"metadata\":{\"name\":\"x\",\"namespace\":\"ns\",\"resourceVersion\":\"5\"}}",
         1);
    note(&r, "a",
         "{\"items\":[{\"metadata\":{\"name\":\"x\",\"namespace\":\"ns\",\"resourceVersion\":\"7\"}"
         "},"
         "{\"metadata\":{\"name\":\"y\",\"resourceVersion\":\"8\"}}]}",
         2);
    note(&r, "b", "{\"kind\":\"Status\",\"metadata\":{},\"code\":404}", 3);
    ck_assert_uint_eq(reads_version(&r, "a", "main", "Pod", "ns", "x", &t), 7);
    ck_assert_int_eq(t, 2);
    ck_assert_uint_eq(reads_version(&r, "a", "main", "Pod", NULL, "y", NULL), 8);
    ck_assert_uint_eq(reads_version(&r, "a", "main", "Pod", "", "y", NULL), 8);
    ck_assert_uint_eq(reads_version(&r, "a", "other", "Pod", "ns", "x", NULL), 0);
    ck_assert_uint_eq(reads_version(&r, "b", "main", "Pod", "ns", "x", NULL), 0);
    ck_assert_uint_eq(reads_version(&r, "a", "main", "Pod", "nsx", "", NULL), 0);
    reads_finish(&r);
}
END_TEST

START_TEST(many)
{
    struct reads r = {0};

    for (int i = 1; i <= 5000; i++) {
        AUTO(str)
        char *body =
            mem_printf("{\"metadata\":{\"name\":\"o%d\",\"resourceVersion\":\"%d\"}}", i, i);

        note(&r, "a", body, i);
    }
    for (int i = 1; i <= 5000; i++) {
        AUTO(str) char *name = mem_printf("o%d", i);

        ck_assert_uint_eq(reads_version(&r, "a", "main", "Pod", "", name, NULL), (uint64_t)i);
    }
    ck_assert_uint_eq(r.count, 5000);
    reads_finish(&r);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("reads", SUITE_CASE("all", TEST(last_received), TEST(many)));
}
