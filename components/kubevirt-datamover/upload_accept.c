/* An upload's phases New and Accepted: may it begin, and then KubeVirt's backup of the machine
 * (datamover.md 3.1, 3.3). */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/kubevirt-datamover/mover.h"
#include "kube/meta.h"

static enum answer get_vm(struct pass *p, json_t **ret, struct err *reterr)
{
    return client_get(&p->m->client, &kind_dm_vm, pass_vm_namespace(p), pass_vm(p), ret, reterr);
}

int upload_new(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *vm = NULL;
    AUTO(err) struct err e = {0};
    if (!*pass_vm(p) || !*pass_vm_namespace(p))
        return pass_fail(p, reterr, "Missing VM reference: annotation %s or a namespace is missing",
                         KEY_VM_NAME);
    enum answer a = get_vm(p, &vm, &e);
    if (a == ANSWER_NOT_FOUND)
        return pass_fail(p, reterr, "VirtualMachine %s/%s not found", pass_vm_namespace(p),
                         pass_vm(p));
    if (a != ANSWER_OK)
        return err_move(reterr, &e);
    const char *status = json_str_or_empty(vm, "status.printableStatus");
    const char *tracking = json_str_or_empty(vm, "status.changedBlockTracking.state");
    if (strcmp(status, "Running") != 0)
        return pass_fail(p, reterr, "VirtualMachine %s/%s is not running (status: %s)",
                         pass_vm_namespace(p), pass_vm(p), status);
    if (strcmp(tracking, "Enabled") != 0)
        return pass_fail(p, reterr,
                         "VirtualMachine %s/%s has ChangedBlockTracking in state '%s', not Enabled",
                         pass_vm_namespace(p), pass_vm(p), tracking);
    return pass_go(p, "Accepted", reterr);
}

/* ---- one at a time for a machine ---- */

static bool same_vm(const struct pass *p, const json_t *other)
{
    const char *name = meta_annotation(other, KEY_VM_NAME);
    const char *ns = meta_annotation(other, KEY_VM_NAMESPACE);
    if (!ns || !*ns)
        ns = json_str_or_empty(other, "spec.sourceNamespace");
    return name && strcmp(name, pass_vm(p)) == 0 && strcmp(ns, pass_vm_namespace(p)) == 0;
}

static bool is_stale(const struct pass *p, const json_t *other)
{
    int64_t created;
    return p->m->stale_ns > 0 &&
           time_parse(json_str_or_empty(other, "metadata.creationTimestamp"), &created) &&
           host_now(p->m->host) - created > p->m->stale_ns;
}

static bool is_begun(const json_t *other)
{
    const char *phase = json_str_or_empty(other, "status.phase");
    return (!*phase || strcmp(phase, "New") == 0) &&
           strcmp(json_str_or_empty(other, "spec.datamover"), DM_DATAMOVER) == 0;
}

static bool blocks(const struct pass *p, const json_t *other)
{
    return strcmp(meta_uid(other), pass_uid(p)) != 0 &&
           (progress_is_active(other) || is_begun(other)) && same_vm(p, other) &&
           progress_outranks(other, p->stored) && !is_stale(p, other);
}

/* An increment is made against what the one before has left: two at a time would fork the chain. */
static enum outcome wait_for_older(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *all = NULL;
    enum outcome o =
        outcome_of(client_list(&p->m->client, &kind_dm_upload, p->m->ns, NULL, NULL, &all, reterr));
    size_t i;
    const json_t *other;
    json_array_foreach(all, i, other) if (blocks(p, other))
    {
        host_log(p->m->host, LOG_INFO, "DataUpload %s waits for %s", meta_name(p->stored),
                 meta_name(other));
        reconcile_after(p->result, MOVER_LONG_NS);
        return OUTCOME_WAIT;
    }
    return o;
}

/* ---- the claim that KubeVirt writes to ---- */

enum outcome upload_claims(struct pass *p, json_t **ret, struct err *reterr)
{
    AUTO(json) json_t *all = NULL;
    AUTO(json) json_t *out = json_array();
    size_t i;
    json_t *claim;
    enum outcome o = pass_list(p, &kind_dm_claim, pass_vm_namespace(p), &all, reterr);
    json_array_foreach(all, i,
                       claim) if (strncmp(meta_name(claim), TEMP_PREFIX, strlen(TEMP_PREFIX)) == 0)
        json_array_append(out, claim);
    if (o == OUTCOME_OK)
        *ret = TAKE(out);
    return o;
}

static json_t *new_claim(struct pass *p, const char *size)
{
    AUTO(str) char *prefix = mem_printf(TEMP_PREFIX "%s-", meta_name(p->stored));
    json_t *claim = kind_object(&kind_dm_claim, pass_vm_namespace(p), "");
    json_drop(claim, "metadata.name");
    json_put_str(claim, "metadata.generateName", prefix);
    meta_set_label(claim, KEY_UPLOAD_UID, pass_uid(p));
    meta_set_annotation(claim, KEY_UPLOAD_NAME, meta_name(p->stored));
    json_put_take(claim, "spec.accessModes", json_pack("[s]", "ReadWriteOnce"));
    json_put_str(claim, "spec.resources.requests.storage", size);
    return claim;
}

static enum outcome make_claim(struct pass *p, const json_t *vm, json_t **ret, struct err *reterr)
{
    AUTO(str) char *size = NULL;
    enum outcome o = upload_size(p, vm, &size, reterr);
    if (o != OUTCOME_OK) {
        err_wrap(reterr, NO_POS, "Failed to create backup PVC");
        return o;
    }
    AUTO(json) json_t *claim = new_claim(p, size);
    return outcome_of(client_create(&p->m->client, &kind_dm_claim, claim, ret, reterr));
}

static enum outcome ensure_claim(struct pass *p, const json_t *vm, json_t **ret, struct err *reterr)
{
    AUTO(json) json_t *claims = NULL;
    enum outcome o = upload_claims(p, &claims, reterr);
    if (o != OUTCOME_OK)
        return o;
    if (json_array_size(claims) == 0)
        return make_claim(p, vm, ret, reterr);
    if (json_array_size(claims) > 1) {
        err_set(reterr, ERR_INVALID, NO_POS, "more than one backup PVC carries the uid %s",
                pass_uid(p));
        return OUTCOME_RETRY;
    }
    *ret = json_incref(json_array_get(claims, 0));
    return OUTCOME_OK;
}

/* ---- KubeVirt's backup ---- */

/* Written down before the backup is made: Prepared and the pod go by it. Decided anew at each try,
 * since the documents may have changed while it was refused. */
static int note_choice(struct pass *p, const struct upload_choice *c, struct err *reterr)
{
    meta_set_annotation(p->own, KEY_TRACKER, c->tracker);
    meta_set_annotation(p->own, KEY_VALIDATED, c->unknown ? NULL : "true");
    meta_set_annotation(p->own, KEY_EXPECTED, c->asked ? NULL : c->parent ? "incremental" : "full");
    meta_set_annotation(p->own, KEY_PARENT, c->parent);
    return pass_save(p, reterr);
}

static enum outcome begin_backup(struct pass *p, const struct location *l, struct err *reterr)
{
    AUTO(json) json_t *vm = NULL;
    AUTO(json) json_t *claim = NULL;
    AUTO(upload_choice) struct upload_choice choice = {0};
    enum outcome o = outcome_of(get_vm(p, &vm, reterr));
    if (o == OUTCOME_OK)
        o = ensure_claim(p, vm, &claim, reterr);
    if (o == OUTCOME_OK)
        o = upload_choose(p, l, vm, &choice, reterr);
    if (o != OUTCOME_OK)
        return o;
    if (note_choice(p, &choice, reterr) < 0)
        return OUTCOME_RETRY;
    return p->lost ? OUTCOME_WAIT : upload_backup_create(p, claim, choice.force_full, reterr);
}

static int start_backup(struct pass *p, struct err *reterr)
{
    AUTO(location) struct location l = {0};
    AUTO(err) struct err why = {0};
    if (*pass_annotation(p, KEY_VMB))
        return pass_fail(p, reterr, "VirtualMachineBackup not found: %s is gone",
                         pass_annotation(p, KEY_VMB));
    /* The existing code takes the annotation for a backup that it does not see yet. */
    if (p->m->as_code && *pass_annotation(p, KEY_TRACKER)) {
        reconcile_after(p->result, MOVER_SHORT_NS);
        return 0;
    }
    enum outcome o = wait_for_older(p, &why);
    if (o == OUTCOME_OK)
        o = location_read(p, &l, &why);
    if (o == OUTCOME_OK)
        o = begin_backup(p, &l, &why);
    if (o == OUTCOME_OK)
        reconcile_after(p->result, MOVER_SHORT_NS);
    return pass_outcome(p, o, "", &why, reterr);
}

/* ---- while it runs ---- */

static int fail(struct pass *p, const char *text, const char *detail, struct err *reterr)
{
    AUTO(err) struct err why = {0};
    enum outcome o = upload_let_go(p, &why);
    if (o == OUTCOME_RETRY || o == OUTCOME_BAD)
        return err_move(reterr, &why);
    return pass_fail(p, reterr, "%s%s", text, detail);
}

static enum outcome tracker_exists(struct pass *p, bool *ret, struct err *reterr)
{
    AUTO(json) json_t *tracker = NULL;
    AUTO(err) struct err e = {0};
    enum answer a = client_get(&p->m->client, &kind_dm_tracker, pass_vm_namespace(p),
                               pass_annotation(p, KEY_TRACKER), &tracker, &e);
    *ret = a == ANSWER_OK;
    if (a == ANSWER_OK || a == ANSWER_NOT_FOUND)
        return OUTCOME_OK;
    err_move(reterr, &e);
    return outcome_of(a);
}

static int wait_for_backup(struct pass *p, struct err *reterr)
{
    AUTO(err) struct err why = {0};
    bool there = true;
    enum outcome o = tracker_exists(p, &there, &why);
    if (o != OUTCOME_OK)
        return pass_outcome(p, o, "Failed to read the tracker", &why, reterr);
    if (!there)
        return fail(p, "VMBackup stuck: BackupTracker is gone: ", pass_annotation(p, KEY_TRACKER),
                    reterr);
    reconcile_after(p->result, MOVER_SHORT_NS);
    return 0;
}

static int look_at_backup(struct pass *p, const json_t *vmb, struct err *reterr)
{
    const char *why = "";
    switch (upload_backup_state(p, vmb, &why)) {
    case BACKUP_STATE_DONE:
        return pass_go(p, "Prepared", reterr);
    case BACKUP_STATE_FAILED:
        return fail(p, "VMBackup failed: ", why, reterr);
    case BACKUP_STATE_WAITS:
        return wait_for_backup(p, reterr);
    case BACKUP_STATE_RUNS:
        break;
    }
    reconcile_after(p->result, MOVER_SHORT_NS);
    return 0;
}

int upload_accepted(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *vmb = NULL;
    AUTO(err) struct err why = {0};
    enum outcome o = upload_backup(p, &vmb, &why);
    if (o != OUTCOME_OK)
        return pass_outcome(p, o, "", &why, reterr);
    if (!vmb)
        return start_backup(p, reterr);
    /* Remembered, since one that goes later has been aborted and must not be made again. */
    if (strcmp(pass_annotation(p, KEY_VMB), meta_name(vmb)) != 0) {
        meta_set_annotation(p->own, KEY_VMB, meta_name(vmb));
        if (pass_save(p, reterr) < 0 || p->lost)
            return p->lost ? 0 : -1;
    }
    return look_at_backup(p, vmb, reterr);
}
