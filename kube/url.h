/* A request as it travels by HTTP, and its answer as it comes back: method, target, body; Status of
 * what is no JSON; one line of a watch. For clients; servers read URLs in sim/rest/. */
#ifndef VMCONFORM_KUBE_URL_H
#define VMCONFORM_KUBE_URL_H

#include <stddef.h>

#include "base/err.h"
#include "kube/api.h"

/* Zero-initialise; api_call_finish() frees. */
struct api_call {
    const char *method;       /* "GET", static */
    char *target;             /* "/api/v1/namespaces/a/pods?limit=5": escaped */
    const char *content_type; /* static; NULL: no body */
    char *body;               /* NULL: none */
    size_t body_len;
};
void api_call_make(const struct api_request *req, struct api_call *ret);
void api_call_finish(struct api_call *c);
static inline void cleanup_api_call(struct api_call *c)
{
    api_call_finish(c);
}

/* The answer to anything but a watch. What is no JSON becomes the Status that clients make of it;
 * -1: a success whose body cannot be read. *ret must be zeroed. */
int api_answer_read(int code, const char *body, size_t len, struct api_response *ret,
                    struct err *reterr);
/* The text of a Warning header ("299 - \"text\"") goes into ret->warnings; others are passed over.
 */
void api_answer_warning(struct api_response *ret, const char *header);
/* One line of a watch, without its end. *ret->object is new. */
int api_event_read(const char *line, size_t len, struct api_event *ret, struct err *reterr);

/* -1: none. */
int url_hex_digit(char c);

#endif
