/* One real scenario: the same twice gives the same trace; a crash can fall on each write. */
#include "runner/case.h"

#include "tests/unit/runner/story.h"
#include "tests/unit/suite.h"

#define SCENARIO "scenarios/osac/create/create-offline.yaml"

struct loaded {
    struct library *library;
    struct unit *unit;
    json_t *values;
};

static void load(struct loaded *l)
{
    AUTO(diags) struct diags diags = {0};

    l->library = library_create();
    l->unit = scenario_load(l->library, SCENARIO, &diags);
    ck_assert_msg(l->unit, "%s", diags.count ? diags.items[0].err.msg : "");
    l->values = scenario_cases(l->unit);
}

static void unload(struct loaded *l)
{
    json_decref(l->values);
    unit_destroy(l->unit);
    library_destroy(l->library);
}

static void run(const struct loaded *l, const struct case_options *options,
                struct case_outcome *ret)
{
    run_case(l->unit, json_array_get(l->values, 0), options, ret);
}

START_TEST(same_seed_same_trace)
{
    struct loaded l;
    struct case_options options = {.seed = 5, .trace = true};
    struct case_outcome a, b;

    load(&l);
    run(&l, &options, &a);
    run(&l, &options, &b);
    ck_assert_int_eq(a.result->status, RESULT_PASSED);
    ck_assert_uint_gt(a.trace.len, 1000);
    ck_assert_str_eq(strbuf_str(&a.trace), strbuf_str(&b.trace));
    ck_assert_int_eq(a.result->virtual_ns, b.result->virtual_ns);
    case_outcome_finish(&a);
    case_outcome_finish(&b);
    unload(&l);
}
END_TEST

/* The points are counted the same in every run up to the crash, so each exists. */
START_TEST(a_crash_at_each_write)
{
    struct loaded l;
    struct case_options options = {.seed = 1, .trace = true};
    struct case_outcome plain;
    uint64_t points;

    load(&l);
    run(&l, &options, &plain);
    points = plain.crash_points;
    ck_assert_uint_gt(points, 2);
    for (uint64_t k = 1; k <= points; k++) {
        struct case_outcome crashed;

        options.crash_point = (int64_t)k;
        options.crash_moment = (enum request_moment)(k % 3);
        run(&l, &options, &crashed);
        ck_assert_msg(crashed.result->status == RESULT_PASSED, "point %llu: %s",
                      (unsigned long long)k, crashed.result->headline);
        ck_assert_msg(strcmp(strbuf_str(&plain.trace), strbuf_str(&crashed.trace)) != 0,
                      "point %llu: nothing crashed", (unsigned long long)k);
        case_outcome_finish(&crashed);
    }
    case_outcome_finish(&plain);
    unload(&l);
}
END_TEST

START_TEST(the_limit_of_events)
{
    struct loaded l;
    struct case_options options = {.seed = 1, .events_max = 50};
    struct case_outcome out;

    load(&l);
    run(&l, &options, &out);
    ck_assert_int_eq(out.result->status, RESULT_ERROR);
    ck_assert_str_eq(out.result->error_type, "limit");
    ck_assert_msg(strstr(out.result->headline, ".yaml:"), "%s", out.result->headline);
    case_outcome_finish(&out);
    unload(&l);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sweep",
                      SUITE_LONG_CASE("all", 100, TEST(same_seed_same_trace),
                                      TEST(a_crash_at_each_write), TEST(the_limit_of_events)));
}
