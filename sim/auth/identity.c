/* Identities: storage of their own, and what a name alone says about its groups. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "kube/names.h"
#include "sim/auth/auth_priv.h"

/* One block: this, the groups' pointers, the texts. */
struct storage {
    size_t refs;
    json_t *extra;
    const char *groups[];
};

void auth_identity_finish(struct auth_identity *i)
{
    struct storage *s = i->storage;
    if (s && --s->refs == 0) {
        json_decref(s->extra);
        free(s);
    }
    *i = (struct auth_identity){0};
}

void identity_share(const struct auth_identity *i, struct auth_identity *ret)
{
    struct storage *s = i->storage;
    s->refs++;
    *ret = *i;
}

static const char *put_text(char **at, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

void identity_set(struct auth_identity *ret, const char *name, const char *uid,
                  const char *const *groups, size_t group_count, json_t *extra)
{
    size_t texts = strlen(name) + 1 + (uid ? strlen(uid) + 1 : 0);
    for (size_t i = 0; i < group_count; i++)
        texts += strlen(groups[i]) + 1;
    struct storage *s = mem_alloc(sizeof(*s) + (group_count + 1) * sizeof(s->groups[0]) + texts);
    char *at = (char *)(s->groups + group_count + 1);
    s->refs = 1;
    s->extra = json_incref(extra);
    ret->storage = s;
    ret->id = (struct api_identity){.name = put_text(&at, name),
                                    .uid = uid ? put_text(&at, uid) : NULL,
                                    .groups = s->groups,
                                    .extra = extra};
    for (size_t i = 0; i < group_count; i++)
        s->groups[i] = put_text(&at, groups[i]);
    s->groups[group_count] = NULL;
}

/* ---- what names say ---- */

bool account_split(const char *user, char ret_ns[ACCOUNT_NS_MAX], const char **ret_name)
{
    static const size_t prefix = sizeof(ACCOUNT_PREFIX) - 1;
    if (strncmp(user, ACCOUNT_PREFIX, prefix) != 0)
        return false;
    const char *ns = user + prefix, *colon = strchr(ns, ':');
    if (!colon || colon - ns >= ACCOUNT_NS_MAX)
        return false;
    memcpy(ret_ns, ns, (size_t)(colon - ns));
    ret_ns[colon - ns] = '\0';
    *ret_name = colon + 1;
    return !name_check_dns1123_label(ret_ns) && !name_check_dns1123_subdomain(*ret_name);
}

bool names_have(const struct names *n, const char *name)
{
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->list[i], name) == 0)
            return true;
    return false;
}

bool names_add(struct names *n, const char *name)
{
    if (names_have(n, name))
        return true;
    if (n->count == NAMES_MAX)
        return false;
    n->list[n->count++] = name;
    return true;
}

void names_add_implied(struct names *n, const char *user)
{
    char ns[ACCOUNT_NS_MAX];
    const char *name;
    if (account_split(user, ns, &name)) {
        snprintf(n->account_group, sizeof(n->account_group), GROUP_ACCOUNTS ":%s", ns);
        names_add(n, GROUP_ACCOUNTS);
        names_add(n, n->account_group);
    } else if (strcmp(user, USER_ADMIN) == 0 || strcmp(user, USER_SERVER) == 0) {
        names_add(n, GROUP_MASTERS);
    } else if (strncmp(user, "system:node:", strlen("system:node:")) == 0) {
        names_add(n, GROUP_NODES);
    }
}

void auth_identity_of_name(const char *name, struct auth_identity *ret)
{
    struct names n;
    n.count = 0;
    names_add_implied(&n, name);
    names_add(&n, strcmp(name, USER_ANONYMOUS) == 0 ? GROUP_UNAUTHENTICATED : GROUP_AUTHENTICATED);
    identity_set(ret, name, NULL, n.list, n.count, NULL);
}

/* ---- how reviews show them ---- */

json_t *auth_user_info(const struct api_identity *id)
{
    json_t *out = json_object();
    json_put_str(out, "username", id->name);
    if (id->uid && *id->uid)
        json_put_str(out, "uid", id->uid);
    if (id->groups && id->groups[0]) {
        json_t *groups = json_array();
        for (size_t i = 0; id->groups[i]; i++)
            json_array_append_new(groups, json_string(id->groups[i]));
        json_object_set_new(out, "groups", groups);
    }
    if (id->extra && json_object_size(id->extra) > 0)
        json_object_set_new(out, "extra", json_copy_of(id->extra));
    return out;
}
