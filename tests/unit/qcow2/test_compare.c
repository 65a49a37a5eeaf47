/* Comparisons against a naive one, by any number of threads. */
#include "qcow2/compare.h"

#include <string.h>

#include "base/mem.h"
#include "base/prng.h"
#include "tests/unit/qcow2/support.h"
#include "tests/unit/suite.h"

#define CLUSTER_BITS 16
#define CLUSTER ((size_t)1 << CLUSTER_BITS)
#define STRIPE ((size_t)8 << 20)

/* A chain of two in memory, and what it reads as. */
struct disk {
    struct bytes bytes[2];
    struct qcow2_image *images[2];
    struct qcow2_chain *chain;
    char *content;
    size_t size;
};

static void disk_finish(struct disk *d)
{
    qcow2_chain_destroy(d->chain);
    for (size_t i = 0; i < 2; i++) {
        qcow2_image_destroy(d->images[i]);
        free(d->bytes[i].data);
    }
    free(d->content);
}

static void disk_layer(struct disk *d, size_t layer, struct prng *prng)
{
    static const char kinds[] = "......00AB";
    size_t clusters = d->size >> CLUSTER_BITS;
    AUTO(str) char *layout = mem_zalloc(clusters + 1);
    for (size_t i = 0; i < clusters; i++) {
        /* Runs, so that there is something to skip. */
        bool again = i > 0 && prng_below(prng, 4) > 0;
        layout[i] = again ? layout[i - 1] : kinds[prng_below(prng, 10)];
        if (layout[i] != '.')
            memset(d->content + (i << CLUSTER_BITS), layout[i] == '0' ? 0 : layout[i], CLUSTER);
    }
    d->bytes[layer] = make_image(CLUSTER_BITS, layout, NULL);
    struct qcow2_fault f = {0};
    d->images[layer] = open_bytes(&d->bytes[layer], layer ? "i1" : "full", &f);
    ck_assert_ptr_nonnull(d->images[layer]);
}

static void make_disk(struct disk *d, size_t size, uint64_t seed)
{
    struct prng prng;
    prng_init(&prng, seed, "disk");
    *d = (struct disk){.size = size, .content = mem_zalloc(size)};
    disk_layer(d, 0, &prng);
    disk_layer(d, 1, &prng);
    struct qcow2_fault f = {0};
    d->chain = qcow2_chain_open(d->images, 2, NULL, &f);
    ck_assert_ptr_nonnull(d->chain);
}

static struct qcow2_comparison compare(struct disk *d, struct qcow2_io *raw,
                                       const struct qcow2_compare_options *o)
{
    struct qcow2_chain_view a;
    struct qcow2_io_view b;
    struct qcow2_comparison c = {0};
    struct qcow2_fault f = {0};
    int r = qcow2_compare(qcow2_view_chain(&a, d->chain), qcow2_view_io(&b, raw), o, &c, &f);
    ck_assert_msg(r == 0, "%s", f.err.msg ? f.err.msg : "");
    return c;
}

static void expect_equal(const struct qcow2_comparison *got, const struct qcow2_comparison *want,
                         unsigned threads)
{
    ck_assert_uint_eq(got->size_a, want->size_a);
    ck_assert_uint_eq(got->size_b, want->size_b);
    ck_assert_uint_eq(got->bytes_read, want->bytes_read);
    ck_assert_uint_eq(got->bytes_differing, want->bytes_differing);
    ck_assert_msg(got->count == want->count, "%u threads: %zu ranges, expected %zu", threads,
                  got->count, want->count);
    ck_assert(got->more == want->more);
    for (size_t i = 0; i < got->count; i++) {
        const struct qcow2_difference *g = &got->items[i], *w = &want->items[i];
        bool same = g->start == w->start && g->len == w->len && g->layer_a == w->layer_a &&
                    g->layer_b == w->layer_b && g->zero_a == w->zero_a && g->zero_b == w->zero_b;
        ck_assert_msg(same, "%u threads: range %zu is %llu+%llu, expected %llu+%llu", threads, i,
                      (unsigned long long)g->start, (unsigned long long)g->len,
                      (unsigned long long)w->start, (unsigned long long)w->len);
    }
}

/* ---- any number of threads ---- */

static uint64_t naive_differing(const struct disk *d, const char *raw, size_t block)
{
    uint64_t sum = 0;
    for (size_t at = 0; at < d->size; at += block) {
        size_t n = d->size - at < block ? d->size - at : block;
        if (memcmp(d->content + at, raw + at, n) != 0)
            sum += n;
    }
    return sum;
}

/* Every found block differs in the right place, and the layer is the one that has it. */
static void check_items(struct disk *d, const struct qcow2_comparison *c)
{
    for (size_t i = 0; i < c->count; i++) {
        struct qcow2_extent e = qcow2_chain_extent_at(d->chain, c->items[i].start);
        ck_assert_uint_eq(c->items[i].layer_a, e.layer);
        ck_assert(c->items[i].zero_a == (e.kind != QCOW2_EXTENT_DATA));
        ck_assert_uint_eq(c->items[i].layer_b, QCOW2_NO_LAYER);
        ck_assert(i == 0 || c->items[i - 1].start + c->items[i - 1].len <= c->items[i].start);
    }
}

static const struct thread_row {
    const char *name;
    uint32_t block;
    size_t ranges_max, flips;
    bool long_runs; /* differences across the borders of stripes */
    size_t within;  /* flips are below; 0: anywhere */
} thread_rows[] = {
    {"same", 0, 0, 0, false, 0},
    {"few", 0, 0, 20, false, 0},
    {"many small blocks", 512, 0, 900, false, 0},
    {"more than the cap", 0, 7, 300, false, 0},
    {"a cap of one", 0, 1, 300, true, 0},
    {"runs over borders", 0, 0, 50, true, 0},
    {"runs over borders, capped", 0, 3, 5, true, 0},
    {"blocks that fit nothing", 5000, 0, 100, true, 0},
    {"blocks of more than a stripe", 9 << 20, 0, 3, false, 0},
    {"capped in the first stripe", 0, 2, 30, false, STRIPE},
};

static void damage(const struct thread_row *row, char *raw, size_t size)
{
    struct prng prng;
    prng_init(&prng, row->flips, "damage");
    for (size_t i = 0; i < row->flips; i++)
        raw[prng_below(&prng, row->within ? row->within : size)] ^= 1;
    if (!row->long_runs)
        return;
    for (size_t at = STRIPE - 40000; at < STRIPE + 40000; at++)
        raw[at] ^= 2;
    for (size_t at = 2 * STRIPE; at < 2 * STRIPE + 4096; at++)
        raw[at] ^= 2;
    raw[3 * STRIPE - 1] ^= 2;
}

START_TEST(any_number_of_threads)
{
    const struct thread_row *row = &thread_rows[_i];
    __attribute__((cleanup(disk_finish))) struct disk d;
    make_disk(&d, 4 * STRIPE + 3 * CLUSTER, 5);
    AUTO(str) char *raw = mem_dup(d.content, d.size);
    damage(row, raw, d.size);
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_io_memory(raw, d.size, "raw");
    struct qcow2_compare_options o = {.block_bytes = row->block, .ranges_max = row->ranges_max};
    struct qcow2_comparison one = compare(&d, io, &o);
    uint64_t want = naive_differing(&d, raw, row->block ? row->block : 4096);
    ck_assert_msg(one.bytes_differing == want, "%s: %llu differ, expected %llu", row->name,
                  (unsigned long long)one.bytes_differing, (unsigned long long)want);
    ck_assert(qcow2_comparison_same(&one) == (want == 0));
    ck_assert(row->ranges_max == 0 || one.more);
    check_items(&d, &one);
    for (o.threads = 1; o.threads < 20; o.threads += o.threads) {
        struct qcow2_comparison c = compare(&d, io, &o);
        expect_equal(&c, &one, o.threads);
        qcow2_comparison_finish(&c);
    }
    qcow2_comparison_finish(&one);
}
END_TEST

/* ---- tails ---- */

static const struct tail_row {
    const char *name;
    size_t longer; /* bytes that the raw file has more */
    size_t at;     /* a byte of them that is not zero; 0: none */
    uint64_t want; /* bytes that differ */
} tail_rows[] = {
    {"zeros behind the chain", 1 << 20, 0, 0},
    {"something behind the chain", 1 << 20, 70000, 4096},
    {"something at once", 512, 1, 512},
    {"over some stripes", 17 << 20, 16 << 20, 4096},
};

START_TEST(tails)
{
    const struct tail_row *row = &tail_rows[_i];
    __attribute__((cleanup(disk_finish))) struct disk d;
    make_disk(&d, 20 * CLUSTER, 7);
    size_t len = d.size + row->longer;
    AUTO(str) char *raw = mem_zalloc(len);
    memcpy(raw, d.content, d.size);
    if (row->at)
        raw[d.size + row->at] = 1;
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_io_memory(raw, len, "raw");
    struct qcow2_compare_options o = {.tails = true};
    for (o.threads = 0; o.threads < 3; o.threads++) {
        struct qcow2_comparison c = compare(&d, io, &o);
        ck_assert_uint_eq(c.bytes_differing, row->want);
        ck_assert(!qcow2_comparison_same(&c)); /* other sizes */
        if (row->want) {
            ck_assert_uint_eq(c.count, 1);
            ck_assert_uint_ge(c.items[0].start, d.size);
            ck_assert_uint_eq(c.items[0].layer_a, QCOW2_NO_LAYER);
            ck_assert(c.items[0].zero_a);
        }
        qcow2_comparison_finish(&c);
    }
    o.tails = false; /* then nobody looks there */
    struct qcow2_comparison c = compare(&d, io, &o);
    ck_assert_uint_eq(c.bytes_differing, 0);
    ck_assert(!qcow2_comparison_same(&c));
    qcow2_comparison_finish(&c);
}
END_TEST

/* The raw side ends in the middle of a block in which the chain has data. */
START_TEST(a_shorter_raw_file)
{
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "AAAA..B.", NULL);
    struct qcow2_fault f = {0};
    AUTO(qcow2_image) struct qcow2_image *image = open_bytes(&b, "x", &f);
    AUTO(qcow2_chain) struct qcow2_chain *chain = qcow2_chain_open(&image, 1, NULL, &f);
    char raw[3 * 4096 + 1000];
    memset(raw, 'A', sizeof raw);
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_io_memory(raw, sizeof raw, "raw");
    struct qcow2_chain_view a;
    struct qcow2_io_view v;
    struct qcow2_compare_options o = {.tails = true};
    struct qcow2_comparison c;
    ck_assert_int_eq(qcow2_compare(qcow2_view_chain(&a, chain), qcow2_view_io(&v, io), &o, &c, &f),
                     0);
    ck_assert_uint_eq(c.count, 2);
    ck_assert_uint_eq(c.items[0].start, 3 * 4096);
    ck_assert_uint_eq(c.items[0].len, 4096);
    ck_assert_uint_eq(c.items[1].start, 6 * 4096);
    ck_assert(c.items[1].zero_b);
    qcow2_comparison_finish(&c);
}
END_TEST

/* ---- what both take from the same place ---- */

static struct qcow2_image *image_file(const char *folder, const char *name)
{
    AUTO(str) char *path = mem_printf("%s/%s", folder, name);
    struct qcow2_fault f = {0};
    struct qcow2_image *image = qcow2_image_open_file(path, NULL, &f);
    ck_assert_msg(image != NULL, "%s", f.err.msg ? f.err.msg : "");
    return image;
}

static void put_image(const char *folder, const char *name, const char *layout)
{
    AUTO(str) char *path = mem_printf("%s/%s", folder, name);
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(16, layout, NULL);
    write_file(path, b.data, b.len);
}

static struct qcow2_comparison compare_pairs(struct qcow2_image *const *x,
                                             struct qcow2_image *const *y, unsigned threads)
{
    struct qcow2_fault f = {0};
    AUTO(qcow2_chain) struct qcow2_chain *one = qcow2_chain_open(x, 2, NULL, &f);
    AUTO(qcow2_chain) struct qcow2_chain *two = qcow2_chain_open(y, 2, NULL, &f);
    ck_assert(one && two);
    struct qcow2_chain_view a, b;
    struct qcow2_comparison c;
    struct qcow2_compare_options o = {.threads = threads};
    int r = qcow2_compare(qcow2_view_chain(&a, one), qcow2_view_chain(&b, two), &o, &c, &f);
    ck_assert_int_eq(r, 0);
    return c;
}

START_TEST(shared_layers_are_not_read)
{
    char *folder = scratch_create();
    put_image(folder, "f", "AAAAAAAA");
    put_image(folder, "copy", "AAAAAAAA"); /* the same bytes in another file */
    put_image(folder, "i1", ".B......");
    put_image(folder, "i2", ".C....0.");
    /* Opened twice: it is the file that counts, not who opened it. */
    AUTO(qcow2_image) struct qcow2_image *f1 = image_file(folder, "f");
    AUTO(qcow2_image) struct qcow2_image *f2 = image_file(folder, "f");
    AUTO(qcow2_image) struct qcow2_image *copy = image_file(folder, "copy");
    AUTO(qcow2_image) struct qcow2_image *i1 = image_file(folder, "i1");
    AUTO(qcow2_image) struct qcow2_image *i2 = image_file(folder, "i2");
    for (unsigned threads = 1; threads < 3; threads++) {
        struct qcow2_comparison c = compare_pairs((struct qcow2_image *[]){f1, i1},
                                                  (struct qcow2_image *[]){f2, i2}, threads);
        ck_assert_uint_eq(c.bytes_read, 2 * CLUSTER);
        ck_assert_uint_eq(c.bytes_differing, 2 * CLUSTER);
        ck_assert_uint_eq(c.count, 2);
        ck_assert_uint_eq(c.items[0].start, CLUSTER);
        ck_assert_uint_eq(c.items[0].layer_a, 1);
        ck_assert_uint_eq(c.items[1].start, 6 * CLUSTER);
        ck_assert_uint_eq(c.items[1].layer_a, 0);
        ck_assert(c.items[1].zero_b);
        qcow2_comparison_finish(&c);
        c = compare_pairs((struct qcow2_image *[]){f1, i1}, (struct qcow2_image *[]){copy, i1},
                          threads);
        ck_assert(qcow2_comparison_same(&c));
        ck_assert_uint_ge(c.bytes_read, 7 * CLUSTER);
        qcow2_comparison_finish(&c);
    }
    scratch_remove(folder);
}
END_TEST

/* The same file, but not the same place. */
START_TEST(an_image_is_not_its_disk)
{
    char *folder = scratch_create();
    put_image(folder, "f", "AAAAAAAA");
    AUTO(str) char *path = mem_printf("%s/f", folder);
    struct qcow2_fault f = {0};
    AUTO(qcow2_image) struct qcow2_image *image = image_file(folder, "f");
    AUTO(qcow2_chain) struct qcow2_chain *chain = qcow2_chain_open(&image, 1, NULL, &f);
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_io_open(path, 0, &f);
    struct qcow2_chain_view a;
    struct qcow2_io_view b;
    struct qcow2_comparison c;
    ck_assert_int_eq(
        qcow2_compare(qcow2_view_chain(&a, chain), qcow2_view_io(&b, io), NULL, &c, &f), 0);
    /* Behind the header and the tables come the first of the same letters. */
    ck_assert_uint_eq(c.bytes_differing, 5 * CLUSTER);
    qcow2_comparison_finish(&c);
    scratch_remove(folder);
}
END_TEST

/* ---- sides that cannot be read ---- */

struct broken_io {
    struct qcow2_io io;
    uint64_t bad_from, bad_until;
};

static int broken_read(struct qcow2_io *io, uint64_t offset, void *buf, size_t len,
                       struct qcow2_fault *retfault)
{
    const struct broken_io *b = (struct broken_io *)io;
    memset(buf, 'x', len);
    if (offset + len <= b->bad_from || offset >= b->bad_until)
        return 0;
    return qcow2_fault_set(retfault, QCOW2_IO, io->name, offset, "broken");
}
static void broken_destroy(struct qcow2_io *io)
{
    (void)io;
}
static const struct qcow2_io_ops broken_ops = {broken_read, qcow2_io_run_unknown, broken_destroy};

START_TEST(the_first_fault_is_told)
{
    char name[] = "broken";
    struct broken_io good = {.io = {&broken_ops, name, 6 * STRIPE, 0, 0}};
    struct broken_io bad = good;
    bad.bad_from = 2 * STRIPE + 100000;
    bad.bad_until = 5 * STRIPE;
    struct qcow2_io_view a, b;
    uint64_t offset = 0;
    for (unsigned threads = 1; threads < 9; threads++) {
        struct qcow2_compare_options o = {.threads = threads};
        struct qcow2_comparison c;
        struct qcow2_fault f = {0};
        qcow2_view_io(&a, &good.io);
        qcow2_view_io(&b, &bad.io);
        ck_assert_int_eq(qcow2_compare(&a.view, &b.view, &o, &c, &f), -1);
        ck_assert_int_eq(f.defect, QCOW2_IO);
        offset = threads == 1 ? f.offset : offset;
        ck_assert_uint_eq(f.offset, offset);
        ck_assert_uint_ge(f.offset, 2 * STRIPE);
        ck_assert_uint_le(f.offset, bad.bad_from);
        qcow2_fault_clear(&f);
        ck_assert_int_eq(qcow2_compare(&b.view, &a.view, &o, &c, NULL), -1);
    }
}
END_TEST

/* ---- progress ---- */

struct seen {
    uint64_t done, total;
    unsigned calls;
};

static void see(void *arg, uint64_t done, uint64_t total)
{
    struct seen *s = arg;
    ck_assert_uint_gt(done, s->done);
    ck_assert_uint_le(done, total);
    *s = (struct seen){done, total, s->calls + 1};
}

START_TEST(progress)
{
    __attribute__((cleanup(disk_finish))) struct disk d;
    make_disk(&d, 2 * STRIPE + CLUSTER, 9);
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_io_memory(d.content, d.size, "raw");
    for (unsigned n = 0; n < 4; n++) {
        struct seen s = {0};
        struct qcow2_compare_options o = {.threads = n, .progress = see, .progress_arg = &s};
        struct qcow2_comparison c = compare(&d, io, &o);
        ck_assert_uint_eq(s.done, d.size);
        ck_assert_uint_eq(s.total, d.size);
        ck_assert_uint_eq(s.calls, 3);
        qcow2_comparison_finish(&c);
    }
}
END_TEST

/* A rule is used by one thread: more are not started. */
START_TEST(views_without_a_clone)
{
    AUTO(disk) struct disk_model *model = disk_create(3, 4096);
    disk_write(model, 0, 3000);
    struct disk_moment *m = disk_checkpoint(model, "m");
    AUTO(str) char *raw = mem_alloc(4096 * DISK_BLOCK);
    disk_read(m, 0, raw, 4096 * DISK_BLOCK);
    raw[2999 * DISK_BLOCK + 1] ^= 1;
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_io_memory(raw, 4096 * DISK_BLOCK, "raw");
    struct qcow2_io_view a;
    struct qcow2_moment_view b;
    struct qcow2_compare_options o = {.threads = 2};
    struct qcow2_comparison c;
    struct qcow2_fault f = {0};
    ck_assert_int_eq(qcow2_compare(qcow2_view_io(&a, io), qcow2_view_moment(&b, m), &o, &c, &f), 0);
    ck_assert_uint_eq(c.bytes_differing, DISK_BLOCK);
    qcow2_comparison_finish(&c);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("qcow2.compare",
                      SUITE_LONG_CASE("compare", 60, EACH(any_number_of_threads, thread_rows),
                                      EACH(tails, tail_rows), TEST(a_shorter_raw_file),
                                      TEST(shared_layers_are_not_read),
                                      TEST(an_image_is_not_its_disk), TEST(the_first_fault_is_told),
                                      TEST(progress), TEST(views_without_a_clone)));
}
