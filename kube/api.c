#include "kube/api.h"

#include <assert.h>

#include "base/json.h"

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
