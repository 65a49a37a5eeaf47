#include "sim/apiserver/apiserver.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/prng.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "kube/time.h"
#include "sim/apiserver/commit_priv.h"
#include "sim/apiserver/crd.h"
#include "sim/apiserver/crd_object_priv.h"
#include "sim/apiserver/names_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/server_priv.h"
#include "sim/apiserver/store.h"

static void stream(const struct apiserver *a, const char *purpose, struct prng *ret)
{
    AUTO(str) char *label = mem_printf("apiserver/%s/%s", a->name, purpose);
    sched_prng(a->sched, label, ret);
}

static void create_namespace(struct apiserver *a, const char *name)
{
    AUTO(json)
    json_t *body = json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind", "Namespace",
                             "metadata", "name", name);
    const struct api_request req = {.verb = API_CREATE,
                                    .resource = {"", "v1", "namespaces"},
                                    .body = body,
                                    .user = SERVER_USER};
    struct api_response ret = {0};
    apiserver_handle(a, &req, &ret);
    assert(api_ok(&ret));
    api_response_finish(&ret);
}

struct apiserver *apiserver_create(struct sched *s, const char *name)
{
    static const char *const namespaces[] = {"default", "kube-system", "kube-public",
                                             "kube-node-lease"};
    struct apiserver *a = mem_zalloc(sizeof(*a));
    a->sched = s;
    a->name = mem_strdup(name);
    a->cel = cel_context_create();
    stream(a, "uids", &a->uids);
    stream(a, "names", &a->names);
    stream(a, "planted", &a->planted);
    rtypes_add_builtin(a);
    for (size_t i = 0; i < ARRAY_LEN(namespaces); i++)
        create_namespace(a, namespaces[i]);
    return a;
}

void apiserver_destroy(struct apiserver *a)
{
    if (!a)
        return;
    rtypes_finish(a);
    for (size_t i = 0; i < a->admitter_count; i++) {
        free(a->admitters[i].group);
        free(a->admitters[i].plural);
    }
    free(a->admitters);
    free(a->observers);
    free(a->virtuals);
    free(a->virtual_groups);
    cel_context_destroy(a->cel);
    free(a->name);
    free(a);
}

const char *apiserver_name(const struct apiserver *a)
{
    return a->name;
}

/* ---- definitions ---- */

static void set_birth(struct apiserver *a, struct prng *uids, json_t *meta)
{
    char uid[37], now[TIME_TEXT];
    prng_uuid(uids, uid);
    time_format(apiserver_now(a), now);
    json_object_set_new(meta, "uid", json_string(uid));
    json_object_set_new(meta, "creationTimestamp", json_string(now));
}

/* The definition's object shares what is large (spec) with the compiled form and with every other
 * server. */
static void apiserver_install(struct apiserver *a, struct crd *c)
{
    struct rtype *t = rtype_find(a, CRD_GROUP, "customresourcedefinitions");
    assert(t);
    assert(!store_find(&t->table, c->name));
    json_t *object = json_copy(c->object);
    json_t *meta = json_copy(json_object_get(c->object, "metadata"));
    set_birth(a, &a->uids, meta);
    json_object_set_new(meta, "generation", json_integer(1));
    json_object_set_new(object, "metadata", meta);
    json_object_set_new(object, "status", crd_object_status(c, apiserver_now(a)));
    const struct api_request req = {
        .verb = API_CREATE, .resource = {CRD_GROUP, "v1", t->plural}, .user = SERVER_USER};
    rtype_put_crd(a, c, NULL);
    bool pending = a->crds_to_settle;
    commit_put(a, &req, t, c->name, object);
    a->crds_to_settle = pending; /* its status says all there is to say */
}

static int update_crd(struct apiserver *a, const json_t *crd, const json_t *stored,
                      struct err *reterr)
{
    AUTO(json) json_t *body = json_copy_of(crd);
    json_put_str(body, "metadata.resourceVersion", meta_resource_version(stored));
    const struct api_request req = {.verb = API_UPDATE,
                                    .resource = {CRD_GROUP, "v1", "customresourcedefinitions"},
                                    .name = meta_name(stored),
                                    .body = body,
                                    .user = ADMIN_USER};
    struct api_response ret = {0};
    apiserver_handle(a, &req, &ret);
    int rc = 0;
    if (!api_ok(&ret))
        rc = err_set(reterr, ERR_INVALID, NO_POS, "%s", api_message(&ret));
    api_response_finish(&ret);
    return rc;
}

int apiserver_add_crd(struct apiserver *a, const json_t *crd, struct err *reterr)
{
    if (strcmp(meta_kind(crd), "CustomResourceDefinition") != 0)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "expected a CustomResourceDefinition, found kind '%s'", meta_kind(crd));
    const json_t *stored =
        apiserver_peek(a, CRD_GROUP, "customresourcedefinitions", NULL, meta_name(crd));
    if (stored)
        return update_crd(a, crd, stored, reterr);
    AUTO(json) json_t *object = json_copy_of(crd);
    crd_default(object);
    struct field_errors errors = {0};
    AUTO(crd) struct crd *c = crd_compile(object, &errors);
    if (!c) {
        struct api_response ret = {0};
        status_invalid(&ret, CRD_GROUP, "CustomResourceDefinition", meta_name(crd), &errors);
        err_set(reterr, ERR_INVALID, NO_POS, "%s", api_message(&ret));
        api_response_finish(&ret);
        return -1;
    }
    apiserver_install(a, c);
    return 0;
}

void apiserver_add_builtin_crds(struct apiserver *a)
{
    size_t count;
    struct crd *const *all = crd_builtin(&count);
    for (size_t i = 0; i < count; i++)
        apiserver_install(a, all[i]);
}

/* ---- what was there before anybody asked ---- */

void apiserver_plant(struct apiserver *a, const char *group, const char *plural,
                     const json_t *object, const char *user)
{
    static const char *const kept[] = {"uid", "creationTimestamp"};
    struct rtype *t = rtype_find(a, group, plural);
    assert(t && t->builtin);
    const char *ns = t->namespaced ? meta_namespace(object) : NULL;
    char key[STORE_KEY_MAX];
    bool fits = store_key(key, ns, meta_name(object));
    assert(fits);
    const struct store_entry *e = store_find(&t->table, key);
    json_t *copy = json_copy((json_t *)object);
    json_t *meta = json_copy(json_object_get(object, "metadata"));
    if (!e)
        set_birth(a, &a->planted, meta);
    for (size_t i = 0; e && i < ARRAY_LEN(kept); i++)
        json_object_set(meta, kept[i], (json_t *)json_at(e->object, "metadata", kept[i], NULL));
    json_object_set_new(copy, "metadata", meta);
    const struct api_request req = {.verb = e ? API_UPDATE : API_CREATE,
                                    .resource = {group, rtype_storage(t)->name, plural},
                                    .ns = ns,
                                    .name = meta_name(object),
                                    .user = user};
    commit_put(a, &req, t, key, copy);
}

/* ---- what hangs on it ---- */

void apiserver_observe(struct apiserver *a, store_observer_fn *fn, void *cookie)
{
    assert(fn);
    assert(!a->telling);
    a->observers =
        mem_grow(a->observers, &a->observer_cap, a->observer_count + 1, sizeof(struct observer));
    a->observers[a->observer_count++] = (struct observer){fn, cookie};
}

void apiserver_admit(struct apiserver *a, const char *group, const char *plural, admission_fn *fn,
                     void *cookie)
{
    assert(fn);
    a->admitters =
        mem_grow(a->admitters, &a->admitter_cap, a->admitter_count + 1, sizeof(struct admitter));
    a->admitters[a->admitter_count++] =
        (struct admitter){mem_strdup(group), mem_strdup(plural), fn, cookie};
}

void apiserver_track_fields(struct apiserver *a, bool on)
{
    a->track_fields = on;
}

bool apiserver_tracks_fields(const struct apiserver *a)
{
    return a->track_fields;
}

/* ---- looking in ---- */

json_t *apiserver_peek(const struct apiserver *a, const char *group, const char *plural,
                       const char *ns, const char *name)
{
    const struct rtype *t = rtype_find(a, group, plural);
    char key[STORE_KEY_MAX];
    if (!t || !name || !store_key(key, t->namespaced ? ns : NULL, name))
        return NULL;
    const struct store_entry *e = store_find(&t->table, key);
    return e ? e->object : NULL;
}

/* A walk over the objects of one kind, in one namespace (NULL or "": in all). */
struct walk {
    const struct rtype *t;
    struct store_pos pos;
    char prefix[STORE_KEY_MAX];
};

/* false: there is no such kind, or can be no such namespace. */
static bool walk_begin(struct walk *w, const struct apiserver *a, const char *group,
                       const char *plural, const char *ns)
{
    w->t = rtype_find(a, group, plural);
    w->prefix[0] = '\0';
    if (!w->t || (ns && *ns && w->t->namespaced && !store_key(w->prefix, ns, "")))
        return false;
    w->pos = store_seek(&w->t->table, w->prefix);
    return true;
}

static const struct store_entry *walk_next(struct walk *w)
{
    const struct store_entry *e = store_next(&w->t->table, &w->pos);
    return e && strncmp(e->key, w->prefix, strlen(w->prefix)) == 0 ? e : NULL;
}

json_t *apiserver_peek_all(const struct apiserver *a, const char *group, const char *plural,
                           const char *ns)
{
    json_t *out = json_array();
    struct walk w;
    const struct store_entry *e;
    if (!walk_begin(&w, a, group, plural, ns))
        return out;
    while ((e = walk_next(&w)))
        json_array_append(out, e->object);
    return out;
}

bool apiserver_has_any(const struct apiserver *a, const char *group, const char *plural,
                       const char *ns)
{
    struct walk w;
    return walk_begin(&w, a, group, plural, ns) && walk_next(&w);
}

int64_t apiserver_revision(const struct apiserver *a)
{
    return a->revision;
}

int64_t apiserver_now(const struct apiserver *a)
{
    return sched_now(a->sched);
}

void apiserver_begin_at(struct apiserver *a, int64_t revision)
{
    assert(revision >= a->revision);
    a->revision = a->floor = revision;
}

void apiserver_compact(struct apiserver *a, int64_t revision)
{
    /* The log itself stays: open watches go on reading it, as they do from the real server's
     * buffers. */
    if (revision > a->revision)
        revision = a->revision;
    if (revision > a->floor)
        a->floor = revision;
    assert(a->floor <= a->revision);
}
