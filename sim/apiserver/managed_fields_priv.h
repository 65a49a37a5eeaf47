/* Owners of fields: metadata.managedFields in the pipeline. */
#ifndef VMCONFORM_SIM_APISERVER_MANAGED_FIELDS_PRIV_H
#define VMCONFORM_SIM_APISERVER_MANAGED_FIELDS_PRIV_H

#include "kube/fields/typed.h"
#include "sim/apiserver/call_priv.h"

struct managed_writer;

/* fieldManager and force of a write: 0, or -1 with the 422. */
int write_check_options(struct call *c);
/* Settles metadata.managedFields of what will be stored; old NULL on create. Does nothing to
 * speak of where nothing is recorded. */
void write_record_fields(struct call *c, json_t *object, const json_t *old);
/* The type of the request's version. */
struct typed call_typed(const struct call *c);
/* Who writes, for kube/fields/managed.h. To be freed. */
struct managed_writer *call_writer(const struct call *c);

/* ---- in which version (view.c) ---- */

/* metadata.managedFields keep the names of fields that each entry's own API has. While owners are
 * worked out all have those of the request's: the object with them (new reference), and back. */
json_t *entries_shown(const struct call *c, const json_t *object);
void entries_kept(const struct call *c, json_t *object);

#endif
