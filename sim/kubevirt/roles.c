/* The cluster roles that KubeVirt's operator installs, as those of 1.8. */
#include "sim/kubevirt/roles.h"

#include "base/mem.h"
#include "sim/auth/roles.h"
#include "sim/kubevirt/kv_priv.h"

#define ALL "create,delete,deletecollection,get,list,patch,update,watch "
#define EDIT "create,delete,get,list,patch,update,watch "
#define READ "get,list,watch "

/* What is asked of a guest, and what is done to it. */
#define GET_OF_ALL                                                                                 \
    "virtualmachineinstances/guestosinfo,virtualmachineinstances/filesystemlist,"                  \
    "virtualmachineinstances/userlist,virtualmachineinstances/sev/fetchcertchain,"                 \
    "virtualmachineinstances/sev/querylaunchmeasurement,virtualmachines/objectgraph,"              \
    "virtualmachineinstances/objectgraph"
#define SUBRESOURCES                                                                               \
    "get subresources.kubevirt.io virtualmachineinstances/console,virtualmachineinstances/vnc,"    \
    "virtualmachineinstances/vnc/screenshot,virtualmachineinstances/portforward,"                  \
    "virtualmachineinstances/usbredir," GET_OF_ALL "\n"                                            \
    "update subresources.kubevirt.io virtualmachineinstances/pause,"                               \
    "virtualmachineinstances/unpause,virtualmachineinstances/addvolume,"                           \
    "virtualmachineinstances/removevolume,virtualmachineinstances/freeze,"                         \
    "virtualmachineinstances/unfreeze,virtualmachineinstances/softreboot,"                         \
    "virtualmachineinstances/reset,virtualmachineinstances/sev/setupsession,"                      \
    "virtualmachineinstances/sev/injectlaunchsecret,"                                              \
    "virtualmachineinstances/evacuate/cancel\n"                                                    \
    "get subresources.kubevirt.io virtualmachines/expand-spec,virtualmachines/portforward\n"       \
    "update subresources.kubevirt.io virtualmachines/start,virtualmachines/stop,"                  \
    "virtualmachines/restart,virtualmachines/addvolume,virtualmachines/removevolume,"              \
    "virtualmachines/memorydump,virtualmachines/evacuate/cancel\n"                                 \
    "update subresources.kubevirt.io expand-vm-spec\n"

#define INSTANCETYPES                                                                              \
    "virtualmachineinstancetypes,virtualmachineclusterinstancetypes,virtualmachinepreferences,"    \
    "virtualmachineclusterpreferences"
/* Kinds that the three roles have different verbs for. */
#define OBJECTS(VERBS)                                                                             \
    VERBS "snapshot.kubevirt.io virtualmachinesnapshots,virtualmachinesnapshotcontents,"           \
          "virtualmachinerestores\n" VERBS                                                         \
          "backup.kubevirt.io virtualmachinebackups,virtualmachinebackuptrackers\n" VERBS          \
          "export.kubevirt.io virtualmachineexports\n" VERBS                                       \
          "clone.kubevirt.io virtualmachineclones\n" VERBS                                         \
          "instancetype.kubevirt.io " INSTANCETYPES "\n" VERBS                                     \
          "pool.kubevirt.io virtualmachinepools\n"
#define MACHINES                                                                                   \
    "kubevirt.io virtualmachines,virtualmachineinstances,virtualmachineinstancepresets,"           \
    "virtualmachineinstancereplicasets"
#define MIGRATIONS "kubevirt.io virtualmachineinstancemigrations"
#define POLICIES READ "migrations.kubevirt.io migrationpolicies"

static const struct role_def roles[] = {
    {.name = "kubevirt.io:default",
     .rules = "get,list kubevirt.io kubevirts\n"
              "get,list subresources.kubevirt.io version,guestfs"},
    {.name = "kubevirt.io:admin",
     .label = ROLE_LABEL_ADMIN,
     .rules = SUBRESOURCES ALL MACHINES "\n" READ MIGRATIONS "\n" OBJECTS(ALL) POLICIES},
    {.name = "kubevirt.io:edit",
     .label = ROLE_LABEL_EDIT,
     .rules = SUBRESOURCES EDIT MACHINES
     "\n" READ MIGRATIONS "\n" OBJECTS(EDIT) "get,list kubevirt.io kubevirts\n" POLICIES},
    {.name = "kubevirt.io:view",
     .label = ROLE_LABEL_VIEW,
     .rules = "get,list kubevirt.io kubevirts\n"
              "get subresources.kubevirt.io virtualmachines/expand-spec," GET_OF_ALL "\n"
              "update subresources.kubevirt.io expand-vm-spec\n" READ MACHINES
              ",virtualmachineinstancemigrations\n" OBJECTS(READ) POLICIES},
    {.name = "instancetype.kubevirt.io:view",
     .rules = READ "instancetype.kubevirt.io virtualmachineclusterinstancetypes,"
                   "virtualmachineclusterpreferences"},
    {.name = "kubevirt.io:migrate",
     .rules = "update subresources.kubevirt.io virtualmachines/migrate\n" ALL MIGRATIONS},
};

static const struct binding_def bindings[] = {
    {"kubevirt.io:default", "kubevirt.io:default", "Group:system:authenticated"},
    {"instancetype.kubevirt.io:view", "instancetype.kubevirt.io:view",
     "Group:system:authenticated"},
};

/* Those of the usual namespace are among the simulation's own. */
void kv_accounts_bind(const struct kv *kv)
{
    AUTO(str)
    char *subjects = mem_printf("ServiceAccount:%s/kubevirt-controller "
                                "ServiceAccount:%s/kubevirt-handler "
                                "ServiceAccount:%s/kubevirt-apiserver",
                                kv->ns, kv->ns, kv->ns);
    const struct binding_def binding = {"vmconform:kubevirt", "cluster-admin", subjects};
    const struct role_set set = {.bindings = &binding,
                                 .binding_count = 1,
                                 .user = KV_USER_OPERATOR,
                                 .manager = "virt-operator"};
    role_set_create(cluster_server(kv->cluster), &set);
}

void kubevirt_roles_create(struct cluster *c)
{
    static const struct role_set set = {.roles = roles,
                                        .role_count = ARRAY_LEN(roles),
                                        .bindings = bindings,
                                        .binding_count = ARRAY_LEN(bindings),
                                        .mark = "kubevirt.io",
                                        .own_too = "kubevirt.io:default",
                                        .user = KV_USER_OPERATOR,
                                        .manager = "virt-operator"};
    if (kv_of(c))
        role_set_create(cluster_server(c), &set);
}
