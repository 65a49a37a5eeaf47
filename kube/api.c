#include "kube/api.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

const char *api_verb_name(enum api_verb verb)
{
    static const char *const names[API_VERB_COUNT] = {
        [API_GET] = "get",       [API_LIST] = "list",
        [API_CREATE] = "create", [API_UPDATE] = "update",
        [API_PATCH] = "patch",   [API_DELETE] = "delete",
        [API_WATCH] = "watch",   [API_DELETE_COLLECTION] = "deletecollection",
    };

    assert((unsigned)verb < API_VERB_COUNT);
    return names[verb];
}

const char *api_event_name(enum api_event_type type)
{
    switch (type) {
    case EVENT_ADDED:
        return "ADDED";
    case EVENT_MODIFIED:
        return "MODIFIED";
    case EVENT_DELETED:
        return "DELETED";
    case EVENT_BOOKMARK:
        return "BOOKMARK";
    case EVENT_ERROR:
        return "ERROR";
    }
    return "?";
}

void api_response_finish(struct api_response *r)
{
    json_decref(r->body);
    json_decref(r->warnings);
    *r = (struct api_response){0};
}

const char *api_reason(const struct api_response *r)
{
    return api_ok(r) ? "" : json_str_or_empty(r->body, "reason");
}

const char *api_message(const struct api_response *r)
{
    return api_ok(r) ? "" : json_str_or_empty(r->body, "message");
}

void api_response_warn(struct api_response *r, const char *fmt, ...)
{
    va_list ap;
    if (json_array_size(r->warnings) >= API_WARNINGS_MAX)
        return;
    va_start(ap, fmt);
    AUTO(str) char *text = mem_vprintf(fmt, ap);
    va_end(ap);
    if (!r->warnings)
        r->warnings = json_array();
    for (size_t i = 0; i < json_array_size(r->warnings); i++)
        if (strcmp(json_string_value(json_array_get(r->warnings, i)), text) == 0)
            return;
    json_array_append_new(r->warnings, json_string(text));
}
