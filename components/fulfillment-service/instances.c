/* ComputeInstances: what the service checks and decides about them. */
#include "components/fulfillment-service/instances.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "components/fulfillment-service/handlers.h"
#include "components/fulfillment-service/object.h"

bool instance_set_defaults(json_t *object, enum version v, int64_t now_ns)
{
    bool changed = false;
    if (!json_path(object, "status.state")) {
        json_put_str(object, "status.state", INSTANCE_STATE "STARTING");
        changed = true;
    }
    for (int64_t type = 1; enum_name(&enum_instance_condition, v, type); type++) {
        const char *name = enum_name(&enum_instance_condition, v, type);
        if (!object_condition(object, name))
            changed |= object_set_condition(object, name, CONDITION_STATUS "FALSE", "", "", now_ns);
    }
    return changed;
}

/* Nobody's snapshot can belong to an instance that does not exist yet. */
static int refuse_restore(struct call *c, const json_t *object)
{
    const char *from = json_str(object, "spec.restore_from_snapshot");
    if (!from && !json_path(object, "spec.restore_requested_at"))
        return 0;
    return call_fail_missing(c, &resource_snapshots, from ? from : "");
}

static int settle_tenant(struct call *c, json_t *object)
{
    const char *tenant = json_str_or_empty(object, "metadata.tenant");
    if (check_tenant(c, tenant) < 0)
        return -1;
    if (*tenant)
        return 0;
    if (!c->who.admin && c->who.count == 0)
        return call_fail(c, RPC_INTERNAL, "failed to determine assignable tenants");
    json_put_str(object, "metadata.tenant", c->who.admin ? TENANT_SHARED : c->who.tenants[0]);
    return 0;
}

static int prepare(struct call *c, json_t *object)
{
    if (!*json_str_or_empty(object, "spec.template"))
        return call_fail(c, RPC_INVALID_ARGUMENT, "field 'spec.template' is mandatory");
    if (check_metadata(c, object) < 0 || settle_tenant(c, object) < 0 ||
        refuse_restore(c, object) < 0)
        return -1;
    if (!c->is_private)
        json_object_del(object, "status");
    instance_set_defaults(object, c->service->version, host_now(c->service->host));
    return 0;
}

/* ---- a restore request ---- */

static bool same_at(const json_t *a, const json_t *b, const char *path)
{
    return strcmp(json_str_or_empty(a, path), json_str_or_empty(b, path)) == 0;
}

/* A snapshot that is missing, foreign, or of another instance is the same "not found". Whether the
 * machine stands still is not asked here: the service's view of that may be old. */
static int check_restore(struct call *c, const json_t *object)
{
    const char *from = json_str_or_empty(object, "spec.restore_from_snapshot");
    if (!*from)
        return 0;
    AUTO(json) json_t *snapshot = call_read(c, &resource_snapshots, from);
    if (!snapshot)
        return -1;
    if (strcmp(json_str_or_empty(snapshot, "spec.compute_instance"),
               json_str_or_empty(object, "id")) != 0)
        return call_fail_missing(c, &resource_snapshots, from);
    if (strcmp(json_str_or_empty(snapshot, "status.state"), SNAPSHOT_STATE "READY") == 0 &&
        !json_path(snapshot, "metadata.deletion_timestamp"))
        return 0;
    return call_fail(c, RPC_FAILED_PRECONDITION, "compute instance snapshot \"%s\" is not ready",
                     from);
}

/* Only what is new is checked: a pair that stays may name a snapshot that is long gone. */
static int change(struct call *c, const json_t *old, json_t *object)
{
    if (same_at(old, object, "spec.restore_from_snapshot") &&
        same_at(old, object, "spec.restore_requested_at"))
        return 0;
    return check_restore(c, object);
}

const struct resource resource_instances = {
    .collection = "compute_instances",
    .service = "ComputeInstances",
    .event_member = "compute_instance",
    .missing = "object with identifier '",
    .missing_end = "' not found",
    .table = STORE_COMPUTE_INSTANCES,
    .public_message = &message_instance_public,
    .private_message = &message_instance_private,
    .deleting = INSTANCE_STATE "DELETING",
    .public_verbs = VERBS_CRUD,
    .private_verbs = VERBS_CRUD | 1u << VERB_SIGNAL,
    .since = VERSION_1_0,
    .prepare = prepare,
    .change = change,
};
