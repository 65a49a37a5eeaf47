/* Updates: PUT, PATCH, apply, and what writes through them. */
#ifndef VMCONFORM_SIM_APISERVER_UPDATE_PRIV_H
#define VMCONFORM_SIM_APISERVER_UPDATE_PRIV_H

#include "sim/apiserver/call_priv.h"

/* *object (taken) is what the client wants to see; stored is what is there, kept by the caller.
 * *ret_raced: a plug-in wrote to the object meanwhile. */
int update_object(struct call *c, json_t **object, json_t *stored, bool *ret_raced);
/* One try of a server-side apply (apply.c). */
int call_apply_once(struct call *c, bool *ret_raced);
/* The request's patch on base; *ret is new. */
int call_apply_patch(struct call *c, const json_t *base, json_t **ret);
#define WRITE_RETRIES_MAX 5

#endif
