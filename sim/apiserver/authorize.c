/* Who may: the server asks its authoriser, and writes the refusal (section 7.3). */
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "kube/names.h"
#include "kube/selector.h"
#include "kube/status.h"
#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/call_priv.h"
#include "sim/apiserver/names_priv.h"
#include "sim/apiserver/server_priv.h"

void apiserver_set_authorizer(struct apiserver *a, authorizer_fn *fn, void *cookie)
{
    a->authorizer = fn;
    a->authorizer_cookie = cookie;
}

bool apiserver_may(const struct apiserver *a, const struct api_attributes *what, char **ret_reason)
{
    *ret_reason = NULL;
    return !a->authorizer || a->authorizer(a->authorizer_cookie, what, ret_reason);
}

/* What people wrote and browsers may show: & < > are escaped. The reason is the authoriser's own.
 */
static void add_escaped(struct strbuf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '&')
            strbuf_addstr(out, "&amp;");
        else if (*text == '<')
            strbuf_addstr(out, "&lt;");
        else if (*text == '>')
            strbuf_addstr(out, "&gt;");
        else
            strbuf_addch(out, *text);
    }
}

static void describe(struct strbuf *out, const struct api_attributes *what)
{
    strbuf_addstr(out, "User ");
    status_quote(out, what->identity->name, strlen(what->identity->name));
    strbuf_addf(out, " cannot %s ", what->verb);
    if (what->path) {
        strbuf_addstr(out, "path ");
        status_quote(out, what->path, strlen(what->path));
        return;
    }
    strbuf_addf(out, "resource \"%s%s%s\" in API group \"%s\" ", what->plural,
                what->subresource ? "/" : "", what->subresource ? what->subresource : "",
                what->group ? what->group : "");
    if (what->ns)
        strbuf_addf(out, "in the namespace \"%s\"", what->ns);
    else
        strbuf_addstr(out, "at the cluster scope");
}

int apiserver_refuse(const struct api_attributes *what, const char *reason,
                     struct api_response *ret)
{
    AUTO(strbuf) struct strbuf plain = {0};
    AUTO(strbuf) struct strbuf why = {0};
    describe(&plain, what);
    add_escaped(&why, strbuf_str(&plain));
    if (reason && *reason)
        strbuf_addf(&why, ": %s", reason);
    const struct api_resource r = {what->group, what->version, what->path ? NULL : what->plural};
    return status_forbidden(ret, &r, what->name, strbuf_str(&why));
}

/* A list or watch of the object of one name is asked about with that name. New, or NULL. */
static char *selected_name(const struct api_request *req, enum api_verb verb)
{
    if (req->name || !req->field_selector || (verb != API_LIST && verb != API_WATCH))
        return NULL;
    struct err e = {0};
    AUTO(field_selector) struct field_selector *s = field_selector_parse(req->field_selector, &e);
    err_clear(&e);
    const char *name = s ? field_selector_requires(s, "metadata.name") : NULL;
    return name && *name && !name_check_path_segment(name) ? mem_strdup(name) : NULL;
}

/* A namespace's own name is the namespace in which it is asked about. */
static const char *asked_namespace(const struct api_request *req)
{
    if (req->ns && *req->ns)
        return req->ns;
    bool own = req->name && strcmp(req->resource.plural, "namespaces") == 0 &&
               (!req->resource.group || !*req->resource.group);
    return own ? req->name : NULL;
}

int call_authorize(struct apiserver *a, const struct api_request *req, enum api_verb verb,
                   struct api_response *ret)
{
    if (!a->authorizer)
        return 0;
    AUTO(str) char *selected = selected_name(req, verb);
    const struct api_identity by_name = {.name = req->user ? req->user : ADMIN_USER};
    const struct api_attributes what = {.identity = req->identity ? req->identity : &by_name,
                                        .verb = api_verb_name(verb),
                                        .group = req->resource.group ? req->resource.group : "",
                                        .version = req->resource.version,
                                        .plural = req->resource.plural,
                                        .subresource = req->subresource,
                                        .ns = asked_namespace(req),
                                        .name = selected ? selected : req->name};
    AUTO(str) char *reason = NULL;
    if (apiserver_may(a, &what, &reason))
        return 0;
    return apiserver_refuse(&what, reason, ret);
}

int apiserver_authorize(struct apiserver *a, const struct api_request *req,
                        struct api_response *ret)
{
    return call_authorize(a, req, req->verb, ret);
}
