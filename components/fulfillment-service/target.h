/* The target of a request line: its path in segments, its query in texts. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_TARGET_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_TARGET_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

#define TARGET_MAX (64u << 10) /* bytes */
#define TARGET_SEGMENTS_MAX 8
#define QUERY_NAMES_MAX 64

struct target {
    char *segments[TARGET_SEGMENTS_MAX]; /* unescaped, owned */
    size_t count;
    json_t *query; /* names to texts, owned; of a name that stands twice, a list */
};
/* -1: no target (bad escapes, no UTF-8, too long). */
int target_read(struct target *t, const char *text, struct err *reterr);
void target_finish(struct target *t);
static inline void cleanup_target(struct target *t)
{
    target_finish(t);
}

#endif
