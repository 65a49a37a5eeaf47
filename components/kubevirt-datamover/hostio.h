/* A file of the host as the image library reads it. */
#ifndef VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_HOSTIO_H
#define VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_HOSTIO_H

#include "components/host.h"
#include "qcow2/io.h"

/* New; NULL on failure. */
struct qcow2_io *hostio_open(struct host *h, const char *path, struct err *reterr);

#endif
