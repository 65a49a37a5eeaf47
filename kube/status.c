/* Members are set in the order in which Go's struct has them: kind, apiVersion, metadata, status,
 * message, reason, details, code. Clients do not care; people who compare answers do. */
#include "kube/status.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/status_priv.h"

static void put_text(json_t *obj, const char *key, const char *value)
{
    if (value && *value)
        json_object_set_new(obj, key, status_text_value(value));
}

static json_t *new_status(const char *status)
{
    json_t *body = json_object();

    json_put_str(body, "kind", "Status");
    json_put_str(body, "apiVersion", "v1");
    json_put_take(body, "metadata", json_object());
    json_put_str(body, "status", status);
    return body;
}

/* Steals details; NULL leaves them out. */
static int fail_take(struct api_response *ret, int code, const char *reason, const char *message,
                     json_t *details)
{
    assert(!ret->body); /* one answer to a request */
    assert(code >= 400 && code < 600);
    ret->code = code;
    ret->body = new_status("Failure");
    put_text(ret->body, "message", message);
    put_text(ret->body, "reason", reason);
    if (details)
        json_put_take(ret->body, "details", details);
    json_put_take(ret->body, "code", json_integer(code));
    return -1;
}

static json_t *new_details(const char *name, const char *group, const char *kind)
{
    json_t *details = json_object();

    put_text(details, "name", name);
    put_text(details, "group", group);
    put_text(details, "kind", kind);
    return details;
}

static json_t *resource_details(const struct api_resource *r, const char *name)
{
    return new_details(name, r->group, r->plural);
}

/* "virtualmachines.kubevirt.io", "pods". New. */
static char *qualified(const struct api_resource *r)
{
    return r->group && *r->group ? mem_printf("%s.%s", r->plural, r->group) : mem_strdup(r->plural);
}

int status_not_found(struct api_response *ret, const struct api_resource *r, const char *name)
{
    AUTO(str) char *resource = qualified(r);
    AUTO(str) char *message = mem_printf("%s \"%s\" not found", resource, name);

    return fail_take(ret, 404, "NotFound", message, resource_details(r, name));
}

int status_already_exists(struct api_response *ret, const struct api_resource *r, const char *name)
{
    AUTO(str) char *resource = qualified(r);
    AUTO(str) char *message = mem_printf("%s \"%s\" already exists", resource, name);

    return fail_take(ret, 409, "AlreadyExists", message, resource_details(r, name));
}

int status_conflict(struct api_response *ret, const struct api_resource *r, const char *name,
                    const char *message)
{
    AUTO(str) char *resource = qualified(r);
    AUTO(str)
    char *text =
        mem_printf("Operation cannot be fulfilled on %s \"%s\": %s", resource, name, message);

    return fail_take(ret, 409, "Conflict", text, resource_details(r, name));
}

int status_modified(struct api_response *ret, const struct api_resource *r, const char *name)
{
    return status_conflict(ret, r, name,
                           "the object has been modified; please apply your changes to the latest "
                           "version and try again");
}

int status_forbidden(struct api_response *ret, const struct api_resource *r, const char *name,
                     const char *why)
{
    if (!r->plural) {
        AUTO(str) char *plain = mem_printf("forbidden: %s", why);
        return fail_take(ret, 403, "Forbidden", plain, json_object());
    }
    AUTO(str) char *resource = qualified(r);
    AUTO(str)
    char *message = name && *name ? mem_printf("%s \"%s\" is forbidden: %s", resource, name, why)
                                  : mem_printf("%s is forbidden: %s", resource, why);

    return fail_take(ret, 403, "Forbidden", message, resource_details(r, name));
}

int status_bad_request(struct api_response *ret, const char *fmt, ...)
{
    AUTO(str) char *message = NULL;
    va_list ap;

    va_start(ap, fmt);
    message = mem_vprintf(fmt, ap);
    va_end(ap);
    return fail_take(ret, 400, "BadRequest", message, NULL);
}

int status_method_not_allowed(struct api_response *ret, const struct api_resource *r,
                              const char *action)
{
    AUTO(str) char *resource = qualified(r);
    AUTO(str)
    char *message = mem_printf("%s is not supported on resources of kind \"%s\"", action, resource);

    return fail_take(ret, 405, "MethodNotAllowed", message, resource_details(r, NULL));
}

int status_no_resource(struct api_response *ret)
{
    return fail_take(ret, 404, "NotFound", "the server could not find the requested resource",
                     json_object());
}

int status_expired(struct api_response *ret, const char *fmt, ...)
{
    AUTO(str) char *message = NULL;
    va_list ap;

    va_start(ap, fmt);
    message = mem_vprintf(fmt, ap);
    va_end(ap);
    return fail_take(ret, 410, "Expired", message, NULL);
}

int status_too_many_requests(struct api_response *ret, int retry_after_s, const char *message)
{
    json_t *details = json_object();

    if (retry_after_s > 0)
        json_put_take(details, "retryAfterSeconds", json_integer(retry_after_s));
    return fail_take(ret, 429, "TooManyRequests", message, details);
}

int status_internal(struct api_response *ret, const char *fmt, ...)
{
    AUTO(str) char *why = NULL;
    AUTO(str) char *message = NULL;
    json_t *details, *cause;
    va_list ap;

    va_start(ap, fmt);
    why = mem_vprintf(fmt, ap);
    va_end(ap);
    message = mem_printf("Internal error occurred: %s", why);
    cause = json_object();
    put_text(cause, "message", why);
    details = json_object();
    json_put_take(details, "causes", json_array());
    json_array_append_new(json_object_get(details, "causes"), cause);
    return fail_take(ret, 500, "InternalError", message, details);
}

int status_unavailable(struct api_response *ret, const char *message)
{
    return fail_take(ret, 503, "ServiceUnavailable", message, NULL);
}

int status_timeout(struct api_response *ret, const char *message)
{
    AUTO(str) char *text = mem_printf("Timeout: %s", message);

    return fail_take(ret, 504, "Timeout", text, json_object());
}

int status_too_large(struct api_response *ret, int64_t asked, int64_t current)
{
    AUTO(str)
    char *message = mem_printf(
        "Timeout: Too large resource version: %" PRId64 ", current: %" PRId64, asked, current);
    json_t *details =
        json_pack("{s:[{s:s, s:s}], s:i}", "causes", "reason", "ResourceVersionTooLarge", "message",
                  "Too large resource version", "retryAfterSeconds", 1);
    return fail_take(ret, 504, "Timeout", message, details);
}

int status_denied(struct api_response *ret, int code, const char *reason, const char *message)
{
    return fail_take(ret, code ? code : 400, reason, message, NULL);
}

int status_unsupported_media(struct api_response *ret, const char *message)
{
    return fail_take(ret, 415, "UnsupportedMediaType", message, NULL);
}

int status_invalid(struct api_response *ret, const char *group, const char *kind, const char *name,
                   struct field_errors *e)
{
    AUTO(str) char *errors = field_errors_text(e);
    AUTO(str) char *message = NULL;
    json_t *details = new_details(name, group, kind);

    message = group && *group
                  ? mem_printf("%s.%s \"%s\" is invalid: %s", kind, group, name ? name : "", errors)
                  : mem_printf("%s \"%s\" is invalid: %s", kind, name ? name : "", errors);
    if (e->causes)
        json_put_take(details, "causes", TAKE(e->causes));
    field_errors_finish(e);
    return fail_take(ret, 422, "Invalid", message, details);
}

json_t *status_success(const struct api_resource *r, const char *name, const char *uid)
{
    json_t *body = new_status("Success");
    json_t *details = resource_details(r, name);

    put_text(details, "uid", uid);
    json_put_take(body, "details", details);
    return body;
}
