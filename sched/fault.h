/* Fault points: declarative rules that say where the world misbehaves, how often, and how.
 *
 * Code that can fail on purpose asks fault_hit() with the name of its point and what it is about to
 * do; the answer is the action of the first rule that matches and is due, or NULL. Rules are
 * counted, so that "the third create fails" replays exactly. */
#ifndef VMCONFORM_SCHED_FAULT_H
#define VMCONFORM_SCHED_FAULT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

/* Points, each with its attributes (all text) and the actions a rule may ask for:
 *
 *   "api"      verb group kind plural ns name subresource by cluster
 *              {answer: 403|409|429|500|503|"timeout"|"lost"} | {delay: ns}
 *              "timeout" fails with 504 before it reaches the store, "lost" is committed, then 504
 *   "watch"    kind plural by cluster
 *              {lag: ns} | {drop: true} | {gone: true} | {hold: true}
 *   "store"    op(get|put|list|head) key by
 *              {answer: 404|500|503|"truncated"|"corrupt"}; with the last two, bytes: n
 *   "file"     op(open|write|sync|rename) path by
 *              {errno: "ENOSPC"|"EIO"}; with it, after: bytes
 *   "program"  program by
 *              {exit: 0..255} | {kill: true}
 */
struct fault_attr {
    const char *key, *value; /* value NULL counts as "" */
};

struct faults;
struct faults *faults_create(void);
void faults_destroy(struct faults *f);
DEFINE_CLEANUP(struct faults, faults, faults_destroy);

/* rule: {name?, point, match: {attr: glob, ...}, skip: n (let n pass first), times: n (0 = always),
 * action: {...}}. Copied. match, skip and times may be missing: everything, 0, 0. A rule counts all
 * that match it, also what an earlier rule takes. Unknown points, attributes and actions are
 * errors, and so is a name that is in force. Returns an id > 0, or -1. */
int64_t fault_add(struct faults *f, const json_t *rule, struct err *reterr);
/* Ends a rule early and makes its name free again; its count and its action stay. false when no
 * such rule is in force. */
bool fault_remove(struct faults *f, const char *name);
/* True while the rule that this action came from has not been removed. */
bool fault_in_force(const struct faults *f, const json_t *action);
/* fn(cookie) is called when a rule is removed, so that what a rule holds back can look again. One caller only: NULL takes it away. */
void fault_on_remove(struct faults *f, void (*fn)(void *cookie), void *cookie);
/* The action of the rule that fires (borrowed; lives as long as f), or NULL. Counts. */
const json_t *fault_hit(struct faults *f, const char *point, const struct fault_attr *attrs,
                        size_t count);
/* How often the rule `name` fired: the last one of that name, ended or not; 0 when there was none.
 */
uint64_t fault_fired(const struct faults *f, const char *name);

#endif
