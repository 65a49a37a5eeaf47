/* Structural schemas (openAPIV3Schema of a CustomResourceDefinition): compiled once, then used to
 * prune, default and validate (kube-apiserver.md sections 6.4 to 6.6). A compiled schema never
 * changes and may be shared by many servers. */
#ifndef VMCONFORM_SIM_APISERVER_SCHEMA_H
#define VMCONFORM_SIM_APISERVER_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "cel/cel.h"
#include "kube/fields/typed.h"
#include "kube/status.h"

struct schema;

/* `field` is the schema's place in the CRD ("spec.versions[0].schema.openAPIV3Schema"); has_status
 * tells that the kind has the subresource, which narrows what the root may say. NULL when errors
 * were added. */
struct schema *schema_compile(const json_t *openapi, const char *field, bool has_status,
                              struct field_errors *errors);
/* The same for a schema that is known to be valid: compiled when it is needed first, since most of
 * those that are built in never are. Ends the program when it is not valid. */
struct schema *schema_compile_later(const json_t *openapi, bool has_status);
/* Compiles it now, if it is not yet: before a fork, so that both sides have it. */
void schema_prepare(const struct schema *s);
void schema_destroy(struct schema *s);
DEFINE_CLEANUP(struct schema, schema, schema_destroy);

/* Sets defaults, drops nulls that may not be, prunes unknown fields: in place, so object must be
 * the caller's own copy. apiVersion, kind and metadata of the root are left alone. */
void schema_normalise(const struct schema *s, json_t *object);

/* Tells what schema_normalise would prune ("spec.list[0].x"), sorted; at most 100. */
void schema_unknown(const struct schema *s, const json_t *object,
                    void (*tell)(void *cookie, const char *path), void *cookie);

/* Values, then list types, then rules. old is the stored object on update (NULL on create): what it
 * shares with the new one is not reported (ratcheting), and transition rules compare with it. */
void schema_validate(const struct schema *s, const json_t *object, const json_t *old,
                     struct cel_context *cel, struct field_errors *errors);
/* The same for a write of the status: of the values only the status counts. */
void schema_validate_status(const struct schema *s, const json_t *object, const json_t *old,
                            struct cel_context *cel, struct field_errors *errors);

/* The root of a kind as server-side apply sees it; as long as the schema lives. */
struct typed schema_typed(const struct schema *s);

#endif
