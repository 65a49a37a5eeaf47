/* The phases New and Accepted: is this ours, can it be done, and where. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/kubevirt-datamover/mover.h"
#include "kube/meta.h"

void location_finish(struct location *l)
{
    free(l->bucket);
    free(l->prefix);
    free(l->provider);
    free(l->region);
    free(l->credential);
    free(l->credential_key);
    free(l->customer_secret);
    free(l->customer_member);
    *l = (struct location){0};
}

static enum outcome bad_location(struct err *reterr, const char *fmt, const char *a, const char *b)
    __attribute__((format(printf, 2, 0)));
static enum outcome bad_location(struct err *reterr, const char *fmt, const char *a, const char *b)
{
    AUTO(str) char *text = mem_printf(fmt, a, b);
    err_set(reterr, ERR_INVALID, NO_POS, "%s", text);
    return OUTCOME_BAD;
}

static char *field(const json_t *obj, const char *path)
{
    return mem_strdup(json_str_or_empty(obj, path));
}

static enum outcome check_location(const json_t *bsl, const char *name, struct err *reterr)
{
    if (strcmp(json_str_or_empty(bsl, "status.phase"), "Available") != 0)
        return bad_location(reterr, "BackupStorageLocation %s is not available (phase: %s)", name,
                            json_str_or_empty(bsl, "status.phase"));
    if (!*json_str_or_empty(bsl, "spec.objectStorage.bucket"))
        return bad_location(reterr, "BackupStorageLocation %s not accessible: %s", name,
                            "it names no bucket");
    if (json_path(bsl, "spec.credential") && !*json_str_or_empty(bsl, "spec.credential.name"))
        return bad_location(reterr, "BackupStorageLocation %s %s", name,
                            "has no credential secret configured");
    return OUTCOME_OK;
}

enum outcome location_read(struct pass *p, struct location *ret, struct err *reterr)
{
    const char *name = json_str_or_empty(p->own, "spec.backupStorageLocation");
    AUTO(json) json_t *bsl = NULL;
    AUTO(err) struct err e = {0};
    if (!*name)
        return bad_location(reterr, "BackupStorageLocation '%s' not accessible: %s", name,
                            "no name given");
    enum answer a = client_get(&p->m->client, &kind_dm_location, p->m->ns, name, &bsl, &e);
    enum outcome o = outcome_of(a);
    if (o == OUTCOME_BAD)
        return bad_location(reterr, "BackupStorageLocation %s not accessible: %s", name,
                            e.msg ? e.msg : "");
    if (o != OUTCOME_OK)
        return err_move(reterr, &e), o;
    o = check_location(bsl, name, reterr);
    if (o != OUTCOME_OK)
        return o;
    *ret = (struct location){field(bsl, "spec.objectStorage.bucket"),
                             field(bsl, "spec.objectStorage.prefix"),
                             field(bsl, "spec.provider"),
                             field(bsl, "spec.config.region"),
                             field(bsl, "spec.credential.name"),
                             field(bsl, "spec.credential.key"),
                             NULL,
                             NULL};
    return customer_key_check(p, bsl, ret, reterr);
}

int accept_new(struct pass *p, struct err *reterr)
{
    AUTO(location) struct location l = {0};
    AUTO(err) struct err why = {0};
    if (!*pass_vm(p) || !*pass_vm_namespace(p))
        return pass_fail(p, reterr, "Missing VM reference: annotation %s or a namespace is missing",
                         KEY_VM_NAME);
    if (!*json_str_or_empty(p->own, "spec.targetVolume.pvc") ||
        !*json_str_or_empty(p->own, "spec.targetVolume.namespace"))
        return pass_fail(p, reterr,
                         "Missing target volume: spec.targetVolume needs pvc and "
                         "namespace");
    enum outcome o = location_read(p, &l, &why);
    if (o != OUTCOME_OK)
        return pass_outcome(p, o, "", &why, reterr);
    return pass_go(p, "Accepted", reterr);
}

/* A claim that selects volumes, or has one, cannot be given ours. NULL: it can. New. */
static char *unusable(const json_t *target)
{
    const char *name = meta_name(target);
    const json_t *selector = json_path(target, "spec.selector");
    if (selector && !json_is_null(selector))
        return mem_printf("Target PVC %s declares spec.selector, which no restored volume would "
                          "match",
                          name);
    if (*json_str_or_empty(target, "spec.volumeName") ||
        strcmp(json_str_or_empty(target, "status.phase"), "Bound") == 0)
        return mem_printf("Target PVC %s is already bound or requests volume '%s'", name,
                          json_str_or_empty(target, "spec.volumeName"));
    return NULL;
}

static int prepare(struct pass *p, const json_t *target, struct err *reterr)
{
    AUTO(location) struct location l = {0};
    AUTO(plan) struct plan plan = {0};
    AUTO(err) struct err why = {0};
    bool block = strcmp(json_str_or_empty(target, "spec.volumeMode"), "Block") == 0;
    enum outcome o = location_read(p, &l, &why);
    if (o == OUTCOME_OK)
        o = plan_make(p, &l, target, &plan, &why);
    if (o != OUTCOME_OK)
        return pass_outcome(p, o, "", &why, reterr);
    meta_set_annotation(p->own, KEY_DISK, plan.disk);
    if (block)
        meta_set_annotation(p->own, KEY_BLOCK, "true");
    o = staging_ensure(p, target, &plan.sizes, &why);
    if (o != OUTCOME_OK)
        return pass_outcome(p, o, "", &why, reterr);
    json_put_take(p->own, "status.progress.totalBytes", json_integer(plan.bytes));
    json_put_take(p->own, "status.progress.bytesDone", json_integer(0));
    return pass_go(p, "Prepared", reterr);
}

int accept_accepted(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *target = NULL;
    AUTO(err) struct err why = {0};
    enum outcome o = plan_target(p, &target, &why);
    if (o != OUTCOME_OK)
        return pass_outcome(p, o, "Failed to read the target PVC", &why, reterr);
    if (!target || meta_deleting(target)) {
        /* Velero makes it; nothing says that it comes first. */
        reconcile_after(p->result, MOVER_LONG_NS);
        return 0;
    }
    AUTO(str) char *why_not = unusable(target);
    return why_not ? pass_fail(p, reterr, "%s", why_not) : prepare(p, target, reterr);
}
