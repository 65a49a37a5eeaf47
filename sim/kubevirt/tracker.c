/* Trackers: the latest checkpoint of a machine, and its redefinition after a restart
 * (kubevirt-csi.md 4.6). */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/backup_priv.h"

const struct kind KIND_TRACKER = {"backup.kubevirt.io", "v1alpha1", "virtualmachinebackuptrackers",
                                  "VirtualMachineBackupTracker"};

/* [{volumeName}], without what else is told of them. */
static json_t *volume_names(const json_t *volumes)
{
    json_t *names = json_array();
    size_t i;
    json_t *volume;
    json_array_foreach((json_t *)volumes, i, volume) json_array_append_new(
        names, json_pack("{s:s}", "volumeName", json_str_or_empty(volume, "volumeName")));
    return names;
}

int kv_tracker_advance(struct kv *kv, const json_t *tracker, const json_t *backup,
                       const json_t *job, struct err *reterr)
{
    const char *name = json_str_or_empty(job, "checkpointName");
    AUTO(json) json_t *volumes = volume_names(json_object_get(job, "volumes"));
    const char *old = json_str(tracker, "status.latestCheckpoint.name");
    if (old && !strcmp(old, name))
        return 0;
    AUTO(json)
    json_t *checkpoint = json_pack("{s:s, s:s, s:o}", "name", name, "creationTime",
                                   json_str_or_empty(backup, "metadata.creationTimestamp"),
                                   "volumes", json_incref(volumes));
    AUTO(json)
    json_t *patch = old ? json_pack("[{s:s, s:s, s:O}]", "op", "replace", "path",
                                    "/status/latestCheckpoint", "value", checkpoint)
                        : json_pack("[{s:s, s:s, s:{s:O}}]", "op", "add", "path", "/status",
                                    "value", "latestCheckpoint", checkpoint);
    return ctl_patch(&kv->backup, &KIND_TRACKER, meta_namespace(tracker), meta_name(tracker),
                     "status", PATCH_JSON, patch, reterr);
}

static int patch_status(struct kv *kv, const json_t *tracker, bool forget, struct err *reterr)
{
    AUTO(json)
    json_t *patch = json_pack("{s:{s:n}}", "status", "checkpointRedefinitionRequired");
    if (forget)
        json_put_take(patch, "status.latestCheckpoint", json_null());
    return ctl_patch(&kv->backup, &KIND_TRACKER, meta_namespace(tracker), meta_name(tracker),
                     "status", PATCH_MERGE, patch, reterr);
}

/* The bitmaps are gone: so is the chain. */
static int forget(struct kv *kv, const json_t *tracker, const char *checkpoint, struct err *why,
                  struct err *reterr)
{
    AUTO(str) char *text = mem_strdup(why->msg ? why->msg : "");
    err_clear(why);
    int rc = patch_status(kv, tracker, true, reterr);
    if (!rc)
        ctl_event(&kv->backup, tracker, "Warning", "CheckpointRedefinitionFailed",
                  "Failed to redefine checkpoint %s: %s. Checkpoint cleared, next backup will be "
                  "full.",
                  checkpoint, text);
    return rc;
}

static int redefine(struct kv *kv, const json_t *tracker, const char *checkpoint,
                    struct err *reterr)
{
    const char *ns = meta_namespace(tracker);
    const char *vm = json_str_or_empty(tracker, "spec.source.name");
    AUTO(json) json_t *vmi = ctl_peek(&kv->backup, &KIND_VMI, ns, vm);
    if (!vmi) {
        err_set(reterr, ERR_NOT_FOUND, NO_POS, "VMI %s/%s not found", ns, vm);
        return -404;
    }
    if (strcmp(kv_cbt_state(vmi), "Enabled")) {
        err_set(reterr, ERR_INVALID, NO_POS, "ChangedBlockTracking is not enabled");
        return -409;
    }
    return kv_job_redefine(kv, vmi, checkpoint, reterr);
}

int kv_tracker_reconcile(void *cookie, const char *ns, const char *name, int64_t *ret_after_ns,
                         struct err *reterr)
{
    struct kv *kv = cookie;
    (void)ret_after_ns;
    AUTO(json) json_t *tracker = ctl_peek(&kv->backup, &KIND_TRACKER, ns, name);
    if (!json_bool(tracker, "status.checkpointRedefinitionRequired", false))
        return 0;
    const char *checkpoint = json_str(tracker, "status.latestCheckpoint.name");
    if (!checkpoint)
        return patch_status(kv, tracker, false, reterr);
    __attribute__((cleanup(cleanup_err))) struct err why = {0};
    int rc = redefine(kv, tracker, checkpoint, &why);
    if (rc == -422)
        return forget(kv, tracker, checkpoint, &why, reterr);
    if (rc) {
        err_move(reterr, &why);
        return rc;
    }
    return patch_status(kv, tracker, false, reterr);
}
