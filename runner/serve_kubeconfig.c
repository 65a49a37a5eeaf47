/* Who may come in: certificates, tokens, and the file that tells clients of them. */
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "kube/meta.h"
#include "runner/kubeconfig.h"
#include "runner/serve.h"

#define ADMIN "kubernetes-admin"
static const char *const admin_groups[] = {"system:masters", NULL};

/* ---- certificates ---- */

/* The host of "HOST:PORT", without brackets. New. */
static char *host_of(const char *address)
{
    const char *colon = strrchr(address, ':');
    size_t len = colon ? (size_t)(colon - address) : strlen(address);

    if (len >= 2 && *address == '[')
        return mem_strndup(address + 1, len - 2);
    return mem_strndup(address, len);
}

int serve_make_certificates(struct served *c, struct err *reterr)
{
    AUTO(str) char *host = host_of(c->serve->options->address);
    const char *const hosts[] = {"localhost",
                                 "kubernetes",
                                 "kubernetes.default",
                                 "kubernetes.default.svc",
                                 "kubernetes.default.svc.cluster.local",
                                 "127.0.0.1",
                                 "::1",
                                 *host ? host : NULL,
                                 NULL};

    c->ca = tls_ca_create("vmconform", reterr);
    return c->ca ? tls_issue_server(c->ca, hosts, &c->server_pair, reterr) : -1;
}

/* ---- accounts ---- */

/* The two halves of NAMESPACE/NAME. */
static int split_account(const char *text, char **ret_ns, char **ret_name, struct err *reterr)
{
    const char *slash = strchr(text, '/');

    if (!slash || slash == text || !slash[1] || strchr(slash + 1, '/'))
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "--service-account wants NAMESPACE/NAME, found '%s'", text);
    *ret_ns = mem_strndup(text, (size_t)(slash - text));
    *ret_name = mem_strdup(slash + 1);
    return 0;
}

static int create_unless_there(struct apiserver *server, const char *plural, const char *kind,
                               const char *ns, const char *name, struct err *reterr)
{
    AUTO(json)
    json_t *object = json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind", kind, "metadata",
                               "name", name);
    AUTO(response) struct api_response res = {0};
    struct api_request req = {
        .verb = API_CREATE, .resource = {"", "v1", plural}, .ns = ns, .body = object};

    if (apiserver_peek(server, "", plural, ns, name))
        return 0;
    apiserver_handle(server, &req, &res);
    if (api_ok(&res))
        return 0;
    return err_set(reterr, ERR_INVALID, NO_POS, "--service-account: the API server refused: %s",
                   api_message(&res));
}

static int make_accounts(const struct served *c, struct err *reterr)
{
    const struct option_list *accounts = &c->serve->options->service_accounts;
    struct apiserver *server = cluster_server(c->cluster);

    for (size_t i = 0; i < accounts->count; i++) {
        AUTO(str) char *ns = NULL;
        AUTO(str) char *name = NULL;

        if (split_account(accounts->items[i], &ns, &name, reterr) < 0 ||
            create_unless_there(server, "namespaces", "Namespace", NULL, ns, reterr) < 0 ||
            create_unless_there(server, "serviceaccounts", "ServiceAccount", ns, name, reterr) < 0)
            return -1;
    }
    return 0;
}

int serve_make_accounts(struct serve *s, struct err *reterr)
{
    for (size_t i = 0; i < s->count; i++)
        if (make_accounts(&s->clusters[i], reterr) < 0)
            return -1;
    return 0;
}

/* ---- the file ---- */

/* The part of a cluster. */
struct file {
    const struct served *c;
    struct kubeconfig *config;
};

static void add_user(struct file *k, const char *name, json_t *credentials_take)
{
    kubeconfig_add_user(k->config, name, cluster_name(k->c->cluster), credentials_take);
}

static void add_token(struct file *k, const char *shown, const char *name,
                      const char *const *groups)
{
    AUTO(str) char *token = auth_issue_token(k->c->auth, name, groups, SCHED_NEVER);

    add_user(k, shown, json_pack("{s:s}", "token", token));
}

static int add_admin(struct file *k, struct err *reterr)
{
    struct tls_pair pair = {NULL, NULL};
    AUTO(str) char *cert = NULL;
    AUTO(str) char *key = NULL;

    if (!k->c->ca) {
        add_token(k, ADMIN, ADMIN, admin_groups);
        return 0;
    }
    if (tls_issue_client(k->c->ca, ADMIN, admin_groups, &pair, reterr) < 0)
        return -1;
    cert = kubeconfig_base64(pair.cert_pem);
    key = kubeconfig_base64(pair.key_pem);
    tls_pair_finish(&pair);
    add_user(k, ADMIN,
             json_pack("{s:s, s:s}", "client-certificate-data", cert, "client-key-data", key));
    return 0;
}

/* ---- whom the command line names ---- */

/* JSON, and so a kubeconfig and a token, can hold nothing else. */
static bool is_utf8(const char *text)
{
    AUTO(json) json_t *v = json_string(text);

    return v != NULL;
}

static int check_text(const char *option, const char *text, struct err *reterr)
{
    if (!text || is_utf8(text))
        return 0;
    return err_set(reterr, ERR_INVALID, NO_POS, "%s wants UTF-8, found '%s'", option, text);
}

/* Clients refuse a kubeconfig with two contexts of one name. */
static int check_new(struct strmap *taken, const char *option, const char *text, size_t len,
                     struct err *reterr)
{
    AUTO(str) char *name = mem_strndup(text, len);

    if (check_text(option, text, reterr) < 0)
        return -1;
    if (strmap_get(taken, name))
        return err_set(reterr, ERR_INVALID, NO_POS, "%s: there is a context for '%s' already",
                       option, name);
    strmap_put(taken, name, taken);
    return 0;
}

int serve_check_names(const struct serve_options *o, struct err *reterr)
{
    struct strmap *taken = strmap_create();
    int r = check_text("--cluster", o->cluster, reterr);

    strmap_put(taken, ADMIN, taken);
    for (size_t i = 0; r == 0 && i < o->implementations.count; i++) {
        const char *text = o->implementations.items[i], *value = strchr(text, '=');

        if (value && strcmp(value, "=external") == 0)
            r = check_new(taken, "--implementation", text, (size_t)(value - text), reterr);
    }
    for (size_t i = 0; r == 0 && i < o->as.count; i++)
        r = check_new(taken, "--as", o->as.items[i], strcspn(o->as.items[i], "="), reterr);
    for (size_t i = 0; r == 0 && i < o->service_accounts.count; i++)
        r = check_new(taken, "--service-account", o->service_accounts.items[i],
                      strlen(o->service_accounts.items[i]), reterr);
    strmap_destroy(taken, NULL);
    return r;
}

/* ---- their contexts ---- */

/* USER or USER=GROUP,GROUP. */
static int add_person(struct file *k, const char *text, struct err *reterr)
{
    size_t len = strcspn(text, "="), count = 0;
    AUTO(str) char *name = mem_strndup(text, len);
    AUTO(str) char *list = text[len] ? mem_strdup(text + len + 1) : NULL;
    const char *groups[65] = {NULL};

    if (!*name)
        return err_set(reterr, ERR_INVALID, NO_POS, "--as wants USER or USER=GROUP,..., found '%s'",
                       text);
    for (char *p = list, *next; p; p = next) {
        next = strchr(p, ',');
        if (next)
            *next++ = '\0';
        if (!*p || count == ARRAY_LEN(groups) - 1)
            return err_set(reterr, ERR_INVALID, NO_POS,
                           "--as wants 1 to %zu groups, none of them empty, found '%s'",
                           ARRAY_LEN(groups) - 1, text);
        groups[count++] = p;
    }
    add_token(k, name, name, list ? groups : NULL);
    return 0;
}

static int add_account(struct file *k, const char *text, struct err *reterr)
{
    AUTO(str) char *ns = NULL;
    AUTO(str) char *name = NULL;
    AUTO(str) char *user = NULL;

    if (split_account(text, &ns, &name, reterr) < 0)
        return -1;
    user = mem_printf("system:serviceaccount:%s:%s", ns, name);
    add_token(k, text, user, NULL);
    return 0;
}

static int add_all(struct file *k, struct err *reterr)
{
    const struct serve_options *o = k->c->serve->options;

    const struct serve *s = k->c->serve;

    if (add_admin(k, reterr) < 0)
        return -1;
    for (size_t i = 0; i < s->player_count; i++)
        if (s->players[i].who == PLAYER_OUTSIDE)
            add_token(k, s->players[i].name, s->players[i].user, NULL);
    for (size_t i = 0; i < o->as.count; i++)
        if (add_person(k, o->as.items[i], reterr) < 0)
            return -1;
    for (size_t i = 0; i < o->service_accounts.count; i++)
        if (add_account(k, o->service_accounts.items[i], reterr) < 0)
            return -1;
    return 0;
}

/* The address, and without one the socket, from wherever the file is read. New. */
static char *url_of(const struct served *c)
{
    const char *address = http_server_address(c->tcp ? c->tcp : c->local);
    char here[4096];

    if (c->tcp)
        return mem_printf("%s://%s", c->ca ? "https" : "http", address);
    if (*address == '/' || !getcwd(here, sizeof here))
        return mem_printf("unix://%s", address);
    return mem_printf("unix://%s/%s", here, address);
}

static int add_cluster(struct kubeconfig *config, const struct served *c, struct err *reterr)
{
    struct file k = {c, config};
    AUTO(str) char *url = url_of(c);

    kubeconfig_add_cluster(config, cluster_name(c->cluster), url, c->ca ? tls_ca_pem(c->ca) : NULL);
    return add_all(&k, reterr);
}

/* Of some of the clusters; who: whose context in the first of them is the current one. */
static int write_file(const struct served *clusters, size_t count, const char *who,
                      const char *path, struct err *reterr)
{
    struct kubeconfig config = {.clusters = NULL};
    AUTO(str) char *current = mem_printf("%s@%s", who, cluster_name(clusters[0].cluster));
    int r = 0;

    for (size_t i = 0; r == 0 && i < count; i++)
        r = add_cluster(&config, &clusters[i], reterr);
    if (r == 0)
        r = kubeconfig_save(&config, current, path, reterr);
    kubeconfig_finish(&config);
    return r;
}

int serve_write_kubeconfigs(struct serve *s, const char *path, struct err *reterr)
{
    for (size_t i = 0; s->count > 1 && i < s->count; i++) {
        AUTO(str) char *beside = mem_printf("%s.%s", path, cluster_name(s->clusters[i].cluster));

        if (write_file(&s->clusters[i], 1, ADMIN, beside, reterr) < 0)
            return -1;
    }
    for (size_t i = 0; i < s->player_count; i++) {
        AUTO(str) char *beside = mem_printf("%s.%s", path, s->players[i].name);

        if (s->players[i].who == PLAYER_OUTSIDE &&
            write_file(s->clusters, s->count, s->players[i].name, beside, reterr) < 0)
            return -1;
    }
    return write_file(s->clusters, s->count, ADMIN, path, reterr);
}
