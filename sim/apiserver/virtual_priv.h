/* Resources without a store (virtual.c). */
#ifndef VMCONFORM_SIM_APISERVER_VIRTUAL_PRIV_H
#define VMCONFORM_SIM_APISERVER_VIRTUAL_PRIV_H

#include <stdbool.h>

#include "kube/api.h"

struct apiserver;

/* Answers when the request is for one of them: true, and *ret_rc tells how. */
bool virtual_handle(struct apiserver *a, const struct api_request *req, struct api_response *ret,
                    int *ret_rc);

/* The kind that stands behind one of them; "" when there is none. Borrowed. */
const char *virtual_kind(const struct apiserver *a, const struct api_resource *r);

#endif
