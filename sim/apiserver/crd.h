/* CustomResourceDefinitions: checked, defaulted, and compiled into what the pipeline needs. */
#ifndef VMCONFORM_SIM_APISERVER_CRD_H
#define VMCONFORM_SIM_APISERVER_CRD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "kube/status.h"
#include "sim/apiserver/schema.h"

/* Where a kind keeps what its scale subresource shows: paths with a leading dot. */
struct scale_paths {
    const char *spec, *status;
    const char *selector; /* of a text; NULL: none */
};

struct crd_version {
    const char *name;
    bool served, has_status, has_scale;
    struct scale_paths scale;
    struct schema *schema;
    const char **fields; /* selectable fields: dotted paths, NULL-terminated */
    char *warning;       /* of a deprecated version, NULL otherwise */
};

/* Never changes once made (but for `established`, which is filled on demand); shared by reference
 * count between servers. Strings are borrowed from `object`. */
struct crd {
    unsigned refs;
    json_t *object; /* apiVersion, kind, metadata.name, labels, annotations, spec with defaults:
                       frozen */
    const char *name, *group, *plural, *singular, *kind, *list_kind;
    const char **short_names, **categories; /* NULL-terminated */
    bool namespaced;
    struct crd_version *versions;
    size_t version_count, storage;
    struct {
        json_t *status; /* frozen, NULL until asked for */
        int64_t now_ns;
    } established; /* what crd_object_status gave last */
};

/* Sets what the API server defaults in spec (names.singular, names.listKind, conversion), in place.
 */
void crd_default(json_t *object);
/* Compiles the object (defaults must be set) through the cache. NULL: errors say why. */
struct crd *crd_compile(const json_t *object, struct field_errors *errors);
struct crd *crd_ref(struct crd *c);
void crd_unref(struct crd *c);
DEFINE_CLEANUP(struct crd, crd, crd_unref);

/* The same without the cache; for crd_cache.c. */
struct crd *crd_compile_new(const json_t *object, struct field_errors *errors);

/* A definition that is known to be valid, with its defaults. Its schemas are compiled when they are
 * needed. */
struct crd *crd_trusted(json_t *object_take);

/* The strings of an array, borrowed, NULL-terminated. New. */
const char **crd_strings(const json_t *list);

/* ---- what a definition may say (crd_validate.c) ---- */

/* All but the schemas. */
void crd_validate_spec(const json_t *object, struct field_errors *errors);
/* Whether all versions have the same, or none has it. */
bool crd_is_common(const json_t *object, const char *member);
/* "spec.versions[1].schema", or "spec.validation" for what all have in common. New. */
char *crd_place(size_t i, const char *member, bool common);

/* ---- groups of Kubernetes itself want to know where the API was approved (crd_approval.c) ---- */

enum crd_approval {
    APPROVAL_NOT_NEEDED,
    APPROVAL_MISSING,
    APPROVAL_INVALID,
    APPROVAL_BYPASSED,
    APPROVAL_GIVEN
};
enum crd_approval crd_approval(const json_t *object);
/* Why. New. */
char *crd_approval_message(const json_t *object, enum crd_approval approval);
void crd_validate_approval(const json_t *object, const json_t *old, struct field_errors *errors);

/* What may not change any more, and versions that are still stored. */
void crd_check_update(const json_t *object, const json_t *old, struct field_errors *errors);

/* What every request of the i-th version is told; NULL when it is not deprecated. New. */
char *crd_version_warning(const struct crd *c, size_t i);

/* The definitions built into this program, compiled as far as they
 * have been needed: *ret_count of them, in order of their file
 * names. Borrowed. That each one is valid is a
 * unit test's to tell. */
struct crd *const *crd_builtin(size_t *ret_count);
/* With all of their schemas: before a fork, so that every child has them. */
void crd_builtin_prepare(void);

#endif
