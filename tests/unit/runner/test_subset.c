#include "runner/subset.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/suite.h"

static const struct row {
    const char *want, *got, *diffs; /* paths, a space after each; "": it matches */
} rows[] = {
    {"{}", "{\"a\":1}", ""},
    {"{\"a\":1}", "{\"a\":1,\"b\":2}", ""},
    {"{\"a\":1}", "{\"a\":1.0}", ""},
    {"{\"a\":1}", "{\"a\":2}", "a "},
    {"{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"b\":2,\"c\":3}}", "a.b a.c "},
    {"{\"a\":null}", "{}", ""},
    {"{\"a\":null}", "{\"a\":null}", ""},
    {"{\"a\":null}", "{\"a\":1}", "a "},
    {"{\"a\":{\"b\":null}}", "{}", "a "},
    {"{\"a\":[1,2]}", "{\"a\":[1,2]}", ""},
    {"{\"a\":[1]}", "{\"a\":[1,2]}", "a "},
    {"{\"a\":[2,1]}", "{\"a\":[1,2]}", "a[0] a[1] "},
    {"{\"a\":[]}", "{\"a\":[1]}", "a "},
    {"{\"c\":[{\"type\":\"B\",\"status\":\"T\"}]}",
     "{\"c\":[{\"type\":\"A\",\"status\":\"F\"},{\"type\":\"B\",\"status\":\"T\",\"r\":1}]}", ""},
    {"{\"c\":[{\"type\":\"B\",\"status\":\"T\"}]}", "{\"c\":[{\"type\":\"B\",\"status\":\"F\"}]}",
     "c[type=B].status "},
    {"{\"c\":[{\"name\":\"x\"}]}", "{\"c\":[]}", "c[name=x] "},
    {"{\"a\":{}}", "{\"a\":[]}", "a "},
    {"{\"a\":[]}", "{\"a\":{}}", "a "},
    {"{\"a\":\"1\"}", "{\"a\":1}", "a "},
    {"{\"a\":{\"b\":1}}", "{\"a\":7}", "a "},
    {"1", "{}", " "},
    {"[{\"a\":1}]", "[{\"a\":1,\"b\":1}]", ""},
};

static void note(void *cookie, const char *path, const json_t *want, const json_t *got)
{
    (void)want;
    (void)got;
    strbuf_addf(cookie, "%s ", path);
}

START_TEST(matches)
{
    const struct row *r = &rows[_i];
    AUTO(json) json_t *want = json_read(r->want, strlen(r->want), "w", NULL);
    AUTO(json) json_t *got = json_read(r->got, strlen(r->got), "g", NULL);
    AUTO(strbuf) struct strbuf diffs = {0};
    bool same = subset_matches(want, got, note, &diffs);

    ck_assert_msg(same == (*r->diffs == '\0'), "%s in %s", r->want, r->got);
    ck_assert_msg(strcmp(strbuf_str(&diffs), r->diffs) == 0, "%s in %s: %s", r->want, r->got,
                  strbuf_str(&diffs));
    ck_assert(subset_matches(want, got, NULL, NULL) == same);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("subset", SUITE_CASE("all", EACH(matches, rows)));
}
