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

/* A server, a client of it that has asked for something, and what its stream comes from. */
struct talk {
    struct kit kit;
    struct source source;
    struct client client;
};

static void ask(struct talk *t, const char *request, struct http_limits limits)
{
    t->source = (struct source){.kit = &t->kit};
    kit_init(&t->kit,
             (struct http_config){.handle = handle, .cookie = &t->source, .limits = limits});
    client_connect(&t->kit, &t->client);
    client_send(&t->client, request, strlen(request));
}

/* A stream that has begun. */
static void watch(struct talk *t, struct http_limits limits)
{
    ask(t, WATCH, limits);
    client_await(&t->client, "\r\n\r\n");
}

static void finish(struct talk *t)
{
    client_close(&t->client);
    kit_finish(&t->kit);
    ck_assert_uint_eq(t->source.closed, 1);
    strbuf_finish(&t->source.held);
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

/* The stream ends, and its transcript is so long. */
static void check_length(struct talk *t, size_t len)
{
    AUTO(strbuf) struct strbuf got = {0};

    client_await(&t->client, "\r\n0\r\n\r\n");
    client_transcript(&t->client, 0, &got);
    ck_assert_uint_eq(got.len, len);
}

/* An event of 10,000 bytes. New. */
static char *large_event(void)
{
    char *event = mem_alloc(10001);

    memset(event, 'v', 10000);
    event[10000] = '\0';
    return event;
}

/* ---- life of a stream ---- */

START_TEST(events_as_they_come)
{
    struct talk t;

    watch(&t, (struct http_limits){0}); /* its head comes before there is any event */
    ck_assert_ptr_nonnull(strstr(strbuf_str(&t.client.got), "Transfer-Encoding: chunked"));
    check_got(&t.client, "200[...");
    for (int i = 0; i < 3; i++) {
        AUTO(str) char *event = mem_printf("event %d\n", i);
        produce(&t.source, event);
        client_await(&t.client, event);
    }
    t.source.end = true;
    produce(&t.source, "last\n");
    client_await(&t.client, "0\r\n\r\n");
    check_got(&t.client, "200[event 0\nevent 1\nevent 2\nlast\n]");
    kit_run(&t.kit, is_closed, &t.source);
    /* The connection is good for another request. */
    client_send(&t.client, OTHER, strlen(OTHER));
    client_await(&t.client, "other");
    finish(&t);
}
END_TEST

START_TEST(waits_without_spinning)
{
    struct talk t;
    unsigned pulls;

    watch(&t, (struct http_limits){0});
    kit_turns(&t.kit, 3);
    pulls = t.source.pulls;
    kit_turns(&t.kit, 50);
    ck_assert_uint_eq(t.source.pulls, pulls);
    for (int i = 0; i < 5; i++)
        produce(&t.source, "x"); /* woken often, told once */
    client_await(&t.client, "xxxxx");
    ck_assert_uint_le(t.source.pulls, pulls + 4);
    finish(&t);
}
END_TEST

START_TEST(http_1_0_client)
{
    struct talk t;

    ask(&t, "GET /watch HTTP/1.0\r\n\r\n", (struct http_limits){0});
    client_await(&t.client, "\r\n\r\n");
    t.source.end = true;
    produce(&t.source, "all");
    client_await_eof(&t.client);
    check_got(&t.client, "200[all]");
    finish(&t);
}
END_TEST

START_TEST(head)
{
    struct talk t;

    ask(&t, "HEAD /watch HTTP/1.1\r\nHost: h\r\n\r\n", (struct http_limits){0});
    kit_run(&t.kit, is_closed, &t.source);
    ck_assert_uint_eq(t.source.pulls, 0);
    finish(&t);
}
END_TEST

/* ---- clients that go, and a server that goes ---- */

START_TEST(client_hangs_up)
{
    struct talk t;

    watch(&t, (struct http_limits){0});
    if (_i == 1)
        produce(&t.source, "unread");
    shutdown(t.client.fd, _i == 2 ? SHUT_WR : SHUT_RDWR);
    kit_run(&t.kit, is_closed, &t.source);
    finish(&t);
}
END_TEST

START_TEST(server_shuts_down)
{
    struct talk t;

    watch(&t, (struct http_limits){0});
    produce(&t.source, "one");
    http_server_shutdown(t.kit.server, INT64_C(20000000000));
    ck_assert_uint_eq(http_server_connections(t.kit.server), 0);
    client_await_eof(&t.client);
    check_got(&t.client, "200[one]");
    finish(&t);
}
END_TEST

START_TEST(server_is_destroyed)
{
    struct talk t;

    watch(&t, (struct http_limits){0});
    produce(&t.source, "one");
    http_server_destroy(TAKE(t.kit.server));
    ck_assert_uint_eq(t.source.closed, 1);
    finish(&t);
}
END_TEST

/* ---- clients that do not read ---- */

START_TEST(a_large_stream)
{
    struct talk t;

    ask(&t, WATCH, (struct http_limits){0});
    t.source.endless = 5000000;
    t.source.end = true;
    check_length(&t, strlen("200[]") + 5000000);
    finish(&t);
}
END_TEST

START_TEST(slow_reader_holds_nobody_up)
{
    struct talk t;
    struct client quick;

    ask(&t, WATCH, (struct http_limits){0});
    t.source.endless = 50000000;
    client_stop_reading(&t.client);
    kit_turns(&t.kit, 20);
    for (int i = 0; i < 20; i++) {
        client_connect(&t.kit, &quick);
        client_send(&quick, OTHER, strlen(OTHER));
        client_await(&quick, "other");
        client_close(&quick);
    }
    /* What it does not take stays with the producer. */
    ck_assert_uint_gt(t.source.endless, 45000000);
    finish(&t);
}
END_TEST

/* A client that reads nothing is cut off, and holds no more than its limit until then. */
START_TEST(stuck_reader_is_cut_off)
{
    struct talk t;
    AUTO(str) char *event = large_event();
    size_t produced = 0;

    watch(&t, (struct http_limits){.stream_backlog = 100000, .stall_ms = 1});
    client_stop_reading(&t.client);
    while (!t.source.closed && produced < 100000000) {
        produce(&t.source, event);
        produced += 10000;
        kit_turns(&t.kit, 2);
    }
    ck_assert_uint_eq(t.source.closed, 1);
    /* What the sockets hold comes on top. */
    ck_assert_uint_lt(produced, 4000000);
    finish(&t);
}
END_TEST

/* One that lags and then reads gets everything. */
START_TEST(lagging_reader_gets_all)
{
    struct talk t;
    AUTO(str) char *event = large_event();

    watch(&t, (struct http_limits){.stream_backlog = 100000, .stall_ms = 100000});
    client_stop_reading(&t.client);
    for (int i = 0; i < 200; i++) {
        produce(&t.source, event);
        kit_turns(&t.kit, 2);
    }
    client_read_again(&t.client);
    t.source.end = true;
    produce(&t.source, "last");
    check_length(&t, strlen("200[last]") + 2000000);
    finish(&t);
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

/* The whole crowd watches. */
static void begin_crowd(struct kit *k, struct crowd *w, struct client *c, struct http_limits limits)
{
    kit_init(k, (struct http_config){.handle = handle_crowd, .cookie = w, .limits = limits});
    for (size_t i = 0; i < CROWD; i++) {
        client_connect(k, &c[i]);
        client_send(&c[i], WATCH, strlen(WATCH));
    }
    kit_run(k, crowd_is_open, w);
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

    begin_crowd(&k, &w, c, (struct http_limits){0});
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

    begin_crowd(&k, &w, c, (struct http_limits){.hold_ms = 1000});
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
    struct talk t;

    watch(&t, (struct http_limits){.hold_ms = 1000});
    for (int i = 0; i < 100; i++) {
        AUTO(str) char *event = mem_printf("event %d\n", i);
        produce(&t.source, event);
        kit_turns(&t.kit, 2);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&t.client.got), event));
    }
    finish(&t);
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

/* A client that does not read, and whose producer writes to another stream when it is asked. */
struct pair {
    struct source lagging, busy; /* lagging is first: the source is the pair */
    unsigned turns;
};

static int pull_and_write(void *cookie, struct strbuf *out, size_t max)
{
    struct pair *p = cookie;

    if (p->lagging.endless)
        return pull(&p->lagging, out, max);
    produce(&p->busy, "event\n");
    return 0;
}

static void handle_pair(void *cookie, struct http_exchange *x)
{
    static const struct http_stream_ops ops = {pull_and_write, closed};
    struct pair *p = cookie;

    if (p->lagging.exchange) {
        handle(&p->busy, x);
        return;
    }
    p->lagging.exchange = x;
    http_reply_stream(x, 200, NULL, 0, &ops, p);
}

static int64_t wake_pair(void *cookie)
{
    struct pair *p = cookie;

    p->turns++;
    produce(&p->busy, "event\n");
    http_stream_wake(p->lagging.exchange);
    return 0;
}

/* Nor when another event comes in each turn just between its round and when its connection is
 * looked at: the lagging stream is asked in the same round behind it. */
START_TEST(stream_woken_in_its_round_is_not_starved)
{
    struct kit k;
    struct pair p = {.lagging.endless = 1u << 20};
    struct client slow, c;

    kit_init(
        &k, (struct http_config){.handle = handle_pair, .cookie = &p, .limits = {.hold_ms = 1000}});
    client_connect(&k, &slow);
    client_stop_reading(&slow);
    client_send(&slow, WATCH, strlen(WATCH));
    kit_turns(&k, 20);
    ck_assert_ptr_nonnull(p.lagging.exchange);
    client_connect(&k, &c);
    client_send(&c, WATCH, strlen(WATCH));
    client_await(&c, "\r\n\r\n");
    loop_on_idle(k.loop, wake_pair, &p);
    kit_turns(&k, 20);
    loop_not_idle(k.loop, wake_pair, &p);
    ck_assert_uint_ge(p.turns, 20);
    ck_assert_uint_eq(p.lagging.endless, 0); /* it is asked for more than the client takes */
    ck_assert_ptr_nonnull(strstr(strbuf_str(&c.got), "event\n"));
    client_close(&c);
    client_close(&slow);
    kit_finish(&k);
    ck_assert_uint_eq(p.busy.closed, 1);
    strbuf_finish(&p.busy.held);
    strbuf_finish(&p.lagging.held);
}
END_TEST

int main(void)
{
    return SUITE_MAIN(
        "net.http_stream",
        SUITE_LONG_CASE("stream", 60, TEST(events_as_they_come), TEST(waits_without_spinning),
                        TEST(http_1_0_client), TEST(head), RANGE(client_hangs_up, 0, 3),
                        TEST(server_shuts_down), TEST(server_is_destroyed), TEST(a_large_stream),
                        TEST(slow_reader_holds_nobody_up), TEST(stuck_reader_is_cut_off),
                        TEST(lagging_reader_gets_all), TEST(crowd), TEST(held_crowd),
                        TEST(lone_stream_is_not_held), RANGE(busy_stream_is_not_starved, 0, 2),
                        TEST(stream_woken_in_its_round_is_not_starved)));
}
