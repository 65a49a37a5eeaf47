/* Answers that steps save: variables of the file, null until the first answer is there. The file's
 * templates and laws see them too. Visible inside runner/ only. */
#ifndef VMCONFORM_RUNNER_SAVED_H
#define VMCONFORM_RUNNER_SAVED_H

#include "runner/casework.h"
#include "runner/parse_priv.h"

/* Makes the names that the steps of a list save (also inside a race) names of the file. false after
 * errors. */
bool saved_declare(struct parser *p, const struct yaml_node *steps);
bool saved_is(const struct unit *u, const char *name);

/* All of them are null: the file has just been included. */
void saved_begin(const struct unit *u, struct frame *frame);
/* For the step's file and for the frame that runs; value is taken. */
void saved_set(struct casework *cw, const struct step *step, struct frame *frame, const char *name,
               json_t *value);
/* What a template saved while it ran, for the frame of who used it. */
void saved_refresh(struct casework *cw, const struct step *step, struct frame *frame);

#endif
