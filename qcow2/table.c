/* L1, L2 and refcount tables: every entry is checked before anything believes it, and every host
 * cluster is claimed by the structure that uses it, so that no cluster can be two things at once
 * (Q_OVERLAP). That also bounds the time: no L2 table can be met twice, so the tables read are at
 * most the file. */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "qcow2/ahead_priv.h"
#include "qcow2/image_priv.h"
#include "qcow2/map.h"
#include "qcow2/packed_priv.h"
#include "qcow2/table_priv.h"

/* ---- who uses which host cluster ---- */

enum claim_kind {
    CLAIM_FREE,
    CLAIM_ALONE,
    CLAIM_PACKED, /* compressed data: several may share a cluster */
};

struct claims {
    const struct qcow2_image *image;
    unsigned char *bits; /* two per host cluster */
    unsigned cluster_bits;
    uint64_t size; /* of the file */
};

static int claims_init(struct claims *c, const struct qcow2_image *image, struct qcow2_fault *f)
{
    uint64_t cs = image_cluster_size(image);
    uint64_t clusters = image->io->size / cs + (image->io->size % cs != 0);
    if (clusters > image->policy.host_clusters_max)
        return qcow2_fault_set(f, QCOW2_LIMIT, image->io->name, QCOW2_NO_OFFSET,
                               "the file has %" PRIu64 " clusters, at most %" PRIu64 " are allowed",
                               clusters, image->policy.host_clusters_max);
    c->image = image;
    c->cluster_bits = image->info.cluster_bits;
    c->size = image->io->size;
    c->bits = mem_zalloc(clusters / 4 + 1);
    return 0;
}

static inline bool claim_cluster(struct claims *c, uint64_t cluster, enum claim_kind kind)
{
    unsigned shift = cluster % 4 * 2, bits = c->bits[cluster / 4];
    enum claim_kind now = bits >> shift & 3;
    if (now != CLAIM_FREE && (now != CLAIM_PACKED || kind != CLAIM_PACKED))
        return false;
    c->bits[cluster / 4] = (unsigned char)(bits | (unsigned)kind << shift);
    return true;
}

/* [offset, offset + bytes) begins inside the file. `at` is the place of the entry that leads there.
 */
static inline int claim(struct claims *c, uint64_t offset, uint64_t bytes, enum claim_kind kind,
                        uint64_t at, const char *what, struct qcow2_fault *f)
{
    uint64_t last = offset + bytes - 1;
    if (last >= c->size)
        last = c->size - 1;
    for (uint64_t cluster = offset >> c->cluster_bits; cluster <= last >> c->cluster_bits;
         cluster++)
        if (!claim_cluster(c, cluster, kind))
            return qcow2_fault_set(f, QCOW2_OVERLAP, c->image->io->name, at,
                                   "%s shares the cluster at %" PRIu64 " with something else", what,
                                   cluster << c->cluster_bits);
    return 0;
}

/* ---- tables in pieces ---- */

/* Stays in the processor's cache between reading and looking. */
#define PIECE_BYTES 65536u

typedef int (*entry_fn)(void *arg, uint64_t index, uint64_t at, uint64_t entry,
                        struct qcow2_fault *f);

/* Calls fn for every entry of a table of u64 that is not zero. The table lies inside the file. */
static int walk_table(struct qcow2_image *image, uint64_t offset, uint64_t count, entry_fn fn,
                      void *arg, struct qcow2_fault *f)
{
    AUTO(mem) void *piece = mem_alloc_pages(count < PIECE_BYTES / 8 ? count * 8 + 1 : PIECE_BYTES);
    for (uint64_t i = 0; i < count;) {
        size_t n = count - i < PIECE_BYTES / 8 ? (size_t)(count - i) : PIECE_BYTES / 8;
        if (qcow2_io_read(image->io, offset + i * 8, piece, n * 8, f) < 0)
            return -1;
        for (size_t k = qcow2_skip_zeros(piece, 0, n); k < n; k = qcow2_skip_zeros(piece, k + 1, n))
            if (fn(arg, i + k, offset + (i + k) * 8, be64_at(piece, k * 8), f) < 0)
                return -1;
        i += n;
    }
    return 0;
}

/* One whole cluster at offset: aligned, behind the header, inside the file. */
static bool cluster_fits(const struct qcow2_image *image, uint64_t offset)
{
    uint64_t cs = image_cluster_size(image), flen = image->io->size;
    return (offset & (cs - 1)) == 0 && offset >= cs && flen >= cs && offset <= flen - cs;
}

/* ---- L1 ---- */

static int check_l1_entry(void *arg, uint64_t index, uint64_t at, uint64_t entry,
                          struct qcow2_fault *f)
{
    struct qcow2_image *image = arg;
    if (index >= image_l1_needed(image)) {
        if (image->info.snapshots > 0) /* room for a VM state */
            return 0;
        return qcow2_fault_set(f, QCOW2_TAIL, image->io->name, at,
                               "L1 entry %" PRIu64 " is past the end of the disk", index);
    }
    if (entry & QCOW2_L1_RESERVED)
        return qcow2_fault_set(f, QCOW2_L1_ENTRY, image->io->name, at,
                               "L1 entry %" PRIu64 " has reserved bits set: 0x%016" PRIx64, index,
                               entry);
    if (!cluster_fits(image, entry & QCOW2_OFFSET_MASK))
        return qcow2_fault_set(
            f, QCOW2_L1_ENTRY, image->io->name, at,
            "L1 entry %" PRIu64 " leads to no cluster of the file: 0x%016" PRIx64, index, entry);
    return 0;
}

int qcow2_l1_check(struct qcow2_image *image, struct qcow2_fault *retfault)
{
    return walk_table(image, image->info.l1_offset, image->info.l1_entries, check_l1_entry, image,
                      retfault);
}

/* ---- L2 ---- */

struct walk {
    struct qcow2_image *image;
    struct claims claims;
    struct qcow2_map *map;
    uint32_t layer;
    uint64_t table_bytes;      /* read so far */
    struct qcow2_ahead tables; /* L2 */
};

/* One L2 entry on its way into the map. */
struct entry {
    uint64_t at;    /* where it stands */
    uint64_t guest; /* first guest byte */
    uint64_t len;   /* guest bytes that are on the disk */
    uint64_t word, bitmap;
};

static int entry_fault(const struct walk *w, const struct entry *e, struct qcow2_fault *f,
                       enum qcow2_defect defect, const char *what)
{
    return qcow2_fault_set(f, defect, w->image->io->name, e->at,
                           "L2 entry of guest byte %" PRIu64 " %s: 0x%016" PRIx64, e->guest, what,
                           e->word);
}

static int add_extent(struct walk *w, uint64_t start, uint64_t len, enum qcow2_extent_kind kind,
                      uint64_t host, struct qcow2_fault *f)
{
    if (w->map->count >= w->image->policy.extents_max)
        return qcow2_fault_set(f, QCOW2_LIMIT, w->image->io->name, QCOW2_NO_OFFSET,
                               "the map has more than %" PRIu64 " pieces",
                               w->image->policy.extents_max);
    qcow2_map_append(w->map, (struct qcow2_extent){start, len, host, w->layer, kind});
    return 0;
}

static int take_compressed(struct walk *w, const struct entry *e, struct qcow2_fault *f)
{
    if (e->word & QCOW2_COPIED)
        return entry_fault(w, e, f, QCOW2_COMP, "is compressed and claims a cluster of its own");
    if (e->bitmap)
        return entry_fault(w, e, f, QCOW2_SUBCL, "is compressed and has subclusters");
    uint64_t descriptor = e->word & ~QCOW2_COMPRESSED;
    uint64_t offset, len;
    qcow2_compressed_place(w->image, descriptor, &offset, &len);
    if (offset >> 56 || offset < image_cluster_size(w->image) || offset >= w->image->io->size)
        return entry_fault(w, e, f, QCOW2_COMP, "leads outside the file");
    if (claim(&w->claims, offset, len, CLAIM_PACKED, e->at, "compressed data", f) < 0)
        return -1;
    return add_extent(w, e->guest, e->len, QCOW2_EXTENT_COMPRESSED, descriptor, f);
}

static int check_host_cluster(struct walk *w, const struct entry *e, uint64_t host, uint64_t bytes,
                              struct qcow2_fault *f)
{
    uint64_t cs = image_cluster_size(w->image), flen = w->image->io->size;
    if (host & (cs - 1) || host < cs)
        return entry_fault(w, e, f, QCOW2_L2_ENTRY, "is not aligned or leads to the header");
    if (host >= flen || (bytes > flen - host && !w->image->policy.accept_short_tail))
        return entry_fault(w, e, f, QCOW2_L2_ENTRY, "leads outside the file");
    return claim(&w->claims, host, cs, CLAIM_ALONE, e->at, "a data cluster", f);
}

static int add_subclusters(struct walk *w, const struct entry *e, uint64_t host, uint64_t step,
                           struct qcow2_fault *f)
{
    for (unsigned i = 0; i < QCOW2_SUBCLUSTERS && i * step < e->len; i++) {
        bool data = e->bitmap >> i & 1;
        if (!data && !(e->bitmap >> (i + 32) & 1))
            continue;
        uint64_t len = e->len - i * step < step ? e->len - i * step : step;
        enum qcow2_extent_kind kind = data ? QCOW2_EXTENT_DATA : QCOW2_EXTENT_ZERO;
        if (add_extent(w, e->guest + i * step, len, kind, data ? host + i * step : 0, f) < 0)
            return -1;
    }
    return 0;
}

static int take_subclusters(struct walk *w, const struct entry *e, uint64_t host,
                            struct qcow2_fault *f)
{
    uint32_t allocated = (uint32_t)e->bitmap, zero = (uint32_t)(e->bitmap >> 32);
    uint64_t step = image_cluster_size(w->image) / QCOW2_SUBCLUSTERS;
    if (allocated & zero)
        return entry_fault(w, e, f, QCOW2_SUBCL, "has subclusters both allocated and zero");
    if (allocated && !host)
        return entry_fault(w, e, f, QCOW2_SUBCL, "allocates subclusters without a cluster");
    /* qemu writes the allocated subclusters alone: the last cluster of a file may end behind the
     * last of them. */
    if (allocated) {
        unsigned needed = QCOW2_SUBCLUSTERS - (unsigned)__builtin_clz(allocated);
        if (check_host_cluster(w, e, host, needed * step, f) < 0)
            return -1;
    } else if (host) {
        /* Preallocated: it must be there, though nothing is read from it. */
        if (check_host_cluster(w, e, host, 1, f) < 0)
            return -1;
    }
    return add_subclusters(w, e, host, step, f);
}

static int take_standard(struct walk *w, const struct entry *e, struct qcow2_fault *f)
{
    uint64_t host = e->word & QCOW2_OFFSET_MASK;
    bool zero = e->word & QCOW2_ZERO;
    if (e->word & QCOW2_L2_RESERVED)
        return entry_fault(w, e, f, QCOW2_L2_ENTRY, "has reserved bits set");
    if (zero && (w->image->info.version < 3 || w->image->info.extended_l2))
        return entry_fault(w, e, f, QCOW2_ZERO_V2, "has a zero flag where the format has none");
    if (!host && (e->word & QCOW2_COPIED))
        return entry_fault(w, e, f, QCOW2_L2_ENTRY, "claims cluster 0");
    if (w->image->info.extended_l2)
        return take_subclusters(w, e, host, f);
    if (host && check_host_cluster(w, e, host, image_cluster_size(w->image), f) < 0)
        return -1;
    if (zero)
        return add_extent(w, e->guest, e->len, QCOW2_EXTENT_ZERO, 0, f);
    return add_extent(w, e->guest, e->len, QCOW2_EXTENT_DATA, host, f);
}

/* Entries of an L2 table that maps the disk from `guest` on: `bytes` of them stand in piece, and at
 * `offset` in the file. */
static int take_piece(struct walk *w, const unsigned char *piece, uint64_t guest, uint64_t offset,
                      size_t bytes, struct qcow2_fault *f)
{
    uint64_t cs = image_cluster_size(w->image), vs = w->image->info.virtual_size;
    size_t step = image_l2_entry_bytes(w->image) / 8, count = bytes / 8;
    for (size_t i = 0; (i = qcow2_skip_zeros(piece, i, count)) < count; i += step) {
        i &= ~(step - 1);
        struct entry e = {.at = offset + i * 8, .word = be64_at(piece, i * 8)};
        if (step == 2)
            e.bitmap = be64_at(piece, i * 8 + 8);
        e.guest = guest + i / step * cs;
        if (e.guest >= vs)
            return entry_fault(w, &e, f, QCOW2_TAIL, "is past the end of the disk");
        e.len = vs - e.guest < cs ? vs - e.guest : cs;
        int r = e.word & QCOW2_COMPRESSED ? take_compressed(w, &e, f) : take_standard(w, &e, f);
        if (r < 0)
            return -1;
    }
    return 0;
}

static int take_l2_table(struct walk *w, uint64_t l1_index, uint64_t offset, struct qcow2_fault *f)
{
    uint64_t cs = image_cluster_size(w->image);
    uint64_t guest = l1_index * image_l2_coverage(w->image);
    size_t n = cs < PIECE_BYTES ? (size_t)cs : PIECE_BYTES;
    for (uint64_t at = 0; at < cs; at += n) {
        const unsigned char *piece;
        if (qcow2_ahead_read(&w->tables, offset + at, n, &piece, f) < 0)
            return -1;
        if (take_piece(w, piece, guest + at / image_l2_entry_bytes(w->image) * cs, offset + at, n,
                       f) < 0)
            return -1;
    }
    return 0;
}

static int walk_l1_entry(void *arg, uint64_t index, uint64_t at, uint64_t entry,
                         struct qcow2_fault *f)
{
    struct walk *w = arg;
    uint64_t cs = image_cluster_size(w->image), offset = entry & QCOW2_OFFSET_MASK;
    /* Again: the file may have changed since it was opened. */
    if (check_l1_entry(w->image, index, at, entry, f) < 0)
        return -1;
    if (index >= image_l1_needed(w->image))
        return 0;
    w->table_bytes += cs;
    if (w->table_bytes > w->image->policy.table_bytes_max)
        return qcow2_fault_set(f, QCOW2_LIMIT, w->image->io->name, at,
                               "L2 tables are larger than %" PRIu64 " bytes",
                               w->image->policy.table_bytes_max);
    if (claim(&w->claims, offset, cs, CLAIM_ALONE, at, "an L2 table", f) < 0)
        return -1;
    return take_l2_table(w, index, offset, f);
}

/* ---- the whole ---- */

static int claim_refcount_block(void *arg, uint64_t index, uint64_t at, uint64_t entry,
                                struct qcow2_fault *f)
{
    struct walk *w = arg;
    uint64_t cs = image_cluster_size(w->image);
    if (entry & QCOW2_RT_RESERVED || entry % cs != 0 || entry < cs || entry >= w->image->io->size)
        return qcow2_fault_set(f, QCOW2_RT, w->image->io->name, at,
                               "refcount table entry %" PRIu64
                               " leads to no cluster of the file: 0x%016" PRIx64,
                               index, entry);
    return claim(&w->claims, entry, cs, CLAIM_ALONE, at, "a refcount block", f);
}

static int claim_fixed(struct walk *w, struct qcow2_fault *f)
{
    const struct qcow2_info *info = &w->image->info;
    uint64_t cs = image_cluster_size(w->image);
    uint64_t rt_bytes = (uint64_t)info->rt_clusters * cs;
    if (claim(&w->claims, 0, cs, CLAIM_ALONE, 0, "the header", f) < 0 ||
        claim(&w->claims, info->l1_offset, (uint64_t)info->l1_entries * 8, CLAIM_ALONE,
              HDR_L1_OFFSET, "the L1 table", f) < 0 ||
        claim(&w->claims, info->rt_offset, rt_bytes, CLAIM_ALONE, HDR_RT_OFFSET,
              "the refcount table", f) < 0)
        return -1;
    return walk_table(w->image, info->rt_offset, rt_bytes / 8, claim_refcount_block, w, f);
}

/* Afterwards, since data that nobody shares are the rule and need no list. */
static int check_packed(const struct qcow2_image *image, const struct qcow2_map *map,
                        struct qcow2_fault *f)
{
    struct packed p = {0};
    uint64_t offset, len;
    for (size_t i = 0; i < map->count; i++) {
        if (map->items[i].kind != QCOW2_EXTENT_COMPRESSED)
            continue;
        qcow2_compressed_place(image, map->items[i].host, &offset, &len);
        packed_add(&p, map->items[i].host, offset);
    }
    bool overlap = packed_overlap(&p, image, &offset, &len);
    packed_finish(&p);
    if (!overlap)
        return 0;
    return qcow2_fault_set(f, QCOW2_OVERLAP, image->io->name, offset,
                           "two compressed clusters share their data, which may share no more than "
                           "a sector: %" PRIu64 " bytes from here",
                           len);
}

int qcow2_table_map(struct qcow2_image *image, uint32_t layer, struct qcow2_map *map,
                    struct qcow2_fault *retfault)
{
    if (image->raw)
        return qcow2_raw_map(image, layer, map, retfault);
    if (image->info.data_file || image->info.crypt_method)
        return qcow2_fault_set(
            retfault, image->info.data_file ? QCOW2_POLICY_DATA_FILE : QCOW2_POLICY_ENCRYPTED,
            image->io->name, QCOW2_NO_OFFSET, "only the header can be read");
    struct walk w = {.image = image, .map = map, .layer = layer};
    if (claims_init(&w.claims, image, retfault) < 0)
        return -1;
    qcow2_ahead_init(&w.tables, image->io, PIECE_BYTES);
    int r = claim_fixed(&w, retfault);
    if (r == 0)
        r = walk_table(image, image->info.l1_offset, image->info.l1_entries, walk_l1_entry, &w,
                       retfault);
    qcow2_ahead_finish(&w.tables);
    free(w.claims.bits);
    return r == 0 ? check_packed(image, map, retfault) : -1;
}
