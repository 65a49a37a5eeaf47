/* Two readers, one answer: makes an image (or a chain), changes it, and lets this library and
 * qemu-img read it. Where both accept, the bytes must be equal; where ours alone refuses, it must
 * be for a reason that is known to be stricter; where ours alone accepts, somebody must look.
 *
 *     differential [--seed N] [--count N] [--only K] [--chain] [--save FOLDER]
 *
 * Case K of a seed depends on nothing but the two: --only K is the replay. Exit: 0 no finding, 1
 * findings (each saved with its files), 77 without qemu-img. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/prng.h"
#include "base/strbuf.h"
#include "fuzz/qcow2_mutate.h"
#include "fuzz/qcow2_seeds.h"
#include "fuzz/qemu_peer.h"
#include "qcow2/bitmap.h"
#include "qcow2/compare.h"
#include "qcow2/snapshot.h"

#define LAYERS_MAX 4u
#define VIRTUAL_MAX (UINT64_C(16) << 20)

struct layer {
    uint8_t *bytes;
    size_t len;
};

/* One case: the layers, base first. */
struct subject {
    struct layer layers[LAYERS_MAX];
    size_t count;
    bool changed;
};

struct runner {
    uint64_t seed, count;
    int64_t only; /* -1: all */
    bool chain;
    const char *save;
    char *folder, *out, *words;
    char *paths[LAYERS_MAX];
    /* What came out. */
    uint64_t equal, ours_alone, both_refuse, not_asked, findings;
    uint64_t refused[QCOW2_DEFECT_COUNT], stricter[QCOW2_DEFECT_COUNT];
};

/* ---- a case ---- */

static void subject_finish(struct subject *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->layers[i].bytes);
}

static void change_layer(struct layer *l, const struct layer *other, uint64_t seed)
{
    size_t cap = l->len + 8192;
    l->bytes = mem_realloc(l->bytes, cap);
    l->len = qcow2_mutate_image(l->bytes, l->len, cap, other->bytes, other->len, seed);
}

/* The layers change places, or one comes from elsewhere: legal for both readers. */
static void change_order(struct subject *s, struct prng *p)
{
    size_t a = prng_below(p, s->count);
    size_t b = prng_below(p, s->count);
    struct layer kept = s->layers[a];
    s->layers[a] = s->layers[b];
    s->layers[b] = kept;
}

static void subject_make(struct subject *s, const struct runner *r, uint64_t number)
{
    struct prng p;
    struct seed_shape shape;
    AUTO(str) char *label = mem_printf("differential-%" PRIu64, number);
    prng_init(&p, r->seed, label);
    *s = (struct subject){.count = r->chain ? 2 + prng_below(&p, 3) : 1};
    uint64_t size = 0;
    for (size_t i = 0; i < s->count; i++) {
        seed_shape_draw(&shape, &p);
        /* Mostly one size, now and then a disk that grows, or anything. */
        if (i > 0 && prng_below(&p, 8) != 0)
            shape.options.virtual_size =
                size + 512 * (prng_below(&p, 4) == 0 ? prng_below(&p, 64) : 0);
        size = shape.options.virtual_size;
        uint64_t image_seed = prng_next(&p);
        s->layers[i].bytes = seed_image(&shape, image_seed, &s->layers[i].len);
    }
    s->changed = prng_below(&p, 24) != 0;
    if (r->chain && prng_below(&p, 6) == 0)
        change_order(s, &p);
    size_t victim = prng_below(&p, s->count);
    size_t other = prng_below(&p, s->count);
    uint64_t seed = prng_next(&p);
    if (s->changed)
        change_layer(
            &s->layers[victim],
            &(struct layer){s->layers[other].bytes, other == victim ? 0 : s->layers[other].len},
            seed);
}

/* ---- our reader ---- */

/* As lax as qemu where this library knows how to be. */
static const struct qcow2_policy policy = {.virtual_max = VIRTUAL_MAX,
                                           .accept_corrupt_bit = true,
                                           .accept_snapshots = true,
                                           .accept_short_tail = true};
static const struct qcow2_chain_options lax = {.accept_base_backing = true,
                                               .accept_v2_increments = true};

struct reading {
    struct qcow2_image *images[LAYERS_MAX];
    size_t count;
    struct qcow2_chain *chain;
};

static void reading_finish(struct reading *r)
{
    qcow2_chain_destroy(r->chain);
    for (size_t i = 0; i < r->count; i++)
        qcow2_image_destroy(r->images[i]);
}

/* Payload that does not decompress shows only when it is read. */
static int read_all(struct qcow2_chain *chain, struct qcow2_fault *f)
{
    uint64_t size = qcow2_chain_size(chain);
    AUTO(mem) void *bytes = mem_alloc(size);
    return qcow2_chain_read(chain, 0, bytes, size, f);
}

/* qemu reads both when it opens an image. */
static int read_extras(struct qcow2_image *image, struct qcow2_fault *f)
{
    AUTO(qcow2_snapshots) struct qcow2_snapshots *s = qcow2_snapshots_read(image, f);
    if (!s)
        return -1;
    AUTO(qcow2_bitmaps) struct qcow2_bitmaps *b = qcow2_bitmaps_read(image, f);
    return b ? 0 : -1;
}

static int read_ours(struct reading *r, const struct subject *s, struct qcow2_fault *f)
{
    for (size_t i = 0; i < s->count; i++) {
        struct qcow2_io *io = qcow2_io_memory(s->layers[i].bytes, s->layers[i].len, "layer");
        r->images[i] = qcow2_image_open(io, &policy, f);
        if (!r->images[i])
            return -1;
        r->count++;
    }
    r->chain = qcow2_chain_open(r->images, r->count, &lax, f);
    if (!r->chain)
        return -1;
    for (size_t i = 0; i < s->count; i++)
        if (read_extras(r->images[i], f) < 0)
            return -1;
    return read_all(r->chain, f);
}

/* ---- qemu-img ---- */

static void write_file(const char *path, const void *bytes, size_t len)
{
    AUTO(file) FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, len, f) != len || fflush(f) != 0) {
        fprintf(stderr, "differential: %s: %s\n", path, strerror(errno));
        exit(2);
    }
}

/* The graph without any name from an image. New. */
static char *graph(const struct runner *r, size_t count)
{
    AUTO(strbuf) struct strbuf b = {0};
    strbuf_addstr(&b, "json:");
    for (size_t i = count; i-- > 0;)
        strbuf_addf(&b,
                    "{\"driver\":\"qcow2\",\"read-only\":true,\"file\":{\"driver\":\"file\","
                    "\"filename\":\"%s\",\"locking\":\"off\",\"read-only\":true},\"backing\":",
                    r->paths[i]);
    strbuf_addstr(&b, "null");
    for (size_t i = 0; i < count; i++)
        strbuf_addch(&b, '}');
    return strbuf_take(&b);
}

static enum peer_answer ask_qemu(const struct runner *r, const struct subject *s)
{
    for (size_t i = 0; i < s->count; i++)
        write_file(r->paths[i], s->layers[i].bytes, s->layers[i].len);
    AUTO(str) char *source = graph(r, s->count);
    return qemu_peer_convert(source, r->out, r->words);
}

/* ---- the verdict ---- */

static void save(struct runner *r, const struct subject *s, uint64_t number, const char *what)
{
    r->findings++;
    printf("finding: seed %" PRIu64 ", case %" PRIu64 ": %s\n", r->seed, number, what);
    printf("    differential --seed %" PRIu64 " --only %" PRIu64 "%s\n", r->seed, number,
           r->chain ? " --chain" : "");
    if (!r->save)
        return;
    for (size_t i = 0; i < s->count; i++) {
        AUTO(str)
        char *path = mem_printf("%s/seed-%" PRIu64 "-case-%" PRIu64 "%s-layer-%zu.qcow2", r->save,
                                r->seed, number, r->chain ? "-chain" : "", i);
        write_file(path, s->layers[i].bytes, s->layers[i].len);
    }
}

static void compare_bytes(struct runner *r, const struct subject *s, uint64_t number,
                          struct qcow2_chain *chain)
{
    struct qcow2_fault f = {0};
    struct qcow2_chain_view a;
    struct qcow2_io_view b;
    __attribute__((cleanup(cleanup_qcow2_comparison))) struct qcow2_comparison c = {0};
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_io_open(r->out, 0, &f);
    if (io &&
        qcow2_compare(qcow2_view_chain(&a, chain), qcow2_view_io(&b, io), NULL, &c, &f) == 0 &&
        qcow2_comparison_same(&c)) {
        r->equal++;
        return;
    }
    AUTO(str)
    char *what = f.err.msg ? mem_printf("cannot compare: %s", f.err.msg)
                           : mem_printf("other bytes: sizes %" PRIu64 " and %" PRIu64 ", %" PRIu64
                                        " bytes differ, first at %" PRIu64,
                                        c.size_a, c.size_b, c.bytes_differing,
                                        c.count ? c.items[0].start : 0);
    save(r, s, number, what);
    qcow2_fault_clear(&f);
}

/* What qemu-img refuses as well, always: being alone with one of these is a finding. */
static bool known_stricter(enum qcow2_defect d)
{
    switch (d) {
    case QCOW2_MAGIC:
    case QCOW2_VERSION:
    case QCOW2_FEATURE:
    case QCOW2_COMPRESSION:
    case QCOW2_IO:
    case QCOW2_NO_SPACE:
    case QCOW2_USAGE:
        return false;
    default:
        return true;
    }
}

static void refused_by_us(struct runner *r, const struct subject *s, uint64_t number,
                          const struct qcow2_fault *f)
{
    r->refused[f->defect]++;
    /* Disks that shrink are drawn on purpose. */
    if (!s->changed && f->defect != QCOW2_CHAIN_SHRUNK)
        save(r, s, number, f->err.msg);
    /* It cannot be a finding of bytes: a quarter tells enough about who is stricter. A claim of a
     * huge disk would only take qemu-img's time, a data file would be opened by its name. */
    if (f->defect == QCOW2_SIZE || f->defect == QCOW2_POLICY_DATA_FILE ||
        (number % 4 != 0 && r->only < 0 && known_stricter(f->defect))) {
        r->not_asked++;
        return;
    }
    enum peer_answer qemu = ask_qemu(r, s);
    if (qemu != PEER_ACCEPTED) {
        r->both_refuse++;
        return;
    }
    r->stricter[f->defect]++;
    if (!known_stricter(f->defect))
        save(r, s, number, f->err.msg);
}

static void refused_by_qemu(struct runner *r, const struct subject *s, uint64_t number)
{
    char words[4000] = "";
    AUTO(file) FILE *f = fopen(r->words, "rb");
    size_t n = f ? fread(words, 1, sizeof words - 1, f) : 0;
    words[n] = '\0';
    words[strcspn(words, "\n")] = '\0';
    const char *end = strrchr(words, '}'); /* of the graph, which it repeats */
    r->ours_alone++;
    AUTO(str) char *what = mem_printf("qemu-img alone refuses: %s", end ? end + 1 : words);
    save(r, s, number, what);
}

static void run_case(struct runner *r, uint64_t number)
{
    struct subject s;
    struct reading reading = {.count = 0};
    struct qcow2_fault f = {0};
    subject_make(&s, r, number);
    if (read_ours(&reading, &s, &f) < 0) {
        refused_by_us(r, &s, number, &f);
    } else {
        enum peer_answer qemu = ask_qemu(r, &s);
        if (qemu == PEER_ACCEPTED)
            compare_bytes(r, &s, number, reading.chain);
        else
            refused_by_qemu(r, &s, number);
    }
    if (r->only >= 0)
        printf("%s\n", f.err.msg ? f.err.msg : "accepted");
    qcow2_fault_clear(&f);
    reading_finish(&reading);
    subject_finish(&s);
}

/* ---- the whole ---- */

static void report(const struct runner *r)
{
    printf("%" PRIu64 " equal, %" PRIu64 " refused by both, %" PRIu64
           " refused and not asked, %" PRIu64 " refused by qemu-img alone, %" PRIu64
           " findings (seed %" PRIu64 "%s)\n",
           r->equal, r->both_refuse, r->not_asked, r->ours_alone, r->findings, r->seed,
           r->chain ? ", chains" : "");
    for (size_t d = 1; d < QCOW2_DEFECT_COUNT; d++)
        if (r->refused[d])
            printf("  %-18s %8" PRIu64 " refused, %6" PRIu64 " of them accepted by qemu-img\n",
                   qcow2_defect_code(d), r->refused[d], r->stricter[d]);
}

static void scratch_create(struct runner *r)
{
    const char *tmp = getenv("TMPDIR");
    r->folder = mem_printf("%s/vmconform-differential-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(r->folder)) {
        fprintf(stderr, "differential: %s: %s\n", r->folder, strerror(errno));
        exit(2);
    }
    r->out = mem_printf("%s/out.raw", r->folder);
    r->words = mem_printf("%s/words", r->folder);
    for (size_t i = 0; i < LAYERS_MAX; i++)
        r->paths[i] = mem_printf("%s/layer-%zu.qcow2", r->folder, i);
}

static void scratch_remove(struct runner *r)
{
    for (size_t i = 0; i < LAYERS_MAX; i++) {
        unlink(r->paths[i]);
        free(r->paths[i]);
    }
    unlink(r->out);
    unlink(r->words);
    rmdir(r->folder);
    free(r->out);
    free(r->words);
    free(r->folder);
}

static bool number_after(char **argv, int argc, int *i, const char *name, uint64_t *ret)
{
    char *end = NULL;
    if (strcmp(argv[*i], name) != 0 || *i + 1 >= argc)
        return false;
    *ret = strtoull(argv[++*i], &end, 10);
    return *end == '\0';
}

static bool parse(struct runner *r, int argc, char **argv)
{
    uint64_t only = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--chain") == 0)
            r->chain = true;
        else if (strcmp(argv[i], "--save") == 0 && i + 1 < argc)
            r->save = argv[++i];
        else if (number_after(argv, argc, &i, "--only", &only))
            r->only = (int64_t)only;
        else if (!number_after(argv, argc, &i, "--seed", &r->seed) &&
                 !number_after(argv, argc, &i, "--count", &r->count))
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct runner r = {.seed = 1, .count = 300, .only = -1};
    if (!parse(&r, argc, argv)) {
        fprintf(stderr, "usage: differential [--seed N] [--count N] [--only K] [--chain] "
                        "[--save FOLDER]\n");
        return 2;
    }
    if (!qemu_peer_installed()) {
        printf("qemu-img is not installed\n");
        return 77;
    }
    scratch_create(&r);
    if (r.save)
        mkdir(r.save, 0777);
    if (r.only >= 0)
        run_case(&r, (uint64_t)r.only);
    for (uint64_t i = 0; r.only < 0 && i < r.count; i++)
        run_case(&r, i);
    report(&r);
    scratch_remove(&r);
    return r.findings ? 1 : 0;
}
