#include "components/fulfillment-service/rpc.h"

#include <jansson.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strbuf.h"
#include "base/utf8.h"

int rpc_http_status(enum rpc_code code)
{
    static const struct {
        enum rpc_code code;
        int status;
    } table[] = {
        {RPC_OK, 200},
        {RPC_CANCELLED, 499},
        {RPC_INVALID_ARGUMENT, 400},
        {RPC_NOT_FOUND, 404},
        {RPC_ALREADY_EXISTS, 409},
        {RPC_PERMISSION_DENIED, 403},
        {RPC_RESOURCE_EXHAUSTED, 429},
        {RPC_FAILED_PRECONDITION, 400},
        {RPC_ABORTED, 409},
        {RPC_UNIMPLEMENTED, 501},
        {RPC_UNAVAILABLE, 503},
        {RPC_UNAUTHENTICATED, 401},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].code == code)
            return table[i].status;
    return 500;
}

/* A message that repeats what a client sent may have been cut inside a character: that is left
 * out, since JSON has none of it. */
static void add_whole(struct strbuf *out, const char *message)
{
    for (size_t left = strlen(message); left > 0;) {
        size_t len = utf8_length(message, left);
        strbuf_add(out, message, len);
        len += len == 0;
        message += len;
        left -= len;
    }
}

char *rpc_error_body(enum rpc_code code, const char *message)
{
    AUTO(strbuf) struct strbuf text = {0};
    add_whole(&text, message);
    AUTO(json)
    json_t *body =
        json_pack("{s:i, s:s, s:[]}", "code", (int)code, "message", strbuf_str(&text), "details");
    return json_text(body);
}
