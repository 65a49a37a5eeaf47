/* What a step can do. A verb is one constant: its grammar, its words for the page, its function.
 * Adding one: such a constant in a file of this folder, its line in verbs.list. The parser, the
 * runner, the JSON Schema and the page's table come from there. */
#ifndef VMCONFORM_RUNNER_VERB_H
#define VMCONFORM_RUNNER_VERB_H

#include "runner/casework.h"
#include "runner/check.h"
#include "runner/shapes.h"

enum verb_value {
    VERB_MAP,         /* a map of the shape */
    VERB_TEXT,        /* a plain text */
    VERB_TEXT_OR_MAP, /* either */
    VERB_MANIFESTS,   /* a manifest, or a list of them */
    VERB_CONDITION,   /* in step->condition */
    VERB_OWN          /* parse() reads it */
};

struct parser;
struct verb {
    const char *name;
    /* For the page, as Markdown: the value, and what happens. */
    const char *value, *says;
    enum verb_value takes;
    const struct shape *shape; /* VERB_MAP, VERB_TEXT_OR_MAP */
    bool waits;                /* other actors run meanwhile; such a verb cannot be armed */
    bool unarmed;              /* it cannot be armed either */
    bool writes;               /* sends a request that may be `refused` */
    /* What the shape does not say of a value; NULL: nothing. */
    bool (*check)(struct parser *p, const struct yaml_node *value, const struct scope *scope);
    /* Reads the value into the step; VERB_OWN. */
    bool (*parse)(struct parser *p, const struct yaml_node *value, const struct scope *scope,
                  struct step *step);
    /* One of these. act: its value has been evaluated, and every member has its type; `e` evaluates
     * what else the step has. run: does all of that itself. 0: done; -1: after a verdict, or the
     * actor has crashed. */
    int (*act)(struct casework *cw, const struct step *step, const struct eval *e,
               const json_t *args);
    int (*run)(struct casework *cw, const struct step *step, struct frame *frame);
    /* Holds what the step names against what there is, before anything runs (check.h). NULL: it
     * names nothing. */
    void (*names)(struct check *c, const struct place *at, const struct step *step);
};

#define VERB(name, file) extern const struct verb verb_##name;
#include "runner/verbs.list"
#undef VERB

extern const struct verb *const verbs_all[]; /* in the order of the list; NULL-terminated */
extern const char *const verb_names[];       /* the same */

/* ---- for verbs ---- */

/* Every member of the evaluated value has its type. */
int step_check_args(const struct step *step, const json_t *args, struct err *reterr);
/* The duration under `key`, `otherwise` when there is none; -1 after a verdict. */
int step_duration(struct casework *cw, const struct step *step, const json_t *args, const char *key,
                  int64_t otherwise, int64_t *ret);
/* The cluster that args or the step names, else the first one; NULL after a verdict. */
struct cluster *step_cluster(struct casework *cw, const struct step *step, const struct eval *e,
                             const json_t *args);

#endif
