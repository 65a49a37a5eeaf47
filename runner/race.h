/* race: lists of steps that run at the same time, in an order that a plan chooses (turns.h).
 *
 * Each list is an actor of the scenario that waits for its turn before each of its requests. One
 * has the turn at a time, and keeps it until its next request or its end. Visible inside runner/
 * only. */
#ifndef VMCONFORM_RUNNER_RACE_H
#define VMCONFORM_RUNNER_RACE_H

#include "runner/casework.h"
#include "runner/turns.h"

/* As the file has it. */
struct race_def {
    char *names[RACERS_MAX];
    struct steps steps[RACERS_MAX];
    size_t count;
    struct tmpl *between; /* how long the world goes on between two turns; NULL: no time */
    bool inside;          /* what services do for a call is turns of it too */
};
void race_def_destroy(struct race_def *r);

struct race_run;
/* 0: all lists are through; -1 after a verdict, or crashed. */
int race_run(struct casework *cw, const struct step *step, struct frame *frame);
/* Before a step: when the running actor is one of a race, and the step begins a turn, waits for
 * it. -1: crashed, or over. */
int race_before_step(struct casework *cw, const struct step *step);
/* Before a write, a file's or an answer's, of whoever runs: the same for services that work for one
 * of a race. */
void race_before_work(struct casework *cw);
/* The mark (index + 1) of the racer that the running actor is, for calls that it makes; 0: none. */
unsigned race_mark(void *cookie);

#endif
