/* The harness itself: a row whose expectation is wrong must fail, over either transport, and the
 * same row with the right one must pass. */
#include <stdio.h>

#include "tests/api/harness.h"

static bool right; /* which of the two is meant */

static void code(void)
{
    want_code(get("/version"), right ? 200 : 404);
}

static void json(void)
{
    want_json(create_cm("a"), "data", right ? "{'k':'v'}" : "{'k':'w'}");
}

static void absent(void)
{
    want_json(create_cm("a"), right ? "nosuch" : "data", NULL);
}

static void string(void)
{
    want_str(create_cm("a"), "metadata.name", right ? "a" : "b");
}

static void number(void)
{
    define_widgets();
    want_num(create_widget("a"), "metadata.generation", right ? 1 : 2);
}

static void part(void)
{
    if (right)
        want_part(create_cm("a"), "'k':'v'");
    else
        want_no_part(create_cm("a"), "'k':'v'");
}

static void head(void)
{
    want_header(get("/version"), "Content-Type", right ? "application/json" : "text/plain");
}

static void no_head(void)
{
    want_header(get("/version"), right ? "Warning" : "Content-Type", NULL);
}

static void status(void)
{
    want_status(get(CMS "/x"), 404, right ? "NotFound" : "Gone", NULL);
}

static void message(void)
{
    want_status(get(CMS "/x"), 404, "NotFound",
                right ? "configmaps 'x' not found" : "configmaps 'y' not found");
}

static void cause(void)
{
    want_cause(post(CMS, "{}"), "FieldValueRequired", right ? "metadata.name" : "metadata", NULL);
}

static struct watch *watch_from_now(void)
{
    return watch_open(CMS "?watch=true&resourceVersion=%" PRId64, rv(create_cm("a")));
}

static void event(void)
{
    struct watch *w = watch_from_now();

    create_cm("b");
    want_event(w, right ? "ADDED" : "MODIFIED", "b");
}

static void silence(void)
{
    struct watch *w = watch_from_now();

    if (!right)
        create_cm("b");
    want_silence(w);
}

static void silence_of_the_open(void)
{
    struct watch *w = watch_from_now();

    if (!right)
        rest_end_streams(the_rest());
    want_silence(w);
}

static void end(void)
{
    struct watch *w = watch_from_now();

    if (!right)
        create_cm("b");
    rest_end_streams(the_rest());
    if (over_http() || right) /* the interface ends at once, whatever is pending */
        want_end(w);
    else
        want_event(w, "ADDED", "b");
}

static void no_stream(void)
{
    watch_open(CMS "%s", right ? "?watch=true" : "?watch=true&resourceVersion=x");
}

static const struct row rows[] = {
    {"code", "a code", 0, code},         {"json", "a value", 0, json},
    {"absent", "nothing", 0, absent},    {"string", "a text", 0, string},
    {"number", "a number", 0, number},   {"part", "a part", 0, part},
    {"head", "a header", 0, head},       {"no-head", "no header", 0, no_head},
    {"status", "a reason", 0, status},   {"message", "a message", 0, message},
    {"cause", "a cause", 0, cause},      {"event", "an event", 0, event},
    {"silence", "no event", 0, silence}, {"open", "no end", 0, silence_of_the_open},
    {"end", "an end", 0, end},           {"no-stream", "a stream", 0, no_stream},
};

/* Over one transport, rightly or wrongly. */
static bool passes(const struct row *row, unsigned transport)
{
    const struct row one = {row->id, row->what, row->flags | transport, row->fn};

    return row_passes(&one, !right);
}

int main(void)
{
    static const unsigned transports[] = {ROW_DIRECT, ROW_HTTP};
    int failed = 0;

    json_init();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t k = 0; k < ARRAY_LEN(transports); k++)
            for (int r = 0; r < 2; r++) {
                right = r;
                if (passes(&rows[i], transports[k]) == right)
                    continue;
                fprintf(stderr, "%s over %s: %s\n", rows[i].id, k ? "http" : "the interface",
                        right ? "fails although it is right" : "passes although it is wrong");
                failed++;
            }
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
