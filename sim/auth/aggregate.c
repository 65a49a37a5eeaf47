/* Roles that aggregate others: their rules are those of the roles that their selectors choose. */
#include <string.h>

#include "base/json.h"
#include "kube/meta.h"
#include "kube/selector.h"
#include "sim/auth/auth_priv.h"

#define AGGREGATION_USER ACCOUNT_PREFIX "kube-system:clusterrole-aggregation-controller"

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

bool aggregate_once(struct auth *a)
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
        chore_ask(a, &req, AGGREGATION_USER);
        written = true;
    }
    return written;
}
