/* How big claims become: the numbers of datamover.md 4.3, and the corners. Also names and keys,
 * and the texts of failures. */
#include "components/kubevirt-datamover/sizing.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "components/bsl/failure.h"
#include "components/bsl/names.h"
#include "tests/unit/suite.h"

#define G (INT64_C(1) << 30)
#define M (INT64_C(1) << 20)

static const struct {
    const char *name;
    int64_t files, disk;
    int64_t scratch, work, output;
} sizes[] = {
    {"10 GiB disk, 3 GiB of images", 3 * G, 10 * G, 16750372454, 3865470566, 12884901888},
    {"nothing is known", 0, 0, 10 * G, 10 * G, 10 * G},
    {"only a large chain", 8 * G, 0, 20615843020, 10307921510, 10 * G},
    {"only a small chain", 1 * G, 0, 10 * G, 1288490188, 10 * G},
    {"tiny", 1 * M, 10 * M, G, G, G},
    {"beyond all numbers", INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX},
};

START_TEST(size)
{
    struct sizing_need need = {sizes[_i].files, sizes[_i].disk};
    ck_assert_msg(sizing_scratch(need, 20) == sizes[_i].scratch, "%s: scratch %lld", sizes[_i].name,
                  (long long)sizing_scratch(need, 20));
    ck_assert_msg(sizing_work(need, 20) == sizes[_i].work, "%s: work %lld", sizes[_i].name,
                  (long long)sizing_work(need, 20));
    ck_assert_msg(sizing_output(need, 20) == sizes[_i].output, "%s: output %lld", sizes[_i].name,
                  (long long)sizing_output(need, 20));
}
END_TEST

START_TEST(retries)
{
    ck_assert_int_eq(sizing_after_retries(10 * G, 0), 10 * G);
    ck_assert_int_eq(sizing_after_retries(10 * G, 1), 15 * G);
    ck_assert_int_eq(sizing_after_retries(INT64_MAX, 3), INT64_MAX);
}
END_TEST

static json_t *doc(const char *text)
{
    char *copy = mem_strdup(text);
    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    json_t *v = json_read(copy, strlen(copy), NULL, NULL);
    ck_assert_msg(v != NULL, "%s", text);
    free(copy);
    return v;
}

#define INDEX(sizes_)                                                                              \
    "{'checkpoints':[{'id':'F','type':'full','files':["                                            \
    "{'filename':'r','diskName':'root','size':3221225472,'objectPath':'checkpoints/n/v/F/r'},"     \
    "{'filename':'d','diskName':'data','size':6442450944,'objectPath':'checkpoints/n/v/F/d'}],"    \
    "'pvcs':['p','q'],'pvcSizes':" sizes_ "}]}"

static const struct {
    const char *name, *sizes;
    int64_t request, disk;
} needs[] = {
    {"from the index", INDEX("['10Gi','20Gi']"), 0, 10 * G},
    {"the request beats the index", INDEX("['10Gi','20Gi']"), 15 * G, 15 * G},
    {"the index beats the request", INDEX("['10Gi','20Gi']"), 5 * G, 10 * G},
    {"too few sizes", INDEX("[]"), 2 * G, 2 * G},
    {"no size at all", INDEX("null"), 0, 0},
    {"nonsense", INDEX("['big','20Gi']"), -1, 0},
    {"no texts", INDEX("[7,{}]"), 0, 0},
};

START_TEST(need_of)
{
    json_t *index = doc(needs[_i].sizes), *ids = doc("['F']");
    struct chain chain = {0};
    ck_assert_int_eq(chain_resolve(index, ids, "n", "v", "root", &chain, NULL), 0);
    struct sizing_need need = sizing_need_of(index, ids, &chain, "root", needs[_i].request);
    ck_assert_msg(need.files == 3 * G, "%s: files", needs[_i].name);
    ck_assert_msg(need.disk == needs[_i].disk, "%s: disk %lld", needs[_i].name,
                  (long long)need.disk);
    chain_finish(&chain);
    json_decref(index);
    json_decref(ids);
}
END_TEST

START_TEST(design)
{
    json_t *index = doc(INDEX("['10Gi','20Gi']")), *ids = doc("['F']"), *none = doc("[]");
    struct sizing_need need = {3 * G, 10 * G};
    /* One disk alone, then the greatest of two: not their sum. */
    ck_assert_int_eq(sizing_design(index, none, "n", "v", NULL, need, 10), 15354508083);
    ck_assert_int_eq(sizing_design(index, ids, "n", "v", NULL, need, 10), 30709016166);
    /* What a claim asks for counts, where the index says less. */
    json_t *requests = doc("{'q':32212254720}");
    ck_assert_int_eq(sizing_design(index, ids, "n", "v", requests, need, 10), 42520176230);
    json_decref(requests);
    json_decref(index);
    json_decref(ids);
    json_decref(none);
}
END_TEST

START_TEST(negative_sizes)
{
    struct chain_file files[] = {{.size = -5, .has_size = true}, {.size = 3 * G, .has_size = true}};
    struct chain chain = {files, 2};
    json_t *index = doc("{}"), *ids = doc("[]");
    ck_assert_int_eq(sizing_need_of(index, ids, &chain, "root", 0).files, 3 * G);
    json_decref(index);
    json_decref(ids);
}
END_TEST

static const struct {
    const char *prefix, *want;
} keys[] = {
    {NULL, "kubevirt-datamover/a/b"},
    {"", "kubevirt-datamover/a/b"},
    {"/", "kubevirt-datamover/a/b"},
    {"velero", "velero-kubevirt-datamover/a/b"},
    {"x/velero/", "x/velero-kubevirt-datamover/a/b"},
};

START_TEST(key)
{
    char *got = names_key(keys[_i].prefix, "a/b");
    ck_assert_str_eq(got, keys[_i].want);
    free(got);
}
END_TEST

static const struct {
    const char *name;
    bool key_part, file;
} names[] = {
    {"vmb-1-root.qcow2", true, true},
    {"", false, false},
    {".", false, false},
    {"..", false, false},
    {"a/b", false, false},
    {"../x", false, false},
    {"-x.qcow2", false, true},
    {"a:b", true, true},
    {"a\nb", false, false},
};

START_TEST(name)
{
    ck_assert_msg((names_check("name", names[_i].name, NULL) == 0) == names[_i].key_part, "'%s'",
                  names[_i].name);
    ck_assert_msg(names_is_file(names[_i].name) == names[_i].file, "'%s'", names[_i].name);
}
END_TEST

/* ---- status messages ---- */

START_TEST(plain_text)
{
    AUTO(str) char *same = failure_plain("E-X: 'a'");
    AUTO(str) char *line = failure_plain("a\nb\x01\x7f\xc3\xbc");
    ck_assert_str_eq(same, "E-X: 'a'");
    ck_assert_str_eq(line, "a b  \xc3\xbc");
}
END_TEST

/* Characters of two bytes, with and without one byte in front: a cut falls on each of their halves.
 */
START_TEST(plain_long_text)
{
    char text[3 * FAILURE_TEXT_MAX];
    for (size_t front = 0; front < 2; front++) {
        size_t len = 0;
        for (; len < front; len++)
            text[len] = 'x';
        for (; len + 2 < sizeof text; len += 2)
            memcpy(text + len, "\xc3\xbc", 2);
        text[len] = '\0';
        AUTO(str) char *plain = failure_plain(text);
        AUTO(json) json_t *valid = json_string(plain);
        ck_assert(strlen(plain) <= FAILURE_TEXT_MAX && strlen(plain) + 2 > FAILURE_TEXT_MAX);
        ck_assert_msg(valid != NULL, "the cut falls into a character");
    }
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sizing",
                      SUITE_CASE("sizing", EACH(size, sizes), TEST(retries), EACH(need_of, needs),
                                 TEST(design), TEST(negative_sizes), EACH(key, keys),
                                 EACH(name, names), TEST(plain_text), TEST(plain_long_text)));
}
