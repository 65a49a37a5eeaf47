/* Images that qemu-img and qemu-io make: every cluster size, both versions, both compressions,
 * subclusters, each preallocation, bitmaps, snapshots, resizes, discards. Each is read as qemu-img
 * converts it and judged as qemu-img checks it; then metadata is damaged, and the two verdicts must
 * still be the same, or the difference stand in a table here. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/prng.h"
#include "base/strbuf.h"
#include "qcow2/bitmap.h"
#include "qcow2/check.h"
#include "qcow2/compare.h"
#include "qcow2/format.h"
#include "qcow2/snapshot.h"
#include "tests/unit/qcow2/support.h"
#include "tests/unit/suite.h"

#define ARGS_MAX 32

/* ---- running the tools ---- */

/* The words of `line` as arguments; FILE, OTHER and DATA are replaced by paths in the folder. */
static int run_words(const char *folder, const char *line)
{
    AUTO(str) char *words = mem_strdup(line);
    AUTO(str) char *file = mem_printf("%s/x.qcow2", folder);
    AUTO(str) char *raw = mem_printf("%s/in.raw", folder);
    AUTO(str) char *out = mem_printf("%s/out.raw", folder);
    AUTO(str) char *data = mem_printf("data_file=%s/data,cluster_size=64k", folder);
    AUTO(str) char *key = mem_printf("driver=qcow2,encrypt.key-secret=s,file.filename=%s", file);
    const char *argv[ARGS_MAX] = {0};
    size_t count = 0;
    char *rest = words, *word;
    while ((word = strsep(&rest, " "))) {
        ck_assert_uint_lt(count, ARGS_MAX - 1);
        argv[count++] = strcmp(word, "FILE") == 0   ? file
                        : strcmp(word, "RAW") == 0  ? raw
                        : strcmp(word, "OUT") == 0  ? out
                        : strcmp(word, "DATA") == 0 ? data
                        : strcmp(word, "KEYS") == 0 ? key
                                                    : word;
    }
    return run_tool(argv);
}

/* Commands for qemu-io, separated by semicolons. */
static void run_io(const char *folder, const char *commands)
{
    AUTO(str) char *text = mem_strdup(commands);
    AUTO(str) char *file = mem_printf("%s/x.qcow2", folder);
    const char *argv[ARGS_MAX] = {"qemu-io", "-f", "qcow2", "-d", "unmap"};
    size_t count = 5;
    char *rest = text, *command;
    while ((command = strsep(&rest, ";"))) {
        ck_assert_uint_lt(count, ARGS_MAX - 4);
        argv[count++] = "-c";
        argv[count++] = command;
    }
    argv[count] = file;
    ck_assert_msg(run_tool(argv) == 0, "%s", commands);
}

/* What is neither all zero nor easily compressed, and something that is. */
static void make_raw(const char *folder)
{
    enum { LEN = 1500 * 1024 + 512 };
    AUTO(str) char *path = mem_printf("%s/in.raw", folder);
    AUTO(str) char *bytes = mem_zalloc(LEN);
    struct prng prng;
    prng_init(&prng, 5, "made");
    prng_fill(&prng, bytes + 4096, 200000);
    for (size_t i = 600000; i < 900000; i++)
        bytes[i] = (char)(i / 700);
    prng_fill(&prng, bytes + LEN - 512, 512);
    write_file(path, bytes, LEN);
}

/* ---- images ---- */

/* Whole clusters and parts of them, zeros of each kind, discards, again over all of them. */
#define IO                                                                                         \
    "write -P 1 0 100k;write -P 2 1M 64k;write -z 2M 64k;write -z -u 20k 30k;discard 1M 32k;"      \
    "write -P 3 3000k 513;write -P 4 2100k 4k;discard 40k 20k;write -z 3M 1k"

static const struct made_row {
    const char *name;
    const char *steps[8]; /* a command line; or "io: ..." for qemu-io */
    enum qcow2_defect want;
} rows[] = {
#define SIZED(size)                                                                                \
    {                                                                                              \
        "clusters of " size,                                                                       \
            {"qemu-img create -f qcow2 -o cluster_size=" size " FILE 4M", "io:" IO}, QCOW2_OK      \
    }
    SIZED("512"),
    SIZED("1k"),
    SIZED("2k"),
    SIZED("4k"),
    SIZED("8k"),
    SIZED("16k"),
    SIZED("32k"),
    SIZED("64k"),
    SIZED("128k"),
    SIZED("256k"),
    SIZED("512k"),
    SIZED("1M"),
    SIZED("2M"),
#define OLD(size)                                                                                  \
    {                                                                                              \
        "version 2, " size,                                                                        \
            {"qemu-img create -f qcow2 -o compat=0.10,cluster_size=" size " FILE 4M", "io:" IO},   \
            QCOW2_OK                                                                               \
    }
    OLD("512"),
    OLD("4k"),
    OLD("64k"),
    OLD("2M"),
#define PACKED(more)                                                                               \
    {                                                                                              \
        "compressed, " more,                                                                       \
            {"qemu-img convert -c -f raw -O qcow2 -o " more " RAW FILE",                           \
             "io:write -P 7 1000448 3072;"                                                         \
             "write -z 300k 70000;"                                                                \
             "write -c -P 9 1M 64k;"                                                               \
             "discard 700k 128k"},                                                                 \
            QCOW2_OK                                                                               \
    }
    PACKED("cluster_size=512"),
    PACKED("cluster_size=4k"),
    PACKED("cluster_size=64k"),
    PACKED("compat=0.10,cluster_size=64k"),
    PACKED("compression_type=zstd,cluster_size=512"),
    PACKED("compression_type=zstd,cluster_size=64k"),
    PACKED("compression_type=zstd,extended_l2=on,cluster_size=16k"),
    {"compressed, clusters of 2 MiB",
     {"qemu-img convert -c -f raw -O qcow2 -o cluster_size=2M RAW FILE", "io:write -P 7 1M 3072"},
     QCOW2_OK},
    {"zstd, clusters of 2 MiB",
     {"qemu-img convert -c -f raw -O qcow2 -o compression_type=zstd,cluster_size=2M RAW FILE"},
     QCOW2_OK},
#define SUB(size)                                                                                  \
    {                                                                                              \
        "subclusters of " size,                                                                    \
            {"qemu-img create -f qcow2 -o extended_l2=on,cluster_size=" size " FILE 4M",           \
             "io:" IO},                                                                            \
            QCOW2_OK                                                                               \
    }
    SUB("16k"),
    SUB("64k"),
    SUB("2M"),
#define PRE(mode, more)                                                                            \
    {                                                                                              \
        "preallocation " mode more,                                                                \
            {"qemu-img create -f qcow2 -o preallocation=" mode more " FILE 4M", "io:" IO},         \
            QCOW2_OK                                                                               \
    }
    PRE("off", ""),
    PRE("metadata", ""),
    PRE("falloc", ""),
    PRE("full", ""),
    PRE("metadata", ",cluster_size=4k"),
    PRE("metadata", ",extended_l2=on"),
#define WIDE(bits)                                                                                 \
    {                                                                                              \
        "refcounts of " bits " bits",                                                              \
            {"qemu-img create -f qcow2 -o cluster_size=512,refcount_bits=" bits " FILE 4M",        \
             "io:" IO},                                                                            \
            QCOW2_OK                                                                               \
    }
    WIDE("1"),
    WIDE("2"),
    WIDE("4"),
    WIDE("8"),
    WIDE("32"),
    WIDE("64"),
    {"lazy refcounts",
     {"qemu-img create -f qcow2 -o lazy_refcounts=on FILE 4M", "io:" IO},
     QCOW2_OK},
    {"grown",
     {"qemu-img create -f qcow2 -o cluster_size=1k FILE 4M", "io:" IO, "qemu-img resize FILE 200M",
      "io:write -P 5 150M 70k"},
     QCOW2_OK},
    {"shrunk",
     {"qemu-img create -f qcow2 -o cluster_size=1k FILE 4M", "io:" IO,
      "qemu-img resize --shrink FILE 2600k", "io:write -P 5 2550k 50k"},
     QCOW2_OK},
    {"grown, preallocated",
     {"qemu-img create -f qcow2 FILE 4M", "qemu-img resize --preallocation=metadata FILE 9M"},
     QCOW2_OK},
    {"bitmaps",
     {"qemu-img create -f qcow2 -o cluster_size=4k FILE 4M", "qemu-img bitmap --add FILE b0",
      "qemu-img bitmap --add -g 512 FILE b1", "io:" IO, "qemu-img bitmap --clear FILE b0",
      "qemu-img bitmap --remove FILE b1"},
     QCOW2_OK},
    {"snapshots",
     {"qemu-img create -f qcow2 -o cluster_size=1k FILE 4M", "io:" IO,
      "qemu-img snapshot -c a FILE", "io:write -P 9 0 20k", "qemu-img snapshot -c b FILE",
      "io:" IO},
     QCOW2_POLICY_SNAPSHOTS},
    {"a snapshot, deleted",
     {"qemu-img create -f qcow2 FILE 4M", "io:" IO, "qemu-img snapshot -c a FILE", "io:" IO,
      "qemu-img snapshot -d a FILE"},
     QCOW2_OK},
    {"a snapshot with subclusters",
     {"qemu-img create -f qcow2 -o extended_l2=on FILE 4M", "io:" IO, "qemu-img snapshot -c a FILE",
      "io:" IO},
     QCOW2_POLICY_SNAPSHOTS},
    {"a snapshot of compressed clusters",
     {"qemu-img convert -c -f raw -O qcow2 RAW FILE", "qemu-img snapshot -c a FILE",
      "io:write -P 9 100k 100k"},
     QCOW2_POLICY_SNAPSHOTS},
    {"data file", {"qemu-img create -f qcow2 -o DATA FILE 4M", "io:" IO}, QCOW2_POLICY_DATA_FILE},
};

static void make(const char *folder, const struct made_row *row)
{
    if (strstr(row->steps[0], "RAW"))
        make_raw(folder);
    for (size_t i = 0; i < ARRAY_LEN(row->steps) && row->steps[i]; i++)
        if (strncmp(row->steps[i], "io:", 3) == 0)
            run_io(folder, row->steps[i] + 3);
        else
            ck_assert_msg(run_words(folder, row->steps[i]) == 0, "%s: %s", row->name,
                          row->steps[i]);
}

/* ---- verdicts ---- */

static int verdict_of(const struct qcow2_check_report *r)
{
    if (!r->complete)
        return 1;
    return r->corruptions ? 2 : r->leaks ? 3 : 0;
}

static int check_file(const char *path, bool deep, struct qcow2_check_report *r)
{
    __attribute__((cleanup(cleanup_qcow2_fault))) struct qcow2_fault f = {0};
    struct qcow2_check_options options = {.decompress = deep};
    *r = (struct qcow2_check_report){0};
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_io_open(path, 0, &f);
    ck_assert_ptr_nonnull(io);
    return qcow2_check(io, &options, r, &f) < 0 ? 1 : verdict_of(r);
}

static char *all_texts(const struct qcow2_check_report *r)
{
    struct strbuf text = {0};
    for (size_t i = 0; i < r->count && i < 5; i++)
        strbuf_addf(&text, "%s %s; ", qcow2_defect_code(r->items[i].defect), r->items[i].text);
    return strbuf_take(&text);
}

/* ---- bytes ---- */

static void same_bytes(const char *path, const char *raw, const char *what)
{
    struct qcow2_fault f = {0};
    struct qcow2_policy look = {.accept_snapshots = true};
    AUTO(qcow2_image) struct qcow2_image *image = qcow2_image_open_file(path, &look, &f);
    ck_assert_msg(image != NULL, "%s: %s", what, f.err.msg ? f.err.msg : "");
    struct qcow2_image *layers[] = {image};
    struct qcow2_chain_options lax = {.accept_v2_increments = true};
    AUTO(qcow2_chain) struct qcow2_chain *chain = qcow2_chain_open(layers, 1, &lax, &f);
    ck_assert_msg(chain != NULL, "%s: %s", what, f.err.msg ? f.err.msg : "");
    same_as_raw(chain, raw, what);
}

START_TEST(made)
{
    const struct made_row *row = &rows[_i];
    char *folder = scratch_create();
    AUTO(str) char *path = mem_printf("%s/x.qcow2", folder);
    AUTO(str) char *out = mem_printf("%s/out.raw", folder);
    make(folder, row);
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = read_file(path);
    enum qcow2_defect judged = judge(&b);
    ck_assert_msg(judged == row->want, "%s: %s", row->name, qcow2_defect_code(judged));
    struct qcow2_check_report r;
    int ours = check_file(path, true, &r);
    AUTO(str) char *texts = all_texts(&r);
    uint64_t warnings = r.warnings;
    qcow2_check_finish(&r);
    int theirs = run_words(folder, "qemu-img check -q -f qcow2 FILE");
    ck_assert_msg(ours == theirs, "%s: we %d, qemu-img %d: %s", row->name, ours, theirs, texts);
    ck_assert_msg(ours == 0, "%s: %d: %s", row->name, ours, texts);
    if (row->want != QCOW2_POLICY_DATA_FILE) {
        ck_assert_msg(warnings == 0, "%s: %s", row->name, texts);
        ck_assert_int_eq(run_words(folder, "qemu-img convert -f qcow2 -O raw FILE OUT"), 0);
        same_bytes(path, out, row->name);
    }
    scratch_remove(folder);
}
END_TEST

/* ---- bitmaps and snapshots, as lists ---- */

static char *ranges(struct qcow2_bitmaps *b, size_t index)
{
    struct strbuf text = {0};
    for (uint64_t at = 0, len;; at += len) {
        ck_assert_int_eq(qcow2_bitmap_next(b, index, &at, &len, NULL), 0);
        if (len == 0)
            break;
        strbuf_addf(&text, "%llu+%llu ", (unsigned long long)at, (unsigned long long)len);
    }
    return strbuf_take(&text);
}

START_TEST(bitmaps_listed)
{
    static const char *const steps[] = {
        "qemu-img create -f qcow2 -o cluster_size=4k FILE 4M",
        "qemu-img bitmap --add -g 64k FILE b0",
        "qemu-img bitmap --add -g 512 FILE b1",
        "qemu-img bitmap --add --disable -g 64k FILE b2",
        "io:write -P 1 1M 64k;write -P 1 2M 100;write -P 1 4193792 512",
        "qemu-img bitmap --merge b0 FILE b2",
        "qemu-img bitmap --disable FILE b1",
        "io:write -P 1 0 4k",
    };
    static const struct {
        const char *name, *ranges;
        uint64_t granularity;
        bool automatic;
    } want[] = {
        {"b0", "0+65536 1048576+65536 2097152+65536 4128768+65536 ", 65536, true},
        {"b1", "1048576+65536 2097152+512 4193792+512 ", 512, false},
        {"b2", "1048576+65536 2097152+65536 4128768+65536 ", 65536, false},
    };
    char *folder = scratch_create();
    AUTO(str) char *path = mem_printf("%s/x.qcow2", folder);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if (strncmp(steps[i], "io:", 3) == 0)
            run_io(folder, steps[i] + 3);
        else
            ck_assert_msg(run_words(folder, steps[i]) == 0, "%s", steps[i]);
    AUTO(qcow2_image) struct qcow2_image *image = qcow2_image_open_file(path, NULL, NULL);
    ck_assert_ptr_nonnull(image);
    AUTO(qcow2_bitmaps) struct qcow2_bitmaps *b = qcow2_bitmaps_read(image, NULL);
    ck_assert_ptr_nonnull(b);
    ck_assert_uint_eq(qcow2_bitmaps_count(b), ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        const struct qcow2_bitmap_info *info = qcow2_bitmaps_at(b, i);
        size_t k = 0;
        while (k < ARRAY_LEN(want) && strcmp(info->name, want[k].name) != 0)
            k++;
        ck_assert_uint_lt(k, ARRAY_LEN(want));
        ck_assert_uint_eq(info->granularity, want[k].granularity);
        ck_assert_int_eq(info->automatic, want[k].automatic);
        ck_assert(!info->in_use);
        AUTO(str) char *got = ranges(b, i);
        ck_assert_str_eq(got, want[k].ranges);
    }
    scratch_remove(folder);
}
END_TEST

START_TEST(snapshots_listed)
{
    char *folder = scratch_create();
    AUTO(str) char *path = mem_printf("%s/x.qcow2", folder);
    ck_assert_int_eq(run_words(folder, "qemu-img create -f qcow2 FILE 4M"), 0);
    ck_assert_int_eq(run_words(folder, "qemu-img snapshot -c first FILE"), 0);
    ck_assert_int_eq(run_words(folder, "qemu-img snapshot -c second-one FILE"), 0);
    struct qcow2_policy look = {.accept_snapshots = true};
    AUTO(qcow2_image) struct qcow2_image *image = qcow2_image_open_file(path, &look, NULL);
    ck_assert_ptr_nonnull(image);
    AUTO(qcow2_snapshots) struct qcow2_snapshots *s = qcow2_snapshots_read(image, NULL);
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(qcow2_snapshots_count(s), 2);
    ck_assert_str_eq(qcow2_snapshots_at(s, 0)->id, "1");
    ck_assert_str_eq(qcow2_snapshots_at(s, 0)->name, "first");
    ck_assert_str_eq(qcow2_snapshots_at(s, 1)->name, "second-one");
    ck_assert_uint_eq(qcow2_snapshots_at(s, 1)->disk_size, 4 << 20);
    scratch_remove(folder);
}
END_TEST

/* Encrypted images: refused by name, and checked without the key that qemu-img wants. */
static const char *const encryptions[] = {
    "encrypt.format=aes,encrypt.key-secret=s",
    "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10",
};

START_TEST(encrypted)
{
    char *folder = scratch_create();
    AUTO(str) char *path = mem_printf("%s/x.qcow2", folder);
    AUTO(str)
    char *create = mem_printf(
        "qemu-img create -f qcow2 --object secret,id=s,data=abc -o %s FILE 1M", encryptions[_i]);
    /* qemu-img times its key function, and fails on a machine that is too busy. */
    if (run_words(folder, create) == 0) {
        __attribute__((cleanup(cleanup_bytes))) struct bytes b = read_file(path);
        ck_assert_int_eq(judge(&b), QCOW2_POLICY_ENCRYPTED);
        struct qcow2_check_report r;
        ck_assert_int_eq(check_file(path, true, &r), 0);
        ck_assert_uint_eq(r.warnings, 0);
        qcow2_check_finish(&r);
        ck_assert_int_eq(
            run_words(folder, "qemu-img check --object secret,id=s,data=abc --image-opts KEYS"), 0);
        struct qcow2_policy look = {.accept_unreadable = true};
        AUTO(qcow2_image) struct qcow2_image *image = qcow2_image_open_file(path, &look, NULL);
        ck_assert_ptr_nonnull(image);
        ck_assert_uint_eq(qcow2_image_info(image)->crypt_method, (unsigned)_i + 1);
        ck_assert_int_eq(qcow2_image_info(image)->luks, _i == 1);
    }
    scratch_remove(folder);
}
END_TEST

/* ---- damage ---- */

/* Where our verdict may be "corrupt" while qemu-img's is "sound" or "leaks": the finding that tells
 * it apart. */
static const struct difference {
    enum qcow2_defect defect;
    const char *part; /* of the text */
    const char *why;
} differences[] = {
    {QCOW2_L1_EOF, "qemu-img check does not mind", "an L1 table that is not all there is lost"},
    {QCOW2_L1_ENTRY, "qemu-img check does not mind", "the same of an L2 table"},
    {QCOW2_SNAP, "qemu-img check does not mind", "the same of a snapshot's L1 table"},
    {QCOW2_COMP, "qemu-img check does not mind", "no stream of zeros gives a cluster"},
    {QCOW2_ZERO_V2, "version 2", "qemu cannot read such a cluster, though its check passes"},
    {QCOW2_OVERLAP, "metadata", "the next write destroys it, though refcounts agree"},
};

enum { PLACES_MAX = 64 };

struct place {
    uint64_t at, len;
};

struct places {
    struct place items[PLACES_MAX];
    size_t count;
};

static void add_place(struct places *p, const struct bytes *b, uint64_t at, uint64_t len)
{
    if (len == 0 || at >= b->len || p->count == PLACES_MAX)
        return;
    p->items[p->count++] = (struct place){at, len < b->len - at ? len : b->len - at};
}

/* Header, extensions, tables; the first of each kind. */
static void find_places(const struct bytes *b, struct places *p)
{
    uint64_t cs = UINT64_C(1) << be32_at(b->data, HDR_CLUSTER_BITS);
    uint64_t rt = be64_at(b->data, HDR_RT_OFFSET), l1 = be64_at(b->data, HDR_L1_OFFSET);
    bool v3 = be32_at(b->data, HDR_VERSION) == 3;
    uint64_t ext = v3 ? be32_at(b->data, HDR_LENGTH) : QCOW2_V2_HEADER;
    add_place(p, b, 0, QCOW2_V3_HEADER);
    add_place(p, b, HDR_BACKING_OFFSET, 64);
    add_place(p, b, rt, 64);
    add_place(p, b, l1, be32_at(b->data, HDR_L1_SIZE) * UINT64_C(8));
    for (uint64_t i = 0; i < 4; i++)
        if (be64_at(b->data, rt + i * 8))
            add_place(p, b, be64_at(b->data, rt + i * 8), cs < 256 ? cs : 256);
    for (uint64_t i = 0; i < be32_at(b->data, HDR_L1_SIZE); i++)
        if (be64_at(b->data, l1 + i * 8))
            add_place(p, b, be64_at(b->data, l1 + i * 8) & QCOW2_OFFSET_MASK, cs < 512 ? cs : 512);
    if (be32_at(b->data, HDR_SNAPSHOTS))
        add_place(p, b, be64_at(b->data, HDR_SNAPSHOTS_OFFSET), 128);
    for (; be32_at(b->data, ext) != QCOW2_EXT_END;
         ext += 8 + (be32_at(b->data, ext + 4) + UINT64_C(7)) / 8 * 8) {
        add_place(p, b, ext, 32);
        if (be32_at(b->data, ext) != QCOW2_EXT_BITMAPS)
            continue;
        uint64_t directory = be64_at(b->data, ext + 24);
        add_place(p, b, directory, be64_at(b->data, ext + 16));
        add_place(p, b, be64_at(b->data, directory), be32_at(b->data, directory + 8) * UINT64_C(8));
    }
}

static uint64_t pick(struct prng *prng, const struct places *p)
{
    const struct place *place = &p->items[prng_below(prng, p->count)];
    return place->at + prng_below(prng, place->len);
}

static void put_word(struct bytes *b, uint64_t at, uint64_t word)
{
    if (at / 8 * 8 + 8 <= b->len)
        be64_put(b->data, at / 8 * 8, word);
}

static void damage(struct prng *prng, const struct places *p, struct bytes *b)
{
    static const uint64_t words[] = {
        0, 1, QCOW2_COPIED, QCOW2_COMPRESSED, UINT64_MAX, UINT64_C(1) << 40,
    };
    uint64_t at = pick(prng, p), other = pick(prng, p), kind = prng_below(prng, 8);
    uint64_t value = prng_next(prng);
    if (kind < 3)
        b->data[at] ^= (unsigned char)(1u << value % 8);
    else if (kind == 3)
        b->data[at] = (unsigned char)value;
    else if (kind == 4)
        put_word(b, at, words[value % ARRAY_LEN(words)]);
    else if (kind == 5)
        put_word(b, at, QCOW2_COPIED | (value % b->len & ~UINT64_C(511)));
    else if (kind == 6 && other / 8 * 8 + 8 <= b->len)
        put_word(b, at, be64_at(b->data, other / 8 * 8));
    else if (kind == 7)
        b->len = 1 + (value % 3 ? value / 3 % b->len : b->len - 1 - value / 3 % 600);
}

static bool explained(const struct qcow2_check_report *r, int theirs)
{
    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; k < ARRAY_LEN(differences); k++)
            if (r->items[i].severity == QCOW2_SEVERITY_CORRUPTION &&
                r->items[i].defect == differences[k].defect &&
                strstr(r->items[i].text, differences[k].part) && (theirs == 0 || theirs == 3))
                return true;
    return false;
}

/* qemu-img wants a key, or another file, before it looks. */
static bool needs_more(const struct bytes *b)
{
    bool v3 = b->len >= QCOW2_V3_HEADER_MIN && be32_at(b->data, HDR_VERSION) == 3;
    return b->len >= QCOW2_V2_HEADER &&
           (be32_at(b->data, HDR_CRYPT) || be32_at(b->data, HDR_BACKING_SIZE) ||
            (v3 && be64_at(b->data, HDR_INCOMPATIBLE) & QCOW2_INCOMPAT_DATA_FILE));
}

static const char *const damaged[] = {
    "clusters of 512",
    "clusters of 4k",
    "version 2, 512",
    "subclusters of 16k",
    "refcounts of 1 bits",
    "refcounts of 4 bits",
    "refcounts of 64 bits",
    "bitmaps",
    "snapshots",
    "compressed, cluster_size=4k",
    "compressed, compression_type=zstd,cluster_size=512",
    "lazy refcounts",
};

START_TEST(damaged_alike)
{
    enum { ROUNDS = 27 };
    const struct made_row *row = rows;
    while (strcmp(row->name, damaged[_i]) != 0)
        row++;
    char *folder = scratch_create();
    AUTO(str) char *path = mem_printf("%s/x.qcow2", folder);
    make(folder, row);
    __attribute__((cleanup(cleanup_bytes))) struct bytes good = read_file(path);
    AUTO(mem) void *work = mem_alloc(good.len);
    struct places places = {0};
    find_places(&good, &places);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct prng prng;
        AUTO(str) char *seed = mem_printf("%s, round %u", row->name, round);
        prng_init(&prng, 1, seed);
        struct bytes b = {memcpy(work, good.data, good.len), good.len};
        for (uint64_t n = 1 + prng_below(&prng, 2); n > 0 && b.len == good.len; n--)
            damage(&prng, &places, &b);
        if (needs_more(&b))
            continue;
        write_file(path, b.data, b.len);
        struct qcow2_check_report r;
        int ours = check_file(path, false, &r);
        int theirs = run_words(folder, "qemu-img check -q -f qcow2 FILE");
        AUTO(str) char *texts = all_texts(&r);
        ck_assert_msg(ours == theirs || explained(&r, theirs), "%s: we %d, qemu-img %d: %s", seed,
                      ours, theirs, texts);
        qcow2_check_finish(&r);
    }
    scratch_remove(folder);
}
END_TEST

int main(void)
{
    if (skip_without_qemu())
        return SKIPPED;
    return SUITE_MAIN("qcow2.made",
                      SUITE_LONG_CASE("made", 120, EACH(made, rows), TEST(bitmaps_listed),
                                      TEST(snapshots_listed), EACH(encrypted, encryptions),
                                      EACH(damaged_alike, damaged)));
}
