/* What kube-controller-manager does about accounts and roles: the service account "default" and the
 * CA of the server in every namespace, and when roles are aggregated (aggregate.c).
 *
 * An observer may not write, so it posts one event for all that there is to do. */
#include <string.h>

#include "base/json.h"
#include "kube/meta.h"
#include "sim/auth/auth_priv.h"

#define ACCOUNTS_USER ACCOUNT_PREFIX "kube-system:service-account-controller"
#define CA_USER ACCOUNT_PREFIX "kube-system:root-ca-cert-publisher"
#define CA_NAME "kube-root-ca.crt"
#define ROUNDS_MAX 8 /* a role that aggregates others that aggregate others ... */

void chore_ask(struct auth *a, struct api_request *req, const char *user)
{
    AUTO(response) struct api_response ret = {0};
    req->user = user;
    req->field_manager = "kube-controller-manager";
    apiserver_handle(a->config.server, req, &ret);
}

/* ---- what every namespace has ---- */

static void create(struct auth *a, const char *plural, const char *ns, const char *user,
                   const json_t *body)
{
    struct api_request req = {
        .verb = API_CREATE, .resource = {"", "v1", plural}, .ns = ns, .body = body};
    chore_ask(a, &req, user);
}

static void furnish(struct auth *a, const char *ns)
{
    const struct apiserver *server = a->config.server;
    if (!apiserver_peek(server, "", "serviceaccounts", ns, "default")) {
        AUTO(json) json_t *body = json_pack("{s:{s:s}}", "metadata", "name", "default");
        create(a, "serviceaccounts", ns, ACCOUNTS_USER, body);
    }
    if (a->config.ca_pem && !apiserver_peek(server, "", "configmaps", ns, CA_NAME)) {
        AUTO(json)
        json_t *body = json_pack("{s:{s:s, s:{s:s}}, s:{s:s}}", "metadata", "name", CA_NAME,
                                 "annotations", "kubernetes.io/description",
                                 "Contains a CA bundle that can be used to verify the API server.",
                                 "data", "ca.crt", a->config.ca_pem);
        create(a, "configmaps", ns, CA_USER, body);
    }
}

static void furnish_all(struct auth *a)
{
    AUTO(json) json_t *all = apiserver_peek_all(a->config.server, "", "namespaces", NULL);
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *ns = json_array_get(all, i);
        if (!meta_deleting(ns))
            furnish(a, meta_name(ns));
    }
}

/* ---- when ---- */

void chores_do(struct auth *a)
{
    a->at_chores = true;
    if (a->accounts_changed)
        furnish_all(a);
    a->accounts_changed = false;
    for (int i = 0; i < ROUNDS_MAX && a->roles_changed; i++)
        a->roles_changed = aggregate_once(a);
    a->roles_changed = false;
    a->at_chores = false;
}

static void run_chores(void *cookie)
{
    struct auth *a = cookie;
    a->chores = 0;
    chores_do(a);
}

static bool makes_chores(struct auth *a, const struct store_change *change)
{
    const char *plural = change->plural;
    if (strcmp(change->group, RBAC_GROUP) == 0) {
        bool roles = a->config.rbac && strcmp(plural, "clusterroles") == 0;
        a->roles_changed |= roles;
        return roles;
    }
    if (*change->group)
        return false;
    bool spaces = change->type == EVENT_ADDED && strcmp(plural, "namespaces") == 0;
    bool pieces =
        change->type == EVENT_DELETED &&
        ((strcmp(plural, "serviceaccounts") == 0 && strcmp(change->name, "default") == 0) ||
         (strcmp(plural, "configmaps") == 0 && strcmp(change->name, CA_NAME) == 0));
    a->accounts_changed |= spaces || pieces;
    return spaces || pieces;
}

static void observe(void *cookie, const struct store_change *change)
{
    struct auth *a = cookie;
    if (strcmp(change->group, RBAC_GROUP) == 0)
        rbac_forget(a); /* what it knows of roles and bindings */
    if (makes_chores(a, change) && !a->at_chores && a->chores == 0)
        a->chores = sched_post(a->config.sched, sched_now(a->config.sched), run_chores, a);
}

void chores_install(struct auth *a)
{
    a->accounts_changed = true;
    apiserver_observe(a->config.server, observe, a);
}

void chores_stop(struct auth *a)
{
    if (a->chores)
        sched_cancel(a->config.sched, a->chores);
    a->chores = 0;
}
