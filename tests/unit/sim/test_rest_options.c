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
    {"GET",
     CM "?limit=abc",
     NULL,
     NULL,
     400,
     {"'message':'strconv.ParseInt: parsing \\'abc\\': invalid syntax'", "'reason':'BadRequest'"}},
    {"GET", CM "?limit=", NULL, NULL, 400, {"strconv.ParseInt: parsing \\'\\': invalid syntax"}},
    {"GET", CM "?limit=99999999999999999999", NULL, NULL, 400, {"value out of range"}},
    {"GET", CM "?limit=1&limit=abc", NULL, NULL, 200, {"'items':["}},
    {"GET", CM "?limit=%2B1", NULL, NULL, 200, {"'items':["}},
    {"GET", CM "?timeoutSeconds=1s", NULL, NULL, 400, {"parsing \\'1s\\'"}},
    {"GET", CM "?limit=%22", NULL, NULL, 400, {"parsing \\'\\\\\\'\\': invalid syntax"}},
    {"GET", CM "?nosuch=1&&=2&x", NULL, NULL, 200, {"'items':["}},
    {"GET", CM "?limit=abc;x=1", NULL, NULL, 200, {"'items':["}},
    {"GET", CM "?limit=%zz", NULL, NULL, 200, {"'items':["}},
    {"GET", CM "?watch=0", NULL, NULL, 200, {"ConfigMapList"}},
    {"GET", CM "?watch=False", NULL, NULL, 200, {"ConfigMapList"}},
    {"GET",
     CM "?resourceVersionMatch=Exact",
     NULL,
     NULL,
     422,
     {LIST_BAD "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless "
               "resourceVersion is provided"}},
    {"GET", CM "?resourceVersionMatch=Exact&resourceVersion=0", NULL, NULL, 422, {LIST_BAD}},
    {"GET",
     CM "?sendInitialEvents=true",
     NULL,
     NULL,
     422,
     {LIST_BAD "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"}},
    {"GET",
     CM "?sendInitialEvents=false",
     NULL,
     NULL,
     422,
     {"sendInitialEvents is forbidden for list"}},
    {"GET",
     CM "?watch=1&sendInitialEvents=true",
     NULL,
     NULL,
     422,
     {LIST_BAD "resourceVersionMatch: Forbidden: sendInitialEvents requires setting "
               "resourceVersionMatch to NotOlderThan"}},
    {"GET",
     CM "?watch=1&resourceVersionMatch=NotOlderThan",
     NULL,
     NULL,
     422,
     {"resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"}},
    {"GET",
     CM "?watch=1&resourceVersion=abc",
     NULL,
     NULL,
     500,
     {"resourceVersion: Invalid value: \\'abc\\': strconv.ParseUint: parsing", "!reason"}},
    {"GET", CM "?continue=garbage", NULL, NULL, 400, {"invalid continue token"}},
    {"GET",
     CM "?continue=garbage&resourceVersion=5",
     NULL,
     NULL,
     400,
     {"specifying resource version is not allowed when using continue"}},
    {"GET", CM "?labelSelector=a+in", NULL, NULL, 400, {"'unable to parse requirement: found "}},
    {"GET", CM "?labelSelector=app%3Dx", NULL, NULL, 200, {"'items':[]"}},
    {"GET",
     WIDGETS "?fieldSelector=spec.foo%3D1",
     NULL,
     NULL,
     400,
     {"field label not supported: spec.foo"}},
    {"GET", CM "?fieldSelector=metadata.name%3Dkube", NULL, NULL, 200, {"'items':[]"}},
    {"GET",
     CM "/a?resourceVersion=99999999",
     NULL,
     NULL,
     504,
     {"Too large resource version", "H Retry-After: 1"}},
    {"GET", CM "/a?export=true", NULL, NULL, 400, {"the export parameter, deprecated since v1.14"}},
    {"GET", CM "/a?export=0", NULL, NULL, 404, {"not found"}},
    {"GET", CM "?timeout=5s", NULL, NULL, 200, {"'items':["}},
    {"GET", CM "?timeout=1h2m3.5s", NULL, NULL, 200, {"'items':["}},
    {"GET", CM "?timeout=soon", NULL, NULL, 400, {"invalid timeout specified in the request URL"}},
    {"GET", "/version?timeout=32s", NULL, NULL, 200, {"gitVersion"}},
    {"GET", "/version?timeout=32", NULL, NULL, 400, {"invalid timeout specified"}},
};

START_TEST(reading)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    rest_check_all(&r, lists, ARRAY_LEN(lists));
}
END_TEST

static const struct rest_row writes[] = {
    {"POST", CM "?dryRun=All", NULL, BODY, 201, {"'name':'a'"}},
    {"GET", CM "/a", NULL, NULL, 404, {"not found"}},
    {"POST",
     CM "?dryRun=x",
     NULL,
     BODY,
     422,
     {"'message':'CreateOptions.meta.k8s.io \\'\\' is invalid: dryRun: Unsupported value: "
      "[\\'x\\']: supported values: \\'All\\''",
      "'kind':'CreateOptions'"}},
    {"POST", CM "?dryRun=", NULL, BODY, 422, {"dryRun: Unsupported value"}},
    {"POST", CM "?dryRun=All&dryRun=None", NULL, BODY, 422, {"[\\'All\\',\\'None\\']"}},
    {"POST",
     CM "?fieldValidation=foo",
     NULL,
     BODY,
     422,
     {"fieldValidation: Unsupported value: \\'foo\\': supported values: \\'\\', \\'Ignore\\', "
      "\\'Strict\\', \\'Warn\\''"}},
    {"POST",
     CM "?fieldManager=" M136,
     NULL,
     BODY,
     422,
     {"fieldManager: Too long: may not be more than 128 bytes"}},
    {"POST",
     CM "?fieldManager=a%0Ab",
     NULL,
     BODY,
     422,
     {"fieldManager: Invalid value: \\'a\\\\nb\\': invalid character U+000A (at position 1)"}},
    {"POST",
     CM "?dryRun=x&fieldValidation=y",
     NULL,
     BODY,
     422,
     {"is invalid: [dryRun: ", ", fieldValidation: "}},
    {"POST", CM, NULL, BODY, 201, {"'name':'a'"}},
    {"PUT", CM "/a?dryRun=x", NULL, BODY, 422, {"UpdateOptions.meta.k8s.io"}},
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
    {"DELETE",
     CM "/a?gracePeriodSeconds=x",
     NULL,
     NULL,
     400,
     {"strconv.ParseInt: parsing \\'x\\': invalid syntax"}},
    {"DELETE",
     CM "/a?propagationPolicy=Sometimes",
     NULL,
     NULL,
     422,
     {"propagationPolicy: Unsupported value: \\'Sometimes\\': supported values: \\'Foreground\\', "
      "\\'Background\\', \\'Orphan\\', \\'nil\\''"}},
    {"DELETE", CM "/a?dryRun=x", NULL, NULL, 422, {"DeleteOptions.meta.k8s.io"}},
    {"DELETE", CM "/a?dryRun=All", NULL, NULL, 200, {"Success"}},
    {"DELETE",
     CM "/a?orphanDependents=1&propagationPolicy=Orphan",
     NULL,
     NULL,
     422,
     {"orphanDependents and deletionPropagation cannot be both set"}},
    {"DELETE", CM "/a?dryRun=x", NULL, "{'dryRun':['All']}", 200, {"Success"}},
    {"DELETE",
     CM "/a",
     NULL,
     "{'kind':'DeleteOptions','apiVersion':'v1','preconditions':{'uid':'x'}}",
     409,
     {"the UID in the precondition (x) does not match"}},
    {"DELETE",
     CM "/a",
     NULL,
     "{'kind':'Pod','apiVersion':'v1'}",
     400,
     {"decoded object cannot be converted to DeleteOptions"}},
    {"DELETE",
     CM "/a",
     NULL,
     "{'gracePeriodSeconds':'1'}",
     400,
     {"cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type "
      "int64"}},
    {"DELETE", CM "/a", NULL, "[]", 400, {"DeleteOptions"}},
    {"DELETE", CM "/a", NULL, "{", 400, {"unexpected end of JSON input"}},
    {"GET", CM "/a", NULL, NULL, 200, {"'name':'a'"}},
    {"DELETE", CM "?limit=x", NULL, NULL, 400, {"strconv.ParseInt"}},
    {"DELETE", CM "?labelSelector=none", NULL, NULL, 200, {"'items':[]"}},
    {"DELETE",
     CM "/a?propagationPolicy=Foreground",
     NULL,
     NULL,
     200,
     {"'finalizers':['foregroundDeletion']", "deletionTimestamp"}},
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
