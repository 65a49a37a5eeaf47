/* Acting as somebody else. */
#include "tests/unit/sim_auth/auth_kit.h"
#include "tests/unit/suite.h"

#define RBAC "rbac.authorization.k8s.io"

#define HEADERS_MAX 6
static const struct row {
    const char *row, *who;
    struct auth_header headers[HEADERS_MAX]; /* up to one without a name */
    int code;                                /* 0: done */
    const char *want;                        /* the identity, or the message */
} rows[] = {
    {"nothing asked", "jane", {{"Accept", "*/*"}}, 0, NULL},
    {"no headers", "jane", {{NULL, NULL}}, 0, NULL},
    {"empty user", "jane", {{"Impersonate-User", ""}}, 0, NULL},
    {"admin as a user",
     "kubernetes-admin",
     {{"Impersonate-User", "bob"}},
     0,
     "bob[system:authenticated]"},
    {"names of headers in any case",
     "kubernetes-admin",
     {{"impersonate-USER", "bob"}},
     0,
     "bob[system:authenticated]"},
    {"the first user counts",
     "kubernetes-admin",
     {{"Impersonate-User", "bob"}, {"Impersonate-User", "eve"}},
     0,
     "bob[system:authenticated]"},
    {"account",
     "kubernetes-admin",
     {{"Impersonate-User", "system:serviceaccount:osac:operator"}},
     0,
     "system:serviceaccount:osac:operator[system:serviceaccounts system:serviceaccounts:osac "
     "system:authenticated]"},
    {"account with groups of one's choice",
     "kubernetes-admin",
     {{"Impersonate-User", "system:serviceaccount:osac:operator"}, {"Impersonate-Group", "g"}},
     0,
     "system:serviceaccount:osac:operator[g system:authenticated]"},
    {"groups",
     "kubernetes-admin",
     {{"Impersonate-User", "bob"}, {"Impersonate-Group", "b"}, {"Impersonate-Group", "a"}},
     0,
     "bob[b a system:authenticated]"},
    {"authenticated by hand",
     "kubernetes-admin",
     {{"Impersonate-User", "bob"},
      {"Impersonate-Group", "system:authenticated"},
      {"Impersonate-Group", "a"}},
     0,
     "bob[system:authenticated a]"},
    {"unauthenticated by hand",
     "kubernetes-admin",
     {{"Impersonate-User", "bob"}, {"Impersonate-Group", "system:unauthenticated"}},
     0,
     "bob[system:unauthenticated]"},
    {"anonymous",
     "kubernetes-admin",
     {{"Impersonate-User", "system:anonymous"}},
     0,
     "system:anonymous[system:unauthenticated]"},
    {"a name makes no admin",
     "kubernetes-admin",
     {{"Impersonate-User", "kubernetes-admin"}},
     0,
     "kubernetes-admin[system:authenticated]"},
    {"uid",
     "kubernetes-admin",
     {{"Impersonate-User", "bob"}, {"Impersonate-Uid", "u-1"}},
     0,
     "bob[system:authenticated] uid=u-1"},
    {"group without user",
     "kubernetes-admin",
     {{"Impersonate-Group", "system:masters"}},
     400,
     "requested [{Group  system:masters    }] without impersonating a user"},
    {"everything without user",
     "kubernetes-admin",
     {{"Impersonate-Group", "a"},
      {"Impersonate-Group", "b"},
      {"Impersonate-Extra-Scopes", "x"},
      {"Impersonate-Uid", "1"}},
     400,
     "requested [{Group  a    } {Group  b    } {UserExtra  x  authentication.k8s.io/v1  scopes} "
     "{UID  1  authentication.k8s.io/v1  }] without impersonating a user"},
    {"not UTF-8",
     "kubernetes-admin",
     {{"Impersonate-User", "\xff"}},
     400,
     "the impersonation headers are not valid"},
    {"key not UTF-8",
     "kubernetes-admin",
     {{"Impersonate-User", "bob"}, {"Impersonate-Extra-%ff", "x"}},
     400,
     "the impersonation headers are not valid"},
    {"user denied",
     "jane",
     {{"Impersonate-User", "bob"}},
     403,
     "users \"bob\" is forbidden: User \"jane\" cannot impersonate resource \"users\" in API group "
     "\"\" at the cluster scope"},
    {"account denied",
     "jane",
     {{"Impersonate-User", "system:serviceaccount:osac:operator"}},
     403,
     "serviceaccounts \"operator\" is forbidden: User \"jane\" cannot impersonate resource "
     "\"serviceaccounts\" in API group \"\" in the namespace \"osac\""},
    {"group denied",
     "boss",
     {{"Impersonate-User", "bob"}, {"Impersonate-Group", "system:masters"}},
     403,
     "groups \"system:masters\" is forbidden: User \"boss\" cannot impersonate resource \"groups\" "
     "in API group \"\" at the cluster scope"},
    {"extra denied",
     "boss",
     {{"Impersonate-User", "bob"}, {"Impersonate-Extra-acme.com%2fProject", "p"}},
     403,
     "userextras.authentication.k8s.io \"p\" is forbidden: User \"boss\" cannot impersonate "
     "resource \"userextras/acme.com/project\" in API group \"authentication.k8s.io\" at the "
     "cluster scope"},
    {"uid denied",
     "boss",
     {{"Impersonate-User", "bob"}, {"Impersonate-Uid", "7"}},
     403,
     "uids.authentication.k8s.io \"7\" is forbidden: User \"boss\" cannot impersonate resource "
     "\"uids\" in API group \"authentication.k8s.io\" at the cluster scope"},
    {"user allowed by name", "boss", {{"Impersonate-User", "bob"}}, 0, "bob[system:authenticated]"},
    {"user not among the names",
     "boss",
     {{"Impersonate-User", "eve"}},
     403,
     "users \"eve\" is forbidden: User \"boss\" cannot impersonate resource \"users\" in API group "
     "\"\" at the cluster scope"},
    {"group allowed",
     "boss",
     {{"Impersonate-User", "bob"}, {"Impersonate-Group", "devs"}},
     0,
     "bob[devs system:authenticated]"},
    {"extra allowed",
     "boss",
     {{"Impersonate-User", "bob"}, {"Impersonate-Extra-Scopes", "view"}},
     0,
     "bob[system:authenticated]"},
    {"extra of another value",
     "boss",
     {{"Impersonate-User", "bob"}, {"Impersonate-Extra-Scopes", "all"}},
     403,
     "userextras.authentication.k8s.io \"all\" is forbidden: User \"boss\" cannot impersonate "
     "resource \"userextras/scopes\" in API group \"authentication.k8s.io\" at the cluster scope"},
};

static void add_boss(struct auth_kit *kit)
{
    json_decref(auth_put(kit, RBAC, "clusterroles", NULL,
                         js("{'metadata':{'name':'boss'},'rules':["
                            "{'verbs':['impersonate'],'apiGroups':[''],'resources':['users'],"
                            "'resourceNames':['bob']},"
                            "{'verbs':['impersonate'],'apiGroups':[''],'resources':['groups'],"
                            "'resourceNames':['devs']},"
                            "{'verbs':['impersonate'],'apiGroups':['authentication.k8s.io'],"
                            "'resources':['userextras/scopes'],'resourceNames':['view']}]}")));
    json_decref(auth_put(kit, RBAC, "clusterrolebindings", NULL,
                         js("{'metadata':{'name':'boss'},'roleRef':{'apiGroup':'" RBAC
                            "','kind':'ClusterRole','name':'boss'},'subjects':[{'kind':'User',"
                            "'apiGroup':'" RBAC "','name':'boss'}]}")));
}

static int ask(struct auth_kit *kit, const char *name, const struct auth_header *headers,
               size_t count, struct auth_identity *ret, struct api_response *ret_status)
{
    AUTO(auth_identity) struct auth_identity who = {0};
    auth_identity_of_name(name, &who);
    return auth_impersonate(kit->auth, &who.id, headers, count, ret, ret_status);
}

START_TEST(impersonate)
{
    const struct row *r = &rows[_i];
    AUTO(auth_kit) struct auth_kit kit = auth_kit_create(false, true);
    add_boss(&kit);
    size_t count = 0;
    while (count < HEADERS_MAX && r->headers[count].name)
        count++;
    AUTO(auth_identity) struct auth_identity id = {0};
    AUTO(response) struct api_response ret = {0};
    int rc = ask(&kit, r->who, r->headers, count, &id, &ret);
    ck_assert_msg((rc == 0) == (r->code == 0) && ret.code == r->code, "%s: want %d, got %d %s",
                  r->row, r->code, ret.code, ret.body ? api_message(&ret) : "");
    if (r->code) {
        WANT_TEXT(r->row, api_message(&ret), r->want);
        return;
    }
    ck_assert_msg((r->want != NULL) == (id.storage != NULL), "%s", r->row);
    AUTO(str) char *have = r->want ? identity_text(&id.id) : NULL;
    if (have)
        WANT_TEXT(r->row, have, r->want);
}
END_TEST

/* ---- what becomes of the keys ---- */

static const struct key {
    const char *header, *want;
} keys[] = {
    {"Impersonate-Extra-Scopes", "{\"scopes\":[\"v\"]}"},
    {"Impersonate-Extra-acme.com%2Fproject", "{\"acme.com/project\":[\"v\"]}"},
    {"Impersonate-Extra-ACME.com%2fProject", "{\"acme.com/project\":[\"v\"]}"},
    {"Impersonate-Extra-%E4%BD%A0", "{\"你\":[\"v\"]}"},
    {"Impersonate-Extra-a%2", "{\"a%2\":[\"v\"]}"},
    {"Impersonate-Extra-a%zz", "{\"a%zz\":[\"v\"]}"},
    {"Impersonate-Extra-%00a", "{\"%00a\":[\"v\"]}"},
    {"Impersonate-Extra-a+b", "{\"a+b\":[\"v\"]}"},
    {"Impersonate-Extra-", "{\"\":[\"v\"]}"},
};

START_TEST(key)
{
    AUTO(auth_kit) struct auth_kit kit = auth_kit_create(false, true);
    const struct auth_header headers[] = {{"Impersonate-User", "bob"}, {keys[_i].header, "v"}};
    AUTO(auth_identity) struct auth_identity id = {0};
    AUTO(response) struct api_response ret = {0};
    ck_assert_int_eq(ask(&kit, "kubernetes-admin", headers, 2, &id, &ret), 0);
    AUTO(str) char *have = json_text(id.id.extra);
    WANT_TEXT(keys[_i].header, have, keys[_i].want);
}
END_TEST

START_TEST(values_stand_together)
{
    AUTO(auth_kit) struct auth_kit kit = auth_kit_create(false, true);
    const struct auth_header headers[] = {{"Impersonate-Extra-a", "1"},
                                          {"Impersonate-Extra-b", "2"},
                                          {"Impersonate-User", "bob"},
                                          {"Impersonate-Extra-A", "3"}};
    AUTO(auth_identity) struct auth_identity id = {0};
    AUTO(response) struct api_response ret = {0};
    ck_assert_int_eq(ask(&kit, "kubernetes-admin", headers, 4, &id, &ret), 0);
    AUTO(str) char *have = json_text(id.id.extra);
    ck_assert_str_eq(have, "{\"a\":[\"1\",\"3\"],\"b\":[\"2\"]}");
}
END_TEST

START_TEST(too_many_groups)
{
    AUTO(auth_kit) struct auth_kit kit = auth_kit_create(false, true);
    enum { COUNT = 1000 };
    struct auth_header *headers = mem_zalloc(COUNT * sizeof(*headers));
    char(*names)[16] = mem_zalloc(COUNT * sizeof(*names));
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof(names[i]), "g%d", i);
        headers[i] = (struct auth_header){"Impersonate-Group", names[i]};
    }
    AUTO(auth_identity) struct auth_identity id = {0};
    AUTO(response) struct api_response ret = {0};
    ck_assert_int_eq(ask(&kit, "kubernetes-admin", headers, COUNT, &id, &ret), -1);
    ck_assert_int_eq(ret.code, 400);
    free(headers);
    free(names);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sim_auth.impersonate",
                      SUITE_LONG_CASE("impersonate", 60, EACH(impersonate, rows), EACH(key, keys),
                                      TEST(values_stand_together), TEST(too_many_groups)));
}
