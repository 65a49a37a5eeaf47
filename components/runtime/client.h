/* The API client of a component: one function per verb, with the answer sorted into what
 * controllers tell apart.
 *
 * Every function asks the server itself (a "fresh" read, never a cache). A result that is not
 * ANSWER_OK comes with *reterr set, also for answers that a caller expects (not found, exists):
 * give a local error then, and err_move() it when it turns out to be one. Objects that come back
 * are new references to frozen trees (the in-process server shares them): json_copy_of() before
 * editing. */
#ifndef VMCONFORM_COMPONENTS_RUNTIME_CLIENT_H
#define VMCONFORM_COMPONENTS_RUNTIME_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "components/host.h"
#include "kube/api.h"

/* A kind that a component talks about; made as constant tables. */
struct kind {
    struct api_resource resource; /* group, version, plural */
    const char *kind;
};

/* "group/version", or "version" for the core group. New. */
char *kind_api_version(const struct kind *k);
/* A new object with apiVersion, kind, metadata.namespace (ns NULL: none) and metadata.name. */
json_t *kind_object(const struct kind *k, const char *ns, const char *name);

/* One API server, as one component asks it. Strings are borrowed for as long as the client is used.
 */
struct client {
    struct host *host;
    const char *cluster; /* NULL: the default one */
};

enum answer {
    ANSWER_OK,
    ANSWER_NOT_FOUND,   /* the object does not exist, the kind does */
    ANSWER_NO_KIND,     /* a definite "no such resource type" */
    ANSWER_EXISTS,      /* create: the name is taken */
    ANSWER_CONFLICT,    /* somebody else wrote in between, or a precondition does not hold */
    ANSWER_INVALID,     /* 400, 413, 415, 422: the same request would fail again */
    ANSWER_FORBIDDEN,   /* 401, 403 */
    ANSWER_EXPIRED,     /* 410: list or watch from the beginning */
    ANSWER_UNAVAILABLE, /* 429, 5xx, anything else: a write may or may not have happened */
    ANSWER_UNREACHABLE, /* no answer at all: a write may or may not have happened */
    ANSWER_CRASHED,     /* unwind; *reterr is ERR_CRASHED */
};
const char *answer_name(enum answer a); /* "not found", ... */
/* How a response sorts. Never ANSWER_UNREACHABLE or ANSWER_CRASHED. */
enum answer answer_of(const struct api_response *r);

/* One exchange. Waits and asks again when the server says when (429 and 5xx with
 * retryAfterSeconds), as client-go does, at most 10 times. ret_body (may be NULL) gets a new
 * reference. */
enum answer client_ask(const struct client *c, const struct api_request *req, json_t **ret_body,
                       struct err *reterr);

enum answer client_get(const struct client *c, const struct kind *k, const char *ns,
                       const char *name, json_t **ret, struct err *reterr);
/* All pages; each item carries apiVersion and kind. Selectors may be NULL; ns NULL lists all
 * namespaces. */
enum answer client_list(const struct client *c, const struct kind *k, const char *ns,
                        const char *label_selector, const char *field_selector, json_t **ret_items,
                        struct err *reterr);
/* ret may be NULL in all writes. Namespace and name come from the object. */
enum answer client_create(const struct client *c, const struct kind *k, const json_t *obj,
                          json_t **ret, struct err *reterr);
/* The object's resourceVersion, when set, must still be the stored one. */
enum answer client_update(const struct client *c, const struct kind *k, const json_t *obj,
                          json_t **ret, struct err *reterr);
enum answer client_update_status(const struct client *c, const struct kind *k, const json_t *obj,
                                 json_t **ret, struct err *reterr);
/* Asks for the deletion; a success says nothing about when the object is gone. uid and
 * resource_version are preconditions (ANSWER_CONFLICT when they do not hold); propagation is
 * "Background", "Foreground" or "Orphan". Each may be NULL. */
struct delete_options {
    const char *uid, *resource_version, *propagation;
};
enum answer client_delete(const struct client *c, const struct kind *k, const char *ns,
                          const char *name, const struct delete_options *options,
                          struct err *reterr);

/* Reads the object fresh, lets change() edit a copy, writes it (subresource NULL: the object, else
 * "status"), and starts again after a conflict: 5 tries, 10 ms apart, as client-go's
 * retry.DefaultRetry. change() returns false for "nothing to write"; it is called once per try and
 * must not block. */
typedef bool change_fn(json_t *obj, void *cookie);
enum answer client_change(const struct client *c, const struct kind *k, const char *ns,
                          const char *name, const char *subresource, change_fn *change,
                          void *cookie, json_t **ret, struct err *reterr);

#endif
