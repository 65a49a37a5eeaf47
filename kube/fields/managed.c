/* What an update does to the owners of fields. */
#include "kube/fields/managed.h"

#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "kube/fields/fields_priv.h"
#include "kube/meta.h"

const struct set *stripped_fields(struct pool *p)
{
    /* Sorted: a set is. */
    static const char *const meta[] = {
        "clusterName",     "creationTimestamp", "generation", "managedFields", "name", "namespace",
        "resourceVersion", "selfLink",          "uid"};
    const struct set *s =
        set_union(p, set_of_path(p, "apiVersion", NULL), set_of_path(p, "kind", NULL));
    struct set_builder b = {.pool = p};
    for (size_t i = 0; i < ARRAY_LEN(meta); i++) {
        struct element e = element_field(meta[i]);
        set_add(&b, &e, true, NULL);
    }
    struct set_builder root = {.pool = p};
    struct element e = element_field("metadata");
    set_add(&root, &e, true, set_built(&b));
    return set_union(p, s, set_built(&root));
}

const struct set *reset_fields(struct pool *p, const struct managed_writer *w)
{
    if (!w->subresource)
        return w->has_status ? set_of_path(p, "status", NULL) : NULL;
    if (strcmp(w->subresource, "status") != 0)
        return NULL;
    const struct set *s = set_of_path(p, "spec", NULL);
    if (!w->custom)
        return s;
    static const char *const names[] = {"apiVersion", "kind", "metadata"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        s = set_union(p, s, set_of_path(p, names[i], NULL));
    return s;
}

/* Fields whose change alone is no change of the object. */
static bool is_change(struct pool *p, const struct comparison *c)
{
    const struct set *quiet = set_union(p, set_of_path(p, "metadata", "managedFields", NULL),
                                        set_of_path(p, "metadata", "resourceVersion", NULL));
    return set_subtract(p, c->removed, quiet) || set_subtract(p, c->modified, quiet) ||
           set_subtract(p, c->added, quiet);
}

void owners_update(struct owners *o, const json_t *old, const json_t *object, struct typed t,
                   const struct managed_writer *w, bool *ret_changed)
{
    struct pool *p = o->pool;
    struct comparison c;
    if (!old)
        old = pool_hold(p, typed_zero(t));
    owners_reconcile(o, w, t);
    compare_objects(p, old, object, t, &c);
    *ret_changed = is_change(p, &c);
    const struct set *reset = reset_fields(p, w);
    c.removed = set_subtract_trees(p, c.removed, reset);
    c.modified = set_subtract_trees(p, c.modified, reset);
    c.added = set_subtract_trees(p, c.added, reset);
    owners_take(o, NULL, &c);
    owners_drop_empty(o);
    const struct set *mine = set_subtract(p, comparison_written(p, &c), stripped_fields(p));
    if (mine) {
        struct owner *self = owners_enter(o, w, false);
        owner_change(self, set_union(p, mine, self->set));
        owner_stamp(o, self, w->now_ns);
    }
    owners_cap(o);
}

/* [] and [{}] ask for a fresh start. */
static bool is_reset(const json_t *entries)
{
    if (!json_is_array(entries) || json_array_size(entries) > 1)
        return false;
    return json_array_size(entries) == 0 || json_object_size(json_array_get(entries, 0)) == 0;
}

/* The entries that the write starts from. Nothing that cannot be read counts. */
static void start_from(struct owners *o, const json_t *stored, const json_t *sent,
                       const struct managed_writer *w)
{
    bool direct = !w->subresource;
    if (direct && is_reset(sent))
        return;
    if (direct && sent && !(stored && json_same(sent, stored))) {
        AUTO(str) char *why = owners_read(o, sent, /* fresh= */ true);
        if (!why && o->count)
            return;
        o->count = 0;
    }
    AUTO(str) char *why = owners_read(o, stored, /* fresh= */ false);
    if (why)
        o->count = 0;
}

static bool same_but_times(const json_t *a, const json_t *b)
{
    if (json_array_size(a) != json_array_size(b))
        return false;
    for (size_t i = 0; i < json_array_size(a); i++) {
        const json_t *x = json_array_get(a, i), *y = json_array_get(b, i);
        if (x == y)
            continue;
        AUTO(json) json_t *left = json_copy((json_t *)x);
        AUTO(json) json_t *right = json_copy((json_t *)y);
        json_object_del(left, "time");
        json_object_del(right, "time");
        if (!json_same(left, right))
            return false;
    }
    return true;
}

json_t *managed_update(const json_t *old, const json_t *object, struct typed type,
                       const struct managed_writer *w)
{
    AUTO(pool) struct pool pool = {0};
    struct owners o = {.pool = &pool};
    const json_t *stored = json_at(old, "metadata", "managedFields", NULL);
    bool changed = true;
    assert(json_is_object(object));
    assert(w->manager && w->api_version);
    start_from(&o, stored, json_at(object, "metadata", "managedFields", NULL), w);
    if (!o.count && old && *meta_uid(old))
        return json_array();
    owners_update(&o, old, object, type, w, &changed);
    json_t *entries = owners_write(&o);
    if (stored && !changed && same_but_times(entries, stored)) {
        json_decref(entries);
        entries = json_incref((json_t *)stored);
    }
    assert(json_is_array(entries));
    return entries;
}

char *managed_check(const json_t *managed_fields)
{
    AUTO(pool) struct pool pool = {0};
    struct owners o = {.pool = &pool};
    return owners_read(&o, managed_fields, true);
}
