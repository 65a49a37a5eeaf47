/* POST: a new object. */
#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/prng.h"
#include "kube/meta.h"
#include "kube/names.h"
#include "kube/status.h"
#include "kube/time.h"
#include "sim/apiserver/body_priv.h"
#include "sim/apiserver/call_priv.h"
#include "sim/apiserver/commit_priv.h"
#include "sim/apiserver/kinds_priv.h"
#include "sim/apiserver/managed_fields_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/server_priv.h"
#include "sim/apiserver/store.h"
#include "sim/apiserver/write_priv.h"

#define GENERATE_ATTEMPTS 8

/* NamespaceLifecycle: content needs a namespace, and a dying one takes none. */
static int check_namespace(struct call *c, const json_t *object)
{
    if (!c->t->namespaced)
        return 0;
    const struct rtype *namespaces = rtype_find(c->a, "", "namespaces");
    assert(namespaces);
    assert(c->req->ns); /* the route was refused otherwise */
    const struct store_entry *e = store_find(&namespaces->table, c->req->ns);
    static const struct api_resource resource = {"", "v1", "namespaces"};
    if (!e)
        return status_not_found(c->ret, &resource, c->req->ns);
    if (!meta_deleting(e->object) &&
        strcmp(json_str_or_empty(e->object, "status.phase"), "Terminating") != 0)
        return 0;
    AUTO(str)
    char *why = mem_printf(
        "unable to create new content in namespace %s because it is being terminated", c->req->ns);
    const char *name = meta_name(object);
    status_forbidden(c->ret, call_resource(c), name, why);
    AUTO(str) char *cause = mem_printf("namespace %s is being terminated", c->req->ns);
    json_put_take(c->ret->body, "details.causes",
                  json_pack("[{s:s, s:s, s:s}]", "reason", "NamespaceTerminating", "message", cause,
                            "field", "metadata.namespace"));
    return -1;
}

static int check_new(struct call *c, const json_t *object)
{
    const char *rv = meta_resource_version(object);
    if (*rv && strcmp(rv, "0") != 0)
        return untyped_error(c->ret, 500,
                             "resourceVersion should not be set on objects to be created");
    if (c->t->terminating)
        return status_forbidden(
            c->ret, call_resource(c), meta_name(object),
            "create not allowed while custom resource definition is terminating");
    return check_namespace(c, object);
}

static void wipe_system_fields(struct call *c, json_t *object)
{
    static const char *const fields[] = {"resourceVersion",
                                         "uid",
                                         "creationTimestamp",
                                         "deletionTimestamp",
                                         "deletionGracePeriodSeconds",
                                         "generation"};
    json_t *meta = json_object_get(object, "metadata");
    assert(json_is_object(meta));
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        json_object_del(meta, fields[i]);
    if (c->v->has_status)
        json_object_del(object, "status");
    dedup_owners(c, object);
}

static void set_system_fields(struct call *c, json_t *object)
{
    char uid[37], now[TIME_TEXT];
    prng_uuid(&c->a->uids, uid);
    time_format(apiserver_now(c->a), now);
    json_t *meta = json_object_get(object, "metadata");
    assert(!json_object_get(meta, "uid")); /* wiped before */
    json_object_set_new_nocheck(meta, "uid", json_string_nocheck(uid));
    json_object_set_new_nocheck(meta, "creationTimestamp", json_string_nocheck(now));
    if (c->t->generation != GENERATION_NONE)
        json_object_set_new_nocheck(meta, "generation", json_integer(1));
}

static int already_there(struct call *c, const struct store_entry *e, const char *name)
{
    assert(e->object);
    status_already_exists(c->ret, call_resource(c), name);
    if (!meta_deleting(e->object))
        return -1;
    AUTO(str) char *message = mem_printf("object is being deleted: %s", api_message(c->ret));
    json_put_str(c->ret->body, "message", message);
    return -1;
}

static int no_unique_name(struct call *c, const char *name)
{
    status_already_exists(c->ret, call_resource(c), name);
    AUTO(str)
    char *message =
        mem_printf("%s, the server was not able to generate a unique name for the object",
                   api_message(c->ret));
    json_put_str(c->ret->body, "message", message);
    json_put_take(c->ret->body, "details.retryAfterSeconds", json_integer(1));
    return -1;
}

/* Settles name and key. Generated names that are taken are drawn again. */
static int settle_name(struct call *c, json_t *object)
{
    const char *name = meta_name(object);
    const char *ns = c->t->namespaced ? c->req->ns : NULL;
    const char *prefix = json_str_or_empty(object, "metadata.generateName");
    if (*name || !*prefix) {
        if (!store_key(c->key, ns, name))
            c->key[0] = '\0'; /* validation will refuse it */
        return 0;
    }
    for (int i = 0; i < GENERATE_ATTEMPTS; i++) {
        AUTO(str) char *made = name_generate(&c->a->names, prefix);
        json_put_str(object, "metadata.name", made);
        if (!store_key(c->key, ns, made) || !store_find(&c->t->table, c->key))
            return 0;
    }
    return no_unique_name(c, meta_name(object));
}

static int create_object(struct call *c, json_t **object)
{
    if (check_new(c, *object) < 0)
        return -1;
    wipe_system_fields(c, *object);
    if (settle_name(c, *object) < 0)
        return -1;
    set_system_fields(c, *object);
    write_normalise(c->t, c->v, *object, NULL);
    write_record_fields(c, *object, NULL);
    if (write_has_admission(c)) {
        if (write_admit(c, *object, NULL) < 0)
            return -1;
        write_normalise(c->t, c->v, *object, NULL);
    }
    if (write_validate(c, *object, NULL) < 0 || write_allocate(c, *object, NULL) < 0 ||
        write_admit_validating(c, *object, NULL, c->req->dry_run) < 0)
        return -1;
    warn_finalizers(c, *object, NULL);
    const struct store_entry *e = store_find(&c->t->table, c->key);
    if (e)
        return already_there(c, e, meta_name(*object));
    if (c->req->dry_run) {
        respond(c, 201, TAKE(*object));
        return 0;
    }
    write_keep_given(c);
    assert(*c->key); /* what has no key was not valid */
    version_store(c->t, c->v, *object);
    json_t *stored = commit_put(c->a, c->req, c->t, c->key, TAKE(*object));
    respond(c, 201, version_view(c->t, c->v, stored));
    return 0;
}

int call_create(struct call *c)
{
    AUTO(json) json_t *object = NULL;
    if (decode_object(c, c->req->body, /* need_name= */ false, &object) < 0)
        return -1;
    return create_object(c, &object);
}
