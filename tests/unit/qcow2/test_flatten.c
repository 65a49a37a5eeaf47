/* Flattening against a naive overlay, into every kind of sink, and what a caller may rely on when
 * it fails. */
#include "qcow2/flatten.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/prng.h"
#include "qcow2/format.h"
#include "tests/unit/qcow2/medium.h"
#include "tests/unit/qcow2/scratch.h"
#include "tests/unit/suite.h"

/* ---- chains and what they read as ---- */

#define LAYERS_MAX 6

struct story {
    struct bytes bytes[LAYERS_MAX];
    struct qcow2_image *images[LAYERS_MAX];
    size_t count;
    struct qcow2_chain *chain;
    struct bytes want; /* what the disk reads as */
};

static void story_finish(struct story *s)
{
    qcow2_chain_destroy(s->chain);
    for (size_t i = 0; i < s->count; i++) {
        qcow2_image_destroy(s->images[i]);
        free(s->bytes[i].data);
    }
    free(s->want.data);
}
#define STORY __attribute__((cleanup(story_finish))) struct story

/* Letters as in make_image(); '@' is data that happens to be zeros. */
static void story_add(struct story *s, uint32_t bits, const char *layout)
{
    size_t len = strlen(layout) << bits;
    ck_assert_uint_ge(len, s->want.len);
    s->want.data = mem_realloc(s->want.data, len);
    memset(s->want.data + s->want.len, 0, len - s->want.len);
    s->want.len = len;
    for (size_t i = 0; layout[i]; i++)
        if (layout[i] != '.')
            memset(s->want.data + (i << bits), layout[i] == '0' || layout[i] == '@' ? 0 : layout[i],
                   (size_t)1 << bits);
    FAULT f = {0};
    s->bytes[s->count] = make_image(bits, layout, NULL);
    s->images[s->count] = open_bytes(&s->bytes[s->count], "layer", &f);
    ck_assert_msg(s->images[s->count] != NULL, "%s", f.err.msg ? f.err.msg : "");
    s->count++;
}

static void story_open(struct story *s)
{
    FAULT f = {0};
    s->chain = qcow2_chain_open(s->images, s->count, NULL, &f);
    ck_assert_msg(s->chain != NULL, "%s", f.err.msg ? f.err.msg : "");
}

/* A few MiB, so that there are several windows, in layers of mixed cluster sizes; runs of one kind,
 * so that holes of every length occur. */
static void random_story(struct story *s, uint64_t seed)
{
    enum { SIZE_BITS = 21 };
    struct prng prng;
    prng_init(&prng, seed, "flatten");
    size_t layers = 1 + (size_t)prng_below(&prng, LAYERS_MAX);
    for (size_t i = 0; i < layers; i++) {
        uint32_t bits = 9 + (uint32_t)prng_below(&prng, 13);
        size_t clusters = (size_t)1 << (SIZE_BITS - bits), run = 0;
        AUTO(str) char *layout = mem_zalloc(clusters + 1);
        char kind = '.';
        for (size_t k = 0; k < clusters; k++, run--) {
            if (run == 0) {
                run = 1 + (size_t)prng_below(&prng, 1 + clusters / 4);
                kind = "...00AABC@"[prng_below(&prng, 10)];
            }
            layout[k] = kind;
        }
        story_add(s, bits, layout);
    }
    story_open(s);
}

static void check_stats(const struct story *s, const struct qcow2_flatten_stats *st)
{
    ck_assert_uint_eq(st->bytes_total, s->want.len);
    ck_assert_uint_eq(st->bytes_copied + st->bytes_zero, st->bytes_total);
}

/* ---- every kind of sink ---- */

static struct bytes flatten_to_memory(struct story *s, const struct qcow2_flatten_options *o)
{
    FAULT f = {0};
    struct qcow2_flatten_stats st;
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_memory("memory", UINT64_C(1) << 30);
    ok(qcow2_flatten(s->chain, sink, o, &st, &f), &f);
    check_stats(s, &st);
    struct bytes b;
    b.data = qcow2_sink_memory_take(sink, &b.len);
    return b;
}

static struct bytes flatten_to_file(struct story *s, const struct qcow2_flatten_options *o)
{
    FAULT f = {0};
    struct qcow2_flatten_stats st;
    AUTO(str) char *path = mem_printf("%s/disk.raw", folder);
    AUTO(qcow2_sink)
    struct qcow2_sink *sink = qcow2_sink_file(path, QCOW2_SINK_NO_SYNC, &f);
    ok(qcow2_flatten(s->chain, sink, o, &st, &f), &f);
    check_stats(s, &st);
    return read_file(path);
}

/* A file of old data. */
static struct bytes old_file(const char *path, size_t len)
{
    struct bytes old = {mem_alloc(len), len};
    memset(old.data, 0xaa, len);
    write_file(path, old.data, len);
    return old;
}

/* Over old data, `more` bytes longer than the disk. */
static struct bytes flatten_in_place(struct story *s, const struct qcow2_flatten_options *o,
                                     size_t more)
{
    FAULT f = {0};
    struct qcow2_flatten_stats st;
    AUTO(str) char *path = mem_printf("%s/place.raw", folder);
    free(old_file(path, s->want.len + more).data);
    AUTO(qcow2_sink)
    struct qcow2_sink *sink = qcow2_sink_in_place(path, QCOW2_SINK_NO_SYNC, &f);
    ok(qcow2_flatten(s->chain, sink, o, &st, &f), &f);
    check_stats(s, &st);
    ck_assert_uint_eq(st.tail_bytes, more);
    return read_file(path);
}

struct drain {
    int fd;
    struct bytes got;
};

static void *drain_pipe(void *arg)
{
    struct drain *d = arg;
    size_t cap = 0;
    for (;;) {
        d->got.data = mem_grow(d->got.data, &cap, d->got.len + 40000, 1);
        ssize_t n = read(d->fd, d->got.data + d->got.len, 40000);
        if (n <= 0)
            return NULL;
        d->got.len += (size_t)n;
        sched_yield(); /* slower than the writer */
    }
}

static struct bytes flatten_to_pipe(struct story *s, const struct qcow2_flatten_options *o)
{
    FAULT f = {0};
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    struct drain d = {.fd = fds[0]};
    pthread_t reader;
    ck_assert_int_eq(pthread_create(&reader, NULL, drain_pipe, &d), 0);
    struct qcow2_flatten_stats st;
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_stream(fds[1], "pipe");
    ok(qcow2_flatten(s->chain, sink, o, &st, &f), &f);
    check_stats(s, &st);
    close(fds[1]);
    pthread_join(reader, NULL);
    close(fds[0]);
    return d.got;
}

static void same(const struct story *s, struct bytes got, const char *what)
{
    ck_assert_msg(got.len >= s->want.len, "%s: %zu bytes", what, got.len);
    ck_assert_msg(memcmp(got.data, s->want.data, s->want.len) == 0, "%s: other bytes", what);
    free(got.data);
}

START_TEST(random_chains)
{
    static const unsigned threads[] = {0, 2, 4};
    STORY s = {0};
    random_story(&s, (uint64_t)_i);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        struct qcow2_flatten_options o = {.threads = threads[i], .allocate = _i % 4 == 3};
        same(&s, flatten_to_memory(&s, &o), "memory");
        same(&s, flatten_to_file(&s, &o), "file");
        same(&s, flatten_in_place(&s, &o, 0), "in place");
        same(&s, flatten_to_pipe(&s, &o), "pipe");
    }
}
END_TEST

/* A disk that ends in the middle of a window, of a block, of a page. */
START_TEST(odd_sizes)
{
    static const char *const layouts[] = {"A", ".", "@", "A.@", "0A0", "AAAAAAAAAAA@.", "..A"};
    for (size_t i = 0; i < ARRAY_LEN(layouts); i++) {
        STORY s = {0};
        story_add(&s, 9, layouts[i]);
        story_open(&s);
        same(&s, flatten_to_memory(&s, NULL), layouts[i]);
        same(&s, flatten_to_file(&s, NULL), layouts[i]);
        same(&s, flatten_in_place(&s, NULL, 0), layouts[i]);
        same(&s, flatten_to_pipe(&s, NULL), layouts[i]);
    }
}
END_TEST

static uint64_t allocated(const char *name)
{
    AUTO(str) char *path = mem_printf("%s/%s", folder, name);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    return (uint64_t)st.st_blocks * 512;
}

static const struct hole_row {
    const char *name, *layout; /* clusters of 4 KiB */
    bool allocate;
    unsigned clusters; /* that take room */
} hole_rows[] = {
    {"unallocated and zero clusters", "A.A0A................", false, 3},
    {"a long run of data that are zeros", "A@@@@@@@@@@@@@@@@A", false, 2},
    {"a short one", "A@@@@A", false, 6},
    {"a short one beside a hole", "A@@@@.A", false, 2},
    {"a short one behind a hole", "A.A@@@@A", false, 7},
    {"a short one at the end", "A@@@", false, 1},
    {"allocated", "A.0@@@@................", true, 23},
};

/* Zeros take no room, where that makes few pieces; on request they do. */
START_TEST(holes)
{
    const struct hole_row *row = &hole_rows[_i];
    STORY s = {0};
    story_add(&s, 12, row->layout);
    story_open(&s);
    struct qcow2_flatten_options o = {.allocate = row->allocate};
    same(&s, flatten_to_file(&s, &o), row->name);
    uint64_t bytes = allocated("disk.raw");
    uint64_t least = row->clusters * UINT64_C(4096);
    uint64_t most = least + 4096; /* a file system may add a block for its own tables */
    bool good = bytes >= least && (row->allocate || bytes <= most);
    ck_assert_msg(good, "%s: %llu bytes", row->name, (unsigned long long)bytes);
}
END_TEST

/* One byte among zeros is data, wherever in its block it stands. */
START_TEST(single_bytes)
{
    static const size_t places[] = {0, 1, 8, 4094, 4095};
    STORY s = {0};
    story_add(&s, 16, "@@@@");
    story_open(&s);
    struct qcow2_extent e = qcow2_chain_extent_at(s.chain, 0);
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        size_t at = (i * 20 + 3) * 4096 % (4 << 16) + places[i];
        s.want.data[at] = 1;
        s.bytes[0].data[e.host + at] = 1;
    }
    same(&s, flatten_to_file(&s, NULL), "file");
    same(&s, flatten_in_place(&s, NULL, 0), "in place");
}
END_TEST

/* Long stretches of zeros free the old data under them. */
START_TEST(holes_in_place)
{
    STORY s = {0};
    story_add(&s, 18, "A..A@@A");
    story_open(&s);
    same(&s, flatten_in_place(&s, NULL, 0), "in place");
    ck_assert_uint_le(allocated("place.raw"), (3 << 18) + 8192);
}
END_TEST

/* ---- compressed clusters ---- */

/* Memory that counts how often bytes from `from` on are read. */
struct counter {
    struct qcow2_io io;
    const struct bytes *bytes;
    uint64_t from;
    atomic_uint *reads; /* the test's: the image destroys this */
};

static int counter_read(struct qcow2_io *io, uint64_t offset, void *buf, size_t len,
                        struct qcow2_fault *f)
{
    struct counter *c = (struct counter *)io;
    (void)f;
    if (offset >= c->from)
        atomic_fetch_add(c->reads, 1);
    memcpy(buf, c->bytes->data + offset, len);
    return 0;
}

static void counter_destroy(struct qcow2_io *io)
{
    free(io);
}

static const struct qcow2_io_ops counter_ops = {counter_read, qcow2_io_run_unknown,
                                                counter_destroy};

/* Appends the bytes as deflate that does not compress: blocks of at most 65535 bytes, each with its
 * length and that inverted in front. */
static void append_deflate(struct bytes *b, const unsigned char *from, size_t len)
{
    b->data = mem_realloc(b->data, b->len + len + (len / 65535 + 1) * 5 + 512);
    while (len > 0) {
        unsigned n = len < 65535 ? (unsigned)len : 65535;
        unsigned char head[5] = {n == len, n & 0xff, n >> 8 & 0xff, ~n & 0xff, ~n >> 8 & 0xff};
        memcpy(b->data + b->len, head, 5);
        memcpy(b->data + b->len + 5, from, n);
        b->len += 5 + n;
        from += n;
        len -= n;
    }
}

/* Makes cluster i of the image, which has one L2 table, a compressed one. */
static void compress(struct bytes *b, uint32_t bits, size_t i, const unsigned char *data)
{
    uint64_t l1 = be64_at(b->data, HDR_L1_OFFSET), offset = b->len;
    uint64_t l2 = be64_at(b->data, l1) & QCOW2_OFFSET_MASK;
    append_deflate(b, data, (size_t)1 << bits);
    uint64_t sectors = (offset % 512 + (b->len - offset) + 511) / 512;
    be64_put(b->data, l2 + i * 8, QCOW2_COMPRESSED | (sectors - 1) << (70 - bits) | offset);
    memset(b->data + b->len, 0, 512);
    b->len += 512 - b->len % 512;
}

/* A layer whose data clusters are compressed ones; their bytes are drawn. */
static void story_add_compressed(struct story *s, uint32_t bits, const char *layout,
                                 atomic_uint *reads)
{
    struct prng prng;
    prng_init(&prng, bits, "compressed");
    size_t n = s->count, cs = (size_t)1 << bits;
    story_add(s, bits, layout);
    qcow2_image_destroy(s->images[n]);
    uint64_t from = s->bytes[n].len;
    for (size_t i = 0; layout[i]; i++) {
        if (layout[i] < 'A')
            continue;
        prng_fill(&prng, s->want.data + i * cs, cs);
        compress(&s->bytes[n], bits, i, s->want.data + i * cs);
    }
    struct counter *c = mem_zalloc(sizeof *c);
    *c = (struct counter){{.ops = &counter_ops}, &s->bytes[n], from, reads};
    c->io.name = mem_strdup("compressed");
    c->io.size = s->bytes[n].len;
    FAULT f = {0};
    s->images[n] = qcow2_image_open(&c->io, NULL, &f);
    ck_assert_msg(s->images[n] != NULL, "%s", f.err.msg ? f.err.msg : "");
}

static const struct compressed_row {
    const char *name;
    uint32_t bits;
    const char *layout;
    uint32_t above_bits;
    const char *above; /* a layer of compressed clusters over it; repeated up to the end */
    unsigned reads, above_reads;
    const char *top; /* a plain layer of 4 KiB clusters over both, repeated too */
} compressed_rows[] = {
    {"one", 16, "A", 0, NULL, 1, 0, NULL},
    {"several in a window", 12, "ABCD.EF0", 0, NULL, 6, 0, NULL},
    {"larger than a window", 21, "A.B", 0, NULL, 2, 0, NULL},
    {"pieces of one between others", 21, "AB", 16, ".A", 2, 32, NULL},
    {"pieces of one between pieces of others", 21, "AB", 16, ".A", 2, 32, "...B...."},
    {"zeros cut one in two", 18, "AB", 12, "...0", 2, 0, NULL},
    {"hidden by another", 16, "AB", 16, "A.", 1, 1, NULL},
};

static char *repeat(const char *pattern, size_t len)
{
    char *text = mem_zalloc(len + 1);
    for (size_t i = 0; i < len; i++)
        text[i] = pattern[i % strlen(pattern)];
    return text;
}

/* Each is read and unpacked once, whatever lies over it and however many threads there are. */
START_TEST(compressed_clusters)
{
    const struct compressed_row *row = &compressed_rows[_i];
    atomic_uint reads = 0, above_reads = 0;
    STORY s = {0};
    story_add_compressed(&s, row->bits, row->layout, &reads);
    if (row->above) {
        AUTO(str) char *layout = repeat(row->above, s.want.len >> row->above_bits);
        story_add_compressed(&s, row->above_bits, layout, &above_reads);
    }
    if (row->top) {
        AUTO(str) char *layout = repeat(row->top, s.want.len >> 12);
        story_add(&s, 12, layout);
    }
    story_open(&s);
    for (unsigned threads = 1; threads <= 3; threads++) {
        struct qcow2_flatten_options o = {.threads = threads};
        atomic_store(&reads, 0);
        atomic_store(&above_reads, 0);
        same(&s, threads == 2 ? flatten_to_memory(&s, &o) : flatten_to_file(&s, &o), row->name);
        ck_assert_msg(reads == row->reads, "%s: %u reads", row->name, reads);
        ck_assert_msg(above_reads == row->above_reads, "%s: %u above", row->name, above_reads);
    }
}
END_TEST

/* ---- targets of another size ---- */

static const struct tail_row {
    const char *name;
    enum qcow2_tail tail;
    int byte; /* what the tail holds after; -1: refused */
} tails[] = {
    {"zeroed", QCOW2_TAIL_ZERO, 0},
    {"left", QCOW2_TAIL_LEAVE, 0xaa},
    {"refused", QCOW2_TAIL_REFUSE, -1},
};

START_TEST(longer_target)
{
    const struct tail_row *row = &tails[_i];
    enum { MORE = 100001 };
    STORY s = {0};
    story_add(&s, 16, "A.0B.");
    story_open(&s);
    struct qcow2_flatten_options o = {.tail = row->tail, .verify = true};
    if (row->byte >= 0) {
        BYTES got = flatten_in_place(&s, &o, MORE);
        ck_assert_uint_eq(got.len, s.want.len + MORE);
        ck_assert_mem_eq(got.data, s.want.data, s.want.len);
        size_t wrong = 0;
        for (size_t i = s.want.len; i < got.len; i++)
            wrong += got.data[i] != row->byte;
        ck_assert_msg(wrong == 0, "%s: %zu bytes", row->name, wrong);
        return;
    }
    FAULT f = {0};
    AUTO(str) char *path = mem_printf("%s/place.raw", folder);
    BYTES old = old_file(path, s.want.len + MORE);
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_in_place(path, 0, &f);
    ck_assert_int_eq(qcow2_flatten(s.chain, sink, &o, NULL, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_TARGET_TAIL);
    BYTES got = read_file(path);
    ck_assert_mem_eq(got.data, old.data, old.len);
}
END_TEST

START_TEST(shorter_target)
{
    STORY s = {0};
    story_add(&s, 16, "AAAA");
    story_open(&s);
    AUTO(str) char *path = mem_printf("%s/place.raw", folder);
    BYTES old = old_file(path, s.want.len - 512);
    FAULT f = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_in_place(path, 0, &f);
    ck_assert_int_eq(qcow2_flatten(s.chain, sink, NULL, NULL, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_TARGET_SMALL);
    BYTES got = read_file(path);
    ck_assert_mem_eq(got.data, old.data, old.len);
}
END_TEST

START_TEST(block_device)
{
    STORY s = {0};
    random_story(&s, 77);
    AUTO(str) char *path = mem_printf("%s/backing", folder);
    BYTES old = old_file(path, s.want.len * 2);
    __attribute__((cleanup(loop_detach))) struct loop_device loop = loop_attach(path);
    if (!loop.path)
        return;
    FAULT f = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_in_place(loop.path, 0, &f);
    ck_assert_msg(sink != NULL, "%s", f.err.msg ? f.err.msg : "");
    struct qcow2_flatten_options o = {.threads = 2, .verify = true};
    ok(qcow2_flatten(s.chain, sink, &o, NULL, &f), &f);
    BYTES got = read_file(path);
    ck_assert_mem_eq(got.data, s.want.data, s.want.len);
    memset(old.data, 0, s.want.len);
    ck_assert_mem_eq(got.data + s.want.len, old.data, s.want.len);
}
END_TEST

/* A chain of one layer, in a file of these bytes. */
static struct qcow2_chain *chain_of_file(const char *path, const struct bytes *b,
                                         struct qcow2_image **ret_image, struct qcow2_fault *f)
{
    write_file(path, b->data, b->len);
    *ret_image = qcow2_image_open_file(path, NULL, f);
    return qcow2_chain_open((struct qcow2_image *[]){*ret_image}, 1, NULL, f);
}

/* ---- a target that is a layer ---- */

START_TEST(target_is_a_layer)
{
    AUTO(str) char *path = mem_printf("%s/layer.qcow2", folder);
    FAULT f = {0};
    BYTES b = make_image(16, "AAAA", NULL);
    AUTO(qcow2_image) struct qcow2_image *image = NULL;
    AUTO(qcow2_chain) struct qcow2_chain *chain = chain_of_file(path, &b, &image, &f);
    for (unsigned in_place = 0; in_place < 2; in_place++) {
        AUTO(qcow2_sink)
        struct qcow2_sink *sink =
            in_place ? qcow2_sink_in_place(path, 0, &f) : qcow2_sink_file(path, 0, &f);
        ck_assert_int_eq(qcow2_flatten(chain, sink, NULL, NULL, &f), -1);
        ck_assert_int_eq(f.defect, QCOW2_USAGE);
        qcow2_fault_clear(&f);
    }
    BYTES left = read_file(path);
    ck_assert_uint_eq(left.len, b.len);
    ck_assert_mem_eq(left.data, b.data, b.len);
}
END_TEST

/* ---- sinks that fail or lie ---- */

enum lie { LIE_NONE, LIE_DROP_WRITE, LIE_FLIP, LIE_DROP_ZERO };

/* Hands on to another sink. */
struct wrapper {
    struct qcow2_sink sink;
    struct qcow2_sink *inner;
    pthread_mutex_t lock;
    int fail_at; /* the n-th operation fails; -1: none */
    int count;
    enum lie lie;
    bool committed;
};

static int wrapper_step(struct wrapper *w, uint64_t offset, struct qcow2_fault *f)
{
    pthread_mutex_lock(&w->lock);
    bool fail = w->count++ == w->fail_at;
    pthread_mutex_unlock(&w->lock);
    return fail ? qcow2_fault_set(f, QCOW2_NO_SPACE, w->sink.name, offset, "told to fail") : 0;
}

static int wrapper_write(struct qcow2_sink *sink, uint64_t offset, const void *buf, size_t len,
                         struct qcow2_fault *f)
{
    struct wrapper *w = (struct wrapper *)sink;
    if (wrapper_step(w, offset, f) < 0)
        return -1;
    if (w->lie == LIE_DROP_WRITE && offset > 0)
        return 0;
    int r = qcow2_sink_write(w->inner, offset, buf, len, f);
    if (r == 0 && w->lie == LIE_FLIP)
        r = qcow2_sink_write(w->inner, offset + len - 1, "!", 1, f);
    return r;
}

static int wrapper_zero(struct qcow2_sink *sink, uint64_t offset, uint64_t len,
                        struct qcow2_fault *f)
{
    struct wrapper *w = (struct wrapper *)sink;
    if (wrapper_step(w, offset, f) < 0)
        return -1;
    return w->lie == LIE_DROP_ZERO ? 0 : qcow2_sink_zero(w->inner, offset, len, f);
}

static struct qcow2_io *wrapper_reader(struct qcow2_sink *sink, struct qcow2_fault *f)
{
    struct wrapper *w = (struct wrapper *)sink;
    return wrapper_step(w, 0, f) < 0 ? NULL : qcow2_sink_reader(w->inner, f);
}

static int wrapper_commit(struct qcow2_sink *sink, uint64_t size, struct qcow2_fault *f)
{
    struct wrapper *w = (struct wrapper *)sink;
    if (wrapper_step(w, 0, f) < 0)
        return -1;
    w->committed = true;
    return qcow2_sink_commit(w->inner, size, f);
}

static void wrapper_destroy(struct qcow2_sink *sink)
{
    struct wrapper *w = (struct wrapper *)sink;
    qcow2_sink_destroy(w->inner);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

static const struct qcow2_sink_ops wrapper_ops = {wrapper_write, wrapper_zero, wrapper_reader,
                                                  wrapper_commit, wrapper_destroy};

static struct wrapper *wrap(struct qcow2_sink *inner_take)
{
    ck_assert_ptr_nonnull(inner_take);
    struct wrapper *w = mem_zalloc(sizeof *w);
    w->sink = *inner_take;
    w->sink.ops = &wrapper_ops;
    w->sink.name = mem_strdup("wrapper");
    w->inner = inner_take;
    w->fail_at = -1;
    pthread_mutex_init(&w->lock, NULL);
    return w;
}

static struct qcow2_sink *new_target(unsigned kind)
{
    FAULT f = {0};
    AUTO(str) char *path = mem_printf("%s/%s", folder, kind ? "place.raw" : "disk.raw");
    if (!kind)
        return qcow2_sink_file(path, QCOW2_SINK_NO_SYNC, &f);
    free(old_file(path, 2 << 20).data);
    return qcow2_sink_in_place(path, QCOW2_SINK_NO_SYNC, &f);
}

/* Every operation fails once: the code comes through, no commit, and nothing under the name. */
START_TEST(every_operation_fails)
{
    static const unsigned threads[] = {1, 2};
    unsigned kind = (unsigned)_i / 2;
    STORY s = {0};
    story_add(&s, 16, "AB..A0AA@@AAAAAB....A0B.AAAAAAAA");
    story_open(&s);
    for (int n = 0;; n++) {
        FAULT f = {0};
        struct qcow2_flatten_options o = {.threads = threads[_i % 2], .verify = true};
        struct wrapper *w = wrap(new_target(kind));
        w->fail_at = n;
        w->sink.parallel = n % 2 == 0; /* the other way of using threads too */
        int r = qcow2_flatten(s.chain, &w->sink, &o, NULL, &f);
        bool committed = w->committed;
        qcow2_sink_destroy(&w->sink);
        ck_assert_int_eq(committed, r == 0);
        ck_assert_uint_eq(leftovers(folder), 0);
        if (r == 0) {
            ck_assert_int_ge(n, 10); /* writes, the reader, the commit */
            return;
        }
        ck_assert_int_eq(f.defect, QCOW2_NO_SPACE);
        ck_assert_ptr_nonnull(strstr(f.err.msg, "told to fail"));
        ck_assert(!exists("disk.raw"));
    }
}
END_TEST

static const struct lie_row {
    const char *name;
    enum lie lie;
    unsigned kind; /* as of new_target() */
} lies[] = {
    {"a write is dropped", LIE_DROP_WRITE, 0},    {"a byte is wrong", LIE_FLIP, 0},
    {"a write over old data", LIE_DROP_WRITE, 1}, {"old data in place of zeros", LIE_DROP_ZERO, 1},
    {"the truth in a file", LIE_NONE, 0},         {"the truth in place", LIE_NONE, 1},
};

START_TEST(verify_notices)
{
    const struct lie_row *row = &lies[_i];
    STORY s = {0};
    story_add(&s, 16, "AB....BB@@@@AAAAAAAAAA.........A");
    story_open(&s);
    for (unsigned verify = 0; verify < 2; verify++) {
        FAULT f = {0};
        struct qcow2_flatten_options o = {.verify = verify, .tail = QCOW2_TAIL_LEAVE};
        struct wrapper *w = wrap(new_target(row->kind));
        w->lie = row->lie;
        int r = qcow2_flatten(s.chain, &w->sink, &o, NULL, &f);
        bool committed = w->committed;
        qcow2_sink_destroy(&w->sink);
        bool good = row->lie == LIE_NONE || !verify;
        ck_assert_msg((r == 0) == good, "%s, verify %u: %d", row->name, verify, r);
        ck_assert_int_eq(committed, good);
        if (!good)
            ck_assert_int_eq(f.defect, QCOW2_IO);
    }
}
END_TEST

/* The tail is part of the promise. */
START_TEST(verify_notices_the_tail)
{
    STORY s = {0};
    story_add(&s, 16, "AAAA");
    story_open(&s);
    FAULT f = {0};
    struct qcow2_flatten_options o = {.verify = true};
    struct wrapper *w = wrap(new_target(1));
    w->lie = LIE_DROP_ZERO;
    ck_assert_int_eq(qcow2_flatten(s.chain, &w->sink, &o, NULL, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_IO);
    ck_assert_uint_ge(f.offset, s.want.len);
    qcow2_sink_destroy(&w->sink);
}
END_TEST

START_TEST(pipes_cannot_be_verified)
{
    STORY s = {0};
    story_add(&s, 9, "A");
    story_open(&s);
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    FAULT f = {0};
    struct qcow2_flatten_options o = {.verify = true};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_stream(fds[1], "pipe");
    ck_assert_int_eq(qcow2_flatten(s.chain, sink, &o, NULL, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_USAGE);
    close(fds[1]);
    char byte;
    ck_assert_int_eq(read(fds[0], &byte, 1), 0); /* nothing was written */
    close(fds[0]);
}
END_TEST

START_TEST(closed_reader)
{
    signal(SIGPIPE, SIG_IGN);
    STORY s = {0};
    random_story(&s, 9);
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    close(fds[0]);
    FAULT f = {0};
    struct qcow2_flatten_options o = {.threads = (unsigned)_i};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_stream(fds[1], "pipe");
    ck_assert_int_eq(qcow2_flatten(s.chain, sink, &o, NULL, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_IO);
    close(fds[1]);
}
END_TEST

/* ---- full media ---- */

static void must_not_fit(enum qcow2_defect want)
{
    STORY s = {0};
    story_add(&s, 16, "ABABABABABABABABABABABABABABABAB");
    story_open(&s);
    for (unsigned threads = 1; threads <= 2; threads++) {
        FAULT f = {0};
        AUTO(str) char *path = mem_printf("%s/disk.raw", folder);
        struct qcow2_sink *sink = qcow2_sink_file(path, 0, &f);
        struct qcow2_flatten_options o = {.threads = threads};
        ck_assert_int_eq(qcow2_flatten(s.chain, sink, &o, NULL, &f), -1);
        qcow2_sink_destroy(sink);
        ck_assert_int_eq(f.defect, want);
        AUTO(str) char *place = mem_printf("at byte %llu:", (unsigned long long)f.offset);
        ck_assert_ptr_nonnull(strstr(f.err.msg, place));
        ck_assert(!exists("disk.raw"));
        ck_assert_uint_eq(leftovers(folder), 0);
    }
}

START_TEST(full_file_system)
{
    if (!mount_small(folder, "size=512k"))
        return;
    must_not_fit(QCOW2_NO_SPACE);
    unmount_small(folder);
}
END_TEST

START_TEST(file_size_limit)
{
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {100000, RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    must_not_fit(QCOW2_IO);
}
END_TEST

/* A layer that became shorter after it was opened. */
START_TEST(layer_ends_early)
{
    AUTO(str) char *path = mem_printf("%s/layer.qcow2", folder);
    FAULT f = {0};
    BYTES b = make_image(16, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NULL);
    AUTO(qcow2_image) struct qcow2_image *image = NULL;
    AUTO(qcow2_chain) struct qcow2_chain *chain = chain_of_file(path, &b, &image, &f);
    ck_assert_int_eq(truncate(path, (off_t)b.len - 100), 0);
    struct qcow2_flatten_options o = {.threads = (unsigned)_i};
    struct qcow2_sink *sink = new_target(0);
    ck_assert_int_eq(qcow2_flatten(chain, sink, &o, NULL, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_IO);
    qcow2_sink_destroy(sink);
    ck_assert(!exists("disk.raw"));
}
END_TEST

/* ---- progress ---- */

struct told {
    uint64_t done, total;
    unsigned calls;
    pthread_t thread;
};

static void on_progress(void *arg, uint64_t done, uint64_t total)
{
    struct told *t = arg;
    ck_assert_uint_ge(done, t->done);
    ck_assert_uint_le(done, total);
    ck_assert(pthread_equal(t->thread, pthread_self()));
    *t = (struct told){done, total, t->calls + 1, t->thread};
}

START_TEST(progress)
{
    char layout[44] = {0};
    memset(layout, 'A', 43);
    STORY s = {0};
    story_add(&s, 20, layout);
    story_open(&s);
    struct told t = {.thread = pthread_self()};
    struct qcow2_flatten_options o = {
        .threads = (unsigned)_i, .progress = on_progress, .progress_arg = &t};
    free(flatten_to_memory(&s, &o).data);
    ck_assert_uint_eq(t.done, s.want.len);
    ck_assert_uint_eq(t.total, s.want.len);
    ck_assert_uint_gt(t.calls, 1);
    ck_assert_uint_lt(t.calls, 12);
}
END_TEST

int main(void)
{
    TCase *tc = SUITE_LONG_CASE(
        "flatten", 60, RANGE(random_chains, 0, 24), TEST(odd_sizes), EACH(holes, hole_rows),
        TEST(single_bytes), TEST(holes_in_place), EACH(compressed_clusters, compressed_rows),
        EACH(longer_target, tails), TEST(shorter_target), TEST(block_device),
        TEST(target_is_a_layer), RANGE(every_operation_fails, 0, 4), EACH(verify_notices, lies),
        TEST(verify_notices_the_tail), TEST(pipes_cannot_be_verified), RANGE(closed_reader, 1, 4),
        TEST(full_file_system), TEST(file_size_limit), RANGE(layer_ends_early, 1, 3),
        RANGE(progress, 1, 4));
    tcase_add_checked_fixture(tc, make_folder, remove_folder);
    return SUITE_MAIN("qcow2.flatten", tc);
}
