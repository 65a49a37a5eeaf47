#include "sim/kubelet/kubelet.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/kubelet/kubelet_priv.h"

#define PROGRAMS "kubelet-programs"
#define START_NS NS_PER_S /* until the containers of a pod run */
#define EXIT_KILLED 137   /* 128 + SIGKILL */

static struct kubelet *kubelet_of(const struct cluster *c)
{
    return cluster_part(c, "kubelet");
}

char *kubelet_obstacle(const struct cluster *c)
{
    return kubelet_of(c) ? node_obstacle(cluster_server(c)) : NULL;
}

/* ---- programs ---- */

void kubelet_set_program(struct world *w, bool (*matches)(void *cookie, const json_t *pod),
                         pod_program_fn *fn, void *cookie)
{
    struct programs *p = world_part(w, PROGRAMS);
    if (!p) {
        p = mem_zalloc(sizeof *p);
        world_attach(w, PROGRAMS, p, free);
    }
    *p = (struct programs){matches, fn, cookie};
}

static const struct programs *program_for(const struct kubelet *k, const json_t *pod)
{
    const struct programs *p = world_part(cluster_world(k->cluster), PROGRAMS);
    return p && p->matches(p->cookie, pod) ? p : NULL;
}

/* ---- one pod ---- */

static void podrun_destroy(void *value)
{
    struct podrun *run = value;
    if (!run)
        return;
    podrun_finish_mounts(run);
    json_decref(run->pod);
    free(run->key);
    free(run->ns);
    free(run->name);
    free(run->folder);
    free(run->exit.message);
    free(run);
}

static struct podrun *podrun_create(struct kubelet *k, const char *key, const json_t *pod)
{
    struct podrun *run = mem_zalloc(sizeof *run);
    run->kubelet = k;
    run->key = mem_strdup(key);
    run->ns = mem_strdup(meta_namespace(pod));
    run->name = mem_strdup(meta_name(pod));
    run->start_at_ns = simloop_now(k->node) + START_NS;
    strmap_put(k->runs, meta_uid(pod), run);
    return run;
}

/* The fiber of a pod's program. The run outlives it: the node lets go of it only when the process
 * has no actor left. */
static void run_program(void *arg)
{
    struct podrun *run = arg;
    struct kubelet *k = run->kubelet;
    const struct programs *p = world_part(cluster_world(k->cluster), PROGRAMS);
    struct pod_run view = {.cluster = k->cluster,
                           .process = run->process,
                           .pod = run->pod,
                           .mounts = run->mounts,
                           .mount_count = run->mount_count};
    p->run(p->cookie, &view, &run->exit);
    if (process_crashed(run->process))
        run->exit.code = EXIT_KILLED;
    else if (process_actors(run->process) > 1)
        process_crash(run->process); /* what the program left behind ends with it */
    run->ended = true;
    simloop_add(k->node, "%s", run->key);
}

static void start_program(struct podrun *run, const json_t *pod)
{
    run->pod = json_incref((json_t *)pod);
    run->process = cluster_pod_process(run->kubelet->cluster, run->ns, run->name);
    actor_spawn(run->process, process_name(run->process), run_program, run);
}

/* Asks the program to end, and gives it the pod's grace period. true while that lasts. */
static bool in_grace(struct simloop *l, struct podrun *run, const char *key, const json_t *pod)
{
    if (!run || !run->process || !process_actors(run->process) || process_crashed(run->process))
        return false;
    if (!run->kill_at_ns) {
        int64_t grace = json_int(pod, "metadata.deletionGracePeriodSeconds", 0);
        process_ask_stop(run->process);
        run->kill_at_ns = simloop_now(l) + grace * NS_PER_S;
        simloop_add_at(l, run->kill_at_ns, key);
    }
    return simloop_now(l) < run->kill_at_ns;
}

/* Stops what still runs. true when nothing is left of it; else the key comes back. */
static bool stopped(struct simloop *l, const struct podrun *run, const char *key)
{
    if (!run || !run->process || !process_actors(run->process))
        return true;
    if (!process_crashed(run->process))
        process_crash(run->process);
    simloop_add_at(l, simloop_now(l), key);
    return false;
}

/* ---- the steps of a pod's life ---- */

static int put_status(struct simloop *l, json_t *pod, json_t **ret)
{
    return simloop_put(l, &LOOP_PODS, pod, "status", ret);
}

/* All claims are there and bound: what is scheduled may have lost one since. */
static bool claims_ready(const struct simloop *l, const json_t *pod)
{
    const char *name;
    for (size_t at = 0; (name = pod_next_claim(pod, &at));) {
        AUTO(json) json_t *claim = simloop_get(l, &LOOP_CLAIMS, meta_namespace(pod), name);
        if (!claim || strcmp(json_str_or_empty(claim, "status.phase"), "Bound"))
            return false;
    }
    return true;
}

static int begin(struct kubelet *k, struct simloop *l, const char *key, const json_t *pod)
{
    AUTO(json) json_t *copy = json_copy_of(pod);
    pod_status_creating(copy, simloop_now(l));
    if (put_status(l, copy, NULL) < 0)
        return -1;
    struct podrun *run = podrun_create(k, key, pod);
    simloop_add_at(l, run->start_at_ns, key);
    return 0;
}

static int start(struct kubelet *k, struct simloop *l, struct podrun *run, const json_t *pod)
{
    const struct programs *p = program_for(k, pod);
    AUTO(err) struct err err = {0};
    if (simloop_now(l) < run->start_at_ns || !claims_ready(l, pod))
        return 0;
    if (p && podrun_mount(run, pod, &err) < 0) {
        simloop_event(l, pod, "Warning", "FailedMount", "Unable to attach or mount volumes: %s",
                      err.msg);
        return 0;
    }
    AUTO(json) json_t *copy = json_copy_of(pod);
    AUTO(json) json_t *stored = NULL;
    pod_status_running(copy, simloop_now(l));
    if (put_status(l, copy, &stored) < 0)
        return -1;
    if (p)
        start_program(run, stored);
    return 0;
}

static int finish(struct simloop *l, const struct podrun *run, const json_t *pod)
{
    AUTO(json) json_t *copy = json_copy_of(pod);
    pod_status_ended(copy, &run->exit, simloop_now(l));
    return put_status(l, copy, NULL);
}

static int terminate(struct simloop *l, struct podrun *run, const char *key, const json_t *pod)
{
    if (in_grace(l, run, key, pod) || !stopped(l, run, key))
        return 0;
    /* With grace 0 it is done; only finalizers of others hold the object then. */
    if (json_int(pod, "metadata.deletionGracePeriodSeconds", 1) == 0)
        return 0;
    return simloop_delete(l, &LOOP_PODS, pod, 0);
}

static int sync_pod(struct kubelet *k, struct simloop *l, const char *key, const json_t *pod)
{
    const char *phase = json_str_or_empty(pod, "status.phase");
    struct podrun *run = strmap_get(k->runs, meta_uid(pod));
    if (!*json_str_or_empty(pod, "spec.nodeName"))
        return 0;
    if (meta_deleting(pod))
        return terminate(l, run, key, pod);
    if (!strcmp(phase, "Succeeded") || !strcmp(phase, "Failed"))
        return 0;
    if (!strcmp(phase, "Running"))
        return run && run->ended ? finish(l, run, pod) : 0;
    return run ? start(k, l, run, pod) : begin(k, l, key, pod);
}

/* Lets go of runs under this key whose pod object has gone. */
static void reap(struct kubelet *k, struct simloop *l, const char *key, const json_t *pod)
{
    const char *uid;
    void *value;
    size_t i = 0;
    while (strmap_each(k->runs, &i, &uid, &value)) {
        struct podrun *run = value;
        if (strcmp(run->key, key) || (pod && !strcmp(uid, meta_uid(pod))) || !stopped(l, run, key))
            continue;
        strmap_remove(k->runs, uid);
        podrun_remove_folder(run);
        podrun_destroy(run);
    }
}

static int node_reconcile(void *cookie, struct simloop *l, const char *key)
{
    struct kubelet *k = cookie;
    char ns[LOOP_PART], name[LOOP_PART];
    if (!simloop_key_is(key, "pod", ns, name))
        return 0;
    AUTO(json) json_t *pod = simloop_get(l, &LOOP_PODS, ns, name);
    reap(k, l, key, pod);
    if (!pod)
        return 0;
    int rc = sync_pod(k, l, key, pod);
    return rc < 0 && simloop_code(l) == 404 ? 0 : rc;
}

/* ---- changes ---- */

static void wake_users(struct kubelet *k, const json_t *claim)
{
    AUTO(json)
    json_t *pods =
        apiserver_peek_all(cluster_server(k->cluster), "", LOOP_PODS.plural, meta_namespace(claim));
    size_t i, v;
    json_t *pod, *volume;
    json_array_foreach(pods, i, pod)
    {
        if (strcmp(json_str_or_empty(pod, "status.phase"), "Pending"))
            continue;
        json_array_foreach(json_path(pod, "spec.volumes"), v, volume)
        {
            if (strcmp(json_str_or_empty(volume, "persistentVolumeClaim.claimName"),
                       meta_name(claim)))
                continue;
            simloop_add_object(k->scheduler, "pod", pod);
            simloop_add_object(k->node, "pod", pod);
        }
    }
}

/* A pod that ends or goes may free a ReadWriteOncePod claim for others of its namespace; a node
 * that changes is for all of them (ns NULL). */
static void wake_waiting(struct kubelet *k, const char *ns)
{
    AUTO(json)
    json_t *pods = apiserver_peek_all(cluster_server(k->cluster), "", LOOP_PODS.plural, ns);
    size_t i;
    json_t *other;
    json_array_foreach(pods, i, other)
    {
        if (!*json_str_or_empty(other, "spec.nodeName"))
            simloop_add_object(k->scheduler, "pod", other);
    }
}

static bool has_ended(const struct store_change *ch)
{
    const char *phase = json_str_or_empty(ch->object, "status.phase");
    return ch->type == EVENT_DELETED || !strcmp(phase, "Succeeded") || !strcmp(phase, "Failed");
}

static void on_change(void *cookie, struct cluster *c, const struct store_change *ch)
{
    struct kubelet *k = cookie;
    if (c != k->cluster || *ch->group)
        return;
    if (!strcmp(ch->plural, LOOP_CLAIMS.plural))
        wake_users(k, ch->object);
    if (!strcmp(ch->plural, "nodes"))
        wake_waiting(k, NULL);
    if (strcmp(ch->plural, LOOP_PODS.plural))
        return;
    simloop_add_object(k->scheduler, "pod", ch->object);
    simloop_add_object(k->node, "pod", ch->object);
    if (has_ended(ch))
        wake_waiting(k, meta_namespace(ch->object));
}

static void list_pods(void *cookie, struct simloop *l)
{
    struct kubelet *k = cookie;
    AUTO(json)
    json_t *pods = apiserver_peek_all(cluster_server(k->cluster), "", LOOP_PODS.plural, NULL);
    size_t i;
    json_t *pod;
    json_array_foreach(pods, i, pod)
    {
        simloop_add_object(l, "pod", pod);
    }
}

/* ---- life ---- */

static void kubelet_destroy(void *part)
{
    struct kubelet *k = part;
    simloop_destroy(k->scheduler);
    simloop_destroy(k->node);
    strmap_destroy(k->runs, podrun_destroy);
    free(k);
}

int kubelet_start(struct cluster *c, struct err *reterr)
{
    (void)reterr;
    assert(!kubelet_of(c));
    struct kubelet *k = mem_zalloc(sizeof *k);
    k->cluster = c;
    k->runs = strmap_create();
    cluster_attach(c, "kubelet", k, kubelet_destroy);
    node_register(c);
    k->scheduler = simloop_create(c, &(struct simloop_config){.process = "kube-scheduler",
                                                              .user = "system:kube-scheduler",
                                                              .component = "default-scheduler",
                                                              .reconcile = scheduler_reconcile,
                                                              .list = list_pods,
                                                              .cookie = k});
    k->node = simloop_create(c, &(struct simloop_config){.process = "kubelet",
                                                         .user = NODE_USER,
                                                         .component = "kubelet",
                                                         .reconcile = node_reconcile,
                                                         .list = list_pods,
                                                         .cookie = k});
    world_on_change(cluster_world(c), on_change, k);
    return 0;
}
