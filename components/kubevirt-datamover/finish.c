/* How a download ends: Completed with the volume kept, Canceled with nothing left; and the run
 * state of the VM, once all of its disks are there. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/kubevirt-datamover/mover.h"
#include "kube/meta.h"
#include "kube/names.h"

#define EVENT_REASON "PVLeftInRetainPolicy"

static json_t *new_event(struct pass *p)
{
    char now[TIME_TEXT];
    const char *ns = json_str_or_empty(p->own, "spec.targetVolume.namespace");
    const char *claim = json_str_or_empty(p->own, "spec.targetVolume.pvc");
    /* One name per download: a second try after a crash finds the first one's event. */
    AUTO(str) char *owner = name_shorten(meta_name(p->stored), 200);
    AUTO(str) char *name = mem_printf("%s.%.16s", owner, pass_uid(p));
    json_t *event = kind_object(&kind_dm_event, p->m->ns, name);
    time_format(host_now(p->m->host), now);
    json_put_take(event, "involvedObject",
                  json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "apiVersion",
                            meta_api_version(p->stored), "kind", meta_kind(p->stored), "namespace",
                            meta_namespace(p->stored), "name", meta_name(p->stored), "uid",
                            pass_uid(p), "resourceVersion", meta_resource_version(p->stored)));
    json_put_str(event, "reason", EVENT_REASON);
    json_put_take(event, "message",
                  json_sprintf("The PV of restored PVC %s/%s keeps the reclaim policy Retain; set "
                               "another one when the data are safe",
                               ns, claim));
    json_put_str(event, "type", "Warning");
    json_put_str(event, "source.component", DM_NAME);
    json_put_str(event, "firstTimestamp", now);
    json_put_str(event, "lastTimestamp", now);
    json_put_take(event, "count", json_integer(1));
    json_put_str(event, "reportingComponent", DM_NAME);
    json_put_str(event, "reportingInstance", "");
    return event;
}

/* Events are a courtesy: nothing fails for want of one. */
static void tell(struct pass *p)
{
    AUTO(json) json_t *event = new_event(p);
    AUTO(err) struct err e = {0};
    enum answer a = client_create(&p->m->client, &kind_dm_event, event, NULL, &e);
    if (a != ANSWER_OK && a != ANSWER_EXISTS && a != ANSWER_CRASHED)
        host_log(p->m->host, LOG_WARNING, "no event for DataDownload %s: %s", meta_name(p->stored),
                 e.msg ? e.msg : "");
}

int finish_complete(struct pass *p, struct err *reterr)
{
    AUTO(err) struct err e = {0};
    if (pass_is_block(p) && staging_delete(p, ROLE_WORK, &e) == OUTCOME_RETRY)
        host_log(p->m->host, LOG_WARNING, "work PVC of DataDownload %s not deleted: %s",
                 meta_name(p->stored), e.msg ? e.msg : "");
    tell(p);
    const json_t *total = json_path(p->own, "status.progress.totalBytes");
    if (total)
        json_put_take(p->own, "status.progress.bytesDone", json_copy_of(total));
    pass_set_phase(p, "Completed", "");
    return pass_save(p, reterr);
}

/* Pods first: they protect what they mount. */
int finish_cancel(struct pass *p, struct err *reterr)
{
    AUTO(err) struct err why = {0};
    enum outcome o = pod_delete_all(p, &why);
    if (o == OUTCOME_OK)
        o = rebind_forget(p, &why);
    if (o == OUTCOME_OK)
        o = staging_delete(p, "", &why);
    if (o == OUTCOME_RETRY || o == OUTCOME_BAD)
        return err_move(reterr, &why);
    if (o == OUTCOME_WAIT)
        return 0;
    return pass_go(p, "Canceled", reterr);
}

/* ---- the VM ---- */

static bool is_sibling(const struct pass *p, const json_t *dd)
{
    const char *vm = meta_annotation(dd, KEY_VM_NAME);
    return strcmp(json_str_or_empty(dd, "spec.datamover"), DM_DATAMOVER) == 0 && vm &&
           strcmp(vm, pass_vm(p)) == 0 &&
           strcmp(json_str_or_empty(dd, "spec.targetVolume.namespace"),
                  json_str_or_empty(p->own, "spec.targetVolume.namespace")) == 0;
}

static enum outcome all_complete(struct pass *p, bool *ret, struct err *reterr)
{
    const char *restore = meta_label(p->own, KEY_RESTORE);
    AUTO(json) json_t *all = NULL;
    size_t i;
    const json_t *dd;
    *ret = restore != NULL;
    if (!restore)
        return OUTCOME_OK;
    AUTO(str) char *selector = mem_printf(KEY_RESTORE "=%s", restore);
    enum outcome o = outcome_of(
        client_list(&p->m->client, &kind_dm_download, p->m->ns, selector, NULL, &all, reterr));
    json_array_foreach(all, i, dd) if (is_sibling(p, dd) &&
                                       strcmp(json_str_or_empty(dd, "status.phase"), "Completed") !=
                                           0) *ret = false;
    return o;
}

/* A disk whose download is yet to be asked for has no sibling to wait for (B-26). Its claim tells:
 * it is the datamover's, and empty. A claim that is not there comes in time, unless it is a
 * DataVolume's, which is made without us. */
static enum outcome look_at_claim(struct pass *p, const json_t *volume, bool *ret,
                                  struct err *reterr)
{
    AUTO(json) json_t *claim = NULL;
    AUTO(err) struct err e = {0};
    enum answer a = client_get(&p->m->client, &kind_dm_claim,
                               json_str_or_empty(p->own, "spec.targetVolume.namespace"),
                               upload_claim_of(volume), &claim, &e);
    if (a != ANSWER_OK && a != ANSWER_NOT_FOUND)
        return err_move(reterr, &e), OUTCOME_RETRY;
    const char *vm = meta_annotation(claim, KEY_VM_NAME);
    if (a == ANSWER_NOT_FOUND)
        *ret = *ret && json_str(volume, "dataVolume.name");
    else if (vm && strcmp(vm, pass_vm(p)) == 0)
        *ret = *ret && strcmp(json_str_or_empty(claim, "status.phase"), "Bound") == 0;
    return OUTCOME_OK;
}

static enum outcome claims_are_full(struct pass *p, bool *ret, struct err *reterr)
{
    AUTO(json) json_t *vm = NULL;
    AUTO(err) struct err e = {0};
    size_t i;
    const json_t *volume;
    enum answer a =
        client_get(&p->m->client, &kind_dm_vm,
                   json_str_or_empty(p->own, "spec.targetVolume.namespace"), pass_vm(p), &vm, &e);
    if (a == ANSWER_NOT_FOUND || a == ANSWER_NO_KIND)
        *ret = false;
    else if (a != ANSWER_OK)
        return err_move(reterr, &e), OUTCOME_RETRY;
    /* Most machines that we look at run already. */
    if (*ret && !meta_annotation(vm, KEY_RUN_STRATEGY))
        *ret = false;
    if (!*ret)
        return OUTCOME_OK;
    json_array_foreach(json_path(vm, "spec.template.spec.volumes"), i, volume)
    {
        enum outcome o =
            upload_claim_of(volume) ? look_at_claim(p, volume, ret, reterr) : OUTCOME_OK;
        if (o != OUTCOME_OK)
            return o;
    }
    return OUTCOME_OK;
}

static bool change_run_state(json_t *vm, void *cookie)
{
    (void)cookie;
    const char *value = meta_annotation(vm, KEY_RUN_STRATEGY);
    const char *source = meta_annotation(vm, KEY_RUN_SOURCE);
    if (!value || !*value || !source || meta_deleting(vm))
        return false;
    if (strcmp(source, "running") == 0) {
        json_put_take(vm, "spec.running", json_boolean(strcmp(value, "Always") == 0));
        json_drop(vm, "spec.runStrategy");
    } else if (strcmp(source, "runStrategy") == 0) {
        json_put_str(vm, "spec.runStrategy", value);
        json_drop(vm, "spec.running");
    } else {
        return false;
    }
    meta_set_annotation(vm, KEY_RUN_STRATEGY, NULL);
    meta_set_annotation(vm, KEY_RUN_SOURCE, NULL);
    return true;
}

/* The VM lives where its disks were restored to, which a mapping may have changed. One that does
 * not exist yet wakes us when it comes. */
int finish_resume_vm(struct pass *p, struct err *reterr)
{
    bool complete = false;
    AUTO(err) struct err e = {0};
    enum outcome o = all_complete(p, &complete, &e);
    if (o != OUTCOME_OK)
        return err_move(reterr, &e);
    if (!complete || !*pass_vm(p))
        return 0;
    if (!p->m->as_code && (o = claims_are_full(p, &complete, &e)) != OUTCOME_OK)
        return err_move(reterr, &e);
    if (!complete)
        return 0;
    enum answer a = client_change(&p->m->client, &kind_dm_vm,
                                  json_str_or_empty(p->own, "spec.targetVolume.namespace"),
                                  pass_vm(p), NULL, change_run_state, p, NULL, &e);
    if (a == ANSWER_OK || a == ANSWER_NOT_FOUND || a == ANSWER_NO_KIND)
        return 0;
    return err_move(reterr, &e);
}
