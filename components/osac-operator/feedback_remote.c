#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/osac-operator/feedback.h"
#include "components/token.h"
#include "kube/meta.h"

#define ACCOUNT "service-account-osac-controller"
#define CODE_NOT_FOUND 5 /* of gRPC */

char *osac_remote_credentials(const char *key)
{
    AUTO(json) json_t *claims = json_pack("{s:s}", "sub", ACCOUNT);
    AUTO(str) char *token = bearer_sign(key, claims);
    return mem_printf("Bearer %s", token);
}

/* Only the service's own words: a gateway's 404 knows nothing of records. */
static enum remote result_of(const char *what, const struct http_reply *reply, json_t **ret,
                             struct err *reterr)
{
    AUTO(err) struct err e = {0};
    AUTO(json)
    json_t *body = reply->body ? json_read(reply->body, reply->body_len, "answer", &e) : NULL;
    if (reply->code == 200 && body) {
        if (ret)
            *ret = TAKE(body);
        return REMOTE_OK;
    }
    if (reply->code == 404 && json_int(body, "code", 0) == CODE_NOT_FOUND)
        return REMOTE_NOT_FOUND;
    err_set(reterr, ERR_IO, NO_POS, "%s: %d %.200s", what, reply->code,
            json_str_or_empty(body, "message"));
    return REMOTE_FAILED;
}

/* By the method's full name: what a service does not have is "unimplemented" there, where a path
 * that it does not have would be "not found". */
static enum remote ask(const struct feedback *f, const char *method, const json_t *request,
                       json_t **ret, struct err *reterr)
{
    AUTO(str) char *target = mem_printf("/osac.private.v1.%s/%s", f->kind->service, method);
    AUTO(str) char *body = json_text(request);
    const struct http_field headers[] = {{"authorization", f->op->credentials},
                                         {"content-type", "application/json"}};
    const struct http_request req = {.method = "POST",
                                     .target = target,
                                     .headers = headers,
                                     .header_count = ARRAY_LEN(headers),
                                     .body = body,
                                     .body_len = strlen(body)};
    struct http_reply reply __attribute__((cleanup(cleanup_http_reply))) = {0};
    if (host_service_call(f->op->host, f->op->service, &req, &reply, reterr) < 0)
        return REMOTE_FAILED;
    return result_of(target, &reply, ret, reterr);
}

enum remote osac_remote_get(const struct feedback *f, const char *id, json_t **ret,
                            struct err *reterr)
{
    AUTO(json) json_t *request = json_pack("{s:s}", "id", id);
    AUTO(json) json_t *answer = NULL;
    enum remote r = ask(f, "Get", request, &answer, reterr);
    if (r != REMOTE_OK)
        return r;
    *ret = json_incref(json_object_get(answer, "object"));
    if (*ret)
        return REMOTE_OK;
    err_set(reterr, ERR_IO, NO_POS, "an answer without a record");
    return REMOTE_FAILED;
}

static bool differs(const json_t *was, const json_t *is)
{
    return was != is && !(was && is && json_same(was, is));
}

static void add_path(json_t *object, struct strbuf *mask, const char *name, json_t *value)
{
    AUTO(str) char *path = mem_printf("status.%s", name);
    strbuf_addf(mask, "%s%s", mask->len ? "," : "", path);
    if (value)
        json_put_take(object, path, json_incref(value));
}

/* The members of the status that differ: what is not in the mask, the service does not touch. */
static void put_changes(json_t *object, struct strbuf *mask, const json_t *was, const json_t *is)
{
    const char *name;
    json_t *value;
    const json_t *old = json_object_get(was, "status");
    json_t *new = json_object_get(is, "status");
    json_object_foreach(new, name, value) if (differs(json_object_get(old, name), value))
        add_path(object, mask, name, value);
    json_object_foreach((json_t *)(uintptr_t)old, name, value) if (!json_object_get(new, name))
        add_path(object, mask, name, NULL);
}

enum remote osac_remote_save(const struct feedback *f, const json_t *was, const json_t *is,
                             struct err *reterr)
{
    AUTO(json) json_t *object = json_pack("{s:s}", "id", json_str_or_empty(was, "id"));
    AUTO(strbuf) struct strbuf mask = {0};
    const json_t *version = json_path(was, "metadata.version");
    put_changes(object, &mask, was, is);
    if (mask.len == 0)
        return REMOTE_OK;
    if (version)
        json_put_take(object, "metadata.version", json_copy_of(version));
    AUTO(json)
    json_t *request =
        json_pack("{s:O, s:s, s:b}", "object", object, "update_mask", strbuf_str(&mask), "lock", 1);
    return ask(f, "Update", request, NULL, reterr);
}

enum remote osac_remote_signal(const struct feedback *f, const char *id, struct err *reterr)
{
    AUTO(json) json_t *request = json_pack("{s:s}", "id", id);
    return ask(f, "Signal", request, NULL, reterr);
}
