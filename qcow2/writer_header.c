/* The first cluster: header, extensions, backing name, in qemu's order. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "qcow2/writer_priv.h"

static const struct {
    unsigned char set, bit;
    const char *name;
} feature_names[] = {
    {0, 0, "dirty bit"},        {0, 1, "corrupt bit"},         {0, 2, "external data file"},
    {0, 3, "compression type"}, {0, 4, "extended L2 entries"}, {1, 0, "lazy refcounts"},
    {2, 0, "bitmaps"},          {2, 1, "raw external data"},
};

static void add_extension(struct strbuf *out, uint32_t type, const void *data, size_t len)
{
    static const char zeros[8];
    unsigned char head[8];
    be32_put(head, 0, type);
    be32_put(head, 4, (uint32_t)len);
    strbuf_add(out, head, sizeof head);
    strbuf_add(out, data, len);
    strbuf_add(out, zeros, (8 - len % 8) % 8);
}

static void add_feature_table(struct strbuf *out)
{
    unsigned char table[ARRAY_LEN(feature_names) * QCOW2_FEATURE_ENTRY] = {0};
    for (size_t i = 0; i < ARRAY_LEN(feature_names); i++) {
        unsigned char *entry = table + i * QCOW2_FEATURE_ENTRY;
        entry[0] = feature_names[i].set;
        entry[1] = feature_names[i].bit;
        memcpy(entry + 2, feature_names[i].name, strlen(feature_names[i].name));
    }
    add_extension(out, QCOW2_EXT_FEATURES, table, sizeof table);
}

static uint32_t cluster_bits(const struct qcow2_writer_options *o)
{
    return o->cluster_bits ? o->cluster_bits : QCOW2_WRITER_CLUSTER_BITS;
}

static void add_fixed(struct strbuf *out, const struct qcow2_writer_options *o)
{
    unsigned char fixed[QCOW2_V3_HEADER] = {0};
    uint32_t version = o->version ? o->version : 3;
    be32_put(fixed, HDR_MAGIC, QCOW2_MAGIC_NUMBER);
    be32_put(fixed, HDR_VERSION, version);
    be32_put(fixed, HDR_CLUSTER_BITS, cluster_bits(o));
    be64_put(fixed, HDR_SIZE, o->virtual_size);
    if (version == 2) {
        strbuf_add(out, fixed, QCOW2_V2_HEADER);
        return;
    }
    uint64_t incompatible = o->extended_l2 ? QCOW2_INCOMPAT_EXTENDED_L2 : 0;
    if (o->compression == QCOW2_COMPRESSION_ZSTD) {
        incompatible |= QCOW2_INCOMPAT_COMPRESSION;
        fixed[HDR_COMPRESSION] = 1;
    }
    be64_put(fixed, HDR_INCOMPATIBLE, incompatible);
    uint32_t refcount_bits = o->refcount_bits ? o->refcount_bits : 16;
    be32_put(fixed, HDR_REFCOUNT_ORDER, (uint32_t)__builtin_ctz(refcount_bits));
    be32_put(fixed, HDR_LENGTH, QCOW2_V3_HEADER);
    strbuf_add(out, fixed, QCOW2_V3_HEADER);
}

/* bitmaps: the 24 bytes of that extension; NULL: none. */
static unsigned char *header_bytes(const struct qcow2_writer_options *o,
                                   const unsigned char *bitmaps, size_t *ret_len,
                                   struct qcow2_fault *f)
{
    uint32_t cb = cluster_bits(o);
    AUTO(strbuf) struct strbuf out = {0};
    add_fixed(&out, o);
    if (o->backing_format)
        add_extension(&out, QCOW2_EXT_BACKING_FORMAT, o->backing_format, strlen(o->backing_format));
    if (o->version != 2 && cb > 12) /* qemu leaves the table out of small clusters */
        add_feature_table(&out);
    if (bitmaps)
        add_extension(&out, QCOW2_EXT_BITMAPS, bitmaps, BITMAP_EXTENSION);
    add_extension(&out, QCOW2_EXT_END, "", 0);
    size_t name_len = o->backing_name ? strlen(o->backing_name) : 0;
    bool fits = name_len <= QCOW2_BACKING_NAME_MAX && name_len + out.len <= UINT64_C(1) << cb;
    if (!fits || (o->backing_name && name_len == 0)) {
        qcow2_fault_set(f, QCOW2_BACKING_NAME, "header", HDR_BACKING_SIZE,
                        "a backing file name of %zu bytes does not fit", name_len);
        return NULL;
    }
    if (o->backing_name) {
        be64_put(out.data, HDR_BACKING_OFFSET, out.len);
        be32_put(out.data, HDR_BACKING_SIZE, (uint32_t)name_len);
        strbuf_addstr(&out, o->backing_name);
    }
    *ret_len = out.len;
    return (unsigned char *)strbuf_take(&out);
}

unsigned char *qcow2_writer_header(const struct qcow2_writer_options *options, size_t *ret_len,
                                   struct qcow2_fault *retfault)
{
    return header_bytes(options, NULL, ret_len, retfault);
}

unsigned char *writer_header(const struct qcow2_writer *w, bool bitmaps, size_t *ret_len,
                             struct qcow2_fault *f)
{
    unsigned char place[BITMAP_EXTENSION] = {0};
    be32_put(place, 0, (uint32_t)w->bitmap_count);
    be64_put(place, 8, w->bitmap_directory_size);
    be64_put(place, 16, w->bitmap_directory);
    unsigned char *header = header_bytes(&w->options, bitmaps ? place : NULL, ret_len, f);
    if (!header)
        return NULL;
    be64_put(header, HDR_L1_OFFSET, w->l1_offset);
    be32_put(header, HDR_L1_SIZE, w->l1_count);
    be64_put(header, HDR_RT_OFFSET, w->rt_offset);
    be32_put(header, HDR_RT_CLUSTERS, (uint32_t)w->rt_clusters);
    if (bitmaps)
        be64_put(header, HDR_AUTOCLEAR, QCOW2_AUTOCLEAR_BITMAPS);
    return header;
}
