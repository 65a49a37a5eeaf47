/* A work queue of keys, as client-go's: a key waits at most once, and is never handed to two
 * workers at a time; a key added while it is being worked on comes back afterwards. Failures wait:
 * 5 ms doubling to 1000 s per key, and 10 per second (burst 100) over all. */
#ifndef VMCONFORM_COMPONENTS_RUNTIME_QUEUE_H
#define VMCONFORM_COMPONENTS_RUNTIME_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "components/host.h"

#define QUEUE_BASE_DELAY_NS (INT64_C(5) * 1000000)
#define QUEUE_MAX_DELAY_NS (INT64_C(1000) * 1000000000)

struct queue;
struct queue *queue_create(struct host *h, const char *name);
void queue_destroy(struct queue *q);
DEFINE_CLEANUP(struct queue, queue, queue_destroy);

void queue_add(struct queue *q, const char *key);
/* No sooner than delay_ns from now; an earlier appointment of the same key stays. */
void queue_add_after(struct queue *q, const char *key, int64_t delay_ns);
/* After the key's next back-off. */
void queue_add_rate_limited(struct queue *q, const char *key);
/* The key worked: its back-off starts over. */
void queue_forget(struct queue *q, const char *key);
unsigned queue_failures(const struct queue *q, const char *key);
/* Blocks for the next key: new. NULL: crashed. The worker ends with queue_done() for each. */
char *queue_get(struct queue *q);
void queue_done(struct queue *q, const char *key);
/* Keys that wait to be handed out now. */
size_t queue_length(const struct queue *q);

#endif
