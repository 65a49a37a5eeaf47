#include "cel/static_type.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "cel/type_text.h"

#define NAME_MAX_BYTES 128
#define TEXT_MAX 2000 /* of a type in a message */

const struct cel_static_type cel_static[CEL_STATIC_DURATION + 1] = {
    [CEL_STATIC_DYN] = {.kind = CEL_STATIC_DYN, .name = "dyn"},
    [CEL_STATIC_NULL] = {.kind = CEL_STATIC_NULL, .name = "null"},
    [CEL_STATIC_BOOL] = {.kind = CEL_STATIC_BOOL, .name = "bool"},
    [CEL_STATIC_INT] = {.kind = CEL_STATIC_INT, .name = "int"},
    [CEL_STATIC_UINT] = {.kind = CEL_STATIC_UINT, .name = "uint"},
    [CEL_STATIC_DOUBLE] = {.kind = CEL_STATIC_DOUBLE, .name = "double"},
    [CEL_STATIC_STRING] = {.kind = CEL_STATIC_STRING, .name = "string"},
    [CEL_STATIC_BYTES] = {.kind = CEL_STATIC_BYTES, .name = "bytes"},
    [CEL_STATIC_TIMESTAMP] = {.kind = CEL_STATIC_TIMESTAMP, .name = "timestamp"},
    [CEL_STATIC_DURATION] = {.kind = CEL_STATIC_DURATION, .name = "duration"},
};

/* Names that take args; with how many. */
static const struct built {
    const char *name;
    enum cel_static_kind kind;
    size_t args_min, args_max;
} built[] = {
    {"list", CEL_STATIC_LIST, 1, 1},
    {"map", CEL_STATIC_MAP, 2, 2},
    {"type", CEL_STATIC_TYPE, 0, 1},
    {"optional_type", CEL_STATIC_OPTIONAL, 1, 1},
};

/* ---- writing ---- */

static const char *name_of(const struct cel_static_type *t)
{
    for (size_t i = 0; i < ARRAY_LEN(built); i++)
        if (built[i].kind == t->kind)
            return built[i].name;
    return t->name;
}

static void write_type(struct strbuf *out, const struct cel_static_type *t)
{
    if (out->len > TEXT_MAX) {
        strbuf_addstr(out, "...");
        return;
    }
    strbuf_addstr(out, name_of(t));
    for (size_t i = 0; i < t->arg_count && out->len <= TEXT_MAX; i++) {
        strbuf_addstr(out, i ? ", " : "(");
        write_type(out, t->args[i]);
    }
    if (t->arg_count)
        strbuf_addstr(out, ")");
}

char *cel_type_text(const struct cel_static_type *t)
{
    AUTO(strbuf) struct strbuf out = {0};

    write_type(&out, t);
    return mem_strdup(strbuf_str(&out));
}

bool cel_type_same(const struct cel_static_type *a, const struct cel_static_type *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->arg_count != b->arg_count || a->kind == CEL_STATIC_PARAM)
        return false;
    if ((a->kind == CEL_STATIC_OPAQUE || a->kind == CEL_STATIC_OBJECT) &&
        strcmp(a->name, b->name) != 0)
        return false;
    for (size_t i = 0; i < a->arg_count; i++)
        if (!cel_type_same(a->args[i], b->args[i]))
            return false;
    return true;
}

const struct cel_static_type *cel_type_field(const struct cel_static_type *object, const char *name,
                                             size_t len)
{
    for (size_t i = 0; i < object->field_count; i++)
        if (strncmp(object->fields[i].name, name, len) == 0 && !object->fields[i].name[len])
            return object->fields[i].type;
    return NULL;
}

/* ---- reading ---- */

const struct cel_static_type *type_make(struct arena *a, enum cel_static_kind kind,
                                        const char *name, const struct cel_static_type *const *args,
                                        size_t count)
{
    struct cel_static_type *made = arena_zalloc(a, sizeof *made);

    made->kind = kind;
    made->name = name;
    made->arg_count = count;
    if (count)
        made->args = memcpy(arena_alloc(a, count * sizeof *args), args, count * sizeof *args);
    return made;
}

static void skip_spaces(struct type_text *text)
{
    while (*text->at == ' ')
        text->at++;
}

static size_t name_length(const char *s)
{
    size_t len = 0;

    while (isalnum((unsigned char)s[len]) || s[len] == '_' || s[len] == '.')
        len++;
    return len;
}

static const struct cel_static_type *parameter(struct type_text *text, char letter)
{
    const struct cel_static_type **slot = &text->params[letter - 'A'];

    if (!*slot)
        *slot = text->fresh(text->cookie);
    return *slot;
}

static const struct cel_static_type *read_deep(struct type_text *text, unsigned depth);

/* "(A, B)" or nothing: how many; -1: something else. */
static int read_args(struct type_text *text, unsigned depth,
                     const struct cel_static_type *out[CEL_TYPE_ARGS_MAX])
{
    int count = 0;

    if (*text->at != '(')
        return 0;
    do {
        text->at++;
        if (count == CEL_TYPE_ARGS_MAX || !(out[count] = read_deep(text, depth + 1)))
            return -1;
        count++;
    } while (*text->at == ',');
    if (*text->at != ')')
        return -1;
    text->at++;
    skip_spaces(text);
    return count;
}

static const struct cel_static_type *named(struct type_text *text, const char *name, size_t len,
                                           const struct cel_static_type *const *args, size_t count)
{
    for (size_t i = 0; !count && i < ARRAY_LEN(cel_static); i++)
        if (strncmp(cel_static[i].name, name, len) == 0 && !cel_static[i].name[len])
            return &cel_static[i];
    for (size_t i = 0; i < ARRAY_LEN(built); i++)
        if (strncmp(built[i].name, name, len) == 0 && !built[i].name[len])
            return count >= built[i].args_min && count <= built[i].args_max
                       ? type_make(text->arena, built[i].kind, NULL, args, count)
                       : NULL;
    for (size_t i = 0; text->objects && text->objects[i]; i++)
        if (strncmp(text->objects[i]->name, name, len) == 0 && !text->objects[i]->name[len])
            return count ? NULL : text->objects[i];
    return type_make(text->arena, CEL_STATIC_OPAQUE, arena_copy(text->arena, name, len), args,
                     count);
}

static const struct cel_static_type *read_deep(struct type_text *text, unsigned depth)
{
    const struct cel_static_type *args[CEL_TYPE_ARGS_MAX];
    const char *name;
    size_t len;
    int count;

    skip_spaces(text);
    name = text->at;
    len = name_length(name);
    if (depth == CEL_TYPE_DEPTH_MAX || len == 0 || len > NAME_MAX_BYTES)
        return NULL;
    text->at += len;
    skip_spaces(text);
    if (len == 1 && *name >= 'A' && *name <= 'Z' && text->fresh)
        return parameter(text, *name);
    count = read_args(text, depth, args);
    return count < 0 ? NULL : named(text, name, len, args, (size_t)count);
}

const struct cel_static_type *type_read(struct type_text *text)
{
    return read_deep(text, 0);
}

/* ---- pools ---- */

struct cel_type_pool {
    struct arena arena;
};

struct cel_type_pool *cel_type_pool_create(void)
{
    return mem_zalloc(sizeof(struct cel_type_pool));
}

void cel_type_pool_destroy(struct cel_type_pool *pool)
{
    if (!pool)
        return;
    arena_finish(&pool->arena);
    free(pool);
}

const struct cel_static_type *cel_type_parse(struct cel_type_pool *pool, const char *text,
                                             const struct cel_static_type *const *objects,
                                             struct err *reterr)
{
    struct type_text t = {.at = text, .arena = &pool->arena, .objects = objects};
    const struct cel_static_type *found = type_read(&t);

    if (found && !*t.at)
        return found;
    err_set(reterr, ERR_SYNTAX, (struct src_pos){NULL, 1, (uint32_t)(t.at - text) + 1},
            "'%.100s' is no type (character %zu)", text, (size_t)(t.at - text) + 1);
    err_hint(reterr, "for example dyn, int, list(string), map(string, dyn)");
    return NULL;
}
