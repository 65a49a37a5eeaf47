#include "net/http_pace.h"

#include <stdbool.h>

/* What a send costs, most of it the kernel's. */
#define SEND_NS INT64_C(8000)
/* Which part of a round is served at a time. */
#define SHARES 8u

static int64_t hold(const struct pace *p)
{
    if (p->round < PACE_FEW)
        return 0;
    if (p->round > (uint64_t)(p->hold_max_ns / SEND_NS))
        return p->hold_max_ns;
    return (int64_t)p->round * SEND_NS;
}

/* Since the round began, beside what its sends have cost. */
static bool requests_took_long(const struct pace *p, int64_t now_ns)
{
    size_t sent = p->round - p->left;

    return p->hold_max_ns > 0 && sent < (uint64_t)(INT64_MAX / SEND_NS) &&
           now_ns - p->began_ns - (int64_t)sent * SEND_NS >= p->hold_max_ns;
}

size_t pace_share(struct pace *p, size_t waiting, int64_t now_ns)
{
    size_t share;

    /* Streams may end while they wait. */
    if (p->left > waiting)
        p->left = waiting;
    if (p->left == 0) {
        if (waiting == 0 || now_ns < p->not_before)
            return 0;
        p->round = p->left = waiting;
        p->began_ns = now_ns;
    }
    share = p->round / SHARES > PACE_FEW ? p->round / SHARES : PACE_FEW;
    if (share > p->left || requests_took_long(p, now_ns))
        share = p->left;
    p->left -= share;
    if (p->left == 0)
        p->not_before = now_ns + hold(p);
    return share;
}

int64_t pace_wait(const struct pace *p, size_t waiting, int64_t now_ns)
{
    if (waiting == 0)
        return INT64_MAX;
    return p->left > 0 || now_ns >= p->not_before ? 0 : p->not_before - now_ns;
}
