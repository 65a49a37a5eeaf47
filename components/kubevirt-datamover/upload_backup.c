/* KubeVirt's VirtualMachineBackup: making it, and what its conditions say in both dialects
 * (datamover.md 1.3, 3.1). */
#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "components/kubevirt-datamover/mover.h"
#include "kube/meta.h"
#include "kube/names.h"

/* KubeVirt adds "-backup-target-pvc" and labels with the result. */
#define NAME_MAX_LEN 45
#define NAME_PREFIX "vmb-"
#define SUFFIX 5

enum outcome upload_backup(struct pass *p, json_t **ret, struct err *reterr)
{
    AUTO(json) json_t *all = NULL;
    enum outcome o = pass_list(p, &kind_dm_backup, pass_vm_namespace(p), &all, reterr);
    if (o != OUTCOME_OK)
        return o;
    if (json_array_size(all) > 1) {
        err_set(reterr, ERR_INVALID, NO_POS,
                "more than one VirtualMachineBackup carries the uid %s", pass_uid(p));
        return OUTCOME_RETRY;
    }
    *ret = json_incref(json_array_get(all, 0));
    return OUTCOME_OK;
}

/* A name that follows from the upload: a second create meets the first one's object. New. */
static char *name_of(const struct pass *p)
{
    char hex[DIGEST_HEX];
    AUTO(str)
    char *owner =
        name_shorten(meta_name(p->stored), NAME_MAX_LEN - strlen(NAME_PREFIX) - SUFFIX - 1);
    digest_of(pass_uid(p), strlen(pass_uid(p)), hex);
    return mem_printf(NAME_PREFIX "%s-%.*s", owner, SUFFIX, hex);
}

static json_t *new_backup(struct pass *p, const json_t *claim, bool force_full)
{
    AUTO(str) char *name = name_of(p);
    json_t *vmb = kind_object(&kind_dm_backup, pass_vm_namespace(p), name);
    meta_set_label(vmb, KEY_UPLOAD_UID, pass_uid(p));
    meta_set_annotation(vmb, KEY_UPLOAD_NAME, meta_name(p->stored));
    json_put_take(vmb, "spec.source",
                  json_pack("{s:s, s:s, s:s}", "apiGroup", kind_dm_tracker.resource.group, "kind",
                            kind_dm_tracker.kind, "name", pass_annotation(p, KEY_TRACKER)));
    json_put_str(vmb, "spec.pvcName", meta_name(claim));
    json_put_take(vmb, "spec.forceFullBackup", json_boolean(force_full));
    return vmb;
}

enum outcome upload_backup_create(struct pass *p, const json_t *claim, bool force_full,
                                  struct err *reterr)
{
    AUTO(json) json_t *vmb = new_backup(p, claim, force_full);
    AUTO(err) struct err e = {0};
    enum answer a = client_create(&p->m->client, &kind_dm_backup, vmb, NULL, &e);
    if (a == ANSWER_OK || a == ANSWER_EXISTS)
        return OUTCOME_OK;
    if (e.msg && strstr(e.msg, "in progress for source")) {
        host_log(p->m->host, LOG_INFO, "DataUpload %s waits: %s", meta_name(p->stored), e.msg);
        reconcile_after(p->result, MOVER_LONG_NS);
        return OUTCOME_WAIT;
    }
    err_move(reterr, &e);
    return outcome_of(a);
}

/* ---- conditions ---- */

static bool is(const json_t *vmb, const char *type, const char *status)
{
    return strcmp(meta_condition_status(vmb, type), status) == 0;
}

static bool has_failed_in(const char *text)
{
    for (const char *c = text; *c; c++)
        if (strncasecmp(c, "failed", 6) == 0)
            return true;
    return false;
}

/* Up to KubeVirt 1.8 the reason is a sentence. One that begins with "Completed" may tell of what
 * failed besides, and is a success all the same. */
static bool tells_failure(const json_t *condition)
{
    const char *reason = json_str_or_empty(condition, "reason");
    if (strncasecmp(reason, "completed", 9) == 0)
        return false;
    return has_failed_in(reason) || has_failed_in(json_str_or_empty(condition, "message"));
}

static const char *text_of(const json_t *condition)
{
    const char *message = json_str_or_empty(condition, "message");
    return *message ? message : json_str_or_empty(condition, "reason");
}

static const char *failure_of(const json_t *vmb, bool done)
{
    static const char *const types[] = {"Progressing", "Done", "Initializing", "Failed"};
    const char *any = "";
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        const json_t *condition = meta_condition(vmb, types[i]);
        if (condition && tells_failure(condition))
            return text_of(condition);
        if (condition && !*any)
            any = text_of(condition);
    }
    return done ? NULL : *any ? any : "no reason given";
}

enum backup_state upload_backup_state(const struct pass *p, const json_t *vmb, const char **ret_why)
{
    if (!p->m->as_code && is(vmb, "Failed", "True")) {
        *ret_why = text_of(meta_condition(vmb, "Failed"));
        return BACKUP_STATE_FAILED;
    }
    if (!p->m->as_code && is(vmb, "Complete", "True"))
        return BACKUP_STATE_DONE;
    if (is(vmb, "Done", "True")) {
        *ret_why = failure_of(vmb, /* done= */ true);
        return *ret_why ? BACKUP_STATE_FAILED : BACKUP_STATE_DONE;
    }
    if (is(vmb, "Done", "False") && is(vmb, "Progressing", "False")) {
        *ret_why = failure_of(vmb, /* done= */ false);
        return BACKUP_STATE_FAILED;
    }
    bool waits = json_array_size(json_path(vmb, "status.conditions")) == 0 ||
                 (is(vmb, "Initializing", "True") && is(vmb, "Progressing", "False")) ||
                 strcmp(json_str_or_empty(meta_condition(vmb, "Progressing"), "reason"),
                        "Initializing") == 0;
    return waits ? BACKUP_STATE_WAITS : BACKUP_STATE_RUNS;
}
