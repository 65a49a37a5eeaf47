/* Whose turn it is in a race: what was chosen so far in a case, and what is chosen next. */
#ifndef VMCONFORM_RUNNER_TURNS_H
#define VMCONFORM_RUNNER_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/prng.h"
#include "base/strbuf.h"

#define RACERS_MAX 8u
#define TURNS_MAX 4096u /* of a case */

struct turn {
    uint8_t who;
    uint8_t could; /* a bit for each that could have been it */
};

/* What to choose; zero: always the first. */
struct turn_plan {
    const struct turn *begin; /* these first (only `who` counts); borrowed */
    size_t begin_count;
    bool random; /* then by chance; else the first that can */
    uint64_t seed;
    const char *text; /* in place of all: as turns_text() tells it; borrowed */
};

struct turns {
    struct turn_plan plan;
    struct prng prng;
    size_t read; /* of the plan's text */
    struct turn *items;
    size_t count, cap;
    struct strbuf text;
    uint64_t orders; /* how many there are, judged by how many turns each had; saturates */
    bool uncounted;  /* there are fewer: not everybody could always go on */
};
void turns_init(struct turns *t, const struct turn_plan *plan);
void turns_finish(struct turns *t);
/* One of those whose bit is set, by its index; -1: the plan's text names none of them. */
int turns_choose(struct turns *t, unsigned could, const char *const *names);
/* By chance, one of those whose bit is set: the next draw of the plan. Nothing is kept of it. */
int turns_draw(struct turns *t, unsigned could);
/* A race is over in which each had so many turns. */
void turns_count_race(struct turns *t, const size_t *each, size_t racers);
/* "abab", or "tenant.admin.tenant" when a name has more than one letter. Borrowed. */
const char *turns_text(const struct turns *t);

/* The turns that begin the next order after this one, in place: the last one that could have been a
 * later racer's is. Returns how many are left, 0: this was the last order. */
size_t turns_next(struct turn *turns, size_t count);
DEFINE_CLEANUP(struct turn, turn_list, free);

#endif
