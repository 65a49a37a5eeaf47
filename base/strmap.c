/* Entries stand in one array in the order of insertion; an open-addressed table of indexes finds
 * them. A removed entry leaves a hole until the array is packed. Walks use the entries' numbers,
 * which grow for ever, so packing moves no walk. */
#include "base/strmap.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct entry {
    char *key; /* NULL: removed */
    void *value;
    uint64_t number;
    uint32_t hash;
};

#define SLOT_FREE UINT32_MAX

struct strmap {
    struct entry *entries;
    size_t used, cap; /* with holes */
    size_t live;
    uint64_t next_number;
    uint32_t *slots; /* index of an entry; holes keep their slot until the table is made anew */
    size_t slot_count;
};

struct strmap *strmap_create(void)
{
    return mem_zalloc(sizeof(struct strmap));
}

void strmap_destroy(struct strmap *m, void (*free_value)(void *))
{
    if (!m)
        return;
    for (size_t i = 0; i < m->used; i++) {
        if (m->entries[i].key && free_value)
            free_value(m->entries[i].value);
        free(m->entries[i].key);
    }
    free(m->entries);
    free(m->slots);
    free(m);
}

size_t strmap_count(const struct strmap *m)
{
    return m->live;
}

static uint32_t hash_of(const char *key)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (const unsigned char *s = (const unsigned char *)key; *s; s++)
        h = (h ^ *s) * UINT64_C(0x100000001b3);
    return (uint32_t)(h ^ (h >> 32));
}

static struct entry *find(const struct strmap *m, const char *key, uint32_t hash)
{
    if (m->slot_count == 0)
        return NULL;
    for (size_t i = hash & (m->slot_count - 1);; i = (i + 1) & (m->slot_count - 1)) {
        struct entry *e;

        if (m->slots[i] == SLOT_FREE)
            return NULL;
        e = &m->entries[m->slots[i]];
        if (e->key && e->hash == hash && strcmp(e->key, key) == 0)
            return e;
    }
}

static void link_entry(struct strmap *m, size_t index)
{
    size_t i = m->entries[index].hash & (m->slot_count - 1);

    assert(m->entries[index].key);
    while (m->slots[i] != SLOT_FREE)
        i = (i + 1) & (m->slot_count - 1);
    m->slots[i] = (uint32_t)index;
}

/* Packs the holes away and makes a table with room for twice the live entries. */
static void rebuild(struct strmap *m)
{
    size_t to = 0, want = 16;

    for (size_t i = 0; i < m->used; i++)
        if (m->entries[i].key)
            m->entries[to++] = m->entries[i];
    assert(to == m->live);
    m->used = to;
    while (want < (m->live + 1) * 4)
        want *= 2;
    assert((want & (want - 1)) == 0);
    m->slots = mem_reallocarray(m->slots, want, sizeof *m->slots);
    m->slot_count = want;
    memset(m->slots, 0xff, want * sizeof *m->slots);
    for (size_t i = 0; i < m->used; i++)
        link_entry(m, i);
}

void *strmap_get(const struct strmap *m, const char *key)
{
    struct entry *e = find(m, key, hash_of(key));

    return e ? e->value : NULL;
}

void *strmap_put(struct strmap *m, const char *key, void *value)
{
    uint32_t hash = hash_of(key);
    struct entry *e = find(m, key, hash);

    assert(value);
    if (e) {
        void *old = e->value;

        e->value = value;
        return old;
    }
    if ((m->used + 1) * 2 > m->slot_count)
        rebuild(m);
    assert(m->used < SLOT_FREE);
    m->entries = mem_grow(m->entries, &m->cap, m->used + 1, sizeof *m->entries);
    m->entries[m->used] = (struct entry){mem_strdup(key), value, m->next_number++, hash};
    link_entry(m, m->used++);
    m->live++;
    assert(m->live <= m->used);
    assert(m->used * 2 <= m->slot_count); /* so that a search ends */
    return NULL;
}

void *strmap_remove(struct strmap *m, const char *key)
{
    struct entry *e = find(m, key, hash_of(key));
    void *value;

    if (!e)
        return NULL;
    assert(m->live > 0);
    value = e->value;
    free(e->key);
    e->key = NULL;
    e->value = NULL;
    m->live--;
    return value;
}

/* The first index whose number is at least `number`. */
static size_t first_from(const struct strmap *m, uint64_t number)
{
    size_t low = 0, high = m->used;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (m->entries[mid].number < number)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool strmap_each(const struct strmap *m, size_t *i, const char **ret_key, void **ret_value)
{
    for (size_t k = first_from(m, *i); k < m->used; k++) {
        const struct entry *e = &m->entries[k];

        if (!e->key)
            continue;
        assert(e->number >= *i); /* a walk sees none twice */
        *i = (size_t)e->number + 1;
        *ret_key = e->key;
        *ret_value = e->value;
        return true;
    }
    return false;
}
