#include "tests/unit/components/fake_host.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/patch.h"
#include "kube/selector.h"
#include "kube/status.h"
#include "kube/time.h"

static struct fake_host *fake(struct host *h)
{
    return (struct fake_host *)h;
}

static char *key_of(const char *plural, const char *ns, const char *name)
{
    return mem_printf("%s/%s/%s", plural, ns ? ns : "", name ? name : "");
}

static void bump(struct fake_host *f, json_t *obj)
{
    char text[16];
    snprintf(text, sizeof text, "%u", ++f->version);
    json_put_str(obj, "metadata.resourceVersion", text);
}

void fake_put(struct fake_host *f, const struct kind *k, json_t *obj)
{
    char *key = key_of(k->resource.plural, meta_namespace(obj), meta_name(obj));
    char uid[40], now[TIME_TEXT];
    snprintf(uid, sizeof uid, "uid-%u", ++f->uids);
    time_format(f->now_ns, now);
    if (!*meta_uid(obj))
        json_put_str(obj, "metadata.uid", uid);
    if (!json_path(obj, "metadata.creationTimestamp"))
        json_put_str(obj, "metadata.creationTimestamp", now);
    bump(f, obj);
    json_object_set_new(f->objects, key, obj);
    free(key);
}

void fake_remove(struct fake_host *f, const struct kind *k, const char *ns, const char *name)
{
    char *key = key_of(k->resource.plural, ns, name);
    json_object_del(f->objects, key);
    free(key);
}

json_t *fake_get(struct fake_host *f, const struct kind *k, const char *ns, const char *name)
{
    char *key = key_of(k->resource.plural, ns, name);
    json_t *obj = json_object_get(f->objects, key);
    free(key);
    return obj;
}

static bool is_of(const char *key, const char *plural)
{
    size_t len = strlen(plural);
    return strncmp(key, plural, len) == 0 && key[len] == '/';
}

size_t fake_count(struct fake_host *f, const struct kind *k)
{
    size_t n = 0;
    const char *key;
    json_t *obj;
    json_object_foreach(f->objects, key, obj) n += is_of(key, k->resource.plural);
    return n;
}

json_t *fake_only(struct fake_host *f, const struct kind *k)
{
    ck_assert_uint_le(fake_count(f, k), 1);
    const char *key;
    json_t *obj;
    json_object_foreach(f->objects, key, obj) if (is_of(key, k->resource.plural)) return obj;
    return NULL;
}

size_t fake_requests(struct fake_host *f, const char *prefix)
{
    size_t n = 0, i;
    json_t *line;
    json_array_foreach(f->requests, i, line) n +=
        strncmp(json_string_value(line), prefix, strlen(prefix)) == 0;
    return n;
}

void fake_fail(struct fake_host *f, unsigned at, enum fake_moment moment, int code)
{
    f->fault = (struct fake_fault){f->count + at, moment, code};
}

/* ---- the small API server ---- */

static int do_get(struct fake_host *f, const struct api_request *r, const char *key,
                  struct api_response *ret)
{
    json_t *obj = json_object_get(f->objects, key);
    if (!obj)
        return status_not_found(ret, &r->resource, r->name);
    *ret = (struct api_response){.code = 200, .body = json_copy_of(obj)};
    return 0;
}

static int do_list(struct fake_host *f, const struct api_request *r, struct api_response *ret)
{
    AUTO(selector)
    struct selector *s = selector_parse(r->label_selector ? r->label_selector : "", NULL);
    json_t *list = json_object(), *items = json_array();
    const char *key;
    json_t *obj;
    char version[16];
    snprintf(version, sizeof version, "%u", f->version);
    json_put_str(list, "metadata.resourceVersion", version);
    json_put_take(list, "items", items);
    json_object_foreach(f->objects, key, obj)
    {
        if (!is_of(key, r->resource.plural) || (r->ns && strcmp(r->ns, meta_namespace(obj)) != 0))
            continue;
        if (selector_matches(s, json_at(obj, "metadata", "labels", NULL)))
            json_array_append_new(items, json_copy_of(obj));
    }
    *ret = (struct api_response){.code = 200, .body = list};
    return 0;
}

static int do_create(struct fake_host *f, const struct api_request *r, struct api_response *ret)
{
    AUTO(json) json_t *body = json_copy_of(r->body);
    const char *prefix = json_str(body, "metadata.generateName");
    if (prefix && !*meta_name(body)) {
        AUTO(str) char *name = mem_printf("%s%u", prefix, f->uids + 1);
        json_put_str(body, "metadata.name", name);
    }
    if (f->pruned_spec)
        json_drop(body, f->pruned_spec);
    char *key = key_of(r->resource.plural, meta_namespace(body), meta_name(body));
    bool taken = json_object_get(f->objects, key) != NULL;
    if (f->denied_plural && strcmp(f->denied_plural, r->resource.plural) == 0) {
        status_denied(ret, 422, "Invalid", f->denied_text);
    } else if (taken) {
        status_already_exists(ret, &r->resource, meta_name(body));
    } else {
        struct kind k = {r->resource, ""};
        fake_put(f, &k, TAKE(body));
        *ret = (struct api_response){.code = 201,
                                     .body = json_copy_of(json_object_get(f->objects, key))};
    }
    free(key);
    return 0;
}

static void drop_if_free(struct fake_host *f, const char *key)
{
    const json_t *obj = json_object_get(f->objects, key);
    if (obj && meta_deleting(obj) && json_array_size(json_path(obj, "metadata.finalizers")) == 0)
        json_object_del(f->objects, key);
}

static int do_update(struct fake_host *f, const struct api_request *r, const char *key,
                     struct api_response *ret)
{
    json_t *old = json_object_get(f->objects, key);
    if (!old)
        return status_not_found(ret, &r->resource, r->name);
    if (*meta_resource_version(r->body) &&
        strcmp(meta_resource_version(r->body), meta_resource_version(old)) != 0)
        return status_modified(ret, &r->resource, r->name);
    bool status = r->subresource && strcmp(r->subresource, "status") == 0;
    json_t *obj = json_copy_of(status ? old : r->body);
    json_t *kept = json_object_get(status ? r->body : old, "status");
    json_object_del(obj, "status");
    if (kept)
        json_object_set_new(obj, "status", json_copy_of(kept));
    if (status && f->pruned)
        json_drop(obj, f->pruned);
    if (!json_same(old, obj))
        bump(f, obj);
    *ret = (struct api_response){.code = 200, .body = json_copy_of(obj)};
    json_object_set_new(f->objects, key, obj);
    drop_if_free(f, key);
    return 0;
}

static int do_patch(struct fake_host *f, const struct api_request *r, const char *key,
                    struct api_response *ret)
{
    json_t *old = json_object_get(f->objects, key);
    if (!old)
        return status_not_found(ret, &r->resource, r->name);
    ck_assert_int_eq(r->patch, PATCH_MERGE);
    json_t *obj = patch_merge(old, r->body, NULL);
    ck_assert_ptr_nonnull(obj);
    if (f->pruned_spec)
        json_drop(obj, f->pruned_spec);
    if (!json_same(old, obj))
        bump(f, obj);
    *ret = (struct api_response){.code = 200, .body = json_copy_of(obj)};
    json_object_set_new(f->objects, key, obj);
    return 0;
}

static int do_delete(struct fake_host *f, const struct api_request *r, const char *key,
                     struct api_response *ret)
{
    json_t *obj = json_object_get(f->objects, key);
    if (!obj)
        return status_not_found(ret, &r->resource, r->name);
    const char *uid = json_str(r->body, "preconditions.uid");
    if (uid && strcmp(uid, meta_uid(obj)) != 0)
        return status_conflict(ret, &r->resource, r->name, "uid");
    char now[TIME_TEXT];
    time_format(f->now_ns, now);
    if (!meta_deleting(obj)) {
        json_put_str(obj, "metadata.deletionTimestamp", now);
        bump(f, obj);
    }
    *ret = (struct api_response){.code = 200,
                                 .body = status_success(&r->resource, r->name, meta_uid(obj))};
    drop_if_free(f, key);
    return 0;
}

static bool is_absent(const struct fake_host *f, const char *plural)
{
    size_t i;
    json_t *name;
    json_array_foreach(f->absent, i,
                       name) if (strcmp(json_string_value(name), plural) == 0) return true;
    return false;
}

static void serve(struct fake_host *f, const struct api_request *r, struct api_response *ret)
{
    char *key = key_of(r->resource.plural, r->ns, r->name);
    if (is_absent(f, r->resource.plural))
        status_no_resource(ret);
    else if (r->verb == API_GET)
        do_get(f, r, key, ret);
    else if (r->verb == API_LIST)
        do_list(f, r, ret);
    else if (r->verb == API_CREATE)
        do_create(f, r, ret);
    else if (r->verb == API_UPDATE)
        do_update(f, r, key, ret);
    else if (r->verb == API_PATCH)
        do_patch(f, r, key, ret);
    else if (r->verb == API_DELETE)
        do_delete(f, r, key, ret);
    else
        status_method_not_allowed(ret, &r->resource, api_verb_name(r->verb));
    free(key);
}

static void record(struct fake_host *f, const struct api_request *r)
{
    const char *name = r->name ? r->name : r->body ? meta_name(r->body) : "";
    char *line = mem_printf("%s %s %s/%s%s%s", api_verb_name(r->verb), r->resource.plural,
                            r->ns ? r->ns : "", name, r->subresource ? "/" : "",
                            r->subresource ? r->subresource : "");
    json_array_append_new(f->requests, json_string(line));
    free(line);
}

static int crashed(struct fake_host *f, struct err *reterr)
{
    f->crashed = true;
    return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
}

/* true: the fault is at this moment of this request, and has been answered. */
static bool faulted(struct fake_host *f, enum fake_moment moment, struct api_response *ret,
                    struct err *reterr, int *result)
{
    if (f->fault.at != f->count || f->fault.moment != moment)
        return false;
    api_response_finish(ret);
    *ret = (struct api_response){0};
    *result = 0;
    if (f->fault.code < 0)
        *result = crashed(f, reterr);
    else if (f->fault.code == 0)
        *result = err_set(reterr, ERR_IO, NO_POS, "connection refused");
    else if (f->fault.code == 403)
        status_denied(ret, 403, "Forbidden", "no rights");
    else
        status_denied(ret, f->fault.code, "InternalError", "it broke");
    return true;
}

static int fake_request(struct host *h, const char *cluster, const struct api_request *req,
                        struct api_response *ret, struct err *reterr)
{
    struct fake_host *f = fake(h);
    int result = 0;
    (void)cluster;
    if (f->crashed)
        return crashed(f, reterr);
    f->count++;
    record(f, req);
    if (f->hook)
        f->hook(f, req, f->hook_cookie);
    if (f->link_down)
        return err_set(reterr, ERR_IO, NO_POS, "connection refused");
    if (faulted(f, FAKE_BEFORE, ret, reterr, &result))
        return result;
    serve(f, req, ret);
    faulted(f, FAKE_AFTER, ret, reterr, &result);
    return result;
}

/* ---- watches ---- */

struct host_watch {
    bool open;
};

void fake_say(struct fake_host *f, enum api_event_type type, json_t *object)
{
    ck_assert_uint_lt(f->events_count, 32);
    f->events[f->events_count++] = (struct fake_event){type, object};
}

void fake_end_watch(struct fake_host *f)
{
    fake_say(f, EVENT_ERROR, NULL);
}

static struct host_watch *fake_watch_open(struct host *h, const char *cluster,
                                          const struct api_request *req,
                                          struct api_response *ret_error, struct err *reterr)
{
    struct fake_host *f = fake(h);
    (void)cluster;
    if (f->crashed) {
        crashed(f, reterr);
        return NULL;
    }
    record(f, req);
    if (f->watch_code) {
        status_denied(ret_error, f->watch_code, "Expired", "too old resource version");
        f->watch_code = 0;
        return NULL;
    }
    return mem_zalloc(sizeof(struct host_watch));
}

static enum host_wait fake_watch_next(struct host *h, struct host_watch *w, int64_t until_ns,
                                      struct api_event *ret, bool *ret_ended)
{
    struct fake_host *f = fake(h);
    (void)w, (void)until_ns;
    if (f->crashed || f->events_next == f->events_count) {
        f->crashed = true;
        return HOST_CRASHED;
    }
    struct fake_event *e = &f->events[f->events_next++];
    *ret_ended = e->object == NULL;
    *ret = (struct api_event){e->type, e->object};
    return HOST_OK;
}

static void fake_watch_close(struct host *h, struct host_watch *w)
{
    (void)h;
    free(w);
}

/* ---- time, tasks, events ---- */

static int64_t fake_now(struct host *h)
{
    return fake(h)->now_ns;
}

static enum host_wait fake_sleep(struct host *h, int64_t ns)
{
    if (fake(h)->crashed)
        return HOST_CRASHED;
    fake(h)->now_ns += ns;
    return HOST_OK;
}

static void fake_spawn(struct host *h, const char *name, host_task_fn *fn, void *arg)
{
    struct fake_host *f = fake(h);
    (void)name;
    ck_assert_uint_lt(f->tasks_count, 16);
    f->tasks[f->tasks_count++] = (struct fake_task){fn, arg};
}

void fake_run_tasks(struct fake_host *f)
{
    for (size_t i = 0; i < f->tasks_count; i++)
        f->tasks[i].fn(f->tasks[i].arg);
    f->tasks_count = 0;
}

struct host_event {
    bool signalled;
};

static struct host_event *fake_event_create(struct host *h, const char *name)
{
    (void)h, (void)name;
    return mem_zalloc(sizeof(struct host_event));
}

static void fake_event_destroy(struct host *h, struct host_event *e)
{
    (void)h;
    free(e);
}

static void fake_event_signal(struct host *h, struct host_event *e)
{
    (void)h;
    e->signalled = true;
}

static enum host_wait fake_event_wait(struct host *h, struct host_event *e, int64_t until_ns)
{
    struct fake_host *f = fake(h);
    if (f->crashed)
        return HOST_CRASHED;
    if (e->signalled) {
        e->signalled = false;
        return HOST_OK;
    }
    if (until_ns == HOST_FOREVER || (f->end_ns && until_ns >= f->end_ns)) {
        f->crashed = true;
        return HOST_CRASHED;
    }
    if (f->now_ns < until_ns)
        f->now_ns = until_ns;
    return HOST_TIMEOUT;
}

static bool fake_is_crashed(struct host *h)
{
    return fake(h)->crashed;
}

static bool fake_is_stopping(struct host *h)
{
    (void)h;
    return false;
}

static void fake_log(struct host *h, enum host_log_level level, const char *message)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    AUTO(str) char *line = mem_printf("%s %s", names[level], message);
    json_array_append_new(fake(h)->logs, json_string(line));
}

static void fake_prng(struct host *h, const char *label, struct prng *ret)
{
    (void)h;
    prng_init(ret, 1, label);
}

/* ---- services ---- */

static int fake_service_open(struct host *h, const char *service, host_service_fn *fn, void *cookie,
                             struct err *reterr)
{
    struct fake_host *f = fake(h);
    if (f->crashed)
        return crashed(f, reterr);
    free(f->service);
    f->service = mem_strdup(service);
    f->service_fn = fn;
    f->service_cookie = cookie;
    return 0;
}

static int fake_reply(struct host *h, struct host_exchange *x, const struct http_reply *r,
                      struct err *reterr)
{
    if (fake(h)->crashed)
        return crashed(fake(h), reterr);
    ck_assert_int_eq(x->reply.code, 0);
    x->reply.code = r->code;
    for (size_t i = 0; i < r->header_count; i++)
        http_reply_add(&x->reply, r->headers[i].name, r->headers[i].value);
    if (r->body)
        http_reply_body(&x->reply, r->body, r->body_len);
    return 0;
}

static int fake_reply_begin(struct host *h, struct host_exchange *x, const struct http_reply *head,
                            struct err *reterr)
{
    struct fake_host *f = fake(h);
    int result = fake_reply(h, x, head, reterr);
    if (!result && f->on_stream)
        f->on_stream(f, f->on_stream_cookie);
    return result;
}

static int fake_reply_more(struct host *h, struct host_exchange *x, const void *data, size_t len,
                           struct err *reterr)
{
    if (fake(h)->crashed)
        return crashed(fake(h), reterr);
    if (x->gone)
        return err_set(reterr, ERR_IO, NO_POS, "the caller has gone");
    strbuf_add(&x->streamed, data, len);
    return 0;
}

static enum host_wait fake_reply_wait(struct host *h, struct host_exchange *x, struct host_event *e,
                                      int64_t until_ns, bool *ret_gone)
{
    *ret_gone = x->gone;
    return x->gone ? HOST_OK : fake_event_wait(h, e, until_ns);
}

static int fake_service_call(struct host *h, const char *service, const struct http_request *req,
                             struct http_reply *ret, struct err *reterr)
{
    struct fake_host *f = fake(h);
    if (f->crashed)
        return crashed(f, reterr);
    if (!f->callee)
        return err_set(reterr, ERR_IO, NO_POS, "nobody serves '%s'", service);
    return f->callee(f, service, req, ret, f->callee_cookie, reterr);
}

void fake_serve(struct fake_host *f, const struct http_request *req, struct host_exchange *ret)
{
    ck_assert_ptr_nonnull(f->service_fn);
    f->service_fn(f->service_cookie, &f->host, ret, req);
}

void fake_exchange_finish(struct host_exchange *x)
{
    http_reply_finish(&x->reply);
    strbuf_finish(&x->streamed);
}

/* ---- objects ---- */

const char *fake_blob(struct fake_host *f, const char *key)
{
    return json_string_value(json_object_get(json_object_get(f->blobs, key), "text"));
}

/* Images are no text: what JSON says of it is not asked. */
void fake_put_blob(struct fake_host *f, const char *key, const char *text)
{
    json_t *blob = json_pack("{s:i}", "version", (int)++f->version);
    json_object_set_new(blob, "text", json_string_nocheck(text));
    json_object_set_new(f->blobs, key, blob);
}

static void blob_version(struct fake_host *f, const char *key, char *ret, size_t size)
{
    json_t *blob = json_object_get(f->blobs, key);
    *ret = '\0';
    if (blob)
        snprintf(ret, size, "%d", (int)json_int(blob, "version", 0));
}

static int object_begin(struct fake_host *f, const char *op, const char *key, struct err *reterr)
{
    if (f->crashed)
        return crashed(f, reterr);
    AUTO(str) char *line = mem_printf("object %s %s", op, key);
    json_array_append_new(f->requests, json_string(line));
    if (f->object_hook)
        f->object_hook(f, op, key, f->object_hook_cookie);
    return 0;
}

static int object_fault(struct fake_host *f, enum fake_moment moment, struct err *reterr)
{
    if (f->object_fault.at != f->object_calls || f->object_fault.moment != moment)
        return 0;
    if (f->object_fault.code < 0)
        return crashed(f, reterr);
    return f->object_fault.code == 0
               ? err_set(reterr, ERR_IO, NO_POS, "the store does not answer")
               : err_set(reterr, ERR_CONFLICT, NO_POS, "changed by somebody else");
}

static int fake_object_get(struct host *h, const char *bucket, const char *key, size_t max_bytes,
                           char **ret_data, size_t *ret_len, struct host_version *ret_version,
                           struct err *reterr)
{
    struct fake_host *f = fake(h);
    (void)bucket;
    if (object_begin(f, "get", key, reterr) < 0)
        return -1;
    const char *text = fake_blob(f, key);
    if (!text)
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "no object '%s'", key);
    if (strlen(text) > max_bytes)
        return err_set(reterr, ERR_LIMIT, NO_POS, "object '%s' is too large", key);
    *ret_data = mem_strdup(text);
    *ret_len = strlen(text);
    if (ret_version)
        blob_version(f, key, ret_version->text, sizeof ret_version->text);
    return 0;
}

static int fake_object_size(struct host *h, const char *bucket, const char *key, uint64_t *ret,
                            struct err *reterr)
{
    struct fake_host *f = fake(h);
    (void)bucket;
    if (object_begin(f, "head", key, reterr) < 0)
        return -1;
    const char *text = fake_blob(f, key);
    if (!text)
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "no object '%s'", key);
    *ret = strlen(text);
    return 0;
}

static int object_write(struct fake_host *f, const char *op, const char *key, const char *text,
                        const struct host_version *only_if, struct err *reterr)
{
    struct host_version is;
    if (object_begin(f, op, key, reterr) < 0)
        return -1;
    f->object_calls++;
    blob_version(f, key, is.text, sizeof is.text);
    if (object_fault(f, FAKE_BEFORE, reterr) < 0)
        return -1;
    if (only_if && strcmp(only_if->text, is.text) != 0)
        return err_set(reterr, ERR_CONFLICT, NO_POS, "changed by somebody else");
    if (text)
        fake_put_blob(f, key, text);
    else
        json_object_del(f->blobs, key);
    return object_fault(f, FAKE_AFTER, reterr);
}

static int fake_object_put(struct host *h, const char *bucket, const char *key, const void *data,
                           size_t len, const struct host_version *only_if, struct err *reterr)
{
    AUTO(str) char *text = mem_strndup(data, len);
    (void)bucket;
    return object_write(fake(h), "put", key, text, only_if, reterr);
}

static int fake_object_delete(struct host *h, const char *bucket, const char *key,
                              const struct host_version *only_if, struct err *reterr)
{
    (void)bucket;
    return object_write(fake(h), "delete", key, NULL, only_if, reterr);
}

static json_t *fake_object_list(struct host *h, const char *bucket, const char *prefix,
                                struct err *reterr)
{
    struct fake_host *f = fake(h);
    (void)bucket;
    if (object_begin(f, "list", prefix, reterr) < 0)
        return NULL;
    json_t *keys = json_array();
    const char **sorted = json_sorted_keys(f->blobs);
    for (size_t i = 0; i < json_object_size(f->blobs); i++)
        if (strncmp(sorted[i], prefix, strlen(prefix)) == 0)
            json_array_append_new(keys, json_string(sorted[i]));
    free(sorted);
    return keys;
}

/* ---- files: read only ---- */

struct host_file {
    const char *text;
};

void fake_put_file(struct fake_host *f, const char *path, const char *text)
{
    for (const char *c = path + 1; (c = strchr(c, '/')); c++) {
        AUTO(str) char *folder = mem_strndup(path, (size_t)(c - path));
        json_object_set_new(f->files, folder, json_null());
    }
    json_object_set_new(f->files, path, text ? json_string_nocheck(text) : json_true());
}

static struct host_file *fake_file_open(struct host *h, const char *path, enum host_open_mode mode,
                                        struct err *reterr)
{
    const json_t *file = json_object_get(fake(h)->files, path);
    ck_assert_int_eq(mode, HOST_READ);
    if (!json_is_string(file)) {
        err_set(reterr, file ? ERR_IO : ERR_NOT_FOUND, NO_POS, "%s: it is no file", path);
        return NULL;
    }
    struct host_file *f = mem_zalloc(sizeof *f);
    f->text = json_string_value(file);
    return f;
}

static int fake_file_read(struct host *h, struct host_file *f, uint64_t offset, void *buf,
                          size_t len, size_t *ret_len, struct err *reterr)
{
    size_t have = strlen(f->text), left = offset < have ? have - (size_t)offset : 0;
    (void)h, (void)reterr;
    *ret_len = left < len ? left : len;
    memcpy(buf, f->text + have - left, *ret_len);
    return 0;
}

static int fake_file_close(struct host *h, struct host_file *f, struct err *reterr)
{
    (void)h, (void)reterr;
    free(f);
    return 0;
}

static int fake_file_stat(struct host *h, const char *path, struct host_stat *ret,
                          struct err *reterr)
{
    const json_t *file = json_object_get(fake(h)->files, path);
    if (!file)
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "%s: it is not there", path);
    *ret =
        (struct host_stat){.is_regular = json_is_string(file), .is_directory = json_is_null(file)};
    return 0;
}

static json_t *fake_list_dir(struct host *h, const char *path, struct err *reterr)
{
    struct fake_host *f = fake(h);
    json_t *names = json_array();
    size_t len = strlen(path);
    const char **sorted = json_sorted_keys(f->files);
    (void)reterr;
    for (size_t i = 0; i < json_object_size(f->files); i++)
        if (strncmp(sorted[i], path, len) == 0 && sorted[i][len] == '/' &&
            !strchr(sorted[i] + len + 1, '/'))
            json_array_append_new(names, json_string(sorted[i] + len + 1));
    free(sorted);
    return names;
}

static int fake_object_put_file(struct host *h, const char *bucket, const char *key,
                                struct host_file *f, struct err *reterr)
{
    (void)bucket;
    return object_write(fake(h), "put", key, f->text, NULL, reterr);
}

static const struct host_ops fake_ops = {
    .name = "fake",
    .request = fake_request,
    .watch_open = fake_watch_open,
    .watch_next = fake_watch_next,
    .watch_close = fake_watch_close,
    .now = fake_now,
    .sleep = fake_sleep,
    .spawn = fake_spawn,
    .event_create = fake_event_create,
    .event_destroy = fake_event_destroy,
    .event_signal = fake_event_signal,
    .event_wait = fake_event_wait,
    .crashed = fake_is_crashed,
    .stopping = fake_is_stopping,
    .prng = fake_prng,
    .object_get = fake_object_get,
    .object_size = fake_object_size,
    .object_put = fake_object_put,
    .object_put_file = fake_object_put_file,
    .object_delete = fake_object_delete,
    .file_open = fake_file_open,
    .file_read = fake_file_read,
    .file_close = fake_file_close,
    .file_stat = fake_file_stat,
    .list_dir = fake_list_dir,
    .object_list = fake_object_list,
    .service_open = fake_service_open,
    .service_call = fake_service_call,
    .reply = fake_reply,
    .reply_begin = fake_reply_begin,
    .reply_more = fake_reply_more,
    .reply_wait = fake_reply_wait,
    .log = fake_log,
};

struct fake_host *fake_create(void)
{
    struct fake_host *f = mem_zalloc(sizeof *f);
    f->host.ops = &fake_ops;
    f->now_ns = FAKE_START_NS;
    f->objects = json_object();
    f->requests = json_array();
    f->absent = json_array();
    f->logs = json_array();
    f->blobs = json_object();
    f->files = json_object();
    return f;
}

void fake_destroy(struct fake_host *f)
{
    f->crashed = true;
    fake_run_tasks(f); /* tasks own what they were given */
    for (size_t i = 0; i < f->events_count; i++)
        json_decref(f->events[i].object);
    json_decref(f->objects);
    json_decref(f->requests);
    json_decref(f->absent);
    json_decref(f->logs);
    json_decref(f->blobs);
    json_decref(f->files);
    free(f->service);
    free(f);
}
