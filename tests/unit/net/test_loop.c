/* A scheduler on the wall clock: order, speed, descriptors, how it stops. */
#include "net/loop.h"

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "base/wall.h"
#include "tests/unit/suite.h"

#define MS INT64_C(1000000)

struct fixture {
    struct sched *s;
    struct loop *l;
    struct strbuf log;
    int pipe[2];
    struct loop_fd *watch;
    int64_t seen_ns;
};

static void init(struct fixture *f, double speed)
{
    struct err e = {0};

    memset(f, 0, sizeof *f);
    f->s = sched_create(&(struct sched_config){.start_ns = 5000});
    f->l = loop_create(f->s, speed, &e);
    ck_assert_msg(f->l, "%s", e.msg);
    ck_assert_int_eq(pipe(f->pipe), 0);
}

static void finish(struct fixture *f)
{
    loop_destroy(f->l);
    sched_destroy(f->s);
    strbuf_finish(&f->log);
    close(f->pipe[0]);
    close(f->pipe[1]);
}

struct mark {
    struct fixture *f;
    char c;
    int64_t at_ns, seen_ns;
};

static void mark(void *cookie)
{
    struct mark *m = cookie;

    strbuf_addch(&m->f->log, m->c);
    m->seen_ns = sched_now(m->f->s);
}

START_TEST(order_and_time)
{
    struct fixture f;
    init(&f, 1000.0);
    struct mark marks[] = {{&f, 'c', 5000 + 900 * MS, 0},
                           {&f, 'a', 5000 + 10 * MS, 0},
                           {&f, 'b', 5000 + 10 * MS + 1, 0},
                           {&f, 'd', 5000 + 2000 * MS, 0}};
    int64_t before = wall_monotonic_ns(), took;

    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        sched_post(f.s, marks[i].at_ns, mark, &marks[i]);
    ck_assert_int_eq(loop_run(f.l, true, NULL), 0);
    took = wall_monotonic_ns() - before;
    ck_assert_str_eq(strbuf_str(&f.log), "abcd");
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        ck_assert_int_eq(marks[i].seen_ns, marks[i].at_ns);
    /* 2 virtual seconds at this speed are 2 ms; not less, however busy the machine is. */
    ck_assert_int_ge(took, 2 * MS - MS / 10);
    finish(&f);
}
END_TEST

static const double wrong_speeds[] = {0.0, -1.0, 1e10, 0.0 / 0.0};

START_TEST(speed_limits)
{
    AUTO(sched) struct sched *s = sched_create(&(struct sched_config){.start_ns = 0});
    AUTO(err) struct err e = {0};

    ck_assert_ptr_null(loop_create(s, wrong_speeds[_i], &e));
    ck_assert_int_eq(e.code, ERR_INVALID);
}
END_TEST

static void stop_soon(void *cookie)
{
    loop_stop(((struct fixture *)cookie)->l);
}

/* A clock without events goes on all the same: what a client makes now is made now. */
START_TEST(idle_clock)
{
    struct fixture f;
    int64_t before = wall_monotonic_ns(), made, read;

    init(&f, 1e6);
    made = wall_monotonic_ns();
    while (wall_monotonic_ns() - made < MS)
        ;
    loop_stop(f.l);
    ck_assert_int_eq(loop_run(f.l, false, NULL), 0);
    read = sched_now(f.s);
    ck_assert_int_ge(read, 5000 + 1000000 * MS);
    ck_assert_int_le((double)(read - 5000), (double)(wall_monotonic_ns() - before) * 1e6 + 1e6);
    finish(&f);
}
END_TEST

static void on_pipe(void *cookie, uint32_t events)
{
    struct fixture *f = cookie;
    char c;

    ck_assert(events & EPOLLIN);
    ck_assert_int_eq(read(f->pipe[0], &c, 1), 1);
    strbuf_addch(&f->log, c);
    f->seen_ns = sched_now(f->s);
    if (c == 'x')
        loop_stop(f->l);
    if (c == 'f')
        loop_forget_fd(f->watch);
}

static void write_late(void *cookie)
{
    struct fixture *f = cookie;

    ck_assert_int_eq(write(f->pipe[1], "yx", 2), 2);
}

/* A descriptor wakes a loop whose next event is an hour away. */
START_TEST(descriptors)
{
    struct fixture f;
    init(&f, 1.0);
    struct mark never = {&f, '!', 0, 0};

    f.watch = loop_watch_fd(f.l, f.pipe[0], EPOLLIN, on_pipe, &f);
    sched_post(f.s, 5000 + 3600000 * MS, mark, &never);
    sched_post(f.s, 5000 + 2 * MS, write_late, &f);
    ck_assert_int_eq(loop_run(f.l, false, NULL), 0);
    ck_assert_str_eq(strbuf_str(&f.log), "yx");
    /* What a descriptor causes happens when it was told, not when the wait began. */
    ck_assert_int_ge(f.seen_ns, 5000 + 2 * MS);
    finish(&f);
}
END_TEST

START_TEST(forget_and_change)
{
    struct fixture f;
    init(&f, 1.0);

    f.watch = loop_watch_fd(f.l, f.pipe[0], 0, on_pipe, &f);
    ck_assert_int_eq(write(f.pipe[1], "af", 2), 2);
    ck_assert_int_eq(loop_run(f.l, true, NULL), 0);
    ck_assert_str_eq(strbuf_str(&f.log), "");
    loop_change_fd(f.watch, EPOLLIN);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(loop_run(f.l, true, NULL), 0);
    ck_assert_str_eq(strbuf_str(&f.log), "af");
    finish(&f);
}
END_TEST

static void forget_other(void *cookie, uint32_t events)
{
    struct fixture *f = cookie;

    (void)events;
    strbuf_addch(&f->log, 'o');
    loop_forget_fd(TAKE(f->watch));
}

/* Two descriptors of one pipe are told in one turn; whoever is told first forgets the other. */
START_TEST(forgotten_in_the_same_turn)
{
    struct fixture f;
    init(&f, 1.0);
    int twin = dup(f.pipe[0]);
    struct loop_fd *first;

    first = loop_watch_fd(f.l, f.pipe[0], EPOLLIN, forget_other, &f);
    f.watch = loop_watch_fd(f.l, twin, EPOLLIN, forget_other, &f);
    ck_assert_int_eq(write(f.pipe[1], "z", 1), 1);
    ck_assert_int_eq(loop_run(f.l, true, NULL), 0);
    ck_assert_ptr_null(f.watch);
    ck_assert_int_le((int)strlen(strbuf_str(&f.log)), 2);
    loop_forget_fd(first);
    close(twin);
    finish(&f);
}
END_TEST

/* A world that cannot keep up does not shut out descriptors. */
struct flood {
    struct fixture *f;
    unsigned count;
};

static void flood(void *cookie)
{
    struct flood *x = cookie;
    int64_t before = wall_monotonic_ns();

    /* Each event takes longer than the time until the next one. */
    while (wall_monotonic_ns() - before < MS / 10)
        ;
    x->count++;
    sched_post(x->f->s, sched_now(x->f->s) + 100 * MS, flood, x);
}

START_TEST(lagging_world)
{
    struct fixture f;
    init(&f, 1e4);
    struct flood x = {&f, 0};

    f.watch = loop_watch_fd(f.l, f.pipe[0], EPOLLIN, on_pipe, &f);
    sched_post(f.s, 5000, flood, &x);
    sched_post(f.s, 5000 + 1000 * MS, write_late, &f);
    ck_assert_int_eq(loop_run(f.l, false, NULL), 0);
    ck_assert_str_eq(strbuf_str(&f.log), "yx");
    ck_assert_uint_lt(x.count, 100000);
    finish(&f);
}
END_TEST

static int64_t count_idle(void *cookie)
{
    ++*(int *)cookie;
    return INT64_MAX;
}

START_TEST(idle_functions)
{
    struct fixture f;
    init(&f, 1.0);
    int a = 0, b = 0;

    loop_on_idle(f.l, count_idle, &a);
    loop_on_idle(f.l, count_idle, &b);
    ck_assert_int_eq(loop_run(f.l, true, NULL), 0);
    ck_assert_int_ge(a, 1);
    ck_assert_int_eq(a, b);
    loop_not_idle(f.l, count_idle, &a);
    ck_assert_int_eq(loop_run(f.l, true, NULL), 0);
    ck_assert_int_gt(b, a);
    finish(&f);
}
END_TEST

START_TEST(stops)
{
    struct fixture f;
    init(&f, 1.0);
    struct mark later = {&f, '!', 0, 0};

    sched_post(f.s, 5000 + 3600000 * MS, mark, &later);
    sched_post(f.s, 0, stop_soon, &f);
    ck_assert_int_eq(loop_run(f.l, true, NULL), 0);
    loop_stop(f.l); /* before it runs, as a signal may */
    loop_stop(f.l);
    ck_assert_int_eq(loop_run(f.l, false, NULL), 0);
    sched_stop(f.s);
    ck_assert_int_eq(loop_run(f.l, false, NULL), 0);
    ck_assert_str_eq(strbuf_str(&f.log), "");
    finish(&f);
}
END_TEST

static void again(void *cookie)
{
    struct sched *s = cookie;
    sched_post(s, 0, again, s);
}

START_TEST(limit_of_events)
{
    AUTO(sched) struct sched *s = sched_create(&(struct sched_config){.events_max = 50});
    AUTO(loop) struct loop *l = loop_create(s, 1.0, NULL);
    AUTO(err) struct err e = {0};

    sched_post(s, 0, again, s);
    ck_assert_int_eq(loop_run(l, false, &e), -1);
    ck_assert_int_eq(e.code, ERR_LIMIT);
}
END_TEST

/* Lets the held clock go to the next event, and notes what it read before. */
static int64_t let_go(void *cookie)
{
    struct fixture *f = cookie;
    int64_t next = sched_next(f->s);

    strbuf_addf(&f->log, "[%lld]", (long long)((sched_now(f->s) - 5000) / MS));
    if (next == SCHED_NEVER)
        loop_stop(f->l);
    else
        loop_hold(f->l, next);
    return 0;
}

START_TEST(held_clock)
{
    struct fixture f;
    init(&f, 1.0);
    struct mark now = {&f, 'a', 0, 0}, hour = {&f, 'b', 0, 0}, day = {&f, 'c', 0, 0};

    loop_hold(f.l, 0); /* a time that has passed: it stands where it is */
    sched_post(f.s, 0, mark, &now);
    sched_post(f.s, 5000 + 3600000 * MS, mark, &hour);
    sched_post(f.s, 5000 + 24 * 3600000 * MS, mark, &day);
    loop_on_idle(f.l, let_go, &f);
    ck_assert_int_eq(loop_run(f.l, false, NULL), 0);
    ck_assert_str_eq(strbuf_str(&f.log), "a[0]b[3600000]c[86400000]");
    ck_assert_int_eq(hour.seen_ns, 5000 + 3600000 * MS);
    finish(&f);
}
END_TEST

/* From before 1970 to the last time there is, more passes than an int64_t holds. */
START_TEST(clock_before_1970)
{
    static const int64_t starts[] = {INT64_MIN, INT64_MIN + 1, -1};
    struct fixture f = {.pipe = {-1, -1}};
    struct err e = {0};

    f.s = sched_create(&(struct sched_config){.start_ns = starts[_i]});
    f.l = loop_create(f.s, LOOP_SPEED_MAX, &e);
    ck_assert_msg(f.l, "%s", e.msg);
    struct mark soon = {&f, 'a', starts[_i] + 1, 0}, far = {&f, 'b', SCHED_NEVER - 1, 0};
    sched_post(f.s, soon.at_ns, mark, &soon);
    uint64_t distant = sched_post(f.s, far.at_ns, mark, &far);
    while (!f.log.len) {
        loop_stop(f.l);
        ck_assert_int_eq(loop_run(f.l, false, NULL), 0);
    }
    ck_assert_str_eq(strbuf_str(&f.log), "a");
    ck_assert_int_eq(soon.seen_ns, soon.at_ns);
    sched_cancel(f.s, distant);
    loop_destroy(f.l);
    sched_destroy(f.s);
    strbuf_finish(&f.log);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("net.loop",
                      SUITE_CASE("loop", TEST(order_and_time), EACH(speed_limits, wrong_speeds),
                                 TEST(idle_clock), TEST(descriptors), TEST(forget_and_change),
                                 TEST(forgotten_in_the_same_turn), TEST(lagging_world),
                                 TEST(idle_functions), TEST(stops), TEST(limit_of_events),
                                 TEST(held_clock), RANGE(clock_before_1970, 0, 3)));
}
