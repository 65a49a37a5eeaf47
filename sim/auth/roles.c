/* From tables to the objects that are evaluated. */
#include "sim/auth/roles.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "sim/auth/auth_priv.h"

/* The next word up to one of the stops; *at moves behind it. New, or NULL at the end. */
static char *next_word(const char **at, const char *stops)
{
    const char *start = *at + strspn(*at, " ,");
    size_t len = strcspn(start, stops);
    *at = start + len;
    return len ? mem_strndup(start, len) : NULL;
}

static void put_list(json_t *rule, const char *key, const char *words)
{
    json_t *list = json_array();
    char *word;
    while ((word = next_word(&words, ","))) {
        json_array_append_new(list, json_string(strcmp(word, "core") == 0 ? "" : word));
        free(word);
    }
    json_object_set_new(rule, key, list);
}

static json_t *rule_of(const char *line)
{
    static const char *const keys[] = {"verbs", "apiGroups", "resources", "resourceNames"};
    json_t *rule = json_object();
    char *words[ARRAY_LEN(keys)] = {NULL};
    size_t count = 0;
    while (count < ARRAY_LEN(keys) && (words[count] = next_word(&line, " ")))
        count++;
    for (size_t i = 0; i < count; i++) {
        put_list(rule, count == 2 && i == 1 ? "nonResourceURLs" : keys[i], words[i]);
        free(words[i]);
    }
    return rule;
}

static json_t *rules_of(const char *text)
{
    json_t *rules = json_array();
    char *line;
    while ((line = next_word(&text, "\n"))) {
        json_array_append_new(rules, rule_of(line));
        text += *text == '\n';
        free(line);
    }
    return rules;
}

static json_t *new_object(const struct role_set *set, const char *kind, const char *name, bool own)
{
    json_t *object = json_pack("{s:s, s:s, s:{s:s, s:{}}}", "apiVersion", RBAC_GROUP "/v1", "kind",
                               kind, "metadata", "name", name, "labels");
    json_t *labels = json_at_mut(object, "metadata", "labels", NULL);
    if (set->mark)
        json_object_set_new(labels, set->mark, json_string(""));
    if (own)
        json_object_set_new(labels, "kubernetes.io/bootstrapping", json_string("rbac-defaults"));
    return object;
}

static void update_automatically(json_t *object)
{
    json_object_set_new(json_object_get(object, "metadata"), "annotations",
                        json_pack("{s:s}", "rbac.authorization.kubernetes.io/autoupdate", "true"));
}

static void create(struct apiserver *server, const struct role_set *set, const char *plural,
                   const json_t *body)
{
    const struct api_request req = {.verb = API_CREATE,
                                    .resource = {RBAC_GROUP, "v1", plural},
                                    .body = body,
                                    .user = set->user,
                                    .field_manager = set->manager};
    AUTO(response) struct api_response ret = {0};
    apiserver_handle(server, &req, &ret);
    /* What objects of files brought along stays as it is. */
    if (ret.code == 409)
        return;
    assert(api_ok(&ret));
}

static void create_role(struct apiserver *server, const struct role_set *set,
                        const struct role_def *d)
{
    bool own = !set->mark || (set->own_too && strcmp(d->name, set->own_too) == 0);
    AUTO(json) json_t *object = new_object(set, "ClusterRole", d->name, own);
    if (own)
        update_automatically(object);
    if (d->label)
        json_object_set_new(json_at_mut(object, "metadata", "labels", NULL), d->label,
                            json_string("true"));
    if (d->aggregate)
        json_object_set_new(object, "aggregationRule",
                            json_pack("{s:[{s:{s:s}}]}", "clusterRoleSelectors", "matchLabels",
                                      d->aggregate, "true"));
    json_object_set_new(object, "rules", rules_of(d->rules));
    create(server, set, "clusterroles", object);
}

static json_t *subject_of(const char *word)
{
    const char *name = strchr(word, ':') + 1, *slash = strchr(name, '/');
    json_t *subject = json_object();
    AUTO(str) char *kind = mem_strndup(word, (size_t)(name - word - 1));
    bool account = strcmp(kind, "ServiceAccount") == 0;
    json_put_str(subject, "kind", kind);
    if (!account)
        json_put_str(subject, "apiGroup", RBAC_GROUP);
    json_put_str(subject, "name", account ? slash + 1 : name);
    if (account)
        json_object_set_new(subject, "namespace", json_stringn(name, (size_t)(slash - name)));
    return subject;
}

static void create_binding(struct apiserver *server, const struct role_set *set,
                           const struct binding_def *d)
{
    AUTO(json) json_t *object = new_object(set, "ClusterRoleBinding", d->name, !set->mark);
    update_automatically(object);
    json_object_set_new(object, "roleRef",
                        json_pack("{s:s, s:s, s:s}", "apiGroup", RBAC_GROUP, "kind", "ClusterRole",
                                  "name", d->role));
    json_t *subjects = json_array();
    const char *at = d->subjects;
    char *word;
    while ((word = next_word(&at, " "))) {
        json_array_append_new(subjects, subject_of(word));
        free(word);
    }
    json_object_set_new(object, "subjects", subjects);
    create(server, set, "clusterrolebindings", object);
}

void role_set_create(struct apiserver *server, const struct role_set *set)
{
    for (size_t i = 0; i < set->role_count; i++)
        create_role(server, set, &set->roles[i]);
    for (size_t i = 0; i < set->binding_count; i++)
        create_binding(server, set, &set->bindings[i]);
}
