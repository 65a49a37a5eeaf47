/* One request under way (handle.c): what every verb is given, and how it answers. */
#ifndef VMCONFORM_SIM_APISERVER_CALL_PRIV_H
#define VMCONFORM_SIM_APISERVER_CALL_PRIV_H

#include <string.h>

#include "kube/api.h"
#include "sim/apiserver/names_priv.h"
#include "sim/apiserver/rtype_priv.h"

struct field_selector;
struct selector;

struct call {
    struct apiserver *a;
    const struct api_request *req;
    struct api_response *ret;
    struct rtype *t;
    const struct rversion *v;
    char key[STORE_KEY_MAX]; /* of the named object; "" for collections */
    /* Of a patch: what it is applied to, borrowed; NULL otherwise. */
    const json_t *patch_base;
    json_t *findings;   /* of the strict decoder, NULL when none; gone with strict_settle */
    struct given given; /* the server's once the object is stored (write_keep_given) */
};

static inline const struct api_resource *call_resource(const struct call *c)
{
    return &c->req->resource;
}
static inline const char *call_user(const struct call *c)
{
    return c->req->user ? c->req->user : ADMIN_USER;
}
static inline bool call_is_scale(const struct call *c)
{
    return c->req->subresource && strcmp(c->req->subresource, "scale") == 0;
}
static inline bool call_is_status(const struct call *c)
{
    return c->req->subresource != NULL && !call_is_scale(c);
}

/* All return 0, or -1 with *c->ret filled. */
int call_list(struct call *c);
int call_create(struct call *c);
int call_update(struct call *c);
int call_patch(struct call *c);
int call_delete(struct call *c);
int call_bind(struct call *c);
int call_evict(struct call *c);
/* The body of a POST to a subresource is an object; `kind` is what it must be. */
int call_needs_object(struct call *c, const char *kind);
/* Answers 201 with the Status that these subresources have in common. */
int call_created(struct call *c);
int call_delete_collection(struct call *c);
/* Field and label selectors of the request; NULL when absent (*ret_label) or trivial. */
int call_selectors(struct call *c, struct selector **ret_label, struct field_selector **ret_field);
int call_scale(struct call *c);

/* A response whose message has no reason: what untyped errors of the server look like. */
int untyped_error(struct api_response *ret, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void respond(struct call *c, int code, json_t *body /* taken */);

/* ---- who may (authorize.c) ---- */

/* 0, or -1 with the 403. `verb` is what the request does: its own verb, or another one on the way.
 */
int call_authorize(struct apiserver *a, const struct api_request *req, enum api_verb verb,
                   struct api_response *ret);

#endif
