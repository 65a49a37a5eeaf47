/* One case whose component is outside: the servers of its clusters, and who asks them. */
#include "runner/external.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/wall.h"
#include "runner/bridge_world.h"
#include "runner/external_priv.h"

#define END_GRACE_NS (2 * INT64_C(1000000000))
/* Between two cases, so that nobody's last resourceVersion is one that the next world knows. */
#define REVISION_GAP 1000

/* ---- requests ---- */

/* It is there once it looks at something. */
static void note_arrival(struct external *x, const struct api_request *req)
{
    struct actor *a = actor_self(world_sched(x->cw->world));

    if (x->running && a && actor_process(a) == x->running->process &&
        (req->verb == API_LIST || req->verb == API_WATCH))
        x->connected = true;
}

static void request(void *cookie, const struct api_request *req, struct api_response *ret)
{
    struct front *f = cookie;

    note_arrival(f->external, req);
    bridge_request(f->cluster, req, ret);
}

static struct rest_source watch(void *cookie, const struct api_request *req,
                                struct api_response *ret_error)
{
    struct front *f = cookie;

    note_arrival(f->external, req);
    return bridge_watch(f->cluster, req, ret_error);
}

/* ---- who answers ---- */

static struct front *front_of(struct external *x, struct cluster *c)
{
    struct apiserver *server = cluster_server(c);
    struct front *f;

    for (size_t i = 0; i < x->front_count; i++)
        if (x->fronts[i]->cluster == c)
            return x->fronts[i];
    f = mem_zalloc(sizeof *f);
    f->external = x;
    f->cluster = c;
    apiserver_track_fields(server, true);
    f->auth = auth_create(&(struct auth_config){.server = server,
                                                .sched = world_sched(x->cw->world),
                                                .secret = x->options->secret,
                                                .secret_len = sizeof x->options->secret});
    f->rest = rest_create(
        &(struct rest_config){.server = server,
                              .sched = world_sched(x->cw->world),
                              .backend = {.request = request, .watch = watch, .cookie = f},
                              .auth = f->auth,
                              .gzip = true});
    x->fronts = mem_grow(x->fronts, &x->front_cap, x->front_count + 1, sizeof *x->fronts);
    x->fronts[x->front_count++] = f;
    return f;
}

/* /clusters/NAME/...; everything else is the first cluster's. */
static struct rest *rest_of(void *cookie, struct rest_request *req)
{
    static const char prefix[] = "/clusters/";
    struct external *x = cookie;
    AUTO(str) char *name = NULL;
    struct cluster *c;

    if (strncmp(req->target, prefix, strlen(prefix)) == 0) {
        const char *from = req->target + strlen(prefix);
        size_t len = strcspn(from, "/?");

        name = mem_strndup(from, len);
        req->target = from[len] == '/' ? from + len : "/";
    }
    c = world_cluster(x->cw->world, name);
    return c ? front_of(x, c)->rest : NULL;
}

static struct process *stranger(struct external *x, const char *user)
{
    struct process *p = strmap_get(x->strangers, user);
    AUTO(str) char *name = NULL;

    if (p && !process_crashed(p))
        return p;
    name = mem_printf("outside/%s", user);
    p = process_create(world_sched(x->cw->world), name);
    strmap_put(x->strangers, user, p);
    return p;
}

static struct auth *auth_of(const struct external *x, const struct rest *rest)
{
    for (size_t i = 0; i < x->front_count; i++)
        if (x->fronts[i]->rest == rest)
            return x->fronts[i]->auth;
    return NULL;
}

static struct process *process_for(void *cookie, struct rest *rest, const struct rest_request *req)
{
    struct external *x = cookie;
    const struct auth_credentials shown = {.authorization = rest_header(req, "Authorization"),
                                           .certificate = req->certificate};
    AUTO(auth_identity) struct auth_identity who = {0};
    AUTO(response) struct api_response refusal = {0};

    if (auth_authenticate(auth_of(x, rest), &shown, &who, &refusal) < 0 || !who.id.name)
        return stranger(x, "system:anonymous");
    if (strcmp(who.id.name, x->options->user) != 0)
        return stranger(x, who.id.name);
    return external_is_present(x) ? x->running->process : NULL;
}

static void on_moment(void *cookie, enum bridge_moment moment)
{
    (void)moment;
    external_clock_note(cookie);
}

/* ---- the component ---- */

bool external_is(const struct external *x, const char *component)
{
    return x && strcmp(x->options->component, component) == 0;
}

bool external_is_present(const struct external *x)
{
    return x->running && x->running->wanted && !process_crashed(x->running->process);
}

struct opening {
    struct external *external;
    struct cluster *cluster;
};

static void run_opening(void *arg)
{
    struct opening *o = arg;

    if (!sched_crashed(world_sched(o->external->cw->world)))
        front_of(o->external, o->cluster);
    free(o);
}

/* Before the first request, and on behalf of whoever does a cluster's chores: the accounts of its
 * namespaces are not the scenario's doing. */
static void open_front(struct external *x, struct cluster *c)
{
    struct opening *o = mem_zalloc(sizeof *o);

    *o = (struct opening){x, c};
    actor_spawn(cluster_process(c, "kube-controller-manager"), "accounts", run_opening, o);
}

static int tell_clusters(struct external *x, struct err *reterr)
{
    size_t count = world_cluster_count(x->cw->world);
    const char **names = mem_zalloc((count + 1) * sizeof *names);
    int r;

    for (size_t i = 0; i < count; i++) {
        struct cluster *c = world_cluster_at(x->cw->world, i);

        names[i] = cluster_name(c);
        open_front(x, c);
    }
    r = external_write_kubeconfig(x->options, names, count, reterr);
    free(names);
    return r;
}

static int start_process(struct external *x, struct err *reterr)
{
    AUTO(str) char *config = json_text(x->running->config);
    const char *const env[] = {"KUBECONFIG",
                               x->options->kubeconfig_path,
                               "VMCONFORM_NAME",
                               x->options->component,
                               "VMCONFORM_CONFIG",
                               config,
                               NULL};

    return outside_start(&x->process, x->options->exec, env, reterr);
}

int external_launch(struct external *x, struct running_component *r)
{
    struct err err = {0};

    x->running = r;
    x->cw->result->observed = true;
    external_clock_expect(x);
    if (tell_clusters(x, &err) < 0 || (x->options->exec && start_process(x, &err) < 0))
        return verdict_error(x->cw, "environment", NO_POS, &err);
    return 0;
}

int external_end(struct external *x, struct running_component *r, bool crash)
{
    if (!external_is(x, r->name))
        return 0;
    if (!x->options->exec)
        return verdict(x->cw, RESULT_SKIPPED, NULL, NO_POS, NULL,
                       "the scenario %s '%s', which somebody else has started (--exec COMMAND lets "
                       "us)",
                       crash ? "crashes" : "stops", r->name);
    if (crash)
        outside_kill(&x->process);
    else
        outside_stop(&x->process);
    return 0;
}

int external_wait(struct external *x)
{
    if (!x)
        return 0;
    while (external_is_present(x) && !x->ready && !x->cw->over)
        if (waitcell_wait(x->arrival, SCHED_NEVER) != SCHED_OK)
            return -1;
    return x->cw->over ? -1 : 0;
}

/* ---- life ---- */

struct external *external_create(struct casework *cw)
{
    struct external *x;

    if (!cw->options->external)
        return NULL;
    x = mem_zalloc(sizeof *x);
    x->options = cw->options->external;
    x->cw = cw;
    x->process.log = -1;
    x->strangers = strmap_create();
    x->arrival = waitcell_create(world_sched(cw->world), "outside");
    x->bridge = (struct bridge){.address = x->options->address,
                                .rest = rest_of,
                                .process = process_for,
                                .moment = on_moment,
                                .cookie = x};
    return x;
}

static int start_server(struct external *x, struct err *reterr)
{
    const struct external_options *o = x->options;
    struct http_tls tls = {o->pair.cert_pem, o->pair.key_pem, o->ca ? tls_ca_pem(o->ca) : NULL};
    struct http_config config = {.loop = NULL,
                                 .listener = o->listener,
                                 .tls = o->ca ? &tls : NULL,
                                 .limits.body_max = REST_BODY_MAX,
                                 .handle = bridge_handle,
                                 .cookie = &x->bridge};

    x->loop = loop_create(world_sched(x->cw->world), 1.0, reterr);
    if (!x->loop)
        return -1;
    external_clock_start(x);
    config.loop = x->loop;
    x->server = http_server_create(&config, reterr);
    return x->server ? 0 : -1;
}

static int64_t look_at_end(void *cookie)
{
    struct external *x = cookie;

    outside_reap(&x->process);
    if (x->process.pid)
        return 10 * INT64_C(1000000);
    loop_stop(x->loop);
    return INT64_MAX;
}

/* Asked to end, it may still have a word with the server. */
static void end_process(struct external *x)
{
    struct err err = {0};

    outside_stop(&x->process);
    loop_on_idle(x->loop, look_at_end, x);
    while (x->process.pid && loop_run(x->loop, false, &err) == 0)
        ;
    loop_not_idle(x->loop, look_at_end, x);
    err_clear(&err);
    outside_kill(&x->process);
}

static void end_clients(struct external *x)
{
    for (size_t i = 0; i < x->front_count; i++)
        rest_end_streams(x->fronts[i]->rest);
    http_server_shutdown(x->server, END_GRACE_NS);
}

/* What the program said belongs to what went wrong. */
static void add_output(struct external *x)
{
    struct result_case *r = x->cw->result;
    AUTO(strbuf) struct strbuf details = {0};

    if (r->status == RESULT_PASSED || r->status == RESULT_SKIPPED)
        return;
    strbuf_addstr(&details, r->details ? r->details : "");
    outside_tell_output(&x->process, &details);
    free(r->details);
    r->details = strbuf_take(&details);
}

static void note_revisions(struct external *x)
{
    for (size_t i = 0; i < world_cluster_count(x->cw->world); i++) {
        int64_t last =
            apiserver_revision(cluster_server(world_cluster_at(x->cw->world, i))) + REVISION_GAP;

        if (last > x->options->revision)
            x->options->revision = last;
    }
}

void external_run(struct external *x)
{
    struct err err = {0};
    int r = start_server(x, &err);

    if (r < 0) {
        verdict_error(x->cw, "environment", NO_POS, &err);
        return;
    }
    loop_on_idle(x->loop, external_clock_look, x);
    while (r == 0 && !x->cw->over)
        r = loop_run(x->loop, false, &err);
    loop_not_idle(x->loop, external_clock_look, x);
    if (r < 0)
        verdict_error(x->cw, "limit", NO_POS, &err);
    outside_note_output(&x->process);
    end_process(x);
    end_clients(x);
    add_output(x);
    note_revisions(x);
}

void external_destroy(struct external *x)
{
    if (!x)
        return;
    http_server_destroy(x->server);
    loop_destroy(x->loop);
    /* Requests that are still on their way end here. */
    sched_unwind(world_sched(x->cw->world));
    for (size_t i = 0; i < x->front_count; i++) {
        rest_destroy(x->fronts[i]->rest);
        auth_destroy(x->fronts[i]->auth);
        free(x->fronts[i]);
    }
    free(x->fronts);
    strmap_destroy(x->strangers, NULL);
    waitcell_destroy(x->arrival);
    outside_finish(&x->process);
    free(x);
}
