/* Bytes in, bytes out: requests as clients write them, and what comes back. */
#include "net/http_server.h"

#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "tests/unit/net/kit.h"
#include "tests/unit/suite.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n"
#define ROOT GET("/") "\r\n"

/* ---- what the handlers do ---- */

static void echo(struct http_exchange *x)
{
    AUTO(strbuf) struct strbuf b = {0};
    struct http_header headers[] = {{"Content-Type", "text/plain"}, {"Content-Length", "1"}};
    size_t len, count;
    const char *body = http_body(x, &len);
    const struct http_header *h = http_headers(x, &count);

    strbuf_addf(&b, "%s %s", http_method(x), http_target(x));
    for (size_t i = 0; i < count; i++)
        if (h[i].name[0] == 'X')
            strbuf_addf(&b, " %s=%s", h[i].name, h[i].value);
    if (len)
        strbuf_addf(&b, " (%zu:%.20s)", len, body);
    if (http_body_too_large(x))
        strbuf_addstr(&b, " too large");
    http_reply(x, http_body_too_large(x) ? 413 : 200, headers, ARRAY_LEN(headers), b.data, b.len);
}

static void echo_later(void *cookie)
{
    echo(cookie);
}

static void handle(void *cookie, struct http_exchange *x)
{
    struct kit *k = cookie;
    const char *target = http_target(x);

    if (strncmp(target, "/later", 6) == 0)
        sched_post(k->sched, sched_now(k->sched) + 1000, echo_later, x);
    else if (strcmp(target, "/304") == 0)
        http_reply(x, 304, NULL, 0, NULL, 0);
    else if (strcmp(target, "/empty") == 0)
        http_reply(x, 200, NULL, 0, NULL, 0);
    else
        echo(x);
}

/* ---- the table ---- */

static const struct row {
    const char *name, *send, *want;
    unsigned bodiless;
    bool closes;
} rows[] = {
    {"a request", GET("/") "\r\n", "200[GET /]", 0, false},
    {"an empty line before it", "\r\n" GET("/a") "\r\n", "200[GET /a]", 0, false},
    {"escapes are kept", GET("/a%2Fb/%7e?x=%20y&z=%3D+%zz") "\r\n",
     "200[GET /a%2Fb/%7e?x=%20y&z=%3D+%zz]", 0, false},
    {"a fragment and many slashes", GET("//a///b?c?d#e") "\r\n", "200[GET //a///b?c?d#e]", 0,
     false},
    {"an absolute target", "GET http://h/p HTTP/1.1\r\nHost: h\r\n\r\n", "200[GET http://h/p]", 0,
     false},
    {"headers, also twice and empty",
     GET("/") "X-A: 1\r\nX-B:  two words \t\r\nX-A: 3\r\nX-D:\r\nX-E:  \r\n\r\n",
     "200[GET / X-A=1 X-B=two words X-A=3 X-D= X-E=]", 0, false},
    {"any method", "FROB /x HTTP/1.1\r\nHost: h\r\n\r\n", "200[FROB /x]", 0, false},
    {"a body", "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
     "200[POST /p (5:hello)]", 0, false},
    {"a body of nothing", "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
     "200[POST /p]", 0, false},
    {"a body of a GET", "GET /p HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi",
     "200[GET /p (2:hi)]", 0, false},
    {"chunks",
     "PUT /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
     "chunked\r\n\r\n3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\n\r\n",
     "200[PUT /p (13:abc0123456789)]", 0, false},
    {"chunks with trailers",
     "PUT /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: "
     "v\r\n\r\n" GET("/next") "\r\n",
     "200[PUT /p (1:a)]200[GET /next]", 0, false},
    {"a chunk that is none",
     "PUT /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400", 0, true},
    {"a chunk that is too long for its size",
     "PUT /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", "400",
     0, true},
    {"a chunk of 2^68 bytes",
     "PUT /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n100000000000000000\r\n",
     "413", 0, true},
    {"a length that is none", "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 1x\r\n\r\na", "400",
     0, true},
    {"a negative length", "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", "400", 0,
     true},
    {"keep-alive and pipelining",
     GET("/1") "\r\n" GET(
         "/later2") "\r\n"
                    "POST /3 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx" GET("/4") "\r\n",
     "200[GET /1]200[GET /later2]200[POST /3 (1:x)]200[GET /4]", 0, false},
    {"an answer that comes later", GET("/later") "\r\n", "200[GET /later]", 0, false},
    {"a body and an answer that comes later",
     "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello" GET("/2") "\r\n",
     "200[POST /later (5:hello)]200[GET /2]", 0, false},
    {"the last request", GET("/1") "Connection: close\r\n\r\n" GET("/2") "\r\n", "200[GET /1]", 0,
     true},
    {"HTTP/1.0", "GET /1 HTTP/1.0\r\n\r\n", "200[GET /1]", 0, true},
    {"HEAD", "HEAD /1 HTTP/1.1\r\nHost: h\r\n\r\n" GET("/2") "\r\n", "200[]200[GET /2]", 1, false},
    {"a code without a body", GET("/304") "\r\n" GET("/2") "\r\n", "304[]200[GET /2]", 0, false},
    {"a body of no bytes", GET("/empty") "\r\n" GET("/2") "\r\n", "200[]200[GET /2]", 0, false},
    {"100-continue",
     "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi",
     "100[]200[POST /p (2:hi)]", 0, false},
    {"100-continue of too much",
     "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 100001\r\nExpect: 100-continue\r\n\r\n",
     "413[POST /p too large]", 0, true},
    {"far too much is not read",
     "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000000\r\n\r\nabc",
     "413[POST /p too large]", 0, true},
    {"HTTP/1.1 without a host", "GET / HTTP/1.1\r\n\r\n", "400", 0, true},
    {"no target", "GET\r\n\r\n", "", 0, true},
    {"a space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", "", 0, true},
    {"no such version", "GET / HTTP/3.7\r\nHost: h\r\n\r\n", "505", 0, true},
    {"a version that is none", "GET / BLAH\r\nHost: h\r\n\r\n", "400", 0, true},
    {"a header without a colon", GET("/") "nonsense\r\n\r\n", "400", 0, true},
    {"TLS on a plain socket", "\x16\x03\x01\x01\x02\x01\r\n\r\n", "", 0, true},
};

struct expectation {
    struct client *client;
    const struct row *row;
    unsigned answers;
};

static bool answered(void *cookie)
{
    struct expectation *e = cookie;

    if (e->client->eof)
        return true;
    return !e->row->closes && client_answers(e->client, e->row->bodiless) >= e->answers;
}

static unsigned count_answers(const char *want)
{
    unsigned n = 0;

    for (const char *p = want; (p = strchr(p, ']')); p++)
        n++;
    return n;
}

static void check_row(const struct row *row, bool slowly)
{
    AUTO(strbuf) struct strbuf got = {0};
    struct kit k;
    struct client c;
    struct expectation e = {&c, row, count_answers(row->want)};

    kit_init(&k, (struct http_config){.handle = handle, .limits.body_max = 100000});
    client_connect(&k, &c);
    (slowly ? client_send_slowly : client_send)(&c, row->send, strlen(row->send));
    kit_run(&k, answered, &e);
    kit_turns(&k, 3);
    client_transcript(&c, row->bodiless, &got);
    /* What libmicrohttpd refuses has a page of its own; what is no HTTP at all has none. */
    if (*row->want && !strchr(row->want, '['))
        ck_assert_msg(strncmp(strbuf_str(&got), row->want, 3) == 0, "%s: got %s, want %s",
                      row->name, strbuf_str(&got), row->want);
    else
        ck_assert_msg(strcmp(strbuf_str(&got), row->want) == 0, "%s: got %s, want %s", row->name,
                      strbuf_str(&got), row->want);
    ck_assert_msg(c.eof == row->closes, "%s: the connection is %s", row->name,
                  c.eof ? "closed" : "open");
    client_close(&c);
    kit_finish(&k);
}

START_TEST(exchange)
{
    check_row(&rows[_i], false);
}
END_TEST

START_TEST(exchange_byte_by_byte)
{
    check_row(&rows[_i], true);
}
END_TEST

/* ---- limits ---- */

static const struct {
    const char *name;
    size_t target, header, headers, body, chunk; /* bytes; chunk 0: with a length */
    const char *want;
} limits[] = {
    {"a long target", 8000, 0, 0, 0, 0, "200"},
    {"a large header", 0, 60000, 1, 0, 0, "200"},
    {"a header that is too large", 0, 70000, 1, 0, 0, "431"},
    {"headers that are too large together", 0, 1000, 70, 0, 0, "431"},
    {"headers that are just small enough", 0, 1000, 60, 0, 0, "200"},
    {"a header without an end", 0, 5000000, 1, 0, 0, "431"},
    {"a target without an end", 5000000, 0, 0, 0, 0, "414"},
    {"a body of the limit", 0, 0, 0, 100000, 0, "200[POST / (100000:aaaaaaaaaaaaaaaaaaaa)]"},
    {"a body beyond it", 0, 0, 0, 100001, 0, "413[POST / too large]"},
    {"chunks up to the limit", 0, 0, 0, 100000, 1000, "200[POST / (100000:aaaaaaaaaaaaaaaaaaaa)]"},
    {"chunks beyond it", 0, 0, 0, 100001, 1000, "413[POST / too large]"},
    {"one chunk beyond it", 0, 0, 0, 700000, 700000, "413[POST / too large]"},
    {"chunks without an end", 0, 0, 0, 5000000, 5000, ""},
};

static void add_many(struct strbuf *b, char c, size_t count)
{
    AUTO(mem) void *bytes = mem_alloc(count + 1);

    memset(bytes, c, count);
    strbuf_add(b, bytes, count);
}

static void add_body(struct strbuf *b, size_t body, size_t chunk)
{
    if (chunk == 0)
        strbuf_addf(b, "Content-Length: %zu\r\n\r\n", body);
    else
        strbuf_addstr(b, "Transfer-Encoding: chunked\r\n\r\n");
    while (body > 0) {
        size_t n = chunk && chunk < body ? chunk : body;

        if (chunk)
            strbuf_addf(b, "%zx\r\n", n);
        add_many(b, 'a', n);
        if (chunk)
            strbuf_addstr(b, "\r\n");
        body -= n;
    }
    strbuf_addstr(b, chunk ? "0\r\n\r\n" : "");
}

static bool any_answer(void *cookie)
{
    struct client *c = cookie;

    return c->eof || client_answers(c, 0) > 0;
}

/* Sends it, and its answer is this, or begins so where `want` does not tell of a whole body. */
static void check_answer(const char *name, const struct strbuf *request, struct http_limits within,
                         const char *want)
{
    AUTO(strbuf) struct strbuf got = {0};
    struct kit k;
    struct client c;

    kit_init(&k, (struct http_config){.handle = handle, .limits = within});
    client_connect(&k, &c);
    client_send(&c, request->data, request->len);
    kit_run(&k, any_answer, &c);
    client_transcript(&c, 0, &got);
    ck_assert_msg(strncmp(strbuf_str(&got), want, strlen(want)) == 0 &&
                      (!strchr(want, ']') || got.len == strlen(want)),
                  "%s: got %.100s", name, strbuf_str(&got));
    client_close(&c);
    kit_finish(&k);
}

START_TEST(limit)
{
    AUTO(strbuf) struct strbuf b = {0};

    strbuf_addstr(&b, limits[_i].body ? "POST /" : "GET /");
    add_many(&b, 't', limits[_i].target);
    strbuf_addstr(&b, " HTTP/1.1\r\nHost: h\r\n");
    for (size_t i = 0; i < limits[_i].headers; i++) {
        strbuf_addf(&b, "Y-%zu: ", i);
        add_many(&b, 'h', limits[_i].header);
        strbuf_addstr(&b, "\r\n");
    }
    if (limits[_i].body)
        add_body(&b, limits[_i].body, limits[_i].chunk);
    else
        strbuf_addstr(&b, "\r\n");
    check_answer(limits[_i].name, &b, (struct http_limits){.body_max = 100000}, limits[_i].want);
}
END_TEST

/* ---- many small pieces ---- */

/* Each costs more memory than it has bytes where somebody notes it. Whatever becomes of them, there
 * is an answer. */
static const struct {
    const char *name, *before, *piece, *after;
    size_t count;
    const char *want;
} pieces[] = {
    {"parameters of a query", "/?", "a=b&", " HTTP/1.1\r\nHost: h\r\n\r\n", 3000, "200[GET /?a=b&"},
    {"empty parameters", "/?", "&", " HTTP/1.1\r\nHost: h\r\n\r\n", 9000, "200[GET /?&&"},
    {"headers", "/ HTTP/1.1\r\nHost: h\r\n", "A: b\r\n", "\r\n", 5000, "431"},
};

START_TEST(many_pieces)
{
    AUTO(strbuf) struct strbuf b = {0};

    strbuf_addf(&b, "GET %s", pieces[_i].before);
    for (size_t i = 0; i < pieces[_i].count; i++)
        strbuf_addstr(&b, pieces[_i].piece);
    strbuf_addstr(&b, pieces[_i].after);
    check_answer(pieces[_i].name, &b, (struct http_limits){0}, pieces[_i].want);
}
END_TEST

/* ---- many bodies at a time ---- */

#define POST_30000 "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 30000\r\n\r\n"

#define SMALL "POST /s HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"

static void send_letters(struct client *c, size_t count)
{
    AUTO(strbuf) struct strbuf b = {0};

    add_many(&b, 'a', count);
    client_send(c, b.data, b.len);
}

START_TEST(crowded)
{
    AUTO(strbuf) struct strbuf got = {0};
    struct kit k;
    struct client holder, other;

    kit_init(&k, (struct http_config){.handle = handle, .limits.bodies_max = 40000});
    client_connect(&k, &holder);
    client_connect(&k, &other);
    client_send(&holder, POST_30000, strlen(POST_30000));
    send_letters(&holder, 29999);
    kit_turns(&k, 5);
    /* No room for another large one, which is read and told so; small ones find some. */
    client_send(&other, POST_30000, strlen(POST_30000));
    send_letters(&other, 30000);
    client_await(&other, "too many bodies");
    ck_assert_ptr_nonnull(strstr(strbuf_str(&other.got), "Retry-After: 1\r\n"));
    client_send(&other, SMALL, strlen(SMALL));
    client_await(&other, "(2:hi)");
    send_letters(&holder, 1);
    client_await(&holder, "(30000:");
    /* Now there is. */
    client_send(&other, POST_30000, strlen(POST_30000));
    send_letters(&other, 30000);
    client_await(&other, "(30000:");
    client_transcript(&other, 0, &got);
    ck_assert_str_eq(strbuf_str(&got), "503[too many bodies at a time\n]200[POST /s (2:hi)]"
                                       "200[POST / (30000:aaaaaaaaaaaaaaaaaaaa)]");
    client_close(&holder);
    client_close(&other);
    kit_finish(&k);
}
END_TEST

/* Those who go give back what they held. */
START_TEST(crowd_goes)
{
    struct kit k;
    struct client c;

    kit_init(&k, (struct http_config){.handle = handle, .limits.bodies_max = 40000});
    for (int i = 0; i < 5; i++) {
        client_connect(&k, &c);
        client_send(&c, POST_30000, strlen(POST_30000));
        send_letters(&c, 29999);
        kit_turns(&k, 5);
        client_close(&c);
        kit_turns(&k, 5);
    }
    client_connect(&k, &c);
    client_send(&c, POST_30000, strlen(POST_30000));
    send_letters(&c, 30000);
    client_await(&c, "(30000:");
    client_close(&c);
    kit_finish(&k);
}
END_TEST

/* ---- clients that go ---- */

/* A client of a server that does not answer at once, and what becomes of its request. */
struct vanishing {
    struct kit kit;
    struct client client;
    struct http_exchange *exchange;
    unsigned abandoned;
};

static void note_abandoned(void *cookie)
{
    ((struct vanishing *)cookie)->abandoned++;
}

static void keep(void *cookie, struct http_exchange *x)
{
    struct vanishing *v = cookie;

    v->exchange = x;
    http_on_abandoned(x, note_abandoned, v);
}

static bool has_exchange(void *cookie)
{
    return ((struct vanishing *)cookie)->exchange != NULL;
}

static bool no_connection(void *cookie)
{
    return http_server_connections(((struct vanishing *)cookie)->kit.server) == 0;
}

static void ask(struct vanishing *v, void (*handler)(void *cookie, struct http_exchange *x),
                const char *request, size_t len)
{
    *v = (struct vanishing){.exchange = NULL};
    kit_init(&v->kit, (struct http_config){.handle = handler, .cookie = v});
    client_connect(&v->kit, &v->client);
    client_send(&v->client, request, len);
}

/* The client goes, and the server lets go of it. */
static void hang_up(struct vanishing *v)
{
    client_close(&v->client);
    kit_run(&v->kit, no_connection, v);
}

START_TEST(abandoned)
{
    struct vanishing v;

    ask(&v, keep, ROOT, strlen(ROOT));
    kit_run(&v.kit, has_exchange, &v);
    hang_up(&v);
    ck_assert_uint_eq(v.abandoned, 1);
    kit_finish(&v.kit);
    ck_assert_uint_eq(v.abandoned, 1);
}
END_TEST

/* A server that hangs up: in its handler, and when the client has waited. */
static void abort_at_once(void *cookie, struct http_exchange *x)
{
    struct vanishing *v = cookie;

    http_on_abandoned(x, note_abandoned, v);
    http_abort(x);
}

START_TEST(aborted)
{
    struct vanishing v;

    ask(&v, _i ? keep : abort_at_once, ROOT, strlen(ROOT));
    if (_i) {
        kit_run(&v.kit, has_exchange, &v);
        http_abort(v.exchange);
    }
    client_await_eof(&v.client);
    ck_assert_uint_eq(v.client.got.len, 0);
    hang_up(&v);
    ck_assert_uint_eq(v.abandoned, 0); /* whoever aborts knows */
    kit_finish(&v.kit);
}
END_TEST

/* The same, when the server is the one that goes. */
START_TEST(abandoned_by_the_server)
{
    struct vanishing v;

    ask(&v, keep, ROOT, strlen(ROOT));
    kit_run(&v.kit, has_exchange, &v);
    if (_i == 1) {
        http_server_shutdown(v.kit.server, 1000000);
        ck_assert_uint_eq(v.abandoned, 1);
    }
    http_server_destroy(TAKE(v.kit.server));
    ck_assert_uint_eq(v.abandoned, 1);
    client_close(&v.client);
    kit_finish(&v.kit);
}
END_TEST

/* An answer under way is waited for, an idle connection is not. */
START_TEST(shutdown_with_grace)
{
    AUTO(strbuf) struct strbuf got = {0};
    struct kit k;
    struct client busy, idle;

    kit_init(&k, (struct http_config){.handle = handle});
    client_connect(&k, &idle);
    client_connect(&k, &busy);
    client_send(&idle, ROOT, strlen(ROOT));
    client_await(&idle, "GET /");
    client_send(&busy, GET("/later") "\r\n", strlen(GET("/later") "\r\n"));
    kit_turns(&k, 3);
    http_server_shutdown(k.server, INT64_C(20000000000));
    ck_assert_uint_eq(http_server_connections(k.server), 0);
    client_await_eof(&busy);
    client_await_eof(&idle);
    client_transcript(&busy, 0, &got);
    ck_assert_str_eq(strbuf_str(&got), "200[GET /later]");
    client_close(&busy);
    client_close(&idle);
    kit_finish(&k);
}
END_TEST

/* Who sends no more still reads. Who closes all does not. */
START_TEST(half_closed)
{
    static const char two[] = GET("/1") "\r\n" GET("/2") "\r\n";
    AUTO(strbuf) struct strbuf got = {0};
    struct vanishing v;

    ask(&v, keep, two, sizeof two - 1);
    kit_run(&v.kit, has_exchange, &v);
    shutdown(v.client.fd, SHUT_WR);
    kit_turns(&v.kit, 10);
    ck_assert_uint_eq(v.abandoned, 0);
    if (_i == 1) {
        hang_up(&v);
        ck_assert_uint_eq(v.abandoned, 1);
        kit_finish(&v.kit);
        return;
    }
    http_reply(TAKE(v.exchange), 200, NULL, 0, "one", 3);
    kit_run(&v.kit, has_exchange, &v);
    kit_turns(&v.kit, 10);
    http_reply(TAKE(v.exchange), 200, NULL, 0, "two", 3);
    client_await_eof(&v.client);
    client_transcript(&v.client, 0, &got);
    ck_assert_str_eq(strbuf_str(&got), "200[one]200[two]");
    ck_assert_uint_eq(v.abandoned, 0);
    client_close(&v.client);
    kit_finish(&v.kit);
}
END_TEST

START_TEST(half_a_request)
{
    struct vanishing v;

    ask(&v, keep, rows[7].send, strlen(rows[7].send) - 1 - (size_t)_i * 3);
    kit_turns(&v.kit, 4);
    hang_up(&v);
    ck_assert_ptr_null(v.exchange);
    kit_finish(&v.kit);
}
END_TEST

int main(void)
{
    return SUITE_MAIN(
        "net.http",
        SUITE_LONG_CASE("http", 60, EACH(exchange, rows), EACH(exchange_byte_by_byte, rows),
                        EACH(limit, limits), EACH(many_pieces, pieces), TEST(crowded),
                        TEST(crowd_goes), TEST(abandoned), RANGE(aborted, 0, 2),
                        RANGE(abandoned_by_the_server, 0, 2), TEST(shutdown_with_grace),
                        RANGE(half_closed, 0, 2), RANGE(half_a_request, 0, 18)));
}
