/* A filter of the fulfillment service, and after a line "--" an order: whatever the text, it is
 * refused or it runs, never shows a row of another tenant, and matches the rows that the evaluator
 * of cel/ says it matches (for the parts whose values both write alike). */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cel/cel.h"
#include "components/fulfillment-service/filter_priv.h"
#include "components/fulfillment-service/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_NS (INT64_C(1767225600) * 1000000000)

static const struct filter_enum states[] = {
    {0, "UNSPECIFIED"}, {1, "CREATING"}, {2, "READY"}, {3, "FAILED"}, {0, NULL}};

static const struct filter_field field_rows[] = {
    {.path = "spec.parent", .type = FILTER_STRING},
    {.path = "spec.cores", .type = FILTER_INT},
    {.path = "spec.ratio", .type = FILTER_DOUBLE},
    {.path = "spec.groups", .type = FILTER_STRINGS},
    {.path = "spec.image", .type = FILTER_MESSAGE},
    {.path = "spec.image.ref", .type = FILTER_STRING, .optional = true},
    {.path = "status.state", .type = FILTER_ENUM, .values = states},
    {.path = "status.at", .type = FILTER_TIMESTAMP, .optional = true},
    {.path = "status.bytes", .type = FILTER_INT, .optional = true},
    {.path = "status.online", .type = FILTER_BOOL},
};
static const struct filter_fields fields = {field_rows, ARRAY_LEN(field_rows)};

/* What is stored, and the same as CEL sees it: all that is not set is zero. */
static const struct sample {
    const char *id, *tenant, *name, *labels, *data, *view;
} samples[] = {
    {"a", "t1", "alpha", "{\"env\":\"prod\"}",
     "{\"spec\":{\"parent\":\"ci-1\",\"cores\":4,\"ratio\":0.5,\"groups\":[\"g1\",\"g2\"],"
     "\"image\":{\"ref\":\"x\"}},\"status\":{\"state\":\"READY\",\"at\":\"2026-01-01T00:00:00Z\","
     "\"bytes\":\"1073741824\",\"online\":true}}",
     "\"spec\":{\"parent\":\"ci-1\",\"cores\":4,\"ratio\":0.5,\"groups\":[\"g1\",\"g2\"],"
     "\"image\":{\"ref\":\"x\"}},\"status\":{\"state\":2,\"bytes\":1073741824,\"online\":true}"},
    {"b", "t1", "b%_\\", "{\"env\":\"\",\"x/y\":\"1\"}",
     "{\"spec\":{\"parent\":\"o'hara\",\"cores\":\"-3\"},\"status\":{\"state\":\"LATER\"}}",
     "\"spec\":{\"parent\":\"o'hara\",\"cores\":-3,\"ratio\":0.0,\"groups\":[],\"image\":{\"ref\":"
     "\"\"}},\"status\":{\"state\":0,\"bytes\":0,\"online\":false}"},
    {"c", "t2", "alpha", "{\"env\":\"prod\"}", "{\"spec\":{\"parent\":\"ci-1\",\"cores\":4}}",
     "\"spec\":{\"parent\":\"ci-1\",\"cores\":4,\"ratio\":0.0,\"groups\":[],\"image\":{\"ref\":"
     "\"\"}},\"status\":{\"state\":0,\"bytes\":0,\"online\":false}"},
};

/* ---- a host for a store in memory ---- */

struct host_event {
    bool signalled;
};

static int64_t now(struct host *h)
{
    (void)h;
    return NOW_NS;
}

static struct host_event *event_create(struct host *h, const char *name)
{
    (void)h, (void)name;
    return mem_zalloc(sizeof(struct host_event));
}

static void event_signal(struct host *h, struct host_event *e)
{
    (void)h;
    e->signalled = true;
}

static enum host_wait event_wait(struct host *h, struct host_event *e, int64_t until_ns)
{
    (void)h, (void)until_ns;
    assert(e->signalled);
    e->signalled = false;
    return HOST_OK;
}

static bool crashed(struct host *h)
{
    (void)h;
    return false;
}

static const struct host_ops ops = {.name = "fuzz",
                                    .now = now,
                                    .event_create = event_create,
                                    .event_signal = event_signal,
                                    .event_wait = event_wait,
                                    .crashed = crashed};
static struct host host = {&ops};

static struct store *store;
static json_t *views[ARRAY_LEN(samples)];

static void put(size_t i)
{
    const struct sample *s = &samples[i];
    struct store_txn *t;
    struct row r = {.id = mem_strdup(s->id),
                    .tenant = mem_strdup(s->tenant),
                    .name = mem_strdup(s->name),
                    .labels = json_read(s->labels, strlen(s->labels), "labels", NULL),
                    .data = json_read(s->data, strlen(s->data), "data", NULL)};
    AUTO(str)
    char *view = mem_printf("{\"id\":\"%s\",\"metadata\":{\"tenant\":\"%s\",\"creator\":\"\","
                            "\"project\":\"\",\"labels\":%s},%s}",
                            s->id, s->tenant, s->labels, s->view);

    views[i] = json_read(view, strlen(view), "view", NULL);
    assert(views[i] && r.data && r.labels);
    json_put_str(views[i], "metadata.name", s->name);
    assert(store_begin(store, &t, NULL) == STORE_OK);
    assert(store_add(t, STORE_HUBS, &r, NULL) == STORE_OK);
    assert(store_commit(t, NULL) == STORE_OK);
    row_finish(&r);
}

static void setup(void)
{
    if (store)
        return;
    json_init();
    store = store_sqlite_open(&host, NULL, NULL);
    assert(store);
    for (size_t i = 0; i < ARRAY_LEN(samples); i++)
        put(i);
}

/* ---- the two readings ---- */

/* Bit i: the sample i is in the list. */
static unsigned list(const struct scope *scope, const struct filter *f, const struct order *o)
{
    const struct store_query q = {.filter = f, .order = o};
    AUTO(row_list) struct row_list l = {0};
    AUTO(err) struct err e = {0};
    struct store_txn *t;
    unsigned got = 0;

    assert(store_begin(store, &t, NULL) == STORE_OK);
    if (store_list(t, scope, STORE_HUBS, &q, &l, &e) != STORE_OK) {
        fprintf(stderr, "%s\n", e.msg);
        abort();
    }
    assert(store_commit(t, NULL) == STORE_OK);
    assert((size_t)l.total == l.count);
    for (size_t i = 0; i < l.count; i++)
        got |= 1u << (l.rows[i].id[0] - 'a');
    return got;
}

/* Presence, times and what double arithmetic gives without a number are written differently. */
static bool is_alike(const struct filter_node *n)
{
    bool times = n->type == FILTER_TIMESTAMP;
    bool computed =
        (n->kind == FILTER_COMPUTE || n->kind == FILTER_NEGATE) && n->type == FILTER_DOUBLE;

    if (times || computed || n->kind == FILTER_HAS || n->kind == FILTER_IS_NULL)
        return false;
    for (size_t i = 0; i < n->count; i++)
        if (!is_alike(n->args[i]))
            return false;
    return true;
}

/* False: CEL refuses the text (a constant that has no value). */
static bool evaluate(const char *text, unsigned *ret)
{
    static const char *const variables[] = {"this", "now", NULL};
    static const struct cel_env env = {.variables = variables};
    const struct cel_value at = cel_timestamp(NOW_NS);
    AUTO(err) struct err e = {0};
    AUTO(cel_program) struct cel_program *p = cel_compile(text, &env, NO_POS, &e);
    AUTO(cel_context) struct cel_context *c = cel_context_create();

    *ret = 0;
    for (size_t i = 0; i < ARRAY_LEN(samples) && p; i++) {
        const struct cel_binding bindings[] = {{.json = views[i]}, {.value = &at}};
        AUTO(err) struct err why = {0};
        bool match = false;

        if (cel_eval_bool(p, c, bindings, NULL, 10000000, &match, &why) == 0 && match)
            *ret |= 1u << i;
    }
    return p != NULL;
}

static void check(const char *text, size_t len, const struct filter *f, const struct order *o)
{
    static const char *const own[] = {"t1"};
    const struct scope t1 = {.tenants = own, .count = 1}, nobody = {0}, everything = SCOPE_ALL;
    unsigned all = list(&everything, f, o), mine = list(&t1, f, o), want;

    assert(mine == (all & 3u)); /* the third is another tenant's */
    assert(list(&nobody, f, o) == 0);
    /* A zero byte, which may stand in a comment, would end the text for cel_compile(). */
    if (f && !memchr(text, 0, len) && is_alike(f->root) && evaluate(text, &want) && all != want) {
        fprintf(stderr, "matches %x, CEL says %x: %s\n", all, want, text);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char mark[] = "\n--\n";
    const char *text = (const char *)data;
    const char *end = size ? memmem(text, size, mark, sizeof mark - 1) : NULL;
    size_t len = end ? (size_t)(end - text) : size;
    AUTO(filter) struct filter *f = NULL;
    AUTO(order) struct order *o = NULL;
    AUTO(err) struct err e = {0};
    AUTO(str) char *copy = mem_zalloc(len + 1);

    setup();
    if (size)
        memcpy(copy, text, len);
    if (filter_compile(copy, len, &fields, NOW_NS, &f, &e) < 0)
        return 0;
    if (end && order_compile(end + 4, size - len - 4, &fields, &o, &e) < 0)
        return 0;
    check(copy, len, f, o);
    return 0;
}
