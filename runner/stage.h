/* Parts of the stage that more than one file needs. Visible inside runner/ only. */
#ifndef VMCONFORM_RUNNER_STAGE_H
#define VMCONFORM_RUNNER_STAGE_H

#include "runner/casework.h"

/* A backup chain of the given (stage_chain.c). */
struct chain_stage;
void chain_stage_destroy(struct chain_stage *c);
/* chain(NAME) of expressions; borrowed. */
const json_t *chain_stage_json(const struct chain_stage *c);
struct chain_fixture;
struct chain_fixture *chain_stage_fixture(const struct chain_stage *c); /* borrowed */
/* What the scenario's `damage` says (stage_damage.c), and the names in it. */
int stage_damage(struct chain_fixture *f, const json_t *list, struct src_pos pos,
                 struct err *reterr);
struct check;
struct chain_names;
struct said;
void stage_damage_names(struct check *c, const struct chain_names *chain, const struct said *d);
/* Folder of the chain's files. */
const char *chain_stage_dir(const struct chain_stage *c);

/* Pods: connects the kubelet of the world with the registered programs (pods.c). */
void stage_pods(struct casework *cw);

#endif
