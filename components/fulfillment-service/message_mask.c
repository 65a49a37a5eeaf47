/* Field masks, and what filters may name: both are paths through the tables. */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "components/fulfillment-service/message.h"

#define PATHS_MAX 256

/* "spec.runStrategy" as "spec.run_strategy". */
static json_t *path_of(const char *text, size_t len)
{
    AUTO(strbuf) struct strbuf out = {0};
    for (size_t i = 0; i < len; i++) {
        if (text[i] >= 'A' && text[i] <= 'Z') {
            strbuf_addch(&out, '_');
            strbuf_addch(&out, (char)(text[i] - 'A' + 'a'));
        } else {
            strbuf_addch(&out, text[i]);
        }
    }
    return json_stringn(strbuf_str(&out), out.len);
}

json_t *mask_parse(const char *text)
{
    json_t *paths = json_array();
    while (*text && json_array_size(paths) < PATHS_MAX) {
        size_t len = strcspn(text, ",");
        json_array_append_new(paths, path_of(text, len));
        text += len + (text[len] == ',');
    }
    return paths;
}

/* ---- the paths of a body ---- */

static void add_path(json_t *paths, const char *prefix, const char *name)
{
    AUTO(str) char *path = mem_printf("%s%s%s", prefix, *prefix ? "." : "", name);
    json_array_append_new(paths, json_string(path));
}

static bool goes_on(const struct field *f)
{
    return f->type == FIELD_MESSAGE && f->shape <= SHAPE_OPTIONAL;
}

static void body_paths(const struct message *m, enum version v, const json_t *wire,
                       const char *prefix, json_t *paths)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)wire, key, value)
    {
        const struct field *f = message_field(m, v, key);
        if (!f)
            continue;
        if (goes_on(f) && json_is_object(value)) {
            AUTO(str) char *path = mem_printf("%s%s%s", prefix, *prefix ? "." : "", f->name);
            body_paths(f->message, v, value, path, paths);
        } else {
            add_path(paths, prefix, f->name);
        }
    }
}

json_t *mask_of_body(const struct message *m, enum version v, const json_t *wire)
{
    json_t *paths = json_array();
    body_paths(m, v, wire, "", paths);
    return paths;
}

static void message_paths(const struct message *m, enum version v, const char *prefix,
                          json_t *paths)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct field *f = &m->fields[i];
        if (f->since > v)
            continue;
        if (goes_on(f)) {
            AUTO(str) char *path = mem_printf("%s%s%s", prefix, *prefix ? "." : "", f->name);
            message_paths(f->message, v, path, paths);
        } else {
            add_path(paths, prefix, f->name);
        }
    }
}

json_t *mask_of_message(const struct message *m, enum version v)
{
    json_t *paths = json_array();
    message_paths(m, v, "", paths);
    return paths;
}

/* ---- applying ---- */

static const struct field *field_at(const struct message *m, enum version v, const char *path)
{
    while (m) {
        size_t len = strcspn(path, ".");
        AUTO(str) char *name = mem_strndup(path, len);
        const struct field *f = message_field(m, v, name);
        if (!f || strcmp(f->name, name) != 0)
            return NULL;
        if (!path[len])
            return f;
        m = goes_on(f) ? f->message : NULL;
        path += len + 1;
    }
    return NULL;
}

static void copy_path(const char *path, const json_t *from, json_t *to)
{
    const json_t *value = json_path(from, path);
    if (value)
        json_put_take(to, path, json_copy_of(value));
    else
        json_drop(to, path);
}

/* Member by member: the stored message may have members that this one does not know of. */
static void copy_message(const struct field *f, enum version v, const char *path,
                         const json_t *from, json_t *to)
{
    AUTO(json) json_t *leaves = json_array();
    message_paths(f->message, v, path, leaves);
    for (size_t i = 0; i < json_array_size(leaves); i++)
        copy_path(json_string_value(json_array_get(leaves, i)), from, to);
    const json_t *given = json_path(from, path), *left = json_path(to, path);
    if (!given && left && json_object_size(left) == 0)
        json_drop(to, path);
    else if (given && !left)
        json_put_take(to, path, json_object());
}

int mask_apply(const struct message *m, enum version v, const json_t *paths, const json_t *from,
               json_t *to, struct err *reterr)
{
    for (size_t i = 0; i < json_array_size(paths); i++) {
        const char *path = json_string_value(json_array_get(paths, i));
        if (!field_at(m, v, path))
            return err_set(reterr, ERR_INVALID, NO_POS, "mask names no field: '%.64s'", path);
    }
    for (size_t i = 0; i < json_array_size(paths); i++) {
        const char *path = json_string_value(json_array_get(paths, i));
        const struct field *f = field_at(m, v, path);
        if (goes_on(f))
            copy_message(f, v, path, from, to);
        else
            copy_path(path, from, to);
    }
    return 0;
}

/* ---- what filters may name ---- */

static enum filter_type filter_type_of(const struct field *f)
{
    if (f->shape == SHAPE_LIST)
        return f->type == FIELD_STRING ? FILTER_STRINGS : FILTER_MESSAGE;
    switch (f->type) {
    case FIELD_STRING:
        return FILTER_STRING;
    case FIELD_BOOL:
        return FILTER_BOOL;
    case FIELD_INT32:
    case FIELD_INT64:
        return FILTER_INT;
    case FIELD_ENUM:
        return FILTER_ENUM;
    case FIELD_TIME:
        return FILTER_TIMESTAMP;
    case FIELD_MESSAGE:
    case FIELD_ANY:
    case FIELD_MASK:
        break;
    }
    return FILTER_MESSAGE;
}

struct filter_list {
    struct filter_field *fields;
    size_t count, cap;
};

static void add_filter_fields(const struct message *m, enum version v, const char *prefix,
                              struct filter_list *list)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct field *f = &m->fields[i];
        bool known = !*prefix && (strcmp(f->name, "id") == 0 || strcmp(f->name, "metadata") == 0);
        if (f->since > v || known || f->shape == SHAPE_MAP ||
            (f->shape == SHAPE_LIST && f->type != FIELD_STRING))
            continue;
        char *path = mem_printf("%s%s%s", prefix, *prefix ? "." : "", f->name);
        list->fields = mem_grow(list->fields, &list->cap, list->count + 1, sizeof *list->fields);
        list->fields[list->count++] =
            (struct filter_field){.path = path,
                                  .type = filter_type_of(f),
                                  .optional = f->shape == SHAPE_OPTIONAL,
                                  .values = f->type == FIELD_ENUM ? f->values->values : NULL};
        if (goes_on(f))
            add_filter_fields(f->message, v, path, list);
    }
}

struct filter_fields message_filter_fields(const struct message *m, enum version v)
{
    struct filter_list list = {0};
    add_filter_fields(m, v, "", &list);
    return (struct filter_fields){list.fields, list.count};
}

void message_filter_free(struct filter_fields *f)
{
    for (size_t i = 0; i < f->count; i++)
        free((char *)(uintptr_t)f->fields[i].path);
    free((struct filter_field *)(uintptr_t)f->fields);
    *f = (struct filter_fields){0};
}
