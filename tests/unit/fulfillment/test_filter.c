/* Filters and orders, over a fixed set of rows: which rows match, and which errors come where. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/fulfillment/filter_kit.h"
#include "tests/unit/fulfillment/store_kit.h"

#define NOW_NS (DISK_START_NS + INT64_C(86400000000000)) /* a day later */

/* ---- the rows ---- */

static const struct sample {
    const char *id, *tenant, *name, *project, *labels, *data;
    int64_t creation_s; /* after the start */
    bool deleting;
} samples[] = {
    {"a", "t1", "alpha", "p1", "{'env':'prod','osac.io/x':'1'}",
     "{'spec':{'compute_instance':'ci-1','description':'','cores':4,'ratio':0.5,"
     "'groups':['g1','g2'],'image':{'source_ref':'quay.io/x'}},"
     "'status':{'state':'STATE_READY','creation_time':'2026-01-01T10:00:00Z',"
     "'size_bytes':'9007199254740993','online':true}}",
     10, false},
    {"b", "t1", "beta_1", "p1", "{'env':'test'}",
     "{'spec':{'compute_instance':'ci-1','cores':'8','groups':[]},"
     "'status':{'state':'STATE_FAILED','creation_time':'2026-01-01T10:00:00.5Z','online':false}}",
     20, true},
    {"c", "t1", "", "p2", "{}", "{'spec':{'compute_instance':'ci-10'},'status':{'state':null}}", 30,
     false},
    {"d", "t1", "a%b", "p2", "{'quo\\\"te':'q','env':''}",
     "{'spec':{'compute_instance':\"o'hara\",'description':'50% \\\\ off'},"
     "'status':{'state':'STATE_OF_THE_FUTURE'}}",
     40, false},
    {"e", "t1", "\xc3\xa9t\xc3\xa9", "", "{}", "{}", 50, false},
    {"z", "t2", "alpha", "p1", "{'env':'prod'}",
     "{'spec':{'compute_instance':'ci-1'},'status':{'state':'STATE_READY'}}", 60, false},
};

static struct disk disk;
static struct disk_host host;
static struct store *store;
static const struct scope t1 = {.tenants = (const char *const[]){"t1"}, .count = 1};

/* The sample's own quotes are kept: ' stands for " only where no " is around. */
static json_t *sample_json(const char *text)
{
    AUTO(strbuf) struct strbuf b = {0};
    json_t *v;
    bool quoted = false;

    for (; *text; text++) {
        if (*text == '"')
            quoted = !quoted;
        if (*text == '\\') {
            strbuf_add(&b, text++, 1);
            strbuf_add(&b, text, 1);
        } else {
            strbuf_addch(&b, *text == '\'' && !quoted ? '"' : *text);
        }
    }
    v = json_read(strbuf_str(&b), b.len, "sample", NULL);
    ck_assert_msg(v != NULL, "%s", strbuf_str(&b));
    return v;
}

static void put_sample(const struct sample *s)
{
    struct row r = {.id = mem_strdup(s->id),
                    .tenant = mem_strdup(s->tenant),
                    .name = mem_strdup(s->name),
                    .project = mem_strdup(s->project),
                    .creator = mem_strdup("someone"),
                    .labels = sample_json(s->labels),
                    .data = sample_json(s->data),
                    .creation_ns = DISK_START_NS + s->creation_s * 1000000000,
                    .finalizers = kit_json("['held']")};
    struct store_txn *t;
    struct err e = {0};

    kit_insert(store, STORE_HUBS, r);
    if (!s->deleting)
        return;
    t = kit_begin(store);
    kit_expect(store_delete(t, &everything, STORE_HUBS, s->id, NULL, NULL, &e), STORE_OK, &e,
               "delete");
    kit_commit(t);
}

static void setup(void)
{
    disk_init(&disk, 1);
    disk_host_init(&host, &disk);
    store = kit_open(&host.host, NULL);
    for (size_t i = 0; i < ARRAY_LEN(samples); i++)
        put_sample(&samples[i]);
}

static void teardown(void)
{
    store_close(store);
    disk_finish(&disk);
}

/* ---- what matches ---- */

static char *matching(const char *text, size_t len, const struct scope *scope,
                      const struct order *order)
{
    AUTO(filter) struct filter *f = NULL;
    AUTO(row_list) struct row_list l = {0};
    struct err e = {0};
    struct store_txn *t;
    struct store_query q = {.order = order};

    if (filter_compile(text, len, &kit_fields, NOW_NS, &f, &e) < 0) {
        char *said = mem_printf("error %s", e.msg);

        err_clear(&e);
        return said;
    }
    q.filter = f;
    t = kit_begin(store);
    kit_expect(store_list(t, scope, STORE_HUBS, &q, &l, &e), STORE_OK, &e, text);
    kit_commit(t);
    ck_assert_int_eq(l.total, (int64_t)l.count);
    return kit_ids(&l);
}

static const struct match_case {
    const char *filter, *want; /* ids of t1 */
} matches[] = {
    {"", "a b c d e"},
    {" \t\n", "a b c d e"},
    {"true", "a b c d e"},
    {"false", ""},
    {"!false", "a b c d e"},
    {"1 == 1", "a b c d e"},
    {"null == null", "a b c d e"},
    /* texts */
    {"this.id == 'a'", "a"},
    {"'a' == this.id", "a"},
    {"this.id != 'a'", "b c d e"},
    {"this.id > 'b' && this.id <= 'd'", "c d"},
    {"this.id < 'b' || this.id >= 'e'", "a e"},
    {"this.metadata.name == ''", "c"},
    {"this.metadata.name == '\xc3\xa9t\xc3\xa9'", "e"},
    {"this.metadata.name == '\\u00e9t\\u00e9'", "e"},
    {"this.metadata.project == 'p1'", "a b"},
    {"this.metadata.creator == 'someone'", "a b c d e"},
    {"this.spec.compute_instance == 'ci-1'", "a b"},
    {"this.spec.compute_instance == ''", "e"},
    {"this.spec.compute_instance == \"o'hara\"", "d"},
    {"this.spec.description == ''", "a b c e"},
    {"this.spec.description == '50% \\\\ off'", "d"},
    {"this.spec.image.source_ref == 'quay.io/x'", "a"},
    {"this.id + this.metadata.project == 'ap1'", "a"},
    /* the wild cards of LIKE are letters here, and case counts */
    {"this.metadata.name.startsWith('a')", "a d"},
    {"this.metadata.name.startsWith('A')", ""},
    {"this.metadata.name.startsWith('a%')", "d"},
    {"this.metadata.name.startsWith('_')", ""},
    {"this.metadata.name.contains('%')", "d"},
    {"this.metadata.name.contains('_')", "b"},
    {"this.metadata.name.endsWith('_1')", "b"},
    {"this.metadata.name.endsWith('1')", "b"},
    {"this.metadata.name.endsWith('')", "a b c d e"},
    {"this.metadata.name.contains('')", "a b c d e"},
    {"this.metadata.name.startsWith('alphabet')", ""},
    {"this.metadata.name.endsWith('not so short')", ""},
    {"this.spec.description.contains('\\\\')", "d"},
    {"!this.metadata.name.contains('a')", "c e"},
    /* numbers */
    {"this.spec.cores == 4", "a"},
    {"this.spec.cores > 4", "b"},
    {"this.spec.cores >= 4u", "a b"},
    {"this.spec.cores == 0", "c d e"},
    {"this.spec.cores < 4.5", "a c d e"},
    {"this.spec.ratio == 0.5", "a"},
    {"this.spec.ratio == 0", "b c d e"},
    {"this.spec.cores * 2 + 1 == 9", "a"},
    {"this.spec.cores - 1 == -1", "c d e"},
    {"-this.spec.cores == -4", "a"},
    {"-this.spec.ratio < 0.0", "a"},
    {"this.spec.cores % 3 == 1", "a"},
    {"this.spec.ratio / 2.0 == 0.25", "a"},
    {"this.status.size_bytes == 9007199254740993", "a"},
    {"this.status.size_bytes == 9007199254740992", ""},
    {"8 / this.spec.cores == 2", "a"},    /* others divide by zero: no value */
    {"!(8 / this.spec.cores == 2)", "b"}, /* and no value negated is none */
    {"8 % this.spec.cores == 0", "a b"},
    {"8 / this.spec.cores == 2 || this.id == 'c'", "a c"},
    {"this.spec.cores + 9223372036854775807 > 0", "c d e"}, /* others overflow */
    {"this.spec.cores * 4611686018427387904 == 0", "c d e"},
    {"-9223372036854775808 - this.spec.cores < 0", "c d e"},
    {"-(-9223372036854775808) != this.spec.cores || this.id == 'b'", "b"},
    {"--(-9223372036854775808) == -9223372036854775808 || this.id == 'c'", "c"},
    /* bools */
    {"this.status.online", "a"},
    {"!this.status.online", "b c d e"},
    {"this.status.online == false", "b c d e"},
    {"this.status.online != false", "a"},
    {"this.status.online && this.id == 'a'", "a"},
    /* enums */
    {"this.status.state == 2", "a"},
    {"2 == this.status.state", "a"},
    {"this.status.state != 2", "b c d e"},
    {"this.status.state == 0", "c d e"},
    {"this.status.state != 0", "a b"},
    {"this.status.state in [2, 3]", "a b"},
    {"this.status.state in [0, 3, 0]", "b c d e"},
    {"this.status.state in []", ""},
    {"!(this.status.state in [2])", "b c d e"},
    /* times */
    {"this.metadata.deletion_timestamp == null", "a c d e"},
    {"this.metadata.deletion_timestamp != null", "b"},
    {"null != this.metadata.deletion_timestamp", "b"},
    {"this.metadata.deletion_timestamp < now", "b"},
    {"!(this.metadata.deletion_timestamp < now)", ""}, /* of no time there is no order */
    {"this.metadata.creation_timestamp < now", "a b c d e"},
    {"this.metadata.creation_timestamp == timestamp('2026-01-01T00:00:30Z')", "c"},
    {"this.metadata.creation_timestamp == timestamp('2026-01-01T01:00:30+01:00')", "c"},
    {"this.metadata.creation_timestamp > timestamp('2026-01-01T00:00:30Z')", "d e"},
    {"this.status.creation_time == timestamp('2026-01-01T10:00:00.500Z')", "b"},
    {"this.status.creation_time > timestamp('2026-01-01T10:00:00Z')", "b"},
    {"this.status.creation_time != timestamp('2026-01-01T10:00:00Z')", "b c d e"},
    {"this.status.creation_time == null", "c d e"},
    {"this.status.creation_time in [timestamp('2026-01-01T10:00:00Z')]", "a"},
    {"!(this.status.creation_time in [timestamp('2026-01-01T10:00:00Z')])", "b c d e"},
    {"now == timestamp('2026-01-02T00:00:00Z')", "a b c d e"},
    {"now == null", ""},
    /* in */
    {"this.id in ['a', 'c', 'nobody']", "a c"},
    {"!(this.id in ['a', 'c'])", "b d e"},
    {"this.id in []", ""},
    {"this.spec.cores in [4, 8.0, -1]", "a b"},
    {"'g2' in this.spec.groups", "a"},
    {"this.metadata.name in this.spec.groups", ""},
    {"!('g2' in this.spec.groups)", "b c d e"},
    {"'env' in this.metadata.labels", "a b d"},
    {"'prod' in this.metadata.labels", ""},
    {"'quo\"te' in this.metadata.labels", "d"},
    /* labels */
    {"this.metadata.labels['env'] == 'prod'", "a"},
    {"this.metadata.labels['env'] != 'prod'", "b d"}, /* without the label: no value */
    {"this.metadata.labels['osac.io/x'] == '1'", "a"},
    {"this.metadata.labels['quo\"te'] == 'q'", "d"},
    {"this.metadata.labels[\"$.x' --\"] == 'q'", ""},
    {"this.metadata.labels.env == 'test'", "b"},
    {"this.metadata.labels['env'].startsWith('te')", "b"},
    {"this.metadata.labels['env'] == '' || this.id == 'e'", "d e"},
    /* has */
    {"has(this.spec.description)", "a d"},
    {"has(this.spec.compute_instance)", "a b c d"},
    {"has(this.spec.cores)", "a b"},
    {"has(this.spec.ratio)", "a"},
    {"has(this.status.online)", "a"},
    {"has(this.status.state)", "a b"},
    {"has(this.status.creation_time)", "a b"},
    {"has(this.status.size_bytes)", "a"},
    {"has(this.status)", "a b c d"},
    {"has(this.spec)", "a b c d"},
    {"has(this.spec.image)", "a"},
    {"this.spec.image == null", "b c d e"},
    {"this.spec.image != null", "a"},
    {"has(this.spec.groups)", "a"},
    {"has(this.metadata)", "a b c d e"},
    {"has(this.metadata.labels)", "a b d"},
    {"has(this.metadata.labels.env)", "a b d"},
    {"has(this.metadata.deletion_timestamp)", "b"},
    {"has(this.metadata.name)", "a b d e"},
    /* and, or, not: and none of them reaches another tenant's row */
    {"this.id == 'x' || this.metadata.name != 'zzz'", "a b c d e"},
    {"true || this.metadata.tenant == 't2'", "a b c d e"},
    {"this.metadata.tenant == 't2'", ""},
    {"this.metadata.tenant != 't1'", ""},
    {"!(this.id == 'a' || this.id == 'b') && this.id != 'c'", "d e"},
    {"this.id == 'a' || this.id == 'b' && this.id == 'c'", "a"},
    /* texts that look like SQL are texts */
    {"this.metadata.name == \"x' OR '1'='1\"", ""},
    {"this.metadata.name == 'x\\') OR (1=1) --'", ""},
    {"this.metadata.name == '\"; DROP TABLE hubs; --'", ""},
    {"this.metadata.name == '?' || this.metadata.name == '?1'", ""},
    {"this.metadata.name.contains(\"' || 1 || '\")", ""},
    {"'x\" OR 1 --' in this.metadata.labels", ""},
    {"this.id == 'a' // the rest is a comment: || true", "a"},
};

START_TEST(a_filter_matches)
{
    const struct match_case *c = &matches[_i];
    AUTO(str) char *got = matching(c->filter, strlen(c->filter), &t1, NULL);

    ck_assert_msg(strcmp(got, c->want) == 0, "%s: got '%s', want '%s'", c->filter, got, c->want);
}
END_TEST

START_TEST(nobody_sees_by_a_filter)
{
    static const struct scope nobody = {0};
    AUTO(str) char *none = matching("true || true", 12, &nobody, NULL);
    AUTO(str) char *all = matching("true || true", 12, &everything, NULL);

    ck_assert_str_eq(none, "");
    ck_assert_str_eq(all, "a b c d e z");
}
END_TEST

/* ---- what is refused ---- */

static const struct refusal_case {
    const char *filter;
    size_t len; /* 0: of the text */
    enum err_code code;
    const char *want;
} refusals[] = {
    {"this.", 0, ERR_SYNTAX,
     "column 6: expected a field or function name after '.', found the end of the text"},
    {"this.id ==", 0, ERR_SYNTAX, "column 11: "},
    {"this.id = 'a'", 0, ERR_SYNTAX, "column 9: unexpected character '='"},
    {"this.id == 'a", 0, ERR_SYNTAX, "column 12: unterminated string"},
    {"this.id == 'a' this", 0, ERR_SYNTAX, "column 16: "},
    {"this.id == 'a'; true", 0, ERR_SYNTAX, "column 15: unexpected character ';'"},
    {"(this.id == 'a'", 0, ERR_SYNTAX, "column 16: "},
    {"this.id == 'a') || (true", 0, ERR_SYNTAX, "column 15: "},
    {"this.id == 'a' OR true", 0, ERR_SYNTAX, "column 16: "},
    {"this.id == '\xff'", 0, ERR_SYNTAX, "column 13: the expression is not valid UTF-8 here"},
    {"true\0|| true", 12, ERR_SYNTAX, "column 5: "},
    {"this.id == 'a\0b'", 16, ERR_INVALID, "column 12: a text of a filter cannot hold U+0000"},
    {"this.id == 'a\\x00b'", 0, ERR_INVALID, "column 12: a text of a filter cannot hold U+0000"},
    {"this.id ==\n 7", 0, ERR_INVALID,
     "'==' cannot compare a string with a int (line 1, column 9 of the expression)"},
    /* names */
    {"id == 'a'", 0, ERR_INVALID, "column 1: unknown name 'id': expected 'this' or 'now'"},
    {".this.id == 'a'", 0, ERR_INVALID, "column 7: a selection begins with 'this'"},
    {"this.metadata.nam == 'a'", 0, ERR_INVALID,
     "column 15: there is no field 'this.metadata.nam' that filters can name"},
    {"this.metadata.annotations['a'] == 'b'", 0, ERR_INVALID, "column 26: only labels"},
    {"this.metadata.version == 1", 0, ERR_INVALID,
     "column 15: there is no field 'this.metadata.version'"},
    {"this.metadata.finalizers == null", 0, ERR_INVALID, "column 15: there is no field"},
    {"this.data == null", 0, ERR_INVALID, "column 6: there is no field"},
    {"this.spec.compute_instance.x == 'a'", 0, ERR_INVALID, "column 28: there is no field"},
    {"this.status.state.x == 1", 0, ERR_INVALID, "column 19: there is no field"},
    {"has(this.id).x == 1", 0, ERR_INVALID, "column 14: a selection begins with 'this'"},
    {"this.?id == 'a'", 0, ERR_INVALID, "column 7: optional selection is not part of filters"},
    {"that.id == 'a'", 0, ERR_INVALID, "column 6: a selection begins with 'this'"},
    {"this == 'a'", 0, ERR_INVALID, "column 1: 'this' is compared by its fields: this.id"},
    /* types */
    {"this.id", 0, ERR_INVALID,
     "column 6: expected a condition (bool), found a value of type string"},
    {"1", 0, ERR_INVALID, "column 1: expected a condition (bool), found a value of type int"},
    {"null", 0, ERR_INVALID, "column 1: expected a condition (bool), found a value of type null"},
    {"this.spec.groups", 0, ERR_INVALID, "found a value of type list of strings"},
    {"this.id == 1", 0, ERR_INVALID, "column 9: '==' cannot compare a string with a int"},
    {"this.spec.cores == '4'", 0, ERR_INVALID, "'==' cannot compare a int with a string"},
    {"this.status.online == 1", 0, ERR_INVALID, "'==' cannot compare a bool with a int"},
    {"this.metadata.creation_timestamp > '2026-01-01T00:00:00Z'", 0, ERR_INVALID,
     "'>' cannot compare a timestamp with a string"},
    {"this.spec == this.spec", 0, ERR_INVALID, "'==' cannot compare a message with a message"},
    {"this.spec.groups == this.spec.groups", 0, ERR_INVALID, "'==' cannot compare a list"},
    {"this.metadata.labels == null", 0, ERR_INVALID,
     "a value of type map of strings is never null"},
    {"this.id == null", 0, ERR_INVALID, "a value of type string is never null"},
    {"this.metadata.deletion_timestamp < null", 0, ERR_INVALID, "null has no order"},
    {"this.id && true", 0, ERR_INVALID, "column 6: expected a condition (bool)"},
    {"!this.id", 0, ERR_INVALID, "column 7: expected a condition (bool)"},
    {"-this.id == 'a'", 0, ERR_INVALID, "'-' takes a number, found a value of type string"},
    {"this.id - 'a' == 'b'", 0, ERR_INVALID, "'-' cannot take a string and a string"},
    {"this.spec.cores + 1.5 > 1.0", 0, ERR_INVALID, "'+' cannot take a int and a double"},
    {"this.spec.ratio % 2.0 == 0.0", 0, ERR_INVALID, "'%' cannot take a double and a double"},
    {"now + 1 == now", 0, ERR_INVALID, "'+' cannot take a timestamp and a int"},
    {"this.spec.cores == 18446744073709551615u", 0, ERR_INVALID, "out of range for int"},
    {"this.spec.cores * 2u == 8", 0, ERR_INVALID,
     "column 19: an unsigned number is compared, not computed with"},
    {"-(2u) == this.spec.cores", 0, ERR_INVALID, "column 3: an unsigned number is compared"},
    {"this.id == b'a'", 0, ERR_INVALID, "filters have no values of type bytes"},
    /* enums */
    {"this.status.state == 99", 0, ERR_INVALID,
     "column 22: the enum 'status.state' has no value of the number 99"},
    {"this.status.state == -1", 0, ERR_INVALID, "has no value of the number -1"},
    {"this.status.state == 'STATE_READY'", 0, ERR_INVALID,
     "column 22: the enum 'status.state' is compared with the number of a value, as a literal"},
    {"this.status.state == 1 + 1", 0, ERR_INVALID, "as a literal"},
    {"this.status.state == this.status.state", 0, ERR_INVALID, "as a literal"},
    {"this.status.state == this.spec.cores", 0, ERR_INVALID, "as a literal"},
    {"this.status.state > 1", 0, ERR_INVALID, "an enum has no order"},
    {"this.status.state in [2, 99]", 0, ERR_INVALID, "has no value of the number 99"},
    {"this.status.state in ['STATE_READY']", 0, ERR_INVALID, "as a literal"},
    {"this.status.state + 1 == 2", 0, ERR_INVALID, "'+' cannot take a enum and a int"},
    {"this.status.state == null", 0, ERR_INVALID, "a value of type enum is never null"},
    /* in, calls, the rest of the language */
    {"this.id in 'abc'", 0, ERR_INVALID, "'in' takes a list of literals, a list field or labels"},
    {"this.id in ['a', 1]", 0, ERR_INVALID,
     "'in' cannot look for a string among values of type int"},
    {"this.id in [this.metadata.name]", 0, ERR_INVALID, "the list of 'in' holds literals alone"},
    {"this.id in [null]", 0, ERR_INVALID, "among values of type null"},
    {"null in ['a']", 0, ERR_INVALID, "'in' cannot look for a null"},
    {"1 in this.spec.groups", 0, ERR_INVALID, "'in' looks for a string here"},
    {"this.spec in this.spec.groups", 0, ERR_INVALID, "'in' looks for a string here"},
    {"['a'] == ['a']", 0, ERR_INVALID, "a list stands on the right side of 'in' alone"},
    {"this.metadata.labels[this.id] == 'a'", 0, ERR_INVALID,
     "the key of a label is a literal text"},
    {"this.spec.groups[0] == 'a'", 0, ERR_INVALID, "only labels are looked up"},
    {"this.metadata.name.startsWith(this.id)", 0, ERR_INVALID, "startsWith() takes a literal text"},
    {"this.metadata.name.startsWith('a', 'b')", 0, ERR_INVALID, "startsWith() takes one text"},
    {"this.spec.cores.startsWith('a')", 0, ERR_INVALID, "startsWith() is a function of strings"},
    {"this.metadata.name.matches('a*')", 0, ERR_INVALID,
     "the function 'matches' is not part of filters"},
    {"size(this.id) > 1", 0, ERR_INVALID, "the function 'size' is not part of filters"},
    {"sqlite_version() == ''", 0, ERR_INVALID, "the function 'sqlite_version' is not part"},
    {"timestamp('yesterday') < now", 0, ERR_INVALID, "column 11: expected a time as RFC 3339"},
    {"timestamp('9999-01-01T00:00:00Z') > now", 0, ERR_INVALID, "from 1678 to 2262"},
    {"timestamp(this.id) < now", 0, ERR_INVALID, "timestamp() takes one literal text"},
    {"timestamp() < now", 0, ERR_INVALID, "timestamp() takes one literal text"},
    {"this.spec.groups.exists(g, g == 'a')", 0, ERR_INVALID, "'exists' is not part of filters"},
    {"true ? true : false", 0, ERR_INVALID, "this is not part of filters"},
    {"{'a': 1} == {'a': 1}", 0, ERR_INVALID, "this is not part of filters"},
    {"has(this)", 0, ERR_SYNTAX, "has() needs a field selection"},
};

START_TEST(a_filter_is_refused)
{
    const struct refusal_case *c = &refusals[_i];
    struct filter *f = NULL;
    AUTO(err) struct err e = {0};
    size_t len = c->len ? c->len : strlen(c->filter);

    ck_assert_int_eq(filter_compile(c->filter, len, &kit_fields, NOW_NS, &f, &e), -1);
    ck_assert_ptr_null(f);
    ck_assert_msg(e.code == c->code && strstr(e.msg, c->want), "%s: got %d '%s', want '%s'",
                  c->filter, (int)e.code, e.msg, c->want);
}
END_TEST

START_TEST(a_name_that_is_near_is_told)
{
    struct filter *f = NULL;
    AUTO(err) struct err e = {0};

    ck_assert_int_eq(filter_compile("this.metadata.nam == ''", 23, &kit_fields, 0, &f, &e), -1);
    ck_assert_str_eq(e.hint, "did you mean 'metadata.name'?");
}
END_TEST

/* ---- limits ---- */

static char *repeated(const char *first, const char *more, size_t count, const char *last)
{
    struct strbuf b = {0};

    strbuf_addstr(&b, first);
    for (size_t i = 0; i < count; i++)
        strbuf_addstr(&b, more);
    strbuf_addstr(&b, last);
    return strbuf_take(&b);
}

static const struct limit_case {
    const char *name, *first, *more, *last;
    size_t most; /* as often it may be; once more is too often */
    const char *want, *message;
} limits[] = {
    {"nodes", "false", " || false", "", 998, "", "more than 1000 nodes"},
    {"values in a list", "this.id in ['a'", ",'b'", "]", 999, "a b", "more than 1000 values"},
    {"a list of numbers", "this.spec.cores in [4", ",4", "]", 999, "a", "more than 1000 values"},
    {"nots", "this.id == 'a' || ", "!!", "(this.id == 'b')", 30, "a b", "nested deeper than 64"},
    {"minuses", "1 == ", "--", "(this.spec.cores - 3)", 29, "a", "nested deeper than 64"},
    {"sums", "this.spec.cores", " + 1", " == 64", 60, "a", "nested deeper than 64"},
    {"bytes", "this.id == 'a'", "     ", "", 3274, "a", "the filter has 16389 bytes"},
};

START_TEST(a_filter_has_limits)
{
    const struct limit_case *c = &limits[_i];
    AUTO(str) char *most = repeated(c->first, c->more, c->most, c->last);
    AUTO(str) char *more = repeated(c->first, c->more, c->most + 1, c->last);
    AUTO(str) char *got = matching(most, strlen(most), &t1, NULL);
    AUTO(str) char *refused = matching(more, strlen(more), &t1, NULL);

    ck_assert_msg(strcmp(got, c->want) == 0, "%s: got '%s', want '%s'", c->name, got, c->want);
    ck_assert_msg(strstr(refused, c->message) != NULL, "%s: %s", c->name, refused);
}
END_TEST

/* ---- the stack of the deepest ---- */

#define STACK_BYTES (1u << 20)
/* Of the 256 KiB of a fiber; sanitizers make frames larger, and fibers. */
#define STACK_MAY (128u << 10)

#if !defined(__has_feature)
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define STACK_FACTOR 4
#else
#define STACK_FACTOR 1
#endif

/* A filter of so many levels: before, over and over, the middle, after, over and over. */
static const struct deep_case {
    const char *name, *before, *middle, *after, *rest;
    unsigned count;
} deeps[] = {
    {"conditions of all kinds",
     "(!this.status.online || this.status.state != 0 || "
     "this.metadata.labels['x'] + this.id == 'a' || true && (",
     "!(this.id == 'q')", "))", "", 29},
    {"sums of fields", "(", "this.spec.cores", " + this.spec.cores * 0)", " >= 0", 59},
    {"sums on the right", "(this.spec.cores * 0 + ", "this.spec.cores", ")", " >= 0", 59},
    {"joined labels", "(", "this.id", " + this.id)", " != ''", 59},
    {"bools of bools", "(", "this.id == 'a'", " == false) != (1 == 2)", " || true", 29},
};

static char *deepest(const struct deep_case *c)
{
    AUTO(str) char *before = repeated("", c->before, c->count, c->middle);
    AUTO(str) char *after = repeated("", c->after, c->count, c->rest);

    return mem_printf("%s%s", before, after);
}

static void *run_deepest(void *arg)
{
    AUTO(str) char *text = deepest(arg);

    return matching(text, strlen(text), &t1, NULL);
}

START_TEST(the_deepest_fits_a_fiber)
{
    unsigned char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    pthread_attr_t attr;
    pthread_t thread;
    void *got;
    size_t untouched = 0;

    ck_assert(stack != MAP_FAILED);
    memset(stack, 0xa5, STACK_BYTES);
    pthread_attr_init(&attr);
    ck_assert_int_eq(pthread_attr_setstack(&attr, stack, STACK_BYTES), 0);
    ck_assert_int_eq(pthread_create(&thread, &attr, run_deepest, (void *)&deeps[_i]), 0);
    ck_assert_int_eq(pthread_join(thread, &got), 0);
    while (untouched < STACK_BYTES && stack[untouched] == 0xa5)
        untouched++;
    ck_assert_msg(strcmp(got, "a b c d e") == 0, "%s: %s", deeps[_i].name, (char *)got);
    ck_assert_msg(STACK_BYTES - untouched <= STACK_MAY * STACK_FACTOR, "%zu bytes of stack",
                  STACK_BYTES - untouched);
    free(got);
    pthread_attr_destroy(&attr);
    munmap(stack, STACK_BYTES);
}
END_TEST

/* ---- order ---- */

static const struct order_case {
    const char *order, *want; /* ids, or an error */
} orders[] = {
    {"", "a b c d e"},
    {"  ", "a b c d e"},
    {"id", "a b c d e"},
    {"id desc", "e d c b a"},
    {"this.id DESC", "e d c b a"},
    {"metadata.name", "c d a b e"},
    {"metadata.name asc", "c d a b e"},
    {"metadata.name desc", "e b a d c"},
    {"metadata.project desc, id desc", "d c b a e"},
    {"metadata.project,metadata.name desc", "e b a d c"},
    {"spec.cores desc", "b a c d e"},
    {"status.online desc", "a b c d e"},
    {"status.creation_time desc", "b a c d e"},
    {"metadata.creation_timestamp desc", "e d c b a"},
    {"status.state, id desc", "e c b d a"}, /* by its name */
    {"nobody", "error column 1: there is no field 'nobody' to order by"},
    {"id, nam", "error column 5: there is no field 'nam' to order by"},
    {"id; DROP TABLE hubs", "error column 1: this is no field to order by"},
    {"id down", "error column 4: expected 'asc', 'desc', ',' or the end after a field"},
    {"id asc desc", "error column 8: expected ',' or the end"},
    {"id,", "error column 4: expected a field to order by"},
    {",id", "error column 1: expected a field to order by"},
    {"id, this.id", "error column 5: 'id' is there twice"},
    {"spec.groups", "error column 1: there is no field 'spec.groups' to order by"},
    {"metadata.labels", "error column 1: there is no field 'metadata.labels' to order by"},
    {"spec", "error column 1: there is no field 'spec' to order by"},
    {"\xff", "error column 1: this is no field to order by"},
    {"id,metadata.name,metadata.project,metadata.creator,metadata.tenant,spec.cores,spec.ratio,"
     "status.state,status.online",
     "error column 103: an order has at most 8 fields"},
};

START_TEST(an_order_orders)
{
    const struct order_case *c = &orders[_i];
    AUTO(order) struct order *o = NULL;
    AUTO(err) struct err e = {0};
    AUTO(str) char *got = NULL;

    if (order_compile(c->order, strlen(c->order), &kit_fields, &o, &e) < 0)
        got = mem_printf("error %s", e.msg);
    else
        got = matching("", 0, &t1, o);
    ck_assert_msg(strcmp(got, c->want) == 0, "%s: got '%s', want '%s'", c->order, got, c->want);
}
END_TEST

int main(void)
{
    TCase *cases;

    json_init();
    cases = SUITE_LONG_CASE("filter", 30, EACH(a_filter_matches, matches),
                            TEST(nobody_sees_by_a_filter), EACH(a_filter_is_refused, refusals),
                            TEST(a_name_that_is_near_is_told), EACH(a_filter_has_limits, limits),
                            EACH(the_deepest_fits_a_fiber, deeps), EACH(an_order_orders, orders));
    tcase_add_checked_fixture(cases, setup, teardown);
    return SUITE_MAIN("fulfillment.filter", cases);
}
