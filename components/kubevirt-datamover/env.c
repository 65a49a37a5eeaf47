#include "components/kubevirt-datamover/env.h"

#include "components/bsl/failure.h"

const char *env_text(const json_t *env, const char *name)
{
    const char *s = json_string_value(json_object_get(env, name));
    return s ? s : "";
}

const char *env_or(const json_t *env, const char *name, const char *otherwise)
{
    const char *text = env_text(env, name);
    return *text ? text : otherwise;
}

int env_require(const json_t *env, const char *const *names, size_t count, struct err *reterr)
{
    for (size_t i = 0; i < count; i++)
        if (!*env_text(env, names[i]))
            return failure_set(reterr, ERR_INVALID, "E-CONFIG", "%s is not set", names[i]);
    return 0;
}

struct documents_place env_place(const json_t *env)
{
    return (struct documents_place){
        env_text(env, "KUBEVIRT_DM_BSL_BUCKET"), env_text(env, "KUBEVIRT_DM_BSL_PREFIX"),
        env_text(env, "KUBEVIRT_DM_VELERO_BACKUP_NAME"), env_text(env, "KUBEVIRT_DM_VM_NAMESPACE"),
        env_text(env, "KUBEVIRT_DM_VM_NAME")};
}
