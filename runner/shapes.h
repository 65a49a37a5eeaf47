/* Every map that a file may hold, as tables: the parser checks files with them, the runner checks
 * what `${...}` gave, and a test checks that the grammar's page and its JSON Schema say the same.
 */
#ifndef VMCONFORM_RUNNER_SHAPES_H
#define VMCONFORM_RUNNER_SHAPES_H

#include "runner/scenario.h"
#include "runner/shape.h"

extern const struct shape shape_file;
extern const struct shape shape_metadata;
extern const struct shape shape_scenario;
extern const struct shape shape_fixture;
extern const struct shape shape_given; /* given.c */
extern const struct shape shape_chain;
extern const struct shape shape_disk;
extern const struct shape shape_checkpoint;
extern const struct shape shape_extent;
extern const struct shape shape_growth;
extern const struct shape shape_repeat;
extern const struct shape shape_damage;
extern const struct shape shape_template;
extern const struct shape shape_step; /* verbs.c */
extern const struct shape shape_refused;
extern const struct shape shape_condition;
extern const struct shape shape_upon;
extern const struct shape shape_law;
/* Every one of them, also those of verbs and of given items; NULL behind the last one. */
const struct shape *shape_at(size_t i);

#endif
