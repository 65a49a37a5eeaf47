#include "tests/unit/qcow2/combos.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/prng.h"
#include "qcow2/compare.h"
#include "qcow2/format.h"

static const uint32_t cluster_bits[] = {9, 12, 14, 16, 18, 21};
static const uint32_t refcount_bits[] = {16, 1, 2, 4, 8, 32, 64};
static const char *const compressions[] = {"plain", "deflate", "zstd"};

/* Version 3 with each compression, version 2 with the two it has, subclusters with each. */
#define FLAVOURS 8u

size_t combo_count(void)
{
    return ARRAY_LEN(cluster_bits) * FLAVOURS;
}

struct combo combo_at(size_t index)
{
    size_t flavour = index % FLAVOURS;
    struct combo c = {.cluster_bits = cluster_bits[index / FLAVOURS]};
    struct qcow2_layer_options *o = &c.options;
    o->cluster_bits = c.cluster_bits;
    o->version = flavour == 3 || flavour == 4 ? 2 : 3;
    o->extended_l2 = flavour >= 5 && c.cluster_bits >= 14;
    o->compression = (enum qcow2_compression)(flavour < 5 ? flavour % 3 : flavour - 5);
    o->refcount_bits = o->version == 2 ? 16 : refcount_bits[index % ARRAY_LEN(refcount_bits)];
    o->bitmap = o->version == 3 && index % 2 == 0 ? COMBO_BITMAP : NULL;
    o->never = (enum qcow2_layer_never)(index % 3);
    o->in_order = index % 5 == 0;
    o->scatter_seed = index;
    snprintf(c.name, sizeof c.name, "%u cluster bits, version %u, %u refcount bits, %s%s%s",
             c.cluster_bits, o->version, o->refcount_bits, compressions[o->compression],
             o->extended_l2 ? ", subclusters" : "", o->bitmap ? ", bitmap" : "");
    return c;
}

/* ---- the story ---- */

#define BLOCKS 1203u
#define GROWN 101u

static void change(struct disk_model *d, struct prng *prng, unsigned writes, uint64_t most)
{
    for (unsigned i = 0; i < writes; i++) {
        uint64_t block = prng_below(prng, disk_blocks(d)), rest = disk_blocks(d) - block;
        uint64_t count = 1 + prng_below(prng, rest < most ? rest : most);
        if (i % 3 == 2)
            disk_zero(d, block, count);
        else
            disk_write(d, block, count);
    }
}

struct disk_model *combo_disk(uint64_t seed)
{
    struct disk_model *d = disk_create(seed, BLOCKS);
    struct prng prng;
    prng_init(&prng, seed, "combo disk");
    for (unsigned i = 0; i < COMBO_LAYERS; i++) {
        char name[8];
        snprintf(name, sizeof name, "c%u", i);
        if (i == 3)
            disk_resize(d, BLOCKS + GROWN);
        if (i != 2)
            change(d, &prng, i == 1 ? 40 : 6, i == 1 ? 3 : 250);
        disk_checkpoint(d, name);
    }
    return d;
}

struct bytes combo_layer(const struct combo *c, const struct disk_model *d, size_t i)
{
    return make_layer(i ? disk_checkpoint_at(d, i - 1) : NULL, disk_checkpoint_at(d, i),
                      &c->options);
}

/* ---- reading ---- */

static uint64_t chain_differs(struct qcow2_image **images, size_t count,
                              const struct disk_moment *want, const char *what)
{
    struct qcow2_fault f = {0};
    struct qcow2_chain_options lax = {.accept_v2_increments = true};
    AUTO(qcow2_chain) struct qcow2_chain *chain = qcow2_chain_open(images, count, &lax, &f);
    ck_assert_msg(chain != NULL, "%s: %s", what, f.err.msg ? f.err.msg : "");
    struct qcow2_chain_view a;
    struct qcow2_moment_view b;
    struct qcow2_comparison c;
    int r = qcow2_compare(qcow2_view_chain(&a, chain), qcow2_view_moment(&b, want), NULL, &c, &f);
    ck_assert_msg(r == 0, "%s: %s", what, f.err.msg ? f.err.msg : "");
    ck_assert_msg(c.size_a == c.size_b, "%s: size", what);
    uint64_t differing = c.bytes_differing;
    qcow2_comparison_finish(&c);
    return differing;
}

uint64_t combo_differs(const struct bytes *layers, size_t count, const struct disk_moment *want,
                       const char *what)
{
    struct qcow2_image *images[COMBO_LAYERS];
    for (size_t i = 0; i < count; i++) {
        struct qcow2_fault f = {0};
        images[i] = open_bytes(&layers[i], "layer", &f);
        ck_assert_msg(images[i] != NULL, "%s: layer %zu: %s", what, i, f.err.msg ? f.err.msg : "");
    }
    uint64_t differing = chain_differs(images, count, want, what);
    for (size_t i = 0; i < count; i++)
        qcow2_image_destroy(images[i]);
    return differing;
}

/* ---- bitmaps ---- */

/* The bitmaps extension's data. */
static uint64_t find_extension(const struct bytes *image)
{
    uint64_t at = be32_at(image->data, HDR_LENGTH);
    while (be32_at(image->data, at) != QCOW2_EXT_BITMAPS) {
        ck_assert_uint_ne(be32_at(image->data, at), QCOW2_EXT_END);
        at += 8 + (be32_at(image->data, at + 4) + 7) / 8 * 8;
    }
    ck_assert_uint_eq(be32_at(image->data, at + 4), 24);
    return at + 8;
}

unsigned char *image_bitmap(const struct bytes *image, const char *name, unsigned granularity_bits,
                            uint64_t *ret_count)
{
    const unsigned char *data = image->data;
    uint64_t cs = UINT64_C(1) << be32_at(data, HDR_CLUSTER_BITS), at = find_extension(image);
    ck_assert_uint_eq(be64_at(data, HDR_AUTOCLEAR), QCOW2_AUTOCLEAR_BITMAPS);
    ck_assert_uint_eq(be32_at(data, at), 1);
    uint64_t entry = be64_at(data, at + 16), table = be64_at(data, entry);
    uint32_t tables = be32_at(data, entry + 8);
    ck_assert_uint_eq(be64_at(data, at + 8), (24 + strlen(name) + 7) / 8 * 8);
    ck_assert_uint_eq(be32_at(data, entry + 12), 2); /* auto, not in use */
    ck_assert_uint_eq(data[entry + 16], 1);
    ck_assert_uint_eq(data[entry + 17], granularity_bits);
    ck_assert_uint_eq(be32_at(data, entry + 16) & 0xffff, strlen(name));
    ck_assert_int_eq(memcmp(data + entry + 24, name, strlen(name)), 0);
    uint64_t granule = UINT64_C(1) << granularity_bits;
    *ret_count = (be64_at(data, HDR_SIZE) + granule - 1) / granule;
    ck_assert_uint_eq(tables, (*ret_count + cs * 8 - 1) / (cs * 8));
    unsigned char *bits = mem_zalloc(tables * cs);
    for (uint32_t i = 0; i < tables; i++) {
        uint64_t host = be64_at(data, table + i * UINT64_C(8));
        if (host > 1)
            memcpy(bits + i * cs, data + host, cs);
        else
            memset(bits + i * cs, host ? 0xff : 0, cs);
    }
    return bits;
}
