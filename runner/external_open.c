/* What an outside implementation finds before the first case: a socket, certificates, a kubeconfig.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/component.h"
#include "reports/writers.h"
#include "runner/external_priv.h"
#include "runner/given.h"
#include "runner/kubeconfig.h"

#define ADMIN "kubernetes-admin"
#define CLUSTERS_MAX 16

/* ---- the socket ---- */

static int make_certificates(struct external_options *o, struct err *reterr)
{
    const char *colon = strrchr(o->address, ':');
    AUTO(str)
    char *host = mem_printf("%.*s", (int)(colon ? colon - o->address : 0), o->address);
    const char *const hosts[] = {"localhost", "127.0.0.1", "::1", *host == '[' ? NULL : host, NULL};

    o->ca = tls_ca_create("vmconform", reterr);
    return o->ca ? tls_issue_server(o->ca, hosts, &o->pair, reterr) : -1;
}

static int open_listener(struct external_options *o, struct err *reterr)
{
    const char *path = strncmp(o->listen, "unix:", 5) == 0 ? o->listen + 5 : NULL;
    int fd = http_listener_open(path ? NULL : o->listen, path, &o->address, reterr);

    if (fd < 0)
        return -1;
    o->listener = fd;
    o->unix_path = path ? mem_strdup(path) : NULL;
    return path ? 0 : make_certificates(o, reterr);
}

/* ---- the kubeconfig ---- */

/* Tokens are signed with a key that follows from the run's secret and the cluster's name: one of
 * the same name in a later world knows them. The seed alone would not do: everybody knows it, and
 * others than the component may reach the socket. */
static void add_users(struct kubeconfig *k, const struct external_options *o, const char *cluster)
{
    static const char *const admins[] = {"system:masters", NULL};
    AUTO(world) struct world *w = world_create(&(struct world_config){.seed = o->seed});
    struct cluster *c = world_add_cluster(w, cluster, NULL);
    AUTO(auth)
    struct auth *auth = auth_create(&(struct auth_config){.server = cluster_server(c),
                                                          .sched = world_sched(w),
                                                          .secret = o->secret,
                                                          .secret_len = sizeof o->secret});
    AUTO(str) char *token = auth_issue_token(auth, o->user, NULL, SCHED_NEVER);
    AUTO(str) char *admin = auth_issue_token(auth, ADMIN, admins, SCHED_NEVER);

    kubeconfig_add_user(k, o->component, cluster, json_pack("{s:s}", "token", token));
    kubeconfig_add_user(k, ADMIN, cluster, json_pack("{s:s}", "token", admin));
}

int external_write_kubeconfig(const struct external_options *o, const char *const *clusters,
                              size_t count, struct err *reterr)
{
    struct kubeconfig k = {.clusters = NULL};
    AUTO(str) char *current = mem_printf("%s@%s", o->component, clusters[0]);
    int r;

    for (size_t i = 0; i < count; i++) {
        AUTO(str)
        char *url = mem_printf("%s%s/clusters/%s", o->unix_path ? "unix://" : "https://",
                               o->address, clusters[i]);

        kubeconfig_add_cluster(&k, clusters[i], url, o->ca ? tls_ca_pem(o->ca) : NULL);
        add_users(&k, o, clusters[i]);
    }
    report_make_parents(o->kubeconfig_path);
    r = kubeconfig_save(&k, current, o->kubeconfig_path, reterr);
    kubeconfig_finish(&k);
    return r;
}

/* ---- what the cases will have ---- */

struct names {
    const char *items[CLUSTERS_MAX];
    size_t count;
};

static void add_name(struct names *n, const char *name)
{
    for (size_t i = 0; name && i < n->count; i++)
        if (strcmp(n->items[i], name) == 0)
            return;
    if (name && n->count < CLUSTERS_MAX)
        n->items[n->count++] = name;
}

static void names_of_unit(struct names *n, const struct unit *u)
{
    for (size_t i = 0; i < u->given_count; i++) {
        if (u->givens[i].item == &given_cluster)
            add_name(n, tmpl_word(u->givens[i].args));
        if (u->givens[i].fixture)
            names_of_unit(n, u->givens[i].fixture);
    }
}

int external_open(struct external_options *o, const struct collection *c, struct err *reterr)
{
    const struct component *known = component_find(o->component);
    struct names clusters = {.count = 0};

    o->user = known ? mem_strdup(known->user)
                    : mem_printf("system:serviceaccount:%s:%s", o->component, o->component);
    names_of_unit(&clusters, c->cases[0].unit);
    if (clusters.count == 0)
        add_name(&clusters, "main");
    for (size_t i = 1; i < c->case_count; i++)
        names_of_unit(&clusters, c->cases[i].unit);
    if (tls_random(o->secret, sizeof o->secret, reterr) < 0 || open_listener(o, reterr) < 0 ||
        external_write_kubeconfig(o, clusters.items, clusters.count, reterr) < 0)
        return -1;
    printf("serving %s for %s, kubeconfig %s\n", o->address, o->component, o->kubeconfig_path);
    fflush(stdout);
    return 0;
}
