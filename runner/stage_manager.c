/* What the controller manager is like: whom its requests come from. */
#include "runner/given.h"
#include "sim/controllermanager/controllermanager.h"

static int stage_manager(struct casework *cw, const struct staging *s, struct err *reterr)
{
    (void)cw;
    (void)reterr;
    kcm_share_identity(s->cluster, json_is_true(json_object_get(s->args, "sharedIdentity")));
    return 0;
}

static const struct shape_key manager_keys[] = {{"sharedIdentity", SHAPE_BOOL, true},
                                                {NULL, SHAPE_ANY, false}};
static const struct shape manager_shape = {.what = "controllerManager", .keys = manager_keys};

const struct given_item given_controllerManager = {
    .name = "controllerManager",
    .value = "`controllerManager: {sharedIdentity: true}`",
    .says = "the cluster's own controllers act as `system:kube-controller-manager`, and not each "
            "under an account of its own; item key `cluster` beside it",
    .type = SHAPE_MAP,
    .shape = &manager_shape,
    .on_cluster = true,
    .stage = stage_manager,
};
