/* What has to be fetched for a target claim, and how much room that takes. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/bsl/documents.h"
#include "components/kubevirt-datamover/chain.h"
#include "components/kubevirt-datamover/mover.h"
#include "kube/meta.h"
#include "kube/names.h"
#include "kube/quantity.h"

#define PERCENT_IMPLEMENTATION 20
#define PERCENT_DESIGN 10

void plan_finish(struct plan *plan)
{
    free(plan->disk);
    *plan = (struct plan){0};
}

enum outcome plan_target(struct pass *p, json_t **ret_target, struct err *reterr)
{
    AUTO(err) struct err e = {0};
    enum answer a = client_get(&p->m->client, &kind_dm_claim,
                               json_str_or_empty(p->own, "spec.targetVolume.namespace"),
                               json_str_or_empty(p->own, "spec.targetVolume.pvc"), ret_target, &e);
    if (a == ANSWER_NOT_FOUND) {
        *ret_target = NULL;
        return OUTCOME_OK;
    }
    enum outcome o = outcome_of(a);
    if (o != OUTCOME_OK)
        err_move(reterr, &e);
    return o;
}

static int64_t percent_of(const struct mover *m)
{
    if (m->percent >= 0)
        return m->percent;
    return m->sizing == SIZING_DESIGN ? PERCENT_DESIGN : PERCENT_IMPLEMENTATION;
}

/* What the VM's other target claims ask for, as far as they exist yet. New object. */
static enum outcome read_requests(struct pass *p, const struct documents *docs, json_t **ret,
                                  struct err *reterr)
{
    const char *ns = json_str_or_empty(p->own, "spec.targetVolume.namespace");
    AUTO(json) json_t *claims = sizing_claims(docs->index, docs->ids);
    AUTO(json) json_t *requests = json_object();
    size_t i;
    const json_t *item;
    json_array_foreach(claims, i, item)
    {
        AUTO(json) json_t *claim = NULL;
        AUTO(err) struct err e = {0};
        const char *name = json_string_value(item);
        if (name_check_dns1123_subdomain(name) != NULL)
            continue;
        enum answer a = client_get(&p->m->client, &kind_dm_claim, ns, name, &claim, &e);
        if (outcome_of(a) == OUTCOME_RETRY)
            return err_move(reterr, &e), OUTCOME_RETRY;
        const char *text = json_str(claim, "spec.resources.requests.storage");
        if (text)
            json_object_set_new(requests, name, json_integer(quantity_bytes(text)));
    }
    *ret = TAKE(requests);
    return OUTCOME_OK;
}

static enum outcome sizes_of(struct pass *p, const struct documents *docs, struct sizing_need need,
                             struct staging_sizes *ret, struct err *reterr)
{
    int64_t percent = percent_of(p->m), retries = pass_retries(p);
    *ret = (struct staging_sizes){sizing_scratch(need, percent), sizing_work(need, percent),
                                  sizing_output(need, percent)};
    if (p->m->sizing == SIZING_DESIGN) {
        AUTO(json) json_t *requests = NULL;
        enum outcome o = read_requests(p, docs, &requests, reterr);
        if (o != OUTCOME_OK)
            return o;
        ret->scratch = sizing_design(docs->index, docs->ids, pass_vm_namespace(p), pass_vm(p),
                                     requests, need, percent);
    }
    ret->scratch = sizing_after_retries(ret->scratch, retries);
    /* The output is a device of a fixed size: only the images' room can have been too small. */
    ret->work = sizing_after_retries(ret->work, retries);
    return OUTCOME_OK;
}

static enum outcome refuse(struct err *reterr, const char *what)
{
    err_wrap(reterr, NO_POS, "%s", what);
    return OUTCOME_BAD;
}

static enum outcome plan_disk(struct pass *p, const struct documents *docs, const json_t *target,
                              struct plan *ret, struct err *reterr)
{
    const char *claim = json_str_or_empty(p->own, "spec.targetVolume.pvc");
    AUTO(chain) struct chain chain = {0};
    AUTO(str) char *disk = chain_disk_of_claim(docs->index, docs->ids, claim, reterr);
    if (!disk)
        return refuse(reterr, "Failed to resolve target disk name");
    if (chain_resolve(docs->index, docs->ids, pass_vm_namespace(p), pass_vm(p), disk, &chain,
                      reterr) < 0)
        return refuse(reterr, "Failed to resolve checkpoint chain");
    const char *request = json_str(target, "spec.resources.requests.storage");
    struct sizing_need need =
        sizing_need_of(docs->index, docs->ids, &chain, disk, request ? quantity_bytes(request) : 0);
    struct staging_sizes sizes;
    enum outcome o = sizes_of(p, docs, need, &sizes, reterr);
    if (o == OUTCOME_OK)
        *ret = (struct plan){TAKE(disk), need.files, sizes};
    return o;
}

enum outcome plan_make(struct pass *p, const struct location *l, const json_t *target,
                       struct plan *ret, struct err *reterr)
{
    const char *backup = meta_label(p->own, KEY_BACKUP);
    if (!backup || !*backup) {
        err_set(reterr, ERR_INVALID, NO_POS, "label " KEY_BACKUP " is missing");
        return OUTCOME_BAD;
    }
    struct documents_place place = {l->bucket, l->prefix, backup, pass_vm_namespace(p), pass_vm(p)};
    AUTO(documents) struct documents docs = {0};
    if (documents_read(p->m->host, &place, &docs, reterr) == 0)
        return plan_disk(p, &docs, target, ret, reterr);
    enum err_code code = reterr->code;
    return code == ERR_IO || code == ERR_CRASHED ? OUTCOME_RETRY : OUTCOME_BAD;
}
