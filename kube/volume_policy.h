/* Velero's volume policies (datamover.md 1.7): a ConfigMap whose one text says what becomes of the
 * volumes that meet its conditions. Velero and its plugins read the same text, each for itself.
 *
 *     version: v1
 *     volumePolicies:
 *       - conditions: {storageClass: [fast], capacity: "0,100Gi"}
 *         action: {type: custom, parameters: {datamover: kubevirt}}
 *
 * The first policy whose conditions all hold decides. */
#ifndef VMCONFORM_KUBE_VOLUME_POLICY_H
#define VMCONFORM_KUBE_VOLUME_POLICY_H

#include <jansson.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"

enum volume_action {
    VOLUME_NO_MATCH, /* no policy speaks of it */
    VOLUME_SKIP,
    VOLUME_SNAPSHOT,
    VOLUME_FS_BACKUP,
    VOLUME_CUSTOM
};

struct volume_policies;
/* Of a ConfigMap: exactly one key in `data`. NULL with *reterr: nothing in it is used then, as
 * Velero does. */
struct volume_policies *volume_policies_read(const json_t *configmap, struct err *reterr);
void volume_policies_destroy(struct volume_policies *p);
DEFINE_CLEANUP(struct volume_policies, volume_policies, volume_policies_destroy);

/* What becomes of a claim; pv NULL: it is not bound. p NULL: there are no policies.
 * ret_parameters (may be NULL): of the action, borrowed, NULL when it has none. */
enum volume_action volume_policies_match(const struct volume_policies *p, const json_t *claim,
                                         const json_t *pv, const json_t **ret_parameters);
/* Whether Velero copies the claim's files because a pod uses it: the pod's annotations, and what is
 * the default. pods: those of the claim's namespace. */
bool volume_goes_by_files(const json_t *pods, const char *claim, bool by_default);

#endif
