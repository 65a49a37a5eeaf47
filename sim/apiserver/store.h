/* One resource's objects, ordered by storage key, and the log of their latest changes.
 *
 * The key is "namespace/name" (or "name"), compared bytewise as etcd compares it: that is the order
 * of every list. Entries live in chunks, so that insertion moves at most one chunk and walking
 * touches memory in order. The log is what watches and reads of the past live on: a ring of the
 * last LOG_MAX changes, each with the object before and after. */
#ifndef VMCONFORM_SIM_APISERVER_STORE_H
#define VMCONFORM_SIM_APISERVER_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kube/api.h"

#define STORE_KEY_MAX 320 /* 63 of a namespace, 253 of a name, the slash and the NUL */
#define LOG_MAX 4096u

struct store_entry {
    json_t *object; /* frozen; its metadata.resourceVersion is `revision` */
    int64_t revision;
    uint64_t fingerprint; /* only in builds that check it, else 0 */
    char key[];
};

struct store_chunk;
struct store_table {
    struct store_chunk **chunks;
    size_t chunk_count, chunk_cap;
    size_t count;
};

struct store_pos {
    size_t chunk, index;
};

/* Writes the key of (ns, name); false when it does not fit, so no such object can exist. ns may be
 * NULL. */
bool store_key(char out[STORE_KEY_MAX], const char *ns, const char *name);

void store_finish(struct store_table *t);
/* NULL when absent. Borrowed until the next insertion or removal. */
struct store_entry *store_find(const struct store_table *t, const char *key);
/* The key must be absent. Takes over object. */
struct store_entry *store_insert(struct store_table *t, const char *key, json_t *object);
/* The key must be present. */
void store_remove(struct store_table *t, const char *key);
/* The first entry whose key is >= key ("" begins). */
struct store_pos store_seek(const struct store_table *t, const char *key);
/* The entry at *pos, and moves on; NULL at the end. The table must not change between seek and
 * next. */
struct store_entry *store_next(const struct store_table *t, struct store_pos *pos);

struct log_entry {
    enum api_event_type type; /* ADDED, MODIFIED, DELETED */
    int64_t revision;
    int64_t committed_ns;
    json_t *old;    /* NULL for ADDED */
    json_t *object; /* for DELETED: the last state with the revision of the deletion */
    const char *ns; /* of the object, which holds it; every watch looks at it */
};

/* Entries are numbered from 0 on for ever; those below `first` are gone. */
struct event_log {
    struct log_entry *ring;
    size_t cap; /* a power of two */
    uint64_t first, next;
    int64_t lost_revision; /* of the newest entry that is gone; 0 when none is */
};

void log_finish(struct event_log *l);
/* References are taken. */
void log_append(struct event_log *l, const struct log_entry *e);
/* n must be in [first, next). */
const struct log_entry *log_at(const struct event_log *l, uint64_t n);
/* The number of the first entry whose revision is greater. */
uint64_t log_after(const struct event_log *l, int64_t revision);

#endif
