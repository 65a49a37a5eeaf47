/* Queue, client, informer, settings. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/runtime/config.h"
#include "components/runtime/controller.h"
#include "components/runtime/queue.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "kube/time.h"
#include "tests/unit/components/fake_host.h"
#include "tests/unit/suite.h"

static const struct kind kind_thing = {{"example.dev", "v1", "things"}, "Thing"};

static json_t *thing(const char *name, const char *version)
{
    json_t *obj = kind_object(&kind_thing, "ns", name);
    if (version)
        json_put_str(obj, "metadata.resourceVersion", version);
    return obj;
}

/* ---- queue ---- */

static void expect_key(struct queue *q, const char *want)
{
    char *key = queue_get(q);
    ck_assert_ptr_nonnull(key);
    ck_assert_str_eq(key, want);
    free(key);
}

START_TEST(queue_hands_out_once)
{
    AUTO(fake) struct fake_host *f = fake_create();
    AUTO(queue) struct queue *q = queue_create(&f->host, "q");
    queue_add(q, "a");
    queue_add(q, "b");
    queue_add(q, "a");
    ck_assert_uint_eq(queue_length(q), 2);
    expect_key(q, "a");
    queue_add(q, "a"); /* while it is being worked on: comes back afterwards */
    expect_key(q, "b");
    ck_assert_uint_eq(queue_length(q), 0);
    queue_done(q, "a");
    queue_done(q, "b");
    expect_key(q, "a");
    queue_done(q, "a");
    ck_assert_ptr_null(queue_get(q)); /* nothing could come: the fake ends the wait */
}
END_TEST

START_TEST(queue_keeps_appointments)
{
    AUTO(fake) struct fake_host *f = fake_create();
    AUTO(queue) struct queue *q = queue_create(&f->host, "q");
    queue_add_after(q, "late", 30 * NS_PER_S);
    queue_add_after(q, "soon", 10 * NS_PER_S);
    queue_add_after(q, "late", 20 * NS_PER_S); /* earlier wins */
    queue_add_after(q, "soon", 40 * NS_PER_S); /* later changes nothing */
    expect_key(q, "soon");
    ck_assert_int_eq(f->now_ns - FAKE_START_NS, 10 * NS_PER_S);
    expect_key(q, "late");
    ck_assert_int_eq(f->now_ns - FAKE_START_NS, 20 * NS_PER_S);
}
END_TEST

static const struct {
    const char *name;
    unsigned failures;
    int64_t want_ns;
} backoffs[] = {
    {"first", 1, 5 * NS_PER_MS},
    {"second", 2, 10 * NS_PER_MS},
    {"tenth", 10, 2560 * NS_PER_MS},
    {"capped", 40, 1000 * NS_PER_S},
};

START_TEST(queue_backs_off)
{
    AUTO(fake) struct fake_host *f = fake_create();
    AUTO(queue) struct queue *q = queue_create(&f->host, "q");
    int64_t took_ns = 0;
    for (unsigned i = 0; i < backoffs[_i].failures; i++) {
        int64_t from_ns = f->now_ns;
        queue_add_rate_limited(q, "k");
        expect_key(q, "k");
        queue_done(q, "k");
        took_ns = f->now_ns - from_ns;
    }
    ck_assert_msg(took_ns == backoffs[_i].want_ns, "%s: %lld ns", backoffs[_i].name,
                  (long long)took_ns);
    ck_assert_uint_eq(queue_failures(q, "k"), backoffs[_i].failures);
    queue_forget(q, "k");
    ck_assert_uint_eq(queue_failures(q, "k"), 0);
}
END_TEST

START_TEST(queue_shares_a_bucket)
{
    AUTO(fake) struct fake_host *f = fake_create();
    AUTO(queue) struct queue *q = queue_create(&f->host, "q");
    for (int i = 0; i < 110; i++) { /* the burst of 100, then one per 100 ms */
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        queue_add_rate_limited(q, key);
    }
    for (int i = 0; i < 110; i++)
        free(queue_get(q));
    ck_assert_int_eq(f->now_ns - FAKE_START_NS, 1000 * NS_PER_MS);
}
END_TEST

/* ---- client ---- */

static const struct {
    const char *name;
    int code;
    const char *reason;
    enum answer want;
} answers[] = {
    {"created", 201, "", ANSWER_OK},
    {"exists", 409, "AlreadyExists", ANSWER_EXISTS},
    {"conflict", 409, "Conflict", ANSWER_CONFLICT},
    {"invalid", 422, "Invalid", ANSWER_INVALID},
    {"bad request", 400, "BadRequest", ANSWER_INVALID},
    {"forbidden", 403, "Forbidden", ANSWER_FORBIDDEN},
    {"gone", 410, "Expired", ANSWER_EXPIRED},
    {"server error", 500, "InternalError", ANSWER_UNAVAILABLE},
    {"timeout", 504, "Timeout", ANSWER_UNAVAILABLE},
    {"too many", 429, "TooManyRequests", ANSWER_UNAVAILABLE},
};

START_TEST(client_sorts_answers)
{
    AUTO(response) struct api_response r = {0};
    if (answers[_i].code < 300)
        r = (struct api_response){.code = answers[_i].code, .body = json_object()};
    else
        status_denied(&r, answers[_i].code, answers[_i].reason, "why");
    ck_assert_msg(answer_of(&r) == answers[_i].want, "%s: %s", answers[_i].name,
                  answer_name(answer_of(&r)));
}
END_TEST

START_TEST(client_tells_missing_kinds)
{
    AUTO(fake) struct fake_host *f = fake_create();
    struct client c = {&f->host, NULL};
    AUTO(err) struct err e = {0};
    ck_assert_int_eq(client_get(&c, &kind_thing, "ns", "a", NULL, &e), ANSWER_NOT_FOUND);
    ck_assert_int_eq(e.code, ERR_NOT_FOUND);
    err_clear(&e);
    json_array_append_new(f->absent, json_string("things"));
    ck_assert_int_eq(client_get(&c, &kind_thing, "ns", "a", NULL, &e), ANSWER_NO_KIND);
    err_clear(&e);
    f->link_down = true;
    ck_assert_int_eq(client_get(&c, &kind_thing, "ns", "a", NULL, &e), ANSWER_UNREACHABLE);
    err_clear(&e);
    f->crashed = true;
    ck_assert_int_eq(client_get(&c, &kind_thing, "ns", "a", NULL, &e), ANSWER_CRASHED);
    ck_assert_int_eq(e.code, ERR_CRASHED);
}
END_TEST

static bool count_up(json_t *obj, void *cookie)
{
    (*(int *)cookie)++;
    json_put_take(obj, "spec.count", json_integer(json_int(obj, "spec.count", 0) + 1));
    return true;
}

static void meddle(struct fake_host *f, const struct api_request *req, void *cookie)
{
    int *times = cookie;
    json_t *obj = fake_get(f, &kind_thing, "ns", "a");
    if (req->verb != API_UPDATE || (*times)-- <= 0)
        return;
    json_put_take(obj, "spec.count", json_integer(json_int(obj, "spec.count", 0) + 10));
    json_put_str(obj, "metadata.resourceVersion", *times ? "900" : "901");
}

START_TEST(client_changes_again_after_conflicts)
{
    AUTO(fake) struct fake_host *f = fake_create();
    struct client c = {&f->host, NULL};
    int calls = 0, times = 2;
    fake_put(f, &kind_thing, thing("a", NULL));
    f->hook = meddle;
    f->hook_cookie = &times;
    ck_assert_int_eq(client_change(&c, &kind_thing, "ns", "a", NULL, count_up, &calls, NULL, NULL),
                     ANSWER_OK);
    ck_assert_int_eq(calls, 3);
    ck_assert_int_eq(json_int(fake_get(f, &kind_thing, "ns", "a"), "spec.count", 0), 21);
}
END_TEST

/* ---- informer ---- */

struct heard {
    char text[256];
};

static void hear(void *cookie, enum api_event_type type, const json_t *old, const json_t *obj)
{
    struct heard *h = cookie;
    size_t len = strlen(h->text);
    (void)old;
    snprintf(h->text + len, sizeof h->text - len, "%c%s ", api_event_name(type)[0], meta_name(obj));
}

static void listen(struct fake_host *f, struct heard *heard, bool optional, size_t *ret_count)
{
    AUTO(runtime) struct runtime *rt = runtime_create(&f->host);
    struct informer *i = informer_create(rt, &(struct informer_config){.client = {&f->host, NULL},
                                                                       .kind = &kind_thing,
                                                                       .optional = optional});
    informer_on_event(i, hear, heard);
    informer_start(i);
    fake_run_tasks(f); /* until the script ends, which is a crash */
    *ret_count = informer_count(i);
}

START_TEST(informer_follows_a_watch)
{
    AUTO(fake) struct fake_host *f = fake_create();
    struct heard heard = {""};
    size_t count;
    fake_put(f, &kind_thing, thing("a", NULL));
    fake_put(f, &kind_thing, thing("b", NULL));
    fake_say(f, EVENT_MODIFIED, thing("a", "7"));
    fake_say(f, EVENT_BOOKMARK, thing("", "8"));
    fake_say(f, EVENT_DELETED, thing("b", "9"));
    fake_end_watch(f);
    fake_say(f, EVENT_ADDED, thing("c", "10"));
    listen(f, &heard, false, &count);
    ck_assert_str_eq(heard.text, "Aa Ab Ma Db Ac ");
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(fake_requests(f, "list"),
                      1); /* the second watch goes on where the first ended */
    ck_assert_uint_eq(fake_requests(f, "watch"), 2);
}
END_TEST

START_TEST(informer_lists_again_when_expired)
{
    AUTO(fake) struct fake_host *f = fake_create();
    struct heard heard = {""};
    size_t count;
    fake_put(f, &kind_thing, thing("a", NULL));
    fake_say(f, EVENT_ADDED, thing("ghost", "7")); /* not in the store: the next list tells */
    fake_say(f, EVENT_ERROR, json_pack("{s:s,s:i}", "kind", "Status", "code", 410));
    listen(f, &heard, false, &count);
    ck_assert_str_eq(heard.text, "Aa Aghost Dghost ");
    ck_assert_uint_eq(fake_requests(f, "list"), 2);
    ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(informer_does_not_spin)
{
    AUTO(fake) struct fake_host *f = fake_create();
    struct heard heard = {""};
    size_t count;
    for (int i = 0; i < 8; i++)
        fake_end_watch(f);
    listen(f, &heard, false, &count);
    ck_assert_int_ge(f->now_ns - FAKE_START_NS, 60 * NS_PER_S);
}
END_TEST

static void bring_kind(struct fake_host *f, const struct api_request *req, void *cookie)
{
    (void)req, (void)cookie;
    if (f->count == 3)
        json_array_clear(f->absent);
}

START_TEST(informer_awaits_a_kind)
{
    AUTO(fake) struct fake_host *f = fake_create();
    struct heard heard = {""};
    size_t count;
    json_array_append_new(f->absent, json_string("things"));
    fake_put(f, &kind_thing, thing("a", NULL));
    f->hook = bring_kind;
    listen(f, &heard, true, &count);
    ck_assert_str_eq(heard.text, "Aa ");
}
END_TEST

/* ---- settings ---- */

static const struct {
    const char *name, *json;
    bool ok;
    const char *hint;
} settings[] = {
    {"none", "{}", true, NULL},
    {"all", "{\"size\": 3, \"on\": \"True\", \"every\": \"1m\", \"who\": \"x\"}", true, NULL},
    {"unknown", "{\"sise\": 3}", false, "did you mean 'size'?"},
    {"wrong type", "{\"size\": \"3\"}", false, NULL},
    {"bad duration", "{\"every\": \"soon\"}", false, NULL},
    {"no object", "[]", false, NULL},
};

START_TEST(config_is_strict)
{
    const char *who = "nobody";
    bool on = false;
    int64_t size = 1, every = 0;
    const struct config_setting known[] = {{"size", CONFIG_INT, &size},
                                           {"on", CONFIG_BOOL, &on},
                                           {"every", CONFIG_DURATION, &every},
                                           {"who", CONFIG_STRING, &who}};
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *v = json_read(settings[_i].json, strlen(settings[_i].json), "t", NULL);
    int r = config_read(v, known, ARRAY_LEN(known), &e);
    ck_assert_msg((r == 0) == settings[_i].ok, "%s: %s", settings[_i].name, e.msg ? e.msg : "ok");
    if (settings[_i].hint)
        ck_assert_str_eq(e.hint, settings[_i].hint);
    if (_i == 1)
        ck_assert(on && size == 3 && every == 60 * NS_PER_S && strcmp(who, "x") == 0);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "runtime",
        SUITE_CASE("runtime", TEST(queue_hands_out_once), TEST(queue_keeps_appointments),
                   EACH(queue_backs_off, backoffs), TEST(queue_shares_a_bucket),
                   EACH(client_sorts_answers, answers), TEST(client_tells_missing_kinds),
                   TEST(client_changes_again_after_conflicts), TEST(informer_follows_a_watch),
                   TEST(informer_lists_again_when_expired), TEST(informer_does_not_spin),
                   TEST(informer_awaits_a_kind), EACH(config_is_strict, settings)));
}
