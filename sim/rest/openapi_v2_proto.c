/* The Swagger document in the protobuf form that gnostic defines (openapiv2/OpenAPIv2.proto), which
 * is the only one that older kubectls read. Tables name the members of each message; maps are lists
 * of named values there, and what starts with x- goes to a list of its own. */
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "sim/rest/openapi_priv.h"

enum form {
    FORM_STRING,  /* also a list of them, when it is an array */
    FORM_BOOL,    /* left out when false */
    FORM_INT,     /* int64 */
    FORM_DOUBLE,  /* fixed64 */
    FORM_ANY,     /* {2 yaml}; an array gives one for each element */
    FORM_MESSAGE, /* one, or one for each element of an array */
    FORM_NAMED, /* the members of an object: a message whose field `inner` has {1 name, 2 value} */
    FORM_WRAPPED, /* {inner: message} */
    FORM_STRINGS, /* {1 repeated string} */
    FORM_SCHEMA_OR_BOOL,
    FORM_PARAMETER,
};

struct message;
struct member {
    const char *key;
    unsigned number;
    enum form form;
    const struct message *message;
    unsigned inner;
};
struct message {
    const struct member *members;
    size_t count;
    unsigned extensions; /* the number of vendor_extension */
};

#define MESSAGE(name, extension)                                                                   \
    static const struct message name = {name##_members, ARRAY_LEN(name##_members), extension}

/* ---- the messages ---- */

static const struct message schema;
static const struct member schema_members[] = {
    {"$ref", 1, FORM_STRING, NULL, 0},
    {"format", 2, FORM_STRING, NULL, 0},
    {"title", 3, FORM_STRING, NULL, 0},
    {"description", 4, FORM_STRING, NULL, 0},
    {"default", 5, FORM_ANY, NULL, 0},
    {"multipleOf", 6, FORM_DOUBLE, NULL, 0},
    {"maximum", 7, FORM_DOUBLE, NULL, 0},
    {"exclusiveMaximum", 8, FORM_BOOL, NULL, 0},
    {"minimum", 9, FORM_DOUBLE, NULL, 0},
    {"exclusiveMinimum", 10, FORM_BOOL, NULL, 0},
    {"maxLength", 11, FORM_INT, NULL, 0},
    {"minLength", 12, FORM_INT, NULL, 0},
    {"pattern", 13, FORM_STRING, NULL, 0},
    {"maxItems", 14, FORM_INT, NULL, 0},
    {"minItems", 15, FORM_INT, NULL, 0},
    {"uniqueItems", 16, FORM_BOOL, NULL, 0},
    {"maxProperties", 17, FORM_INT, NULL, 0},
    {"minProperties", 18, FORM_INT, NULL, 0},
    {"required", 19, FORM_STRING, NULL, 0},
    {"enum", 20, FORM_ANY, NULL, 0},
    {"additionalProperties", 21, FORM_SCHEMA_OR_BOOL, &schema, 0},
    {"type", 22, FORM_STRINGS, NULL, 0},
    {"items", 23, FORM_WRAPPED, &schema, 1},
    {"properties", 25, FORM_NAMED, &schema, 1},
    {"example", 30, FORM_ANY, NULL, 0},
};
MESSAGE(schema, 31);

static const struct member body_members[] = {
    {"name", 2, FORM_STRING, NULL, 0},
    {"in", 3, FORM_STRING, NULL, 0},
    {"required", 4, FORM_BOOL, NULL, 0},
    {"schema", 5, FORM_MESSAGE, &schema, 0},
};
MESSAGE(body, 6);
static const struct member query_members[] = {
    {"required", 1, FORM_BOOL, NULL, 0},     {"in", 2, FORM_STRING, NULL, 0},
    {"name", 4, FORM_STRING, NULL, 0},       {"type", 6, FORM_STRING, NULL, 0},
    {"uniqueItems", 20, FORM_BOOL, NULL, 0},
};
MESSAGE(query, 23);
static const struct member path_members[] = {
    {"required", 1, FORM_BOOL, NULL, 0},     {"in", 2, FORM_STRING, NULL, 0},
    {"name", 4, FORM_STRING, NULL, 0},       {"type", 5, FORM_STRING, NULL, 0},
    {"uniqueItems", 19, FORM_BOOL, NULL, 0},
};
MESSAGE(path, 22);

static const struct member response_members[] = {
    {"description", 1, FORM_STRING, NULL, 0},
    {"schema", 2, FORM_WRAPPED, &schema, 1},
};
MESSAGE(response, 5);
static const struct member response_value_members[] = {{"", 1, FORM_MESSAGE, &response, 0}};
MESSAGE(response_value, 0);

static const struct member operation_members[] = {
    {"tags", 1, FORM_STRING, NULL, 0},
    {"description", 3, FORM_STRING, NULL, 0},
    {"operationId", 5, FORM_STRING, NULL, 0},
    {"produces", 6, FORM_STRING, NULL, 0},
    {"consumes", 7, FORM_STRING, NULL, 0},
    {"parameters", 8, FORM_PARAMETER, NULL, 0},
    {"responses", 9, FORM_NAMED, &response_value, 1},
};
MESSAGE(operation, 13);
static const struct member path_item_members[] = {
    {"get", 2, FORM_MESSAGE, &operation, 0},   {"put", 3, FORM_MESSAGE, &operation, 0},
    {"post", 4, FORM_MESSAGE, &operation, 0},  {"delete", 5, FORM_MESSAGE, &operation, 0},
    {"patch", 8, FORM_MESSAGE, &operation, 0}, {"parameters", 9, FORM_PARAMETER, NULL, 0},
};
MESSAGE(path_item, 10);
static const struct member info_members[] = {
    {"title", 1, FORM_STRING, NULL, 0},
    {"version", 2, FORM_STRING, NULL, 0},
};
MESSAGE(info, 7);

/* ---- the wire ---- */

static void add_varint(struct strbuf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        strbuf_addch(out, (char)(v | 0x80));
    strbuf_addch(out, (char)v);
}

static void add_tag(struct strbuf *out, unsigned number, unsigned wire)
{
    add_varint(out, (uint64_t)number << 3 | wire);
}

static void add_bytes(struct strbuf *out, unsigned number, const void *data, size_t len)
{
    add_tag(out, number, 2);
    add_varint(out, len);
    strbuf_add(out, data, len);
}

static void add_buffer(struct strbuf *out, unsigned number, const struct strbuf *b)
{
    add_bytes(out, number, strbuf_str(b), b->len);
}

static void add_string(struct strbuf *out, unsigned number, const json_t *v)
{
    if (json_is_string(v))
        add_bytes(out, number, json_string_value(v), json_string_length(v));
}

static void add_double(struct strbuf *out, unsigned number, const json_t *v)
{
    double value = json_number_value(v);
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    add_tag(out, number, 1);
    for (int i = 0; i < 8; i++)
        strbuf_addch(out, (char)(bits >> (8 * i)));
}

/* JSON is YAML. */
static void add_any(struct strbuf *out, unsigned number, const json_t *v)
{
    AUTO(strbuf) struct strbuf text = {0}, any = {0};
    json_write(&text, v, JSON_TIGHT);
    add_buffer(&any, 2, &text);
    add_buffer(out, number, &any);
}

/* ---- members ---- */

static void add_message(struct strbuf *out, const struct message *m, const json_t *v);

static void add_nested(struct strbuf *out, unsigned number, const struct message *m,
                       const json_t *v)
{
    AUTO(strbuf) struct strbuf inner = {0};
    add_message(&inner, m, v);
    add_buffer(out, number, &inner);
}

static void add_pair(struct strbuf *out, unsigned number, const char *name,
                     const struct strbuf *value)
{
    AUTO(strbuf) struct strbuf pair = {0};
    add_bytes(&pair, 1, name, strlen(name));
    add_buffer(&pair, 2, value);
    add_buffer(out, number, &pair);
}

/* The members of an object as fields `number`: {1 name, 2 value}. */
static void add_pairs(struct strbuf *out, unsigned number, const struct message *m, const json_t *v)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)v, key, value)
    {
        AUTO(strbuf) struct strbuf inner = {0};
        add_message(&inner, m, value);
        add_pair(out, number, key, &inner);
    }
}

static void add_named(struct strbuf *out, const struct member *f, const json_t *v)
{
    AUTO(strbuf) struct strbuf map = {0};
    add_pairs(&map, f->inner, f->message, v);
    add_buffer(out, f->number, &map);
}

static void add_strings(struct strbuf *out, unsigned number, const json_t *v)
{
    if (!json_is_array(v))
        add_string(out, number, v);
    for (size_t i = 0; i < json_array_size(v); i++)
        add_string(out, number, json_array_get(v, i));
}

/* ParametersItem{1 Parameter{1 BodyParameter | 2 NonBodyParameter{3 query | 4 path}}} */
static void add_parameter(struct strbuf *out, unsigned number, const json_t *v)
{
    AUTO(strbuf) struct strbuf form = {0}, parameter = {0}, item = {0};
    const char *in = json_str_or_empty(v, "in");
    if (strcmp(in, "body") == 0) {
        add_nested(&parameter, 1, &body, v);
    } else {
        bool is_path = strcmp(in, "path") == 0;
        add_nested(&form, is_path ? 4 : 3, is_path ? &path : &query, v);
        add_buffer(&parameter, 2, &form);
    }
    add_buffer(&item, 1, &parameter);
    add_buffer(out, number, &item);
}

static void add_schema_or_bool(struct strbuf *out, unsigned number, const json_t *v)
{
    AUTO(strbuf) struct strbuf item = {0};
    if (json_is_object(v)) {
        add_nested(&item, 1, &schema, v);
    } else {
        add_tag(&item, 2, 0);
        add_varint(&item, json_is_true(v));
    }
    add_buffer(out, number, &item);
}

static void add_one(struct strbuf *out, const struct member *f, const json_t *v)
{
    AUTO(strbuf) struct strbuf inner = {0};
    switch (f->form) {
    case FORM_STRING:
        add_string(out, f->number, v);
        return;
    case FORM_BOOL:
    case FORM_INT:
        if (!json_is_true(v) && !json_is_integer(v))
            return;
        add_tag(out, f->number, 0);
        add_varint(out, json_is_true(v) ? 1 : (uint64_t)json_integer_value(v));
        return;
    case FORM_DOUBLE:
        if (json_is_number(v))
            add_double(out, f->number, v);
        return;
    case FORM_ANY:
        add_any(out, f->number, v);
        return;
    case FORM_MESSAGE:
        add_nested(out, f->number, f->message, v);
        return;
    case FORM_NAMED:
        add_named(out, f, v);
        return;
    case FORM_WRAPPED:
        add_nested(&inner, f->inner, f->message, v);
        add_buffer(out, f->number, &inner);
        return;
    case FORM_STRINGS:
        add_strings(&inner, 1, v);
        add_buffer(out, f->number, &inner);
        return;
    case FORM_SCHEMA_OR_BOOL:
        add_schema_or_bool(out, f->number, v);
        return;
    case FORM_PARAMETER:
        add_parameter(out, f->number, v);
        return;
    }
}

static bool is_repeated(const struct member *f)
{
    return f->form == FORM_STRING || f->form == FORM_PARAMETER ||
           (f->form == FORM_ANY && strcmp(f->key, "enum") == 0);
}

static void add_member(struct strbuf *out, const struct member *f, const json_t *v)
{
    if (!json_is_array(v) || !is_repeated(f)) {
        add_one(out, f, v);
        return;
    }
    for (size_t i = 0; i < json_array_size(v); i++)
        add_one(out, f, json_array_get(v, i));
}

static void add_extension(struct strbuf *out, unsigned number, const char *key, const json_t *v)
{
    AUTO(strbuf) struct strbuf text = {0}, any = {0};
    json_write(&text, v, JSON_TIGHT);
    add_buffer(&any, 2, &text);
    add_pair(out, number, key, &any);
}

/* As deep as the JSON, whose reader has bounded that. */
static void add_message(struct strbuf *out, const struct message *m, const json_t *v)
{
    const char *key;
    json_t *value;
    if (m->count == 1 && !*m->members[0].key) {
        add_one(out, &m->members[0], v);
        return;
    }
    json_object_foreach((json_t *)v, key, value)
    {
        if (strncmp(key, "x-", 2) == 0 && m->extensions) {
            add_extension(out, m->extensions, key, value);
            continue;
        }
        for (size_t i = 0; i < m->count; i++)
            if (strcmp(m->members[i].key, key) == 0)
                add_member(out, &m->members[i], value);
    }
}

/* ---- the document ---- */

int openapi_proto_add(struct strbuf *part, enum openapi_part which, const struct strbuf *json)
{
    AUTO(json) json_t *tree = json_read(strbuf_str(json), json->len, "openapi", NULL);
    if (!json_is_object(tree))
        return -1;
    switch (which) {
    case OPENAPI_INFO:
        add_message(part, &info, tree);
        return 0;
    case OPENAPI_PATHS:
        add_pairs(part, 2, &path_item, tree);
        return 0;
    case OPENAPI_DEFINITIONS:
        add_pairs(part, 1, &schema, tree);
        return 0;
    case OPENAPI_PARTS:
        break;
    }
    return -1;
}

void openapi_proto_document(struct strbuf *out, const struct strbuf parts[OPENAPI_PARTS])
{
    add_bytes(out, 1, "2.0", 3);
    add_buffer(out, 2, &parts[OPENAPI_INFO]);
    add_buffer(out, 8, &parts[OPENAPI_PATHS]);
    add_buffer(out, 9, &parts[OPENAPI_DEFINITIONS]);
}
