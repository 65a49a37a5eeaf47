#include "sim/controller/loop.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/prng.h"
#include "base/strbuf.h"
#include "base/strmap.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/client.h"

const struct api_resource LOOP_CLAIMS = {"", "v1", "persistentvolumeclaims"};
const struct api_resource LOOP_VOLUMES = {"", "v1", "persistentvolumes"};
const struct api_resource LOOP_PODS = {"", "v1", "pods"};
const struct api_resource LOOP_EVENTS = {"", "v1", "events"};
const struct api_resource LOOP_CLASSES = {"storage.k8s.io", "v1", "storageclasses"};
const struct api_resource LOOP_SNAPSHOTS = {"snapshot.storage.k8s.io", "v1", "volumesnapshots"};
const struct api_resource LOOP_CONTENTS = {"snapshot.storage.k8s.io", "v1",
                                           "volumesnapshotcontents"};
const struct api_resource LOOP_SNAPSHOT_CLASSES = {"snapshot.storage.k8s.io", "v1",
                                                   "volumesnapshotclasses"};

#define RETRY_BASE_NS (5 * NS_PER_MS)
/* The real controllers repeat themselves once in a sync period; more often says nothing new. */
#define REPEAT_NS (15 * NS_PER_S)

/* A key that is due later. Owned by the list of its loop, since a posted event cannot free its
 * cookie when the world ends first. */
struct timer {
    struct simloop *loop;
    struct timer *prev, *next;
    char *key;
};

struct known_event {
    char *name;
    int64_t count, said_ns;
};

struct simloop {
    struct cluster *cluster;
    struct simloop_config config;
    struct waitcell *cell; /* owned by the worker: NULL before it runs and after it has ended */
    char **keys;           /* FIFO: keys[head .. count) */
    size_t head, count, cap;
    struct strmap *queued;   /* key -> itself */
    struct strmap *attempts; /* key -> failures in a row */
    struct strmap *events;   /* what was said -> struct known_event */
    struct timer *timers;
    uint64_t events_made;
    bool down;
    int code;
    char *reason;
};

static struct sched *sched_of(const struct simloop *l)
{
    return world_sched(cluster_world(l->cluster));
}

/* ---- the queue ---- */

static void add_key(struct simloop *l, const char *key)
{
    if (l->down || strmap_get(l->queued, key))
        return;
    l->keys = mem_grow(l->keys, &l->cap, l->count + 1, sizeof *l->keys);
    l->keys[l->count++] = mem_strdup(key);
    strmap_put(l->queued, key, l);
    if (l->cell)
        waitcell_signal(l->cell);
}

void simloop_add(struct simloop *l, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    AUTO(str) char *key = mem_vprintf(fmt, ap);
    va_end(ap);
    add_key(l, key);
}

void simloop_add_object(struct simloop *l, const char *kind, const json_t *obj)
{
    const char *ns = meta_namespace(obj);
    if (*ns)
        simloop_add(l, "%s/%s/%s", kind, ns, meta_name(obj));
    else
        simloop_add(l, "%s/%s", kind, meta_name(obj));
}

/* New, NULL when the queue is empty. */
static char *pop_key(struct simloop *l)
{
    if (l->head == l->count) {
        l->head = l->count = 0;
        return NULL;
    }
    char *key = l->keys[l->head++];
    strmap_remove(l->queued, key);
    return key;
}

static void unlink_timer(struct timer *t)
{
    if (t->prev)
        t->prev->next = t->next;
    else
        t->loop->timers = t->next;
    if (t->next)
        t->next->prev = t->prev;
    free(t->key);
    free(t);
}

static void timer_due(void *cookie)
{
    struct timer *t = cookie;
    add_key(t->loop, t->key);
    unlink_timer(t);
}

void simloop_add_at(struct simloop *l, int64_t at_ns, const char *key)
{
    struct timer *t = mem_zalloc(sizeof *t);
    t->loop = l;
    t->key = mem_strdup(key);
    t->next = l->timers;
    if (t->next)
        t->next->prev = t;
    l->timers = t;
    sched_post(sched_of(l), at_ns, timer_due, t);
}

bool simloop_key_is(const char *key, const char *kind, char ns[LOOP_PART], char name[LOOP_PART])
{
    size_t len = strlen(kind);
    if (strncmp(key, kind, len) || key[len] != '/')
        return false;
    const char *rest = key + len + 1;
    const char *slash = strchr(rest, '/');
    size_t ns_len = slash ? (size_t)(slash - rest) : 0;
    const char *last = slash ? slash + 1 : rest;
    if (ns_len >= LOOP_PART || strlen(last) >= LOOP_PART)
        return false;
    memcpy(ns, rest, ns_len);
    ns[ns_len] = '\0';
    memcpy(name, last, strlen(last) + 1);
    return true;
}

/* ---- the worker ---- */

static void forget_failures(struct simloop *l, const char *key)
{
    free(strmap_remove(l->attempts, key));
}

static void retry_later(struct simloop *l, const char *key)
{
    unsigned *failures = strmap_get(l->attempts, key);
    if (!failures) {
        failures = mem_zalloc(sizeof *failures);
        strmap_put(l->attempts, key, failures);
    }
    if (*failures >= LOOP_RETRIES_MAX) {
        forget_failures(l, key);
        return;
    }
    int64_t delay = RETRY_BASE_NS << *failures;
    ++*failures;
    simloop_add_at(l, simloop_now(l) + delay, key);
}

static void work_on(struct simloop *l, const char *key)
{
    l->code = 0;
    if (l->config.reconcile(l->config.cookie, l, key) < 0 && !sched_crashed(sched_of(l)))
        retry_later(l, key);
    else
        forget_failures(l, key);
}

static void work(void *arg)
{
    struct simloop *l = arg;
    struct sched *s = sched_of(l);
    l->cell = waitcell_create(s, l->config.process);
    while (!sched_crashed(s)) {
        AUTO(str) char *key = pop_key(l);
        if (key)
            work_on(l, key);
        else if (waitcell_wait(l->cell, SCHED_NEVER) == SCHED_CRASHED)
            break;
    }
    waitcell_destroy(l->cell);
    l->cell = NULL;
}

struct simloop *simloop_create(struct cluster *c, const struct simloop_config *config)
{
    assert(config->process && config->user && config->reconcile);
    struct simloop *l = mem_zalloc(sizeof *l);
    l->cluster = c;
    l->config = *config;
    l->queued = strmap_create();
    l->attempts = strmap_create();
    l->events = strmap_create();
    l->reason = mem_strdup("");
    if (config->list)
        config->list(config->cookie, l);
    actor_spawn(cluster_process(c, config->process), config->process, work, l);
    return l;
}

static void free_event(void *value)
{
    struct known_event *e = value;
    free(e->name);
    free(e);
}

void simloop_destroy(struct simloop *l)
{
    if (!l)
        return;
    assert(!l->cell);
    while (l->timers)
        unlink_timer(l->timers);
    while (l->head < l->count)
        free(l->keys[l->head++]);
    free(l->keys);
    strmap_destroy(l->queued, NULL);
    strmap_destroy(l->attempts, free);
    strmap_destroy(l->events, free_event);
    free(l->reason);
    free(l);
}

struct apiserver *simloop_server(const struct simloop *l)
{
    return cluster_server(l->cluster);
}

int64_t simloop_now(const struct simloop *l)
{
    return sched_now(sched_of(l));
}

void simloop_set_down(struct simloop *l, bool down)
{
    bool back = l->down && !down;
    l->down = down;
    if (down) {
        for (char *key = pop_key(l); key; key = pop_key(l))
            free(key);
    }
    if (back && l->config.list)
        l->config.list(l->config.cookie, l);
}

/* ---- requests ---- */

static void remember_answer(struct simloop *l, int code, const char *reason)
{
    free(l->reason);
    l->code = code;
    l->reason = mem_strdup(reason);
}

int simloop_send(struct simloop *l, const struct api_request *req, json_t **ret_body)
{
    struct api_request mine = *req;
    AUTO(response) struct api_response answer = {0};
    AUTO(err) struct err err = {0};
    mine.user = l->config.user;
    if (sim_request(l->cluster, &mine, &answer, &err) < 0) {
        remember_answer(l, 0, "");
        return -1;
    }
    if (!api_ok(&answer)) {
        remember_answer(l, answer.code, api_reason(&answer));
        return -1;
    }
    remember_answer(l, answer.code, "");
    if (ret_body)
        *ret_body = TAKE(answer.body);
    return 0;
}

int simloop_code(const struct simloop *l)
{
    return l->code;
}

bool simloop_answered(const struct simloop *l, const char *reason)
{
    return !strcmp(l->reason, reason);
}

json_t *simloop_get(const struct simloop *l, const struct api_resource *r, const char *ns,
                    const char *name)
{
    if (ns && !*ns)
        ns = NULL;
    return json_incref(apiserver_peek(simloop_server(l), r->group, r->plural, ns, name));
}

static const char *ns_or_null(const json_t *obj)
{
    const char *ns = meta_namespace(obj);
    return *ns ? ns : NULL;
}

int simloop_put(struct simloop *l, const struct api_resource *r, const json_t *obj, const char *sub,
                json_t **ret)
{
    struct api_request req = {.verb = API_UPDATE,
                              .resource = *r,
                              .ns = ns_or_null(obj),
                              .name = meta_name(obj),
                              .subresource = sub,
                              .body = obj};
    return simloop_send(l, &req, ret);
}

int simloop_post(struct simloop *l, const struct api_resource *r, const json_t *obj, json_t **ret)
{
    struct api_request req = {
        .verb = API_CREATE, .resource = *r, .ns = ns_or_null(obj), .body = obj};
    return simloop_send(l, &req, ret);
}

int simloop_delete(struct simloop *l, const struct api_resource *r, const json_t *obj,
                   int64_t grace_s)
{
    AUTO(json) json_t *options = json_object();
    json_put_str(options, "apiVersion", "v1");
    json_put_str(options, "kind", "DeleteOptions");
    json_put_str(options, "preconditions.uid", meta_uid(obj));
    if (grace_s >= 0)
        json_put_take(options, "gracePeriodSeconds", json_integer(grace_s));
    struct api_request req = {.verb = API_DELETE,
                              .resource = *r,
                              .ns = ns_or_null(obj),
                              .name = meta_name(obj),
                              .body = options};
    int rc = simloop_send(l, &req, NULL);
    return rc < 0 && l->code == 404 ? 0 : rc;
}

/* ---- events ---- */

json_t *simloop_reference(const json_t *obj)
{
    json_t *ref = json_object();
    json_put_str(ref, "apiVersion", meta_api_version(obj));
    json_put_str(ref, "kind", meta_kind(obj));
    json_put_str(ref, "name", meta_name(obj));
    if (*meta_namespace(obj))
        json_put_str(ref, "namespace", meta_namespace(obj));
    json_put_str(ref, "resourceVersion", meta_resource_version(obj));
    json_put_str(ref, "uid", meta_uid(obj));
    return ref;
}

static const char *event_namespace(const json_t *obj)
{
    return *meta_namespace(obj) ? meta_namespace(obj) : "default";
}

/* Says an event again: one patch of its count. */
static int repeat_event(struct simloop *l, const json_t *obj, struct known_event *known)
{
    char now[TIME_TEXT];
    time_format(simloop_now(l), now);
    AUTO(json) json_t *patch = json_object();
    json_put_take(patch, "count", json_integer(known->count + 1));
    json_put_str(patch, "lastTimestamp", now);
    struct api_request req = {.verb = API_PATCH,
                              .resource = LOOP_EVENTS,
                              .ns = event_namespace(obj),
                              .name = known->name,
                              .body = patch,
                              .patch = PATCH_MERGE};
    int rc = simloop_send(l, &req, NULL);
    if (rc == 0)
        known->count++;
    known->said_ns = simloop_now(l);
    return rc;
}

static json_t *make_event(struct simloop *l, const json_t *obj, const char *name, const char *type,
                          const char *reason, const char *message)
{
    char now[TIME_TEXT];
    time_format(simloop_now(l), now);
    json_t *event = json_object();
    json_put_str(event, "apiVersion", "v1");
    json_put_str(event, "kind", "Event");
    json_put_str(event, "metadata.name", name);
    json_put_str(event, "metadata.namespace", event_namespace(obj));
    json_put_take(event, "involvedObject", simloop_reference(obj));
    json_put_str(event, "reason", reason);
    json_put_str(event, "message", message);
    json_put_str(event, "source.component",
                 l->config.component ? l->config.component : l->config.process);
    json_put_str(event, "reportingComponent",
                 l->config.component ? l->config.component : l->config.process);
    json_put_str(event, "reportingInstance", "");
    json_put_str(event, "firstTimestamp", now);
    json_put_str(event, "lastTimestamp", now);
    json_put_take(event, "count", json_integer(1));
    json_put_str(event, "type", type);
    return event;
}

void simloop_event(struct simloop *l, const json_t *obj, const char *type, const char *reason,
                   const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    AUTO(str) char *message = mem_vprintf(fmt, ap);
    va_end(ap);
    AUTO(str) char *said = mem_printf("%s|%s|%s|%s", meta_uid(obj), type, reason, message);
    struct known_event *known = strmap_get(l->events, said);
    if (known && simloop_now(l) - known->said_ns < REPEAT_NS)
        return;
    if (known && (repeat_event(l, obj, known) == 0 || l->code != 404))
        return;
    /* As client-go names them, the object and a number; the number is one of this loop alone. */
    uint64_t tag = prng_hash((uint64_t)simloop_now(l) + l->events_made++, l->config.process);
    AUTO(str) char *name = mem_printf("%s.%016llx", meta_name(obj), (unsigned long long)tag);
    AUTO(json) json_t *event = make_event(l, obj, name, type, reason, message);
    if (simloop_post(l, &LOOP_EVENTS, event, NULL) < 0)
        return;
    known = mem_zalloc(sizeof *known);
    known->name = TAKE(name);
    known->count = 1;
    known->said_ns = simloop_now(l);
    void *old = strmap_put(l->events, said, known);
    if (old)
        free_event(old);
}
