#include "components/fulfillment-service/method.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"

static const struct resource *const resources[STORE_TABLE_COUNT] = {
    [STORE_COMPUTE_INSTANCES] = &resource_instances,
    [STORE_COMPUTE_INSTANCE_SNAPSHOTS] = &resource_snapshots,
    [STORE_HUBS] = &resource_hubs,
};

const struct resource *resource_of(enum store_table table)
{
    return resources[table];
}

const char *verb_name(enum verb v)
{
    static const char *const names[VERB_COUNT] = {"List",   "Get",    "Create", "Update",
                                                  "Delete", "Signal", "Watch",  "Rows"};
    return names[v];
}

const struct resource *resource_find(enum version v, bool is_private, const char *name, size_t len,
                                     bool rest)
{
    for (size_t i = 0; i < ARRAY_LEN(resources); i++) {
        const struct resource *r = resources[i];
        const char *own = rest ? r->collection : r->service;
        if (r->since <= v && (is_private || r->public_message) && strlen(own) == len &&
            memcmp(own, name, len) == 0)
            return r;
    }
    return NULL;
}

bool resource_has(const struct resource *r, bool is_private, enum verb v)
{
    return (is_private ? r->private_verbs : r->public_verbs) & 1u << v;
}

/* ---- requests ---- */

#define REQUEST_FIELDS_MAX 4

static const struct field field_id = {.number = 1, .name = "id", .type = FIELD_STRING};
static const struct field list_fields[] = {
    {.number = 1, .name = "offset", .type = FIELD_INT32, .shape = SHAPE_OPTIONAL},
    {.number = 2, .name = "limit", .type = FIELD_INT32, .shape = SHAPE_OPTIONAL},
    {.number = 3, .name = "filter", .type = FIELD_STRING, .shape = SHAPE_OPTIONAL},
    {.number = 4, .name = "order", .type = FIELD_STRING, .shape = SHAPE_OPTIONAL},
};

struct request_form {
    struct field fields[REQUEST_FIELDS_MAX];
    struct message message;
};

static void form_add(struct request_form *f, const struct field *field)
{
    f->fields[f->message.count++] = *field;
}

static void form_init(struct request_form *f, const struct message *object, enum verb v)
{
    *f = (struct request_form){.message = {.name = "request"}};
    f->message.fields = f->fields;
    if (v == VERB_LIST)
        for (size_t i = 0; i < ARRAY_LEN(list_fields); i++)
            form_add(f, &list_fields[i]);
    if (v == VERB_GET || v == VERB_DELETE || v == VERB_SIGNAL)
        form_add(f, &field_id);
    if (v != VERB_CREATE && v != VERB_UPDATE)
        return;
    form_add(f, &(struct field){
                    .number = 1, .name = "object", .type = FIELD_MESSAGE, .message = object});
    if (v == VERB_UPDATE) {
        form_add(f, &(struct field){.number = 2,
                                    .name = "update_mask",
                                    .type = FIELD_MASK,
                                    .shape = SHAPE_OPTIONAL});
        form_add(f, &(struct field){.number = 3, .name = "lock", .type = FIELD_BOOL});
    }
}

json_t *request_decode(const struct resource *r, bool is_private, enum verb v, enum version version,
                       const json_t *wire, struct err *reterr)
{
    struct request_form form;
    form_init(&form, !r ? NULL : is_private ? r->private_message : r->public_message, v);
    return message_decode(&form.message, version, wire, reterr);
}

int request_check(const struct resource *r, bool is_private, const json_t *request,
                  struct err *reterr)
{
    struct request_form form;
    if (!r)
        return 0;
    form_init(&form, is_private ? r->private_message : r->public_message, VERB_CREATE);
    return message_check(&form.message, request, reterr);
}
