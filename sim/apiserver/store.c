#include "sim/apiserver/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define CHUNK_MAX 128u

struct store_chunk {
    size_t count;
    struct store_entry *entries[CHUNK_MAX];
};

bool store_key(char out[STORE_KEY_MAX], const char *ns, const char *name)
{
    size_t ns_len = ns ? strlen(ns) : 0;
    size_t name_len = strlen(name);
    if (ns_len + name_len + 2 > STORE_KEY_MAX)
        return false;
    size_t at = 0;
    if (ns_len) {
        memcpy(out, ns, ns_len);
        out[ns_len] = '/';
        at = ns_len + 1;
    }
    memcpy(out + at, name, name_len + 1);
    return true;
}

static void entry_free(struct store_entry *e)
{
    json_decref(e->object);
    free(e);
}

void store_finish(struct store_table *t)
{
    for (size_t c = 0; c < t->chunk_count; c++) {
        for (size_t i = 0; i < t->chunks[c]->count; i++)
            entry_free(t->chunks[c]->entries[i]);
        assert(t->count >= t->chunks[c]->count);
        t->count -= t->chunks[c]->count;
        free(t->chunks[c]);
    }
    assert(t->count == 0); /* every object was in a chunk */
    free(t->chunks);
    *t = (struct store_table){0};
}

/* The chunk that holds key, or would: the last one whose first key is <= key. */
static size_t chunk_for(const struct store_table *t, const char *key)
{
    size_t lo = 0, hi = t->chunk_count;
    assert(hi > 0);
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(t->chunks[mid]->entries[0]->key, key) <= 0)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

/* The first position in the chunk whose key is >= key. */
static size_t chunk_seek(const struct store_chunk *c, const char *key, bool *ret_equal)
{
    size_t lo = 0, hi = c->count;
    assert(hi <= CHUNK_MAX);
    *ret_equal = false;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(c->entries[mid]->key, key);
        if (order == 0) {
            *ret_equal = true;
            return mid;
        }
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct store_entry *store_find(const struct store_table *t, const char *key)
{
    if (t->chunk_count == 0)
        return NULL;
    const struct store_chunk *c = t->chunks[chunk_for(t, key)];
    assert(c->count > 0); /* an empty chunk goes with its last entry */
    bool equal;
    size_t i = chunk_seek(c, key, &equal);
    return equal ? c->entries[i] : NULL;
}

static void chunk_add(struct store_table *t, size_t at, struct store_chunk *c)
{
    assert(at <= t->chunk_count);
    t->chunks = mem_grow(t->chunks, &t->chunk_cap, t->chunk_count + 1, sizeof(*t->chunks));
    memmove(t->chunks + at + 1, t->chunks + at, (t->chunk_count - at) * sizeof(*t->chunks));
    t->chunks[at] = c;
    t->chunk_count++;
}

static void chunk_split(struct store_table *t, size_t at)
{
    struct store_chunk *left = t->chunks[at];
    assert(left->count == CHUNK_MAX);
    struct store_chunk *right = mem_zalloc(sizeof(*right));
    size_t keep = left->count / 2;
    right->count = left->count - keep;
    memcpy(right->entries, left->entries + keep, right->count * sizeof(*right->entries));
    left->count = keep;
    chunk_add(t, at + 1, right);
}

struct store_entry *store_insert(struct store_table *t, const char *key, json_t *object)
{
    size_t key_size = strlen(key) + 1;
    assert(*key && key_size <= STORE_KEY_MAX);
    assert(object);
    struct store_entry *e = mem_zalloc(sizeof(*e) + key_size);
    memcpy(e->key, key, key_size);
    e->object = object;

    if (t->chunk_count == 0)
        chunk_add(t, 0, mem_zalloc(sizeof(struct store_chunk)));
    size_t at = chunk_for(t, key);
    if (t->chunks[at]->count == CHUNK_MAX) {
        chunk_split(t, at);
        at = chunk_for(t, key);
    }
    struct store_chunk *c = t->chunks[at];
    bool equal;
    size_t i = chunk_seek(c, key, &equal);
    assert(!equal);
    assert(i == 0 || strcmp(c->entries[i - 1]->key, key) < 0);
    assert(i == c->count || strcmp(key, c->entries[i]->key) < 0);
    assert(c->count < CHUNK_MAX);
    memmove(c->entries + i + 1, c->entries + i, (c->count - i) * sizeof(*c->entries));
    c->entries[i] = e;
    c->count++;
    t->count++;
    return e;
}

void store_remove(struct store_table *t, const char *key)
{
    assert(t->chunk_count > 0);
    size_t at = chunk_for(t, key);
    struct store_chunk *c = t->chunks[at];
    bool equal;
    size_t i = chunk_seek(c, key, &equal);
    assert(equal);
    entry_free(c->entries[i]);
    c->count--;
    memmove(c->entries + i, c->entries + i + 1, (c->count - i) * sizeof(*c->entries));
    assert(t->count > 0);
    t->count--;
    if (c->count == 0) {
        free(c);
        t->chunk_count--;
        memmove(t->chunks + at, t->chunks + at + 1, (t->chunk_count - at) * sizeof(*t->chunks));
    }
}

struct store_pos store_seek(const struct store_table *t, const char *key)
{
    struct store_pos pos = {0, 0};
    if (t->chunk_count == 0)
        return pos;
    bool equal;
    pos.chunk = chunk_for(t, key);
    pos.index = chunk_seek(t->chunks[pos.chunk], key, &equal);
    return pos;
}

struct store_entry *store_next(const struct store_table *t, struct store_pos *pos)
{
    while (pos->chunk < t->chunk_count) {
        const struct store_chunk *c = t->chunks[pos->chunk];
        assert(c->count > 0);
        if (pos->index < c->count)
            return c->entries[pos->index++];
        pos->chunk++;
        pos->index = 0;
    }
    return NULL;
}

/* ---- the log ---- */

static struct log_entry *slot(const struct event_log *l, uint64_t n)
{
    assert(l->cap > 0);
    return &l->ring[n & (l->cap - 1)];
}

static void drop_first(struct event_log *l)
{
    struct log_entry *e = slot(l, l->first);
    assert(l->first < l->next);
    assert(e->revision > l->lost_revision);
    l->lost_revision = e->revision;
    json_decref(e->old);
    json_decref(e->object);
    *e = (struct log_entry){0};
    l->first++;
}

void log_finish(struct event_log *l)
{
    while (l->first < l->next)
        drop_first(l);
    free(l->ring);
    *l = (struct event_log){0};
}

static void log_grow(struct event_log *l)
{
    size_t cap = l->cap ? l->cap * 2 : 16;
    struct log_entry *ring = mem_zalloc(cap * sizeof(*ring));
    assert((cap & (cap - 1)) == 0);
    assert(l->next - l->first <= cap);
    for (uint64_t n = l->first; n < l->next; n++)
        ring[n & (cap - 1)] = *slot(l, n);
    free(l->ring);
    l->ring = ring;
    l->cap = cap;
}

void log_append(struct event_log *l, const struct log_entry *e)
{
    size_t held = (size_t)(l->next - l->first);
    assert(e->object);
    assert((e->type == EVENT_ADDED) == (e->old == NULL));
    assert(e->revision > l->lost_revision);
    if (held) {
        const struct log_entry *last = log_at(l, l->next - 1);
        assert(last->revision < e->revision);
        assert(last->committed_ns <= e->committed_ns);
    }
    if (held == l->cap) {
        if (l->cap < LOG_MAX)
            log_grow(l);
        else
            drop_first(l);
    }
    struct log_entry *to = slot(l, l->next++);
    *to = *e;
    json_incref(to->old);
    json_incref(to->object);
}

const struct log_entry *log_at(const struct event_log *l, uint64_t n)
{
    assert(n >= l->first);
    assert(n < l->next);
    return slot(l, n);
}

uint64_t log_after(const struct event_log *l, int64_t revision)
{
    uint64_t lo = l->first, hi = l->next;
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (slot(l, mid)->revision <= revision)
            lo = mid + 1;
        else
            hi = mid;
    }
    assert(lo == l->first || slot(l, lo - 1)->revision <= revision);
    assert(lo == l->next || slot(l, lo)->revision > revision);
    return lo;
}
