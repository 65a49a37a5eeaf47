/* osac-operator: the controllers of ComputeInstances and of their snapshots.
 *
 * Both work on the hub cluster's objects and on the workload cluster's virtual machines. Caches
 * only wake them: whatever decides over data is read fresh, because a restore destroys data and a
 * stale "Stopped" must not authorise one. */
#ifndef VMCONFORM_COMPONENTS_OSAC_OPERATOR_OPERATOR_H
#define VMCONFORM_COMPONENTS_OSAC_OPERATOR_OPERATOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "components/component.h"
#include "components/osac-operator/version.h"
#include "components/runtime/controller.h"
#include "components/runtime/informer.h"
#include "components/runtime/runtime.h"

struct osac_operator {
    struct host *host;
    enum operator_version version;
    struct client hub, workload;
    char *hub_name, *workload_name,
        *ns;                   /* owned; the clients borrow the names (NULL: the default cluster) */
    bool require_tenant;       /* a missing Tenant object holds an instance back */
    int64_t poll_ns;           /* looks at a running job or restore */
    int64_t requeue_ns;        /* looks again for what is waited for on the clusters */
    int64_t subnet_ns;         /* the same for a subnet */
    int64_t jobs_max;          /* length of status.provisioningJobs */
    int64_t snapshots_warn_at; /* log a warning above this many snapshots per instance; 0: never */
    char *service, *credentials; /* owned: where feedback goes, and as whom; NULL: nowhere */
    struct informer *snapshots;  /* cache: for mapping instances to their snapshots; NULL: this
                                    release has none */
};

/* instance.c, snapshot.c: the reconcilers; cookie is the operator. */
int osac_instance_reconcile(void *cookie, const char *ns, const char *name,
                            struct reconcile_result *ret, struct err *reterr);
int osac_snapshot_reconcile(void *cookie, const char *ns, const char *name,
                            struct reconcile_result *ret, struct err *reterr);

extern const struct component osac_operator_component;

#endif
