/* Images of 64 MiB that are made to be slow: what each command takes to answer, and how much
 * memory.
 *
 * bench_hostile PROGRAM FOLDER. The answer itself may be any; a crash, a deadline that is missed or
 * a process that grows is what this looks for. Flattening writes what an image claims, so it is
 * asked only where that is little. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/prng.h"
#include "base/wall.h"
#include "qcow2/format.h"

#define FILE_BYTES (UINT64_C(64) << 20)

extern char **environ;

/* ---- the images ---- */

struct image {
    unsigned char *bytes; /* FILE_BYTES */
    uint64_t cs;
    uint64_t l1_offset;
    uint32_t l1_entries;
};

/* Header and refcount table; the L1 table stands behind them, `entries` long. Returns what follows
 * it. */
static uint64_t begin(struct image *m, unsigned cluster_bits, uint64_t virtual_size,
                      uint64_t entries)
{
    memset(m->bytes, 0, FILE_BYTES);
    m->cs = UINT64_C(1) << cluster_bits;
    m->l1_offset = 2 * m->cs;
    m->l1_entries = (uint32_t)entries;
    be32_put(m->bytes, HDR_MAGIC, QCOW2_MAGIC_NUMBER);
    be32_put(m->bytes, HDR_VERSION, 3);
    be32_put(m->bytes, HDR_CLUSTER_BITS, cluster_bits);
    be64_put(m->bytes, HDR_SIZE, virtual_size);
    be32_put(m->bytes, HDR_L1_SIZE, m->l1_entries);
    be64_put(m->bytes, HDR_L1_OFFSET, m->l1_offset);
    be64_put(m->bytes, HDR_RT_OFFSET, m->cs);
    be32_put(m->bytes, HDR_RT_CLUSTERS, 1);
    be32_put(m->bytes, HDR_REFCOUNT_ORDER, 4);
    be32_put(m->bytes, HDR_LENGTH, QCOW2_V3_HEADER);
    uint64_t end = m->l1_offset + entries * 8;
    return (end + m->cs - 1) / m->cs * m->cs;
}

static void set_l1(struct image *m, uint64_t index, uint64_t l2)
{
    be64_put(m->bytes, m->l1_offset + index * 8, l2 | QCOW2_COPIED);
}

/* As many L2 tables as fit, each entry of which is what fill() says. */
typedef uint64_t fill_fn(struct image *m, uint64_t index);

static void tables_only(struct image *m, unsigned cluster_bits, fill_fn *fill)
{
    uint64_t cs = UINT64_C(1) << cluster_bits, per_l2 = cs / 8;
    uint64_t tables = (FILE_BYTES - 3 * cs) / (cs + 8) - 1;
    uint64_t at = begin(m, cluster_bits, tables * per_l2 * cs, tables);
    for (uint64_t t = 0; t < tables; t++) {
        set_l1(m, t, at + t * cs);
        for (uint64_t i = 0; i < per_l2; i++)
            be64_put(m->bytes, at + t * cs + i * 8, fill(m, t * per_l2 + i));
    }
}

static uint64_t every_other_zero(struct image *m, uint64_t index)
{
    (void)m;
    return index % 2 ? QCOW2_ZERO : 0;
}

static uint64_t one_compressed(struct image *m, uint64_t index)
{
    (void)index;
    return QCOW2_COMPRESSED | (FILE_BYTES - m->cs);
}

static uint64_t packed_compressed(struct image *m, uint64_t index)
{
    return QCOW2_COMPRESSED | (FILE_BYTES - m->cs + index % m->cs);
}

static void make_zeros(struct image *m)
{
    tables_only(m, 9, every_other_zero);
}

static void make_bomb(struct image *m)
{
    tables_only(m, 9, one_compressed);
}

static void make_bomb_large(struct image *m)
{
    tables_only(m, 21, one_compressed);
}

static void make_packed(struct image *m)
{
    tables_only(m, 12, packed_compressed);
}

/* Data clusters in the opposite order: no two extents are one. */
static void make_backwards(struct image *m)
{
    uint64_t cs = 512, per_l2 = cs / 8, data = 120000;
    uint64_t tables = (data + per_l2 - 1) / per_l2;
    uint64_t at = begin(m, 9, data * cs, tables), first = at + tables * cs;
    for (uint64_t i = 0; i < data; i++) {
        set_l1(m, i / per_l2, at + i / per_l2 * cs);
        be64_put(m->bytes, at + i * 8, QCOW2_COPIED | (first + (data - 1 - i) * cs));
    }
}

/* Four million L1 entries, all leading to one table. */
static void make_one_l2(struct image *m)
{
    uint64_t entries = QCOW2_L1_ENTRIES_MAX;
    uint64_t at = begin(m, 9, entries * 64 * 512, entries);
    for (uint64_t i = 0; i < entries; i++)
        set_l1(m, i, at);
}

/* Snapshots that share one long L1 table, whose entries all lead to one L2 table. */
static void make_snapshots(struct image *m)
{
    uint64_t entries = 1 << 20;
    uint64_t at = begin(m, 9, entries * 64 * 512, entries);
    uint64_t table = at + m->cs, count = 65536;
    for (uint64_t i = 0; i < entries; i++)
        set_l1(m, i, at);
    be32_put(m->bytes, HDR_SNAPSHOTS, (uint32_t)count);
    be64_put(m->bytes, HDR_SNAPSHOTS_OFFSET, table);
    for (uint64_t i = 0; i < count; i++) {
        unsigned char *s = m->bytes + table + i * 56;
        be64_put(s, 0, m->l1_offset);
        be32_put(s, 8, (uint32_t)entries);
        be32_put(s, 36, 16);
    }
}

/* A refcount table whose entries all lead to the same block, and to each other. */
static void make_refcounts(struct image *m)
{
    tables_only(m, 16, every_other_zero);
    uint64_t clusters = 128;
    be32_put(m->bytes, HDR_RT_CLUSTERS, (uint32_t)clusters);
    be64_put(m->bytes, HDR_RT_OFFSET, 16 * m->cs);
    for (uint64_t i = 0; i < clusters * m->cs / 8; i++)
        be64_put(m->bytes, 16 * m->cs + i * 8, (16 + i % 200) * m->cs);
}

static void make_noise(struct image *m)
{
    uint64_t at = begin(m, 16, UINT64_C(1) << 40, 2048);
    struct prng prng;
    prng_init(&prng, 1, "hostile noise");
    prng_fill(&prng, m->bytes + m->l1_offset, FILE_BYTES - m->l1_offset);
    for (uint64_t i = 0; i < 2048; i++)
        set_l1(m, i, at + i % 900 * m->cs);
}

static void make_claims(struct image *m)
{
    begin(m, 16, UINT64_C(1) << 50, 1 << 21);
    be64_put(m->bytes, HDR_RT_OFFSET, UINT64_C(1) << 60);
    be32_put(m->bytes, HDR_RT_CLUSTERS, UINT32_MAX);
}

static const struct hostile {
    const char *name;
    void (*make)(struct image *m);
    bool flatten;
} hostiles[] = {
    {"tables of zeros and nothing in turn", make_zeros, false},
    {"millions of entries, one compressed cluster", make_bomb, false},
    {"the same, clusters of 2 MiB", make_bomb_large, false},
    {"compressed data that overlap", make_packed, false},
    {"data backwards, clusters of 512 bytes", make_backwards, true},
    {"4194304 L1 entries, one L2 table", make_one_l2, false},
    {"65536 snapshots, one L1 table", make_snapshots, false},
    {"refcount table that leads to itself", make_refcounts, false},
    {"noise behind a sound header", make_noise, false},
    {"claims of 2^50 and 2^60", make_claims, false},
};

/* ---- commands ---- */

static double slowest;

static void ask(const char *program, const char *command, const char *path, const char *out)
{
    const char *argv[] = {program, "qcow2", command, path, NULL, NULL, NULL, NULL};
    if (out) {
        argv[3] = "-o";
        argv[4] = out;
        argv[5] = path;
    }
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
    int64_t begin_ns = wall_monotonic_ns();
    pid_t pid;
    int r = posix_spawn(&pid, program, &quiet, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&quiet);
    struct rusage usage = {0};
    int status = -1;
    if (r != 0 || wait4(pid, &status, 0, &usage) != pid) {
        fprintf(stderr, "bench_hostile: cannot run %s\n", program);
        exit(1);
    }
    double seconds = (double)(wall_monotonic_ns() - begin_ns) / 1e9;
    slowest = seconds > slowest ? seconds : slowest;
    double busy = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
                  (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf(" %s %.3f s (%.3f s of processor), %.0f MiB, exit %d |", command, seconds, busy,
           (double)usage.ru_maxrss / 1024,
           WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
}

/* In a process of its own: what a process has ever held counts as the memory of those that it
 * spawns. */
static void make_image(const char *path, const struct hostile *h)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct image m = {mem_alloc(FILE_BYTES), 0, 0, 0};
        h->make(&m);
        FILE *f = fopen(path, "wb");
        _exit(!f || fwrite(m.bytes, 1, FILE_BYTES, f) != FILE_BYTES || fclose(f) != 0);
    }
    int status = -1;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "bench_hostile: %s: %s\n", path, strerror(errno));
        exit(1);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: bench_hostile PROGRAM FOLDER\n", stderr);
        return 2;
    }
    AUTO(str) char *path = mem_printf("%s/hostile-%ld", argv[2], (long)getpid());
    AUTO(str) char *out = mem_printf("%s.raw", path);
    puts("| image of 64 MiB | | | | |\n|---|---|---|---|---|");
    for (size_t i = 0; i < ARRAY_LEN(hostiles); i++) {
        make_image(path, &hostiles[i]);
        printf("| %s |", hostiles[i].name);
        ask(argv[1], "info", path, NULL);
        ask(argv[1], "map", path, NULL);
        ask(argv[1], "check", path, NULL);
        if (hostiles[i].flatten)
            ask(argv[1], "flatten", path, out);
        putchar('\n');
        fflush(stdout);
    }
    printf("\nthe slowest answer: %.3f s\n", slowest);
    unlink(path);
    unlink(out);
    return 0;
}
