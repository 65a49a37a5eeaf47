/* Who asks, and whether they may: what of it shows on the wire. */
#include "tests/unit/sim/rest_kit.h"
#include "tests/unit/suite.h"

#define CM "/api/v1/namespaces/default/configmaps"

static const struct rest_row strangers[] = {
    ASK("GET", CM, 401,
        "{'kind':'Status','apiVersion':'v1','metadata':{},'status':'Failure','message':'"
        "Unauthorized'"
        ",'reason':'Unauthorized','code':401}\n"),
    ASK("GET", "/nosuch", 401, "Unauthorized"),
    ASK("GET", CM "?limit=abc", 401, "Unauthorized"),
    ASK("GET", CM "?timeout=x", 400, "invalid timeout"),
    ASK_AS("GET", CM, "Authorization: Bearer nonsense", 401, "Unauthorized"),
    ASK_AS("GET", CM, "Authorization: Bearer nonsense\nAccept: text/html", 401,
           "{\n  'kind': 'Status'"),
    ASK("GET", "/version", 401, "Unauthorized"),
};

static struct rest_kit kit_with_auth(bool anonymous, bool rbac, struct auth **ret)
{
    struct rest_kit r = rest_kit_create();
    struct sched *s = world_sched(r.k.world);
    const struct auth_config auth = {
        .server = r.k.server, .sched = s, .anonymous = anonymous, .rbac = rbac};
    rest_destroy(r.rest);
    *ret = auth_create(&auth);
    const struct rest_config config = {.server = r.k.server, .sched = s, .auth = *ret};
    r.rest = rest_create(&config);
    return r;
}

static void finish(struct rest_kit *r, struct auth *auth)
{
    rest_destroy(r->rest);
    auth_destroy(auth);
    cleanup_kit(&r->k);
}

START_TEST(without_credentials)
{
    struct auth *auth;
    struct rest_kit r = kit_with_auth(false, false, &auth);
    rest_check_all(&r, strangers, ARRAY_LEN(strangers));
    finish(&r, auth);
}
END_TEST

/* A refusal comes before anything that would tell what is there. */
static const struct rest_row nobodies[] = {
    ASK("GET", "/version", 200, "gitVersion"),
    ASK("GET", "/healthz", 200, "ok"),
    ASK("GET", "/apis", 403,
        "'message':'forbidden: User \\'system:anonymous\\' cannot get path \\'/apis\\''",
        "'reason':'Forbidden','details':{},'code':403"),
    ASK("GET", "/nosuch/%3Cb%3E", 403, "cannot get path \\'/nosuch/\\u0026lt;b\\u0026gt;\\'"),
    ASK("POST", "/apis", 403, "cannot post path"),
    ASK("GET", CM, 403,
        "'message':'configmaps is forbidden: User \\'system:anonymous\\' cannot list resource "
        "\\'configmaps\\' in API group \\'\\' in the namespace \\'default\\''",
        "'details':{'kind':'configmaps'}"),
    ASK("GET", CM "/nosuch", 403, "configmaps \\'nosuch\\' is forbidden"),
    ASK("GET", CM "?watch=1", 403, "cannot watch resource"),
    ASK("GET", CM "?limit=abc", 403, "cannot list resource"),
    ASK("GET", CM "/..", 403, "cannot get resource"),
    ASK_AS("GET", CM, "Accept: application/xml", 403, "{\n  'kind': 'Status'"),
    SEND("POST", CM, "nonsense", 403, "cannot create resource"),
    SEND("POST", CM "?dryRun=x", "{}", 403, "cannot create resource"),
    SEND("PATCH", CM "/a", "{}", 403, "cannot patch resource"),
    SEND("DELETE", CM "/a", "[]", 403, "cannot delete resource"),
    ASK("DELETE", CM, 403, "cannot deletecollection resource"),
    ASK("GET", "/apis/nosuch.example.com/v1/things", 403,
        "cannot list resource \\'things\\' in API group \\'nosuch.example.com\\' at the cluster "
        "scope"),
    ASK("OPTIONS", CM, 403, "is forbidden"),
    ASK("GET", CM "/a/b/c/d", 403, "cannot get resource \\'configmaps/b\\'"),
    ASK("GET", "/api/v1/namespaces/default", 403, "in the namespace \\'default\\'"),
    ASK_AS("GET", CM, "Impersonate-User: kubernetes-admin", 403,
           "users \\'kubernetes-admin\\' is forbidden: User \\'system:anonymous\\' cannot "
           "impersonate"),
};

START_TEST(without_rights)
{
    struct auth *auth;
    struct rest_kit r = kit_with_auth(true, true, &auth);
    rest_check_all(&r, nobodies, ARRAY_LEN(nobodies));
    finish(&r, auth);
}
END_TEST

static void ask_as(struct rest_kit *r, struct auth *auth, const char *who, const char *target,
                   const char *more, int code, const char *part)
{
    AUTO(str) char *token = auth_issue_token(auth, who, NULL, SCHED_NEVER);
    AUTO(str) char *headers = mem_printf("Authorization: Bearer %s%s", token, more);
    struct rest_answer a;
    rest_ask(r, "GET", target, headers, NULL, &a);
    ck_assert_msg(a.code == code && strstr(strbuf_str(&a.body), part), "%s %s: %d %s", who, target,
                  a.code, strbuf_str(&a.body));
    rest_answer_finish(&a);
}

START_TEST(with_tokens)
{
    struct auth *auth;
    struct rest_kit r = kit_with_auth(true, true, &auth);
    ask_as(&r, auth, "kubernetes-admin", CM, "", 200, "ConfigMapList");
    ask_as(&r, auth, "kubernetes-admin", "/apis", "", 200, "APIGroupList");
    ask_as(&r, auth, "alice", CM, "", 403, "User \\\"alice\\\" cannot list");
    ask_as(&r, auth, "alice", "/apis", "", 200, "APIGroupList");
    ask_as(&r, auth, "kubernetes-admin", CM, "\nImpersonate-User: alice", 403,
           "User \\\"alice\\\" cannot list");
    ask_as(&r, auth, "kubernetes-admin", CM,
           "\nImpersonate-User: a\nImpersonate-Group: system:masters", 200, "ConfigMapList");
    ask_as(&r, auth, "kubernetes-admin", CM, "\nImpersonate-Group: x", 400,
           "without impersonating a user");
    finish(&r, auth);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("rest.auth", SUITE_CASE("rest.auth", TEST(without_credentials),
                                              TEST(without_rights), TEST(with_tokens)));
}
