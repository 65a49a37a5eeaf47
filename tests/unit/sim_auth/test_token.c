/* Who shows what: tokens, certificates, nothing at all. */
#include "base/base64.h"
#include "kube/status.h"
#include "tests/unit/sim_auth/auth_kit.h"
#include "tests/unit/suite.h"

#define MINUTE (60 * NS_PER_S)

/* ---- what tokens say ---- */

static const char *const devs[] = {"devs", "ops", NULL};
static const char *const masters[] = {"system:masters", NULL};
static const char *const nobody[] = {"system:unauthenticated", NULL};
static const char *const none[] = {NULL};

static const struct issue {
    const char *row, *name;
    const char *const *groups;
    const char *want;
} issues[] = {
    {"person", "jane", devs, "jane[devs ops system:authenticated]"},
    {"person without groups", "jane", none, "jane[system:authenticated]"},
    {"person by name", "jane", NULL, "jane[system:authenticated]"},
    {"admin by name", "kubernetes-admin", NULL,
     "kubernetes-admin[system:masters system:authenticated]"},
    {"admin's name with other groups", "kubernetes-admin", devs,
     "kubernetes-admin[devs ops system:authenticated]"},
    {"masters", "envtest", masters, "envtest[system:masters system:authenticated]"},
    {"account", "system:serviceaccount:osac:operator", NULL,
     "system:serviceaccount:osac:operator[system:serviceaccounts system:serviceaccounts:osac "
     "system:authenticated]"},
    {"account's name without a name", "system:serviceaccount:osac:", NULL,
     "system:serviceaccount:osac:[system:authenticated]"},
    {"account's name with three parts", "system:serviceaccount:a:b:c", NULL,
     "system:serviceaccount:a:b:c[system:authenticated]"},
    {"node", "system:node:n1", NULL, "system:node:n1[system:nodes system:authenticated]"},
    {"unauthenticated group", "jane", nobody, "jane[system:unauthenticated]"},
    {"a name with a quote", "o\"neil\\", NULL, "o\"neil\\[system:authenticated]"},
};

START_TEST(issued)
{
    const struct issue *i = &issues[_i];
    AUTO(auth_kit) struct auth_kit kit = auth_kit_create(false, false);
    AUTO(str) char *token = auth_issue_token(kit.auth, i->name, i->groups, SCHED_NEVER);
    AUTO(str) char *header = mem_printf("Bearer %s", token);
    const struct auth_credentials c = {.authorization = header};
    AUTO(auth_identity) struct auth_identity id = {0};
    AUTO(response) struct api_response ret = {0};
    ck_assert_msg(auth_authenticate(kit.auth, &c, &id, &ret) == 0, "%s", i->row);
    AUTO(str) char *have = identity_text(&id.id);
    WANT_TEXT(i->row, have, i->want);
}
END_TEST

/* ---- headers ---- */

/* The header's text; @ stands for a good token. */
static const struct header {
    const char *row, *text;
    bool anonymous;
    const char *want; /* the name; NULL: 401 */
} headers[] = {
    {"good", "Bearer @", false, "jane"},
    {"lower case", "bearer @", false, "jane"},
    {"space before", " Bearer @", false, "jane"},
    {"space behind", "Bearer @ ", false, "jane"},
    {"more words", "Bearer @ x", false, "jane"},
    {"two spaces", "Bearer  @", false, NULL},
    {"two spaces, anonymous", "Bearer  @", true, "system:anonymous"},
    {"nothing", NULL, false, NULL},
    {"nothing, anonymous", NULL, true, "system:anonymous"},
    {"empty", "", false, NULL},
    {"empty, anonymous", "", true, "system:anonymous"},
    {"scheme alone, anonymous", "Bearer", true, "system:anonymous"},
    {"other scheme", "Basic amFuZTpwdw==", false, NULL},
    {"other scheme, anonymous", "Basic amFuZTpwdw==", true, "system:anonymous"},
    {"bad token", "Bearer x", false, NULL},
    {"bad token, anonymous", "Bearer x", true, NULL},
    {"points alone", "Bearer ..", true, NULL},
    {"one point", "Bearer .", true, NULL},
    {"token in front", "Bearer @@", true, NULL},
    {"a byte more", "Bearer @A", true, NULL},
    {"padding", "Bearer @=", true, NULL},
    {"a part more", "Bearer @.", true, NULL},
    {"not UTF-8", "Bearer \xff\xfe.\x80.@", true, NULL},
    {"scheme glued", "Bearer@", false, NULL},
};

static char *header_text(struct auth_kit *kit, const char *text)
{
    AUTO(str) char *token = auth_issue_token(kit->auth, "jane", NULL, SCHED_NEVER);
    AUTO(strbuf) struct strbuf out = {0};
    for (; text && *text; text++) {
        if (*text == '@')
            strbuf_addstr(&out, token);
        else
            strbuf_addch(&out, *text);
    }
    return text ? strbuf_take(&out) : NULL;
}

static void want_authenticated(struct auth_kit *kit, const char *row,
                               const struct auth_credentials *c, const char *want)
{
    AUTO(auth_identity) struct auth_identity id = {0};
    AUTO(response) struct api_response ret = {0};
    int rc = auth_authenticate(kit->auth, c, &id, &ret);
    if (want) {
        ck_assert_msg(rc == 0, "%s: refused", row);
        WANT_TEXT(row, id.id.name, want);
        return;
    }
    ck_assert_msg(rc == -1 && ret.code == 401, "%s: want 401", row);
    AUTO(str) char *text = json_text(ret.body);
    WANT_TEXT(row, text,
              "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
              "\"message\":\"Unauthorized\",\"reason\":\"Unauthorized\",\"code\":401}");
}

START_TEST(header)
{
    const struct header *h = &headers[_i];
    AUTO(auth_kit) struct auth_kit kit = auth_kit_create(h->anonymous, false);
    AUTO(str) char *text = header_text(&kit, h->text);
    const struct auth_credentials c = {.authorization = text};
    want_authenticated(&kit, h->row, &c, h->want);
}
END_TEST

/* Every way to cut a token short, and every bit turned over, is a refusal. */
START_TEST(damage)
{
    AUTO(auth_kit) struct auth_kit kit = auth_kit_create(true, false);
    AUTO(str) char *text = header_text(&kit, "Bearer @");
    const size_t first = strlen("Bearer ");
    const struct auth_credentials c = {.authorization = text};
    for (size_t i = strlen(text); i-- > first;) {
        for (int bit = 0; bit < 7; bit++) {
            char was = text[i];
            text[i] = (char)(was ^ 1 << bit);
            /* A space or the end would cut the token: the next loop's matter. */
            if (text[i] != ' ' && text[i] != '\t' && text[i] != '\0')
                want_authenticated(&kit, "bit", &c, NULL);
            text[i] = was;
        }
    }
    for (size_t i = strlen(text); i-- > first + 1;) {
        text[i] = '\0';
        want_authenticated(&kit, "cut", &c, NULL);
    }
}
END_TEST

START_TEST(too_long)
{
    AUTO(auth_kit) struct auth_kit kit = auth_kit_create(true, false);
    AUTO(str) char *text = mem_alloc(1u << 20);
    memset(text, 'A', 1u << 20);
    memcpy(text, "Bearer ", strlen("Bearer "));
    text[(1u << 20) - 44] = '.';
    text[(1u << 20) - 1] = '\0';
    const struct auth_credentials c = {.authorization = text};
    want_authenticated(&kit, "a megabyte", &c, NULL);
}
END_TEST

/* ---- other keys, other forms ---- */

static char *forged(const char *head, const char *claims)
{
    AUTO(strbuf) struct strbuf out = {0};
    strbuf_addstr(&out, "Bearer ");
    base64url_add(&out, head, strlen(head));
    strbuf_addch(&out, '.');
    base64url_add(&out, claims, strlen(claims));
    strbuf_addstr(&out, ".");
    return strbuf_take(&out);
}

static const struct forgery {
    const char *row, *head, *mac;
} forgeries[] = {
    {"alg none", "{\"alg\":\"none\"}", ""},
    {"alg none with zeros", "{\"alg\":\"none\"}", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
    {"HS256 with zeros", "{\"alg\":\"HS256\"}", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
    {"short signature", "{\"alg\":\"HS256\"}", "AAAA"},
    {"bits left over", "{\"alg\":\"HS256\"}", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB"},
};

START_TEST(forgery)
{
    const struct forgery *f = &forgeries[_i];
    AUTO(auth_kit) struct auth_kit kit = auth_kit_create(true, false);
    AUTO(str)
    char *start = forged(f->head, "{\"sub\":\"kubernetes-admin\",\"groups\":[\"system:masters\"]}");
    AUTO(str) char *text = mem_printf("%s%s", start, f->mac);
    const struct auth_credentials c = {.authorization = text};
    want_authenticated(&kit, f->row, &c, NULL);
}
END_TEST

static char *token_of_secret(uint64_t seed, const char *cluster, const char *secret)
{
    const struct world_config config = {.seed = seed};
    AUTO(world) struct world *w = world_create(&config);
    struct err e = {0};
    struct cluster *c = world_add_cluster(w, cluster, &e);
    const struct auth_config ac = {.server = cluster_server(c),
                                   .sched = world_sched(w),
                                   .secret = (const unsigned char *)secret,
                                   .secret_len = secret ? strlen(secret) : 0};
    struct auth *a = auth_create(&ac);
    char *token = auth_issue_token(a, "jane", NULL, SCHED_NEVER);
    auth_destroy(a);
    return token;
}

static char *token_of_world(uint64_t seed, const char *cluster)
{
    return token_of_secret(seed, cluster, NULL);
}

START_TEST(secrets)
{
    AUTO(str) char *known = token_of_world(1, "main");
    AUTO(str) char *one = token_of_secret(1, "main", "one");
    AUTO(str) char *again = token_of_secret(1, "main", "one");
    AUTO(str) char *other = token_of_secret(1, "main", "other");
    ck_assert_str_ne(known, one);
    ck_assert_str_ne(one, other);
    ck_assert_str_eq(one, again);
    AUTO(auth_kit) struct auth_kit kit = auth_kit_create(true, false);
    AUTO(str) char *text = mem_printf("Bearer %s", one);
    const struct auth_credentials c = {.authorization = text};
    want_authenticated(&kit, "a secret's", &c, NULL);
}
END_TEST

START_TEST(seeds)
{
    AUTO(str) char *one = token_of_world(1, "main");
    AUTO(str) char *again = token_of_world(1, "main");
    AUTO(str) char *other = token_of_world(2, "main");
    AUTO(str) char *hub = token_of_world(1, "hub");
    ck_assert_str_eq(one, again);
    ck_assert_str_ne(one, other);
    ck_assert_str_ne(one, hub);
    AUTO(auth_kit) struct auth_kit kit = auth_kit_create(true, false);
    AUTO(str) char *text = mem_printf("Bearer %s", other);
    const struct auth_credentials c = {.authorization = text};
    want_authenticated(&kit, "another world's", &c, NULL);
    AUTO(str) char *own = mem_printf("Bearer %s", one);
    const struct auth_credentials good = {.authorization = own};
    want_authenticated(&kit, "an equal world's", &good, "jane");
}
END_TEST

/* ---- time, and accounts that go ---- */

START_TEST(expiry)
{
    AUTO(auth_kit) struct auth_kit kit = auth_kit_create(false, false);
    struct sched *s = world_sched(kit.k.world);
    AUTO(str)
    char *token = auth_issue_token(kit.auth, "jane", NULL, sched_now(s) + 10 * MINUTE);
    AUTO(str) char *text = mem_printf("Bearer %s", token);
    const struct auth_credentials c = {.authorization = text};
    want_authenticated(&kit, "fresh", &c, "jane");
    auth_advance(&kit, 10 * MINUTE - NS_PER_S);
    want_authenticated(&kit, "a second left", &c, "jane");
    auth_advance(&kit, NS_PER_S);
    want_authenticated(&kit, "over", &c, NULL);
}
END_TEST

static void make_account(struct auth_kit *kit, const char *name)
{
    json_decref(
        auth_put(kit, "", "serviceaccounts", "default", js("{'metadata':{'name':'%s'}}", name)));
}

static void drop_account(struct auth_kit *kit, const char *name)
{
    const struct api_request req = {.verb = API_DELETE,
                                    .resource = {"", "v1", "serviceaccounts"},
                                    .ns = "default",
                                    .name = name};
    json_decref(kit_send(&kit->k, &req, 200));
}

START_TEST(account_is_gone)
{
    AUTO(auth_kit) struct auth_kit kit = auth_kit_create(true, false);
    static const char user[] = "system:serviceaccount:default:robot";
    make_account(&kit, "robot");
    AUTO(str) char *token = auth_issue_token(kit.auth, user, NULL, SCHED_NEVER);
    AUTO(str) char *text = mem_printf("Bearer %s", token);
    const struct auth_credentials c = {.authorization = text};
    want_authenticated(&kit, "there", &c, user);
    AUTO(auth_identity) struct auth_identity id = {0};
    AUTO(response) struct api_response ret = {0};
    ck_assert_int_eq(auth_authenticate(kit.auth, &c, &id, &ret), 0);
    const json_t *account = apiserver_peek(kit.k.server, "", "serviceaccounts", "default", "robot");
    ck_assert_str_eq(id.id.uid, meta_uid(account));
    drop_account(&kit, "robot");
    want_authenticated(&kit, "deleted", &c, NULL);
    make_account(&kit, "robot");
    want_authenticated(&kit, "another one of that name", &c, NULL);
}
END_TEST

/* More tokens than are remembered, in turn and again. */
START_TEST(many)
{
    AUTO(auth_kit) struct auth_kit kit = auth_kit_create(true, false);
    enum { COUNT = 300 };
    char *texts[COUNT];
    for (int i = 0; i < COUNT; i++) {
        AUTO(str) char *name = mem_printf("user-%d", i);
        AUTO(str) char *token = auth_issue_token(kit.auth, name, NULL, SCHED_NEVER);
        texts[i] = mem_printf("Bearer %s", token);
    }
    for (int i = 0; i < 3 * COUNT; i++) {
        AUTO(str) char *name = mem_printf("user-%d", i / 2 % COUNT);
        const struct auth_credentials c = {.authorization = texts[i / 2 % COUNT]};
        want_authenticated(&kit, name, &c, name);
    }
    for (int i = 0; i < COUNT; i++)
        free(texts[i]);
}
END_TEST

/* What somebody holds stays what it was when the token's place goes to another. */
START_TEST(held)
{
    AUTO(auth_kit) struct auth_kit kit = auth_kit_create(true, false);
    AUTO(str) char *text = header_text(&kit, "Bearer @");
    const struct auth_credentials c = {.authorization = text};
    AUTO(auth_identity) struct auth_identity one = {0};
    AUTO(auth_identity) struct auth_identity two = {0};
    AUTO(response) struct api_response ret = {0};
    ck_assert_int_eq(auth_authenticate(kit.auth, &c, &one, &ret), 0);
    ck_assert_int_eq(auth_authenticate(kit.auth, &c, &two, &ret), 0);
    auth_identity_finish(&one);
    auth_destroy(TAKE(kit.auth));
    ck_assert_str_eq(two.id.name, "jane");
}
END_TEST

/* ---- certificates ---- */

START_TEST(certificate)
{
    AUTO(auth_kit) struct auth_kit kit = auth_kit_create(false, false);
    const struct api_identity who = {.name = "admin", .uid = "u1", .groups = masters};
    AUTO(str) char *text = header_text(&kit, "Bearer @");
    const struct auth_credentials c = {.certificate = &who, .authorization = text};
    AUTO(auth_identity) struct auth_identity id = {0};
    AUTO(response) struct api_response ret = {0};
    ck_assert_int_eq(auth_authenticate(kit.auth, &c, &id, &ret), 0);
    AUTO(str) char *have = identity_text(&id.id);
    ck_assert_str_eq(have, "admin[system:masters system:authenticated] uid=u1");
    const struct api_identity nameless = {.name = ""};
    const struct auth_credentials empty = {.certificate = &nameless};
    want_authenticated(&kit, "no name", &empty, NULL);
    const struct auth_credentials both = {.certificate = &nameless, .authorization = text};
    want_authenticated(&kit, "no name, but a token", &both, "jane");
    const struct auth_credentials bad = {.certificate = &who, .authorization = "Bearer x"};
    want_authenticated(&kit, "the first wins", &bad, "admin");
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sim_auth.token",
                      SUITE_LONG_CASE("token", 60, EACH(issued, issues), EACH(header, headers),
                                      EACH(forgery, forgeries), TEST(damage), TEST(too_long),
                                      TEST(seeds), TEST(secrets), TEST(expiry),
                                      TEST(account_is_gone), TEST(many), TEST(held),
                                      TEST(certificate)));
}
