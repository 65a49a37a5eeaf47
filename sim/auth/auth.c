/* The life of a cluster's authentication, and who shows what. */
#include "sim/auth/auth.h"

#include <string.h>
#include <strings.h>

#include "kube/status.h"
#include "sim/auth/auth_priv.h"

const struct api_identity *auth_identity_of_request(const struct api_request *req,
                                                    struct auth_identity *storage)
{
    if (req->identity && req->identity->groups)
        return req->identity;
    auth_identity_of_name(req->user ? req->user : USER_ADMIN, storage);
    return &storage->id;
}

bool auth_decide(struct auth *a, const struct api_attributes *what, bool explain, char **ret_reason)
{
    *ret_reason = NULL;
    if (!a->config.rbac)
        return true;
    if (what->identity->groups)
        return rbac_allows(a, what, explain, ret_reason);
    AUTO(auth_identity) struct auth_identity by_name = {0};
    auth_identity_of_name(what->identity->name, &by_name);
    struct api_attributes asked = *what;
    asked.identity = &by_name.id;
    return rbac_allows(a, &asked, explain, ret_reason);
}

static bool authorize(void *cookie, const struct api_attributes *what, char **ret_reason)
{
    return auth_decide(cookie, what, /* explain= */ false, ret_reason);
}

struct auth *auth_create(const struct auth_config *config)
{
    struct auth *a = mem_zalloc(sizeof(*a));
    a->config = *config;
    token_init(a);
    AUTO(str) char *label = mem_printf("auth/%s/ids", apiserver_name(config->server));
    sched_prng(config->sched, label, &a->ids);
    access_reviews_install(a);
    rules_review_install(a);
    identity_reviews_install(a);
    token_request_install(a);
    chores_install(a);
    if (config->rbac) {
        default_roles_create(a);
        escalation_install(a);
    }
    chores_stop(a); /* at once, so that a new world is whole */
    chores_do(a);
    if (config->rbac)
        apiserver_set_authorizer(config->server, authorize, a);
    return a;
}

void auth_destroy(struct auth *a)
{
    if (!a)
        return;
    apiserver_set_authorizer(a->config.server, NULL, NULL);
    chores_stop(a);
    rbac_forget(a);
    token_finish(a);
    free(a);
}

/* ---- authentication ---- */

static int refuse(struct api_response *ret)
{
    return status_denied(ret, 401, "Unauthorized", "Unauthorized");
}

/* The word behind "Bearer", borrowed; *ret_len 0 when there is none. One space separates. */
static const char *bearer_token(const char *header, size_t *ret_len)
{
    static const char scheme[] = "Bearer ";
    header += strspn(header, " \t");
    if (strncasecmp(header, scheme, strlen(scheme)) != 0) {
        *ret_len = 0;
        return NULL;
    }
    header += strlen(scheme);
    *ret_len = strcspn(header, " \t");
    return header;
}

bool is_text(const char *s)
{
    AUTO(json) json_t *v = json_string(s);
    return v != NULL;
}

static bool from_certificate(const struct api_identity *c, struct auth_identity *ret)
{
    struct names n;
    n.count = 0;
    if (!c->name || !*c->name || !is_text(c->name) || (c->uid && !is_text(c->uid)))
        return false;
    for (size_t i = 0; c->groups && c->groups[i]; i++)
        if (!is_text(c->groups[i]) || !names_add(&n, c->groups[i]))
            return false;
    names_add(&n, GROUP_AUTHENTICATED);
    identity_set(ret, c->name, c->uid, n.list, n.count, (json_t *)c->extra);
    return true;
}

int auth_authenticate(struct auth *a, const struct auth_credentials *c, struct auth_identity *ret,
                      struct api_response *ret_status)
{
    /* The first that succeeds wins; a token that fails is a refusal even where nothing at all would
     * do. Other schemes are nothing that this server looks at. */
    if (c->certificate && from_certificate(c->certificate, ret))
        return 0;
    size_t len = 0;
    const char *token = c->authorization ? bearer_token(c->authorization, &len) : NULL;
    if (len > 0)
        return token_authenticate(a, token, len, ret) ? 0 : refuse(ret_status);
    if (!a->config.anonymous)
        return refuse(ret_status);
    auth_identity_of_name(USER_ANONYMOUS, ret);
    return 0;
}

int auth_check_path(struct auth *a, const struct api_identity *who, const char *verb,
                    const char *path, struct api_response *ret_status)
{
    const struct api_attributes what = {.identity = who, .verb = verb, .path = path};
    AUTO(str) char *reason = NULL;
    if (apiserver_may(a->config.server, &what, &reason))
        return 0;
    return apiserver_refuse(&what, reason, ret_status);
}
