/* What no honest client sends: it is refused, or answered, and nothing else happens. */
#include "tests/unit/sim/rest_kit.h"

#include "kube/status.h"
#include "tests/unit/suite.h"

#define CM "/api/v1/namespaces/default/configmaps"
#define WIDGETS "/apis/example.com/v1/namespaces/default/widgets"
#define MERGE "Content-Type: application/merge-patch+json"

static char *repeat(const char *head, const char *part, size_t times, const char *tail)
{
    AUTO(strbuf) struct strbuf out = {0};
    strbuf_addstr(&out, head);
    for (size_t i = 0; i < times; i++)
        strbuf_addstr(&out, part);
    strbuf_addstr(&out, tail);
    return strbuf_take(&out);
}

static void want_code(struct rest_kit *r, const char *method, char *target /* taken */,
                      const char *headers, const char *body, size_t len, int code)
{
    struct rest_answer a;
    rest_ask_bytes(r, method, target, headers, body, len, &a);
    ck_assert_msg(a.code == code, "%s %.60s %.*s: want %d, got %d: %.300s", method, target,
                  len < 60 ? (int)len : 60, body ? body : "", code, a.code, strbuf_str(&a.body));
    /* Whatever a Status quotes is UTF-8 again. */
    const char *type = rest_answer_get(&a, "Content-Type");
    if (type && strcmp(type, "application/json") == 0 && a.body.len) {
        AUTO(json) json_t *v = json_read(strbuf_str(&a.body), a.body.len, "answer", NULL);
        ck_assert_ptr_nonnull(v);
    }
    rest_answer_finish(&a);
    free(target);
}

START_TEST(targets)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    want_code(&r, "GET", repeat(CM "?x=", "y", 65536, ""), NULL, NULL, 0, 200);
    want_code(&r, "GET", repeat(CM "?", "a=b&", 20000, ""), NULL, NULL, 0, 200);
    want_code(&r, "GET", repeat(CM "?", "&", 65536, "limit=x"), NULL, NULL, 0, 400);
    want_code(&r, "GET", repeat(CM "?labelSelector=", "%FF", 1000, ""), NULL, NULL, 0, 400);
    want_code(&r, "GET", repeat(CM "?fieldSelector=", "a%3Db,", 1000, ""), NULL, NULL, 0, 400);
    want_code(&r, "GET", repeat(CM "?continue=", "A", 60000, ""), NULL, NULL, 0, 400);
    want_code(&r, "GET", repeat(CM "?limit=", "9", 60000, ""), NULL, NULL, 0, 400);
    want_code(&r, "GET", repeat(CM "/", "n", 60000, ""), NULL, NULL, 0, 404);
    want_code(&r, "GET", repeat("", "/", 60000, ""), NULL, NULL, 0, 404);
    want_code(&r, "GET", repeat("/api/v1", "/x", 30000, ""), NULL, NULL, 0, 404);
    want_code(&r, "GET", repeat("/apis/", "g", 60000, "/v1/things/x"), NULL, NULL, 0, 404);
    want_code(&r, "GET", repeat("/", "%2e%2e%2f", 3000, "etc/passwd"), NULL, NULL, 0, 404);
    want_code(&r, "POST", repeat("/api/v1/namespaces/", "%C3%28", 200, "/configmaps"), NULL,
              "{\"metadata\":{\"name\":\"a\"}}", 25, 404);
    want_code(&r, "PUT", repeat(CM "/", "%FF", 100, ""), NULL, "{}", 2, 400);
    want_code(&r, "DELETE", repeat(CM "/", "%80", 100, ""), NULL, NULL, 0, 404);
    want_code(&r, "GET", repeat(CM "?watch=1&fieldSelector=", "%F0%28%8C%28", 9, ""), NULL, NULL, 0,
              400);
    want_code(&r, "GET", mem_strdup(CM "/a%00"), NULL, NULL, 0, 400);
    want_code(&r, "GET", mem_strdup(CM "?limit=%00"), NULL, NULL, 0, 200);
    want_code(&r, "GET", mem_strdup("/apis/example.com/v1/namespaces/x/namespaces/y"), NULL, NULL,
              0, 404);
    want_code(&r, "GET", mem_strdup("?"), NULL, NULL, 0, 400);
    want_code(&r, "", mem_strdup(CM), NULL, NULL, 0, 405);
}
END_TEST

START_TEST(headers)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    static const struct {
        const char *name, *part;
        size_t times;
        int code;
    } rows[] = {
        {"Accept: ", "application/xml,", 4000, 406},
        {"Accept: ", ";", 60000, 406},
        {"Accept: ", "/", 60000, 406},
        {"Accept: ", "*/*;q=", 10000, 406},
        {"Accept: ", "application/json;as=Table;g=meta.k8s.io;v=v1,", 100, 200},
        {"Accept: */*;q=", "9", 100, 200},
        {"Accept: */*;q=nan", "", 1, 200},
        {"Accept: */*;q=\"", "\"", 50, 200},
        {"User-Agent: ", "\xff", 10000, 200},
        {"Audit-ID: ", "x", 65, 200},
        {"Accept-Encoding: ", "gzip;,", 10000, 200},
        {"Authorization: Bearer ", "x", 60000, 200},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(str) char *line = repeat(rows[i].name, rows[i].part, rows[i].times, "");
        want_code(&r, "GET", mem_strdup(CM), line, NULL, 0, rows[i].code);
    }
    /* What is echoed ends where a line would. */
    const struct rest_header lines[] = {{"Audit-ID", "a\r\nSet-Cookie: x"}};
    const struct rest_request req = {
        .method = "GET", .target = CM, .headers = lines, .header_count = 1};
    struct rest_answer a = {0};
    rest_handle(r.rest, &req, &a);
    ck_assert_str_eq(rest_answer_get(&a, "Audit-Id"), "a");
    rest_answer_finish(&a);
}
END_TEST

START_TEST(bodies)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    static const struct {
        const char *method, *path, *headers, *head, *part, *tail;
        size_t times;
        int code;
    } rows[] = {
        {"POST", CM, NULL, "", "[", "", 100000, 400},
        {"POST", CM, NULL, "", "{\"a\":", "", 100000, 400},
        {"POST", WIDGETS, NULL, "{\"metadata\":{\"name\":\"a\"},\"spec\":", "[", "", 1000, 400},
        {"POST", CM, NULL, "{\"metadata\":{\"name\":\"d\"},\"data\":{", "\"k\":\"v\",",
         "\"k\":\"w\"}}", 50000, 201},
        {"POST", CM, NULL, "{\"metadata\":{\"name\":\"\xff\"}}", "", "", 0, 400},
        {"POST", CM, NULL, "{\"metadata\":{\"name\":\"a\\u0000b\"}}", "", "", 0, 400},
        {"POST", CM, NULL, "{\"metadata\":{\"name\":[1]}}", "", "", 0, 400},
        {"POST", CM, NULL, "{\"metadata\":7}", "", "", 0, 400},
        {"POST", CM, NULL, "null", "", "", 0, 400},
        {"POST", CM, NULL, "{\"n\":", "9", "}", 5000, 400},
        {"POST", CM, "Content-Type: application/yaml", "", "- [", "", 10000, 400},
        {"POST", CM, "Content-Type: application/yaml", "a: &a [*a", ",*a", "]", 1000, 400},
        {"POST", CM, "Content-Type: application/yaml", "", "{", "", 10000, 400},
        {"POST", CM, "Content-Type: application/vnd.kubernetes.protobuf", "k8s", "\xff", "", 10000,
         400},
        {"POST", CM, "Content-Type: ;;;;", "{}", "", "", 0, 415},
        {"POST", CM, "Content-Type: a/b/c", "{}", "", "", 0, 415},
        {"PATCH", CM "/d", MERGE, "", "[", "", 100000, 400},
        {"PATCH", CM "/d", MERGE, "[1,2]", "", "", 0, 400},
        {"PATCH", CM "/d", MERGE, "{\"metadata\":null}", "", "", 0, 400},
        {"DELETE", CM "/d", NULL, "", "[", "", 1000, 400},
        {"DELETE", CM "/d", NULL, "{\"dryRun\":[1]}", "", "", 0, 422},
        {"GET", CM "/d", NULL, "a body where none belongs", "", "", 0, 200},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(str) char *text = repeat(rows[i].head, rows[i].part, rows[i].times, rows[i].tail);
        size_t len = strlen(text);
        /* Exactly as long as the text: the sanitizer sees any look behind the end. */
        AUTO(str) char *exact = mem_dup(text, len);
        want_code(&r, rows[i].method, mem_strdup(rows[i].path), rows[i].headers, exact, len,
                  rows[i].code);
    }
    want_code(&r, "POST", mem_strdup(CM), NULL, "{\"metadata\"\0:{}}", 16, 400);
}
END_TEST

static void keep_findings(void *cookie, const struct api_request *req, struct api_response *ret)
{
    json_t **kept = cookie;
    json_decref(*kept);
    *kept = json_incref((json_t *)req->body_findings);
    status_unavailable(ret, "seen");
}

/* Keys that stand twice are for the pipeline to judge: it is told, with the last value. */
START_TEST(duplicates_are_found)
{
    static const struct {
        const char *type, *body, *want;
    } rows[] = {
        {"application/json", "{\"a\":1,\"b\":{\"c\":[{\"d\":1},{\"d\":2,\"d\":3}]},\"a\":2}",
         "[\"duplicate field \\\"b.c[1].d\\\"\",\"duplicate field \\\"a\\\"\"]"},
        {"application/yaml", " {\"a\":1,\"a\":2}", "[\"duplicate field \\\"a\\\"\"]"},
        {"application/json", "{\"a\":1}", NULL},
    };
    AUTO(kit) struct kit k = kit_create();
    json_t *kept = NULL;
    const struct rest_config config = {.server = k.server,
                                       .sched = world_sched(k.world),
                                       .backend = {.request = keep_findings, .cookie = &kept}};
    struct rest_kit r = {.k = k, .rest = rest_create(&config)};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(str) char *type = mem_printf("Content-Type: %s", rows[i].type);
        want_code(&r, "POST", mem_strdup(CM), type, rows[i].body, strlen(rows[i].body), 503);
        AUTO(str) char *have = kept ? json_text(kept) : NULL;
        ck_assert_msg(rows[i].want ? have && strcmp(have, rows[i].want) == 0 : !have, "%s: %s",
                      rows[i].body, have ? have : "(none)");
    }
    json_decref(kept);
    rest_destroy(r.rest);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("rest.hostile",
                      SUITE_LONG_CASE("rest.hostile", 60, TEST(targets), TEST(headers),
                                      TEST(bodies), TEST(duplicates_are_found)));
}
