/* What the tables of built-in kinds share; visible to the builtin*.c files only.
 *
 * A default sets a member that is absent. Members are those of the object given, not paths. */
#ifndef VMCONFORM_SIM_APISERVER_BUILTIN_PRIV_H
#define VMCONFORM_SIM_APISERVER_BUILTIN_PRIV_H

#include "kube/status.h"
#include "sim/apiserver/kinds_priv.h"

void default_str(json_t *object, const char *key, const char *value);
void default_int(json_t *object, const char *key, int64_t value);
void default_bool(json_t *object, const char *key, bool value);
/* The member, made as an empty object when absent; NULL when it is something else. Borrowed. */
json_t *default_object(json_t *object, const char *key);
/* value is taken. */
void default_take(json_t *object, const char *key, json_t *value);
/* The member when it is an object, NULL otherwise. Borrowed. */
json_t *member(json_t *object, const char *key);

/* For field selectors: what stands at `field`; false where nothing stands and the field is `flag`.
 */
const json_t *field_of_bool(const json_t *object, const char *field, const char *flag);

bool unchanged(const json_t *object, const json_t *old, const char *path);
void must_not_change(const json_t *object, const json_t *old, const char *path,
                     struct field_errors *errors);
void must_stand(const json_t *object, const char *path, struct field_errors *errors);
void must_not_be_negative(const json_t *object, const char *path, struct field_errors *errors);
/* "supported values: ..." unless the text at path is one of the words (NULL-terminated). */
void must_be_one_of(const json_t *object, const char *path, const char *const *words,
                    struct field_errors *errors);

/* ---- pods and what makes them (builtin_pod.c, builtin_template.c) ---- */

/* Defaults of a PodSpec. */
void pod_spec_default(json_t *spec);
/* at: "spec", "spec.template.spec". */
void pod_spec_validate(const json_t *spec, const char *at, struct field_errors *errors);
/* spec.template of a workload. */
void template_default(json_t *object);
/* spec.selector must stand, be the same as before and choose spec.template; the template's pods
 * must be restarted always. */
void workload_validate(const json_t *object, const json_t *old, const char *kind,
                       struct field_errors *errors);

/* ---- ConfigMaps and Secrets (builtin_data.c), roles and bindings (builtin_roles.c) ---- */

void config_map_validate(const json_t *object, const json_t *old, struct field_errors *errors);
void secret_prepare(json_t *object, const json_t *old);
void secret_validate(const json_t *object, const json_t *old, struct field_errors *errors);
void role_validate(const json_t *object, const json_t *old, struct field_errors *errors);
void binding_prepare(json_t *object, const json_t *old);
void binding_validate(const json_t *object, const json_t *old, struct field_errors *errors);

/* ---- services (builtin_service.c, builtin_allocate.c) ---- */

/* Of this spec.type. */
bool service_is(const json_t *object, const char *type);
/* Its ports get node ports. */
bool service_has_node_ports(const json_t *object);
void service_allocate(const struct apiserver *a, json_t *object, const json_t *old,
                      struct given *given, struct field_errors *errors);

extern const struct builtin_table builtin_core, builtin_events, builtin_pods, builtin_volumes,
    builtin_services, builtin_apps, builtin_batch, builtin_policies, builtin_others;

#endif
