/* Components that are processes and do what none should: each costs its case, and no more. The
 * process is this program again, told by its environment what to do. */
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/remote/wire.h"
#include "tests/unit/runner/story.h"
#include "tests/unit/suite.h"

#define CONTROL 3
#define LIE "VMCONFORM_TEST_LIE"

/* ---- the process ---- */

static void say(enum wire_op op, uint32_t task, json_t *json)
{
    AUTO(wire) struct wire_message m = {.op = op, .task = task, .json = json};

    if (wire_send(CONTROL, &m, -1, NULL) < 0)
        _exit(9);
}

/* Reads until the world hangs up, which it does by killing us. */
static void stay(void)
{
    char bytes[256];

    while (recv(CONTROL, bytes, sizeof bytes, 0) > 0)
        ;
}

static int lie(const char *how)
{
    static const char noise[] = "this is not how a component speaks to the world it lives in";
    AUTO(wire) struct wire_message start = {0};

    if (wire_receive(CONTROL, &start, -1, NULL) < 0)
        return 9;
    if (strcmp(how, "noise") == 0)
        send(CONTROL, noise, sizeof noise, 0);
    else if (strcmp(how, "half") == 0)
        send(CONTROL, "WFCV", 4, 0);
    else if (strcmp(how, "killed") == 0)
        raise(SIGKILL);
    else if (strcmp(how, "quits") == 0)
        return 0;
    else if (strcmp(how, "fails") == 0)
        return write(2, "the reason why\n", 15) < 0 ? 9 : 5;
    else if (strcmp(how, "stranger") == 0)
        say(WIRE_SLEEP, 7, json_pack("{s:i}", "ns", 1));
    else if (strcmp(how, "unknown") == 0)
        say(WIRE_START, 0, NULL);
    else if (strcmp(how, "past") == 0)
        say(WIRE_SLEEP, 0, json_pack("{s:i}", "ns", -1));
    else if (strcmp(how, "event") == 0)
        say(WIRE_EVENT_SIGNAL, 0, json_pack("{s:i}", "id", 3));
    else if (strcmp(how, "path") == 0)
        say(WIRE_FILE_OPEN, 0, json_pack("{s:s, s:i}", "path", "etc/passwd", "mode", 0));
    else if (strcmp(how, "program") == 0)
        say(WIRE_PROGRAM, 0,
            json_pack("{s:[s], s:i, s:i, s:i}", "argv", "/bin/sh", "stdout_max", 1, "deadline", 0,
                      "files_max", 0));
    else if (strcmp(how, "bad end") == 0) {
        say(WIRE_END, 0, json_pack("{s:b}", "ok", 1));
        return 6;
    } else if (strcmp(how, "promise") == 0) {
        say(WIRE_HTTP, 0, NULL);
        say(WIRE_SLEEP, 0, json_pack("{s:i}", "ns", 1));
    } else if (strcmp(how, "leaves") == 0) {
        say(WIRE_HTTP, 0, NULL);
        return 4;
    }
    stay();
    return 0;
}

/* ---- the world ---- */

static const struct lie_case {
    const char *how, *headline, *detail;
} lies[] = {
    {"noise", "cannot be understood: what came by the control socket is no frame", NULL},
    {"half", "cannot be understood: the other side does not answer", NULL},
    {"killed", "the process of component 'osac-operator' was ended by signal 9", NULL},
    {"quits", "ended before its tasks", NULL},
    {"fails", "ended with status 5", "the reason why"},
    {"hangs", "has not answered for 0.5 s", NULL},
    {"stranger", "spoke for task 7 when task 0 ran", NULL},
    {"unknown", "a call (0) that nobody can answer", NULL},
    {"past", "that nobody can answer", NULL},
    {"event", "that nobody can answer", NULL},
    {"path", "that nobody can answer", NULL},
    {"program", "that nobody can answer", NULL},
    {"promise", "spoke when it had announced a request", NULL},
    {"bad end", "ended with status 6", NULL},
    {"leaves", "ended with status 4", NULL},
};

static const char spec[] =
    "  given: [{cluster: main}, {component: osac-operator, with: {hub: main, workload: main}}]\n"
    "  steps: [{settle: {}}]\n";

START_TEST(told)
{
    const struct lie_case *row = &lies[_i];
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    struct story s;
    struct case_options options = {.seed = 1, .watchdog_ns = INT64_C(500) * 1000000};
    struct case_outcome out;

    ck_assert(n > 0);
    self[n] = '\0';
    setenv(LIE, row->how, 1);
    story_open(&s);
    options.component_program = self;
    options.sockets = s.dir;
    ck_assert_msg(story_load(&s, spec), "%s: %s", row->how, story_mistakes(&s));
    story_run(&s, &options, &out);
    ck_assert_msg(out.result->status == RESULT_ERROR, "%s: %s", row->how,
                  result_status_name(out.result->status));
    ck_assert_str_eq(out.result->error_type, "component");
    ck_assert_msg(strstr(out.result->headline, row->headline), "%s: %s", row->how,
                  out.result->headline);
    if (row->detail)
        ck_assert_msg(strstr(out.result->details, row->detail), "%s: %s", row->how,
                      out.result->details);
    case_outcome_finish(&out);
    story_close(&s);
    unsetenv(LIE);
}
END_TEST

START_TEST(not_there)
{
    struct story s;
    struct case_options options = {.seed = 1, .component_program = "/nonexistent/program"};
    struct case_outcome out;

    story_open(&s);
    options.sockets = s.dir;
    ck_assert_msg(story_load(&s, spec), "%s", story_mistakes(&s));
    story_run(&s, &options, &out);
    ck_assert_int_eq(out.result->status, RESULT_ERROR);
    ck_assert_msg(strstr(out.result->headline, "cannot run /nonexistent/program"), "%s",
                  out.result->headline);
    case_outcome_finish(&out);
    story_close(&s);
}
END_TEST

int main(int argc, char **argv)
{
    json_init();
    if (argc == 3 && strcmp(argv[1], "--sealed") == 0)
        _exit(lie(getenv(LIE) ? getenv(LIE) : "")); /* at once: no leak check takes its time */
    return SUITE_MAIN("remote", SUITE_LONG_CASE("lies", 60, EACH(told, lies), TEST(not_there)));
}
