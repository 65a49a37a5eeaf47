#include "kube/api.h"

#include <string.h>

#include "tests/unit/suite.h"

START_TEST(names)
{
    static const char *const verbs[] = {"get",   "list",   "create",           "update",
                                        "patch", "delete", "deletecollection", "watch"};

    for (int i = 0; i < API_VERB_COUNT; i++)
        ck_assert_str_eq(api_verb_name((enum api_verb)i), verbs[i]);
    ck_assert_str_eq(api_event_name(EVENT_ADDED), "ADDED");
    ck_assert_str_eq(api_event_name(EVENT_ERROR), "ERROR");
}
END_TEST

START_TEST(reason_and_message)
{
    struct api_response r = {.code = 404};

    ck_assert_str_eq(api_reason(&r), "");
    r.body = json_pack("{s:s, s:s}", "reason", "NotFound", "message", "gone");
    ck_assert_str_eq(api_reason(&r), "NotFound");
    ck_assert_str_eq(api_message(&r), "gone");
    r.code = 200; /* an object may have a member of that name */
    ck_assert_str_eq(api_reason(&r), "");
    api_response_finish(&r);
    ck_assert_ptr_null(r.body);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("kube.api", SUITE_CASE("api", TEST(names), TEST(reason_and_message)));
}
