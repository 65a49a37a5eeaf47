#include "net/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/wall.h"

#define EVENTS_AT_ONCE 64
/* How much of the wall's time a world that lags behind may catch up with before descriptors are
 * looked at again. */
#define SLICE_NS INT64_C(10000000)
#define NS_PER_S INT64_C(1000000000)

struct loop_fd {
    struct loop *loop;
    int fd;
    uint32_t events;
    loop_fd_fn *fn; /* NULL: forgotten while its events are being told */
    void *cookie;
    LIST_ENTRY(loop_fd) link;
};
LIST_HEAD(loop_fd_list, loop_fd);

struct idle {
    loop_idle_fn *fn;
    void *cookie;
};

/* The virtual clock reads virtual_ns + (wall - wall_ns) * speed: a straight line from where both
 * stood when the loop was made. Nothing is ever taken back: a world that cannot keep up runs late,
 * in the right order, with the time of each event on its clock, and catches up when it can. */
struct loop {
    struct sched *sched;
    double speed;
    int64_t virtual_ns, wall_ns;
    int epoll, wake;
    struct loop_fd *wake_fd;
    struct loop_fd_list fds, forgotten;
    struct idle *idles;
    size_t idle_count, idle_cap;
    bool running;
    bool held; /* the clock stands at held_ns */
    int64_t held_ns;
};

/* ---- life ---- */

static void drain_wake(void *cookie, uint32_t events)
{
    struct loop *l = cookie;
    uint64_t count;

    (void)events;
    if (read(l->wake, &count, sizeof count) == (ssize_t)sizeof count)
        l->running = false;
}

struct loop *loop_create(struct sched *s, double speed, struct err *reterr)
{
    AUTO(loop) struct loop *l = mem_zalloc(sizeof *l);

    l->sched = s;
    l->speed = speed;
    l->virtual_ns = sched_now(s);
    l->wall_ns = wall_monotonic_ns();
    l->epoll = l->wake = -1;
    LIST_INIT(&l->fds);
    LIST_INIT(&l->forgotten);
    if (!(speed > 0) || speed > LOOP_SPEED_MAX) {
        err_set(reterr, ERR_INVALID, NO_POS, "the speed must be above 0 and at most %g, found %g",
                LOOP_SPEED_MAX, speed);
        return NULL;
    }
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->epoll < 0 || l->wake < 0) {
        err_set_errno(reterr, errno, NO_POS, "cannot make a loop");
        return NULL;
    }
    l->wake_fd = loop_watch_fd(l, l->wake, EPOLLIN, drain_wake, l);
    return TAKE(l);
}

static void bury(struct loop *l)
{
    struct loop_fd *f;

    while ((f = LIST_FIRST(&l->forgotten))) {
        LIST_REMOVE(f, link);
        free(f);
    }
}

void loop_destroy(struct loop *l)
{
    struct loop_fd *f;

    if (!l)
        return;
    while ((f = LIST_FIRST(&l->fds)))
        loop_forget_fd(f);
    bury(l);
    if (l->wake >= 0)
        close(l->wake);
    if (l->epoll >= 0)
        close(l->epoll);
    free(l->idles);
    free(l);
}

struct sched *loop_sched(const struct loop *l)
{
    return l->sched;
}

void loop_stop(struct loop *l)
{
    uint64_t one = 1;
    int saved = errno;

    /* Full means that it has been asked to stop already. */
    if (write(l->wake, &one, sizeof one) < 0)
        errno = saved;
}

void loop_hold(struct loop *l, int64_t at_ns)
{
    l->held = true;
    l->held_ns = at_ns > sched_now(l->sched) ? at_ns : sched_now(l->sched);
}

/* ---- descriptors ---- */

static void control(struct loop_fd *f, int op)
{
    struct epoll_event e = {.events = f->events, .data.ptr = f};
    int r = epoll_ctl(f->loop->epoll, op, f->fd, &e);

    /* What is left is a descriptor that is none: a mistake of the caller. */
    assert(r == 0 || errno == ENOMEM || errno == ENOSPC || op == EPOLL_CTL_DEL);
    (void)r;
}

struct loop_fd *loop_watch_fd(struct loop *l, int fd, uint32_t events, loop_fd_fn *fn, void *cookie)
{
    struct loop_fd *f = mem_zalloc(sizeof *f);

    *f = (struct loop_fd){.loop = l, .fd = fd, .events = events, .fn = fn, .cookie = cookie};
    LIST_INSERT_HEAD(&l->fds, f, link);
    control(f, EPOLL_CTL_ADD);
    return f;
}

void loop_change_fd(struct loop_fd *f, uint32_t events)
{
    if (f->events == events)
        return;
    f->events = events;
    control(f, EPOLL_CTL_MOD);
}

void loop_forget_fd(struct loop_fd *f)
{
    if (!f)
        return;
    control(f, EPOLL_CTL_DEL);
    LIST_REMOVE(f, link);
    /* Events that have been read already may still name it. */
    f->fn = NULL;
    LIST_INSERT_HEAD(&f->loop->forgotten, f, link);
}

void loop_on_idle(struct loop *l, loop_idle_fn *fn, void *cookie)
{
    l->idles = mem_grow(l->idles, &l->idle_cap, l->idle_count + 1, sizeof *l->idles);
    l->idles[l->idle_count++] = (struct idle){fn, cookie};
}

void loop_not_idle(struct loop *l, loop_idle_fn *fn, void *cookie)
{
    for (size_t i = 0; i < l->idle_count; i++) {
        if (l->idles[i].fn != fn || l->idles[i].cookie != cookie)
            continue;
        memmove(&l->idles[i], &l->idles[i + 1], (l->idle_count - i - 1) * sizeof *l->idles);
        l->idle_count--;
        return;
    }
}

static int64_t call_idles(struct loop *l)
{
    int64_t wait = INT64_MAX;

    for (size_t i = 0; i < l->idle_count; i++) {
        int64_t ns = l->idles[i].fn(l->idles[i].cookie);
        if (ns < wait)
            wait = ns;
    }
    return wait;
}

/* ---- time ---- */

static void nothing(void *cookie)
{
    (void)cookie;
}

/* How long from one time to a later one: from before 1970 to the end, more than an int64_t holds.
 */
static uint64_t between(int64_t from_ns, int64_t to_ns)
{
    return to_ns > from_ns ? (uint64_t)to_ns - (uint64_t)from_ns : 0;
}

/* What the virtual clock should read now. */
static int64_t virtual_target(const struct loop *l)
{
    double passed = (double)(wall_monotonic_ns() - l->wall_ns) * l->speed;

    if (l->held)
        return l->held_ns;
    if (passed >= (double)between(l->virtual_ns, SCHED_NEVER - 1))
        return SCHED_NEVER - 1;
    return (int64_t)((uint64_t)l->virtual_ns + (uint64_t)passed);
}

/* The wall time until the virtual clock reads at_ns. */
static int64_t wall_until(const struct loop *l, int64_t at_ns)
{
    double wall = (double)between(l->virtual_ns, at_ns) / l->speed;
    int64_t passed = wall_monotonic_ns() - l->wall_ns;

    if (l->held)
        return at_ns <= l->held_ns ? 0 : INT64_MAX;
    if (at_ns == SCHED_NEVER || wall >= (double)(INT64_MAX / 2))
        return INT64_MAX;
    /* One more: rounding must not wake us before the event is due. */
    return (int64_t)wall + 1 > passed ? (int64_t)wall + 1 - passed : 0;
}

static int run_slice(struct loop *l, int64_t until_ns, struct err *reterr)
{
    /* A scheduler without events leaves its clock alone; ours goes on. */
    if (sched_next(l->sched) == SCHED_NEVER && until_ns > sched_now(l->sched))
        sched_post(l->sched, until_ns, nothing, NULL);
    switch (sched_run(l->sched, until_ns)) {
    case SCHED_STOP_LIMIT:
        return err_set(reterr, ERR_LIMIT, NO_POS, "the world has reached its limit of events");
    case SCHED_STOP_ASKED:
        l->running = false;
        return 0;
    case SCHED_STOP_IDLE:
    case SCHED_STOP_UNTIL:
        break;
    }
    return 0;
}

/* Runs what is due, or a part of it. */
static int run_due(struct loop *l, struct err *reterr)
{
    int64_t target = virtual_target(l), next = sched_next(l->sched), now = sched_now(l->sched);
    int64_t from = next > now ? next : now;
    double slice = (double)SLICE_NS * l->speed;

    if (!l->held && next <= target && (double)between(from, target) > slice)
        target = from + (int64_t)slice;
    return run_slice(l, target, reterr);
}

/* ---- the loop ---- */

static int wait_for_events(struct loop *l, int64_t wait_ns, struct epoll_event *events)
{
    struct timespec ts = {.tv_sec = (time_t)(wait_ns / NS_PER_S),
                          .tv_nsec = (long)(wait_ns % NS_PER_S)};
    int n = epoll_pwait2(l->epoll, events, EVENTS_AT_ONCE, wait_ns == INT64_MAX ? NULL : &ts, NULL);

    if (n < 0 && errno == ENOSYS) {
        /* Kernels before 5.11 count milliseconds. */
        int64_t ms = wait_ns / 1000000 + (wait_ns % 1000000 > 0);
        n = epoll_wait(l->epoll, events, EVENTS_AT_ONCE,
                       wait_ns == INT64_MAX ? -1
                       : ms > 60000         ? 60000
                                            : (int)ms);
    }
    return n;
}

static int tell_events(struct loop *l, int64_t wait_ns, struct err *reterr)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int n = wait_for_events(l, wait_ns, events);

    if (n < 0 && errno != EINTR)
        return err_set_errno(reterr, errno, NO_POS, "waiting for events");
    /* What they do happens now, not when we began to wait. */
    if (run_due(l, reterr) < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        struct loop_fd *f = events[i].data.ptr;
        if (f->fn)
            f->fn(f->cookie, events[i].events);
    }
    bury(l);
    return 0;
}

static int64_t time_to_wait(struct loop *l)
{
    int64_t idle_ns = call_idles(l);
    int64_t event_ns = wall_until(l, sched_next(l->sched));

    return idle_ns < event_ns ? idle_ns : event_ns;
}

int loop_run(struct loop *l, bool until_idle, struct err *reterr)
{
    int r = 0;
    bool idle = false;

    assert(!l->running);
    l->running = true;
    while (r == 0 && l->running && !idle) {
        if ((r = run_due(l, reterr)) < 0 || !l->running)
            break;
        int64_t wait = time_to_wait(l);
        idle = until_idle && sched_next(l->sched) == SCHED_NEVER;
        /* Even an idle world looks at its descriptors once. */
        r = tell_events(l, idle ? 0 : wait, reterr);
        idle = idle && sched_next(l->sched) == SCHED_NEVER;
    }
    l->running = false;
    return r;
}
