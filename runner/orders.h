/* The orders of turns in which a case was run, as a tree of what could be chosen where.
 *
 * A case with the same seed and the same turns is the same, so whoever could be next after turns
 * that were taken before is known, and an order that is drawn by chance can be followed without a
 * run for as long as others began like it: one that ends in the tree was run already. */
#ifndef VMCONFORM_RUNNER_ORDERS_H
#define VMCONFORM_RUNNER_ORDERS_H

#include "base/cleanup.h"
#include "runner/turns.h"

#define ORDERS_NODES_MAX (1u << 20) /* what does not fit is not known, and is run again */

struct orders;
struct orders *orders_create(void);
void orders_destroy(struct orders *o);
DEFINE_CLEANUP(struct orders, orders, orders_destroy);

/* An order that was run to its end; the turns are borrowed. */
void orders_add(struct orders *o, const struct turn *turns, size_t count);
/* Whether the plan, one of chance alone, comes to an order that was added. */
bool orders_know(const struct orders *o, const struct turn_plan *plan);

#endif
