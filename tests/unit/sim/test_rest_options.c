/* Parameters: how values are read, what is refused, in which words. */
#include "tests/unit/sim/rest_kit.h"

#include "kube/status.h"
#include "tests/unit/suite.h"

#define CM "/api/v1/namespaces/default/configmaps"
#define WIDGETS "/apis/example.com/v1/namespaces/default/widgets"
#define BODY "{'metadata':{'name':'a'}}"
#define MERGE "Content-Type: application/merge-patch+json"
#define APPLY "Content-Type: application/apply-patch+yaml"
#define M17 "mmmmmmmmmmmmmmmmm"
#define M136 M17 M17 M17 M17 M17 M17 M17 M17
#define LIST_BAD "ListOptions.meta.k8s.io \\'\\' is invalid: "

static const struct rest_row lists[] = {
    ASK("GET", CM "?limit=abc", 400,
        "'message':'strconv.ParseInt: parsing \\'abc\\': invalid syntax'", "'reason':'BadRequest'"),
    ASK("GET", CM "?limit=", 400, "strconv.ParseInt: parsing \\'\\': invalid syntax"),
    ASK("GET", CM "?limit=99999999999999999999", 400, "value out of range"),
    ASK("GET", CM "?limit=1&limit=abc", 200, "'items':["),
    ASK("GET", CM "?limit=%2B1", 200, "'items':["),
    ASK("GET", CM "?timeoutSeconds=1s", 400, "parsing \\'1s\\'"),
    ASK("GET", CM "?limit=%22", 400, "parsing \\'\\\\\\'\\': invalid syntax"),
    ASK("GET", CM "?nosuch=1&&=2&x", 200, "'items':["),
    ASK("GET", CM "?limit=abc;x=1", 200, "'items':["),
    ASK("GET", CM "?limit=%zz", 200, "'items':["),
    ASK("GET", CM "?watch=0", 200, "ConfigMapList"),
    ASK("GET", CM "?watch=False", 200, "ConfigMapList"),
    ASK("GET", CM "?resourceVersionMatch=Exact", 422,
        LIST_BAD "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless "
                 "resourceVersion is provided"),
    ASK("GET", CM "?resourceVersionMatch=Exact&resourceVersion=0", 422, LIST_BAD),
    ASK("GET", CM "?sendInitialEvents=true", 422,
        LIST_BAD "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"),
    ASK("GET", CM "?sendInitialEvents=false", 422, "sendInitialEvents is forbidden for list"),
    ASK("GET", CM "?watch=1&sendInitialEvents=true", 422,
        LIST_BAD "resourceVersionMatch: Forbidden: sendInitialEvents requires setting "
                 "resourceVersionMatch to NotOlderThan"),
    ASK("GET", CM "?watch=1&resourceVersionMatch=NotOlderThan", 422,
        "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"),
    ASK("GET", CM "?watch=1&resourceVersion=abc", 500,
        "resourceVersion: Invalid value: \\'abc\\': strconv.ParseUint: parsing", "!reason"),
    ASK("GET", CM "?continue=garbage", 400, "invalid continue token"),
    ASK("GET", CM "?continue=garbage&resourceVersion=5", 400,
        "specifying resource version is not allowed when using continue"),
    ASK("GET", CM "?labelSelector=a+in", 400, "'unable to parse requirement: found "),
    ASK("GET", CM "?labelSelector=app%3Dx", 200, "'items':[]"),
    ASK("GET", WIDGETS "?fieldSelector=spec.foo%3D1", 400, "field label not supported: spec.foo"),
    ASK("GET", CM "?fieldSelector=metadata.name%3Dkube", 200, "'items':[]"),
    ASK("GET", CM "/a?resourceVersion=99999999", 504, "Too large resource version",
        "H Retry-After: 1"),
    ASK("GET", CM "/a?export=true", 400, "the export parameter, deprecated since v1.14"),
    ASK("GET", CM "/a?export=0", 404, "not found"),
    ASK("GET", CM "?timeout=5s", 200, "'items':["),
    ASK("GET", CM "?timeout=1h2m3.5s", 200, "'items':["),
    ASK("GET", CM "?timeout=soon", 400, "invalid timeout specified in the request URL"),
    ASK("GET", "/version?timeout=32s", 200, "gitVersion"),
    ASK("GET", "/version?timeout=32", 400, "invalid timeout specified"),
};

START_TEST(reading)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    rest_check_all(&r, lists, ARRAY_LEN(lists));
}
END_TEST

static const struct rest_row writes[] = {
    SEND("POST", CM "?dryRun=All", BODY, 201, "'name':'a'"),
    ASK("GET", CM "/a", 404, "not found"),
    SEND("POST", CM "?dryRun=x", BODY, 422,
         "'message':'CreateOptions.meta.k8s.io \\'\\' is invalid: dryRun: Unsupported value: "
         "[\\'x\\']: supported values: \\'All\\''",
         "'kind':'CreateOptions'"),
    SEND("POST", CM "?dryRun=", BODY, 422, "dryRun: Unsupported value"),
    SEND("POST", CM "?dryRun=All&dryRun=None", BODY, 422, "[\\'All\\',\\'None\\']"),
    SEND("POST", CM "?fieldValidation=foo", BODY, 422,
         "fieldValidation: Unsupported value: \\'foo\\': supported values: \\'\\', \\'Ignore\\', "
         "\\'Strict\\', \\'Warn\\''"),
    SEND("POST", CM "?fieldManager=" M136, BODY, 422,
         "fieldManager: Too long: may not be more than 128 bytes"),
    SEND("POST", CM "?fieldManager=a%0Ab", BODY, 422,
         "fieldManager: Invalid value: \\'a\\\\nb\\': invalid character U+000A (at position 1)"),
    SEND("POST", CM "?dryRun=x&fieldValidation=y", BODY, 422,
         "is invalid: [dryRun: ", ", fieldValidation: "),
    SEND("POST", CM, BODY, 201, "'name':'a'"),
    SEND("PUT", CM "/a?dryRun=x", BODY, 422, "UpdateOptions.meta.k8s.io"),
    {"PATCH", CM "/a?dryRun=x", MERGE, "{}", 422, {"PatchOptions.meta.k8s.io"}},
    {"PATCH",
     CM "/a?force=true",
     MERGE,
     "{}",
     422,
     {"PatchOptions.meta.k8s.io \\'\\' is invalid: force: Forbidden: may not be specified for "
      "non-apply patch"}},
    {"PATCH", CM "/a?force=false", MERGE, "{}", 422, {"may not be specified"}},
    {"PATCH",
     CM "/a",
     APPLY,
     BODY,
     422,
     {"PatchOptions.meta.k8s.io \\'\\' is invalid: fieldManager: Required value: is required for "
      "apply patch"}},
    ASK("DELETE", CM "/a?gracePeriodSeconds=x", 400,
        "strconv.ParseInt: parsing \\'x\\': invalid syntax"),
    ASK("DELETE", CM "/a?propagationPolicy=Sometimes", 422,
        "propagationPolicy: Unsupported value: \\'Sometimes\\': supported values: "
        "\\'Foreground\\', "
        "\\'Background\\', \\'Orphan\\', \\'nil\\''"),
    ASK("DELETE", CM "/a?dryRun=x", 422, "DeleteOptions.meta.k8s.io"),
    ASK("DELETE", CM "/a?dryRun=All", 200, "Success"),
    ASK("DELETE", CM "/a?orphanDependents=1&propagationPolicy=Orphan", 422,
        "orphanDependents and deletionPropagation cannot be both set"),
    SEND("DELETE", CM "/a?dryRun=x", "{'dryRun':['All']}", 200, "Success"),
    SEND("DELETE", CM "/a",
         "{'kind':'DeleteOptions','apiVersion':'v1','preconditions':{'uid':'x'}}", 409,
         "the UID in the precondition (x) does not match"),
    SEND("DELETE", CM "/a", "{'kind':'Pod','apiVersion':'v1'}", 400,
         "decoded object cannot be converted to DeleteOptions"),
    SEND("DELETE", CM "/a", "{'gracePeriodSeconds':'1'}", 400,
         "cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type "
         "int64"),
    SEND("DELETE", CM "/a", "[]", 400, "DeleteOptions"),
    SEND("DELETE", CM "/a", "{", 400, "unexpected end of JSON input"),
    ASK("GET", CM "/a", 200, "'name':'a'"),
    ASK("DELETE", CM "?limit=x", 400, "strconv.ParseInt"),
    ASK("DELETE", CM "?labelSelector=none", 200, "'items':[]"),
    ASK("DELETE", CM "/a?propagationPolicy=Foreground", 200, "'finalizers':['foregroundDeletion']",
        "deletionTimestamp"),
};

START_TEST(writing)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    rest_check_all(&r, writes, ARRAY_LEN(writes));
}
END_TEST

struct seen {
    char *manager;
    enum api_field_validation validation;
    int64_t timeout_s;
};

static void note(void *cookie, const struct api_request *req, struct api_response *ret)
{
    struct seen *s = cookie;
    free(s->manager);
    s->manager = req->field_manager ? mem_strdup(req->field_manager) : NULL;
    s->validation = req->field_validation;
    status_unavailable(ret, "seen");
}

/* Who writes is the parameter, else the first word of the client's name. */
START_TEST(manager_and_validation)
{
    static const struct {
        const char *query, *headers, *manager;
        enum api_field_validation validation;
    } rows[] = {
        {"", "User-Agent: foo/1.2 (linux)", "foo", VALIDATION_WARN},
        {"?fieldManager=me", "User-Agent: foo/1.2", "me", VALIDATION_WARN},
        {"?fieldManager=", "User-Agent: a b/1", "a b", VALIDATION_WARN},
        {"", NULL, NULL, VALIDATION_WARN},
        {"", "User-Agent: /1", NULL, VALIDATION_WARN},
        {"?fieldValidation=Strict", "User-Agent: x\xff\x01y", "x\xef\xbf\xbdy", VALIDATION_STRICT},
        {"?fieldValidation=Ignore", NULL, NULL, VALIDATION_IGNORE},
        {"?fieldValidation=", NULL, NULL, VALIDATION_WARN},
    };
    AUTO(kit) struct kit k = kit_create();
    struct seen seen = {0};
    const struct rest_config config = {.server = k.server,
                                       .sched = world_sched(k.world),
                                       .backend = {.request = note, .cookie = &seen}};
    struct rest_kit r = {.k = k, .rest = rest_create(&config)};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rest_answer a;
        AUTO(str) char *target = mem_printf(CM "%s", rows[i].query);
        rest_ask(&r, "POST", target, rows[i].headers, "{}", &a);
        ck_assert_int_eq(a.code, 503);
        ck_assert_msg(rows[i].manager ? seen.manager && strcmp(seen.manager, rows[i].manager) == 0
                                      : !seen.manager,
                      "%zu: %s", i, seen.manager ? seen.manager : "(none)");
        ck_assert_int_eq(seen.validation, rows[i].validation);
        rest_answer_finish(&a);
    }
    free(seen.manager);
    rest_destroy(r.rest);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("rest.options", SUITE_CASE("rest.options", TEST(reading), TEST(writing),
                                                 TEST(manager_and_validation)));
}
