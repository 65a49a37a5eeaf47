/* One request and its answer. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "net/http_priv.h"

/* Bodies above the limit are read to their end, so that a client that writes before it reads gets
 * its answer; up to this many times the limit. */
#define DISCARD_TIMES 16
/* Bodies up to this always find room, so that those who hold large ones keep nobody out. */
#define BODY_SMALL (16u << 10)

/* ---- the request ---- */

/* Nobody asks libmicrohttpd for the parameters of a query: it would keep a note of each in the
 * connection's memory, and when there is no room for another it forgets the request without an
 * answer. The target lies in that memory, and is parsed after this call up to its end: none is
 * found when the query ends where it begins. */
static void hide_query(const char *target)
{
    char *query = strchr((char *)(uintptr_t)target, '?');

    if (query && query[1])
        query[1] = '\0';
}

void *http_exchange_begin(void *cookie, const char *target, struct MHD_Connection *mhd)
{
    struct http_conn *c = http_conn_of(mhd);
    size_t len = target ? strlen(target) : 0;
    struct http_exchange *x = mem_zalloc(sizeof *x + len + 1);

    (void)cookie;
    assert(c && !c->exchange);
    if (len) {
        memcpy(x->target, target, len);
        hide_query(target);
    }
    x->conn = c;
    c->exchange = x;
    return x;
}

/* libmicrohttpd leaves blanks at the end of a value. */
static const char *trimmed(struct http_exchange *x, const char *value)
{
    size_t len = strlen(value), all = len;

    while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
        len--;
    if (len == all)
        return value;
    x->trimmed = mem_grow(x->trimmed, &x->trimmed_cap, x->trimmed_count + 1, sizeof *x->trimmed);
    return x->trimmed[x->trimmed_count++] = mem_strndup(value, len);
}

static enum MHD_Result note_header(void *cookie, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    struct http_exchange *x = cookie;

    (void)kind;
    x->headers[x->header_count++] = (struct http_header){name, trimmed(x, value ? value : "")};
    return MHD_YES;
}

/* Names and values stay where they are until the exchange is over. */
static void note_headers(struct http_exchange *x)
{
    struct MHD_Connection *mhd = x->conn->mhd;
    int count = MHD_get_connection_values(mhd, MHD_HEADER_KIND, NULL, NULL);

    if (count <= 0)
        return;
    x->headers = mem_reallocarray(NULL, (size_t)count, sizeof *x->headers);
    MHD_get_connection_values(mhd, MHD_HEADER_KIND, note_header, x);
}

static const char *header(const struct http_exchange *x, const char *name)
{
    for (size_t i = 0; i < x->header_count; i++)
        if (strcasecmp(x->headers[i].name, name) == 0)
            return x->headers[i].value;
    return NULL;
}

static enum MHD_Result refuse(struct http_exchange *x, unsigned code, const char *text)
{
    const struct http_header headers[] = {{"Content-Type", "text/plain; charset=utf-8"},
                                          {"Retry-After", "1"}};

    x->state = EXCHANGE_ASKED;
    http_reply(x, (int)code, headers, code == MHD_HTTP_SERVICE_UNAVAILABLE ? 2 : 1, text,
               strlen(text));
    return MHD_YES;
}

static enum MHD_Result ask(struct http_exchange *x)
{
    struct http_server *s = x->conn->server;

    x->state = EXCHANGE_ASKED;
    s->handle(s->cookie, x);
    if (x->state == EXCHANGE_ASKED) {
        x->suspended = true;
        http_conn_suspend(x->conn);
    }
    return x->state == EXCHANGE_ABANDONED ? MHD_NO : MHD_YES;
}

/* An answer from here ends the connection, since libmicrohttpd then does not read the body. So it
 * is for requests that must not be read. */
static enum MHD_Result begin(struct http_exchange *x, const char *method)
{
    const struct http_limits *l = &x->conn->server->limits;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->conn->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    const char *length, *expect;
    unsigned long long announced;

    x->begun = true;
    x->method = method;
    note_headers(x);
    if (info && info->header_size > l->header_max)
        return refuse(x, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, "the headers are too large\n");
    if (!*x->target)
        return refuse(x, MHD_HTTP_BAD_REQUEST, "a request names what it wants\n");
    length = header(x, "Content-Length");
    announced = length ? strtoull(length, NULL, 10) : 0;
    if (announced <= l->body_max)
        return MHD_YES;
    x->too_large = true;
    expect = header(x, "Expect");
    if ((expect && strcasecmp(expect, "100-continue") == 0) ||
        announced / DISCARD_TIMES > l->body_max)
        return ask(x);
    return MHD_YES;
}

static void drop_body(struct http_exchange *x)
{
    x->conn->server->body_bytes -= x->body.cap;
    strbuf_finish(&x->body);
}

static bool has_room(const struct http_exchange *x, size_t more)
{
    const struct http_server *s = x->conn->server;

    return x->body.len + more <= BODY_SMALL || s->body_bytes + more <= s->limits.bodies_max;
}

static void keep_body(struct http_exchange *x, const char *bytes, size_t len)
{
    size_t before = x->body.cap;

    strbuf_add(&x->body, bytes, len);
    x->conn->server->body_bytes += x->body.cap - before;
}

static enum MHD_Result take_body(struct http_exchange *x, const char *bytes, size_t *len)
{
    size_t max = x->conn->server->limits.body_max;
    size_t n = *len;

    *len = 0;
    x->too_large = x->too_large || n > max - x->body.len;
    x->crowded = x->crowded || (!x->too_large && !has_room(x, n));
    if (!x->too_large && !x->crowded) {
        keep_body(x, bytes, n);
        return MHD_YES;
    }
    x->discarded += x->body.len + n;
    drop_body(x);
    return x->discarded / DISCARD_TIMES > max ? MHD_NO : MHD_YES;
}

static enum MHD_Result all_here(struct http_exchange *x)
{
    if (x->crowded && !x->too_large)
        return refuse(x, MHD_HTTP_SERVICE_UNAVAILABLE, "too many bodies at a time\n");
    return ask(x);
}

/* Called when the headers have come, then for each piece of the body, then when all is there. */
enum MHD_Result http_exchange_access(void *cookie, struct MHD_Connection *mhd, const char *url,
                                     const char *method, const char *version, const char *upload,
                                     size_t *upload_len, void **con_cls)
{
    struct http_exchange *x = *con_cls;

    (void)cookie;
    (void)mhd;
    (void)url;
    (void)version;
    if (x->state == EXCHANGE_ABANDONED)
        return MHD_NO;
    if (!x->begun)
        return begin(x, method);
    if (*upload_len)
        return take_body(x, upload, upload_len);
    return x->state == EXCHANGE_READING ? all_here(x) : MHD_YES;
}

const char *http_method(const struct http_exchange *x)
{
    return x->method;
}

const char *http_target(const struct http_exchange *x)
{
    return x->target;
}

const struct http_header *http_headers(const struct http_exchange *x, size_t *ret_count)
{
    *ret_count = x->header_count;
    return x->headers;
}

const char *http_body(const struct http_exchange *x, size_t *ret_len)
{
    *ret_len = x->body.len;
    return strbuf_str(&x->body);
}

bool http_body_too_large(const struct http_exchange *x)
{
    return x->too_large;
}

/* ---- the answer ---- */

/* What libmicrohttpd writes itself. */
static bool is_framing(const char *name)
{
    return strcasecmp(name, "Content-Length") == 0 || strcasecmp(name, "Transfer-Encoding") == 0 ||
           strcasecmp(name, "Connection") == 0;
}

void http_exchange_send(struct http_exchange *x, int code, const struct http_header *headers,
                        size_t count, struct MHD_Response *r)
{
    struct http_conn *c = x->conn;
    enum MHD_Result queued;

    assert(r);
    for (size_t i = 0; i < count; i++)
        if (!is_framing(headers[i].name))
            MHD_add_response_header(r, headers[i].name, headers[i].value);
    if (c->server->ending)
        MHD_add_response_header(r, "Connection", "close");
    queued = MHD_queue_response(c->mhd, (unsigned)code, r);
    assert(queued == MHD_YES);
    (void)queued;
    MHD_destroy_response(r);
    if (!x->suspended)
        return;
    x->suspended = false;
    http_conn_resume(c);
}

void http_reply(struct http_exchange *x, int code, const struct http_header *headers, size_t count,
                const void *body, size_t len)
{
    struct MHD_Response *r =
        MHD_create_response_from_buffer(len, (void *)(len ? body : ""), MHD_RESPMEM_MUST_COPY);

    assert(x->state == EXCHANGE_ASKED);
    x->state = EXCHANGE_ANSWERED;
    http_exchange_send(x, code, headers, count, r);
}

/* ---- the end ---- */

void http_abort(struct http_exchange *x)
{
    assert(x->state == EXCHANGE_ASKED);
    x->abandoned = NULL; /* whoever aborts knows */
    http_conn_close(x->conn);
}

void http_on_abandoned(struct http_exchange *x, void (*fn)(void *cookie), void *cookie)
{
    x->abandoned = fn;
    x->abandoned_cookie = cookie;
}

static void abandon(struct http_exchange *x)
{
    void (*fn)(void *cookie) = x->abandoned;

    x->state = EXCHANGE_ABANDONED;
    x->abandoned = NULL;
    if (fn)
        fn(x->abandoned_cookie);
}

void http_exchange_hangup(struct http_exchange *x)
{
    x->gone = true;
    if (x->state == EXCHANGE_ASKED)
        abandon(x);
    if (!x->suspended)
        return;
    x->suspended = false;
    http_conn_resume(x->conn);
}

void http_exchange_completed(void *cookie, struct MHD_Connection *mhd, void **con_cls,
                             enum MHD_RequestTerminationCode code)
{
    struct http_exchange *x = *con_cls;

    (void)cookie;
    (void)mhd;
    (void)code;
    *con_cls = NULL;
    if (!x)
        return;
    if (x->state == EXCHANGE_ASKED)
        abandon(x);
    if (x->state == EXCHANGE_STREAMING)
        http_stream_finish(x);
    x->conn->exchange = NULL;
    if (x->conn->server->ending)
        http_conn_end(x->conn);
    for (size_t i = 0; i < x->trimmed_count; i++)
        free(x->trimmed[i]);
    free(x->trimmed);
    free(x->headers);
    drop_body(x);
    free(x);
}
