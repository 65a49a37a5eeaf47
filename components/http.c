#include "components/http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

const char *http_request_header(const struct http_request *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (strcmp(r->headers[i].name, name) == 0)
            return r->headers[i].value;
    return NULL;
}

const char *http_reply_header(const struct http_reply *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (strcmp(r->headers[i].name, name) == 0)
            return r->headers[i].value;
    return NULL;
}

bool http_of_transport(const char *name)
{
    static const char *const names[] = {"connection", "content-length",    "expect",  "host",
                                        "keep-alive", "transfer-encoding", "upgrade", "te",
                                        "trailer",    "proxy-connection"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

void http_reply_add(struct http_reply *r, const char *name, const char *value)
{
    assert(r->header_count < HTTP_HEADERS_MAX);
    r->headers = mem_realloc(r->headers, (r->header_count + 1) * sizeof *r->headers);
    r->headers[r->header_count++] = (struct http_field_own){mem_strdup(name), mem_strdup(value)};
}

void http_reply_body(struct http_reply *r, const void *bytes, size_t len)
{
    assert(!r->body && len <= HTTP_BODY_MAX);
    r->body = mem_alloc(len + 1);
    if (len)
        memcpy(r->body, bytes, len);
    r->body[len] = '\0';
    r->body_len = len;
}

void http_reply_finish(struct http_reply *r)
{
    for (size_t i = 0; i < r->header_count; i++) {
        free(r->headers[i].name);
        free(r->headers[i].value);
    }
    free(r->headers);
    free(r->body);
    memset(r, 0, sizeof *r);
}
