/* The ordered table and the log behind watches. */
#include "sim/apiserver/store.h"

#include "base/prng.h"
#include "tests/unit/sim/kit.h"
#include "tests/unit/suite.h"

START_TEST(keys)
{
    char key[STORE_KEY_MAX];
    ck_assert(store_key(key, "ns", "a"));
    ck_assert_str_eq(key, "ns/a");
    ck_assert(store_key(key, NULL, "a"));
    ck_assert_str_eq(key, "a");
    char long_name[STORE_KEY_MAX + 1];
    memset(long_name, 'x', STORE_KEY_MAX);
    long_name[STORE_KEY_MAX] = '\0';
    ck_assert(!store_key(key, "ns", long_name));
}
END_TEST

/* Many insertions and removals in a drawn order: always sorted, nothing lost. */
START_TEST(order_survives_churn)
{
    enum { N = 3000 };
    struct store_table t = {0};
    struct prng p;
    prng_init(&p, 7, "churn");
    bool there[N] = {false};
    size_t count = 0;
    for (int i = 0; i < 20000; i++) {
        size_t n = (size_t)prng_below(&p, N);
        char key[32];
        snprintf(key, sizeof(key), "ns/%04zu", n);
        if (there[n]) {
            ck_assert(store_find(&t, key) != NULL);
            store_remove(&t, key);
            count--;
        } else {
            ck_assert(store_find(&t, key) == NULL);
            store_insert(&t, key, json_integer((json_int_t)n));
            count++;
        }
        there[n] = !there[n];
    }
    ck_assert_uint_eq(t.count, count);
    struct store_pos pos = store_seek(&t, "");
    const struct store_entry *e;
    size_t n = 0;
    while ((e = store_next(&t, &pos))) {
        while (n < N && !there[n])
            n++;
        ck_assert_int_eq(json_integer_value(e->object), (json_int_t)n);
        n++;
        count--;
    }
    ck_assert_uint_eq(count, 0);
    store_finish(&t);
}
END_TEST

START_TEST(seek_is_first_not_smaller)
{
    struct store_table t = {0};
    static const char *const sorted[] = {"a/1", "a/3", "b/1"};
    for (size_t i = 0; i < ARRAY_LEN(sorted); i++)
        store_insert(&t, sorted[i], json_integer(1));
    struct store_pos pos = store_seek(&t, "a/2");
    ck_assert_str_eq(store_next(&t, &pos)->key, "a/3");
    pos = store_seek(&t, "a/3");
    ck_assert_str_eq(store_next(&t, &pos)->key, "a/3");
    pos = store_seek(&t, "c");
    ck_assert(store_next(&t, &pos) == NULL);
    store_finish(&t);
}
END_TEST

START_TEST(log_is_a_ring)
{
    struct event_log l = {0};
    AUTO(json) json_t *object = json_object();
    for (int i = 1; i <= (int)LOG_MAX + 10; i++) {
        struct log_entry e = {.type = EVENT_ADDED, .revision = i * 2, .object = object};
        log_append(&l, &e);
    }
    ck_assert_uint_eq(l.next - l.first, LOG_MAX);
    ck_assert_int_eq(l.lost_revision, 20);
    ck_assert_int_eq(log_at(&l, l.first)->revision, 22);
    ck_assert_int_eq(log_at(&l, log_after(&l, 22))->revision, 24);
    ck_assert_int_eq(log_at(&l, log_after(&l, 23))->revision, 24);
    ck_assert_uint_eq(log_after(&l, 1 << 20), l.next);
    log_finish(&l);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sim.store",
                      SUITE_CASE("store", TEST(keys), TEST(order_survives_churn),
                                 TEST(seek_is_first_not_smaller), TEST(log_is_a_ring)));
}
