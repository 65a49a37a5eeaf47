/* What a delete must wait for, and the deletes of the server itself. */
#ifndef VMCONFORM_SIM_APISERVER_DELETE_PRIV_H
#define VMCONFORM_SIM_APISERVER_DELETE_PRIV_H

#include "sim/apiserver/rtype_priv.h"

/* Whether nothing holds a deleting object of the type any more. */
bool delete_is_free(const struct rtype *t, const json_t *object);
/* Deletes one object as the server itself (definition cleanup). */
void delete_internal(struct apiserver *a, struct rtype *t, const char *ns, const char *name);

#endif
