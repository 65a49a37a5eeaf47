/* What the checker knows of the variables (delete-protection.md 1.4, 1.5): objects are whatever
 * they are, the request and its namespace have the fields that are listed here and no other. */
#include "base/mem.h"
#include "cel/static_type.h"
#include "sim/admission/policy_priv.h"

#define TEXT (&cel_static[CEL_STATIC_STRING])
#define NUMBER (&cel_static[CEL_STATIC_INT])
#define TIME (&cel_static[CEL_STATIC_TIMESTAMP])
#define OBJECT(object_name, list)                                                                  \
    {                                                                                              \
        .kind = CEL_STATIC_OBJECT, .name = object_name, .fields = list,                            \
        .field_count = ARRAY_LEN(list)                                                             \
    }

static const struct cel_static_type texts = CEL_LIST_OF(TEXT);
static const struct cel_static_type text_map = CEL_MAP_OF(TEXT, TEXT);
static const struct cel_static_type extras = CEL_MAP_OF(TEXT, &texts);

/* ---- request ---- */

static const struct cel_static_field kind_fields[] = {
    {"group", TEXT}, {"version", TEXT}, {"kind", TEXT}};
static const struct cel_static_type kind_type = OBJECT("kubernetes.GroupVersionKind", kind_fields);
static const struct cel_static_field resource_fields[] = {
    {"group", TEXT}, {"version", TEXT}, {"resource", TEXT}};
static const struct cel_static_type resource_type =
    OBJECT("kubernetes.GroupVersionResource", resource_fields);
static const struct cel_static_field user_fields[] = {
    {"username", TEXT}, {"uid", TEXT}, {"groups", &texts}, {"extra", &extras}};
static const struct cel_static_type user_type = OBJECT("kubernetes.UserInfo", user_fields);
static const struct cel_static_field request_fields[] = {{"kind", &kind_type},
                                                         {"resource", &resource_type},
                                                         {"subResource", TEXT},
                                                         {"requestKind", &kind_type},
                                                         {"requestResource", &resource_type},
                                                         {"requestSubResource", TEXT},
                                                         {"name", TEXT},
                                                         {"namespace", TEXT},
                                                         {"operation", TEXT},
                                                         {"userInfo", &user_type},
                                                         {"dryRun", &cel_static[CEL_STATIC_BOOL]},
                                                         {"options", CEL_DYN}};
static const struct cel_static_type request_type =
    OBJECT("kubernetes.AdmissionRequest", request_fields);

/* ---- namespaceObject ---- */

static const struct cel_static_field meta_fields[] = {{"name", TEXT},
                                                      {"generateName", TEXT},
                                                      {"namespace", TEXT},
                                                      {"labels", &text_map},
                                                      {"annotations", &text_map},
                                                      {"UID", TEXT},
                                                      {"creationTimestamp", TIME},
                                                      {"deletionTimestamp", TIME},
                                                      {"deletionGracePeriodSeconds", NUMBER},
                                                      {"generation", NUMBER},
                                                      {"resourceVersion", TEXT},
                                                      {"finalizers", &texts}};
static const struct cel_static_type meta_type = OBJECT("kubernetes.NamespaceMetadata", meta_fields);
static const struct cel_static_field spec_fields[] = {{"finalizers", &texts}};
static const struct cel_static_type spec_type = OBJECT("kubernetes.NamespaceSpec", spec_fields);
static const struct cel_static_field condition_fields[] = {{"type", TEXT},
                                                           {"status", TEXT},
                                                           {"lastTransitionTime", TIME},
                                                           {"reason", TEXT},
                                                           {"message", TEXT}};
static const struct cel_static_type condition_type =
    OBJECT("kubernetes.NamespaceCondition", condition_fields);
static const struct cel_static_type conditions = CEL_LIST_OF(&condition_type);
static const struct cel_static_field status_fields[] = {{"phase", TEXT},
                                                        {"conditions", &conditions}};
static const struct cel_static_type status_type =
    OBJECT("kubernetes.NamespaceStatus", status_fields);
static const struct cel_static_field namespace_fields[] = {
    {"metadata", &meta_type}, {"spec", &spec_type}, {"status", &status_type}};
static const struct cel_static_type namespace_type =
    OBJECT("kubernetes.Namespace", namespace_fields);

/* ---- authorizer ---- */

static const struct cel_static_type authorizer_type = {.kind = CEL_STATIC_OPAQUE,
                                                       .name = AUTHORIZER_TYPE};
static const struct cel_static_type check_type = {.kind = CEL_STATIC_OPAQUE,
                                                  .name = RESOURCE_CHECK_TYPE};

const struct cel_static_type *const policy_slot_types[SLOT_VARIABLES] = {
    [SLOT_OBJECT] = CEL_DYN,
    [SLOT_OLD] = CEL_DYN,
    [SLOT_REQUEST] = &request_type,
    [SLOT_NAMESPACE] = &namespace_type,
    [SLOT_PARAMS] = CEL_DYN,
    [SLOT_AUTHORIZER] = &authorizer_type,
    [SLOT_RESOURCE_CHECK] = &check_type};
