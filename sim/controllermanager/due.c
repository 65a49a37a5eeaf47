#include "sim/controllermanager/due_priv.h"

#include <assert.h>

#include "sched/sched.h"

void *due_first(const struct strmap *items, int64_t now_ns, int64_t *ret_at)
{
    size_t at = 0;
    const char *key;
    void *value;

    *ret_at = SCHED_NEVER;
    while (strmap_each(items, &at, &key, &value)) {
        const struct due *d = value;

        if (d->waits)
            continue;
        if (d->at_ns <= now_ns)
            return value;
        if (d->at_ns < *ret_at)
            *ret_at = d->at_ns;
    }
    return NULL;
}

int64_t due_delay(unsigned failures, int64_t first_ns, int64_t max_ns)
{
    int64_t delay = first_ns;

    assert(failures > 0);
    assert(first_ns > 0 && first_ns <= max_ns);
    for (unsigned i = 1; i < failures && delay < max_ns; i++)
        delay *= 2;
    return delay < max_ns ? delay : max_ns;
}
