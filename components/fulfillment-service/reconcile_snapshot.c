/* A live snapshot: its object on the parent's hub, beside the parent's. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "components/fulfillment-service/reconcile.h"
#include "kube/meta.h"

#define GENERATE_NAME "snap-"
#define READY SNAPSHOT_CONDITION "READY"
#define IS_FALSE CONDITION_STATUS "FALSE"

/* It had an object on the hub, so something may have been captured: a new one would capture newer
 * data under the old id. */
static bool was_made(const json_t *object)
{
    return json_bool(object, "status.hub_object", false) ||
           json_path(object, "status.creation_time") ||
           strcmp(json_str_or_empty(object, "status.state"), SNAPSHOT_STATE "READY") == 0;
}

static bool has_failed(const json_t *object)
{
    return strcmp(json_str_or_empty(object, "status.state"), SNAPSHOT_STATE "FAILED") == 0;
}

static int wait_for_parent(struct pass *p)
{
    reconcile_after(p->result, p->service->requeue_ns);
    return 0;
}

/* What the hub's answer means to whoever waits for the snapshot; it stays what it is, and is tried
 * again. */
static int refused(struct pass *p, enum answer a, struct err *e, struct err *reterr)
{
    if (a == ANSWER_NO_KIND)
        pass_condition(p, READY, IS_FALSE, "SnapshotsUnsupported",
                       "the hub does not serve snapshots");
    if (a == ANSWER_INVALID)
        pass_condition(p, READY, IS_FALSE, "ReconciliationFailed",
                       "the hub refused the snapshot's spec");
    return err_move(reterr, e);
}

static int create_object(struct pass *p, const json_t *parent, struct err *reterr)
{
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *object = kind_object(&kind_hub_snapshot, p->place.ns, "");
    const char *description = json_str(p->object, "spec.description");
    json_drop(object, "metadata.name");
    json_put_str(object, "metadata.generateName", GENERATE_NAME);
    meta_set_label(object, KEY_SNAPSHOT_UUID, json_str_or_empty(p->object, "id"));
    meta_set_annotation(object, KEY_TENANT, json_str_or_empty(p->object, "metadata.tenant"));
    meta_set_annotation(object, KEY_OWNER, json_str_or_empty(p->object, "spec.compute_instance"));
    json_put_str(object, "spec.computeInstanceRef", meta_name(parent));
    if (description && *description)
        json_put_str(object, "spec.description", description);
    enum answer a = client_create(&p->place.client, &kind_hub_snapshot, object, NULL, &e);
    p->edit.has_object = a == ANSWER_OK;
    return a == ANSWER_OK ? 0 : refused(p, a, &e, reterr);
}

/* No object on the hub. */
static int without_object(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *parent = NULL;
    if (was_made(p->object)) {
        p->edit.state = SNAPSHOT_STATE "FAILED";
        pass_condition(p, READY, IS_FALSE, "SnapshotLost", "the snapshot is gone from the hub");
        return 0;
    }
    if (has_failed(p->object))
        return 0;
    if (pass_find(p, &kind_hub_instance, KEY_INSTANCE_UUID,
                  json_str_or_empty(p->object, "spec.compute_instance"), &parent,
                  reterr) != ANSWER_OK)
        return -1;
    return parent ? create_object(p, parent, reterr) : wait_for_parent(p);
}

/* Snapshots live where their parent does. */
static int inherit_hub(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *parent = NULL;
    if (pass_read(p, &resource_instances, json_str_or_empty(p->object, "spec.compute_instance"),
                  &parent, reterr) < 0)
        return -1;
    const char *hub = json_str_or_empty(parent, "status.hub");
    if (!*hub)
        return wait_for_parent(p);
    p->edit.hub = mem_strdup(hub);
    return 0;
}

int reconcile_snapshot(struct pass *p, struct err *reterr)
{
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *found = NULL;
    const char *hub = json_str_or_empty(p->object, "status.hub");
    bool there = false;
    if (pass_add_finalizer(p))
        return 0;
    if (!*hub)
        return inherit_hub(p, reterr);
    if (pass_find_hub(p, hub, &there, reterr) < 0)
        return -1;
    if (!there)
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "its hub was removed");
    enum answer a = pass_find(p, &kind_hub_snapshot, KEY_SNAPSHOT_UUID,
                              json_str_or_empty(p->object, "id"), &found, &e);
    if (a == ANSWER_NO_KIND && was_made(p->object))
        err_clear(&e); /* the definition went, and the object with it */
    else if (a != ANSWER_OK)
        return refused(p, a, &e, reterr);
    if (!found)
        return without_object(p, reterr);
    p->edit.has_object = !json_bool(p->object, "status.hub_object", false);
    return 0;
}
