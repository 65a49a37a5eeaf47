#include "net/http_pace.h"

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
    }
    share = p->round / SHARES > PACE_FEW ? p->round / SHARES : PACE_FEW;
    if (share > p->left)
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
