/* The refcounts of the file, and what was counted. */
#include <inttypes.h>

#include "base/mem.h"
#include "qcow2/check_priv.h"

/* qemu reads nothing at higher offsets. */
#define OFFSET_MAX (INT64_MAX - (INT64_C(1) << 31))

static uint64_t rt_entries(const struct check *c)
{
    return (uint64_t)c->image.info.rt_clusters * (c->cs / 8);
}

/* ---- the structures ---- */

static int take_block(struct check *c, void *arg, uint64_t index, uint64_t at, uint64_t word,
                      struct qcow2_fault *f)
{
    (void)arg, (void)f;
    uint64_t cluster = word / c->cs;
    if (word & QCOW2_RT_RESERVED || word % c->cs != 0) {
        check_corrupt(c, QCOW2_RT, at,
                      "refcount table entry %" PRIu64
                      " has reserved bits or is not aligned: 0x%016" PRIx64,
                      index, word);
        return 0;
    }
    if (cluster >= c->clusters) {
        check_corrupt(c, QCOW2_RT, at,
                      "refcount table entry %" PRIu64 " leads outside the file: 0x%016" PRIx64,
                      index, word);
        return 0;
    }
    struct check_use use = {CHECK_META, .weight = 1, .at = at, .defect = QCOW2_RT,
                            .what = "a refcount block"};
    if (!check_count_range(c, word, c->cs, &use))
        return 0;
    if (c->refs[cluster] != 1)
        check_corrupt(c, QCOW2_RT, at,
                      "the refcount block at %" PRIu64 " is used by something else too", word);
    if (c->flen - word < c->cs)
        check_warn(c, QCOW2_RT, at, "the file ends inside a refcount block, at byte %" PRIu64,
                   c->flen);
    return 0;
}

int check_refcount_tables(struct check *c, struct qcow2_fault *f)
{
    const struct qcow2_info *info = &c->image.info;
    struct check_use use = {CHECK_META, .weight = 1, .at = HDR_RT_OFFSET, .defect = QCOW2_RT,
                            .what = "the refcount table"};
    if (info->rt_clusters == 0)
        check_corrupt(c, QCOW2_RT, HDR_RT_CLUSTERS, "the image has no refcount table");
    if (check_count_range(c, info->rt_offset, rt_entries(c) * 8, &use) && info->rt_clusters > 0 &&
        info->rt_offset + rt_entries(c) * 8 > c->flen)
        check_warn(c, QCOW2_RT, HDR_RT_OFFSET,
                   "the file ends inside the refcount table, at byte %" PRIu64, c->flen);
    return check_words(c, info->rt_offset, rt_entries(c), take_block, NULL, f);
}

/* ---- the numbers ---- */

static uint64_t refcount_at(const unsigned char *block, uint64_t index, unsigned order)
{
    switch (order) {
    case 0:
    case 1:
    case 2: {
        /* Packed into bytes, low bits first. */
        unsigned per_byte = 8u >> order, width = 1u << order;
        return block[index / per_byte] >> (index % per_byte * width) & ((1u << width) - 1);
    }
    case 3:
        return block[index];
    case 4:
        return be16_at(block, index * 2);
    case 5:
        return be32_at(block, index * 4);
    default:
        return be64_at(block, index * 8);
    }
}

/* Clusters one behind the other with the same refcount and the same references. */
struct run {
    uint64_t first, count;
    uint64_t refcount, refs;
};

static void tell_run(struct check *c, struct run *run)
{
    uint64_t at = run->first * c->cs;
    bool leak = run->refcount > run->refs;
    if (run->count > 0 && (!leak || c->report.complete))
        check_found_many(c, leak ? QCOW2_SEVERITY_LEAK : QCOW2_SEVERITY_CORRUPTION,
                         leak ? QCOW2_LEAK : QCOW2_REFCOUNT, at, run->count,
                         "%" PRIu64 " cluster%s from byte %" PRIu64 " on: refcount %" PRIu64
                         ", references %" PRIu64,
                         run->count, run->count == 1 ? "" : "s", at, run->refcount, run->refs);
    run->count = 0;
}

static void add_to_run(struct check *c, struct run *run, uint64_t cluster, uint64_t refcount,
                       uint64_t refs)
{
    if (run->count == 0 || run->first + run->count != cluster || run->refcount != refcount ||
        run->refs != refs) {
        tell_run(c, run);
        *run = (struct run){cluster, 0, refcount, refs};
    }
    run->count++;
}

static void tell_sharing(struct check *c, uint64_t cluster, unsigned flags, bool too_few)
{
    if (flags & CHECK_SHARED_TABLE)
        check_corrupt(c, QCOW2_OVERLAP, cluster * c->cs, "metadata shares its cluster:%s%s%s%s",
                      flags & CHECK_IS_META ? " header, tables or refcounts" : "",
                      flags & CHECK_IS_L2 ? " L2" : "", flags & CHECK_IS_DATA ? " data" : "",
                      flags & CHECK_IS_COMPRESSED ? " compressed data" : "");
    else if (too_few)
        check_corrupt(c, QCOW2_OVERLAP, cluster * c->cs, "two guest clusters share a host cluster");
    else
        check_warn(c, QCOW2_OVERLAP, cluster * c->cs,
                   "two guest clusters share a host cluster, as their refcount says; a reader "
                   "here refuses it, qemu does not");
}

static void compare_one(struct check *c, uint64_t cluster, uint64_t refcount, struct run *run)
{
    uint64_t refs = c->refs[cluster];
    unsigned flags = c->flags[cluster];
    if (!flags && refcount == 0)
        return;
    c->report.image_end = (cluster + 1) * c->cs;
    if (refcount != refs)
        add_to_run(c, run, cluster, refcount, refs);
    if (flags & (CHECK_SHARED_TABLE | CHECK_SHARED_DATA))
        tell_sharing(c, cluster, flags, refcount < refs);
    if (flags & (refcount == 1 ? CHECK_UNCOPIED : CHECK_COPIED)) {
        c->flags[cluster] |= CHECK_COPIED_WRONG | (refcount == 1 ? CHECK_ONE : 0);
        c->copied_wrong++;
    }
}

/* block NULL: none, all refcounts are 0. */
static void compare_block(struct check *c, uint64_t first, uint64_t count,
                          const unsigned char *block, struct run *run)
{
    unsigned order = c->image.info.refcount_order;
    for (uint64_t i = 0; i < count; i++)
        compare_one(c, first + i, block ? refcount_at(block, i, order) : 0, run);
}

/* The block that a table entry leads to; NULL: none. False: qemu cannot read it either. */
static bool block_place(const struct check *c, uint64_t word, uint64_t *ret)
{
    *ret = word & ~QCOW2_RT_RESERVED;
    return *ret % c->cs == 0 && *ret <= OFFSET_MAX;
}

int check_compare(struct check *c, struct qcow2_fault *f)
{
    const struct qcow2_info *info = &c->image.info;
    uint64_t per_block = c->cs * 8 >> info->refcount_order;
    struct run run = {0};
    for (uint64_t first = 0, i = 0; first < c->clusters; first += per_block, i++) {
        uint64_t count = c->clusters - first < per_block ? c->clusters - first : per_block;
        const unsigned char *bytes = NULL;
        uint64_t offset = 0;
        if (i < rt_entries(c)) {
            if (qcow2_ahead_read(&c->tables, info->rt_offset + i * 8, 8, &bytes, f) < 0)
                return -1;
            if (!block_place(c, be64_at(bytes, 0), &offset)) {
                c->report.complete = false; /* was told when the table was read */
                continue;
            }
            bytes = NULL;
        }
        /* Neither references nor refcounts: a long hole costs nothing. */
        if (!offset && first >= c->used)
            continue;
        if (offset && qcow2_ahead_read(&c->blocks, offset, c->cs, &bytes, f) < 0)
            return -1;
        compare_block(c, first, count, bytes, &run);
    }
    tell_run(c, &run);
    return 0;
}
