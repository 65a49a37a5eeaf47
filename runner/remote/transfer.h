/* HTTP requests of a process: several at once, on one thread (libcurl).
 *
 * Nothing calls back: whoever runs the transfers looks at them after each step. */
#ifndef VMCONFORM_RUNNER_REMOTE_TRANSFER_H
#define VMCONFORM_RUNNER_REMOTE_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "components/http.h"
#include "kube/url.h"

struct transfers;
struct transfer;

struct transfers *transfers_create(void);
/* No transfer may be left. */
void transfers_destroy(struct transfers *t);
DEFINE_CLEANUP(struct transfers, transfers, transfers_destroy);
/* Moves everything on as far as it goes. */
void transfers_step(struct transfers *t);
/* Waits until there is something to step, or fd (-1: none) can be read: true. */
bool transfers_wait(struct transfers *t, int fd, int wait_ms);
/* How many are under way. */
size_t transfers_running(const struct transfers *t);
/* After somebody else has moved them on: notes which are done. */
void transfers_note(struct transfers *t);
/* libcurl's own handle, for whoever runs it on a loop: a CURLM. */
void *transfers_multi(const struct transfers *t);

/* How a server is reached, and who asks. All borrowed for as long as transfers are made with it;
 * NULL: not given. */
struct transfer_server {
    const char *url;                            /* "https://host:port/prefix": targets follow */
    const char *unix_path;                      /* the socket that stands for the host */
    const char *ca_file, *cert_file, *key_file; /* PEM */
    const char *connect_to; /* "::HOST:PORT": where the host of the url really is */
    bool insecure;
    const char *token;
    const char *const *headers; /* "Name: value", NULL-terminated */
    bool fresh; /* a connection of its own: a request is never sent twice behind our back */
};
struct transfer *transfer_start(struct transfers *t, const struct transfer_server *server,
                                const struct api_call *call, struct err *reterr);
/* Ends it whatever it does. */
void transfer_end(struct transfer *x);
DEFINE_CLEANUP(struct transfer, transfer, transfer_end);

/* The same for any request and any answer. */
struct transfer *transfer_start_http(struct transfers *t, const struct transfer_server *server,
                                     const struct http_request *req, struct err *reterr);
/* Whether all headers of its answer are there. */
bool transfer_begun(const struct transfer *x);
bool transfer_has_bytes(const struct transfer *x);
/* What has come of the body since the last call; borrowed until the next step. NULL: nothing. */
const char *transfer_bytes(struct transfer *x, size_t *ret_len);
/* Of one that is done: the answer, with what nobody has taken of its body. */
int transfer_http_reply(struct transfer *x, struct http_reply *ret, struct err *reterr);

bool transfer_done(const struct transfer *x);
/* The code of the answer once its headers have come, else 0. */
int transfer_code(const struct transfer *x);
/* The length that the answer announces, of HEAD too; -1: none. */
int64_t transfer_length(const struct transfer *x);
bool transfer_has_line(const struct transfer *x);
/* The next line of the body, without its end: borrowed until the next call; NULL when there is
 * none.
 */
const char *transfer_line(struct transfer *x, size_t *ret_len);
/* Of one that is done: the answer, or why there is none. */
int transfer_answer(struct transfer *x, struct api_response *ret, struct err *reterr);
/* Why one that is done has failed; 0: it has not. */
int transfer_check(const struct transfer *x, struct err *reterr);

#endif
