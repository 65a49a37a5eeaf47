/* vmconform serve */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "base/wall.h"
#include "kube/time.h"
#include "runner/commands.h"
#include "runner/serve.h"
#include "runner/stop.h"
#include "sim/kubevirt/roles.h"

#define GRACE_NS (5 * NS_PER_S)
#define KUBECONFIG_DEFAULT "vmconform.kubeconfig"
#define CONNECTIONS_DEFAULT 4096
#define CONNECTIONS_MAX 65536
#define DESCRIPTORS_ROOM 64
/* 2200-01-01: certificates and deadlines reach further than the start, and a clock ends in 2262. */
#define START_MAX_NS (INT64_C(7258118400) * NS_PER_S)
/* Every request costs the clearing of as much memory, and an idle watch holds half of it. */
#define HEADER_MAX (32u << 10)
/* What many watches may lag behind their events, for the sake of all others (docs/serve.md). */
#define HOLD_MS 10u

/* ---- servers ---- */

static struct http_server *listen_on(struct served *c, const char *address, const char *path,
                                     struct err *reterr)
{
    struct http_tls tls = {c->server_pair.cert_pem, c->server_pair.key_pem,
                           c->ca ? tls_ca_pem(c->ca) : NULL};
    struct http_config config = {.loop = c->serve->loop,
                                 .address = address,
                                 .unix_path = path,
                                 .tls = c->ca && address ? &tls : NULL,
                                 .limits = {.connections = (unsigned)c->serve->options->connections,
                                            .header_max = HEADER_MAX,
                                            .hold_ms = HOLD_MS,
                                            .body_max = REST_BODY_MAX},
                                 .handle = bridge_handle,
                                 .cookie = &c->bridge};

    return http_server_create(&config, reterr);
}

/* The first cluster has the port that is asked for, the others those after it. New, or NULL. */
static char *address_of(const char *address, size_t index, struct err *reterr)
{
    const char *colon = strrchr(address, ':');
    unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : 0;

    if (index == 0 || port == 0)
        return mem_strdup(address);
    if (port + index <= 65535)
        return mem_printf("%.*s:%lu", (int)(colon - address), address, port + index);
    err_set(reterr, ERR_INVALID, NO_POS,
            "--address '%s': each cluster has a port, and there is none for number %zu", address,
            index + 1);
    return NULL;
}

static int no_listener(struct err *reterr)
{
    return reterr->msg && strstr(reterr->msg, strerror(EADDRINUSE))
               ? err_hint(reterr, "--address 127.0.0.1:0 takes a port that is free")
               : -1;
}

static int start_server(struct served *c, size_t index, struct err *reterr)
{
    const struct serve_options *o = c->serve->options;
    AUTO(str) char *address = NULL;
    AUTO(str) char *path = NULL;

    serve_bridge_start(c);
    if (o->address && !(address = address_of(o->address, index, reterr)))
        return -1;
    if (address && !(c->tcp = listen_on(c, address, NULL, reterr)))
        return no_listener(reterr);
    path = !o->unix_path ? NULL
           : index == 0  ? mem_strdup(o->unix_path)
                         : mem_printf("%s.%s", o->unix_path, cluster_name(c->cluster));
    if (path && !(c->local = listen_on(c, NULL, path, reterr)))
        return -1;
    c->bridge.address = http_server_address(c->tcp ? c->tcp : c->local);
    return 0;
}

/* As far as the system lets us: clients beyond that wait until another one goes. */
static void raise_descriptors(uint64_t connections)
{
    struct rlimit limit;
    rlim_t want = connections + DESCRIPTORS_ROOM;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= want)
        return;
    limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int start_servers(struct serve *s, struct err *reterr)
{
    raise_descriptors(s->options->connections * s->count);
    s->loop = loop_create(world_sched(s->world), s->options->speed_value, reterr);
    if (!s->loop)
        return -1;
    for (size_t i = 0; i < s->count; i++)
        if (start_server(&s->clusters[i], i, reterr) < 0)
            return -1;
    return 0;
}

/* What answers. */
static int open_cluster(struct served *c, struct err *reterr)
{
    const struct serve *s = c->serve;
    struct apiserver *server = cluster_server(c->cluster);

    if (s->options->address && s->options->use_tls && serve_make_certificates(c, reterr) < 0)
        return -1;
    apiserver_track_fields(server, true);
    if (s->options->rbac)
        kubevirt_roles_create(c->cluster);
    c->auth = auth_create(&(struct auth_config){.server = server,
                                                .sched = world_sched(s->world),
                                                .anonymous = s->options->anonymous,
                                                .rbac = s->options->rbac,
                                                .ca_pem = c->ca ? tls_ca_pem(c->ca) : NULL,
                                                .secret = s->secret,
                                                .secret_len = sizeof s->secret});
    c->rest = rest_create(&(struct rest_config){.server = server,
                                                .sched = world_sched(s->world),
                                                .backend = serve_backend(c),
                                                .auth = c->auth,
                                                .gzip = true});
    return 0;
}

static int start(struct serve *s, struct err *reterr)
{
    if (serve_read_players(s, reterr) < 0 || serve_make_world(s, reterr) < 0 ||
        serve_make_accounts(s, reterr) < 0)
        return -1;
    s->processes = strmap_create();
    for (size_t i = 0; i < s->count; i++)
        if (open_cluster(&s->clusters[i], reterr) < 0)
            return -1;
    if (start_servers(s, reterr) < 0)
        return -1;
    return serve_write_kubeconfigs(s, s->options->kubeconfig, reterr);
}

static void add_address(const struct served *c, struct strbuf *out)
{
    if (c->serve->count > 1)
        strbuf_addf(out, "%s ", cluster_name(c->cluster));
    if (c->tcp)
        strbuf_addf(out, "%s://%s, ", c->ca ? "https" : "http", http_server_address(c->tcp));
    else
        strbuf_addf(out, "socket %s, ", http_server_address(c->local));
}

/* One line, whatever is served. */
static void tell_ready(const struct serve *s)
{
    AUTO(strbuf) struct strbuf line = {0};

    for (size_t i = 0; i < s->count; i++)
        add_address(&s->clusters[i], &line);
    strbuf_addf(&line, "kubeconfig %s", s->options->kubeconfig);
    for (size_t i = 0; i < s->count; i++)
        if (s->clusters[i].tcp && s->clusters[i].local)
            strbuf_addf(&line, ", socket %s", http_server_address(s->clusters[i].local));
    printf("serving %s\n", strbuf_str(&line));
    fflush(stdout);
}

/* ---- life ---- */

static int serve_until_asked(struct serve *s, struct err *reterr)
{
    int r = 0;

    tell_ready(s);
    serve_go_on(s);
    /* Whoever stops the scheduler (a verdict, a limit that is none) does not stop us. */
    while (r == 0 && !stop_asked())
        r = loop_run(s->loop, false, reterr);
    for (size_t i = 0; i < s->count; i++)
        rest_end_streams(s->clusters[i].rest);
    for (size_t i = 0; i < s->count; i++) {
        if (s->clusters[i].tcp)
            http_server_shutdown(s->clusters[i].tcp, GRACE_NS);
        if (s->clusters[i].local)
            http_server_shutdown(s->clusters[i].local, GRACE_NS);
    }
    return r;
}

static void stop(struct serve *s)
{
    for (size_t i = 0; i < s->count; i++) {
        http_server_destroy(s->clusters[i].tcp);
        http_server_destroy(s->clusters[i].local);
    }
    stop_forget();
    loop_destroy(s->loop);
    /* Requests that are still on their way end here, through everything that they hold. */
    if (s->world)
        sched_unwind(world_sched(s->world));
    for (size_t i = 0; i < s->count; i++) {
        rest_destroy(s->clusters[i].rest);
        auth_destroy(s->clusters[i].auth);
        tls_pair_finish(&s->clusters[i].server_pair);
        tls_ca_destroy(s->clusters[i].ca);
    }
    strmap_destroy(s->processes, NULL);
    serve_end_world(s);
    serve_forget_players(s);
}

static int serve(const struct serve_options *o)
{
    struct serve s = {.options = o};
    struct err err = {0};
    int r = start(&s, &err);

    if (r == 0) {
        stop_on_signals(s.loop);
        r = serve_until_asked(&s, &err);
    }
    if (r < 0) {
        err_print(stderr, &err, NULL, 0);
        err_clear(&err);
    }
    stop(&s);
    return r < 0 || s.unstaged ? EXIT_CANNOT_TELL : 0;
}

/* ---- the command line ---- */

static int check_speed(struct serve_options *o, struct err *reterr)
{
    char *end;

    if (!o->speed)
        return 0;
    o->speed_value = strtod(o->speed, &end);
    if (end != o->speed && !*end && o->speed_value > 0 && o->speed_value <= LOOP_SPEED_MAX)
        return 0;
    return err_set(reterr, ERR_INVALID, NO_POS,
                   "--speed wants a number above 0 and at most %g, found '%s'", LOOP_SPEED_MAX,
                   o->speed);
}

static int bad_start(const struct serve_options *o, struct err *reterr)
{
    return err_set(reterr, ERR_INVALID, NO_POS,
                   "--start wants 'now' or a time such as 2026-01-01T00:00:00Z, found '%s'",
                   o->start);
}

static int check_start(struct serve_options *o, struct err *reterr)
{
    o->start_ns = wall_date_ns();
    if (!o->start || strcmp(o->start, "now") == 0)
        return 0;
    if (!time_parse(o->start, &o->start_ns))
        return bad_start(o, reterr);
    if (o->start_ns > 0 && o->start_ns < START_MAX_NS)
        return 0;
    return err_set(reterr, ERR_INVALID, NO_POS,
                   "--start wants a time after 1970-01-01T00:00:00Z and before "
                   "2200-01-01T00:00:00Z, found '%s'",
                   o->start);
}

static int check_tls(struct serve_options *o, struct err *reterr)
{
    o->use_tls = !o->tls || strcmp(o->tls, "true") == 0;
    if (o->use_tls || strcmp(o->tls, "false") == 0)
        return 0;
    return err_set(reterr, ERR_INVALID, NO_POS, "--tls knows true and false, found '%s'", o->tls);
}

static int check_options(struct serve_options *o, int operands, char **argv, struct err *reterr)
{
    if (operands > 0) {
        err_set(reterr, ERR_INVALID, NO_POS, "serve takes no operands, found '%s'", argv[0]);
        return err_hint(reterr, "--world FILE names what is served");
    }
    if (o->rbac && o->no_rbac)
        return err_set(reterr, ERR_INVALID, NO_POS, "--rbac and --no-rbac contradict each other");
    if (!o->address && o->unix_path && o->tls)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "--tls is for --address; a socket never speaks it");
    if (o->connections < 1 || o->connections > CONNECTIONS_MAX)
        return err_set(reterr, ERR_INVALID, NO_POS, "--connections wants 1 to %d, found %" PRIu64,
                       CONNECTIONS_MAX, o->connections);
    if (!o->address && !o->unix_path)
        o->address = "127.0.0.1:6443";
    if (!o->kubeconfig)
        o->kubeconfig = KUBECONFIG_DEFAULT;
    if (check_tls(o, reterr) < 0 || check_speed(o, reterr) < 0 || serve_check_names(o, reterr) < 0)
        return -1;
    return check_start(o, reterr);
}

static void help(const struct option_spec *specs)
{
    puts("usage: vmconform serve [OPTIONS]\n\nServes a simulated cluster with KubeVirt to kubectl "
         "and to every client of the Kubernetes API,\nuntil SIGTERM or SIGINT. A line on standard "
         "output tells when it is ready.\n");
    options_help(specs);
    puts("\nexit status: 0 ended by a signal; 2 it cannot serve, or the given failed");
}

static int parse_and_serve(struct serve_options *o, const struct option_spec *specs, int argc,
                           char **argv)
{
    struct err err = {0};
    int operands;

    if (options_parse(specs, argc - 1, argv + 1, &operands, &err) == 0) {
        if (o->help) {
            help(specs);
            return 0;
        }
        if (check_options(o, operands, argv + 1, &err) == 0)
            return serve(o);
    }
    err_print(stderr, &err, NULL, 0);
    err_clear(&err);
    return EXIT_CANNOT_TELL;
}

int cmd_serve(int argc, char **argv)
{
    struct serve_options o = {.seed = 1, .connections = CONNECTIONS_DEFAULT, .speed_value = 1.0};
    const struct option_spec specs[] = {
        {"--address", 0, OPTION_TEXT, &o.address, "HOST:PORT",
         "where to listen (default 127.0.0.1:6443); port 0: any"},
        {"--unix", 0, OPTION_TEXT, &o.unix_path, "PATH", "listen on a socket, without TLS"},
        {"--tls", 0, OPTION_TEXT, &o.tls, "true|false", "HTTPS on the address (default true)"},
        {"--kubeconfig", 0, OPTION_TEXT, &o.kubeconfig, "FILE",
         "what to write for clients (default " KUBECONFIG_DEFAULT ")"},
        {"--as", 0, OPTION_LIST, &o.as, "USER[=GROUP,...]", "a context for this user; repeatable"},
        {"--service-account", 0, OPTION_LIST, &o.service_accounts, "NS/NAME",
         "a context for this account, made if missing; repeatable"},
        {"--world", 0, OPTION_LIST, &o.files, "FILE",
         "objects, or a scenario whose given is staged; repeatable"},
        {"--filter", 0, OPTION_TEXT, &o.filter, "GLOB", "which case of the scenario"},
        {"--implementation", 0, OPTION_LIST, &o.implementations, "NAME=WHAT",
         "who plays a component: builtin, external or none; repeatable"},
        {"--cluster", 0, OPTION_TEXT, &o.cluster, "NAME",
         "serve this one alone (default: all); without a scenario, its name"},
        {"--speed", 0, OPTION_TEXT, &o.speed, "N", "virtual seconds in a second (default 1)"},
        {"--start", 0, OPTION_TEXT, &o.start, "TIME", "the virtual clock's start (default now)"},
        {"--seed", 0, OPTION_COUNT, &o.seed, "N", "the seed of all randomness (default 1)"},
        {"--rbac", 0, OPTION_FLAG, &o.rbac, NULL, "ask roles and bindings who may do what"},
        {"--no-rbac", 0, OPTION_FLAG, &o.no_rbac, NULL, "who is known may do all (default)"},
        {"--anonymous", 0, OPTION_FLAG, &o.anonymous, NULL,
         "let in requests without credentials, as system:anonymous"},
        {"--connections", 0, OPTION_COUNT, &o.connections, "N",
         "clients at a time; more are refused (default 4096)"},
        {"--help", 'h', OPTION_FLAG, &o.help, NULL, "show this"},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL},
    };
    int status = parse_and_serve(&o, specs, argc, argv);

    option_list_finish(&o.as);
    option_list_finish(&o.service_accounts);
    option_list_finish(&o.files);
    option_list_finish(&o.implementations);
    return status;
}
