/* Media: what bodies are written in, what answers are, conversions, warnings, compression. */
#include "tests/unit/sim/rest_kit.h"

#include <zlib.h>

#include "kube/status.h"
#include "kube/types/protobuf.h"
#include "tests/unit/suite.h"

#define CM "/api/v1/namespaces/default/configmaps"
#define WIDGETS "/apis/example.com/v1/namespaces/default/widgets"
#define LEASES "/apis/coordination.k8s.io/v1/namespaces/default/leases"
#define CM_A                                                                                       \
    "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a','labels':{'z':'1','b':'2'}},'"   \
    "data':{'k':'v'}}"
#define WIDGET_A                                                                                   \
    "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'a'},'spec':{'z':1,'b':2}}"
#define JSON_TYPE "H Content-Type: application/json"
#define PARTIAL "as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
#define PARTIAL_LIST "as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
#define FORMATS "accepted media types include: "

static const struct rest_row bodies[] = {
    SEND("POST", CM, CM_A, 201, "'labels':{'b':'2','z':'1'}", JSON_TYPE),
    {"POST", CM, "Content-Type: application/json; charset=utf-8", CM_A, 409, {"already exists"}},
    {"POST", CM, "Content-Type: APPLICATION/JSON", CM_A, 409, {"already exists"}},
    {"POST",
     CM,
     "Content-Type: text/plain",
     CM_A,
     415,
     {"'message':'the body of the request was in an unknown format - " FORMATS
      "application/json, application/yaml, application/vnd.kubernetes.protobuf'",
      "'reason':'UnsupportedMediaType'", "'code':415"}},
    {"POST", CM, "Content-Type: application/cbor", CM_A, 415, {FORMATS}},
    {"POST",
     WIDGETS,
     "Content-Type: application/vnd.kubernetes.protobuf",
     WIDGET_A,
     415,
     {FORMATS "application/json, application/yaml'"}},
    {"POST",
     CM,
     "Content-Type: application/yaml",
     "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yam\ndata:\n  k: w\n",
     201,
     {"'data':{'k':'w'}"}},
    {"POST", CM, "Content-Type: application/yaml", CM_A, 409, {"already exists"}},
    {"POST",
     CM,
     "Content-Type: application/yaml",
     "a: [",
     400,
     {"error converting YAML to JSON: yaml: line "}},
    SEND("POST", CM, "", 400,
         "the object provided is unrecognized (must be of type ConfigMap): couldn`t get "
         "version/kind; "
         "json parse error: unexpected end of JSON input (\\u003cempty\\u003e)"),
    SEND("POST", CM, "{'a", 400, "json parse error: unexpected end of JSON input ({\\'a)'",
         "BadRequest"),
    SEND("POST", CM, "nonsense", 400, "json parse error: invalid character ", "(6e6f6e73656e7365)"),
    SEND("POST", CM, "{'apiVersion':'v1','kind':'ConfigMap',!}", 400,
         "({\\'apiVersion\\':\\'v1\\',\\'kind\\':\\'Con ...)"),
    SEND("POST", CM, "[]", 400, "'code':400"),
    SEND("POST", CM, "{'apiVersion':'v2','kind':'ConfigMap','metadata':{'name':'q'}}", 400,
         "the API version in the data (v2) does not match the expected API version (v1)"),
    SEND("POST", WIDGETS, WIDGET_A, 201, "'spec':{'b':2,'z':1}"),
    {"PATCH",
     CM "/a",
     "Content-Type: application/json",
     "{}",
     415,
     {FORMATS "application/json-patch+json, application/merge-patch+json, "
              "application/strategic-merge-patch+json, application/apply-patch+yaml'"}},
    SEND("PATCH", CM "/a", "{}", 415, FORMATS),
    {"PATCH",
     WIDGETS "/a",
     "Content-Type: application/strategic-merge-patch+json",
     "{}",
     415,
     {FORMATS
      "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml'"}},
    {"PATCH",
     CM "/a",
     "Content-Type: application/merge-patch+json; charset=utf-8",
     "{'data':{'k':'x'}}",
     200,
     {"'k':'x'"}},
    {"PATCH",
     CM "/a",
     "Content-Type: application/merge-patch+json",
     "{",
     400,
     {"error decoding patch: unexpected end of JSON input"}},
    {"PATCH",
     CM "/a",
     "Content-Type: application/json-patch+json",
     "[{'op':'test','path':'/data/k','value':'no'}]",
     422,
     {"'message':'the server rejected our request due to an error in our request'",
      "'reason':'Invalid','details':{}"}},
    {"PATCH",
     CM "/a",
     "Content-Type: application/json-patch+json",
     "{}",
     400,
     {"error decoding patch"}},
    {"PATCH",
     CM "/a?fieldManager=m",
     "Content-Type: application/apply-patch+yaml",
     "a: [",
     400,
     {"error decoding YAML: "}},
};

START_TEST(bodies_of_requests)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    rest_check_all(&r, bodies, ARRAY_LEN(bodies));
}
END_TEST

#define NOT_ACCEPTED                                                                               \
    "only the following media types are accepted: application/json, application/yaml, "            \
    "application/vnd.kubernetes.protobuf"

static const struct rest_row answers[] = {
    SEND("POST", CM, CM_A, 201, JSON_TYPE),
    SEND("POST", WIDGETS, WIDGET_A, 201, JSON_TYPE),
    ASK_AS("GET", CM "/a", "Accept: application/json", 200, JSON_TYPE, "}\n"),
    {"GET", CM "/a", "Accept: */*", NULL, 200, {JSON_TYPE}},
    {"GET", CM "/a", "Accept: application/*", NULL, 200, {JSON_TYPE}},
    ASK_AS("GET", CM "/a", "Accept: ", 200, JSON_TYPE),
    {"GET", CM "/a", "Accept: text/html, application/xml;q=0.9, */*;q=0.1", NULL, 200, {JSON_TYPE}},
    ASK_AS("GET", CM "/a", "Accept: application/vnd.kubernetes.protobuf,application/json", 200,
           JSON_TYPE, "'kind':'ConfigMap'"),
    {"GET", CM "/a", "Accept: application/vnd.kubernetes.protobuf, */*", NULL, 200, {JSON_TYPE}},
    ASK_AS("GET", CM "/a", "Accept: application/vnd.kubernetes.protobuf", 200,
           "H Content-Type: application/vnd.kubernetes.protobuf", "k8s"),
    ASK_AS("GET", WIDGETS "/a", "Accept: application/vnd.kubernetes.protobuf", 406, NOT_ACCEPTED),
    ASK_AS("GET", CM "/a", "Accept: application/xml", 406, NOT_ACCEPTED, "{\n  'kind': 'Status',\n",
           "'reason': 'NotAcceptable'", JSON_TYPE),
    ASK_AS("GET", CM "/nosuch", "Accept: application/yaml", 404, "kind: Status\n",
           "H Content-Type: application/yaml"),
    ASK_AS("GET", "/api/v1/nosuch", "Accept: text/html", 406, "\n  'kind': 'Status'"),
    ASK_AS("GET", CM "/a", "Accept: application/cbor", 406, NOT_ACCEPTED),
    ASK_AS("GET", CM "/a", "Accept: application/yaml", 200, "H Content-Type: application/yaml",
           "apiVersion: v1\ndata:\n  k: v\nkind: ConfigMap\n"),
    ASK_AS("GET", CM "/a", "Accept: application/yaml;q=0.5, application/json;q=0.4", 200,
           "H Content-Type: application/yaml"),
    ASK_AS("GET", CM "/a", "Accept: application/json;as=Nonsense;g=meta.k8s.io;v=v1", 406,
           NOT_ACCEPTED),
    ASK_AS("GET", CM "/a",
           "Accept: application/json;as=Nonsense;g=meta.k8s.io;v=v1, application/json", 200,
           "'kind':'ConfigMap'"),
    ASK("GET", CM "/a?pretty=true", 200,
        "{\n  'kind': 'ConfigMap',\n  'apiVersion': 'v1',\n  'metadata': {\n    'name': 'a',\n"),
    ASK_AS("GET", CM "/a?pretty=0", "User-Agent: curl/8.5.0", 200, "{'kind':'ConfigMap'"),
    ASK_AS("GET", CM "/a", "User-Agent: curl/8.5.0", 200, "{\n  'kind'"),
    ASK_AS("GET", CM "/a", "Accept: application/json;pretty=1", 200, "{\n  'kind'"),
    ASK("GET", WIDGETS "/a?pretty=1", 200,
        "{\n  'apiVersion': 'example.com/v1',\n  'kind': 'Widget',\n"),
    ASK("GET", CM "?pretty=1", 200, "'items': [\n    {\n      'metadata': {\n"),
    ASK_AS("GET", CM "/a", "Accept: application/json;" PARTIAL, 200,
           "{'kind':'PartialObjectMetadata','apiVersion':'meta.k8s.io/v1','metadata':{'name':'a'",
           "!'data'", JSON_TYPE),
    ASK_AS("GET", CM "/a",
           "Accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1beta1", 200,
           "'apiVersion':'meta.k8s.io/v1beta1'"),
    ASK_AS("GET", WIDGETS "/a", "Accept: application/json;" PARTIAL, 200,
           "{'kind':'PartialObjectMetadata'", "!spec"),
    ASK_AS("GET", WIDGETS "/a", "Accept: application/yaml;" PARTIAL, 200,
           "kind: PartialObjectMetadata\n"),
    ASK_AS("GET", CM, "Accept: application/json;" PARTIAL, 406,
           "you requested PartialObjectMetadata, but the requested object is a list "
           "(*core.ConfigMapList)",
           "'reason':'NotAcceptable'"),
    ASK_AS("GET", CM "/a", "Accept: application/json;" PARTIAL_LIST, 406,
           "you requested PartialObjectMetadataList, but the requested object is not a list "
           "(*core.ConfigMap)"),
    ASK_AS("GET", WIDGETS, "Accept: application/json;" PARTIAL, 406,
           "(*unstructured.UnstructuredList)"),
    ASK_AS("GET", WIDGETS, "Accept: application/json;" PARTIAL_LIST, 200,
           "{'kind':'PartialObjectMetadataList','apiVersion':'meta.k8s.io/"
           "v1','metadata':{'resourceVersion':",
           "'items':[{'kind':'PartialObjectMetadata'", "!spec"),
    ASK_AS("GET", CM "/nosuch", "Accept: application/json;" PARTIAL, 404, "'kind':'Status'"),
    ASK_AS("GET", CM "/a",
           "Accept: application/vnd.kubernetes.protobuf;" PARTIAL ",application/json;" PARTIAL
           ",application/json",
           200, "PartialObjectMetadata", JSON_TYPE),
    ASK_AS("GET", "/api", "Accept: application/yaml", 200, "kind: APIVersions\n"),
    ASK_AS("GET", "/api",
           "Accept: "
           "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/"
           "json",
           200, "APIVersions", JSON_TYPE),
    ASK_AS("DELETE", CM "/a", "Accept: application/json;" PARTIAL, 200, "'kind':'Status'"),
    ASK_AS("GET", CM, "Audit-ID: 12345\nAccept: application/json", 200, "H Audit-Id: 12345",
           "H Cache-Control: no-cache, private"),
};

START_TEST(answers_to_readers)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    rest_check_all(&r, answers, ARRAY_LEN(answers));
}
END_TEST

/* What a default controller-runtime manager sends for its lock. */
START_TEST(protobuf_body)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    AUTO(json)
    json_t *lease = js("{'apiVersion':'coordination.k8s.io/v1','kind':'Lease','metadata':{'name':"
                       "'lock'},'spec':{'holderIdentity':'me','leaseDurationSeconds':15}}");
    AUTO(strbuf) struct strbuf bytes = {0};
    ck_assert_int_eq(protobuf_encode(&bytes, lease, NULL), 0);
    struct rest_answer a;
    rest_ask_bytes(&r, "POST", LEASES,
                   "Content-Type: application/vnd.kubernetes.protobuf\n"
                   "Accept: application/vnd.kubernetes.protobuf,application/json",
                   bytes.data, bytes.len, &a);
    ck_assert_msg(a.code == 201, "%d: %s", a.code, strbuf_str(&a.body));
    ck_assert_ptr_nonnull(strstr(strbuf_str(&a.body), "\"holderIdentity\":\"me\""));
    rest_answer_finish(&a);
    rest_ask(&r, "GET", LEASES "/lock", "Accept: application/vnd.kubernetes.protobuf", NULL, &a);
    AUTO(json) json_t *back = protobuf_decode(a.body.data, a.body.len, NULL);
    ck_assert_ptr_nonnull(back);
    want_text(back, "spec.holderIdentity", "me");
    rest_answer_finish(&a);
    rest_ask_bytes(&r, "POST", LEASES, "Content-Type: application/vnd.kubernetes.protobuf",
                   "k8s\0\x0a\xff", 6, &a);
    ck_assert_int_eq(a.code, 400);
    rest_answer_finish(&a);
}
END_TEST

/* Go's clients for built-in kinds send events so; what comes out is the view that was asked for. */
START_TEST(protobuf_event)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    AUTO(json)
    json_t *event =
        js("{'apiVersion':'events.k8s.io/v1','kind':'Event','metadata':{'name':'e'},'regarding':{"
           "'kind':'Pod','namespace':'default'},'note':'n','eventTime':"
           "'2026-01-01T00:00:00.123456Z','reportingController':'c','reportingInstance':'i',"
           "'action':'a','reason':'r','type':'Normal'}");
    AUTO(strbuf) struct strbuf bytes = {0};
    ck_assert_int_eq(protobuf_encode(&bytes, event, NULL), 0);
    struct rest_answer a;
    rest_ask_bytes(&r, "POST", "/apis/events.k8s.io/v1/namespaces/default/events",
                   "Content-Type: application/vnd.kubernetes.protobuf", bytes.data, bytes.len, &a);
    ck_assert_msg(a.code == 201, "%d: %s", a.code, strbuf_str(&a.body));
    rest_answer_finish(&a);
    rest_ask(&r, "GET", "/api/v1/namespaces/default/events/e",
             "Accept: application/vnd.kubernetes.protobuf", NULL, &a);
    AUTO(json) json_t *old = protobuf_decode(a.body.data, a.body.len, NULL);
    ck_assert_ptr_nonnull(old);
    want_text(old, "apiVersion", "v1");
    want_text(old, "message", "n");
    want_text(old, "reportingComponent", "c");
    want_text(old, "eventTime", "2026-01-01T00:00:00.123456Z");
    rest_answer_finish(&a);
}
END_TEST

START_TEST(too_large)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    size_t len = REST_BODY_MAX + 1;
    AUTO(str) char *body = mem_alloc(len + 1);
    memset(body, ' ', len);
    body[len] = '\0';
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        struct rest_answer a;
        rest_ask_bytes(&r, methods[i], i ? CM "/a" : CM,
                       i == 2 ? "Content-Type: application/merge-patch+json" : NULL, body, len, &a);
        ck_assert_int_eq(a.code, 413);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&a.body),
                                     "\"message\":\"Request entity too large: limit is 3145728\","
                                     "\"reason\":\"RequestEntityTooLarge\""));
        rest_answer_finish(&a);
    }
}
END_TEST

static void give_warnings(void *cookie, const struct api_request *req, struct api_response *ret)
{
    (void)req;
    ret->code = 200;
    ret->body = js("{'kind':'ConfigMap','apiVersion':'v1'}");
    ret->warnings = json_incref(cookie);
}

/* All "Warning" headers, one a line. New. */
static char *warnings_of(struct kit *k, json_t *warnings)
{
    const struct rest_config config = {.server = k->server,
                                       .sched = world_sched(k->world),
                                       .backend = {.request = give_warnings, .cookie = warnings}};
    struct rest_kit r = {.k = *k, .rest = rest_create(&config)};
    struct rest_answer a;
    AUTO(strbuf) struct strbuf out = {0};
    rest_ask(&r, "GET", CM "/a", NULL, NULL, &a);
    ck_assert_int_eq(a.code, 200);
    for (size_t i = 0; i < a.header_count; i++)
        if (strcmp(a.headers[i].name, "Warning") == 0)
            strbuf_addf(&out, "%s\n", a.headers[i].value);
    rest_answer_finish(&a);
    rest_destroy(r.rest);
    return strbuf_take(&out);
}

START_TEST(warnings)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(json) json_t *few = js("['unknown field','', 'b\\nc']");
    json_array_append_new(few, json_string("say \"\\\""));
    AUTO(str) char *quoted = warnings_of(&k, few);
    ck_assert_str_eq(quoted, "299 - \"unknown field\"\n299 - \"say \\\"\\\\\\\"\"\n");
    /* Twenty of 300: more than 4096 in all, so that each is cut to 256 until the budget is spent.
     */
    AUTO(json) json_t *many = json_array();
    for (int i = 0; i < 20; i++) {
        AUTO(str) char *text = mem_printf("%02d%298s", i, "x");
        json_array_append_new(many, json_string(text));
    }
    AUTO(str) char *cut = warnings_of(&k, many);
    size_t lines = 0;
    for (const char *p = cut; *p; lines++) {
        ck_assert_uint_eq(strcspn(p, "\n"), strlen("299 - \"\"") + 256);
        p += strcspn(p, "\n") + 1;
    }
    ck_assert_uint_eq(lines, 16);
}
END_TEST

static void throttle(void *cookie, const struct api_request *req, struct api_response *ret)
{
    (void)cookie;
    (void)req;
    status_too_many_requests(ret, 1, "Too many requests, please try again later.");
}

START_TEST(throttled_in_plain_text)
{
    static const struct rest_row row =
        ASK("GET", CM "/a", 429, "Too many requests, please try again later.\n", "!Status",
            "H Retry-After: 1", "H Content-Type: text/plain; charset=utf-8");
    AUTO(kit) struct kit k = kit_create();
    const struct rest_config config = {
        .server = k.server, .sched = world_sched(k.world), .backend = {.request = throttle}};
    struct rest_kit r = {.k = k, .rest = rest_create(&config)};
    rest_check_all(&r, &row, 1);
    rest_destroy(r.rest);
}
END_TEST

START_TEST(compression)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    AUTO(strbuf) struct strbuf body = {0};
    strbuf_addstr(&body, "{\"metadata\":{\"name\":\"big\"},\"data\":{\"k\":\"");
    for (int i = 0; i < 20000; i++)
        strbuf_addf(&body, "%08d", i);
    strbuf_addstr(&body, "\"}}");
    struct rest_answer a, packed;
    rest_ask_bytes(&r, "POST", CM, "Accept-Encoding: gzip", body.data, body.len, &a);
    ck_assert_int_eq(a.code, 201);
    ck_assert_ptr_null(rest_answer_get(&a, "Content-Encoding"));
    rest_answer_finish(&a);
    rest_ask(&r, "GET", CM "/big", NULL, NULL, &a);
    rest_ask(&r, "GET", CM "/big", "Accept-Encoding: deflate, gzip", NULL, &packed);
    ck_assert_str_eq(rest_answer_get(&packed, "Content-Encoding"), "gzip");
    ck_assert_str_eq(rest_answer_get(&packed, "Vary"), "Accept-Encoding");
    ck_assert_uint_lt(packed.body.len, a.body.len);
    AUTO(str) char *plain = mem_alloc(a.body.len + 1);
    z_stream z = {.next_in = (unsigned char *)packed.body.data,
                  .avail_in = (unsigned)packed.body.len,
                  .next_out = (unsigned char *)plain,
                  .avail_out = (unsigned)a.body.len + 1};
    ck_assert_int_eq(inflateInit2(&z, MAX_WBITS + 16), Z_OK);
    ck_assert_int_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
    ck_assert_uint_eq(z.total_out, a.body.len);
    ck_assert_int_eq(memcmp(plain, a.body.data, a.body.len), 0);
    inflateEnd(&z);
    rest_answer_finish(&a);
    rest_answer_finish(&packed);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("rest.media",
                      SUITE_CASE("rest.media", TEST(bodies_of_requests), TEST(answers_to_readers),
                                 TEST(protobuf_body), TEST(protobuf_event), TEST(too_large),
                                 TEST(warnings), TEST(throttled_in_plain_text), TEST(compression)));
}
