/* What the rows of the checklist share: a served cluster, requests as texts, and what must come
 * back, over the interface itself and over HTTP on a socket.
 *
 * One row runs at a time, with a cluster of its own, so the helpers take no handle. Everything they
 * give back lives until the row ends. Texts that are JSON are written with ' for " (and ` for '). A
 * check that fails tells the row, the transport, the last request and its answer, and ends the
 * program. */
#ifndef VMCONFORM_TESTS_API_HARNESS_H
#define VMCONFORM_TESTS_API_HARNESS_H

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "sim/apiserver/apiserver.h"
#include "sim/auth/auth.h"
#include "sim/rest/rest.h"
#include "sim/world.h"

/* ---- rows ---- */

enum row_flag {
    ROW_DIRECT = 1 << 0,  /* over the interface alone */
    ROW_HTTP = 1 << 1,    /* over HTTP alone */
    ROW_AUTH = 1 << 2,    /* with authentication: without credentials it is system:anonymous */
    ROW_RBAC = 1 << 3,    /* and with RBAC */
    ROW_FAULTS = 1 << 4,  /* requests pass the world's faults and hooks */
    ROW_BARE = 1 << 5,    /* no controllers: a server alone, as envtest has it */
    ROW_STORAGE = 1 << 7, /* with the storage plug-ins */
    ROW_FAST = 1 << 6,    /* over HTTP a second of the cluster passes in a millisecond */
};
struct row {
    const char *id, *what;
    unsigned flags;
    void (*fn)(void);
};
/* `program` runs all rows, `program C07` one. */
int rows_main(int argc, char **argv, const struct row *rows, size_t count);
/* Whether it passes, in a process of its own; quiet: without its complaint. */
bool row_passes(const struct row *row, bool quiet);
#define ROWS_MAIN(rows)                                                                            \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        return rows_main(argc, argv, rows, ARRAY_LEN(rows));                                       \
    }

/* ---- the cluster ---- */

struct apiserver *the_server(void);
struct cluster *the_cluster(void); /* NULL with ROW_BARE */
struct sched *the_sched(void);
struct auth *the_auth(void);
struct rest *the_rest(void);
bool over_http(void);

/* Runs what is due now: controllers, and what the other side of a socket has to do. */
void settle(void);
/* Lets the cluster's clock run on. Over HTTP the row should be ROW_FAST. */
void advance_ms(int64_t ms);
/* The server goes and comes back with what it stores; all connections are cut. */
void restart(void);
/* Another cluster in its place, with nothing of the first one, as a backup from its birth would
 * restore it. */
void start_over(void);
/* Ends what is served, as SIGTERM does: no request follows. */
void shut_down(void);
/* A fault rule, as sched/fault.h has it. */
void add_fault(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A definition in example.com, namespaced, version v1. flags: letters of "s" (status subresource),
 * "c" (cluster scope), "x" (scale subresource, s too). schema is that of spec; NULL: anything. */
void define(const char *plural, const char *kind, const char *flags, const char *schema);
/* cr and cr0 of the checklist: widgets (Widget, with status) and plains (Plain, without). */
void define_widgets(void);
void define_plains(void);
#define EXAMPLES "/apis/example.com/v1/namespaces/default/"
#define WIDGETS EXAMPLES "widgets"
#define PLAINS EXAMPLES "plains"
#define DEFAULT_NS "/api/v1/namespaces/default/"
#define CMS DEFAULT_NS "configmaps"
#define CRDS "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

/* ---- requests ---- */

struct answer {
    int code;
    struct strbuf head; /* "Name: value" lines */
    struct strbuf body;
    const json_t *json; /* of the body; NULL when it is none */
    /* inside */
    struct answer *next;
    json_t *owned;
    struct rest_stream *stream;
    struct conn *conn;
};

/* headers: "Name: value" lines, or NULL. */
const struct answer *ask(const char *method, const char *target, const char *headers,
                         const char *body_fmt, ...) __attribute__((format(printf, 4, 5)));
const struct answer *ask_bytes(const char *method, const char *target, const char *headers,
                               const void *body, size_t len);
/* A request that is under way while others are. Each must be ended or cut: then its connection
 * goes, and nobody has its answer. Over the interface the row must be ROW_FAULTS. */
struct pending;
struct pending *ask_begin(const char *method, const char *target, const char *headers,
                          const char *body_fmt, ...) __attribute__((format(printf, 4, 5)));
const struct answer *ask_end(struct pending *p);
void ask_cut(struct pending *p);
/* As client-go does: 429 and 5xx with Retry-After are tried again after it, up to ten times. */
const struct answer *ask_retrying(const char *method, const char *target, const char *body,
                                  unsigned *ret_tries);
/* targets are formats, bodies too. */
const struct answer *get(const char *target_fmt, ...) __attribute__((format(printf, 1, 2)));
const struct answer *del(const char *target_fmt, ...) __attribute__((format(printf, 1, 2)));
const struct answer *post(const char *target, const char *body_fmt, ...)
    __attribute__((format(printf, 2, 3)));
const struct answer *put(const char *target, const char *body_fmt, ...)
    __attribute__((format(printf, 2, 3)));
const struct answer *merge_patch(const char *target, const char *body_fmt, ...)
    __attribute__((format(printf, 2, 3)));
const struct answer *json_patch(const char *target, const char *body_fmt, ...)
    __attribute__((format(printf, 2, 3)));
const struct answer *strategic_patch(const char *target, const char *body_fmt, ...)
    __attribute__((format(printf, 2, 3)));
const struct answer *apply_patch(const char *target, const char *body_fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The object of an answer back to its place, as it is or with the value at the path changed (NULL:
 * removed). */
const struct answer *put_object(const char *target, const struct answer *object);
const struct answer *put_changed(const char *target, const struct answer *object, const char *path,
                                 const char *value);

/* A text of the row's. */
const char *text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The header line of a bearer token for that person. */
const char *as(const char *name);

/* The usual objects; both must be created. */
const struct answer *create_cm(const char *name);
const struct answer *create_widget(const char *name);

/* ---- what came back ---- */

/* Member names and indices with dots between; "\\." is a dot in a name. NULL when absent. */
const json_t *pick(const json_t *v, const char *path);
const char *str(const struct answer *a, const char *path); /* "" when it is no text */
int64_t num(const struct answer *a, const char *path);     /* -1 when it is no integer */
size_t count(const struct answer *a, const char *path);    /* of an array; 0 when it is none */
int64_t rv(const struct answer *a);
const char *header(const struct answer *a, const char *name);
/* The names of a list's items, "a,b". */
const char *names(const struct answer *a);
/* The entry of a manager in managedFields; subresource "" for none. NULL: there is none. */
const json_t *managed(const struct answer *a, const char *manager, const char *operation,
                      const char *subresource);

#define PLACE __FILE__, __LINE__
void fail_at(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), noreturn));
#define want(cond, ...)                                                                            \
    do {                                                                                           \
        if (!(cond))                                                                               \
            fail_at(PLACE, __VA_ARGS__);                                                           \
    } while (0)
#define want_code(a, code) want_code_at(PLACE, a, code)
/* value NULL: absent. Keys in any order. */
#define want_json(a, path, value) want_json_at(PLACE, a, path, value)
#define want_str(a, path, value) want_str_at(PLACE, a, path, value)
#define want_num(a, path, value) want_num_at(PLACE, a, path, value)
#define want_some(a, path)                                                                         \
    want(pick((a)->json, path) && !json_is_null(pick((a)->json, path)), "%s is missing", path)
/* A part of the body. */
#define want_part(a, part) want_part_at(PLACE, a, part, true)
#define want_no_part(a, part) want_part_at(PLACE, a, part, false)
/* value NULL: no such header. */
#define want_header(a, name, value) want_header_at(PLACE, a, name, value)
/* reason "": none; message NULL: any. */
#define want_status(a, code, reason, message) want_status_at(PLACE, a, code, reason, message)
/* One of the causes is this; message NULL: any; field NULL: none. */
#define want_cause(a, reason, field, message) want_cause_at(PLACE, a, reason, field, message)
/* status.conditions has it, with a time. */
#define want_condition(a, type, status, reason, message)                                           \
    want_condition_at(PLACE, a, type, status, reason, message)
/* The one of this type; NULL: none. */
const json_t *condition(const struct answer *a, const char *type);
void want_code_at(const char *file, int line, const struct answer *a, int code);
void want_json_at(const char *file, int line, const struct answer *a, const char *path,
                  const char *value);
void want_str_at(const char *file, int line, const struct answer *a, const char *path,
                 const char *value);
void want_num_at(const char *file, int line, const struct answer *a, const char *path,
                 int64_t value);
void want_part_at(const char *file, int line, const struct answer *a, const char *part, bool there);
void want_header_at(const char *file, int line, const struct answer *a, const char *name,
                    const char *value);
void want_status_at(const char *file, int line, const struct answer *a, int code,
                    const char *reason, const char *message);
void want_cause_at(const char *file, int line, const struct answer *a, const char *reason,
                   const char *field, const char *message);
void want_condition_at(const char *file, int line, const struct answer *a, const char *type,
                       const char *status, const char *reason, const char *message);

/* ---- watches ---- */

struct watch;
/* The answer must be 200 and a stream. */
#define watch_open(...) watch_open_at(PLACE, NULL, text(__VA_ARGS__))
#define watch_open_as(headers, ...) watch_open_at(PLACE, headers, text(__VA_ARGS__))
struct watch *watch_open_at(const char *file, int line, const char *headers, const char *target);
const struct answer *watch_answer(const struct watch *w);
/* The next event; its json is the whole event. */
#define next_event(w) next_event_at(PLACE, w)
const struct answer *next_event_at(const char *file, int line, struct watch *w);
/* The next event is of this type and this object (name NULL: any); its object as an answer. */
#define want_event(w, type, name) want_event_at(PLACE, w, type, name)
const struct answer *want_event_at(const char *file, int line, struct watch *w, const char *type,
                                   const char *name);
/* Nothing is there now, and the stream is open. */
#define want_silence(w) want_silence_at(PLACE, w)
void want_silence_at(const char *file, int line, struct watch *w);
/* The stream ends cleanly, with no further event. */
#define want_end(w) want_end_at(PLACE, w)
void want_end_at(const char *file, int line, struct watch *w);
void watch_close(struct watch *w);

#endif
