/* What a ComputeInstance says about its machine: reference, phase, conditions. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/osac-operator/instance.h"
#include "components/osac-operator/kinds.h"
#include "components/osac-operator/text.h"
#include "kube/meta.h"

/* Conditions are cleared by writing False, never by removing them: whoever copies them skips absent
 * ones. So all are there from the start, and those that a newer operator knows are added to older
 * objects. */
void osac_status_init_conditions(struct pass *p)
{
    enum { RESTORE_CONDITIONS = 2 }; /* the last ones, of a later release */
    static const struct {
        const char *type, *reason;
    } wanted[] = {
        {"ConfigurationApplied", "Initialized"}, {"Ready", "Initialized"},
        {"Provisioned", "Initialized"},          {"RestartRequired", "Initialized"},
        {"RestoreInProgress", REASON_EXPECTED},  {"RestoreFailed", REASON_EXPECTED},
    };
    size_t count = ARRAY_LEN(wanted);
    if (p->op->version < OPERATOR_1_1)
        count -= RESTORE_CONDITIONS;
    for (size_t i = 0; i < count; i++)
        if (!meta_condition(p->own, wanted[i].type))
            osac_pass_condition(p, wanted[i].type, "False", wanted[i].reason, "");
    if (!*json_str_or_empty(p->own, "status.phase"))
        json_put_str(p->own, "status.phase", "Starting");
}

static bool one_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

const char *osac_status_phase_of_vm(const json_t *vm)
{
    static const char *const starting[] = {"Provisioning", "WaitingForVolumeBinding", "Starting",
                                           "ErrorUnschedulable", NULL};
    static const char *const running[] = {"Running", "Migrating", "WaitingForReceiver", NULL};
    if (!vm)
        return "Starting";
    if (meta_deleting(vm))
        return "Deleting";
    const char *printable = json_str_or_empty(vm, "status.printableStatus");
    if (!*printable || strcmp(printable, "Unknown") == 0)
        return "";
    if (one_of(printable, starting))
        return "Starting";
    if (strcmp(printable, "Running") == 0 &&
        strcmp(meta_condition_status(vm, "Paused"), "True") == 0)
        return "Paused";
    if (one_of(printable, running))
        return "Running";
    if (strcmp(printable, "Paused") == 0)
        return "Paused";
    if (strcmp(printable, "Stopping") == 0)
        return "Stopping";
    if (strcmp(printable, "Stopped") == 0)
        return "Stopped";
    return "Failed"; /* errors, and values that this release does not know */
}

/* KubeVirt's reasons are free text; metav1.Condition demands a word. */
static const char *reason_or_expected(const char *reason)
{
    if (!isalpha((unsigned char)reason[0]))
        return REASON_EXPECTED;
    for (const char *c = reason; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_')
            return REASON_EXPECTED;
    return reason;
}

/* Mirrors a condition of the VM under the same name. */
static void mirror(struct pass *p, const json_t *vm, const char *type)
{
    const json_t *c = vm ? meta_condition(vm, type) : NULL;
    bool is_true = strcmp(json_str_or_empty(c, "status"), "True") == 0;
    char *message = osac_text_for_tenant(json_str_or_empty(c, "message"));
    osac_pass_condition(p, type, is_true ? "True" : "False",
                        reason_or_expected(json_str_or_empty(c, "reason")), message);
    free(message);
}

/* Provisioned says that the machine was made; a machine that is merely starting again stays
 * provisioned. */
static void set_provisioned(struct pass *p, const json_t *vm, const char *phase)
{
    const char *printable = json_str_or_empty(vm, "status.printableStatus");
    if (strcmp(printable, "Provisioning") == 0 || strcmp(printable, "WaitingForVolumeBinding") == 0)
        osac_pass_condition(p, "Provisioned", "False", "ProvisioningStorage",
                            "Storage is being provisioned");
    else if (osac_pass_is_true(p, "Provisioned") || !*phase)
        return;
    else if (strcmp(phase, "Starting") == 0)
        osac_pass_condition(p, "Provisioned", "False", "Scheduling",
                            "The machine is being scheduled");
    else if (strcmp(phase, "Failed") == 0)
        osac_pass_condition(p, "Provisioned", "False", "ProvisioningFailed",
                            "The machine could not be provisioned");
    else
        osac_pass_condition(p, "Provisioned", "True", "InfrastructureReady", "");
}

static void follow(struct pass *p, const json_t *vm)
{
    const char *phase = osac_status_phase_of_vm(vm);
    if (*phase)
        json_put_str(p->own, "status.phase", phase);
    if (!vm) {
        osac_pass_condition(p, "Provisioned", "False", "WaitingForVM",
                            "The machine does not exist yet");
        mirror(p, NULL, "Ready");
        return;
    }
    json_put_str(p->own, "status.virtualMachineReference.namespace", meta_namespace(vm));
    json_put_str(p->own, "status.virtualMachineReference.kubeVirtVirtualMachineName",
                 meta_name(vm));
    mirror(p, vm, "Ready");
    mirror(p, vm, "RestartRequired");
    set_provisioned(p, vm, phase);
}

enum pass_step osac_status_follow_vm(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *vm = NULL;
    if (osac_pass_machine(p, p->stored, &vm, reterr) != PASS_ON)
        return PASS_FAILED;
    follow(p, vm);
    return PASS_ON;
}
