/* CustomResourceDefinitions as objects of the API: what the server's own controllers do to them
 * (sections 6.1, 6.2).
 *
 * In kube-apiserver the naming, establishing, approval and finalizing controllers run beside the
 * pipeline and take milliseconds. Here their writes follow the request at once, as commits of their
 * own, so that watchers see the same steps. */
#include "sim/apiserver/crd_object_priv.h"

#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "kube/time.h"
#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/commit_priv.h"
#include "sim/apiserver/crd.h"
#include "sim/apiserver/delete_priv.h"
#include "sim/apiserver/names_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/server_priv.h"
#include "sim/apiserver/store.h"

static const struct api_resource crd_resource = {CRD_GROUP, "v1", "customresourcedefinitions"};

/* "" for what is no text: nobody in the process checks the lists of those who write it here. */
static const char *text_at(const json_t *list, size_t i)
{
    const char *text = json_string_value(json_array_get(list, i));
    return text ? text : "";
}

static const char *storage_version(const json_t *object)
{
    const json_t *versions = json_path(object, "spec.versions");
    for (size_t i = 0; i < json_array_size(versions); i++)
        if (json_bool(json_array_get(versions, i), "storage", false))
            return json_str_or_empty(json_array_get(versions, i), "name");
    return "";
}

/* What was ever stored in a version stays on the list until somebody who migrated it says so. */
static void note_stored_version(json_t *object)
{
    const char *version = storage_version(object);
    const json_t *stored = json_path(object, "status.storedVersions");
    for (size_t i = 0; i < json_array_size(stored); i++)
        if (strcmp(text_at(stored, i), version) == 0)
            return;
    json_t *status = json_copy_of(json_object_get(object, "status"));
    json_t *list = stored ? json_copy_of(stored) : json_array();
    json_array_append_new(list, json_string(version));
    json_object_set_new(status, "storedVersions", list);
    json_object_set_new(object, "status", status);
}

void crd_object_prepare(json_t *object, const json_t *old)
{
    crd_default(object);
    if (!old)
        json_object_set_new(object, "status",
                            json_pack("{s:{s:s, s:s}, s:n, s:[s]}", "acceptedNames", "plural", "",
                                      "kind", "", "conditions", "storedVersions",
                                      storage_version(object)));
    else if (json_is_object(json_object_get(object, "status")) &&
             json_same(json_object_get(object, "status"), json_object_get(old, "status")))
        note_stored_version(object); /* no write of the status */
}

void crd_object_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    crd_unref(crd_compile(object, errors));
    if (old)
        crd_check_update(object, old, errors);
    crd_validate_approval(object, old, errors);
}

/* ---- conditions ---- */

/* Shared with the compiled definition, which never changes. */
static json_t *accepted_names(const struct crd *c)
{
    return json_incref((json_t *)json_path(c->object, "spec.names"));
}

/* True when that is news. */
static bool set_approval(json_t *object, int64_t now_ns)
{
    static const struct {
        const char *status, *reason;
    } said[] = {
        [APPROVAL_MISSING] = {"False", "MissingAnnotation"},
        [APPROVAL_INVALID] = {"False", "InvalidAnnotation"},
        [APPROVAL_BYPASSED] = {"False", "UnapprovedAnnotation"},
        [APPROVAL_GIVEN] = {"True", "ApprovedAnnotation"},
    };
    enum crd_approval approval = crd_approval(object);
    assert(approval == APPROVAL_NOT_NEEDED || (size_t)approval < ARRAY_LEN(said));
    if (approval == APPROVAL_NOT_NEEDED)
        return false;
    AUTO(str) char *why = crd_approval_message(object, approval);
    return meta_set_condition(object, "KubernetesAPIApprovalPolicyConformant",
                              said[approval].status, said[approval].reason, why, now_ns);
}

static json_t *established_status(const struct crd *c, int64_t now_ns)
{
    AUTO(json) json_t *object = json_copy(c->object);
    meta_set_condition(object, "NamesAccepted", "True", "NoConflicts", "no conflicts found",
                       now_ns);
    meta_set_condition(object, "Established", "True", "InitialNamesAccepted",
                       "the initial names have been accepted", now_ns);
    set_approval(object, now_ns);
    json_put_take(object, "status.acceptedNames", accepted_names(c));
    json_put_take(object, "status.storedVersions", json_pack("[s]", c->versions[c->storage].name));
    return json_incref(json_object_get(object, "status"));
}

/* Every fresh world installs the same definitions at the same time. */
json_t *crd_object_status(struct crd *c, int64_t now_ns)
{
    if (!c->established.status || c->established.now_ns != now_ns) {
        json_decref(c->established.status);
        c->established.status = established_status(c, now_ns);
        c->established.now_ns = now_ns;
    }
    return json_incref(c->established.status);
}

/* What the server itself asks for; it borrows the object's name. */
static struct api_request own_request(const json_t *object)
{
    return (struct api_request){.verb = API_UPDATE,
                                .resource = crd_resource,
                                .name = meta_name(object),
                                .subresource = "status",
                                .user = SERVER_USER};
}

static void put_object(struct apiserver *a, json_t *object /* taken */)
{
    struct rtype *t = rtype_find(a, CRD_GROUP, crd_resource.plural);
    assert(t);
    const struct api_request req = own_request(object);
    AUTO(str) char *key = mem_strdup(meta_name(object));
    commit_put(a, &req, t, key, object);
}

/* ---- one definition's way ---- */

static bool is_true(const json_t *object, const char *condition)
{
    return strcmp(meta_condition_status(object, condition), "True") == 0;
}

/* True when that made a write. */
static bool sync_names(struct apiserver *a, const json_t *object)
{
    json_t *next = crd_names_next(a, object);
    if (next)
        put_object(a, next);
    return next != NULL;
}

static bool sync_established(struct apiserver *a, const json_t *object)
{
    if (is_true(object, "Established") || !is_true(object, "NamesAccepted"))
        return false;
    json_t *next = json_copy_of(object);
    meta_set_condition(next, "Established", "True", "InitialNamesAccepted",
                       "the initial names have been accepted", apiserver_now(a));
    put_object(a, next);
    return true;
}

static bool sync_approval(struct apiserver *a, const json_t *object)
{
    if (crd_approval(object) == APPROVAL_NOT_NEEDED)
        return false;
    AUTO(json) json_t *next = json_copy_parts(object, "metadata", "status", NULL);
    if (!set_approval(next, apiserver_now(a)))
        return false;
    put_object(a, TAKE(next));
    return true;
}

static void serve(struct apiserver *a, const json_t *object)
{
    struct field_errors errors = {0};
    AUTO(crd) struct crd *c = crd_compile(object, &errors);
    field_errors_finish(&errors);
    if (c)
        rtype_put_crd(a, c, json_path(object, "status.acceptedNames"));
}

static bool overlaps_builtin(const struct apiserver *a, const json_t *object)
{
    const struct rtype *t = rtype_find(a, json_str_or_empty(object, "spec.group"),
                                       json_str_or_empty(object, "spec.names.plural"));
    return t && t->builtin;
}

/* One step, if there is one to take. */
static bool sync_one(struct apiserver *a, json_t *stored)
{
    AUTO(json) json_t *object = json_incref(stored); /* the write replaces it */
    if (meta_deleting(object) || overlaps_builtin(a, object))
        return false;
    return sync_names(a, object) || sync_established(a, object) || sync_approval(a, object);
}

/* Who gives up a name lets others have it, and so the whole group is looked at again until nobody
 * moves: names only ever go from free to held here, so this ends. */
static void settle(struct apiserver *a)
{
    bool moved = true;
    while (moved) {
        moved = false;
        AUTO(json) json_t *all = apiserver_peek_all(a, CRD_GROUP, crd_resource.plural, NULL);
        for (size_t i = 0; i < json_array_size(all); i++)
            moved |= sync_one(a, json_array_get(all, i));
    }
}

void crd_object_committed(struct apiserver *a, enum api_event_type type, const json_t *object)
{
    struct rtype *t = rtype_find(a, json_str_or_empty(object, "spec.group"),
                                 json_str_or_empty(object, "spec.names.plural"));
    if (t && t->builtin)
        return;
    if (type == EVENT_DELETED) {
        if (t)
            rtype_remove(a, t);
        a->crds_to_settle = true;
        return;
    }
    if (meta_deleting(object)) {
        if (t && !t->terminating) {
            t->terminating = true;
            a->catalog_generation++;
        }
        a->crds_to_finish = true;
        return;
    }
    bool established = is_true(object, "Established");
    if (established || is_true(object, "NamesAccepted"))
        serve(a, object);
    if (!established || !crd_names_settled(object) || crd_approval(object) != APPROVAL_NOT_NEEDED)
        a->crds_to_settle = true;
}

/* ---- deletion ---- */

static void delete_instances(struct apiserver *a, struct rtype *t)
{
    AUTO(json) json_t *all = apiserver_peek_all(a, t->group, t->plural, NULL);
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i);
        if (!meta_deleting(one))
            delete_internal(a, t, meta_namespace(one), meta_name(one));
    }
}

static void set_terminating(struct apiserver *a, json_t *object, const char *status,
                            const char *reason, const char *message)
{
    meta_set_condition(object, "Terminating", status, reason, message, apiserver_now(a));
}

void crd_object_mark(struct apiserver *a, json_t *object)
{
    meta_add_finalizer(object, CRD_FINALIZER);
    set_terminating(a, object, "True", "InstanceDeletionPending",
                    "CustomResourceDefinition marked for deletion; CustomResource deletion will "
                    "begin soon");
}

/* The instances are gone, or there were never any. */
static void release(struct apiserver *a, struct rtype *crds, const json_t *object)
{
    json_t *last = json_copy_of(object);
    assert(meta_deleting(object));
    if (is_true(object, "Established"))
        set_terminating(a, last, "False", "InstanceDeletionCompleted", "removed all instances");
    else
        set_terminating(a, last, "False", "NeverEstablished", "resource was never established");
    meta_remove_finalizer(last, CRD_FINALIZER);
    const struct api_request req = own_request(object);
    AUTO(str) char *key = mem_strdup(meta_name(object));
    if (delete_is_free(crds, last))
        commit_remove(a, &req, crds, key, last);
    else
        commit_put(a, &req, crds, key, last);
}

/* Upstream looks again for a minute, then reports InstanceDeletionCheck and begins anew, for ever.
 * Here what is held waits in silence: the last instance to go ends it. */
static void finish_one(struct apiserver *a, struct rtype *crds, const char *name)
{
    const struct store_entry *e = store_find(&crds->table, name);
    if (!e)
        return;
    json_t *next = json_copy_of(e->object);
    set_terminating(a, next, "True", "InstanceDeletionInProgress",
                    "CustomResource deletion is in progress");
    AUTO(json) json_t *object = json_incref(next);
    if (json_same(next, e->object))
        json_decref(next);
    else
        put_object(a, next);
    struct rtype *t = rtype_find(a, json_str_or_empty(object, "spec.group"),
                                 json_str_or_empty(object, "spec.names.plural"));
    if (t && !t->builtin)
        delete_instances(a, t);
    if (!t || t->builtin || t->table.count == 0)
        release(a, crds, object);
}

static void finish(struct apiserver *a)
{
    struct rtype *crds = rtype_find(a, CRD_GROUP, crd_resource.plural);
    a->crds_to_finish = false;
    AUTO(json) json_t *all = apiserver_peek_all(a, CRD_GROUP, crd_resource.plural, NULL);
    for (size_t i = 0; i < json_array_size(all); i++) {
        json_t *one = json_array_get(all, i);
        if (meta_deleting(one) && meta_has_finalizer(one, CRD_FINALIZER))
            finish_one(a, crds, meta_name(one));
    }
}

void crd_objects_run(struct apiserver *a)
{
    while (a->crds_to_settle || a->crds_to_finish) {
        if (a->crds_to_settle) {
            a->crds_to_settle = false;
            settle(a);
        }
        if (a->crds_to_finish)
            finish(a);
    }
}
