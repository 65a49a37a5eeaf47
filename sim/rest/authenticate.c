/* Who asks: credentials, then whom they speak for. */
#include <string.h>
#include <strings.h>

#include "sim/rest/rest_priv.h"

/* More than any client sends; the rest is not looked at. */
#define HEADERS_MAX 128

static int impersonate(struct rest_call *c)
{
    struct auth_header headers[HEADERS_MAX];
    size_t count = 0;
    struct api_response refusal = {0};
    for (size_t i = 0; i < c->req->header_count && count < HEADERS_MAX; i++)
        if (strncasecmp(c->req->headers[i].name, "Impersonate-", 12) == 0)
            headers[count++] =
                (struct auth_header){c->req->headers[i].name, c->req->headers[i].value};
    if (count == 0)
        return 0;
    if (auth_impersonate(c->r->config.auth, c->identity, headers, count, &c->acting, &refusal) < 0)
        return answer_response(c, &refusal);
    if (c->acting.id.name)
        c->identity = &c->acting.id;
    return 0;
}

int call_authenticate(struct rest_call *c)
{
    struct api_response refusal = {0};
    const struct auth_credentials shown = {.authorization = rest_header(c->req, "Authorization"),
                                           .certificate = c->req->certificate};
    if (!c->r->config.auth)
        return 0;
    if (auth_authenticate(c->r->config.auth, &shown, &c->who, &refusal) < 0)
        return answer_response(c, &refusal);
    c->identity = &c->who.id;
    return impersonate(c);
}

static const char *lower_method(const struct rest_call *c)
{
    static const char *const names[] = {
        [METHOD_GET] = "get",      [METHOD_HEAD] = "head",   [METHOD_POST] = "post",
        [METHOD_PUT] = "put",      [METHOD_PATCH] = "patch", [METHOD_DELETE] = "delete",
        [METHOD_OTHER] = "options"};
    return names[c->method];
}

int call_authorize_path(struct rest_call *c)
{
    struct api_response refusal = {0};
    if (!c->identity || auth_check_path(c->r->config.auth, c->identity, lower_method(c),
                                        c->route.path, &refusal) == 0)
        return 0;
    return answer_response(c, &refusal);
}

void call_forget(struct rest_call *c)
{
    auth_identity_finish(&c->who);
    auth_identity_finish(&c->acting);
}
