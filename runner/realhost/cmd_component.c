/* See cmd_component.h. */
#include "runner/realhost/cmd_component.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/wall.h"
#include "base/yaml.h"
#include "runner/options.h"
#include "runner/realhost/realhost.h"
#include "runner/realhost/s3_store.h"

#define EXIT_FAILED 1
#define EXIT_CANNOT_TELL 2

struct component_options {
    const char *kubeconfig, *context, *config, *root, *objects, *listen, *database;
    struct s3_options s3;
    struct option_list clusters, services;
    struct option_number seed;
    bool help;
};

static int fail(struct err *e)
{
    err_print(stderr, e, NULL, 0);
    err_clear(e);
    return EXIT_CANNOT_TELL;
}

/* ---- clusters ---- */

static int add_cluster(struct realhost *r, const struct kubeconfig *k, const char *name,
                       const char *context, struct err *reterr)
{
    struct access access = {0};
    int result = kubeconfig_access(k, context, &access, reterr);

    if (result == 0)
        realhost_add_cluster(r, name, &access);
    access_finish(&access);
    return result;
}

/* The first one is what a component gets that names none. */
static int add_clusters(struct realhost *r, const struct kubeconfig *k,
                        const struct component_options *o, struct err *reterr)
{
    if ((o->context || !o->clusters.count) && add_cluster(r, k, "default", o->context, reterr) < 0)
        return -1;
    for (size_t i = 0; i < o->clusters.count; i++) {
        const char *text = o->clusters.items[i], *equals = strchr(text, '=');
        AUTO(str) char *name = equals ? mem_strndup(text, (size_t)(equals - text)) : NULL;

        if (!name || !*name || !equals[1])
            return err_set(reterr, ERR_INVALID, NO_POS, "--cluster wants NAME=CONTEXT, found '%s'",
                           text);
        if (add_cluster(r, k, name, equals + 1, reterr) < 0)
            return -1;
    }
    return 0;
}

/* ---- the config ---- */

/* YAML, and so JSON too. New; NULL: printed. */
static json_t *load_config(const char *path)
{
    AUTO(diags) struct diags diags = {0};
    AUTO(yaml) struct yaml_doc *doc = NULL;
    AUTO(str) char *text = NULL;
    size_t len = 0;

    if (!path)
        return json_object();
    doc = yaml_parse_file(path, &diags, &text, &len);
    if (doc && yaml_node(doc, 0)->type != YAML_MAP) {
        diags_add(&diags, DIAG_ERROR, yaml_node(doc, 0)->pos, "a config is a map of settings");
        diags_print(stderr, &diags, text, len);
        return NULL;
    }
    if (!doc)
        diags_print(stderr, &diags, text, len);
    return doc ? yaml_to_json(doc, yaml_node(doc, 0)) : NULL;
}

static struct kubeconfig *load_kubeconfig(const char *path)
{
    AUTO(diags) struct diags diags = {0};
    struct kubeconfig *k = kubeconfig_load(path, &diags);

    if (!k)
        diags_print(stderr, &diags, NULL, 0);
    return k;
}

/* ---- services and the database ---- */

static int check_services(const struct option_list *l, struct err *reterr)
{
    for (size_t i = 0; i < l->count; i++) {
        const char *text = l->items[i], *equals = strchr(text, '=');
        const char *url = equals ? equals + 1 : "";
        size_t len = strlen(url);

        if (!equals || equals == text ||
            (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0))
            return err_set(reterr, ERR_INVALID, NO_POS, "--service wants NAME=URL, found '%s'",
                           text);
        if (url[len - 1] == '/')
            return err_set(reterr, ERR_INVALID, NO_POS,
                           "--service '%s': the paths of requests follow, so it must not end with "
                           "a slash",
                           text);
    }
    return 0;
}

static bool has_setting(const struct component *c, const char *name)
{
    for (const char *const *s = c->settings; s && *s; s++)
        if (strcmp(*s, name) == 0)
            return true;
    return false;
}

/* The component sees the folder of the file as its root, and the file in it. *ret_root is new, or
 * NULL. */
static int give_database(const struct component *c, const struct component_options *o,
                         json_t *config, char **ret_root, struct err *reterr)
{
    const char *slash = o->database ? strrchr(o->database, '/') : NULL;
    const char *name = slash ? slash + 1 : o->database;
    AUTO(str) char *path = NULL;

    *ret_root = NULL;
    if (!o->database)
        return 0;
    if (o->root)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "both --root and --database; the setting 'database' of --config names a "
                       "file below --root");
    if (!has_setting(c, "database"))
        return err_set(reterr, ERR_INVALID, NO_POS, "--database: component '%s' has none", c->name);
    if (!*name)
        return err_set(reterr, ERR_INVALID, NO_POS, "--database wants a file, found '%s'",
                       o->database);
    path = mem_printf("/%s", name);
    json_object_set_new(config, "database", json_string(path));
    *ret_root = slash == o->database ? mem_strdup("/")
                : slash              ? mem_strndup(o->database, (size_t)(slash - o->database))
                                     : mem_strdup(".");
    return 0;
}

/* ---- the environment ---- */

static void take_variables(const struct component *c, json_t *config)
{
    for (const struct component_variable *v = c->variables; v && v->name; v++) {
        const char *value = getenv(v->name);

        if (value && *value && !json_object_get(config, v->setting))
            json_object_set_new(config, v->setting, json_string(value));
    }
}

static void help_variables(const struct component *c)
{
    for (const struct component_variable *v = c->variables; v && v->name; v++)
        printf("    %s: the setting '%s' of %s\n", v->name, v->setting, c->name);
}

/* ---- the run ---- */

static int run_with(const struct component *c, const struct component_options *o,
                    const struct kubeconfig *k, json_t *config)
{
    AUTO(str) char *folder = NULL;
    AUTO(s3_place) struct s3_place s3 = {0};
    struct err err = {0};

    if (o->s3.url && o->objects) {
        err_set(&err, ERR_INVALID, NO_POS, "both --objects and --s3");
        return fail(&err);
    }
    if (o->s3.url && s3_place_read(&o->s3, &s3, &err) < 0)
        return fail(&err);
    if (check_services(&o->services, &err) < 0 || give_database(c, o, config, &folder, &err) < 0)
        return fail(&err);
    const struct realhost_config rc = {
        .seed = o->seed.given ? o->seed.value : (uint64_t)wall_date_ns() ^ (uint64_t)getpid() << 40,
        .root = folder ? folder : o->root,
        .objects = o->objects,
        .s3 = o->s3.url ? &s3 : NULL,
        .listen = o->listen,
        .services = (const char *const *)o->services.items,
        .service_count = o->services.count};
    AUTO(realhost) struct realhost *r = realhost_create(&rc, &err);

    if (!r || (k && add_clusters(r, k, o, &err) < 0))
        return fail(&err);
    if (realhost_run(r, c, config, &err) == 0)
        return 0;
    fail(&err);
    return EXIT_FAILED;
}

static int unknown_component(const char *name)
{
    const char *near = component_nearest(name);
    struct err err = {0};

    err_set(&err, ERR_NOT_FOUND, NO_POS, "no component is called '%s'", name);
    err_suggest(&err, name, &near, near ? 1 : 0, NULL);
    return fail(&err);
}

static int run(const char *name, const struct component_options *o)
{
    const struct component *c = component_find(name);
    const char *path = o->kubeconfig ? o->kubeconfig : getenv("KUBECONFIG");
    AUTO(kubeconfig) struct kubeconfig *k = NULL;
    AUTO(json) json_t *config = NULL;
    struct err err = {0};

    if (!c)
        return unknown_component(name);
    if (!c->run) {
        err_set(&err, ERR_UNSUPPORTED, NO_POS, "'%s' is a plugin, which Velero calls", name);
        return fail(&err);
    }
    if (path && !*path)
        path = NULL;
    /* A service may do without a cluster. */
    if (!path && (!o->listen || o->context || o->clusters.count)) {
        err_set(&err, ERR_INVALID, NO_POS, "no --kubeconfig was given, and KUBECONFIG is not set");
        return fail(&err);
    }
    k = path ? load_kubeconfig(path) : NULL;
    config = k || !path ? load_config(o->config) : NULL;
    if (!config)
        return EXIT_CANNOT_TELL;
    take_variables(c, config);
    return run_with(c, o, k, config);
}

static void help(const struct option_spec *specs)
{
    puts("usage: vmconform component NAME [OPTIONS]\n\nRuns a component against real clusters, on "
         "the wall clock, until SIGTERM or SIGINT.\n");
    options_help(specs);
    puts("\ncomponents:");
    for (const struct component *const *c = component_all(); *c; c++)
        if ((*c)->run)
            printf("    %s%s\n", (*c)->name, (*c)->kind == COMPONENT_POD ? " (runs once)" : "");
    puts("\nvariables, where --config does not say otherwise:");
    for (const struct component *const *c = component_all(); *c; c++)
        help_variables(*c);
    puts("\nexit status: 0 it ended or was stopped; 1 it failed; 2 it could not be run");
}

static int parse_and_run(struct component_options *o, const struct option_spec *specs, int argc,
                         char **argv)
{
    struct err err = {0};
    int operands;

    if (options_parse(specs, argc - 1, argv + 1, &operands, &err) < 0)
        return fail(&err);
    if (o->help) {
        help(specs);
        return 0;
    }
    if (operands != 1) {
        err_set(&err, ERR_INVALID, NO_POS, "component wants one name, found %d", operands);
        err_hint(&err, "'vmconform component --help' lists them");
        return fail(&err);
    }
    return run(argv[1], o);
}

int real_component(int argc, char **argv)
{
    struct component_options o = {0};
    const struct option_spec specs[] = {
        {"--kubeconfig", 0, OPTION_TEXT, &o.kubeconfig, "FILE",
         "where the clusters are (default: the variable KUBECONFIG)"},
        {"--context", 0, OPTION_TEXT, &o.context, "NAME",
         "the default cluster (default: the current context)"},
        {"--cluster", 0, OPTION_LIST, &o.clusters, "NAME=CONTEXT",
         "a cluster that the component's config names; repeatable"},
        {"--config", 0, OPTION_TEXT, &o.config, "FILE",
         "the component's settings, as YAML or JSON"},
        {"--root", 0, OPTION_TEXT, &o.root, "DIR", "what the component sees as /"},
        {"--objects", 0, OPTION_TEXT, &o.objects, "DIR", "an object store: a folder of buckets"},
        {"--s3", 0, OPTION_TEXT, &o.s3.url, "URL", "an object store: an S3 server"},
        {"--s3-region", 0, OPTION_TEXT, &o.s3.region, "NAME", "its region (default us-east-1)"},
        {"--s3-credentials", 0, OPTION_TEXT, &o.s3.credentials, "FILE",
         "as AWS clients have it, profile default (default: AWS_ACCESS_KEY_ID and its like)"},
        {"--s3-ca", 0, OPTION_TEXT, &o.s3.ca_file, "FILE", "whom to trust, as PEM"},
        {"--s3-insecure", 0, OPTION_FLAG, &o.s3.insecure, NULL, "trust any certificate"},
        {"--s3-virtual-hosts", 0, OPTION_FLAG, &o.s3.virtual_hosts, NULL,
         "buckets are hosts: BUCKET.HOST in place of HOST/BUCKET"},
        {"--s3-customer-key", 0, OPTION_TEXT, &o.s3.customer_key_file, "FILE",
         "32 bytes that the store encrypts objects with (SSE-C)"},
        {"--s3-checksum", 0, OPTION_TEXT, &o.s3.checksum, "NAME",
         "what goes with each body: CRC32, CRC32C (default), SHA1, SHA256"},
        {"--listen", 0, OPTION_TEXT, &o.listen, "ADDR",
         "where the component serves HTTP: 127.0.0.1:8080"},
        {"--database", 0, OPTION_TEXT, &o.database, "FILE",
         "its database; the folder of the file is what it sees as /"},
        {"--service", 0, OPTION_LIST, &o.services, "NAME=URL",
         "a service that the component calls; repeatable"},
        {"--seed", 0, OPTION_NUMBER, &o.seed, "N", "the seed of jitter and generated names"},
        {"--help", 'h', OPTION_FLAG, &o.help, NULL, "show this"},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL},
    };
    int status = parse_and_run(&o, specs, argc, argv);

    option_list_finish(&o.clusters);
    option_list_finish(&o.services);
    return status;
}
