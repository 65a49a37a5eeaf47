#include "kube/types/types.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kube/types/types_priv.h"

/* Pure data that never changes, so that one for the process does: two simulators see the same. */
const struct types_table *types_table(void)
{
    static struct types_table table;

    if (!table.types)
        types_parse(&table);
    return &table;
}

uint32_t types_member_hash(uint32_t type, const char *name)
{
    uint32_t hash = 2166136261u ^ (type * 2654435761u); /* FNV-1a from a start of the type's own */

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash ^ (hash >> 15);
}

/* ---- kinds ---- */

/* Go adds these to every group and version that it registers. */
static bool in_every_group(const char *kind)
{
    static const char *const names[] = {"CreateOptions", "DeleteOptions", "GetOptions",
                                        "ListOptions",   "PatchOptions",  "UpdateOptions",
                                        "WatchEvent"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], kind) == 0)
            return true;
    return false;
}

/* The first place in by_kind whose kind is not smaller. */
static size_t first_of_kind(const struct types_table *table, const char *kind)
{
    size_t low = 0, high = table->kind_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(table->by_kind[middle]->kind, kind) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    assert(low <= table->kind_count);
    return low;
}

const struct kube_type *kube_type_find(const char *group, const char *version, const char *kind)
{
    const struct types_table *table = types_table();

    if (in_every_group(kind)) {
        group = "meta.k8s.io";
        version = NULL;
    }
    for (size_t i = first_of_kind(table, kind); i < table->kind_count; i++) {
        const struct kube_type *t = table->by_kind[i];

        if (strcmp(t->kind, kind) != 0)
            break;
        if (strcmp(t->group, group) == 0 && (!version || strcmp(t->version, version) == 0))
            return t;
    }
    return NULL;
}

const struct kube_type *kube_type_of(const char *api_version, const char *kind)
{
    char group[128] = "";
    const char *slash = strchr(api_version, '/');
    size_t len = slash ? (size_t)(slash - api_version) : 0;

    if (len >= sizeof group)
        return NULL;
    memcpy(group, api_version, len);
    return kube_type_find(group, slash ? slash + 1 : api_version, kind);
}

/* ---- names ---- */

static int compare_name(const void *key, const void *element)
{
    const struct kube_type *const *t = element;

    return strcmp(key, (*t)->name);
}

const struct kube_type *kube_type_named(const char *name)
{
    const struct types_table *table = types_table();
    const struct kube_type **found =
        bsearch(name, table->by_name, table->type_count, sizeof(struct kube_type *), compare_name);

    return found ? *found : NULL;
}

const struct kube_type *const *kube_types_all(size_t *ret_count)
{
    const struct types_table *table = types_table();

    *ret_count = table->type_count;
    return table->by_name;
}

/* ---- fields ---- */

/* A type that stands elsewhere has no fields here: it would take anything. */
static bool of_table(const struct kube_type *t)
{
    const struct types_table *table = types_table();
    uintptr_t at = (uintptr_t)t, first = (uintptr_t)table->types;

    return at >= first && at < first + table->type_count * sizeof *t;
}

const struct kube_field *kube_field_find(const struct kube_type *t, const char *name)
{
    assert(of_table(t));
    const struct types_table *table = types_table();
    uint32_t type = (uint32_t)(t - table->types);
    size_t slot = types_member_hash(type, name) & table->member_mask;

    for (;; slot = (slot + 1) & table->member_mask) {
        const struct types_member *m = &table->members[slot];

        if (!m->field)
            return NULL;
        if (m->type == type && strcmp(m->field->name, name) == 0)
            return m->field;
    }
}

const struct kube_field *kube_field_numbered(const struct kube_type *t, uint32_t number)
{
    assert(of_table(t));
    for (size_t i = 0; i < t->field_count; i++)
        if (t->fields[i].number == number)
            return number ? &t->fields[i] : NULL;
    return NULL;
}
