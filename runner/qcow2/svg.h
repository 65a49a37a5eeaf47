/* A chain as a picture: the disk from left to right, coloured by the layer that gives each place;
 * below it what every layer holds. */
#ifndef VMCONFORM_RUNNER_QCOW2_SVG_H
#define VMCONFORM_RUNNER_QCOW2_SVG_H

#include "base/strbuf.h"
#include "runner/qcow2/layers.h"

/* Appends one SVG document: self-contained, at most some hundred KiB, whatever the chain. Fails
 * when the tables of a layer cannot be read again. */
int svg_draw(struct strbuf *out, const struct layers *l, struct qcow2_fault *retfault);

#endif
