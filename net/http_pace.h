/* When streams that have been woken are served. Pure: the caller brings the clock.
 *
 * Sending to a thousand clients takes some milliseconds, and one send with ten events costs little
 * more than one with a single event. So streams are served in rounds: those that wait when a round
 * begins, an eighth of them at a time, with a look at requests in between. After a round of many
 * the next one is held for about as long as the round has cost, and never longer than the bound:
 * half of the time is left to requests, and what they write meanwhile goes out in one piece. When
 * requests take longer than the bound in the middle of a round, the rest of it is served at once,
 * so that no stream falls far behind what many clients write. A round of few costs nothing that
 * would be worth a wait, and when nothing has been sent for a while the next round begins at once.
 */
#ifndef VMCONFORM_NET_HTTP_PACE_H
#define VMCONFORM_NET_HTTP_PACE_H

#include <stddef.h>
#include <stdint.h>

/* A round of fewer streams is never followed by a wait. */
#define PACE_FEW 64u

struct pace {
    int64_t hold_max_ns; /* 0: rounds follow at once */
    size_t round, left;  /* streams of the current round, and those of them to be served */
    int64_t began_ns;    /* the current round, by the caller's clock */
    int64_t not_before;  /* when the next round may begin, by the caller's clock */
};

/* How many of the waiting streams are to be served now. 0: none waits, or they are held. */
size_t pace_share(struct pace *p, size_t waiting, int64_t now_ns);
/* How long until pace_share() gives some of them: INT64_MAX when none waits. */
int64_t pace_wait(const struct pace *p, size_t waiting, int64_t now_ns);

#endif
