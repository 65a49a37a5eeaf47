/* The end of every libcheck program: run one test case table, print failures only. CK_RUN_CASE,
 * CK_FORK and so on work. */
#ifndef VMCONFORM_TESTS_UNIT_SUITE_H
#define VMCONFORM_TESTS_UNIT_SUITE_H

#include <check.h>
#include <stdlib.h>

static inline int suite_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
