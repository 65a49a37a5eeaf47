/* metav1.Status errors with the API server's codes, reasons, details and messages
 * (kube-apiserver.md section 5). */
#ifndef VMCONFORM_KUBE_STATUS_H
#define VMCONFORM_KUBE_STATUS_H

#include <jansson.h>

#include "base/strbuf.h"
#include "kube/api.h"

/* Every function fills *ret (code and a new body) and returns -1, so that it can end a failing
 * line. `r` gives group and plural; `kind` is the object's kind. */
int status_not_found(struct api_response *ret, const struct api_resource *r, const char *name);
int status_already_exists(struct api_response *ret, const struct api_resource *r, const char *name);
int status_conflict(struct api_response *ret, const struct api_resource *r, const char *name,
                    const char *message);
/* The optimistic-lock text: "Operation cannot be fulfilled on ...: the object has been modified;
 * ..." */
int status_modified(struct api_response *ret, const struct api_resource *r, const char *name);
/* Without a plural: of a path, or whatever else is no resource. */
int status_forbidden(struct api_response *ret, const struct api_resource *r, const char *name,
                     const char *why);
int status_bad_request(struct api_response *ret, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int status_method_not_allowed(struct api_response *ret, const struct api_resource *r,
                              const char *action);
/* 404 without details: no such resource type. */
int status_no_resource(struct api_response *ret);
int status_expired(struct api_response *ret, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int status_too_many_requests(struct api_response *ret, int retry_after_s, const char *message);
int status_internal(struct api_response *ret, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int status_unavailable(struct api_response *ret, const char *message);
/* 504 with reason Timeout; what a client sees when the reply to a committed write is lost. */
int status_timeout(struct api_response *ret, const char *message);
/* 504: a revision is asked for that is not there yet. */
int status_too_large(struct api_response *ret, int64_t asked, int64_t current);
/* 422 as an admission webhook denies, with its message and code. */
int status_denied(struct api_response *ret, int code, const char *reason, const char *message);
int status_unsupported_media(struct api_response *ret, const char *message);

/* Collects field errors, then makes the 422 Invalid. Zero-initialise. */
struct field_errors {
    json_t *causes; /* array of {reason, message, field}, NULL when none */
    bool truncated; /* beyond 100 causes */
};
enum field_error_type {
    FIELD_REQUIRED,      /* "Required value" */
    FIELD_INVALID,       /* "Invalid value" */
    FIELD_NOT_SUPPORTED, /* "Unsupported value" */
    FIELD_DUPLICATE,
    FIELD_FORBIDDEN,
    FIELD_TOO_LONG,
    FIELD_TOO_MANY,
    FIELD_TYPE_INVALID,
    FIELD_NOT_FOUND,
    FIELD_INTERNAL
};
/* `value` (may be NULL) is printed as Go's %#v-ish form that the API server uses: strings quoted,
 * maps as JSON. `detail` may be "". */
void field_errors_add(struct field_errors *e, enum field_error_type type, const char *field,
                      const json_t *value, const char *detail_fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* Takes all of `from`, whose fields stand below `at` ("spec.template"), and empties it. */
void field_errors_move(struct field_errors *e, struct field_errors *from, const char *at);
bool field_errors_any(const struct field_errors *e);
/* "field: body", or "[a, b]" for several; equal ones once. New. */
char *field_errors_text(const struct field_errors *e);
/* Makes the Invalid status and empties e. */
int status_invalid(struct api_response *ret, const char *group, const char *kind, const char *name,
                   struct field_errors *e);
void field_errors_finish(struct field_errors *e);

/* Appends the text as Go's strconv.Quote writes it. */
void status_quote(struct strbuf *out, const char *s, size_t len);

/* A success Status, as a completed delete answers: details hold name, group, kind (the plural) and
 * uid. New. */
json_t *status_success(const struct api_resource *r, const char *name, const char *uid);

#endif
