/* See reads.h. Open addressing on a 64-bit hash of the names: one place per process and object, no
 * copies of names, so that noting every reply costs next to nothing. Two different keys with one
 * hash would be taken for one; with 2^64 of them that does not happen by chance. */
#include "runner/reads.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"

void reads_finish(struct reads *r)
{
    free(r->slots);
    *r = (struct reads){0};
}

/* FNV-1a; the byte that ends each text keeps "a","bc" apart from "ab","c". */
static uint64_t hash_text(uint64_t h, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)(text ? text : "");; p++) {
        h = (h ^ *p) * UINT64_C(0x100000001b3);
        if (!*p)
            return h;
    }
}

static uint64_t prefix_of(const char *by, const char *cluster, const char *kind)
{
    return hash_text(hash_text(hash_text(UINT64_C(0xcbf29ce484222325), by), cluster), kind);
}

static uint64_t key_of(uint64_t prefix, const char *ns, const char *name)
{
    uint64_t key = hash_text(hash_text(prefix, ns), name);

    return key ? key : 1;
}

static struct read_slot *slot_of(const struct reads *r, uint64_t key)
{
    size_t i = (size_t)key & (r->cap - 1);

    while (r->slots[i].key && r->slots[i].key != key)
        i = (i + 1) & (r->cap - 1);
    return &r->slots[i];
}

static void grow(struct reads *r)
{
    struct reads wider = {.cap = r->cap ? 2 * r->cap : 256, .count = r->count};

    if (2 * (r->count + 1) <= r->cap)
        return;
    wider.slots = mem_zalloc(wider.cap * sizeof *wider.slots);
    for (size_t i = 0; i < r->cap; i++)
        if (r->slots[i].key)
            *slot_of(&wider, r->slots[i].key) = r->slots[i];
    free(r->slots);
    *r = wider;
}

static void note_object(struct reads *r, uint64_t prefix, const json_t *object, int64_t t)
{
    const char *name = meta_name(object), *version = meta_resource_version(object);
    struct read_slot *slot;

    if (!*name || !*version)
        return;
    grow(r);
    slot = slot_of(r, key_of(prefix, meta_namespace(object), name));
    r->count += slot->key == 0;
    *slot = (struct read_slot){.key = key_of(prefix, meta_namespace(object), name),
                               .version = strtoull(version, NULL, 10),
                               .t = t};
}

void reads_note(struct reads *r, const char *by, const char *cluster, const char *kind,
                const json_t *body, int64_t t)
{
    uint64_t prefix = prefix_of(by, cluster, kind);
    const json_t *items = json_object_get(body, "items");
    size_t i;
    json_t *item;

    if (!json_is_array(items)) {
        note_object(r, prefix, body, t);
        return;
    }
    json_array_foreach((json_t *)items, i, item) note_object(r, prefix, item, t);
}

uint64_t reads_version(const struct reads *r, const char *by, const char *cluster, const char *kind,
                       const char *ns, const char *name, int64_t *ret_t)
{
    const struct read_slot *slot;

    if (!r->cap)
        return 0;
    slot = slot_of(r, key_of(prefix_of(by, cluster, kind), ns, name));
    if (ret_t)
        *ret_t = slot->t;
    return slot->key ? slot->version : 0;
}
