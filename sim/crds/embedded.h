/* What embed.c makes of the YAML files. */
#ifndef VMCONFORM_SIM_CRDS_EMBEDDED_H
#define VMCONFORM_SIM_CRDS_EMBEDDED_H

#include <stddef.h>

struct crds_file {
    const char *name;
    const unsigned char *text; /* JSON */
    size_t len;
};
extern const struct crds_file crds_embedded[];
extern const size_t crds_embedded_count;

#endif
