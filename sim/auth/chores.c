/* What kube-controller-manager does about accounts and roles: the service account "default" and the
 * CA of the server in every namespace, the rules of roles that aggregate others.
 *
 * An observer may not write, so it posts one event for all that there is to do. */
#include <string.h>

#include "base/json.h"
#include "kube/meta.h"
#include "kube/selector.h"
#include "sim/auth/auth_priv.h"

#define ACCOUNTS_USER ACCOUNT_PREFIX "kube-system:service-account-controller"
#define CA_USER ACCOUNT_PREFIX "kube-system:root-ca-cert-publisher"
#define AGGREGATION_USER ACCOUNT_PREFIX "kube-system:clusterrole-aggregation-controller"
#define CA_NAME "kube-root-ca.crt"
#define ROUNDS_MAX 8 /* a role that aggregates others that aggregate others ... */

/* A write that fails is no loss: something else has changed, and that is another chore. */
static void ask(struct auth *a, struct api_request *req, const char *user)
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
    ask(a, &req, user);
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

/* ---- roles that aggregate ---- */

/* Rules of other roles, each once. */
struct gathering {
    const json_t *all, *into;
    bool *taken; /* of all, by their places */
    struct strmap
        *seen; /* the rules' texts: comparing each with all takes too long for thousands */
    json_t *rules;
};

static void gather_rules(struct gathering *g, const json_t *role)
{
    const json_t *more = json_object_get(role, "rules");
    for (size_t k = 0; k < json_array_size(more); k++) {
        json_t *rule = json_array_get(more, k);
        AUTO(strbuf) struct strbuf text = {0};
        json_write_sorted(&text, rule, JSON_TIGHT);
        if (strmap_get(g->seen, strbuf_str(&text)))
            continue;
        strmap_put(g->seen, strbuf_str(&text), rule);
        json_array_append_new(g->rules, json_copy_of(rule));
    }
}

static void gather_matching(struct gathering *g, const struct selector *s)
{
    for (size_t i = 0; i < json_array_size(g->all); i++) {
        const json_t *role = json_array_get(g->all, i);
        if (g->taken[i] || role == g->into ||
            !selector_matches(s, json_at(role, "metadata", "labels", NULL)))
            continue;
        g->taken[i] = true;
        gather_rules(g, role);
    }
}

static bool gather_all(struct gathering *g, const json_t *selectors)
{
    for (size_t i = 0; i < json_array_size(selectors); i++) {
        struct err e = {0};
        AUTO(selector)
        struct selector *s = selector_from_label_selector(json_array_get(selectors, i), &e);
        err_clear(&e);
        if (!s)
            return false;
        gather_matching(g, s);
    }
    return true;
}

/* New; NULL when the role aggregates nothing, or a selector is none. */
static json_t *aggregated(const json_t *role, const json_t *all)
{
    const json_t *rule = json_object_get(role, "aggregationRule");
    const json_t *selectors = json_object_get(rule, "clusterRoleSelectors");
    if (!json_is_array(selectors))
        return NULL;
    AUTO(json) json_t *rules = json_array();
    struct gathering g = {.all = all,
                          .into = role,
                          .taken = mem_zalloc(json_array_size(all) * sizeof(bool)),
                          .seen = strmap_create(),
                          .rules = rules};
    bool good = gather_all(&g, selectors);
    strmap_destroy(g.seen, NULL);
    free(g.taken);
    return good ? TAKE(rules) : NULL;
}

/* Whether anything was written. */
static bool aggregate_once(struct auth *a)
{
    AUTO(json) json_t *all = apiserver_peek_all(a->config.server, RBAC_GROUP, "clusterroles", NULL);
    bool written = false;
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *role = json_array_get(all, i);
        AUTO(json) json_t *rules = aggregated(role, all);
        const json_t *have = json_object_get(role, "rules");
        if (!rules || (have && json_same(rules, have)))
            continue;
        AUTO(json) json_t *body = json_copy_parts(role, NULL);
        json_object_set(body, "rules", rules);
        struct api_request req = {.verb = API_UPDATE,
                                  .resource = {RBAC_GROUP, "v1", "clusterroles"},
                                  .name = meta_name(role),
                                  .body = body};
        ask(a, &req, AGGREGATION_USER);
        written = true;
    }
    return written;
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
        rbac_forget(a);
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
