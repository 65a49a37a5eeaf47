/* Internal snapshots and bitmaps: what they use of the file. Their tables may be claimed by
 * thousands at the same place; each place is looked at once. */
#include <inttypes.h>

#include "base/mem.h"
#include "qcow2/check_priv.h"
#include "qcow2/table_priv.h"

/* Ranges in bytes, and the clusters that they touch. */
struct ranges {
    struct check_range *bytes, *clusters;
    size_t count;
    size_t byte_cap, cluster_cap;
};

static void ranges_finish(struct ranges *r)
{
    free(r->bytes);
    free(r->clusters);
}

/* A table of `bytes` bytes that is inside the file, up to a cluster less. */
static void ranges_add(struct check *c, struct ranges *r, uint64_t offset, uint64_t bytes)
{
    uint64_t end = offset + bytes;
    r->bytes = mem_grow(r->bytes, &r->byte_cap, r->count + 1, sizeof *r->bytes);
    r->clusters = mem_grow(r->clusters, &r->cluster_cap, r->count + 1, sizeof *r->clusters);
    r->bytes[r->count] = (struct check_range){offset, end};
    r->clusters[r->count++] =
        (struct check_range){offset / c->cs, end / c->cs + (end % c->cs != 0)};
}

/* arg: the struct check_use. */
static int count_clusters(struct check *c, void *arg, struct check_range piece, uint64_t weight,
                          struct qcow2_fault *f)
{
    (void)f;
    struct check_use use = *(const struct check_use *)arg;
    use.weight = weight;
    for (uint64_t k = piece.start; k < piece.end; k++)
        check_count(c, k, &use);
    return 0;
}

/* Tells of a table outside the file, as check_count_range() would, without counting it. */
static bool inside(struct check *c, uint64_t offset, uint64_t bytes, const struct check_use *use)
{
    if (bytes <= INT64_MAX && offset <= INT64_MAX - bytes && offset + bytes < c->flen + c->cs)
        return bytes > 0;
    return check_count_range(c, offset, bytes, use) && bytes > 0;
}

/* ---- snapshots ---- */

static void take_snapshot_l1(struct check *c, const struct qcow2_snapshot_entry *e,
                             struct ranges *l1s)
{
    uint64_t offset = e->info.l1_offset, bytes = (uint64_t)e->info.l1_entries * 8;
    if (offset % c->cs != 0) {
        check_corrupt(c, QCOW2_SNAP, e->at, "a snapshot's L1 table is not aligned: %" PRIu64,
                      offset);
        return;
    }
    if (e->info.l1_entries > QCOW2_L1_ENTRIES_MAX) {
        check_corrupt(c, QCOW2_SNAP, e->at,
                      "a snapshot's L1 table is too large: %" PRIu32 " entries",
                      e->info.l1_entries);
        return;
    }
    struct check_use use = {CHECK_META, .weight = 1, .at = e->at, .defect = QCOW2_SNAP,
                            .what = "a snapshot's L1 table"};
    if (!inside(c, offset, bytes, &use))
        return;
    if (offset + bytes > c->flen)
        check_corrupt(c, QCOW2_SNAP, e->at,
                      "the file ends before a snapshot's L1 table does, at byte %" PRIu64
                      " (qemu-img check does not mind)",
                      c->flen);
    ranges_add(c, l1s, offset, bytes);
}

/* Reads the table; *ret_end: just behind it. False: it cannot be read as a table, which was told.
 */
static int read_table(struct check *c, struct ranges *l1s, uint64_t *ret_end, bool *ret_good,
                      struct qcow2_fault *f)
{
    const struct qcow2_info *info = &c->image.info;
    uint64_t at = info->snapshots_offset;
    struct qcow2_snapshot_entry e;
    *ret_good = false;
    for (uint32_t i = 0; i < info->snapshots; i++) {
        if (qcow2_snapshot_entry(c->io, &at, &e, f) < 0)
            return -1;
        if (e.extra_len > QCOW2_SNAPSHOT_EXTRA_MAX ||
            e.end - info->snapshots_offset > QCOW2_SNAPSHOT_TABLE_MAX) {
            check_corrupt(c, QCOW2_SNAP, e.at,
                          "snapshot %" PRIu32 " has too much extra data or makes the table too "
                          "large: %" PRIu32 " bytes",
                          i, e.extra_len);
            c->report.complete = false;
            return 0;
        }
        if (info->version >= 3 && e.extra_len < 16)
            check_corrupt(c, QCOW2_SNAP, e.at,
                          "snapshot %" PRIu32 " has too little extra data for version 3: %" PRIu32
                          " bytes",
                          i, e.extra_len);
        take_snapshot_l1(c, &e, l1s);
        *ret_end = e.end;
    }
    *ret_good = true;
    return 0;
}

static int walk_snapshots(struct check *c, struct ranges *l1s, struct qcow2_fault *f)
{
    const struct qcow2_info *info = &c->image.info;
    uint64_t end = info->snapshots_offset;
    bool good;
    if (read_table(c, l1s, &end, &good, f) < 0)
        return -1;
    struct check_use l1 = {CHECK_META, .what = "a snapshot's L1 table"};
    if (check_sweep(c, l1s->clusters, l1s->count, count_clusters, &l1, f) < 0 ||
        check_sweep(c, l1s->bytes, l1s->count, check_inactive_l1, NULL, f) < 0)
        return -1;
    struct check_use table = {CHECK_META, .weight = 1, .at = HDR_SNAPSHOTS_OFFSET,
                              .defect = QCOW2_SNAP, .what = "the snapshot table"};
    if (good &&
        check_count_range(c, info->snapshots_offset, end - info->snapshots_offset, &table) &&
        end > c->flen)
        check_warn(c, QCOW2_SNAP, HDR_SNAPSHOTS_OFFSET,
                   "the file ends before the snapshot table does, at byte %" PRIu64, c->flen);
    return 0;
}

int check_snapshots(struct check *c, struct qcow2_fault *f)
{
    const struct qcow2_info *info = &c->image.info;
    if (info->snapshots == 0)
        return 0;
    if (info->data_file)
        check_corrupt(c, QCOW2_SNAP, HDR_SNAPSHOTS,
                      "the data lives in another file, yet there are snapshots: %" PRIu32,
                      info->snapshots);
    struct ranges l1s = {0};
    int r = walk_snapshots(c, &l1s, f);
    ranges_finish(&l1s);
    return r;
}

/* ---- bitmaps ---- */

static int take_bitmap_word(struct check *c, void *arg, uint64_t index, uint64_t at, uint64_t word,
                            struct qcow2_fault *f)
{
    (void)index, (void)f;
    struct check_use use = {CHECK_META, .weight = *(const uint64_t *)arg, .at = at,
                            .defect = QCOW2_BITMAP, .what = "a bitmap's data"};
    if (!qcow2_bitmap_entry_valid(word, c->cs)) {
        check_corrupt(c, QCOW2_BITMAP, at,
                      "a bitmap's table entry is not aligned or has reserved bits: 0x%016" PRIx64,
                      word);
        c->report.complete = false; /* qemu opens no image with such a bitmap */
        return 0;
    }
    uint64_t offset = word & QCOW2_OFFSET_MASK;
    if (offset && check_count_range(c, offset, c->cs, &use) && c->flen - offset < c->cs)
        check_warn(c, QCOW2_BITMAP, at, "the file ends inside a bitmap's data, at byte %" PRIu64,
                   c->flen);
    return 0;
}

static int walk_bitmap_tables(struct check *c, void *arg, struct check_range piece, uint64_t weight,
                              struct qcow2_fault *f)
{
    (void)arg;
    return check_words(c, piece.start, (piece.end - piece.start) / 8, take_bitmap_word, &weight, f);
}

static int walk_bitmaps(struct check *c, const struct qcow2_bitmaps *b, struct ranges *tables,
                        struct qcow2_fault *f)
{
    struct check_use use = {CHECK_META, .weight = 1, .at = c->image.info.bitmaps_offset,
                            .defect = QCOW2_BITMAP, .what = "a bitmap's table"};
    for (size_t i = 0; i < qcow2_bitmaps_count(b); i++) {
        const struct qcow2_bitmap_info *info = qcow2_bitmaps_at(b, i);
        uint64_t bytes = (uint64_t)info->table_entries * 8;
        if (inside(c, info->table_offset, bytes, &use))
            ranges_add(c, tables, info->table_offset, bytes);
    }
    if (check_sweep(c, tables->clusters, tables->count, count_clusters, &use, f) < 0)
        return -1;
    return check_sweep(c, tables->bytes, tables->count, walk_bitmap_tables, NULL, f);
}

int check_bitmaps(struct check *c, struct qcow2_fault *f)
{
    const struct qcow2_info *info = &c->image.info;
    if (info->bitmaps == 0 || !info->bitmaps_trusted)
        return 0;
    struct check_use use = {CHECK_META, .weight = 1, .at = QCOW2_NO_OFFSET, .defect = QCOW2_BITMAP,
                            .what = "the bitmap directory"};
    check_count_range(c, info->bitmaps_offset, info->bitmaps_bytes, &use);
    struct qcow2_fault own = {0};
    AUTO(qcow2_bitmaps) struct qcow2_bitmaps *b = qcow2_bitmaps_directory(&c->image, &own);
    if (own.defect == QCOW2_IO) {
        qcow2_fault_hand_over(f, &own);
        return -1;
    }
    if (!b) {
        check_found_fault(c, &own);
        return 0;
    }
    struct ranges tables = {0};
    int r = walk_bitmaps(c, b, &tables, f);
    ranges_finish(&tables);
    return r;
}
