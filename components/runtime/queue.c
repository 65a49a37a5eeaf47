/* Three sets, as in client-go: `dirty` keys need work, `busy` ones are with a worker, `ready` is
 * the order of those that are dirty and not busy. Keys with an appointment stand in `later`;
 * queue_get() moves those that are due. */
#include "components/runtime/queue.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strmap.h"

#define BUCKET_STEP_NS (INT64_C(100) * 1000000) /* 10 per second */
#define BUCKET_BURST 100

struct appointment {
    int64_t at_ns;
    uint64_t number; /* ties come in order of arrival */
    char *key;
};

struct queue {
    struct host *host;
    struct host_event *wake;
    char **ready; /* owned */
    size_t ready_count, ready_cap;
    struct strmap *dirty, *busy; /* values: presence only */
    struct strmap *failures;     /* key -> unsigned, owned */
    struct appointment *later;   /* unsorted: few at a time */
    size_t later_count, later_cap;
    uint64_t numbers;
    int64_t bucket_ns; /* when the bucket would be full again */
};

struct queue *queue_create(struct host *h, const char *name)
{
    struct queue *q = mem_zalloc(sizeof *q);
    q->host = h;
    q->wake = host_event_create(h, name);
    q->dirty = strmap_create();
    q->busy = strmap_create();
    q->failures = strmap_create();
    return q;
}

void queue_destroy(struct queue *q)
{
    if (!q)
        return;
    for (size_t i = 0; i < q->ready_count; i++)
        free(q->ready[i]);
    free(q->ready);
    for (size_t i = 0; i < q->later_count; i++)
        free(q->later[i].key);
    free(q->later);
    strmap_destroy(q->dirty, NULL);
    strmap_destroy(q->busy, NULL);
    strmap_destroy(q->failures, free);
    host_event_destroy(q->host, q->wake);
    free(q);
}

static void push_ready(struct queue *q, const char *key)
{
    q->ready = mem_grow(q->ready, &q->ready_cap, q->ready_count + 1, sizeof *q->ready);
    q->ready[q->ready_count++] = mem_strdup(key);
    host_event_signal(q->host, q->wake);
}

void queue_add(struct queue *q, const char *key)
{
    if (strmap_get(q->dirty, key))
        return;
    strmap_put(q->dirty, key, q);
    if (!strmap_get(q->busy, key))
        push_ready(q, key);
}

static struct appointment *find_later(struct queue *q, const char *key)
{
    for (size_t i = 0; i < q->later_count; i++)
        if (strcmp(q->later[i].key, key) == 0)
            return &q->later[i];
    return NULL;
}

void queue_add_after(struct queue *q, const char *key, int64_t delay_ns)
{
    if (delay_ns <= 0) {
        queue_add(q, key);
        return;
    }
    int64_t at_ns = host_now(q->host) + delay_ns;
    struct appointment *a = find_later(q, key);
    if (a && a->at_ns <= at_ns)
        return;
    if (!a) {
        q->later = mem_grow(q->later, &q->later_cap, q->later_count + 1, sizeof *q->later);
        a = &q->later[q->later_count++];
        a->key = mem_strdup(key);
    }
    a->at_ns = at_ns;
    a->number = q->numbers++;
    host_event_signal(q->host, q->wake); /* a waiting worker must look at its alarm clock again */
}

unsigned queue_failures(const struct queue *q, const char *key)
{
    const unsigned *count = strmap_get(q->failures, key);
    return count ? *count : 0;
}

static int64_t backoff_ns(struct queue *q, const char *key)
{
    unsigned *count = strmap_get(q->failures, key);
    if (!count) {
        count = mem_zalloc(sizeof *count);
        strmap_put(q->failures, key, count);
    }
    unsigned exponent = (*count)++;
    if (exponent >= 18) /* 5 ms << 18 is more than 1000 s */
        return QUEUE_MAX_DELAY_NS;
    int64_t delay_ns = QUEUE_BASE_DELAY_NS << exponent;
    return delay_ns < QUEUE_MAX_DELAY_NS ? delay_ns : QUEUE_MAX_DELAY_NS;
}

/* Takes one token; how long until it is there. */
static int64_t bucket_ns(struct queue *q)
{
    int64_t now = host_now(q->host);
    if (q->bucket_ns < now)
        q->bucket_ns = now;
    q->bucket_ns += BUCKET_STEP_NS;
    int64_t delay_ns = q->bucket_ns - now - BUCKET_BURST * BUCKET_STEP_NS;
    return delay_ns > 0 ? delay_ns : 0;
}

void queue_add_rate_limited(struct queue *q, const char *key)
{
    int64_t own_ns = backoff_ns(q, key);
    int64_t all_ns = bucket_ns(q);
    queue_add_after(q, key, own_ns > all_ns ? own_ns : all_ns);
}

void queue_forget(struct queue *q, const char *key)
{
    free(strmap_remove(q->failures, key));
}

static bool sooner(const struct appointment *a, const struct appointment *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->number < b->number;
}

static struct appointment *first_later(struct queue *q)
{
    struct appointment *first = NULL;
    for (size_t i = 0; i < q->later_count; i++)
        if (!first || sooner(&q->later[i], first))
            first = &q->later[i];
    return first;
}

/* Moves what is due; returns when to look again. */
static int64_t move_due(struct queue *q)
{
    for (;;) {
        struct appointment *a = first_later(q);
        if (!a)
            return HOST_FOREVER;
        if (a->at_ns > host_now(q->host))
            return a->at_ns;
        char *key = a->key;
        *a = q->later[--q->later_count];
        queue_add(q, key);
        free(key);
    }
}

static char *pop_ready(struct queue *q)
{
    char *key = q->ready[0];
    memmove(q->ready, q->ready + 1, --q->ready_count * sizeof *q->ready);
    strmap_put(q->busy, key, q);
    strmap_remove(q->dirty, key);
    if (q->ready_count || q->later_count) /* one signal wakes one worker: pass it on */
        host_event_signal(q->host, q->wake);
    return key;
}

char *queue_get(struct queue *q)
{
    for (;;) {
        if (host_crashed(q->host))
            return NULL;
        int64_t until_ns = move_due(q);
        if (q->ready_count)
            return pop_ready(q);
        if (host_event_wait(q->host, q->wake, until_ns) == HOST_CRASHED)
            return NULL;
    }
}

void queue_done(struct queue *q, const char *key)
{
    strmap_remove(q->busy, key);
    if (strmap_get(q->dirty, key))
        push_ready(q, key);
}

size_t queue_length(const struct queue *q)
{
    return q->ready_count;
}
