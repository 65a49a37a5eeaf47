/* Verbs that act on the world itself: components, guests, faults, time. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/quantity.h"
#include "kube/time.h"
#include "runner/casework.h"
#include "runner/shapes.h"
#include "sim/kubevirt/kubevirt.h"
#include "sim/storage/storage.h"

#define CRASH_RESTART (1 * NS_PER_S)
#define SETTLE_QUIET (30 * NS_PER_S)
#define SETTLE_WITHIN (3600 * NS_PER_S)

static int duration_in(struct casework *cw, const struct step *step, const json_t *args,
                       const char *key, int64_t otherwise, int64_t *ret)
{
    const json_t *v = json_object_get(args, key);
    AUTO(str) char *text = NULL;

    *ret = otherwise;
    if (!v)
        return 0;
    text = json_is_string(v) ? mem_strdup(json_string_value(v)) : json_text(v);
    if (duration_parse(text, ret) && *ret >= 0 && *ret <= DURATION_MAX)
        return 0;
    return verdict(cw, RESULT_ERROR, "scenario", step->pos, NULL,
                   "'%s' must be a duration such as 30s, at most 87600h, found '%s'", key, text);
}

static struct cluster *cluster_of(struct casework *cw, const struct step *step,
                                  const struct eval *e, const json_t *args)
{
    AUTO(str) char *name = NULL;
    struct err err = {0};
    struct cluster *c;

    if (json_is_object(args) && json_str(args, "cluster")) {
        name = mem_strdup(json_str(args, "cluster"));
    } else if (step->cluster && !(name = tmpl_text(step->cluster, e, &err))) {
        verdict_error(cw, "scenario", step->pos, &err);
        return NULL;
    }
    c = world_cluster(cw->world, name);
    if (!c)
        verdict(cw, RESULT_ERROR, "scenario", step->pos, NULL, "no cluster is called '%s'",
                name ? name : "main");
    return c;
}

static int do_component(struct casework *cw, const struct step *step, const json_t *args)
{
    const char *start = json_str(args, "start"), *stop = json_str(args, "stop");
    const char *restart = json_str(args, "restart");

    if (start)
        return component_start(cw, start, json_object_get(args, "with"), step->pos);
    if (stop)
        return component_stop(cw, stop, step->pos);
    return component_restart(cw, restart, step->pos);
}

static int do_crash(struct casework *cw, const struct step *step, const json_t *args)
{
    const char *name = json_is_string(args) ? json_string_value(args) : json_str(args, "component");
    int64_t delay = CRASH_RESTART;

    if (json_is_object(args) && strcmp(json_str_or_empty(args, "restart"), "never") == 0)
        delay = -1;
    else if (json_is_object(args) &&
             duration_in(cw, step, args, "restart", CRASH_RESTART, &delay) < 0)
        return -1;
    return component_crash(cw, name, delay, step->pos);
}

/* The cluster that has the VM, looked for by name in all when none is named. */
static int guest_vm(struct casework *cw, const struct step *step, const struct eval *e,
                    const json_t *args, struct object_ref *ret)
{
    struct err err = {0};
    AUTO(str)
    char *cluster =
        step->cluster && !json_str(args, "cluster") ? tmpl_text(step->cluster, e, &err) : NULL;

    if (err_pending(&err))
        return verdict_error(cw, "scenario", step->pos, &err);
    if (!ref_object(cw, "VirtualMachine", NULL, json_str(args, "vm"),
                    cluster ? cluster : json_str(args, "cluster"), ret, &err)) {
        if (!err_pending(&err))
            err_set(&err, ERR_NOT_FOUND, step->pos, "no cluster has the VM '%s'",
                    json_str(args, "vm"));
        return verdict_error(cw, "stage", step->pos, &err);
    }
    return 0;
}

static int guest_extent(const json_t *args, const char *what, const struct object_ref *vm,
                        struct err *reterr)
{
    const json_t *x = json_object_get(args, what);
    int64_t first = json_int(x, "first", -1), blocks = json_int(x, "blocks", -1);

    if (first < 0 || blocks < 0)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "%s: 'first' and 'blocks' must be integers of at least 0", what);
    return (strcmp(what, "write") == 0 ? guest_write : guest_discard)(
        vm->cluster, vm->ns, vm->name, json_str(x, "disk"), (uint64_t)first, (uint64_t)blocks,
        reterr);
}

static int do_guest(struct casework *cw, const struct step *step, const struct eval *e,
                    const json_t *args)
{
    AUTO(object_ref) struct object_ref vm = {0};
    AUTO(str) char *what = NULL;
    struct err err = {0};
    int r;

    if (guest_vm(cw, step, e, args, &vm) < 0)
        return -1;
    if (json_object_get(args, "write"))
        r = guest_extent(args, "write", &vm, &err);
    else if (json_object_get(args, "discard"))
        r = guest_extent(args, "discard", &vm, &err);
    else {
        what = json_str(args, "power") ? mem_strdup(json_str(args, "power"))
                                       : mem_printf("agent-%s", json_str_or_empty(args, "agent"));
        r = guest_power(vm.cluster, vm.ns, vm.name, what, &err);
    }
    return r < 0 ? verdict_error(cw, "stage", step->pos, &err) : 0;
}

/* Every VM of every cluster remembers its disks under this name. */
static int do_mark(struct casework *cw, const struct step *step, const json_t *args)
{
    const char *moment = json_string_value(args);

    for (size_t i = 0; i < world_cluster_count(cw->world); i++) {
        struct cluster *c = world_cluster_at(cw->world, i);
        AUTO(json)
        json_t *vms = apiserver_peek_all(cluster_server(c), "kubevirt.io", "virtualmachines", NULL);
        size_t k;
        json_t *vm;

        json_array_foreach(vms, k, vm)
        {
            struct err err = {0};

            if (guest_mark(c, json_str_or_empty(vm, "metadata.namespace"),
                           json_str_or_empty(vm, "metadata.name"), moment, &err) < 0)
                return verdict_error(cw, "stage", step->pos, &err);
        }
    }
    return 0;
}

/* Durations inside an action become nanoseconds, which is what the fault points read. */
static int action_durations(const char *point, json_t *action, struct src_pos pos,
                            struct err *reterr)
{
    const char *key;
    json_t *v;

    json_object_foreach(action, key, v)
    {
        const struct fault_action *known = fault_action_find(point, key);
        int64_t ns;

        if (!known || known->type != FAULT_DURATION)
            continue;
        if (shape_check_type(v, SHAPE_DURATION, key, pos, reterr) < 0)
            return -1;
        if (!duration_parse(json_is_string(v) ? json_string_value(v) : "0", &ns) || ns < 0)
            return err_set(reterr, ERR_INVALID, pos, "'%s' must be at least 0", key);
        json_object_set_new(action, key, json_integer(ns));
    }
    return 0;
}

static int do_fault(struct casework *cw, const struct step *step, const json_t *args)
{
    const char *clear = json_str(args, "clear");
    /* Deep: what a `${...}` gave belongs to a variable. */
    AUTO(json) json_t *rule = json_copy_of(args);
    struct err err = {0};

    if (clear) {
        if (fault_remove(world_faults(cw->world), clear))
            return 0;
        return verdict(cw, RESULT_ERROR, "scenario", step->pos, NULL, "no fault is called '%s'",
                       clear);
    }
    if (action_durations(json_str_or_empty(rule, "point"), json_object_get(rule, "action"),
                         step->pos, &err) < 0 ||
        fault_add(world_faults(cw->world), rule, &err) < 0)
        return verdict_error(cw, "scenario", step->pos, &err);
    return 0;
}

static int do_link(struct casework *cw, const struct step *step, const json_t *args)
{
    struct cluster *c = world_cluster(cw->world, json_str(args, "cluster"));

    if (!c)
        return verdict(cw, RESULT_ERROR, "scenario", step->pos, NULL, "no cluster is called '%s'",
                       json_str_or_empty(args, "cluster"));
    cluster_set_link(c, json_bool(args, "up", true));
    return 0;
}

static int do_limit(struct casework *cw, const struct step *step, const struct eval *e,
                    const json_t *args)
{
    const json_t *bytes = json_object_get(args, "bytes");
    int64_t n = json_is_integer(bytes) ? json_integer_value(bytes)
                                       : quantity_bytes(json_str_or_empty(args, "bytes"));
    struct cluster *c = cluster_of(cw, step, e, args);

    if (!c)
        return -1;
    if (n <= 0)
        return verdict(cw, RESULT_ERROR, "scenario", step->pos, NULL,
                       "limit: 'bytes' must be more than 0");
    storage_limit_next(c, json_str_or_empty(args, "claim"), (uint64_t)n);
    return 0;
}

static int do_clock(struct casework *cw, const struct step *step, const json_t *args)
{
    int64_t ns;

    if (duration_in(cw, step, args, "advance", 0, &ns) < 0)
        return -1;
    return sched_sleep(world_sched(cw->world), ns) == SCHED_OK && !cw->over ? 0 : -1;
}

static int do_settle(struct casework *cw, const struct step *step, const json_t *args)
{
    int64_t quiet, within;

    if (duration_in(cw, step, args, "quiet", SETTLE_QUIET, &quiet) < 0 ||
        duration_in(cw, step, args, "within", SETTLE_WITHIN, &within) < 0)
        return -1;
    return settle(cw, quiet, within, step->pos);
}

/* Whatever a `${...}` gave: from here on every member has its type. */
static int check_args(const struct step *step, const json_t *args, struct err *reterr)
{
    static const char *const extents[] = {"write", "discard"};

    if (step->verb == VERB_MARK || (step->verb == VERB_CRASH && !json_is_object(args)))
        return shape_check_type(args, SHAPE_TEXT, verb_names[step->verb], tmpl_pos(step->args),
                                reterr);
    if (shape_check_value(args, step->args, shape_of_verb(step->verb), reterr) < 0)
        return -1;
    for (size_t i = 0; step->verb == VERB_GUEST && i < ARRAY_LEN(extents); i++) {
        const json_t *v = json_object_get(args, extents[i]);

        if (v && shape_check_value(v, tmpl_get(step->args, extents[i]), &shape_extent, reterr) < 0)
            return -1;
    }
    return 0;
}

int step_world(struct casework *cw, const struct step *step, const struct frame *frame)
{
    struct eval e = case_eval(cw, frame);
    struct err err = {0};
    AUTO(json) json_t *args = tmpl_eval(step->args, &e, &err);

    if (!args || check_args(step, args, &err) < 0)
        return verdict_error(cw, "scenario", step->pos, &err);
    switch (step->verb) {
    case VERB_COMPONENT:
        return do_component(cw, step, args);
    case VERB_CRASH:
        return do_crash(cw, step, args);
    case VERB_GUEST:
        return do_guest(cw, step, &e, args);
    case VERB_MARK:
        return do_mark(cw, step, args);
    case VERB_FAULT:
        return do_fault(cw, step, args);
    case VERB_LINK:
        return do_link(cw, step, args);
    case VERB_LIMIT:
        return do_limit(cw, step, &e, args);
    case VERB_CLOCK:
        return do_clock(cw, step, args);
    case VERB_SETTLE:
        return do_settle(cw, step, args);
    /* Named one by one, so that the compiler tells of a verb that nobody carries out. */
    case VERB_APPLY:
    case VERB_CREATE:
    case VERB_PATCH:
    case VERB_DELETE:
    case VERB_WAIT:
    case VERB_ASSERT:
    case VERB_ERROR:
    case VERB_USE:
    case VERB_RACE:
    case VERB_CALL:
    case VERB_COUNT:
        break;
    }
    return verdict(cw, RESULT_ERROR, "scenario", step->pos, NULL, "'%s' is no verb of the world",
                   verb_names[step->verb]);
}
