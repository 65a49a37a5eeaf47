/* The persistent volume controller: which claim is bound to which volume, and what becomes of a
 * volume whose claim has gone (kubevirt-csi.md section 5.1). Claims and volumes point at each
 * other; every step is a write of its own, in the real order (volume's claimRef, volume's phase,
 * claim's volumeName, claim's status), so that an observer may see each state between. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/selector.h"
#include "sim/storage/storage_priv.h"

#define LOST_VOLUME "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
#define LOST_REFERENCE                                                                             \
    "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"

/* ---- reads ---- */

static bool ref_names(const json_t *pv, const json_t *claim)
{
    return !strcmp(json_str_or_empty(pv, "spec.claimRef.namespace"), meta_namespace(claim)) &&
           !strcmp(json_str_or_empty(pv, "spec.claimRef.name"), meta_name(claim));
}

/* The volume is promised to this claim: by name, and by uid once it has one. */
static bool is_promised(const json_t *pv, const json_t *claim)
{
    const char *uid = json_str_or_empty(pv, "spec.claimRef.uid");
    return ref_names(pv, claim) && (!*uid || !strcmp(uid, meta_uid(claim)));
}

static bool has_text(const json_t *array, const char *text)
{
    size_t i;
    json_t *v;
    json_array_foreach(array, i, v)
    {
        if (json_is_string(v) && !strcmp(json_string_value(v), text))
            return true;
    }
    return false;
}

static bool modes_fit(const json_t *pv, const json_t *claim)
{
    const json_t *offered = json_path(pv, "spec.accessModes");
    size_t i;
    json_t *mode;
    json_array_foreach(json_path(claim, "spec.accessModes"), i, mode)
    {
        if (json_is_string(mode) && !has_text(offered, json_string_value(mode)))
            return false;
    }
    return true;
}

static bool selector_fits(const json_t *pv, const json_t *claim)
{
    const json_t *wanted = json_path(claim, "spec.selector");
    if (!wanted)
        return true;
    AUTO(selector) struct selector *selector = selector_from_label_selector(wanted, NULL);
    return selector && selector_matches(selector, json_path(pv, "metadata.labels"));
}

/* Why a volume that the claim asks for by name cannot be its own; NULL when it can. */
static const char *mismatch(const json_t *pv, const json_t *claim)
{
    if (meta_deleting(pv))
        return "the volume is marked for deletion";
    if (volume_size(pv) < claim_request(claim))
        return "requested PV is too small";
    if (strcmp(claim_class(pv), claim_class(claim)))
        return "storageClassName does not match";
    if (strcmp(claim_volume_mode(pv), claim_volume_mode(claim)))
        return "incompatible volumeMode";
    return modes_fit(pv, claim) ? NULL : "incompatible accessMode";
}

static bool is_free(const json_t *pv)
{
    return !json_path(pv, "spec.claimRef") &&
           !strcmp(json_str_or_empty(pv, "status.phase"), "Available");
}

/* The volume promised to the claim, or else (unless only promised ones count) the smallest free one
 * that fits. New. */
static json_t *find_match(struct simloop *l, const json_t *claim, bool promised_only)
{
    AUTO(json) json_t *all = apiserver_peek_all(simloop_server(l), "", LOOP_VOLUMES.plural, NULL);
    json_t *best = NULL, *pv;
    size_t i;
    json_array_foreach(all, i, pv)
    {
        if (volume_size(pv) < claim_request(claim) || meta_deleting(pv) ||
            strcmp(claim_volume_mode(pv), claim_volume_mode(claim)) || !modes_fit(pv, claim))
            continue;
        if (json_path(pv, "spec.claimRef") && is_promised(pv, claim)) {
            best = pv;
            break;
        }
        if (promised_only || !is_free(pv) || strcmp(claim_class(pv), claim_class(claim)) ||
            !selector_fits(pv, claim))
            continue;
        if (!best || volume_size(pv) < volume_size(best))
            best = pv;
    }
    return json_incref(best);
}

/* ---- writes ---- */

static int set_phase(struct simloop *l, const struct api_resource *r, const json_t *obj,
                     const char *phase, json_t **ret)
{
    if (!strcmp(json_str_or_empty(obj, "status.phase"), phase)) {
        if (ret)
            *ret = json_incref((json_t *)obj);
        return 0;
    }
    AUTO(json) json_t *copy = json_copy_of(obj);
    json_put_str(copy, "status.phase", phase);
    return simloop_put(l, r, copy, "status", ret);
}

/* Step 1: the volume names the claim. */
static int promise_volume(struct simloop *l, const json_t *pv, const json_t *claim, json_t **ret)
{
    if (json_path(pv, "spec.claimRef") &&
        !strcmp(json_str_or_empty(pv, "spec.claimRef.uid"), meta_uid(claim))) {
        *ret = json_incref((json_t *)pv);
        return 0;
    }
    AUTO(json) json_t *copy = json_copy_of(pv);
    if (!json_path(pv, "spec.claimRef"))
        meta_set_annotation(copy, ANN_BOUND_BY_CONTROLLER, "yes");
    json_put_take(copy, "spec.claimRef", simloop_reference(claim));
    return simloop_put(l, &LOOP_VOLUMES, copy, NULL, ret);
}

/* Step 3: the claim names the volume. */
static int point_claim(struct simloop *l, const json_t *claim, const json_t *pv, json_t **ret)
{
    bool points = !strcmp(json_str_or_empty(claim, "spec.volumeName"), meta_name(pv));
    if (points && meta_annotation(claim, ANN_BIND_COMPLETED)) {
        *ret = json_incref((json_t *)claim);
        return 0;
    }
    AUTO(json) json_t *copy = json_copy_of(claim);
    if (!points) {
        json_put_str(copy, "spec.volumeName", meta_name(pv));
        meta_set_annotation(copy, ANN_BOUND_BY_CONTROLLER, "yes");
    }
    meta_set_annotation(copy, ANN_BIND_COMPLETED, "yes");
    return simloop_put(l, &LOOP_CLAIMS, copy, NULL, ret);
}

/* Step 4: capacity is written when the claim becomes Bound; later growth is the resizer's. */
static int finish_claim(struct simloop *l, const json_t *claim, const json_t *pv)
{
    if (!strcmp(json_str_or_empty(claim, "status.phase"), "Bound"))
        return 0;
    AUTO(json) json_t *copy = json_copy_of(claim);
    json_put_str(copy, "status.phase", "Bound");
    const json_t *modes = json_path(pv, "spec.accessModes"),
                 *capacity = json_path(pv, "spec.capacity");
    if (modes)
        json_put_take(copy, "status.accessModes", json_copy_of(modes));
    if (capacity)
        json_put_take(copy, "status.capacity", json_copy_of(capacity));
    return simloop_put(l, &LOOP_CLAIMS, copy, "status", NULL);
}

static int bind(struct simloop *l, const json_t *claim, const json_t *pv)
{
    AUTO(json) json_t *promised = NULL;
    AUTO(json) json_t *bound = NULL;
    AUTO(json) json_t *pointing = NULL;
    if (promise_volume(l, pv, claim, &promised) < 0 ||
        set_phase(l, &LOOP_VOLUMES, promised, "Bound", &bound) < 0 ||
        point_claim(l, claim, bound, &pointing) < 0)
        return -1;
    return finish_claim(l, pointing, bound);
}

static int lose_claim(struct simloop *l, const json_t *claim, const char *reason,
                      const char *message)
{
    if (!strcmp(json_str_or_empty(claim, "status.phase"), "Lost"))
        return 0;
    AUTO(json) json_t *lost = NULL;
    if (set_phase(l, &LOOP_CLAIMS, claim, "Lost", &lost) < 0)
        return -1;
    simloop_event(l, lost, "Warning", reason, "%s", message);
    return 0;
}

/* ---- claims ---- */

static int sync_bound_claim(struct simloop *l, const json_t *claim)
{
    const char *volume_name = json_str_or_empty(claim, "spec.volumeName");
    if (!*volume_name)
        return lose_claim(l, claim, "ClaimLost", LOST_REFERENCE);
    AUTO(json) json_t *pv = simloop_get(l, &LOOP_VOLUMES, NULL, volume_name);
    if (!pv)
        return lose_claim(l, claim, "ClaimLost", LOST_VOLUME);
    if (!json_path(pv, "spec.claimRef") ||
        !strcmp(json_str_or_empty(pv, "spec.claimRef.uid"), meta_uid(claim)))
        return bind(l, claim, pv);
    return lose_claim(l, claim, "ClaimMisbound",
                      "Two claims are bound to the same volume, this one is bound incorrectly");
}

static void scan_pods(const struct simloop *l, const json_t *claim, struct strbuf *waiting,
                      size_t *count)
{
    AUTO(json)
    json_t *pods =
        apiserver_peek_all(simloop_server(l), "", LOOP_PODS.plural, meta_namespace(claim));
    size_t i;
    json_t *pod;
    json_array_foreach(pods, i, pod)
    {
        if (!pod_uses_claim(pod, meta_name(claim)) || *json_str_or_empty(pod, "spec.nodeName"))
            continue;
        strbuf_addf(waiting, "%s%s", *count ? "," : "", meta_name(pod));
        ++*count;
    }
}

static int wait_for_consumer(struct simloop *l, const json_t *claim)
{
    AUTO(strbuf) struct strbuf names = {0};
    size_t count = 0;
    scan_pods(l, claim, &names, &count);
    if (count)
        simloop_event(l, claim, "Normal", "WaitForPodScheduled",
                      "waiting for pod%s %s to be scheduled", count > 1 ? "s" : "",
                      strbuf_str(&names));
    else
        simloop_event(l, claim, "Normal", "WaitForFirstConsumer",
                      "waiting for first consumer to be created before binding");
    return 0;
}

/* A class that became the default after the claim was made is filled in late. */
static int adopt_default_class(struct storage *st, struct simloop *l, const json_t *claim)
{
    const char *class = default_class(st);
    if (!*class || json_path(claim, "spec.storageClassName")) {
        simloop_event(l, claim, "Normal", "FailedBinding",
                      "no persistent volumes available for this claim and no storage class is set");
        return 0;
    }
    AUTO(json) json_t *copy = json_copy_of(claim);
    json_put_str(copy, "spec.storageClassName", class);
    return simloop_put(l, &LOOP_CLAIMS, copy, NULL, NULL);
}

/* Hands the claim to the external provisioner by naming the driver on it. */
static int ask_provisioner(struct storage *st, struct simloop *l, const json_t *claim)
{
    const char *name = claim_class(claim);
    if (!*name)
        return adopt_default_class(st, l, claim);
    AUTO(json) json_t *class = simloop_get(l, &LOOP_CLASSES, NULL, name);
    if (!class) {
        simloop_event(l, claim, "Warning", "ProvisioningFailed",
                      "storageclass.storage.k8s.io \"%s\" not found", name);
        return 0;
    }
    const char *driver = json_str_or_empty(class, "provisioner");
    if (!strcmp(driver, "kubernetes.io/no-provisioner")) {
        simloop_event(l, claim, "Normal", "FailedBinding",
                      "no persistent volumes available for this claim and no storage class is set");
        return 0;
    }
    const char *asked = meta_annotation(claim, ANN_PROVISIONER);
    if (!asked || strcmp(asked, driver)) {
        AUTO(json) json_t *copy = json_copy_of(claim);
        meta_set_annotation(copy, ANN_PROVISIONER_BETA, driver);
        meta_set_annotation(copy, ANN_PROVISIONER, driver);
        if (simloop_put(l, &LOOP_CLAIMS, copy, NULL, NULL) < 0)
            return -1;
        simloop_event(
            l, claim, "Normal", "ExternalProvisioning",
            "Waiting for a volume to be created either by the external provisioner '%s' or "
            "manually by the system administrator. If volume creation is delayed, please "
            "verify that the provisioner is running and correctly registered.",
            driver);
    }
    return 0;
}

/* The claim asks for one volume by name. */
static int sync_named_claim(struct simloop *l, const json_t *claim, const char *volume_name)
{
    AUTO(json) json_t *pv = simloop_get(l, &LOOP_VOLUMES, NULL, volume_name);
    if (!pv)
        return 0;
    if (json_path(pv, "spec.claimRef") && !is_promised(pv, claim)) {
        if (meta_annotation(claim, ANN_BOUND_BY_CONTROLLER))
            simloop_event(l, claim, "Warning", "ClaimMisbound",
                          "volume \"%s\" already bound to a different claim.", volume_name);
        else
            simloop_event(l, claim, "Warning", "FailedBinding",
                          "volume \"%s\" already bound to a different claim.", volume_name);
        return 0;
    }
    const char *why = json_path(pv, "spec.claimRef") ? NULL : mismatch(pv, claim);
    if (why) {
        simloop_event(l, claim, "Warning", "VolumeMismatch",
                      "Cannot bind to requested volume \"%s\": %s", volume_name, why);
        return 0;
    }
    return bind(l, claim, pv);
}

static int sync_claim(struct storage *st, struct simloop *l, const json_t *found)
{
    AUTO(json) json_t *claim = NULL;
    if (meta_annotation(found, ANN_BIND_COMPLETED))
        return sync_bound_claim(l, found);
    if (*json_str_or_empty(found, "status.phase"))
        claim = json_incref((json_t *)found);
    else if (set_phase(l, &LOOP_CLAIMS, found, "Pending", &claim) < 0)
        return -1;
    if (meta_deleting(claim))
        return 0;
    const char *volume_name = json_str_or_empty(claim, "spec.volumeName");
    if (*volume_name)
        return sync_named_claim(l, claim, volume_name);
    bool waits = class_waits(l, claim_class(claim)) && !meta_annotation(claim, ANN_SELECTED_NODE);
    AUTO(json) json_t *pv = find_match(l, claim, waits);
    if (pv)
        return bind(l, claim, pv);
    return waits ? wait_for_consumer(l, claim) : ask_provisioner(st, l, claim);
}

/* ---- volumes ---- */

/* Takes a volume back from a claim that is bound elsewhere. A claimRef that a user wrote keeps its
 * name. */
static int unbind_volume(struct simloop *l, const json_t *pv)
{
    AUTO(json) json_t *copy = json_copy_of(pv);
    AUTO(json) json_t *stored = NULL;
    if (meta_annotation(pv, ANN_BOUND_BY_CONTROLLER)) {
        json_drop(copy, "spec.claimRef");
        meta_set_annotation(copy, ANN_BOUND_BY_CONTROLLER, NULL);
    } else {
        json_drop(copy, "spec.claimRef.uid");
    }
    if (simloop_put(l, &LOOP_VOLUMES, copy, NULL, &stored) < 0)
        return -1;
    return set_phase(l, &LOOP_VOLUMES, stored, "Available", NULL);
}

static bool deletes_itself(const json_t *pv)
{
    return meta_annotation(pv, ANN_PROVISIONED_BY) &&
           !strcmp(json_str_or_empty(pv, "spec.persistentVolumeReclaimPolicy"), "Delete");
}

/* Deleting the bytes of a Released volume is the provisioner's part. */
static int release_volume(struct simloop *l, const json_t *pv)
{
    if (!strcmp(json_str_or_empty(pv, "status.phase"), "Failed"))
        return 0;
    return set_phase(l, &LOOP_VOLUMES, pv, "Released", NULL);
}

static int sync_volume(struct simloop *l, const json_t *pv)
{
    const char *uid = json_str_or_empty(pv, "spec.claimRef.uid");
    const char *ns = json_str_or_empty(pv, "spec.claimRef.namespace");
    const char *name = json_str_or_empty(pv, "spec.claimRef.name");
    if (!*uid) {
        if (*name)
            simloop_add(l, "claim/%s/%s", ns, name);
        return set_phase(l, &LOOP_VOLUMES, pv, "Available", NULL);
    }
    AUTO(json) json_t *claim = simloop_get(l, &LOOP_CLAIMS, ns, name);
    if (!claim || strcmp(meta_uid(claim), uid))
        return release_volume(l, pv);
    const char *volume_name = json_str_or_empty(claim, "spec.volumeName");
    if (!*volume_name) {
        simloop_add_object(l, "claim", claim);
        return 0;
    }
    if (!strcmp(volume_name, meta_name(pv)))
        return set_phase(l, &LOOP_VOLUMES, pv, "Bound", NULL);
    return deletes_itself(pv) ? release_volume(l, pv) : unbind_volume(l, pv);
}

int binder_reconcile(void *cookie, struct simloop *l, const char *key)
{
    char ns[LOOP_PART], name[LOOP_PART];
    bool is_claim = simloop_key_is(key, "claim", ns, name);
    if (!is_claim && !simloop_key_is(key, "volume", ns, name))
        return 0;
    AUTO(json) json_t *obj = simloop_get(l, is_claim ? &LOOP_CLAIMS : &LOOP_VOLUMES, ns, name);
    if (!obj)
        return 0;
    int rc = is_claim ? sync_claim(cookie, l, obj) : sync_volume(l, obj);
    return rc < 0 && simloop_code(l) == 404 ? 0 : rc;
}
