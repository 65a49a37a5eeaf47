/* The stages that writes have in common, from a body to an object that may be stored. */
#ifndef VMCONFORM_SIM_APISERVER_WRITE_PRIV_H
#define VMCONFORM_SIM_APISERVER_WRITE_PRIV_H

#include "sim/apiserver/call_priv.h"

/* Runs the admission plug-ins. object NULL for delete. */
int write_admit(struct call *c, json_t *object, const json_t *old);
/* Runs the validating one, last of all checks. object NULL for delete. */
int write_admit_validating(struct call *c, json_t *object, const json_t *old, bool dry_run);
/* Whether any plug-in looks at a write of this type at all. */
bool write_is_admitted(const struct call *c);
/* Whether one looks that may change the object. */
bool write_has_admission(const struct call *c);
/* Defaults and pruning of schema or kind; in place. */
void write_normalise(const struct rtype *t, const struct rversion *v, json_t *object,
                     const json_t *old);
/* Metadata, schema, rules, kind. */
int write_validate(struct call *c, const json_t *object, const json_t *old);
/* What the kind's server gives out, to a valid object. */
int write_allocate(struct call *c, json_t *object, const json_t *old);
/* The object is about to be stored: what it got is gone. */
void write_keep_given(struct call *c);

/* ---- the scale subresource (scale.c) ---- */

/* Whether the numbers of a defined kind can be shown at all. */
void scale_validate(const struct call *c, const json_t *object, struct field_errors *errors);

/* ---- warnings (warn.c) ---- */

/* Removes exact duplicates of owner references, in place, and tells. */
void dedup_owners(struct call *c, json_t *object);
/* Tells of finalizers that are new and have no domain. old NULL on create. */
void warn_finalizers(struct call *c, const json_t *object, const json_t *old);

#endif
