/* The restore action of backups and trackers of VMs: a VirtualMachineBackup that were restored
 * would start a backup, a tracker would claim a checkpoint that the new VM does not have. */
#include "components/kubevirt-datamover-plugin/plugin.h"

static int execute(void *plugin, const struct item_action_input *in, struct item_action_output *out,
                   struct err *reterr)
{
    (void)plugin, (void)in, (void)reterr;
    out->skip = true;
    return 0;
}

const struct item_action plugin_discard = {
    .name = "kubevirt.io/04-vmbackup-datamover-discard-plugin",
    .kind = ITEM_RESTORE,
    .resources = "virtualmachinebackups.backup.kubevirt.io,"
                 "virtualmachinebackuptrackers.backup.kubevirt.io",
    .execute = execute,
};
