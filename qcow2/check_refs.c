/* Counting references: one number and some flags for each cluster of the file. */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "qcow2/check_priv.h"
#include "qcow2/table_priv.h"

/* ---- reading ---- */

/* Bytes from offset on that are known to be zeros. What is known to be data is remembered: asking
 * can be slow, and would be asked for every piece. */
static uint64_t zero_run(struct check *c, uint64_t offset)
{
    if (offset >= c->data_from && offset < c->data_until)
        return 0;
    bool zero;
    uint64_t len = qcow2_io_run(c->io, offset, &zero);
    if (zero)
        return len;
    c->data_from = offset;
    c->data_until = offset + len;
    return 0;
}

int check_words(struct check *c, uint64_t offset, uint64_t count, check_word_fn fn, void *arg,
                struct qcow2_fault *f)
{
    enum { PIECE = 65536 };
    AUTO(mem) void *piece = mem_alloc_pages(PIECE);
    for (uint64_t i = 0; i < count;) {
        uint64_t at = offset + i * 8;
        if (at >= c->flen)
            return 0;
        /* Tables claimed to lie in a hole of the file cost nothing. */
        uint64_t skip = count - i > PIECE / 8 ? zero_run(c, at) / 8 : 0;
        if (skip > 0) {
            i += skip;
            continue;
        }
        uint64_t n = count - i < PIECE / 8 ? count - i : PIECE / 8;
        if (qcow2_read_padded(c->io, at, piece, n * 8, f) < 0)
            return -1;
        for (size_t k = 0; (k = qcow2_skip_zeros(piece, k, n)) < n; k++)
            if (fn(c, arg, i + k, at + k * 8, be64_at(piece, k * 8), f) < 0)
                return -1;
        i += n;
    }
    return 0;
}

/* ---- counting ---- */

static unsigned flags_of(const struct check_use *use)
{
    switch (use->kind) {
    case CHECK_META:
        return CHECK_IS_META;
    case CHECK_L2:
        return CHECK_IS_L2 | (use->active ? CHECK_IS_ACTIVE_L2 : 0);
    case CHECK_DATA:
        return CHECK_IS_DATA | (use->active ? CHECK_IS_ACTIVE_DATA : 0);
    case CHECK_COMPRESSED:
        return CHECK_IS_COMPRESSED;
    }
    return 0;
}

/* What is wrong with a cluster of `had` that is used as `now` too. Snapshots share L2 tables and
 * data with each other and with the active disk; compressed clusters are packed. Nothing else may
 * be shared. */
static unsigned sharing(unsigned had, unsigned now, uint64_t weight)
{
    if (now & CHECK_IS_META)
        return had || weight > 1 ? CHECK_SHARED_TABLE : 0;
    if (had & CHECK_IS_META)
        return CHECK_SHARED_TABLE;
    if (!(now & CHECK_IS_L2) != !(had & CHECK_IS_L2) && had)
        return CHECK_SHARED_TABLE;
    if (now & had & CHECK_IS_ACTIVE_L2)
        return CHECK_SHARED_TABLE;
    if (now & had & CHECK_IS_ACTIVE_DATA)
        return CHECK_SHARED_DATA;
    unsigned both = CHECK_IS_DATA | CHECK_IS_COMPRESSED;
    return ((now | had) & both) == both ? CHECK_SHARED_DATA : 0;
}

/* Packed data: what a hostile file can have most of. Only the number changes, and a saturated one
 * stays. */
static inline bool count_packed(struct check *c, uint64_t cluster, uint64_t weight)
{
    unsigned had = c->flags[cluster];
    if ((had & ~CHECK_SATURATED) != CHECK_IS_COMPRESSED)
        return false;
    if (weight <= c->ref_max - c->refs[cluster]) {
        c->refs[cluster] += (uint32_t)weight;
        return true;
    }
    return had & CHECK_SATURATED;
}

void check_count(struct check *c, uint64_t cluster, const struct check_use *use)
{
    enum { KINDS = 0x3f };
    if (cluster >= c->clusters)
        c->clusters = cluster + 1;
    if (cluster >= c->used)
        c->used = cluster + 1;
    unsigned now = flags_of(use), had = c->flags[cluster];
    c->flags[cluster] = (uint16_t)(had | now | sharing(had & KINDS, now, use->weight));
    if (use->weight <= c->ref_max - c->refs[cluster]) {
        c->refs[cluster] += (uint32_t)use->weight;
        return;
    }
    c->refs[cluster] = (uint32_t)c->ref_max;
    if (!(had & CHECK_SATURATED))
        check_corrupt(c, QCOW2_REFCOUNT, cluster * c->cs,
                      "the cluster has more references than a refcount of %u bits can say",
                      1u << c->image.info.refcount_order);
    c->flags[cluster] |= CHECK_SATURATED;
}

bool check_count_range(struct check *c, uint64_t offset, uint64_t bytes,
                       const struct check_use *use)
{
    if (bytes == 0)
        return true;
    if (bytes > INT64_MAX || offset > INT64_MAX - bytes) {
        /* qemu computes with signed numbers, and gives up. */
        check_corrupt(c, use->defect, use->at, "%s lies beyond all files: offset %" PRIu64,
                      use->what, offset);
        c->report.complete = false;
        return false;
    }
    if (offset + bytes >= c->flen + c->cs) {
        check_corrupt(c, use->defect, use->at,
                      "%s lies outside the file: offset %" PRIu64 ", %" PRIu64
                      " bytes, but the file ends at %" PRIu64,
                      use->what, offset, bytes, c->flen);
        return false;
    }
    for (uint64_t k = offset >> c->cluster_bits; k <= (offset + bytes - 1) >> c->cluster_bits; k++)
        if (use->kind != CHECK_COMPRESSED || !count_packed(c, k, use->weight))
            check_count(c, k, use);
    return true;
}

/* ---- sweeping ---- */

struct edge {
    uint64_t at;
    bool opens;
};

static int order_edges(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

int check_sweep(struct check *c, const struct check_range *ranges, size_t count, check_sweep_fn fn,
                void *arg, struct qcow2_fault *f)
{
    struct edge *edges = mem_reallocarray(NULL, count * 2 + 1, sizeof *edges);
    for (size_t i = 0; i < count; i++) {
        edges[i * 2] = (struct edge){ranges[i].start, true};
        edges[i * 2 + 1] = (struct edge){ranges[i].end, false};
    }
    /* Edges at the same place may come in any order: no piece lies between them. */
    qsort(edges, count * 2, sizeof *edges, order_edges);
    uint64_t weight = 0;
    int r = 0;
    for (size_t i = 0; r == 0 && i + 1 < count * 2; i++) {
        weight += edges[i].opens ? 1 : UINT64_MAX; /* or minus 1; wraps back at the same place */
        if (weight > 0 && edges[i].at < edges[i + 1].at)
            r = fn(c, arg, (struct check_range){edges[i].at, edges[i + 1].at}, weight, f);
    }
    free(edges);
    return r;
}
