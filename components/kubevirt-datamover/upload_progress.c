/* An upload's phases Prepared and InProgress: the volume goes to the pod, the pod to the object
 * store (datamover.md 3.1, 5.1). */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/kubevirt-datamover/mover.h"
#include "kube/meta.h"
#include "kube/names.h"

#define DATA_PATH "/backup-data"
#define CLAIM_NAME_MAX 253

/* ---- the volume ---- */

enum outcome upload_source(struct pass *p, json_t **ret, struct err *reterr)
{
    AUTO(json) json_t *claims = NULL;
    enum outcome o = upload_claims(p, &claims, reterr);
    if (o == OUTCOME_OK && json_array_size(claims) > 1) {
        err_set(reterr, ERR_INVALID, NO_POS, "more than one backup PVC carries the uid %s",
                pass_uid(p));
        return OUTCOME_BAD;
    }
    *ret = json_incref(json_array_get(claims, 0));
    return o;
}

void upload_place(const struct pass *p, struct rebind_place *ret)
{
    AUTO(str) char *name = mem_printf(REBOUND_PREFIX "%s", meta_name(p->stored));
    *ret = (struct rebind_place){.source_ns = pass_vm_namespace(p),
                                 .source_prefix = TEMP_PREFIX,
                                 .ns = p->m->ns,
                                 .claim = name_shorten(name, CLAIM_NAME_MAX),
                                 .makes_target = true};
}

/* ---- the pod ---- */

static json_t *env_of(struct pass *p, const json_t *vmb)
{
    json_t *env = json_array();
    const char *type = json_str_or_empty(vmb, "status.type");
    pod_add_env(env, "CHECKPOINT_NAME", json_str_or_empty(vmb, "status.checkpointName"));
    pod_add_env(env, "BACKUP_TYPE", *type ? type : "full");
    pod_add_env(env, "PARENT_CHECKPOINT", pass_annotation(p, KEY_PARENT));
    pod_add_env(env, "SOURCE_PVC_PATH", DATA_PATH);
    pod_add_env(env, "DATAUPLOAD_NAME", meta_name(p->stored));
    pod_add_env(env, "DATAUPLOAD_UID", pass_uid(p));
    pod_add_env(env, "VMB_NAME", meta_name(vmb));
    pod_add_env(env, "VMBT_NAME", pass_annotation(p, KEY_TRACKER));
    pod_add_env(env, "MODE", p->m->as_code ? "code" : "design");
    return env;
}

static enum outcome make_pod(struct pass *p, const struct location *l, const json_t *vmb,
                             struct err *reterr)
{
    struct rebind_place place;
    upload_place(p, &place);
    AUTO(str) char *claim = place.claim;
    AUTO(json) json_t *pod = pod_new(p, l, UPLOAD_POD_PREFIX, "upload", env_of(p, vmb));
    meta_set_annotation(pod, KEY_UPLOAD_NAME, meta_name(p->stored));
    pod_mount(pod, "backup-data", claim, DATA_PATH, /* read_only= */ true);
    return outcome_of(client_create(&p->m->client, &kind_dm_pod, pod, NULL, reterr));
}

static enum outcome bad(struct err *reterr, const char *text)
{
    err_set(reterr, ERR_INVALID, NO_POS, "%s", text);
    return OUTCOME_BAD;
}

static enum outcome check(struct pass *p, const json_t *vmb, struct err *reterr)
{
    if (!*p->m->image)
        return bad(reterr, "datamover image not configured");
    if (!vmb)
        return bad(reterr, "VirtualMachineBackup not found");
    if (!*json_str_or_empty(vmb, "spec.pvcName"))
        return bad(reterr, "VirtualMachineBackup has no pvcName");
    if (!*json_str_or_empty(vmb, "status.checkpointName"))
        return bad(reterr, "VirtualMachineBackup names no checkpoint");
    return *pass_annotation(p, KEY_TRACKER) ? OUTCOME_OK
                                            : bad(reterr, "annotation " KEY_TRACKER " is missing");
}

enum outcome upload_start(struct pass *p, struct err *reterr)
{
    AUTO(location) struct location l = {0};
    AUTO(json) json_t *vmb = NULL;
    enum outcome o = location_read(p, &l, reterr);
    if (o == OUTCOME_OK)
        o = upload_backup(p, &vmb, reterr);
    if (o == OUTCOME_OK)
        o = check(p, vmb, reterr);
    if (o != OUTCOME_OK)
        return o;
    o = rebind_volume(p, reterr);
    if (o == OUTCOME_OK)
        return make_pod(p, &l, vmb, reterr);
    if (reterr->code != ERR_CRASHED)
        err_wrap(reterr, NO_POS, "Failed to rebind PV");
    return o == OUTCOME_RETRY && p->m->as_code ? OUTCOME_BAD : o;
}

/* ---- InProgress ---- */

/* All of ours goes before it is said to be complete: who reads that need not clean up. */
static int complete(struct pass *p, struct err *reterr)
{
    AUTO(err) struct err why = {0};
    enum outcome o = upload_clean(p, &why);
    if (o == OUTCOME_RETRY || o == OUTCOME_BAD)
        return err_move(reterr, &why);
    return o == OUTCOME_OK ? pass_go(p, "Completed", reterr) : 0;
}

static int watch_pod(struct pass *p, const json_t *pod, struct err *reterr)
{
    const char *phase = json_str_or_empty(pod, "status.phase");
    reconcile_after(p->result, MOVER_SHORT_NS);
    if (strcmp(phase, "Failed") == 0) {
        AUTO(str) char *failure = pod_failure(pod);
        return pass_fail(p, reterr, "Datamover pod failed: %s", failure);
    }
    if (strcmp(phase, "Succeeded") != 0)
        return 0;
    /* Remembered before the pod goes: an absent pod would look like a failure. */
    meta_set_annotation(p->own, KEY_UPLOAD_SUCCEEDED, "true");
    return pass_save(p, reterr);
}

int upload_running(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *pods = NULL;
    AUTO(err) struct err why = {0};
    if (pass_succeeded(p))
        return complete(p, reterr);
    enum outcome o = pod_list(p, &pods, &why);
    if (o != OUTCOME_OK)
        return pass_outcome(p, o, "Failed to look for the datamover pod", &why, reterr);
    if (json_array_size(pods) == 0)
        return pass_fail(p, reterr, "Datamover pod not found");
    return watch_pod(p, json_array_get(pods, 0), reterr);
}
