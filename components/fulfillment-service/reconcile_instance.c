/* A live instance: its object on a hub, and the requests that go there. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "components/fulfillment-service/object.h"
#include "components/fulfillment-service/reconcile.h"
#include "kube/meta.h"
#include "kube/time.h"

#define GENERATE_NAME "vm-"
#define IS_TRUE CONDITION_STATUS "TRUE"
#define IS_FALSE CONDITION_STATUS "FALSE"

/* What a restore request comes to in a pass. */
struct restore {
    bool send;           /* false: the hub's fields stay as they are */
    char *requested_at;  /* owned, whole seconds; NULL: none */
    char *from;          /* owned, the name of the hub's snapshot; NULL: none */
    const char *from_id; /* the identity it stands for */
};

static void restore_finish(struct restore *r)
{
    free(r->requested_at);
    free(r->from);
}

/* ---- the hub ---- */

struct hub_choice {
    json_t *ids;
};

static enum store_result add_hub(const struct row *r, void *cookie, struct err *reterr)
{
    struct hub_choice *choice = cookie;
    (void)reterr;
    if (!r->deletion_ns)
        json_array_append_new(choice->ids, json_string(r->id));
    return STORE_OK;
}

/* Any of the live hubs. New; NULL: *reterr is set. */
static char *choose_hub(struct pass *p, struct err *reterr)
{
    struct service *s = p->service;
    AUTO(json) json_t *ids = json_array();
    AUTO(store_txn) struct store_txn *t = NULL;
    struct hub_choice choice = {ids};
    if (store_begin(s->store, &t, reterr) != STORE_OK ||
        store_each(t, STORE_HUBS, NULL, add_hub, &choice, reterr) != STORE_OK)
        return NULL;
    if (json_array_size(ids) == 0) {
        err_set(reterr, ERR_NOT_FOUND, NO_POS, "there are no hubs");
        return NULL;
    }
    uint64_t index = prng_below(&s->choice, json_array_size(ids));
    return mem_strdup(json_string_value(json_array_get(ids, index)));
}

/* ---- the restore request ---- */

/* Whole seconds: the hub's fields have no fractions. */
static bool seconds_at(const json_t *object, const char *path, int64_t *ret)
{
    int64_t nanos;
    const char *text = json_str(object, path);
    return text && time_parse_seconds(text, ret, &nanos);
}

static char *seconds_text(int64_t seconds)
{
    char text[TIME_TEXT];
    time_format_seconds(seconds, 0, 0, text);
    return mem_strdup(text);
}

/* The name of the hub's snapshot. It may be gone from the hub; when it is gone here too, it never
 * comes back, and the request has failed. */
static int translate(struct pass *p, struct restore *r, struct err *reterr)
{
    AUTO(json) json_t *found = NULL;
    AUTO(json) json_t *row = NULL;
    enum answer a = pass_find(p, &kind_hub_snapshot, KEY_SNAPSHOT_UUID, r->from_id, &found, reterr);
    if (a != ANSWER_OK)
        return -1;
    if (found) {
        r->from = mem_strdup(meta_name(found));
        return 0;
    }
    r->send = false;
    if (!r->requested_at)
        return 0; /* asks for nothing yet */
    if (pass_read(p, &resource_snapshots, r->from_id, &row, reterr) < 0)
        return -1;
    if (row)
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "snapshot %s is not on the hub", r->from_id);
    pass_condition(p, RESTORE_FAILED, IS_TRUE, "SnapshotNotFound",
                   "the snapshot was deleted before the restore began");
    return 0;
}

/* A request that was carried out is not sent again: a new object of the hub does not know that, and
 * would restore once more. */
static int read_restore(struct pass *p, struct restore *r, struct err *reterr)
{
    int64_t requested, restored;
    bool asked = seconds_at(p->object, "spec.restore_requested_at", &requested);
    r->from_id = json_str_or_empty(p->object, "spec.restore_from_snapshot");
    if (asked && seconds_at(p->object, "status.last_restored_at", &restored) &&
        restored >= requested)
        return 0;
    r->send = p->service->version >= VERSION_1_1;
    r->requested_at = asked ? seconds_text(requested) : NULL;
    return *r->from_id && r->send ? translate(p, r, reterr) : 0;
}

/* ---- the spec ---- */

static void put_text(json_t *spec, const char *name, const json_t *object, const char *path)
{
    const char *text = json_str(object, path);
    if (text && *text)
        json_put_str(spec, name, text);
}

static json_t *disk_of(const json_t *disk)
{
    return json_pack("{s:I}", "sizeGiB", (json_int_t)json_int(disk, "size_gib", 0));
}

static void put_disks(json_t *spec, const json_t *object)
{
    const json_t *boot = json_path(object, "spec.boot_disk");
    const json_t *more = json_path(object, "spec.additional_disks");
    if (boot)
        json_object_set_new(spec, "bootDisk", disk_of(boot));
    if (json_array_size(more) == 0)
        return;
    json_object_set_new(spec, "additionalDisks", json_array());
    for (size_t i = 0; i < json_array_size(more); i++)
        json_array_append_new(json_object_get(spec, "additionalDisks"),
                              disk_of(json_array_get(more, i)));
}

/* {"cpu_count":4} of {"cpu_count":{"@type":"...","value":4}}, as text. */
static void put_parameters(json_t *spec, const json_t *object)
{
    const json_t *given = json_path(object, "spec.template_parameters");
    if (json_object_size(given) == 0)
        return;
    AUTO(json) json_t *plain = json_object();
    const char *name;
    json_t *any;
    json_object_foreach((json_t *)(uintptr_t)given, name, any)
    {
        const json_t *value = json_object_get(any, "value");
        json_object_set_new(plain, name, value ? json_copy_of(value) : json_null());
    }
    AUTO(strbuf) struct strbuf text = {0};
    json_write_sorted(&text, plain, JSON_TIGHT);
    json_put_str(spec, "templateParameters", strbuf_str(&text));
}

json_t *instance_spec(const json_t *object)
{
    int64_t seconds;
    json_t *spec = json_object();
    put_text(spec, "templateID", object, "spec.template");
    put_parameters(spec, object);
    put_text(spec, "image.sourceType", object, "spec.image.source_type");
    put_text(spec, "image.sourceRef", object, "spec.image.source_ref");
    if (json_bool(object, "spec.is_windows", false))
        json_put_str(spec, "guestOSFamily", "windows");
    put_text(spec, "sshKey", object, "spec.ssh_key");
    put_disks(spec, object);
    put_text(spec, "runStrategy", object, "spec.run_strategy");
    if (seconds_at(object, "spec.restart_requested_at", &seconds)) {
        AUTO(str) char *text = seconds_text(seconds);
        json_put_str(spec, "restartRequestedAt", text);
    }
    return spec;
}

json_t *spec_patch(const json_t *current, const json_t *wanted, const char *const *names)
{
    json_t *patch = json_object();
    for (size_t i = 0; names[i]; i++) {
        const json_t *is = json_object_get(current, names[i]);
        const json_t *should = json_object_get(wanted, names[i]);
        if (should && !(is && json_same(is, should)))
            json_object_set_new(patch, names[i], json_copy_of(should));
        else if (!should && is)
            json_object_set_new(patch, names[i], json_null());
    }
    return patch;
}

static const char *const spec_names[] = {
    "templateID", "templateParameters", "image",       "guestOSFamily",      "sshKey",
    "bootDisk",   "additionalDisks",    "runStrategy", "restartRequestedAt", NULL};
static const char *const restore_names[] = {"restoreFromSnapshot", "restoreRequestedAt", NULL};

static json_t *restore_spec(const struct restore *r)
{
    json_t *spec = json_object();
    if (r->from)
        json_put_str(spec, "restoreFromSnapshot", r->from);
    if (r->requested_at)
        json_put_str(spec, "restoreRequestedAt", r->requested_at);
    return spec;
}

/* ---- writing ---- */

/* An older definition drops fields it does not know without a word: so look at what was stored. */
static void check_survival(struct pass *p, const struct restore *r, const json_t *stored)
{
    const char *at = json_str_or_empty(stored, "spec.restoreRequestedAt");
    const char *from = json_str_or_empty(stored, "spec.restoreFromSnapshot");
    if (!r->send || !r->requested_at ||
        (strcmp(at, r->requested_at) == 0 && strcmp(from, r->from ? r->from : "") == 0))
        return;
    host_log(p->service->host, LOG_WARNING,
             "compute instance %s: its hub does not keep restore "
             "requests",
             json_str_or_empty(p->object, "id"));
    pass_condition(p, RESTORE_FAILED, IS_TRUE, "RestoreUnsupported",
                   "the hub does not keep restore requests");
    p->edit.ends_restore = true;
}

static int refused(struct pass *p, enum answer a, struct err *e, struct err *reterr)
{
    if (a == ANSWER_INVALID)
        pass_condition(p, INSTANCE_CONDITION "CONFIGURATION_APPLIED", IS_FALSE,
                       "ReconciliationFailed", "the hub refused the instance's spec");
    return err_move(reterr, e);
}

static void put_identity(json_t *object, const struct restore *r)
{
    if (r->from)
        meta_set_annotation(object, KEY_RESTORE_FROM_UUID, r->from_id);
}

static int create_object(struct pass *p, const struct restore *r, struct err *reterr)
{
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *object = kind_object(&kind_hub_instance, p->place.ns, "");
    AUTO(json) json_t *stored = NULL;
    AUTO(json) json_t *restore = restore_spec(r);
    json_drop(object, "metadata.name");
    json_put_str(object, "metadata.generateName", GENERATE_NAME);
    meta_set_label(object, KEY_INSTANCE_UUID, json_str_or_empty(p->object, "id"));
    meta_set_annotation(object, KEY_TENANT, json_str_or_empty(p->object, "metadata.tenant"));
    put_identity(object, r);
    json_object_set_new(object, "spec", instance_spec(p->object));
    if (r->send)
        json_object_update(json_object_get(object, "spec"), restore);
    enum answer a = client_create(&p->place.client, &kind_hub_instance, object, &stored, &e);
    if (a != ANSWER_OK)
        return refused(p, a, &e, reterr);
    check_survival(p, r, stored);
    return 0;
}

static int patch_object(struct pass *p, const struct restore *r, const json_t *found,
                        struct err *reterr)
{
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *stored = NULL;
    AUTO(json) json_t *wanted = instance_spec(p->object);
    AUTO(json) json_t *restore = restore_spec(r);
    const json_t *current = json_object_get(found, "spec");
    AUTO(json) json_t *spec = spec_patch(current, wanted, spec_names);
    AUTO(json) json_t *request = spec_patch(current, restore, restore_names);
    if (r->send)
        json_object_update(spec, request);
    if (json_object_size(spec) == 0)
        return 0;
    AUTO(json) json_t *patch = json_pack("{s:O}", "spec", spec);
    if (r->send && json_object_size(request) > 0)
        put_identity(patch, r);
    const struct api_request req = {.verb = API_PATCH,
                                    .patch = PATCH_MERGE,
                                    .resource = kind_hub_instance.resource,
                                    .ns = p->place.ns,
                                    .name = meta_name(found),
                                    .body = patch};
    enum answer a = client_ask(&p->place.client, &req, &stored, &e);
    if (a != ANSWER_OK)
        return refused(p, a, &e, reterr);
    check_survival(p, r, stored);
    return 0;
}

static int write_object(struct pass *p, struct restore *r, const json_t *found, struct err *reterr)
{
    if (!found)
        return create_object(p, r, reterr);
    return meta_deleting(found) ? 0 : patch_object(p, r, found, reterr);
}

/* ---- the pass ---- */

static bool lacks_defaults(const struct pass *p)
{
    for (int64_t type = 1; enum_name(&enum_instance_condition, p->service->version, type); type++)
        if (!object_condition(p->object,
                              enum_name(&enum_instance_condition, p->service->version, type)))
            return true;
    return !json_path(p->object, "status.state");
}

int reconcile_instance(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *found = NULL;
    struct restore r __attribute__((cleanup(restore_finish))) = {0};
    AUTO(err) struct err missing = {0};
    const char *hub = json_str_or_empty(p->object, "status.hub");
    bool there = false;
    p->edit.defaults = lacks_defaults(p);
    if (pass_add_finalizer(p))
        return 0;
    if (!*hub)
        return (p->edit.hub = choose_hub(p, reterr)) ? 0 : -1;
    if (pass_find_hub(p, hub, &there, reterr) < 0)
        return -1;
    if (!there)
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "its hub was removed");
    if (pass_find(p, &kind_hub_instance, KEY_INSTANCE_UUID, json_str_or_empty(p->object, "id"),
                  &found, reterr) != ANSWER_OK)
        return -1;
    int failed = read_restore(p, &r, &missing);
    if (missing.code == ERR_CRASHED)
        return err_move(reterr, &missing);
    /* Without the snapshot's name the request waits; everything else goes out. */
    if (failed)
        r.send = false;
    if (write_object(p, &r, found, reterr) < 0)
        return -1;
    return failed ? err_move(reterr, &missing) : 0;
}
