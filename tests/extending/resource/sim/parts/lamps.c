/* Lamps: each shines, or not, two seconds after somebody wants it. */
#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/controller/ctl.h"
#include "sim/parts/part.h"

#define WARM_UP_NS (2 * NS_PER_S)

static const struct kind LAMP = {"example.com", "v1", "lamps", "Lamp"};

struct lamps {
    struct ctl ctl;
    struct worker *worker;
    struct feeder *feeder;
};

/* What the fault point "bulb" has for this lamp; NULL: all is well. */
static const json_t *fault_of(const struct lamps *l, const char *ns, const char *name)
{
    const struct cluster *c = l->ctl.cluster;
    const struct fault_attr attrs[] = {{"ns", ns}, {"name", name}, {"cluster", cluster_name(c)}};

    return fault_hit(world_faults(cluster_world(c)), "bulb", attrs, ARRAY_LEN(attrs));
}

/* Brings one lamp into the state that its spec asks for. Runs on a fiber of its own: it may wait.
 */
static int reconcile(void *cookie, const char *ns, const char *name, int64_t *ret_after_ns,
                     struct err *reterr)
{
    struct lamps *l = cookie;
    AUTO(json) json_t *lamp = ctl_peek(&l->ctl, &LAMP, ns, name);
    AUTO(json) json_t *patch = NULL;
    bool wanted = json_bool(lamp, "spec.on", false);
    const json_t *fault;
    char since[TIME_TEXT];

    (void)ret_after_ns;
    if (!lamp || json_bool(lamp, "status.lit", false) == wanted)
        return 0;
    fault = fault_of(l, ns, name);
    if (json_bool(fault, "dead", false))
        return 0;
    if (sched_sleep(world_sched(cluster_world(l->ctl.cluster)),
                    WARM_UP_NS + json_int(fault, "slow", 0)) != SCHED_OK)
        return err_set(reterr, ERR_CRASHED, NO_POS, "the process has crashed");
    time_format(ctl_now(&l->ctl), since);
    patch = json_pack("{s:{s:b, s:s}}", "status", "lit", wanted, "since", since);
    return ctl_patch(&l->ctl, &LAMP, ns, name, "status", PATCH_MERGE, patch, reterr);
}

static void on_lamp(void *cookie, enum api_event_type type, json_t *lamp)
{
    struct lamps *l = cookie;

    (void)type;
    worker_add_object(l->worker, lamp);
}

static void lamps_destroy(void *part)
{
    struct lamps *l = part;

    feeder_destroy(l->feeder);
    worker_destroy(l->worker);
    free(l);
}

static int start(struct cluster *c, struct err *reterr)
{
    struct process *process = cluster_process(c, "lamps");
    struct lamps *l;

    if (part_runs(c, "lamps"))
        return err_set(reterr, ERR_INVALID, NO_POS, "cluster '%s' has its lamps already",
                       cluster_name(c));
    l = mem_zalloc(sizeof *l);
    l->ctl = (struct ctl){.cluster = c, .user = "system:serviceaccount:lamps:controller"};
    part_attach(c, "lamps", l, lamps_destroy);
    l->worker = worker_start(world_sched(cluster_world(c)), process, "lamps", reconcile, l);
    l->feeder = feeder_start(&l->ctl, process, &LAMP, on_lamp, l);
    return 0;
}

const struct sim_part part_lamps = {
    .name = "lamps", .says = "lamps that follow their `spec.on`", .start = start};
