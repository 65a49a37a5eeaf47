/* Where metadata.managedFields comes into a write, and what the options of writes must be. */
#include "sim/apiserver/managed_fields_priv.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "kube/fields/managed.h"
#include "kube/fields/typed.h"
#include "kube/status.h"
#include "kube/types/types.h"
#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/body_priv.h"
#include "sim/apiserver/call_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/schema.h"

#define MANAGER_BYTES_MAX 128

/* ---- options ---- */

static const char *options_kind(enum api_verb verb)
{
    switch (verb) {
    case API_CREATE:
        return "CreateOptions";
    case API_UPDATE:
        return "UpdateOptions";
    case API_PATCH:
        return "PatchOptions";
    case API_GET:
    case API_LIST:
    case API_DELETE:
    case API_DELETE_COLLECTION:
    case API_WATCH:
    case API_VERB_COUNT:
        break;
    }
    return NULL;
}

static bool is_printable(uint32_t c)
{
    return c >= 0x20 && c != 0x7f && !(c >= 0x80 && c <= 0xa0) && c != 0xad && c != 0x2028 &&
           c != 0x2029 && !(c >= 0x200b && c <= 0x200f) && c != 0xfeff;
}

static void check_manager(const char *manager, struct field_errors *errors)
{
    size_t len = strlen(manager);
    if (len > MANAGER_BYTES_MAX)
        field_errors_add(errors, FIELD_TOO_LONG, "fieldManager", NULL,
                         "may not be more than %d bytes", MANAGER_BYTES_MAX);
    for (size_t at = 0; at < len;) {
        uint32_t c;
        size_t width = utf8_read(manager + at, len - at, &c);
        if (!is_printable(c)) {
            AUTO(json) json_t *value = json_string(manager);
            field_errors_add(errors, FIELD_INVALID, "fieldManager", value,
                             "invalid character U+%04X (at position %zu)", c, at);
        }
        at += width;
    }
}

int write_check_options(struct call *c)
{
    const struct api_request *req = c->req;
    const char *kind = options_kind(req->verb);
    bool apply = req->verb == API_PATCH && req->patch == PATCH_APPLY;
    bool named = req->field_manager && *req->field_manager;
    if (!kind || (!named && !apply && !req->force))
        return 0;
    struct field_errors errors = {0};
    if (apply && !named)
        field_errors_add(&errors, FIELD_REQUIRED, "fieldManager", NULL,
                         "is required for apply patch");
    if (req->force && req->verb == API_PATCH && !apply)
        field_errors_add(&errors, FIELD_FORBIDDEN, "force", NULL,
                         "may not be specified for non-apply patch");
    if (named)
        check_manager(req->field_manager, &errors);
    if (!field_errors_any(&errors))
        return 0;
    return status_invalid(c->ret, "meta.k8s.io", kind, "", &errors);
}

/* ---- recording ---- */

struct typed call_typed(const struct call *c)
{
    if (c->v->schema)
        return schema_typed(c->v->schema);
    const struct kube_type *t = call_type(c);
    return t ? typed_of_kube(t) : typed_resource_any();
}

struct managed_writer *call_writer(const struct call *c)
{
    size_t count = c->t->version_count;
    struct writer {
        struct managed_writer of;
        char own[API_VERSION_TEXT];
        const char *versions[];
    } *w = mem_zalloc(sizeof(*w) + (count + 1) * sizeof(w->versions[0]) + count * API_VERSION_TEXT);
    char *texts = (char *)&w->versions[count + 1];
    for (size_t i = 0; i < count; i++) {
        char *text = texts + i * API_VERSION_TEXT;
        api_version_of(c->t->versions[i].group, c->t->versions[i].name, text, API_VERSION_TEXT);
        w->versions[i] = text;
    }
    api_version_of(c->v->group, c->v->name, w->own, sizeof(w->own));
    const char *manager = c->req->field_manager;
    w->of = (struct managed_writer){.manager = manager && *manager ? manager : "unknown",
                                    .api_version = w->own,
                                    .subresource = c->req->subresource,
                                    .now_ns = apiserver_now(c->a),
                                    .has_status = c->v->has_status,
                                    .custom = c->t->crd != NULL,
                                    .api_versions = w->versions};
    return &w->of;
}

void write_record_fields(struct call *c, json_t *object, const json_t *old)
{
    json_t *meta = json_object_get(object, "metadata");
    if (c->req->patch == PATCH_APPLY) /* the apply has settled it */
        return;
    if (!apiserver_tracks_fields(c->a) && !json_at(old, "metadata", "managedFields", NULL)) {
        json_object_del(meta, "managedFields");
        return;
    }
    struct managed_writer *w = call_writer(c);
    AUTO(json) json_t *before = entries_shown(c, old);
    AUTO(json) json_t *now = entries_shown(c, object);
    AUTO(json) json_t *entries = managed_update(before, now, call_typed(c), w);
    free(w);
    if (json_array_size(entries))
        json_object_set(meta, "managedFields", entries);
    else
        json_object_del(meta, "managedFields");
    entries_kept(c, object);
}
