/* See url.h. The names of parameters are those of metav1's options. */
#include "kube/url.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "kube/meta.h"
#include "kube/status.h"

/* ---- the target ---- */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("-._~", c);
}

static void add_escaped(struct strbuf *out, const char *text)
{
    for (; *text; text++) {
        if (is_plain(*text))
            strbuf_addch(out, *text);
        else
            strbuf_addf(out, "%%%02X", (unsigned char)*text);
    }
}

static void add_segment(struct strbuf *out, const char *text)
{
    if (!text || !*text)
        return;
    strbuf_addch(out, '/');
    add_escaped(out, text);
}

static void add_path(struct strbuf *out, const struct api_request *req)
{
    const struct api_resource *r = &req->resource;

    strbuf_addstr(out, *r->group ? "/apis" : "/api");
    add_segment(out, r->group);
    add_segment(out, r->version);
    if (req->ns && *req->ns) {
        add_segment(out, "namespaces");
        add_segment(out, req->ns);
    }
    add_segment(out, r->plural);
    add_segment(out, req->name);
    add_segment(out, req->subresource);
}

/* The query under construction: its first parameter follows a question mark. */
struct query {
    struct strbuf *out;
    bool any;
};

static void add_text(struct query *q, const char *name, const char *value)
{
    if (!value)
        return;
    strbuf_addf(q->out, "%c%s=", q->any ? '&' : '?', name);
    add_escaped(q->out, value);
    q->any = true;
}

static void add_number(struct query *q, const char *name, int64_t value)
{
    char text[24];

    if (value == 0)
        return;
    snprintf(text, sizeof text, "%" PRId64, value);
    add_text(q, name, text);
}

static void add_flag(struct query *q, const char *name, bool value)
{
    add_text(q, name, value ? "true" : NULL);
}

static void add_list_options(struct query *q, const struct api_request *req)
{
    add_text(q, "labelSelector", req->label_selector);
    add_text(q, "fieldSelector", req->field_selector);
    add_text(q, "resourceVersion", req->resource_version);
    add_text(q, "resourceVersionMatch", req->resource_version_match);
    add_text(q, "continue", req->continue_token);
    add_number(q, "limit", req->limit);
    if (req->verb != API_WATCH)
        return;
    add_flag(q, "watch", true);
    add_number(q, "timeoutSeconds", req->timeout_s);
    add_flag(q, "allowWatchBookmarks", req->allow_bookmarks);
    add_flag(q, "sendInitialEvents", req->send_initial_events);
    if (req->no_initial_events && !req->send_initial_events)
        add_text(q, "sendInitialEvents", "false");
}

static void add_write_options(struct query *q, const struct api_request *req)
{
    static const char *const words[] = {
        [VALIDATION_IGNORE] = "Ignore", [VALIDATION_WARN] = "Warn", [VALIDATION_STRICT] = "Strict"};

    add_text(q, "fieldManager", req->field_manager);
    add_text(q, "fieldValidation", words[req->field_validation]);
    add_text(q, "dryRun", req->dry_run ? "All" : NULL);
    if (req->verb == API_PATCH && req->patch == PATCH_APPLY)
        add_flag(q, "force", req->force);
}

static void add_delete_options(struct query *q, const struct api_request *req)
{
    if (req->verb == API_DELETE_COLLECTION)
        add_list_options(q, req);
    if (req->body)
        return; /* the query is not looked at then */
    add_text(q, "propagationPolicy", req->propagation_policy);
    add_text(q, "dryRun", req->dry_run ? "All" : NULL);
}

static void add_query(struct strbuf *out, const struct api_request *req)
{
    struct query q = {out, false};

    switch (req->verb) {
    case API_GET:
        add_text(&q, "resourceVersion", req->resource_version);
        break;
    case API_LIST:
    case API_WATCH:
        add_list_options(&q, req);
        break;
    case API_CREATE:
    case API_UPDATE:
    case API_PATCH:
        add_write_options(&q, req);
        break;
    case API_DELETE:
    case API_DELETE_COLLECTION:
        add_delete_options(&q, req);
        break;
    case API_VERB_COUNT:
        break;
    }
}

/* ---- the call ---- */

static const char *method_of(enum api_verb verb)
{
    static const char *const methods[API_VERB_COUNT] = {
        [API_GET] = "GET",     [API_LIST] = "GET",
        [API_CREATE] = "POST", [API_UPDATE] = "PUT",
        [API_PATCH] = "PATCH", [API_DELETE] = "DELETE",
        [API_WATCH] = "GET",   [API_DELETE_COLLECTION] = "DELETE"};

    return methods[verb];
}

static const char *content_type_of(enum api_patch_type patch)
{
    switch (patch) {
    case PATCH_JSON:
        return "application/json-patch+json";
    case PATCH_MERGE:
        return "application/merge-patch+json";
    case PATCH_STRATEGIC:
        return "application/strategic-merge-patch+json";
    case PATCH_APPLY:
        return "application/apply-patch+yaml"; /* JSON is YAML */
    case PATCH_NONE:
        break;
    }
    return "application/json";
}

static bool sends_body(const struct api_request *req)
{
    return req->body && req->verb != API_GET && req->verb != API_LIST && req->verb != API_WATCH;
}

/* Options of a delete that has a body stand in it. New. */
static json_t *body_of(const struct api_request *req)
{
    json_t *copy;
    bool deletes = req->verb == API_DELETE || req->verb == API_DELETE_COLLECTION;

    if (!deletes || !(req->propagation_policy || req->dry_run))
        return json_incref((json_t *)req->body);
    copy = json_copy((json_t *)req->body);
    if (req->propagation_policy && !json_object_get(copy, "propagationPolicy"))
        json_put_str(copy, "propagationPolicy", req->propagation_policy);
    if (req->dry_run)
        json_object_set_new(copy, "dryRun", json_pack("[s]", "All"));
    return copy;
}

void api_call_make(const struct api_request *req, struct api_call *ret)
{
    struct strbuf target = {0}, body = {0};

    *ret = (struct api_call){.method = method_of(req->verb)};
    add_path(&target, req);
    add_query(&target, req);
    ret->target = strbuf_take(&target);
    if (!sends_body(req))
        return;
    ret->content_type = content_type_of(req->verb == API_PATCH ? req->patch : PATCH_NONE);
    AUTO(json) json_t *json = body_of(req);
    json_write(&body, json, JSON_TIGHT);
    ret->body_len = body.len;
    ret->body = strbuf_take(&body);
}

void api_call_finish(struct api_call *c)
{
    free(c->target);
    free(c->body);
    *c = (struct api_call){0};
}

/* ---- answers ---- */

#define SHOWN_MAX 200

static bool is_failure(int code)
{
    return code < 200 || code > 299;
}

/* A proxy, a router or something else has answered in words of its own. */
static void status_of_text(int code, const char *body, size_t len, struct api_response *ret)
{
    size_t shown = len < SHOWN_MAX ? len : SHOWN_MAX;
    AUTO(str) char *text = mem_strndup(body, shown);
    AUTO(json) json_t *valid = NULL;

    if (code == 404) {
        status_no_resource(ret);
        return;
    }
    while (shown && strchr(" \n\r", text[shown - 1]))
        text[--shown] = '\0';
    valid = json_string(text); /* NULL: not UTF-8 */
    ret->code = code;
    ret->body = json_pack(
        "{s:s, s:s, s:s, s:s, s:i}", "kind", "Status", "apiVersion", "v1", "status", "Failure",
        "message", valid && *text ? text : "the server answered without a Status", "code", code);
}

int api_answer_read(int code, const char *body, size_t len, struct api_response *ret,
                    struct err *reterr)
{
    AUTO(err) struct err e = {0};

    ret->code = code;
    ret->body = json_read(body, len, "answer", &e);
    if (json_is_object(ret->body))
        return 0;
    json_decref(TAKE(ret->body));
    if (is_failure(code)) {
        status_of_text(code, body, len, ret);
        return 0;
    }
    ret->code = 0;
    return err_set(reterr, ERR_IO, NO_POS, "the server's answer cannot be read: %s",
                   e.msg ? e.msg : "it is no object");
}

void api_answer_warning(struct api_response *ret, const char *header)
{
    struct strbuf text = {0};
    const char *p = header + strspn(header, " ");

    if (strncmp(p, "299 ", 4) != 0 || !(p = strchr(p, '"')))
        return;
    for (p++; *p && *p != '"'; p++) {
        if (*p == '\\' && p[1])
            p++;
        strbuf_addch(&text, *p);
    }
    if (text.len)
        api_response_warn(ret, "%s", strbuf_str(&text));
    strbuf_finish(&text);
}

/* ---- watches ---- */

int api_event_read(const char *line, size_t len, struct api_event *ret, struct err *reterr)
{
    AUTO(json) json_t *event = json_read(line, len, "event", reterr);
    const char *name = json_str_or_empty(event, "type");
    json_t *object = json_object_get(event, "object");

    if (!event)
        return err_wrap(reterr, NO_POS, "a watch sent what cannot be read");
    if (!json_is_object(object))
        return err_set(reterr, ERR_IO, NO_POS, "a watch sent an event without an object");
    for (enum api_event_type t = EVENT_ADDED; t <= EVENT_ERROR; t++) {
        if (strcmp(name, api_event_name(t)) != 0)
            continue;
        *ret = (struct api_event){t, json_incref(object)};
        return 0;
    }
    return err_set(reterr, ERR_IO, NO_POS, "a watch sent an event of the type '%s'", name);
}

int url_hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}
