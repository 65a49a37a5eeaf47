/* The end of every libcheck program: its tests as tables, run, print failures only. CK_RUN_CASE,
 * CK_FORK and so on work; where they leave no test, that is a failure.
 *
 *     int main(void)
 *     {
 *         return SUITE_MAIN("kube.meta", SUITE_CASE("meta", TEST(reads), EACH(api_versions,
 * splits)));
 *     }
 *
 * A fixture is added to the TCase * that SUITE_CASE() gives. */
#ifndef VMCONFORM_TESTS_UNIT_SUITE_H
#define VMCONFORM_TESTS_UNIT_SUITE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* A test and the values that _i takes: from `first` up to `end`. */
struct suite_test {
    const TTest *test;
    int first, end, signal;
};

#define TEST(test)                                                                                 \
    {                                                                                              \
        (test), 0, 1, 0                                                                            \
    }
#define EACH(test, rows)                                                                           \
    {                                                                                              \
        (test), 0, (int)ARRAY_LEN(rows), 0                                                         \
    }
#define RANGE(test, first, end)                                                                    \
    {                                                                                              \
        (test), (first), (int)(end), 0                                                             \
    }
/* They must end by this signal. */
#define TEST_KILLED(test, signal)                                                                  \
    {                                                                                              \
        (test), 0, 1, (signal)                                                                     \
    }
#define EACH_KILLED(test, rows, signal)                                                            \
    {                                                                                              \
        (test), 0, (int)ARRAY_LEN(rows), (signal)                                                  \
    }

/* seconds: for each test; 0: as libcheck has it, or CK_DEFAULT_TIMEOUT. */
#define SUITE_LONG_CASE(name, seconds, ...)                                                        \
    suite_case((name), (seconds), (const struct suite_test[]){__VA_ARGS__},                        \
               ARRAY_LEN(((const struct suite_test[]){__VA_ARGS__})))
#define SUITE_CASE(name, ...) SUITE_LONG_CASE(name, 0, __VA_ARGS__)
#define SUITE_MAIN(name, ...)                                                                      \
    suite_main((name), (TCase *const[]){__VA_ARGS__},                                              \
               sizeof((TCase *const[]){__VA_ARGS__}) / sizeof(TCase *))

static inline TCase *suite_case(const char *name, double seconds, const struct suite_test *tests,
                                size_t count)
{
    TCase *tcase = tcase_create(name);

    if (seconds > 0)
        tcase_set_timeout(tcase, seconds);
    for (size_t i = 0; i < count; i++)
        tcase_add_loop_test_raise_signal(tcase, tests[i].test, tests[i].signal, tests[i].first,
                                         tests[i].end);
    return tcase;
}

static inline int suite_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    if (srunner_ntests_run(runner) == 0) {
        const char *name = getenv("CK_RUN_CASE");

        fprintf(stderr, "no test was run: CK_RUN_CASE is '%s'\n", name ? name : "");
        failed = 1;
    }
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static inline int suite_main(const char *name, TCase *const *cases, size_t count)
{
    Suite *suite = suite_create(name);

    for (size_t i = 0; i < count; i++)
        suite_add_tcase(suite, cases[i]);
    return suite_run(suite);
}

#endif
