/* A machine with its types written into its template, and without matchers: what the subresource
 * expand-spec shows, and what the policies "expand" and "expandAll" make of machines (since 1.4,
 * delete-protection.md 4.4). */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/instancetype_priv.h"

int kv_instancetype_expand(const struct kv *kv, const json_t *vm, json_t **ret, struct err *reterr)
{
    AUTO(json) json_t *instancetype = NULL;
    AUTO(json) json_t *template = NULL;
    int rc = kv_type_find(kv, vm, MATCH_INSTANCETYPE, &instancetype, reterr);
    if (rc || (rc = kv_vm_template(kv, vm, &template, reterr)))
        return rc;
    AUTO(str)
    char *conflicts = instancetype
                          ? kv_type_conflicts(instancetype, json_path(vm, "spec.template.spec"),
                                              "spec.template.spec")
                          : NULL;
    if (conflicts) {
        err_set(reterr, ERR_INVALID, NO_POS, "VM field(s) %s conflicts with selected instance type",
                conflicts);
        return -422;
    }
    AUTO(json) json_t *copy = json_copy_of(vm);
    json_put_take(copy, "spec.template.spec", json_incref(template));
    for (int m = 0; m < MATCHER_COUNT; m++)
        json_object_del(json_object_get(copy, "spec"), kv_matchers[m].word);
    *ret = TAKE(copy);
    return 0;
}

/* The machine is whole without them. That one cannot be deleted is told, and ends the pass; there
 * is no second one: the machine names no type any more. */
static int clean(struct kv *kv, const json_t *vm, enum matcher m, struct err *reterr)
{
    const char *name = kv_revision_recorded(kv, vm, m);
    if (!*name)
        return 0;
    int rc = ctl_delete(&kv->vm, &KIND_REVISION, meta_namespace(vm), name, NULL, reterr);
    if (rc && rc != -1)
        err_wrap(reterr, NO_POS,
                 "error encountered cleaning controllerRevision %s after successfully expanding "
                 "VirtualMachine %s",
                 name, meta_name(vm));
    return rc;
}

int kv_instancetype_expand_policy(struct kv *kv, const json_t *vm, bool all, struct err *reterr)
{
    AUTO(json) json_t *expanded = NULL;
    int rc;
    for (int m = 0; m < MATCHER_COUNT && !all; m++) {
        if (*kv_revision_recorded(kv, vm, (enum matcher)m))
            return 0; /* it was referred to before; it stays so */
    }
    if ((rc = kv_instancetype_expand(kv, vm, &expanded, reterr))) {
        err_wrap(reterr, NO_POS, "error encountered while expanding into VirtualMachine");
        return rc;
    }
    if ((rc = ctl_update(&kv->vm, &KIND_VM, NULL, expanded, reterr))) {
        if (rc != -1)
            err_wrap(reterr, NO_POS,
                     "error encountered when trying to update expanded VirtualMachine");
        return rc;
    }
    for (int m = 0; m < MATCHER_COUNT && !rc; m++)
        rc = clean(kv, vm, (enum matcher)m, reterr);
    return rc;
}
