/* Protection in use: a claim that a scheduled pod names, and a volume that is bound, keep their
 * finalizer and so stay. A finished pod counts for as long as its object exists; a pod without a
 * node does not (kubevirt-csi.md section 5.1). */
#include <string.h>

#include "base/json.h"
#include "kube/meta.h"
#include "sim/storage/storage_priv.h"

static bool pod_is_scheduled(const json_t *pod)
{
    return *json_str_or_empty(pod, "spec.nodeName");
}

static int set_finalizer(struct simloop *l, const struct api_resource *r, const json_t *obj,
                         const char *finalizer, bool wanted)
{
    if (meta_has_finalizer(obj, finalizer) == wanted)
        return 0;
    AUTO(json) json_t *copy = json_copy_parts(obj, "metadata", NULL);
    if (wanted)
        meta_add_finalizer(copy, finalizer);
    else
        meta_remove_finalizer(copy, finalizer);
    int rc = simloop_put(l, r, copy, NULL, NULL);
    return rc < 0 && simloop_code(l) == 404 ? 0 : rc;
}

int claim_protection_reconcile(void *cookie, struct simloop *l, const char *key)
{
    char ns[LOOP_PART], name[LOOP_PART];
    (void)cookie;
    if (!simloop_key_is(key, "claim", ns, name))
        return 0;
    AUTO(json) json_t *claim = simloop_get(l, &LOOP_CLAIMS, ns, name);
    if (!claim)
        return 0;
    if (meta_deleting(claim) && claim_pods_any(simloop_server(l), ns, name, pod_is_scheduled))
        return 0;
    return set_finalizer(l, &LOOP_CLAIMS, claim, FIN_PVC_PROTECTION, !meta_deleting(claim));
}

int volume_protection_reconcile(void *cookie, struct simloop *l, const char *key)
{
    char ns[LOOP_PART], name[LOOP_PART];
    (void)cookie;
    if (!simloop_key_is(key, "volume", ns, name))
        return 0;
    AUTO(json) json_t *pv = simloop_get(l, &LOOP_VOLUMES, NULL, name);
    if (!pv)
        return 0;
    bool bound = !strcmp(json_str_or_empty(pv, "status.phase"), "Bound");
    if (meta_deleting(pv) && bound)
        return 0;
    return set_finalizer(l, &LOOP_VOLUMES, pv, FIN_PV_PROTECTION, !meta_deleting(pv));
}
