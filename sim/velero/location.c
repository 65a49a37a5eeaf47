/* Whether backups can be kept where a BackupStorageLocation says. */
#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/storage/objectstore.h"
#include "sim/velero/velero_priv.h"

#define VALIDATION_NS (60 * NS_PER_S)

/* How long until it is looked at again; 0: now. */
static int64_t rest_of(const struct velero *v, const json_t *location)
{
    int64_t last;

    if (!time_parse(json_str_or_empty(location, "status.lastValidationTime"), &last) ||
        last + VALIDATION_NS <= ctl_now(&v->ctl))
        return 0;
    return last + VALIDATION_NS - ctl_now(&v->ctl);
}

/* One that is Available is believed until a request fails: an idle world has no pending events. */
int velero_reconcile_location(void *cookie, const char *ns, const char *name, int64_t *ret_after_ns,
                              struct err *reterr)
{
    struct velero *v = cookie;
    AUTO(json) json_t *location = ctl_peek(&v->ctl, &VELERO_LOCATION, ns, name);
    AUTO(json) json_t *keys = NULL;
    struct err err = {0};
    json_t *patch;

    if (!location || meta_deleting(location) || velero_phase_is(location, "Available"))
        return 0;
    *ret_after_ns = rest_of(v, location);
    if (*ret_after_ns > 0)
        return 0;
    keys = sim_object_list(cluster_world(v->ctl.cluster),
                           json_str_or_empty(location, "spec.objectStorage.bucket"),
                           json_str_or_empty(location, "spec.objectStorage.prefix"), &err);
    if (velero_down(v))
        return err_move(reterr, &err);
    patch = velero_phase(keys ? "Available" : "Unavailable");
    json_put_take(patch, "status.lastValidationTime", velero_time(v));
    json_put_take(patch, "status.message", keys ? json_null() : json_string(err.msg));
    err_clear(&err);
    if (velero_patch(v, &VELERO_LOCATION, name, patch, reterr) < 0)
        return -1;
    /* Looked at again with the back-off of any failure, which is bounded. */
    return keys ? 0 : err_set(reterr, ERR_IO, NO_POS, "the location is not available");
}

char *velero_location_name(struct velero *v, const json_t *backup)
{
    const char *own = json_str_or_empty(backup, "spec.storageLocation");
    AUTO(json) json_t *all = NULL;
    size_t i;
    json_t *location;

    if (*own)
        return mem_strdup(own);
    all = ctl_peek_all(&v->ctl, &VELERO_LOCATION, VELERO_NAMESPACE);
    json_array_foreach(all, i, location)
    {
        if (json_bool(location, "spec.default", false))
            return mem_strdup(meta_name(location));
    }
    return mem_strdup("default");
}
