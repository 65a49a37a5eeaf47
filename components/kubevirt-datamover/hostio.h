/* Files of the host as the image library reads and writes them. */
#ifndef VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_HOSTIO_H
#define VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_HOSTIO_H

#include "components/host.h"
#include "qcow2/io.h"
#include "qcow2/sink.h"

/* New; NULL on failure. */
struct qcow2_io *hostio_open(struct host *h, const char *path, struct err *reterr);

/* Writes into a file that exists: an empty one, or one in place (size: how many bytes it has; 0:
 * it is empty), whose old bytes remain where nothing is written. The commit gives an empty one its
 * size; whether it lasts is the caller's business. New; NULL on failure. */
struct qcow2_sink *hostsink_open(struct host *h, const char *path, uint64_t size,
                                 struct err *reterr);

#endif
