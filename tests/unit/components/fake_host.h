/* A host for unit tests: no fibers, a clock that jumps, one small API server per test, and faults
 * at chosen requests.
 *
 * Tasks given to spawn() are kept, and run when the test asks. A wait that nothing could end is a
 * crash, so that loops end. */
#ifndef VMCONFORM_TESTS_UNIT_COMPONENTS_FAKE_HOST_H
#define VMCONFORM_TESTS_UNIT_COMPONENTS_FAKE_HOST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "components/host.h"
#include "components/runtime/client.h"

#define FAKE_START_NS (INT64_C(1767225600) * 1000000000) /* 2026-01-01T00:00:00Z */

struct fake_host;
/* Called before each request is looked at; may change the store. */
typedef void fake_hook_fn(struct fake_host *f, const struct api_request *req, void *cookie);

/* Answers what the code under test asks of a service. -1: no answer, with *reterr set. */
typedef int fake_callee_fn(struct fake_host *f, const char *service, const struct http_request *req,
                           struct http_reply *ret, void *cookie, struct err *reterr);

enum fake_moment { FAKE_BEFORE, FAKE_AFTER };

/* At request number `at` (1 is the next one), before or after it took effect. */
struct fake_fault {
    unsigned at;
    enum fake_moment moment;
    int code; /* an HTTP code; 0: no answer; -1: crash */
};

/* One exchange with the service that the code under test opened. */
struct host_exchange {
    struct http_reply reply; /* code 0: none came */
    struct strbuf streamed;  /* what host_reply_more() gave */
    bool gone;               /* the caller does not listen any more */
};

/* What a watch says: an event, or the end of the stream (object NULL). */
struct fake_event {
    enum api_event_type type;
    json_t *object; /* owned by the fake */
};

struct fake_host {
    struct host host;
    int64_t now_ns;
    int64_t end_ns;   /* a wait that would go on to this time is a crash; 0: it never comes */
    json_t *objects;  /* "plural/ns/name" -> object */
    json_t *requests; /* "verb plural ns/name[/sub]" */
    json_t *absent;   /* plurals of kinds that do not exist */
    unsigned version, uids;
    unsigned count; /* requests so far */
    struct fake_fault fault;
    bool crashed, link_down;
    const char *pruned;                      /* dotted path that status writes lose */
    const char *denied_plural, *denied_text; /* creates of it are refused with 422 */
    fake_hook_fn *hook;
    void *hook_cookie;
    const char *pruned_spec; /* dotted path that writes of objects lose */
    char *service;           /* the name it serves under; NULL: none */
    host_service_fn *service_fn;
    void *service_cookie;
    void (*on_stream)(struct fake_host *f,
                      void *cookie); /* called when an answer begins to stream */
    void *on_stream_cookie;
    fake_callee_fn *callee; /* NULL: nobody serves */
    void *callee_cookie;
    json_t *logs;  /* "LEVEL text" */
    json_t *blobs; /* the object store, one bucket: key -> {text, version} */
    json_t *files; /* path -> text; null: a folder; true: a symbolic link */
    unsigned object_calls;
    struct fake_fault object_fault; /* at writes: code 0: ERR_IO, 412: as if changed, -1: crash */
    void (*object_hook)(struct fake_host *f, const char *op, const char *key, void *cookie);
    void *object_hook_cookie; /* called before each operation; may change the store */
    struct fake_event events[32];
    size_t events_count, events_next;
    int watch_code; /* the next watch is refused with this code */
    struct fake_task {
        host_task_fn *fn;
        void *arg;
    } tasks[16];
    size_t tasks_count;
};

struct fake_host *fake_create(void);
void fake_destroy(struct fake_host *f);
DEFINE_CLEANUP(struct fake_host, fake, fake_destroy);

/* Puts an object as it is, with a uid and a version. Takes it over. */
void fake_put(struct fake_host *f, const struct kind *k, json_t *obj);
void fake_remove(struct fake_host *f, const struct kind *k, const char *ns, const char *name);
/* Borrowed, NULL when absent; may be changed in place by the test. */
json_t *fake_get(struct fake_host *f, const struct kind *k, const char *ns, const char *name);
/* The only object of a kind; NULL when there is none. Fails the test on several. */
json_t *fake_only(struct fake_host *f, const struct kind *k);
size_t fake_count(struct fake_host *f, const struct kind *k);
/* Requests whose text starts so. */
size_t fake_requests(struct fake_host *f, const char *prefix);
void fake_fail(struct fake_host *f, unsigned at, enum fake_moment moment, int code);
/* Objects of the store: text, NULL when there is none (borrowed). */
const char *fake_blob(struct fake_host *f, const char *key);
void fake_put_blob(struct fake_host *f, const char *key, const char *text);
/* A file of this text, with the folders above it; text NULL: a symbolic link. */
void fake_put_file(struct fake_host *f, const char *path, const char *text);
void fake_say(struct fake_host *f, enum api_event_type type, json_t *object);
void fake_end_watch(struct fake_host *f);
/* One request to the open service, answered when this returns. Free with fake_exchange_finish(). */
void fake_serve(struct fake_host *f, const struct http_request *req, struct host_exchange *ret);
void fake_exchange_finish(struct host_exchange *x);
/* Runs the tasks spawned so far, one after the other, until each has ended. */
void fake_run_tasks(struct fake_host *f);

#endif
