/* The extents of a chain as lines, text or JSON. There may be millions: what a line repeats (the
 * name of a file, escaped) is made once for each layer, and lines leave in large pieces. */
#ifndef VMCONFORM_RUNNER_QCOW2_EXTENTS_H
#define VMCONFORM_RUNNER_QCOW2_EXTENTS_H

#include "runner/qcow2/layers.h"

/* Both write to standard output. The text ends with the sums; the JSON has the members of
 * `qemu-img map --output=json` (depth counts from the top; an extent that no layer has lies at the
 * base), and which layer, file and kind it is. */
void extents_show_text(const struct layers *l);
void extents_show_json(const struct layers *l);

#endif
