#include "qcow2/chain.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "qcow2/image_priv.h"
#include "qcow2/map.h"

struct qcow2_chain {
    struct qcow2_image **layers;
    size_t count;
    uint64_t size;
    struct qcow2_map map;
    /* The compressed cluster read last. */
    unsigned char *cluster;
    size_t cluster_cap;
    uint32_t cluster_layer; /* QCOW2_NO_LAYER: none */
    uint64_t cluster_descriptor;
};

#define LAYERS_MAX_DEFAULT 512u
#define EXTENTS_MAX_DEFAULT (UINT64_C(32) << 20)

/* ---- what makes a list of images a chain ---- */

static int check_layer(struct qcow2_image *const *layers, size_t i,
                       const struct qcow2_chain_options *o, struct qcow2_fault *f)
{
    const struct qcow2_image *image = layers[i];
    const char *name = image->io->name;
    if (i == 0) {
        if (!image->info.has_backing || o->accept_base_backing)
            return 0;
        char quoted[256];
        qcow2_quote(quoted, sizeof quoted, image->info.backing_name,
                    strlen(image->info.backing_name));
        return qcow2_fault_set(f, QCOW2_POLICY_BACKING, name, HDR_BACKING_OFFSET,
                               "the base of the chain names a backing file: '%s'", quoted);
    }
    if (image->info.version < 3 && !o->accept_v2_increments)
        return qcow2_fault_set(f, QCOW2_POLICY_V2, name, HDR_VERSION,
                               "a version 2 image (compat 0.10) cannot be an increment: it has no "
                               "zero clusters");
    const struct qcow2_image *parent = layers[i - 1];
    if (image->info.virtual_size < parent->info.virtual_size)
        return qcow2_fault_set(
            f, QCOW2_CHAIN_SHRUNK, name, HDR_SIZE,
            "virtual size %" PRIu64 " is smaller than its parent's %" PRIu64 " (%s)",
            image->info.virtual_size, parent->info.virtual_size, parent->io->name);
    return 0;
}

static bool same_file(const struct qcow2_image *a, const struct qcow2_image *b)
{
    if (a == b)
        return true;
    if (a->io->device == 0 && a->io->inode == 0)
        return false;
    return a->io->device == b->io->device && a->io->inode == b->io->inode;
}

static int check_distinct(struct qcow2_image *const *layers, size_t count, struct qcow2_fault *f)
{
    /* Quadratic, but the number of layers is capped. */
    for (size_t i = 1; i < count; i++)
        for (size_t k = 0; k < i; k++)
            if (same_file(layers[i], layers[k]))
                return qcow2_fault_set(f, QCOW2_CHAIN_LOOP, layers[i]->io->name, QCOW2_NO_OFFSET,
                                       "the file is layer %zu and layer %zu of the chain", k, i);
    return 0;
}

static int check_layers(struct qcow2_image *const *layers, size_t count,
                        const struct qcow2_chain_options *o, struct qcow2_fault *f)
{
    size_t layers_max = o->layers_max ? o->layers_max : LAYERS_MAX_DEFAULT;
    if (count == 0)
        return qcow2_fault_set(f, QCOW2_CHAIN_EMPTY, "chain", QCOW2_NO_OFFSET,
                               "a chain has at least one layer");
    if (count > layers_max)
        return qcow2_fault_set(f, QCOW2_CHAIN_DEPTH, "chain", QCOW2_NO_OFFSET,
                               "%zu layers, at most %zu are allowed", count, layers_max);
    if (check_distinct(layers, count, f) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (check_layer(layers, i, o, f) < 0)
            return -1;
    return 0;
}

/* ---- the map ---- */

/* Merges neighbours until one list is left: log(count) rounds over all extents. */
static void merge_maps(struct qcow2_map *maps, size_t count)
{
    while (count > 1) {
        for (size_t i = 0; i + 1 < count; i += 2) {
            struct qcow2_map merged = qcow2_map_overlay(&maps[i], &maps[i + 1]);
            maps[i / 2] = merged;
        }
        if (count % 2) {
            struct qcow2_map last = maps[count - 1];
            maps[count - 1] = (struct qcow2_map){0};
            maps[count / 2] = last;
        }
        count = (count + 1) / 2;
    }
}

static int read_maps(struct qcow2_chain *chain, struct qcow2_map *maps, uint64_t extents_max,
                     struct qcow2_fault *f)
{
    uint64_t total = 0;
    for (size_t i = 0; i < chain->count; i++) {
        if (qcow2_table_map(chain->layers[i], (uint32_t)i, &maps[i], f) < 0)
            return -1;
        total += maps[i].count;
        if (total > extents_max)
            return qcow2_fault_set(f, QCOW2_LIMIT, chain->layers[i]->io->name, QCOW2_NO_OFFSET,
                                   "the chain's map has more than %" PRIu64 " pieces", extents_max);
    }
    merge_maps(maps, chain->count);
    chain->map = maps[0];
    maps[0] = (struct qcow2_map){0};
    return 0;
}

static int build_map(struct qcow2_chain *chain, const struct qcow2_chain_options *o,
                     struct qcow2_fault *f)
{
    struct qcow2_map *maps = mem_zalloc(chain->count * sizeof(*maps));
    int r = read_maps(chain, maps, o->extents_max ? o->extents_max : EXTENTS_MAX_DEFAULT, f);
    for (size_t i = 0; i < chain->count; i++)
        qcow2_map_finish(&maps[i]);
    free(maps);
    return r;
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
    chain->cluster_layer = QCOW2_NO_LAYER;
    if (build_map(chain, o, retfault) < 0)
        return NULL;
    return TAKE(chain);
}

void qcow2_chain_destroy(struct qcow2_chain *chain)
{
    if (!chain)
        return;
    qcow2_map_finish(&chain->map);
    free(chain->layers);
    free(chain->cluster);
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

struct qcow2_extent qcow2_chain_extent_at(const struct qcow2_chain *chain, uint64_t offset)
{
    assert(offset < chain->size);
    size_t i = qcow2_map_find(&chain->map, offset);
    if (i < chain->map.count && chain->map.items[i].start <= offset) {
        struct qcow2_extent e = chain->map.items[i];
        uint64_t gone = offset - e.start;
        e.start = offset;
        e.len -= gone;
        if (e.kind == QCOW2_EXTENT_DATA)
            e.host += gone;
        return e;
    }
    uint64_t end = i < chain->map.count ? chain->map.items[i].start : chain->size;
    return (struct qcow2_extent){offset, end - offset, 0, QCOW2_NO_LAYER, QCOW2_EXTENT_HOLE};
}

/* ---- bytes ---- */

static int read_data(struct qcow2_image *image, uint64_t host, void *buf, size_t len,
                     struct qcow2_fault *f)
{
    uint64_t flen = image->io->size;
    uint64_t have = host >= flen ? 0 : flen - host;
    if (have >= len || !image->policy.accept_short_tail)
        return qcow2_io_read(image->io, host, buf, len, f);
    memset((char *)buf + have, 0, len - have);
    return qcow2_io_read(image->io, host, buf, have, f);
}

static int read_compressed(struct qcow2_chain *chain, const struct qcow2_extent *e, void *buf,
                           size_t len, struct qcow2_fault *f)
{
    struct qcow2_image *image = chain->layers[e->layer];
    size_t cs = image_cluster_size(image);
    if (chain->cluster_layer != e->layer || chain->cluster_descriptor != e->host) {
        chain->cluster_layer = QCOW2_NO_LAYER;
        if (chain->cluster_cap < cs) {
            chain->cluster = mem_realloc(chain->cluster, cs);
            chain->cluster_cap = cs;
        }
        if (qcow2_compressed_read(image, e->host, chain->cluster, f) < 0)
            return -1;
        chain->cluster_layer = e->layer;
        chain->cluster_descriptor = e->host;
    }
    memcpy(buf, chain->cluster + e->start % cs, len);
    return 0;
}

static int read_extent(struct qcow2_chain *chain, const struct qcow2_extent *e, void *buf,
                       size_t len, struct qcow2_fault *f)
{
    switch (e->kind) {
    case QCOW2_EXTENT_DATA:
        return read_data(chain->layers[e->layer], e->host, buf, len, f);
    case QCOW2_EXTENT_COMPRESSED:
        return read_compressed(chain, e, buf, len, f);
    case QCOW2_EXTENT_ZERO:
    case QCOW2_EXTENT_HOLE:
        memset(buf, 0, len);
        return 0;
    }
    assert(!"unknown extent kind");
    return -1;
}

int qcow2_chain_read(struct qcow2_chain *chain, uint64_t offset, void *buf, size_t len,
                     struct qcow2_fault *retfault)
{
    assert(len <= chain->size);
    assert(offset <= chain->size - len);
    char *out = buf;
    while (len > 0) {
        struct qcow2_extent e = qcow2_chain_extent_at(chain, offset);
        size_t n = e.len < len ? (size_t)e.len : len;
        if (read_extent(chain, &e, out, n, retfault) < 0)
            return -1;
        out += n;
        offset += n;
        len -= n;
    }
    return 0;
}
