/* Starting, stopping and crashing the components under test, each a process of its own in the
 * world. */
#include <string.h>

#include "base/mem.h"
#include "components/component.h"
#include "runner/casework.h"
#include "runner/external.h"
#include "runner/plugins.h"
#include "runner/simhost.h"
#include "runner/unknown.h"

static struct running_component *find_running(struct casework *cw, const char *name)
{
    for (size_t i = 0; i < cw->component_count; i++)
        if (strcmp(cw->components[i]->name, name) == 0)
            return cw->components[i];
    return NULL;
}

struct running_component *component_of_process(struct casework *cw, const char *process)
{
    return find_running(cw, process);
}

static const struct component *known_component(struct casework *cw, const char *name,
                                               struct src_pos pos)
{
    const struct component *c = component_find(name);
    struct err err = {0};

    if (c && c->kind != COMPONENT_POD)
        return c;
    unknown_component(name, pos, &err);
    verdict_error(cw, "scenario", pos, &err);
    return NULL;
}

static bool process_failed(void *cookie, const char *message, const char *detail)
{
    struct casework *cw = cookie;

    if (cw->over)
        return false;
    verdict(cw, RESULT_ERROR, "component", NO_POS, detail, "%s", message);
    return true;
}

/* Whatever keeps a process from starting ends the case: a pod must not take it for its program's
 * failure. */
static int run_outside(struct casework *cw, const struct component *c, struct host *h,
                       const json_t *config, struct err *reterr)
{
    const struct front_config front = {.world = cw->world,
                                       .dir = cw->options->sockets,
                                       .program = cw->options->component_program,
                                       .watchdog_ns = cw->options->watchdog_ns,
                                       .failed = process_failed,
                                       .cookie = cw};

    if (!cw->front && !(cw->front = front_create(&front, reterr))) {
        verdict(cw, RESULT_ERROR, "environment", NO_POS, NULL, "%s", reterr->msg);
        return -1;
    }
    return front_run(cw->front, c->name, h, config, reterr);
}

int component_run(struct casework *cw, const struct component *c, struct host *h,
                  const json_t *config, struct err *reterr)
{
    return cw->options->sockets ? run_outside(cw, c, h, config, reterr) : c->run(h, config, reterr);
}

static bool has_setting(const struct component *c, const char *name)
{
    for (size_t i = 0; c->settings && c->settings[i]; i++)
        if (strcmp(c->settings[i], name) == 0)
            return true;
    return false;
}

json_t *component_config(const struct casework *cw, const struct component *c, const json_t *config)
{
    json_t *own = json_copy((json_t *)config);

    if (cw->options->engine && !cw->options->pods && has_setting(c, "engine") &&
        !json_object_get(own, "engine"))
        json_object_set_new(own, "engine", json_string(cw->options->engine));
    return own;
}

/* What one start needs; freed by its own main task. */
struct launch {
    struct casework *cw;
    const struct component *component;
    struct running_component *running;
    struct host *host;
    json_t *config;
};

static void run_component(void *arg)
{
    struct launch *l = arg;
    struct err err = {0};
    int r = component_run(l->cw, l->component, l->host, l->config, &err);
    bool crashed = host_crashed(l->host);

    if (r < 0 && !crashed && !l->cw->over)
        verdict(l->cw, RESULT_ERROR, "component", NO_POS, NULL, "component '%s' ended: %s",
                l->component->name, err.msg ? err.msg : "no reason given");
    err_clear(&err);
    simhost_release(l->host);
    json_decref(l->config);
    free(l);
}

static void launch_plugin(struct casework *cw, const struct component *c,
                          struct running_component *r)
{
    struct err err = {0};

    if (plugin_launch(cw, c, r, &err) < 0)
        verdict(cw, RESULT_ERROR, "component", NO_POS, NULL, "component '%s' ended: %s", c->name,
                err.msg);
    err_clear(&err);
}

static void launch(struct casework *cw, const struct component *c, struct running_component *r)
{
    struct launch *l;

    r->process = process_create(world_sched(cw->world), r->name);
    if (r->launch) {
        r->launch(cw, r);
        return;
    }
    if (c && c->kind == COMPONENT_PLUGIN) {
        launch_plugin(cw, c, r);
        return;
    }
    if (external_is(cw->external, r->name)) {
        external_launch(cw->external, r);
        return;
    }
    l = mem_zalloc(sizeof *l);
    l->cw = cw;
    l->component = c;
    l->running = r;
    l->config = component_config(cw, c, r->config);
    l->host = simhost_create(cw->world, r->process, c->user, NULL, 0);
    simhost_record_programs(l->host, cw->history.programs);
    simhost_record_log(l->host, cw->history.log);
    actor_spawn(r->process, "main", run_component, l);
}

static enum case_player player_of(const struct casework *cw, const char *name)
{
    return cw->options->player ? cw->options->player(cw->options->player_cookie, name)
                               : PLAYER_BUILTIN;
}

static struct running_component *add_running(struct casework *cw, const char *name,
                                             const json_t *config)
{
    struct running_component *r = mem_zalloc(sizeof *r);

    r->name = mem_strdup(name);
    r->config = config ? json_deep_copy(config) : json_object();
    cw->components = mem_grow(cw->components, &cw->component_cap, cw->component_count + 1,
                              sizeof *cw->components);
    cw->components[cw->component_count++] = r;
    return r;
}

int component_stage_part(struct casework *cw, const char *name, struct cluster *c,
                         void (*start)(struct casework *cw, struct running_component *r),
                         struct err *reterr)
{
    struct running_component *r;

    if (find_running(cw, name))
        return err_set(reterr, ERR_INVALID, NO_POS, "'%s' runs already", name);
    r = add_running(cw, name, NULL);
    r->launch = start;
    r->cluster = c;
    r->wanted = true;
    launch(cw, NULL, r);
    return 0;
}

int component_start(struct casework *cw, const char *name, const json_t *config, struct src_pos pos)
{
    enum case_player player = player_of(cw, name);
    bool outside = external_is(cw->external, name);
    struct running_component *r = find_running(cw, name);
    bool part = r && r->launch;
    const struct component *c =
        outside || part || player != PLAYER_BUILTIN ? NULL : known_component(cw, name, pos);

    if (player != PLAYER_BUILTIN)
        return player == PLAYER_OUTSIDE ? stage_pause(cw) : 0;
    if (!c && !outside && !part)
        return -1;
    if (r && r->wanted && !process_crashed(r->process))
        return verdict(cw, RESULT_ERROR, "scenario", pos, NULL, "component '%s' runs already",
                       name);
    if (!r) {
        r = add_running(cw, name, config);
    } else if (config) {
        json_decref(r->config);
        r->config = json_deep_copy(config);
    }
    r->wanted = true;
    launch(cw, c, r);
    if (outside && !cw->staging)
        return external_wait(cw->external);
    return cw->over && outside ? -1 : 0;
}

static struct running_component *running_or_verdict(struct casework *cw, const char *name,
                                                    struct src_pos pos)
{
    struct running_component *r = find_running(cw, name);
    struct err err = {0};

    if (r && r->wanted)
        return r;
    unknown_name(NAMED_RUNNING, name, NULL, 0, pos, &err);
    verdict_error(cw, "scenario", pos, &err);
    return NULL;
}

int component_stop(struct casework *cw, const char *name, struct src_pos pos)
{
    struct running_component *r;

    if (player_of(cw, name) != PLAYER_BUILTIN)
        return 0; /* it is not ours to end */
    r = running_or_verdict(cw, name, pos);
    if (!r || external_end(cw->external, r, false) < 0)
        return -1;
    r->wanted = false;
    process_crash(r->process);
    return 0;
}

struct revival {
    struct casework *cw;
    struct running_component *running;
    struct process *down; /* whoever runs when the time has come is another matter */
};

static void revive(void *cookie)
{
    struct revival *v = cookie;

    if (v->running->wanted && !v->cw->over && v->running->process == v->down)
        launch(v->cw, component_find(v->running->name), v->running);
    v->running = NULL;
}

static void revive_after(struct casework *cw, struct running_component *r, int64_t ns)
{
    struct revival *v = mem_zalloc(sizeof *v);
    AUTO(str) char *part = NULL;
    size_t number = 0;

    *v = (struct revival){cw, r, r->process};
    do { /* a name of its own: a case may have many crashes */
        free(part);
        part = mem_printf("revival %zu", ++number);
    } while (world_part(cw->world, part));
    /* The world frees it: the event may never run. */
    world_attach(cw->world, part, v, free);
    sched_post(world_sched(cw->world), world_now(cw->world) + ns, revive, v);
}

int component_crash(struct casework *cw, const char *name, int64_t restart_ns, struct src_pos pos)
{
    struct running_component *r;

    if (player_of(cw, name) != PLAYER_BUILTIN)
        return 0; /* it is not ours to end */
    r = running_or_verdict(cw, name, pos);
    if (!r)
        return -1;
    if (process_crashed(r->process))
        return 0; /* it is down already */
    if (external_end(cw->external, r, true) < 0)
        return -1;
    process_crash(r->process);
    if (restart_ns >= 0)
        revive_after(cw, r, restart_ns);
    return 0;
}

int component_restart(struct casework *cw, const char *name, struct src_pos pos)
{
    struct running_component *r;

    if (player_of(cw, name) != PLAYER_BUILTIN)
        return 0; /* it is not ours to end */
    r = running_or_verdict(cw, name, pos);
    if (!r || external_end(cw->external, r, true) < 0)
        return -1;
    process_crash(r->process); /* it may be down already: then it is down no longer */
    revive_after(cw, r, 0);
    return 0;
}
