/* kubevirt/ssp-operator, as far as it protects machines from deletion (delete-protection.md
 * sections 3 and 5): the policy of today, and the designs that were proposed for the revisions a
 * machine depends on, one at a time. */
#ifndef VMCONFORM_COMPONENTS_SSP_OPERATOR_OPERATOR_H
#define VMCONFORM_COMPONENTS_SSP_OPERATOR_OPERATOR_H

#include <stdbool.h>

#include "components/runtime/client.h"
#include "components/runtime/controller.h"

/* A machine with this label, and one of the values `true` and `True`, is protected. */
#define SSP_PROTECTION_LABEL "kubevirt.io/vm-delete-protection"
#define SSP_FINALIZER "finalize.ssp.kubevirt.io"
/* Of revisions, by the design `finalizers`. */
#define SSP_REVISION_FINALIZER "ssp.kubevirt.io/vm-delete-protection"
/* Of revisions: the kind of what they are a copy of. */
#define SSP_OBJECT_KIND_LABEL "instancetype.kubevirt.io/object-kind"

/* What guards the ControllerRevisions of protected machines (section 5). */
enum ssp_revisions {
    SSP_REVISIONS_NONE,       /* D0: nothing */
    SSP_REVISIONS_ALLOW_LIST, /* D1: all of them, from all but two identities (PR #1556) */
    SSP_REVISIONS_LABELS,     /* D2: the label is copied to them, and a policy heeds it */
    SSP_REVISIONS_FINALIZERS  /* D3: a finalizer, as long as the machine is there */
};
/* What guards the namespaces of protected machines. */
enum ssp_namespaces {
    SSP_NAMESPACES_NONE,
    SSP_NAMESPACES_LABELS /* D5 without a webhook: a label says that one holds a protected machine
                           */
};

struct ssp_operator {
    struct client client;
    char *cluster; /* NULL: the default one */
    char *ns;      /* of the SSP resource, and the one whose kubevirt-controller is trusted */
    char *exempt;  /* who may delete labelled revisions beside nobody; NULL: nobody */
    bool graph;    /* asks KubeVirt what machines depend on, beside reading them */
    enum ssp_revisions revisions;
    enum ssp_namespaces namespaces;
    struct informer *ssps, *policies, *bindings;
};

extern const struct kind ssp_kind_ssp, ssp_kind_policy, ssp_kind_binding, ssp_kind_vm,
    ssp_kind_revision, ssp_kind_namespace;

/* Brings policies and bindings to what the settings want, and says so in the SSP resource. */
int ssp_operands_reconcile(void *cookie, const char *ns, const char *name,
                           struct reconcile_result *ret, struct err *reterr);

/* Whether the label protects: the policy's rule, in C. */
bool ssp_is_protected(const json_t *object);

#endif
