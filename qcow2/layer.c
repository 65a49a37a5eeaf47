#include "qcow2/layer.h"

#include "base/mem.h"
#include "base/prng.h"
#include "qcow2/writer.h"

#define PIECE_BYTES (1u << 20)
#define WINDOW_PIECES 16u

struct layer {
    struct qcow2_writer *writer;
    const struct disk_moment *from, *to;
    const struct qcow2_layer_options *options;
    uint64_t cs;
    uint64_t *data; /* guest clusters to store as data, ascending */
    size_t data_count, data_cap;
    uint64_t next; /* guest cluster not yet decided */
};

/* What a guest cluster reads as. */
enum cluster_state { CLUSTER_DATA, CLUSTER_ZEROED, CLUSTER_NEVER };

static enum cluster_state cluster_state(const struct layer *l, uint64_t cluster)
{
    uint64_t first = cluster * l->cs / DISK_BLOCK;
    uint64_t end = ((cluster + 1) * l->cs - 1) / DISK_BLOCK + 1;
    enum cluster_state state = CLUSTER_NEVER;
    if (end > disk_moment_blocks(l->to))
        end = disk_moment_blocks(l->to);
    for (uint64_t block = first; block < end;) {
        struct disk_run run = disk_run_at(l->to, block);
        if (run.content.version != CONTENT_VERSION_NEVER)
            return CLUSTER_DATA;
        if (run.content.stamp)
            state = CLUSTER_ZEROED;
        block += run.count;
    }
    return state;
}

static void add_data(struct layer *l, uint64_t cluster)
{
    l->data = mem_grow(l->data, &l->data_cap, l->data_count + 1, sizeof(*l->data));
    l->data[l->data_count++] = cluster;
}

static int decide(struct layer *l, uint64_t cluster, struct qcow2_fault *f)
{
    enum cluster_state state = cluster_state(l, cluster);
    bool full = l->from == NULL;
    if (state == CLUSTER_DATA ||
        (state == CLUSTER_NEVER && full && l->options->never == QCOW2_NEVER_DATA))
        add_data(l, cluster);
    else if (state == CLUSTER_ZEROED || !full || l->options->never == QCOW2_NEVER_ZERO)
        return qcow2_writer_zero(l->writer, cluster, f);
    return 0;
}

/* Clusters that the bytes [start, end) touch, those decided before left out. */
static int decide_range(struct layer *l, uint64_t start, uint64_t end, struct qcow2_fault *f)
{
    uint64_t cluster = start / l->cs, last = (end - 1) / l->cs;
    for (cluster = cluster < l->next ? l->next : cluster; cluster <= last; cluster++)
        if (decide(l, cluster, f) < 0)
            return -1;
    l->next = last + 1 > l->next ? last + 1 : l->next;
    return 0;
}

static int decide_all(struct layer *l, struct qcow2_fault *f)
{
    if (!l->from)
        return decide_range(l, 0, disk_moment_blocks(l->to) * DISK_BLOCK, f);
    uint64_t at = 0;
    struct disk_run run;
    while (disk_next_change(l->from, l->to, &at, &run))
        if (decide_range(l, run.block * DISK_BLOCK, (run.block + run.count) * DISK_BLOCK, f) < 0)
            return -1;
    return 0;
}

/* The bounds of pieces in l->data: clusters of one PIECE_BYTES of the guest. New; *ret_count
 * pieces, count + 1 bounds. */
static size_t *find_pieces(const struct layer *l, size_t *ret_count)
{
    uint64_t per_piece = l->cs < PIECE_BYTES ? PIECE_BYTES / l->cs : 1;
    size_t *bounds = mem_alloc((l->data_count + 1) * sizeof(*bounds));
    size_t count = 0;
    for (size_t i = 0; i < l->data_count; i++)
        if (i == 0 || l->data[i] / per_piece != l->data[i - 1] / per_piece)
            bounds[count++] = i;
    bounds[count] = l->data_count;
    *ret_count = count;
    return bounds;
}

/* Puts the pieces into the order in which they finish: shuffled inside windows, as a bounded number
 * of workers would. */
static size_t *finish_order(const struct layer *l, size_t count)
{
    size_t *order = mem_alloc((count + 1) * sizeof(*order));
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    if (l->options->in_order)
        return order;
    struct prng prng;
    prng_init(&prng, l->options->scatter_seed, "qcow2 layer order");
    for (size_t first = 0; first < count; first += WINDOW_PIECES) {
        size_t n = count - first < WINDOW_PIECES ? count - first : WINDOW_PIECES;
        for (size_t i = n; i > 1; i--) {
            size_t k = (size_t)prng_below(&prng, i);
            size_t swapped = order[first + i - 1];
            order[first + i - 1] = order[first + k];
            order[first + k] = swapped;
        }
    }
    return order;
}

static int write_piece(struct layer *l, size_t first, size_t end, char *cluster,
                       struct qcow2_fault *f)
{
    for (size_t i = first; i < end; i++) {
        disk_read(l->to, l->data[i] * l->cs, cluster, l->cs);
        if (qcow2_writer_put(l->writer, l->data[i], cluster, l->cs, f) < 0)
            return -1;
    }
    return 0;
}

static int write_data(struct layer *l, struct qcow2_fault *f)
{
    size_t count;
    size_t *bounds = find_pieces(l, &count);
    size_t *order = finish_order(l, count);
    char *cluster = mem_alloc(l->cs);
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++)
        r = write_piece(l, bounds[order[i]], bounds[order[i] + 1], cluster, f);
    free(cluster);
    free(order);
    free(bounds);
    return r;
}

int qcow2_layer_write(struct qcow2_sink *sink, const struct disk_moment *from,
                      const struct disk_moment *to, const struct qcow2_layer_options *options,
                      uint64_t *ret_size, struct qcow2_fault *retfault)
{
    struct qcow2_writer_options wo = {
        .virtual_size = disk_moment_blocks(to) * DISK_BLOCK,
        .cluster_bits = options->cluster_bits,
        .backing_name = options->backing_name,
        .backing_format = options->backing_format,
    };
    AUTO(qcow2_writer) struct qcow2_writer *w = qcow2_writer_create_sink(sink, &wo, retfault);
    if (!w)
        return -1;
    struct layer l = {.writer = w, .from = from, .to = to, .options = options};
    l.cs = qcow2_writer_cluster_size(w);
    int r = decide_all(&l, retfault);
    if (r == 0)
        r = write_data(&l, retfault);
    free(l.data);
    return r == 0 ? qcow2_writer_finish(w, ret_size, retfault) : -1;
}
