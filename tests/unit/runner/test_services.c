/* A service and its callers: calls, faults, links, crashes, what is told of them. */
#include <unistd.h>

#include "runner/remote/guest.h"
#include "runner/sweep.h"
#include "runner/services_priv.h"
#include "runner/simhost.h"
#include "tests/unit/runner/story.h"
#include "tests/unit/suite.h"

#define SHELF                                                                                      \
    "  given: [{component: shelf}]\n"                                                              \
    "  steps:\n"                                                                                   \
    "    - clock: {advance: 1s}\n"
#define BOTH                                                                                       \
    "  given: [{component: shelf}, {component: clerk}]\n"                                          \
    "  steps:\n"                                                                                   \
    "    - clock: {advance: 1s}\n"
#define ADD(title, more)                                                                           \
    "    - call: {method: POST, path: /v1/books, as: {user: ann}, body: {title: " title "}" more   \
    "}\n"
#define CONTROL 3 /* the descriptor that a sealed process is given */
#define LIST(more) "    - call: {method: GET, path: /v1/books" more "}\n"

static const struct story_row rows[] = {
    /* ---- calls ---- */
    {"a tenant is known by a token",
     SHELF ADD("x",
               ", expect: {code: 201, body: {by: ann}, header: {Content-Type: application/json}}")
         LIST(", save: all") "    - assert: \"all.code == 200 && all.body[0].title == 'x'\"\n",
     RESULT_PASSED, NULL, NULL},
    {"without a token",
     SHELF "    - call: {method: POST, path: /v1/books, body: {}, expect: {code: 401}}\n",
     RESULT_PASSED, NULL, NULL},
    {"a token that somebody else has signed",
     SHELF "    - call: {method: POST, path: /v1/books, body: {}, as: {user: ann, key: other}, "
           "expect: {code: 401}}\n",
     RESULT_PASSED, NULL, NULL},
    {"a token as it is",
     SHELF "    - call: {method: POST, path: /v1/books, body: {}, token: x.y.z, "
           "expect: {code: 401}}\n",
     RESULT_PASSED, NULL, NULL},
    {"a time that has passed",
     SHELF "    - call: {method: POST, path: /v1/books, body: {title: a}, as: {user: ann, claims: "
           "{exp: 5}}, expect: {code: 401}}\n",
     RESULT_PASSED, NULL, NULL},
    {"an answer that was not expected",
     SHELF ADD("x", "") ADD("x", ", expect: {code: 201, body: {by: bob}}"), RESULT_FAILED, NULL,
     "story.yaml:11:7: POST /v1/books: not the answer that was expected"},
    {"without an expectation only a good answer will do", SHELF ADD("x", "") ADD("x", ""),
     RESULT_ERROR, "stage", "POST /v1/books: not the answer"},
    {"one of several codes", SHELF ADD("x", ", expect: {codes: [409, 201]}"), RESULT_PASSED, NULL,
     NULL},
    {"none of several codes", SHELF ADD("x", ", expect: {codes: [409, 404]}"), RESULT_FAILED, NULL,
     "POST /v1/books: not the answer that was expected"},
    {"a code that is none", SHELF ADD("x", ", expect: {codes: [42]}"), RESULT_ERROR, "scenario",
     "42"},
    {"an object by its label",
     "  steps:\n"
     "    - create: {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: default, "
     "labels: {k: v1}}}\n"
     "    - assert: \"labelled('ConfigMap', 'v1').metadata.name == 'a' && labelled('ConfigMap', "
     "'v2') == null\"\n",
     RESULT_PASSED, NULL, NULL},
    {"nothing was made of that name", SHELF "    - assert: \"created('x').id == ''\"\n",
     RESULT_FAILED, NULL, "does not hold: created('x').id == ''"},
    {"headers and queries are the caller's",
     SHELF
     "    - call: {method: GET, path: /v1/echo, headers: {X-Word: hello}, save: a}\n"
     "    - call: {method: GET, path: /v1/else, query: {a b: 1&2}, expect: {code: 404}, save: "
     "b}\n"
     "    - assert: \"a.body == 'hello' && b.body.message == '/v1/else?a%20b=1%262'\"\n",
     RESULT_PASSED, NULL, NULL},
    {"nobody serves", "  steps: [{call: {method: GET, path: /, expect: {code: 0}}}]\n",
     RESULT_PASSED, NULL, NULL},
    {"nobody serves, and somebody should", "  steps: [{call: {method: GET, path: /}}]\n",
     RESULT_ERROR, "stage", "GET /: no answer"},
    {"a service that says nothing",
     SHELF "    - call: {method: GET, path: /v1/none, expect: {code: 0}}\n", RESULT_PASSED, NULL,
     NULL},
    {"a service that is slow",
     SHELF "    - call: {method: GET, path: /v1/slow, expect: {code: 0}}\n"
           "    - assert: \"now() == timestamp('2026-01-01T00:01:01Z')\"\n",
     RESULT_PASSED, NULL, NULL},
    {"sent again until it is the expected one",
     BOTH "    - call: {method: GET, path: /v1/books, expect: {body: [{title: clerk-0}]}, within: "
          "20s}\n"
          "    - assert: \"now() == timestamp('2026-01-01T00:00:11Z')\"\n",
     RESULT_PASSED, NULL, NULL},
    {"sent again in vain",
     SHELF "    - call: {method: GET, path: /v1/books, expect: {code: 404}, within: 20s}\n"
           "    - assert: \"true\"\n",
     RESULT_FAILED, NULL, "GET /v1/books: not the answer"},
    {"a stream is read to its end",
     SHELF "    - call: {method: GET, path: /v1/watch, save: a}\n"
           "    - assert: \"a.body == 'a\\\\nb\\\\nc\\\\n' && a.bytes == 6\"\n",
     RESULT_PASSED, NULL, NULL},

    /* ---- byte for byte ---- */
    {"the same answer",
     SHELF LIST(", save: a") LIST(", save: b, expect: {equalsTo: a}") "    - assert: a.raw == "
                                                                      "b.raw\n",
     RESULT_PASSED, NULL, NULL},
    {"not the same answer", SHELF LIST(", save: a") ADD("x", "") LIST(", expect: {equalsTo: a}"),
     RESULT_FAILED, NULL, "story.yaml:12:7: GET /v1/books: not the answer"},
    {"the same but for what is masked",
     SHELF "    - call: {method: GET, path: /v1/one, expect: {code: 404}, save: a, mask: [one]}\n"
           "    - call: {method: GET, path: /v1/two, mask: [two], expect: {code: 404, equalsTo: "
           "a}}\n",
     RESULT_PASSED, NULL, NULL},
    {"no answer was saved yet", SHELF LIST(", expect: {equalsTo: a}") LIST(", save: a"),
     RESULT_ERROR, "scenario", "no answer was saved as 'a'"},

    /* ---- what is told ---- */
    {"calls so far",
     BOTH ADD("x",
              "") "    - clock: {advance: 10s}\n"
                  "    - assert: \"calls('').size() == 2 && calls('fulfillment-service')[1].by "
                  "== 'clerk'\"\n"
                  "    - assert: \"calls('')[0].user == 'ann' && calls('')[0].request.title == "
                  "'x' && calls('')[1].query == 'from=clerk' && calls('')[1].code == 201\"\n",
     RESULT_PASSED, NULL, NULL},
    {"a law of calls",
     BOTH
     "    - clock: {advance: 10s}\n"
     "  never: [{name: the clerk brings nothing, upon: {call: POST, path: /v1/*, by: clerk}}]\n",
     RESULT_FAILED, NULL, "this happened, though it never must: the clerk brings nothing"},
    {"a law of calls that holds",
     BOTH "    - clock: {advance: 10s}\n"
          "  always: [{name: a, upon: {call: '*'}, that: \"event.code == 201\"}]\n",
     RESULT_PASSED, NULL, NULL},

    /* ---- moments ---- */
    {"a call inside a call",
     BOTH "    - call: {method: POST, path: /v1/books, as: {user: ann}, body: {title: clerk-0}}\n"
          "      upon: {call: POST, service: 'fulfillment-*', path: /v1/books, by: clerk}\n"
          "    - clock: {advance: 10s}\n"
          "    - assert: \"calls('').map(c, c.code) == [201, 409]\"\n",
     RESULT_PASSED, NULL, NULL},
    {"a crash of the caller when it is carried out",
     BOTH "    - crash: {component: clerk, restart: never}\n"
          "      upon: {call: POST, at: committed}\n"
          "    - clock: {advance: 1m}\n" LIST(", save: a") "    - assert: \"a.body.size() == 1\"\n",
     RESULT_PASSED, NULL, NULL},
    {"a crash of the caller before it is sent",
     BOTH "    - crash: {component: clerk, restart: never}\n"
          "      upon: {call: POST, at: before}\n"
          "    - clock: {advance: 1m}\n" LIST(", save: a") "    - assert: \"a.body.size() == 0\"\n",
     RESULT_PASSED, NULL, NULL},
    {"a crash of the service: no answer, and its file stays",
     SHELF ADD("x", "") "    - component: {restart: shelf}\n"
                        "    - clock: {advance: 1s}\n" LIST(
                            ", save: a") "    - assert: \"a.body.size() == 1\"\n",
     RESULT_PASSED, NULL, NULL},
    {"a crash while it answers",
     SHELF
     "    - race: {a: [{call: {method: GET, path: /v1/slow, expect: {code: 0}}}], b: [{crash: "
     "shelf}], between: 1s}\n"
     "  sometimes: [\"true\"]\n",
     RESULT_PASSED, NULL, NULL},

    /* ---- faults and links ---- */
    {"a fault answers",
     SHELF
     "    - fault: {name: f, point: http, match: {service: ful*, method: GET, path: /v1/*, by: "
     "scenario}, times: 1, action: {answer: 429}}\n" LIST(
         ", expect: {code: 429, header: {retry-after: '1'}}")
         LIST("") "    - assert: \"fired('f') == 1\"\n",
     RESULT_PASSED, NULL, NULL},
    {"an answer is lost",
     SHELF "    - fault: {point: http, match: {method: POST}, action: {answer: lost}}\n" ADD(
         "x", ", expect: {code: 0}") LIST(", save: a") "    - assert: \"a.body.size() == 1\"\n",
     RESULT_PASSED, NULL, NULL},
    {"a request never gets there",
     SHELF "    - fault: {point: http, match: {method: POST}, action: {answer: timeout}}\n" ADD(
         "x", ", expect: {code: 0}") LIST(", save: a") "    - assert: \"a.body.size() == 0\"\n",
     RESULT_PASSED, NULL, NULL},
    {"a request is late",
     SHELF "    - fault: {point: http, action: {delay: 5s}}\n" LIST(
         "") "    - assert: \"now() == timestamp('2026-01-01T00:00:06Z')\"\n",
     RESULT_PASSED, NULL, NULL},
    {"the disk is full",
     SHELF "    - fault: {point: file, match: {op: write, path: '/var/lib/*'}, action: {errno: "
           "ENOSPC}}\n" ADD("x", ", expect: {code: 507}"),
     RESULT_PASSED, NULL, NULL},
    {"a link of components",
     BOTH "    - link: {service: fulfillment-service, up: false}\n" ADD(
         "x", "") "    - clock: {advance: 10s}\n"
                  "    - link: {service: fulfillment-service, up: true}\n"
                  "    - clock: {advance: 10s}\n"
                  "    - assert: \"calls('').map(c, c.code) == [201, 0, 201]\"\n",
     RESULT_PASSED, NULL, NULL},
    {"a link to nobody", SHELF "    - link: {service: other, up: false}\n", RESULT_ERROR,
     "scenario", "nobody has served under the name 'other'"},

    /* ---- templates and the given ---- */
    {"an answer that a template saves",
     "  given: [{component: shelf}, {steps: [{clock: {advance: 1s}}, {use: look}]}]\n"
     "  templates:\n"
     "    look: {steps: [{use: deeper}, {assert: \"a.code == 200\"}]}\n"
     "    deeper: {params: {m: GET}, steps: [{call: {method: '${m}', path: /v1/books, save: a}}]}\n"
     "  steps: [{assert: \"a.code == 200\"}]\n",
     RESULT_PASSED, NULL, NULL},
    {"an answer that is not there yet", SHELF "    - assert: \"a == null\"\n" LIST(", save: a"),
     RESULT_PASSED, NULL, NULL},
    {"what a hole gives is checked",
     "  vars: {m: FETCH}\n  steps: [{call: {method: '${m}', path: /}}]\n", RESULT_ERROR, "scenario",
     "'FETCH' is no method"},
    {"a header may not end a line",
     "  vars: {v: \"a\\nb\"}\n  steps: [{call: {method: GET, path: /, headers: {x: '${v}'}}}]\n",
     RESULT_ERROR, "scenario", "the header 'x' holds a line break"},
};

START_TEST(ends_as_it_should)
{
    story_check(&rows[_i]);
}
END_TEST

/* ---- mistakes of the file ---- */

static const struct {
    const char *spec, *mistake;
} mistakes[] = {
    {"  steps: [{call: {method: FETCH, path: /}}]\n", "call: 'FETCH' is no method"},
    {"  steps: [{call: {method: GET, path: books}}]\n", "does not begin with a slash"},
    {"  steps: [{call: {method: GET, path: /a b}}]\n", "must be escaped"},
    {"  steps: [{call: {method: GET, path: /, headers: {'a:': b}}}]\n", "'a:' is no name"},
    {"  steps: [{call: {method: GET, path: /, expect: {code: 42}}}]\n", "'42' is no status"},
    {"  steps: [{call: {method: GET, path: /, expect: {equalsTo: b}}}]\n",
     "no call saves an answer as 'b'"},
    {"  steps: [{call: {method: GET, path: /, as: {user: a}, token: b}}]\n",
     "both 'as' and 'token'"},
    {"  vars: {a: 1}\n  steps: [{call: {method: GET, path: /, save: a}}]\n",
     "the name 'a' is taken"},
    {"  steps: [{call: {method: GET, path: /, save: a-b}}]\n", "cannot be the name of a variable"},
    {"  steps: [{call: {method: GET, path: /}, upon: {call: GET, kind: Pod}}]\n",
     "a call has no 'kind'"},
    {"  steps: [{call: {method: GET, path: /}, upon: {event: ADDED, path: /}}]\n",
     "'path' belongs to 'call'"},
    {"  steps: [{call: {method: GET, path: /}, upon: {event: ADDED, call: GET}}]\n",
     "both 'event' and 'call'"},
    {"  steps: []\n  never: [{name: a, upon: {call: GET, at: after}}]\n", "'call' without 'at'"},
    {"  steps: [{link: {up: true}}]\n", "link: nothing to do"},
    {"  steps: [{call: {method: GET, path: /, afterCrash: soon}}]\n",
     "'soon' is neither a duration such as 2h nor 'excused'"},
    {"  steps: [{assert: {that: \"true\", afterCrash: -1s}}]\n",
     "'afterCrash' must be a duration such as 2h, at most 87600h, or 'excused', found '-1s'"},
};

START_TEST(is_a_mistake)
{
    story_must_not_load(mistakes[_i].spec, mistakes[_i].mistake);
}
END_TEST

/* ---- the sweep ---- */

/* The service's writes and answers, and the clerk's calls, are places where a crash may fall; and a
 * crash in each of them loses at most what was not answered. */
START_TEST(crashes_fall_on_files_and_answers)
{
    struct story s;
    struct case_options options = {.seed = 1, .trace = true};
    struct case_outcome plain;

    story_open(&s);
    ck_assert_msg(story_load(&s, BOTH "    - clock: {advance: 15s}\n"
                                      "    - wait: {that: \"calls('').exists(c, c.code == 201)\", "
                                      "within: 5m}\n" LIST(
                                          ", save: a") "    - assert: \"a.body.size() > 0\"\n"),
                  "%s", story_mistakes(&s));
    story_run(&s, &options, &plain);
    ck_assert_msg(plain.result->status == RESULT_PASSED, "%s", plain.result->headline);
    /* The clerk's POST; of the service a write, a truncate, a sync, two answers. */
    ck_assert_uint_eq(plain.crash_points, 6);
    for (uint64_t k = 1; k <= plain.crash_points; k++) {
        for (int moment = 0; moment < 3; moment++) {
            struct case_outcome crashed;

            options.crash_point = (int64_t)k;
            options.crash_moment = moment;
            story_run(&s, &options, &crashed);
            ck_assert_msg(crashed.result->status == RESULT_PASSED, "point %llu, %d: %s",
                          (unsigned long long)k, moment, crashed.result->headline);
            case_outcome_finish(&crashed);
        }
    }
    case_outcome_finish(&plain);
    story_close(&s);
}
END_TEST

#define HAS(title, more)                                                                           \
    BOTH "    - clock: {advance: 12s}\n" LIST(", expect: {body: [{title: " title "}]}" more)
#define TOLD(code, more)                                                                           \
    BOTH "    - assert: {that: \"calls('').exists(c, c.code == " code ")\", within: 12s" more "}"  \
         "\n"

/* The clerk is killed before its first call, at 10 s, and makes it at 21 s; else nobody is. */
static const struct patience_case {
    const char *name, *spec;
    bool well, well_killed;
} patiences[] = {
    {"a call without", HAS("clerk-0", ""), true, false},
    {"a call", HAS("clerk-0", ", afterCrash: 20s"), true, true},
    {"a call, not so long", HAS("clerk-0", ", afterCrash: 1s"), true, false},
    {"a call that stays wrong", HAS("other", ", afterCrash: 1h"), false, false},
    {"a call that need not hold", HAS("clerk-0", ", afterCrash: excused"), true, true},
    {"a call that need not hold, and must", HAS("other", ", afterCrash: excused"), false, true},
    {"a hole", HAS("clerk-0", ", afterCrash: '${1 > 0 ? \"20s\" : \"0s\"}'"), true, true},
    {"a condition without", TOLD("201", ""), true, false},
    {"a condition", TOLD("201", ", afterCrash: 20s"), true, true},
    {"a condition, not so long", TOLD("201", ", afterCrash: 1s"), true, false},
    {"a condition that stays wrong", TOLD("300", ", afterCrash: 1h"), false, false},
    {"a condition that need not hold", TOLD("201", ", afterCrash: excused"), true, true},
    {"a condition that need not hold, and must", TOLD("300", ", afterCrash: excused"), false, true},
    {"what must not be",
     BOTH "    - clock: {advance: 15s}\n"
          "    - error: {that: \"calls('').size() == 0\", for: 2s}\n",
     true, false},
    {"what must not be, unless",
     BOTH "    - clock: {advance: 15s}\n"
          "    - error: {that: \"calls('').size() == 0\", for: 2s, afterCrash: excused}\n",
     true, true},
};

static void ends(struct story *s, const struct case_options *options, const char *name, bool well)
{
    struct case_outcome out;

    story_run(s, options, &out);
    ck_assert_msg(out.result->status == (well ? RESULT_PASSED : RESULT_FAILED), "%s, point %d: %s",
                  name, (int)options->crash_point,
                  out.result->headline ? out.result->headline : "well");
    ck_assert_str_eq(out.swept ? out.swept : "nothing", options->crash_point ? "call" : "nothing");
    case_outcome_finish(&out);
}

START_TEST(a_claim_says_what_a_crash_may_cost)
{
    const struct patience_case *c = &patiences[_i];
    struct story s;
    struct case_options options = {.seed = 1, .crash_moment = REQUEST_BEFORE};

    story_open(&s);
    ck_assert_msg(story_load(&s, c->spec), "%s: %s", c->name, story_mistakes(&s));
    ends(&s, &options, c->name, c->well);
    options.crash_point = 1;
    ends(&s, &options, c->name, c->well_killed);
    story_close(&s);
}
END_TEST

static const struct sweep_word {
    const char *text;
    bool known, files;
    uint64_t step;
} sweep_words[] = {
    {"every-write", true, false, 1},      {"every-file-write", true, true, 1},
    {"every-write/7", true, false, 7},    {"every-file-write/13", true, true, 13},
    {"every-write/", false, false, 0},    {"every-write/0", false, false, 0},
    {"every-write/-1", false, false, 0},  {"every-write/7x", false, false, 0},
    {"every-write/ 7", false, false, 0},  {"every", false, false, 0},
    {"every-writes", false, false, 0},    {"", false, false, 0},
    {"every-write/7/7", false, false, 0}, {"every-write/99999999999999999999", false, false, 0},
};

START_TEST(words_of_a_sweep)
{
    const struct sweep_word *w = &sweep_words[_i];
    struct sweep sweep = {0};

    ck_assert_msg(sweep_parse(w->text, &sweep) == w->known, "%s", w->text);
    ck_assert_int_eq(sweep.files, w->files);
    ck_assert_uint_eq(sweep.step, w->step);
}
END_TEST

/* Of the six points three are the file's. */
START_TEST(a_sweep_of_files_alone)
{
    struct story s;
    struct case_options options = {.seed = 1, .crash_files = true, .crash_point = 1};
    struct case_outcome out;

    story_open(&s);
    ck_assert_ptr_nonnull(story_load(&s, BOTH "    - clock: {advance: 15s}\n" LIST("")));
    story_run(&s, &options, &out);
    ck_assert_str_eq(out.swept, "file-write");
    case_outcome_finish(&out);
    options.crash_point = 0;
    story_run(&s, &options, &out);
    ck_assert_uint_eq(out.crash_points, 3);
    case_outcome_finish(&out);
    story_close(&s);
}
END_TEST

/* ---- streams ---- */

static void trace_holds(const char *spec, const char *const *wanted)
{
    struct story s;
    struct case_options options = {.seed = 1, .trace = true};
    struct case_outcome out;

    story_open(&s);
    ck_assert_msg(story_load(&s, spec), "%s", story_mistakes(&s));
    story_run(&s, &options, &out);
    ck_assert_msg(out.result->status == RESULT_PASSED, "%s", out.result->headline);
    for (; *wanted; wanted++)
        ck_assert_msg(strstr(strbuf_str(&out.trace), *wanted), "%s", *wanted);
    case_outcome_finish(&out);
    story_close(&s);
}

#define LISTENER                                                                                   \
    "  given: [{component: shelf}, {component: clerk, with: {listens: true}}]\n"                   \
    "  steps:\n"

START_TEST(a_stream_comes_in_pieces)
{
    trace_holds(LISTENER "    - clock: {advance: 5s}\n",
                (const char *const[]){"heard a", "heard b", "heard c", "the end", NULL});
}
END_TEST

START_TEST(a_stream_ends_with_its_service)
{
    trace_holds(LISTENER "    - clock: {advance: 1500ms}\n"
                         "    - crash: {component: shelf, restart: never}\n"
                         "    - clock: {advance: 100ms}\n",
                (const char *const[]){"heard a", "the end", NULL});
}
END_TEST

START_TEST(a_stream_ends_with_its_link)
{
    trace_holds(LISTENER "    - clock: {advance: 1500ms}\n"
                         "    - link: {service: fulfillment-service, up: false}\n"
                         "    - clock: {advance: 100ms}\n",
                (const char *const[]){"heard a", "the end", NULL});
}
END_TEST

/* ---- who has gone ---- */

struct desk {
    struct world *world;
    struct process *server, *client;
    struct host *host;
    struct host_event *bell;
    unsigned served, rings;
    bool gone;
};

static void serve_desk(void *cookie, struct host *h, struct host_exchange *x,
                       const struct http_request *req)
{
    struct desk *d = cookie;
    struct http_reply head = {.code = 200};

    (void)req;
    d->served++;
    if (host_reply_begin(h, x, &head, NULL) < 0)
        return;
    while (!d->gone && host_reply_wait(h, x, d->bell, HOST_FOREVER, &d->gone) == HOST_OK)
        d->rings++;
}

static void desk_open(struct desk *d)
{
    *d = (struct desk){.world = world_create(&(struct world_config){.seed = 1})};
    d->server = process_create(world_sched(d->world), "server");
    d->client = process_create(world_sched(d->world), "client");
    d->host = simhost_create(d->world, d->server, "server", NULL, 0);
    d->bell = host_event_create(d->host, "bell");
    ck_assert_int_eq(host_service_open(d->host, "desk", serve_desk, d, NULL), 0);
}

static void desk_close(struct desk *d)
{
    host_event_destroy(d->host, d->bell);
    process_crash(d->server);
    simhost_release(d->host);
    world_destroy(d->world);
}

/* The task of a request is on its way when the service crashes: what its cookie points to may be
 * gone by the time it runs. */
static void crash_behind_the_request(void *arg)
{
    struct desk *d = arg;
    struct services *all = services_of(d->world);
    const struct service_caller who = {"client", ""};
    const struct http_request req = {.method = "GET", .target = "/"};
    struct host_exchange *x = exchange_begin(strmap_get(all->by_name, "desk"), &who, &req);

    process_crash(d->server);
    exchange_release(x);
}

START_TEST(no_request_is_given_to_who_has_crashed)
{
    struct desk d;

    desk_open(&d);
    actor_spawn(d.client, "call", crash_behind_the_request, &d);
    sched_run(world_sched(d.world), SCHED_NEVER);
    ck_assert_uint_eq(d.served, 0);
    desk_close(&d);
}
END_TEST

static void listen_and_leave(void *arg)
{
    struct desk *d = arg;
    struct host *mine = simhost_create(d->world, d->client, "client", NULL, 0);
    const struct http_request req = {.method = "GET", .target = "/"};
    struct http_reply wrong = {0};
    struct host_stream *s = host_service_stream(mine, "desk", &req, &wrong, NULL);

    ck_assert_ptr_nonnull(s);
    host_event_signal(d->host, d->bell);
    ck_assert_int_eq(host_sleep(mine, 1), HOST_OK);
    ck_assert_uint_eq(d->rings, 1);
    ck_assert(!d->gone);
    host_stream_close(mine, s);
    simhost_release(mine);
}

/* Nothing happens that there would be to tell of. */
START_TEST(an_idle_stream_hears_that_its_caller_goes)
{
    struct desk d;

    desk_open(&d);
    actor_spawn(d.client, "call", listen_and_leave, &d);
    sched_run(world_sched(d.world), SCHED_NEVER);
    ck_assert_uint_eq(d.served, 1);
    ck_assert(d.gone);
    desk_close(&d);
}
END_TEST

/* ---- as processes ---- */

static char *trace_of(const char *spec, const char *program)
{
    struct story s;
    struct case_options options = {.seed = 1, .trace = true};
    struct case_outcome out;
    char *text;

    story_open(&s);
    options.component_program = program;
    options.sockets = program ? s.dir : NULL;
    ck_assert_msg(story_load(&s, spec), "%s", story_mistakes(&s));
    story_run(&s, &options, &out);
    ck_assert_msg(out.result->status == RESULT_PASSED, "%s\n%s", out.result->headline,
                  out.result->details);
    text = strbuf_take(&out.trace);
    case_outcome_finish(&out);
    story_close(&s);
    return text;
}

static const char *const alike[] = {
    BOTH ADD("x", "") "    - clock: {advance: 30s}\n" LIST(
        ", save: a") "    - assert: \"a.body.size() == 4\"\n",
    LISTENER "    - clock: {advance: 5s}\n",
    LISTENER
    "    - clock: {advance: 1500ms}\n"
    "    - crash: shelf\n"
    "    - clock: {advance: 30s}\n" LIST(", save: a") "    - assert: \"a.body.size() > 1\"\n",
    SHELF "    - call: {method: GET, path: /v1/none, expect: {code: 0}}\n"
          "    - call: {method: GET, path: /v1/slow, expect: {code: 0}}\n"
          "    - call: {method: GET, path: /v1/watch, save: a}\n"
          "    - assert: \"a.bytes == 6\"\n",
    SHELF "    - fault: {point: file, match: {op: truncate}, action: {errno: EIO}}\n" ADD(
        "x", ", expect: {code: 507}"),
};

START_TEST(a_process_does_the_same)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    AUTO(str) char *here = NULL;
    AUTO(str) char *there = NULL;

    ck_assert(n > 0);
    self[n] = '\0';
    here = trace_of(alike[_i], NULL);
    there = trace_of(alike[_i], self);
    ck_assert_str_eq(here, there);
}
END_TEST

int main(int argc, char **argv)
{
    struct err e = {0};

    json_init();
    if (argc == 3 && strcmp(argv[1], "--sealed") == 0)
        return guest_run(CONTROL, &e) == 0 ? 0 : 9;
    return SUITE_MAIN(
        "services",
        SUITE_LONG_CASE("all", 60, EACH(ends_as_it_should, rows), EACH(is_a_mistake, mistakes),
                        EACH(a_process_does_the_same, alike),
                        EACH(a_claim_says_what_a_crash_may_cost, patiences),
                        EACH(words_of_a_sweep, sweep_words), TEST(a_sweep_of_files_alone),
                        TEST(crashes_fall_on_files_and_answers), TEST(a_stream_comes_in_pieces),
                        TEST(a_stream_ends_with_its_service), TEST(a_stream_ends_with_its_link),
                        TEST(no_request_is_given_to_who_has_crashed),
                        TEST(an_idle_stream_hears_that_its_caller_goes)));
}
