/* See wire_http.h. */
#include "runner/remote/wire_http.h"

#include "base/json.h"

static void put_header(json_t *list, const char *name, const char *value)
{
    json_array_append_new(list, json_pack("[o, o]", wire_text(name), wire_text(value)));
}

void wire_put_request(json_t *json, const struct http_request *r)
{
    json_t *headers = json_array();

    for (size_t i = 0; i < r->header_count; i++)
        put_header(headers, r->headers[i].name, r->headers[i].value);
    json_object_set_new(json, "method", wire_text(r->method));
    json_object_set_new(json, "target", wire_text(r->target));
    json_object_set_new(json, "headers", headers);
    json_object_set_new(json, "body", json_boolean(r->body != NULL));
}

void wire_put_reply(json_t *json, const struct http_reply *r)
{
    json_t *headers = json_array();

    for (size_t i = 0; i < r->header_count; i++)
        put_header(headers, r->headers[i].name, r->headers[i].value);
    json_object_set_new(json, "code", json_integer(r->code));
    json_object_set_new(json, "queries", json_integer(r->queries));
    json_object_set_new(json, "headers", headers);
    json_object_set_new(json, "body", json_boolean(r->body != NULL));
}

/* How many; -1: these are no headers. */
static int take_headers(const json_t *list, struct http_field ret[HTTP_HEADERS_MAX])
{
    size_t count = json_array_size(list);

    if (!json_is_array(list) || count > HTTP_HEADERS_MAX)
        return -1;
    for (size_t i = 0; i < count; i++) {
        const json_t *pair = json_array_get(list, i);

        ret[i] = (struct http_field){json_string_value(json_array_get(pair, 0)),
                                     json_string_value(json_array_get(pair, 1))};
        if (!ret[i].name || !ret[i].value)
            return -1;
    }
    return (int)count;
}

bool wire_take_request(const struct wire_message *m, struct wire_request *ret)
{
    const char *method = json_str(m->json, "method"), *target = json_str(m->json, "target");
    int count = take_headers(json_object_get(m->json, "headers"), ret->fields);
    bool body = json_bool(m->json, "body", false);

    if (!method || !target || *target != '/' || count < 0 || (!body && m->blob_len))
        return false;
    ret->request = (struct http_request){.method = method,
                                         .target = target,
                                         .headers = ret->fields,
                                         .header_count = (size_t)count,
                                         .body = !body     ? NULL
                                                 : m->blob ? m->blob
                                                           : "",
                                         .body_len = m->blob_len};
    return true;
}

bool wire_take_reply(const struct wire_message *m, struct http_reply *ret)
{
    struct http_field fields[HTTP_HEADERS_MAX];
    int64_t code = json_int(m->json, "code", 0);
    int count = take_headers(json_object_get(m->json, "headers"), fields);

    if (code < 200 || code > 599 || count < 0 || m->blob_len > HTTP_BODY_MAX)
        return false;
    *ret = (struct http_reply){.code = (int)code, .queries = json_int(m->json, "queries", 0)};
    for (int i = 0; i < count; i++)
        http_reply_add(ret, fields[i].name, fields[i].value);
    if (json_bool(m->json, "body", false))
        http_reply_body(ret, m->blob ? m->blob : "", m->blob_len);
    return true;
}
