/* What a CustomResourceDefinition may say (sections 6.1, 6.3, 6.7), but for its schemas.
 *
 * Paths are those of kube-apiserver's internal form: what all versions have in common stands at the
 * top, so that a definition with one version hears of "spec.validation" and "spec.subresources". */
#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/names.h"
#include "sim/apiserver/crd.h"

#define WARNING_MAX 256u
/* Of a path of the scale subresource: what is written there, and who owns it, stays well within
 * JSON_DEPTH_MAX. */
#define SCALE_NAMES_MAX 32u
#define SELECTABLE_MAX 8u

/* ---- places ---- */

bool crd_is_common(const json_t *object, const char *member)
{
    const json_t *versions = json_path(object, "spec.versions");
    const json_t *first = json_object_get(json_array_get(versions, 0), member);
    for (size_t i = 1; i < json_array_size(versions); i++) {
        const json_t *other = json_object_get(json_array_get(versions, i), member);
        if (!first != !other || (first && !json_same(first, other)))
            return false;
    }
    return true;
}

char *crd_place(size_t i, const char *member, bool common)
{
    if (!common)
        return mem_printf("spec.versions[%zu].%s", i, member);
    return mem_printf("spec.%s", strcmp(member, "schema") == 0 ? "validation" : member);
}

/* ---- names ---- */

static bool need(const json_t *object, const char *path, struct field_errors *errors)
{
    if (*json_str_or_empty(object, path))
        return true;
    field_errors_add(errors, FIELD_REQUIRED, path, NULL, "%s", "");
    return false;
}

static void check_label(const json_t *v, const char *path, struct field_errors *errors)
{
    const char *text = json_string_value(v);
    const char *why = text ? name_check_dns1035_label(text) : NULL;
    if (text && *text && why)
        field_errors_add(errors, FIELD_INVALID, path, v, "%s", why);
}

static void check_labels(const json_t *list, const char *path, struct field_errors *errors)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        AUTO(str) char *at = mem_printf("%s[%zu]", path, i);
        const char *text = json_string_value(json_array_get(list, i));
        const char *why = text ? name_check_dns1035_label(text) : NULL;
        if (why)
            field_errors_add(errors, FIELD_INVALID, at, json_array_get(list, i), "%s", why);
    }
}

static void check_kind(const json_t *names, const char *member, struct field_errors *errors)
{
    const char *text = json_str_or_empty(names, member);
    AUTO(str) char *lower = mem_strdup(text);
    for (char *p = lower; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    const char *why = *text ? name_check_dns1035_label(lower) : NULL;
    AUTO(str) char *at = mem_printf("spec.names.%s", member);
    if (why)
        field_errors_add(errors, FIELD_INVALID, at, json_object_get(names, member),
                         "may have mixed case, but should otherwise match: %s", why);
}

static void check_names(const json_t *object, struct field_errors *errors)
{
    const json_t *names = json_path(object, "spec.names");
    need(object, "spec.names.plural", errors);
    need(object, "spec.names.singular", errors);
    need(object, "spec.names.kind", errors);
    need(object, "spec.names.listKind", errors);
    check_label(json_object_get(names, "plural"), "spec.names.plural", errors);
    check_label(json_object_get(names, "singular"), "spec.names.singular", errors);
    check_kind(names, "kind", errors);
    check_kind(names, "listKind", errors);
    check_labels(json_object_get(names, "shortNames"), "spec.names.shortNames", errors);
    const char *kind = json_str_or_empty(names, "kind");
    if (*kind && strcmp(kind, json_str_or_empty(names, "listKind")) == 0)
        field_errors_add(errors, FIELD_INVALID, "spec.names.listKind",
                         json_object_get(names, "listKind"),
                         "kind and listKind may not be the same");
    check_labels(json_object_get(names, "categories"), "spec.names.categories", errors);
}

static void check_group(const json_t *object, struct field_errors *errors)
{
    const char *group = json_str_or_empty(object, "spec.group");
    const json_t *shown = json_path(object, "spec.group");
    if (!need(object, "spec.group", errors))
        return;
    const char *why = name_check_dns1123_subdomain(group);
    if (why)
        field_errors_add(errors, FIELD_INVALID, "spec.group", shown, "%s", why);
    else if (!strchr(group, '.'))
        field_errors_add(errors, FIELD_INVALID, "spec.group", shown,
                         "should be a domain with at least one dot");
}

static void check_object_name(const json_t *object, struct field_errors *errors)
{
    AUTO(str)
    char *want = mem_printf("%s.%s", json_str_or_empty(object, "spec.names.plural"),
                            json_str_or_empty(object, "spec.group"));
    if (strcmp(meta_name(object), want) != 0)
        field_errors_add(errors, FIELD_INVALID, "metadata.name", json_path(object, "metadata.name"),
                         "must be spec.names.plural+\".\"+spec.group");
}

static void check_scope(const json_t *object, struct field_errors *errors)
{
    const char *scope = json_str_or_empty(object, "spec.scope");
    if (need(object, "spec.scope", errors) && strcmp(scope, "Namespaced") != 0 &&
        strcmp(scope, "Cluster") != 0)
        field_errors_add(errors, FIELD_NOT_SUPPORTED, "spec.scope", json_path(object, "spec.scope"),
                         "supported values: \"Cluster\", \"Namespaced\"");
}

/* ---- versions ---- */

static void check_warning(const json_t *version, size_t i, struct field_errors *errors)
{
    const json_t *v = json_object_get(version, "deprecationWarning");
    const char *text = json_string_value(v);
    AUTO(str) char *at = mem_printf("spec.versions[%zu].deprecationWarning", i);
    if (!text)
        return;
    if (!json_bool(version, "deprecated", false)) {
        field_errors_add(errors, FIELD_INVALID, at, v, "can only be set for deprecated versions");
        return;
    }
    if (strlen(text) > WARNING_MAX)
        field_errors_add(errors, FIELD_INVALID, at, v, "must be <= 256 characters long");
    if (!*text)
        field_errors_add(errors, FIELD_INVALID, at, v, "must not be an empty string");
    for (size_t k = 0; text[k]; k++) {
        if ((unsigned char)text[k] >= ' ' && text[k] != 0x7f)
            continue;
        field_errors_add(errors, FIELD_INVALID, at, v,
                         "must only contain printable UTF-8 characters; non-printable character "
                         "found at index %zu",
                         k);
        break;
    }
}

/* ---- subresources ---- */

/* True for the kinds of path that upstream takes: it begins with a dot. */
static bool check_json_path(const char *path, const json_t *shown, const char *at,
                            struct field_errors *errors)
{
    if (*path == '.')
        return true;
    field_errors_add(errors, FIELD_INVALID, at, shown,
                     "must be a simple json path starting with .");
    return false;
}

/* Names between dots, as the scale subresource walks them; false: something else. */
static bool is_dotted(const char *path)
{
    unsigned names = 0;
    for (const char *p = path; *p; names++) {
        size_t len = strcspn(++p, ".[]'\"");
        if (len == 0 || names == SCALE_NAMES_MAX || (p[len] && p[len] != '.'))
            return false;
        p += len;
    }
    return true;
}

static bool check_dotted(const char *path, const json_t *shown, const char *at,
                         struct field_errors *errors)
{
    if (!check_json_path(path, shown, at, errors))
        return false;
    if (is_dotted(path))
        return true;
    field_errors_add(errors, FIELD_INVALID, at, shown,
                     "must be a json path in the dot notation of at most %u names",
                     SCALE_NAMES_MAX);
    return false;
}

static bool is_below(const char *path, const char *root)
{
    return strncmp(path, root, strlen(root)) == 0;
}

static void check_replicas_path(const json_t *scale, const char *member, const char *root,
                                const char *place, struct field_errors *errors)
{
    const json_t *v = json_object_get(scale, member);
    const char *path = json_string_value(v);
    AUTO(str) char *at = mem_printf("%s.scale.%s", place, member);
    if (!path || !*path) {
        field_errors_add(errors, FIELD_REQUIRED, at, NULL, "%s", "");
        return;
    }
    if (check_dotted(path, v, at, errors) && !is_below(path, root))
        field_errors_add(errors, FIELD_INVALID, at, v, "should be a json path under %.*s",
                         (int)strlen(root) - 1, root);
}

static void check_scale(const json_t *version, const char *place, struct field_errors *errors)
{
    const json_t *scale = json_path(version, "subresources.scale");
    if (!json_is_object(scale))
        return;
    check_replicas_path(scale, "specReplicasPath", ".spec.", place, errors);
    check_replicas_path(scale, "statusReplicasPath", ".status.", place, errors);
    const json_t *v = json_object_get(scale, "labelSelectorPath");
    const char *path = json_string_value(v);
    AUTO(str) char *at = mem_printf("%s.scale.labelSelectorPath", place);
    if (path && *path && check_dotted(path, v, at, errors) && !is_below(path, ".spec.") &&
        !is_below(path, ".status."))
        field_errors_add(errors, FIELD_INVALID, at, v,
                         "should be a json path under either .spec or .status");
}

/* ---- printer columns ---- */

static bool is_one_of(const char *text, const char *const *known, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(known[i], text) == 0)
            return true;
    return false;
}

static void check_column(const json_t *column, const char *at, struct field_errors *errors)
{
    static const char *const types[] = {"boolean", "date", "integer", "number", "string"};
    static const char *const formats[] = {"byte",  "date",  "date-time", "double",
                                          "float", "int32", "int64",     "password"};
    AUTO(str) char *name_at = mem_printf("%s.name", at);
    AUTO(str) char *type_at = mem_printf("%s.type", at);
    AUTO(str) char *format_at = mem_printf("%s.format", at);
    AUTO(str) char *path_at = mem_printf("%s.JSONPath", at);
    const char *type = json_str_or_empty(column, "type");
    const char *format = json_str_or_empty(column, "format");
    const char *path = json_str_or_empty(column, "jsonPath");
    if (!*json_str_or_empty(column, "name"))
        field_errors_add(errors, FIELD_REQUIRED, name_at, NULL, "%s", "");
    if (!*type)
        field_errors_add(errors, FIELD_REQUIRED, type_at, NULL,
                         "must be one of boolean,date,integer,number,string");
    else if (!is_one_of(type, types, ARRAY_LEN(types)))
        field_errors_add(errors, FIELD_INVALID, type_at, json_object_get(column, "type"),
                         "must be one of boolean,date,integer,number,string");
    if (*format && !is_one_of(format, formats, ARRAY_LEN(formats)))
        field_errors_add(errors, FIELD_INVALID, format_at, json_object_get(column, "format"),
                         "must be one of byte,date,date-time,double,float,int32,int64,password");
    if (!*path)
        field_errors_add(errors, FIELD_REQUIRED, path_at, NULL, "%s", "");
    else
        check_json_path(path, json_object_get(column, "jsonPath"), path_at, errors);
}

static void check_columns(const json_t *version, const char *place, struct field_errors *errors)
{
    const json_t *list = json_object_get(version, "additionalPrinterColumns");
    for (size_t i = 0; i < json_array_size(list); i++) {
        AUTO(str) char *at = mem_printf("%s[%zu]", place, i);
        check_column(json_array_get(list, i), at, errors);
    }
}

/* ---- selectable fields ---- */

/* The schema of a dotted path through objects; NULL when it leads nowhere. */
static const json_t *schema_at(const json_t *schema, const char *path)
{
    while (schema && *path == '.') {
        size_t len = strcspn(path + 1, ".");
        AUTO(str) char *name = mem_strndup(path + 1, len);
        schema = json_object_get(json_object_get(schema, "properties"), name);
        path += 1 + len;
    }
    return *path ? NULL : schema;
}

static bool may_be_selected(const json_t *schema)
{
    static const char *const types[] = {"string", "boolean", "integer"};
    return is_one_of(json_str_or_empty(schema, "type"), types, ARRAY_LEN(types));
}

static void check_selectable(const json_t *version, const json_t *list, size_t i, const char *place,
                             struct field_errors *errors)
{
    const json_t *v = json_object_get(json_array_get(list, i), "jsonPath");
    const char *path = json_string_value(v);
    AUTO(str) char *at = mem_printf("%s[%zu].jsonPath", place, i);
    if (!path || !*path) {
        field_errors_add(errors, FIELD_REQUIRED, at, NULL, "%s", "");
        return;
    }
    bool meta = strcmp(path, ".metadata") == 0 || is_below(path, ".metadata.");
    const json_t *schema = schema_at(json_path(version, "schema.openAPIV3Schema"), path);
    if (strchr(path, '[')) {
        field_errors_add(errors, FIELD_INVALID, at, v,
                         "is an invalid path: array notation is not allowed");
        return;
    }
    if (!schema && !meta) {
        field_errors_add(errors, FIELD_INVALID, at, v,
                         "is an invalid path: does not refer to a valid field");
        return;
    }
    if (meta)
        field_errors_add(errors, FIELD_INVALID, at, v, "must not point to fields in metadata");
    if (!may_be_selected(schema))
        field_errors_add(errors, FIELD_INVALID, at, v,
                         "must point to a field of type string, boolean or integer. Enum string "
                         "fields and strings with formats are allowed.");
    for (size_t k = 0; k < i && k < SELECTABLE_MAX; k++) {
        if (strcmp(json_str_or_empty(json_array_get(list, k), "jsonPath"), path) == 0) {
            field_errors_add(errors, FIELD_DUPLICATE, at, v, "%s", "");
            return;
        }
    }
}

static void check_selectables(const json_t *version, const char *place, struct field_errors *errors)
{
    const json_t *list = json_object_get(version, "selectableFields");
    size_t n = json_array_size(list);
    AUTO(json) json_t *count = json_integer((json_int_t)n);
    for (size_t i = 0; i < n; i++)
        check_selectable(version, list, i, place, errors);
    if (n > SELECTABLE_MAX)
        field_errors_add(errors, FIELD_TOO_MANY, place, count, "must have at most %u items",
                         SELECTABLE_MAX);
}

/* ---- all of it ---- */

typedef void check_fn(const json_t *version, const char *place, struct field_errors *errors);

/* Once when all versions have the same, else version by version. */
static void check_members(const json_t *object, const char *member, check_fn *fn,
                          struct field_errors *errors)
{
    const json_t *versions = json_path(object, "spec.versions");
    bool common = crd_is_common(object, member);
    size_t n = json_array_size(versions);
    for (size_t i = 0; i < n && (i == 0 || !common); i++) {
        AUTO(str) char *place = crd_place(i, member, common);
        fn(json_array_get(versions, i), place, errors);
    }
}

static bool named_before(const json_t *versions, size_t i)
{
    const char *name = json_str_or_empty(json_array_get(versions, i), "name");
    for (size_t k = 0; k < i; k++)
        if (strcmp(name, json_str_or_empty(json_array_get(versions, k), "name")) == 0)
            return true;
    return false;
}

#define VERSIONS_MAX 100u /* each name is compared with each other one */

static void check_versions(const json_t *object, struct field_errors *errors)
{
    const json_t *versions = json_path(object, "spec.versions");
    size_t stored = 0, n = json_array_size(versions);
    bool unique = true;
    if (n > VERSIONS_MAX) {
        field_errors_add(errors, FIELD_FORBIDDEN, "spec.versions", NULL,
                         "this server takes at most %u versions", VERSIONS_MAX);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(versions, i);
        AUTO(str) char *at = mem_printf("spec.versions[%zu].name", i);
        const char *why = name_check_dns1035_label(json_str_or_empty(v, "name"));
        if (why)
            field_errors_add(errors, FIELD_INVALID, at, json_object_get(v, "name"), "%s", why);
        check_warning(v, i, errors);
        unique = unique && !named_before(versions, i);
        stored += json_bool(v, "storage", false);
    }
    if (!unique)
        field_errors_add(errors, FIELD_INVALID, "spec.versions", versions,
                         "must contain unique version names");
    if (stored != 1)
        field_errors_add(errors, FIELD_INVALID, "spec.versions", versions,
                         "must have exactly one version marked as storage version");
}

/* Conversion by webhook exists upstream; there is nobody to call here. */
static void check_conversion(const json_t *object, struct field_errors *errors)
{
    const json_t *conversion = json_path(object, "spec.conversion");
    const json_t *strategy = json_object_get(conversion, "strategy");
    if (strategy && strcmp(json_str_or_empty(conversion, "strategy"), "None") != 0)
        field_errors_add(errors, FIELD_NOT_SUPPORTED, "spec.conversion.strategy", strategy,
                         "supported values: \"None\"");
    else if (json_is_object(json_path(conversion, "webhook.clientConfig")))
        field_errors_add(errors, FIELD_FORBIDDEN, "spec.conversion.webhookClientConfig", NULL,
                         "should not be set when strategy is not set to Webhook");
}

void crd_validate_spec(const json_t *object, struct field_errors *errors)
{
    check_object_name(object, errors);
    check_group(object, errors);
    check_scope(object, errors);
    check_versions(object, errors);
    check_names(object, errors);
    check_members(object, "subresources", check_scale, errors);
    check_members(object, "additionalPrinterColumns", check_columns, errors);
    check_members(object, "selectableFields", check_selectables, errors);
    check_conversion(object, errors);
    const json_t *keep = json_path(object, "spec.preserveUnknownFields");
    if (json_is_true(keep))
        field_errors_add(errors, FIELD_INVALID, "spec.preserveUnknownFields", keep,
                         "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
                         "spec.versions[*].schema instead");
}
