#include "base/yaml_build_priv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Text that aliases multiply: what a document may grow to as JSON. */
#define EXPANDED_BYTES_MAX (8u << 20)

void yaml_builder_init(struct yaml_builder *b, struct yaml_doc *doc, struct diags *diags)
{
    *b = (struct yaml_builder){.doc = doc, .diags = diags, .anchors = strmap_create()};
}

void yaml_builder_finish(struct yaml_builder *b)
{
    strmap_destroy(b->anchors, NULL);
    free(b->extents);
}

const char *yaml_shown(const char *text, size_t len, char out[48])
{
    if (len <= 40) {
        memcpy(out, text, len);
        out[len] = '\0';
    } else {
        size_t cut = 40;

        while ((text[cut] & 0xc0) == 0x80)
            cut--; /* not in the middle of a character */
        snprintf(out, 48, "%.*s...", (int)cut, text);
    }
    return out;
}

/* ---- nodes ---- */

void *yaml_keep_bytes(struct yaml_builder *b, const void *bytes, size_t len)
{
    return yaml_keep_string(b, bytes, len);
}

char *yaml_keep_string(struct yaml_builder *b, const void *bytes, size_t len)
{
    struct yaml_doc *doc = b->doc;
    char *copy = mem_alloc(len + 1);

    memcpy(copy, bytes, len);
    copy[len] = '\0';
    doc->strings =
        mem_grow(doc->strings, &doc->string_cap, doc->string_count + 1, sizeof *doc->strings);
    doc->strings[doc->string_count++] = copy;
    return copy;
}

int yaml_stop(struct yaml_builder *b, struct src_pos pos, const char *what, unsigned limit)
{
    struct err e = {0};
    AUTO(str) char *message = mem_printf("%s of %u", what, limit);

    err_set(&e, ERR_LIMIT, pos, "%s", message);
    diags_take(b->diags, &e);
    return -1;
}

/* Makes room for `count` nodes that hold `bytes` of text. */
static int reserve(struct yaml_builder *b, size_t count, uint64_t bytes, struct src_pos pos)
{
    assert(count > 0);
    if (b->doc->count + count > YAML_NODES_MAX)
        return yaml_stop(b, pos, "the document has more values, aliases expanded, than the limit",
                         YAML_NODES_MAX);
    b->bytes += bytes;
    if (b->bytes > EXPANDED_BYTES_MAX)
        return yaml_stop(b, pos,
                         "the document has more bytes of text, aliases expanded, than the limit",
                         EXPANDED_BYTES_MAX);
    b->doc->nodes =
        mem_grow(b->doc->nodes, &b->doc->cap, b->doc->count + count, sizeof *b->doc->nodes);
    b->extents = mem_grow(b->extents, &b->extent_cap, b->doc->count + count, sizeof *b->extents);
    return 0;
}

/* Hangs the node under the open one and gives it its key. */
static void attach(struct yaml_builder *b, uint32_t index)
{
    struct yaml_open *parent;
    struct yaml_node *nodes = b->doc->nodes;

    if (b->depth == 0)
        return;
    parent = &b->open[b->depth - 1];
    assert(index > parent->index); /* children stand behind their parent */
    assert((nodes[parent->index].type == YAML_MAP) == (parent->key != NULL));
    if (parent->last_child == YAML_NONE)
        nodes[parent->index].first = index;
    else
        nodes[parent->last_child].next = index;
    parent->last_child = index;
    nodes[parent->index].count++;
    nodes[index].key = parent->key;
    nodes[index].key_pos = parent->key_pos;
    parent->key = NULL;
}

int yaml_new_node(struct yaml_builder *b, enum yaml_type type, struct src_pos pos, size_t bytes,
                  uint32_t *ret_index)
{
    uint32_t index = (uint32_t)b->doc->count;

    if (reserve(b, 1, bytes, pos) < 0)
        return -1;
    b->doc->nodes[index] =
        (struct yaml_node){.type = type, .pos = pos, .first = YAML_NONE, .next = YAML_NONE};
    b->extents[index] = (struct yaml_extent){.nodes = 1, .depth = 1, .bytes = bytes};
    b->doc->count++;
    attach(b, index);
    *ret_index = index;
    return 0;
}

/* ---- keys ---- */

bool yaml_key_expected(const struct yaml_builder *b)
{
    return b->depth > 0 && b->doc->nodes[b->open[b->depth - 1].index].type == YAML_MAP &&
           !b->open[b->depth - 1].key;
}

void yaml_take_key(struct yaml_builder *b, const char *text, size_t len, struct src_pos pos)
{
    struct yaml_open *parent = &b->open[b->depth - 1];

    assert(yaml_key_expected(b));
    parent->key = yaml_keep_string(b, text, len);
    parent->key_pos = pos;
    b->bytes += len;
}

void yaml_take_broken_key(struct yaml_builder *b, struct src_pos pos)
{
    struct yaml_open *parent = &b->open[b->depth - 1];
    char name[32];
    int n = snprintf(name, sizeof name, "<key %u>", b->doc->nodes[parent->index].count);

    parent->key = yaml_keep_string(b, name, (size_t)n);
    parent->key_pos = pos;
}

struct key_ref {
    const char *key;
    uint32_t index;
};

static int compare_key_refs(const void *a, const void *b)
{
    const struct key_ref *x = a, *y = b;
    int c = strcmp(x->key, y->key);

    return c ? c : (x->index > y->index) - (x->index < y->index);
}

/* Sorted, so that a hostile map of many keys costs n log n. */
static void check_duplicates(struct yaml_builder *b, const struct yaml_node *map)
{
    struct key_ref *refs = mem_reallocarray(NULL, map->count, sizeof *refs);
    size_t count = 0;

    for (uint32_t i = map->first; i != YAML_NONE; i = b->doc->nodes[i].next)
        refs[count++] = (struct key_ref){b->doc->nodes[i].key, i};
    assert(count == map->count);
    qsort(refs, count, sizeof *refs, compare_key_refs);
    for (size_t i = 1, first = 0; i < count; i++) {
        char buf[48];

        if (strcmp(refs[i].key, refs[first].key) != 0) {
            first = i;
            continue;
        }
        {
            const struct src_pos *before = &b->doc->nodes[refs[first].index].key_pos;
            AUTO(str)
            char *hint =
                mem_printf("the first one is at line %u, column %u", before->line, before->col);

            diags_add_hint(b->diags, DIAG_ERROR, b->doc->nodes[refs[i].index].key_pos, hint,
                           "duplicate key '%s'", yaml_shown(refs[i].key, strlen(refs[i].key), buf));
        }
    }
    free(refs);
}

/* ---- what is open ---- */

void yaml_open_node(struct yaml_builder *b, uint32_t index)
{
    assert(b->depth < YAML_DEPTH_MAX);
    assert(index < b->doc->count);
    b->open[b->depth++] = (struct yaml_open){.index = index, .last_child = YAML_NONE};
}

void yaml_close_node(struct yaml_builder *b)
{
    assert(b->depth > 0);
    struct yaml_open *done = &b->open[--b->depth];
    const struct yaml_node *node = &b->doc->nodes[done->index];
    struct yaml_extent *extent = &b->extents[done->index];

    for (uint32_t i = node->first; i != YAML_NONE; i = b->doc->nodes[i].next) {
        extent->nodes += b->extents[i].nodes;
        extent->bytes += b->extents[i].bytes;
        if (node->type == YAML_MAP)
            extent->bytes += strlen(b->doc->nodes[i].key);
        if (b->extents[i].depth >= extent->depth)
            extent->depth = b->extents[i].depth + 1;
    }
    if (node->type == YAML_MAP && node->count > 1)
        check_duplicates(b, node);
}

/* ---- anchors ---- */

void yaml_add_anchor(struct yaml_builder *b, const char *name, uint32_t index)
{
    if (name)
        strmap_put(b->anchors, name, (void *)(uintptr_t)(index + 1));
}

static bool is_open(const struct yaml_builder *b, uint32_t index)
{
    for (unsigned i = 0; i < b->depth; i++)
        if (b->open[i].index == index)
            return true;
    return false;
}

static void copy_subtree(struct yaml_builder *b, uint32_t from, uint32_t to)
{
    const struct yaml_extent *extent = &b->extents[from];
    uint32_t shift = to - from, n = extent->nodes;

    assert(from + n <= to); /* what is copied is whole, and not the copy */
    assert(to == b->doc->count);

    memcpy(&b->doc->nodes[to], &b->doc->nodes[from], n * sizeof *b->doc->nodes);
    memcpy(&b->extents[to], &b->extents[from], n * sizeof *b->extents);
    for (uint32_t i = 0; i < n; i++) {
        struct yaml_node *node = &b->doc->nodes[to + i];

        if (node->first != YAML_NONE)
            node->first += shift;
        if (node->next != YAML_NONE)
            node->next += shift;
    }
    b->doc->nodes[to].next = YAML_NONE;
    b->doc->nodes[to].key = NULL;
    b->doc->count += n;
}

int yaml_copy_anchored(struct yaml_builder *b, const char *name, struct src_pos pos)
{
    uintptr_t anchor = (uintptr_t)strmap_get(b->anchors, name);
    uint32_t from = (uint32_t)anchor - 1, to = (uint32_t)b->doc->count, index;

    if (!anchor || is_open(b, from)) {
        diags_add(b->diags, DIAG_ERROR, pos,
                  anchor ? "alias '*%.80s' refers to a value that it is part of"
                         : "alias '*%.80s' has no anchor before it",
                  name);
        return yaml_new_node(b, YAML_NULL, pos, 0, &index);
    }
    if (b->depth + b->extents[from].depth > YAML_DEPTH_MAX + 1)
        return yaml_stop(b, pos, "the document is nested deeper, aliases expanded, than the limit",
                         YAML_DEPTH_MAX);
    if (reserve(b, b->extents[from].nodes, b->extents[from].bytes, pos) < 0)
        return -1;
    copy_subtree(b, from, to);
    b->doc->nodes[to].pos = pos;
    attach(b, to);
    return 0;
}
