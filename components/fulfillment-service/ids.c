#include "components/fulfillment-service/ids.h"

#include <inttypes.h>
#include <stdio.h>

#include "kube/time.h"

void ids_next(struct ids *ids, int64_t now_ns, char out[ID_TEXT])
{
    int64_t ms = now_ns / NS_PER_MS;
    if (ms > ids->ms) {
        ids->ms = ms;
        ids->tick = (unsigned)prng_below(&ids->prng, 1u << 8);
    } else if (++ids->tick > 0xfff) {
        ids->ms++; /* ahead of the clock rather than out of order */
        ids->tick = 0;
    }
    uint64_t low = prng_next(&ids->prng);
    uint64_t time = (uint64_t)ids->ms & UINT64_C(0xffffffffffff);
    snprintf(out, ID_TEXT, "%08" PRIx64 "-%04" PRIx64 "-7%03x-%04" PRIx64 "-%012" PRIx64,
             time >> 16, time & 0xffff, ids->tick, 0x8000 | (low >> 50),
             low & UINT64_C(0xffffffffffff));
}
