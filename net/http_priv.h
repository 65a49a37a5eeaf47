/* What the files of the HTTP server share. Inside net/ only. */
#ifndef VMCONFORM_NET_HTTP_PRIV_H
#define VMCONFORM_NET_HTTP_PRIV_H

#include <microhttpd.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "net/http_pace.h"
#include "net/http_server.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_SEC INT64_C(1000000000)
#define HTTP_ORGANISATIONS_MAX 64

/* One connection of a client. Requests on it come one after the other. */
struct http_conn {
    struct http_server *server;
    struct MHD_Connection *mhd;
    struct loop_fd *hangup;         /* watches for the client's end while MHD does not */
    struct http_exchange *exchange; /* under way, or NULL */
    bool half_closed;               /* the client sends no more; it may still read */
    bool peer_known, peer_verified;
    char *cn;
    char *orgs[HTTP_ORGANISATIONS_MAX + 1];
    LIST_ENTRY(http_conn) link;
};

enum exchange_state {
    EXCHANGE_READING, /* the request is coming in */
    EXCHANGE_ASKED,   /* the handler has it */
    EXCHANGE_ANSWERED,
    EXCHANGE_STREAMING,
    EXCHANGE_ABANDONED, /* the client has gone before the answer: only to be closed */
};

struct http_exchange {
    struct http_conn *conn;
    enum exchange_state state;
    bool begun;     /* its headers are known */
    bool suspended; /* MHD does not look at the connection */
    bool gone;      /* the client has hung up */
    bool too_large;
    bool crowded; /* there was no room for its body */
    uint64_t discarded;
    const char *method;
    struct http_header *headers;
    size_t header_count;
    char **trimmed; /* values of headers that are copies */
    size_t trimmed_count, trimmed_cap;
    struct strbuf body;
    void (*abandoned)(void *cookie);
    void *abandoned_cookie;
    /* A stream. */
    const struct http_stream_ops *ops;
    void *stream_cookie;
    struct strbuf out;
    size_t out_taken; /* of out, by the client */
    bool dry;         /* pull had nothing more when it was asked last, and its round has not come */
    bool ended;       /* pull has said so, or the server shuts down */
    bool woken;       /* in server->woken */
    bool full;        /* in server->full: out has reached its limit */
    int64_t full_since; /* by the wall */
    TAILQ_ENTRY(http_exchange) of_woken, of_full;
    char target[];
};
TAILQ_HEAD(exchange_list, http_exchange);

struct http_server {
    struct loop *loop;
    struct http_limits limits;
    void (*handle)(void *cookie, struct http_exchange *x);
    void *cookie;
    struct MHD_Daemon *mhd;
    struct loop_fd *mhd_fd;
    bool tls, ending;
    bool resumed; /* some connection, which MHD must be told to look at */

    int listener;
    struct loop_fd *listener_fd;
    int64_t listen_again; /* by the wall: descriptors had run out; 0: it listens */
    char *address, *unix_path;
    uint64_t unix_dev, unix_ino;

    LIST_HEAD(, http_conn) conns;
    size_t conn_count;
    size_t body_bytes; /* memory of the bodies of all exchanges */
    struct exchange_list woken, full;
    size_t woken_count;
    struct strbuf spare; /* see http_stream.c */
    struct pace pace;    /* of the woken */
};

/* ---- listeners (http_listen.c) ---- */

int http_listen(struct http_server *s, const struct http_config *config, struct err *reterr);
void http_listen_stop(struct http_server *s);
/* Listens again when it is time. The wall time in ns until then, INT64_MAX: it does. */
int64_t http_listen_idle(struct http_server *s);

/* ---- connections (http_conn.c) ---- */

void http_conn_notify(void *cookie, struct MHD_Connection *mhd, void **socket_context,
                      enum MHD_ConnectionNotificationCode code);
struct http_conn *http_conn_of(struct MHD_Connection *mhd);
/* MHD looks away, the loop watches for the client's end. Only from a callback of MHD. */
void http_conn_suspend(struct http_conn *c);
void http_conn_resume(struct http_conn *c);
/* No request comes after this one. */
void http_conn_end(struct http_conn *c);
/* Whatever it is doing; it is freed when MHD comes to it. */
void http_conn_close(struct http_conn *c);

/* ---- exchanges (http_exchange.c) ---- */

void *http_exchange_begin(void *cookie, const char *target, struct MHD_Connection *mhd);
enum MHD_Result http_exchange_access(void *cookie, struct MHD_Connection *mhd, const char *url,
                                     const char *method, const char *version, const char *upload,
                                     size_t *upload_len, void **con_cls);
void http_exchange_completed(void *cookie, struct MHD_Connection *mhd, void **con_cls,
                             enum MHD_RequestTerminationCode code);
/* The client has gone while MHD did not look. */
void http_exchange_hangup(struct http_exchange *x);
/* Queues the answer, and lets MHD go on when it was suspended. Takes r over. */
void http_exchange_send(struct http_exchange *x, int code, const struct http_header *headers,
                        size_t count, struct MHD_Response *r);

/* ---- streams (http_stream.c) ---- */

/* What has been woken is asked for more, when its time has come; who has not taken anything for too
 * long is closed. Wall time in ns until it must be called again for those who take nothing. */
int64_t http_stream_idle(struct http_server *s);
/* And for those who have been woken. */
int64_t http_stream_wait(const struct http_server *s);
/* They end as soon as what they hold has been sent. */
void http_stream_end_all(struct http_server *s);
/* The exchange is over. */
void http_stream_finish(struct http_exchange *x);

#endif
