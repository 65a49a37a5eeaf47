/* Nobody hands out what he does not have: writes of roles and bindings are held against the rules
 * of the writer, unless he may escalate or bind (section 7.3). */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/order.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "sim/auth/auth_priv.h"

/* Combinations of verb, group, resource and name that one object may hand out; a role of a few
 * kilobytes could have millions. */
#define COMBINATIONS_MAX 10000u

/* ---- which rules are missing ---- */

struct writer {
    const struct api_identity *who;
    const struct rule **owned;
    size_t owned_count, owned_cap;
    struct strmap *missing; /* "{APIGroups:[...], ...Verbs:[" to struct strbuf with the verbs */
    size_t combinations;
    struct strbuf errors; /* of roles that are not there */
};

static bool collect(void *cookie, const struct grant *g, const struct rule *rule)
{
    struct writer *w = cookie;
    if (!rule) {
        AUTO(str) char *text = rbac_missing_role(g);
        strbuf_addf(&w->errors, "%s%s", w->errors.len ? " " : "", text);
        return true;
    }
    w->owned = mem_grow(w->owned, &w->owned_cap, w->owned_count + 1, sizeof(struct rule *));
    w->owned[w->owned_count++] = rule;
    return true;
}

static bool owns(const struct writer *w, const struct rule *wanted)
{
    for (size_t i = 0; i < w->owned_count; i++)
        if (rule_covers(w->owned[i], wanted))
            return true;
    return false;
}

static void add_member(struct strbuf *out, const char *key, const char *word)
{
    strbuf_addf(out, "%s%s:[", out->len > 1 ? ", " : "", key);
    status_quote(out, word, strlen(word));
    strbuf_addch(out, ']');
}

static void note_missing(struct writer *w, const char *group, const char *resource,
                         const char *name, const char *url, const char *verb)
{
    AUTO(strbuf) struct strbuf key = {0};
    strbuf_addch(&key, '{');
    if (group)
        add_member(&key, "APIGroups", group);
    if (resource)
        add_member(&key, "Resources", resource);
    if (url)
        add_member(&key, "NonResourceURLs", url);
    if (name)
        add_member(&key, "ResourceNames", name);
    strbuf_addstr(&key, ", Verbs:[");
    struct strbuf *verbs = strmap_get(w->missing, strbuf_str(&key));
    if (!verbs) {
        verbs = mem_zalloc(sizeof(*verbs));
        strmap_put(w->missing, strbuf_str(&key), verbs);
    }
    if (verbs->len)
        strbuf_addch(verbs, ' ');
    status_quote(verbs, verb, strlen(verb));
}

static struct words one_word(const char **word)
{
    return (struct words){
        .list = word, .count = *word ? 1 : 0, .all = *word && strcmp(*word, "*") == 0};
}

static void check_one(struct writer *w, const char *group, const char *resource, const char *name,
                      const char *url, const char *verb)
{
    const struct rule one = {.groups = one_word(&group),
                             .resources = one_word(&resource),
                             .names = one_word(&name),
                             .urls = one_word(&url),
                             .verbs = one_word(&verb)};
    w->combinations++;
    if (!owns(w, &one))
        note_missing(w, group, resource, name, url, verb);
}

/* false: too many. */
static bool check_resources(struct writer *w, const struct rule *r)
{
    size_t names = r->names.count ? r->names.count : 1;
    size_t total[] = {r->groups.count, r->resources.count, r->verbs.count, names}, product = 1;
    for (size_t i = 0; i < ARRAY_LEN(total); i++) {
        if (total[i] == 0)
            return true;
        if (total[i] > COMBINATIONS_MAX || product * total[i] > COMBINATIONS_MAX)
            return false;
        product *= total[i];
    }
    if (w->combinations + product > COMBINATIONS_MAX)
        return false;
    for (size_t i = 0; i < product; i++) {
        size_t at = i;
        const char *name = r->names.count ? r->names.list[at % names] : NULL;
        at /= names;
        const char *verb = r->verbs.list[at % r->verbs.count];
        at /= r->verbs.count;
        const char *resource = r->resources.list[at % r->resources.count];
        at /= r->resources.count;
        check_one(w, r->groups.list[at], resource, name, NULL, verb);
    }
    return true;
}

static bool check_urls(struct writer *w, const struct rule *r)
{
    if (r->urls.count > COMBINATIONS_MAX || r->verbs.count > COMBINATIONS_MAX ||
        r->urls.count * r->verbs.count + w->combinations > COMBINATIONS_MAX)
        return false;
    for (size_t i = 0; i < r->urls.count; i++)
        for (size_t k = 0; k < r->verbs.count; k++)
            check_one(w, NULL, NULL, NULL, r->urls.list[i], r->verbs.list[k]);
    return true;
}

/* ---- what the writer is told ---- */

static void add_missing(struct strbuf *out, const struct strmap *missing)
{
    size_t count = strmap_count(missing), n = 0, i = 0;
    char **texts = mem_reallocarray(NULL, count, sizeof(*texts));
    const char *key;
    void *verbs;
    while (strmap_each(missing, &i, &key, &verbs))
        texts[n++] = mem_printf("%s%s]}", key, strbuf_str(verbs));
    qsort(texts, n, sizeof(*texts), text_order);
    for (i = 0; i < n; i++) {
        strbuf_addf(out, "\n%s", texts[i]);
        free(texts[i]);
    }
    free(texts);
}

static char *complaint(const struct writer *w)
{
    AUTO(strbuf) struct strbuf out = {0};
    strbuf_addstr(&out, "user ");
    status_quote(&out, w->who->name, strlen(w->who->name));
    strbuf_addstr(&out, " (groups=[");
    for (size_t i = 0; w->who->groups && w->who->groups[i]; i++) {
        if (i)
            strbuf_addch(&out, ' ');
        status_quote(&out, w->who->groups[i], strlen(w->who->groups[i]));
    }
    strbuf_addstr(&out, "]) is attempting to grant RBAC permissions not currently held:");
    add_missing(&out, w->missing);
    if (w->errors.len)
        strbuf_addf(&out, "; resolution errors: [%s]", strbuf_str(&w->errors));
    return strbuf_take(&out);
}

static void verbs_free(void *p)
{
    strbuf_finish(p);
    free(p);
}

static void writer_finish(struct writer *w)
{
    strmap_destroy(w->missing, verbs_free);
    strbuf_finish(&w->errors);
    free(w->owned);
}

/* NULL: the writer has all of the rules. Otherwise why not, new. */
static char *why_not(struct auth *a, const struct api_identity *who, const char *ns,
                     const json_t *rules)
{
    struct writer w = {.who = who, .missing = strmap_create()};
    struct rules wanted;
    rules_init(&wanted, rules);
    rbac_visit(a, who, ns, collect, &w);
    bool fits = true;
    for (size_t i = 0; i < wanted.count && fits; i++)
        if (!owns(&w, &wanted.list[i]))
            fits = check_resources(&w, &wanted.list[i]) && check_urls(&w, &wanted.list[i]);
    char *why = NULL;
    if (!fits)
        why = mem_printf("the rules have more than %u combinations of verb, group, resource and "
                         "name to be checked against those of user \"%s\"",
                         COMBINATIONS_MAX, who->name);
    else if (strmap_count(w.missing) > 0)
        why = complaint(&w);
    rules_finish(&wanted);
    writer_finish(&w);
    return why;
}

/* ---- admission ---- */

/* One write, and by whom. */
struct attempt {
    struct auth *a;
    const struct api_request *req;
    const struct api_identity *who;
    const char *ns; /* NULL: at the cluster scope */
    const json_t *object;
    struct api_response *ret;
};

static int forbid(const struct attempt *t, const char *why)
{
    return status_forbidden(t->ret, &t->req->resource, meta_name(t->object), why);
}

static bool may(const struct attempt *t, const char *verb, const char *plural, const char *name)
{
    const struct api_attributes what = {.identity = t->who,
                                        .verb = verb,
                                        .group = RBAC_GROUP,
                                        .version = "v1",
                                        .plural = plural,
                                        .ns = t->ns,
                                        .name = name};
    AUTO(str) char *reason = NULL;
    return auth_decide(t->a, &what, /* explain= */ false, &reason);
}

static int check_rules(const struct attempt *t, const json_t *rules)
{
    AUTO(str) char *why = why_not(t->a, t->who, t->ns, rules);
    return why ? forbid(t, why) : 0;
}

static int check_role(const struct attempt *t)
{
    if (may(t, "escalate", t->req->resource.plural, t->req->name))
        return 0;
    if (json_object_get(t->object, "aggregationRule") && !t->ns) {
        AUTO(json)
        json_t *everything =
            json_pack("[{s:[s], s:[s], s:[s]}, {s:[s], s:[s]}]", "verbs", "*", "apiGroups", "*",
                      "resources", "*", "verbs", "*", "nonResourceURLs", "*");
        AUTO(str) char *why = why_not(t->a, t->who, t->ns, everything);
        if (why)
            return forbid(t, "must have cluster-admin privileges to use the aggregationRule");
    }
    return check_rules(t, json_object_get(t->object, "rules"));
}

static int check_binding(const struct attempt *t)
{
    const char *name = json_str_or_empty(t->object, "roleRef.name");
    bool local = strcmp(json_str_or_empty(t->object, "roleRef.kind"), "Role") == 0 && t->ns;
    const struct api_resource roles = {RBAC_GROUP, "v1", local ? "roles" : "clusterroles"};
    if (may(t, "bind", roles.plural, name))
        return 0;
    const json_t *role =
        apiserver_peek(t->a->config.server, RBAC_GROUP, roles.plural, local ? t->ns : NULL, name);
    if (!role)
        return status_not_found(t->ret, &roles, name);
    return check_rules(t, json_object_get(role, "rules"));
}

/* What the garbage collector needs to let an object go is nobody's right. */
static bool only_lets_go(const json_t *object, const json_t *old)
{
    static const char *const fields[] = {"metadata.ownerReferences", "metadata.finalizers",
                                         "metadata.managedFields", "metadata.resourceVersion"};
    AUTO(json) json_t *a = json_copy_of(object);
    AUTO(json) json_t *b = json_copy_of(old);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        json_drop(a, fields[i]);
        json_drop(b, fields[i]);
    }
    return json_same(a, b);
}

static int admit(void *cookie, const struct admission_review *review, struct api_response *ret)
{
    if (!review->object || (review->old && only_lets_go(review->object, review->old)))
        return 0;
    AUTO(auth_identity) struct auth_identity storage = {0};
    const struct api_request *req = review->request;
    const struct attempt t = {.a = cookie,
                              .req = req,
                              .who = auth_identity_of_request(req, &storage),
                              .ns = req->ns && *req->ns ? req->ns : NULL,
                              .object = review->object,
                              .ret = ret};
    if (is_master(t.who))
        return 0;
    bool binds = strstr(req->resource.plural, "bindings") != NULL;
    return binds ? check_binding(&t) : check_role(&t);
}

void escalation_install(struct auth *a)
{
    static const char *const plurals[] = {"roles", "clusterroles", "rolebindings",
                                          "clusterrolebindings"};
    for (size_t i = 0; i < ARRAY_LEN(plurals); i++)
        apiserver_admit(a->config.server, RBAC_GROUP, plurals[i], admit, a);
}
