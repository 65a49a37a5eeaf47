/* The insides of the OpenAPI documents (openapi*.c). A document is written as text from front to
 * back: paths first, which note the types that they mention, then these types and all that they
 * mention. */
#ifndef VMCONFORM_SIM_REST_OPENAPI_PRIV_H
#define VMCONFORM_SIM_REST_OPENAPI_PRIV_H

#include <jansson.h>
#include <stdbool.h>

#include "base/strbuf.h"
#include "kube/types/types.h"
#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/catalog.h"

/* ---- JSON text under way (openapi_write.c) ---- */

struct jsonw {
    struct strbuf *out;
    bool comma; /* the next member or element needs one before it */
};
/* key NULL: an element of an array. */
void jsonw_open(struct jsonw *w, const char *key, char bracket);
void jsonw_close(struct jsonw *w, char bracket);
void jsonw_string(struct jsonw *w, const char *key, const char *value);
void jsonw_bool(struct jsonw *w, const char *key, bool value);
void jsonw_value(struct jsonw *w, const char *key, const json_t *value);
/* Text that is JSON already. */
void jsonw_raw(struct jsonw *w, const char *key, const char *text);

/* ---- one document ---- */

/* Types that Go has and the types table treats as scalars. */
enum openapi_leaf {
    LEAF_DURATION,
    LEAF_FIELDS,
    LEAF_INT_OR_STRING,
    LEAF_JSON,
    LEAF_MICRO_TIME,
    LEAF_PATCH,
    LEAF_QUANTITY,
    LEAF_RAW,
    LEAF_SCHEMA_OR_ARRAY,
    LEAF_SCHEMA_OR_BOOL,
    LEAF_SCHEMA_OR_STRINGS,
    LEAF_TIME,
    LEAF_COUNT
};

struct openapi {
    struct jsonw w;
    bool v2; /* Swagger 2.0; else OpenAPI 3.0 */
    const struct apiserver *server;
    /* Which types have been mentioned. */
    const struct kube_type *base; /* of the table: a type's index is its distance */
    unsigned char *wanted;
    const struct kube_type **queue; /* mentioned, fields not looked at yet */
    size_t queue_count, queue_cap;
    bool leaves[LEAF_COUNT];
    /* Definitions mentioned: the custom resources of the document. */
    struct openapi_custom {
        struct api_resource resource;
        char *kind, *list_kind;
    } * customs;
    size_t custom_count, custom_cap;
};
void openapi_init(struct openapi *o, struct strbuf *out, bool v2, const struct apiserver *a);
void openapi_finish(struct openapi *o);

/* Notes the type and writes {"$ref": ...}'s member. */
void openapi_ref_type(struct openapi *o, const struct kube_type *t);
void openapi_ref_leaf(struct openapi *o, enum openapi_leaf leaf);
/* "io.k8s...." or "com.example.v1.Widget" of a kind; NULL when nothing is known about it. New.
 * Notes it, too. */
char *openapi_name_kind(struct openapi *o, const struct catalog_type *type, const char *group,
                        const char *version, const char *kind);
void openapi_ref_name(struct openapi *o, const char *name);

/* openapi_paths.c: the members of "paths" of one group and version. */
void openapi_paths(struct openapi *o, const char *group, const char *version);
/* openapi_schema.c: the members of "definitions" or "schemas", for all compiled types that were
 * mentioned. The custom ones mention some, so they are written first. */
void openapi_schemas(struct openapi *o);
void openapi_gvk(struct jsonw *w, const char *key, const char *group, const char *version,
                 const char *kind);
/* openapi_crd.c */
char *openapi_custom_name(const char *group, const char *version, const char *kind);
void openapi_note_custom(struct openapi *o, const struct catalog_type *type);
/* The two members, object and list, of o->customs[i]. */
void openapi_custom_schemas(struct openapi *o, size_t i);

/* Whole documents. */
void openapi_v3_write(struct strbuf *out, const struct apiserver *a, const char *server_version,
                      const char *group, const char *version);
void openapi_v2_write(struct strbuf *out, const struct apiserver *a, const char *server_version);
/* The same document as gnostic's protobuf. -1: some part of it cannot be written so. */
int openapi_v2_write_proto(struct strbuf *out, const struct apiserver *a,
                           const char *server_version);

/* ---- protobuf (openapi_v2_proto.c) ---- */

enum openapi_part { OPENAPI_INFO, OPENAPI_PATHS, OPENAPI_DEFINITIONS, OPENAPI_PARTS };
/* Appends the members of an object (JSON text) to the message of that part of the document: paths
 * and definitions may come in many pieces. -1: the text is too much for the JSON reader. */
int openapi_proto_add(struct strbuf *part, enum openapi_part which, const struct strbuf *json);
/* Puts the parts together. */
void openapi_proto_document(struct strbuf *out, const struct strbuf parts[OPENAPI_PARTS]);

#endif
