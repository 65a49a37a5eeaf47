#include "components/fulfillment-service/descriptors.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"

static const char *type_text(enum field_type t)
{
    static const char *const names[] = {
        [FIELD_STRING] = "TYPE_STRING",   [FIELD_BOOL] = "TYPE_BOOL",
        [FIELD_INT32] = "TYPE_INT32",     [FIELD_INT64] = "TYPE_INT64",
        [FIELD_ENUM] = "TYPE_ENUM",       [FIELD_TIME] = "TYPE_MESSAGE",
        [FIELD_MESSAGE] = "TYPE_MESSAGE", [FIELD_ANY] = "TYPE_MESSAGE",
        [FIELD_MASK] = "TYPE_MESSAGE"};
    return names[t];
}

static const char *label_text(enum field_shape s)
{
    return s == SHAPE_LIST || s == SHAPE_MAP ? "LABEL_REPEATED" : "LABEL_OPTIONAL";
}

/* New; NULL: a scalar. */
static char *type_name(const struct field *f, const char *package)
{
    switch (f->type) {
    case FIELD_MESSAGE:
        return mem_printf("%s.%s", package, f->message->name);
    case FIELD_TIME:
        return mem_strdup("google.protobuf.Timestamp");
    case FIELD_ANY:
        return mem_strdup("google.protobuf.Any");
    case FIELD_MASK:
        return mem_strdup("google.protobuf.FieldMask");
    default:
        return NULL;
    }
}

static json_t *describe_field(const struct field *f, const char *package)
{
    AUTO(str) char *of = type_name(f, package);
    json_t *out = json_pack("{s:i, s:s, s:s, s:s}", "number", (int)f->number, "name", f->name,
                            "type", type_text(f->type), "label", label_text(f->shape));
    if (of)
        json_put_str(out, "type_name", of);
    return out;
}

static bool is_told(const json_t *messages, const char *name)
{
    size_t i;
    json_t *m;
    json_array_foreach(messages, i,
                       m) if (strcmp(json_str_or_empty(m, "name"), name) == 0) return true;
    return false;
}

static void describe(json_t *messages, const struct message *m, const char *package, enum version v)
{
    AUTO(str) char *name = mem_printf("%s.%s", package, m->name);
    if (is_told(messages, name))
        return;
    json_t *fields = json_array(), *reserved = json_array();
    json_array_append_new(messages, json_pack("{s:s, s:o, s:o}", "name", name, "fields", fields,
                                              "reserved", reserved));
    for (const unsigned *r = m->reserved; r && *r; r++)
        json_array_append_new(reserved, json_integer(*r));
    for (size_t i = 0; i < m->count; i++) {
        const struct field *f = &m->fields[i];
        if (f->since > v)
            continue;
        json_array_append_new(fields, describe_field(f, package));
        if (f->message)
            describe(messages, f->message, package, v);
    }
}

json_t *descriptors(enum version v)
{
    static const struct {
        const struct message *message;
        bool is_private;
        enum version since;
    } roots[] = {
        {&message_instance_public, false, VERSION_1_0},
        {&message_instance_private, true, VERSION_1_0},
        {&message_snapshot_public, false, VERSION_1_1},
        {&message_snapshot_private, true, VERSION_1_1},
        {&message_hub, true, VERSION_1_0},
        {&message_event_public, false, VERSION_1_0},
        {&message_event_private, true, VERSION_1_0},
    };
    json_t *messages = json_array();
    for (size_t i = 0; i < ARRAY_LEN(roots); i++)
        if (roots[i].since <= v)
            describe(messages, roots[i].message,
                     roots[i].is_private ? "osac.private.v1" : "osac.public.v1", v);
    return json_pack("{s:o}", "messages", messages);
}
