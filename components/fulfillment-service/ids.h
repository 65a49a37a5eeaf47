/* Identifiers of rows: UUIDs of version 7, so that their order is that of creation. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_IDS_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_IDS_H

#include <stdint.h>

#include "base/prng.h"

#define ID_TEXT 37

struct ids {
    struct prng prng;
    int64_t ms;    /* of the last one */
    unsigned tick; /* the 12 bits that order those of one millisecond */
};
void ids_next(struct ids *ids, int64_t now_ns, char out[ID_TEXT]);

#endif
