/* Work that is done when its time has come: what the queues of both controllers share.
 * An item embeds struct due as its first member. */
#ifndef VMCONFORM_SIM_CONTROLLERMANAGER_DUE_PRIV_H
#define VMCONFORM_SIM_CONTROLLERMANAGER_DUE_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strmap.h"

struct due {
    int64_t at_ns;
    bool waits; /* for a change, not for its time */
};

/* The first item of the map, by its order, whose time has come; borrowed. NULL: none, and *ret_at
 * is when to look again (SCHED_NEVER: after a change). */
void *due_first(const struct strmap *items, int64_t now_ns, int64_t *ret_at);
/* How long to wait after so many failures in a row (1 or more): first_ns, doubled each time, at
 * most max_ns. As client-go's rate limiter. */
int64_t due_delay(unsigned failures, int64_t first_ns, int64_t max_ns);

#endif
