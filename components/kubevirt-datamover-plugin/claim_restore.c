/* The restore action of PersistentVolumeClaims: one DataDownload for each that was a VM's. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/kubevirt-datamover-plugin/download.h"
#include "components/kubevirt-datamover-plugin/plugin.h"
#include "components/kubevirt-datamover-plugin/titles.h"
#include "kube/meta.h"

#define DYNAMIC_PV "velero.io/dynamic-pv-restore"

/* The claim as it is made: bound to nothing, so that it waits for the volume that comes. */
static json_t *unbound(const json_t *item)
{
    json_t *claim = json_copy_of(item);

    json_drop(claim, "spec.volumeName");
    json_object_del(claim, "status");
    meta_set_annotation(claim, KEY_BIND_COMPLETED, NULL);
    meta_set_annotation(claim, KEY_BOUND_BY_CONTROLLER, NULL);
    return claim;
}

/* The design holds provisioners off by a selector that no volume has a label for yet; the
 * implementation leaves selectors alone, and its controller refuses a claim that has one. */
static void select_volume(json_t *claim, const char *ns)
{
    AUTO(str) char *full = mem_printf("%s.%s", ns, meta_name(claim));
    AUTO(str) char *label = title_velero_label(full);

    json_put_take(claim, "spec.selector", json_pack("{s:{s:s}}", "matchLabels", DYNAMIC_PV, label));
}

static int check_input(const struct item_action_input *in, struct err *reterr)
{
    if (!in->owner || !*meta_name(in->owner))
        return err_set(reterr, ERR_INVALID, NO_POS, "there is no Restore");
    if (!in->item || !*meta_name(in->item_from_backup) || !*meta_namespace(in->item_from_backup) ||
        !json_is_object(json_object_get(in->item, "spec")))
        return err_set(reterr, ERR_INVALID, NO_POS, "the item is no PersistentVolumeClaim");
    return 0;
}

static int execute(void *plugin, const struct item_action_input *in, struct item_action_output *out,
                   struct err *reterr)
{
    struct plugin *p = plugin;
    const json_t *stored = in->item_from_backup;
    const char *vm = stored ? meta_annotation(stored, plugin_vm_key(p)) : NULL;
    AUTO(json) json_t *claim = NULL;
    AUTO(str) char *operation = NULL;
    struct download d;

    if (!vm || !*vm)
        return 0;
    if (check_input(in, reterr) < 0)
        return -1;
    d = (struct download){.restore = in->owner,
                          .ns = meta_namespace(stored),
                          .vm = vm,
                          .claim = meta_name(stored),
                          .target_ns = download_mapped(in->owner, meta_namespace(stored))};
    claim = unbound(in->item);
    operation = title_operation(meta_name(in->owner), d.ns, d.claim);
    d.operation = operation;
    if (p->design)
        select_volume(claim, d.target_ns);
    else if (download_make(p, &d, reterr) < 0)
        return -1;
    else
        out->operation = TAKE(operation);
    out->item = TAKE(claim);
    return 0;
}

static int progress(void *plugin, const char *operation, const json_t *owner,
                    struct item_progress *ret, struct err *reterr)
{
    return plugin_ask(plugin, &plugin_download, "dd-", operation, owner, ret, reterr);
}

static int cancel(void *plugin, const char *operation, const json_t *owner, struct err *reterr)
{
    AUTO(str) char *name = mem_printf("dd-%s", operation);

    (void)owner;
    return plugin_cancel(plugin, &plugin_download, name, reterr);
}

const struct item_action plugin_claim_restore = {
    .name = "kubevirt.io/03-pvc-datamover-restore-plugin",
    .kind = ITEM_RESTORE,
    .resources = "persistentvolumeclaims",
    .execute = execute,
    .progress = progress,
    .cancel = cancel,
};
