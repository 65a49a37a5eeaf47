/* Shared by the files that make Status objects. */
#ifndef VMCONFORM_KUBE_STATUS_PRIV_H
#define VMCONFORM_KUBE_STATUS_PRIV_H

#include <jansson.h>
#include <stddef.h>

#include "base/strbuf.h"

/* New JSON string. Messages quote what clients sent (selectors, names from URLs), which need not be
 * UTF-8, and may have been cut in the middle of a character: such bytes become '?'. */
json_t *status_text_value(const char *text);

#endif
