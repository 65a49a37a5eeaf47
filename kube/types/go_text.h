/* Texts that Go's types parse for themselves, and what Go says when it cannot. */
#ifndef VMCONFORM_KUBE_TYPES_GO_TEXT_H
#define VMCONFORM_KUBE_TYPES_GO_TEXT_H

#include <stdbool.h>

#include "kube/quantity.h"

/* resource.Quantity: NULL, or what is wrong. Spaces around it do not count. */
const char *go_quantity(const char *text, struct quantity *ret);
/* time.Parse with metav1.Time's layout, or MicroTime's: NULL, or what is wrong (new). */
char *go_time_error(const char *text, bool micro);

#endif
