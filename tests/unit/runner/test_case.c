/* Verbs, verdicts, windows: what each story ends with, and what its first line says. */
#include "runner/case.h"

#include "tests/unit/runner/story.h"
#include "tests/unit/suite.h"

#define NS(name) "{apiVersion: v1, kind: Namespace, metadata: {name: " name "}}"
#define CM(name, value)                                                                            \
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: " name ", namespace: default}, data: {v: " \
    "\"" value "\"}}"

#define OPERATOR                                                                                   \
    "  given: [{component: osac-operator, with: {hub: main, workload: main}}]\n"                   \
    "  steps:\n"                                                                                   \
    "    - clock: {advance: 1s}\n"

static const struct story_row rows[] = {
    /* ---- verdicts ---- */
    {"nothing to do", "  steps: []\n", RESULT_PASSED, NULL, NULL},
    {"assert fails", "  steps: [{assert: {kind: Namespace, name: a, has: {}}}]\n", RESULT_FAILED,
     NULL, "story.yaml:7:20: does not hold: Namespace a does not exist"},
    {"assert in the staging is an error",
     "  given: [{steps: [{assert: \"false\"}]}]\n  steps: []\n", RESULT_ERROR, "stage",
     "the stage is not set"},
    {"wait never true", "  steps: [{wait: {kind: Namespace, name: a, has: {}, within: 1m}}]\n",
     RESULT_ERROR, "stage", "not true after 1m0s: Namespace a does not exist"},
    {"the first difference is told",
     "  steps:\n    - create: " CM(
         "c", "1") "\n"
                   "    - assert: {kind: ConfigMap, name: c, has: {data: {v: \"2\"}}}\n",
     RESULT_FAILED, NULL, "ConfigMap c: data.v: want \"2\", got \"1\" (last written by scenario"},
    {"the author's message",
     "  vars: {num: 5}\n  steps: [{assert: {that: \"num == 6\", message: \"num is ${num}\"}}]\n",
     RESULT_FAILED, NULL, "does not hold: num is 5"},
    {"vacuous", "  steps: []\n  sometimes: [\"exists('Namespace', 'never')\"]\n", RESULT_VACUOUS,
     NULL, "never happened in this run: exists('Namespace', 'never')"},
    {"sometimes was true for a moment",
     "  steps:\n    - create: " NS(
         "a") "\n    - delete: {kind: Namespace, name: a}\n"
              "    - settle: {}\n  sometimes: [\"exists('Namespace', 'a')\"]\n",
     RESULT_PASSED, NULL, NULL},
    {"eventually", "  steps: []\n  eventually: [{that: \"false\", within: 1s}]\n", RESULT_FAILED,
     NULL, "does not hold after 1s: false"},
    {"finally", "  steps: []\n  finally: [{assert: \"false\"}]\n", RESULT_FAILED, NULL,
     "story.yaml:8:"},
    {"a step that is not for this case", "  steps: [{assert: \"false\", when: \"1 > 2\"}]\n",
     RESULT_PASSED, NULL, NULL},
    {"when cannot be evaluated", "  steps: [{assert: \"true\", when: \"[1][2] == 1\"}]\n",
     RESULT_ERROR, "scenario", "story.yaml:7:"},

    /* ---- inventories ---- */
    {"what is expected to be left, in any order",
     "  steps:\n"
     "    - inventory: {of: {b: [v, x], a: ['${\"z\"}']}, left: [\"b: x\", \"a: z\", \"b: v\"]}\n",
     RESULT_PASSED, NULL, NULL},
    {"one more is left", "  steps: [{inventory: {of: {orphan: [a, b]}, left: [\"orphan: a\"]}}]\n",
     RESULT_FAILED, NULL, "is left, and was not expected: orphan: b"},
    {"one less is left", "  steps: [{inventory: {of: {orphan: []}, left: [\"orphan: a\"]}}]\n",
     RESULT_FAILED, NULL, "was expected, and is not left: orphan: a"},
    {"one is left twice", "  steps: [{inventory: {of: {orphan: [a, a]}, left: [\"orphan: a\"]}}]\n",
     RESULT_FAILED, NULL, "is left, and was not expected: orphan: a"},
    {"nothing is judged, and all is kept",
     "  steps:\n"
     "    - inventory: {of: {b: [x], a: [v]}, save: found}\n"
     "    - assert: \"found == ['a: v', 'b: x']\"\n",
     RESULT_PASSED, NULL, NULL},
    {"names are a list", "  steps: [{inventory: {of: {orphan: a}}}]\n", RESULT_ERROR, "scenario",
     "of: 'orphan' must be a list of names"},
    {"and texts", "  steps: [{inventory: {of: {orphan: [1]}}}]\n", RESULT_ERROR, "scenario",
     "of: 'orphan' must be a list of names"},
    {"what is expected is texts", "  steps: [{inventory: {of: {}, left: [1]}}]\n", RESULT_ERROR,
     "scenario", "inventory: 'left' must be a list of texts"},

    /* ---- what runs, and what it says ---- */
    {"running is told by its settings",
     OPERATOR "    - assert: \"running('osac-operator').hub == 'main'\"\n"
              "    - component: {stop: osac-operator}\n"
              "    - assert: \"running('osac-operator') == null\"\n"
              "    - component: {start: osac-operator, with: {hub: main}}\n"
              "    - assert: \"!has(running('osac-operator').workload)\"\n"
              "    - crash: {component: osac-operator, restart: 5s}\n"
              "    - assert: \"running('osac-operator') == null\"\n"
              "    - clock: {advance: 10s}\n"
              "    - assert: \"running('osac-operator') != null\"\n",
     RESULT_PASSED, NULL, NULL},
    {"what never runs", "  steps: [{assert: \"running('osac-operatr') == null\"}]\n", RESULT_FAILED,
     NULL, "osac-operatr"},
    {"a log has levels and times",
     "  given: [{component: osac-operator, with: {hub: main, workload: main, snapshotController: "
     "maybe}}]\n"
     "  steps:\n"
     "    - clock: {advance: 1s}\n"
     "    - assert: \"logged('osac-operator')[0].level == 'warning' && "
     "logged('osac-operator')[0].message.contains('no boolean') && logged('osac-operator')[0].by "
     "== "
     "'osac-operator' && logged('fulfillment-service') == []\"\n",
     RESULT_PASSED, NULL, NULL},

    /* ---- components that are down ---- */
    {"a restart ends a crash for good",
     OPERATOR "    - crash: {component: osac-operator, restart: never}\n"
              "    - clock: {advance: 1h}\n"
              "    - component: {restart: osac-operator}\n"
              "    - clock: {advance: 1s}\n"
              "    - assert: \"requests('list', 'ComputeInstance').size() == 2\"\n",
     RESULT_PASSED, NULL, NULL},
    {"a crash after a crash",
     OPERATOR "    - crash: osac-operator\n"
              "    - clock: {advance: 5s}\n"
              "    - crash: osac-operator\n"
              "    - clock: {advance: 5s}\n"
              "    - component: {restart: osac-operator}\n"
              "    - clock: {advance: 5s}\n"
              "    - assert: \"requests('list', 'ComputeInstance').size() == 4\"\n",
     RESULT_PASSED, NULL, NULL},
    {"an old crash's restart is not for a new crash",
     OPERATOR "    - crash: {component: osac-operator, restart: 5m}\n"
              "    - component: {stop: osac-operator}\n"
              "    - component: {start: osac-operator}\n"
              "    - clock: {advance: 1s}\n"
              "    - crash: {component: osac-operator, restart: never}\n"
              "    - clock: {advance: 1h}\n"
              "    - assert: \"requests('list', 'ComputeInstance').size() == 2\"\n",
     RESULT_PASSED, NULL, NULL},

    /* ---- verbs ---- */
    {"create twice", "  steps:\n    - create: " NS("a") "\n    - create: " NS("a") "\n",
     RESULT_ERROR, "stage",
     "story.yaml:9:7: the API server refused to create namespaces a: 409 AlreadyExists"},
    {"a refusal that is asked for",
     "  steps:\n    - create: " NS("a") "\n    - create: " NS(
         "a") "\n"
              "      refused: {code: 409, reason: AlreadyExists}\n",
     RESULT_PASSED, NULL, NULL},
    {"a refusal that does not come",
     "  steps:\n    - create: " NS("a") "\n      refused: {code: 409}\n", RESULT_FAILED, NULL,
     "expected a refusal {\"code\":409}"},
    {"apply creates, then merges",
     "  steps:\n    - apply: " CM("c", "1") "\n    - apply: " CM(
         "c", "2") "\n"
                   "    - assert: {kind: ConfigMap, name: c, has: {data: {v: \"2\"}}}\n",
     RESULT_PASSED, NULL, NULL},
    {"patch by merge and by operations",
     "  steps:\n    - create: " CM(
         "c", "1") "\n"
                   "    - patch: {kind: ConfigMap, name: c, merge: {data: {w: \"3\"}}}\n"
                   "    - patch: {kind: ConfigMap, name: c, json: [{op: remove, path: /data/v}]}\n"
                   "    - assert: {kind: ConfigMap, name: c, has: {data: {v: null, w: \"3\"}}}\n",
     RESULT_PASSED, NULL, NULL},
    {"delete",
     "  steps:\n    - create: " CM("c",
                                   "1") "\n    - delete: {kind: ConfigMap, name: c}\n"
                                        "    - assert: {kind: ConfigMap, name: c, absent: true}\n"
                                        "    - delete: {kind: ConfigMap, name: c, missing: ok}\n",
     RESULT_PASSED, NULL, NULL},
    {"delete what is not there", "  steps: [{delete: {kind: ConfigMap, name: c}}]\n", RESULT_ERROR,
     "stage", "404 NotFound"},
    {"the clock",
     "  steps:\n    - clock: {advance: 90s}\n"
     "    - assert: \"now() == timestamp('2026-01-01T00:01:30Z')\"\n",
     RESULT_PASSED, NULL, NULL},
    {"mark without machines", "  steps: [{mark: m}]\n", RESULT_PASSED, NULL, NULL},
    {"guest of no machine", "  steps: [{guest: {vm: a/b, power: reset}}]\n", RESULT_ERROR, "stage",
     "no cluster has the VM 'a/b'"},
    {"an unknown component", "  steps: [{component: {start: osac-oprator}}]\n", RESULT_ERROR,
     "scenario", "did you mean 'osac-operator', or a program of yours ("},
    {"crash what does not run", "  steps: [{crash: osac-operator}]\n", RESULT_ERROR, "scenario",
     "component 'osac-operator' does not run"},
    {"a fault that nobody knows", "  steps: [{fault: {point: apy, action: {answer: 500}}}]\n",
     RESULT_ERROR, "scenario", "unknown fault point 'apy'"},
    {"clear a fault that is not there", "  steps: [{fault: {clear: x}}]\n", RESULT_ERROR,
     "scenario", "no fault is called 'x'"},
    {"a fault's variables stay as they are",
     "  vars: {slow: {delay: 5s}}\n  steps:\n"
     "    - fault: {name: a, point: api, action: \"${slow}\"}\n"
     "    - fault: {name: b, point: api, action: \"${slow}\"}\n"
     "    - assert: \"slow.delay == '5s'\"\n",
     RESULT_PASSED, NULL, NULL},
    {"link", "  steps: [{link: {cluster: nowhere, up: false}}]\n", RESULT_ERROR, "scenario",
     "no cluster is called 'nowhere'"},
    {"as somebody",
     "  steps:\n    - create: " CM(
         "c", "1") "\n      as: jane\n"
                   "  always:\n    - name: jane did it\n      upon: {kind: ConfigMap}\n"
                   "      that: event.user == 'jane'\n",
     RESULT_PASSED, NULL, NULL},

    /* ---- error windows ---- */
    {"error holds off", "  steps: [{error: {kind: Namespace, name: a, has: {}, for: 1m}}]\n",
     RESULT_PASSED, NULL, NULL},
    {"error is true at once",
     "  steps:\n    - create: " NS(
         "a") "\n"
              "    - error: {kind: Namespace, name: a, has: {}, for: 1m}\n",
     RESULT_FAILED, NULL, "came true after 0s, though it must not"},
    /* Made and removed in one instant, while the story waits: no poll could see it. */
    {"error catches a moment",
     "  steps:\n"
     "    - create: " NS(
         "a") "\n    - settle: {}\n"
              "    - create: " CM(
                  "c", "1") "\n      upon: {event: DELETED, kind: Namespace, name: a}\n"
                            "    - delete: {kind: ConfigMap, name: c}\n      upon: {event: ADDED, "
                            "kind: ConfigMap, name: c, optional: true}\n"
                            "    - delete: {kind: Namespace, name: a}\n"
                            "    - error: {kind: ConfigMap, name: c, has: {}, for: 1m}\n",
     RESULT_FAILED, NULL, "came true after 5s, though it must not: ConfigMap c has {}"},
    {"error of a kind that nobody knows",
     "  steps: [{error: {kind: Namespaec, name: a, has: {}, for: 1s}}]\n", RESULT_ERROR, "scenario",
     "no cluster knows the kind 'Namespaec'"},
    {"error in the staging",
     "  given: [{steps: [{error: {that: \"true\", for: 1s}}]}]\n  steps: []\n", RESULT_ERROR,
     "stage", "came true"},

    /* ---- armed steps ---- */
    {"armed, never fired",
     "  steps:\n    - create: " NS("b") "\n      upon: {event: ADDED, kind: Pod}\n", RESULT_ERROR,
     "stage", "what this step is armed for never happened (0 matched, 0 are skipped)"},
    {"armed, never fired, and why",
     "  steps:\n    - create: " NS(
         "b") "\n"
              "      upon: {event: ADDED, kind: Namespace, that: self.nothing.here == 1}\n"
              "    - create: " NS("c") "\n",
     RESULT_ERROR, "stage", "'that' could not be evaluated: "},
    {"armed, optional",
     "  steps:\n    - create: " NS("b") "\n      upon: {event: ADDED, kind: Pod, optional: true}\n",
     RESULT_PASSED, NULL, NULL},
    {"armed for a change, in the scenario's name",
     "  steps:\n    - create: " NS(
         "b") "\n      upon: {event: ADDED, kind: Namespace, name: a}\n"
              "    - create: " NS("a") "\n    - assert: {kind: Namespace, name: b, has: {}}\n"
                                       "  always:\n    - {name: the scenario did it, upon: {event: "
                                       "ADDED, name: b}, that: event.by == "
                                       "'scenario'}\n",
     RESULT_PASSED, NULL, NULL},
    {"armed with skip",
     "  steps:\n    - create: " NS(
         "z") "\n"
              "      upon: {event: ADDED, kind: Namespace, name: \"a*\", skip: 1}\n"
              "    - create: " NS("a1") "\n    - assert: \"!exists('Namespace', 'z')\"\n"
                                        "    - create: " NS(
                                            "a2") "\n    - assert: \"exists('Namespace', 'z')\"\n",
     RESULT_PASSED, NULL, NULL},
    {"armed before a request, with its event and object",
     "  steps:\n    - create: " NS(
         "a") "\n    - settle: {}\n"
              "    - create: " CM(
                  "seen",
                  "1") "\n"
                       "      upon:\n        request: update\n        kind: Namespace\n        at: "
                       "before\n"
                       "        that: event.verb == 'update' && event.by.startsWith('main/') && "
                       "self.metadata.name == 'a'\n"
                       "    - delete: {kind: Namespace, name: a}\n    - settle: {}\n"
                       "    - assert: {kind: ConfigMap, name: seen, has: {}}\n",
     RESULT_PASSED, NULL, NULL},

    /* ---- laws ---- */
    {"a law is broken at its first event",
     "  steps:\n    - create: " NS("a") "\n    - assert: \"false\"\n"
                                        "  never:\n    - {name: a namespace, upon: {event: ADDED, "
                                        "kind: Namespace, name: a}}\n",
     RESULT_FAILED, NULL, "story.yaml:11:7: this happened, though it never must: a namespace"},
    {"always that cannot be evaluated is broken",
     "  steps:\n    - create: " NS(
         "a") "\n"
              "  always:\n    - {name: l, upon: {name: a}, that: self.spec.nothing == 1}\n",
     RESULT_FAILED, NULL, "this law was broken: l"},
    {"never that cannot be evaluated is not fulfilled",
     "  steps:\n    - create: " NS(
         "a") "\n"
              "  never:\n    - {name: l, upon: {name: a}, that: self.spec.nothing == 1}\n",
     RESULT_PASSED, NULL, NULL},
    {"never of a kind that nobody knows",
     "  steps:\n    - create: " NS(
         "a") "\n"
              "  never:\n    - {name: l, that: \"exists('Namespaec', 'a')\"}\n",
     RESULT_ERROR, "scenario", "names the kind 'Namespaec'"},
    {"what the acting process last read",
     "  steps:\n    - create: " NS(
         "a") "\n    - settle: {}\n"
              "    - delete: {kind: Namespace, name: a}\n    - settle: {}\n"
              "  always:\n"
              "    - name: the controller acts on what is\n"
              "      upon: {event: MODIFIED, kind: Namespace, by: main/kube-controller-manager}\n"
              "      that: event.lastRead == oldSelf.metadata.resourceVersion\n"
              "    - name: the scenario reads nothing\n      upon: {by: scenario}\n"
              "      that: event.lastRead == ''\n"
              "  sometimes:\n    - event.by == 'main/kube-controller-manager' && event.lastRead != "
              "''\n",
     RESULT_PASSED, NULL, NULL},
    /* ---- limits and hostile values ---- */
    {"templates that use themselves",
     "  templates: {a: {steps: [{use: a}]}}\n  steps: [{use: a}]\n", RESULT_ERROR, "scenario",
     "templates use each other more than 16 deep"},
    {"variables before any cluster", "  vars: {a: \"${exists('Pod', 'x')}\"}\n  steps: []\n",
     RESULT_ERROR, "scenario", "no cluster knows the kind 'Pod'"},
    {"a hole in place of a name", "  vars: {num: 1}\n  steps: [{crash: \"${num}\"}]\n",
     RESULT_ERROR, "scenario", "story.yaml:8:19: 'crash' must be a text, found an integer"},
    {"a hole in place of a map",
     "  vars: {num: [1]}\n  steps: [{patch: {kind: Namespace, name: a, merge: \"${num}\"}}]\n",
     RESULT_ERROR, "scenario", "'patch.merge' must be a map, found a list"},
    {"a hole in place of objects",
     "  vars: {num: 1}\n  given: [{objects: \"${num}\"}]\n  steps: []\n", RESULT_ERROR, "scenario",
     "'objects' must be a list, found an integer"},
    {"a hole in place of a cluster",
     "  vars: {num: 1}\n  given: [{cluster: \"${num}\"}]\n  steps: []\n", RESULT_ERROR, "scenario",
     "must be a text, found an integer"},
    {"a hole in a manifest",
     "  vars: {num: 1}\n  steps: [{create: {apiVersion: \"${num}\", kind: A, metadata: {}}}]\n",
     RESULT_ERROR, "scenario", "manifest: 'apiVersion' must be a text"},
    {"a hole in a mark", "  vars: {num: {a: 1}}\n  steps: [{mark: \"${num}\"}]\n", RESULT_ERROR,
     "scenario", "'mark' must be a text, found a map"},
};

START_TEST(story)
{
    story_check(&rows[_i]);
}
END_TEST

/* ---- what a failure tells ---- */

START_TEST(failure_tells_the_object_first)
{
    struct story s;
    struct case_options options = {.seed = 1};
    struct case_outcome out;
    const char *own, *other;

    story_open(&s);
    story_load(
        &s,
        "  steps:\n    - create: " CM("c", "1") "\n    - create: " NS(
            "a") "\n"
                 "    - name: it must change\n"
                 "      assert: {kind: ConfigMap, name: c, has: {data: {v: \"2\"}}, within: 5s}\n");
    story_run(&s, &options, &out);
    own = strstr(out.result->details, "ConfigMap default/c, last of all:\n");
    other = strstr(out.result->details, "what else happened:\n");
    ck_assert_msg(own && other && own < other, "%s", out.result->details);
    ck_assert_msg(strstr(own, "scenario created ConfigMap default/c\n"), "%s", own);
    ck_assert_msg(strstr(out.result->details, "at +5.000s of virtual time, in the step 'it must "
                                              "change'"),
                  "%s", out.result->details);
    ck_assert_msg(strstr(out.result->replay, " run --seed 1 /tmp/"), "%s", out.result->replay);
    case_outcome_finish(&out);
    story_close(&s);
}
END_TEST

/* The command is copied into a shell: the name must come back as it was. */
START_TEST(replay_is_quoted)
{
    struct story s;
    AUTO(json) json_t *cases = NULL;
    AUTO(str) char *name = NULL, *replay = NULL, *command = NULL;
    char line[256] = "";
    FILE *p;

    story_open(&s);
    ck_assert_ptr_nonnull(
        story_load(&s, "  matrix: {a: [\"it's $HOME `x` \\\"q\\\" *; & |\"]}\n  steps: []\n"));
    cases = scenario_cases(s.unit);
    name = scenario_case_name(s.unit, json_array_get(cases, 0));
    replay = case_replay(s.unit, name, &(struct replay){.seed = 7, .crash = "every-write"});
    command = mem_printf("set -- %s; shift 3; printf '%%s\\n' \"$1\"", replay);
    p = popen(command, "r");
    ck_assert_ptr_nonnull(fgets(line, sizeof line, p));
    ck_assert_int_eq(pclose(p), 0);
    line[strcspn(line, "\n")] = '\0';
    ck_assert_str_eq(line, name);
    ck_assert_ptr_nonnull(strstr(replay, " --seed 7 --crash every-write "));
    story_close(&s);
}
END_TEST

START_TEST(checked_names_laws_and_asserts)
{
    struct story s;
    struct case_options options = {.seed = 1};
    struct case_outcome out;
    bool law = false, assertion = false;

    story_open(&s);
    story_load(&s, "  steps:\n    - create: " NS(
                       "a") "\n    - assert: \"1 == 1\"\n"
                            "  never:\n    - {name: l, upon: {event: DELETED}}\n"
                            "    - {name: m, upon: {name: a, that: self.no.where}}\n");
    story_run(&s, &options, &out);
    ck_assert_int_eq(out.result->status, RESULT_PASSED);
    for (size_t i = 0; out.result->checked[i]; i++) {
        law = law || strstr(out.result->checked[i],
                            "never: m (0 events; 'upon.that' could not be evaluated at ");
        assertion = assertion || strcmp(out.result->checked[i], "1 == 1") == 0;
    }
    ck_assert(law && assertion);
    case_outcome_finish(&out);
    story_close(&s);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "case", SUITE_LONG_CASE("all", 60, EACH(story, rows), TEST(failure_tells_the_object_first),
                                TEST(replay_is_quoted), TEST(checked_names_laws_and_asserts)));
}
