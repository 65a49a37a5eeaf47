/* ObjectMeta's rules (sections 2.1, 2.5, 2.6). */
#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/strmap.h"
#include "kube/meta.h"
#include "kube/names.h"
#include "kube/status.h"
#include "kube/types/types.h"
#include "sim/apiserver/kinds_priv.h"
#include "sim/apiserver/meta_priv.h"
#include "sim/apiserver/rtype_priv.h"

#define ANNOTATIONS_MAX 262144u

/* null is the empty text, as Go reads it. */
static const char *text_of(const json_t *v)
{
    return json_is_string(v) ? json_string_value(v) : "";
}

static const char *check_name(const struct rtype *t, const char *name)
{
    enum name_rule rule = t->builtin ? t->builtin->names : NAME_SUBDOMAIN;
    switch (rule) {
    case NAME_SUBDOMAIN:
        return name_check_dns1123_subdomain(name);
    case NAME_LABEL:
        return name_check_dns1123_label(name);
    case NAME_LABEL_1035:
        return name_check_dns1035_label(name);
    case NAME_PATH:
        return name_check_path_segment(name);
    }
    return NULL;
}

/* generateName is a prefix: a dash at its end is fine, since something follows (upstream masks two
 * characters). */
static void validate_prefix(const struct rtype *t, const json_t *meta, struct field_errors *errors)
{
    const char *prefix = json_str_or_empty(meta, "generateName");
    if (!*prefix)
        return;
    AUTO(str) char *masked = mem_strdup(prefix);
    size_t len = strlen(masked);
    if (len > 1 && masked[len - 1] == '-') {
        masked[len - 2] = 'a';
        masked[len - 1] = '\0';
    }
    const char *why = check_name(t, masked);
    if (why)
        field_errors_add(errors, FIELD_INVALID, "metadata.generateName",
                         json_object_get(meta, "generateName"), "%s", why);
}

static void validate_name(const struct rtype *t, const json_t *meta, struct field_errors *errors)
{
    validate_prefix(t, meta, errors);
    const char *name = json_str_or_empty(meta, "name");
    if (!*name) {
        field_errors_add(errors, FIELD_REQUIRED, "metadata.name", NULL,
                         "name or generateName is required");
        return;
    }
    const char *why = check_name(t, name);
    if (why)
        field_errors_add(errors, FIELD_INVALID, "metadata.name", json_object_get(meta, "name"),
                         "%s", why);
}

static void validate_labels(const json_t *labels, struct field_errors *errors)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)labels, key, value)
    {
        const char *why = name_check_qualified(key);
        AUTO(json) json_t *shown = json_string(key);
        if (why)
            field_errors_add(errors, FIELD_INVALID, "metadata.labels", shown, "%s", why);
        why = name_check_label_value(text_of(value));
        if (why)
            field_errors_add(errors, FIELD_INVALID, "metadata.labels", value, "%s", why);
    }
}

static void validate_annotations(const json_t *annotations, struct field_errors *errors)
{
    const char *key;
    json_t *value;
    size_t total = 0;
    json_object_foreach((json_t *)annotations, key, value)
    {
        AUTO(str) char *lower = mem_strdup(key);
        for (char *p = lower; *p; p++)
            *p = (char)tolower((unsigned char)*p);
        const char *why = name_check_qualified(lower);
        AUTO(json) json_t *shown = json_string(key);
        if (why)
            field_errors_add(errors, FIELD_INVALID, "metadata.annotations", shown, "%s", why);
        total += strlen(key) + json_string_length(value);
    }
    if (total > ANNOTATIONS_MAX)
        field_errors_add(errors, FIELD_TOO_LONG, "metadata.annotations", NULL,
                         "may not be more than %u bytes", ANNOTATIONS_MAX);
}

static bool list_has(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(text_of(json_array_get(list, i)), text) == 0)
            return true;
    return false;
}

static void validate_finalizers(const json_t *list, struct field_errors *errors)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const char *why = name_check_qualified(text_of(one));
        if (why)
            field_errors_add(errors, FIELD_INVALID, "metadata.finalizers", one, "%s", why);
    }
    if (list_has(list, "orphan") && list_has(list, "foregroundDeletion"))
        field_errors_add(errors, FIELD_INVALID, "metadata.finalizers", list,
                         "finalizer orphan and foregroundDeletion cannot be both set");
}

/* Groups whose kinds are checked by no more than the rules that all kinds share. */
static bool is_generic(const struct rtype *t)
{
    static const char *const groups[] = {
        "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io",
        "coordination.k8s.io",          "node.k8s.io",          "policy"};
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        if (strcmp(t->group, groups[i]) == 0)
            return true;
    return !t->builtin;
}

/* Kubernetes' own finalizers have plain names; everybody else's need a domain. */
static void validate_finalizer_names(const json_t *list, struct field_errors *errors)
{
    static const char *const own[] = {"kubernetes", "orphan", "foregroundDeletion"};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        bool known = strchr(text_of(one), '/') != NULL;
        for (size_t k = 0; k < ARRAY_LEN(own) && !known; k++)
            known = strcmp(text_of(one), own[k]) == 0;
        if (known)
            continue;
        AUTO(str) char *at = mem_printf("metadata.finalizers[%zu]", i);
        field_errors_add(errors, FIELD_INVALID, at, one,
                         "name is neither a standard finalizer name nor is it fully qualified");
    }
}

struct strmap *meta_finalizer_set(const json_t *object)
{
    struct strmap *set = strmap_create();
    const json_t *list = object ? json_at(object, "metadata", "finalizers", NULL) : NULL;
    for (size_t i = 0; i < json_array_size(list); i++)
        strmap_put(set, text_of(json_array_get(list, i)), (void *)list);
    return set;
}

static void validate_new_finalizers(const json_t *object, const json_t *old,
                                    struct field_errors *errors)
{
    if (!old || !meta_deleting(old))
        return;
    AUTO(strbuf) struct strbuf added = {0};
    struct strmap *known = meta_finalizer_set(old);
    const json_t *list = json_at(object, "metadata", "finalizers", NULL);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = json_string_value(json_array_get(list, i));
        if (!strmap_get(known, one))
            strbuf_addf(&added, "%s\"%s\"", added.len ? ", " : "", one);
    }
    strmap_destroy(known, NULL);
    if (added.len)
        field_errors_add(errors, FIELD_FORBIDDEN, "metadata.finalizers", NULL,
                         "no new finalizers can be added if the object is being deleted, found new "
                         "finalizers []string{%s}",
                         strbuf_str(&added));
}

/* The list's path stands for each of its references. */
static void validate_owner(const json_t *ref, struct field_errors *errors)
{
    static const char *const needed[] = {"kind", "name", "uid"};
    static const char at[] = "metadata.ownerReferences";
    char group[256], version[64];
    const char *api_version = json_str_or_empty(ref, "apiVersion");
    if (!meta_split_api_version(api_version, group, sizeof(group), version, sizeof(version)) ||
        !*version) {
        AUTO(str) char *field = mem_printf("%s.apiVersion", at);
        AUTO(json) json_t *shown = json_string(api_version);
        field_errors_add(errors, FIELD_INVALID, field, shown, "version must not be empty");
    }
    for (size_t k = 0; k < ARRAY_LEN(needed); k++) {
        if (*json_str_or_empty(ref, needed[k]))
            continue;
        AUTO(str) char *field = mem_printf("%s.%s", at, needed[k]);
        AUTO(json) json_t *shown = json_string("");
        field_errors_add(errors, FIELD_INVALID, field, shown, "%s must not be empty", needed[k]);
    }
    if (strcmp(api_version, "v1") == 0 && strcmp(json_str_or_empty(ref, "kind"), "Event") == 0)
        field_errors_add(errors, FIELD_INVALID, at, ref,
                         "/v1, Kind=Event is disallowed from being an owner");
}

static void validate_owners(const json_t *list, struct field_errors *errors)
{
    const json_t *controller = NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *ref = json_array_get(list, i);
        validate_owner(ref, errors);
        if (!json_bool(ref, "controller", false))
            continue;
        if (controller)
            field_errors_add(
                errors, FIELD_INVALID, "metadata.ownerReferences", list,
                "Only one reference can have Controller set to true. Found \"true\" in "
                "references for %s/%s and %s/%s",
                json_str_or_empty(controller, "kind"), json_str_or_empty(controller, "name"),
                json_str_or_empty(ref, "kind"), json_str_or_empty(ref, "name"));
        controller = ref;
    }
}

/* What a client tried to set although the server alone may. The stored value was put back where one
 * existed. */
static void validate_immutable(const json_t *object, const json_t *old, struct field_errors *errors)
{
    static const char *const fields[] = {"uid", "deletionTimestamp", "deletionGracePeriodSeconds"};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const json_t *now = json_at(object, "metadata", fields[i], NULL);
        const json_t *was = json_at(old, "metadata", fields[i], NULL);
        if (!now || (was && json_same(now, was)))
            continue;
        AUTO(str) char *at = mem_printf("metadata.%s", fields[i]);
        field_errors_add(errors, FIELD_INVALID, at, now, "field is immutable");
    }
}

void meta_validate(const struct rtype *t, const json_t *object, const json_t *old,
                   struct field_errors *errors)
{
    const json_t *meta = json_object_get(object, "metadata");
    validate_name(t, meta, errors);
    validate_labels(json_object_get(meta, "labels"), errors);
    validate_annotations(json_object_get(meta, "annotations"), errors);
    validate_owners(json_object_get(meta, "ownerReferences"), errors);
    validate_finalizers(json_object_get(meta, "finalizers"), errors);
    validate_new_finalizers(object, old, errors);
    if (!is_generic(t))
        validate_finalizer_names(json_object_get(meta, "finalizers"), errors);
    if (old)
        validate_immutable(object, old, errors);
}

/* False when it is no ObjectMeta at all: then nothing more can be said about it. */
static bool validate_shape(const json_t *meta, struct field_errors *errors)
{
    static const char name[] = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    AUTO(str) char *why = kube_type_mismatch(kube_type_named(name), meta);
    if (why)
        field_errors_add(errors, FIELD_INVALID, "metadata", meta, "%s", why);
    return !why;
}

static void validate_parts(const json_t *meta, struct field_errors *errors)
{
    const json_t *name = json_object_get(meta, "name");
    const char *why = name_check_path_segment(json_str_or_empty(meta, "name"));
    if (why)
        field_errors_add(errors, FIELD_INVALID, "metadata.name", name, "%s", why);
    validate_labels(json_object_get(meta, "labels"), errors);
    validate_annotations(json_object_get(meta, "annotations"), errors);
    validate_owners(json_object_get(meta, "ownerReferences"), errors);
    validate_finalizers(json_object_get(meta, "finalizers"), errors);
}

void meta_validate_embedded(const json_t *meta, const char *at, struct field_errors *errors)
{
    struct field_errors found = {0};
    if (validate_shape(meta, &found))
        validate_parts(meta, &found);
    if (field_errors_any(&found))
        field_errors_move(errors, &found, at);
}
