/* --keep DIR: the images of a case, copied where a person can look at them. Visible inside runner/
 * only. */
#ifndef VMCONFORM_RUNNER_KEEP_H
#define VMCONFORM_RUNNER_KEEP_H

struct casework;
/* Copies chain files and restored volumes to options->keep/CASE/. What cannot be copied becomes a
 * line in the result's details. */
void keep_images(struct casework *cw);

#endif
