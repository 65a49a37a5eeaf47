/* A server and its clients on one loop: nothing waits for a thread, and nothing sleeps. */
#ifndef VMCONFORM_TESTS_UNIT_NET_KIT_H
#define VMCONFORM_TESTS_UNIT_NET_KIT_H

#include "base/strbuf.h"
#include "net/http_server.h"

struct kit {
    struct sched *sched;
    struct loop *loop;
    struct http_server *server;
    char dir[32];
    char *path; /* the server's socket */
};
/* config gives what is not the kit's own: limits, handler, TLS. cookie is the kit when NULL. */
void kit_init(struct kit *k, struct http_config config);
void kit_finish(struct kit *k);

struct client {
    struct kit *kit;
    int fd;
    struct loop_fd *watch;
    struct strbuf got;
    bool reads, eof;
};
void client_connect(struct kit *k, struct client *c);
/* Whatever cannot be sent at once is lost: the server has closed. */
void client_send(struct client *c, const void *bytes, size_t len);
/* Sends a byte at a time, each after the server has seen the one before. */
void client_send_slowly(struct client *c, const void *bytes, size_t len);
void client_stop_reading(struct client *c);
void client_read_again(struct client *c);
void client_close(struct client *c);

/* Runs the loop until done(cookie); fails when that takes seconds. */
typedef bool done_fn(void *cookie);
void kit_run(struct kit *k, done_fn *done, void *cookie);
/* Some turns of the loop, without waiting. */
void kit_turns(struct kit *k, unsigned turns);
/* Until the client has got this text, or the end. */
void client_await(struct client *c, const char *text);
void client_await_eof(struct client *c);

/* What the client got, as "200[body]404[body]"; chunks are put together ("..." when the end is
 * missing), "!" stands for bytes that are no answer. The first `bodiless` answers have no body
 * whatever they say. */
void client_transcript(const struct client *c, unsigned bodiless, struct strbuf *out);
/* How many whole answers came. */
unsigned client_answers(const struct client *c, unsigned bodiless);

#endif
