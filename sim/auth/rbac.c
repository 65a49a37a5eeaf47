/* Who has which rules: an index by subject over the stored roles and bindings.
 *
 * Every write to one of the four kinds drops the index; the next question makes it anew. A question
 * then costs one look-up for the user and each group, and a walk over what they have. */
#include <string.h>

#include "base/json.h"
#include "kube/meta.h"
#include "sim/auth/auth_priv.h"

struct grants {
    struct grant *list;
    size_t count, cap;
};

struct rbac_index {
    json_t *held;                  /* arrays of the stored objects whose texts the index borrows */
    struct strmap *roles;          /* struct rules by "namespace/name", "/name" for cluster roles */
    struct strmap *users, *groups; /* struct grants by name */
};

/* ---- making it ---- */

static void role_free(void *p)
{
    rules_finish(p);
    free(p);
}

static void grants_free(void *p)
{
    struct grants *g = p;
    free(g->list);
    free(g);
}

static const json_t *stored(const struct auth *a, struct rbac_index *x, const char *plural)
{
    json_t *all = apiserver_peek_all(a->config.server, RBAC_GROUP, plural, NULL);
    json_array_append_new(x->held, all);
    return all;
}

static void add_roles(const struct auth *a, struct rbac_index *x, const char *plural)
{
    const json_t *all = stored(a, x, plural);
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *object = json_array_get(all, i);
        struct rules *r = mem_zalloc(sizeof(*r));
        rules_init(r, json_object_get(object, "rules"));
        AUTO(str) char *key = mem_printf("%s/%s", meta_namespace(object), meta_name(object));
        strmap_put(x->roles, key, r);
    }
}

static void add_grant(struct strmap *subjects, const char *name, const struct grant *g)
{
    struct grants *list = strmap_get(subjects, name);
    if (!list) {
        list = mem_zalloc(sizeof(*list));
        strmap_put(subjects, name, list);
    }
    list->list = mem_grow(list->list, &list->cap, list->count + 1, sizeof(*list->list));
    list->list[list->count++] = *g;
}

static void add_subject(struct rbac_index *x, struct grant *g, const json_t *subject)
{
    const char *kind = json_str_or_empty(subject, "kind");
    const char *name = json_str_or_empty(subject, "name");
    g->subject = subject;
    if (strcmp(kind, "User") == 0)
        add_grant(x->users, name, g);
    else if (strcmp(kind, "Group") == 0)
        add_grant(x->groups, name, g);
    if (strcmp(kind, "ServiceAccount") != 0)
        return;
    const char *ns = json_str_or_empty(subject, "namespace");
    if (!*ns)
        ns = g->ns;
    if (!ns)
        return;
    AUTO(str) char *user = mem_printf(ACCOUNT_PREFIX "%s:%s", ns, name);
    add_grant(x->users, user, g);
}

static void add_bindings(const struct auth *a, struct rbac_index *x, const char *plural,
                         bool namespaced)
{
    const json_t *all = stored(a, x, plural);
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *binding = json_array_get(all, i);
        const char *ns = namespaced ? meta_namespace(binding) : NULL;
        bool local = strcmp(json_str_or_empty(binding, "roleRef.kind"), "Role") == 0;
        AUTO(str)
        char *key =
            mem_printf("%s/%s", local && ns ? ns : "", json_str_or_empty(binding, "roleRef.name"));
        struct grant g = {.rules = strmap_get(x->roles, key), .binding = binding, .ns = ns};
        const json_t *subjects = json_object_get(binding, "subjects");
        for (size_t k = 0; k < json_array_size(subjects); k++)
            add_subject(x, &g, json_array_get(subjects, k));
    }
}

static const struct rbac_index *index_of(struct auth *a)
{
    if (a->index)
        return a->index;
    struct rbac_index *x = mem_zalloc(sizeof(*x));
    x->held = json_array();
    x->roles = strmap_create();
    x->users = strmap_create();
    x->groups = strmap_create();
    add_roles(a, x, "clusterroles");
    add_roles(a, x, "roles");
    add_bindings(a, x, "clusterrolebindings", false);
    add_bindings(a, x, "rolebindings", true);
    a->index = x;
    return x;
}

void rbac_forget(struct auth *a)
{
    struct rbac_index *x = TAKE(a->index);
    if (!x)
        return;
    strmap_destroy(x->users, grants_free);
    strmap_destroy(x->groups, grants_free);
    strmap_destroy(x->roles, role_free);
    json_decref(x->held);
    free(x);
}

/* ---- asking it ---- */

static bool visit_rules(const struct grant *g, rbac_visitor *fn, void *cookie)
{
    if (!g->rules)
        return fn(cookie, g, NULL);
    for (size_t i = 0; i < g->rules->count; i++)
        if (!fn(cookie, g, &g->rules->list[i]))
            return false;
    return true;
}

static bool visit_subject(const struct strmap *subjects, const char *name, const char *ns,
                          rbac_visitor *fn, void *cookie)
{
    const struct grants *list = strmap_get(subjects, name);
    for (size_t i = 0; list && i < list->count; i++) {
        const struct grant *g = &list->list[i];
        bool here = !g->ns || (ns && strcmp(g->ns, ns) == 0);
        if (here && !visit_rules(g, fn, cookie))
            return false;
    }
    return true;
}

bool rbac_visit(struct auth *a, const struct api_identity *who, const char *ns, rbac_visitor *fn,
                void *cookie)
{
    const struct rbac_index *x = index_of(a);
    if (!visit_subject(x->users, who->name, ns, fn, cookie))
        return false;
    for (size_t i = 0; who->groups && who->groups[i]; i++)
        if (!visit_subject(x->groups, who->groups[i], ns, fn, cookie))
            return false;
    return true;
}

/* ---- one decision ---- */

static bool does_not_allow(void *cookie, const struct grant *g, const struct rule *rule)
{
    (void)g;
    return !rule || !rule_allows(rule, cookie);
}

struct search {
    const struct api_attributes *what;
    const struct grant *found;
};

static bool search_grant(void *cookie, const struct grant *g, const struct rule *rule)
{
    struct search *s = cookie;
    if (!rule || !rule_allows(rule, s->what))
        return true;
    s->found = g;
    return false;
}

static char *why_allowed(const struct grant *g)
{
    const char *kind = json_str_or_empty(g->subject, "kind");
    const char *own = json_str_or_empty(g->subject, "namespace");
    bool account = strcmp(kind, "ServiceAccount") == 0;
    return mem_printf(
        "RBAC: allowed by %s \"%s%s%s\" of %s \"%s\" to %s \"%s%s%s\"",
        g->ns ? "RoleBinding" : "ClusterRoleBinding", meta_name(g->binding), g->ns ? "/" : "",
        g->ns ? g->ns : "", json_str_or_empty(g->binding, "roleRef.kind"),
        json_str_or_empty(g->binding, "roleRef.name"), kind, json_str_or_empty(g->subject, "name"),
        account ? "/" : "", account ? (*own || !g->ns ? own : g->ns) : "");
}

char *rbac_missing_role(const struct grant *g)
{
    bool local = strcmp(json_str_or_empty(g->binding, "roleRef.kind"), "Role") == 0;
    return mem_printf("%s." RBAC_GROUP " \"%s\" not found", local ? "role" : "clusterrole",
                      json_str_or_empty(g->binding, "roleRef.name"));
}

static bool note_missing(void *cookie, const struct grant *g, const struct rule *rule)
{
    if (!rule) {
        AUTO(str) char *text = rbac_missing_role(g);
        strmap_put(cookie, text, cookie);
    }
    return true;
}

/* New, or NULL: nothing but that no rule says so. */
static char *why_denied(struct auth *a, const struct api_attributes *what)
{
    struct strmap *missing = strmap_create();
    rbac_visit(a, what->identity, what->ns, note_missing, missing);
    AUTO(strbuf) struct strbuf out = {0};
    size_t i = 0, count = strmap_count(missing);
    const char *text;
    void *unused;
    while (strmap_each(missing, &i, &text, &unused))
        strbuf_addf(&out, "%s%s", out.len ? ", " : "", text);
    strmap_destroy(missing, NULL);
    if (count == 0)
        return NULL;
    return count == 1 ? mem_printf("RBAC: %s", strbuf_str(&out))
                      : mem_printf("RBAC: [%s]", strbuf_str(&out));
}

bool is_master(const struct api_identity *who)
{
    for (size_t i = 0; who->groups && who->groups[i]; i++)
        if (strcmp(who->groups[i], GROUP_MASTERS) == 0)
            return true;
    return false;
}

bool rbac_allows(struct auth *a, const struct api_attributes *what, bool explain, char **ret_reason)
{
    *ret_reason = NULL;
    if (is_master(what->identity))
        return true;
    if (rbac_visit(a, what->identity, what->ns, does_not_allow, (void *)what)) {
        *ret_reason = why_denied(a, what);
        return false;
    }
    if (explain) {
        struct search s = {.what = what};
        rbac_visit(a, what->identity, what->ns, search_grant, &s);
        *ret_reason = why_allowed(s.found);
    }
    return true;
}
