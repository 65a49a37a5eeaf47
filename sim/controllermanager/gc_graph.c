/* The collector's picture of who owns whom. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/controllermanager/gc_priv.h"
#include "sim/world.h"

#define ABSENT_MAX 500u

/* ---- places ---- */

static void place_set(struct gc_place *p, const char *api_version, const char *kind, const char *ns,
                      const char *name)
{
    *p = (struct gc_place){mem_strdup(api_version), mem_strdup(kind), mem_strdup(ns),
                           mem_strdup(name)};
}

void gc_place_copy(struct gc_place *to, const struct gc_place *from)
{
    place_set(to, from->api_version, from->kind, from->ns, from->name);
}

void gc_place_finish(struct gc_place *p)
{
    free(p->api_version);
    free(p->kind);
    free(p->ns);
    free(p->name);
    *p = (struct gc_place){0};
}

void gc_place_of_ref(const struct gc *g, const json_t *ref, const char *ns, struct gc_place *ret)
{
    const char *api_version = json_str_or_empty(ref, "apiVersion");
    const char *kind = json_str_or_empty(ref, "kind");
    struct resource_info info;
    /* A kind that nobody knows is taken to live where its dependent does. */
    bool cluster_scoped =
        apiserver_find_kind(cluster_server(g->cluster), api_version, kind, &info) &&
        !info.namespaced;
    place_set(ret, api_version, kind, cluster_scoped ? "" : ns, json_str_or_empty(ref, "name"));
}

static int place_order(const struct gc_place *a, const struct gc_place *b)
{
    int order = strcmp(a->kind, b->kind);
    if (!order)
        order = strcmp(a->api_version, b->api_version);
    if (!order)
        order = strcmp(a->ns, b->ns);
    return order ? order : strcmp(a->name, b->name);
}

static bool gc_place_same(const struct gc_place *a, const struct gc_place *b)
{
    return place_order(a, b) == 0;
}

/* ---- nodes ---- */

struct gc_node *gc_node(const struct gc *g, const char *uid)
{
    return strmap_get(g->nodes, uid);
}

static void node_free(void *p)
{
    struct gc_node *n = p;
    free(n->uid);
    gc_place_finish(&n->place);
    json_decref(n->owners);
    free(n->dependents);
    free(n);
}

static struct gc_node *node_add(struct gc *g, const char *uid)
{
    assert(!gc_node(g, uid));
    struct gc_node *n = mem_zalloc(sizeof(*n));
    n->uid = mem_strdup(uid);
    strmap_put(g->nodes, uid, n);
    return n;
}

void gc_graph_finish(struct gc *g)
{
    strmap_destroy(g->nodes, node_free);
    strmap_destroy(g->absent, NULL);
    strmap_destroy(g->told, NULL);
}

static void dependent_add(struct gc_node *owner, struct gc_node *n)
{
    for (size_t i = 0; i < owner->dependent_count; i++)
        if (owner->dependents[i] == n)
            return;
    assert(owner->dependent_count <= owner->dependent_cap);
    owner->dependents = mem_grow(owner->dependents, &owner->dependent_cap,
                                 owner->dependent_count + 1, sizeof(*owner->dependents));
    owner->dependents[owner->dependent_count++] = n;
}

static void dependent_remove(struct gc_node *owner, const struct gc_node *n)
{
    for (size_t i = 0; i < owner->dependent_count; i++) {
        if (owner->dependents[i] != n)
            continue;
        owner->dependent_count--;
        memmove(owner->dependents + i, owner->dependents + i + 1,
                (owner->dependent_count - i) * sizeof(*owner->dependents));
        return;
    }
}

const json_t *gc_ref_to(const struct gc_node *dependent, const char *uid)
{
    return json_find(dependent->owners, "uid", uid);
}

static void queue_dependents(struct gc *g, const struct gc_node *n)
{
    for (size_t i = 0; i < n->dependent_count; i++)
        gc_queue(g, GC_DELETE, n->dependents[i]->uid);
}

/* ---- references ---- */

static void link_owner(struct gc *g, struct gc_node *n, const json_t *ref)
{
    const char *uid = json_str_or_empty(ref, "uid");
    struct gc_place place;
    gc_place_of_ref(g, ref, n->place.ns, &place);
    struct gc_node *owner = gc_node(g, uid);
    if (!owner) {
        owner = node_add(g, uid);
        gc_place_copy(&owner->place, &place);
        owner->is_virtual = true;
        gc_queue(g, GC_DELETE, uid); /* to be verified */
    } else if (!gc_place_same(&owner->place, &place)) {
        gc_queue(g, GC_DELETE, n->uid); /* one of the two is wrong about the owner */
    }
    dependent_add(owner, n);
    gc_place_finish(&place);
}

static bool blocks(const json_t *ref)
{
    return json_bool(ref, "blockOwnerDeletion", false);
}

static void unlink_owner(struct gc *g, struct gc_node *n, const json_t *ref)
{
    struct gc_node *owner = gc_node(g, json_str_or_empty(ref, "uid"));
    if (!owner)
        return;
    dependent_remove(owner, n);
    if (blocks(ref) && owner->deleting_dependents)
        gc_queue(g, GC_DELETE, owner->uid);
}

static void update_owners(struct gc *g, struct gc_node *n, const json_t *object)
{
    json_t *now = json_at_mut((json_t *)object, "metadata", "ownerReferences", NULL);
    if (n->owners == now || (n->owners && now && json_same(n->owners, now)))
        return;
    json_t *was = n->owners;
    n->owners = json_incref(now);
    for (size_t i = 0; i < json_array_size(was); i++) {
        const json_t *ref = json_array_get(was, i);
        const json_t *kept = json_find(now, "uid", json_str_or_empty(ref, "uid"));
        if (!kept)
            unlink_owner(g, n, ref);
        else if (blocks(ref) && !blocks(kept))
            gc_queue(g, GC_DELETE, json_str_or_empty(ref, "uid"));
    }
    for (size_t i = 0; i < json_array_size(now); i++) {
        const json_t *ref = json_array_get(now, i);
        if (!json_find(was, "uid", json_str_or_empty(ref, "uid")))
            link_owner(g, n, ref);
    }
    json_decref(was);
}

/* ---- changes ---- */

static void note_deletion_state(struct gc *g, struct gc_node *n, const json_t *object)
{
    if (!meta_deleting(object))
        return;
    n->deleting = true;
    if (meta_has_finalizer(object, "orphan"))
        gc_queue(g, GC_ORPHAN, n->uid);
    bool foreground = meta_has_finalizer(object, "foregroundDeletion");
    if (foreground && !n->deleting_dependents) {
        n->deleting_dependents = true;
        queue_dependents(g, n);
        gc_queue(g, GC_DELETE, n->uid);
    }
    n->deleting_dependents = foreground;
}

/* A node that was only heard of turns out to be real, perhaps somewhere else than some reference
 * said. */
static void make_real(struct gc *g, struct gc_node *n, const struct gc_place *place)
{
    assert(n->is_virtual);
    bool moved = !gc_place_same(&n->place, place);
    gc_place_finish(&n->place);
    gc_place_copy(&n->place, place);
    n->is_virtual = false;
    if (!moved && n->dependent_count == 0)
        return;
    for (size_t i = 0; i < n->dependent_count; i++) {
        struct gc_node *d = n->dependents[i];
        struct gc_place said;
        gc_place_of_ref(g, gc_ref_to(d, n->uid), d->place.ns, &said);
        if (!gc_place_same(&said, place))
            gc_queue(g, GC_DELETE, d->uid);
        gc_place_finish(&said);
    }
}

static void remember_absent(struct gc *g, const char *uid, const struct gc_place *p)
{
    AUTO(str)
    char *key = mem_printf("%s %s %s %s/%s", uid, p->api_version, p->kind, p->ns, p->name);
    strmap_put(g->absent, key, g);
    assert(strmap_count(g->absent) <= ABSENT_MAX + 1);
    if (strmap_count(g->absent) <= ABSENT_MAX)
        return;
    size_t i = 0;
    const char *oldest;
    void *value;
    if (strmap_each(g->absent, &i, &oldest, &value)) {
        AUTO(str) char *gone = mem_strdup(oldest);
        strmap_remove(g->absent, gone);
    }
}

bool gc_is_absent(const struct gc *g, const char *uid, const struct gc_place *p)
{
    AUTO(str)
    char *key = mem_printf("%s %s %s %s/%s", uid, p->api_version, p->kind, p->ns, p->name);
    return strmap_get(g->absent, key) != NULL;
}

static void remove_node(struct gc *g, struct gc_node *n)
{
    for (size_t i = 0; i < json_array_size(n->owners); i++) {
        const char *uid = json_str_or_empty(json_array_get(n->owners, i), "uid");
        struct gc_node *owner = gc_node(g, uid);
        if (!owner)
            continue;
        dependent_remove(owner, n);
        if (owner->deleting_dependents)
            gc_queue(g, GC_DELETE, uid);
        if (owner->is_virtual && owner->dependent_count == 0)
            node_free(strmap_remove(g->nodes, uid));
    }
    queue_dependents(g, n);
    void *removed = strmap_remove(g->nodes, n->uid);
    assert(removed == n);
    node_free(n);
}

void gc_note(struct gc *g, enum api_event_type type, const char *api_version, const char *kind,
             const json_t *object)
{
    const char *uid = meta_uid(object);
    struct gc_node *n = gc_node(g, uid);
    if (type == EVENT_DELETED) {
        if (!n)
            return;
        if (n->dependent_count > 0)
            remember_absent(g, uid, &n->place);
        remove_node(g, n);
        return;
    }
    if (!n) {
        n = node_add(g, uid);
        place_set(&n->place, api_version, kind, meta_namespace(object), meta_name(object));
    } else if (n->is_virtual) {
        struct gc_place place;
        place_set(&place, api_version, kind, meta_namespace(object), meta_name(object));
        make_real(g, n, &place);
        gc_place_finish(&place);
    }
    assert(!n->is_virtual); /* it has been seen now */
    update_owners(g, n, object);
    note_deletion_state(g, n, object);
}

/* ---- absence found by looking ---- */

/* The next place, in order, at which other dependents say the owner is. */
static bool next_place(struct gc *g, const struct gc_node *n, const struct gc_place *after,
                       struct gc_place *ret)
{
    bool found = false;
    for (size_t i = 0; i < n->dependent_count; i++) {
        struct gc_place said;
        gc_place_of_ref(g, gc_ref_to(n->dependents[i], n->uid), n->dependents[i]->place.ns, &said);
        bool candidate = !gc_is_absent(g, n->uid, &said) && !gc_place_same(&said, after);
        if (candidate && (!found || place_order(&said, ret) < 0)) {
            if (found)
                gc_place_finish(ret);
            *ret = said;
            found = true;
        } else {
            gc_place_finish(&said);
        }
    }
    return found;
}

static void queue_believers(struct gc *g, const struct gc_node *n, const struct gc_place *place)
{
    for (size_t i = 0; i < n->dependent_count; i++) {
        struct gc_node *d = n->dependents[i];
        struct gc_place said;
        gc_place_of_ref(g, gc_ref_to(d, n->uid), d->place.ns, &said);
        if (gc_place_same(&said, place))
            gc_queue(g, GC_DELETE, d->uid);
        gc_place_finish(&said);
    }
}

void gc_note_absent(struct gc *g, const char *uid, const struct gc_place *place)
{
    struct gc_node *n = gc_node(g, uid);
    remember_absent(g, uid, place);
    if (!n)
        return;
    if (!n->is_virtual) {
        /* A real object stays until its own event says otherwise; who believed it elsewhere is
         * looked at. */
        if (!gc_place_same(&n->place, place))
            queue_believers(g, n, place);
        return;
    }
    queue_believers(g, n, place);
    struct gc_place next;
    if (next_place(g, n, place, &next)) {
        gc_place_finish(&n->place);
        n->place = next;
        gc_queue(g, GC_DELETE, uid);
        return;
    }
    /* Gone for good; its dependents stay known as such through their own references. */
    void *removed = strmap_remove(g->nodes, uid);
    assert(removed == n);
    node_free(n);
}
