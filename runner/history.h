/* What happened so far: changes, requests, program runs. For `requests()` and `programs()`, and for
 * the story a failure tells. */
#ifndef VMCONFORM_RUNNER_HISTORY_H
#define VMCONFORM_RUNNER_HISTORY_H

#include <jansson.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "kube/api.h"
#include "runner/reads.h"
#include "sim/world.h"

#define HISTORY_CHANGES_MAX 512
#define HISTORY_REQUESTS_MAX 100000
#define HISTORY_LOG_MAX 10000

struct past_change {
    int64_t t;
    enum api_event_type type;
    char *texts; /* one block, which the names point into */
    const char *cluster, *kind, *ns, *name, *by;
    enum owner_kind owner;
    json_t *old, *object; /* references to frozen objects */
};
struct past_request {
    int64_t t;
    enum api_verb verb;
    char *texts;
    const char *cluster, *kind, *ns, *name, *subresource, *by, *user, *reason;
    enum owner_kind owner;
    int code;
};
struct history {
    struct past_change changes[HISTORY_CHANGES_MAX]; /* a ring */
    uint64_t change_count;
    struct past_request *requests;
    size_t request_count, request_cap;
    json_t *programs; /* array of {program, args, exit, by} */
    json_t *log;      /* array of {by, level, message, time}; none is added to a full one */
    int64_t start_ns;
};
void history_init(struct history *h, int64_t start_ns);
void history_finish(struct history *h);
void history_add_change(struct history *h, int64_t t, struct cluster *c,
                        const struct store_change *change, const char *by, enum owner_kind owner);
void history_add_request(struct history *h, int64_t t, const struct request_info *info);
/* Which object a story is about; "" or NULL kind: none. */
struct history_object {
    const char *cluster, *kind, *ns, *name;
};
/* Appends who did what, as lines "  +12.5s  who changed what: paths", at most `max` in all: what
 * happened to the object last, then what else did. Changes, and writes that were refused. */
void history_tell(const struct history *h, struct strbuf *out, const struct history_object *about,
                  size_t max);
/* Appends what the process had not seen, at most `max` lines: for objects that it knows, the last
 * change by somebody else that it has not received. */
void history_tell_unseen(const struct history *h, const struct reads *reads, struct strbuf *out,
                         const char *by, size_t max);
/* Who wrote the member at `path` of the object last; "" when unknown. Borrowed. */
const char *history_last_writer(const struct history *h, const char *kind, const char *ns,
                                const char *name, const char *path, int64_t *ret_t);

#endif
