#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "components/fulfillment-service/filter_priv.h"

/* Every row has these. The metadata itself always is set, as the id is. */
static const struct filter_field common[] = {
    {"id", FILTER_STRING, false, NULL, FILTER_IN_ID},
    {"metadata", FILTER_MESSAGE, false, NULL, FILTER_IN_ID},
    {"metadata.name", FILTER_STRING, false, NULL, FILTER_IN_NAME},
    {"metadata.tenant", FILTER_STRING, false, NULL, FILTER_IN_TENANT},
    {"metadata.creator", FILTER_STRING, false, NULL, FILTER_IN_CREATOR},
    {"metadata.project", FILTER_STRING, false, NULL, FILTER_IN_PROJECT},
    {"metadata.creation_timestamp", FILTER_TIMESTAMP, false, NULL, FILTER_IN_CREATION},
    {"metadata.deletion_timestamp", FILTER_TIMESTAMP, false, NULL, FILTER_IN_DELETION},
    {"metadata.labels", FILTER_LABELS, false, NULL, FILTER_IN_LABELS},
};

static bool is_above(const char *path, const char *field)
{
    size_t len = strlen(path);

    return strncmp(path, field, len) == 0 && field[len] == '.';
}

static const struct filter_field *message_at(const char *path, struct arena *arena)
{
    struct filter_field *f = arena_zalloc(arena, sizeof *f);

    f->path = arena_copy(arena, path, strlen(path));
    f->type = FILTER_MESSAGE;
    return f;
}

const struct filter_field *filter_field_find(const struct filter_fields *fields, const char *path,
                                             struct arena *arena)
{
    bool above = false;

    for (size_t i = 0; i < ARRAY_LEN(common); i++)
        if (strcmp(common[i].path, path) == 0)
            return &common[i];
    for (size_t i = 0; i < fields->count; i++) {
        assert(strlen(fields->fields[i].path) <= FILTER_PATH_MAX);
        if (strcmp(fields->fields[i].path, path) == 0)
            return &fields->fields[i];
        above = above || is_above(path, fields->fields[i].path);
    }
    return above && arena ? message_at(path, arena) : NULL;
}

void filter_field_suggest(const struct filter_fields *fields, const char *path, struct err *e)
{
    size_t count = ARRAY_LEN(common) + fields->count;
    AUTO(mem) void *memory = mem_alloc(count * sizeof(const char *));
    const char **paths = memory;

    for (size_t i = 0; i < count; i++)
        paths[i] =
            i < ARRAY_LEN(common) ? common[i].path : fields->fields[i - ARRAY_LEN(common)].path;
    err_suggest(e, path, paths, count, NULL);
}

const char *filter_type_name(int type)
{
    switch (type) {
    case FILTER_BOOL:
        return "bool";
    case FILTER_INT:
        return "int";
    case FILTER_DOUBLE:
        return "double";
    case FILTER_STRING:
        return "string";
    case FILTER_ENUM:
        return "enum";
    case FILTER_TIMESTAMP:
        return "timestamp";
    case FILTER_MESSAGE:
        return "message";
    case FILTER_STRINGS:
        return "list of strings";
    case FILTER_LABELS:
        return "map of strings";
    default:
        return "null";
    }
}
