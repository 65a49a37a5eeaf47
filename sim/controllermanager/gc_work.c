/* One item of the collector's queue: look, judge, act. Every request may let others run, so nothing
 * borrowed from the graph survives one. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/controllermanager/gc_priv.h"

#define ORPHANS_MAX 10000u

/* ---- requests ---- */

static struct apiserver *server(const struct gc *g)
{
    return cluster_server(g->cluster);
}

static int ask(struct gc *g, struct api_request *req, struct api_response *ret)
{
    return kcm_ask(g->kcm, KCM_GC_USER, req, ret);
}

static enum gc_verdict verdict_of(const struct gc *g, int code)
{
    if (sched_crashed(g->sched))
        return GC_CRASHED;
    if (code >= 200 && code < 300)
        return GC_DONE;
    bool refused = code >= 400 && code < 500 && code != 409 && code != 429 && code != 408;
    return refused ? GC_BLOCKED : GC_RETRY;
}

static bool request_for(const struct gc *g, const struct gc_place *p, enum api_verb verb,
                        struct api_request *ret)
{
    struct resource_info info;
    if (!apiserver_find_kind(server(g), p->api_version, p->kind, &info))
        return false;
    *ret = (struct api_request){.verb = verb,
                                .resource = info.resource,
                                .ns = info.namespaced ? p->ns : NULL,
                                .name = p->name};
    return true;
}

/* Reads the object at the place. GC_DONE with *ret NULL: it is not there. */
static enum gc_verdict read_live(struct gc *g, const struct gc_place *p, json_t **ret)
{
    struct api_request req;
    *ret = NULL;
    if (!request_for(g, p, API_GET, &req))
        return GC_BLOCKED; /* no such kind, until it is defined */
    if (req.ns && !*req.ns)
        return GC_DONE; /* a namespaced owner of a cluster-scoped object is nowhere */
    struct api_response res = {0};
    int code = ask(g, &req, &res);
    enum gc_verdict v = verdict_of(g, code);
    if (code == 200)
        *ret = json_incref(res.body);
    api_response_finish(&res);
    return code == 404 ? GC_DONE : v;
}

static enum gc_verdict patch_object(struct gc *g, const struct gc_place *p,
                                    json_t *patch /* taken */)
{
    AUTO(json) json_t *body = patch;
    struct api_request req;
    if (!request_for(g, p, API_PATCH, &req))
        return GC_BLOCKED;
    req.patch = PATCH_MERGE;
    req.body = body;
    struct api_response res = {0};
    int code = ask(g, &req, &res);
    enum gc_verdict v = verdict_of(g, code);
    api_response_finish(&res);
    return code == 404 ? GC_DONE : v;
}

/* {"metadata": {"resourceVersion": rv, key: value}} */
static json_t *meta_patch(const json_t *live, const char *key, json_t *value /* taken */)
{
    return json_pack("{s:{s:s, s:s, s:o}}", "metadata", "resourceVersion",
                     meta_resource_version(live), "uid", meta_uid(live), key, value);
}

static enum gc_verdict drop_finalizer(struct gc *g, const struct gc_place *p, const json_t *live,
                                      const char *finalizer)
{
    if (!meta_has_finalizer(live, finalizer))
        return GC_DONE;
    json_t *left = json_array();
    const json_t *list = json_at(live, "metadata", "finalizers", NULL);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), finalizer) != 0)
            json_array_append(left, json_array_get(list, i));
    return patch_object(g, p, meta_patch(live, "finalizers", left));
}

/* ---- a mistaken namespace is told ---- */

static void tell_invalid_namespace(struct gc *g, const struct gc_place *p, const char *uid,
                                   const json_t *ref)
{
    AUTO(str) char *pair = mem_printf("%s %s", uid, json_str_or_empty(ref, "uid"));
    if (!*p->ns || strmap_put(g->told, pair, g))
        return;
    char now[TIME_TEXT];
    time_format(sched_now(g->sched), now);
    /* As client-go's recorder names them: the object and the time. */
    AUTO(str) char *name = mem_printf("%s.%" PRIx64, p->name, (uint64_t)sched_now(g->sched));
    AUTO(str)
    char *message =
        mem_printf("ownerRef [%s/%s, namespace: %s, name: %s, uid: %s] does not exist in namespace "
                   "\"%s\"",
                   json_str_or_empty(ref, "apiVersion"), json_str_or_empty(ref, "kind"), p->ns,
                   json_str_or_empty(ref, "name"), json_str_or_empty(ref, "uid"), p->ns);
    AUTO(json)
    json_t *event = json_pack(
        "{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s, s:s, s:s, s:s}, s:s, s:s, s:s, s:s, s:s, s:i, "
        "s:{s:s}}",
        "apiVersion", "v1", "kind", "Event", "metadata", "name", name, "namespace", p->ns,
        "involvedObject", "apiVersion", p->api_version, "kind", p->kind, "namespace", p->ns, "name",
        p->name, "uid", uid, "type", "Warning", "reason", "OwnerRefInvalidNamespace", "message",
        message, "firstTimestamp", now, "lastTimestamp", now, "count", 1, "source", "component",
        "garbage-collector-controller");
    struct api_request req = {
        .verb = API_CREATE, .resource = {"", "v1", "events"}, .ns = p->ns, .body = event};
    struct api_response res = {0};
    ask(g, &req, &res);
    api_response_finish(&res);
}

/* ---- owners ---- */

struct owners {
    json_t *solid, *dangling, *waiting; /* arrays of references */
};

static void owners_finish(struct owners *o)
{
    json_decref(o->solid);
    json_decref(o->dangling);
    json_decref(o->waiting);
}

static enum gc_verdict classify_one(struct gc *g, const struct gc_place *p, const char *uid,
                                    json_t *ref, struct owners *o, bool *ret_give_up)
{
    const char *owner_uid = json_str_or_empty(ref, "uid");
    struct gc_place place = {0};
    gc_place_of_ref(g, ref, p->ns, &place);
    struct resource_info info;
    bool known = apiserver_find_kind(server(g), place.api_version, place.kind, &info);
    AUTO(json) json_t *live = NULL;
    enum gc_verdict v = GC_DONE;
    if (known && info.namespaced && !*p->ns) {
        *ret_give_up = true;
    } else if (gc_is_absent(g, owner_uid, &place)) {
        json_array_append(o->dangling, ref);
    } else if ((v = read_live(g, &place, &live)) == GC_DONE) {
        if (!live || strcmp(meta_uid(live), owner_uid) != 0) {
            json_array_append(o->dangling, ref);
            if (!gc_node(g, owner_uid) || gc_node(g, owner_uid)->is_virtual)
                gc_note_absent(g, owner_uid, &place);
        } else if (meta_deleting(live) && meta_has_finalizer(live, "foregroundDeletion")) {
            json_array_append(o->waiting, ref);
        } else {
            json_array_append(o->solid, ref);
        }
    }
    const struct gc_node *owner = gc_node(g, owner_uid);
    if (v == GC_DONE && known && info.namespaced && owner && !owner->is_virtual &&
        strcmp(owner->place.ns, p->ns) != 0)
        tell_invalid_namespace(g, p, uid, ref);
    gc_place_finish(&place);
    return sched_crashed(g->sched) ? GC_CRASHED : v;
}

static enum gc_verdict classify(struct gc *g, const struct gc_place *p, const char *uid,
                                const json_t *refs, struct owners *o, bool *ret_give_up)
{
    for (size_t i = 0; i < json_array_size(refs) && !*ret_give_up; i++) {
        enum gc_verdict v = classify_one(g, p, uid, json_array_get(refs, i), o, ret_give_up);
        if (v != GC_DONE)
            return v;
    }
    return GC_DONE;
}

/* ---- deleting ---- */

static enum gc_verdict send_delete(struct gc *g, const struct gc_place *p, const json_t *live,
                                   const char *policy, bool with_revision, int *ret_code)
{
    struct api_request req;
    if (!request_for(g, p, API_DELETE, &req))
        return GC_BLOCKED;
    AUTO(json)
    json_t *options =
        json_pack("{s:s, s:s, s:s, s:{s:s}}", "kind", "DeleteOptions", "apiVersion", "v1",
                  "propagationPolicy", policy, "preconditions", "uid", meta_uid(live));
    if (with_revision)
        json_put_str(options, "preconditions.resourceVersion", meta_resource_version(live));
    req.body = options;
    struct api_response res = {0};
    *ret_code = ask(g, &req, &res);
    api_response_finish(&res);
    return verdict_of(g, *ret_code);
}

static bool same_owners(const json_t *a, const json_t *b)
{
    const json_t *x = json_at(a, "metadata", "ownerReferences", NULL);
    const json_t *y = json_at(b, "metadata", "ownerReferences", NULL);
    return x && y ? json_same(x, y) : x == y;
}

static enum gc_verdict delete_object(struct gc *g, const char *uid, const struct gc_place *p,
                                     const json_t *live, const char *policy)
{
    int code;
    enum gc_verdict v = send_delete(g, p, live, policy, /* with_revision= */ true, &code);
    if (code == 409 && v != GC_CRASHED) {
        AUTO(json) json_t *again = NULL;
        v = read_live(g, p, &again);
        if (v != GC_DONE)
            return v;
        if (again && strcmp(meta_uid(again), uid) == 0) {
            if (!same_owners(live, again))
                return GC_RETRY; /* adopted meanwhile, or let go: judge anew */
            v = send_delete(g, p, again, policy, /* with_revision= */ false, &code);
        } else {
            code = 404;
        }
    }
    if (code == 404 && !sched_crashed(g->sched)) {
        gc_note_absent(g, uid, p);
        return GC_DONE;
    }
    return v;
}

/* An object that waits for its dependents while they wait for it: its references stop blocking. */
static enum gc_verdict unblock(struct gc *g, const struct gc_place *p, const json_t *live)
{
    json_t *refs = json_copy_of(json_at(live, "metadata", "ownerReferences", NULL));
    for (size_t i = 0; i < json_array_size(refs); i++)
        json_put_take(json_array_get(refs, i), "blockOwnerDeletion", json_false());
    return patch_object(g, p, meta_patch(live, "ownerReferences", refs));
}

static bool has_deleting_dependent(const struct gc *g, const char *uid)
{
    const struct gc_node *n = gc_node(g, uid);
    for (size_t i = 0; n && i < n->dependent_count; i++)
        if (n->dependents[i]->deleting_dependents)
            return true;
    return false;
}

static enum gc_verdict delete_in_foreground(struct gc *g, const char *uid, const struct gc_place *p,
                                            const json_t *live)
{
    AUTO(json) json_t *fresh = json_incref((json_t *)live);
    if (has_deleting_dependent(g, uid)) {
        enum gc_verdict v = unblock(g, p, live);
        if (v != GC_DONE)
            return v;
        json_decref(fresh);
        fresh = NULL;
        v = read_live(g, p, &fresh);
        if (v != GC_DONE || !fresh)
            return v;
    }
    return delete_object(g, uid, p, fresh, "Foreground");
}

static enum gc_verdict keep_solid(struct gc *g, const struct gc_place *p, const json_t *live,
                                  const struct owners *o)
{
    if (json_array_size(o->dangling) + json_array_size(o->waiting) == 0)
        return GC_DONE;
    return patch_object(g, p, meta_patch(live, "ownerReferences", json_incref(o->solid)));
}

static enum gc_verdict act_on_owners(struct gc *g, const char *uid, const struct gc_place *p,
                                     const json_t *live, const struct owners *o)
{
    if (json_array_size(o->solid) > 0)
        return keep_solid(g, p, live, o);
    const struct gc_node *n = gc_node(g, uid);
    if (json_array_size(o->waiting) > 0 && n && n->dependent_count > 0)
        return delete_in_foreground(g, uid, p, live);
    const char *policy = "Background";
    if (meta_has_finalizer(live, "orphan"))
        policy = "Orphan";
    else if (meta_has_finalizer(live, "foregroundDeletion"))
        policy = "Foreground";
    return delete_object(g, uid, p, live, policy);
}

/* ---- an owner that waits for its dependents ---- */

static enum gc_verdict wait_for_dependents(struct gc *g, const char *uid, const struct gc_place *p,
                                           const json_t *live)
{
    const struct gc_node *n = gc_node(g, uid);
    size_t blocking = 0;
    for (size_t i = 0; n && i < n->dependent_count; i++) {
        const json_t *ref = gc_ref_to(n->dependents[i], uid);
        if (!json_bool(ref, "blockOwnerDeletion", false))
            continue;
        blocking++;
        if (!n->dependents[i]->deleting_dependents)
            gc_queue(g, GC_DELETE, n->dependents[i]->uid);
    }
    return blocking ? GC_DONE : drop_finalizer(g, p, live, "foregroundDeletion");
}

static enum gc_verdict attempt_live(struct gc *g, const char *uid, const struct gc_place *p,
                                    const json_t *live)
{
    const struct gc_node *n = gc_node(g, uid);
    if (n && n->deleting_dependents)
        return wait_for_dependents(g, uid, p, live);
    const json_t *refs = json_at(live, "metadata", "ownerReferences", NULL);
    if (json_array_size(refs) == 0)
        return GC_DONE;
    struct owners o = {json_array(), json_array(), json_array()};
    bool give_up = false;
    enum gc_verdict v = classify(g, p, uid, refs, &o, &give_up);
    if (v == GC_DONE && !give_up)
        v = act_on_owners(g, uid, p, live, &o);
    owners_finish(&o);
    return v;
}

enum gc_verdict gc_attempt_delete(struct gc *g, const char *uid)
{
    const struct gc_node *n = gc_node(g, uid);
    if (!n || (n->deleting && !n->deleting_dependents))
        return GC_DONE;
    struct gc_place place;
    gc_place_copy(&place, &n->place);
    AUTO(json) json_t *live = NULL;
    enum gc_verdict v = read_live(g, &place, &live);
    if (v == GC_DONE) {
        if (!live || strcmp(meta_uid(live), uid) != 0)
            gc_note_absent(g, uid, &place);
        else
            v = attempt_live(g, uid, &place, live);
    }
    gc_place_finish(&place);
    /* It is there, and was only heard of: looked at again until it is seen, or gone. */
    n = gc_node(g, uid);
    return v == GC_DONE && n && n->is_virtual ? GC_RETRY : v;
}

/* ---- orphaning ---- */

static enum gc_verdict orphan_one(struct gc *g, const struct gc_place *p, const char *owner_uid)
{
    AUTO(json) json_t *live = NULL;
    enum gc_verdict v = read_live(g, p, &live);
    if (v != GC_DONE || !live)
        return v;
    const json_t *refs = json_at(live, "metadata", "ownerReferences", NULL);
    AUTO(json) json_t *left = json_array();
    for (size_t i = 0; i < json_array_size(refs); i++)
        if (strcmp(json_str_or_empty(json_array_get(refs, i), "uid"), owner_uid) != 0)
            json_array_append(left, json_array_get(refs, i));
    if (json_array_size(left) == json_array_size(refs))
        return GC_DONE;
    return patch_object(g, p, meta_patch(live, "ownerReferences", TAKE(left)));
}

enum gc_verdict gc_attempt_orphan(struct gc *g, const char *uid)
{
    struct gc_place place;
    const struct gc_node *n = gc_node(g, uid);
    if (!n)
        return GC_DONE;
    gc_place_copy(&place, &n->place);
    enum gc_verdict v = GC_DONE;
    /* Each patch that lands takes the dependent out of the list. */
    for (size_t turns = 0; v == GC_DONE && turns < ORPHANS_MAX; turns++) {
        n = gc_node(g, uid);
        if (!n || n->dependent_count == 0)
            break;
        struct gc_place dependent;
        size_t before = n->dependent_count;
        gc_place_copy(&dependent, &n->dependents[0]->place);
        v = orphan_one(g, &dependent, uid);
        gc_place_finish(&dependent);
        n = gc_node(g, uid);
        if (v == GC_DONE && n && n->dependent_count >= before)
            v = GC_RETRY;
    }
    AUTO(json) json_t *live = NULL;
    if (v == GC_DONE)
        v = read_live(g, &place, &live);
    if (v == GC_DONE && live && strcmp(meta_uid(live), uid) == 0)
        v = drop_finalizer(g, &place, live, "orphan");
    gc_place_finish(&place);
    return v;
}
