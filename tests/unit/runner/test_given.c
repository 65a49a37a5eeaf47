/* Fixtures, matrices, what the loader refuses. */
#include "tests/unit/runner/story.h"
#include "tests/unit/suite.h"

static const struct bad_row {
    const char *name, *spec, *mistake;
} bad[] = {
    {"a fixture that includes itself", "  given: [{fixture: self}]\n  steps: []\n",
     "the fixture 'self' includes itself"},
    {"too many fixtures", "  given: [{fixture: many0}]\n  steps: []\n",
     "more than 256 fixtures are included"},
    {"a missing parameter", "  given: [{fixture: one}]\n  steps: []\n",
     "fixture 'one' needs the parameter 'num'"},
    {"an unknown parameter", "  given: [{fixture: one, with: {num: a, m: b}}]\n  steps: []\n",
     "fixture 'one' has no parameter 'm'"},
    {"a template's unknown parameter",
     "  templates: {t: {params: {name: a}, steps: []}}\n  steps: [{use: t, with: {nmae: b}}]\n",
     "template 't' has no parameter 'nmae'"},
    {"a template's missing parameter",
     "  templates: {t: {params: {name: null}, steps: []}}\n  steps: [{use: t}]\n",
     "template 't' needs the parameter 'name'"},
    {"a parameter named self",
     "  templates: {t: {params: {self: a}, steps: []}}\n  steps: [{use: t}]\n",
     "'self' cannot be the name of a variable"},
    {"one value twice", "  matrix: {a: [1, \"1\"]}\n  steps: []\n", "matrix: 'a' has '1' twice"},
    {"nothing left", "  matrix: {a: [1], exclude: [{a: 1}]}\n  steps: []\n",
     "matrix: 'exclude' leaves no case"},
    {"absent: false", "  steps: [{assert: {kind: A, name: b, absent: false}}]\n",
     "'absent' can only be true"},
    {"a negative duration", "  steps: [{clock: {advance: -1s}}]\n", "must be a duration"},
    {"guest's extent", "  steps: [{guest: {vm: a, write: {frist: 0, blocks: 1}}}]\n",
     "write: unknown key 'frist'"},
};

static void write_fixtures(struct story *s)
{
    story_fixture(s, "self", "  given: [{fixture: self}]\n");
    story_fixture(
        s, "one",
        "  params: {num: null}\n"
        "  given: [{objects: [{apiVersion: v1, kind: Namespace, metadata: {name: \"${num}\"}"
        "}]}, {steps: [{use: tell}]}]\n"
        "  templates:\n    tell:\n      steps:\n"
        "        - {assert: {kind: Namespace, name: \"${num}\", has: {}}}\n"
        "        - {create: {apiVersion: v1, kind: Namespace, metadata: {name: "
        "\"told-${num}\"}}, when: \"false\"}\n"
        "  never: [{name: gone, upon: {event: DELETED, kind: Namespace, name: \"${num}\"}}]\n");
    for (int i = 0; i < 4; i++) {
        AUTO(str) char *name = mem_printf("many%d", i);
        AUTO(str) char *next = mem_printf("many%d", i + 1);
        AUTO(str)
        char *spec = i == 3 ? mem_strdup("  given: []\n")
                            : mem_printf("  given: [{fixture: %s}, {fixture: %s}, {fixture: %s}, "
                                         "{fixture: %s}, {fixture: %s}, {fixture: %s}, {fixture: "
                                         "%s}, {fixture: %s}]\n",
                                         next, next, next, next, next, next, next, next);

        story_fixture(s, name, spec);
    }
}

START_TEST(refused)
{
    struct story s;
    bool found = false;

    story_open(&s);
    write_fixtures(&s);
    ck_assert_msg(!story_load(&s, bad[_i].spec), "%s", bad[_i].name);
    for (size_t i = 0; i < s.diags.count; i++)
        found = found || strstr(s.diags.items[i].err.msg, bad[_i].mistake);
    ck_assert_msg(found, "%s: %s", bad[_i].name, story_mistakes(&s));
    ck_assert_uint_gt(s.diags.items[0].err.pos.line, 0);
    story_close(&s);
}
END_TEST

static const struct story_row rows[] = {
    {"twice, with values of their own",
     "  given: [{fixture: one, with: {num: a}}, {fixture: one, with: {num: b}}]\n"
     "  steps: [{assert: \"exists('Namespace', 'a') && exists('Namespace', 'b')\"}]\n",
     RESULT_PASSED, NULL, NULL},
    {"twice, and both laws hold",
     "  given: [{fixture: one, with: {num: a}}, {fixture: one, with: {num: b}}]\n"
     "  steps: [{delete: {kind: Namespace, name: b}}, {settle: {}}]\n",
     RESULT_FAILED, NULL, "gone"},
    {"whose template is meant",
     "  given: [{fixture: one, with: {num: a}}, {fixture: one, with: {num: b}}]\n"
     "  steps: [{use: tell}]\n",
     RESULT_ERROR, "scenario", "which is included more than once"},
    {"a hole gives the parameters",
     "  vars: {p: {num: c}}\n  given: [{fixture: one, with: \"${p}\"}]\n  steps: [{use: tell}]\n",
     RESULT_PASSED, NULL, NULL},
    {"a hole lacks a parameter",
     "  vars: {p: {}}\n  given: [{fixture: one, with: \"${p}\"}]\n  steps: []\n", RESULT_ERROR,
     NULL, "fixture 'one' needs the parameter 'num'"},
    {"a hole has a parameter too many",
     "  vars: {p: {num: a, m: b}}\n  given: [{fixture: one, with: \"${p}\"}]\n  steps: []\n",
     RESULT_ERROR, NULL, "fixture 'one' has no parameter 'm'"},
};

START_TEST(included)
{
    const struct story_row *row = &rows[_i];
    struct story s;
    struct case_options options = {.seed = 1};
    struct case_outcome out;

    story_open(&s);
    write_fixtures(&s);
    ck_assert_msg(story_load(&s, row->spec), "%s: %s", row->name, story_mistakes(&s));
    story_run(&s, &options, &out);
    ck_assert_msg(out.result->status == row->status &&
                      (!row->headline || strstr(out.result->headline, row->headline)),
                  "%s: %s", row->name, out.result->headline ? out.result->headline : "passed");
    case_outcome_finish(&out);
    story_close(&s);
}
END_TEST

START_TEST(cases_and_their_names)
{
    struct story s;
    AUTO(json) json_t *cases = NULL;
    static const char *const wanted[] = {"story[a=1,b=x]", "story[a=1,b=z]", "story[a=2,b=x]"};

    story_open(&s);
    ck_assert_ptr_nonnull(
        story_load(&s, "  matrix: {a: [1, 2], b: [x, z], exclude: [{a: 2, b: z}]}\n  steps: []\n"));
    cases = scenario_cases(s.unit);
    ck_assert_uint_eq(json_array_size(cases), ARRAY_LEN(wanted));
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        AUTO(str) char *name = scenario_case_name(s.unit, json_array_get(cases, i));

        ck_assert_str_eq(name, wanted[i]);
    }
    story_close(&s);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("given", SUITE_LONG_CASE("all", 60, EACH(refused, bad), EACH(included, rows),
                                               TEST(cases_and_their_names)));
}
