/* Bodies: an object from what a client sent (decode.c), and what a strict decoder finds in it
 * (strict.c). */
#ifndef VMCONFORM_SIM_APISERVER_BODY_PRIV_H
#define VMCONFORM_SIM_APISERVER_BODY_PRIV_H

#include "sim/apiserver/call_priv.h"

/* A copy of the body, with apiVersion, kind, name and namespace settled against the URL, and
 * metadata of known fields and types only. */
int decode_object(struct call *c, const json_t *body, bool need_name, json_t **ret);
/* The same in place, for an object that is the caller's own already. */
int decode_taken(struct call *c, json_t **object, bool need_name);

/* ---- what strict decoding finds (strict.c) ---- */

/* Whether anybody wants to know of unknown fields. */
static inline bool call_validates(const struct call *c)
{
    return c->req->field_validation != VALIDATION_IGNORE;
}
/* What is known of the fields of a kind that is built in, or NULL. */
const struct kube_type *call_type(const struct call *c);
void strict_find(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Drops unknown fields, noting them when asked for; -1 when values have the wrong type. */
void strict_meta(struct call *c, json_t *meta);
int strict_fields(struct call *c, json_t *object);
/* Refuses or warns, as the request asks. */
int strict_settle(struct call *c);
/* 400, or for a patch 422 with the cause `patch`. */
int decode_failed(struct call *c, const char *why);

#endif
