/* CustomResourceDefinitions as objects of the API: what the server's own controllers do to them
 * (sections 6.1, 6.2).
 *
 * In kube-apiserver the naming, establishing and finalizing controllers run beside the pipeline and
 * take milliseconds. Here their writes follow the request at once, as commits of their own, so that
 * watchers see the same steps. */
#include <assert.h>
#include <string.h>

#include "kube/time.h"
#include "sim/apiserver/server_priv.h"

static const struct api_resource crd_resource = {CRD_GROUP, "v1", "customresourcedefinitions"};

void crd_object_prepare(json_t *object, const json_t *old)
{
    (void)old;
    crd_default(object);
}

void crd_object_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    crd_unref(crd_compile(object, errors));
    if (old)
        crd_check_update(object, old, errors);
}

/* ---- conditions ---- */

/* Shared with the compiled definition, which never changes. */
static json_t *accepted_names(const struct crd *c)
{
    return json_incref((json_t *)json_path(c->object, "spec.names"));
}

static json_t *established_status(const struct crd *c, int64_t now_ns)
{
    AUTO(json) json_t *object = json_object();
    meta_set_condition(object, "NamesAccepted", "True", "NoConflicts", "no conflicts found",
                       now_ns);
    meta_set_condition(object, "Established", "True", "InitialNamesAccepted",
                       "the initial names have been accepted", now_ns);
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

static void put_object(struct apiserver *a, json_t *object /* taken */)
{
    struct rtype *t = rtype_find(a, CRD_GROUP, crd_resource.plural);
    const struct api_request req = {.verb = API_UPDATE,
                                    .resource = crd_resource,
                                    .name = meta_name(object),
                                    .subresource = "status",
                                    .user = SERVER_USER};
    AUTO(str) char *key = mem_strdup(meta_name(object));
    commit_put(a, &req, t, key, object);
}

/* Another type of the group with one of the names; NULL when there is none. */
static const char *conflicting(const struct apiserver *a, const struct crd *c,
                               const char **ret_reason)
{
    for (size_t i = 0; i < a->type_count; i++) {
        const struct rtype *t = a->types[i];
        if (!t->registered || strcmp(t->group, c->group) != 0 || strcmp(t->plural, c->plural) == 0)
            continue;
        if (strcmp(t->kind, c->kind) == 0) {
            *ret_reason = "KindConflict";
            return c->kind;
        }
        if (strcmp(t->list_kind, c->list_kind) == 0) {
            *ret_reason = "ListKindConflict";
            return c->list_kind;
        }
        if (strcmp(t->singular, c->singular) == 0) {
            *ret_reason = "SingularConflict";
            return c->singular;
        }
    }
    return NULL;
}

/* First the names, then "installing" becomes "established": two writes after the create. */
static void establish(struct apiserver *a, struct crd *c, const json_t *object)
{
    int64_t now = sched_now(a->sched);
    json_t *next = json_copy_of(object);
    const char *reason = NULL;
    const char *taken = conflicting(a, c, &reason);
    if (taken) {
        AUTO(str) char *message = mem_printf("\"%s\" is already in use", taken);
        meta_set_condition(next, "NamesAccepted", "False", reason, message, now);
        meta_set_condition(next, "Established", "False", "NotAccepted",
                           "not all names are accepted", now);
        put_object(a, next);
        return;
    }
    meta_set_condition(next, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now);
    meta_set_condition(next, "Established", "False", "Installing",
                       "the initial names have been accepted", now);
    json_put_take(next, "status.acceptedNames", accepted_names(c));
    json_put_take(next, "status.storedVersions", json_pack("[s]", c->versions[c->storage].name));
    json_t *last = json_copy_of(next);
    put_object(a, next);
    meta_set_condition(last, "Established", "True", "InitialNamesAccepted",
                       "the initial names have been accepted", now);
    put_object(a, last);
}

static void note_stored_version(struct apiserver *a, const struct crd *c, const json_t *object)
{
    const char *version = c->versions[c->storage].name;
    const json_t *stored = json_path(object, "status.storedVersions");
    for (size_t i = 0; i < json_array_size(stored); i++)
        if (strcmp(json_string_value(json_array_get(stored, i)), version) == 0)
            return;
    json_t *next = json_copy_of(object);
    json_t *list = json_at_mut(next, "status", "storedVersions", NULL);
    if (!list) {
        list = json_array();
        json_put_take(next, "status.storedVersions", list);
    }
    json_array_append_new(list, json_string(version));
    put_object(a, next);
}

static void begin_deletion(struct apiserver *a, struct rtype *t, const json_t *object)
{
    if (strcmp(meta_condition_status(object, "Terminating"), "") != 0)
        return;
    json_t *next = json_copy_of(object);
    meta_set_condition(next, "Terminating", "True", "InstanceDeletionPending",
                       "CustomResourceDefinition marked for deletion; CustomResource deletion will "
                       "begin soon",
                       sched_now(a->sched));
    if (t)
        t->terminating = true;
    a->crds_to_finish = true;
    put_object(a, next);
}

void crd_object_committed(struct apiserver *a, enum api_event_type type, const json_t *object)
{
    /* The object may be replaced below. */
    AUTO(json) json_t *held = json_incref((json_t *)object);
    struct rtype *t = rtype_find(a, json_str_or_empty(held, "spec.group"),
                                 json_str_or_empty(held, "spec.names.plural"));
    if (t && t->builtin)
        return;
    if (type == EVENT_DELETED) {
        if (t)
            rtype_remove(a, t);
        return;
    }
    struct field_errors errors = {0};
    AUTO(crd) struct crd *c = crd_compile(held, &errors);
    field_errors_finish(&errors);
    if (!c)
        return;
    if (meta_deleting(held)) {
        begin_deletion(a, t, held);
        return;
    }
    if (strcmp(meta_condition_status(held, "Established"), "True") == 0) {
        rtype_put_crd(a, c);
        note_stored_version(a, c, held);
    } else if (!meta_condition(held, "NamesAccepted")) {
        establish(a, c, held);
    }
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

static void finish_one(struct apiserver *a, struct rtype *crds, json_t *object)
{
    struct rtype *t = rtype_find(a, json_str_or_empty(object, "spec.group"),
                                 json_str_or_empty(object, "spec.names.plural"));
    if (t)
        delete_instances(a, t);
    if (t && t->table.count > 0)
        return;
    json_t *last = json_copy_of(object);
    meta_remove_finalizer(last, CRD_FINALIZER);
    const struct api_request req = {.verb = API_UPDATE,
                                    .resource = crd_resource,
                                    .name = meta_name(object),
                                    .user = SERVER_USER};
    AUTO(str) char *key = mem_strdup(meta_name(object));
    if (delete_is_free(last))
        commit_remove(a, &req, crds, key, last);
    else
        commit_put(a, &req, crds, key, last);
}

void crd_objects_finish(struct apiserver *a)
{
    struct rtype *crds = rtype_find(a, CRD_GROUP, crd_resource.plural);
    while (a->crds_to_finish) {
        a->crds_to_finish = false;
        AUTO(json) json_t *all = apiserver_peek_all(a, CRD_GROUP, crd_resource.plural, NULL);
        for (size_t i = 0; i < json_array_size(all); i++) {
            json_t *one = json_array_get(all, i);
            if (meta_deleting(one) && meta_has_finalizer(one, CRD_FINALIZER))
                finish_one(a, crds, one);
        }
    }
}
