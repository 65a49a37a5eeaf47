/* The delete action of VirtualMachines: what a backup has of a VM goes, as far as no other backup
 * needs it (datamover.md 6.4). */
#include "base/json.h"
#include "base/mem.h"
#include "components/bsl/forget.h"
#include "components/kubevirt-datamover-plugin/plugin.h"
#include "kube/meta.h"

static int check_location(struct plugin *p, const json_t *location, struct err *reterr)
{
    const char *secret = json_str_or_empty(location, "spec.credential.name");
    const char *what = "BackupStorageLocation";

    if (!*json_str_or_empty(location, "spec.objectStorage.bucket"))
        return err_set(reterr, ERR_INVALID, NO_POS, "%s %s has no bucket", what,
                       meta_name(location));
    if (!*secret)
        return err_set(reterr, ERR_INVALID, NO_POS, "%s %s has no credential secret configured",
                       what, meta_name(location));
    if (client_get(&p->client, &plugin_secret, p->ns, secret, NULL, reterr) != ANSWER_OK)
        return err_wrap(reterr, NO_POS, "the credential of %s %s", what, meta_name(location));
    return 0;
}

static int execute(void *plugin, const struct item_action_input *in, struct item_action_output *out,
                   struct err *reterr)
{
    struct plugin *p = plugin;
    const char *name = json_str_or_empty(in->owner, "spec.storageLocation");
    AUTO(json) json_t *location = NULL;
    struct documents_place place;

    (void)out;
    if (!in->owner || !*meta_name(in->owner))
        return err_set(reterr, ERR_INVALID, NO_POS, "there is no Backup");
    if (!meta_annotation(in->item, KEY_UPLOAD)) /* the datamover has never had it */
        return 0;
    if (client_get(&p->client, &plugin_location, p->ns, name, &location, reterr) != ANSWER_OK)
        return err_wrap(reterr, NO_POS, "the BackupStorageLocation '%s'", name);
    if (check_location(p, location, reterr) < 0)
        return -1;
    place = (struct documents_place){json_str_or_empty(location, "spec.objectStorage.bucket"),
                                     json_str_or_empty(location, "spec.objectStorage.prefix"),
                                     meta_name(in->owner), meta_namespace(in->item),
                                     meta_name(in->item)};
    return bsl_forget(p->host, &place, reterr);
}

const struct item_action plugin_vm_delete = {
    .name = "kubevirt.io/01-vm-datamover-delete-plugin",
    .kind = ITEM_DELETE,
    .resources = "virtualmachines.kubevirt.io",
    .execute = execute,
};
