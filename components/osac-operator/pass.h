/* One pass over an object of the hub. Steps return PASS_ON to go on, PASS_STOP to end the pass
 * quietly (a later look is arranged), PASS_FAILED with an error set. Status edits collect in `own`
 * and are written once, at the end of the pass. */
#ifndef VMCONFORM_COMPONENTS_OSAC_OPERATOR_PASS_H
#define VMCONFORM_COMPONENTS_OSAC_OPERATOR_PASS_H

#include <jansson.h>
#include <stdbool.h>

#include "components/osac-operator/operator.h"

enum pass_step { PASS_ON = 0, PASS_STOP = 1, PASS_FAILED = -1 };

struct pass {
    struct osac_operator *op;
    const struct kind *kind;
    json_t *stored; /* the object as last read or written; frozen */
    json_t *own;    /* our copy: its status is what the pass wants */
    struct reconcile_result *result;
};

typedef enum pass_step pass_fn(struct pass *p, struct err *reterr);

/* Reads the object and runs the pass that it is due: none when it is gone, or left to others. */
int osac_pass_run(struct pass *p, const char *ns, const char *name, pass_fn *live_pass,
                  pass_fn *delete_pass, struct err *reterr);

/* Conditions of our own copy. */
void osac_pass_condition(struct pass *p, const char *type, const char *status, const char *reason,
                         const char *message);
bool osac_pass_is_true(const struct pass *p, const char *type);

/* Writes metadata changes: `edited` is a changed copy of p->stored. It fails on any change by
 * others since the read, which then ends the pass: the next one decides anew. */
enum pass_step osac_pass_write_metadata(struct pass *p, const json_t *edited, struct err *reterr);
/* Writes the status when it differs from the stored one. */
enum pass_step osac_pass_write_status(struct pass *p, struct err *reterr);

/* The virtual machine with the label of an instance, new; *ret NULL: there is none. Two of them are
 * an error: there is no telling which one is meant. */
enum pass_step osac_pass_machine(struct pass *p, const json_t *instance, json_t **ret,
                                 struct err *reterr);

#endif
