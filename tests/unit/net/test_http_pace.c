/* When woken streams are served, by a clock of the test's own. */
#include "net/http_pace.h"

#include "tests/unit/suite.h"

#define MS INT64_C(1000000)
#define BOUND (10 * MS)

/* Serves all that wait at one moment; how many shares that took. */
static unsigned serve_all(struct pace *p, size_t waiting, int64_t now_ns)
{
    unsigned shares = 0;

    while (waiting > 0) {
        size_t share = pace_share(p, waiting, now_ns);

        ck_assert_uint_gt(share, 0);
        ck_assert_uint_le(share, waiting);
        waiting -= share;
        shares++;
    }
    return shares;
}

/* ---- after one round ---- */

static const struct hold_case {
    const char *name;
    int64_t bound_ns;
    size_t streams;
    unsigned shares;
    int64_t held_ns;
} holds[] = {
    {"one stream", BOUND, 1, 1, 0},
    {"a few", BOUND, PACE_FEW - 1, 1, 0},
    {"the fewest that are held", BOUND, PACE_FEW, 1, PACE_FEW * 8000},
    {"a thousand: as long as they cost", BOUND, 1000, 8, 8 * MS},
    {"ten thousand: the bound", BOUND, 10000, 8, BOUND},
    {"more than a size_t times a cost holds", BOUND, SIZE_MAX, 9, BOUND},
    {"no bound, no wait", 0, 1000, 8, 0},
};

START_TEST(hold_after_a_round)
{
    const struct hold_case *c = &holds[_i];
    struct pace p = {.hold_max_ns = c->bound_ns};
    int64_t now_ns = 5 * MS;

    ck_assert_msg(serve_all(&p, c->streams, now_ns) == c->shares, "%s: shares", c->name);
    ck_assert_msg(pace_wait(&p, 1, now_ns) == c->held_ns, "%s: the wait is %lld", c->name,
                  (long long)pace_wait(&p, 1, now_ns));
    if (c->held_ns > 0)
        ck_assert_msg(pace_share(&p, 1, now_ns + c->held_ns - 1) == 0, "%s: too early", c->name);
    ck_assert_msg(pace_wait(&p, 1, now_ns + c->held_ns) == 0, "%s: still waits", c->name);
    ck_assert_msg(pace_share(&p, 1, now_ns + c->held_ns) == 1, "%s: is not served", c->name);
}
END_TEST

/* ---- life ---- */

START_TEST(nothing_to_serve)
{
    struct pace p = {.hold_max_ns = BOUND};

    ck_assert_uint_eq(pace_share(&p, 0, 0), 0);
    ck_assert(pace_wait(&p, 0, 0) == INT64_MAX);
    serve_all(&p, 1000, 0);
    ck_assert(pace_wait(&p, 0, 1) == INT64_MAX);
}
END_TEST

/* A watcher or a few: whatever comes, however fast, goes out when it comes. */
START_TEST(few_never_wait)
{
    struct pace p = {.hold_max_ns = BOUND};

    for (int64_t now_ns = 0; now_ns < MS; now_ns += 1000)
        for (size_t streams = 1; streams < PACE_FEW; streams += 31) {
            ck_assert(pace_wait(&p, streams, now_ns) == 0);
            ck_assert_uint_eq(pace_share(&p, streams, now_ns), streams);
        }
}
END_TEST

START_TEST(quiet_streams_are_served_at_once)
{
    struct pace p = {.hold_max_ns = BOUND};

    for (int64_t now_ns = 0; now_ns < 100 * BOUND; now_ns += BOUND)
        ck_assert_uint_eq(serve_all(&p, 1000, now_ns), 8);
}
END_TEST

/* In the middle of a round nobody waits for the clock, and who comes late waits for the next. */
START_TEST(a_round_is_not_interrupted)
{
    struct pace p = {.hold_max_ns = BOUND};

    ck_assert_uint_eq(pace_share(&p, 1000, 0), 125);
    for (int i = 1; i < 8; i++) {
        ck_assert(pace_wait(&p, 1000, i) == 0);
        ck_assert_uint_eq(pace_share(&p, 1000, i), 125);
    }
    ck_assert_uint_eq(pace_share(&p, 1000, 8), 0);
}
END_TEST

/* What many clients write in between must not leave streams behind. */
START_TEST(slow_requests_end_a_round)
{
    struct pace p = {.hold_max_ns = BOUND};

    ck_assert_uint_eq(pace_share(&p, 1000, 0), 125);
    ck_assert_uint_eq(pace_share(&p, 875, BOUND), 125); /* a millisecond of it went to the sends */
    ck_assert_uint_eq(pace_share(&p, 750, BOUND + 2 * MS), 750);
}
END_TEST

/* Many streams alone are no reason: ten thousand take long, and requests are looked at meanwhile.
 */
START_TEST(slow_sends_do_not)
{
    struct pace p = {.hold_max_ns = BOUND};

    for (int64_t i = 0; i < 8; i++)
        ck_assert_uint_eq(pace_share(&p, 10000 - (size_t)i * 1250, i * BOUND), 1250);
}
END_TEST

/* Streams that end while they wait end the round with them. */
START_TEST(streams_end_in_a_round)
{
    struct pace p = {.hold_max_ns = BOUND};

    ck_assert_uint_eq(pace_share(&p, 1000, 0), 125);
    ck_assert_uint_eq(pace_share(&p, 0, 1), 0);
    ck_assert_uint_eq(pace_share(&p, 5, 2), 5);
    ck_assert(pace_wait(&p, 1, 2) == 0);
}
END_TEST

/* An event every 100 us for a second, a send costs 7 us: how many sends, and how late at most. */
START_TEST(a_second_of_events)
{
    struct pace p = {.hold_max_ns = BOUND};
    int64_t now_ns = 0, next_event = 0, oldest = -1, late_ns = 0;
    size_t waiting = 0, sends = 0;

    while (now_ns < 1000 * MS) {
        size_t share;

        for (; next_event <= now_ns; next_event += MS / 10) {
            oldest = waiting ? oldest : next_event;
            waiting = 1000; /* an event is for all, and a round serves some of them again */
        }
        share = pace_share(&p, waiting, now_ns);
        now_ns += share ? (int64_t)share * 7000 : MS / 10;
        waiting -= share;
        sends += share;
        if (share && p.left == 0) {
            late_ns = now_ns - oldest > late_ns ? now_ns - oldest : late_ns;
            waiting = 0;
        }
    }
    ck_assert_msg(sends < 100000, "%zu sends for 10000 events of 1000 streams", sends);
    ck_assert_msg(late_ns < BOUND + 8 * MS, "%lld ns late", (long long)late_ns);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("net.http_pace",
                      SUITE_CASE("pace", EACH(hold_after_a_round, holds), TEST(nothing_to_serve),
                                 TEST(few_never_wait), TEST(quiet_streams_are_served_at_once),
                                 TEST(a_round_is_not_interrupted), TEST(slow_requests_end_a_round),
                                 TEST(slow_sends_do_not), TEST(streams_end_in_a_round),
                                 TEST(a_second_of_events)));
}
