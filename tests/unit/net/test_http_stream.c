/* Answers that go on: watches and their kind. */
#include "net/http_server.h"

#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "tests/unit/net/kit.h"
#include "tests/unit/suite.h"

#define WATCH "GET /watch HTTP/1.1\r\nHost: h\r\n\r\n"
#define OTHER "GET /other HTTP/1.1\r\nHost: h\r\n\r\n"

/* A producer: what it holds is given when asked for. */
struct source {
    struct kit *kit;
    struct http_exchange *exchange;
    struct strbuf held;
    size_t endless; /* so many bytes more that were never asked for */
    bool end;
    unsigned pulls, closed;
};

static int pull(void *cookie, struct strbuf *out, size_t max)
{
    struct source *s = cookie;
    size_t n = s->held.len;

    s->pulls++;
    ck_assert_uint_eq(s->closed, 0);
    strbuf_add(out, strbuf_str(&s->held), n);
    strbuf_reset(&s->held);
    if (s->endless && max > 0) {
        size_t more = s->endless < max ? s->endless : max;
        AUTO(mem) void *bytes = mem_alloc(more);

        memset(bytes, 'e', more);
        strbuf_add(out, bytes, more);
        s->endless -= more;
        return 1;
    }
    if (s->end)
        return -1;
    return n ? 1 : 0;
}

static void closed(void *cookie)
{
    struct source *s = cookie;

    s->closed++;
    s->exchange = NULL;
}

static void handle(void *cookie, struct http_exchange *x)
{
    static const struct http_stream_ops ops = {pull, closed};
    static const struct http_header headers[] = {{"Content-Type", "application/json"}};
    struct source *s = cookie;

    if (strcmp(http_target(x), "/watch") != 0) {
        http_reply(x, 200, NULL, 0, "other", 5);
        return;
    }
    s->exchange = x;
    http_reply_stream(x, 200, headers, 1, &ops, s);
}

static void produce(struct source *s, const char *text)
{
    strbuf_addstr(&s->held, text);
    http_stream_wake(s->exchange);
}

static void start(struct kit *k, struct source *s, struct client *c, struct http_limits limits)
{
    *s = (struct source){.kit = k};
    kit_init(k, (struct http_config){.handle = handle, .cookie = s, .limits = limits});
    client_connect(k, c);
    client_send(c, WATCH, strlen(WATCH));
}

static void finish(struct kit *k, struct source *s, struct client *c)
{
    client_close(c);
    kit_finish(k);
    ck_assert_uint_eq(s->closed, 1);
    strbuf_finish(&s->held);
}

static bool is_closed(void *cookie)
{
    struct source *s = cookie;

    return s->closed > 0;
}

static void check_got(const struct client *c, const char *want)
{
    AUTO(strbuf) struct strbuf got = {0};

    client_transcript(c, 0, &got);
    ck_assert_str_eq(strbuf_str(&got), want);
}

/* ---- life of a stream ---- */

START_TEST(events_as_they_come)
{
    struct kit k;
    struct source s;
    struct client c;

    start(&k, &s, &c, (struct http_limits){0});
    client_await(&c, "\r\n\r\n"); /* before there is any event */
    ck_assert_ptr_nonnull(strstr(strbuf_str(&c.got), "Transfer-Encoding: chunked"));
    check_got(&c, "200[...");
    for (int i = 0; i < 3; i++) {
        AUTO(str) char *event = mem_printf("event %d\n", i);
        produce(&s, event);
        client_await(&c, event);
    }
    s.end = true;
    produce(&s, "last\n");
    client_await(&c, "0\r\n\r\n");
    check_got(&c, "200[event 0\nevent 1\nevent 2\nlast\n]");
    kit_run(&k, is_closed, &s);
    /* The connection is good for another request. */
    client_send(&c, OTHER, strlen(OTHER));
    client_await(&c, "other");
    finish(&k, &s, &c);
}
END_TEST

START_TEST(waits_without_spinning)
{
    struct kit k;
    struct source s;
    struct client c;
    unsigned pulls;

    start(&k, &s, &c, (struct http_limits){0});
    client_await(&c, "\r\n\r\n");
    kit_turns(&k, 3);
    pulls = s.pulls;
    kit_turns(&k, 50);
    ck_assert_uint_eq(s.pulls, pulls);
    for (int i = 0; i < 5; i++)
        produce(&s, "x"); /* woken often, told once */
    client_await(&c, "xxxxx");
    ck_assert_uint_le(s.pulls, pulls + 4);
    finish(&k, &s, &c);
}
END_TEST

START_TEST(http_1_0_client)
{
    static const char request[] = "GET /watch HTTP/1.0\r\n\r\n";
    struct kit k;
    struct source s = {.kit = &k};
    struct client c;

    kit_init(&k, (struct http_config){.handle = handle, .cookie = &s});
    client_connect(&k, &c);
    client_send(&c, request, sizeof request - 1);
    client_await(&c, "\r\n\r\n");
    s.end = true;
    produce(&s, "all");
    client_await_eof(&c);
    check_got(&c, "200[all]");
    finish(&k, &s, &c);
}
END_TEST

START_TEST(head)
{
    static const char request[] = "HEAD /watch HTTP/1.1\r\nHost: h\r\n\r\n";
    struct kit k;
    struct source s = {.kit = &k};
    struct client c;

    kit_init(&k, (struct http_config){.handle = handle, .cookie = &s});
    client_connect(&k, &c);
    client_send(&c, request, sizeof request - 1);
    kit_run(&k, is_closed, &s);
    ck_assert_uint_eq(s.pulls, 0);
    finish(&k, &s, &c);
}
END_TEST

/* ---- clients that go, and a server that goes ---- */

START_TEST(client_hangs_up)
{
    struct kit k;
    struct source s;
    struct client c;

    start(&k, &s, &c, (struct http_limits){0});
    client_await(&c, "\r\n\r\n");
    if (_i == 1)
        produce(&s, "unread");
    shutdown(c.fd, _i == 2 ? SHUT_WR : SHUT_RDWR);
    kit_run(&k, is_closed, &s);
    finish(&k, &s, &c);
}
END_TEST

START_TEST(server_shuts_down)
{
    struct kit k;
    struct source s;
    struct client c;

    start(&k, &s, &c, (struct http_limits){0});
    client_await(&c, "\r\n\r\n");
    produce(&s, "one");
    http_server_shutdown(k.server, INT64_C(20000000000));
    ck_assert_uint_eq(http_server_connections(k.server), 0);
    client_await_eof(&c);
    check_got(&c, "200[one]");
    finish(&k, &s, &c);
}
END_TEST

START_TEST(server_is_destroyed)
{
    struct kit k;
    struct source s;
    struct client c;

    start(&k, &s, &c, (struct http_limits){0});
    client_await(&c, "\r\n\r\n");
    produce(&s, "one");
    http_server_destroy(TAKE(k.server));
    ck_assert_uint_eq(s.closed, 1);
    finish(&k, &s, &c);
}
END_TEST

/* ---- clients that do not read ---- */

START_TEST(a_large_stream)
{
    AUTO(strbuf) struct strbuf got = {0};
    struct kit k;
    struct source s = {.kit = &k, .endless = 5000000, .end = true};
    struct client c;

    kit_init(&k, (struct http_config){.handle = handle, .cookie = &s});
    client_connect(&k, &c);
    client_send(&c, WATCH, strlen(WATCH));
    client_await(&c, "\r\n0\r\n\r\n");
    client_transcript(&c, 0, &got);
    ck_assert_uint_eq(got.len, strlen("200[]") + 5000000);
    finish(&k, &s, &c);
}
END_TEST

START_TEST(slow_reader_holds_nobody_up)
{
    struct kit k;
    struct source s = {.kit = &k, .endless = 50000000};
    struct client slow, quick;

    kit_init(&k, (struct http_config){.handle = handle, .cookie = &s});
    client_connect(&k, &slow);
    client_stop_reading(&slow);
    client_send(&slow, WATCH, strlen(WATCH));
    kit_turns(&k, 20);
    for (int i = 0; i < 20; i++) {
        client_connect(&k, &quick);
        client_send(&quick, OTHER, strlen(OTHER));
        client_await(&quick, "other");
        client_close(&quick);
    }
    /* What it does not take stays with the producer. */
    ck_assert_uint_gt(s.endless, 45000000);
    finish(&k, &s, &slow);
}
END_TEST

/* A client that reads nothing is cut off, and holds no more than its limit until then. */
START_TEST(stuck_reader_is_cut_off)
{
    struct kit k;
    struct source s;
    struct client c;
    AUTO(str) char *event = mem_alloc(10001);
    size_t produced = 0;

    memset(event, 'v', 10000);
    event[10000] = '\0';
    start(&k, &s, &c, (struct http_limits){.stream_backlog = 100000, .stall_ms = 1});
    client_await(&c, "\r\n\r\n");
    client_stop_reading(&c);
    while (!s.closed && produced < 100000000) {
        produce(&s, event);
        produced += 10000;
        kit_turns(&k, 2);
    }
    ck_assert_uint_eq(s.closed, 1);
    /* What the sockets hold comes on top. */
    ck_assert_uint_lt(produced, 4000000);
    finish(&k, &s, &c);
}
END_TEST

/* One that lags and then reads gets everything. */
START_TEST(lagging_reader_gets_all)
{
    AUTO(strbuf) struct strbuf got = {0};
    struct kit k;
    struct source s;
    struct client c;
    AUTO(str) char *event = mem_alloc(10001);

    memset(event, 'v', 10000);
    event[10000] = '\0';
    start(&k, &s, &c, (struct http_limits){.stream_backlog = 100000, .stall_ms = 100000});
    client_await(&c, "\r\n\r\n");
    client_stop_reading(&c);
    for (int i = 0; i < 200; i++) {
        produce(&s, event);
        kit_turns(&k, 2);
    }
    client_read_again(&c);
    s.end = true;
    produce(&s, "last");
    client_await(&c, "\r\n0\r\n\r\n");
    client_transcript(&c, 0, &got);
    ck_assert_uint_eq(got.len, strlen("200[last]") + 2000000);
    finish(&k, &s, &c);
}
END_TEST

/* ---- many streams ---- */

enum { CROWD = 300 };

/* Each stream is one source of it; a request to /other writes to all. */
struct crowd {
    struct source all[CROWD];
    size_t open, size;
};

static void handle_crowd(void *cookie, struct http_exchange *x)
{
    struct crowd *w = cookie;

    if (strcmp(http_target(x), "/watch") == 0) {
        handle(&w->all[w->open++], x);
        return;
    }
    for (size_t i = 0; i < w->size; i++)
        if (w->all[i].exchange)
            produce(&w->all[i], "event\n");
    http_reply(x, 200, NULL, 0, "other", 5);
}

static bool crowd_is_open(void *cookie)
{
    return ((struct crowd *)cookie)->open == CROWD;
}

/* How many have not been asked for what they hold. */
static size_t unasked(const struct crowd *w)
{
    size_t n = 0;

    for (size_t i = 0; i < CROWD; i++)
        n += w->all[i].held.len > 0;
    return n;
}

static void end_crowd(struct crowd *w, struct client *c, const char *want)
{
    for (size_t i = 0; i < CROWD; i++) {
        w->all[i].end = true;
        produce(&w->all[i], "the end");
        client_await(&c[i], "\r\n0\r\n\r\n");
        check_got(&c[i], want);
        client_close(&c[i]);
        strbuf_finish(&w->all[i].held);
    }
}

/* In one turn of the loop, a part of a crowd is served; in the end all of it is. */
START_TEST(crowd)
{
    struct kit k;
    struct client c[CROWD], other;
    struct crowd w = {.size = CROWD};
    size_t most = 0, left = 0, before;

    kit_init(&k, (struct http_config){.handle = handle_crowd, .cookie = &w});
    for (size_t i = 0; i < CROWD; i++) {
        client_connect(&k, &c[i]);
        client_send(&c[i], WATCH, strlen(WATCH));
    }
    kit_run(&k, crowd_is_open, &w);
    for (size_t i = 0; i < CROWD; i++)
        client_await(&c[i], "\r\n\r\n");
    client_connect(&k, &other);
    client_send(&other, OTHER, strlen(OTHER));
    while (unasked(&w) == 0)
        kit_turns(&k, 1);
    for (before = CROWD; before > 0; before = left) {
        left = unasked(&w);
        most = before - left > most ? before - left : most;
        kit_turns(&k, 1);
    }
    ck_assert_uint_lt(most, CROWD);
    client_await(&other, "other");
    end_crowd(&w, c, "200[event\nthe end]");
    client_close(&other);
    kit_finish(&k);
}
END_TEST

/* The same with rounds that are held: nothing is lost, and requests are answered meanwhile. */
START_TEST(held_crowd)
{
    enum { EVENTS = 20 };
    struct kit k;
    struct client c[CROWD], other;
    struct crowd w = {.size = CROWD};
    AUTO(strbuf) struct strbuf want = {0};

    kit_init(&k, (struct http_config){
                     .handle = handle_crowd, .cookie = &w, .limits = {.hold_ms = 1000}});
    for (size_t i = 0; i < CROWD; i++) {
        client_connect(&k, &c[i]);
        client_send(&c[i], WATCH, strlen(WATCH));
    }
    kit_run(&k, crowd_is_open, &w);
    client_connect(&k, &other);
    for (int i = 0; i < EVENTS; i++) {
        strbuf_reset(&other.got);
        client_send(&other, OTHER, strlen(OTHER));
        client_await(&other, "other");
    }
    strbuf_addstr(&want, "200[");
    for (int i = 0; i < EVENTS; i++)
        strbuf_addstr(&want, "event\n");
    strbuf_addstr(&want, "the end]");
    end_crowd(&w, c, strbuf_str(&want));
    client_close(&other);
    kit_finish(&k);
}
END_TEST

/* A stream alone gets each event in the turn in which it comes, whatever may be held. */
START_TEST(lone_stream_is_not_held)
{
    struct kit k;
    struct source s;
    struct client c;

    start(&k, &s, &c, (struct http_limits){.hold_ms = 1000});
    client_await(&c, "\r\n\r\n");
    for (int i = 0; i < 100; i++) {
        AUTO(str) char *event = mem_printf("event %d\n", i);
        produce(&s, event);
        kit_turns(&k, 2);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&c.got), event));
    }
    finish(&k, &s, &c);
}
END_TEST

/* Nor when every turn brings another event, before or after its connection is looked at. */
START_TEST(busy_stream_is_not_starved)
{
    AUTO(strbuf) struct strbuf requests = {0};
    struct kit k;
    struct crowd w = {.size = 1};
    struct client c, other;

    kit_init(&k, (struct http_config){
                     .handle = handle_crowd, .cookie = &w, .limits = {.hold_ms = 1000}});
    if (_i == 0)
        client_connect(&k, &other);
    client_connect(&k, &c);
    if (_i == 1)
        client_connect(&k, &other);
    client_send(&c, WATCH, strlen(WATCH));
    client_await(&c, "\r\n\r\n");
    for (int i = 0; i < 100; i++)
        strbuf_addstr(&requests, OTHER);
    client_send(&other, strbuf_str(&requests), requests.len);
    kit_turns(&k, 10);
    ck_assert_uint_lt(client_answers(&other, 0), 100);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&c.got), "event\n"));
    w.all[0].end = true;
    produce(&w.all[0], "");
    client_await(&c, "\r\n0\r\n\r\n");
    client_close(&c);
    client_close(&other);
    kit_finish(&k);
    strbuf_finish(&w.all[0].held);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net.http_stream");
    TCase *tc = tcase_create("stream");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, events_as_they_come);
    tcase_add_test(tc, waits_without_spinning);
    tcase_add_test(tc, http_1_0_client);
    tcase_add_test(tc, head);
    tcase_add_loop_test(tc, client_hangs_up, 0, 3);
    tcase_add_test(tc, server_shuts_down);
    tcase_add_test(tc, server_is_destroyed);
    tcase_add_test(tc, a_large_stream);
    tcase_add_test(tc, slow_reader_holds_nobody_up);
    tcase_add_test(tc, stuck_reader_is_cut_off);
    tcase_add_test(tc, lagging_reader_gets_all);
    tcase_add_test(tc, crowd);
    tcase_add_test(tc, held_crowd);
    tcase_add_test(tc, lone_stream_is_not_held);
    tcase_add_loop_test(tc, busy_stream_is_not_starved, 0, 2);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
