/* How big the claim has to be that KubeVirt writes a backup to (datamover.md 3.6). */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/kubevirt-datamover/mover.h"
#include "kube/meta.h"
#include "kube/quantity.h"

#define PERCENT 20
#define GIB (INT64_C(1) << 30)
#define UNKNOWN "10Gi"

const char *upload_claim_of(const json_t *volume)
{
    static const char *const paths[] = {"persistentVolumeClaim.claimName", "dataVolume.name",
                                        "memoryDump.claimName"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (*json_str_or_empty(volume, paths[i]))
            return json_str(volume, paths[i]);
    return NULL;
}

/* What is no size adds nothing. */
static void add_bytes(int64_t *sum, int64_t bytes)
{
    if (bytes > 0)
        *sum = bytes > INT64_MAX - *sum ? INT64_MAX : *sum + bytes;
}

/* Adds the capacity of a claim; OUTCOME_BAD: there is no such claim. */
static enum outcome add_claim(struct pass *p, const char *name, int64_t *sum, struct err *reterr)
{
    AUTO(json) json_t *claim = NULL;
    AUTO(err) struct err e = {0};
    enum answer a =
        client_get(&p->m->client, &kind_dm_claim, pass_vm_namespace(p), name, &claim, &e);
    if (a == ANSWER_NOT_FOUND) {
        err_set(reterr, ERR_NOT_FOUND, NO_POS, "PVC %s of the VM not found", name);
        return OUTCOME_BAD;
    }
    if (a != ANSWER_OK) {
        err_move(reterr, &e);
        return OUTCOME_RETRY;
    }
    int64_t bytes = quantity_bytes(json_str_or_empty(claim, "status.capacity.storage"));
    add_bytes(sum, bytes);
    return OUTCOME_OK;
}

static enum outcome sum_of(struct pass *p, const json_t *vm, int64_t *sum, struct err *reterr)
{
    size_t i;
    const json_t *volume;
    json_array_foreach(json_path(vm, "spec.template.spec.volumes"), i, volume)
    {
        const char *claim = upload_claim_of(volume);
        enum outcome o = claim ? add_claim(p, claim, sum, reterr) : OUTCOME_OK;
        if (o != OUTCOME_OK)
            return o;
        /* A file of the node is in the checkpoint, too, on no claim (B-44). */
        if (!p->m->as_code)
            add_bytes(sum, quantity_bytes(json_str_or_empty(volume, "hostDisk.capacity")));
    }
    return OUTCOME_OK;
}

enum outcome upload_size(struct pass *p, const json_t *vm, char **ret, struct err *reterr)
{
    const char *told = pass_annotation(p, KEY_TEMP_SIZE);
    const char *source = json_str_or_empty(p->own, "spec.sourcePVC");
    char text[QUANTITY_TEXT];
    int64_t sum = 0;
    if (quantity_bytes(told) > 0) {
        *ret = mem_strdup(told);
        return OUTCOME_OK;
    }
    enum outcome o = sum_of(p, vm, &sum, reterr);
    if (o == OUTCOME_OK && sum == 0 && *source)
        o = add_claim(p, source, &sum, reterr);
    if (o != OUTCOME_OK)
        return o;
    int64_t bytes = sizing_with_overhead(sum, PERCENT);
    quantity_from_bytes(bytes < GIB ? GIB : bytes, text);
    *ret = mem_strdup(sum > 0 ? text : UNKNOWN);
    return OUTCOME_OK;
}
