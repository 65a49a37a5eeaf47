/* A file as it was read, without running it: everything that a scenario and its fixtures say, in
 * order, and what a name stands for where it is written. Visible inside runner/ only. */
#ifndef VMCONFORM_RUNNER_WALK_H
#define VMCONFORM_RUNNER_WALK_H

#include "runner/scenario.h"

/* Where something is said: in the scenario, or in a fixture as one of its inclusions. */
struct place {
    const struct unit *unit;
    const struct template_def *in; /* the template in which it stands, or NULL */
    const struct place *outer;     /* of a fixture: who includes it, by `given` */
    const struct given *given;
};

/* Members may be NULL. */
struct walker {
    void (*given)(void *cookie, const struct place *at, const struct given *g);
    void (*step)(void *cookie, const struct place *at, const struct step *s);
    void (*law)(void *cookie, const struct place *at, const struct law *l);
    void (*condition)(void *cookie, const struct place *at, const struct condition *c);
    /* Of steps and of laws. */
    void (*selector)(void *cookie, const struct place *at, const struct selector_on *s);
    /* For every expression, wherever it stands; NULL: none. Its cookie is the walker's. */
    const struct cel_visitor *expressions;
    void *cookie;
};
void walk_scenario(const struct unit *u, const struct walker *w);

/* A value as it is written: what stands there, or when that is one `${NAME}` of a variable or a
 * parameter, what is written for the name, there. t is NULL when it is absent or known only when it
 * runs. */
struct said {
    struct place at;
    const struct tmpl *t;
};
struct said said_at(const struct place *at, const struct tmpl *t /* may be NULL */);
/* A member of a map, an element of a list. */
struct said said_member(const struct said *s, const char *key);
struct said said_item(const struct said *s, size_t i);
const char *said_word(const struct said *s); /* NULL: no text, or not known */

#endif
