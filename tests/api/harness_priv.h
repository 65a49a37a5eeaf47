/* What the files of the harness share. */
#ifndef VMCONFORM_TESTS_API_HARNESS_PRIV_H
#define VMCONFORM_TESTS_API_HARNESS_PRIV_H

#include "runner/serve.h"
#include "tests/api/harness.h"

struct conn;

/* The cluster of the row that runs. */
struct stage {
    const struct row *row;
    bool http;
    struct serve serve;   /* the world and what goes on in it */
    struct served served; /* the REST interface and what carries it */
    struct sched *sched;
    struct apiserver *server;
    struct apiserver *own_server; /* ROW_BARE */
    char *dir, *path;             /* of the socket */
    struct conn *conn;            /* of ordinary requests */
    struct answer *answers;
    struct watch *watches;
    char **texts;
    size_t text_count, text_cap;
    struct strbuf request; /* the last one, for complaints */
    const struct answer *last;
};
extern struct stage stage;

void stage_start(const struct row *row, bool http);
void stage_stop(void);
/* Gives a text to the row. */
char *stage_keep(char *text /* taken */);
/* ' to ", ` to ', in place. */
char *json_quotes(char *text);

/* ---- over HTTP (harness_http.c) ---- */

struct conn *conn_open(void);
void conn_close(struct conn *c);
void http_ask(const char *method, const char *target, const char *headers, const void *body,
              size_t len, struct answer *ret);
/* The same in two steps, on a connection of its own; conn_close() instead of the second cuts it. */
struct conn *http_begin(const char *method, const char *target, const char *headers,
                        const void *body, size_t len);
void http_end(struct conn *c, struct answer *ret);
/* What has come of a stream's data is appended; *ret_end: 1 the clean end has come, -1 the
 * connection was cut. */
void conn_read_stream(struct conn *c, struct strbuf *out, int *ret_end);
/* Some turns of the loop, without waiting. */
void loop_turns(unsigned turns);
/* Until done() says so, or for as long as anybody is patient: then false. */
bool loop_until(bool (*done)(void *cookie), void *cookie);

/* ---- over the interface (harness_ask.c) ---- */

void direct_ask(const char *method, const char *target, const char *headers, const void *body,
                size_t len, struct answer *ret);
struct errand;
/* In two steps, by an actor. The texts are the row's. */
struct errand *direct_begin(const char *method, const char *target, const char *headers,
                            const void *body, size_t len);
/* ret NULL: nobody waits for the answer. */
void direct_end(struct errand *e, struct answer *ret);
/* An answer that lives until the row ends. */
struct answer *answer_new(void);
/* Makes what came an answer that can be looked at. */
const struct answer *answer_done(struct answer *a);

/* ---- watches (harness_watch.c) ---- */

void watches_close(void);

#endif
