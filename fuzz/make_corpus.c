/* Writes the seeds of the qcow2 targets: make_corpus FOLDER fills FOLDER/qcow2_TARGET/seed-*. The
 * same program and libraries write the same bytes; names with "packed" depend on zlib and zstd. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"
#include "fuzz/qcow2_input.h"
#include "fuzz/qcow2_seeds.h"
#include "qcow2/format.h"

enum target {
    TARGET_HEADER = 1 << 0,
    TARGET_MAP = 1 << 1,
    TARGET_BITMAPS = 1 << 2,
    TARGET_CHAIN = 1 << 3,
    TARGET_CHECK = 1 << 4,
    TARGET_FLATTEN = 1 << 5,
    TARGET_COMPRESSED = 1 << 6,
};

static const struct {
    enum target target;
    const char *folder;
} targets[] = {
    {TARGET_HEADER, "qcow2_header"},         {TARGET_MAP, "qcow2_map"},
    {TARGET_BITMAPS, "qcow2_bitmaps"},       {TARGET_CHAIN, "qcow2_chain"},
    {TARGET_CHECK, "qcow2_check"},           {TARGET_FLATTEN, "qcow2_flatten"},
    {TARGET_COMPRESSED, "qcow2_compressed"},
};

#define READERS (TARGET_MAP | TARGET_CHECK | TARGET_FLATTEN)

static const char *root;

static void save(unsigned where, const char *name, const void *bytes, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        if (!(where & targets[i].target))
            continue;
        AUTO(str) char *folder = mem_printf("%s/%s", root, targets[i].folder);
        AUTO(str) char *path = mem_printf("%s/seed-%s", folder, name);
        mkdir(folder, 0777);
        AUTO(file) FILE *f = fopen(path, "wb");
        if (!f || fwrite(bytes, 1, len, f) != len || fflush(f) != 0) {
            fprintf(stderr, "make_corpus: %s: %s\n", path, strerror(errno));
            exit(2);
        }
    }
}

/* ---- single images ---- */

#define KB 1024u
#define BACKING .backing_name = "/var/lib/kubevirt/cbt/disk.qcow2", .backing_format = "qcow2"

static const struct {
    const char *name;
    unsigned where;
    struct seed_shape shape;
} images[] = {
    {"plain",
     READERS | TARGET_HEADER,
     {.options = {.cluster_bits = 9, .virtual_size = 6 * 512}, .data = 5, .zero = 4}},
    {"empty", READERS | TARGET_HEADER, {.options = {.cluster_bits = 9, .virtual_size = 4 * KB}}},
    {"version-2",
     READERS | TARGET_HEADER,
     {.options = {.cluster_bits = 9, .virtual_size = 4 * KB, .version = 2}, .data = 8}},
    {"backing-name",
     READERS | TARGET_HEADER,
     {.options = {.cluster_bits = 9, .virtual_size = 3 * KB, BACKING}, .data = 6, .zero = 3}},
    {"two-tables",
     READERS,
     {.options = {.cluster_bits = 9, .virtual_size = 40 * KB},
      .data = 2,
      .zero = 2,
      .shuffled = true}},
    {"part-of-a-cluster",
     READERS,
     {.options = {.cluster_bits = 10, .virtual_size = 4 * KB + 512}, .data = 10, .zero = 3}},
    {"refcounts-1",
     READERS,
     {.options = {.cluster_bits = 9, .virtual_size = 2 * KB, .refcount_bits = 1}, .data = 12}},
    {"refcounts-8",
     TARGET_CHECK,
     {.options = {.cluster_bits = 9, .virtual_size = 2 * KB, .refcount_bits = 8}, .data = 12}},
    {"refcounts-64",
     TARGET_CHECK | TARGET_HEADER,
     {.options = {.cluster_bits = 9, .virtual_size = 4 * KB, .refcount_bits = 64}, .data = 12}},
    {"clusters-4k",
     READERS,
     {.options = {.cluster_bits = 12, .virtual_size = 12 * KB}, .data = 8, .zero = 4}},
    {"packed-deflate",
     READERS,
     {.options = {.cluster_bits = 9,
                  .virtual_size = 4 * KB,
                  .compression = QCOW2_COMPRESSION_DEFLATE},
      .data = 2,
      .packed = 14}},
    {"packed-zstd",
     READERS | TARGET_HEADER,
     {.options = {.cluster_bits = 10,
                  .virtual_size = 4 * KB,
                  .compression = QCOW2_COMPRESSION_ZSTD},
      .data = 2,
      .zero = 2,
      .packed = 14}},
    {"subclusters",
     READERS,
     {.options = {.cluster_bits = 14, .virtual_size = 16 * KB, .extended_l2 = true}, .parts = 14}},
    {"bitmaps",
     TARGET_BITMAPS | TARGET_CHECK | TARGET_HEADER,
     {.options = {.cluster_bits = 9, .virtual_size = 64 * KB}, .bitmaps = 2}},
    {"bitmap-large-disk",
     TARGET_BITMAPS,
     {.options = {.cluster_bits = 12, .virtual_size = 4096 * KB}, .bitmaps = 1}},
    {"snapshots",
     TARGET_BITMAPS | READERS | TARGET_HEADER,
     {.options = {.cluster_bits = 9, .virtual_size = 2 * KB}, .data = 8, .snapshots = 2}},
    {"snapshots-and-bitmaps",
     TARGET_BITMAPS | TARGET_CHECK,
     {.options = {.cluster_bits = 9, .virtual_size = 4 * KB},
      .data = 4,
      .bitmaps = 2,
      .snapshots = 1}},
};

static void save_images(void)
{
    for (size_t i = 0; i < ARRAY_LEN(images); i++) {
        size_t len = 0;
        AUTO(mem) void *image = seed_image(&images[i].shape, i + 1, &len);
        save(images[i].where, images[i].name, image, len);
    }
}

/* An incompatible feature that nobody knows, with its name: a table that the writer leaves out of
 * small clusters. */
static void save_unknown_feature(void)
{
    static const struct seed_shape shape = {.options = {.cluster_bits = 9, .virtual_size = 4 * KB}};
    size_t len = 0;
    AUTO(mem) void *image = seed_image(&shape, 1, &len);
    uint8_t *ext = (uint8_t *)image + QCOW2_V3_HEADER;
    be32_put(ext, 0, QCOW2_EXT_FEATURES);
    be32_put(ext, 4, 2 * QCOW2_FEATURE_ENTRY);
    memcpy(ext + 8, "\0\5from the future", 17);
    memcpy(ext + 8 + QCOW2_FEATURE_ENTRY, "\1\7'odd\n", 8);
    save(TARGET_HEADER, "feature-names", image, len);
    be64_put(image, HDR_INCOMPATIBLE, UINT64_C(1) << 5 | UINT64_C(1) << 63);
    save(TARGET_HEADER, "unknown-feature", image, len);
}

/* ---- chains ---- */

/* One letter a layer: p plain, g grown, z deflate, v version 2, b recorded backing, s snapshots. */
static struct seed_shape chain_shape(char letter)
{
    struct seed_shape s = {.options = {.cluster_bits = 9, .virtual_size = 4 * KB},
                           .data = 4,
                           .zero = 3,
                           .shuffled = true};
    switch (letter) {
    case 'g':
        s.options.virtual_size = 6 * KB;
        break;
    case 'z':
        s.options.compression = QCOW2_COMPRESSION_DEFLATE;
        s.packed = 8;
        break;
    case 'v':
        s.options.version = 2;
        s.zero = 0;
        break;
    case 'b':
        s.options.backing_name = "/disk.qcow2";
        s.options.backing_format = "qcow2";
        break;
    case 'w':
        s.options.cluster_bits = 11;
        break;
    default:
        break;
    }
    return s;
}

static const struct {
    const char *name, *layers;
    unsigned where;
    uint8_t flags;
    const char *ids, *parents; /* a digit a layer, 0: none */
    uint8_t checks;
} chains[] = {
    {"chain-2", "pp", READERS & ~(unsigned)TARGET_CHECK, 0, "00", "00", 0},
    {"chain-mixed", "pwg", READERS & ~(unsigned)TARGET_CHECK, 0, "000", "000", 0},
    {"chain-packed", "zzp", READERS & ~(unsigned)TARGET_CHECK, 0, "000", "000", 0},
    {"chain-4", "pwbg", READERS & ~(unsigned)TARGET_CHECK, 2, "0000", "0000", 0},
    {"declared", "pbb", TARGET_CHAIN, 4, "123", "012", 5},
    {"undeclared", "ppp", TARGET_CHAIN, 0, "000", "000", 0},
    {"standalone", "pgp", TARGET_CHAIN, 8, "120", "010", 1},
    {"lax", "vvb", TARGET_CHAIN, 3, "123", "012", 5},
    {"wrong-length", "pp", TARGET_CHAIN, 0, "12", "01", 2},
    {"wrong-digest", "pp", TARGET_CHAIN, 0, "12", "01", 8},
    {"bad-digest", "pp", TARGET_CHAIN, 0, "12", "01", 12},
    {"cycle", "ppp", TARGET_CHAIN, 0, "123", "321", 0},
    {"gap", "ppp", TARGET_CHAIN, 0, "124", "013", 0},
    {"order", "ppp", TARGET_CHAIN, 0, "132", "021", 0},
    {"duplicate", "ppp", TARGET_CHAIN, 0, "122", "011", 0},
    {"wrong-parent", "ppp", TARGET_CHAIN, 0, "123", "011", 0},
    {"foreign-parent", "pp", TARGET_CHAIN, 0, "12", "05", 0},
    {"foreign-parent-behind-no-id", "pp", TARGET_CHAIN, 0, "02", "05", 0},
};

static void save_chain(size_t c)
{
    struct fuzz_input input = {.flags = chains[c].flags, .count = strlen(chains[c].layers)};
    uint8_t *bytes[FUZZ_LAYERS_MAX];
    for (size_t i = 0; i < input.count; i++) {
        struct seed_shape shape = chain_shape(chains[c].layers[i]);
        struct fuzz_layer *l = &input.layers[i];
        bytes[i] = seed_image(&shape, 100 + c * 10 + i, &l->len);
        l->bytes = bytes[i];
        l->id = (uint8_t)(chains[c].ids[i] - '0');
        l->parent = (uint8_t)(chains[c].parents[i] - '0');
        l->type = l->id == 0 ? 0 : i == 0 ? 1 : 2;
        l->checks = chains[c].checks;
    }
    size_t len = fuzz_input_write(&input, NULL);
    AUTO(mem) void *whole = mem_alloc(len);
    fuzz_input_write(&input, whole);
    save(chains[c].where, chains[c].name, whole, len);
    for (size_t i = 0; i < input.count; i++)
        free(bytes[i]);
}

/* ---- compressed clusters ---- */

static size_t pack_deflate(const void *in, size_t len, void *out, size_t cap, int strategy)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in, .avail_in = (uInt)len};
    z.next_out = out;
    z.avail_out = (uInt)cap;
    int r = deflateInit2(&z, 9, Z_DEFLATED, -12, 9, strategy);
    assert(r == Z_OK);
    r = deflate(&z, Z_FINISH);
    assert(r == Z_STREAM_END);
    deflateEnd(&z);
    return cap - z.avail_out;
}

/* bits: the choice of byte 0, see fuzz_qcow2_compressed.c. */
static void save_packed(const char *name, uint8_t bits, size_t cluster, uint64_t seed, int strategy)
{
    struct prng p;
    prng_init(&p, seed, "packed");
    AUTO(mem) void *plain = mem_zalloc(cluster);
    if (seed) {
        prng_fill(&p, plain, cluster / 4);
        memcpy((char *)plain + cluster / 2, plain, cluster / 4);
    }
    size_t cap = 2 * cluster + 1024;
    AUTO(mem) void *owner = mem_zalloc(cap);
    uint8_t *out = owner;
    bool zstd = bits >> 2 & 1;
    size_t len = zstd ? ZSTD_compress(out + 4, cap - 4, plain, cluster, 1 + strategy)
                      : pack_deflate(plain, cluster, out + 4, cap - 4, strategy);
    out[0] = bits;
    out[3] = (uint8_t)((len - 1) / 512);
    save(TARGET_COMPRESSED, name, out, 4 + (len + 511) / 512 * 512);
}

static void save_compressed(void)
{
    save_packed("packed-zeros", 0, 512, 0, Z_DEFAULT_STRATEGY);
    save_packed("packed-dynamic", 0, 512, 1, Z_DEFAULT_STRATEGY);
    save_packed("packed-fixed", 1, 1024, 2, Z_FIXED);
    save_packed("packed-literals", 9, 1024, 3, Z_HUFFMAN_ONLY);
    save_packed("packed-4k", 2, 4096, 4, Z_DEFAULT_STRATEGY);
    save_packed("packed-64k", 3, 65536, 0, Z_DEFAULT_STRATEGY);
    save_packed("packed-zstd-zeros", 4, 512, 0, 0);
    save_packed("packed-zstd", 5, 1024, 5, 0);
    save_packed("packed-zstd-4k", 6, 4096, 6, 18);
    save_packed("packed-zstd-64k", 7, 65536, 0, 0);
    save_packed("packed-short-tail", 16, 512, 7, Z_RLE);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_corpus FOLDER\n");
        return 2;
    }
    root = argv[1];
    mkdir(root, 0777);
    save_images();
    save_unknown_feature();
    for (size_t i = 0; i < ARRAY_LEN(chains); i++)
        save_chain(i);
    save_compressed();
    return 0;
}
