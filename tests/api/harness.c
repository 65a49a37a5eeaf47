/* The cluster of a row, and the rows one after the other. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/controllermanager/controllermanager.h"
#include "sim/storage/storage.h"
#include "tests/api/harness_priv.h"

struct stage stage;

/* ---- life ---- */

static void need(bool ok, const char *what, struct err *e)
{
    if (ok)
        return;
    fprintf(stderr, "api.%s: cannot start: %s: %s\n", stage.row->id, what, e->msg ? e->msg : "");
    _exit(2);
}

static void start_world(void)
{
    struct err e = {0};
    struct serve *s = &stage.serve;

    if (stage.row->flags & ROW_BARE) {
        stage.sched = sched_create(&(struct sched_config){.seed = 1, .start_ns = WORLD_START_NS});
        stage.server = stage.own_server = apiserver_create(stage.sched, "main");
        return;
    }
    s->world = world_create(&(struct world_config){.seed = 1});
    stage.served.cluster = kcm_add_cluster(s->world, "main", &e);
    need(stage.served.cluster != NULL, "cluster", &e);
    stage.sched = world_sched(s->world);
    stage.server = cluster_server(stage.served.cluster);
    if (stage.row->flags & ROW_STORAGE)
        need(storage_start(stage.served.cluster, &e) == 0, "storage", &e);
}

static void start_auth(void)
{
    if (stage.row->flags & (ROW_AUTH | ROW_RBAC | ROW_FAULTS))
        stage.served.auth = auth_create(&(struct auth_config){.server = stage.server,
                                                              .sched = stage.sched,
                                                              .anonymous = true,
                                                              .rbac = stage.row->flags & ROW_RBAC});
    stage.serve.processes = strmap_create();
    /* The bridge asks only whether there is one. */
    if (stage.row->flags & ROW_FAULTS)
        stage.serve.staged = (struct staged_case *)(void *)&stage;
}

static void start_interface(void)
{
    struct served *c = &stage.served;

    c->rest = rest_create(&(struct rest_config){.server = stage.server,
                                                .sched = stage.sched,
                                                .backend = serve_backend(c),
                                                .auth = c->auth,
                                                .gzip = true});
}

static void start_loop(void)
{
    struct err e = {0};

    stage.dir = mem_strdup("/tmp/vmconform-api-XXXXXX");
    need(mkdtemp(stage.dir) != NULL, "folder", &e);
    stage.path = mem_printf("%s/socket", stage.dir);
    stage.serve.loop = loop_create(stage.sched, stage.row->flags & ROW_FAST ? 1000.0 : 1.0, &e);
    need(stage.serve.loop != NULL, "loop", &e);
}

static void start_http(void)
{
    struct err e = {0};
    struct served *c = &stage.served;

    serve_bridge_start(c);
    c->local = http_server_create(&(struct http_config){.loop = stage.serve.loop,
                                                        .unix_path = stage.path,
                                                        .limits.body_max = REST_BODY_MAX,
                                                        .handle = bridge_handle,
                                                        .cookie = &c->bridge},
                                  &e);
    need(c->local != NULL, "server", &e);
    c->bridge.address = http_server_address(c->local);
}

static void start_cluster(const struct row *row, bool http)
{
    stage.row = row;
    stage.http = http;
    start_world();
    apiserver_track_fields(stage.server, true);
    start_auth();
    start_interface();
    if (http) {
        start_loop();
        start_http();
    }
    settle();
}

void stage_start(const struct row *row, bool http)
{
    stage = (struct stage){.row = row, .served = {.serve = &stage.serve}};
    start_cluster(row, http);
}

static void forget_answers(void)
{
    while (stage.answers) {
        struct answer *a = stage.answers;

        stage.answers = a->next;
        strbuf_finish(&a->head);
        strbuf_finish(&a->body);
        json_decref(a->owned);
        free(a);
    }
    for (size_t i = 0; i < stage.text_count; i++)
        free(stage.texts[i]);
    free(stage.texts);
    strbuf_finish(&stage.request);
}

static void stop_http(void)
{
    conn_close(TAKE(stage.conn));
    http_server_destroy(stage.served.local);
    loop_destroy(stage.serve.loop);
    rmdir(stage.dir);
    free(stage.dir);
    free(stage.path);
}

static void stop_cluster(void)
{
    watches_close();
    if (stage.http)
        stop_http();
    sched_unwind(stage.sched);
    rest_destroy(stage.served.rest);
    auth_destroy(stage.served.auth);
    strmap_destroy(stage.serve.processes, NULL);
    apiserver_destroy(stage.own_server);
    if (stage.own_server)
        sched_destroy(stage.sched);
    world_destroy(stage.serve.world);
    stage.own_server = NULL;
    stage.serve = (struct serve){.options = NULL};
    stage.served = (struct served){.serve = &stage.serve};
}

void stage_stop(void)
{
    stop_cluster();
    forget_answers();
}

/* ---- what rows see of it ---- */

struct apiserver *the_server(void)
{
    return stage.server;
}

struct cluster *the_cluster(void)
{
    return stage.served.cluster;
}

struct sched *the_sched(void)
{
    return stage.sched;
}

struct auth *the_auth(void)
{
    return stage.served.auth;
}

struct rest *the_rest(void)
{
    return stage.served.rest;
}

bool over_http(void)
{
    return stage.http;
}

void settle(void)
{
    if (stage.http)
        loop_turns(20);
    else
        sched_run(stage.sched, sched_now(stage.sched));
}

static void tick(void *cookie)
{
    (void)cookie;
}

static bool time_has_come(void *cookie)
{
    return sched_now(stage.sched) >= *(int64_t *)cookie;
}

void advance_ms(int64_t ms)
{
    int64_t until = sched_now(stage.sched) + ms * 1000000;

    sched_post(stage.sched, until, tick, NULL);
    if (stage.http)
        loop_until(time_has_come, &until);
    else
        sched_run(stage.sched, until);
    settle();
}

void restart(void)
{
    rest_end_streams(stage.served.rest);
    if (stage.http) {
        conn_close(TAKE(stage.conn));
        http_server_destroy(stage.served.local);
    }
    rest_destroy(stage.served.rest);
    start_interface();
    if (stage.http)
        start_http();
}

void start_over(void)
{
    const struct row *row = stage.row;
    bool http = stage.http;

    stop_cluster();
    start_cluster(row, http);
}

void shut_down(void)
{
    rest_end_streams(stage.served.rest);
    if (stage.http)
        http_server_shutdown(stage.served.local, INT64_C(5000000000));
}

/* ---- texts ---- */

char *stage_keep(char *kept)
{
    stage.texts = mem_grow(stage.texts, &stage.text_cap, stage.text_count + 1, sizeof *stage.texts);
    stage.texts[stage.text_count++] = kept;
    return kept;
}

char *json_quotes(char *s)
{
    for (char *p = s; *p; p++)
        *p = *p == '\'' ? '"' : *p == '`' ? '\'' : *p;
    return s;
}

const char *text(const char *fmt, ...)
{
    va_list ap;
    char *made;

    va_start(ap, fmt);
    made = mem_vprintf(fmt, ap);
    va_end(ap);
    return stage_keep(made);
}

const char *as(const char *name)
{
    char *token = stage_keep(auth_issue_token(stage.served.auth, name, NULL, SCHED_NEVER));

    return text("Authorization: Bearer %s", token);
}

/* ---- the rows ---- */

static void run_row(const struct row *row)
{
    for (int http = 0; http < 2; http++) {
        if (row->flags & (http ? ROW_DIRECT : ROW_HTTP))
            continue;
        stage_start(row, http);
        row->fn();
        stage_stop();
    }
}

bool row_passes(const struct row *row, bool quiet)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        if (quiet && !freopen("/dev/null", "w", stderr))
            _exit(2);
        run_row(row);
        exit(0);
    }
    if (child > 0)
        waitpid(child, &status, 0);
    return status == 0;
}

static int run_all(const struct row *rows, size_t n)
{
    int failed = 0;

    for (size_t i = 0; i < n; i++)
        failed += !row_passes(&rows[i], false);
    if (failed)
        fprintf(stderr, "%d of %zu rows failed\n", failed, n);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int rows_main(int argc, char **argv, const struct row *rows, size_t n)
{
    json_init();
    if (argc < 2)
        return run_all(rows, n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].id, argv[1]) == 0) {
            run_row(&rows[i]);
            return EXIT_SUCCESS;
        }
    fprintf(stderr, "%s has no row '%s'\n", argv[0], argv[1]);
    return 2;
}
