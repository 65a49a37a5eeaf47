/* Header, feature bits, extensions and backing name. The whole of cluster 0 that exists is read
 * once; everything here works on that buffer, so that no length in it can lead anywhere else. Order
 * of the checks: fixed fields, extensions (they name unknown features), features, tables, policy.
 *
 * Two kinds of defects: what qemu refuses to open stops everybody (fault_at); what it lets pass
 * (odd_at) stops the reader, but is only told to a caller that wants to look on. To look on means
 * to see what qemu sees: bytes behind the end of the file are zeros then. */
#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "qcow2/image_priv.h"

struct header {
    struct qcow2_image *image;
    const struct qcow2_lenience *lenience; /* NULL: strict */
    unsigned char *bytes;                  /* what exists of cluster 0; lenient: all of it */
    uint64_t len;
    uint64_t backing_offset, extensions_end; /* the latter: just after the end marker */
    uint32_t header_length;
    uint64_t features_at, features_len; /* the feature name table; len 0: none */
    bool bitmaps_seen;
    uint64_t bitmaps_at;
};

static int fault_at(const struct header *h, struct qcow2_fault *f, enum qcow2_defect defect,
                    uint64_t offset, const char *what, uint64_t found)
{
    return qcow2_fault_set(f, defect, h->image->io->name, offset, "%s: %" PRIu64, what, found);
}

/* The same for what qemu tolerates. */
static int odd_at(const struct header *h, struct qcow2_fault *f, enum qcow2_defect defect,
                  uint64_t offset, const char *what, uint64_t found)
{
    if (!h->lenience)
        return fault_at(h, f, defect, offset, what, found);
    h->lenience->tell(h->lenience->arg, defect, offset, what, found);
    return 0;
}

/* ---- fixed fields ---- */

static int read_magic(struct header *h, struct qcow2_fault *f)
{
    struct qcow2_info *info = &h->image->info;
    const char *name = h->image->io->name;
    unsigned char start[8] = {0};
    uint64_t flen = h->image->io->size;
    if (flen < 4)
        return fault_at(h, f, QCOW2_HDR_SHORT, flen, "the file is too short for a header", flen);
    size_t have = flen < sizeof start ? (size_t)flen : sizeof start;
    if (qcow2_io_read(h->image->io, 0, start, have, f) < 0)
        return -1;
    if (be32_at(start, HDR_MAGIC) != QCOW2_MAGIC_NUMBER)
        return qcow2_fault_set(f, QCOW2_MAGIC, name, HDR_MAGIC, "not a qcow2 image");
    if (flen < QCOW2_V2_HEADER)
        return fault_at(h, f, QCOW2_HDR_SHORT, flen, "the file ends inside the header", flen);
    info->version = be32_at(start, HDR_VERSION);
    if (info->version != 2 && info->version != 3)
        return fault_at(h, f, QCOW2_VERSION, HDR_VERSION, "unsupported qcow2 version",
                        info->version);
    if (info->version == 3 && flen < QCOW2_V3_HEADER_MIN)
        return fault_at(h, f, QCOW2_HDR_SHORT, flen, "the file ends inside the header", flen);
    return 0;
}

/* Learns the cluster size, then keeps what exists of cluster 0. */
static int read_cluster_zero(struct header *h, struct qcow2_fault *f)
{
    struct qcow2_image *image = h->image;
    unsigned char word[4];
    if (qcow2_io_read(image->io, HDR_CLUSTER_BITS, word, sizeof word, f) < 0)
        return -1;
    uint32_t bits = be32_at(word, 0);
    if (bits < QCOW2_CLUSTER_BITS_MIN || bits > QCOW2_CLUSTER_BITS_MAX)
        return fault_at(h, f, QCOW2_HDR_FIELD, HDR_CLUSTER_BITS, "unsupported cluster bits", bits);
    image->info.cluster_bits = bits;
    uint64_t cs = image_cluster_size(image);
    uint64_t have = image->io->size < cs ? image->io->size : cs;
    h->len = h->lenience ? cs : have;
    h->bytes = mem_zalloc(h->len);
    return qcow2_io_read(image->io, 0, h->bytes, have, f);
}

static int check_padding(const struct header *h, struct qcow2_fault *f)
{
    uint64_t end = h->header_length < QCOW2_V3_HEADER ? h->header_length : QCOW2_V3_HEADER;
    for (uint64_t at = HDR_COMPRESSION + 1; at < end; at++)
        if (h->bytes[at] != 0)
            return odd_at(h, f, QCOW2_HDR_LEN, at, "header padding is not zero", h->bytes[at]);
    return 0;
}

static int check_header_length(const struct header *h, struct qcow2_fault *f)
{
    if (h->header_length < QCOW2_V3_HEADER_MIN)
        return fault_at(h, f, QCOW2_HDR_LEN, HDR_LENGTH,
                        "header length must be a multiple of 8 of at least 104", h->header_length);
    if (h->header_length > image_cluster_size(h->image))
        return fault_at(h, f, QCOW2_HDR_LEN, HDR_LENGTH, "the header exceeds its cluster",
                        h->header_length);
    uint64_t flen = h->image->io->size;
    if (h->header_length % 8 != 0 &&
        odd_at(h, f, QCOW2_HDR_LEN, HDR_LENGTH, "header length must be a multiple of 8",
               h->header_length) < 0)
        return -1;
    if (h->header_length > flen)
        return odd_at(h, f, QCOW2_HDR_SHORT, flen, "the file ends inside the header", flen);
    return 0;
}

static int read_fields(struct header *h, struct qcow2_fault *f)
{
    struct qcow2_info *info = &h->image->info;
    info->crypt_method = be32_at(h->bytes, HDR_CRYPT);
    info->refcount_order = 4;
    h->header_length = info->header_length = QCOW2_V2_HEADER;
    if (info->version == 2)
        return 0;
    h->header_length = info->header_length = be32_at(h->bytes, HDR_LENGTH);
    if (check_header_length(h, f) < 0)
        return -1;
    info->incompatible = be64_at(h->bytes, HDR_INCOMPATIBLE);
    info->compatible = be64_at(h->bytes, HDR_COMPATIBLE);
    info->autoclear = be64_at(h->bytes, HDR_AUTOCLEAR);
    info->refcount_order = be32_at(h->bytes, HDR_REFCOUNT_ORDER);
    if (info->refcount_order > 6)
        return fault_at(h, f, QCOW2_HDR_FIELD, HDR_REFCOUNT_ORDER,
                        "refcounts are wider than 64 bits: order", info->refcount_order);
    if (h->header_length > HDR_COMPRESSION)
        info->compression_type = h->bytes[HDR_COMPRESSION];
    return check_padding(h, f);
}

/* ---- extensions ---- */

static void take_text(const struct header *h, uint64_t at, uint32_t len, char **text)
{
    free(*text); /* of an extension that appears twice */
    *text = mem_strndup((const char *)h->bytes + at, len);
}

static int take_luks(struct header *h, uint64_t at, uint32_t len, struct qcow2_fault *f)
{
    struct qcow2_info *info = &h->image->info;
    if (len != 16)
        return fault_at(h, f, QCOW2_EXT, at, "encryption extension must have 16 bytes", len);
    info->luks = true;
    info->luks_offset = be64_at(h->bytes, at);
    info->luks_length = be64_at(h->bytes, at + 8);
    return 0;
}

static void list_unknown(struct qcow2_image *image, uint32_t type, uint32_t len)
{
    struct qcow2_info *info = &image->info;
    size_t count = info->unknown_extensions_count;
    if (count == QCOW2_UNKNOWN_EXTENSIONS_MAX)
        return;
    image->extensions = mem_reallocarray(image->extensions, count + 1, sizeof *image->extensions);
    image->extensions[count] = (struct qcow2_extension){type, len};
    info->unknown_extensions_count++;
}

static int take_ext(struct header *h, uint32_t type, uint64_t at, uint32_t len,
                    struct qcow2_fault *f)
{
    struct qcow2_image *image = h->image;
    switch (type) {
    case QCOW2_EXT_BACKING_FORMAT:
        if (len >= 16)
            return fault_at(h, f, QCOW2_EXT, at, "backing format name is too long", len);
        take_text(h, at, len, &image->backing_format);
        return 0;
    case QCOW2_EXT_FEATURES:
        h->features_at = at;
        h->features_len = len / QCOW2_FEATURE_ENTRY * QCOW2_FEATURE_ENTRY;
        if (len != h->features_len)
            return odd_at(h, f, QCOW2_EXT, at, "feature name table is not whole entries", len);
        return 0;
    case QCOW2_EXT_BITMAPS:
        if (len != 24)
            return fault_at(h, f, QCOW2_EXT, at, "bitmaps extension must have 24 bytes", len);
        h->bitmaps_seen = true;
        h->bitmaps_at = at;
        return 0;
    case QCOW2_EXT_LUKS:
        return take_luks(h, at, len, f);
    case QCOW2_EXT_DATA_FILE:
        take_text(h, at, len, &image->data_file_name);
        return 0;
    default:
        list_unknown(image, type, len);
        return 0; /* unknown ones are legal */
    }
}

/* Each type at most once. The types seen so far are read again from the buffer: that needs no
 * memory, and the number of extensions that fit before their square matters is capped. */
#define EXTENSIONS_MAX 256u

static int check_repeated(const struct header *h, unsigned count, uint32_t type, uint64_t before,
                          struct qcow2_fault *f)
{
    if (count > EXTENSIONS_MAX)
        return 0;
    for (uint64_t at = h->header_length; at < before;) {
        if (be32_at(h->bytes, at) == type)
            return odd_at(h, f, QCOW2_EXT, before, "a header extension appears twice: type", type);
        at += 8 + ((uint64_t)be32_at(h->bytes, at + 4) + 7) / 8 * 8;
    }
    return 0;
}

/* The data of one extension; *at moves behind them. */
static int read_extension(struct header *h, uint64_t *at, uint64_t end, unsigned count,
                          struct qcow2_fault *f)
{
    uint32_t type = be32_at(h->bytes, *at);
    uint32_t len = be32_at(h->bytes, *at + 4);
    uint64_t padded = ((uint64_t)len + 7) / 8 * 8;
    if ((padded > end - *at - 8 || *at + 8 + padded > h->len) &&
        odd_at(h, f, QCOW2_EXT, *at, "a header extension's padding leaves its place: length", len) <
            0)
        return -1;
    if (check_repeated(h, count, type, *at, f) < 0 || take_ext(h, type, *at + 8, len, f) < 0)
        return -1;
    *at += 8 + padded;
    return 0;
}

static int read_extensions(struct header *h, struct qcow2_fault *f)
{
    uint64_t cs = image_cluster_size(h->image);
    uint64_t end = h->backing_offset ? h->backing_offset : cs;
    uint64_t at = h->header_length;
    for (unsigned count = 0;; count++) {
        h->extensions_end = at;
        if (at >= end)
            return 0;
        if (end - at < 8 || at + 8 > h->len)
            return fault_at(h, f, QCOW2_EXT, at, "header extensions do not end before", end);
        if (count == EXTENSIONS_MAX &&
            odd_at(h, f, QCOW2_EXT, at, "more header extensions than", EXTENSIONS_MAX) < 0)
            return -1;
        /* The end marker has a length too. */
        uint32_t len = be32_at(h->bytes, at + 4);
        if (len > end - at - 8 || at + 8 + len > h->len)
            return fault_at(h, f, QCOW2_EXT, at, "header extension too large", len);
        if (be32_at(h->bytes, at) == QCOW2_EXT_END) {
            h->extensions_end = at + 8;
            return 0;
        }
        if (read_extension(h, &at, end, count, f) < 0)
            return -1;
    }
}

/* ---- features ---- */

static void add_feature_name(const struct header *h, unsigned bit, struct strbuf *out)
{
    char quoted[64];
    for (uint64_t at = h->features_at; at < h->features_at + h->features_len;
         at += QCOW2_FEATURE_ENTRY) {
        if (h->bytes[at] != 0 || h->bytes[at + 1] != bit)
            continue;
        const char *name = (const char *)h->bytes + at + 2;
        qcow2_quote(quoted, sizeof quoted, name, strnlen(name, QCOW2_FEATURE_ENTRY - 2));
        strbuf_addf(out, " '%s'", quoted);
        return;
    }
}

static int check_unknown_features(const struct header *h, struct qcow2_fault *f)
{
    uint64_t unknown = h->image->info.incompatible & ~QCOW2_INCOMPAT_KNOWN;
    if (!unknown)
        return 0;
    AUTO(strbuf) struct strbuf names = {0};
    for (unsigned bit = 0; bit < 64; bit++) {
        if (!(unknown >> bit & 1))
            continue;
        strbuf_addf(&names, "%s bit %u", names.len ? "," : "", bit);
        add_feature_name(h, bit, &names);
    }
    return qcow2_fault_set(f, QCOW2_FEATURE, h->image->io->name, HDR_INCOMPATIBLE,
                           "unsupported incompatible feature:%s", strbuf_str(&names));
}

static int check_compression_type(const struct header *h, struct qcow2_fault *f)
{
    const struct qcow2_info *info = &h->image->info;
    bool bit = info->incompatible & QCOW2_INCOMPAT_COMPRESSION;
    if (info->compression_type > 1)
        return fault_at(h, f, QCOW2_COMPRESSION, HDR_COMPRESSION, "unknown compression type",
                        info->compression_type);
    if (bit != (info->compression_type != 0))
        return fault_at(h, f, QCOW2_COMPRESSION, HDR_COMPRESSION,
                        bit ? "the feature bit must not be set for compression type"
                            : "the feature bit must be set for compression type",
                        info->compression_type);
    return 0;
}

static int check_features(struct header *h, struct qcow2_fault *f)
{
    struct qcow2_info *info = &h->image->info;
    info->dirty = info->incompatible & QCOW2_INCOMPAT_DIRTY;
    info->corrupt = info->incompatible & QCOW2_INCOMPAT_CORRUPT;
    info->data_file = info->incompatible & QCOW2_INCOMPAT_DATA_FILE;
    info->extended_l2 = info->incompatible & QCOW2_INCOMPAT_EXTENDED_L2;
    info->lazy_refcounts = info->compatible & QCOW2_COMPAT_LAZY_REFCOUNTS;
    info->data_file_raw = info->autoclear & QCOW2_AUTOCLEAR_RAW;
    if (check_unknown_features(h, f) < 0 || check_compression_type(h, f) < 0)
        return -1;
    if (info->extended_l2 && info->cluster_bits < 14)
        return fault_at(h, f, QCOW2_HDR_FIELD, HDR_CLUSTER_BITS,
                        "extended L2 entries need at least 14 cluster bits", info->cluster_bits);
    if (info->data_file_raw && !info->data_file)
        return fault_at(h, f, QCOW2_HDR_FIELD, HDR_AUTOCLEAR,
                        "a raw external data file is claimed, but no data file: autoclear features",
                        info->autoclear);
    return 0;
}

/* ---- backing name ---- */

static int read_backing_name(struct header *h, struct qcow2_fault *f)
{
    struct qcow2_image *image = h->image;
    if (h->backing_offset == 0)
        return 0;
    uint64_t size = be32_at(h->bytes, HDR_BACKING_SIZE);
    if (size > QCOW2_BACKING_NAME_MAX)
        return fault_at(h, f, QCOW2_BACKING_NAME, HDR_BACKING_SIZE,
                        "backing file name must have 1 to 1023 bytes", size);
    if (h->backing_offset > h->len || size > h->len - h->backing_offset)
        return fault_at(h, f, QCOW2_BACKING_NAME, HDR_BACKING_OFFSET,
                        "backing file name leaves the header cluster", h->backing_offset);
    if (size == 0)
        return odd_at(h, f, QCOW2_BACKING_NAME, HDR_BACKING_SIZE,
                      "backing file name must have 1 to 1023 bytes", size);
    take_text(h, h->backing_offset, (uint32_t)size, &image->backing_name);
    for (uint64_t at = h->backing_offset; at < h->backing_offset + size; at++)
        if (h->bytes[at] < 0x20 || h->bytes[at] == 0x7f)
            return odd_at(h, f, QCOW2_BACKING_NAME, at, "backing file name holds a control byte",
                          h->bytes[at]);
    return 0;
}

/* Before the extensions are read: they end where the name begins. */
static int check_backing_place(struct header *h, struct qcow2_fault *f)
{
    h->backing_offset = be64_at(h->bytes, HDR_BACKING_OFFSET);
    if (h->backing_offset == 0)
        return 0;
    if (h->backing_offset > image_cluster_size(h->image))
        return fault_at(h, f, QCOW2_BACKING_NAME, HDR_BACKING_OFFSET,
                        "backing file name leaves the header cluster", h->backing_offset);
    if (h->backing_offset < h->header_length)
        return odd_at(h, f, QCOW2_BACKING_NAME, HDR_BACKING_OFFSET,
                      "backing file name lies inside the header", h->backing_offset);
    return 0;
}

/* ---- sizes and tables ---- */

static int check_virtual_size(struct header *h, struct qcow2_fault *f)
{
    struct qcow2_image *image = h->image;
    uint64_t size = be64_at(h->bytes, HDR_SIZE);
    image->info.virtual_size = size;
    if ((size == 0 || size % 512 != 0) &&
        odd_at(h, f, QCOW2_SIZE, HDR_SIZE, "virtual size must be a multiple of 512 above zero",
               size) < 0)
        return -1;
    if (size > image->policy.virtual_max)
        return fault_at(h, f, QCOW2_SIZE, HDR_SIZE, "virtual size is more than is allowed", size);
    if (image_l1_needed(image) > QCOW2_L1_ENTRIES_MAX)
        return fault_at(h, f, QCOW2_SIZE, HDR_SIZE, "virtual size needs too large an L1 table",
                        size);
    return 0;
}

/* A table of `bytes` bytes at `offset`: behind the header cluster, inside the file. */
static bool table_inside(const struct qcow2_image *image, uint64_t offset, uint64_t bytes)
{
    uint64_t cs = image_cluster_size(image), flen = image->io->size;
    return offset >= cs && bytes <= flen && offset <= flen - bytes;
}

/* What qemu demands of a table's place, and no more. */
static bool table_place(const struct qcow2_image *image, uint64_t offset, uint64_t bytes)
{
    return offset % image_cluster_size(image) == 0 && bytes <= INT64_MAX &&
           offset <= INT64_MAX - bytes;
}

static bool table_fits(const struct header *h, uint64_t offset, uint64_t bytes)
{
    /* The check looks at the place for itself. */
    return table_place(h->image, offset, bytes) &&
           (h->lenience || table_inside(h->image, offset, bytes));
}

static int check_l1_place(struct header *h, struct qcow2_fault *f)
{
    struct qcow2_info *info = &h->image->info;
    info->l1_entries = be32_at(h->bytes, HDR_L1_SIZE);
    info->l1_offset = be64_at(h->bytes, HDR_L1_OFFSET);
    uint64_t bytes = (uint64_t)info->l1_entries * 8;
    if (info->l1_entries > QCOW2_L1_ENTRIES_MAX)
        return fault_at(h, f, QCOW2_HDR_FIELD, HDR_L1_SIZE, "L1 table too large", info->l1_entries);
    if (info->l1_entries < image_l1_needed(h->image))
        return fault_at(h, f, QCOW2_HDR_FIELD, HDR_L1_SIZE,
                        "L1 table too small for the virtual size", info->l1_entries);
    if (info->l1_offset % image_cluster_size(h->image) != 0)
        return fault_at(h, f, QCOW2_HDR_FIELD, HDR_L1_OFFSET, "L1 table offset is not aligned",
                        info->l1_offset);
    if (!table_fits(h, info->l1_offset, bytes))
        return fault_at(h, f, QCOW2_L1_EOF, HDR_L1_OFFSET, "L1 table lies outside the file",
                        info->l1_offset);
    return 0;
}

static int check_rt_place(struct header *h, struct qcow2_fault *f)
{
    struct qcow2_info *info = &h->image->info;
    info->rt_offset = be64_at(h->bytes, HDR_RT_OFFSET);
    info->rt_clusters = be32_at(h->bytes, HDR_RT_CLUSTERS);
    uint64_t bytes = (uint64_t)info->rt_clusters << info->cluster_bits;
    if (bytes > QCOW2_RT_BYTES_MAX || (info->rt_clusters == 0 && !h->lenience))
        return fault_at(h, f, QCOW2_RT, HDR_RT_CLUSTERS,
                        "refcount table must have 1 cluster to 8 MiB; clusters", info->rt_clusters);
    if (!table_fits(h, info->rt_offset, bytes))
        return fault_at(h, f, QCOW2_RT, HDR_RT_OFFSET,
                        "refcount table is not aligned or lies outside the file", info->rt_offset);
    return 0;
}

static int check_snapshots(struct header *h, struct qcow2_fault *f)
{
    struct qcow2_image *image = h->image;
    uint32_t count = be32_at(h->bytes, HDR_SNAPSHOTS);
    uint64_t offset = be64_at(h->bytes, HDR_SNAPSHOTS_OFFSET);
    image->info.snapshots = count;
    image->info.snapshots_offset = offset;
    if (count > 0 && !image->policy.accept_snapshots)
        return fault_at(h, f, QCOW2_POLICY_SNAPSHOTS, HDR_SNAPSHOTS,
                        "an image with internal snapshots is no backup layer; snapshots", count);
    if (count > QCOW2_SNAPSHOTS_MAX)
        return fault_at(h, f, QCOW2_SNAP, HDR_SNAPSHOTS, "too many snapshots", count);
    /* An entry has at least 40 bytes. */
    uint64_t bytes = (uint64_t)count * 40;
    if (!table_place(image, offset, bytes))
        return fault_at(h, f, QCOW2_SNAP, HDR_SNAPSHOTS_OFFSET,
                        "snapshot table offset is not aligned", offset);
    if (count > 0 && !h->lenience && !table_inside(image, offset, bytes))
        return fault_at(h, f, QCOW2_SNAP, HDR_SNAPSHOTS_OFFSET,
                        "snapshot table lies outside the file", offset);
    return 0;
}

static int check_bitmaps(struct header *h, struct qcow2_fault *f)
{
    struct qcow2_info *info = &h->image->info;
    if (!h->bitmaps_seen)
        return 0;
    info->bitmaps = be32_at(h->bytes, h->bitmaps_at);
    info->bitmaps_bytes = be64_at(h->bytes, h->bitmaps_at + 8);
    info->bitmaps_offset = be64_at(h->bytes, h->bitmaps_at + 16);
    /* Without its autoclear bit the extension is stale and nobody's business. */
    info->bitmaps_trusted = info->autoclear & QCOW2_AUTOCLEAR_BITMAPS;
    if (!info->bitmaps_trusted)
        return 0;
    if (be32_at(h->bytes, h->bitmaps_at + 4) != 0)
        return fault_at(h, f, QCOW2_BITMAP, h->bitmaps_at + 4,
                        "reserved field of the bitmaps extension is not zero",
                        be32_at(h->bytes, h->bitmaps_at + 4));
    if (info->bitmaps == 0 || info->bitmaps > QCOW2_BITMAPS_MAX ||
        info->bitmaps_bytes > QCOW2_BITMAP_DIRECTORY_MAX ||
        info->bitmaps_bytes / 24 < info->bitmaps)
        return fault_at(h, f, QCOW2_BITMAP, h->bitmaps_at, "bitmap directory out of range: bitmaps",
                        info->bitmaps);
    if (!table_place(h->image, info->bitmaps_offset, info->bitmaps_bytes) ||
        (!h->lenience && !table_inside(h->image, info->bitmaps_offset, info->bitmaps_bytes)))
        return fault_at(h, f, QCOW2_BITMAP, h->bitmaps_at + 16,
                        "bitmap directory is not aligned or lies outside the file",
                        info->bitmaps_offset);
    return 0;
}

/* Not before the crypt method is known to be a good one. */
static int check_luks(struct header *h, struct qcow2_fault *f)
{
    const struct qcow2_info *info = &h->image->info;
    if (info->luks && info->crypt_method != QCOW2_CRYPT_LUKS)
        return fault_at(h, f, QCOW2_EXT, HDR_CRYPT,
                        "an encryption extension belongs to LUKS alone, crypt method",
                        info->crypt_method);
    if (info->luks && info->luks_offset % image_cluster_size(h->image) != 0)
        return fault_at(h, f, QCOW2_EXT, HDR_CRYPT, "the LUKS header is not aligned",
                        info->luks_offset);
    if (!info->luks && info->crypt_method == QCOW2_CRYPT_LUKS)
        return fault_at(h, f, QCOW2_EXT, HDR_CRYPT, "LUKS without a header extension, crypt method",
                        info->crypt_method);
    return 0;
}

/* ---- policy ---- */

static int check_policy(struct header *h, struct qcow2_fault *f)
{
    const struct qcow2_image *image = h->image;
    const struct qcow2_info *info = &image->info;
    if (info->crypt_method > 2)
        return fault_at(h, f, QCOW2_HDR_FIELD, HDR_CRYPT, "unsupported encryption method",
                        info->crypt_method);
    if (info->data_file && !image->policy.accept_unreadable)
        return qcow2_fault_set(f, QCOW2_POLICY_DATA_FILE, image->io->name, HDR_INCOMPATIBLE,
                               "the data lives in an external data file");
    if ((info->crypt_method || info->luks) && !image->policy.accept_unreadable)
        return qcow2_fault_set(f, QCOW2_POLICY_ENCRYPTED, image->io->name, HDR_CRYPT,
                               "the image is encrypted");
    if (info->corrupt && !image->policy.accept_corrupt_bit)
        return qcow2_fault_set(f, QCOW2_POLICY_CORRUPT, image->io->name, HDR_INCOMPATIBLE,
                               "the image is marked corrupt");
    return 0;
}

static int read_all(struct header *h, struct qcow2_fault *f)
{
    typedef int (*step)(struct header *, struct qcow2_fault *);
    static const step steps[] = {
        read_magic,     read_cluster_zero, read_fields,       check_backing_place, read_extensions,
        check_features, check_policy,      read_backing_name, check_virtual_size,  check_l1_place,
        check_rt_place, check_snapshots,   check_bitmaps,     check_luks,
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if (steps[i](h, f) < 0)
            return -1;
    return 0;
}

int qcow2_header_read(struct qcow2_image *image, const struct qcow2_lenience *lenience,
                      struct qcow2_fault *retfault)
{
    struct header h = {.image = image, .lenience = lenience};
    image->info.file_size = image->io->size;
    int r = read_all(&h, retfault);
    free(h.bytes);
    image->info.backing_name = image->backing_name;
    image->info.backing_format = image->backing_format;
    image->info.data_file_name = image->data_file_name;
    image->info.has_backing = image->backing_name != NULL;
    image->info.unknown_extensions = image->extensions;
    return r;
}
