/* The rules of a chain, and which disk a claim is: index and manifest in a short notation. */
#include "components/kubevirt-datamover/chain.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/suite.h"

#define FILE_OF(id, disk)                                                                          \
    "{'filename':'" id "-" disk ".qcow2','diskName':'" disk                                        \
    "','size':7,'objectPath':'checkpoints/ns/vm/" id "/" id "-" disk ".qcow2'}"
#define ENTRY(id, type, parent, files)                                                             \
    "{'id':'" id "','type':'" type "','parent':'" parent "','files':[" files "]}"
#define F ENTRY("F", "Full", "", FILE_OF("F", "root"))
#define I1 ENTRY("I1", "Incremental", "F", FILE_OF("I1", "root"))
#define I2 ENTRY("I2", "incremental", "I1", FILE_OF("I2", "root"))

/* JSON with single quotes. New. */
static json_t *doc(const char *text)
{
    char *copy = mem_strdup(text);
    struct err e = {0};
    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    json_t *v = json_read(copy, strlen(copy), NULL, &e);
    ck_assert_msg(v != NULL, "%s: %s", text, e.msg ? e.msg : "");
    free(copy);
    return v;
}

static json_t *index_of(const char *entries)
{
    char *text = mem_printf("{'checkpoints':[%s]}", entries);
    json_t *index = doc(text);
    free(text);
    return index;
}

static const struct {
    const char *name, *index, *ids, *want; /* code, or the checkpoints that come out */
} rules[] = {
    {"one full", F, "['F']", "F "},
    {"three in a row", F "," I1 "," I2, "['F','I1','I2']", "F I1 I2 "},
    {"order of the index does not matter", I2 "," F "," I1, "['F','I1','I2']", "F I1 I2 "},
    {"a middle one", F "," I1 "," I2, "['F','I1']", "F I1 "},
    {"empty", F, "[]", "E-CHAIN-EMPTY"},
    {"no list", F, "null", "E-CHAIN-EMPTY"},
    {"twice in the index, outside of the chain", F "," I1 "," I1, "['F']", "E-INDEX-DUP"},
    {"twice in the chain", F "," I1, "['F','I1','I1']", "E-CHAIN-DUP"},
    {"twice and unknown: twice is told", F, "['x','x']", "E-CHAIN-DUP"},
    {"unknown", F, "['F','x']", "E-CHAIN-UNKNOWN"},
    {"no text", F, "[1]", "E-CHAIN-UNKNOWN"},
    {"index without checkpoints", "", "['F']", "E-CHAIN-UNKNOWN"},
    {"starts with an increment", F "," I1 "," I2, "['I1','I2']", "E-HEAD-TYPE"},
    {"a cycle of parents",
     ENTRY("I1", "incremental", "I2", "") "," ENTRY("I2", "incremental", "I1", ""), "['I1','I2']",
     "E-HEAD-TYPE"},
    {"the full has a parent", ENTRY("F", "full", "E", FILE_OF("F", "root")), "['F']",
     "E-HEAD-PARENT"},
    {"a second full", F "," ENTRY("G", "Full", "F", FILE_OF("G", "root")), "['F','G']",
     "E-LINK-TYPE"},
    {"skipped", F "," I1 "," I2, "['F','I2']", "E-LINK-PARENT"},
    {"wrong parent", F "," I1 "," ENTRY("I2", "incremental", "F", FILE_OF("I2", "root")),
     "['F','I1','I2']", "E-LINK-PARENT"},
    {"swapped", F "," I1 "," I2, "['F','I2','I1']", "E-LINK-PARENT"},
    {"two files of the disk", ENTRY("F", "full", "", FILE_OF("F", "root") "," FILE_OF("F", "root")),
     "['F']", "E-DISK-AMBIGUOUS"},
    {"no file of the disk", ENTRY("F", "full", "", FILE_OF("F", "data")), "['F']",
     "E-DISK-MISSING"},
    {"files as plain names", ENTRY("F", "full", "", "'a.qcow2'"), "['F']", "E-DISK-MISSING"},
    {"another disk beside it",
     ENTRY("F", "full", "", FILE_OF("F", "data") "," FILE_OF("F", "root")), "['F']", "F "},
    {"path of another VM",
     ENTRY("F", "full", "",
           "{'filename':'a','diskName':'root','objectPath':'checkpoints/ns/other/F/a'}"),
     "['F']", "E-OBJ-PATH"},
    {"path with dots",
     ENTRY("F", "full", "",
           "{'filename':'a','diskName':'root','objectPath':'checkpoints/ns/vm/F/../F/a'}"),
     "['F']", "E-OBJ-PATH"},
    {"no path", ENTRY("F", "full", "", "{'filename':'a','diskName':'root'}"), "['F']",
     "E-OBJ-PATH"},
    {"an id that climbs",
     ENTRY("..", "full", "",
           "{'filename':'a','diskName':'root','objectPath':'checkpoints/ns/vm/../a'}"),
     "['..']", "E-NAME"},
    {"a size that is text",
     ENTRY("F", "full", "",
           "{'filename':'a','size':'7','diskName':'root','objectPath':'checkpoints/ns/vm/F/a'}"),
     "['F']", "E-INDEX"},
};

static void check_chain(const char *name, const struct chain *chain, const char *want)
{
    struct strbuf got = {0};
    for (size_t i = 0; i < chain->count; i++)
        strbuf_addf(&got, "%s ", chain->files[i].checkpoint);
    ck_assert_msg(strcmp(strbuf_str(&got), want) == 0, "%s: got %s, want %s", name,
                  strbuf_str(&got), want);
    strbuf_finish(&got);
}

START_TEST(rule)
{
    json_t *index = index_of(rules[_i].index), *ids = doc(rules[_i].ids);
    struct chain chain = {0};
    struct err e = {0};
    if (chain_resolve(index, ids, "ns", "vm", "root", &chain, &e) == 0) {
        check_chain(rules[_i].name, &chain, rules[_i].want);
    } else {
        char *start = mem_printf("%s: ", rules[_i].want);
        ck_assert_msg(strncmp(e.msg, start, strlen(start)) == 0, "%s: got %s, want %s",
                      rules[_i].name, e.msg, rules[_i].want);
        free(start);
    }
    err_clear(&e);
    chain_finish(&chain);
    json_decref(index);
    json_decref(ids);
}
END_TEST

START_TEST(too_long)
{
    json_t *index = index_of(""), *ids = json_array();
    struct chain chain = {0};
    struct err e = {0};
    for (int i = 0; i <= CHAIN_LAYERS_MAX; i++)
        json_array_append_new(ids, json_integer(i));
    ck_assert_int_eq(chain_resolve(index, ids, "ns", "vm", "root", &chain, &e), -1);
    ck_assert_int_eq(e.code, ERR_LIMIT);
    err_clear(&e);
    json_decref(index);
    json_decref(ids);
}
END_TEST

START_TEST(what_a_file_carries)
{
    json_t *index = index_of(ENTRY("F", "full", "",
                                   "{'filename':'a','size':-5,'sha256':'ab','diskName':'root',"
                                   "'objectPath':'checkpoints/ns/vm/F/a'}"));
    json_t *ids = doc("['F']");
    struct chain chain = {0};
    ck_assert_int_eq(chain_resolve(index, ids, "ns", "vm", "root", &chain, NULL), 0);
    ck_assert_int_eq(chain.files[0].size, -5);
    ck_assert(chain.files[0].has_size);
    ck_assert_str_eq(chain.files[0].sha256, "ab");
    ck_assert_str_eq(chain.files[0].object_path, "checkpoints/ns/vm/F/a");
    chain_finish(&chain);
    json_decref(index);
    json_decref(ids);
}
END_TEST

#define CLAIMS(id, pvcs, files) "{'id':'" id "','pvcs':[" pvcs "],'files':[" files "]}"
#define DISK(name) "{'diskName':'" name "'}"

static const struct {
    const char *name, *index, *ids, *want; /* NULL: an error */
} claims[] = {
    {"by position", CLAIMS("F", "'x','c'", DISK("a") "," DISK("b")), "['F']", "b"},
    {"the newest wins", CLAIMS("F", "'c'", DISK("old")) "," CLAIMS("I", "'c'", DISK("new")),
     "['F','I']", "new"},
    {"an older one when the newest is silent",
     CLAIMS("F", "'c'", DISK("old")) "," CLAIMS("I", "'d'", DISK("new")), "['F','I']", "old"},
    {"the newest wins though it is malformed",
     CLAIMS("F", "'c'", DISK("old")) "," CLAIMS("I", "'c'", ""), "['F','I']", NULL},
    {"a well-formed position beats a malformed one", CLAIMS("F", "'c','c'", DISK("") "," DISK("b")),
     "['F']", "b"},
    {"the first of two well-formed", CLAIMS("F", "'c','c'", DISK("a") "," DISK("b")), "['F']", "a"},
    {"unknown ids are skipped", CLAIMS("F", "'c'", DISK("a")), "['F','x']", "a"},
    {"not in the chain", CLAIMS("G", "'c'", DISK("a")), "['F']", NULL},
    {"nowhere", CLAIMS("F", "'d'", DISK("a")), "['F']", NULL},
    {"odd shapes", "1," CLAIMS("F", "7,'c'", "'a'," DISK("b")), "['F']", "b"},
};

START_TEST(claim)
{
    json_t *index = index_of(claims[_i].index), *ids = doc(claims[_i].ids);
    struct err e = {0};
    char *disk = chain_disk_of_claim(index, ids, "c", &e);
    ck_assert_msg((disk != NULL) == (claims[_i].want != NULL), "%s: %s", claims[_i].name,
                  disk ? disk : e.msg);
    if (disk)
        ck_assert_msg(strcmp(disk, claims[_i].want) == 0, "%s: got %s", claims[_i].name, disk);
    free(disk);
    err_clear(&e);
    json_decref(index);
    json_decref(ids);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("chain", SUITE_CASE("rules", EACH(rule, rules), TEST(too_long),
                                          TEST(what_a_file_carries), EACH(claim, claims)));
}
