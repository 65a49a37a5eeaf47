/* Requests as URLs, answers and events as text. */
#include "kube/url.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/suite.h"

/* ---- requests ---- */

#define PODS                                                                                       \
    {                                                                                              \
        "", "v1", "pods"                                                                           \
    }
#define VMS                                                                                        \
    {                                                                                              \
        "kubevirt.io", "v1", "virtualmachines"                                                     \
    }

#define POD_B .resource = PODS, .ns = "a", .name = "b"

static const struct call_case {
    const char *name;
    struct api_request req;
    const char *body; /* JSON, NULL: none */
    const char *want; /* "METHOD target [type body]" */
} calls[] = {
    {"get", {.verb = API_GET, POD_B}, NULL, "GET /api/v1/namespaces/a/pods/b"},
    {"get of a group",
     {.verb = API_GET, .resource = VMS, .ns = "a", .name = "b"},
     NULL,
     "GET /apis/kubevirt.io/v1/namespaces/a/virtualmachines/b"},
    {"cluster-scoped",
     {.verb = API_GET, .resource = {"", "v1", "nodes"}, .name = "n"},
     NULL,
     "GET /api/v1/nodes/n"},
    {"a subresource",
     {.verb = API_GET, POD_B, .subresource = "status"},
     NULL,
     "GET /api/v1/namespaces/a/pods/b/status"},
    {"escapes",
     {.verb = API_GET, .resource = PODS, .ns = "a b", .name = "x/../y?z%"},
     NULL,
     "GET /api/v1/namespaces/a%20b/pods/x%2F..%2Fy%3Fz%25"},
    {"list", {.verb = API_LIST, .resource = PODS}, NULL, "GET /api/v1/pods"},
    {"list with everything",
     {.verb = API_LIST,
      .resource = PODS,
      .ns = "a",
      .label_selector = "k in (a,b)",
      .field_selector = "metadata.name=x",
      .resource_version = "0",
      .resource_version_match = "NotOlderThan",
      .limit = 500,
      .continue_token = "a+b="},
     NULL,
     "GET /api/v1/namespaces/a/pods?labelSelector=k%20in%20%28a%2Cb%29&fieldSelector=metadata.name"
     "%3Dx&resourceVersion=0&resourceVersionMatch=NotOlderThan&continue=a%2Bb%3D&limit=500"},
    {"watch",
     {.verb = API_WATCH, .resource = PODS, .resource_version = "7", .allow_bookmarks = true},
     NULL,
     "GET /api/v1/pods?resourceVersion=7&watch=true&allowWatchBookmarks=true"},
    {"watch that begins with a list",
     {.verb = API_WATCH,
      .resource = PODS,
      .timeout_s = 30,
      .send_initial_events = true,
      .resource_version_match = "NotOlderThan"},
     NULL,
     "GET /api/v1/pods?resourceVersionMatch=NotOlderThan&watch=true&timeoutSeconds=30&"
     "sendInitialEvents=true"},
    {"create",
     {.verb = API_CREATE, .resource = PODS, .ns = "a"},
     "{\"b\":1,\"a\":\"<\"}",
     "POST /api/v1/namespaces/a/pods?fieldValidation=Ignore application/json "
     "{\"b\":1,\"a\":\"\\u003c\"}"},
    {"update",
     {.verb = API_UPDATE,
      POD_B,
      .subresource = "status",
      .field_manager = "m",
      .field_validation = VALIDATION_STRICT,
      .dry_run = true},
     "{}",
     "PUT /api/v1/namespaces/a/pods/b/status?fieldManager=m&fieldValidation=Strict&dryRun=All "
     "application/json {}"},
    {"merge patch",
     {.verb = API_PATCH, POD_B, .patch = PATCH_MERGE},
     "{}",
     "PATCH /api/v1/namespaces/a/pods/b?fieldValidation=Ignore application/merge-patch+json {}"},
    {"json patch",
     {.verb = API_PATCH, POD_B, .patch = PATCH_JSON},
     "[]",
     "PATCH /api/v1/namespaces/a/pods/b?fieldValidation=Ignore application/json-patch+json []"},
    {"apply",
     {.verb = API_PATCH,
      POD_B,
      .patch = PATCH_APPLY,
      .field_manager = "m",
      .field_validation = VALIDATION_WARN,
      .force = true},
     "{}",
     "PATCH /api/v1/namespaces/a/pods/b?fieldManager=m&fieldValidation=Warn&force=true "
     "application/apply-patch+yaml {}"},
    {"delete",
     {.verb = API_DELETE, POD_B, .propagation_policy = "Orphan", .dry_run = true},
     NULL,
     "DELETE /api/v1/namespaces/a/pods/b?propagationPolicy=Orphan&dryRun=All"},
    {"delete with a body",
     {.verb = API_DELETE, POD_B, .propagation_policy = "Orphan", .dry_run = true},
     "{\"kind\":\"DeleteOptions\"}",
     "DELETE /api/v1/namespaces/a/pods/b application/json "
     "{\"kind\":\"DeleteOptions\",\"propagationPolicy\":\"Orphan\",\"dryRun\":[\"All\"]}"},
    {"delete of many",
     {.verb = API_DELETE_COLLECTION, .resource = PODS, .ns = "a", .label_selector = "x=y"},
     NULL,
     "DELETE /api/v1/namespaces/a/pods?labelSelector=x%3Dy"},
};

START_TEST(call)
{
    const struct call_case *row = &calls[_i];
    struct api_request req = row->req;
    AUTO(json) json_t *body = row->body ? json_read(row->body, strlen(row->body), "b", NULL) : NULL;
    AUTO(api_call) struct api_call c = {0};

    req.body = body;
    api_call_make(&req, &c);
    AUTO(str)
    char *got = c.body ? mem_printf("%s %s %s %s", c.method, c.target, c.content_type, c.body)
                       : mem_printf("%s %s", c.method, c.target);
    ck_assert_msg(strcmp(got, row->want) == 0, "%s: got %s", row->name, got);
    ck_assert(!c.body || strlen(c.body) == c.body_len);
}
END_TEST

/* ---- answers ---- */

static const struct answer_case {
    const char *name;
    int code;
    const char *body;
    const char *want; /* of the Status or object, as "code kind reason message"; "-" for an error */
} answers[] = {
    {"an object", 200, "{\"kind\":\"Pod\"}", "200 Pod  "},
    {"a Status", 409,
     "{\"kind\":\"Status\",\"reason\":\"Conflict\",\"message\":\"m\",\"code\":409}",
     "409 Status Conflict m"},
    {"the router", 404, "404 page not found\n",
     "404 Status NotFound the server could not find the requested resource"},
    {"a proxy", 502, "<html>bad gateway</html>\n", "502 Status  <html>bad gateway</html>"},
    {"nothing", 503, "", "503 Status  the server answered without a Status"},
    {"no text", 500, "\xff\xfe", "500 Status  the server answered without a Status"},
    {"a success that is none", 200, "ok", "-"},
    {"a list of nothing", 200, "[]", "-"},
};

START_TEST(answer)
{
    const struct answer_case *row = &answers[_i];
    AUTO(response) struct api_response r = {0};
    AUTO(err) struct err e = {0};
    int result = api_answer_read(row->code, row->body, strlen(row->body), &r, &e);
    AUTO(str)
    char *got = result < 0 ? mem_strdup("-")
                           : mem_printf("%d %s %s %s", r.code, json_str_or_empty(r.body, "kind"),
                                        json_str_or_empty(r.body, "reason"),
                                        json_str_or_empty(r.body, "message"));

    ck_assert_msg(strcmp(got, row->want) == 0, "%s: got %s", row->name, got);
    ck_assert((result < 0) == err_pending(&e));
}
END_TEST

START_TEST(warnings)
{
    AUTO(response) struct api_response r = {0};

    api_answer_warning(&r, " 299 - \"say \\\"a\\\"\"\r\n");
    api_answer_warning(&r, "299 - \"two\"");
    api_answer_warning(&r, "199 - \"another code\"");
    api_answer_warning(&r, "299 - unquoted");
    api_answer_warning(&r, "");
    ck_assert_uint_eq(json_array_size(r.warnings), 2);
    ck_assert_str_eq(json_string_value(json_array_get(r.warnings, 0)), "say \"a\"");
    ck_assert_str_eq(json_string_value(json_array_get(r.warnings, 1)), "two");
}
END_TEST

/* ---- events ---- */

static const struct event_case {
    const char *line;
    int type; /* -1: refused */
} events[] = {
    {"{\"type\":\"ADDED\",\"object\":{}}", EVENT_ADDED},
    {"{\"type\":\"MODIFIED\",\"object\":{}}", EVENT_MODIFIED},
    {"{\"type\":\"DELETED\",\"object\":{}}", EVENT_DELETED},
    {"{\"type\":\"BOOKMARK\",\"object\":{}}", EVENT_BOOKMARK},
    {"{\"type\":\"ERROR\",\"object\":{}}", EVENT_ERROR},
    {"{\"type\":\"added\",\"object\":{}}", -1},
    {"{\"type\":\"ADDED\",\"object\":[]}", -1},
    {"{\"type\":\"ADDED\"}", -1},
    {"{\"object\":{}}", -1},
    {"", -1},
    {"{", -1},
};

START_TEST(event)
{
    const struct event_case *row = &events[_i];
    struct api_event ev = {EVENT_ADDED, NULL};
    AUTO(err) struct err e = {0};
    int result = api_event_read(row->line, strlen(row->line), &ev, &e);

    ck_assert_msg(result == (row->type < 0 ? -1 : 0), "%s", row->line);
    ck_assert((result < 0) == err_pending(&e));
    ck_assert(row->type < 0 || (int)ev.type == row->type);
    json_decref(ev.object);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("url", SUITE_CASE("all", EACH(call, calls), EACH(answer, answers),
                                        TEST(warnings), EACH(event, events)));
}
