/* Ways into the parsed table: by name, by kind, by wire number, by JSON name. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kube/types/types_priv.h"

static int order_by_name(const void *a, const void *b)
{
    const struct kube_type *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static int order_by_kind(const void *a, const void *b)
{
    const struct kube_type *const *x = a, *const *y = b;
    int order = strcmp((*x)->kind, (*y)->kind);

    if (order == 0)
        order = strcmp((*x)->group, (*y)->group);
    return order ? order : strcmp((*x)->version, (*y)->version);
}

static void index_types(struct types_table *table)
{
    size_t kinds = 0;

    table->by_name = mem_reallocarray(NULL, table->type_count, sizeof *table->by_name);
    table->by_kind = mem_reallocarray(NULL, table->kind_count, sizeof *table->by_kind);
    for (size_t i = 0; i < table->type_count; i++) {
        table->by_name[i] = &table->types[i];
        if (table->types[i].kind)
            table->by_kind[kinds++] = &table->types[i];
    }
    assert(kinds == table->kind_count);
    qsort(table->by_name, table->type_count, sizeof *table->by_name, order_by_name);
    qsort(table->by_kind, table->kind_count, sizeof *table->by_kind, order_by_kind);
}

/* Most stand in order: insertion sort. */
static void index_numbers(struct types_table *table)
{
    table->by_number = mem_reallocarray(NULL, table->field_count, sizeof *table->by_number);
    for (size_t i = 0; i < table->type_count; i++) {
        const struct kube_type *t = &table->types[i];
        const struct kube_field **order = table->by_number + (t->fields - table->fields);

        for (size_t j = 0; j < t->field_count; j++) {
            size_t at = j;

            for (; at > 0 && order[at - 1]->number > t->fields[j].number; at--)
                order[at] = order[at - 1];
            order[at] = &t->fields[j];
        }
    }
}

/* Recursion is as deep as types are inlined in each other: three. */
static void add_members(struct types_table *table, uint32_t type, const struct kube_type *from)
{
    for (size_t i = 0; i < from->field_count; i++) {
        const struct kube_field *f = &from->fields[i];
        size_t slot;

        if (!*f->name) {
            add_members(table, type, f->type);
            continue;
        }
        slot = types_member_hash(type, f->name) & table->member_mask;
        while (table->members[slot].field)
            slot = (slot + 1) & table->member_mask;
        table->members[slot] = (struct types_member){.type = type, .field = f};
    }
}

static size_t member_count(const struct kube_type *t)
{
    size_t count = t->field_count;

    for (size_t i = 0; i < t->field_count; i++)
        if (!*t->fields[i].name)
            count += member_count(t->fields[i].type);
    return count;
}

static void index_members(struct types_table *table)
{
    size_t count = 0, size = 1;

    for (size_t i = 0; i < table->type_count; i++)
        count += member_count(&table->types[i]);
    while (size < 2 * count)
        size *= 2;
    table->members = mem_zalloc(size * sizeof *table->members);
    table->member_mask = size - 1;
    assert((size & table->member_mask) == 0); /* a power of two, at most half of it taken */
    for (size_t i = 0; i < table->type_count; i++)
        add_members(table, (uint32_t)i, &table->types[i]);
}

void types_index(struct types_table *table)
{
    index_types(table);
    index_numbers(table);
    index_members(table);
}
