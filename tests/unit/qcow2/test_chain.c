/* Chains against a naive overlay of letters, and against the rule that made the disk. */
#include "qcow2/chain.h"

#include <string.h>

#include "base/mem.h"
#include "base/prng.h"
#include "qcow2/compare.h"
#include "qcow2/format.h"
#include "tests/unit/qcow2/support.h"
#include "tests/unit/suite.h"

#define LAYERS_MAX 8

struct stack {
    struct bytes bytes[LAYERS_MAX];
    struct qcow2_image *images[LAYERS_MAX];
    size_t count;
};

static void stack_finish(struct stack *s)
{
    for (size_t i = 0; i < s->count; i++) {
        qcow2_image_destroy(s->images[i]);
        free(s->bytes[i].data);
    }
}

static void stack_add(struct stack *s, struct bytes b)
{
    struct qcow2_fault f = {0};
    s->bytes[s->count] = b;
    s->images[s->count] = open_bytes(&s->bytes[s->count], "layer", &f);
    ck_assert_msg(s->images[s->count] != NULL, "%s", f.err.msg ? f.err.msg : "");
    s->count++;
}

static enum qcow2_defect open_defect(struct stack *s, const struct qcow2_chain_options *o)
{
    struct qcow2_fault f = {0};
    qcow2_chain_destroy(qcow2_chain_open(s->images, s->count, o, &f));
    enum qcow2_defect defect = f.defect;
    qcow2_fault_clear(&f);
    return defect;
}

/* ---- letters ---- */

static const struct overlay_row {
    const char *name;
    uint32_t bits; /* of each layer's clusters */
    const char *layers[4];
    const char *want; /* '.' and '0' read as zero */
} overlays[] = {
    {"one layer", 12, {"A.0B"}, "A..B"},
    {"data hides data", 12, {"AAAA", ".B.."}, "ABAA"},
    {"zero hides data", 12, {"AAAA", ".0.."}, "A.AA"},
    {"data over zero over data", 12, {"AAAA", "00..", ".C.."}, ".CAA"},
    {"empty increment", 12, {"AB..", "...."}, "AB.."},
    {"grown disk", 12, {"AB", "..C."}, "ABC."},
    {"grown twice", 12, {"A", "B.", "..0C"}, "B..C"},
    {"alternating", 9, {"ABABABAB", "C.C.C.C.", ".0.0.0.0"}, "C.C.C.C."},
    {"file order is not guest order", 9, {"DCBA", "b..a"}, "bCBa"},
};

static void read_letters(struct qcow2_chain *chain, size_t cs, const char *want, const char *name)
{
    struct qcow2_fault f = {0};
    AUTO(str) char *buf = mem_alloc(cs);
    for (size_t i = 0; want[i]; i++) {
        ck_assert_int_eq(qcow2_chain_read(chain, i * cs, buf, cs, &f), 0);
        char letter = want[i] == '.' || want[i] == '0' ? 0 : want[i];
        for (size_t k = 0; k < cs; k++)
            ck_assert_msg(buf[k] == letter, "%s: cluster %zu byte %zu: %d, expected %d", name, i, k,
                          buf[k], letter);
    }
}

START_TEST(overlay)
{
    const struct overlay_row *row = &overlays[_i];
    __attribute__((cleanup(stack_finish))) struct stack s = {0};
    for (size_t i = 0; i < ARRAY_LEN(row->layers) && row->layers[i]; i++)
        stack_add(&s, make_image(row->bits, row->layers[i], NULL));
    struct qcow2_fault f = {0};
    AUTO(qcow2_chain) struct qcow2_chain *chain = qcow2_chain_open(s.images, s.count, NULL, &f);
    ck_assert_msg(chain != NULL, "%s: %s", row->name, f.err.msg ? f.err.msg : "");
    ck_assert_uint_eq(qcow2_chain_size(chain), strlen(row->want) << row->bits);
    read_letters(chain, (size_t)1 << row->bits, row->want, row->name);
}
END_TEST

/* Layers of different cluster sizes, random content, read at random places. */
START_TEST(mixed_cluster_sizes)
{
    enum { SIZE = 1 << 18 };
    struct prng prng;
    prng_init(&prng, (uint64_t)_i, "mixed clusters");
    __attribute__((cleanup(stack_finish))) struct stack s = {0};
    AUTO(str) char *want = mem_zalloc(SIZE);
    for (size_t layer = 0; layer < LAYERS_MAX; layer++) {
        uint32_t bits = 9 + (uint32_t)prng_below(&prng, 7);
        size_t clusters = SIZE >> bits;
        AUTO(str) char *layout = mem_zalloc(clusters + 1);
        for (size_t i = 0; i < clusters; i++) {
            static const char kinds[] = "....0ABCDE";
            layout[i] = kinds[prng_below(&prng, 10)];
            if (layout[i] != '.')
                memset(want + (i << bits), layout[i] == '0' ? 0 : layout[i], (size_t)1 << bits);
        }
        stack_add(&s, make_image(bits, layout, NULL));
    }
    struct qcow2_fault f = {0};
    AUTO(qcow2_chain) struct qcow2_chain *chain = qcow2_chain_open(s.images, s.count, NULL, &f);
    ck_assert_ptr_nonnull(chain);
    AUTO(str) char *got = mem_alloc(SIZE);
    ck_assert_int_eq(qcow2_chain_read(chain, 0, got, SIZE, &f), 0);
    ck_assert_mem_eq(got, want, SIZE);
    for (unsigned i = 0; i < 200; i++) {
        size_t at = prng_below(&prng, SIZE);
        size_t len = prng_below(&prng, SIZE - at + 1);
        ck_assert_int_eq(qcow2_chain_read(chain, at, got, len, &f), 0);
        ck_assert_mem_eq(got, want + at, len);
    }
    size_t count;
    const struct qcow2_extent *e = qcow2_chain_extents(chain, &count);
    for (size_t i = 1; i < count; i++)
        ck_assert_uint_le(e[i - 1].start + e[i - 1].len, e[i].start);
}
END_TEST

/* Hundreds of layers that overlap: the map's merging against the naive one. */
START_TEST(many_layers)
{
    enum { COUNT = 300, CLUSTERS = 128, BITS = 9, SIZE = CLUSTERS << BITS };
    struct prng prng;
    prng_init(&prng, (uint64_t)_i, "many layers");
    struct bytes bytes[COUNT];
    struct qcow2_image *images[COUNT];
    uint32_t top[CLUSTERS]; /* the layer that shows; 0: none or the base */
    char want[CLUSTERS];
    memset(want, 0, sizeof want);
    memset(top, 0, sizeof top);
    struct qcow2_fault f = {0};
    for (uint32_t layer = 0; layer < COUNT; layer++) {
        char layout[CLUSTERS + 1] = {0};
        memset(layout, '.', CLUSTERS);
        /* Empty ones, long ones, and single clusters. */
        size_t n = layer % 7 == 3 ? 0 : layer % 11 == 5 ? CLUSTERS / 2 : prng_below(&prng, 4);
        for (size_t k = 0; k < n; k++) {
            size_t at = prng_below(&prng, CLUSTERS);
            layout[at] = (char)(prng_below(&prng, 5) ? 'A' + (char)(layer % 26) : '0');
            want[at] = layout[at] == '0' ? 0 : layout[at];
            top[at] = layer;
        }
        bytes[layer] = make_image(BITS, layout, NULL);
        images[layer] = open_bytes(&bytes[layer], "layer", &f);
    }
    struct qcow2_chain *chain = qcow2_chain_open(images, COUNT, NULL, &f);
    ck_assert_ptr_nonnull(chain);
    ck_assert_uint_eq(qcow2_chain_layers(chain), COUNT);
    ck_assert_ptr_eq(qcow2_chain_layer(chain, 299), images[299]);
    AUTO(str) char *got = mem_alloc(SIZE);
    ck_assert_int_eq(qcow2_chain_read(chain, 0, got, SIZE, &f), 0);
    for (size_t i = 0; i < CLUSTERS; i++) {
        ck_assert_int_eq(got[i << BITS], want[i]);
        struct qcow2_extent e = qcow2_chain_extent_at(chain, i << BITS);
        ck_assert(e.kind == QCOW2_EXTENT_HOLE || e.layer == top[i]);
        ck_assert(e.kind != QCOW2_EXTENT_HOLE || want[i] == 0);
    }
    qcow2_chain_destroy(chain);
    for (size_t layer = 0; layer < COUNT; layer++) {
        qcow2_image_destroy(images[layer]);
        free(bytes[layer].data);
    }
}
END_TEST

/* ---- readers ---- */

static void expect_same_extent(const struct qcow2_chain *chain, struct qcow2_reader *r, uint64_t at)
{
    struct qcow2_extent want = qcow2_chain_extent_at(chain, at);
    struct qcow2_extent got = qcow2_reader_extent_at(r, at);
    ck_assert_uint_eq(got.start, want.start);
    ck_assert_uint_eq(got.len, want.len);
    ck_assert_uint_eq(got.host, want.host);
    ck_assert_uint_eq(got.layer, want.layer);
    ck_assert_int_eq(got.kind, want.kind);
}

START_TEST(readers_find_what_the_chain_finds)
{
    __attribute__((cleanup(stack_finish))) struct stack s = {0};
    stack_add(&s, make_image(9, "AB.CDEFGHIJKLM..NOPQRST0U.V", NULL));
    stack_add(&s, make_image(9, "..x......0.......y.......0.", NULL));
    struct qcow2_fault f = {0};
    AUTO(qcow2_chain) struct qcow2_chain *chain = qcow2_chain_open(s.images, s.count, NULL, &f);
    AUTO(qcow2_reader) struct qcow2_reader *r = qcow2_reader_create(chain);
    uint64_t size = qcow2_chain_size(chain), covered = 0;
    for (uint64_t at = 0; at < size; at += 64) /* forwards */
        expect_same_extent(chain, r, at);
    for (uint64_t at = size; at > 0; at -= 64) /* backwards */
        expect_same_extent(chain, r, at - 1);
    struct prng prng;
    prng_init(&prng, 1, "jumps");
    for (unsigned i = 0; i < 2000; i++)
        expect_same_extent(chain, r, prng_below(&prng, size));
    for (uint64_t at = 0; at < size; at += qcow2_reader_extent_at(r, at).len)
        covered += qcow2_reader_extent_at(r, at).len;
    ck_assert_uint_eq(covered, size); /* holes included */
}
END_TEST

/* Two readers of one chain do not disturb each other. */
START_TEST(readers_are_independent)
{
    enum { SIZE = 1 << 18 };
    __attribute__((cleanup(stack_finish))) struct stack s = {0};
    stack_add(&s, make_image(12, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB",
                             NULL));
    stack_add(&s, make_image(9, "C.0", &(struct qcow2_writer_options){.virtual_size = SIZE}));
    struct qcow2_fault f = {0};
    AUTO(qcow2_chain) struct qcow2_chain *chain = qcow2_chain_open(s.images, s.count, NULL, &f);
    AUTO(qcow2_reader) struct qcow2_reader *one = qcow2_reader_create(chain);
    AUTO(qcow2_reader) struct qcow2_reader *two = qcow2_reader_create(chain);
    AUTO(str) char *want = mem_alloc(SIZE);
    ck_assert_int_eq(qcow2_chain_read(chain, 0, want, SIZE, &f), 0);
    for (uint64_t at = 0; at < SIZE; at += 1000) {
        char buf[1000];
        uint64_t back = SIZE - at;
        size_t n = back < sizeof buf ? (size_t)back : sizeof buf;
        ck_assert_int_eq(qcow2_reader_read(one, at, buf, n, &f), 0);
        ck_assert_mem_eq(buf, want + at, n);
        ck_assert_int_eq(qcow2_reader_read(two, back - n, buf, n, &f), 0);
        ck_assert_mem_eq(buf, want + back - n, n);
    }
}
END_TEST

/* ---- refusals ---- */

START_TEST(refusals)
{
    __attribute__((cleanup(stack_finish))) struct stack s = {0};
    ck_assert_int_eq(open_defect(&s, NULL), QCOW2_CHAIN_EMPTY);
    stack_add(&s, make_image(12, "AAAA", NULL));
    stack_add(&s, make_image(12, "BBB", NULL));
    ck_assert_int_eq(open_defect(&s, NULL), QCOW2_CHAIN_SHRUNK);

    struct qcow2_image *twice[] = {s.images[0], s.images[0]};
    struct qcow2_fault f = {0};
    ck_assert_ptr_null(qcow2_chain_open(twice, 2, NULL, &f));
    ck_assert_int_eq(f.defect, QCOW2_CHAIN_LOOP);
    qcow2_fault_clear(&f);

    struct qcow2_chain_options one = {.layers_max = 1};
    ck_assert_int_eq(open_defect(&s, &one), QCOW2_CHAIN_DEPTH);
}
END_TEST

START_TEST(version_2_increments)
{
    __attribute__((cleanup(stack_finish))) struct stack s = {0};
    struct qcow2_writer_options v2 = {.version = 2};
    stack_add(&s, make_image(12, "AA", &v2)); /* a base may be */
    ck_assert_int_eq(open_defect(&s, NULL), QCOW2_OK);
    struct qcow2_writer_options v2_again = {.version = 2};
    stack_add(&s, make_image(12, ".B", &v2_again));
    ck_assert_int_eq(open_defect(&s, NULL), QCOW2_POLICY_V2);
    struct qcow2_chain_options lax = {.accept_v2_increments = true};
    ck_assert_int_eq(open_defect(&s, &lax), QCOW2_OK);
}
END_TEST

START_TEST(names_of_backing_files)
{
    __attribute__((cleanup(stack_finish))) struct stack s = {0};
    struct qcow2_writer_options passwd = {.backing_name = "/etc/passwd", .backing_format = "raw"};
    stack_add(&s, make_image(12, "A.", &passwd));
    ck_assert_int_eq(open_defect(&s, NULL), QCOW2_POLICY_BACKING);
    struct qcow2_chain_options lax = {.accept_base_backing = true};
    ck_assert_int_eq(open_defect(&s, &lax), QCOW2_OK);

    /* Informative on an increment, whatever it names. */
    __attribute__((cleanup(stack_finish))) struct stack t = {0};
    struct qcow2_writer_options again = {.backing_name = "/etc/passwd", .backing_format = "raw"};
    stack_add(&t, make_image(12, "A.", NULL));
    stack_add(&t, make_image(12, "..", &again));
    struct qcow2_fault f = {0};
    AUTO(qcow2_chain) struct qcow2_chain *chain = qcow2_chain_open(t.images, 2, NULL, &f);
    read_letters(chain, 4096, "A.", "names");
}
END_TEST

static const struct backing_row {
    const char *name;
    bool recorded;
    enum qcow2_backing_rule rule;
    enum qcow2_defect want;
} backing_rows[] = {
    {"any, recorded", true, QCOW2_BACKING_ANY, QCOW2_OK},
    {"any, standalone", false, QCOW2_BACKING_ANY, QCOW2_OK},
    {"recorded as wanted", true, QCOW2_BACKING_RECORDED, QCOW2_OK},
    {"not recorded", false, QCOW2_BACKING_RECORDED, QCOW2_CHAIN_BACKING},
    {"standalone as wanted", false, QCOW2_BACKING_STANDALONE, QCOW2_OK},
    {"not standalone", true, QCOW2_BACKING_STANDALONE, QCOW2_CHAIN_BACKING},
};

START_TEST(backing_rules)
{
    const struct backing_row *row = &backing_rows[_i];
    __attribute__((cleanup(stack_finish))) struct stack s = {0};
    struct qcow2_writer_options o = {0};
    if (row->recorded)
        o = (struct qcow2_writer_options){.backing_name = "/dev/vda", .backing_format = "raw"};
    stack_add(&s, make_image(12, "A.", NULL)); /* the rule is not for the base */
    stack_add(&s, make_image(12, ".B", &o));
    struct qcow2_chain_options rule = {.increments = row->rule};
    ck_assert_msg(open_defect(&s, &rule) == row->want, "%s", row->name);
}
END_TEST

/* The pieces held while merging are bounded, those of one image as well. */
START_TEST(pieces_are_bounded)
{
    __attribute__((cleanup(stack_finish))) struct stack s = {0};
    stack_add(&s, make_image(9, "A.A.A.A.A.A.", NULL));
    stack_add(&s, make_image(9, ".B.B.B.B.B.B", NULL));
    struct qcow2_chain_options eleven = {.extents_max = 11}, twelve = {.extents_max = 12};
    ck_assert_int_eq(open_defect(&s, &eleven), QCOW2_LIMIT);
    ck_assert_int_eq(open_defect(&s, &twelve), QCOW2_OK);
    struct qcow2_policy five = {.extents_max = 5};
    struct qcow2_fault f = {0};
    AUTO(qcow2_image)
    struct qcow2_image *image =
        qcow2_image_open(qcow2_io_memory(s.bytes[0].data, s.bytes[0].len, "x"), &five, &f);
    ck_assert_ptr_null(qcow2_chain_open(&image, 1, NULL, &f));
    ck_assert_int_eq(f.defect, QCOW2_LIMIT);
    qcow2_fault_clear(&f);
}
END_TEST

static void expect_loop(struct qcow2_image *const *images, size_t first, size_t second)
{
    struct qcow2_fault f = {0};
    ck_assert_ptr_null(qcow2_chain_open(images, LAYERS_MAX, NULL, &f));
    ck_assert_int_eq(f.defect, QCOW2_CHAIN_LOOP);
    AUTO(str) char *want = mem_printf("the file is layer %zu and layer %zu", first, second);
    ck_assert_msg(strstr(f.err.msg, want) != NULL, "%s", f.err.msg);
    qcow2_fault_clear(&f);
}

/* The first pair in the order of layers is told, wherever the images stand in memory. */
START_TEST(every_pair_is_noticed)
{
    __attribute__((cleanup(stack_finish))) struct stack s = {0};
    struct qcow2_image *images[LAYERS_MAX];
    for (size_t i = 0; i < LAYERS_MAX; i++)
        stack_add(&s, make_image(12, "A", NULL));
    for (size_t i = 1; i < LAYERS_MAX; i++)
        for (size_t k = 0; k < i; k++) {
            memcpy(images, s.images, sizeof images);
            images[i] = images[k];
            expect_loop(images, k, i);
        }
    for (size_t i = 0; i < 2; i++) { /* two pairs */
        memcpy(images, s.images, sizeof images);
        images[5] = images[i];
        images[7] = images[1 - i];
        expect_loop(images, i, 5);
    }
}
END_TEST

START_TEST(the_same_file_twice)
{
    char *folder = scratch_create();
    AUTO(str) char *a = mem_printf("%s/a.qcow2", folder);
    AUTO(str) char *alias = mem_printf("%s/./a.qcow2", folder);
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "A", NULL);
    write_file(a, b.data, b.len);
    struct qcow2_fault f = {0};
    AUTO(qcow2_image) struct qcow2_image *one = qcow2_image_open_file(a, NULL, &f);
    AUTO(qcow2_image) struct qcow2_image *two = qcow2_image_open_file(alias, NULL, &f);
    struct qcow2_image *layers[] = {one, two};
    ck_assert_ptr_null(qcow2_chain_open(layers, 2, NULL, &f));
    ck_assert_int_eq(f.defect, QCOW2_CHAIN_LOOP);
    qcow2_fault_clear(&f);
    scratch_remove(folder);
}
END_TEST

START_TEST(compressed_garbage)
{
    __attribute__((cleanup(stack_finish))) struct stack s = {0};
    struct bytes b = make_image(12, "AB", NULL);
    be64_put(b.data, 4 * 4096, QCOW2_COMPRESSED | UINT64_C(3) << 58 | 5 * 4096);
    stack_add(&s, b);
    struct qcow2_fault f = {0};
    AUTO(qcow2_chain) struct qcow2_chain *chain = qcow2_chain_open(s.images, 1, NULL, &f);
    ck_assert_ptr_nonnull(chain);
    char buf[8192];
    ck_assert_int_eq(qcow2_chain_read(chain, 4096, buf, 4096, &f), 0); /* its neighbour is well */
    ck_assert_int_eq(qcow2_chain_read(chain, 0, buf, 4096, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_COMP);
    qcow2_fault_clear(&f);
}
END_TEST

/* ---- comparing with the rule ---- */

static void three_moments(struct disk_model *d)
{
    disk_write(d, 0, 512);
    disk_checkpoint(d, "F");
    disk_write(d, 100, 300);
    disk_zero(d, 0, 64);
    disk_checkpoint(d, "I1");
    disk_write(d, 350, 100);
    disk_checkpoint(d, "I2");
}

static struct qcow2_comparison compare_with(struct stack *s, const struct disk_moment *m)
{
    struct qcow2_fault f = {0};
    AUTO(qcow2_chain) struct qcow2_chain *chain = qcow2_chain_open(s->images, s->count, NULL, &f);
    ck_assert_msg(chain != NULL, "%s", f.err.msg ? f.err.msg : "");
    struct qcow2_chain_view a;
    struct qcow2_moment_view b;
    struct qcow2_comparison c;
    ck_assert_int_eq(
        qcow2_compare(qcow2_view_chain(&a, chain), qcow2_view_moment(&b, m), NULL, &c, &f), 0);
    return c;
}

START_TEST(every_moment_comes_back)
{
    static const uint32_t bits[] = {18, 16, 12, 9, 21};
    AUTO(disk) struct disk_model *d = disk_create(3, 1027); /* not whole clusters */
    three_moments(d);
    for (unsigned variant = 0; variant < 6; variant++) {
        __attribute__((cleanup(stack_finish))) struct stack s = {0};
        struct qcow2_layer_options o = {.cluster_bits = bits[_i],
                                        .never = variant % 3,
                                        .in_order = variant >= 3,
                                        .scatter_seed = variant};
        for (size_t i = 0; i < 3; i++) {
            struct disk_moment *from = i ? disk_checkpoint_at(d, i - 1) : NULL;
            stack_add(&s, make_layer(from, disk_checkpoint_at(d, i), &o));
            struct qcow2_comparison c = compare_with(&s, disk_checkpoint_at(d, i));
            ck_assert(qcow2_comparison_same(&c));
            ck_assert_uint_gt(c.bytes_read, 0);
            qcow2_comparison_finish(&c);
        }
    }
}
END_TEST

/* Leaving I1 out must be seen, and the differing ranges are told by layer. */
START_TEST(a_missing_layer_is_found)
{
    AUTO(disk) struct disk_model *d = disk_create(3, 1024);
    three_moments(d);
    __attribute__((cleanup(stack_finish))) struct stack s = {0};
    struct qcow2_layer_options o = {.cluster_bits = 12};
    stack_add(&s, make_layer(NULL, disk_find(d, "F"), &o));
    stack_add(&s, make_layer(disk_find(d, "I1"), disk_find(d, "I2"), &o));
    struct qcow2_comparison c = compare_with(&s, disk_find(d, "I2"));
    ck_assert(!qcow2_comparison_same(&c));
    ck_assert_uint_eq(c.bytes_differing, (64 + 250) * 4096);
    ck_assert_uint_eq(c.count, 2);
    ck_assert_uint_eq(c.items[0].start, 0);
    ck_assert_uint_eq(c.items[0].len, 64 * 4096);
    ck_assert_uint_eq(c.items[0].layer_a, 0);
    ck_assert(c.items[0].zero_b);
    ck_assert_uint_eq(c.items[1].start, 100 * 4096);
    qcow2_comparison_finish(&c);
}
END_TEST

START_TEST(layer_shapes)
{
    AUTO(disk) struct disk_model *d = disk_create(3, 1024);
    three_moments(d);
    disk_checkpoint(d, "I3");
    struct qcow2_layer_options o = {0};
    __attribute__((cleanup(cleanup_bytes))) struct bytes empty =
        make_layer(disk_find(d, "I2"), disk_find(d, "I3"), &o);
    ck_assert_uint_eq(empty.len, 786440); /* as measured on a real empty increment */
    __attribute__((cleanup(cleanup_bytes))) struct bytes full =
        make_layer(NULL, disk_find(d, "F"), &o);
    ck_assert_uint_eq(full.len, (5 + 16) << 18); /* data everywhere, also where nobody wrote */
    o.never = QCOW2_NEVER_UNALLOCATED;
    __attribute__((cleanup(cleanup_bytes))) struct bytes sparse =
        make_layer(NULL, disk_find(d, "F"), &o);
    ck_assert_uint_eq(sparse.len, (5 + 8) << 18);
    __attribute__((cleanup(cleanup_bytes))) struct bytes again =
        make_layer(NULL, disk_find(d, "F"), &o);
    ck_assert_mem_eq(sparse.data, again.data, sparse.len);
}
END_TEST

START_TEST(raw_files_compare)
{
    char *folder = scratch_create();
    AUTO(str) char *path = mem_printf("%s/disk.img", folder);
    AUTO(disk) struct disk_model *d = disk_create(3, 1024);
    three_moments(d);
    AUTO(str) char *raw = mem_alloc(1024 * 4096);
    disk_read(disk_find(d, "I2"), 0, raw, 1024 * 4096);
    raw[777 * 4096 + 5] ^= 1;
    write_file(path, raw, 1024 * 4096);
    struct qcow2_fault f = {0};
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_io_open(path, QCOW2_IO_DEVICE, &f);
    struct qcow2_io_view a;
    struct qcow2_moment_view b;
    struct qcow2_comparison c;
    ck_assert_int_eq(qcow2_compare(qcow2_view_io(&a, io), qcow2_view_moment(&b, disk_find(d, "I2")),
                                   NULL, &c, &f),
                     0);
    ck_assert_uint_eq(c.count, 1);
    ck_assert_uint_eq(c.items[0].start, 777 * 4096);
    ck_assert_uint_eq(c.items[0].len, 4096);
    qcow2_comparison_finish(&c);
    scratch_remove(folder);
}
END_TEST

int main(void)
{
    return SUITE_MAIN(
        "qcow2.chain",
        SUITE_LONG_CASE(
            "chain", 60, EACH(overlay, overlays), RANGE(mixed_cluster_sizes, 0, 10),
            RANGE(many_layers, 0, 3), TEST(readers_find_what_the_chain_finds),
            TEST(readers_are_independent), TEST(refusals), EACH(backing_rules, backing_rows),
            TEST(pieces_are_bounded), TEST(every_pair_is_noticed), TEST(version_2_increments),
            TEST(names_of_backing_files), TEST(the_same_file_twice), TEST(compressed_garbage),
            RANGE(every_moment_comes_back, 0, 5), TEST(a_missing_layer_is_found),
            TEST(layer_shapes), TEST(raw_files_compare)));
}
