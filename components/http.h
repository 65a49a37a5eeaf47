/* One exchange of HTTP between services, as both sides of it see it. */
#ifndef VMCONFORM_COMPONENTS_HTTP_H
#define VMCONFORM_COMPONENTS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define HTTP_BODY_MAX (4u << 20) /* of a request and of an answer; more is 413, or ERR_LIMIT */
#define HTTP_HEADERS_MAX 64u

/* Names in lower case, without the transport's own (content-length, connection, ...). */
struct http_field {
    const char *name, *value;
};

/* All borrowed for the duration of the call. */
struct http_request {
    const char *method; /* "GET" */
    const char *target; /* path and query as on the request line: escapes kept */
    const struct http_field *headers;
    size_t header_count;
    const char *body; /* NULL: none; may hold any bytes */
    size_t body_len;
};

/* What came back, or goes out. Everything is owned. */
struct http_reply {
    int code;
    struct http_field_own {
        char *name, *value;
    } * headers;
    size_t header_count;
    char *body; /* NULL: none; else with a NUL behind it */
    size_t body_len;
    int64_t queries; /* of a database that it took to make it; 0: none are told. For a simulation
                        that measures: HTTP does not carry it */
};

/* The value of the first header of that name; NULL: none. Borrowed. */
const char *http_request_header(const struct http_request *r, const char *name);
const char *http_reply_header(const struct http_reply *r, const char *name);
/* Whether a header belongs to the connection and not to the request or the answer. */
bool http_of_transport(const char *name);
/* Copies both texts. */
void http_reply_add(struct http_reply *r, const char *name, const char *value);
/* Copies the bytes. */
void http_reply_body(struct http_reply *r, const void *bytes, size_t len);
void http_reply_finish(struct http_reply *r);
static inline void cleanup_http_reply(struct http_reply *r)
{
    http_reply_finish(r);
}

#endif
