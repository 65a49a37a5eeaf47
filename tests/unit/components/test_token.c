#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/token.h"
#include "tests/unit/suite.h"

#define NOW 1767225600

static char *sign(const char *claims)
{
    AUTO(json) json_t *v = json_read(claims, strlen(claims), "claims", NULL);
    ck_assert_ptr_nonnull(v);
    return bearer_sign("key", v);
}

/* The known answer: RFC 7515's form, computed by `openssl dgst -sha256 -hmac key`. */
START_TEST(known)
{
    AUTO(str) char *t = sign("{\"sub\":\"jane\"}");
    ck_assert_str_eq(t, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqYW5lIn0."
                        "fi1je5ZVfMheCm2fOOfJ2JJNuUlGtHez5CKEaTJ1Jgg");
    AUTO(json) json_t *claims = bearer_verify("key", t, NOW, NULL);
    ck_assert_str_eq(json_str_or_empty(claims, "sub"), "jane");
}
END_TEST

static const struct time_case {
    const char *name, *claims;
    bool good;
} times[] = {
    {"no times", "{}", true},
    {"not yet expired", "{\"exp\":1767225601}", true},
    {"expired now", "{\"exp\":1767225600}", false},
    {"valid from now", "{\"nbf\":1767225600}", true},
    {"not yet valid", "{\"nbf\":1767225601}", false},
    {"expiry is no number", "{\"exp\":\"never\"}", false},
    {"expiry is no whole number", "{\"exp\":1e300}", false},
    {"begin is null", "{\"nbf\":null}", false},
};

START_TEST(time)
{
    const struct time_case *c = &times[_i];
    AUTO(str) char *t = sign(c->claims);
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *claims = bearer_verify("key", t, NOW, &e);
    ck_assert_msg((claims != NULL) == c->good, "%s", c->name);
    ck_assert_msg((e.code == ERR_NONE) == c->good, "%s", c->name);
}
END_TEST

static const struct bad_case {
    const char *name, *token;
} bad[] = {
    {"empty", ""},
    {"one dot", "."},
    {"two dots", ".."},
    {"no signature", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqYW5lIn0."},
    {"algorithm none", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJqYW5lIn0."},
    {"a foreign signature", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqYW5lIn0."
                            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
    {"a signature of other letters", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqYW5lIn0."
                                     "+++++++++++++++++++++++++++++++++++++++++++"},
    /* Signed by the key: what the signature protects is still read with care. */
    {"algorithm none, signed", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJqYW5lIn0."
                               "AT1x5MN_z-5DPzXNUN6jQWyXU2hko6cqaoGwxi2T1Qw"},
    {"a key twice, signed", "eyJhbGciOiJIUzI1NiIsImFsZyI6IkhTMjU2In0.e30."
                            "kYFpDMkU-GGSSSWDgIFETLeVr-mcU1lVqLHoaKlk2W0"},
    {"claims are a list, signed", "eyJhbGciOiJIUzI1NiJ9.W10."
                                  "JK36Jb8WvIFm40rE73q2aV6Wea4zo4fWuiJ5pycBq0k"},
    {"only a signature", ".AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
};

START_TEST(refused)
{
    AUTO(err) struct err e = {0};
    ck_assert_msg(!bearer_verify("key", bad[_i].token, NOW, &e), "%s", bad[_i].name);
    ck_assert_msg(e.code == ERR_INVALID, "%s", bad[_i].name);
}
END_TEST

START_TEST(every_changed_byte_is_refused)
{
    AUTO(str) char *t = sign("{\"sub\":\"jane\",\"groups\":[\"admins\"]}");
    for (size_t i = 0; t[i]; i++) {
        char was = t[i];
        t[i] = was == 'A' ? 'B' : 'A';
        ck_assert_msg(!bearer_verify("key", t, NOW, NULL), "byte %zu", i);
        t[i] = was;
    }
    AUTO(json) json_t *other = bearer_verify("other", t, NOW, NULL);
    ck_assert_ptr_null(other);
    AUTO(json) json_t *claims = bearer_verify("key", t, NOW, NULL);
    ck_assert_ptr_nonnull(claims);
}
END_TEST

START_TEST(too_long)
{
    AUTO(str) char *t = mem_alloc(BEARER_TEXT_MAX + 2);
    memset(t, 'a', BEARER_TEXT_MAX + 1);
    t[BEARER_TEXT_MAX + 1] = '\0';
    AUTO(err) struct err e = {0};
    ck_assert_ptr_null(bearer_verify("key", t, NOW, &e));
    ck_assert_int_eq(e.code, ERR_LIMIT);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("token",
                      SUITE_CASE("token", TEST(known), EACH(time, times), EACH(refused, bad),
                                 TEST(every_changed_byte_is_refused), TEST(too_long)));
}
