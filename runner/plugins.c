/* See plugins.h. A call is an actor of the plugin's process that the server's actor waits for. */
#include "runner/plugins.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/simhost.h"
#include "sim/velero/velero.h"

#define ACTIONS_MAX 64

/* One life of a plugin's process. Its main actor and each call hold it. */
struct plugin_instance {
    struct casework *cw;
    const struct item_plugin *plugin;
    struct process *process;
    struct host *host;
    void *state;
    struct waitcell *idle; /* what the main actor waits at, for ever */
    unsigned refs;
};

static void release(struct plugin_instance *p)
{
    if (--p->refs > 0)
        return;
    p->plugin->destroy(p->state);
    simhost_release(p->host);
    waitcell_destroy(p->idle);
    free(p);
}

/* Until the process crashes, or the world ends. */
static void stay(void *arg)
{
    struct plugin_instance *p = arg;

    while (waitcell_wait(p->idle, SCHED_NEVER) != SCHED_CRASHED)
        ;
    release(p);
}

/* ---- one call ---- */

enum what { EXECUTE, PROGRESS, CANCEL };

struct plugin_call {
    struct plugin_instance *instance;
    const struct item_action *action;
    enum what what;
    struct item_action_input in; /* references of its own: the caller may go away */
    char *operation;
    struct item_action_output out;
    struct item_progress progress;
    int rc;
    struct err err;
    struct waitcell *cell;
    bool ended, died; /* died: with the process */
    unsigned refs;
};

static void call_release(struct plugin_call *k)
{
    if (--k->refs > 0)
        return;
    json_decref((json_t *)k->in.item);
    json_decref((json_t *)k->in.item_from_backup);
    json_decref((json_t *)k->in.owner);
    item_action_output_finish(&k->out);
    free(k->progress.error);
    free(k->operation);
    err_clear(&k->err);
    waitcell_destroy(k->cell);
    free(k);
}

static void run_call(void *arg)
{
    struct plugin_call *k = arg;
    struct plugin_instance *p = k->instance;

    if (k->what == EXECUTE)
        k->rc = k->action->execute(p->state, &k->in, &k->out, &k->err);
    else if (k->what == PROGRESS)
        k->rc = k->action->progress(p->state, k->operation, k->in.owner, &k->progress, &k->err);
    else
        k->rc = k->action->cancel(p->state, k->operation, k->in.owner, &k->err);
    k->died = process_crashed(p->process);
    k->ended = true;
    waitcell_signal(k->cell);
    release(p);
    call_release(k);
}

/* What the server knows an action by. */
struct bridged {
    struct velero_action action;
    struct casework *cw;
    struct running_component *running;
    const struct item_action *item;
};

static struct plugin_instance *instance_of(const struct bridged *b, struct err *reterr)
{
    struct running_component *r = b->running;
    const struct component *c = component_find(r->name);

    if (r->wanted && process_crashed(r->process)) {
        r->process = process_create(world_sched(b->cw->world), r->name);
        if (plugin_launch(b->cw, c, r, reterr) < 0)
            return NULL;
    }
    if (!process_crashed(r->process))
        return r->plugin;
    err_set(reterr, ERR_IO, NO_POS, "plugin %s does not run", r->name);
    return NULL;
}

static struct plugin_call *call_begin(const struct bridged *b, enum what what,
                                      const struct velero_input *in, const char *operation,
                                      struct err *reterr)
{
    struct plugin_instance *p = instance_of(b, reterr);
    struct plugin_call *k;

    if (!p)
        return NULL;
    k = mem_zalloc(sizeof *k);
    k->instance = p;
    k->action = b->item;
    k->what = what;
    k->in = (struct item_action_input){json_incref((json_t *)in->item),
                                       json_incref((json_t *)in->item_from_backup),
                                       json_incref((json_t *)in->owner)};
    k->operation = operation ? mem_strdup(operation) : NULL;
    k->cell = waitcell_create(world_sched(b->cw->world), "plugin");
    k->refs = 2;
    p->refs++;
    actor_spawn(p->process, b->item->name, run_call, k);
    return k;
}

/* 0: it has ended, and *k has what came of it. The caller releases it either way. */
static int call_wait(struct plugin_call *k, struct err *reterr)
{
    while (!k->ended)
        if (waitcell_wait(k->cell, SCHED_NEVER) == SCHED_CRASHED)
            return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    if (k->died)
        return err_set(reterr, ERR_IO, NO_POS,
                       "rpc error: code = Unavailable desc = the plugin's process has ended");
    return k->rc < 0 ? err_move(reterr, &k->err) : 0;
}

static const struct bridged *bridged_of(const struct velero_action *a)
{
    return a->cookie;
}

static int execute(const struct velero_action *a, const struct velero_input *in,
                   struct velero_output *out, struct err *reterr)
{
    struct plugin_call *k = call_begin(bridged_of(a), EXECUTE, in, NULL, reterr);
    int rc;

    if (!k)
        return -1;
    rc = call_wait(k, reterr);
    if (k->ended)
        out->warnings = TAKE(k->out.warnings);
    if (rc == 0) {
        out->item = TAKE(k->out.item);
        out->additional = TAKE(k->out.additional);
        out->operation = TAKE(k->out.operation);
        out->skip = k->out.skip;
    }
    call_release(k);
    return rc;
}

static int progress(const struct velero_action *a, const char *operation, const json_t *owner,
                    struct velero_progress *ret, struct err *reterr)
{
    const struct velero_input in = {.owner = owner};
    struct plugin_call *k = call_begin(bridged_of(a), PROGRESS, &in, operation, reterr);
    int rc;

    if (!k)
        return -1;
    rc = call_wait(k, reterr);
    if (rc == 0)
        *ret = (struct velero_progress){k->progress.completed, TAKE(k->progress.error)};
    call_release(k);
    return rc;
}

static int cancel(const struct velero_action *a, const char *operation, const json_t *owner,
                  struct err *reterr)
{
    const struct velero_input in = {.owner = owner};
    struct plugin_call *k = call_begin(bridged_of(a), CANCEL, &in, operation, reterr);
    int rc;

    if (!k)
        return -1;
    rc = call_wait(k, reterr);
    call_release(k);
    return rc;
}

/* ---- what there is ---- */

static enum velero_kind kind_of(enum item_action_kind kind)
{
    switch (kind) {
    case ITEM_BACKUP:
        return VELERO_BACKUP_ACTION;
    case ITEM_RESTORE:
        return VELERO_RESTORE_ACTION;
    case ITEM_DELETE:
        break;
    }
    return VELERO_DELETE_ACTION;
}

/* The actions of a plugin, made once and kept as long as the world. */
static struct bridged *bridge(struct casework *cw, struct running_component *r,
                              const struct item_plugin *plugin)
{
    AUTO(str) char *part = mem_printf("actions of %s", r->name);
    struct bridged *all = world_part(cw->world, part);
    size_t count = 0;

    if (all)
        return all;
    while (plugin->actions[count])
        count++;
    all = mem_zalloc((count + 1) * sizeof *all);
    for (size_t i = 0; i < count; i++) {
        const struct item_action *a = plugin->actions[i];

        all[i].action = (struct velero_action){.name = a->name,
                                               .kind = kind_of(a->kind),
                                               .resources = a->resources,
                                               .cookie = &all[i],
                                               .execute = execute,
                                               .progress = a->progress ? progress : NULL,
                                               .cancel = a->cancel ? cancel : NULL};
        all[i].cw = cw;
        all[i].running = r;
        all[i].item = a;
    }
    world_attach(cw->world, part, all, free);
    return all;
}

/* Into a list that is sorted by name. */
static void insert(const struct velero_action **list, size_t *count, const struct velero_action *a)
{
    size_t at = *count;

    if (*count == ACTIONS_MAX)
        return;
    for (; at > 0 && strcmp(list[at - 1]->name, a->name) > 0; at--)
        list[at] = list[at - 1];
    list[at] = a;
    ++*count;
}

static void each_action(void *cookie, void (*fn)(void *arg, const struct velero_action *a),
                        void *arg)
{
    struct casework *cw = cookie;
    const struct velero_action *list[ACTIONS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < cw->component_count; i++) {
        struct running_component *r = cw->components[i];
        const struct component *c = component_find(r->name);
        const struct bridged *all;

        if (!c || c->kind != COMPONENT_PLUGIN || !r->wanted)
            continue;
        all = bridge(cw, r, c->plugin);
        for (size_t k = 0; c->plugin->actions[k]; k++)
            insert(list, &count, &all[k].action);
    }
    for (size_t i = 0; i < count; i++)
        fn(arg, list[i]);
}

/* ---- lives ---- */

int plugin_launch(struct casework *cw, const struct component *c, struct running_component *r,
                  struct err *reterr)
{
    struct plugin_instance *p = mem_zalloc(sizeof *p);

    p->cw = cw;
    p->plugin = c->plugin;
    p->process = r->process;
    p->host = simhost_create(cw->world, r->process, c->user, NULL, 0);
    p->state = c->plugin->create(p->host, r->config, reterr);
    if (!p->state) {
        simhost_release(p->host);
        free(p);
        r->plugin = NULL;
        return -1;
    }
    p->idle = waitcell_create(world_sched(cw->world), "plugin");
    p->refs = 1;
    r->plugin = p;
    actor_spawn(r->process, "main", stay, p);
    return 0;
}

static void launch_server(struct casework *cw, struct running_component *r)
{
    velero_start(&(struct velero_config){
        .cluster = r->cluster, .process = r->process, .each_action = each_action, .cookie = cw});
}

int velero_stage(struct casework *cw, struct cluster *c, struct err *reterr)
{
    return component_stage_part(cw, "velero", c, launch_server, reterr);
}
