/* PUT and PATCH: a new state of an object that is there. */
#include "sim/apiserver/update_priv.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/patch.h"
#include "kube/status.h"
#include "kube/strategic.h"
#include "sim/apiserver/body_priv.h"
#include "sim/apiserver/call_priv.h"
#include "sim/apiserver/commit_priv.h"
#include "sim/apiserver/delete_priv.h"
#include "sim/apiserver/kinds_priv.h"
#include "sim/apiserver/managed_fields_priv.h"
#include "sim/apiserver/names_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/store.h"
#include "sim/apiserver/write_priv.h"

/* ---- what the client may not decide ---- */

static void keep_member(json_t *to, const json_t *from, const char *key)
{
    assert(json_is_object(to));
    json_t *v = json_object_get(from, key);
    if (v)
        json_object_set_nocheck(to, key, v);
    else
        json_object_del(to, key);
}

static void keep_system_fields(json_t *object, const json_t *old)
{
    json_t *meta = json_object_get(object, "metadata");
    const json_t *was = json_object_get(old, "metadata");
    keep_member(meta, was, "creationTimestamp");
    keep_member(meta, was, "generation");
    keep_member(meta, was, "generateName");
    if (!json_object_get(meta, "uid"))
        keep_member(meta, was, "uid");
    if (json_object_get(was, "deletionTimestamp")) {
        keep_member(meta, was, "deletionTimestamp");
        keep_member(meta, was, "deletionGracePeriodSeconds");
    }
}

/* The status endpoint takes status alone; kinds built in also let metadata change through it
 * (section 4.3). */
static void restrict_to_status(const struct call *c, json_t *object, const json_t *old)
{
    const char *key;
    json_t *value;
    void *next;
    assert(call_is_status(c));
    json_object_foreach_safe(object, next, key, value)
    {
        if (strcmp(key, "status") == 0 || strcmp(key, "metadata") == 0)
            continue;
        if (!json_object_get(old, key))
            json_object_del(object, key);
    }
    /* What is stored is normal already, so nothing but a plug-in would change it: share it. */
    bool share = !write_has_admission(c);
    json_object_foreach((json_t *)old, key, value)
    {
        if (strcmp(key, "status") != 0 && strcmp(key, "metadata") != 0)
            json_object_set_new(object, key, share ? json_incref(value) : json_copy_of(value));
    }
    bool own_meta = c->t->builtin && strcmp(c->t->group, CRD_GROUP) != 0;
    json_t *meta = json_copy_of(json_object_get(own_meta ? object : old, "metadata"));
    const json_t *owners = json_at(old, "metadata", "ownerReferences", NULL);
    if (own_meta && owners)
        json_object_set_new(meta, "ownerReferences", json_copy_of(owners));
    json_object_set_new(object, "metadata", meta);
}

/* namespaces/finalize takes spec.finalizers alone. */
static void restrict_to_finalizers(json_t *object, const json_t *old)
{
    AUTO(json) json_t *list = json_incref((json_t *)json_path(object, "spec.finalizers"));
    AUTO(json) json_t *fresh = json_copy_of(old);
    json_object_clear(object);
    json_object_update(object, fresh);
    if (list)
        json_put_take(object, "spec.finalizers", TAKE(list));
    else
        json_drop(object, "spec.finalizers");
}

/* Shared with what is stored, unless a plug-in might edit it. */
static void keep_status(const struct call *c, json_t *object, const json_t *old)
{
    keep_member(object, old, "status");
    json_t *status = json_object_get(object, "status");
    if (status && write_has_admission(c))
        json_object_set_new(object, "status", json_copy_of(status));
}

static void restrict_request(const struct call *c, json_t *object, const json_t *old)
{
    const char *sub = c->req->subresource;
    if (call_is_scale(c))
        return; /* what is stored, but for the number */
    if (sub && strcmp(sub, "status") == 0)
        restrict_to_status(c, object, old);
    else if (sub)
        restrict_to_finalizers(object, old);
    else if (c->v->has_status)
        keep_status(c, object, old);
    if (!sub && c->t->builtin && c->t->builtin->finalizers) {
        const json_t *list = json_path(old, c->t->builtin->finalizers);
        if (list)
            json_put_take(object, c->t->builtin->finalizers, json_copy_of(list));
    }
}

/* ---- generation ---- */

static bool differs_outside(const json_t *a, const json_t *b, bool status_counts)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)a, key, value)
    {
        if (strcmp(key, "metadata") == 0 || (!status_counts && strcmp(key, "status") == 0))
            continue;
        const json_t *other = json_object_get(b, key);
        if (!other || !json_same(value, other))
            return true;
    }
    json_object_foreach((json_t *)b, key, value)
    {
        if (strcmp(key, "metadata") == 0 || (!status_counts && strcmp(key, "status") == 0))
            continue;
        if (!json_object_get(a, key))
            return true;
    }
    return false;
}

static bool member_differs(const json_t *a, const json_t *b, const char *key)
{
    const json_t *x = json_object_get(a, key), *y = json_object_get(b, key);
    return x && y ? !json_same(x, y) : x != y;
}

static bool counts_as_change(const struct call *c, const json_t *object, const json_t *old)
{
    switch (c->t->generation) {
    case GENERATION_NONE:
        return false;
    case GENERATION_SPEC:
        return member_differs(object, old, "spec");
    case GENERATION_SPEC_AND_ANNOTATIONS:
        return member_differs(object, old, "spec") ||
               member_differs(json_object_get(object, "metadata"), json_object_get(old, "metadata"),
                              "annotations");
    case GENERATION_ALL:
        return differs_outside(object, old, /* status_counts= */ !c->v->has_status);
    }
    return false;
}

static void count_generation(const struct call *c, json_t *object, const json_t *old)
{
    if (call_is_status(c) || !counts_as_change(c, object, old))
        return;
    json_put_take(object, "metadata.generation", json_integer(meta_generation(old) + 1));
}

/* ---- concurrency ---- */

static int check_uid(struct call *c, const json_t *object, const json_t *old)
{
    const char *want = meta_uid(object), *have = meta_uid(old);
    if (!*want || strcmp(want, have) == 0 || c->req->verb == API_PATCH)
        return 0; /* a patch that changes it fails validation instead */
    AUTO(str)
    char *why = mem_printf(
        "StorageError: invalid object, Code: 4, Key: /registry/%s%s%s/%s, ResourceVersion: 0, "
        "AdditionalErrorMsg: Precondition failed: UID in precondition: %s, UID in object meta: %s",
        c->t->group, *c->t->group ? "/" : "", c->t->plural, c->key, want, have);
    return status_conflict(c->ret, call_resource(c), c->req->name, why);
}

/* resourceVersion of a write: empty or 0 asks for no check, where the kind allows it. */
static int check_revision(struct call *c, const json_t *object, const json_t *old)
{
    const char *want = meta_resource_version(object);
    if (*want && strcmp(want, "0") != 0) {
        if (strspn(want, "0123456789") != strlen(want)) {
            struct field_errors errors = {0};
            field_errors_add(&errors, FIELD_INVALID, "metadata.resourceVersion",
                             json_at(object, "metadata", "resourceVersion", NULL),
                             "strconv.ParseUint: parsing \"%s\": invalid syntax", want);
            return status_invalid(c->ret, c->t->group, c->t->kind, c->req->name, &errors);
        }
        if (strcmp(want, meta_resource_version(old)) != 0)
            return status_modified(c->ret, call_resource(c), c->req->name);
        return 0;
    }
    if (c->t->builtin && c->t->builtin->unconditional)
        return 0;
    struct field_errors errors = {0};
    /* The number stands as Go prints it in most releases still in use; details.kind is the resource
     * here. */
    field_errors_add(&errors, FIELD_INVALID, "metadata.resourceVersion", NULL, "%s",
                     "must be specified for an update");
    json_t *cause = json_array_get(errors.causes, 0);
    json_object_set_new(cause, "message",
                        json_string("Invalid value: 0x0: must be specified for an update"));
    return status_invalid(c->ret, c->t->group, c->t->plural, c->req->name, &errors);
}

/* ---- the new state ---- */

/* Whether the state equals what is stored: then nothing is written. Versions of the metadata's
 * revision do not count. */
static bool is_noop(json_t *object, const json_t *old)
{
    json_t *meta = json_object_get(object, "metadata");
    keep_member(meta, json_object_get(old, "metadata"), "resourceVersion");
    return json_same(object, old);
}

/* The last finalizer of a deleting object went: the object goes with it, in the same request. */
static int remove_released(struct call *c, json_t **object)
{
    assert(meta_deleting(*object));
    if (c->req->dry_run) {
        respond(c, 200, TAKE(*object));
        return 0;
    }
    json_t *last = json_copy_of(*object);
    respond(c, 200, TAKE(*object));
    version_store(c->t, c->v, last);
    commit_remove(c->a, c->req, c->t, c->key, last);
    return 0;
}

static int put_state(struct call *c, json_t **object, json_t *stored)
{
    assert(*object != stored);
    if (meta_deleting(*object) && delete_is_free(c->t, *object))
        return remove_released(c, object);
    version_store(c->t, c->v, *object);
    if (is_noop(*object, stored)) {
        respond(c, 200, version_view(c->t, c->v, stored));
        return 0;
    }
    if (c->req->dry_run) {
        json_t *shown = version_view(c->t, c->v, *object);
        respond(c, 200, shown);
        return 0;
    }
    write_keep_given(c);
    json_t *now = commit_put(c->a, c->req, c->t, c->key, TAKE(*object));
    respond(c, 200, version_view(c->t, c->v, now));
    return 0;
}

/* Keeps the entries that came with the request past what its endpoint may change. */
static void restrict_fields(struct call *c, json_t *object, const json_t *old)
{
    AUTO(json)
    json_t *entries = json_incref((json_t *)json_at(object, "metadata", "managedFields", NULL));
    restrict_request(c, object, old);
    keep_system_fields(object, old);
    json_t *meta = json_object_get(object, "metadata");
    if (entries)
        json_object_set(meta, "managedFields", entries);
    else if (call_is_status(c))
        json_object_del(meta, "managedFields");
}

int update_object(struct call *c, json_t **object, json_t *stored, bool *ret_raced)
{
    assert(*c->key);
    assert(*object != stored);
    AUTO(json) json_t *old = version_view(c->t, c->v, stored);
    if (check_uid(c, *object, old) < 0 || check_revision(c, *object, old) < 0)
        return -1;
    restrict_fields(c, *object, old);
    dedup_owners(c, *object);
    write_normalise(c->t, c->v, *object, old);
    write_record_fields(c, *object, old);
    count_generation(c, *object, old);
    if (write_has_admission(c)) {
        if (write_admit(c, *object, old) < 0)
            return -1;
        write_normalise(c->t, c->v, *object, old);
        keep_member(json_object_get(*object, "metadata"), json_object_get(old, "metadata"),
                    "generation");
        count_generation(c, *object, old);
    }
    if (write_validate(c, *object, old) < 0 || write_allocate(c, *object, old) < 0 ||
        write_admit_validating(c, *object, old, c->req->dry_run) < 0)
        return -1;
    warn_finalizers(c, *object, old);
    const struct store_entry *e = store_find(&c->t->table, c->key);
    if (!e || e->object != stored) {
        /* A plug-in wrote to this very object meanwhile. */
        *ret_raced = true;
        return status_modified(c->ret, call_resource(c), c->req->name);
    }
    return put_state(c, object, stored);
}

static int create_by_put(struct call *c, json_t *object)
{
    assert(c->t->builtin && c->t->builtin->create_on_put);
    struct api_request post = *c->req;
    post.verb = API_CREATE;
    post.name = NULL;
    json_drop(object, "metadata.resourceVersion");
    post.body = object;
    struct call create = {.a = c->a, .req = &post, .ret = c->ret, .t = c->t, .v = c->v};
    if (call_authorize(c->a, c->req, API_CREATE, c->ret) < 0)
        return -1;
    return call_create(&create);
}

int call_update(struct call *c)
{
    AUTO(json) json_t *object = NULL;
    if (decode_object(c, c->req->body, /* need_name= */ true, &object) < 0)
        return -1;
    const struct store_entry *e = store_find(&c->t->table, c->key);
    if (!e) {
        if (c->t->builtin && c->t->builtin->create_on_put && !c->req->subresource)
            return create_by_put(c, object);
        return status_not_found(c->ret, call_resource(c), c->req->name);
    }
    AUTO(json) json_t *stored = json_incref(e->object);
    bool raced = false;
    return update_object(c, &object, stored, &raced);
}

/* ---- patches ---- */

static int refuse_patch_type(struct call *c)
{
    return status_unsupported_media(
        c->ret, c->t->crd
                    ? "the body of the request was in an unknown format - accepted media types "
                      "include: application/json-patch+json, application/merge-patch+json, "
                      "application/apply-patch+yaml"
                    : "the body of the request was in an unknown format - accepted media types "
                      "include: application/json-patch+json, application/merge-patch+json, "
                      "application/strategic-merge-patch+json, application/apply-patch+yaml");
}

static int patch_failed(struct call *c, struct err *e)
{
    enum err_code code = e->code;
    AUTO(str) char *text = mem_strdup(e->msg ? e->msg : "");
    err_clear(e);
    if (code == ERR_SYNTAX && c->req->patch == PATCH_STRATEGIC)
        return status_bad_request(c->ret, "%s", text);
    if (code == ERR_SYNTAX)
        return status_bad_request(c->ret, "error decoding patch: %s", text);
    if (code == ERR_INTERNAL)
        return untyped_error(c->ret, 500, "%s", text);
    if (code == ERR_LIMIT) {
        untyped_error(c->ret, 413, "%s", text);
        json_put_str(c->ret->body, "reason", "RequestEntityTooLarge");
        return -1;
    }
    /* The patch library's own words never reach the client. */
    untyped_error(c->ret, 422, "the server rejected our request due to an error in our request");
    json_put_str(c->ret->body, "reason", "Invalid");
    json_put_take(c->ret->body, "details", json_object());
    return -1;
}

int call_apply_patch(struct call *c, const json_t *base, json_t **ret)
{
    struct err e = {0};
    switch (c->req->patch) {
    case PATCH_MERGE:
        if (!json_is_object(c->req->body))
            return status_bad_request(c->ret, "error decoding patch: Invalid JSON Patch");
        *ret = patch_merge(base, c->req->body, &e);
        break;
    case PATCH_JSON:
        *ret = patch_json(base, c->req->body, &e);
        break;
    case PATCH_STRATEGIC:
        if (!call_type(c))
            return refuse_patch_type(c);
        *ret = patch_strategic(call_type(c), base, c->req->body, &e);
        break;
    case PATCH_NONE:
    case PATCH_APPLY:
        return refuse_patch_type(c);
    }
    return *ret ? 0 : patch_failed(c, &e);
}

static int patch_once(struct call *c, bool *ret_raced)
{
    const struct store_entry *e = store_find(&c->t->table, c->key);
    if (!e)
        return status_not_found(c->ret, call_resource(c), c->req->name);
    AUTO(json) json_t *stored = json_incref(e->object);
    AUTO(json) json_t *base = version_view(c->t, c->v, stored);
    AUTO(json) json_t *object = NULL;
    if (call_apply_patch(c, base, &object) < 0)
        return -1;
    c->patch_base = base;
    int rc = decode_taken(c, &object, /* need_name= */ true);
    c->patch_base = NULL;
    return rc < 0 ? -1 : update_object(c, &object, stored, ret_raced);
}

int call_patch(struct call *c)
{
    for (int i = 0;; i++) {
        bool raced = false;
        int rc = c->req->patch == PATCH_APPLY ? call_apply_once(c, &raced) : patch_once(c, &raced);
        if (rc == 0 || !raced || i == WRITE_RETRIES_MAX)
            return rc;
        api_response_finish(c->ret);
    }
}
