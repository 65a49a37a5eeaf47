/* Races: every order of turns, or a sample; what is told of them. */
#include "runner/interleave.h"
#include "runner/orders.h"
#include "runner/turns.h"

#include "tests/unit/runner/story.h"
#include "tests/unit/suite.h"

/* ---- turns ---- */

static const char *const letters[RACERS_MAX] = {"a", "b", "c"};
static const char *const words[RACERS_MAX] = {"ann", "anna"};

/* Plays lists of so many turns; every order once, and all of them. */
static uint64_t count_orders(const size_t *lengths, size_t racers, uint64_t *ret_told)
{
    struct turn plan[64] = {{0, 0}};
    size_t begin = 0;
    uint64_t orders = 0;

    do {
        struct turns t;
        size_t left[RACERS_MAX] = {0}, total = 0;

        turns_init(&t, &(struct turn_plan){.begin = plan, .begin_count = begin});
        for (size_t i = 0; i < racers; i++)
            total += left[i] = lengths[i];
        for (; total > 0; total--) {
            unsigned could = 0;

            for (size_t i = 0; i < racers; i++)
                could |= left[i] ? 1u << i : 0;
            left[turns_choose(&t, could, letters)]--;
        }
        turns_count_race(&t, lengths, racers);
        *ret_told = t.orders;
        memcpy(plan, t.items, t.count * sizeof *plan);
        begin = turns_next(plan, t.count);
        turns_finish(&t);
        orders++;
    } while (begin > 0);
    return orders;
}

static const struct {
    size_t lengths[3], racers;
    uint64_t orders;
} shapes[] = {{{1, 1}, 2, 2}, {{2, 2}, 2, 6}, {{4, 4}, 2, 70}, {{3, 1}, 2, 4}, {{2, 2, 2}, 3, 90}};

START_TEST(each_order_once)
{
    uint64_t told = 0;

    ck_assert_uint_eq(count_orders(shapes[_i].lengths, shapes[_i].racers, &told),
                      shapes[_i].orders);
    ck_assert_uint_eq(told, shapes[_i].orders);
}
END_TEST

/* ---- orders that were run ---- */

/* Plays two lists of two and three turns; the items are the caller's. */
static void play(struct turns *t, const struct turn_plan *plan)
{
    size_t left[2] = {2, 3};

    turns_init(t, plan);
    while (left[0] + left[1] > 0) {
        unsigned could = (left[0] ? 1u : 0) | (left[1] ? 2u : 0);

        left[turns_choose(t, could, letters)]--;
    }
}

/* What is drawn without a run is what a run draws. */
START_TEST(an_order_is_known_when_it_was_run)
{
    AUTO(orders) struct orders *known = orders_create();
    AUTO(json) json_t *seen = json_object();
    size_t again = 0;

    for (uint64_t seed = 0; seed < 200; seed++) {
        const struct turn_plan plan = {.random = true, .seed = seed};
        bool expected = orders_know(known, &plan);
        struct turns t;

        play(&t, &plan);
        ck_assert_int_eq(expected, json_object_get(seen, turns_text(&t)) != NULL);
        again += expected;
        json_object_set_new(seen, turns_text(&t), json_true());
        orders_add(known, t.items, t.count);
        turns_finish(&t);
    }
    ck_assert_uint_eq(json_object_size(seen), 10);
    ck_assert_uint_eq(again, 190);
}
END_TEST

/* A case of ten orders that nobody could count. */
static void run_lists(void *cookie, const struct case_options *options, struct case_outcome *ret)
{
    struct turns t;

    ++*(unsigned *)cookie;
    play(&t, &options->turns);
    *ret = (struct case_outcome){.result = result_case_create(), .orders = 1000, .uncounted = true};
    ret->result->status = RESULT_PASSED;
    ret->interleaving = mem_strdup(turns_text(&t));
    ret->turn_count = t.count;
    ret->turns = TAKE(t.items);
    turns_finish(&t);
}

START_TEST(no_order_of_a_sample_runs_twice)
{
    const struct case_options base = {.seed = 1};
    struct case_outcome out;
    unsigned runs = 0;

    run_lists(&runs, &base, &out);
    interleave(&base, run_lists, &runs, &out);
    ck_assert_str_eq(out.result->checked[0], "race: 10 interleavings, sampled");
    ck_assert_uint_eq(runs, 11); /* and the last of all, of which the result tells */
    case_outcome_finish(&out);
}
END_TEST

START_TEST(too_many_to_count)
{
    struct turns t;

    turns_init(&t, &(struct turn_plan){0});
    turns_count_race(&t, (const size_t[]){8, 8}, 2);
    ck_assert_uint_eq(t.orders, 12870);
    turns_count_race(&t, (const size_t[]){100, 100}, 2);
    ck_assert_uint_eq(t.orders, UINT64_MAX);
    turns_finish(&t);
}
END_TEST

START_TEST(names_are_read_back)
{
    struct turns t;

    turns_init(&t, &(struct turn_plan){.text = "anna.ann.anna"});
    ck_assert_int_eq(turns_choose(&t, 3, words), 1);
    ck_assert_int_eq(turns_choose(&t, 3, words), 0);
    ck_assert_int_eq(turns_choose(&t, 3, words), 1);
    ck_assert_int_eq(turns_choose(&t, 3, words), 0); /* what it leaves open */
    ck_assert_str_eq(turns_text(&t), "anna.ann.anna.ann");
    turns_finish(&t);
    turns_init(&t, &(struct turn_plan){.text = "abz"});
    ck_assert_int_eq(turns_choose(&t, 3, letters), 0);
    ck_assert_int_eq(turns_choose(&t, 3, letters), 1);
    ck_assert_int_eq(turns_choose(&t, 3, letters), -1);
    turns_finish(&t);
}
END_TEST

/* ---- cases ---- */

struct bench {
    struct story *story;
    size_t runs;
};

static void run_again(void *cookie, const struct case_options *options, struct case_outcome *ret)
{
    struct bench *b = cookie;

    b->runs++;
    story_run(b->story, options, ret);
}

struct race_row {
    const char *name, *spec;
    size_t runs;
    enum result_status status;
    const char *headline, *told, *interleaving;
};

#define SHELF                                                                                      \
    "  given: [{component: shelf}]\n"                                                              \
    "  steps:\n"                                                                                   \
    "    - clock: {advance: 1s}\n"
#define CM(name, value)                                                                            \
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: " name ", namespace: default}, data: {v: " \
    "\"" value "\"}}"
#define APPLY(value) "{apply: " CM("c", value) "}"
#define FREE(title, save) "{call: {method: PUT, path: /v1/none, save: " save ", expect: {code: 0}}}"

static const struct race_row races[] = {
    {"all orders of two and two",
     "  steps:\n"
     "    - race: {a: [" APPLY("1") ", " APPLY("2") "], b: [" APPLY("3") ", " APPLY(
         "4") "]}\n"
              "  sometimes: [\"get('ConfigMap', 'default/c').data.v == '4'\"]\n",
     6, RESULT_PASSED, NULL, "race: all 6 interleavings", NULL},
    {"what happens in one of them is enough",
     "  steps:\n"
     "    - race: {a: [" APPLY("1") "], b: [" APPLY(
         "2") "]}\n"
              "    - patch: {kind: ConfigMap, name: default/c, merge: {data: {x: \"5\"}}}\n"
              "  sometimes: [\"get('ConfigMap', 'default/c').data == {'v': '1', 'x': '5'}\"]\n",
     2, RESULT_PASSED, NULL, "race: all 2 interleavings", NULL},
    {"what happens in none of them is missed",
     "  steps: [{race: {a: [" APPLY("1") "], b: [" APPLY(
         "2") "]}}]\n"
              "  sometimes: [\"get('ConfigMap', 'default/c').data.v == '3'\"]\n",
     3, RESULT_VACUOUS, "never happened in any interleaving", "race: all 2 interleavings", NULL},
    {"the one that fails is told",
     "  steps:\n"
     "    - race: {a: [" APPLY("1") ", " APPLY("2") "], b: [" APPLY(
         "3") "]}\n"
              "    - assert: \"get('ConfigMap', 'default/c').data.v != '2'\"\n"
              "  sometimes: [\"true\"]\n",
     2, RESULT_FAILED, "does not hold", NULL, "aba"},
    {"what only looks goes with what is before it",
     "  steps:\n"
     "    - race:\n"
     "        a: [" APPLY(
         "1") ", {assert: \"get('ConfigMap', 'default/c').data.v == '1'\"}, {assert: "
              "\"true\"}]\n"
              "        b: [" APPLY(
                  "2") ", {wait: {kind: ConfigMap, name: default/c, has: {data: {v: \"2\"}}}}]\n"
                       "  sometimes: [\"true\"]\n",
     2, RESULT_PASSED, NULL, "race: all 2 interleavings", NULL},
    {"templates are taken apart",
     "  templates:\n"
     "    two: {params: {v: null}, steps: [{apply: " CM("c", "${v}") "}, {apply: " CM(
         "d", "${v}") "}]}\n"
                      "  steps:\n"
                      "    - race: {a: [{use: two, with: {v: \"1\"}}], b: [{use: two, with: {v: "
                      "\"2\"}}]}\n"
                      "  sometimes:\n"
                      "    - \"get('ConfigMap', 'default/c').data.v == '1' && get('ConfigMap', "
                      "'default/d').data.v == "
                      "'2'\"\n"
                      "    - \"get('ConfigMap', 'default/c').data.v == '2' && get('ConfigMap', "
                      "'default/d').data.v == "
                      "'1'\"\n",
     6, RESULT_PASSED, NULL, "race: all 6 interleavings", NULL},
    {"more than are run",
     "  steps:\n"
     "    - race: {a: [" APPLY("1") ", " APPLY("2") ", " APPLY("3") ", " APPLY("4") ", " APPLY("5") "], b: [" APPLY(
         "1") ", " APPLY("2") ", " APPLY("3") ", " APPLY("4") ", " APPLY("5") "]}\n"
                                                                              "  sometimes: "
                                                                              "[\"true\"]\n",
     0, RESULT_PASSED, NULL, "race: 200 of 252 interleavings, sampled", NULL},
    {"two races",
     "  steps:\n"
     "    - race: {a: [" APPLY("1") "], b: [" APPLY(
         "2") "]}\n"
              "    - race: {a: [" APPLY("1") "], b: [" APPLY("2") "]}\n"
                                                                  "  sometimes: [\"true\"]\n",
     4, RESULT_PASSED, NULL, "race: all 4 interleavings", NULL},

    /* ---- services ---- */
    {"a call is one turn: who is second is told so",
     SHELF "    - race: {a: [" FREE("x", "x") ", " FREE("x", "w") "], b: [" FREE(
         "x", "z") "]}\n"
                   "  sometimes: [\"calls('').size() == 3\"]\n",
     3, RESULT_PASSED, NULL, "race: all 3 interleavings", NULL},
};

static void check_told(const struct race_row *row, const struct result_case *r)
{
    bool found = false;

    for (char *const *p = r->checked; row->told && p && *p; p++)
        found = found || strcmp(*p, row->told) == 0;
    ck_assert_msg(!row->told || found, "%s: not told: %s", row->name, row->told);
}

static void check_race(const struct race_row *row)
{
    struct story s;
    struct case_options options = {.seed = 1};
    struct case_outcome out;
    struct bench b = {&s, 1};

    story_open(&s);
    ck_assert_msg(story_load(&s, row->spec), "%s: %s", row->name, story_mistakes(&s));
    story_run(&s, &options, &out);
    ck_assert_msg(out.turn_count > 0, "%s: %s", row->name, out.result->headline);
    interleave(&options, run_again, &b, &out);
    ck_assert_msg(out.result->status == row->status, "%s: %s: %s", row->name,
                  result_status_name(out.result->status), out.result->headline);
    if (row->runs)
        ck_assert_msg(b.runs == row->runs, "%s: %zu runs", row->name, b.runs);
    if (row->headline)
        ck_assert_msg(strstr(out.result->headline, row->headline), "%s: %s", row->name,
                      out.result->headline);
    if (row->interleaving)
        ck_assert_str_eq(out.interleaving, row->interleaving);
    check_told(row, out.result);
    case_outcome_finish(&out);
    story_close(&s);
}

START_TEST(runs_them)
{
    check_race(&races[_i]);
}
END_TEST

/* ---- inside ---- */

#define DOUBLE(inside)                                                                             \
    SHELF "    - race:\n"                                                                          \
          "        a: [{call: {method: POST, path: /v1/books, as: {user: a}, body: {title: x}, "   \
          "save: one}}]\n"                                                                         \
          "        b: [{call: {method: POST, path: /v1/books, as: {user: b}, body: {title: x}, "   \
          "save: two}}]\n" inside "    - call: {method: GET, path: /v1/books, save: all}\n"        \
          "    - assert: \"all.body.size() == 1\"\n"                                               \
          "  sometimes: [\"true\"]\n"

/* The shelf looks first and writes then. One call after the other, the second one is refused; in
 * the midst of it both get through, and one book is lost. */
START_TEST(a_window_inside_a_service)
{
    struct story s;
    struct case_options options = {.seed = 1};
    struct case_outcome out;

    story_open(&s);
    ck_assert_msg(story_load(&s, DOUBLE("")), "%s", story_mistakes(&s));
    options.turns.text = "ab";
    story_run(&s, &options, &out);
    ck_assert_int_eq(out.result->status, RESULT_ERROR); /* 409, which no step expects */
    ck_assert_msg(strstr(out.result->headline, "POST /v1/books"), "%s", out.result->headline);
    case_outcome_finish(&out);
    story_close(&s);

    story_open(&s);
    ck_assert_msg(story_load(&s, DOUBLE("        inside: true\n")), "%s", story_mistakes(&s));
    options.turns.text = "abab";
    story_run(&s, &options, &out);
    ck_assert_msg(out.result->status == RESULT_PASSED, "%s", out.result->headline);
    ck_assert_msg(strncmp(out.interleaving, "abab", 4) == 0, "%s", out.interleaving);
    case_outcome_finish(&out);
    story_close(&s);
}
END_TEST

START_TEST(an_order_that_does_not_fit)
{
    struct story s;
    struct case_options options = {.seed = 1, .turns = {.text = "abz"}};
    struct case_outcome out;

    story_open(&s);
    ck_assert_msg(story_load(&s, races[0].spec), "%s", story_mistakes(&s));
    story_run(&s, &options, &out);
    ck_assert_int_eq(out.result->status, RESULT_ERROR);
    ck_assert_msg(strstr(out.result->headline, "--interleaving 'abz' does not fit: after 'ab'"),
                  "%s", out.result->headline);
    case_outcome_finish(&out);
    story_close(&s);
}
END_TEST

/* ---- mistakes of the file ---- */

static const struct {
    const char *spec, *mistake;
} mistakes[] = {
    {"  steps: [{race: {a: [{settle: {}}], b: [{settle: {}}]}}]\n", "a race needs 'sometimes'"},
    {"  steps: [{race: {a: [{settle: {}}]}}]\n  sometimes: [\"true\"]\n", "at least two lists"},
    {"  steps: [{race: {A: [{settle: {}}], b: [{settle: {}}]}}]\n  sometimes: [\"true\"]\n",
     "'A' cannot be a name"},
    {"  steps: [{race: {a: [], b: [{settle: {}}]}}]\n  sometimes: [\"true\"]\n",
     "'a' must be a list of steps"},
    {"  steps: [{race: {a: [{race: {}}], b: [{settle: {}}]}}]\n  sometimes: [\"true\"]\n",
     "a race inside a race"},
    {"  steps: [{race: {a: [{settel: {}}], b: [{settle: {}}]}}]\n  sometimes: [\"true\"]\n",
     "unknown key 'settel'"},
    {"  steps: [{race: {a: [{settle: {}}], b: [{settle: {}}], between: soon}}]\n"
     "  sometimes: [\"true\"]\n",
     "'between' must be"},
    {"  steps: [{race: {a: [{settle: {}}], b: [{settle: {}}], inside: 1}}]\n"
     "  sometimes: [\"true\"]\n",
     "'inside' must be true or false"},
    {"  steps: [{race: [], upon: {event: ADDED}}]\n  sometimes: [\"true\"]\n",
     "race must be a map"},
};

START_TEST(is_a_mistake)
{
    story_must_not_load(mistakes[_i].spec, mistakes[_i].mistake);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "race", SUITE_LONG_CASE("all", 60, EACH(each_order_once, shapes), TEST(too_many_to_count),
                                TEST(an_order_is_known_when_it_was_run),
                                TEST(no_order_of_a_sample_runs_twice), TEST(names_are_read_back),
                                EACH(runs_them, races), TEST(a_window_inside_a_service),
                                TEST(an_order_that_does_not_fit), EACH(is_a_mistake, mistakes)));
}
