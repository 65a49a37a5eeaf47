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

#define EXIT_FAILED 1
#define EXIT_CANNOT_TELL 2

struct component_options {
    const char *kubeconfig, *context, *config, *root, *objects;
    struct option_list clusters;
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

/* ---- the run ---- */

static int run_with(const struct component *c, const struct component_options *o,
                    const struct kubeconfig *k, const json_t *config)
{
    const struct realhost_config rc = {
        .seed = o->seed.given ? o->seed.value : (uint64_t)wall_date_ns() ^ (uint64_t)getpid() << 40,
        .root = o->root,
        .objects = o->objects};
    struct err err = {0};
    AUTO(realhost) struct realhost *r = realhost_create(&rc, &err);

    if (!r || add_clusters(r, k, o, &err) < 0)
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
    if (!path || !*path) {
        err_set(&err, ERR_INVALID, NO_POS, "no --kubeconfig was given, and KUBECONFIG is not set");
        return fail(&err);
    }
    k = load_kubeconfig(path);
    config = k ? load_config(o->config) : NULL;
    return config ? run_with(c, o, k, config) : EXIT_CANNOT_TELL;
}

static void help(const struct option_spec *specs)
{
    puts("usage: vmconform component NAME [OPTIONS]\n\nRuns a component against real clusters, on "
         "the wall clock, until SIGTERM or SIGINT.\n");
    options_help(specs);
    puts("\ncomponents:");
    for (const struct component *const *c = component_all(); *c; c++)
        printf("    %s%s\n", (*c)->name, (*c)->kind == COMPONENT_POD ? " (runs once)" : "");
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
        {"--seed", 0, OPTION_NUMBER, &o.seed, "N", "the seed of jitter and generated names"},
        {"--help", 'h', OPTION_FLAG, &o.help, NULL, "show this"},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL},
    };
    int status = parse_and_run(&o, specs, argc, argv);

    option_list_finish(&o.clusters);
    return status;
}
