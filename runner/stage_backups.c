/* What KubeVirt is like where it backs machines up: its version, its gates, its known bugs. */
#include "runner/given.h"
#include "sim/kubevirt/kubevirt.h"

static int stage_backups(struct casework *cw, const struct staging *s, struct err *reterr)
{
    const char *key;
    json_t *value;

    (void)cw;
    json_object_foreach((json_t *)s->args, key, value)
    {
        if (kubevirt_set_knob(s->cluster, key, value, reterr) < 0)
            return -1;
    }
    return 0;
}

static const struct shape_key backups_keys[] = {{"version", SHAPE_TEXT, false},
#define KNOB(name, field, sets, says) {#name, SHAPE_BOOL, false},
#include "sim/kubevirt/knobs.list"
#undef KNOB
                                                {NULL, SHAPE_ANY, false}};
static const struct shape backups_shape = {.what = "backups", .keys = backups_keys};

const struct given_item given_backups = {
    .name = "backups",
    .value = "`backups: {KNOB: VALUE}`",
    .says = "how KubeVirt backs machines up: "
            "`version` (up to `\"1.8\"` conditions are those of then), "
#define KNOB(name, field, sets, says) "`" #name "` (" says "), "
#include "sim/kubevirt/knobs.list"
#undef KNOB
            "all but the first true or false; item key `cluster` beside it",
    .type = SHAPE_MAP,
    .shape = &backups_shape,
    .on_cluster = true,
    .stage = stage_backups,
};
