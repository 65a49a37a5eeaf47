/* From the text of the *.types files to tables. A file:
 *
 *     # comment
 *     package io.k8s.api.core.v1 v1      OpenAPI's prefix, version, group ("" at the end of the
 * line) =Pod k                             a type; k: a kind that stands alone, t: JSON has no
 *                                        apiVersion and kind of it, 0: the core group's too,
 *                                        a: atomic
 *     2 spec PodSpec ?                   wire number (0: none), JSON name ("-": inlined), what, how
 *     1 containers []Container !mp K=name P=name
 *
 * What: [] list, {} map of strings to; then a letter of scalar_letters, or a type: Name of this
 * package, file.Name of another's. How: * pointer, ? omitempty, z omitzero, ! required, a atomic,
 * s set, m map of K=keys; for strategic merge p merge, k retainKeys, r replace, P=key;
 * G=Go's name when it does not follow; D=default, JSON up to the end of the line. "-": nothing. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/types/types_priv.h"

#define PACKAGES_MAX 64

struct package {
    const char *prefix, *version, *group;
    const char *alias; /* the last two parts: "core_v1", as references write it */
    size_t first, end; /* its types: they stand sorted */
};

struct parser {
    struct types_table *table;
    struct package packages[PACKAGES_MAX];
    size_t package_count;
    struct package *package;
    struct kube_type *type;
    const char **refs; /* of each field: the name of its type, NULL when it has none */
    uint8_t *homes;    /* of each field: its package */
};

static char *next_word(char **at)
{
    char *word = *at;

    *at = strchrnul(word, ' ');
    if (**at)
        *(*at)++ = '\0';
    return word;
}

/* Thousands of them are made at each start: printf costs five times as much. New. */
static char *join(const char *before, const char *between, const char *after)
{
    size_t a = strlen(before), b = strlen(between), c = strlen(after) + 1;
    char *text = mem_alloc(a + b + c);

    memcpy(text, before, a);
    memcpy(text + a, between, b);
    memcpy(text + a + b, after, c);
    return text;
}

/* ---- lines ---- */

/* "io.k8s.api.core.v1" -> "core_v1" */
static char *alias_of(const char *prefix)
{
    const char *dot = strrchr(prefix, '.');
    const char *start = dot;

    assert(dot);
    while (start > prefix && start[-1] != '.')
        start--;
    return mem_printf("%.*s_%s", (int)(dot - start), start, dot + 1);
}

static void parse_package(struct parser *p, char *line)
{
    assert(p->package_count < PACKAGES_MAX);
    p->package = &p->packages[p->package_count++];
    next_word(&line);
    p->package->prefix = next_word(&line);
    p->package->version = next_word(&line);
    p->package->group = line;
    p->package->alias = alias_of(p->package->prefix);
    p->package->first = p->package->end = p->table->type_count;
}

static struct kube_field *add_field(struct parser *p)
{
    struct kube_field *f = &p->table->fields[p->table->field_count];

    p->homes[p->table->field_count++] = (uint8_t)(p->package - p->packages);
    p->type->field_count++;
    return f;
}

static void add_kind_fields(struct parser *p)
{
    static const char *const names[] = {"kind", "apiVersion"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct kube_field *f = add_field(p);

        f->name = names[i];
        f->omit_empty = true;
        f->go_type = "string";
    }
}

static void parse_type(struct parser *p, char *line)
{
    char *name = next_word(&line) + 1;
    struct kube_type *t = p->type = &p->table->types[p->table->type_count++];

    p->package->end++;
    t->name = join(p->package->prefix, ".", name);
    t->fields = &p->table->fields[p->table->field_count];
    t->atomic = strchr(line, 'a');
    if (!strchr(line, 'k'))
        return;
    t->kind = name;
    t->version = p->package->version;
    t->group = strchr(line, '0') ? "" : p->package->group;
    p->table->kind_count++;
    if (!strchr(line, 't'))
        add_kind_fields(p);
}

/* ---- fields ---- */

static const struct {
    char letter;
    enum kube_scalar scalar;
    const char *go_type;
    const char *ref;
} scalar_letters[] = {
    {'s', KUBE_STRING, "string", NULL},
    {'b', KUBE_BOOL, "bool", NULL},
    {'i', KUBE_INT32, "int32", NULL},
    {'l', KUBE_INT64, "int64", NULL},
    {'u', KUBE_UINT32, "uint32", NULL},
    {'U', KUBE_UINT64, "uint64", NULL},
    {'D', KUBE_DOUBLE, "float64", NULL},
    {'y', KUBE_BYTES, "[]uint8", NULL},
    {'q', KUBE_QUANTITY, "resource.Quantity", NULL},
    {'t', KUBE_TIME, "v1.Time", NULL},
    {'m', KUBE_MICRO_TIME, "v1.MicroTime", NULL},
    {'d', KUBE_DURATION, "v1.Duration", NULL},
    {'x', KUBE_INT_OR_STRING, "intstr.IntOrString", NULL},
    {'r', KUBE_RAW, "runtime.RawExtension", NULL},
    {'j', KUBE_RAW, "v1.JSON", NULL},
    {'f', KUBE_FIELDS_V1, "v1.FieldsV1", NULL},
    {'L', KUBE_STRING_LIST, "[]string", NULL},
    {'A', KUBE_SCHEMA_OR_ARRAY, "v1.JSONSchemaPropsOrArray", "JSONSchemaProps"},
    {'B', KUBE_SCHEMA_OR_BOOL, "v1.JSONSchemaPropsOrBool", "JSONSchemaProps"},
    {'C', KUBE_SCHEMA_OR_STRINGS, "v1.JSONSchemaPropsOrStringArray", "JSONSchemaProps"},
};

/* The Go name of a container or a scalar; messages have theirs when all types are known. */
static const char *container_name(const struct kube_field *f, const char *element)
{
    if (f->repeated)
        return join("[]", "", element);
    return f->map ? join("map[string]", "", element) : element;
}

/* Returns the Go name of an element; NULL for a message. */
static const char *parse_what(struct parser *p, struct kube_field *f, const char *what)
{
    f->repeated = strncmp(what, "[]", 2) == 0;
    f->map = strncmp(what, "{}", 2) == 0;
    if (f->repeated || f->map)
        what += 2;
    for (size_t i = 0; !what[1] && i < ARRAY_LEN(scalar_letters); i++) {
        if (scalar_letters[i].letter != *what)
            continue;
        f->scalar = scalar_letters[i].scalar;
        p->refs[f - p->table->fields] = scalar_letters[i].ref;
        return scalar_letters[i].go_type;
    }
    f->scalar = KUBE_MESSAGE;
    p->refs[f - p->table->fields] = what;
    return NULL;
}

static const char *const *parse_keys(char *text)
{
    size_t count = 1;

    for (const char *s = text; *s; s++)
        count += *s == ',';
    const char **keys = mem_reallocarray(NULL, count + 1, sizeof *keys);
    for (size_t i = 0; i < count; i++) {
        keys[i] = text;
        text += strcspn(text, ",");
        if (*text)
            *text++ = '\0';
    }
    keys[count] = NULL;
    return keys;
}

static void parse_flags(struct kube_field *f, const char *flags)
{
    for (; *flags; flags++) {
        f->pointer |= *flags == '*';
        f->omit_empty |= *flags == '?';
        f->omit_zero |= *flags == 'z';
        f->required |= *flags == '!';
        f->atomic |= *flags == 'a';
        f->patch_merge |= *flags == 'p';
        f->patch_retain_keys |= *flags == 'k';
        f->patch_replace |= *flags == 'r';
        if (*flags == 's')
            f->list_type = KUBE_LIST_SET;
        if (*flags == 'm')
            f->list_type = KUBE_LIST_MAP;
    }
}

/* The words after the flags: K=, P=, G=, D=. */
static void parse_extras(struct kube_field *f, char *line)
{
    while (*line) {
        if (*line == 'D') {
            f->default_value = json_read(line + 2, strlen(line + 2), "default", NULL);
            assert(f->default_value);
            return;
        }
        char *word = next_word(&line);
        if (*word == 'K')
            f->list_keys = parse_keys(word + 2);
        else if (*word == 'P')
            f->merge_key = word + 2;
        else if (*word == 'G')
            f->go_type = word + 2;
    }
}

static void parse_field(struct parser *p, char *line)
{
    struct kube_field *f = add_field(p);
    const char *element;

    f->number = (uint32_t)strtoul(next_word(&line), NULL, 10);
    f->name = next_word(&line);
    if (strcmp(f->name, "-") == 0)
        f->name = "";
    element = parse_what(p, f, next_word(&line));
    parse_flags(f, next_word(&line));
    parse_extras(f, line);
    if (element && !f->go_type)
        f->go_type = container_name(f, element);
}

static void parse_lines(struct parser *p, char *text)
{
    for (char *line = text, *next; *line; line = next) {
        next = strchrnul(line, '\n');
        if (*next)
            *next++ = '\0';
        if (*line == '=')
            parse_type(p, line);
        else if (*line == 'p')
            parse_package(p, line);
        else if (*line >= '0' && *line <= '9')
            parse_field(p, line);
    }
}

/* ---- what refers to what ---- */

static const char *short_name(const struct kube_type *t)
{
    return strrchr(t->name, '.') + 1;
}

static const struct package *package_named(const struct parser *p, const char *alias, size_t len)
{
    for (size_t i = 0; i < p->package_count; i++)
        if (strncmp(p->packages[i].alias, alias, len) == 0 && !p->packages[i].alias[len])
            return &p->packages[i];
    abort();
}

/* The types of a package stand sorted in its file. */
static const struct kube_type *type_of_ref(const struct parser *p, const struct package *home,
                                           const char *ref)
{
    const char *dot = strchr(ref, '.');

    if (dot) {
        home = package_named(p, ref, (size_t)(dot - ref));
        ref = dot + 1;
    }
    for (size_t low = home->first, high = home->end; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(short_name(&p->table->types[middle]), ref);

        if (order == 0)
            return &p->table->types[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    abort();
}

static void resolve_refs(struct parser *p)
{
    for (size_t i = 0; i < p->table->field_count; i++) {
        struct kube_field *f = &p->table->fields[i];

        if (!p->refs[i])
            continue;
        f->type = type_of_ref(p, &p->packages[p->homes[i]], p->refs[i]);
        if (f->go_type)
            continue;
        /* "v1.PodSpec" is the end of "io.k8s.api.core.v1.PodSpec". */
        const char *name = short_name(f->type) - 1;
        while (name[-1] != '.')
            name--;
        f->go_type = container_name(f, name);
    }
}

/* Upper bounds: kinds have two fields more than lines. */
static void allocate(struct parser *p, const char *text)
{
    size_t types = 0, lines = 0;

    for (; *text; text++) {
        lines += *text == '\n';
        types += *text == '\n' && text[1] == '=';
    }
    p->table->types = mem_zalloc(types * sizeof *p->table->types);
    p->table->fields = mem_zalloc((lines + 2 * types) * sizeof *p->table->fields);
    p->refs = mem_zalloc((lines + 2 * types) * sizeof *p->refs);
    p->homes = mem_zalloc(lines + 2 * types);
}

void types_parse(struct types_table *ret)
{
    /* Names point into this text: it stays. */
    char *text = mem_dup(types_embedded, types_embedded_len + 1);
    struct parser p = {.table = ret};

    allocate(&p, text);
    parse_lines(&p, text);
    resolve_refs(&p);
    types_index(ret);
    free(p.refs);
    free(p.homes);
    for (size_t i = 0; i < p.package_count; i++)
        free((char *)p.packages[i].alias);
}
