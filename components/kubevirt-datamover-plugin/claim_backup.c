/* The backup action of PersistentVolumeClaims: those of a VM that is eligible carry its name, by
 * which their restore knows them. One with a memory dump does not: no checkpoint has it, so that a
 * restore would wait for what never comes, and the VM would stay halted. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/kubevirt-datamover-plugin/eligible.h"
#include "components/kubevirt-datamover-plugin/plugin.h"
#include "kube/meta.h"

/* {claim: [names of VMs]} of a namespace. New. */
static json_t *read_users(struct plugin *p, const char *ns, struct err *reterr)
{
    AUTO(json) json_t *vms = NULL;
    json_t *users, *vm, *claim;
    size_t i, k;

    if (client_list(&p->client, &plugin_vm, ns, NULL, NULL, &vms, reterr) != ANSWER_OK)
        return NULL;
    users = json_object();
    json_array_foreach(vms, i, vm)
    {
        AUTO(json) json_t *claims = plugin_claims_of(vm, CLAIMS_DISKS);

        json_array_foreach(claims, k, claim)
        {
            const char *name = json_string_value(claim);

            if (!json_object_get(users, name))
                json_object_set_new(users, name, json_array());
            json_array_append_new(json_object_get(users, name), json_string(meta_name(vm)));
        }
    }
    return users;
}

/* The names of the VMs that use a claim; read once for each backup and namespace. New. */
static json_t *users_of(struct plugin *p, const json_t *backup, const char *ns, const char *claim,
                        json_t **ret, struct err *reterr)
{
    const char *uid = meta_uid(backup);
    json_t *of_backup = json_object_get(p->users, uid), *users = json_object_get(of_backup, ns);

    if (!users) {
        users = read_users(p, ns, reterr);
        if (!users)
            return NULL;
        /* Reading may take long, and others have been here meanwhile. */
        of_backup = json_object_get(p->users, uid);
        if (!of_backup) {
            json_object_clear(p->users);
            json_object_set_new(p->users, uid, json_object());
            of_backup = json_object_get(p->users, uid);
        }
        json_object_set_new(of_backup, ns, users);
    }
    *ret = json_incref(json_object_get(users, claim));
    return users;
}

static int judge_vm(struct plugin *p, const json_t *backup, const char *ns, const char *name,
                    bool *ret, struct err *reterr)
{
    AUTO(json) json_t *vm = NULL;
    AUTO(eligibility) struct eligibility e = {0};

    if (client_get(&p->client, &plugin_vm, ns, name, &vm, reterr) != ANSWER_OK ||
        eligible(p, backup, vm, &e, reterr) < 0)
        return -1;
    *ret = e.eligible;
    return 0;
}

static int annotate(struct plugin *p, const json_t *claim, const json_t *vms, const char *vm,
                    struct item_action_output *out, struct err *reterr)
{
    if (json_array_size(vms) > 1)
        return err_set(reterr, ERR_UNSUPPORTED, NO_POS,
                       "PersistentVolumeClaim %s/%s is shared by %zu VirtualMachines: shared "
                       "volumes are not supported, use Velero's own data mover",
                       meta_namespace(claim), meta_name(claim), json_array_size(vms));
    out->item = json_copy_of(claim);
    meta_set_annotation(out->item, plugin_vm_key(p), vm);
    return 0;
}

static int execute(void *plugin, const struct item_action_input *in, struct item_action_output *out,
                   struct err *reterr)
{
    struct plugin *p = plugin;
    AUTO(json) json_t *vms = NULL;
    const char *ns = meta_namespace(in->item);
    size_t i;
    json_t *vm;

    if (!in->owner || !*meta_name(in->owner))
        return err_set(reterr, ERR_INVALID, NO_POS, "there is no Backup");
    if (!*meta_name(in->item) || !*ns)
        return err_set(reterr, ERR_INVALID, NO_POS, "the item is no PersistentVolumeClaim");
    if (!users_of(p, in->owner, ns, meta_name(in->item), &vms, reterr))
        return -1;
    json_array_foreach(vms, i, vm)
    {
        bool taken = false;

        if (judge_vm(p, in->owner, ns, json_string_value(vm), &taken, reterr) < 0)
            return -1;
        if (taken)
            return annotate(p, in->item, vms, json_string_value(vm), out, reterr);
    }
    return 0;
}

const struct item_action plugin_claim_backup = {
    .name = "kubevirt.io/02-pvc-datamover-backup-plugin",
    .kind = ITEM_BACKUP,
    .resources = "persistentvolumeclaims",
    .execute = execute,
};
