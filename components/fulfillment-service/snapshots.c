/* ComputeInstanceSnapshots: a snapshot is its parent's in all: tenant, project, hub. */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "components/fulfillment-service/handlers.h"
#include "components/fulfillment-service/object.h"

static int parent_missing(struct call *c, const char *id)
{
    return call_fail(c, RPC_NOT_FOUND, "compute instance \"%s\" not found", id);
}

/* Visible and not being deleted; else the same answer. New; NULL: call_fail() was called. */
static json_t *read_parent(struct call *c, const char *id)
{
    AUTO(json) json_t *parent = call_read(c, &resource_instances, id);
    if (parent && !json_path(parent, "metadata.deletion_timestamp"))
        return TAKE(parent);
    if (parent || c->code == RPC_NOT_FOUND)
        parent_missing(c, id);
    return NULL;
}

static bool is_provisioned(const json_t *parent)
{
    const json_t *condition = object_condition(parent, INSTANCE_CONDITION "PROVISIONED");
    return strcmp(json_str_or_empty(condition, "status"), CONDITION_STATUS "TRUE") == 0;
}

/* Everybody sees shared instances; whose rows may be added to them is another question. */
static int inherit(struct call *c, json_t *object, const json_t *parent)
{
    const char *project = json_str(parent, "metadata.project");
    const char *tenant = json_str_or_empty(parent, "metadata.tenant");
    if (check_tenant(c, tenant) < 0)
        return -1;
    json_put_str(object, "metadata.tenant", tenant);
    json_drop(object, "metadata.project");
    if (project)
        json_put_str(object, "metadata.project", project);
    return 0;
}

static void set_status(json_t *object, int64_t now_ns)
{
    json_object_del(object, "status");
    json_put_str(object, "status.state", SNAPSHOT_STATE "CREATING");
    object_set_condition(object, SNAPSHOT_CONDITION "READY", CONDITION_STATUS "FALSE", "", "",
                         now_ns);
}

static int prepare(struct call *c, json_t *object)
{
    const char *id = json_str_or_empty(object, "spec.compute_instance");
    if (!*id)
        return call_fail(c, RPC_INVALID_ARGUMENT, "field 'spec.compute_instance' is mandatory");
    if (check_metadata(c, object) < 0 ||
        check_tenant(c, json_str_or_empty(object, "metadata.tenant")) < 0)
        return -1;
    AUTO(json) json_t *parent = read_parent(c, id);
    if (!parent)
        return -1;
    if (!is_provisioned(parent))
        return call_fail(c, RPC_FAILED_PRECONDITION,
                         "compute instance \"%s\" is not yet provisioned", id);
    if (inherit(c, object, parent) < 0)
        return -1;
    set_status(object, host_now(c->service->host));
    return 0;
}

/* A snapshot says what was captured: nobody changes that afterwards. */
static int change(struct call *c, const json_t *old, json_t *object)
{
    static const char *const paths[] = {"spec.compute_instance", "spec.description"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        const json_t *was = json_path(old, paths[i]), *is = json_path(object, paths[i]);
        if (was != is && !(was && is && json_same(was, is)))
            return call_fail(c, RPC_INVALID_ARGUMENT, "field '%s' is immutable", paths[i]);
    }
    return 0;
}

const struct resource resource_snapshots = {
    .collection = "compute_instance_snapshots",
    .service = "ComputeInstanceSnapshots",
    .event_member = "compute_instance_snapshot",
    .missing = "compute instance snapshot \"",
    .missing_end = "\" not found",
    .table = STORE_COMPUTE_INSTANCE_SNAPSHOTS,
    .public_message = &message_snapshot_public,
    .private_message = &message_snapshot_private,
    .deleting = SNAPSHOT_STATE "DELETING",
    .public_verbs = VERBS_CRUD & ~(1u << VERB_UPDATE),
    .private_verbs = VERBS_CRUD | 1u << VERB_SIGNAL,
    .since = VERSION_1_1,
    .prepare = prepare,
    .change = change,
};
