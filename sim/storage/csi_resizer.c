/* The external resizer: grows the volume of a bound claim that asks for more than it has
 * (kubevirt-csi.md section 5.6). The driver expands online, file system included, so a claim needs
 * no pod to finish. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/quantity.h"
#include "sim/storage/storage_priv.h"

static int64_t claim_capacity(const json_t *claim)
{
    const char *text = json_str(claim, "status.capacity.storage");
    return text ? quantity_bytes(text) : 0;
}

static bool wants_growth(const json_t *claim)
{
    return claim_is_bound(claim) && !meta_deleting(claim) &&
           claim_request(claim) > claim_capacity(claim);
}

static int mark_resizing(struct simloop *l, const json_t *claim, json_t **ret)
{
    char size[QUANTITY_TEXT];
    AUTO(json) json_t *copy = json_copy_of(claim);
    quantity_from_bytes(claim_request(claim), size);
    json_put_str(copy, "status.allocatedResources.storage", size);
    json_put_str(copy, "status.allocatedResourceStatuses.storage", "ControllerResizeInProgress");
    meta_set_condition(copy, "Resizing", "True", "", "", simloop_now(l));
    return simloop_put(l, &LOOP_CLAIMS, copy, "status", ret);
}

static int finish_volume(struct simloop *l, const json_t *pv, int64_t bytes)
{
    char size[QUANTITY_TEXT];
    AUTO(json) json_t *copy = json_copy_of(pv);
    quantity_from_bytes(bytes, size);
    json_put_str(copy, "spec.capacity.storage", size);
    return simloop_put(l, &LOOP_VOLUMES, copy, NULL, NULL);
}

static int finish_claim(struct simloop *l, const json_t *claim, int64_t bytes)
{
    char size[QUANTITY_TEXT];
    AUTO(json) json_t *copy = json_copy_of(claim);
    quantity_from_bytes(bytes, size);
    json_put_str(copy, "status.capacity.storage", size);
    json_drop(copy, "status.allocatedResourceStatuses");
    json_drop(copy, "status.conditions");
    if (simloop_put(l, &LOOP_CLAIMS, copy, "status", NULL) < 0)
        return -1;
    simloop_event(l, claim, "Normal", "VolumeResizeSuccessful", "Resize volume succeeded");
    return 0;
}

static int grow(struct storage *st, struct simloop *l, const char *key, const json_t *claim)
{
    const char *pv_name = json_str_or_empty(claim, "spec.volumeName");
    const struct fail_rule *fail = NULL;
    AUTO(json) json_t *pv = simloop_get(l, &LOOP_VOLUMES, NULL, pv_name);
    struct volume *v = pv ? volume_of_pv(st, pv) : NULL;
    if (!v || strcmp(json_str_or_empty(pv, "spec.csi.driver"), STORAGE_DRIVER))
        return 0;
    AUTO(json) json_t *marked = NULL;
    if (!meta_condition(claim, "Resizing")) {
        if (mark_resizing(l, claim, &marked) < 0)
            return -1;
        simloop_event(l, claim, "Normal", "Resizing", "External resizer is resizing volume %s",
                      pv_name);
        return 0; /* that write brings the key back */
    }
    if (csi_call(st, l, key, "ControllerExpandVolume", meta_uid(claim), pv_name, DURATION_RESIZE,
                 &fail))
        return 0;
    if (fail) {
        simloop_event(
            l, claim, "Warning", "VolumeResizeFailed",
            "resize volume \"%s\" by resizer \"%s\" failed: rpc error: code = %s desc = %s",
            pv_name, STORAGE_DRIVER, fail->code, fail->text);
        csi_retry(l, key, fail);
        return 0;
    }
    int64_t bytes = claim_request(claim);
    AUTO(err) struct err err = {0};
    if (volume_grow(v, (uint64_t)bytes, &err) < 0) {
        simloop_event(l, claim, "Warning", "VolumeResizeFailed",
                      "resize volume \"%s\" by resizer \"%s\" failed: %s", pv_name, STORAGE_DRIVER,
                      err.msg);
        return 0;
    }
    if (volume_size(pv) < bytes && finish_volume(l, pv, bytes) < 0)
        return -1;
    return finish_claim(l, claim, bytes);
}

int resizer_reconcile(void *cookie, struct simloop *l, const char *key)
{
    char ns[LOOP_PART], name[LOOP_PART];
    if (!simloop_key_is(key, "claim", ns, name))
        return 0;
    AUTO(json) json_t *claim = simloop_get(l, &LOOP_CLAIMS, ns, name);
    if (!claim || !wants_growth(claim))
        return 0;
    int rc = grow(cookie, l, key, claim);
    return rc < 0 && simloop_code(l) == 404 ? 0 : rc;
}
