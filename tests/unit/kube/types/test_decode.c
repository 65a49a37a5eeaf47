/* What Go's strict decoder says of bodies (decode.txt, from tests/clients/go/protobuf-samples). */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/types/types.h"
#include "tests/unit/suite.h"

static void add_unknown(void *cookie, const char *path)
{
    struct strbuf *out = cookie;

    strbuf_addf(out, "%sunknown field \"%s\"", out->len ? "; " : "", path);
}

/* columns: apiVersion, kind, JSON, error, unknown fields */
static void check_line(char *columns[5])
{
    const struct kube_type *t = kube_type_of(columns[0], columns[1]);
    AUTO(json) json_t *body = json_read(columns[2], strlen(columns[2]), "body", NULL);
    AUTO(strbuf) struct strbuf unknown = {0};

    ck_assert_msg(t && body, "%s", columns[2]);
    AUTO(str) char *wrong = kube_type_mismatch(t, body);
    ck_assert_msg(strcmp(wrong ? wrong : "-", columns[3]) == 0, "%s\n%s\n%s", columns[2],
                  wrong ? wrong : "-", columns[3]);
    if (wrong)
        return;
    kube_type_prune(t, body, add_unknown, &unknown);
    ck_assert_msg(strcmp(strbuf_str(&unknown), columns[4]) == 0, "%s\n%s\n%s", columns[2],
                  strbuf_str(&unknown), columns[4]);
    kube_type_prune(t, body, add_unknown, &unknown); /* nothing is left */
    ck_assert_str_eq(strbuf_str(&unknown), columns[4]);
}

START_TEST(replay)
{
    AUTO(file) FILE *file = fopen("tests/unit/kube/types/decode.txt", "r");
    AUTO(str) char *line = NULL;
    size_t cap = 0, count = 0;

    ck_assert_ptr_nonnull(file);
    for (; getline(&line, &cap, file) > 0; count++) {
        char *columns[5], *rest = line;

        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; i < 5; i++)
            columns[i] = strsep(&rest, "\t");
        ck_assert_ptr_nonnull(columns[4]);
        check_line(columns);
    }
    ck_assert_uint_gt(count, 80);
}
END_TEST

START_TEST(many_unknown)
{
    AUTO(json) json_t *body = json_object();
    AUTO(strbuf) struct strbuf unknown = {0};
    size_t told = 0;

    for (unsigned i = 0; i < 150; i++) {
        AUTO(str) char *name = mem_printf("field%u", i);
        json_object_set_new(body, name, json_integer(1));
    }
    kube_type_prune(kube_type_of("v1", "Pod"), body, add_unknown, &unknown);
    for (const char *s = strbuf_str(&unknown); (s = strstr(s, "unknown")); s++)
        told++;
    ck_assert_uint_eq(told, 100);
    ck_assert_uint_eq(json_object_size(body), 0);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("decode", SUITE_CASE("decode", TEST(replay), TEST(many_unknown)));
}
