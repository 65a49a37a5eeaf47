/* A client of HTTP/1.1 for benchmarks: keep-alive connections, one request at a time on each of
 * them, many of them at once. Whatever it does not expect ends the program. */
#ifndef VMCONFORM_BENCH_HTTP_CLIENT_H
#define VMCONFORM_BENCH_HTTP_CLIENT_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A server that a benchmark has started. */
struct served {
    pid_t pid;
    unsigned port;
    bool tls;
    char authorization[1024]; /* a header's value, or "" */
};
/* Starts argv on processor 0 (ours is another one, when there are two); its standard output is
 * *ret_out when that is asked for, else nowhere. */
pid_t served_spawn(char *const argv[], int *ret_out);
void served_stop(struct served *s);
unsigned served_free_port(void);
/* What it has used of its processor, and what it holds in memory. */
int64_t served_cpu_ns(const struct served *s);
size_t served_rss(const struct served *s);

struct conn {
    int fd;
    gnutls_session_t tls;
    gnutls_certificate_credentials_t credentials;
    char *in;
    size_t len;          /* of in: the head of an answer */
    size_t skip;         /* bytes of the body still to come */
    char last;           /* byte of a stream */
    size_t events, want; /* of a stream */
};
/* false: nobody listens. */
bool conn_open(struct conn *c, const struct served *s);
void conn_close(struct conn *c);
void conn_send(struct conn *c, const char *text, size_t len);
/* Waits for the answer, and returns its code. */
int conn_answer(struct conn *c);

/* Writes the request number i, and returns its length. */
typedef size_t request_fn(const struct served *s, size_t i, char *out, size_t max);
size_t request_text(const struct served *s, char *out, size_t max, const char *method,
                    const char *target, const char *body);
int conn_ask(struct conn *c, const struct served *s, const char *method, const char *target,
             const char *body);

/* `count` requests over `conns` connections; each must be answered with `want`. */
struct load {
    double wall_s, cpu_s; /* of the server */
};
struct load load_run(const struct served *s, size_t conns, size_t count, request_fn *fn, int want);

/* A stream whose head has come. */
void stream_open(struct conn *c, const struct served *s, const char *target);
/* Reads streams until each has told of the events that it wants. A line's end that is not HTTP's is
 * an event; so are the bodies of answers, which end with one. */
void streams_read(struct conn *conns, size_t count);

#endif
