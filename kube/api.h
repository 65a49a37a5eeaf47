/* One API exchange, as both sides of the wire see it: what a client asks, what a server answers,
 * what a watch says. */
#ifndef VMCONFORM_KUBE_API_H
#define VMCONFORM_KUBE_API_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

enum api_verb {
    API_GET,
    API_LIST,
    API_CREATE,
    API_UPDATE,
    API_PATCH,
    API_DELETE,
    API_DELETE_COLLECTION,
    API_WATCH,
    API_VERB_COUNT
};
const char *api_verb_name(enum api_verb verb); /* "get", "list", ..., as RBAC writes them */

enum api_patch_type { PATCH_NONE, PATCH_JSON, PATCH_MERGE, PATCH_STRATEGIC, PATCH_APPLY };

/* What happens to fields that the kind does not know, and to keys that stand twice: dropped in
 * silence, dropped and told in api_response.warnings, refused (kube-apiserver.md 4.4). A client on
 * the wire that asks for nothing gets WARN; IGNORE is what callers in the process start with. */
enum api_field_validation { VALIDATION_IGNORE, VALIDATION_WARN, VALIDATION_STRICT };

/* Who asks, as authentication found out or impersonation made it. All borrowed. */
struct api_identity {
    const char *name;          /* "system:serviceaccount:osac:operator" */
    const char *uid;           /* NULL: none */
    const char *const *groups; /* NULL-terminated; NULL: none */
    const json_t *extra;       /* object of arrays of strings; NULL: none */
};

/* Which collection. All strings borrowed; group "" is the core group. */
struct api_resource {
    const char *group, *version, *plural;
};

/* All strings and the body are borrowed for the duration of the call; NULL means "not given". */
struct api_request {
    enum api_verb verb;
    struct api_resource resource;
    const char *ns;          /* NULL: cluster-scoped, or all namespaces for list and watch */
    const char *name;        /* NULL for create, list, watch, deletecollection */
    const char *subresource; /* "status", "scale", ...; NULL for the object itself */
    const json_t *body;      /* object, patch, or DeleteOptions */
    enum api_patch_type patch;
    const char *label_selector, *field_selector;
    const char *resource_version;       /* get, list, watch */
    const char *resource_version_match; /* list, watch */
    const char *continue_token;
    int64_t limit;     /* 0: none */
    int64_t timeout_s; /* watch: 0 is the server's default */
    bool allow_bookmarks;
    bool send_initial_events;
    bool no_initial_events; /* sendInitialEvents=false was asked for; with both false: not given */
    bool dry_run;
    bool force; /* apply: takes fields from their owners */
    enum api_field_validation field_validation;
    /* Array of strings, what the decoder of the body noticed: "duplicate field \"a\"", NULL when
     * nothing. Treated as field_validation says. */
    const json_t *body_findings;
    const char *propagation_policy; /* delete: "Background", "Foreground", "Orphan" */
    const char *field_manager;
    const char *user; /* who asks, e.g. "system:serviceaccount:osac:operator"; NULL is an admin */
    /* The same person with groups; name equals user. NULL: the groups that follow from the name. */
    const struct api_identity *identity;
};

struct api_response {
    int code;         /* HTTP status */
    json_t *body;     /* new reference: the object, list, or Status */
    json_t *warnings; /* array of strings for Warning headers, without the code; NULL when none */
};
/* Nobody reads more warnings of one answer. */
#define API_WARNINGS_MAX 100u
/* Adds a warning; equal ones once, none beyond API_WARNINGS_MAX. */
void api_response_warn(struct api_response *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void api_response_finish(struct api_response *r);
static inline void cleanup_response(struct api_response *r)
{
    api_response_finish(r);
}
static inline bool api_ok(const struct api_response *r)
{
    return r->code >= 200 && r->code < 300;
}
/* The Status reason of a failed response ("NotFound", "Conflict", ...), "" when it has none.
 * Borrowed. */
const char *api_reason(const struct api_response *r);
const char *api_message(const struct api_response *r);

enum api_event_type { EVENT_ADDED, EVENT_MODIFIED, EVENT_DELETED, EVENT_BOOKMARK, EVENT_ERROR };
const char *api_event_name(enum api_event_type type); /* "ADDED", ... */

/* One watch event; `object` is a borrowed frozen object: json_incref to keep it, never change it.
 */
struct api_event {
    enum api_event_type type;
    json_t *object;
};

#endif
