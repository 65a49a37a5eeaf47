/* L1 and L2 tables: what each entry leads to, and whether it may. Tells what the reader's own walk
 * (table.c) refuses; that one stops at the first defect and needs no refcounts, so the two share
 * nothing but the format. */
#include <inttypes.h>

#include "base/mem.h"
#include "qcow2/check_priv.h"
#include "qcow2/map.h"
#include "qcow2/table_priv.h"

/* ---- L1 ---- */

struct l1_walk {
    bool active;
    uint64_t weight;
};

/* The host cluster of an L2 table; false: an L1 entry leads to none. */
static bool l2_cluster(const struct check *c, uint64_t word, uint64_t *ret)
{
    uint64_t offset = word & QCOW2_OFFSET_MASK;
    *ret = offset >> c->cluster_bits;
    return offset != 0 && (offset & (c->cs - 1)) == 0 && offset < c->flen;
}

static void judge_l1_entry(struct check *c, uint64_t index, uint64_t at, uint64_t word,
                           uint64_t cluster, bool good)
{
    if (word & QCOW2_L1_RESERVED)
        check_corrupt(c, QCOW2_L1_ENTRY, at,
                      "L1 entry %" PRIu64 " has reserved bits set: 0x%016" PRIx64, index, word);
    else if (!good)
        check_corrupt(c, QCOW2_L1_ENTRY, at,
                      "L1 entry %" PRIu64 " leads to no cluster of the file: 0x%016" PRIx64, index,
                      word);
    if (good && c->flen - cluster * c->cs < c->cs)
        check_corrupt(c, QCOW2_L1_ENTRY, at,
                      "the file ends inside the L2 table of L1 entry %" PRIu64 ", at byte %" PRIu64
                      " (qemu-img check does not mind)",
                      index, c->flen);
}

static int count_l1_entry(struct check *c, void *arg, uint64_t index, uint64_t at, uint64_t word,
                          struct qcow2_fault *f)
{
    (void)f;
    const struct l1_walk *w = arg;
    uint64_t cluster;
    bool good = l2_cluster(c, word, &cluster);
    judge_l1_entry(c, index, at, word, cluster, good);
    if (w->active && c->image.info.snapshots == 0 && index >= image_l1_needed(&c->image))
        check_warn(c, QCOW2_TAIL, at,
                   "L1 entry %" PRIu64 " is past the end of the disk: a reader here refuses it",
                   index);
    if (!good)
        return 0;
    struct check_use use = {CHECK_L2, w->active, w->weight, at, QCOW2_L1_ENTRY, "an L2 table"};
    check_count(c, cluster, &use);
    if (w->active)
        c->flags[cluster] |= word & QCOW2_COPIED ? CHECK_COPIED : CHECK_UNCOPIED;
    return 0;
}

int check_active_l1(struct check *c, struct qcow2_fault *f)
{
    const struct qcow2_info *info = &c->image.info;
    struct l1_walk w = {true, 1};
    struct check_use use = {CHECK_META, true, 1, HDR_L1_OFFSET, QCOW2_L1_EOF, "the L1 table"};
    uint64_t bytes = (uint64_t)info->l1_entries * 8;
    if (check_count_range(c, info->l1_offset, bytes, &use) && bytes > 0 &&
        info->l1_offset + bytes > c->flen)
        check_corrupt(c, QCOW2_L1_EOF, HDR_L1_OFFSET,
                      "the file ends before the L1 table does, at byte %" PRIu64
                      " (qemu-img check does not mind)",
                      c->flen);
    return check_words(c, info->l1_offset, info->l1_entries, count_l1_entry, &w, f);
}

int check_inactive_l1(struct check *c, void *arg, struct check_range piece, uint64_t weight,
                      struct qcow2_fault *f)
{
    (void)arg;
    struct l1_walk w = {false, weight};
    return check_words(c, piece.start, (piece.end - piece.start) / 8, count_l1_entry, &w, f);
}

/* ---- L2 ---- */

#define NOWHERE UINT64_MAX

struct l2_entry {
    uint64_t at, guest; /* guest NOWHERE: only a snapshot leads here */
    uint64_t word, bitmap;
    uint64_t weight;
    bool active;
};

static void wrong(struct check *c, enum qcow2_severity severity, const struct l2_entry *e,
                  enum qcow2_defect defect, const char *what)
{
    if (!check_keeps(c, severity))
        return;
    const char *note =
        severity == QCOW2_SEVERITY_WARNING ? "; a reader here refuses it, qemu does not" : "";
    if (e->guest == NOWHERE)
        check_found(c, severity, defect, e->at, "L2 entry of a snapshot %s: 0x%016" PRIx64 "%s",
                    what, e->word, note);
    else
        check_found(c, severity, defect, e->at,
                    "L2 entry of guest byte %" PRIu64 " %s: 0x%016" PRIx64 "%s", e->guest, what,
                    e->word, note);
}

static void corrupt(struct check *c, const struct l2_entry *e, enum qcow2_defect defect,
                    const char *what)
{
    wrong(c, QCOW2_SEVERITY_CORRUPTION, e, defect, what);
}

static void odd(struct check *c, const struct l2_entry *e, enum qcow2_defect defect,
                const char *what)
{
    wrong(c, QCOW2_SEVERITY_WARNING, e, defect, what);
}

/* More than the file can hold of data that are worth compressing: a bomb, or the same data over and
 * over. Deflate cannot do better than 1032 bytes of one. */
static uint64_t decompress_ratio(const struct check *c)
{
    return c->image.info.compression_type ? 65536 : 1032;
}

static void decompress(struct check *c, const struct l2_entry *e)
{
    const struct qcow2_info *info = &c->image.info;
    if (!c->options.decompress || !e->active || info->crypt_method)
        return;
    if (c->decompressed / decompress_ratio(c) > c->flen) {
        if (c->decompressed != UINT64_MAX)
            check_warn(c, QCOW2_LIMIT, e->at,
                       "more compressed data than the file can hold: decompressing stops here");
        c->report.complete = false;
        c->decompressed = UINT64_MAX;
        return;
    }
    c->decompressed += c->cs;
    if (!c->decompress_buf)
        c->decompress_buf = mem_alloc(c->cs);
    __attribute__((cleanup(cleanup_qcow2_fault))) struct qcow2_fault f = {0};
    if (qcow2_compressed_read(&c->image, e->word & ~QCOW2_COMPRESSED & ~QCOW2_COPIED,
                              c->decompress_buf, &f) == 0)
        return;
    if (f.defect != QCOW2_IO)
        corrupt(c, e, QCOW2_COMP, "leads to compressed data that does not give one cluster");
    else if (c->unread.defect == QCOW2_OK) { /* told by who walks the table */
        c->unread = f;
        f = (struct qcow2_fault){0};
    }
}

static void take_compressed(struct check *c, const struct l2_entry *e)
{
    unsigned x = 62 - (c->image.info.cluster_bits - 8);
    uint64_t offset = e->word & ((UINT64_C(1) << x) - 1);
    uint64_t sectors = (e->word & ~QCOW2_COMPRESSED & ~QCOW2_COPIED) >> x;
    uint64_t len = (sectors + 1) * 512 - offset % 512;
    if (e->word & QCOW2_COPIED)
        corrupt(c, e, QCOW2_COMP, "is compressed and claims a cluster of its own");
    if (c->image.info.data_file) {
        corrupt(c, e, QCOW2_COMP, "is compressed, though the data lives in another file");
        return;
    }
    if (e->bitmap) {
        corrupt(c, e, QCOW2_SUBCL, "is compressed and has subclusters");
        return;
    }
    if (e->active) {
        c->report.allocated_clusters++;
        c->report.compressed_clusters++;
        c->report.fragmented_clusters++; /* as qemu counts them */
    }
    struct check_use use = {CHECK_COMPRESSED, e->active,        e->weight, e->at,
                            QCOW2_COMP,       "compressed data"};
    if (!check_count_range(c, offset, len, &use))
        return;
    if (offset >= c->flen) {
        corrupt(c, e, QCOW2_COMP,
                "leads behind the end of the file (qemu-img check does not mind)");
        return;
    }
    if (len > c->flen - offset + 511)
        check_warn(c, QCOW2_COMP, e->at,
                   "the file ends more than a sector before compressed data does: 0x%016" PRIx64,
                   e->word);
    if (e->active && c->packed.count < c->packed_max)
        packed_add(&c->packed, e->word & ~QCOW2_COMPRESSED & ~QCOW2_COPIED, offset);
    decompress(c, e);
}

/* Of the cluster's bytes those that are data: what lies behind may be missing from the file. */
static uint64_t bytes_needed(const struct check *c, const struct l2_entry *e)
{
    uint32_t allocated = (uint32_t)e->bitmap;
    if (!c->image.info.extended_l2)
        return c->cs;
    return allocated ? c->cs / QCOW2_SUBCLUSTERS * (32 - (unsigned)__builtin_clz(allocated)) : 0;
}

static void take_host_cluster(struct check *c, const struct l2_entry *e, uint64_t host)
{
    bool copied = e->word & QCOW2_COPIED;
    if (c->image.info.data_file) {
        if (e->active && !copied)
            corrupt(c, e, QCOW2_COPIED_FLAG, "lacks the COPIED flag, which a data file demands");
        return;
    }
    if ((host & (c->cs - 1)) != 0)
        return; /* was told */
    if (host >= c->flen) {
        corrupt(c, e, QCOW2_L2_ENTRY, "leads outside the file");
        return;
    }
    struct check_use use = {CHECK_DATA, e->active, e->weight, e->at, QCOW2_L2_ENTRY, "data"};
    check_count(c, host >> c->cluster_bits, &use);
    c->flags[e->at >> c->cluster_bits] |= CHECK_LEADS;
    if (e->active)
        c->flags[host >> c->cluster_bits] |= copied ? CHECK_COPIED : CHECK_UNCOPIED;
    if (bytes_needed(c, e) > c->flen - host)
        odd(c, e, QCOW2_L2_ENTRY, "leads to a cluster that the end of the file cuts short");
}

/* False: the entry leads to no host cluster. */
static bool take_standard(struct check *c, const struct l2_entry *e, uint64_t *ret_host)
{
    const struct qcow2_info *info = &c->image.info;
    uint64_t host = e->word & QCOW2_OFFSET_MASK;
    uint32_t allocated = (uint32_t)e->bitmap, zero = (uint32_t)(e->bitmap >> 32);
    bool copied = e->word & QCOW2_COPIED;
    if (e->word & QCOW2_L2_RESERVED)
        corrupt(c, e, QCOW2_L2_ENTRY, "has reserved bits set");
    if (e->word & QCOW2_ZERO && info->version < 3)
        corrupt(c, e, QCOW2_ZERO_V2,
                "has a zero flag, which version 2 has not (qemu cannot read it)");
    else if (e->word & QCOW2_ZERO && info->extended_l2)
        odd(c, e, QCOW2_ZERO_V2, "has a zero flag beside subclusters");
    if (!host && !(info->data_file && copied)) {
        if (allocated)
            corrupt(c, e, QCOW2_SUBCL, "allocates subclusters without a cluster");
        if (copied)
            odd(c, e, QCOW2_L2_ENTRY, "claims cluster 0");
        return false;
    }
    if (allocated & zero)
        corrupt(c, e, QCOW2_SUBCL, "has subclusters both allocated and zero");
    if ((host & (c->cs - 1)) != 0)
        corrupt(c, e, QCOW2_L2_ENTRY, "is not aligned");
    take_host_cluster(c, e, host);
    *ret_host = host;
    return true;
}

static void take_entry(struct check *c, const struct l2_entry *e, uint64_t *next_host)
{
    uint64_t host;
    if (e->guest != NOWHERE && e->guest >= c->image.info.virtual_size &&
        c->image.info.snapshots == 0)
        odd(c, e, QCOW2_TAIL, "is past the end of the disk");
    if (e->word & QCOW2_COMPRESSED) {
        take_compressed(c, e);
        return;
    }
    if (!take_standard(c, e, &host) || !e->active)
        return;
    c->report.allocated_clusters++;
    if (*next_host && host != *next_host)
        c->report.fragmented_clusters++;
    *next_host = host + c->cs;
}

/* The L2 table in `cluster`, once. guest: the first byte that it maps. */
static int walk_l2(struct check *c, uint64_t cluster, uint64_t guest, struct qcow2_fault *f)
{
    uint32_t entry_bytes = image_l2_entry_bytes(&c->image);
    const unsigned char *table;
    uint64_t next_host = 0;
    if (c->flags[cluster] & CHECK_WALKED)
        return 0;
    c->flags[cluster] |= CHECK_WALKED;
    if (qcow2_ahead_read(&c->tables, cluster * c->cs, c->cs, &table, f) < 0)
        return -1;
    /* Only L1 entries were counted so far, so this is how many lead here. */
    struct l2_entry e = {.weight = c->refs[cluster],
                         .active = c->flags[cluster] & CHECK_IS_ACTIVE_L2};
    size_t step = entry_bytes / 8, words = (size_t)(c->cs / 8);
    for (size_t k = 0; (k = qcow2_skip_zeros(table, k, words)) < words; k += step) {
        k &= ~(step - 1);
        uint64_t i = k / step;
        e.word = be64_at(table, k * 8);
        e.bitmap = step == 2 ? be64_at(table, k * 8 + 8) : 0;
        e.at = cluster * c->cs + i * entry_bytes;
        e.guest = guest == NOWHERE ? NOWHERE : guest + i * c->cs;
        take_entry(c, &e, &next_host);
    }
    if (c->unread.defect == QCOW2_OK)
        return 0;
    qcow2_fault_hand_over(f, &c->unread);
    return -1;
}

static int walk_active(struct check *c, void *arg, uint64_t index, uint64_t at, uint64_t word,
                       struct qcow2_fault *f)
{
    (void)arg, (void)at;
    uint64_t cluster;
    if (!l2_cluster(c, word, &cluster))
        return 0;
    return walk_l2(c, cluster, index * image_l2_coverage(&c->image), f);
}

int check_l2_tables(struct check *c, struct qcow2_fault *f)
{
    const struct qcow2_info *info = &c->image.info;
    if (check_words(c, info->l1_offset, info->l1_entries, walk_active, NULL, f) < 0)
        return -1;
    for (uint64_t k = 0; k < c->used; k++)
        if (c->flags[k] & CHECK_IS_L2 && walk_l2(c, k, NOWHERE, f) < 0)
            return -1;
    return 0;
}

/* ---- COPIED ---- */

static bool copied_wrong(const struct check *c, uint64_t cluster, uint64_t word)
{
    unsigned flags = c->flags[cluster];
    return flags & CHECK_COPIED_WRONG && !(flags & CHECK_ONE) != !(word & QCOW2_COPIED);
}

static void tell_copied(struct check *c, const char *table, uint64_t at, uint64_t word)
{
    bool copied = word & QCOW2_COPIED;
    check_corrupt(c, QCOW2_COPIED_FLAG, at,
                  "%s entry %s the COPIED flag, but the refcount is %s: 0x%016" PRIx64, table,
                  copied ? "has" : "lacks", copied ? "not 1" : "1", word);
}

static int tell_l2(struct check *c, uint64_t cluster, struct qcow2_fault *f)
{
    uint32_t entry_bytes = image_l2_entry_bytes(&c->image);
    const unsigned char *table;
    if (!(c->flags[cluster] & CHECK_LEADS) || c->flags[cluster] & CHECK_TOLD)
        return 0;
    c->flags[cluster] |= CHECK_TOLD;
    if (qcow2_ahead_read(&c->tables, cluster * c->cs, c->cs, &table, f) < 0)
        return -1;
    for (uint64_t i = 0, count = c->cs / entry_bytes; i < count; i++) {
        uint64_t word = be64_at(table, i * entry_bytes), host = word & QCOW2_OFFSET_MASK;
        if (word & QCOW2_COMPRESSED || host == 0 || (host & (c->cs - 1)) != 0 || host >= c->flen)
            continue;
        if (copied_wrong(c, host >> c->cluster_bits, word))
            tell_copied(c, "L2", cluster * c->cs + i * entry_bytes, word);
    }
    return 0;
}

static int tell_active(struct check *c, void *arg, uint64_t index, uint64_t at, uint64_t word,
                       struct qcow2_fault *f)
{
    (void)arg, (void)index;
    uint64_t cluster;
    if (!l2_cluster(c, word, &cluster))
        return 0;
    if (copied_wrong(c, cluster, word))
        tell_copied(c, "L1", at, word);
    return tell_l2(c, cluster, f);
}

int check_copied_flags(struct check *c, struct qcow2_fault *f)
{
    const struct qcow2_info *info = &c->image.info;
    return check_words(c, info->l1_offset, info->l1_entries, tell_active, NULL, f);
}
