/* The custom resource definitions built into this program: the YAML files beside this header,
 * embedded as JSON when it is built.
 *
 * Adding one is adding a file FOLDER/NAME.yaml with one CustomResourceDefinition document; nothing
 * else is to be touched. */
#ifndef VMCONFORM_SIM_CRDS_CRDS_H
#define VMCONFORM_SIM_CRDS_CRDS_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

/* In order of file names. */
size_t crds_count(void);
/* The file's name, e.g. "kubevirt.io_virtualmachines.yaml". */
const char *crds_name(size_t i);
/* The parsed object, new; NULL cannot happen to a file that went through embed.c. */
json_t *crds_json(size_t i, struct err *reterr);

#endif
