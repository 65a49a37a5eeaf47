/* Watches as streams. */
#include "tests/unit/sim/rest_kit.h"
#include "tests/unit/suite.h"

#define CM "/api/v1/namespaces/default/configmaps"
#define WIDGETS "/apis/example.com/v1/namespaces/default/widgets"

static void add(struct rest_kit *r, const char *name, const char *value)
{
    json_decref(kit_make(&r->k, "configmaps", config_map(name, value)));
}

static struct rest_answer open_at(struct rest_kit *r, const char *target, const char *headers)
{
    struct rest_answer a;
    rest_ask(r, "GET", target, headers, NULL, &a);
    ck_assert_msg(a.code == 200 && a.stream, "%s: %d %s", target, a.code, strbuf_str(&a.body));
    ck_assert_uint_eq(a.body.len, 0);
    return a;
}

/* All that is there, then the state. New. */
static char *read_all(struct rest_stream *s, enum rest_stream_state *ret)
{
    AUTO(strbuf) struct strbuf out = {0};
    while ((*ret = rest_stream_read(s, &out, 100)) == REST_STREAM_DATA)
        ;
    return strbuf_take(&out);
}

/* "ADDED a, BOOKMARK , ERROR ": every line is one JSON object. New. */
static char *events(struct rest_stream *s, enum rest_stream_state want)
{
    enum rest_stream_state state;
    AUTO(str) char *text = read_all(s, &state);
    AUTO(strbuf) struct strbuf out = {0};
    ck_assert_int_eq(state, want);
    for (char *p = text; *p;) {
        size_t len = strcspn(p, "\n");
        ck_assert_msg(p[len] == '\n', "cut off: %s", p);
        AUTO(json) json_t *event = json_read(p, len, "event", NULL);
        ck_assert_msg(event != NULL, "%s", p);
        ck_assert_uint_eq(json_object_size(event), 2);
        ck_assert(*json_str_or_empty(event, "object.kind"));
        strbuf_addf(&out, "%s%s %s", out.len ? ", " : "", json_str_or_empty(event, "type"),
                    json_str_or_empty(event, "object.metadata.name"));
        p += len + 1;
    }
    return strbuf_take(&out);
}

static void want_events(struct rest_answer *a, enum rest_stream_state state, const char *want)
{
    AUTO(str) char *have = events(a->stream, state);
    ck_assert_msg(strcmp(have, want) == 0, "want '%s', got '%s'", want, have);
}

START_TEST(events_as_lines)
{
    static const char *const targets[] = {
        CM "?watch=true",
        CM "?watch=1",
        CM "?watch",
        CM "?watch=yes",
        "/api/v1/watch/namespaces/default/configmaps",
        "/api/v1/watch/configmaps?fieldSelector=metadata.namespace%3Ddefault"};
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        AUTO(rest_kit) struct rest_kit r = rest_kit_create();
        add(&r, "old", "v");
        struct rest_answer a = open_at(&r, targets[i], NULL);
        ck_assert_str_eq(rest_answer_get(&a, "Content-Type"), "application/json");
        want_events(&a, REST_STREAM_WAIT, "ADDED old");
        add(&r, "new", "<&>");
        json_decref(kit_do(&r.k, API_DELETE, "configmaps", "default", "old", NULL, 200));
        enum rest_stream_state state;
        AUTO(str) char *text = read_all(a.stream, &state);
        ck_assert_ptr_nonnull(strstr(text, "{\"type\":\"ADDED\",\"object\":{\"kind\":\"ConfigMap\","
                                           "\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"new\""));
        ck_assert_ptr_nonnull(strstr(text, "\\u003c\\u0026\\u003e"));
        rest_answer_finish(&a);
    }
}
END_TEST

START_TEST(one_name_by_path)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    add(&r, "a", "v");
    add(&r, "b", "v");
    struct rest_answer a =
        open_at(&r, "/api/v1/watch/namespaces/default/configmaps/a?resourceVersion=0", NULL);
    want_events(&a, REST_STREAM_WAIT, "ADDED a");
    rest_answer_finish(&a);
    a = open_at(&r, "/api/v1/watch/namespaces/default/configmaps/b?fieldSelector=metadata.name%3Db",
                NULL);
    want_events(&a, REST_STREAM_WAIT, "ADDED b");
    rest_answer_finish(&a);
    static const struct rest_row rows[] = {
        ASK("GET", "/api/v1/watch/namespaces/default/configmaps/a?fieldSelector=metadata.name%3Db",
            400, "fieldSelector metadata.name doesn`t match requested name"),
        ASK("GET", "/api/v1/watch/nosuch", 404, "could not find"),
        ASK("GET", "/apis/example.com/v1/watch/nosuch", 404, "404 page not found"),
        ASK_AS("GET", CM "?watch=1", "Accept: application/xml", 406, "only the following"),
        ASK("GET", CM "?watch=1&labelSelector=a+in", 400, "unable to parse"),

    };
    rest_check_all(&r, rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(deprecated_version)
{
    static const struct {
        const char *target, *warning;
    } rows[] = {
        {"/apis/example.com/v1beta1/gadgets?watch=true",
         "299 - \"example.com/v1beta1 Gadget is deprecated; use example.com/v1 Gadget\""},
        {"/apis/example.com/v1beta1/watch/namespaces/default/gadgets",
         "299 - \"example.com/v1beta1 Gadget is deprecated; use example.com/v1 Gadget\""},
        {"/apis/example.com/v1/gadgets?watch=true", NULL},
        {CM "?watch=true", NULL},
    };
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    kit_add_crd(&r.k,
                js("{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition',"
                   "'metadata':{'name':'gadgets.example.com'},'spec':{'group':'example.com',"
                   "'scope':'Namespaced','names':{'plural':'gadgets','kind':'Gadget'},'versions':["
                   "{'name':'v1','served':true,'storage':true,"
                   "'schema':{'openAPIV3Schema':{'type':'object'}}},"
                   "{'name':'v1beta1','served':true,'storage':false,'deprecated':true,"
                   "'schema':{'openAPIV3Schema':{'type':'object'}}}]}}"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rest_answer a = open_at(&r, rows[i].target, NULL);
        const char *have = rest_answer_get(&a, "Warning");
        if (rows[i].warning)
            ck_assert_msg(have && strcmp(have, rows[i].warning) == 0, "%s: %s", rows[i].target,
                          have ? have : "none");
        else
            ck_assert_msg(!have, "%s: %s", rows[i].target, have);
        rest_answer_finish(&a);
    }
}
END_TEST

START_TEST(bookmarks_and_the_end)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    add(&r, "a", "v");
    struct rest_answer a = open_at(&r,
                                   CM "?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&"
                                      "resourceVersionMatch=NotOlderThan&timeoutSeconds=10",
                                   NULL);
    enum rest_stream_state state;
    AUTO(str) char *text = read_all(a.stream, &state);
    ck_assert_ptr_nonnull(strstr(text, "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"ConfigMap\","
                                       "\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":"));
    ck_assert_ptr_nonnull(strstr(text, "\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}"));
    struct sched *s = world_sched(r.k.world);
    sched_run(s, sched_now(s) + INT64_C(11000000000));
    want_events(&a, REST_STREAM_END, "BOOKMARK ");
    want_events(&a, REST_STREAM_END, "");
    rest_answer_finish(&a);
    /* Without a time of its own the server picks one, of at least half an hour. */
    a = open_at(&r, CM "?watch=true", NULL);
    want_events(&a, REST_STREAM_WAIT, "ADDED a");
    sched_run(s, sched_now(s) + INT64_C(1799000000000));
    want_events(&a, REST_STREAM_WAIT, "");
    sched_run(s, sched_now(s) + INT64_C(1801000000000));
    want_events(&a, REST_STREAM_END, "");
    rest_answer_finish(&a);
}
END_TEST

START_TEST(too_old_is_told_in_the_stream)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    add(&r, "a", "v");
    apiserver_compact(r.k.server, apiserver_revision(r.k.server));
    struct rest_answer a = open_at(&r, CM "?watch=true&resourceVersion=1", NULL);
    enum rest_stream_state state;
    AUTO(str) char *text = read_all(a.stream, &state);
    ck_assert_int_eq(state, REST_STREAM_END);
    ck_assert_ptr_nonnull(
        strstr(text, "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"apiVersion\":\"v1\","
                     "\"metadata\":{},\"status\":\"Failure\",\"message\":\"too old resource "
                     "version: 1 ("));
    ck_assert_ptr_nonnull(strstr(text, "\"reason\":\"Expired\",\"code\":410}}\n"));
    rest_answer_finish(&a);
}
END_TEST

START_TEST(metadata_alone)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    add(&r, "a", "v");
    struct rest_answer a =
        open_at(&r, CM "?watch=true&allowWatchBookmarks=true",
                "Accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
    enum rest_stream_state state;
    AUTO(str) char *text = read_all(a.stream, &state);
    ck_assert_ptr_nonnull(strstr(text, "{\"type\":\"ADDED\",\"object\":{\"kind\":"
                                       "\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\""
                                       ",\"metadata\":{\"name\":\"a\""));
    ck_assert_ptr_nonnull(strstr(text, "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":"
                                       "\"PartialObjectMetadata\""));
    ck_assert_ptr_null(strstr(text, "\"data\""));
    rest_answer_finish(&a);
}
END_TEST

START_TEST(other_media)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    add(&r, "a", "v");
    struct rest_answer a = open_at(&r, CM "?watch=1", "Accept: application/yaml");
    ck_assert_str_eq(rest_answer_get(&a, "Content-Type"), "application/yaml;stream=watch");
    enum rest_stream_state state;
    AUTO(str) char *yaml = read_all(a.stream, &state);
    ck_assert_ptr_nonnull(strstr(yaml, "type: ADDED\n---\n"));
    rest_answer_finish(&a);
    a = open_at(&r, CM "?watch=1", "Accept: application/vnd.kubernetes.protobuf");
    ck_assert_str_eq(rest_answer_get(&a, "Content-Type"),
                     "application/vnd.kubernetes.protobuf;stream=watch");
    AUTO(strbuf) struct strbuf frame = {0};
    ck_assert_int_eq(rest_stream_read(a.stream, &frame, 1), REST_STREAM_DATA);
    const unsigned char *p = (const unsigned char *)frame.data;
    size_t len = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    ck_assert_uint_eq(len + 4, frame.len);
    ck_assert_int_eq(memcmp(p + 4,
                            "\x0a\x05"
                            "ADDED\x12",
                            8),
                     0);
    ck_assert_ptr_nonnull(memmem(p, frame.len, "k8s\0", 4));
    rest_answer_finish(&a);
}
END_TEST

static void count(void *cookie)
{
    ++*(int *)cookie;
}

START_TEST(waking_and_shutdown)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    struct rest_answer a = open_at(&r, CM "?watch=1", NULL),
                       b = open_at(&r, WIDGETS "?watch=1", NULL);
    int woken_a = 0, woken_b = 0;
    rest_stream_on_data(a.stream, count, &woken_a);
    rest_stream_on_data(b.stream, count, &woken_b);
    want_events(&a, REST_STREAM_WAIT, "");
    add(&r, "x", "v");
    ck_assert_int_eq(woken_a, 1);
    ck_assert_int_eq(woken_b, 0);
    want_events(&a, REST_STREAM_WAIT, "ADDED x");
    rest_end_streams(r.rest);
    ck_assert_int_eq(woken_b, 1);
    want_events(&a, REST_STREAM_END, "");
    want_events(&b, REST_STREAM_END, "");
    rest_answer_finish(&a);
    rest_answer_finish(&b);
    /* A stream outlives its front. */
    a = open_at(&r, CM "?watch=1", NULL);
    rest_destroy(r.rest);
    r.rest = NULL;
    want_events(&a, REST_STREAM_END, "");
    rest_answer_finish(&a);
}
END_TEST

/* The same bytes for all who ask alike, whoever reads first; and a new state is a new text. */
START_TEST(texts_are_shared)
{
    AUTO(rest_kit) struct rest_kit r = rest_kit_create();
    struct rest_answer all[8];
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        all[i] = open_at(&r, CM "?watch=1", NULL);
    for (int i = 0; i < 50; i++) {
        AUTO(str) char *name = mem_printf("n%d", i);
        add(&r, name, "v");
        json_decref(kit_do(&r.k, API_PATCH, "configmaps", "default", name,
                           js("{'data':{'k':'%d'}}", i), 200));
    }
    enum rest_stream_state state;
    AUTO(str) char *first = read_all(all[0].stream, &state);
    ck_assert_ptr_nonnull(strstr(first, "\"data\":{\"k\":\"49\"}"));
    for (size_t i = 1; i < ARRAY_LEN(all); i++) {
        AUTO(str) char *other = read_all(all[i].stream, &state);
        ck_assert_str_eq(other, first);
    }
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        rest_answer_finish(&all[i]);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "rest.watch",
        SUITE_LONG_CASE("rest.watch", 60, TEST(events_as_lines), TEST(one_name_by_path),
                        TEST(deprecated_version), TEST(bookmarks_and_the_end),
                        TEST(too_old_is_told_in_the_stream), TEST(metadata_alone),
                        TEST(other_media), TEST(waking_and_shutdown), TEST(texts_are_shared)));
}
