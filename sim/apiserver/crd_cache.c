/* Compiled definitions, once per process.
 *
 * This file holds the simulator's only mutable state outside a world: a memo of a pure function
 * (definition text to compiled form). Nothing that a scenario can see depends on what is in it;
 * compiling again would give an equal result, only slower. Fresh worlds are made by the thousand
 * and all carry the same definitions. A world is single-threaded, and so is this. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "sim/apiserver/crd.h"
#include "sim/crds/crds.h"

#define CACHE_MAX 128u

static struct {
    struct {
        char digest[DIGEST_HEX];
        struct crd *crd;
    } slots[CACHE_MAX];
    size_t count, next; /* when full, the oldest slot goes */
    struct crd **builtin;
    size_t builtin_count;
} cache;

static struct crd *cache_find(const char *digest)
{
    for (size_t i = 0; i < cache.count; i++)
        if (strcmp(cache.slots[i].digest, digest) == 0)
            return cache.slots[i].crd;
    return NULL;
}

static void cache_put(const char *digest, struct crd *c)
{
    size_t at = cache.next;
    cache.next = (cache.next + 1) % CACHE_MAX;
    if (cache.count < CACHE_MAX)
        cache.count++;
    crd_unref(cache.slots[at].crd);
    cache.slots[at].crd = crd_ref(c);
    memcpy(cache.slots[at].digest, digest, DIGEST_HEX);
}

/* What the compiled form is made of, and nothing else (not uid or resourceVersion). */
static void digest_definition(const json_t *object, char out[DIGEST_HEX])
{
    AUTO(strbuf) struct strbuf text = {0};
    static const char *const parts[] = {"name", "labels", "annotations"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        const json_t *part = json_at(object, "metadata", parts[i], NULL);
        if (part)
            json_write_sorted(&text, part, JSON_TIGHT);
        strbuf_addch(&text, '\n');
    }
    const json_t *spec = json_object_get(object, "spec");
    if (spec)
        json_write_sorted(&text, spec, JSON_TIGHT);
    digest_of(strbuf_str(&text), text.len, out);
}

/* Whether the object has the very parts that c was made of, as every server's object of a built-in
 * definition has: what is stored is frozen, so what is the same value is equal for ever. */
static bool made_of(const struct crd *c, const json_t *object)
{
    static const char *const parts[] = {"name", "labels", "annotations"};
    if (json_object_get(object, "spec") != json_object_get(c->object, "spec"))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (json_at(object, "metadata", parts[i], NULL) !=
            json_at(c->object, "metadata", parts[i], NULL))
            return false;
    return true;
}

struct crd *crd_compile(const json_t *object, struct field_errors *errors)
{
    for (size_t i = 0; i < cache.builtin_count; i++)
        if (made_of(cache.builtin[i], object))
            return crd_ref(cache.builtin[i]);
    char digest[DIGEST_HEX];
    digest_definition(object, digest);
    struct crd *found = cache_find(digest);
    if (found)
        return crd_ref(found);
    struct crd *c = crd_compile_new(object, errors);
    if (c)
        cache_put(digest, c);
    return c;
}

static struct crd *load_builtin(size_t i)
{
    struct err e = {0};
    json_t *object = crds_json(i, &e);
    if (!object) {
        fprintf(stderr, "built-in %s: %s\n", crds_name(i), e.msg);
        abort();
    }
    crd_default(object);
    return crd_trusted(object);
}

struct crd *const *crd_builtin(size_t *ret_count)
{
    if (!cache.builtin) {
        size_t n = crds_count();
        cache.builtin = mem_zalloc((n + 1) * sizeof(struct crd *));
        while (cache.builtin_count < n) {
            cache.builtin[cache.builtin_count] = load_builtin(cache.builtin_count);
            cache.builtin_count++;
        }
    }
    *ret_count = cache.builtin_count;
    return cache.builtin;
}

void crd_builtin_prepare(void)
{
    size_t count;
    struct crd *const *all = crd_builtin(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < all[i]->version_count; k++)
            schema_prepare(all[i]->versions[k].schema);
}
