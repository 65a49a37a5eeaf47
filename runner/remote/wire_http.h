/* HTTP requests and answers as the JSON and the bytes of a frame (wire.h). */
#ifndef VMCONFORM_RUNNER_REMOTE_WIRE_HTTP_H
#define VMCONFORM_RUNNER_REMOTE_WIRE_HTTP_H

#include "components/http.h"
#include "runner/remote/wire.h"

/* Adds method, target, headers and body to an object; the bytes go beside it. */
void wire_put_request(json_t *json, const struct http_request *r);
void wire_put_reply(json_t *json, const struct http_reply *r);

/* A request that came. Its texts are the message's. */
struct wire_request {
    struct http_request request;
    struct http_field fields[HTTP_HEADERS_MAX];
};
/* false: it is none. Of the answer, *ret is new. */
bool wire_take_request(const struct wire_message *m, struct wire_request *ret);
bool wire_take_reply(const struct wire_message *m, struct http_reply *ret);

#endif
