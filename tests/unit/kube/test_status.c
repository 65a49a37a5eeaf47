/* Whole bodies, byte for byte: these are what clients parse and people search for. */
#include "kube/status.h"

#include <string.h>

#include "base/json.h"
#include "tests/unit/suite.h"

static const struct api_resource vms = {"kubevirt.io", "v1", "virtualmachines"};
static const struct api_resource pods = {"", "v1", "pods"};

#define HEAD "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","

static void check_body(struct api_response *r, const char *want)
{
    AUTO(str) char *text = json_text(r->body);

    ck_assert_str_eq(text, want);
    api_response_finish(r);
}

START_TEST(about_one_object)
{
    struct api_response r = {0};

    ck_assert_int_eq(status_not_found(&r, &vms, "a"), -1);
    ck_assert_int_eq(r.code, 404);
    check_body(&r, HEAD "\"message\":\"virtualmachines.kubevirt.io \\\"a\\\" not found\","
                        "\"reason\":\"NotFound\",\"details\":{\"name\":\"a\",\"group\":"
                        "\"kubevirt.io\",\"kind\":\"virtualmachines\"},\"code\":404}");
    status_already_exists(&r, &pods, "a");
    check_body(&r,
               HEAD "\"message\":\"pods \\\"a\\\" already exists\",\"reason\":\"AlreadyExists\","
                    "\"details\":{\"name\":\"a\",\"kind\":\"pods\"},\"code\":409}");
    status_modified(&r, &pods, "a");
    check_body(&r, HEAD "\"message\":\"Operation cannot be fulfilled on pods \\\"a\\\": the object "
                        "has been modified; please apply your changes to the latest version and "
                        "try again\",\"reason\":\"Conflict\",\"details\":{\"name\":\"a\",\"kind\":"
                        "\"pods\"},\"code\":409}");
    status_forbidden(&r, &pods, "a", "no");
    check_body(&r, HEAD "\"message\":\"pods \\\"a\\\" is forbidden: no\",\"reason\":\"Forbidden\","
                        "\"details\":{\"name\":\"a\",\"kind\":\"pods\"},\"code\":403}");
    status_forbidden(&r, &vms, NULL, "no");
    check_body(&r, HEAD "\"message\":\"virtualmachines.kubevirt.io is forbidden: no\",\"reason\":"
                        "\"Forbidden\",\"details\":{\"group\":\"kubevirt.io\",\"kind\":"
                        "\"virtualmachines\"},\"code\":403}");
}
END_TEST

START_TEST(about_the_request)
{
    struct api_response r = {0};

    status_bad_request(&r, "no %s", "way");
    check_body(&r, HEAD "\"message\":\"no way\",\"reason\":\"BadRequest\",\"code\":400}");
    status_method_not_allowed(&r, &pods, "delete");
    check_body(&r, HEAD "\"message\":\"delete is not supported on resources of kind \\\"pods\\\"\","
                        "\"reason\":\"MethodNotAllowed\",\"details\":{\"kind\":\"pods\"},"
                        "\"code\":405}");
    status_no_resource(&r);
    check_body(&r, HEAD "\"message\":\"the server could not find the requested resource\","
                        "\"reason\":\"NotFound\",\"details\":{},\"code\":404}");
    status_expired(&r, "too old resource version: %d (%d)", 1, 2);
    check_body(&r, HEAD "\"message\":\"too old resource version: 1 (2)\",\"reason\":\"Expired\","
                        "\"code\":410}");
    status_unsupported_media(&r, "m");
    check_body(&r, HEAD "\"message\":\"m\",\"reason\":\"UnsupportedMediaType\",\"code\":415}");
    status_denied(&r, 0, NULL, "admission webhook \"w\" denied the request: x");
    check_body(&r, HEAD "\"message\":\"admission webhook \\\"w\\\" denied the request: x\","
                        "\"code\":400}");
    status_denied(&r, 422, "Invalid", "x");
    check_body(&r, HEAD "\"message\":\"x\",\"reason\":\"Invalid\",\"code\":422}");
}
END_TEST

START_TEST(about_the_server)
{
    struct api_response r = {0};

    status_too_many_requests(&r, 1, "slow down");
    check_body(&r, HEAD "\"message\":\"slow down\",\"reason\":\"TooManyRequests\",\"details\":{"
                        "\"retryAfterSeconds\":1},\"code\":429}");
    status_internal(&r, "disk %d", 5);
    check_body(&r, HEAD "\"message\":\"Internal error occurred: disk 5\",\"reason\":"
                        "\"InternalError\",\"details\":{\"causes\":[{\"message\":\"disk 5\"}]},"
                        "\"code\":500}");
    status_unavailable(&r, "down");
    check_body(&r, HEAD "\"message\":\"down\",\"reason\":\"ServiceUnavailable\",\"code\":503}");
    status_timeout(&r, "late");
    check_body(&r, HEAD "\"message\":\"Timeout: late\",\"reason\":\"Timeout\",\"details\":{},"
                        "\"code\":504}");
}
END_TEST

START_TEST(success)
{
    struct api_response r = {.code = 200, .body = status_success(&vms, "a", "u-1")};

    check_body(&r, "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":"
                   "\"Success\",\"details\":{\"name\":\"a\",\"group\":\"kubevirt.io\",\"kind\":"
                   "\"virtualmachines\",\"uid\":\"u-1\"}}");
}
END_TEST

static const struct field_case {
    enum field_error_type type;
    const char *value, *detail;
    const char *reason, *message;
} fields[] = {
    {FIELD_REQUIRED, NULL, "", "FieldValueRequired", "Required value"},
    {FIELD_REQUIRED, "1", "name it", "FieldValueRequired", "Required value: name it"},
    {FIELD_INVALID, "\"a\\\"b\\n\"", "bad", "FieldValueInvalid",
     "Invalid value: \"a\\\"b\\n\": bad"},
    {FIELD_INVALID, "\"\\u0001\xc3\xa9\\u00a0\"", "", "FieldValueInvalid",
     "Invalid value: \"\\x01\xc3\xa9\\u00a0\""},
    {FIELD_INVALID, "{\"b\":[1],\"a\":true}", "", "FieldValueInvalid",
     "Invalid value: {\"a\":true,\"b\":[1]}"},
    {FIELD_INVALID, "null", "x", "FieldValueInvalid", "Invalid value: null: x"},
    {FIELD_INVALID, NULL, "x", "FieldValueInvalid", "Invalid value: null: x"},
    {FIELD_TYPE_INVALID, "\"string\"", "spec.x in body must be of type integer: \"string\"",
     "FieldValueTypeInvalid",
     "Invalid value: \"string\": spec.x in body must be of type integer: \"string\""},
    {FIELD_NOT_SUPPORTED, "\"z\"", "supported values: \"a\", \"b\"", "FieldValueNotSupported",
     "Unsupported value: \"z\": supported values: \"a\", \"b\""},
    {FIELD_DUPLICATE, "5", "", "FieldValueDuplicate", "Duplicate value: 5"},
    {FIELD_FORBIDDEN, NULL, "no", "FieldValueForbidden", "Forbidden: no"},
    {FIELD_TOO_LONG, "\"xxx\"", "may not be more than 2 bytes", "FieldValueTooLong",
     "Too long: may not be more than 2 bytes"},
    {FIELD_TOO_MANY, "4", "must have at most 3 items", "FieldValueTooMany",
     "Too many: 4: must have at most 3 items"},
    {FIELD_NOT_FOUND, "\"x\"", "", "FieldValueNotFound", "Not found: \"x\""},
    {FIELD_INTERNAL, NULL, "oops", "InternalError", "Internal error: oops"},
};

START_TEST(field_error_bodies)
{
    const struct field_case *c = &fields[_i];
    AUTO(json) json_t *value = c->value ? json_read(c->value, strlen(c->value), "t", NULL) : NULL;
    struct field_errors e = {0};
    const json_t *cause;

    field_errors_add(&e, c->type, "spec.x", value, "%s", c->detail);
    cause = json_array_get(e.causes, 0);
    ck_assert_str_eq(json_str(cause, "reason"), c->reason);
    ck_assert_str_eq(json_str(cause, "message"), c->message);
    ck_assert_str_eq(json_str(cause, "field"), "spec.x");
    field_errors_finish(&e);
}
END_TEST

START_TEST(invalid)
{
    struct api_response r = {0};
    struct field_errors e = {0};

    ck_assert(!field_errors_any(&e));
    field_errors_add(&e, FIELD_REQUIRED, "spec.a", NULL, "%s", "");
    ck_assert(field_errors_any(&e));
    status_invalid(&r, "g.io", "Thing", "n", &e);
    ck_assert_ptr_null(e.causes);
    check_body(&r, HEAD "\"message\":\"Thing.g.io \\\"n\\\" is invalid: spec.a: Required value\","
                        "\"reason\":\"Invalid\",\"details\":{\"name\":\"n\",\"group\":\"g.io\","
                        "\"kind\":\"Thing\",\"causes\":[{\"reason\":\"FieldValueRequired\","
                        "\"message\":\"Required value\",\"field\":\"spec.a\"}]},\"code\":422}");
    field_errors_add(&e, FIELD_REQUIRED, "b", NULL, "%s", "");
    field_errors_add(&e, FIELD_FORBIDDEN, "", NULL, "%s", "x");
    field_errors_add(&e, FIELD_REQUIRED, "b", NULL, "%s", "");
    status_invalid(&r, "", "Pod", "", &e);
    ck_assert_str_eq(api_message(&r),
                     "Pod \"\" is invalid: [b: Required value, <nil>: Forbidden: x]");
    ck_assert_uint_eq(json_array_size(json_path(r.body, "details.causes")), 3);
    api_response_finish(&r);
}
END_TEST

START_TEST(hostile_texts)
{
    struct api_response r = {0};
    struct field_errors e = {0};

    status_bad_request(&r, "bad \xff text");
    ck_assert_str_eq(api_message(&r), "bad ? text");
    api_response_finish(&r);
    for (int i = 0; i < 1000; i++)
        field_errors_add(&e, FIELD_INVALID, "x\xc3", NULL, "\xe2\x82 %d", i);
    ck_assert_uint_eq(json_array_size(e.causes), 100);
    ck_assert(e.truncated);
    status_invalid(&r, "", "Pod", "p", &e);
    ck_assert_str_eq(api_reason(&r), "Invalid");
    api_response_finish(&r);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("kube.status", SUITE_CASE("status", TEST(about_one_object),
                                                TEST(about_the_request), TEST(about_the_server),
                                                TEST(success), EACH(field_error_bodies, fields),
                                                TEST(invalid), TEST(hostile_texts)));
}
