/* Calls of a task: time, tasks, events, randomness, the log; and the table of all. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/remote/front_priv.h"

/* ---- time ---- */

static int call_sleep(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    int64_t ns = json_int(m->json, "ns", -1);

    if (ns < 0)
        return proxy_nonsense(p, m);
    reply_put(ret, "wait", json_integer(host_sleep(p->remote->host, ns)));
    return 0;
}

/* ---- tasks ---- */

struct birth {
    struct remote *remote;
    uint32_t task;
};

static void live(void *arg)
{
    struct birth b = *(struct birth *)arg;
    struct wire_message first = {.op = WIRE_RESUME, .json = json_object()};

    free(arg);
    b.remote->proxies--; /* it was counted when it was promised */
    proxy_run(b.remote, b.task, &first, NULL);
}

static int call_spawn(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    int64_t id = json_int(m->json, "id", -1);
    const char *name = json_str(m->json, "name");
    struct birth *b;

    (void)ret;
    if (id != p->remote->tasks || id >= WIRE_TASKS_MAX || !name)
        return proxy_nonsense(p, m);
    p->remote->tasks++;
    b = mem_zalloc(sizeof *b);
    *b = (struct birth){p->remote, (uint32_t)id};
    p->remote->proxies++;
    host_spawn(p->remote->host, name, live, b);
    return 0;
}

/* ---- events ---- */

static int call_event_create(struct proxy *p, const struct wire_message *m,
                             struct wire_message *ret)
{
    const char *name = json_str(m->json, "name");

    if (!name)
        return proxy_nonsense(p, m);
    reply_put(
        ret, "id",
        json_integer(slot_add(p->remote, SLOT_EVENT, host_event_create(p->remote->host, name))));
    return 0;
}

static int on_event(struct proxy *p, const struct wire_message *m, struct host_event *e,
                    void (*act)(struct host *h, struct host_event *e))
{
    if (!e)
        return proxy_nonsense(p, m);
    act(p->remote->host, e);
    return 0;
}

static int call_event_destroy(struct proxy *p, const struct wire_message *m,
                              struct wire_message *ret)
{
    (void)ret;
    return on_event(p, m, slot_take(p->remote, json_int(m->json, "id", 0), SLOT_EVENT),
                    host_event_destroy);
}

static int call_event_signal(struct proxy *p, const struct wire_message *m,
                             struct wire_message *ret)
{
    (void)ret;
    return on_event(p, m, slot_get(p->remote, json_int(m->json, "id", 0), SLOT_EVENT),
                    host_event_signal);
}

static int call_event_wait(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    struct host_event *e = slot_get(p->remote, json_int(m->json, "id", 0), SLOT_EVENT);
    int64_t until = json_int(m->json, "until", 0);

    if (!e)
        return proxy_nonsense(p, m);
    reply_put(ret, "wait", json_integer(host_event_wait(p->remote->host, e, until)));
    return 0;
}

/* ---- the rest ---- */

static int call_prng(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    const char *label = json_str(m->json, "label");
    struct prng stream;

    if (!label)
        return proxy_nonsense(p, m);
    host_prng(p->remote->host, label, &stream);
    ret->blob = mem_dup(&stream, sizeof stream);
    ret->blob_len = sizeof stream;
    return 0;
}

static int call_log(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    const char *message = json_str(m->json, "message");
    int64_t level = json_int(m->json, "level", -1);

    (void)ret;
    if (!message || level < LOG_DEBUG || level > LOG_ERROR)
        return proxy_nonsense(p, m);
    host_log(p->remote->host, (enum host_log_level)level, "%s", message);
    return 0;
}

proxy_call_fn *const proxy_calls[WIRE_OP_COUNT] = {
    [WIRE_SPAWN] = call_spawn,
    [WIRE_SLEEP] = call_sleep,
    [WIRE_EVENT_CREATE] = call_event_create,
    [WIRE_EVENT_DESTROY] = call_event_destroy,
    [WIRE_EVENT_SIGNAL] = call_event_signal,
    [WIRE_EVENT_WAIT] = call_event_wait,
    [WIRE_PRNG] = call_prng,
    [WIRE_HTTP] = proxy_http,
    [WIRE_WATCH_NEXT] = proxy_watch_next,
    [WIRE_WATCH_CLOSE] = proxy_watch_close,
    [WIRE_FILE_OPEN] = proxy_file_open,
    [WIRE_FILE_READ] = proxy_file_read,
    [WIRE_FILE_WRITE] = proxy_file_write,
    [WIRE_FILE_SYNC] = proxy_file_sync,
    [WIRE_FILE_CLOSE] = proxy_file_close,
    [WIRE_FILE_STAT] = proxy_file_stat,
    [WIRE_FILE_RENAME] = proxy_file_rename,
    [WIRE_FILE_REMOVE] = proxy_file_remove,
    [WIRE_MAKE_DIR] = proxy_make_dir,
    [WIRE_SYNC_DIR] = proxy_sync_dir,
    [WIRE_LIST_DIR] = proxy_list_dir,
    [WIRE_OBJECT_GET] = proxy_object_get,
    [WIRE_OBJECT_SIZE] = proxy_object_size,
    [WIRE_OBJECT_READ] = proxy_object_read,
    [WIRE_OBJECT_PUT] = proxy_object_put,
    [WIRE_OBJECT_FILE] = proxy_object_put_file,
    [WIRE_OBJECT_DELETE] = proxy_object_delete,
    [WIRE_OBJECT_LIST] = proxy_object_list,
    [WIRE_PROGRAM] = proxy_program,
    [WIRE_LOG] = call_log,
    [WIRE_FILE_TRUNCATE] = proxy_file_truncate,
    [WIRE_FILE_ZERO] = proxy_file_zero,
    [WIRE_SERVICE_OPEN] = proxy_service_open,
    [WIRE_REPLY] = proxy_reply,
    [WIRE_REPLY_BEGIN] = proxy_reply_begin,
    [WIRE_REPLY_MORE] = proxy_reply_more,
    [WIRE_REPLY_WAIT] = proxy_reply_wait,
    [WIRE_SERVICE_CALL] = proxy_service_call,
    [WIRE_STREAM_OPEN] = proxy_stream_open,
    [WIRE_STREAM_NEXT] = proxy_stream_next,
    [WIRE_STREAM_CLOSE] = proxy_stream_close,
};
