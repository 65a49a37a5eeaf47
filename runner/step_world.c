/* Verbs that act on the world itself: components, guests, faults, time. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/quantity.h"
#include "kube/time.h"
#include "runner/services.h"
#include "runner/unknown.h"
#include "runner/verb.h"
#include "sim/kubevirt/kubevirt.h"
#include "sim/storage/storage.h"

#define CRASH_RESTART (1 * NS_PER_S)
#define SETTLE_QUIET (30 * NS_PER_S)
#define SETTLE_WITHIN (3600 * NS_PER_S)

int step_duration(struct casework *cw, const struct step *step, const json_t *args, const char *key,
                  int64_t otherwise, int64_t *ret)
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

struct cluster *step_cluster(struct casework *cw, const struct step *step, const struct eval *e,
                             const json_t *args)
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
    c = find_cluster(cw, name, step->pos, &err);
    if (!c)
        verdict_error(cw, "scenario", step->pos, &err);
    return c;
}

static int do_component(struct casework *cw, const struct step *step, const struct eval *e,
                        const json_t *args)
{
    const char *start = json_str(args, "start"), *stop = json_str(args, "stop");
    const char *restart = json_str(args, "restart");

    (void)e;
    if (start)
        return component_start(cw, start, json_object_get(args, "with"), step->pos);
    if (stop)
        return component_stop(cw, stop, step->pos);
    return component_restart(cw, restart, step->pos);
}

static int do_crash(struct casework *cw, const struct step *step, const struct eval *e,
                    const json_t *args)
{
    const char *name = json_is_string(args) ? json_string_value(args) : json_str(args, "component");
    int64_t delay = CRASH_RESTART;

    (void)e;
    if (json_is_object(args) && strcmp(json_str_or_empty(args, "restart"), "never") == 0)
        delay = -1;
    else if (json_is_object(args) &&
             step_duration(cw, step, args, "restart", CRASH_RESTART, &delay) < 0)
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
static int do_mark(struct casework *cw, const struct step *step, const struct eval *e,
                   const json_t *args)
{
    const char *moment = json_string_value(args);

    (void)e;
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

static struct src_pos member_pos(const struct tmpl *map, const char *key /* may be NULL */)
{
    const struct tmpl *value = key ? tmpl_get(map, key) : NULL;

    return tmpl_pos(value ? value : map);
}

/* Durations inside an action become nanoseconds, which is what the fault points read. */
static int action_durations(const char *point, json_t *action, const struct tmpl *t,
                            struct err *reterr)
{
    const char *key;
    json_t *v;

    json_object_foreach(action, key, v)
    {
        const struct fault_action *known = fault_action_find(point, key);
        const struct src_pos pos = member_pos(t, key);
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

static int do_fault(struct casework *cw, const struct step *step, const struct eval *e,
                    const json_t *args)
{
    const char *clear = json_str(args, "clear");
    const struct tmpl *action = tmpl_get(step->args, "action");
    /* Deep: what a `${...}` gave belongs to a variable. */
    AUTO(json) json_t *rule = json_copy_of(args);
    struct err err = {0};

    (void)e;
    if (clear) {
        if (fault_remove(world_faults(cw->world), clear))
            return 0;
        unknown_name(NAMED_FAULT, clear, NULL, 0, step->pos, &err);
        return verdict_error(cw, "scenario", step->pos, &err);
    }
    if (action_durations(json_str_or_empty(rule, "point"), json_object_get(rule, "action"),
                         action ? action : step->args, &err) < 0 ||
        fault_add(world_faults(cw->world), rule, &err) < 0)
        return verdict_error(cw, "scenario", step->pos, &err);
    return 0;
}

static int link_service(struct casework *cw, const struct step *step, const char *name, bool up)
{
    if (services_set_link(services_of(cw->world), name, up))
        return 0;
    return verdict(cw, RESULT_ERROR, "scenario", step->pos, NULL,
                   "nobody has served under the name '%s'", name);
}

static int do_link(struct casework *cw, const struct step *step, const struct eval *e,
                   const json_t *args)
{
    const char *service = json_str(args, "service");
    struct cluster *c = service ? NULL : step_cluster(cw, step, e, args);

    if (service)
        return link_service(cw, step, service, json_bool(args, "up", true));
    if (!c)
        return -1;
    cluster_set_link(c, json_bool(args, "up", true));
    return 0;
}

static int do_limit(struct casework *cw, const struct step *step, const struct eval *e,
                    const json_t *args)
{
    const json_t *bytes = json_object_get(args, "bytes");
    int64_t n = json_is_integer(bytes) ? json_integer_value(bytes)
                                       : quantity_bytes(json_str_or_empty(args, "bytes"));
    struct cluster *c = step_cluster(cw, step, e, args);

    if (!c)
        return -1;
    if (n <= 0)
        return verdict(cw, RESULT_ERROR, "scenario", step->pos, NULL,
                       "limit: 'bytes' must be more than 0");
    storage_limit_next(c, json_str_or_empty(args, "claim"), (uint64_t)n);
    return 0;
}

static int do_clock(struct casework *cw, const struct step *step, const struct eval *e,
                    const json_t *args)
{
    int64_t ns;

    (void)e;
    if (step_duration(cw, step, args, "advance", 0, &ns) < 0)
        return -1;
    return sched_sleep(world_sched(cw->world), ns) == SCHED_OK && !cw->over ? 0 : -1;
}

static int do_settle(struct casework *cw, const struct step *step, const struct eval *e,
                     const json_t *args)
{
    int64_t quiet, within;

    (void)e;
    if (step_duration(cw, step, args, "quiet", SETTLE_QUIET, &quiet) < 0 ||
        step_duration(cw, step, args, "within", SETTLE_WITHIN, &within) < 0)
        return -1;
    return settle(cw, quiet, within, step->pos);
}

/* ---- what they name ---- */

static void component_names(struct check *c, const struct place *at, const struct step *step)
{
    check_component(c, at, tmpl_get(step->args, "start"), tmpl_get(step->args, "with"));
    check_started(c, at, tmpl_get(step->args, "stop"));
    check_started(c, at, tmpl_get(step->args, "restart"));
}

static void crash_names(struct check *c, const struct place *at, const struct step *step)
{
    const struct tmpl *name = tmpl_get(step->args, "component");

    check_started(c, at, name ? name : step->args);
}

static void guest_names(struct check *c, const struct place *at, const struct step *step)
{
    static const char *const powers[] = {"shutdown", "reset", "crash", "pause", "unpause"};
    static const char *const agent[] = {"up", "down"};

    check_cluster(c, at, tmpl_get(step->args, "cluster"));
    check_choice(c, at, tmpl_get(step->args, "power"), powers, ARRAY_LEN(powers),
                 "power of a guest");
    check_choice(c, at, tmpl_get(step->args, "agent"), agent, ARRAY_LEN(agent),
                 "state of the agent");
}

static void cluster_names(struct check *c, const struct place *at, const struct step *step)
{
    check_cluster(c, at, tmpl_get(step->args, "cluster"));
}

/* The values of some attributes are names too, or words of a closed list; all are globs. */
static void hold_match(struct check *c, const struct said *match, const char *point,
                       const char *attr, const struct tmpl *t)
{
    const struct said value = said_at(&match->at, t);
    struct err err = {0};

    if (strcmp(attr, "by") == 0)
        check_actor_glob(c, &match->at, t);
    else if (strcmp(attr, "cluster") == 0)
        check_cluster_glob(c, &match->at, t);
    else if (strcmp(attr, "kind") == 0)
        check_kind_glob(c, &match->at, t);
    else if (strcmp(attr, "plural") == 0)
        check_served(c, &match->at, t, SERVED_PLURAL);
    else if (strcmp(attr, "group") == 0)
        check_served(c, &match->at, t, SERVED_GROUP);
    else if (strcmp(attr, "subresource") == 0)
        check_served(c, &match->at, t, SERVED_SUBRESOURCE);
    else if (said_word(&value) && fault_check_pattern(point, attr, said_word(&value), &err) < 0)
        check_wrong(c, tmpl_pos(value.t), &err);
}

static void match_names(struct check *c, const struct said *match, const char *point)
{
    const char *key;
    struct src_pos pos;
    const struct tmpl *t;

    if (!match->t || !tmpl_is_map(match->t))
        return;
    for (size_t i = 0; (t = tmpl_at(match->t, i, &key, &pos)); i++) {
        struct err err = {0};

        if (fault_check_attr(point, key, &err) < 0)
            check_wrong(c, pos, &err);
        else
            hold_match(c, match, point, key, t);
    }
}

/* With holes only the names of its members are known. */
static void action_names(struct check *c, const struct said *action, const char *point)
{
    const char *key;
    struct src_pos pos;
    AUTO(json) json_t *fixed = NULL;
    const char *member = NULL;
    struct err err = {0};

    if (!action->t || !tmpl_is_map(action->t))
        return;
    for (size_t i = 0; tmpl_at(action->t, i, &key, &pos); i++) {
        if (fault_check_action_name(point, key, &err) == 0)
            continue;
        check_wrong(c, pos, &err);
        return;
    }
    fixed = tmpl_fixed(action->t) ? json_copy_of(tmpl_fixed(action->t)) : NULL;
    if (fixed && (action_durations(point, fixed, action->t, &err) < 0 ||
                  fault_check_action(point, fixed, &member, &err) < 0))
        check_wrong(c, member_pos(action->t, member), &err);
}

static void fault_names(struct check *c, const struct place *at, const struct step *step)
{
    const struct said rule = said_at(at, step->args), point = said_member(&rule, "point");
    const struct said match = said_member(&rule, "match"), action = said_member(&rule, "action");
    struct err err = {0};

    check_fault_name(c, at, tmpl_get(step->args, "clear"));
    if (tmpl_get(step->args, "action") && !tmpl_get(step->args, "point")) {
        fault_no_point(&err);
        check_wrong(c, step->pos, &err);
    }
    if (!said_word(&point))
        return;
    if (fault_check_point(said_word(&point), &err) < 0) {
        check_wrong(c, tmpl_pos(point.t), &err);
        return;
    }
    match_names(c, &match, said_word(&point));
    action_names(c, &action, said_word(&point));
}

/* ---- the verbs ---- */

static const struct shape_key component_keys[] = {{"start", SHAPE_TEXT, false},
                                                  {"stop", SHAPE_TEXT, false},
                                                  {"restart", SHAPE_TEXT, false},
                                                  {"with", SHAPE_MAP_VALUE, false},
                                                  {NULL, SHAPE_ANY, false}};
static const char *const component_forms[] = {"start", "stop", "restart", NULL};
static const struct shape component_shape = {
    .what = "component", .keys = component_keys, .one_of = component_forms};
static const struct shape_key crash_keys[] = {
    {"component", SHAPE_TEXT, true}, {"restart", SHAPE_TEXT, false}, {NULL, SHAPE_ANY, false}};
static const struct shape_note crash_notes[] = {{"restart", NULL, "A duration, or never."},
                                                {NULL, NULL, NULL}};
static const struct shape crash_shape = {.what = "crash", .keys = crash_keys, .notes = crash_notes};
static const struct shape_key guest_keys[] = {
    {"vm", SHAPE_TEXT, true},      {"cluster", SHAPE_TEXT, false}, {"write", SHAPE_MAP, false},
    {"discard", SHAPE_MAP, false}, {"power", SHAPE_TEXT, false},   {"agent", SHAPE_TEXT, false},
    {NULL, SHAPE_ANY, false}};
static const char *const guest_forms[] = {"write", "discard", "power", "agent", NULL};
static const struct shape_note guest_notes[] = {
    {"write", &shape_extent, NULL},
    {"discard", &shape_extent, NULL},
    {"power", NULL, "shutdown, reset, crash, pause or unpause."},
    {"agent", NULL, "up or down."},
    {NULL, NULL, NULL}};
static const struct shape guest_shape = {
    .what = "guest", .keys = guest_keys, .one_of = guest_forms, .notes = guest_notes};
static const struct shape_key fault_keys[] = {
    {"name", SHAPE_TEXT, false},  {"point", SHAPE_TEXT, false}, {"match", SHAPE_MAP_VALUE, false},
    {"skip", SHAPE_INT, false},   {"times", SHAPE_INT, false},  {"action", SHAPE_MAP_VALUE, false},
    {"clear", SHAPE_TEXT, false}, {NULL, SHAPE_ANY, false}};
static const char *const fault_forms[] = {"action", "clear", NULL};
static const struct shape fault_shape = {
    .what = "fault", .keys = fault_keys, .one_of = fault_forms};
static const struct shape_key link_keys[] = {{"cluster", SHAPE_TEXT, false},
                                             {"service", SHAPE_TEXT, false},
                                             {"up", SHAPE_BOOL, true},
                                             {NULL, SHAPE_ANY, false}};
static const char *const link_forms[] = {"cluster", "service", NULL};
static const struct shape link_shape = {.what = "link", .keys = link_keys, .one_of = link_forms};
static const struct shape_key limit_keys[] = {{"claim", SHAPE_TEXT, true},
                                              {"bytes", SHAPE_QUANTITY, true},
                                              {"cluster", SHAPE_TEXT, false},
                                              {NULL, SHAPE_ANY, false}};
static const struct shape limit_shape = {.what = "limit", .keys = limit_keys};
static const struct shape_key clock_keys[] = {{"advance", SHAPE_DURATION, true},
                                              {NULL, SHAPE_ANY, false}};
static const struct shape clock_shape = {.what = "clock", .keys = clock_keys};
static const struct shape_key settle_keys[] = {
    {"quiet", SHAPE_DURATION, false}, {"within", SHAPE_DURATION, false}, {NULL, SHAPE_ANY, false}};
static const struct shape settle_shape = {.what = "settle", .keys = settle_keys};

const struct verb verb_component = {
    .name = "component",
    .value = "`{start: NAME, with: {...}}`, `{stop: NAME}`, `{restart: NAME}`",
    .shape = &component_shape,
    .act = do_component,
    .names = component_names,
};
const struct verb verb_crash = {
    .name = "crash",
    .value = "`NAME`, or `{component: NAME, restart: DURATION}`",
    .says = "every task of it stops where it stands; it starts again, with empty caches, after the "
            "duration (default 1s; `never`)",
    .takes = VERB_TEXT_OR_MAP,
    .shape = &crash_shape,
    .act = do_crash,
    .names = crash_names,
};
const struct verb verb_guest = {
    .name = "guest",
    .value = "`{vm: REF, ...}` with one of `write: {disk, first, blocks}`, `discard: {...}`, "
             "`power: shutdown|reset|crash|pause|unpause`, `agent: up|down`",
    .says = "what happens inside",
    .shape = &guest_shape,
    .act = do_guest,
    .names = guest_names,
};
const struct verb verb_mark = {
    .name = "mark",
    .value = "NAME",
    .says = "remembers this moment of every VM's disks",
    .takes = VERB_TEXT,
    .act = do_mark,
};
const struct verb verb_fault = {
    .name = "fault",
    .value = "`{name, point, match, skip, times, action}` or `{clear: NAME}`",
    .says = "see [Faults](#faults)",
    .shape = &fault_shape,
    .act = do_fault,
    .names = fault_names,
};
const struct verb verb_link = {
    .name = "link",
    .value = "`{cluster: NAME, up: true|false}`, `{service: NAME, up: true|false}`",
    .says = "the way to a cluster, or of components to a service",
    .shape = &link_shape,
    .act = do_link,
    .names = cluster_names,
};
const struct verb verb_limit = {
    .name = "limit",
    .value = "`{claim: GLOB, bytes: QUANTITY}`",
    .says = "the next claim that matches gets a volume of really this size",
    .shape = &limit_shape,
    .act = do_limit,
    .names = cluster_names,
};
const struct verb verb_clock = {
    .name = "clock",
    .value = "`{advance: DURATION}`",
    .says = "lets virtual time pass",
    .shape = &clock_shape,
    .waits = true,
    .act = do_clock,
};
const struct verb verb_settle = {
    .name = "settle",
    .value = "`{quiet: DURATION, within: DURATION}` (defaults 30s, 1h)",
    .says = "waits until nothing was written for that long; never is an error",
    .shape = &settle_shape,
    .waits = true,
    .act = do_settle,
};
