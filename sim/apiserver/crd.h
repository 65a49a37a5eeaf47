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

struct crd_version {
    const char *name;
    bool served, has_status;
    struct schema *schema;
    const char **fields; /* selectable fields: dotted paths, NULL-terminated */
};

/* Never changes once made (but for `established`, which is filled on demand); shared by reference
 * count between servers. Strings are borrowed from `object`. */
struct crd {
    unsigned refs;
    json_t *object; /* apiVersion, kind, metadata.name, labels, annotations, spec with defaults:
                       frozen */
    const char *name, *group, *plural, *singular, *kind, *list_kind;
    const char **short_names; /* NULL-terminated */
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

/* What may not change any more, and versions that are still stored. */
void crd_check_update(const json_t *object, const json_t *old, struct field_errors *errors);

/* The definitions built into this program, compiled: *ret_count of them, in order of their file
 * names. Borrowed. Asserts that each one is valid (a unit test loads them). */
struct crd *const *crd_builtin(size_t *ret_count);

#endif
