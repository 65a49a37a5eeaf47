#include "components/runtime/client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/time.h"

#define ASK_RETRIES_MAX 10
#define RETRY_AFTER_MAX_S 300
#define PAGE_LIMIT 500
#define CHANGE_TRIES 5
#define CHANGE_PAUSE_NS (10 * NS_PER_MS)

char *kind_api_version(const struct kind *k)
{
    if (!*k->resource.group)
        return mem_strdup(k->resource.version);
    return mem_printf("%s/%s", k->resource.group, k->resource.version);
}

json_t *kind_object(const struct kind *k, const char *ns, const char *name)
{
    char *api_version = kind_api_version(k);
    json_t *obj = json_object();
    json_put_str(obj, "apiVersion", api_version);
    json_put_str(obj, "kind", k->kind);
    if (ns && *ns)
        json_put_str(obj, "metadata.namespace", ns);
    json_put_str(obj, "metadata.name", name);
    free(api_version);
    return obj;
}

const char *answer_name(enum answer a)
{
    switch (a) {
    case ANSWER_OK:
        return "ok";
    case ANSWER_NOT_FOUND:
        return "not found";
    case ANSWER_NO_KIND:
        return "no such resource type";
    case ANSWER_EXISTS:
        return "already exists";
    case ANSWER_CONFLICT:
        return "conflict";
    case ANSWER_INVALID:
        return "invalid";
    case ANSWER_FORBIDDEN:
        return "forbidden";
    case ANSWER_EXPIRED:
        return "expired";
    case ANSWER_UNAVAILABLE:
        return "unavailable";
    case ANSWER_UNREACHABLE:
        return "unreachable";
    case ANSWER_CRASHED:
        return "crashed";
    }
    return "";
}

/* A 404 of the server's router names no object: the kind itself is unknown. Anything in doubt is
 * "not found", because callers drop finalizers on "no such kind". */
static enum answer answer_of_404(const struct api_response *r)
{
    const char *kind = json_str_or_empty(r->body, "details.kind");
    const char *name = json_str_or_empty(r->body, "details.name");
    bool is_status = strcmp(meta_kind(r->body), "Status") == 0;
    return is_status && !*kind && !*name ? ANSWER_NO_KIND : ANSWER_NOT_FOUND;
}

enum answer answer_of(const struct api_response *r)
{
    if (api_ok(r))
        return ANSWER_OK;
    switch (r->code) {
    case 400:
    case 413:
    case 415:
    case 422:
        return ANSWER_INVALID;
    case 401:
    case 403:
        return ANSWER_FORBIDDEN;
    case 404:
        return answer_of_404(r);
    case 409:
        return strcmp(api_reason(r), "AlreadyExists") == 0 ? ANSWER_EXISTS : ANSWER_CONFLICT;
    case 410:
        return ANSWER_EXPIRED;
    default:
        return ANSWER_UNAVAILABLE;
    }
}

static enum err_code err_code_of(enum answer a)
{
    switch (a) {
    case ANSWER_NOT_FOUND:
    case ANSWER_NO_KIND:
        return ERR_NOT_FOUND;
    case ANSWER_EXISTS:
    case ANSWER_CONFLICT:
    case ANSWER_INVALID:
    case ANSWER_FORBIDDEN:
        return ERR_INVALID;
    case ANSWER_CRASHED:
        return ERR_CRASHED;
    default:
        return ERR_IO;
    }
}

static void describe(struct err *e, const struct api_request *req, enum answer a, const char *text)
{
    err_set(e, err_code_of(a), NO_POS, "%s %s %s%s%s: %s", api_verb_name(req->verb),
            req->resource.plural, req->ns ? req->ns : "", req->ns && req->name ? "/" : "",
            req->name ? req->name : "", text);
}

static enum answer no_answer(struct host *h, struct err *local, struct err *reterr)
{
    bool crashed = local->code == ERR_CRASHED || host_crashed(h);
    if (crashed)
        local->code = ERR_CRASHED;
    err_move(reterr, local);
    return crashed ? ANSWER_CRASHED : ANSWER_UNREACHABLE;
}

/* How long the server wants us to wait before the same request again; 0: it does not say. */
static int64_t retry_after_ns(const struct api_response *r)
{
    if (r->code != 429 && r->code < 500)
        return 0;
    int64_t seconds = json_int(r->body, "details.retryAfterSeconds", 0);
    if (seconds > RETRY_AFTER_MAX_S)
        seconds = RETRY_AFTER_MAX_S;
    return seconds > 0 ? seconds * NS_PER_S : 0;
}

enum answer client_ask(const struct client *c, const struct api_request *req, json_t **ret_body,
                       struct err *reterr)
{
    for (unsigned tries = 0;; tries++) {
        AUTO(response) struct api_response r = {0};
        AUTO(err) struct err local = {0};
        if (host_request(c->host, c->cluster, req, &r, &local) < 0)
            return no_answer(c->host, &local, reterr);
        int64_t wait_ns = retry_after_ns(&r);
        if (wait_ns && tries < ASK_RETRIES_MAX) {
            if (host_sleep(c->host, wait_ns) != HOST_CRASHED)
                continue;
            describe(reterr, req, ANSWER_CRASHED, "crashed while waiting to try again");
            return ANSWER_CRASHED;
        }
        enum answer a = answer_of(&r);
        if (a != ANSWER_OK)
            describe(reterr, req, a, *api_message(&r) ? api_message(&r) : answer_name(a));
        else if (ret_body)
            *ret_body = TAKE(r.body);
        return a;
    }
}

enum answer client_get(const struct client *c, const struct kind *k, const char *ns,
                       const char *name, json_t **ret, struct err *reterr)
{
    struct api_request req = {.verb = API_GET, .resource = k->resource, .ns = ns, .name = name};
    return client_ask(c, &req, ret, reterr);
}

/* Lists of built-in kinds leave apiVersion and kind to the list. Items are frozen, so the two go
 * onto a shallow copy. */
static json_t *with_type(json_t *item, const struct kind *k, const char *api_version)
{
    if (*meta_kind(item) && *meta_api_version(item))
        return json_incref(item);
    json_t *copy = json_copy(item);
    json_object_set_new(copy, "apiVersion", json_string(api_version));
    json_object_set_new(copy, "kind", json_string(k->kind));
    return copy;
}

static void append_items(json_t *items, const json_t *list, const struct kind *k)
{
    char *api_version = kind_api_version(k);
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(list, "items"), i, item)
        json_array_append_new(items, with_type(item, k, api_version));
    free(api_version);
}

static enum answer list_pages(const struct client *c, const struct kind *k, struct api_request *req,
                              json_t *items, struct err *reterr)
{
    char *token = NULL;
    for (;;) {
        AUTO(json) json_t *list = NULL;
        req->continue_token = token;
        enum answer a = client_ask(c, req, &list, reterr);
        free(token);
        token = NULL;
        if (a != ANSWER_OK)
            return a;
        append_items(items, list, k);
        const char *more = json_str_or_empty(list, "metadata.continue");
        if (!*more)
            return ANSWER_OK;
        token = mem_strdup(more);
    }
}

enum answer client_list(const struct client *c, const struct kind *k, const char *ns,
                        const char *label_selector, const char *field_selector, json_t **ret_items,
                        struct err *reterr)
{
    struct api_request req = {.verb = API_LIST,
                              .resource = k->resource,
                              .ns = ns,
                              .label_selector = label_selector,
                              .field_selector = field_selector,
                              .limit = PAGE_LIMIT};
    AUTO(json) json_t *items = json_array();
    AUTO(err) struct err local = {0};
    enum answer a = list_pages(c, k, &req, items, &local);
    if (a == ANSWER_EXPIRED) { /* the pages took too long: once more, in one piece */
        err_clear(&local);
        json_array_clear(items);
        req.limit = 0;
        a = list_pages(c, k, &req, items, &local);
    }
    if (a != ANSWER_OK)
        err_move(reterr, &local);
    else
        *ret_items = TAKE(items);
    return a;
}

static const char *or_null(const char *s)
{
    return *s ? s : NULL;
}

static enum answer write_object(const struct client *c, const struct kind *k, enum api_verb verb,
                                const char *subresource, const json_t *obj, json_t **ret,
                                struct err *reterr)
{
    struct api_request req = {.verb = verb,
                              .resource = k->resource,
                              .ns = or_null(meta_namespace(obj)),
                              .name = verb == API_CREATE ? NULL : meta_name(obj),
                              .subresource = subresource,
                              .body = obj};
    return client_ask(c, &req, ret, reterr);
}

enum answer client_create(const struct client *c, const struct kind *k, const json_t *obj,
                          json_t **ret, struct err *reterr)
{
    return write_object(c, k, API_CREATE, NULL, obj, ret, reterr);
}

enum answer client_update(const struct client *c, const struct kind *k, const json_t *obj,
                          json_t **ret, struct err *reterr)
{
    return write_object(c, k, API_UPDATE, NULL, obj, ret, reterr);
}

enum answer client_update_status(const struct client *c, const struct kind *k, const json_t *obj,
                                 json_t **ret, struct err *reterr)
{
    return write_object(c, k, API_UPDATE, "status", obj, ret, reterr);
}

enum answer client_delete(const struct client *c, const struct kind *k, const char *ns,
                          const char *name, const struct delete_options *options,
                          struct err *reterr)
{
    AUTO(json) json_t *body = json_object();
    json_put_str(body, "apiVersion", "v1");
    json_put_str(body, "kind", "DeleteOptions");
    if (options && options->uid)
        json_put_str(body, "preconditions.uid", options->uid);
    if (options && options->resource_version)
        json_put_str(body, "preconditions.resourceVersion", options->resource_version);
    if (options && options->propagation)
        json_put_str(body, "propagationPolicy", options->propagation);
    struct api_request req = {
        .verb = API_DELETE, .resource = k->resource, .ns = ns, .name = name, .body = body};
    return client_ask(c, &req, NULL, reterr);
}

static enum answer change_once(const struct client *c, const struct kind *k, const char *ns,
                               const char *name, const char *subresource, change_fn *change,
                               void *cookie, json_t **ret, struct err *reterr)
{
    AUTO(json) json_t *current = NULL;
    enum answer a = client_get(c, k, ns, name, &current, reterr);
    if (a != ANSWER_OK)
        return a;
    AUTO(json) json_t *edited = json_copy_of(current);
    if (!change(edited, cookie)) {
        if (ret)
            *ret = TAKE(current);
        return ANSWER_OK;
    }
    return write_object(c, k, API_UPDATE, subresource, edited, ret, reterr);
}

enum answer client_change(const struct client *c, const struct kind *k, const char *ns,
                          const char *name, const char *subresource, change_fn *change,
                          void *cookie, json_t **ret, struct err *reterr)
{
    for (unsigned tries = 1;; tries++) {
        AUTO(err) struct err local = {0};
        enum answer a = change_once(c, k, ns, name, subresource, change, cookie, ret, &local);
        if (a == ANSWER_CONFLICT && tries < CHANGE_TRIES &&
            host_sleep(c->host, CHANGE_PAUSE_NS) != HOST_CRASHED)
            continue;
        if (a != ANSWER_OK)
            err_move(reterr, &local);
        return a;
    }
}
