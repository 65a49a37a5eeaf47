/* SelfSubjectRulesReview: everything that somebody may do in a namespace. */
#include <string.h>

#include "base/json.h"
#include "kube/status.h"
#include "sim/auth/auth_priv.h"

struct listing {
    json_t *resources, *paths;
    struct strbuf errors;
};

static void copy_lists(json_t *to, const json_t *rule, const char *const *keys)
{
    for (size_t i = 0; keys[i]; i++) {
        const json_t *list = json_object_get(rule, keys[i]);
        if (json_array_size(list) > 0)
            json_object_set_new(to, keys[i], json_copy_of(list));
    }
}

static bool list_rule(void *cookie, const struct grant *g, const struct rule *rule)
{
    static const char *const resource_keys[] = {"verbs", "apiGroups", "resources", "resourceNames",
                                                NULL};
    static const char *const path_keys[] = {"verbs", "nonResourceURLs", NULL};
    struct listing *l = cookie;
    if (!rule) {
        AUTO(str) char *text = rbac_missing_role(g);
        strbuf_addf(&l->errors, "%s%s", l->errors.len ? ", " : "", text);
        return true;
    }
    if (rule->resources.count > 0) {
        json_t *one = json_object();
        copy_lists(one, rule->json, resource_keys);
        json_array_append_new(l->resources, one);
    }
    if (rule->urls.count > 0) {
        json_t *one = json_object();
        copy_lists(one, rule->json, path_keys);
        json_array_append_new(l->paths, one);
    }
    return true;
}

static void list_everything(struct listing *l)
{
    json_array_append_new(l->resources, json_pack("{s:[s], s:[s], s:[s]}", "verbs", "*",
                                                  "apiGroups", "*", "resources", "*"));
    json_array_append_new(l->paths,
                          json_pack("{s:[s], s:[s]}", "verbs", "*", "nonResourceURLs", "*"));
}

static json_t *status_of(struct auth *a, const struct api_identity *who, const char *ns)
{
    struct listing l = {.resources = json_array(), .paths = json_array()};
    if (a->config.rbac)
        rbac_visit(a, who, ns, list_rule, &l);
    else
        list_everything(&l);
    json_t *status = json_object();
    json_object_set_new(status, "resourceRules", l.resources);
    json_object_set_new(status, "nonResourceRules", l.paths);
    json_object_set_new(status, "incomplete", json_boolean(l.errors.len > 0));
    if (l.errors.len)
        json_put_str(status, "evaluationError", strbuf_str(&l.errors));
    strbuf_finish(&l.errors);
    return status;
}

static int rules_review(void *cookie, const struct api_request *req, struct api_response *ret)
{
    static const struct review_field fields[] = {{"spec.namespace", 's'}};
    AUTO(json)
    json_t *review = review_open(req, AUTHORIZATION_GROUP, "SelfSubjectRulesReview", fields,
                                 ARRAY_LEN(fields), ret);
    if (!review)
        return -1;
    const char *ns = json_str_or_empty(review, "spec.namespace");
    if (!*ns)
        return status_bad_request(ret, "no namespace on request");
    AUTO(auth_identity) struct auth_identity storage = {0};
    json_t *status = status_of(cookie, auth_identity_of_request(req, &storage), ns);
    return review_answer(ret, TAKE(review), status);
}

void rules_review_install(struct auth *a)
{
    review_add(a, AUTHORIZATION_GROUP, "selfsubjectrulesreviews", "selfsubjectrulesreview",
               "SelfSubjectRulesReview", false, rules_review);
}
