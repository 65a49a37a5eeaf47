/* ObjectMeta at a glance: borrowed reads, and the few edits that every controller makes. */
#ifndef VMCONFORM_KUBE_META_H
#define VMCONFORM_KUBE_META_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Borrowed; "" when absent. */
const char *meta_name(const json_t *obj);
const char *meta_namespace(const json_t *obj);
const char *meta_uid(const json_t *obj);
const char *meta_resource_version(const json_t *obj);
const char *meta_kind(const json_t *obj);
const char *meta_api_version(const json_t *obj);
/* NULL when absent. */
const char *meta_label(const json_t *obj, const char *key);
const char *meta_annotation(const json_t *obj, const char *key);
bool meta_deleting(const json_t *obj);
int64_t meta_generation(const json_t *obj);

bool meta_has_finalizer(const json_t *obj, const char *finalizer);
/* true when it changed the object. obj must be the caller's own copy. */
bool meta_add_finalizer(json_t *obj, const char *finalizer);
bool meta_remove_finalizer(json_t *obj, const char *finalizer);
void meta_set_label(json_t *obj, const char *key, const char *value);
void meta_set_annotation(json_t *obj, const char *key, const char *value); /* NULL removes */

/* The owner reference with controller=true, or NULL. Borrowed. */
const json_t *meta_controller_of(const json_t *obj);
/* New owner reference to owner. */
json_t *meta_owner_ref(const json_t *owner, bool controller, bool block_owner_deletion);

/* Splits "group/version" or "version"; out buffers may be NULL. false when malformed. */
bool meta_split_api_version(const char *api_version, char *group, size_t group_size, char *version,
                            size_t version_size);

/* Conditions in status.conditions. The returned condition is borrowed; NULL when absent. */
const json_t *meta_condition(const json_t *obj, const char *type);
/* "True", "False", "Unknown", or "" when the condition is absent. */
const char *meta_condition_status(const json_t *obj, const char *type);
/* Sets type to status/reason/message; lastTransitionTime changes only with the status. true when
 * anything changed. */
bool meta_set_condition(json_t *obj, const char *type, const char *status, const char *reason,
                        const char *message, int64_t now_ns);

#endif
