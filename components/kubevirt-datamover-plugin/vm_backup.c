/* The backup action of VirtualMachines: one DataUpload for each that is eligible. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/kubevirt-datamover-plugin/eligible.h"
#include "components/kubevirt-datamover-plugin/plugin.h"
#include "components/kubevirt-datamover-plugin/titles.h"
#include "kube/meta.h"

/* ---- the DataUpload ---- */

static bool says_true(const json_t *object, const char *key)
{
    const char *value = meta_annotation(object, key);

    return value && strcmp(value, "true") == 0;
}

static json_t *new_upload(struct plugin *p, const json_t *backup, const json_t *vm,
                          const char *claim, const char *operation)
{
    AUTO(str) char *name = mem_printf("du-%s", operation);
    AUTO(str) char *label = title_label(meta_name(backup));
    const char *ns = meta_namespace(vm), *size = meta_annotation(vm, KEY_SIZE);
    json_t *du = kind_object(&plugin_upload, p->ns, name);

    json_put_take(du, "metadata.ownerReferences",
                  json_pack("[o]", meta_owner_ref(backup, false, false)));
    meta_set_label(du, KEY_BACKUP, label);
    meta_set_annotation(du, KEY_VM_NAME, meta_name(vm));
    meta_set_annotation(du, KEY_VM_NAMESPACE, ns);
    meta_set_annotation(du, KEY_OPERATION, operation);
    if (size)
        meta_set_annotation(du, KEY_SIZE, size);
    if (says_true(vm, KEY_FORCE_FULL) || says_true(backup, KEY_FORCE_FULL))
        meta_set_annotation(du, KEY_FORCE_FULL, "true");
    json_put_take(du, "spec",
                  json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "snapshotType", "CSI", "sourcePVC",
                            claim, "datamover", DATAMOVER, "backupStorageLocation",
                            json_str_or_empty(backup, "spec.storageLocation"), "sourceNamespace",
                            ns, "operationTimeout", plugin_timeout(backup)));
    return du;
}

/* One that an earlier Backup of this name has left is not ours, whatever it says. */
static bool is_owned(const json_t *du, const json_t *backup)
{
    const json_t *owner = json_array_get(json_path(du, "metadata.ownerReferences"), 0);

    return !owner || strcmp(json_str_or_empty(owner, "uid"), meta_uid(backup)) == 0;
}

static int adopt(struct plugin *p, const json_t *wanted, const json_t *backup, char **ret_operation,
                 struct err *reterr)
{
    AUTO(json) json_t *du = NULL;
    const char *operation;

    if (client_get(&p->client, &plugin_upload, p->ns, meta_name(wanted), &du, reterr) != ANSWER_OK)
        return -1;
    operation = meta_annotation(du, KEY_OPERATION);
    if (strcmp(json_str_or_empty(du, "spec.sourcePVC"),
               json_str_or_empty(wanted, "spec.sourcePVC")) != 0 ||
        strcmp(json_str_or_empty(du, "spec.sourceNamespace"),
               json_str_or_empty(wanted, "spec.sourceNamespace")) != 0 ||
        !operation || !*operation || !is_owned(du, backup))
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "DataUpload %s exists, and is of another volume or backup", meta_name(du));
    *ret_operation = mem_strdup(operation);
    return 0;
}

static int make_upload(struct plugin *p, const json_t *backup, const json_t *du,
                       char **ret_operation, struct err *reterr)
{
    struct err err = {0};
    enum answer a = client_create(&p->client, &plugin_upload, du, NULL, &err);

    if (a == ANSWER_EXISTS) {
        err_clear(&err);
        return adopt(p, du, backup, ret_operation, reterr);
    }
    if (a != ANSWER_OK)
        return err_move(reterr, &err);
    *ret_operation = mem_strdup(meta_annotation(du, KEY_OPERATION));
    return 0;
}

/* ---- the action ---- */

static json_t *annotated(const json_t *vm, const json_t *du, const char *claim,
                         const char *operation)
{
    json_t *copy = json_copy_of(vm);
    AUTO(str) char *full = mem_printf("%s.%s", meta_namespace(vm), claim);
    AUTO(str) char *label = title_velero_label(full);

    meta_set_annotation(copy, KEY_UPLOAD, meta_name(du));
    meta_set_annotation(copy, KEY_OPERATION, operation);
    meta_set_annotation(copy, KEY_CLAIM, label);
    meta_set_annotation(copy, KEY_MUST_INCLUDE, "true");
    return copy;
}

static int check_input(const struct item_action_input *in, struct err *reterr)
{
    if (!in->owner || !*meta_name(in->owner))
        return err_set(reterr, ERR_INVALID, NO_POS, "there is no Backup");
    if (!in->item || !*meta_name(in->item) || !*meta_namespace(in->item) ||
        !json_is_object(json_object_get(in->item, "spec")))
        return err_set(reterr, ERR_INVALID, NO_POS, "the item is no VirtualMachine");
    return 0;
}

/* Velero leaves out what a custom policy names, so nobody would notice the gap. */
static void tell_gap(struct item_action_output *out, const json_t *vm, const struct eligibility *e)
{
    if (e->claim)
        item_action_warn(out,
                         "VirtualMachine %s/%s is not backed up by the kubevirt datamover, though "
                         "a volume policy says so of its claim %s: %s. The backup holds no data of "
                         "that volume",
                         meta_namespace(vm), meta_name(vm), e->claim, e->why);
}

static void tell_dumps(struct item_action_output *out, const json_t *vm)
{
    AUTO(json) json_t *dumps = plugin_claims_of(vm, CLAIMS_DUMPS);
    size_t i;
    json_t *name;

    json_array_foreach(dumps, i, name)
        item_action_warn(out,
                         "VirtualMachine %s/%s keeps a memory dump in the claim %s, which no "
                         "backup of its disks has",
                         meta_namespace(vm), meta_name(vm), json_string_value(name));
}

/* In each checkpoint, too, but on no claim that a restore would fill. */
static void tell_node_disks(struct item_action_output *out, const json_t *vm)
{
    size_t i;
    const json_t *volume;

    json_array_foreach(json_path(vm, "spec.template.spec.volumes"), i, volume)
    {
        const char *path = json_str(volume, "hostDisk.path");

        if (path)
            item_action_warn(out,
                             "VirtualMachine %s/%s has the disk %s in the file %s of its node, "
                             "which no restore brings back",
                             meta_namespace(vm), meta_name(vm), json_str_or_empty(volume, "name"),
                             path);
    }
}

static int execute(void *plugin, const struct item_action_input *in, struct item_action_output *out,
                   struct err *reterr)
{
    struct plugin *p = plugin;
    AUTO(eligibility) struct eligibility e = {0};
    AUTO(str) char *wanted = NULL;
    AUTO(str) char *operation = NULL;
    AUTO(json) json_t *du = NULL;

    if (check_input(in, reterr) < 0 || eligible(p, in->owner, in->item, &e, reterr) < 0)
        return -1;
    if (!e.eligible) {
        tell_gap(out, in->item, &e);
        return 0;
    }
    wanted = title_operation(meta_name(in->owner), meta_namespace(in->item), meta_name(in->item));
    du = new_upload(p, in->owner, in->item, e.claim, wanted);
    if (make_upload(p, in->owner, du, &operation, reterr) < 0)
        return -1;
    tell_dumps(out, in->item);
    tell_node_disks(out, in->item);
    out->item = annotated(in->item, du, e.claim, operation);
    out->additional = json_pack("[{s:s, s:s, s:s}]", "resource", "datauploads.velero.io",
                                "namespace", p->ns, "name", meta_name(du));
    out->operation = TAKE(operation);
    return 0;
}

static int progress(void *plugin, const char *operation, const json_t *owner,
                    struct item_progress *ret, struct err *reterr)
{
    return plugin_ask(plugin, &plugin_upload, "du-", operation, owner, ret, reterr);
}

static int cancel(void *plugin, const char *operation, const json_t *owner, struct err *reterr)
{
    AUTO(str) char *name = mem_printf("du-%s", operation);

    (void)owner;
    return plugin_cancel(plugin, &plugin_upload, name, reterr);
}

const struct item_action plugin_vm_backup = {
    .name = "kubevirt.io/01-vm-datamover-backup-plugin",
    .kind = ITEM_BACKUP,
    .resources = "virtualmachines.kubevirt.io",
    .execute = execute,
    .progress = progress,
    .cancel = cancel,
};
