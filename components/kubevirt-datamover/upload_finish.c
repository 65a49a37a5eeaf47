/* How an upload ends: nothing that was made for it is left but the machine's tracker. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/kubevirt-datamover/mover.h"
#include "kube/meta.h"

/* What the pod has stored is there: ending well is then the shorter way. The existing code acts on
 * the phase alone. */
bool upload_may_cancel(const struct pass *p)
{
    return !p->m->as_code && !pass_succeeded(p);
}

/* ---- the volume ---- */

static bool change_to_delete(json_t *volume, void *cookie)
{
    (void)cookie;
    if (strcmp(json_str_or_empty(volume, "spec.persistentVolumeReclaimPolicy"), "Delete") == 0)
        return false;
    json_put_str(volume, "spec.persistentVolumeReclaimPolicy", "Delete");
    return true;
}

/* The policy first: a volume that goes with Retain leaves its data behind. */
static enum outcome delete_volume(struct pass *p, const json_t *volume, struct err *reterr)
{
    AUTO(err) struct err e = {0};
    enum answer a = client_change(&p->m->client, &kind_dm_volume, NULL, meta_name(volume), NULL,
                                  change_to_delete, NULL, NULL, &e);
    if (a == ANSWER_NOT_FOUND)
        return OUTCOME_OK;
    if (a == ANSWER_OK)
        return pass_delete(p, &kind_dm_volume, volume, reterr);
    err_move(reterr, &e);
    return OUTCOME_RETRY;
}

static enum outcome delete_volumes(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *volumes = NULL;
    enum outcome all = pass_list(p, &kind_dm_volume, NULL, &volumes, reterr);
    size_t i;
    const json_t *volume;
    if (all == OUTCOME_OK && json_array_size(volumes) > 1) {
        err_set(reterr, ERR_INVALID, NO_POS, "more than one PV carries the uid %s", pass_uid(p));
        return OUTCOME_BAD;
    }
    json_array_foreach(volumes, i, volume)
    {
        all = delete_volume(p, volume, reterr);
        reconcile_after(p->result, MOVER_SHORT_NS);
    }
    return all;
}

/* ---- everything ---- */

/* Pods protect what they mount, KubeVirt's backup what it writes to; a volume goes after its claim.
 */
enum outcome upload_clean(struct pass *p, struct err *reterr)
{
    const char *ns = pass_vm_namespace(p);
    enum outcome o = pod_delete_all(p, reterr);
    if (o == OUTCOME_OK)
        o = pass_delete_all(p, &kind_dm_backup, ns, reterr);
    if (o == OUTCOME_OK)
        o = pass_delete_all(p, &kind_dm_claim, ns, reterr);
    if (o == OUTCOME_OK)
        o = pass_delete_all(p, &kind_dm_claim, p->m->ns, reterr);
    return o == OUTCOME_OK ? delete_volumes(p, reterr) : o;
}

int upload_cancel(struct pass *p, struct err *reterr)
{
    AUTO(err) struct err why = {0};
    enum outcome o = upload_clean(p, &why);
    if (o == OUTCOME_RETRY || o == OUTCOME_BAD)
        return err_move(reterr, &why);
    return o == OUTCOME_OK ? pass_go(p, "Canceled", reterr) : 0;
}

/* A backup that has not ended would keep the machine's next one from being made. What has ended is
 * kept, for whoever looks for the cause. */
enum outcome upload_let_go(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *vmb = NULL;
    const char *why;
    enum outcome o = p->m->as_code ? OUTCOME_OK : upload_backup(p, &vmb, reterr);
    if (o != OUTCOME_OK || !vmb)
        return o;
    enum backup_state state = upload_backup_state(p, vmb, &why);
    if (state == BACKUP_STATE_DONE || state == BACKUP_STATE_FAILED)
        return OUTCOME_OK;
    o = pass_delete(p, &kind_dm_backup, vmb, reterr);
    return o == OUTCOME_WAIT ? OUTCOME_OK : o;
}
