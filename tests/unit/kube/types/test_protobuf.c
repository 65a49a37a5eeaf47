/* Protobuf against what Kubernetes' own serializers made (objects.txt, from
 * tests/clients/go/protobuf-samples), and against bytes that nobody should send. */
#include "kube/types/protobuf.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/types/wire.h"
#include "tests/unit/suite.h"

/* ---- replay ---- */

static const char *fixture_path = "tests/unit/kube/types/objects.txt";

static void check_line(const struct strbuf *wire, const char *text)
{
    struct err e = {0};
    AUTO(strbuf) struct strbuf json = {0};
    AUTO(strbuf) struct strbuf again = {0};
    AUTO(json) json_t *object = protobuf_decode(wire->data, wire->len, &e);

    ck_assert_msg(object, "%s: %.200s", e.msg, text);
    json_write(&json, object, JSON_TIGHT);
    ck_assert_str_eq(strbuf_str(&json), text);
    ck_assert_msg(protobuf_encode(&again, object, &e) == 0, "%s: %s", e.msg, text);
    ck_assert_msg(again.len == wire->len && memcmp(again.data, wire->data, wire->len) == 0,
                  "not the same bytes: %s", text);
}

static bool next_line(FILE *file, struct strbuf *wire, char **line, size_t *cap)
{
    ssize_t len = getline(line, cap, file);
    size_t first, bad;

    if (len <= 0)
        return false;
    (*line)[len - 1] = '\0';
    first = strcspn(*line, "\t");
    strbuf_reset(wire);
    ck_assert_int_eq(base64_read(wire, *line, first, &bad), 0);
    memmove(*line, *line + first + 1, strlen(*line + first));
    return true;
}

START_TEST(replay)
{
    AUTO(file) FILE *file = fopen(fixture_path, "r");
    AUTO(strbuf) struct strbuf wire = {0};
    AUTO(str) char *line = NULL;
    size_t cap = 0, count = 0;

    ck_assert_ptr_nonnull(file);
    for (; next_line(file, &wire, &line, &cap); count++)
        check_line(&wire, line);
    ck_assert_uint_gt(count, 200);
}
END_TEST

int main(void)
{
    json_init();
    if (getenv("OBJECTS"))
        fixture_path = getenv("OBJECTS");
    return SUITE_MAIN("protobuf", SUITE_LONG_CASE("protobuf", 60, TEST(replay)));
}
