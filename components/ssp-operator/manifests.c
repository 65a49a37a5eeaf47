#include "components/ssp-operator/manifests.h"

#include <assert.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"

#define REVISIONS "kubevirt-instancetype-controllerrevisions-protection"

const struct ssp_operand_names ssp_operand_names[SSP_OPERAND_COUNT] = {
    [SSP_VM_PROTECTION] = {"kubevirt-vm-deletion-protection", "kubevirt-vm-deletion-protection"},
    [SSP_REVISION_ALLOW_LIST] = {REVISIONS, REVISIONS "-binding"},
    [SSP_REVISION_LABELS] = {REVISIONS "-by-label", REVISIONS "-by-label"},
    [SSP_NAMESPACE_LABELS] = {"kubevirt-namespace-deletion-protection",
                              "kubevirt-namespace-deletion-protection"},
};

bool ssp_operand_wanted(const struct ssp_operator *op, enum ssp_operand which)
{
    switch (which) {
    case SSP_VM_PROTECTION:
        return true;
    case SSP_REVISION_ALLOW_LIST:
        return op->revisions == SSP_REVISIONS_ALLOW_LIST;
    case SSP_REVISION_LABELS:
        return op->revisions == SSP_REVISIONS_LABELS;
    case SSP_NAMESPACE_LABELS:
        return op->namespaces == SSP_NAMESPACES_LABELS;
    case SSP_OPERAND_COUNT:
        break;
    }
    assert(!"an operand");
    return false;
}

static json_t *object_new(const struct kind *kind, const char *name)
{
    json_t *out = kind_object(kind, NULL, name);
    meta_set_label(out, "app.kubernetes.io/name", "vm-delete-protection");
    meta_set_label(out, "app.kubernetes.io/component", "vmDeleteProtection");
    meta_set_label(out, "app.kubernetes.io/managed-by", "ssp-operator");
    return out;
}

/* ---- policies ---- */

/* Holds for whoever may delete; labels may be absent as a whole, or lack the key. */
#define NOT_PROTECTED                                                                              \
    "!has(oldObject.metadata.labels) || !(variables.label in oldObject.metadata.labels) || "       \
    "!oldObject.metadata.labels[variables.label].matches('^(true|True)$')"

static json_t *label_variable(void)
{
    return json_pack("[{s:s, s:s}]", "name", "label", "expression", "'" SSP_PROTECTION_LABEL "'");
}

static json_t *deletes(const char *group, json_t *versions /* taken */, const char *plural)
{
    return json_pack("{s:s, s:{}, s:{}, s:[{s:[s], s:o, s:[s], s:[s], s:s}]}", "matchPolicy",
                     "Equivalent", "namespaceSelector", "objectSelector", "resourceRules",
                     "apiGroups", group, "apiVersions", versions, "operations", "DELETE",
                     "resources", plural, "scope", "*");
}

static json_t *policy_spec(json_t *match /* taken */, json_t *variables /* taken, or NULL */,
                           const char *expression, const char *message)
{
    json_t *spec =
        json_pack("{s:s, s:o, s:[{s:s, s:s}]}", "failurePolicy", "Fail", "matchConstraints", match,
                  "validations", "expression", expression, "messageExpression", message);
    if (variables)
        json_object_set_new(spec, "variables", variables);
    return spec;
}

static json_t *machine_spec(void)
{
    return policy_spec(
        deletes("kubevirt.io", json_pack("[s, s]", "v1", "v1alpha3"), "virtualmachines"),
        label_variable(), NOT_PROTECTED,
        "'VirtualMachine ' + string(oldObject.metadata.name) + ' cannot be deleted, "
        "disable/remove label ' + '\\'' + variables.label + '\\'' + ' from "
        "VirtualMachine before deleting it'");
}

/* Trusts the garbage collector, and the kubevirt-controller of the SSP resource's own namespace. */
static json_t *allow_list_spec(const struct ssp_operator *op)
{
    AUTO(str)
    char *expression =
        mem_printf("request.userInfo.username in ['system:serviceaccount:kube-system:"
                   "generic-garbage-collector', 'system:serviceaccount:%s:kubevirt-controller']",
                   op->ns);
    return policy_spec(deletes("apps", json_pack("[s]", "v1"), "controllerrevisions"), NULL,
                       expression,
                       "'Instancetype controller revision deletion is blocked only "
                       "GC/kubevirt-controller: ' + request.userInfo.username");
}

static json_t *revision_label_spec(const struct ssp_operator *op)
{
    AUTO(str)
    char *expression = op->exempt ? mem_printf("request.userInfo.username == '%s' || %s",
                                               op->exempt, NOT_PROTECTED)
                                  : mem_strdup(NOT_PROTECTED);
    return policy_spec(deletes("apps", json_pack("[s]", "v1"), "controllerrevisions"),
                       label_variable(), expression,
                       "'ControllerRevision ' + string(oldObject.metadata.name) + ' belongs to a "
                       "VirtualMachine that is protected from deletion'");
}

static json_t *namespace_label_spec(void)
{
    return policy_spec(deletes("", json_pack("[s]", "v1"), "namespaces"), label_variable(),
                       "has(oldObject.metadata.deletionTimestamp) || " NOT_PROTECTED,
                       "'Namespace ' + string(oldObject.metadata.name) + ' holds a VirtualMachine "
                       "that is protected from deletion'");
}

json_t *ssp_policy_manifest(const struct ssp_operator *op, enum ssp_operand which)
{
    json_t *out = object_new(&ssp_kind_policy, ssp_operand_names[which].policy);
    json_t *spec = NULL;
    switch (which) {
    case SSP_VM_PROTECTION:
        spec = machine_spec();
        break;
    case SSP_REVISION_ALLOW_LIST:
        spec = allow_list_spec(op);
        break;
    case SSP_REVISION_LABELS:
        spec = revision_label_spec(op);
        break;
    case SSP_NAMESPACE_LABELS:
        spec = namespace_label_spec();
        break;
    case SSP_OPERAND_COUNT:
        break;
    }
    assert(spec);
    json_object_set_new(out, "spec", spec);
    return out;
}

/* ---- bindings ---- */

json_t *ssp_binding_manifest(enum ssp_operand which)
{
    const struct ssp_operand_names *names = &ssp_operand_names[which];
    json_t *out = object_new(&ssp_kind_binding, names->binding);
    json_t *spec =
        json_pack("{s:s, s:[s]}", "policyName", names->policy, "validationActions", "Deny");
    /* What a machine was started with, and the history of StatefulSets, are revisions too. */
    if (which == SSP_REVISION_ALLOW_LIST)
        json_object_set_new(
            spec, "matchResources",
            json_pack("{s:s, s:{}, s:{s:[{s:s, s:s, s:[s, s, s, s]}]}}", "matchPolicy",
                      "Equivalent", "namespaceSelector", "objectSelector", "matchExpressions",
                      "key", SSP_OBJECT_KIND_LABEL, "operator", "In", "values",
                      "VirtualMachineClusterInstancetype", "VirtualMachineClusterPreference",
                      "VirtualMachineInstancetype", "VirtualMachinePreference"));
    json_object_set_new(out, "spec", spec);
    return out;
}
