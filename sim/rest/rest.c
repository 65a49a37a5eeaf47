/* One request, from its bytes to the bytes of its answer. */
#include <string.h>

#include "sim/rest/rest_priv.h"

#include "sim/rest/documents.h"

struct rest *rest_create(const struct rest_config *config)
{
    struct rest *r = mem_zalloc(sizeof(*r));
    AUTO(str) char *audit = mem_printf("rest/%s/audit", apiserver_name(config->server));
    AUTO(str) char *timeouts = mem_printf("rest/%s/timeouts", apiserver_name(config->server));
    r->config = *config;
    r->server = config->server;
    r->version = mem_strdup(config->version ? config->version : REST_VERSION_DEFAULT);
    sched_prng(config->sched, audit, &r->audit);
    sched_prng(config->sched, timeouts, &r->timeouts);
    r->texts = text_cache_create();
    r->documents = documents_create();
    return r;
}

void rest_destroy(struct rest *r)
{
    if (!r)
        return;
    streams_orphan(r);
    text_cache_destroy(r->texts);
    documents_destroy(r->documents);
    free(r->version);
    free(r);
}

static enum http_method method_of(const char *name)
{
    static const char *const names[] = {
        [METHOD_GET] = "GET", [METHOD_HEAD] = "HEAD",   [METHOD_POST] = "POST",
        [METHOD_PUT] = "PUT", [METHOD_PATCH] = "PATCH", [METHOD_DELETE] = "DELETE"};
    for (unsigned m = METHOD_GET; m < METHOD_OTHER; m++)
        if (strcmp(name, names[m]) == 0)
            return m;
    return METHOD_OTHER;
}

/* "timeout" shortens requests that end by themselves; here it must only be one. */
static int check_timeout(struct rest_call *c)
{
    const char *text = query_get(&c->query, "timeout");
    bool watches =
        c->route.kind == ROUTE_RESOURCE &&
        (c->route.watch_prefix || (!c->route.name && query_bool(&c->query, "watch", NULL)));
    struct api_response resp = {0};
    if (!text || !*text || watches || go_is_duration(text))
        return 0;
    status_bad_request(&resp, "invalid timeout specified in the request URL");
    return answer_response(c, &resp);
}

static int call_lost(struct rest_call *c)
{
    AUTO(str)
    char *text = mem_printf("Internal Server Error: \"%s\": failed to create RequestInfo: unable "
                            "to determine kind and namespace from url, %s",
                            c->route.path, c->route.path);
    return answer_error_text(c, 500, text);
}

static int dispatch(struct rest_call *c)
{
    if (c->route.kind == ROUTE_BAD)
        return answer_text(c, 400, "400 Bad Request");
    if (c->route.kind == ROUTE_LOST)
        return call_lost(c);
    if (check_timeout(c) < 0 || call_authenticate(c) < 0)
        return -1;
    return c->route.kind == ROUTE_RESOURCE ? call_resource_request(c) : call_nonresource(c);
}

/* HEAD is GET without what was got. */
static void drop_body(struct rest_answer *a)
{
    strbuf_reset(&a->body);
    rest_stream_close(a->stream);
    a->stream = NULL;
}

static void call_finish(struct rest_call *c)
{
    call_forget(c);
    query_finish(&c->query);
    route_finish(&c->route);
    json_decref(c->body);
    json_decref(c->findings);
    free(c->field_manager);
    free(c->field_selector);
}

void rest_handle(struct rest *r, const struct rest_request *req, struct rest_answer *ret)
{
    struct rest_call c = {.r = r, .req = req, .ret = ret, .method = method_of(req->method)};
    const char *mark = strchr(req->target, '?');
    answer_common_headers(&c);
    route_parse(req->target, &c.route);
    query_parse(&c.query, mark ? mark + 1 : NULL);
    dispatch(&c);
    if (c.method == METHOD_HEAD)
        drop_body(ret);
    else
        answer_compress(&c);
    call_finish(&c);
}
