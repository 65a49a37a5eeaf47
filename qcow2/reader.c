#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "qcow2/chain_priv.h"
#include "qcow2/image_priv.h"

/* A reader that goes forward finds its next extent within so many steps, or has jumped. */
#define STEPS_MAX 8

void qcow2_reader_init(struct qcow2_reader *reader, struct qcow2_chain *chain)
{
    *reader = (struct qcow2_reader){.chain = chain, .cluster_layer = QCOW2_NO_LAYER};
}

void qcow2_reader_finish(struct qcow2_reader *reader)
{
    qcow2_inflater_destroy(reader->inflater);
    free(reader->cluster);
}

struct qcow2_reader *qcow2_reader_create(struct qcow2_chain *chain)
{
    struct qcow2_reader *reader = mem_alloc(sizeof *reader);
    qcow2_reader_init(reader, chain);
    return reader;
}

void qcow2_reader_destroy(struct qcow2_reader *reader)
{
    if (!reader)
        return;
    qcow2_reader_finish(reader);
    free(reader);
}

/* ---- where ---- */

/* What is known from offset on, when items[i] is the first extent that ends behind it. */
static struct qcow2_extent extent_in(const struct qcow2_chain *chain, size_t i, uint64_t offset)
{
    assert(offset < chain->size);
    if (i < chain->map.count && chain->map.items[i].start <= offset)
        return qcow2_extent_from(chain->map.items[i], offset);
    uint64_t end = i < chain->map.count ? chain->map.items[i].start : chain->size;
    return (struct qcow2_extent){offset, end - offset, 0, QCOW2_NO_LAYER, QCOW2_EXTENT_HOLE};
}

struct qcow2_extent qcow2_chain_extent_at(const struct qcow2_chain *chain, uint64_t offset)
{
    return extent_in(chain, qcow2_map_find(&chain->map, offset), offset);
}

static size_t find_near(const struct qcow2_map *map, size_t i, uint64_t offset)
{
    if (i > 0 && qcow2_extent_end(&map->items[i - 1]) > offset)
        return qcow2_map_find(map, offset); /* backwards */
    for (unsigned steps = 0; steps < STEPS_MAX; steps++, i++)
        if (i == map->count || qcow2_extent_end(&map->items[i]) > offset)
            return i;
    return qcow2_map_find(map, offset);
}

struct qcow2_extent qcow2_reader_extent_at(struct qcow2_reader *reader, uint64_t offset)
{
    reader->index = find_near(&reader->chain->map, reader->index, offset);
    return extent_in(reader->chain, reader->index, offset);
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
    return have == 0 ? 0 : qcow2_io_read(image->io, host, buf, have, f);
}

static int read_compressed(struct qcow2_reader *r, const struct qcow2_extent *e, void *buf,
                           size_t len, struct qcow2_fault *f)
{
    struct qcow2_image *image = r->chain->layers[e->layer];
    size_t cs = image_cluster_size(image);
    if (!r->inflater)
        r->inflater = qcow2_inflater_create();
    if (len == cs) /* all of it: nothing is left to remember it for */
        return qcow2_inflater_read(r->inflater, image, e->host, buf, f);
    if (r->cluster_layer != e->layer || r->cluster_descriptor != e->host) {
        r->cluster_layer = QCOW2_NO_LAYER;
        if (r->cluster_cap < cs) {
            r->cluster = mem_realloc(r->cluster, cs);
            r->cluster_cap = cs;
        }
        if (qcow2_inflater_read(r->inflater, image, e->host, r->cluster, f) < 0)
            return -1;
        r->cluster_layer = e->layer;
        r->cluster_descriptor = e->host;
    }
    memcpy(buf, r->cluster + e->start % cs, len);
    return 0;
}

static int read_extent(struct qcow2_reader *r, const struct qcow2_extent *e, void *buf, size_t len,
                       struct qcow2_fault *f)
{
    switch (e->kind) {
    case QCOW2_EXTENT_DATA:
        return read_data(r->chain->layers[e->layer], e->host, buf, len, f);
    case QCOW2_EXTENT_COMPRESSED:
        return read_compressed(r, e, buf, len, f);
    case QCOW2_EXTENT_ZERO:
    case QCOW2_EXTENT_HOLE:
        memset(buf, 0, len);
        return 0;
    }
    assert(!"unknown extent kind");
    return -1;
}

int qcow2_reader_read(struct qcow2_reader *reader, uint64_t offset, void *buf, size_t len,
                      struct qcow2_fault *retfault)
{
    assert(len <= reader->chain->size);
    assert(offset <= reader->chain->size - len);
    char *out = buf;
    while (len > 0) {
        struct qcow2_extent e = qcow2_reader_extent_at(reader, offset);
        size_t n = e.len < len ? (size_t)e.len : len;
        if (read_extent(reader, &e, out, n, retfault) < 0)
            return -1;
        out += n;
        offset += n;
        len -= n;
    }
    return 0;
}

int qcow2_chain_read(struct qcow2_chain *chain, uint64_t offset, void *buf, size_t len,
                     struct qcow2_fault *retfault)
{
    return qcow2_reader_read(&chain->reader, offset, buf, len, retfault);
}
