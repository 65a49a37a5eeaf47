#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "components/fulfillment-service/handlers.h"
#include "components/fulfillment-service/object.h"
#include "kube/names.h"

#define ID_TRIES 8 /* an id is taken only when randomness repeats itself after a restart */

/* ---- what requests may say of metadata ---- */

int check_tenant(struct call *c, const char *tenant)
{
    if (!*tenant)
        return 0;
    if (!c->who.admin && !subject_sees(&c->who, tenant))
        return call_fail(c, RPC_PERMISSION_DENIED, "tenant '%s' doesn't exist", tenant);
    if (!subject_may_assign(&c->who, tenant))
        return call_fail(c, RPC_PERMISSION_DENIED, "tenant '%s' can't be assigned", tenant);
    return 0;
}

static int check_keys(struct call *c, const json_t *object, const char *path, bool values)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)json_path(object, path), key, value)
    {
        const char *why = name_check_qualified(key);
        if (!why && values)
            why = name_check_label_value(json_string_value(value));
        if (why)
            return call_fail(c, RPC_INVALID_ARGUMENT, "field '%s': key '%.64s': %s", path, key,
                             why);
    }
    return 0;
}

/* "team-a.frontend": labels of a path, each a name. */
static bool is_project(const char *text)
{
    for (;;) {
        size_t len = strcspn(text, ".");
        AUTO(str) char *label = mem_strndup(text, len);
        if (name_check_dns1123_label(label))
            return false;
        if (!text[len])
            return true;
        text += len + 1;
    }
}

int check_metadata(struct call *c, const json_t *object)
{
    const char *project = json_str_or_empty(object, "metadata.project");
    if (check_keys(c, object, "metadata.labels", true) < 0 ||
        check_keys(c, object, "metadata.annotations", false) < 0)
        return -1;
    if (*project && (strlen(project) > 255 || !is_project(project)))
        return call_fail(c, RPC_INVALID_ARGUMENT, "field 'metadata.project' is no path of names");
    return 0;
}

/* Annotations under the system's names say what the system says: not what a tenant says. */
static bool is_system_key(const char *key)
{
    return strncmp(key, "osac.openshift.io/", 18) == 0 || strncmp(key, "osac.io/", 8) == 0;
}

static void drop_system_annotations(json_t *object)
{
    json_t *map = json_at_mut(object, "metadata", "annotations", NULL);
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(map, next, key, value) if (is_system_key(key))
        json_object_del(map, key);
    if (map && json_object_size(map) == 0)
        json_drop(object, "metadata.annotations");
}

/* Those that are stored stay, whatever a tenant writes. */
static void keep_system_annotations(json_t *object, const json_t *stored)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)json_path(stored, "metadata.annotations"), key, value)
    {
        if (!is_system_key(key))
            continue;
        if (!json_path(object, "metadata.annotations"))
            json_put_take(object, "metadata.annotations", json_object());
        json_object_set(json_at_mut(object, "metadata", "annotations", NULL), key, value);
    }
}

static void drop_paths(json_t *object, const char *const *paths, size_t count)
{
    for (size_t i = 0; i < count; i++)
        json_drop(object, paths[i]);
}

/* ---- create ---- */

static const char *const server_paths[] = {"id", "metadata.creation_timestamp",
                                           "metadata.deletion_timestamp", "metadata.creator",
                                           "metadata.version"};

static int insert(struct call *c, json_t *object, struct row *row)
{
    AUTO(err) struct err e = {0};
    enum store_result r = STORE_EXISTS;
    row->creator = mem_strdup(c->who.name);
    for (int i = 0; i < ID_TRIES && r == STORE_EXISTS; i++) {
        char id[ID_TEXT];
        ids_next(&c->service->ids, host_now(c->service->host), id);
        json_put_str(object, "id", id);
        object_to_row(object, row);
        err_clear(&e);
        r = store_add(c->txn, c->resource->table, row, &e);
    }
    return call_fail_store(c, r, json_str_or_empty(object, "spec.compute_instance"), &e);
}

int handle_create(struct call *c)
{
    const json_t *given = json_object_get(c->request, "object");
    AUTO(row) struct row row = {0};
    if (!given)
        return call_fail(c, RPC_INVALID_ARGUMENT, "object is mandatory");
    AUTO(json) json_t *object = json_copy_of(given);
    drop_paths(object, server_paths, ARRAY_LEN(server_paths));
    if (!json_object_get(object, "metadata"))
        json_put_take(object, "metadata", json_object());
    if (!c->is_private)
        drop_system_annotations(object);
    if (c->resource->prepare(c, object) < 0 || insert(c, object, &row) < 0)
        return -1;
    AUTO(json)
    json_t *stored = object_of_row(c->resource->private_message, c->service->version, &row);
    if (c->dry_run)
        json_drop(stored, "id");
    c->response = json_object();
    json_put_take(c->response, "object", call_view(c, stored));
    return 0;
}

/* ---- update ---- */

/* A public caller's mask without what only the system writes. */
static json_t *writable(const struct call *c, const json_t *paths)
{
    json_t *kept = json_array();
    for (size_t i = 0; i < json_array_size(paths); i++) {
        const char *path = json_string_value(json_array_get(paths, i));
        bool status = strncmp(path, "status", 6) == 0 && (path[6] == '.' || !path[6]);
        if (c->is_private || !status)
            json_array_append_new(kept, json_string(path));
    }
    return kept;
}

/* The stored object with the request over it; new. */
static json_t *merge(struct call *c, const json_t *stored, const json_t *given)
{
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *all = NULL;
    const json_t *mask = json_object_get(c->request, "update_mask");
    const struct message *m = call_message(c);
    if (!mask)
        mask = all = mask_of_message(m, c->service->version);
    AUTO(json) json_t *paths = writable(c, mask);
    AUTO(json) json_t *object = json_copy_of(stored);
    if (mask_apply(m, c->service->version, paths, given, object, &e) < 0) {
        call_fail(c, RPC_INVALID_ARGUMENT, "%s", e.msg);
        return NULL;
    }
    return TAKE(object);
}

static void keep(json_t *object, const json_t *stored, const char *path)
{
    const json_t *value = json_path(stored, path);
    if (value)
        json_put_take(object, path, json_copy_of(value));
    else
        json_drop(object, path);
}

/* What no caller changes; a tenant and a project that the request leaves out stay. */
static void keep_server_fields(json_t *object, const json_t *stored)
{
    for (size_t i = 0; i < ARRAY_LEN(server_paths); i++)
        keep(object, stored, server_paths[i]);
    if (!json_path(object, "metadata.tenant"))
        keep(object, stored, "metadata.tenant");
    if (!json_path(object, "metadata.project"))
        keep(object, stored, "metadata.project");
}

/* Who reports from the hub may be behind: a row that is being deleted says so until the end. */
static void keep_deleting(const struct resource *r, json_t *object)
{
    if (r->deleting && json_path(object, "metadata.deletion_timestamp"))
        json_put_str(object, "status.state", r->deleting);
}

static int check_lock(struct call *c, const json_t *stored, const json_t *given)
{
    int64_t wanted = json_int(given, "metadata.version", 0);
    int64_t current = json_int(stored, "metadata.version", 0);
    if (!json_bool(c->request, "lock", false) || wanted == current)
        return 0;
    return call_fail(c, RPC_ABORTED,
                     "object with identifier '%s' has version %lld, but version %lld was requested",
                     json_str_or_empty(stored, "id"), (long long)current, (long long)wanted);
}

static int check_tenant_change(struct call *c, const json_t *stored, const json_t *object)
{
    const char *wanted = json_str_or_empty(object, "metadata.tenant");
    if (strcmp(wanted, json_str_or_empty(stored, "metadata.tenant")) == 0)
        return 0;
    return check_tenant(c, wanted);
}

static int write_back(struct call *c, const json_t *object)
{
    AUTO(row) struct row row = {0};
    AUTO(err) struct err e = {0};
    const char *id = json_str_or_empty(object, "id");
    enum store_result r = store_get(c->txn, &c->scope, c->resource->table, id, &row, &e);
    if (r == STORE_OK) {
        object_over_row(c->resource->private_message, c->service->version, object, &row);
        r = store_update(c->txn, &c->scope, c->resource->table, &row, NULL, &e);
    }
    if (r != STORE_OK)
        return call_fail_store(c, r, id, &e);
    AUTO(json)
    json_t *stored = object_of_row(c->resource->private_message, c->service->version, &row);
    c->response = json_object();
    json_put_take(c->response, "object", call_view(c, stored));
    return 0;
}

int handle_update(struct call *c)
{
    const json_t *given = json_object_get(c->request, "object");
    const char *id = json_str_or_empty(given, "id");
    if (!given)
        return call_fail(c, RPC_INVALID_ARGUMENT, "object is mandatory");
    if (!*id)
        return call_fail(c, c->is_private ? RPC_INTERNAL : RPC_INVALID_ARGUMENT,
                         "object identifier is mandatory");
    AUTO(json) json_t *stored = call_read(c, c->resource, id);
    if (!stored || check_lock(c, stored, given) < 0)
        return -1;
    AUTO(json) json_t *object = merge(c, stored, given);
    if (!object)
        return -1;
    keep_server_fields(object, stored);
    keep_deleting(c->resource, object);
    if (!c->is_private) {
        drop_system_annotations(object);
        keep_system_annotations(object, stored);
    }
    if (check_tenant_change(c, stored, object) < 0 || check_metadata(c, object) < 0 ||
        c->resource->change(c, stored, object) < 0)
        return -1;
    return write_back(c, object);
}

/* ---- delete, signal ---- */

static void mark_deleting(enum store_table table, struct row *r, void *cookie)
{
    (void)cookie;
    json_put_str(r->data, "status.state", resource_of(table)->deleting);
}

int handle_delete(struct call *c)
{
    AUTO(err) struct err e = {0};
    const char *id = json_str_or_empty(c->request, "id");
    if (!*id)
        return call_fail(c, RPC_INTERNAL, "object identifier is mandatory");
    enum store_result r = store_delete(c->txn, &c->scope, c->resource->table, id,
                                       c->resource->deleting ? mark_deleting : NULL, NULL, &e);
    c->response = json_object();
    return call_fail_store(c, r, id, &e);
}

int handle_signal(struct call *c)
{
    AUTO(err) struct err e = {0};
    const char *id = json_str_or_empty(c->request, "id");
    if (!*id)
        return call_fail(c, RPC_INVALID_ARGUMENT, "identifier is mandatory");
    enum store_result r = store_signal(c->txn, &c->scope, c->resource->table, id, &e);
    c->response = json_object();
    return call_fail_store(c, r, id, &e);
}
