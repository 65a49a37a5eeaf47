/* ConfigMaps and Secrets: what may stand in them. */
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "kube/status.h"
#include "sim/apiserver/builtin_priv.h"

#define DATA_MAX (1u << 20)
#define KEY_MAX 253u

/* ---- keys and sizes ---- */

static const char *check_key(const char *key)
{
    static const char set[] = "-._abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t len = strlen(key);
    if (len > KEY_MAX)
        return "must be no more than 253 characters";
    if (len == 0 || strspn(key, set) != len)
        return "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
               "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
               "'[-._a-zA-Z0-9]+')";
    if (strcmp(key, ".") == 0)
        return "must not be '.'";
    if (strcmp(key, "..") == 0)
        return "must not be '..'";
    return strncmp(key, "..", 2) == 0 ? "must not start with '..'" : NULL;
}

static size_t base64_len(const json_t *v)
{
    const char *text = json_is_string(v) ? json_string_value(v) : "";
    return strcspn(text, "=") * 3 / 4;
}

/* Checks the keys of a bag; other: the bag beside it, or NULL. */
static void validate_keys(const json_t *object, const char *bag, const char *other,
                          struct field_errors *errors)
{
    const json_t *beside = other ? json_object_get(object, other) : NULL;
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(object, bag), key, value)
    {
        AUTO(str) char *at = mem_printf("%s[%s]", bag, key);
        AUTO(json) json_t *shown = json_string(key);
        const char *why = check_key(key);
        if (why)
            field_errors_add(errors, FIELD_INVALID, at, shown, "%s", why);
        if (json_object_get(beside, key))
            field_errors_add(errors, FIELD_INVALID, at, shown, "duplicate of key present in %s",
                             other);
    }
}

static size_t bytes_of(const json_t *bag, bool base64)
{
    const char *key;
    json_t *value;
    size_t total = 0;
    json_object_foreach((json_t *)bag, key, value)
    {
        total += base64 ? base64_len(value) : json_string_length(value);
    }
    return total;
}

static void validate_size(size_t bytes, const char *at, struct field_errors *errors)
{
    if (bytes > DATA_MAX)
        field_errors_add(errors, FIELD_TOO_LONG, at, NULL, "may not be more than %u bytes",
                         DATA_MAX);
}

/* ---- what never changes again ---- */

static void validate_immutable(const json_t *object, const json_t *old, struct field_errors *errors)
{
    static const char *const fields[] = {"data", "binaryData"};
    if (!old || !json_bool(old, "immutable", false))
        return;
    if (!json_bool(object, "immutable", false))
        field_errors_add(errors, FIELD_FORBIDDEN, "immutable", NULL,
                         "field is immutable when `immutable` is set");
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (!unchanged(object, old, fields[i]))
            field_errors_add(errors, FIELD_FORBIDDEN, fields[i], NULL,
                             "field is immutable when `immutable` is set");
}

void config_map_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    validate_immutable(object, old, errors);
    validate_keys(object, "data", "binaryData", errors);
    validate_keys(object, "binaryData", NULL, errors);
    validate_size(bytes_of(json_object_get(object, "data"), /* base64= */ false) +
                      bytes_of(json_object_get(object, "binaryData"), /* base64= */ true),
                  "[]", errors);
}

/* ---- secrets ---- */

/* stringData is write-only: it lands in data. */
void secret_prepare(json_t *object, const json_t *old)
{
    (void)old;
    AUTO(json) json_t *plain = json_incref(json_object_get(object, "stringData"));
    json_object_del(object, "stringData");
    const char *key;
    json_t *value;
    json_object_foreach(plain, key, value)
    {
        if (!json_is_string(value))
            continue;
        AUTO(strbuf) struct strbuf text = {0};
        base64_add(&text, json_string_value(value), json_string_length(value));
        if (!json_is_object(json_object_get(object, "data")))
            json_object_set_new(object, "data", json_object());
        json_object_set_new(json_object_get(object, "data"), key, json_string(strbuf_str(&text)));
    }
    default_str(object, "type", "Opaque");
}

static void must_have(const json_t *object, const char *key, struct field_errors *errors)
{
    AUTO(str) char *at = mem_printf("data[%s]", key);
    if (!json_at(object, "data", key, NULL))
        field_errors_add(errors, FIELD_REQUIRED, at, NULL, "%s", "");
}

static void validate_login(const json_t *object, struct field_errors *errors)
{
    if (json_at(object, "data", "username", NULL) || json_at(object, "data", "password", NULL))
        return;
    must_have(object, "username", errors);
    must_have(object, "password", errors);
}

/* What each type of secret must hold. */
static void validate_type(const json_t *object, struct field_errors *errors)
{
    static const struct {
        const char *type, *keys[3];
    } known[] = {
        {"kubernetes.io/dockercfg", {".dockercfg"}},
        {"kubernetes.io/dockerconfigjson", {".dockerconfigjson"}},
        {"kubernetes.io/ssh-auth", {"ssh-privatekey"}},
        {"kubernetes.io/tls", {"tls.crt", "tls.key"}},
    };
    static const char account[] = "kubernetes.io/service-account.name";
    const char *type = json_str_or_empty(object, "type");
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        for (size_t k = 0; strcmp(type, known[i].type) == 0 && known[i].keys[k]; k++)
            must_have(object, known[i].keys[k], errors);
    if (strcmp(type, "kubernetes.io/basic-auth") == 0)
        validate_login(object, errors);
    if (strcmp(type, "kubernetes.io/service-account-token") == 0 &&
        json_string_length(json_at(object, "metadata", "annotations", account, NULL)) == 0)
        field_errors_add(errors, FIELD_REQUIRED,
                         "metadata.annotations[kubernetes.io/service-account.name]", NULL, "%s",
                         "");
}

void secret_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    validate_immutable(object, old, errors);
    must_not_change(object, old, "type", errors);
    validate_keys(object, "data", NULL, errors);
    validate_size(bytes_of(json_object_get(object, "data"), /* base64= */ true), "data", errors);
    validate_type(object, errors);
}
