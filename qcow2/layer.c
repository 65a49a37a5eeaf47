/* Goes once through the disk, or through what changed on it, in guest order: zeros become entries
 * at once, data is collected until 16 pieces are known, which are then written in the order in
 * which parallel workers would finish them. Memory is that window, whatever the size of the disk.
 */
#include "qcow2/layer.h"

#include "base/mem.h"
#include "base/prng.h"
#include "qcow2/format.h"
#include "qcow2/writer.h"

#define PIECE_BYTES (UINT64_C(1) << 20)
#define WINDOW_PIECES 16u
/* The L2 tables of so many guest clusters may be open at a time. */
#define OPEN_CLUSTERS (UINT64_C(1) << 18)
#define BITMAP_GRANULARITY_BITS 16u

/* Guest clusters in a row that have data. */
struct item {
    uint64_t cluster, count;
    uint32_t data_mask, zero_mask; /* subclusters, where data_mask is not ALL; then count is 1 */
};
#define ALL UINT32_MAX

struct layer {
    struct qcow2_writer *writer;
    const struct disk_moment *from, *to;
    const struct qcow2_layer_options *options;
    uint64_t cs, per_piece; /* bytes of a cluster; clusters of a piece */
    uint64_t next;          /* first guest cluster that is not decided */
    uint32_t touched;       /* its subclusters met so far */
    struct item *items;     /* of the window, ascending */
    size_t item_count, item_cap;
    size_t bounds[WINDOW_PIECES + 1]; /* bounds[i]: first item of piece i */
    size_t pieces;
    struct prng prng;
    unsigned char *buffer; /* holds a piece */
};

/* ---- writing a window ---- */

/* The order in which pieces finish: shuffled, as a bounded number of workers would. */
static void finish_order(struct layer *l, size_t order[WINDOW_PIECES])
{
    for (size_t i = 0; i < l->pieces; i++)
        order[i] = i;
    for (size_t i = l->options->in_order ? 0 : l->pieces; i > 1; i--) {
        size_t k = (size_t)prng_below(&l->prng, i);
        size_t swapped = order[i - 1];
        order[i - 1] = order[k];
        order[k] = swapped;
    }
}

static int put_part(struct layer *l, const struct item *item, struct qcow2_fault *f)
{
    uint64_t size = l->cs / QCOW2_SUBCLUSTERS;
    for (unsigned i = 0; i < QCOW2_SUBCLUSTERS;) {
        unsigned n = 0;
        while (i + n < QCOW2_SUBCLUSTERS && item->data_mask >> (i + n) & 1)
            n++;
        disk_read(l->to, item->cluster * l->cs + i * size, l->buffer + i * size, n * size);
        i += n + 1;
    }
    return qcow2_writer_put_subclusters(l->writer, item->cluster, l->buffer, item->data_mask,
                                        item->zero_mask, f);
}

static int put_item(struct layer *l, const struct item *item, struct qcow2_fault *f)
{
    if (item->data_mask != ALL)
        return put_part(l, item, f);
    disk_read(l->to, item->cluster * l->cs, l->buffer, item->count * l->cs);
    if (l->options->compression == QCOW2_COMPRESSION_NONE)
        return qcow2_writer_put_run(l->writer, item->cluster, item->count, l->buffer, f);
    for (uint64_t i = 0; i < item->count; i++)
        if (qcow2_writer_put_compressed(l->writer, item->cluster + i, l->buffer + i * l->cs, l->cs,
                                        f) < 0)
            return -1;
    return 0;
}

static int write_window(struct layer *l, struct qcow2_fault *f)
{
    size_t order[WINDOW_PIECES];
    finish_order(l, order);
    l->bounds[l->pieces] = l->item_count;
    for (size_t i = 0; i < l->pieces; i++)
        for (size_t k = l->bounds[order[i]]; k < l->bounds[order[i] + 1]; k++)
            if (put_item(l, &l->items[k], f) < 0)
                return -1;
    l->pieces = l->item_count = 0;
    return 0;
}

/* Nothing below `cluster` is still to be decided. Makes room in the window for a new piece, or
 * (keep) only where open tables would pile up. */
static int advance(struct layer *l, uint64_t cluster, bool keep, struct qcow2_fault *f)
{
    bool fits = l->pieces == 0 || cluster - l->items[0].cluster < OPEN_CLUSTERS;
    if (fits && (keep || l->pieces < WINDOW_PIECES) && l->pieces > 0)
        return 0;
    if (write_window(l, f) < 0)
        return -1;
    return qcow2_writer_done_below(l->writer, cluster, f);
}

/* ---- collecting ---- */

/* All of it lies in one piece. */
static int add_item(struct layer *l, struct item item, struct qcow2_fault *f)
{
    struct item *last = l->pieces ? &l->items[l->item_count - 1] : NULL;
    bool same_piece = last && last->cluster / l->per_piece == item.cluster / l->per_piece;
    if (same_piece && last->data_mask == ALL && item.data_mask == ALL &&
        last->cluster + last->count == item.cluster) {
        last->count += item.count;
        return 0;
    }
    if (!same_piece) {
        if (advance(l, item.cluster, false, f) < 0)
            return -1;
        l->bounds[l->pieces++] = l->item_count;
    }
    l->items = mem_grow(l->items, &l->item_cap, l->item_count + 1, sizeof(*l->items));
    l->items[l->item_count++] = item;
    return 0;
}

static int add_data(struct layer *l, uint64_t cluster, uint64_t count, struct qcow2_fault *f)
{
    while (count > 0) {
        uint64_t rest = l->per_piece - cluster % l->per_piece;
        uint64_t n = count < rest ? count : rest;
        if (add_item(l, (struct item){cluster, n, ALL, 0}, f) < 0)
            return -1;
        cluster += n;
        count -= n;
    }
    return 0;
}

static int add_zeros(struct layer *l, uint64_t cluster, uint64_t count, struct qcow2_fault *f)
{
    while (count > 0) {
        uint64_t n = count < OPEN_CLUSTERS ? count : OPEN_CLUSTERS;
        if (advance(l, cluster, true, f) < 0 || qcow2_writer_zero_run(l->writer, cluster, n, f) < 0)
            return -1;
        cluster += n;
        count -= n;
    }
    return 0;
}

/* ---- deciding ---- */

/* What a range reads as. */
enum range_state { RANGE_DATA, RANGE_ZEROED, RANGE_NEVER };

static enum range_state state_of(struct disk_content content)
{
    if (content.version != CONTENT_VERSION_NEVER)
        return RANGE_DATA;
    return content.stamp ? RANGE_ZEROED : RANGE_NEVER;
}

/* The bytes [start, start + len), clipped to the disk; data wins, then zeroed. */
static enum range_state range_state(const struct layer *l, uint64_t start, uint64_t len)
{
    uint64_t block = start / DISK_BLOCK, end = (start + len - 1) / DISK_BLOCK + 1;
    enum range_state state = RANGE_NEVER;
    if (end > disk_moment_blocks(l->to))
        end = disk_moment_blocks(l->to);
    while (block < end && state != RANGE_DATA) {
        struct disk_run run = disk_run_at(l->to, block);
        enum range_state now = state_of(run.content);
        state = now < state ? now : state;
        block = run.block + run.count;
    }
    return state;
}

/* How many clusters from `cluster` on, `most` at most, are known to be in one state. */
static uint64_t state_run(const struct layer *l, uint64_t cluster, uint64_t most,
                          enum range_state *ret)
{
    struct disk_run run = disk_run_at(l->to, cluster * l->cs / DISK_BLOCK);
    uint64_t end = run.block + run.count;
    uint64_t last = (end * DISK_BLOCK - 1) / l->cs; /* the cluster that holds the run's end */
    bool whole = end == disk_moment_blocks(l->to) || end * DISK_BLOCK % l->cs == 0;
    *ret = state_of(run.content);
    uint64_t n = last - cluster + whole;
    if (n == 0) {
        *ret = range_state(l, cluster * l->cs, l->cs);
        n = 1;
    }
    return n < most ? n : most;
}

static int decide(struct layer *l, uint64_t cluster, uint64_t count, enum range_state state,
                  struct qcow2_fault *f)
{
    enum qcow2_layer_never never = l->from ? QCOW2_NEVER_ZERO : l->options->never;
    bool no_zeros = l->options->version == 2;
    if (state == RANGE_NEVER && never == QCOW2_NEVER_UNALLOCATED)
        return 0;
    if (state == RANGE_DATA || no_zeros || (state == RANGE_NEVER && never == QCOW2_NEVER_DATA))
        return add_data(l, cluster, count, f);
    return add_zeros(l, cluster, count, f);
}

/* Whole clusters. */
static int decide_clusters(struct layer *l, uint64_t cluster, uint64_t end, struct qcow2_fault *f)
{
    while (cluster < end) {
        enum range_state state;
        uint64_t n = state_run(l, cluster, end - cluster, &state);
        if (decide(l, cluster, n, state, f) < 0)
            return -1;
        cluster += n;
    }
    return 0;
}

/* Which of the touched subclusters have data, and which are zeros. */
static void sort_subclusters(const struct layer *l, uint64_t cluster, uint32_t touched,
                             struct item *ret)
{
    uint64_t size = l->cs / QCOW2_SUBCLUSTERS;
    struct disk_run run = {0};
    for (unsigned i = 0; i < QCOW2_SUBCLUSTERS; i++) {
        if (!(touched >> i & 1))
            continue;
        uint64_t start = cluster * l->cs + i * size, end = (run.block + run.count) * DISK_BLOCK;
        if (start >= end)
            run = disk_run_at(l->to, start / DISK_BLOCK);
        end = (run.block + run.count) * DISK_BLOCK;
        enum range_state state =
            start + size <= end ? state_of(run.content) : range_state(l, start, size);
        *(state == RANGE_DATA ? &ret->data_mask : &ret->zero_mask) |= UINT32_C(1) << i;
    }
}

static int decide_part(struct layer *l, uint64_t cluster, uint32_t touched, struct qcow2_fault *f)
{
    struct item item = {.cluster = cluster, .count = 1};
    sort_subclusters(l, cluster, touched, &item);
    if (item.zero_mask == ALL)
        return add_zeros(l, cluster, 1, f);
    if (item.data_mask)
        return add_item(l, item, f);
    if (advance(l, cluster, true, f) < 0)
        return -1;
    return qcow2_writer_put_subclusters(l->writer, cluster, NULL, 0, item.zero_mask, f);
}

/* Decides l->next by its subclusters, when any was touched. */
static int settle(struct layer *l, struct qcow2_fault *f)
{
    uint32_t touched = l->touched;
    l->touched = 0;
    return touched ? decide_part(l, l->next++, touched, f) : 0;
}

/* The bytes [start, end) changed: clusters or subclusters that they touch, those decided before
 * left out. */
static int touch_clusters(struct layer *l, uint64_t start, uint64_t end, struct qcow2_fault *f)
{
    uint64_t first = start / l->cs, last = (end - 1) / l->cs;
    first = first < l->next ? l->next : first;
    l->next = last + 1 > l->next ? last + 1 : l->next;
    return decide_clusters(l, first, l->next, f);
}

static int touch_subclusters(struct layer *l, uint64_t start, uint64_t end, struct qcow2_fault *f)
{
    uint64_t size = l->cs / QCOW2_SUBCLUSTERS;
    while (start < end) {
        uint64_t cluster = start / l->cs, stop = (cluster + 1) * l->cs;
        stop = stop < end ? stop : end;
        if (cluster != l->next && settle(l, f) < 0)
            return -1;
        l->next = cluster;
        for (uint64_t i = start % l->cs / size; i <= (stop - 1) % l->cs / size; i++)
            l->touched |= UINT32_C(1) << i;
        start = stop;
    }
    return 0;
}

static int decide_all(struct layer *l, struct qcow2_fault *f)
{
    if (!l->from)
        return touch_clusters(l, 0, disk_moment_blocks(l->to) * DISK_BLOCK, f);
    uint64_t at = 0;
    struct disk_run run;
    while (disk_next_change(l->from, l->to, &at, &run)) {
        uint64_t start = run.block * DISK_BLOCK, end = start + run.count * DISK_BLOCK;
        if ((l->options->extended_l2 ? touch_subclusters : touch_clusters)(l, start, end, f) < 0)
            return -1;
    }
    return settle(l, f);
}

/* ---- the whole ---- */

static int write_bitmap(struct layer *l, struct qcow2_fault *f)
{
    if (!l->options->bitmap)
        return 0;
    uint64_t bytes = disk_moment_blocks(l->to) * DISK_BLOCK;
    AUTO(mem) void *owner = mem_zalloc((bytes >> BITMAP_GRANULARITY_BITS) / 8 + 1);
    unsigned char *bits = owner;
    uint64_t at = 0;
    struct disk_run run;
    while (l->from && disk_next_change(l->from, l->to, &at, &run)) {
        uint64_t first = run.block * DISK_BLOCK >> BITMAP_GRANULARITY_BITS;
        uint64_t last = ((run.block + run.count) * DISK_BLOCK - 1) >> BITMAP_GRANULARITY_BITS;
        for (uint64_t i = first; i <= last; i++)
            bits[i / 8] |= (unsigned char)(1u << i % 8);
    }
    return qcow2_writer_bitmap(l->writer, l->options->bitmap, BITMAP_GRANULARITY_BITS, bits, f);
}

static int write_layer(struct layer *l, uint64_t *ret_size, struct qcow2_fault *f)
{
    if (decide_all(l, f) < 0 || write_window(l, f) < 0 || write_bitmap(l, f) < 0)
        return -1;
    return qcow2_writer_finish(l->writer, ret_size, f);
}

int qcow2_layer_write(struct qcow2_sink *sink, const struct disk_moment *from,
                      const struct disk_moment *to, const struct qcow2_layer_options *options,
                      uint64_t *ret_size, struct qcow2_fault *retfault)
{
    struct qcow2_writer_options wo = {
        .virtual_size = disk_moment_blocks(to) * DISK_BLOCK,
        .cluster_bits = options->cluster_bits,
        .version = options->version,
        .refcount_bits = options->refcount_bits,
        .extended_l2 = options->extended_l2,
        .compression = options->compression,
        .backing_name = options->backing_name,
        .backing_format = options->backing_format,
    };
    AUTO(qcow2_writer) struct qcow2_writer *w = qcow2_writer_create_sink(sink, &wo, retfault);
    if (!w)
        return -1;
    struct layer l = {.writer = w, .from = from, .to = to, .options = options};
    l.cs = qcow2_writer_cluster_size(w);
    l.per_piece = l.cs < PIECE_BYTES ? PIECE_BYTES / l.cs : 1;
    l.buffer = mem_alloc_pages(l.per_piece * l.cs);
    prng_init(&l.prng, options->scatter_seed, "qcow2 layer order");
    int r = write_layer(&l, ret_size, retfault);
    free(l.items);
    free(l.buffer);
    return r;
}
