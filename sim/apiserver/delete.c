/* DELETE and DELETECOLLECTION: preconditions, propagation, grace, finalizers (sections 4.9, 4.10).
 */
#include "sim/apiserver/delete_priv.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "kube/time.h"
#include "sim/apiserver/call_priv.h"
#include "sim/apiserver/commit_priv.h"
#include "sim/apiserver/crd_object_priv.h"
#include "sim/apiserver/kinds_priv.h"
#include "sim/apiserver/names_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/store.h"
#include "sim/apiserver/write_priv.h"

struct delete_options {
    const char *policy; /* "Background", "Foreground", "Orphan"; NULL when not given */
    const char *uid, *revision;
    bool has_grace, dry_run;
    bool asked; /* by a client: the kind's own policy counts when it names none */
    int64_t grace_s;
};

/* ---- options ---- */

static int options_invalid(struct call *c, enum field_error_type type, const char *field,
                           const json_t *value, const char *detail)
{
    struct field_errors errors = {0};
    field_errors_add(&errors, type, field, value, "%s", detail);
    return status_invalid(c->ret, "meta.k8s.io", "DeleteOptions", "", &errors);
}

static int read_policy(struct call *c, const json_t *body, struct delete_options *o)
{
    const json_t *orphan = json_object_get(body, "orphanDependents");
    if (o->policy && json_is_boolean(orphan)) {
        AUTO(json) json_t *shown = json_string(o->policy);
        return options_invalid(c, FIELD_INVALID, "propagationPolicy", shown,
                               "orphanDependents and deletionPropagation cannot be both set");
    }
    if (json_is_boolean(orphan))
        o->policy = json_is_true(orphan) ? "Orphan" : "Background";
    if (!o->policy || strcmp(o->policy, "Foreground") == 0 ||
        strcmp(o->policy, "Background") == 0 || strcmp(o->policy, "Orphan") == 0)
        return 0;
    AUTO(json) json_t *shown = json_string(o->policy);
    return options_invalid(c, FIELD_NOT_SUPPORTED, "propagationPolicy", shown,
                           "supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"");
}

static bool is_job(const struct rtype *t)
{
    return t->builtin && strcmp(t->group, "batch") == 0 && strcmp(t->plural, "jobs") == 0;
}

/* The body's word counts; what it leaves out may stand in the request (an HTTP front drops the
 * query when there is a body). */
static int read_options(struct call *c, struct delete_options *o)
{
    const json_t *body = json_is_object(c->req->body) ? c->req->body : NULL;
    *o = (struct delete_options){.policy = json_str(body, "propagationPolicy"),
                                 .uid = json_str(body, "preconditions.uid"),
                                 .revision = json_str(body, "preconditions.resourceVersion"),
                                 .dry_run = c->req->dry_run,
                                 .asked = true};
    if (!o->policy)
        o->policy = c->req->propagation_policy;
    const json_t *grace = json_object_get(body, "gracePeriodSeconds");
    o->has_grace = json_is_integer(grace);
    o->grace_s = json_integer_value(grace) < 0 ? 1 : json_integer_value(grace);
    const json_t *dry = json_object_get(body, "dryRun");
    for (size_t i = 0; i < json_array_size(dry); i++) {
        const char *word = json_string_value(json_array_get(dry, i));
        if (!word || strcmp(word, "All") != 0)
            return options_invalid(c, FIELD_NOT_SUPPORTED, "dryRun", dry,
                                   "supported values: \"All\"");
        o->dry_run = true;
    }
    if (read_policy(c, body, o) < 0)
        return -1;
    if (!o->policy && is_job(c->t))
        api_response_warn(c->ret, "child pods are preserved by default when jobs are deleted; set "
                                  "propagationPolicy=Background to remove them or set "
                                  "propagationPolicy=Orphan to suppress this warning");
    return 0;
}

static int check_preconditions(struct call *c, const struct delete_options *o, const json_t *object)
{
    const struct api_resource by_kind = {c->t->group, c->v->name, c->t->kind};
    if (o->uid && strcmp(o->uid, meta_uid(object)) != 0) {
        AUTO(str)
        char *why = mem_printf(
            "the UID in the precondition (%s) does not match the UID in record (%s). The object "
            "might have been deleted and then recreated",
            o->uid, meta_uid(object));
        return status_conflict(c->ret, &by_kind, meta_name(object), why);
    }
    if (o->revision && strcmp(o->revision, meta_resource_version(object)) != 0) {
        AUTO(str)
        char *why =
            mem_printf("the ResourceVersion in the precondition (%s) does not match the "
                       "ResourceVersion in record (%s). The object might have been modified",
                       o->revision, meta_resource_version(object));
        return status_conflict(c->ret, &by_kind, meta_name(object), why);
    }
    return 0;
}

/* ---- finalizers and grace ---- */

bool delete_is_free(const struct rtype *t, const json_t *object)
{
    const char *more = t->builtin ? t->builtin->finalizers : NULL;
    if (json_array_size(json_at(object, "metadata", "finalizers", NULL)) > 0)
        return false;
    if (json_int(object, "metadata.deletionGracePeriodSeconds", 0) > 0)
        return false;
    return !more || json_array_size(json_path(object, more)) == 0;
}

/* The collector's finalizers follow the policy: asked for, else what is there already. */
static void set_policy_finalizers(json_t *object, const char *policy)
{
    if (!policy)
        return;
    assert(json_is_object(object));
    meta_remove_finalizer(object, "orphan");
    meta_remove_finalizer(object, "foregroundDeletion");
    if (strcmp(policy, "Orphan") == 0)
        meta_add_finalizer(object, "orphan");
    else if (strcmp(policy, "Foreground") == 0)
        meta_add_finalizer(object, "foregroundDeletion");
}

static int64_t grace_of(const struct call *c, const struct delete_options *o, const json_t *object)
{
    const struct builtin *b = c->t->builtin;
    int64_t grace_s = b && b->grace_s ? b->grace_s(object, o->has_grace ? &o->grace_s : NULL) : 0;
    assert(grace_s >= 0);
    return grace_s;
}

static void mark(struct call *c, json_t *object, int64_t grace_s)
{
    assert(grace_s >= 0);
    char when[TIME_TEXT];
    int64_t now = apiserver_now(c->a), wait = grace_s * NS_PER_S;
    time_format(now > INT64_MAX - wait ? INT64_MAX : now + wait, when);
    int64_t generation = meta_generation(object);
    if (!meta_deleting(object) && generation > 0)
        json_put_take(object, "metadata.generation", json_integer(generation + 1));
    json_put_str(object, "metadata.deletionTimestamp", when);
    json_put_take(object, "metadata.deletionGracePeriodSeconds", json_integer(grace_s));
    if (c->t->builtin && c->t->builtin->mark_deleting)
        c->t->builtin->mark_deleting(object);
}

/* Whether the delete finds anything to change on an object that is on its way already. */
static bool mark_again(const struct call *c, const json_t *object, int64_t grace_s)
{
    if (!meta_deleting(object))
        return true;
    return c->t->builtin && c->t->builtin->grace_s &&
           grace_s < json_int(object, "metadata.deletionGracePeriodSeconds", 0);
}

static int check_protected(struct call *c, const char *name)
{
    const char *const *kept = c->t->builtin ? c->t->builtin->kept : NULL;
    for (; kept && *kept; kept++)
        if (strcmp(name, *kept) == 0)
            return status_forbidden(c->ret, call_resource(c), name,
                                    "this namespace may not be deleted");
    return 0;
}

/* ---- one object ---- */

static void answer_removed(struct call *c, json_t *last)
{
    if (c->t->builtin && c->t->builtin->delete_returns)
        respond(c, 200, version_view(c->t, c->v, last));
    else
        respond(c, 200, status_success(call_resource(c), meta_name(last), meta_uid(last)));
}

/* What is asked for; else what is under way; else the kind's own. */
static const char *policy_of(const struct call *c, const struct delete_options *o,
                             const json_t *stored)
{
    bool under_way =
        meta_has_finalizer(stored, "orphan") || meta_has_finalizer(stored, "foregroundDeletion");
    return !o->policy && o->asked && !under_way && is_job(c->t) ? "Orphan" : o->policy;
}

static json_t *marked_copy(struct call *c, const struct delete_options *o, const json_t *stored)
{
    json_t *object = json_copy_of(stored);
    set_policy_finalizers(object, policy_of(c, o, stored));
    if (strcmp(c->t->group, CRD_GROUP) == 0 && !meta_deleting(stored))
        crd_object_mark(c->a, object);
    int64_t grace_s = grace_of(c, o, stored);
    if (mark_again(c, stored, grace_s))
        mark(c, object, grace_s);
    return object;
}

static int delete_entry(struct call *c, const struct delete_options *o)
{
    const struct store_entry *e = store_find(&c->t->table, c->key);
    if (!e)
        return status_not_found(c->ret, call_resource(c), c->req->name);
    AUTO(json) json_t *stored = json_incref(e->object);
    if (check_preconditions(c, o, stored) < 0 || check_protected(c, meta_name(stored)) < 0)
        return -1;
    if (write_is_admitted(c)) {
        AUTO(json) json_t *view = version_view(c->t, c->v, stored);
        if (write_admit(c, NULL, view) < 0 ||
            (o->asked && write_admit_validating(c, NULL, view, o->dry_run) < 0))
            return -1;
        e = store_find(&c->t->table, c->key);
        if (!e || e->object != stored)
            return status_modified(c->ret, call_resource(c), meta_name(stored));
    }
    AUTO(json) json_t *object = marked_copy(c, o, stored);
    assert(object != stored);
    assert(meta_deleting(object));
    if (delete_is_free(c->t, object)) {
        if (o->dry_run) {
            answer_removed(c, object);
            return 0;
        }
        /* Nothing waits for it: what is told as the last state was never marked. */
        json_t *last = meta_deleting(stored) ? TAKE(object) : json_copy_of(stored);
        json_incref(last);
        commit_remove(c->a, c->req, c->t, c->key, last);
        answer_removed(c, last);
        json_decref(last);
        return 0;
    }
    if (o->dry_run || json_same(object, stored)) {
        respond(c, 200, version_view(c->t, c->v, o->dry_run ? object : stored));
        return 0;
    }
    json_t *now = commit_put(c->a, c->req, c->t, c->key, TAKE(object));
    respond(c, 200, version_view(c->t, c->v, now));
    return 0;
}

int call_delete(struct call *c)
{
    struct delete_options o;
    if (read_options(c, &o) < 0)
        return -1;
    return delete_entry(c, &o);
}

void delete_internal(struct apiserver *a, struct rtype *t, const char *ns, const char *name)
{
    const struct api_request req = {
        .verb = API_DELETE,
        .resource = {t->group, rtype_storage(t)->name, t->plural},
        .ns = *ns ? ns : NULL,
        .name = name,
        .user = SERVER_USER,
    };
    struct api_response ret = {0};
    struct call c = {.a = a, .req = &req, .ret = &ret, .t = t, .v = rtype_storage(t)};
    const struct delete_options o = {0};
    if (store_key(c.key, req.ns, name))
        delete_entry(&c, &o);
    api_response_finish(&ret);
}

/* ---- collections ---- */

static int delete_listed(struct call *c, const struct delete_options *o, const json_t *object)
{
    struct api_request one = *c->req;
    struct api_response ret = {0};
    one.ns = c->t->namespaced ? meta_namespace(object) : NULL;
    /* Admission sees the request of the collection: no name. */
    struct call call = {.a = c->a, .req = &one, .ret = &ret, .t = c->t, .v = c->v};
    bool fits = store_key(call.key, one.ns, meta_name(object));
    assert(fits); /* it stands in the store under it */
    int rc = store_find(&c->t->table, call.key) ? delete_entry(&call, o) : 0;
    if (rc < 0 && ret.code != 404) {
        *c->ret = ret;
        return -1;
    }
    api_response_finish(&ret);
    return 0;
}

int call_delete_collection(struct call *c)
{
    struct delete_options o;
    if (read_options(c, &o) < 0 || call_list(c) < 0)
        return -1;
    AUTO(json) json_t *list = TAKE(c->ret->body);
    c->ret->code = 0;
    const json_t *items = json_object_get(list, "items");
    for (size_t i = 0; i < json_array_size(items); i++)
        if (delete_listed(c, &o, json_array_get(items, i)) < 0)
            return -1;
    respond(c, 200, TAKE(list));
    return 0;
}
