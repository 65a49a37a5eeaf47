/* Names held against what there is, before anything runs: what a case would find out when it comes
 * to it, or never, told at its place in the file. `run` and `lint` both do this, so what is written
 * in so many words is told in the same words by both; what is computed waits for the case.
 *
 * A verb and an item of the given say what their names are (verb.h, given.h: `names`). Visible
 * inside runner/ only. */
#ifndef VMCONFORM_RUNNER_CHECK_H
#define VMCONFORM_RUNNER_CHECK_H

#include "runner/vocabulary.h"

struct check_options {
    /* Components that the command line says somebody plays; a name before the first '='. */
    const char *const *players;
    size_t player_count;
    /* That a component is none of ours is worth a warning: nobody has asked who plays it. */
    bool warn_players;
    /* Clients from outside act too, under names that nobody knows before they come. */
    bool visitors;
    const char *requirements; /* the file that lists them; NULL: the project's (requirements.h) */
};

struct check {
    const struct check_options *options;
    const struct unit *unit;
    struct vocabulary words;
    struct diags *diags;
};

/* Mistakes go to diags, sorted into those that are there. base: vocabulary_read(). */
void scenario_check(const struct unit *u, const struct check_options *options,
                    struct apiserver *base, struct diags *diags);

/* ---- for verbs and items ----
 * Each looks at one name, when it is known; t may be NULL. */

void check_cluster(struct check *c, const struct place *at, const struct tmpl *t);
/* A kind as references have it: KIND, plural, .GROUP, @CLUSTER. */
void check_kind(struct check *c, const struct place *at, const struct tmpl *t);
/* kind and cluster of a map that refers to an object. */
void check_reference(struct check *c, const struct place *at, const struct tmpl *map);
/* A manifest, or a list of them; on the cluster that `cluster` names, NULL: the first. */
void check_manifests(struct check *c, const struct place *at, const struct tmpl *t,
                     const struct tmpl *cluster);
/* A component that is to be started with these settings. */
void check_component(struct check *c, const struct place *at, const struct tmpl *name,
                     const struct tmpl *with);
/* A component that must have been started before. */
void check_started(struct check *c, const struct place *at, const struct tmpl *t);
void check_fault_name(struct check *c, const struct place *at, const struct tmpl *t);
/* Globs over what `by`, and over what `kind` of events and requests can be. */
void check_actor_glob(struct check *c, const struct place *at, const struct tmpl *t);
void check_kind_glob(struct check *c, const struct place *at, const struct tmpl *t);
void check_cluster_glob(struct check *c, const struct place *at, const struct tmpl *t);
/* A glob over what API servers serve; what holds no wildcard must be there, unless programs or
 * definitions that are not known yet may bring it. */
enum check_served { SERVED_PLURAL, SERVED_GROUP, SERVED_SUBRESOURCE };
void check_served(struct check *c, const struct place *at, const struct tmpl *t,
                  enum check_served what);
/* One of these words; `what` is for the message: "'x' is no WHAT". */
void check_choice(struct check *c, const struct place *at, const struct tmpl *t,
                  const char *const *words, size_t count, const char *what);
void check_checkpoint(struct check *c, const struct chain_names *chain, const struct said *name);
void check_chain_disk(struct check *c, const struct chain_names *chain, const struct said *name);
/* Tells an error of one's own; it has the place when it has none. Empties *e. */
void check_wrong(struct check *c, struct src_pos pos, struct err *e);

#endif
