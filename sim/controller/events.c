/* core/v1 Events: identical ones raise the count of one object. An actor of its own writes them, so
 * that a controller never waits for its events, and a crash may lose some, as it does in a cluster.
 */
#include <stdarg.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/controller/ctl.h"

static const struct kind KIND_EVENT = {"", "v1", "events", "Event"};

enum { QUEUE_MAX = 1000 };

struct recorder {
    struct ctl ctl;
    struct waitcell *cell;
    json_t *queue;        /* events to write, oldest first */
    uint64_t count;       /* of events so far: virtual time stands still, names must not meet */
    struct strmap *known; /* what identifies an event -> the object as written */
};

static void drop_object(void *object)
{
    json_decref(object);
}

static char *identity(const json_t *event)
{
    return mem_printf("%s|%s|%s|%s|%s", json_str_or_empty(event, "involvedObject.uid"),
                      json_str_or_empty(event, "type"), json_str_or_empty(event, "reason"),
                      json_str_or_empty(event, "message"),
                      json_str_or_empty(event, "source.component"));
}

static void write_one(struct recorder *r, json_t *event)
{
    __attribute__((cleanup(cleanup_err))) struct err e = {0};
    AUTO(str) char *key = identity(event);
    json_t *known = strmap_get(r->known, key);
    if (known) {
        int64_t count = json_int(known, "count", 1) + 1;
        json_object_set_new(known, "count", json_integer(count));
        AUTO(json)
        json_t *patch = json_pack("{s:I, s:s}", "count", (json_int_t)count, "lastTimestamp",
                                  json_str_or_empty(event, "lastTimestamp"));
        ctl_patch(&r->ctl, &KIND_EVENT, meta_namespace(known), meta_name(known), NULL, PATCH_MERGE,
                  patch, &e);
        return;
    }
    if (ctl_create(&r->ctl, &KIND_EVENT, event, NULL, &e) == 0)
        strmap_put(r->known, key, json_incref(event));
}

static void run(void *arg)
{
    struct recorder *r = arg;
    struct sched *s = world_sched(cluster_world(r->ctl.cluster));
    while (!sched_crashed(s)) {
        if (!json_array_size(r->queue)) {
            if (waitcell_wait(r->cell, SCHED_NEVER) == SCHED_CRASHED)
                return;
            continue;
        }
        AUTO(json) json_t *event = json_incref(json_array_get(r->queue, 0));
        json_array_remove(r->queue, 0);
        write_one(r, event);
    }
}

struct recorder *recorder_start(struct cluster *c, struct process *p, const char *user)
{
    struct recorder *r = mem_zalloc(sizeof *r);
    r->ctl = (struct ctl){.cluster = c, .user = user};
    r->cell = waitcell_create(world_sched(cluster_world(c)), "events");
    r->queue = json_array();
    r->known = strmap_create();
    actor_spawn(p, "events", run, r);
    return r;
}

void recorder_destroy(struct recorder *r)
{
    if (!r)
        return;
    waitcell_destroy(r->cell);
    json_decref(r->queue);
    strmap_destroy(r->known, drop_object);
    free(r);
}

void ctl_event(const struct ctl *c, const json_t *about, const char *type, const char *reason,
               const char *fmt, ...)
{
    struct recorder *r = c->recorder;
    if (!r || json_array_size(r->queue) >= QUEUE_MAX)
        return;
    va_list ap;
    va_start(ap, fmt);
    AUTO(str) char *message = mem_vprintf(fmt, ap);
    va_end(ap);
    int64_t now = ctl_now(c);
    char when[TIME_TEXT];
    time_format(now, when);
    /* client-go names an event after its object and the nanosecond. */
    AUTO(str)
    char *name = mem_printf("%s.%llx", meta_name(about),
                            (unsigned long long)now + (unsigned long long)r->count++);
    const char *ns = meta_namespace(about);
    json_t *event = ctl_object(&KIND_EVENT, *ns ? ns : "default", name);
    json_object_set_new(event, "involvedObject",
                        json_pack("{s:s, s:s, s:s, s:s, s:s}", "kind", meta_kind(about),
                                  "namespace", ns, "name", meta_name(about), "uid", meta_uid(about),
                                  "apiVersion", meta_api_version(about)));
    json_put_str(event, "reason", reason);
    json_put_str(event, "message", message);
    json_put_str(event, "type", type);
    json_put_str(event, "source.component", c->component);
    json_put_str(event, "reportingComponent", c->component);
    json_put_str(event, "firstTimestamp", when);
    json_put_str(event, "lastTimestamp", when);
    json_object_set_new(event, "count", json_integer(1));
    json_array_append_new(r->queue, event);
    waitcell_signal(r->cell);
}
