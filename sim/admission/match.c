#include "sim/admission/match_priv.h"

#include <string.h>

#include "base/json.h"
#include "kube/meta.h"
#include "kube/selector.h"
#include "sim/admission/review_priv.h"

static struct selector *read_selector(const json_t *json, const char *member)
{
    AUTO(json) json_t *everything = json_object();
    const json_t *selector = json_object_get(json, member);
    struct err e = {0};
    struct selector *s = selector_from_label_selector(selector ? selector : everything, &e);
    err_clear(&e);
    return s;
}

void match_init(struct match *m, const json_t *json)
{
    *m = (struct match){.ns = read_selector(json, "namespaceSelector"),
                        .object = read_selector(json, "objectSelector"),
                        .rules = json_object_get(json, "resourceRules"),
                        .excluded = json_object_get(json, "excludeResourceRules"),
                        .exact = strcmp(json_str_or_empty(json, "matchPolicy"), "Exact") == 0};
}

void match_finish(struct match *m)
{
    selector_destroy(m->ns);
    selector_destroy(m->object);
    *m = (struct match){0};
}

/* ---- selectors ---- */

static const json_t *labels_of(const json_t *object)
{
    return json_at(object, "metadata", "labels", NULL);
}

/* A namespace that is gone is told in *reterr, and taken for one that matches: it counts only when
 * all else matches. */
static bool namespace_matches(const struct match *m, const struct review *r, struct err *reterr)
{
    const json_t *ns;
    if (selector_is_everything(m->ns) || (!*r->ns && !r->is_namespace))
        return true;
    if (r->is_namespace)
        return selector_matches(m->ns, labels_of(r->in->object ? r->in->object : r->in->old));
    ns = review_namespace(r);
    if (ns)
        return selector_matches(m->ns, labels_of(ns));
    err_set(reterr, ERR_NOT_FOUND, NO_POS, "namespaces \"%s\" not found", r->ns);
    return true;
}

static bool object_matches(const struct match *m, const struct review *r)
{
    const json_t *const sides[] = {r->in->object, r->in->old};
    if (selector_is_everything(m->object))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(sides); i++)
        if (sides[i] && selector_matches(m->object, labels_of(sides[i])))
            return true;
    return false;
}

/* ---- rules ---- */

/* `*` is everything. */
static bool list_has(const json_t *list, const char *word)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        const char *s = json_string_value(item);
        if (s && (strcmp(s, "*") == 0 || strcmp(s, word) == 0))
            return true;
    }
    return false;
}

static bool has_name(const json_t *names, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach(names, i, item) if (strcmp(json_string_value(item), name) == 0) return true;
    return json_array_size(names) == 0;
}

/* "res", "res/sub" with `*` in the place of either; without a slash no subresource is meant. */
static bool resource_matches(const char *pattern, const char *plural, const char *sub)
{
    const char *slash = strchr(pattern, '/');
    size_t len = slash ? (size_t)(slash - pattern) : strlen(pattern);
    bool any = len == 1 && pattern[0] == '*';
    if (!any && (strlen(plural) != len || memcmp(plural, pattern, len) != 0))
        return false;
    if (!slash)
        return !sub;
    return strcmp(slash + 1, "*") == 0 ? sub || any : sub && strcmp(slash + 1, sub) == 0;
}

static bool any_resource_matches(const json_t *patterns, const char *plural, const char *sub)
{
    size_t i;
    json_t *item;
    json_array_foreach(patterns, i, item)
    {
        if (json_is_string(item) && resource_matches(json_string_value(item), plural, sub))
            return true;
    }
    return false;
}

static bool rule_matches(const json_t *rule, const struct review *r, const struct api_resource *as)
{
    const char *scope = json_str(rule, "scope");
    const char *own = r->in->namespaced ? "Namespaced" : "Cluster";
    if (scope && strcmp(scope, "*") != 0 && strcmp(scope, own) != 0)
        return false;
    return list_has(json_object_get(rule, "operations"), r->operation) &&
           list_has(json_object_get(rule, "apiGroups"), as->group) &&
           list_has(json_object_get(rule, "apiVersions"), as->version) &&
           any_resource_matches(json_object_get(rule, "resources"), as->plural,
                                r->in->request->subresource) &&
           has_name(json_object_get(rule, "resourceNames"), r->name);
}

static bool rules_match(const json_t *rules, const struct review *r, const struct api_resource *as)
{
    size_t i;
    json_t *rule;
    json_array_foreach(rules, i, rule) if (rule_matches(rule, r, as)) return true;
    return false;
}

/* The request's own resource, else one that is equivalent to it. */
static bool match_rules(const struct match *m, const json_t *rules, const struct review *r,
                        struct api_resource *ret_as)
{
    *ret_as = *review_resource(r);
    if (rules_match(rules, r, ret_as))
        return true;
    for (size_t i = 0;
         !m->exact && apiserver_equivalent(r->admission->server, review_resource(r), i, ret_as);
         i++)
        if (rules_match(rules, r, ret_as))
            return true;
    return false;
}

static bool resources_match(const struct match *m, const struct review *r,
                            struct api_resource *ret_as)
{
    if (match_rules(m, m->excluded, r, ret_as))
        return false;
    *ret_as = *review_resource(r);
    return json_array_size(m->rules) == 0 || match_rules(m, m->rules, r, ret_as);
}

bool match_review(const struct match *m, const struct review *r, struct api_resource *ret_as,
                  struct err *reterr)
{
    struct err gone = {0};
    if (!m->ns || !m->object) {
        err_set(reterr, ERR_INVALID, NO_POS, "invalid %s",
                m->ns ? "objectSelector" : "namespaceSelector");
        return false;
    }
    bool matches =
        namespace_matches(m, r, &gone) && object_matches(m, r) && resources_match(m, r, ret_as);
    if (!matches)
        err_clear(&gone);
    else if (err_pending(&gone))
        err_move(reterr, &gone);
    return matches && !err_pending(reterr);
}
