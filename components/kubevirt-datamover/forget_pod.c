/* What the deletion of a backup does for one machine, as a program: for those who clean up without
 * Velero (datamover.md 6.4). */
#include "components/bsl/failure.h"
#include "components/bsl/forget.h"
#include "components/kubevirt-datamover/env.h"
#include "components/kubevirt-datamover/upload.h"
#include "components/runtime/config.h"

static int run(struct host *h, const json_t *config, struct err *reterr)
{
    static const char *const needed[] = {"KUBEVIRT_DM_BSL_BUCKET", "KUBEVIRT_DM_VM_NAME",
                                         "KUBEVIRT_DM_VM_NAMESPACE",
                                         "KUBEVIRT_DM_VELERO_BACKUP_NAME"};
    const json_t *args = NULL, *env = NULL;
    const struct config_setting settings[] = {{"args", CONFIG_JSON, &args},
                                              {"env", CONFIG_JSON, &env}};
    if (config_read(config, settings, ARRAY_LEN(settings), reterr) < 0)
        return failure_wrap(reterr, "E-CONFIG", "datamover-forget");
    if (env_require(env, needed, ARRAY_LEN(needed), reterr) < 0)
        return -1;
    struct documents_place place = env_place(env);
    return bsl_forget(h, &place, reterr);
}

const struct component datamover_forget_component = {
    .name = "datamover-forget",
    .kind = COMPONENT_POD,
    .user = "system:serviceaccount:openshift-adp:velero",
    .image = "kubevirt-datamover",
    .pod_arg = "forget",
    .run = run,
};
