/* The given `velero`: the simulated Velero server of a cluster. */
#include "runner/given.h"
#include "runner/plugins.h"

static int stage_velero(struct casework *cw, const struct staging *s, struct err *reterr)
{
    struct cluster *c = find_cluster(cw, json_string_value(s->args), s->given->pos, reterr);

    return c ? velero_stage(cw, c, reterr) : -1;
}

static void velero_names(struct check *c, const struct place *at, const struct given *g)
{
    check_cluster(c, at, g->args);
}

const struct given_item given_velero = {
    .name = "velero",
    .value = "`velero: CLUSTER`",
    .says =
        "the Velero server of that cluster, which calls the plugins that are started; it can be "
        "crashed, stopped and restarted as the component `velero`",
    .type = SHAPE_TEXT,
    .stage = stage_velero,
    .names = velero_names,
};
