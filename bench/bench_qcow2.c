/* Chains of qcow2 layers beside the tools that people use for them, in one run: qemu-img, qemu-io
 * and cp.
 *
 * bench_qcow2 PROGRAM FOLDER...: each folder is measured by itself (a tmpfs, a disk). Ours and the
 * peer take turns, so that a noisy moment hits both; the figures are medians of ROUNDS. Memory is
 * the largest resident set of a process. With --restore: the datamover's downloader, as a process.
 *
 * Two things made the first command of a round look slow, whichever it was: the disk still writing
 * what came before, so it is synced before each command, untimed; and memory that a virtual machine
 * gets from its host at first touch, at three times the price, so a round is run before it counts.
 */
#include <errno.h>
#include <fcntl.h>
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
#include "base/strbuf.h"
#include "base/wall.h"

#define ROUNDS 5u
#define MIB 1048576.0

extern char **environ;

static const char *program;

/* ---- commands ---- */

struct cost {
    double seconds;
    long kib; /* resident, the largest process */
};

/* Runs a shell command with its output dropped. A failing command ends the benchmark: a figure of a
 * command that did nothing is worse than none. */
static struct cost run(const char *command)
{
    const char *argv[] = {"sh", "-c", command, NULL};
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    int64_t begin = wall_monotonic_ns();
    pid_t pid;
    int r = posix_spawnp(&pid, argv[0], &quiet, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&quiet);
    struct rusage usage = {0};
    int status = -1;
    if (r != 0 || wait4(pid, &status, 0, &usage) != pid || status != 0) {
        fprintf(stderr, "bench_qcow2: this failed (status %d): %s\n", status, command);
        exit(1);
    }
    return (struct cost){(double)(wall_monotonic_ns() - begin) / 1e9, usage.ru_maxrss};
}

static int by_seconds(const void *a, const void *b)
{
    double x = ((const struct cost *)a)->seconds, y = ((const struct cost *)b)->seconds;
    return (x > y) - (x < y);
}

/* Once as it comes after what was before: `before` (may be NULL) and the disk's rest are untimed.
 */
static struct cost run_alone(const char *before, const char *command)
{
    if (before)
        run(before);
    run("sync");
    return run(command);
}

/* Each command ROUNDS times, in turn, after one round that does not count. */
static void take_turns(const char *const *commands, size_t count, const char *before,
                       struct cost *ret_medians)
{
    struct cost costs[4][ROUNDS];
    for (size_t i = 0; i < count; i++)
        run_alone(before, commands[i]);
    for (unsigned round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < count; i++)
            costs[i][round] = run_alone(before, commands[i]);
    for (size_t i = 0; i < count; i++) {
        long kib = 0;
        for (unsigned round = 0; round < ROUNDS; round++)
            kib = costs[i][round].kib > kib ? costs[i][round].kib : kib;
        qsort(costs[i], ROUNDS, sizeof(costs[i][0]), by_seconds);
        ret_medians[i] = costs[i][ROUNDS / 2];
        ret_medians[i].kib = kib;
    }
}

/* ---- chains ---- */

struct chain {
    const char *name, *size, *full, *change;
    unsigned increments;
};

static const struct chain chains[] = {
    {"1 GiB, 1+3", "1GiB", "512MiB", "5MiB", 3},
    {"1 GiB, 1+10", "1GiB", "512MiB", "5MiB", 10},
    {"1 GiB, 1+100", "1GiB", "512MiB", "5MiB", 100},
    {"10 GiB, 1+100", "10GiB", "1GiB", "10MiB", 100},
};

/* The chain's layers in its folder are 000.qcow2, 001.qcow2, ...: hard links to what create-chain
 * made; in linked/ are copies that are rebased onto each other, as qemu-img wants them. */
static void make_chain(const struct chain *c, const char *folder)
{
    AUTO(str)
    char *command =
        mem_printf("set -e; cd %s; rm -rf made layers linked; "
                   "%s qcow2 create-chain made --size %s --full %s --change %s --increments %u "
                   "--cluster-size 64KiB --unwritten hole --no-digests --seed 7; "
                   "mkdir layers linked; n=0; for f in $(find made -name '*.qcow2' | sort -V); do "
                   "  ln $f layers/$(printf %%04d $n).qcow2; n=$((n + 1)); done; "
                   "cp layers/*.qcow2 linked/; cd linked; before=; for f in *.qcow2; do "
                   "  [ -z \"$before\" ] || qemu-img rebase -u -f qcow2 -F qcow2 -b $before $f; "
                   "before=$f; done; "
                   "ln -s $before top; cd ..; "
                   "%s qcow2 flatten --no-sync -o raw layers/*.qcow2",
                   folder, program, c->size, c->full, c->change, c->increments, program);
    run(command);
}

static double allocated_gib(const char *folder)
{
    AUTO(str) char *path = mem_printf("%s/raw", folder);
    struct stat st;
    return stat(path, &st) < 0 ? 0 : (double)st.st_blocks * 512 / MIB / 1024;
}

static void row(const char *what, const struct cost *ours, const char *peer,
                const struct cost *theirs)
{
    printf("| %s | %.3f s | %.1f MiB | %s | %.3f s | %.1f |\n", what, ours->seconds,
           (double)ours->kib / 1024, peer, theirs->seconds, theirs->seconds / ours->seconds);
    fflush(stdout);
}

static void heading(const char *title)
{
    printf("\n%s\n\n| what | ours | memory | peer | peer's time | times as fast "
           "|\n|---|---|---|---|---|---|\n",
           title);
}

/* Another way to do the same. */
struct way {
    const char *name, *command;
};

static void compare_restores(const char *what, const char *folder, const char *ours,
                             const struct way *ways, size_t count)
{
    AUTO(str) char *before = mem_printf("rm -f %s/out", folder);
    const char *commands[4] = {ours};
    struct cost cost[4];
    for (size_t i = 0; i < count; i++)
        commands[i + 1] = ways[i].command;
    take_turns(commands, count + 1, before, cost);
    run(before);
    for (size_t i = 0; i < count; i++)
        row(what, &cost[0], ways[i].name, &cost[i + 1]);
}

static void bench_restore(const struct chain *c, const char *folder)
{
    AUTO(str)
    char *ours =
        mem_printf("cd %s && %s qcow2 flatten --no-sync -o out layers/*.qcow2", folder, program);
    /* The names are there already, so this rebase costs what the first one did. */
    AUTO(str)
    char *theirs = mem_printf("set -e; cd %s/linked; before=; for f in *.qcow2; do "
                              "[ -z \"$before\" ] || qemu-img rebase -u -f qcow2 -F qcow2 -b "
                              "$before $f; before=$f; done; "
                              "qemu-img convert -f qcow2 -O raw top ../out",
                              folder);
    AUTO(str)
    char *convert =
        mem_printf("cd %s/linked && qemu-img convert -W -f qcow2 -O raw top ../out", folder);
    AUTO(str) char *copy = mem_printf("cd %s && cp --sparse=always raw out", folder);
    AUTO(str) char *what = mem_printf("restore, %s", c->name);
    const struct way ways[] = {{"rebase -u, convert", theirs},
                               {"convert -W alone", convert},
                               {"cp --sparse=always of the raw disk", copy}};
    compare_restores(what, folder, ours, ways, ARRAY_LEN(ways));
}

/* As a restore is made: nothing is said before the disk has it. */
static void bench_synced_restore(const struct chain *c, const char *folder)
{
    AUTO(str)
    char *ours = mem_printf("cd %s && %s qcow2 flatten -o out layers/*.qcow2", folder, program);
    AUTO(str)
    char *convert = mem_printf("cd %s/linked && qemu-img convert -W -f qcow2 -O raw top ../out && "
                               "sync ../out",
                               folder);
    AUTO(str)
    char *copy = mem_printf("cd %s && cp --sparse=always raw out && sync out", folder);
    AUTO(str) char *what = mem_printf("restore, synced, %s", c->name);
    const struct way ways[] = {{"convert -W, sync", convert}, {"cp --sparse=always, sync", copy}};
    compare_restores(what, folder, ours, ways, ARRAY_LEN(ways));
}

static void bench_map(const struct chain *c, const char *folder)
{
    AUTO(str)
    char *ours = mem_printf("cd %s && %s qcow2 map --json layers/*.qcow2", folder, program);
    AUTO(str)
    char *theirs = mem_printf("cd %s/linked && qemu-img map --output=json -f qcow2 top", folder);
    const char *const commands[] = {ours, theirs};
    struct cost cost[2];
    take_turns(commands, 2, NULL, cost);
    AUTO(str) char *what = mem_printf("resolve (map --json), %s", c->name);
    row(what, &cost[0], "qemu-img map", &cost[1]);
}

static void bench_compare(const struct chain *c, const char *folder)
{
    AUTO(str)
    char *ours = mem_printf("cd %s && %s qcow2 compare layers/*.qcow2 -- raw", folder, program);
    AUTO(str)
    char *theirs =
        mem_printf("cd %s/linked && qemu-img compare -f qcow2 -F raw top ../raw", folder);
    const char *const commands[] = {ours, theirs};
    struct cost cost[2];
    take_turns(commands, 2, NULL, cost);
    AUTO(str)
    char *what = mem_printf("compare, %s (%.1f GiB/s of allocated bytes)", c->name,
                            allocated_gib(folder) / cost[0].seconds);
    row(what, &cost[0], "qemu-img compare", &cost[1]);
}

/* Here and for chains each round has a folder of its own, and all are removed at the end: before
 * ext4 gives out an inode, it looks at all that were deleted in the last minutes, whoever asks. */
static void bench_micro(const char *folder)
{
    AUTO(str)
    char *micro = mem_printf("cd %s && %s qcow2 create-chain micro-$$ --count 500 --size 64KiB "
                             "--full 16KiB --change 4KiB --increments 2 --cluster-size 512 "
                             "--no-digests",
                             folder, program);
    AUTO(str) char *clean = mem_printf("rm -rf %s/micro-*", folder);
    const char *const tiny[] = {micro};
    struct cost many;
    take_turns(tiny, 1, NULL, &many);
    printf(
        "\nmicro fixtures (64 KiB disk, 512 B clusters, 1+2 layers, 500 of them): %.0f per second, "
        "%.1f MiB\n",
        500 / many.seconds, (double)many.kib / 1024);
    run(clean);
}

/* One full backup of 8 MiB and 10 increments of 1 MiB: 11 creates and 11 writes with qemu's tools.
 */
static void bench_create(const char *folder)
{
    AUTO(str)
    char *ours =
        mem_printf("cd %s && %s qcow2 create-chain made-$$ --size 64MiB --full 8MiB --change 1MiB "
                   "--increments 10 --cluster-size 64KiB --unwritten hole --no-digests",
                   folder, program);
    AUTO(str)
    char *theirs = mem_printf(
        "set -e; mkdir %s/made-$$; cd %s/made-$$; i=0; while [ $i -le 10 ]; do "
        "qemu-img create -q -f qcow2 $i.qcow2 64M; "
        "n=1M; [ $i -gt 0 ] || n=8M; qemu-io -f qcow2 -c \"write -q -P $i ${i}M $n\" $i.qcow2; "
        "i=$((i + 1)); done",
        folder, folder);
    AUTO(str) char *clean = mem_printf("rm -rf %s/made-*", folder);
    const char *const commands[] = {ours, theirs};
    struct cost cost[2];
    take_turns(commands, 2, NULL, cost);
    row("create-chain, 8 MiB + 10 x 1 MiB", &cost[0], "qemu-img create, qemu-io", &cost[1]);
    AUTO(str)
    char *digests =
        mem_printf("cd %s && %s qcow2 create-chain made-$$ --size 64MiB --full 8MiB --change 1MiB "
                   "--increments 10 --cluster-size 64KiB --unwritten hole",
                   folder, program);
    const char *const with_digests[] = {digests};
    struct cost slower;
    take_turns(with_digests, 1, NULL, &slower);
    row("the same with digests", &slower, "qemu-img create, qemu-io", &cost[1]);
    bench_micro(folder);
    run(clean);
}

static void bench_depth(const char *folder)
{
    static const struct chain deep = {"10 GiB, 1+999", "10GiB", "1GiB", "1MiB", 999};
    make_chain(&deep, folder);
    AUTO(str)
    char *ours = mem_printf("cd %s && %s qcow2 map --json layers/*.qcow2", folder, program);
    const char *const commands[] = {ours};
    struct cost cost;
    take_turns(commands, 1, NULL, &cost);
    printf("\nresolve (map --json), 1,000 layers of a 10 GiB disk: %.3f s, %.1f MiB\n",
           cost.seconds, (double)cost.kib / 1024);
}

/* ---- the datamover's downloader ---- */

/* All of what the pod does, on real files: it fetches every layer from an object store (a folder),
 * checks each, and makes the disk; so every byte is read and written twice. With it stand the last
 * step alone, and a copy of the finished disk. */
static const struct chain restores[] = {
    {"1 GiB allocated, 1+10", "1GiB", "1GiB", "5MiB", 10},
    {"1 GiB allocated, 1+100", "1GiB", "1GiB", "5MiB", 100},
};

static void put_file(const char *folder, const char *name, const char *text)
{
    AUTO(str) char *path = mem_printf("%s/%s", folder, name);
    AUTO(file) FILE *out = fopen(path, "w");
    if (!out || fputs(text, out) < 0) {
        fprintf(stderr, "bench_qcow2: %s: %s\n", path, strerror(errno));
        exit(1);
    }
}

static char *downloader(const struct chain *c, const char *folder, const char *engine)
{
    AUTO(str)
    char *config =
        mem_printf("{\"args\": [\"/manager\", \"download\"], \"engine\": \"%s\", \"env\": {"
                   "\"KUBEVIRT_DM_BSL_PROVIDER\": \"aws\", \"KUBEVIRT_DM_BSL_BUCKET\": \"made\", "
                   "\"KUBEVIRT_DM_VM_NAME\": \"db1\", \"KUBEVIRT_DM_VM_NAMESPACE\": \"shop\", "
                   "\"KUBEVIRT_DM_VELERO_BACKUP_NAME\": \"backup-%u\", "
                   "\"KUBEVIRT_DM_TARGET_VOLUME\": \"root\", "
                   "\"KUBEVIRT_DM_TARGET_PATH\": \"/scratch/disk.img\"}}",
                   engine, c->increments + 1);
    AUTO(str) char *name = mem_printf("config-%s", engine);
    put_file(folder, name, config);
    return mem_printf("cd %s && %s component datamover-downloader --kubeconfig nowhere "
                      "--objects . --root pod --config %s",
                      folder, program, name);
}

static void bench_engines(const struct chain *c, const char *folder)
{
    /* It wants to know of a cluster, and asks it nothing. */
    put_file(
        folder, "nowhere",
        "{apiVersion: v1, kind: Config, current-context: x, "
        "clusters: [{name: x, cluster: {server: \"http://127.0.0.1:1\"}}], "
        "users: [{name: x, user: {}}], contexts: [{name: x, context: {cluster: x, user: x}}]}");
    AUTO(str) char *native = downloader(c, folder, "native");
    AUTO(str) char *qemu = downloader(c, folder, "qemu-img");
    AUTO(str)
    char *convert =
        mem_printf("cd %s/linked && qemu-img convert -f qcow2 -O raw top ../out", folder);
    AUTO(str) char *copy = mem_printf("cp --sparse=always %s/raw %s/out", folder, folder);
    AUTO(str)
    char *before =
        mem_printf("rm -rf %s/out %s/pod; mkdir -p %s/pod/scratch", folder, folder, folder);
    const char *const commands[] = {native, qemu, convert, copy};
    const char *const names[] = {"downloader, native", "downloader, qemu-img",
                                 "qemu-img convert alone", "cp of the disk"};
    struct cost cost[4];
    take_turns(commands, 4, before, cost);
    for (size_t i = 0; i < 4; i++)
        printf("| %s | %s | %.3f s | %.2f GiB/s | %.1f MiB |\n", c->name, names[i], cost[i].seconds,
               allocated_gib(folder) / cost[i].seconds, (double)cost[i].kib / 1024);
    fflush(stdout);
    run(before);
}

static void bench_restores(const char *parent)
{
    AUTO(str) char *folder = mem_printf("%s/vmconform-restore-%ld", parent, (long)getpid());
    AUTO(str) char *clean = mem_printf("rm -rf %s", folder);
    if (mkdir(folder, 0700) < 0) {
        fprintf(stderr, "bench_qcow2: %s: %s\n", folder, strerror(errno));
        exit(1);
    }
    printf("\nin %s\n\n| chain | what | time | of the disk's bytes | memory "
           "|\n|---|---|---|---|---|\n",
           parent);
    for (size_t i = 0; i < ARRAY_LEN(restores); i++) {
        make_chain(&restores[i], folder);
        bench_engines(&restores[i], folder);
    }
    run(clean);
}

static void bench_folder(const char *parent)
{
    AUTO(str) char *folder = mem_printf("%s/vmconform-bench-%ld", parent, (long)getpid());
    if (mkdir(folder, 0700) < 0) {
        fprintf(stderr, "bench_qcow2: %s: %s\n", folder, strerror(errno));
        exit(1);
    }
    AUTO(str) char *title = mem_printf("in %s", parent);
    heading(title);
    for (size_t i = 0; i < ARRAY_LEN(chains); i++) {
        make_chain(&chains[i], folder);
        bench_restore(&chains[i], folder);
        bench_map(&chains[i], folder);
        bench_compare(&chains[i], folder);
    }
    make_chain(&chains[2], folder);
    bench_synced_restore(&chains[2], folder);
    bench_create(folder);
    bench_depth(folder);
    AUTO(str) char *clean = mem_printf("rm -rf %s", folder);
    run(clean);
}

int main(int argc, char **argv)
{
    bool restore = argc > 1 && strcmp(argv[1], "--restore") == 0;
    argc -= restore;
    argv += restore;
    if (argc < 3) {
        fputs("usage: bench_qcow2 [--restore] PROGRAM FOLDER...\n", stderr);
        return 2;
    }
    AUTO(str) char *absolute = realpath(argv[1], NULL);
    if (!absolute) {
        fprintf(stderr, "bench_qcow2: %s: %s\n", argv[1], strerror(errno));
        return 2;
    }
    program = absolute;
    for (int i = 2; i < argc; i++)
        (restore ? bench_restores : bench_folder)(argv[i]);
    return 0;
}
