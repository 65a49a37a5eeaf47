/* Commits: the one place where the store changes. A revision each, one log entry, observers in
 * order, then watches. */
#include "sim/apiserver/commit_priv.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kube/meta.h"
#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/crd_object_priv.h"
#include "sim/apiserver/names_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/server_priv.h"
#include "sim/apiserver/store.h"

/* ---- fingerprints: frozen means frozen ---- */

#ifdef VMCONFORM_CHECK_FROZEN
static uint64_t mix(uint64_t h)
{
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 33;
    return h;
}

static uint64_t hash_bytes(const char *p, size_t len)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)p[i]) * UINT64_C(1099511628211);
    return mix(h);
}

/* Members are summed, so their order does not matter. */
uint64_t object_fingerprint(const json_t *v)
{
    uint64_t h = mix((uint64_t)json_typeof(v) + 1);
    const char *key;
    json_t *value;
    size_t i;
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        json_object_foreach((json_t *)v, key, value)
        {
            h += mix(hash_bytes(key, strlen(key)) * 3 + object_fingerprint(value));
        }
        break;
    case JSON_ARRAY:
        json_array_foreach((json_t *)v, i, value)
        {
            h = mix(h * 5 + object_fingerprint(value));
        }
        break;
    case JSON_STRING:
        h += hash_bytes(json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER:
        h += mix((uint64_t)json_integer_value(v));
        break;
    case JSON_REAL: {
        char text[40];
        int len = snprintf(text, sizeof(text), "%.17g", json_real_value(v));
        h += hash_bytes(text, (size_t)len);
        break;
    }
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        break;
    }
    return h;
}
#else
uint64_t object_fingerprint(const json_t *v)
{
    (void)v;
    return 0;
}
#endif

void apiserver_check_frozen(const struct apiserver *a)
{
    for (size_t i = 0; i < rtype_count(a); i++) {
        const struct rtype *t = rtype_at(a, i);
        struct store_pos pos = store_seek(&t->table, "");
        const struct store_entry *e;
        while ((e = store_next(&t->table, &pos))) {
            if (e->fingerprint == object_fingerprint(e->object))
                continue;
            fprintf(stderr, "vmconform: internal error: somebody changed the stored %s %s\n",
                    t->plural, e->key);
            assert(!"a stored object was changed");
        }
    }
}

/* ---- commits ---- */

static void set_revision(json_t *object, int64_t revision)
{
    char text[24];
    assert(revision > 0);
    snprintf(text, sizeof(text), "%" PRId64, revision);
    json_t *meta = json_object_get(object, "metadata");
    assert(json_is_object(meta));
    json_object_set_new_nocheck(meta, "resourceVersion", json_string_nocheck(text));
}

static void tell(struct apiserver *a, const struct api_request *req, const struct rtype *t,
                 const struct log_entry *e)
{
    struct store_change change = {
        .type = e->type,
        .request = req,
        .group = t->group,
        .version = rtype_storage(t)->name,
        .plural = t->plural,
        .kind = t->kind,
        .ns = meta_namespace(e->object),
        .name = meta_name(e->object),
        .old = e->old,
        .object = e->object,
        .revision = e->revision,
        .user = req->user ? req->user : ADMIN_USER,
    };
    assert(!a->telling);
    a->telling = true;
    for (size_t i = 0; i < a->observer_count; i++)
        a->observers[i].fn(a->observers[i].cookie, &change);
    a->telling = false;
    assert(a->revision == e->revision); /* nobody who was told wrote */
}

static void committed(struct apiserver *a, const struct api_request *req, struct rtype *t,
                      const struct log_entry *e)
{
    assert(e->revision == a->revision);
    assert(strcmp(e->ns, meta_namespace(e->object)) == 0);
    log_append(&t->log, e);
    if (a->observer_count)
        tell(a, req, t, e);
    watches_wake(t, e);
    if (strcmp(t->group, CRD_GROUP) == 0)
        crd_object_committed(a, e->type, e->object);
    if (t->terminating && e->type == EVENT_DELETED && t->table.count == 0)
        a->crds_to_finish = true;
}

json_t *commit_put(struct apiserver *a, const struct api_request *req, struct rtype *t,
                   const char *key, json_t *object)
{
    /* An observer that writes would be told of its own change before the others heard of this one.
     */
    assert(!a->telling);
    int64_t revision = ++a->revision;
    set_revision(object, revision);
    struct store_entry *e = store_find(&t->table, key);
    assert(!e || e->object != object); /* what is stored is frozen: a change is a copy */
    assert(!e || e->revision < revision);
    struct log_entry entry = {.type = e ? EVENT_MODIFIED : EVENT_ADDED,
                              .revision = revision,
                              .committed_ns = apiserver_now(a),
                              .old = e ? e->object : NULL,
                              .object = object,
                              .ns = meta_namespace(object)};
    if (e)
        e->object = object;
    else
        e = store_insert(&t->table, key, object);
    assert(strcmp(e->key, key) == 0);
    e->revision = revision;
    e->fingerprint = object_fingerprint(object);
    committed(a, req, t, &entry);
    json_decref(entry.old); /* the table's reference */
    return object;
}

void commit_remove(struct apiserver *a, const struct api_request *req, struct rtype *t,
                   const char *key, json_t *last)
{
    assert(!a->telling);
    AUTO(json) json_t *object = last;
    int64_t revision = ++a->revision;
    set_revision(object, revision);
    struct store_entry *e = store_find(&t->table, key);
    assert(e);
    assert(e->object != object); /* as with a change: the last state is a copy */
    assert(e->revision < revision);
    AUTO(json) json_t *old = json_incref(e->object);
    store_remove(&t->table, key);
    struct log_entry entry = {.type = EVENT_DELETED,
                              .revision = revision,
                              .committed_ns = apiserver_now(a),
                              .old = old,
                              .object = object,
                              .ns = meta_namespace(object)};
    committed(a, req, t, &entry);
}
