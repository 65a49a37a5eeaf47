/* A scenario or fixture file, parsed and compiled; immutable once loaded. The grammar is
 * docs/scenario-format.md. */
#ifndef VMCONFORM_RUNNER_SCENARIO_H
#define VMCONFORM_RUNNER_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strmap.h"
#include "base/yaml.h"
#include "cel/cel.h"
#include "runner/template.h"
#include "sim/world.h"

enum condition_kind { CONDITION_THAT, CONDITION_HAS, CONDITION_ABSENT, CONDITION_DISK };
struct condition {
    enum condition_kind kind;
    struct src_pos pos;
    struct cel_program *that; /* CONDITION_THAT */
    struct tmpl *spec;        /* the whole map, for the others; NULL for an expression alone */
    /* Borrowed from spec's siblings; may be NULL. */
    const struct tmpl *within, *hold, *message, *after_crash;
    struct tmpl *owned[4];
    const struct tmpl *cluster; /* of the step, for a reference without its own; borrowed or NULL */
};

/* Selects changes or requests; members may be NULL. */
struct selector_on {
    struct src_pos pos;
    bool is_request;
    bool is_call;      /* a request too: of a service */
    struct tmpl *type; /* ADDED..., or the verb */
    struct tmpl *kind, *name, *ns, *cluster, *subresource, *by;
    enum request_moment moment;
    uint64_t skip;
    struct cel_program *that;
    bool optional;
    struct tmpl *at, *skip_given, *optional_given; /* of those that have a hole: known when armed */
};
/* Of the words "before", "committed", "after". false: it is none of them. */
bool moment_find(const char *word, enum request_moment *ret);
const char *moment_name(enum request_moment moment);

struct law {
    struct src_pos pos;
    char *name;
    bool never;
    struct selector_on *on;   /* NULL: every change */
    struct cel_program *that; /* NULL: never with a selector alone */
    char *requirement;        /* NULL: the scenario's */
};

struct steps;
struct verb;     /* verb.h */
struct race_def; /* race.h */
struct step {
    const struct verb *verb;
    struct src_pos pos;
    char *name; /* NULL: none */
    struct cel_program *when;
    struct tmpl *cluster, *as, *args, *with;
    struct tmpl *refused; /* what refusal of the API server is expected, or NULL */
    bool accepted;        /* a refusal is a failure, and no error of the stage */
    struct tmpl *warned;  /* its warnings, or NULL: they do not matter */
    struct selector_on *upon;
    struct condition *condition; /* wait, assert, error */
    const struct template_def *use;
    char *use_name;
    struct race_def *race; /* NULL: it is none */
};
struct steps {
    struct step *items;
    size_t count, cap;
};

struct template_def {
    char *name;
    struct src_pos pos;
    struct unit *unit;   /* that defines it */
    struct scope *scope; /* the unit's names and the parameters */
    char **params;       /* NULL-terminated */
    struct tmpl **defaults;
    struct steps steps;
};

struct given_item; /* given.h */
struct given {
    const struct given_item *item;
    struct src_pos pos;
    struct tmpl *args, *cluster, *with;
    struct steps steps;
    struct unit *fixture; /* borrowed from the library */
};

struct conditions {
    struct condition **items;
    size_t count, cap;
};
struct laws {
    struct law *items;
    size_t count, cap;
};

/* One file. */
struct unit {
    bool is_fixture;
    char *name, *path;
    struct yaml_doc *doc;
    char *text; /* the file, for printing lines */
    size_t text_len;
    struct scope *scope;
    json_t *labels;
    char *description;
    json_t *requirements; /* array of text */
    json_t *needs;
    /* params (fixture) or vars (scenario), in file order; a NULL default is required */
    char **var_names;
    struct tmpl **var_values;
    size_t var_count;
    json_t *matrix;  /* object: name to array; NULL none */
    json_t *exclude; /* array of objects */
    struct given *givens;
    size_t given_count, given_cap;
    struct strmap *templates; /* own ones: name to struct template_def */
    struct steps steps, finally;
    struct laws laws;
    struct conditions eventually, sometimes;
    char **saved; /* names of answers that steps save (saved.h) */
    size_t saved_count;
    size_t inclusions; /* of fixtures, also those inside fixtures */
};

/* Loaded fixtures, by name: each file is read once per process. */
struct library;
struct library *library_create(void);
void library_destroy(struct library *l);
DEFINE_CLEANUP(struct library, library, library_destroy);

/* Loads a scenario and every fixture that it names. NULL when diags got errors. Errors inside
 * fixtures carry the fixture's positions. */
struct unit *scenario_load(struct library *l, const char *path, struct diags *diags);
void unit_destroy(struct unit *u);
DEFINE_CLEANUP(struct unit, unit, unit_destroy);
/* The cases of a scenario, in matrix order: new array of objects name -> value; one empty object
 * without a matrix. */
json_t *scenario_cases(const struct unit *u);
/* "restore-happy[own=3]". New. */
char *scenario_case_name(const struct unit *u, const json_t *values);

#endif
