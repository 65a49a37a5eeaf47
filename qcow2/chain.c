#include "qcow2/chain.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "qcow2/chain_priv.h"
#include "qcow2/image_priv.h"

#define LAYERS_MAX_DEFAULT 512u

/* ---- what makes a list of images a chain ---- */

int qcow2_chain_check_count(size_t count, const struct qcow2_chain_options *options,
                            struct qcow2_fault *retfault)
{
    size_t layers_max = options && options->layers_max ? options->layers_max : LAYERS_MAX_DEFAULT;
    if (count == 0)
        return qcow2_fault_set(retfault, QCOW2_CHAIN_EMPTY, "chain", QCOW2_NO_OFFSET,
                               "a chain has at least one layer");
    if (count > layers_max)
        return qcow2_fault_set(retfault, QCOW2_CHAIN_DEPTH, "chain", QCOW2_NO_OFFSET,
                               "%zu layers, at most %zu are allowed", count, layers_max);
    return 0;
}

/* Names are hostile text. */
#define QUOTED_BYTES 256

static const char *quoted_backing(const struct qcow2_image *image, char out[QUOTED_BYTES])
{
    const char *name = image->info.backing_name ? image->info.backing_name : "";
    return qcow2_quote(out, QUOTED_BYTES, name, strlen(name));
}

static int check_base(const struct qcow2_image *image, const struct qcow2_chain_options *o,
                      struct qcow2_fault *f)
{
    char quoted[QUOTED_BYTES];
    if (!image->info.has_backing || o->accept_base_backing)
        return 0;
    return qcow2_fault_set(f, QCOW2_POLICY_BACKING, image->io->name, HDR_BACKING_OFFSET,
                           "the base of the chain names a backing file: '%s'",
                           quoted_backing(image, quoted));
}

static int check_backing_rule(const struct qcow2_image *image, enum qcow2_backing_rule rule,
                              struct qcow2_fault *f)
{
    char quoted[QUOTED_BYTES];
    if (rule == QCOW2_BACKING_RECORDED && !image->info.has_backing)
        return qcow2_fault_set(f, QCOW2_CHAIN_BACKING, image->io->name, HDR_BACKING_OFFSET,
                               "expected an increment that names a backing file, found none named");
    if (rule == QCOW2_BACKING_STANDALONE && image->info.has_backing)
        return qcow2_fault_set(f, QCOW2_CHAIN_BACKING, image->io->name, HDR_BACKING_OFFSET,
                               "expected an increment that names no backing file, found '%s'",
                               quoted_backing(image, quoted));
    return 0;
}

static int check_increment(const struct qcow2_image *image, const struct qcow2_image *parent,
                           const struct qcow2_chain_options *o, struct qcow2_fault *f)
{
    const char *name = image->io->name;
    if (check_backing_rule(image, o->increments, f) < 0)
        return -1;
    if (image->info.version < 3 && !o->accept_v2_increments)
        return qcow2_fault_set(f, QCOW2_POLICY_V2, name, HDR_VERSION,
                               "a version 2 image (compat 0.10) cannot be an increment: it has no "
                               "zero clusters");
    if (image->info.virtual_size < parent->info.virtual_size)
        return qcow2_fault_set(
            f, QCOW2_CHAIN_SHRUNK, name, HDR_SIZE,
            "virtual size %" PRIu64 " is smaller than its parent's %" PRIu64 " (%s)",
            image->info.virtual_size, parent->info.virtual_size, parent->io->name);
    return 0;
}

/* One layer on its way through a sort. */
struct identity {
    uint64_t device, inode;
    const struct qcow2_image *image;
    size_t layer;
};

static int by_number(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int same_file(const struct identity *a, const struct identity *b)
{
    int r = by_number(a->device, b->device);
    return r ? r : by_number(a->inode, b->inode);
}

static int by_file(const void *x, const void *y)
{
    const struct identity *a = x, *b = y;
    int r = same_file(a, b);
    return r ? r : by_number(a->layer, b->layer);
}

static struct identity identity_of(const struct qcow2_image *image, size_t layer)
{
    struct identity id = {image->io->device, image->io->inode, image, layer};
    if (id.device == 0 && id.inode == 0) /* unknown: only the very same image is the same */
        id.inode = (uint64_t)(uintptr_t)image;
    return id;
}

static int check_distinct(struct qcow2_image *const *layers, size_t count, struct qcow2_fault *f)
{
    AUTO(mem) void *memory = mem_alloc(count * sizeof(struct identity));
    struct identity *ids = memory;
    for (size_t i = 0; i < count; i++)
        ids[i] = identity_of(layers[i], i);
    qsort(ids, count, sizeof *ids, by_file);
    const struct identity *found = NULL; /* the first layer that was there before */
    for (size_t i = 1; i < count; i++)
        if (same_file(&ids[i - 1], &ids[i]) == 0 && (!found || ids[i].layer < found->layer))
            found = &ids[i];
    if (!found)
        return 0;
    return qcow2_fault_set(f, QCOW2_CHAIN_LOOP, found->image->io->name, QCOW2_NO_OFFSET,
                           "the file is layer %zu and layer %zu of the chain", found[-1].layer,
                           found->layer);
}

static int check_layers(struct qcow2_image *const *layers, size_t count,
                        const struct qcow2_chain_options *o, struct qcow2_fault *f)
{
    if (qcow2_chain_check_count(count, o, f) < 0 || check_distinct(layers, count, f) < 0)
        return -1;
    if (check_base(layers[0], o, f) < 0)
        return -1;
    for (size_t i = 1; i < count; i++)
        if (check_increment(layers[i], layers[i - 1], o, f) < 0)
            return -1;
    return 0;
}

/* ---- the map ---- */

/* As of one image (qcow2/image.h), for all files together. */
static uint64_t extents_of(const struct qcow2_chain *chain)
{
    uint64_t bytes = 0, cap = UINT64_C(64) << 20, free_of_charge = UINT64_C(1) << 20;
    for (size_t i = 0; i < chain->count; i++)
        if (__builtin_add_overflow(bytes, chain->layers[i]->io->size, &bytes))
            return cap;
    return bytes / 32 < cap - free_of_charge ? free_of_charge + bytes / 32 : cap;
}

static int push_layer(struct qcow2_map_stack *stack, struct qcow2_image *image, uint32_t layer,
                      uint64_t extents_max, struct qcow2_fault *f)
{
    struct qcow2_map map = {0};
    int r = qcow2_table_map(image, layer, &map, f);
    if (r == 0 && qcow2_map_stack_extents(stack) + map.count > extents_max)
        r = qcow2_fault_set(f, QCOW2_LIMIT, image->io->name, QCOW2_NO_OFFSET,
                            "the chain's map has more than %" PRIu64 " pieces", extents_max);
    if (r == 0)
        qcow2_map_stack_push(stack, &map);
    qcow2_map_finish(&map);
    return r;
}

static int build_map(struct qcow2_chain *chain, const struct qcow2_chain_options *o,
                     struct qcow2_fault *f)
{
    __attribute__((cleanup(cleanup_qcow2_map_stack))) struct qcow2_map_stack stack = {0};
    uint64_t extents_max = o->extents_max ? o->extents_max : extents_of(chain);
    for (size_t i = 0; i < chain->count; i++)
        if (push_layer(&stack, chain->layers[i], (uint32_t)i, extents_max, f) < 0)
            return -1;
    chain->map = qcow2_map_stack_take(&stack);
    return 0;
}

struct qcow2_chain *qcow2_chain_open(struct qcow2_image *const *layers, size_t count,
                                     const struct qcow2_chain_options *options,
                                     struct qcow2_fault *retfault)
{
    static const struct qcow2_chain_options defaults = {0};
    const struct qcow2_chain_options *o = options ? options : &defaults;
    if (check_layers(layers, count, o, retfault) < 0)
        return NULL;
    AUTO(qcow2_chain) struct qcow2_chain *chain = mem_zalloc(sizeof *chain);
    chain->layers = mem_dup(layers, count * sizeof(struct qcow2_image *));
    chain->count = count;
    chain->size = layers[count - 1]->info.virtual_size;
    qcow2_reader_init(&chain->reader, chain);
    if (build_map(chain, o, retfault) < 0)
        return NULL;
    return TAKE(chain);
}

void qcow2_chain_destroy(struct qcow2_chain *chain)
{
    if (!chain)
        return;
    for (size_t i = 0; chain->owns_layers && i < chain->count; i++)
        qcow2_image_destroy(chain->layers[i]);
    qcow2_map_finish(&chain->map);
    qcow2_reader_finish(&chain->reader);
    free(chain->layers);
    free(chain);
}

uint64_t qcow2_chain_size(const struct qcow2_chain *chain)
{
    return chain->size;
}

const struct qcow2_extent *qcow2_chain_extents(const struct qcow2_chain *chain, size_t *ret_count)
{
    *ret_count = chain->map.count;
    return chain->map.items;
}

struct qcow2_image *qcow2_chain_layer(const struct qcow2_chain *chain, uint32_t layer)
{
    assert(layer < chain->count);
    return chain->layers[layer];
}

size_t qcow2_chain_layers(const struct qcow2_chain *chain)
{
    return chain->count;
}
