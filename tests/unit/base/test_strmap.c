#include "base/strmap.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/prng.h"
#include "base/strbuf.h"
#include "tests/unit/suite.h"

static void check_order(const struct strmap *m, const char *want)
{
    struct strbuf got = {0};
    const char *key;
    void *value;
    size_t i = 0;

    while (strmap_each(m, &i, &key, &value))
        strbuf_addf(&got, "%s=%s ", key, (const char *)value);
    ck_assert_str_eq(strbuf_str(&got), want);
    strbuf_finish(&got);
}

START_TEST(keeps_the_order)
{
    struct strmap *m = strmap_create();

    ck_assert_ptr_null(strmap_get(m, "z"));
    ck_assert_ptr_null(strmap_remove(m, "z"));
    check_order(m, "");
    strmap_put(m, "z", "1");
    strmap_put(m, "a", "2");
    strmap_put(m, "", "3");
    ck_assert_str_eq(strmap_put(m, "z", "4"), "1");
    check_order(m, "z=4 a=2 =3 ");
    ck_assert_str_eq(strmap_remove(m, "a"), "2");
    ck_assert_uint_eq(strmap_count(m), 2);
    strmap_put(m, "a", "5");
    check_order(m, "z=4 =3 a=5 ");
    strmap_destroy(m, NULL);
}
END_TEST

START_TEST(walk_survives_changes)
{
    struct strmap *m = strmap_create();
    const char *key;
    void *value;
    size_t i = 0, visited = 0;

    for (int k = 0; k < 100; k++) {
        char name[16];

        snprintf(name, sizeof name, "k%d", k);
        strmap_put(m, name, "v");
    }
    /* Every visited entry goes, and 200 come: packing in between must neither skip nor repeat. */
    while (strmap_each(m, &i, &key, &value)) {
        char name[16];

        ck_assert(snprintf(name, sizeof name, "k%zu", visited) > 0);
        ck_assert_str_eq(key, name);
        strmap_remove(m, name);
        if (visited < 200) {
            snprintf(name, sizeof name, "k%zu", visited + 100);
            strmap_put(m, name, "v");
        }
        visited++;
    }
    ck_assert_uint_eq(visited, 300);
    ck_assert_uint_eq(strmap_count(m), 0);
    strmap_destroy(m, NULL);
}
END_TEST

START_TEST(agrees_with_a_plain_table)
{
    struct strmap *m = strmap_create();
    char *model[64] = {0};
    size_t live = 0;
    struct prng p;

    prng_init(&p, 11, "strmap");
    for (int step = 0; step < 20000; step++) {
        size_t k = prng_below(&p, 64);
        uint64_t what = prng_below(&p, 3);
        char name[8];

        snprintf(name, sizeof name, "%zu", k);
        if (what == 0) {
            char *old = strmap_remove(m, name);

            ck_assert_ptr_eq(old, model[k]);
            live -= old != NULL;
            free(old);
            model[k] = NULL;
        } else if (what == 1) {
            char *fresh = mem_printf("%d", step), *old = strmap_put(m, name, fresh);

            ck_assert_ptr_eq(old, model[k]);
            live += old == NULL;
            free(old);
            model[k] = fresh;
        } else {
            ck_assert_ptr_eq(strmap_get(m, name), model[k]);
        }
        ck_assert_uint_eq(strmap_count(m), live);
    }
    strmap_destroy(m, free);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("base.strmap",
                      SUITE_CASE("strmap", TEST(keeps_the_order), TEST(walk_survives_changes),
                                 TEST(agrees_with_a_plain_table)));
}
