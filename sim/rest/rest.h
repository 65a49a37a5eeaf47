/* Kubernetes' REST, as bytes: from one HTTP request to one HTTP answer, whatever carries them.
 *
 * Routing, options, content negotiation, decoding of bodies, transforms (Table,
 * PartialObjectMetadata), discovery, OpenAPI, health, version, authentication, watch framing
 * (kube-apiserver.md sections 1, 3, 4.4, 5, 7). What an object means is the pipeline's business
 * (sim/apiserver/). No socket is known here: net/http_server.h carries it, and tests call it
 * directly.
 *
 * Every input is hostile: URLs, headers, bodies, protobuf, YAML. Memory is bounded by a constant
 * times REST_BODY_MAX. */
#ifndef VMCONFORM_SIM_REST_REST_H
#define VMCONFORM_SIM_REST_REST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "kube/api.h"
#include "sim/apiserver/apiserver.h"
#include "sim/auth/auth.h"

#define REST_BODY_MAX (3u << 20) /* 413 above */

struct rest_header {
    const char *name, *value;
};

/* All borrowed for the duration of the call. */
struct rest_request {
    const char *method; /* "GET" */
    const char *target; /* path and query as on the request line, still escaped */
    const struct rest_header *headers;
    size_t header_count;
    const char *body;
    size_t body_len;
    const struct api_identity *certificate; /* whom a verified client certificate names, or NULL */
    const char *server_address;             /* "host:port" that the client reached, or NULL */
};
/* The first header of that name, in any case; NULL when absent. */
const char *rest_header(const struct rest_request *req, const char *name);

/* An answer under way. Zero-initialise; rest_answer_finish() frees. */
struct rest_answer {
    int code;
    struct rest_header *headers; /* owned, names and values too */
    size_t header_count, header_cap;
    struct strbuf body;
    struct rest_stream *stream; /* a watch: body holds nothing, the stream goes on */
};
void rest_answer_finish(struct rest_answer *a);
/* Replaces or adds. */
void rest_answer_header(struct rest_answer *a, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
const char *rest_answer_get(const struct rest_answer *a, const char *name);

/* Where the events of a watch come from when it is not the server's own stream: what next() gives
 * is borrowed until the next call; on_event tells when calling it makes sense again. */
struct rest_source_ops {
    bool (*next)(void *source, struct api_event *ret); /* false: nothing now */
    bool (*ended)(const void *source);
    void (*on_event)(void *source, void (*fn)(void *cookie), void *cookie);
    void (*close)(void *source);
};
struct rest_source {
    const struct rest_source_ops *ops; /* NULL: it could not be opened */
    void *source;
};

/* Where requests go: the pipeline itself, or a world with its faults, hooks and trace; those for
 * kinds that nobody serves too. request() and watch() may block when the caller runs on a fiber. */
struct rest_backend {
    void (*request)(void *cookie, const struct api_request *req, struct api_response *ret);
    struct rest_source (*watch)(void *cookie, const struct api_request *req,
                                struct api_response *ret_error);
    void *cookie;
    bool own_timeouts; /* watch() sees the client's: 0 when it names none */
};

struct rest_config {
    struct apiserver *server;
    struct sched *sched;
    struct rest_backend backend; /* zeroed: the server directly */
    struct auth *auth;           /* borrowed; NULL: everybody is the admin */
    const char *version;         /* "v1.32.0" to claim; NULL: the default */
    bool gzip;                   /* compress large answers when asked */
};
struct rest;
struct rest *rest_create(const struct rest_config *config);
void rest_destroy(struct rest *r);
DEFINE_CLEANUP(struct rest, rest, rest_destroy);

/* *ret must be zeroed, is always filled. */
void rest_handle(struct rest *r, const struct rest_request *req, struct rest_answer *ret);

/* ---- watches ---- */

enum rest_stream_state { REST_STREAM_DATA, REST_STREAM_WAIT, REST_STREAM_END };
/* Appends what can be sent now to *out, at most about max bytes (an event is never split). WAIT:
 * nothing now, on_data will be called. END: the stream is over, cleanly. */
enum rest_stream_state rest_stream_read(struct rest_stream *s, struct strbuf *out, size_t max);
/* fn(cookie) is called when reading makes sense again; it must not read itself. */
void rest_stream_on_data(struct rest_stream *s, void (*fn)(void *cookie), void *cookie);
/* Also after rest_destroy(), with which every stream is at its end. */
void rest_stream_close(struct rest_stream *s);
/* Ends all open streams, as a shutdown does: their next read says END. */
void rest_end_streams(struct rest *r);

#endif
