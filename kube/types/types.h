/* What Kubernetes' built-in kinds look like: every field of every type, its number on the protobuf
 * wire, its JSON name, how lists and maps merge. Kinds begin with their fields kind and apiVersion.
 *
 * One table (the *.types files of this folder, built in, parsed once per process on first use)
 * serves all who need to know: the protobuf decoder, strict decoding and pruning of unknown fields,
 * strategic merge patch, server-side apply, the OpenAPI documents. Nothing here ever changes after
 * it was parsed; pointers live as long as the process. Source: the public API definitions of
 * Kubernetes (k8s.io/api, k8s.io/apimachinery, k8s.io/apiextensions-apiserver);
 * scripts/import-types makes the files from them. */
#ifndef VMCONFORM_KUBE_TYPES_TYPES_H
#define VMCONFORM_KUBE_TYPES_TYPES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kube_scalar {
    KUBE_STRING,
    KUBE_BOOL,
    KUBE_INT32,
    KUBE_INT64,
    KUBE_UINT32,
    KUBE_UINT64,
    KUBE_DOUBLE,
    KUBE_BYTES,         /* base64 in JSON */
    KUBE_QUANTITY,      /* a string; on the wire a message {1 string} */
    KUBE_TIME,          /* RFC 3339 text; on the wire {1 seconds, 2 nanos} */
    KUBE_MICRO_TIME,    /* the same with six decimals */
    KUBE_DURATION,      /* Go duration text; on the wire {1 nanoseconds} */
    KUBE_INT_OR_STRING, /* on the wire {1 type, 2 int, 3 string} */
    KUBE_RAW,           /* any JSON (RawExtension, JSON): {1 raw bytes} */
    KUBE_FIELDS_V1,     /* any JSON object; on the wire {1 raw bytes} */
    KUBE_STRING_LIST,   /* an array of strings (Verbs, ExtraValue): {1 repeated string} */
    /* JSON schemas' own; `type` is JSONSchemaProps. Go decodes them apart from the rest: what is
     * unknown inside is dropped without a word. */
    KUBE_SCHEMA_OR_ARRAY,   /* a schema or an array of them: {1 schema, 2 repeated schema} */
    KUBE_SCHEMA_OR_BOOL,    /* a schema or a bool: {1 bool, 2 schema} */
    KUBE_SCHEMA_OR_STRINGS, /* a schema or an array of strings: {1 schema, 2 repeated string} */
    KUBE_MESSAGE            /* another type of the table */
};

/* How a list merges under server-side apply; maps and objects are granular unless atomic. */
enum kube_list_type { KUBE_LIST_ATOMIC, KUBE_LIST_SET, KUBE_LIST_MAP };

struct kube_type;
struct kube_field {
    const char *name; /* in JSON; "" for an inlined one: its type's fields stand in the parent */
    uint32_t number;  /* on the wire; 0: not there (apiVersion and kind, whole kinds like Table) */
    enum kube_scalar scalar;
    const struct kube_type *type; /* of KUBE_MESSAGE and KUBE_SCHEMA_... */
    bool repeated;                /* a list of it */
    bool map;                     /* map<string, it> */
    bool required;                /* OpenAPI says so */
    /* How Go holds and writes it: */
    bool pointer;        /* absent and zero differ */
    bool omit_empty;     /* JSON leaves out zero scalars, nil pointers, empty lists and maps */
    bool omit_zero;      /* JSON leaves out a zero struct too */
    const char *go_type; /* "[]v1.Container", as Go's messages name it */
    bool atomic;         /* map or object that is replaced as a whole by apply */
    enum kube_list_type list_type;
    const char *const *list_keys; /* of KUBE_LIST_MAP, NULL-terminated */
    /* Strategic merge patch: */
    const char *merge_key; /* NULL: none */
    bool patch_merge, patch_retain_keys, patch_replace;
    const json_t *default_value; /* that OpenAPI names, or NULL */
};

struct kube_type {
    const char *name; /* "io.k8s.api.core.v1.PodSpec", as OpenAPI names it */
    /* Set for kinds that stand alone, else NULL: */
    const char *group, *version, *kind;
    const struct kube_field *fields; /* in the order of the definition */
    size_t field_count;
    bool atomic;
};

/* NULL when the table has no such kind. version may be NULL: any. DeleteOptions, the other options
 * and WatchEvent stand in every group and version, as Go registers them. */
const struct kube_type *kube_type_find(const char *group, const char *version, const char *kind);
/* The same by apiVersion ("apps/v1"). */
const struct kube_type *kube_type_of(const char *api_version, const char *kind);
const struct kube_type *kube_type_named(const char *name);
/* All, for documents: sorted by name. */
const struct kube_type *const *kube_types_all(size_t *ret_count);
/* By JSON name, through inlined types; NULL when unknown. */
const struct kube_field *kube_field_find(const struct kube_type *t, const char *name);
/* By wire number, in this type alone. */
const struct kube_field *kube_field_numbered(const struct kube_type *t, uint32_t number);

/* Removes, in place, what the type does not know. Calls found(cookie, "spec.containers[0].foo") for
 * each, when found is not NULL; at most 100, in the order of the object. Go matches names exactly
 * here. Depth bounded by JSON_DEPTH_MAX. */
void kube_type_prune(const struct kube_type *t, json_t *object,
                     void (*found)(void *cookie, const char *path), void *cookie);
/* The first value that cannot be the field's, as Go's decoder words it ("json: cannot unmarshal
 * string into Go struct field PodSpec.spec.containers of type []v1.Container", "quantities must
 * match ..."): new, or NULL when all fit. null fits everything. */
char *kube_type_mismatch(const struct kube_type *t, const json_t *object);
/* Brings, in place, an object whose types fit to what Go makes of it: null in a list or a map
 * becomes the zero value, members that omitempty leaves out go (null, empty lists and maps, zero
 * scalars); what is absent stays absent. What is no field of the type is not looked at. Depth
 * bounded by JSON_DEPTH_MAX. */
void kube_type_settle(const struct kube_type *t, json_t *object);
/* What Go's JSON writes of an object of the type in which nobody set anything. New. */
json_t *kube_type_zero(const struct kube_type *t);
/* What stands for a field that nobody set; NULL: nothing, it is left out. New. */
json_t *kube_field_zero(const struct kube_field *f);
/* Whether a field that nobody set is written. */
bool kube_field_always(const struct kube_field *f);

#endif
