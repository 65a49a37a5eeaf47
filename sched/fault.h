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

/* ---- the points ---- */

enum { FAULT_ATTRS_MAX = 12, FAULT_VALUES_MAX = 8, FAULT_ACTIONS_MAX = 8, FAULT_WITH_MAX = 4 };

enum fault_value {
    FAULT_COUNT,    /* an integer from 0 */
    FAULT_DURATION, /* the same, in nanoseconds; a scenario writes 30s */
    FAULT_TRUE,     /* true: that is all there is to say */
    FAULT_CHOICE    /* one of the numbers and texts */
};

/* One member that the action of a rule may have. */
struct fault_action {
    const char *name; /* NULL ends a table */
    enum fault_value type;
    int64_t max;                         /* FAULT_COUNT: the most; 0: no end */
    int64_t numbers[FAULT_VALUES_MAX];   /* FAULT_CHOICE: these numbers (0 ends), */
    const char *texts[FAULT_VALUES_MAX]; /* these texts (NULL ends) */
    const char
        *with; /* allowed only beside this member; NULL: it is the one that says what happens */
    const char *with_texts[FAULT_WITH_MAX]; /* ... when that has one of these texts (NULL ends;
                                               none: any value) */
    const char *says; /* what happens, where the name does not tell; NULL: it does */
};

/* A place where the world can fail on purpose. Adding one: a constant of this type in a file of
 * this folder, its line in fault_points.list, and fault_hit() where it happens. */
struct fault_point {
    const char *name;
    const char *attrs[FAULT_ATTRS_MAX]; /* what a rule may match, all text; NULL ends */
    struct fault_action actions[FAULT_ACTIONS_MAX + 1]; /* a NULL name ends */
    struct {
        const char *attr;          /* NULL: all attributes are open */
        const char *const *values; /* NULL ends */
    } closed;                      /* the attribute that has only these values */
};
extern const struct fault_point *const fault_points[]; /* in the order of the list */
extern const size_t fault_point_count;
/* What a rule of this point may ask for; NULL when there is no such point or action. */
const struct fault_action *fault_action_find(const char *point, const char *name);

/* ---- what a rule may say, for who reads one before it is added; the words are those of
 * fault_add() ---- 0, or -1 with *reterr. `point` is known where an attribute or an action is asked
 * for. */
int fault_no_point(struct err *reterr); /* that it names none */
int fault_check_point(const char *point, struct err *reterr);
int fault_check_attr(const char *point, const char *attr, struct err *reterr);
/* The pattern of a `match` fits what the attribute can be, where that is a closed list. */
int fault_check_pattern(const char *point, const char *attr, const char *pattern,
                        struct err *reterr);
int fault_check_action_name(const char *point, const char *name, struct err *reterr);
/* ret_member (may be NULL) gets the member that is wrong, NULL: the action as a whole. Borrowed. */
int fault_check_action(const char *point, const json_t *action, const char **ret_member,
                       struct err *reterr);

/* ---- rules ---- */

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
/* fn(cookie) is called when a rule is removed, so that what a rule holds back can look again. One
 * caller only: NULL takes it away. */
void fault_on_remove(struct faults *f, void (*fn)(void *cookie), void *cookie);
/* The action of the rule that fires (borrowed; lives as long as f), or NULL. Counts. */
const json_t *fault_hit(struct faults *f, const char *point, const struct fault_attr *attrs,
                        size_t count);
/* How often the rule `name` fired: the last one of that name, ended or not; 0 when there was none.
 */
uint64_t fault_fired(const struct faults *f, const char *name);

#endif
