#include "components/fulfillment-service/reconcile.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "components/fulfillment-service/instances.h"
#include "components/fulfillment-service/object.h"
#include "kube/meta.h"

const struct kind kind_hub_instance = {{"osac.openshift.io", "v1alpha1", "computeinstances"},
                                       "ComputeInstance"};
const struct kind kind_hub_snapshot = {
    {"osac.openshift.io", "v1alpha1", "computeinstancesnapshots"}, "ComputeInstanceSnapshot"};

void place_finish(struct place *p)
{
    free(p->cluster);
    free(p->ns);
    *p = (struct place){0};
}

/* ---- rows ---- */

static int store_error(enum store_result r, struct err *reterr)
{
    if (r == STORE_OK)
        return 0;
    if (reterr && reterr->code == ERR_NONE)
        err_set(reterr, r == STORE_CRASHED ? ERR_CRASHED : ERR_IO, NO_POS, "store failed");
    return -1;
}

int pass_read(struct pass *p, const struct resource *r, const char *id, json_t **ret,
              struct err *reterr)
{
    AUTO(row) struct row row = {0};
    AUTO(store_txn) struct store_txn *t = NULL;
    AUTO(err) struct err e = {0};
    enum store_result result = store_begin(p->service->store, &t, &e);
    if (result == STORE_OK)
        result = store_get(t, &SCOPE_ALL, r->table, id, &row, &e);
    if (result == STORE_NOT_FOUND)
        return 0;
    if (result != STORE_OK) {
        err_move(reterr, &e);
        return store_error(result, reterr);
    }
    *ret = object_of_row(r->private_message, p->service->version, &row);
    return 0;
}

static void edit_finalizer(const struct row_edit *edit, json_t *object)
{
    if (edit->finalizer == ADD_FINALIZER)
        meta_add_finalizer(object, ROW_FINALIZER);
    if (edit->finalizer == DROP_FINALIZER)
        meta_remove_finalizer(object, ROW_FINALIZER);
}

static bool is_true(const json_t *object, const char *condition)
{
    return strcmp(json_str_or_empty(object_condition(object, condition), "status"),
                  CONDITION_STATUS "TRUE") == 0;
}

/* That a request has failed is told when the restore before it has ended: the end is an event, and
 * brings the next pass. */
static bool must_wait(const struct row_edit *edit, const json_t *object)
{
    return strcmp(edit->condition, RESTORE_FAILED) == 0 && !edit->ends_restore &&
           strcmp(edit->status, CONDITION_STATUS "TRUE") == 0 && is_true(object, RESTORE_RUNS);
}

static void apply_condition(const struct row_edit *edit, json_t *object, int64_t now_ns)
{
    if (must_wait(edit, object))
        return;
    object_set_condition(object, edit->condition, edit->status, edit->reason, edit->message,
                         now_ns);
    if (edit->ends_restore && is_true(object, RESTORE_RUNS))
        object_set_condition(object, RESTORE_RUNS, CONDITION_STATUS "FALSE", edit->reason,
                             edit->message, now_ns);
}

static void apply(const struct pass *p, json_t *object)
{
    const struct row_edit *edit = &p->edit;
    int64_t now_ns = host_now(p->service->host);
    edit_finalizer(edit, object);
    if (edit->hub)
        json_put_str(object, "status.hub", edit->hub);
    if (edit->state)
        json_put_str(object, "status.state", edit->state);
    if (edit->condition)
        apply_condition(edit, object, now_ns);
    if (edit->defaults)
        instance_set_defaults(object, p->service->version, now_ns);
    if (edit->has_object)
        json_put_take(object, "status.hub_object", json_true());
}

static bool is_empty(const struct row_edit *e)
{
    return e->finalizer == KEEP_FINALIZER && !e->hub && !e->state && !e->condition &&
           !e->defaults && !e->has_object;
}

/* Onto the row as it is now. */
static int persist(struct pass *p, struct err *reterr)
{
    AUTO(row) struct row row = {0};
    AUTO(store_txn) struct store_txn *t = NULL;
    AUTO(err) struct err e = {0};
    if (is_empty(&p->edit))
        return 0;
    enum store_result r = store_begin(p->service->store, &t, &e);
    if (r == STORE_OK)
        r = store_get(t, &SCOPE_ALL, p->resource->table, json_str_or_empty(p->object, "id"), &row,
                      &e);
    if (r == STORE_NOT_FOUND)
        return 0;
    if (r == STORE_OK) {
        AUTO(json)
        json_t *object = object_of_row(p->resource->private_message, p->service->version, &row);
        apply(p, object);
        object_over_row(p->resource->private_message, p->service->version, object, &row);
        r = store_update(t, &SCOPE_ALL, p->resource->table, &row, NULL, &e);
    }
    if (r == STORE_OK)
        r = store_commit(TAKE(t), &e);
    if (r == STORE_OK)
        return 0;
    err_move(reterr, &e);
    return store_error(r, reterr);
}

/* ---- the hub ---- */

int pass_find_hub(struct pass *p, const char *id, bool *ret_found, struct err *reterr)
{
    AUTO(json) json_t *hub = NULL;
    if (pass_read(p, &resource_hubs, id, &hub, reterr) < 0)
        return -1;
    *ret_found = hub != NULL;
    place_finish(&p->place);
    if (!hub)
        return 0;
    const char *cluster = json_str(hub, "cluster");
    p->place.cluster = cluster ? mem_strdup(cluster) : NULL;
    p->place.ns = mem_strdup(json_str_or_empty(hub, "namespace"));
    p->place.client = (struct client){p->service->host, p->place.cluster};
    return 0;
}

enum answer pass_find(struct pass *p, const struct kind *k, const char *label, const char *id,
                      json_t **ret, struct err *reterr)
{
    AUTO(str) char *selector = mem_printf("%s=%s", label, id);
    AUTO(json) json_t *list = NULL;
    enum answer a = client_list(&p->place.client, k, p->place.ns, selector, NULL, &list, reterr);
    if (a != ANSWER_OK)
        return a;
    if (json_array_size(list) > 1) {
        err_set(reterr, ERR_INVALID, NO_POS,
                "expected at most one %s with identifier '%s' but found %zu", k->kind, id,
                json_array_size(list));
        return ANSWER_CONFLICT;
    }
    *ret = json_incref(json_array_get(list, 0));
    return ANSWER_OK;
}

void pass_condition(struct pass *p, const char *type, const char *status, const char *reason,
                    const char *message)
{
    p->edit.condition = type;
    p->edit.status = status;
    p->edit.reason = reason;
    p->edit.message = message;
}

bool pass_add_finalizer(struct pass *p)
{
    if (meta_has_finalizer(p->object, ROW_FINALIZER))
        return false;
    p->edit.finalizer = ADD_FINALIZER;
    return true;
}

/* ---- deletion ---- */

/* Deleted once; then its own finalizers decide, and a signal or the next resync tells us. */
static int delete_object(struct pass *p, const struct kind *k, const char *label,
                         const json_t *found, struct err *reterr)
{
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *still = NULL;
    if (meta_deleting(found))
        return 0;
    const struct delete_options options = {.uid = meta_uid(found)};
    enum answer a = client_delete(&p->place.client, k, p->place.ns, meta_name(found), &options, &e);
    if (a != ANSWER_OK && a != ANSWER_NOT_FOUND)
        return err_move(reterr, &e);
    err_clear(&e);
    a = pass_find(p, k, label, json_str_or_empty(p->object, "id"), &still, &e);
    if (a != ANSWER_OK)
        return err_move(reterr, &e);
    if (!still)
        p->edit.finalizer = DROP_FINALIZER;
    return 0;
}

int reconcile_deletion(struct pass *p, const struct kind *k, const char *label, struct err *reterr)
{
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *found = NULL;
    const char *hub = json_str_or_empty(p->object, "status.hub");
    bool there = false;
    if (!meta_has_finalizer(p->object, ROW_FINALIZER))
        return 0;
    if (*hub && pass_find_hub(p, hub, &there, reterr) < 0)
        return -1;
    if (!there) {
        if (*hub)
            host_log(p->service->host, LOG_WARNING,
                     "%s %s: its hub was removed, what is there stays", p->resource->collection,
                     json_str_or_empty(p->object, "id"));
        p->edit.finalizer = DROP_FINALIZER;
        return 0;
    }
    enum answer a = pass_find(p, k, label, json_str_or_empty(p->object, "id"), &found, &e);
    if (a == ANSWER_NO_KIND || (a == ANSWER_OK && !found)) {
        p->edit.finalizer = DROP_FINALIZER;
        return 0;
    }
    if (a != ANSWER_OK)
        return err_move(reterr, &e);
    return delete_object(p, k, label, found, reterr);
}

/* ---- passes ---- */

static int run_pass(struct pass *p, struct err *reterr)
{
    bool deleting = json_path(p->object, "metadata.deletion_timestamp") != NULL;
    bool snapshot = p->resource == &resource_snapshots;
    if (!deleting)
        return snapshot ? reconcile_snapshot(p, reterr) : reconcile_instance(p, reterr);
    return snapshot ? reconcile_deletion(p, &kind_hub_snapshot, KEY_SNAPSHOT_UUID, reterr)
                    : reconcile_deletion(p, &kind_hub_instance, KEY_INSTANCE_UUID, reterr);
}

int reconcile_row(void *cookie, const char *table, const char *id, struct reconcile_result *ret,
                  struct err *reterr)
{
    struct service *s = cookie;
    const struct resource *r = resource_find(s->version, true, table, strlen(table), true);
    struct pass p = {.service = s, .resource = r, .result = ret};
    if (!r || pass_read(&p, r, id, &p.object, reterr) < 0 || !p.object)
        return err_pending(reterr) ? -1 : 0;
    AUTO(err) struct err first = {0};
    AUTO(err) struct err second = {0};
    int failed = run_pass(&p, &first);
    if (first.code != ERR_CRASHED && persist(&p, &second) < 0 && !failed)
        failed = err_move(&first, &second);
    json_decref(p.object);
    place_finish(&p.place);
    free(p.edit.hub);
    return failed < 0 ? err_move(reterr, &first) : 0;
}

/* ---- who wakes it ---- */

struct pump {
    struct service *service;
    int64_t after; /* the last event that was seen */
    int64_t resync_at_ns;
};

static void enqueue(struct service *s, enum store_table table, const char *id)
{
    const struct resource *r = resource_of(table);
    if (table != STORE_HUBS && r->since <= s->version)
        controller_enqueue(s->controller, r->collection, id);
}

struct walk {
    struct service *service;
    enum store_table table;
};

static enum store_result enqueue_row(const struct row *r, void *cookie, struct err *reterr)
{
    const struct walk *w = cookie;
    (void)reterr;
    enqueue(w->service, w->table, r->id);
    return STORE_OK;
}

/* Every row, whatever their number. */
static int resync(struct pump *p, struct err *reterr)
{
    struct service *s = p->service;
    AUTO(store_txn) struct store_txn *t = NULL;
    enum store_result r = store_begin(s->store, &t, reterr);
    for (int i = 0; r == STORE_OK && i < STORE_TABLE_COUNT; i++) {
        struct walk w = {s, (enum store_table)i};
        r = store_each(t, w.table, NULL, enqueue_row, &w, reterr);
    }
    if (r == STORE_OK)
        r = store_last_event(t, &p->after, reterr);
    p->resync_at_ns = host_now(s->host) + s->resync_ns;
    return r == STORE_OK ? 0 : -1;
}

static int read_events(struct pump *p, struct err *reterr)
{
    for (;;) {
        AUTO(store_events) struct store_events batch = {0};
        AUTO(store_txn) struct store_txn *t = NULL;
        if (store_begin(p->service->store, &t, reterr) != STORE_OK ||
            store_events_after(t, p->after, STORE_LIMIT_MAX, &batch, reterr) != STORE_OK)
            return -1;
        store_rollback(TAKE(t));
        if (batch.lost)
            return resync(p, reterr);
        for (size_t i = 0; i < batch.count; i++)
            enqueue(p->service, batch.events[i].table, batch.events[i].row.id);
        p->after = batch.last;
        if (batch.count < STORE_LIMIT_MAX)
            return 0;
    }
}

static bool pump_once(struct pump *p, struct watcher *w)
{
    AUTO(err) struct err e = {0};
    struct host *h = p->service->host;
    enum host_wait wait = host_event_wait(h, w->cell, p->resync_at_ns);
    if (wait == HOST_CRASHED)
        return false;
    if ((wait == HOST_TIMEOUT ? resync(p, &e) : read_events(p, &e)) < 0)
        host_log(h, LOG_ERROR, "events: %s", e.msg ? e.msg : "failed");
    return !host_crashed(h);
}

static void pump(void *arg)
{
    struct service *s = arg;
    struct pump p = {.service = s};
    struct watcher *w = service_watch(s);
    if (!w)
        return; /* the first of all */
    host_event_signal(s->host, w->cell);
    AUTO(err) struct err e = {0};
    if (resync(&p, &e) < 0 && !host_crashed(s->host))
        host_log(s->host, LOG_ERROR, "resync: %s", e.msg ? e.msg : "failed");
    while (pump_once(&p, w))
        ;
    service_unwatch(s, w);
}

void reconcile_install(struct service *s, struct runtime *rt)
{
    s->controller = controller_create(rt, &(struct controller_config){.name = "fulfillment-service",
                                                                      .reconcile = reconcile_row,
                                                                      .cookie = s});
    runtime_spawn(rt, "events", pump, s);
}
