/* The object store as an actor sees it: a scheduling point before each call, faults, effects around
 * each write, one trace record. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "sched/fault.h"
#include "sched/trace.h"
#include "sim/storage/objectstore.h"

struct call {
    struct world *world;
    const char *op, *bucket, *key;
    const char *by;
};

static int crashed(struct err *reterr)
{
    return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
}

static bool has_crashed(const struct call *c)
{
    const struct sched *s = world_sched(c->world);
    return actor_self(s) && sched_crashed(s);
}

/* Callers outside of any actor (setup) have no scheduling point. */
static int begin(struct call *c, struct err *reterr)
{
    struct sched *s = world_sched(c->world);
    c->by = world_acting(c->world);
    if (actor_self(s) && sched_point(s, "object store") != SCHED_OK)
        return crashed(reterr);
    return 0;
}

static const json_t *hit(const struct call *c)
{
    struct fault_attr attrs[] = {{"op", c->op}, {"key", c->key}, {"by", c->by}};
    return fault_hit(world_faults(c->world), "store", attrs, ARRAY_LEN(attrs));
}

static void record(const struct call *c, const char *outcome, int64_t len, const char *sha)
{
    struct trace *t = world_trace(c->world);
    if (!trace_on(t))
        return;
    trace_begin(t, world_now(c->world), "object");
    trace_str(t, "op", c->op);
    trace_str(t, "bucket", c->bucket);
    trace_str(t, "key", c->key);
    trace_str(t, "by", *c->by ? c->by : NULL);
    if (len >= 0)
        trace_int(t, "len", len);
    trace_str(t, "sha256", sha);
    trace_str(t, "outcome", outcome);
    trace_end(t);
}

static int conflict(const struct call *c, struct err *reterr)
{
    return err_set(reterr, ERR_CONFLICT, NO_POS, "object '%s' has been changed by somebody else",
                   c->key);
}

/* A store that takes its time. */
static int delay(const struct call *c, const json_t *fault, struct err *reterr)
{
    struct sched *s = world_sched(c->world);
    int64_t ns = json_int(fault, "delay", 0);
    return ns > 0 && actor_self(s) && sched_sleep(s, ns) != SCHED_OK ? crashed(reterr) : 0;
}

/* An answer of the fault that ends the call; 0 when the fault only changes bytes. */
static int refuse(const struct call *c, const json_t *fault, struct err *reterr)
{
    int64_t code = json_int(fault, "answer", 0);
    if (delay(c, fault, reterr) < 0)
        return -1;
    if (!code)
        return 0;
    AUTO(str) char *outcome = mem_printf("%" PRId64, code);
    record(c, outcome, -1, NULL);
    if (code == 409 || code == 412)
        return conflict(c, reterr);
    if (code == 404)
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "bucket '%s' has no object '%s'", c->bucket,
                       c->key);
    return err_set(reterr, ERR_IO, NO_POS, "object store answered %" PRId64 " to %s of '%s'", code,
                   c->op, c->key);
}

/* ---- reads ---- */

/* How long the object looks, and the byte that is flipped (UINT64_MAX: none). */
struct distortion {
    uint64_t end, flip;
};

static struct distortion distort(const json_t *fault, uint64_t size)
{
    struct distortion d = {size, UINT64_MAX};
    const char *how = json_str_or_empty(fault, "answer");
    int64_t bytes = json_int(fault, "bytes", -1);
    uint64_t at = bytes >= 0 ? (uint64_t)bytes : size / 2;
    if (!strcmp(how, "truncated") && at < size)
        d.end = at;
    if (!strcmp(how, "corrupt") && size)
        d.flip = at < size ? at : size - 1;
    return d;
}

static int read_range(struct call *c, uint64_t offset, void *buf, size_t len, size_t *ret_len,
                      const json_t *fault, struct err *reterr)
{
    struct objectstore *o = objectstore_of(c->world);
    uint64_t size = 0;
    if (objectstore_read(o, c->bucket, c->key, offset, buf, len, ret_len, reterr) < 0) {
        record(c, "missing", -1, NULL);
        return -1;
    }
    if (!fault || !objectstore_size(o, c->bucket, c->key, &size))
        return 0;
    struct distortion d = distort(fault, size);
    if (offset + *ret_len > d.end)
        *ret_len = offset < d.end ? (size_t)(d.end - offset) : 0;
    if (d.flip >= offset && d.flip - offset < *ret_len)
        ((unsigned char *)buf)[d.flip - offset] ^= 0xff;
    return 0;
}

/* After the scheduling point: what stands in the store now. */
static int read_now(struct call *c, uint64_t offset, void *buf, size_t len, size_t *ret_len,
                    struct err *reterr)
{
    const json_t *fault = hit(c);
    if (refuse(c, fault, reterr) < 0 || read_range(c, offset, buf, len, ret_len, fault, reterr) < 0)
        return -1;
    char sha[DIGEST_HEX];
    bool on = trace_on(world_trace(c->world));
    if (on)
        digest_of(buf, *ret_len, sha);
    record(c, NULL, (int64_t)*ret_len, on ? sha : NULL);
    return 0;
}

int sim_object_read(struct world *w, const char *bucket, const char *key, uint64_t offset,
                    void *buf, size_t len, size_t *ret_len, struct err *reterr)
{
    struct call c = {.world = w, .op = "get", .bucket = bucket, .key = key};
    if (begin(&c, reterr) < 0)
        return -1;
    return read_now(&c, offset, buf, len, ret_len, reterr);
}

int sim_object_get(struct world *w, const char *bucket, const char *key, size_t max_bytes,
                   char **ret_data, size_t *ret_len, char *ret_version, struct err *reterr)
{
    struct call c = {.world = w, .op = "get", .bucket = bucket, .key = key};
    uint64_t size = 0;
    if (begin(&c, reterr) < 0)
        return -1;
    objectstore_size(objectstore_of(w), bucket, key, &size);
    if (size > max_bytes)
        return err_set(reterr, ERR_LIMIT, NO_POS,
                       "object '%s' has %" PRIu64 " bytes, more than %zu", key, size, max_bytes);
    AUTO(str) char *data = mem_alloc((size_t)size + 1);
    size_t got = 0;
    if (read_now(&c, 0, data, (size_t)size, &got, reterr) < 0)
        return -1;
    data[got] = '\0';
    if (ret_version)
        objectstore_version(objectstore_of(w), bucket, key, ret_version);
    *ret_data = TAKE(data);
    *ret_len = got;
    return 0;
}

int sim_object_size(struct world *w, const char *bucket, const char *key, uint64_t *ret,
                    struct err *reterr)
{
    struct call c = {.world = w, .op = "head", .bucket = bucket, .key = key};
    if (begin(&c, reterr) < 0 || refuse(&c, hit(&c), reterr) < 0)
        return -1;
    bool there = objectstore_size(objectstore_of(w), bucket, key, ret);
    record(&c, there ? NULL : "missing", -1, NULL);
    return there ? 0
                 : err_set(reterr, ERR_NOT_FOUND, NO_POS, "bucket '%s' has no object '%s'", bucket,
                           key);
}

json_t *sim_object_list(struct world *w, const char *bucket, const char *prefix, struct err *reterr)
{
    struct call c = {.world = w, .op = "list", .bucket = bucket, .key = prefix ? prefix : ""};
    if (begin(&c, reterr) < 0)
        return NULL;
    if (refuse(&c, hit(&c), reterr) < 0)
        return NULL;
    json_t *keys = objectstore_list(objectstore_of(w), bucket, c.key);
    record(&c, NULL, (int64_t)json_array_size(keys), NULL);
    return keys;
}

/* ---- writes ---- */

/* A crash may fall on each of the three moments of an effect; only one before it leaves the store
 * unchanged. */
static int notify(const struct call *c, enum request_moment moment, enum effect_kind kind,
                  struct err *reterr)
{
    struct effect_info info = {.kind = kind, .target = c->key, .by = c->by};
    world_notify_effect(c->world, moment, &info);
    return has_crashed(c) ? crashed(reterr) : 0;
}

/* Whether the object is as a conditional write wants it. */
static int check_version(const struct call *c, const char *only_if, struct err *reterr)
{
    char version[OBJECT_VERSION_TEXT];
    if (!only_if)
        return 0;
    objectstore_version(objectstore_of(c->world), c->bucket, c->key, version);
    if (strcmp(version, only_if) == 0)
        return 0;
    record(c, "conflict", -1, NULL);
    return conflict(c, reterr);
}

/* A fault that stops the caller at this moment of its write. */
static int stop(const struct call *c, const json_t *fault, const char *moment, struct err *reterr)
{
    const struct sched *s = world_sched(c->world);
    if (!actor_self(s) || strcmp(json_str_or_empty(fault, "crash"), moment) != 0)
        return 0;
    process_crash(actor_process(actor_self(s)));
    return crashed(reterr);
}

/* *ret_fault: what goes on after the write. */
static int begin_write(struct call *c, enum effect_kind kind, const char *only_if,
                       const json_t **ret_fault, struct err *reterr)
{
    if (begin(c, reterr) < 0 || notify(c, REQUEST_BEFORE, kind, reterr) < 0)
        return -1;
    const json_t *fault = *ret_fault = hit(c);
    return stop(c, fault, "before", reterr) < 0 || refuse(c, fault, reterr) < 0 ||
                   check_version(c, only_if, reterr) < 0
               ? -1
               : 0;
}

static int end_write(const struct call *c, enum effect_kind kind, const json_t *fault,
                     struct err *reterr)
{
    if (stop(c, fault, "after", reterr) < 0 || notify(c, REQUEST_COMMITTED, kind, reterr) < 0)
        return -1;
    return notify(c, REQUEST_AFTER, kind, reterr);
}

int sim_object_put(struct world *w, const char *bucket, const char *key, const void *data,
                   size_t len, const char *only_if, struct err *reterr)
{
    struct call c = {.world = w, .op = "put", .bucket = bucket, .key = key};
    const json_t *fault = NULL;
    if (begin_write(&c, EFFECT_OBJECT_PUT, only_if, &fault, reterr) < 0)
        return -1;
    char sha[DIGEST_HEX];
    objectstore_put(objectstore_of(w), bucket, key, data, len);
    if (trace_on(world_trace(w)))
        digest_of(data, len, sha);
    record(&c, NULL, (int64_t)len, trace_on(world_trace(w)) ? sha : NULL);
    return end_write(&c, EFFECT_OBJECT_PUT, fault, reterr);
}

int sim_object_delete(struct world *w, const char *bucket, const char *key, const char *only_if,
                      struct err *reterr)
{
    struct call c = {.world = w, .op = "delete", .bucket = bucket, .key = key};
    const json_t *fault = NULL;
    if (begin_write(&c, EFFECT_OBJECT_DELETE, only_if, &fault, reterr) < 0)
        return -1;
    bool was = objectstore_delete(objectstore_of(w), bucket, key);
    record(&c, was ? NULL : "missing", -1, NULL);
    return end_write(&c, EFFECT_OBJECT_DELETE, fault, reterr);
}
