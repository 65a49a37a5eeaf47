/* outage: nobody outside reaches a cluster for a while. */
#include "kube/time.h"
#include "runner/verb.h"

static int do_outage(struct casework *cw, const struct step *step, const struct eval *e,
                     const json_t *args)
{
    struct cluster *c = step_cluster(cw, step, e, args);
    enum sched_result slept;
    int64_t ns;

    if (!c || step_duration(cw, step, args, "lasts", 60 * NS_PER_S, &ns) < 0)
        return -1;
    cluster_set_link(c, false);
    slept = sched_sleep(world_sched(cw->world), ns);
    cluster_set_link(c, true);
    return slept == SCHED_OK && !cw->over ? 0 : -1;
}

static const struct shape_key outage_keys[] = {
    {"cluster", SHAPE_TEXT, false}, {"lasts", SHAPE_DURATION, false}, {NULL, SHAPE_ANY, false}};
static const struct shape outage_shape = {.what = "outage", .keys = outage_keys};

const struct verb verb_outage = {
    .name = "outage",
    .value = "`{cluster: NAME, lasts: DURATION}` (default 1m)",
    .says = "nobody outside reaches the cluster for that long",
    .shape = &outage_shape,
    .waits = true,
    .act = do_outage,
};
