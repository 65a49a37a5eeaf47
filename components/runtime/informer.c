/* A reflector and its store: list, then watch from there; list again when the server has forgotten
 * where we were (410), or when the stream reports an error. Waits between failures double from 800
 * ms to 30 s, as client-go's. */
#include "components/runtime/informer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "kube/meta.h"
#include "kube/time.h"

#define BACKOFF_MIN_NS (800 * NS_PER_MS)
#define BACKOFF_MAX_NS (30 * NS_PER_S)
#define RESYNC_DEFAULT_NS (10 * 3600 * NS_PER_S)
#define SHORT_WATCH_NS NS_PER_S

struct handler {
    informer_handler_fn *fn;
    void *cookie;
};

struct informer {
    struct runtime *rt; /* which owns this */
    struct informer_config config;
    char *task_name;
    struct strmap *objects; /* "ns/name" -> json_t, one reference each */
    struct handler *handlers;
    size_t handlers_count, handlers_cap;
    char *version; /* where to watch from; NULL: list first */
    bool no_kind, answered;
    int64_t backoff_ns;
    int64_t resync_at_ns;
};

/* How a step of the loop ended. */
enum step { STEP_ON, STEP_AGAIN, STEP_CRASHED };

struct informer *informer_create(struct runtime *rt, const struct informer_config *config)
{
    assert(config->kind && config->client.host);
    struct informer *i = mem_zalloc(sizeof *i);
    i->rt = rt;
    i->config = *config;
    if (!i->config.resync_ns)
        i->config.resync_ns = RESYNC_DEFAULT_NS;
    i->task_name = mem_printf("informer %s", config->kind->resource.plural);
    i->objects = strmap_create();
    runtime_add_informer(rt, i);
    return i;
}

static void drop_object(void *obj)
{
    json_decref(obj);
}

void informer_destroy(struct informer *i)
{
    if (!i)
        return;
    strmap_destroy(i->objects, drop_object);
    free(i->handlers);
    free(i->version);
    free(i->task_name);
    free(i);
}

static char *key_of(const char *ns, const char *name)
{
    return mem_printf("%s/%s", ns ? ns : "", name);
}

bool informer_each(const struct informer *i, size_t *pos, json_t **ret_obj)
{
    const char *key;
    void *value;
    if (!strmap_each(i->objects, pos, &key, &value))
        return false;
    *ret_obj = value;
    return true;
}

size_t informer_count(const struct informer *i)
{
    return strmap_count(i->objects);
}

bool informer_answered(const struct informer *i)
{
    return i->answered;
}

void informer_on_event(struct informer *i, informer_handler_fn *fn, void *cookie)
{
    i->handlers =
        mem_grow(i->handlers, &i->handlers_cap, i->handlers_count + 1, sizeof *i->handlers);
    i->handlers[i->handlers_count++] = (struct handler){fn, cookie};
}

static void tell(const struct informer *i, enum api_event_type type, const json_t *old,
                 const json_t *obj)
{
    for (size_t n = 0; n < i->handlers_count; n++)
        i->handlers[n].fn(i->handlers[n].cookie, type, old, obj);
}

static void store(struct informer *i, json_t *obj)
{
    char *key = key_of(meta_namespace(obj), meta_name(obj));
    AUTO(json) json_t *old = strmap_put(i->objects, key, json_incref(obj));
    free(key);
    if (old && strcmp(meta_resource_version(old), meta_resource_version(obj)) == 0)
        return; /* a list that brought nothing new about this one */
    tell(i, old ? EVENT_MODIFIED : EVENT_ADDED, old, obj);
}

static void forget(struct informer *i, const char *key, const json_t *last)
{
    AUTO(json) json_t *old = strmap_remove(i->objects, key);
    if (old)
        tell(i, EVENT_DELETED, NULL, last ? last : old);
}

static void set_version(struct informer *i, const char *version)
{
    char *copy = version && *version ? mem_strdup(version) : NULL;
    free(i->version);
    i->version = copy;
}

static void answered(struct informer *i)
{
    if (i->answered)
        return;
    i->answered = true;
    runtime_informer_answered(i->rt);
}

static bool in_list(const struct strmap *listed, const char *key)
{
    return strmap_get(listed, key) != NULL;
}

/* Makes the store equal to the list, telling the differences. */
static void replace_all(struct informer *i, const json_t *items)
{
    struct strmap *listed = strmap_create();
    size_t n;
    json_t *obj;
    json_array_foreach(items, n, obj)
    {
        char *key = key_of(meta_namespace(obj), meta_name(obj));
        strmap_put(listed, key, obj);
        free(key);
        store(i, obj);
    }
    size_t pos = 0;
    const char *key;
    void *value;
    while (strmap_each(i->objects, &pos, &key, &value)) {
        if (in_list(listed, key))
            continue;
        char *gone = mem_strdup(key);
        forget(i, gone, NULL);
        free(gone);
    }
    strmap_destroy(listed, NULL);
}

/* Waits before the next try. */
static enum step back_off(struct informer *i)
{
    int64_t wait_ns = i->backoff_ns ? i->backoff_ns : BACKOFF_MIN_NS;
    i->backoff_ns = wait_ns * 2 < BACKOFF_MAX_NS ? wait_ns * 2 : BACKOFF_MAX_NS;
    return host_sleep(i->config.client.host, wait_ns) == HOST_CRASHED ? STEP_CRASHED : STEP_AGAIN;
}

static enum step list_failed(struct informer *i, enum answer a, const struct err *e)
{
    if (a == ANSWER_CRASHED)
        return STEP_CRASHED;
    bool was_known = i->no_kind;
    i->no_kind = a == ANSWER_NO_KIND;
    if (!was_known)
        host_log(i->config.client.host, i->no_kind ? LOG_WARNING : LOG_ERROR, "%s: %s",
                 i->task_name, e->msg);
    if (i->no_kind) {
        AUTO(json)
        json_t *nothing = json_array(); /* a kind that went away took its objects along */
        replace_all(i, nothing);
        if (i->config.optional)
            answered(i);
    }
    return back_off(i);
}

static json_t *typed_items(const struct informer *i, json_t *list)
{
    json_t *items = json_array();
    char *api_version = kind_api_version(i->config.kind);
    size_t n;
    json_t *item;
    json_array_foreach(json_object_get(list, "items"), n, item)
    {
        json_t *copy = *meta_kind(item) ? json_incref(item) : json_copy(item);
        if (copy != item) {
            json_object_set_new(copy, "apiVersion", json_string(api_version));
            json_object_set_new(copy, "kind", json_string(i->config.kind->kind));
        }
        json_array_append_new(items, copy);
    }
    free(api_version);
    return items;
}

static enum step list_all(struct informer *i)
{
    struct api_request req = {.verb = API_LIST,
                              .resource = i->config.kind->resource,
                              .ns = i->config.ns,
                              .label_selector = i->config.label_selector};
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *list = NULL;
    enum answer a = client_ask(&i->config.client, &req, &list, &e);
    if (a != ANSWER_OK)
        return list_failed(i, a, &e);
    AUTO(json) json_t *items = typed_items(i, list);
    i->no_kind = false;
    i->backoff_ns = 0;
    replace_all(i, items);
    set_version(i, json_str_or_empty(list, "metadata.resourceVersion"));
    answered(i);
    return STEP_ON;
}

/* One event of the stream. false: the stream is of no more use, list again. */
static bool take_event(struct informer *i, const struct api_event *ev)
{
    if (ev->type == EVENT_ERROR) {
        set_version(i, NULL);
        return false;
    }
    set_version(i, meta_resource_version(ev->object));
    if (ev->type == EVENT_BOOKMARK)
        return true;
    if (ev->type == EVENT_DELETED) {
        char *key = key_of(meta_namespace(ev->object), meta_name(ev->object));
        AUTO(json) json_t *last = json_incref(ev->object);
        forget(i, key, last);
        free(key);
        return true;
    }
    store(i, ev->object);
    return true;
}

static void resync(struct informer *i)
{
    size_t pos = 0;
    json_t *obj;
    while (informer_each(i, &pos, &obj))
        tell(i, EVENT_MODIFIED, obj, obj);
    i->resync_at_ns = host_now(i->config.client.host) + i->config.resync_ns;
}

/* Reads the stream to its end. */
static enum step read_watch(struct informer *i, struct host_watch *w)
{
    struct host *h = i->config.client.host;
    int64_t opened_ns = host_now(h);
    size_t events = 0;
    for (;;) {
        struct api_event ev;
        bool ended = false;
        enum host_wait got = host_watch_next(h, w, i->resync_at_ns, &ev, &ended);
        if (got == HOST_CRASHED)
            return STEP_CRASHED;
        if (ended) /* a server that hangs up at once must not make us spin */
            return !events && host_now(h) - opened_ns < SHORT_WATCH_NS ? back_off(i) : STEP_ON;
        if (got == HOST_TIMEOUT) {
            resync(i);
            continue;
        }
        events++;
        i->backoff_ns = 0;
        if (!take_event(i, &ev))
            return STEP_ON;
    }
}

static enum step watch_refused(struct informer *i, const struct api_response *r,
                               const struct err *e)
{
    struct host *h = i->config.client.host;
    if (e->code == ERR_CRASHED || host_crashed(h))
        return STEP_CRASHED;
    enum answer a = r->code ? answer_of(r) : ANSWER_UNREACHABLE;
    host_log(h, LOG_WARNING, "%s: watch: %s", i->task_name, answer_name(a));
    if (a == ANSWER_EXPIRED) {
        set_version(i, NULL);
        return STEP_AGAIN;
    }
    if (a != ANSWER_UNREACHABLE && a != ANSWER_UNAVAILABLE)
        set_version(i, NULL);
    return back_off(i);
}

static enum step watch(struct informer *i)
{
    struct host *h = i->config.client.host;
    AUTO(err) struct err e = {0};
    AUTO(response) struct api_response r = {0};
    char *version = mem_strdup(i->version);
    struct api_request req = {.verb = API_WATCH,
                              .resource = i->config.kind->resource,
                              .ns = i->config.ns,
                              .label_selector = i->config.label_selector,
                              .resource_version = version,
                              .allow_bookmarks = true};
    struct host_watch *w = host_watch_open(h, i->config.client.cluster, &req, &r, &e);
    enum step step = w ? read_watch(i, w) : watch_refused(i, &r, &e);
    host_watch_close(h, w);
    free(version);
    return step;
}

static void run(void *arg)
{
    struct informer *i = arg;
    i->resync_at_ns = host_now(i->config.client.host) + i->config.resync_ns;
    for (;;) {
        enum step step = i->version ? watch(i) : list_all(i);
        if (step == STEP_CRASHED || host_crashed(i->config.client.host))
            return;
    }
}

void informer_start(struct informer *i)
{
    runtime_spawn(i->rt, i->task_name, run, i);
}
