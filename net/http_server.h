/* An HTTP/1.1 server on a loop: libmicrohttpd, one thread, TLS through GnuTLS.
 *
 * The handler may answer at once or later, with a body or with a stream. A slow or stuck client
 * holds nobody up: what is waiting for it is bounded by stream_backlog, then its connection is
 * closed. */
#ifndef VMCONFORM_NET_HTTP_SERVER_H
#define VMCONFORM_NET_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "net/loop.h"

struct http_exchange;
struct http_server;

struct http_tls {
    const char *cert_pem, *key_pem; /* the server's, borrowed during creation */
    const char *client_ca_pem; /* clients may show a certificate of this authority; NULL: none */
};

struct http_limits {
    unsigned connections;    /* 0: 4096; more are refused with 503 or closed */
    size_t body_max;         /* 0: 3 MiB; more is answered by the handler's `too_large` */
    size_t bodies_max;       /* 0: 64 MiB of all bodies that are held; more is 503, unless small */
    size_t header_max;       /* 0: 64 KiB; more is 431 */
    unsigned idle_timeout_s; /* 0: 120; without a request under way */
    size_t stream_backlog;   /* 0: 1 MiB that a client of a stream has not taken; it has */
    unsigned stall_ms;       /* 0: 10000 to take half of it, then its connection is closed */
    unsigned hold_ms;        /* 0: none; how long what is new may wait after a round of many streams
                                (http_pace.h), so that several events of a stream go out at once */
};

struct http_config {
    struct loop *loop;
    const char *address;        /* "127.0.0.1:0", "[::1]:8080"; NULL with unix_path */
    const char *unix_path;      /* a socket made with mode 0600, replaced when stale */
    int listener;               /* in place of both: a socket of http_listener_open(); 0: none.
                                   The server has a copy of its own */
    const struct http_tls *tls; /* NULL: plain */
    struct http_limits limits;
    void (*handle)(void *cookie, struct http_exchange *x);
    void *cookie;
};

/* A socket that listens before there is a server, and between one and the next: clients that come
 * meanwhile wait. One of the two is NULL. *ret_address is new: "127.0.0.1:34567", or the path. The
 * descriptor, or -1. */
int http_listener_open(const char *address, const char *unix_path, char **ret_address,
                       struct err *reterr);

struct http_server *http_server_create(const struct http_config *config, struct err *reterr);
/* No new connections; answers under way get grace_ns of wall time, streams end cleanly. Runs the
 * loop until all connections have ended: not from one of its callbacks. */
void http_server_shutdown(struct http_server *s, int64_t grace_ns);
void http_server_destroy(struct http_server *s);
DEFINE_CLEANUP(struct http_server, http_server, http_server_destroy);
/* "127.0.0.1:34567", with the port that the system chose. Borrowed. */
const char *http_server_address(const struct http_server *s);
size_t http_server_connections(const struct http_server *s);

/* ---- one exchange; it lives until its answer has been sent or its client has gone ---- */

struct http_header {
    const char *name, *value;
};
const char *http_method(const struct http_exchange *x);
const char *http_target(const struct http_exchange *x); /* as on the request line: escapes kept */
const struct http_header *http_headers(const struct http_exchange *x, size_t *ret_count);
const char *http_body(const struct http_exchange *x, size_t *ret_len);
bool http_body_too_large(const struct http_exchange *x);
/* Subject of a verified client certificate: common name and organisations (NULL-terminated). false
 * when there is none. Borrowed. */
bool http_peer(const struct http_exchange *x, const char **ret_cn, const char *const **ret_orgs);

/* Answers. body is copied. */
void http_reply(struct http_exchange *x, int code, const struct http_header *headers, size_t count,
                const void *body, size_t len);
/* Begins a chunked answer; the headers are on their way before any data. pull() is asked for more
 * whenever the client has taken what it got: it appends to *out and returns 1, 0 (nothing now:
 * http_stream_wake() later), or -1 (the end). closed(cookie) is called once when the exchange ends,
 * whoever ended it; pull is not called afterwards. */
struct http_stream_ops {
    int (*pull)(void *cookie, struct strbuf *out, size_t max);
    void (*closed)(void *cookie);
};
void http_reply_stream(struct http_exchange *x, int code, const struct http_header *headers,
                       size_t count, const struct http_stream_ops *ops, void *cookie);
void http_stream_wake(struct http_exchange *x);
/* No answer at all: the connection is closed, as by a server that dies. x must not be used after.
 */
void http_abort(struct http_exchange *x);
/* For answers that come later: called once if the client goes before http_reply*(), after which x
 * must not be used. */
void http_on_abandoned(struct http_exchange *x, void (*fn)(void *cookie), void *cookie);

#endif
