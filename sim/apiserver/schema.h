/* Structural schemas (openAPIV3Schema of a CustomResourceDefinition): compiled once, then used to
 * prune, default and validate (kube-apiserver.md sections 6.4 to 6.6). A compiled schema never
 * changes and may be shared by many servers. */
#ifndef VMCONFORM_SIM_APISERVER_SCHEMA_H
#define VMCONFORM_SIM_APISERVER_SCHEMA_H

#include <jansson.h>

#include "base/cleanup.h"
#include "cel/cel.h"
#include "kube/status.h"

struct schema;

/* `field` is the schema's place in the CRD ("spec.versions[0].schema.openAPIV3Schema"). NULL when
 * errors were added. */
struct schema *schema_compile(const json_t *openapi, const char *field,
                              struct field_errors *errors);
void schema_destroy(struct schema *s);
DEFINE_CLEANUP(struct schema, schema, schema_destroy);

/* Sets defaults, drops nulls that may not be, prunes unknown fields: in place, so object must be
 * the caller's own copy. apiVersion, kind and metadata of the root are left alone. */
void schema_normalise(const struct schema *s, json_t *object);

/* Values, then list types, then rules. old is the stored object on update (NULL on create): what it
 * shares with the new one is not reported (ratcheting), and transition rules compare with it. */
void schema_validate(const struct schema *s, const json_t *object, const json_t *old,
                     struct cel_context *cel, struct field_errors *errors);

#endif
