/* When the world's time goes on while somebody outside works by the wall's.
 *
 * The virtual clock stands. Once the outside has done nothing for the quiet time (no request came
 * or was answered, no event of a watch waits for it), the clock may leap: from event to event, as
 * far as one leap goes, or until the outside is told something or asks for something; then it
 * stands again. So a wait of ten minutes is a number of quiet times, and an outside that polls by
 * its own clock gets its turn between them. A request that is under way at such a moment waits for
 * the world (a fault delays it), and does not hold the clock. */
#include <limits.h>

#include "base/wall.h"
#include "kube/time.h"
#include "runner/external_priv.h"

#define NS_PER_MS INT64_C(1000000)
/* One that never rests is quiet when it has asked for nothing in that many quiet times. */
#define PATIENCE 25
#define LOOK_AGAIN_NS (20 * NS_PER_MS)

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void external_clock_start(struct external *x)
{
    int64_t now = wall_monotonic_ns();

    x->activity_ns = now;
    x->deadline_ns = now + x->options->timeout_ns;
    loop_hold(x->loop, world_now(x->cw->world));
}

void external_clock_expect(struct external *x)
{
    x->connected = x->ready = x->leaping = false;
    x->connect_by_ns = wall_monotonic_ns() + x->options->connect_ns;
}

void external_clock_note(struct external *x)
{
    x->activity_ns = wall_monotonic_ns();
    x->patience = 0;
    x->leaping = false;
}

/* ---- what ends a case ---- */

static void tell_timeout(struct external *x)
{
    char limit[TIME_TEXT];

    duration_format(x->options->timeout_ns, limit);
    verdict(x->cw, RESULT_ERROR, "timeout", NO_POS, NULL,
            "the case did not end within %s of wall time (--timeout allows more)", limit);
}

static void tell_absence(struct external *x)
{
    char limit[TIME_TEXT];

    duration_format(x->options->connect_ns, limit);
    verdict(x->cw, RESULT_ERROR, "stage", NO_POS, NULL,
            "'%s' has not connected within %s of wall time: it is to list or watch something at "
            "%s with the kubeconfig %s (--connect-timeout allows more)",
            x->options->component, limit, x->options->address, x->options->kubeconfig_path);
}

static void look_at_process(struct external *x)
{
    AUTO(str) char *words = NULL;

    if (!outside_reap(&x->process) || !external_is_present(x))
        return;
    words = outside_end_words(&x->process);
    verdict(x->cw, RESULT_ERROR, "component", NO_POS, NULL, "'%s' ended by itself: %s",
            x->options->component, words);
}

/* ---- the clock ---- */

static void tell_standstill(struct external *x)
{
    verdict(x->cw, RESULT_ERROR, "limit", x->cw->step ? x->cw->step->pos : NO_POS, NULL,
            "nothing is left to happen, and the story has not ended");
}

/* To the next event, or to the end of the leap. */
static void advance(struct external *x, int64_t until_ns)
{
    int64_t next = sched_next(world_sched(x->cw->world));

    if (next == SCHED_NEVER) {
        tell_standstill(x);
        return;
    }
    if (next >= until_ns) {
        external_clock_note(x); /* the next leap begins with a quiet time of its own */
        next = until_ns;
    }
    loop_hold(x->loop, next);
}

/* 0: it is quiet; else the wall time until it could be. */
static int64_t until_quiet(struct external *x, int64_t now)
{
    int64_t left = x->activity_ns + x->options->quiet_ns - now;

    if (x->bridge.unread)
        return LOOK_AGAIN_NS;
    if (left > 0)
        return left;
    if (!outside_is_busy(&x->process) || ++x->patience > PATIENCE)
        return 0;
    x->activity_ns = now;
    return x->options->quiet_ns;
}

static int64_t look_at_quiet(struct external *x, int64_t now)
{
    int64_t wait = x->leaping ? 0 : until_quiet(x, now);

    if (wait > 0)
        return wait;
    if (!x->ready) {
        x->ready = true;
        waitcell_signal(x->arrival);
        return 0;
    }
    if (!x->leaping)
        x->leap_until_ns = world_now(x->cw->world) + x->options->leap_ns;
    x->leaping = true;
    advance(x, x->leap_until_ns);
    return 0;
}

int64_t external_clock_look(void *cookie)
{
    struct external *x = cookie;
    int64_t now = wall_monotonic_ns(), wait;

    look_at_process(x);
    if (now >= x->deadline_ns)
        tell_timeout(x);
    if (x->cw->over) {
        loop_stop(x->loop);
        return INT64_MAX;
    }
    if (sched_next(world_sched(x->cw->world)) <= world_now(x->cw->world))
        return 0; /* it is not the outside's turn yet */
    if (!external_is_present(x)) {
        advance(x, SCHED_NEVER);
        return 0;
    }
    if (x->connected)
        wait = look_at_quiet(x, now);
    else if (now >= x->connect_by_ns)
        tell_absence(x), wait = 0;
    else
        wait = x->connect_by_ns - now;
    wait = smaller(wait, x->deadline_ns - now);
    return x->process.pid ? smaller(wait, LOOK_AGAIN_NS) : wait;
}
