#include "kube/patch.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strbuf.h"
#include "tests/unit/suite.h"

static json_t *read_json(const char *text)
{
    json_t *v = json_read(text, strlen(text), "t", NULL);

    ck_assert_msg(v != NULL, "%s", text);
    return v;
}

static const struct patch_case {
    const char *object, *patch;
    const char *result; /* NULL: refused */
    enum err_code code;
} merges[] = {
    /* RFC 7396, appendix A */
    {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}", 0},
    {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}", 0},
    {"{\"a\":\"b\"}", "{\"a\":null}", "{}", 0},
    {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}", 0},
    {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}", 0},
    {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}", 0},
    {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}", 0},
    {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}", 0},
    {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}", 0},
    {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}", 0},
    {"{\"a\":1}", "{}", "{\"a\":1}", 0},
    {"{\"a\":1}", "{\"zzz\":null}", "{\"a\":1}", 0},
    {"{}", "[]", NULL, ERR_SYNTAX},
    {"{}", "null", NULL, ERR_SYNTAX},
    {"{}", "\"x\"", NULL, ERR_SYNTAX},
};

static void check(json_t *(*apply)(const json_t *, const json_t *, struct err *),
                  const struct patch_case *c)
{
    AUTO(json) json_t *object = read_json(c->object);
    AUTO(json) json_t *patch = read_json(c->patch);
    struct err e = {0};
    AUTO(json) json_t *result = apply(object, patch, &e);
    AUTO(json) json_t *object_again = read_json(c->object);
    AUTO(json) json_t *patch_again = read_json(c->patch);
    AUTO(str) char *text = result ? json_text(result) : NULL;

    ck_assert(json_same(object, object_again));
    ck_assert(json_same(patch, patch_again));
    if (c->result) {
        ck_assert_msg(text != NULL, "%s: %s", c->patch, e.msg ? e.msg : "");
        ck_assert_str_eq(text, c->result);
    } else {
        ck_assert_msg(text == NULL, "%s gave %s", c->patch, text);
        ck_assert_msg(e.code == c->code, "%s: %s", c->patch, e.msg);
    }
    err_clear(&e);
}

START_TEST(merge)
{
    check(patch_merge, &merges[_i]);
}
END_TEST

static const struct patch_case ops[] = {
    {"{\"a\":1}", "[]", "{\"a\":1}", 0},
    {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/b\",\"value\":2}]", "{\"a\":1,\"b\":2}", 0},
    {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":null}]", "{\"a\":null}", 0},
    {"{\"a\":[1,3]}", "[{\"op\":\"add\",\"path\":\"/a/1\",\"value\":2}]", "{\"a\":[1,2,3]}", 0},
    {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/1\",\"value\":2}]", "{\"a\":[1,2]}", 0},
    {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/-\",\"value\":2}]", "{\"a\":[1,2]}", 0},
    {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/2\",\"value\":2}]", NULL, ERR_INVALID},
    {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/x\",\"value\":2}]", NULL, ERR_INVALID},
    {"{}", "[{\"op\":\"add\",\"path\":\"/a/b\",\"value\":2}]", NULL, ERR_INVALID},
    {"{\"a\":5}", "[{\"op\":\"add\",\"path\":\"/a/b\",\"value\":2}]", NULL, ERR_INVALID},
    {"{\"m\":{}}", "[{\"op\":\"add\",\"path\":\"/m/a~1b~0c~01\",\"value\":1}]",
     "{\"m\":{\"a/b~c~1\":1}}", 0},
    {"{\"a\":1,\"b\":2}", "[{\"op\":\"remove\",\"path\":\"/a\"}]", "{\"b\":2}", 0},
    {"{\"a\":[1,2,3]}", "[{\"op\":\"remove\",\"path\":\"/a/1\"}]", "{\"a\":[1,3]}", 0},
    {"{\"a\":[1,2,3]}", "[{\"op\":\"remove\",\"path\":\"/a/-1\"}]", "{\"a\":[1,2]}", 0},
    {"{\"a\":[1,2,3]}", "[{\"op\":\"remove\",\"path\":\"/a/-4\"}]", NULL, ERR_INVALID},
    {"{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"/b\"}]", NULL, ERR_INVALID},
    {"{\"a\":[1]}", "[{\"op\":\"remove\",\"path\":\"/a/1\"}]", NULL, ERR_INVALID},
    {"{\"a\":[1]}", "[{\"op\":\"remove\",\"path\":\"/a/-\"}]", NULL, ERR_INVALID},
    {"{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"\"}]", NULL, ERR_INVALID},
    {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":{}}]", "{\"a\":{}}", 0},
    {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/b\",\"value\":2}]", "{\"a\":1,\"b\":2}", 0},
    {"{\"a\":[1]}", "[{\"op\":\"replace\",\"path\":\"/a/0\",\"value\":2}]", "{\"a\":[2]}", 0},
    {"{\"a\":[1]}", "[{\"op\":\"replace\",\"path\":\"/a/1\",\"value\":2}]", NULL, ERR_INVALID},
    {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":{\"b\":1}}]", "{\"b\":1}", 0},
    {"{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a/b\",\"path\":\"/c\"}]",
     "{\"a\":{},\"c\":1}", 0},
    {"{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/b\"}]", NULL,
     ERR_INVALID},
    {"{\"a\":[[1],2]}", "[{\"op\":\"move\",\"from\":\"/a/00\",\"path\":\"/a/0/0\"}]", NULL,
     ERR_INVALID},
    {"{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/x\",\"path\":\"/y\"}]", NULL, ERR_INVALID},
    {"{\"a\":1}", "[{\"op\":\"move\",\"path\":\"/y\"}]", NULL, ERR_INVALID},
    {"{\"a\":{\"b\":1}}", "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/c\"}]",
     "{\"a\":{\"b\":1,\"c\":{\"b\":1}}}", 0},
    {"{\"a\":{\"b\":1}}",
     "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/c\"},"
     "{\"op\":\"replace\",\"path\":\"/c/b\",\"value\":2}]",
     "{\"a\":{\"b\":1},\"c\":{\"b\":2}}", 0},
    {"{\"a\":1}", "[{\"op\":\"copy\",\"from\":\"/x\",\"path\":\"/y\"}]", NULL, ERR_INVALID},
    {"{\"a\":{\"b\":[1,{}]}}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{\"b\":[1.0,{}]}}]",
     "{\"a\":{\"b\":[1,{}]}}", 0},
    {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":2}]", NULL, ERR_INVALID},
    {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/b\",\"value\":null}]", "{\"a\":1}", 0},
    {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/b\",\"value\":1}]", NULL, ERR_INVALID},
    {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"\",\"value\":{\"a\":1}}]", "{\"a\":1}", 0},
    {"{\"a\":1}", "[{\"op\":\"frob\",\"path\":\"/a\"}]", NULL, ERR_INVALID},
    {"{\"a\":1}", "[{\"path\":\"/a\"}]", NULL, ERR_INVALID},
    {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a\"}]", NULL, ERR_INVALID},
    {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"a\",\"value\":1}]", NULL, ERR_INVALID},
    {"{\"a\":1}", "[{\"op\":5,\"path\":\"/a\"}]", NULL, ERR_INVALID},
    {"{\"a\":1}", "[5]", NULL, ERR_SYNTAX},
    {"{\"a\":1}", "{\"a\":2}", NULL, ERR_SYNTAX},
    {"{\"a\":1}", "\"x\"", NULL, ERR_SYNTAX},
};

START_TEST(json_patch)
{
    check(patch_json, &ops[_i]);
}
END_TEST

static void check_refused(const json_t *object, const json_t *patch, enum err_code code)
{
    AUTO(err) struct err e = {0};

    ck_assert_ptr_null(patch_json(object, patch, &e));
    ck_assert_int_eq(e.code, code);
}

START_TEST(a_copy_bomb_ends)
{
    AUTO(json) json_t *object = read_json("{\"a\":[1,2,3,4,5,6,7,8]}");
    AUTO(json) json_t *patch = json_array();

    for (int i = 0; i < 200; i++)
        json_array_append_new(patch,
                              json_pack("{s:s, s:s, s:s}", "op", "copy", "from", "", "path", "/b"));
    check_refused(object, patch, ERR_INVALID);
    json_array_clear(patch);
    for (int i = 0; i < 200; i++)
        json_array_append_new(
            patch, json_pack("{s:s, s:s, s:s}", "op", "copy", "from", "/a", "path", "/a/-"));
    check_refused(object, patch, ERR_INVALID);
}
END_TEST

START_TEST(depth_is_limited)
{
    AUTO(json) json_t *object = json_object();
    AUTO(json) json_t *patch = json_array();
    AUTO(strbuf) struct strbuf path = {0};

    for (int i = 0; i < JSON_DEPTH_MAX + 5; i++) {
        strbuf_addstr(&path, "/a");
        json_array_append_new(
            patch, json_pack("{s:s, s:s, s:{}}", "op", "add", "path", strbuf_str(&path), "value"));
    }
    check_refused(object, patch, ERR_INVALID);
}
END_TEST

START_TEST(operations_are_limited)
{
    AUTO(json) json_t *object = json_object();
    AUTO(json) json_t *patch = json_array();
    AUTO(json) json_t *result = NULL;
    struct err e = {0};

    for (int i = 0; i < PATCH_OPS_MAX; i++)
        json_array_append_new(patch,
                              json_pack("{s:s, s:s, s:i}", "op", "add", "path", "/a", "value", i));
    result = patch_json(object, patch, &e);
    ck_assert_ptr_nonnull(result);
    json_array_append_new(patch, json_object());
    ck_assert_ptr_null(patch_json(object, patch, &e));
    ck_assert_int_eq(e.code, ERR_LIMIT);
    ck_assert_str_eq(e.msg, "The allowed maximum operations in a JSON patch is 10000, got 10001");
    err_clear(&e);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("kube.patch",
                      SUITE_LONG_CASE("patch", 60, EACH(merge, merges), EACH(json_patch, ops),
                                      TEST(a_copy_bomb_ends), TEST(depth_is_limited),
                                      TEST(operations_are_limited)));
}
