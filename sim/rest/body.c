/* Bodies of requests: what they are written in, and what comes out of them (kube-apiserver.md 1.5).
 */
#include <ctype.h>
#include <string.h>

#include "base/yaml.h"
#include "kube/types/protobuf.h"
#include "sim/rest/rest_priv.h"

#define UNKNOWN_FORMAT                                                                             \
    "the body of the request was in an unknown format - accepted media types include: "

/* ---- the Content-Type header ---- */

/* The media type alone, in lower case; "" when it is none. New. */
static char *media_type(const char *header)
{
    size_t len = strcspn(header, ";");
    while (len && (header[len - 1] == ' ' || header[len - 1] == '\t'))
        len--;
    while (len && (*header == ' ' || *header == '\t'))
        header++, len--;
    char *out = mem_strndup(header, len);
    for (char *p = out; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return out;
}

static int unsupported(struct rest_call *c, const struct api_request *req, const char *accepted)
{
    struct api_response resp = {0};
    AUTO(str) char *message = mem_printf(UNKNOWN_FORMAT "%s", accepted);
    status_unsupported_media(&resp, message);
    return call_refuse(c, req, &resp);
}

static int object_media(struct rest_call *c, const struct api_request *req, enum media *ret)
{
    const char *header = rest_header(c->req, "Content-Type");
    bool custom = c->known && !c->type.builtin;
    *ret = MEDIA_JSON;
    if (!header || !*header)
        return 0;
    AUTO(str) char *type = media_type(header);
    for (unsigned m = MEDIA_JSON; m <= MEDIA_PROTOBUF; m++) {
        if (strcmp(type, media_name(m)) != 0 || (custom && m == MEDIA_PROTOBUF))
            continue;
        *ret = m;
        return 0;
    }
    return unsupported(
        c, req,
        custom ? "application/json, application/yaml"
               : "application/json, application/yaml, application/vnd.kubernetes.protobuf");
}

static int patch_media(struct rest_call *c, struct api_request *req)
{
    static const struct {
        const char *name;
        enum api_patch_type type;
    } known[] = {{"application/json-patch+json", PATCH_JSON},
                 {"application/merge-patch+json", PATCH_MERGE},
                 {"application/strategic-merge-patch+json", PATCH_STRATEGIC},
                 {"application/apply-patch+yaml", PATCH_APPLY}};
    const char *header = rest_header(c->req, "Content-Type");
    AUTO(str) char *type = media_type(header ? header : "");
    bool custom = c->known && !c->type.builtin;
    AUTO(strbuf) struct strbuf list = {0};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (custom && known[i].type == PATCH_STRATEGIC)
            continue;
        if (strcmp(type, known[i].name) == 0) {
            req->patch = known[i].type;
            return 0;
        }
        strbuf_addf(&list, "%s%s", list.len ? ", " : "", known[i].name);
    }
    return unsupported(c, req, strbuf_str(&list));
}

/* ---- what does not decode ---- */

/* The beginning of the body, as the server shows it: text when it looks like JSON, else hex. */
static char *summary(const char *data, size_t len)
{
    enum { SHOWN = 30 };
    AUTO(strbuf) struct strbuf out = {0};
    size_t shown = len < SHOWN ? len : SHOWN;
    if (len == 0)
        return mem_strdup("<empty>");
    if (*data == '{') {
        AUTO(str) char *clean = utf8_clean(data, shown);
        strbuf_addstr(&out, clean);
    } else {
        for (size_t i = 0; i < shown; i++)
            strbuf_addf(&out, "%02x", (unsigned char)data[i]);
    }
    if (len > shown)
        strbuf_addstr(&out, " ...");
    return strbuf_take(&out);
}

static int undecodable(struct rest_call *c, const struct api_request *req, const char *why)
{
    struct api_response resp = {0};
    if (req->verb == API_PATCH) {
        status_bad_request(&resp,
                           req->patch == PATCH_APPLY ? "error decoding YAML: %s"
                                                     : "error decoding patch: %s",
                           why);
        return call_refuse(c, req, &resp);
    }
    AUTO(str) char *shown = summary(c->req->body, c->req->body_len);
    const char *kind = req->verb == API_DELETE || req->verb == API_DELETE_COLLECTION
                           ? "DeleteOptions"
                       : c->known ? c->type.kind
                                  : "Object";
    status_bad_request(&resp,
                       "the object provided is unrecognized (must be of type %s): couldn't get "
                       "version/kind; json parse error: %s (%s)",
                       kind, why, shown);
    return call_refuse(c, req, &resp);
}

static int failed(struct rest_call *c, const struct api_request *req, struct err *e)
{
    AUTO(str) char *text = mem_strdup(e->msg ? e->msg : "");
    err_clear(e);
    return undecodable(c, req, text);
}

/* ---- decoding ---- */

static int read_json(struct rest_call *c, const struct api_request *req)
{
    struct err e = {0};
    AUTO(json) json_t *duplicates = NULL;
    c->body = json_read_last(c->req->body, c->req->body_len, "body", &duplicates, &e);
    if (!c->body)
        return failed(c, req, &e);
    for (size_t i = 0; i < json_array_size(duplicates); i++) {
        AUTO(str)
        char *text =
            mem_printf("duplicate field \"%s\"", json_string_value(json_array_get(duplicates, i)));
        if (!c->findings)
            c->findings = json_array();
        json_array_append_new(c->findings, json_string(text));
    }
    return 0;
}

static int read_yaml(struct rest_call *c, const struct api_request *req)
{
    /* Most of what comes as YAML is JSON, and the same to both readers. */
    const char *body = c->req->body;
    size_t len = c->req->body_len, skip = 0;
    while (skip < len && isspace((unsigned char)body[skip]))
        skip++;
    if (skip < len && body[skip] == '{') {
        AUTO(json) json_t *duplicates = NULL;
        AUTO(json) json_t *tried = json_read_last(body, len, "body", &duplicates, NULL);
        if (tried)
            return read_json(c, req);
    }
    AUTO(diags) struct diags diags = {0};
    AUTO(yaml) struct yaml_doc *doc = yaml_parse(body, len, "body", &diags);
    if (!doc) {
        const struct err *first = diags.count ? &diags.items[0].err : NULL;
        AUTO(str)
        char *why = mem_printf("error converting YAML to JSON: yaml: line %u: %s",
                               first ? first->pos.line : 0, first ? first->msg : "");
        return undecodable(c, req, why);
    }
    c->body = yaml_to_json(doc, yaml_node(doc, 0));
    return 0;
}

static int read_protobuf(struct rest_call *c, const struct api_request *req)
{
    struct err e = {0};
    c->body = protobuf_decode(c->req->body, c->req->body_len, &e);
    return c->body ? 0 : failed(c, req, &e);
}

static int too_large(struct rest_call *c, const struct api_request *req)
{
    struct api_response resp = {0};
    AUTO(str)
    char *message = mem_printf("Request entity too large: limit is %u", REST_BODY_MAX);
    fail_status(&resp, 413, "RequestEntityTooLarge", message, /* with_details= */ false);
    return call_refuse(c, req, &resp);
}

static int decode(struct rest_call *c, const struct api_request *req, enum media media)
{
    switch (media) {
    case MEDIA_JSON:
        return read_json(c, req);
    case MEDIA_YAML:
        return read_yaml(c, req);
    case MEDIA_PROTOBUF:
        return read_protobuf(c, req);
    }
    return -1;
}

int call_body(struct rest_call *c, struct api_request *req)
{
    bool deletes = req->verb == API_DELETE || req->verb == API_DELETE_COLLECTION;
    enum media media = MEDIA_JSON;
    if (req->verb == API_GET || req->verb == API_LIST || req->verb == API_WATCH)
        return 0;
    if (c->req->body_len > REST_BODY_MAX)
        return too_large(c, req);
    /* Commands may go without options: the pipeline tells whom it wants a body from. */
    bool command = c->known && req->subresource && (c->type.is_virtual || req->verb == API_CREATE);
    if ((deletes || command) && c->req->body_len == 0)
        return 0;
    if (req->verb == API_PATCH)
        media = req->patch == PATCH_APPLY ? MEDIA_YAML : MEDIA_JSON;
    else if (object_media(c, req, &media) < 0)
        return -1;
    if (decode(c, req, media) < 0)
        return -1;
    req->body = c->body;
    req->body_findings = c->findings;
    return 0;
}

int call_patch_type(struct rest_call *c, struct api_request *req)
{
    return req->verb == API_PATCH ? patch_media(c, req) : 0;
}
