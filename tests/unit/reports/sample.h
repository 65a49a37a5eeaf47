/* Results for the tests of report writers. */
#ifndef VMCONFORM_TESTS_UNIT_REPORTS_SAMPLE_H
#define VMCONFORM_TESTS_UNIT_REPORTS_SAMPLE_H

#include "base/mem.h"
#include "reports/result.h"

static inline struct result_case *sample_case(const char *name, const char *suite,
                                              enum result_status status)
{
    struct result_case *r = result_case_create();

    r->name = mem_strdup(name);
    r->suite = mem_strdup(suite);
    r->file = mem_printf("scenarios/%s/%s.yaml", suite, name);
    r->line = 7;
    r->seed = UINT64_C(18446744073709551615);
    r->status = status;
    r->replay = mem_printf("vmconform run --seed 1 %s", r->file);
    r->requirements = mem_zalloc(2 * sizeof *r->requirements);
    r->requirements[0] = mem_strdup("some-promise");
    r->checked = mem_zalloc(2 * sizeof *r->checked);
    r->checked[0] = mem_strdup("never: \"a\" < b & c");
    r->virtual_ns = 1500000000;
    r->wall_ns = 2000000;
    if (status != RESULT_PASSED)
        r->headline = mem_printf("%s:7:1: it broke", r->file);
    if (status == RESULT_FAILED)
        r->details = mem_strdup("  x: want 1, got 2\nwho did what\n");
    if (status == RESULT_ERROR)
        r->error_type = mem_strdup("stage");
    return r;
}

#endif
