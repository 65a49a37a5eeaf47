/* Which KubeVirt a cluster has: its version, where it is installed, how it treats instance types.
 */
#include "runner/given.h"
#include "sim/kubevirt/kubevirt.h"

static int stage_virt(struct casework *cw, const struct staging *s, struct err *reterr)
{
    const char *key;
    json_t *value;

    (void)cw;
    json_object_foreach((json_t *)s->args, key, value)
    {
        if (kubevirt_set(s->cluster, key, value, reterr) < 0)
            return -1;
    }
    return 0;
}

static const struct shape_key virt_keys[] = {{"version", SHAPE_TEXT, false},
                                             {"namespace", SHAPE_TEXT, false},
                                             {"referencePolicy", SHAPE_TEXT, false},
                                             {"objectGraph", SHAPE_BOOL, false},
                                             {NULL, SHAPE_ANY, false}};
static const struct shape virt_shape = {.what = "virt", .keys = virt_keys};

const struct given_item given_virt = {
    .name = "virt",
    .value = "`virt: {SETTING: VALUE}`",
    .says = "which KubeVirt it is: `version` (from `\"1.3\"` on; without a patch the last of that "
            "version, without any the latest), `namespace` (of its accounts; `kubevirt`), "
            "`referencePolicy` (what becomes of instance types: `reference`, `expand` or "
            "`expandAll`), `objectGraph` (the feature gate, on); item key `cluster` beside it",
    .type = SHAPE_MAP,
    .shape = &virt_shape,
    .on_cluster = true,
    .stage = stage_virt,
};
