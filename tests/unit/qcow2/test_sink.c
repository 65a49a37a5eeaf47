/* Every kind of sink: the same bytes through all of them, whole or nothing under a name, old data
 * under zeros, full media, slow and vanished readers. */
#include "qcow2/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/mem.h"
#include "qcow2/sink_priv.h"
#include "tests/unit/qcow2/medium.h"
#include "tests/unit/qcow2/scratch.h"
#include "tests/unit/suite.h"

static void fill_file(const char *path, size_t len, int byte)
{
    AUTO(str) char *bytes = mem_alloc(len + 1);
    memset(bytes, byte, len);
    write_file(path, bytes, len);
}

/* Zeros in [start, end), `other` around them. */
static void zeros_between(const struct bytes *b, size_t start, size_t end, int other)
{
    size_t wrong = 0;
    for (size_t i = 0; i < b->len; i++)
        wrong += b->data[i] != (i >= start && i < end ? 0 : other);
    ck_assert_msg(wrong == 0, "%zu..%zu: %zu bytes are wrong", start, end, wrong);
}

/* ---- the same script through every kind ---- */

#define DISK (256u << 10)

/* In order and without gaps, so that a stream can take it. */
static const struct step {
    uint32_t len;
    char letter; /* 0: zeros */
} script[] = {{1, 'a'}, {4095, 'b'}, {8192, 0}, {100000, 'c'}, {70001, 0}, {512, 'd'}, {1000, 0}};

static size_t play(struct qcow2_sink *sink, char *want)
{
    FAULT f = {0};
    size_t at = 0;
    AUTO(str) char *buf = mem_alloc(DISK);
    for (size_t i = 0; i < ARRAY_LEN(script); i++) {
        const struct step *s = &script[i];
        memset(buf, s->letter, s->len);
        memset(want + at, s->letter, s->len);
        if (s->letter)
            ok(qcow2_sink_write(sink, at, buf, s->len, &f), &f);
        else
            ok(qcow2_sink_zero(sink, at, s->len, &f), &f);
        at += s->len;
    }
    return at;
}

static void reads_back(struct qcow2_sink *sink, const char *want, size_t len)
{
    FAULT f = {0};
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_sink_reader(sink, &f);
    ck_assert_msg(io != NULL, "%s", f.err.msg ? f.err.msg : "nothing to read");
    size_t have = io->size < len ? (size_t)io->size : len; /* trailing zeros may be missing yet */
    AUTO(str) char *got = mem_zalloc(len);
    ok(qcow2_io_read(io, 0, got, have, &f), &f);
    ck_assert_mem_eq(got, want, len);
}

START_TEST(file_takes_it)
{
    AUTO(str) char *path = in_folder("disk.raw");
    AUTO(str) char *want = mem_zalloc(DISK);
    FAULT f = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_file(path, _i, &f);
    ck_assert(sink->fresh);
    ck_assert(sink->parallel);
    size_t end = play(sink, want);
    reads_back(sink, want, end);
    ck_assert(!exists("disk.raw"));
    ok(qcow2_sink_commit(sink, DISK, &f), &f);
    ck_assert_uint_eq(leftovers(folder), 0);
    BYTES got = read_file(path);
    ck_assert_uint_eq(got.len, DISK);
    ck_assert_mem_eq(got.data, want, DISK);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

/* Zeros over what was written before become zeros in a file too. */
START_TEST(file_zeros_what_was_written)
{
    AUTO(str) char *path = in_folder("disk.raw");
    FAULT f = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_file(path, 0, &f);
    char data[10000];
    memset(data, 'x', sizeof data);
    ok(qcow2_sink_write(sink, 0, data, sizeof data, &f), &f);
    ok(qcow2_sink_zero(sink, 5000, 100000, &f), &f);
    ok(qcow2_sink_commit(sink, 20000, &f), &f);
    BYTES got = read_file(path);
    ck_assert_uint_eq(got.len, 20000);
    zeros_between(&got, 5000, 20000, 'x');
}
END_TEST

START_TEST(memory_takes_it)
{
    AUTO(str) char *want = mem_zalloc(DISK);
    FAULT f = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_memory("memory", DISK);
    size_t end = play(sink, want);
    reads_back(sink, want, end);
    ok(qcow2_sink_zero(sink, 1, 3, &f), &f);
    memset(want + 1, 0, 3);
    ok(qcow2_sink_commit(sink, DISK, &f), &f);
    BYTES got = {0};
    got.data = qcow2_sink_memory_take(sink, &got.len);
    ck_assert_uint_eq(got.len, DISK);
    ck_assert_mem_eq(got.data, want, DISK);
}
END_TEST

START_TEST(memory_ends)
{
    FAULT f = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_memory("memory", 100);
    ok(qcow2_sink_write(sink, 90, "0123456789", 10, &f), &f);
    ck_assert_int_eq(qcow2_sink_write(sink, 91, "0123456789", 10, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_NO_SPACE);
    ck_assert_uint_eq(f.offset, 91);
    qcow2_fault_clear(&f);
    ck_assert_int_eq(qcow2_sink_zero(sink, UINT64_MAX, 10, &f), -1); /* the sum wraps */
    ck_assert_int_eq(f.defect, QCOW2_NO_SPACE);
    qcow2_fault_clear(&f);
    ck_assert_int_eq(qcow2_sink_commit(sink, 101, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_NO_SPACE);
}
END_TEST

/* ---- files under their names ---- */

START_TEST(abandoned_file_leaves_nothing)
{
    AUTO(str) char *path = in_folder("disk.raw");
    FAULT f = {0};
    struct qcow2_sink *sink = qcow2_sink_file(path, _i ? QCOW2_SINK_NAMED : 0, &f);
    ok(qcow2_sink_write(sink, 0, "x", 1, &f), &f);
    ck_assert_uint_eq(leftovers(folder), _i ? 1 : 0);
    qcow2_sink_destroy(sink);
    ck_assert(!exists("disk.raw"));
    ck_assert_uint_eq(leftovers(folder), 0);
}
END_TEST

/* Each has a file of its own: who commits last is found under the name, whole. */
START_TEST(two_files_of_one_name)
{
    unsigned flags = _i ? QCOW2_SINK_NAMED : 0;
    AUTO(str) char *path = in_folder("disk.raw");
    FAULT f = {0};
    struct qcow2_sink *a = qcow2_sink_file(path, flags, &f);
    ok(qcow2_sink_write(a, 0, "aaaa", 4, &f), &f);
    struct qcow2_sink *b = qcow2_sink_file(path, flags, &f);
    ok(qcow2_sink_write(b, 0, "b", 1, &f), &f);
    ok(qcow2_sink_commit(a, 4, &f), &f);
    BYTES first = read_file(path);
    ck_assert_uint_eq(first.len, 4);
    ck_assert_mem_eq(first.data, "aaaa", 4);
    ok(qcow2_sink_write(b, 1, "b", 1, &f), &f);
    ok(qcow2_sink_commit(b, 2, &f), &f);
    BYTES second = read_file(path);
    ck_assert_uint_eq(second.len, 2);
    ck_assert_mem_eq(second.data, "bb", 2);
    qcow2_sink_destroy(a);
    qcow2_sink_destroy(b);
    ck_assert_uint_eq(leftovers(folder), 0);
}
END_TEST

/* Names that look like ours are somebody's files. */
START_TEST(foreign_partial_stays)
{
    AUTO(str) char *path = in_folder("disk.raw");
    AUTO(str) char *plain = in_folder("disk.raw.partial");
    AUTO(str) char *taken = mem_printf("%s.%ld-0.partial", path, (long)getpid());
    write_file(plain, "precious", 8);
    ck_assert_int_eq(symlink("/etc/passwd", taken), 0);
    FAULT f = {0};
    struct qcow2_sink *sink = qcow2_sink_file(path, _i ? QCOW2_SINK_NAMED : 0, &f);
    ok(qcow2_sink_write(sink, 0, "x", 1, &f), &f);
    ok(qcow2_sink_commit(sink, 1, &f), &f);
    qcow2_sink_destroy(sink);
    ck_assert(exists("disk.raw"));
    ck_assert_uint_eq(leftovers(folder), 2);
    BYTES kept = read_file(plain);
    ck_assert_mem_eq(kept.data, "precious", 8);
}
END_TEST

/* An old file stays as it was until the new one is whole. */
START_TEST(file_replaces_a_file)
{
    AUTO(str) char *path = in_folder("disk.raw");
    write_file(path, "old", 3);
    for (unsigned whole = 0; whole < 2; whole++) {
        FAULT f = {0};
        struct qcow2_sink *sink = qcow2_sink_file(path, 0, &f);
        ck_assert_uint_ne(sink->inode, 0);
        ok(qcow2_sink_write(sink, 0, "newer", 5, &f), &f);
        if (whole)
            ok(qcow2_sink_commit(sink, 5, &f), &f);
        qcow2_sink_destroy(sink);
        BYTES got = read_file(path);
        ck_assert_uint_eq(got.len, whole ? 5 : 3);
        ck_assert_mem_eq(got.data, whole ? "newer" : "old", got.len);
    }
}
END_TEST

START_TEST(failed_commit_leaves_nothing)
{
    AUTO(str) char *path = in_folder("disk.raw");
    FAULT f = {0};
    struct qcow2_sink *sink = qcow2_sink_file(path, 0, &f);
    ok(qcow2_sink_write(sink, 0, "x", 1, &f), &f);
    ck_assert_int_eq(mkdir(path, 0700), 0); /* in the way of the rename */
    ck_assert_int_eq(qcow2_sink_commit(sink, 1, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_IO);
    qcow2_sink_destroy(sink);
    ck_assert_uint_eq(leftovers(folder), 0);
    ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

enum kind { KIND_NONE, KIND_FILE, KIND_LINK, KIND_DANGLING, KIND_FIFO, KIND_FOLDER, KIND_DEVICE };

static const struct target_row {
    const char *name;
    enum kind kind;
    enum qcow2_defect as_file, in_place; /* what creating each sink says */
} targets[] = {
    {"nothing", KIND_NONE, QCOW2_OK, QCOW2_IO},
    {"file", KIND_FILE, QCOW2_OK, QCOW2_OK},
    {"link to a file", KIND_LINK, QCOW2_NOT_REGULAR, QCOW2_NOT_REGULAR},
    {"dangling link", KIND_DANGLING, QCOW2_NOT_REGULAR, QCOW2_NOT_REGULAR},
    {"FIFO", KIND_FIFO, QCOW2_NOT_REGULAR, QCOW2_NOT_REGULAR},
    {"folder", KIND_FOLDER, QCOW2_NOT_REGULAR, QCOW2_NOT_REGULAR},
    {"character device", KIND_DEVICE, QCOW2_NOT_REGULAR, QCOW2_NOT_REGULAR},
};

/* A target of the kind; the paths of the table. New. */
static char *make_target(enum kind kind)
{
    char *path = in_folder("target");
    AUTO(str) char *other = in_folder("other");
    write_file(other, "old", 3);
    switch (kind) {
    case KIND_NONE:
        break;
    case KIND_FILE:
        write_file(path, "old", 3);
        break;
    case KIND_LINK:
        ck_assert_int_eq(symlink(other, path), 0);
        break;
    case KIND_DANGLING:
        ck_assert_int_eq(symlink("nowhere", path), 0);
        break;
    case KIND_FIFO:
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        break;
    case KIND_FOLDER:
        ck_assert_int_eq(mkdir(path, 0700), 0);
        break;
    case KIND_DEVICE:
        free(path);
        return mem_strdup("/dev/null");
    }
    return path;
}

START_TEST(what_a_target_may_be)
{
    const struct target_row *row = &targets[_i];
    AUTO(str) char *path = make_target(row->kind);
    FAULT f = {0};
    qcow2_sink_destroy(qcow2_sink_in_place(path, 0, &f));
    ck_assert_msg(f.defect == row->in_place, "%s in place: %s", row->name,
                  qcow2_defect_code(f.defect));
    qcow2_fault_clear(&f);
    qcow2_sink_destroy(qcow2_sink_file(path, 0, &f));
    ck_assert_msg(f.defect == row->as_file, "%s as a file: %s", row->name,
                  qcow2_defect_code(f.defect));
    AUTO(str) char *other = in_folder("other");
    BYTES left = read_file(other);
    ck_assert_uint_eq(left.len, 3);
}
END_TEST

START_TEST(no_folder)
{
    AUTO(str) char *path = in_folder("nowhere/disk.raw");
    FAULT f = {0};
    ck_assert_ptr_null(qcow2_sink_file(path, 0, &f));
    ck_assert_int_eq(f.defect, QCOW2_IO);
}
END_TEST

/* ---- in place ---- */

START_TEST(in_place_takes_it)
{
    AUTO(str) char *path = in_folder("disk.raw");
    AUTO(str) char *want = mem_alloc(DISK);
    memset(want, 0xaa, DISK);
    fill_file(path, DISK, 0xaa);
    FAULT f = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_in_place(path, 0, &f);
    ck_assert(!sink->fresh);
    ck_assert(sink->fixed);
    ck_assert_uint_eq(sink->capacity, DISK);
    size_t end = play(sink, want);
    reads_back(sink, want, DISK);
    ok(qcow2_sink_commit(sink, end, &f), &f);
    BYTES got = read_file(path);
    ck_assert_uint_eq(got.len, DISK);
    ck_assert_mem_eq(got.data, want, DISK);
}
END_TEST

START_TEST(in_place_keeps_its_size)
{
    AUTO(str) char *path = in_folder("disk.raw");
    fill_file(path, 5000, 0xaa);
    FAULT f = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_in_place(path, 0, &f);
    ck_assert_int_eq(qcow2_sink_write(sink, 4999, "xy", 2, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_NO_SPACE);
    qcow2_fault_clear(&f);
    ck_assert_int_eq(qcow2_sink_zero(sink, 4096, 905, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_NO_SPACE);
    qcow2_fault_clear(&f);
    ok(qcow2_sink_zero(sink, 4096, 904, &f), &f);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_size, 5000);
}
END_TEST

/* Whichever way of making zeros the system grants, from the best to plain writing, the range reads
 * as zeros and its neighbours as before. */
START_TEST(every_way_of_making_zeros)
{
    static const struct {
        uint64_t offset, len;
    } ranges[] = {{0, DISK}, {4096, 8192}, {4095, 2}, {1, 4094}, {5000, 100000}, {0, 4096}};
    AUTO(str) char *path = in_folder("disk.raw");
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        uint64_t start = ranges[i].offset, end = start + ranges[i].len;
        fill_file(path, DISK, 0xaa);
        FAULT f = {0};
        AUTO(fd) int fd = open(path, O_RDWR);
        struct sink_fd s = {.fd = fd, .method = (unsigned)_i};
        ok(sink_fd_zero(&s, "disk", start, end - start, &f), &f);
        BYTES got = read_file(path);
        ck_assert_uint_eq(got.len, DISK);
        zeros_between(&got, start, end, 0xaa);
    }
}
END_TEST

START_TEST(failed_sync_is_a_failure)
{
    int pipe_fds[2];
    ck_assert_int_eq(pipe(pipe_fds), 0); /* cannot be synced */
    struct sink_fd s = {.fd = pipe_fds[1], .sync = true};
    FAULT f = {0};
    ck_assert_int_eq(sink_fd_sync(&s, "disk", &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_IO);
    s.sync = false;
    ok(sink_fd_sync(&s, "disk", NULL), &f);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}
END_TEST

START_TEST(block_device)
{
    AUTO(str) char *path = in_folder("backing");
    fill_file(path, DISK, 0xaa);
    __attribute__((cleanup(loop_detach))) struct loop_device loop = loop_attach(path);
    if (!loop.path)
        return;
    AUTO(str) char *want = mem_alloc(DISK);
    memset(want, 0xaa, DISK);
    FAULT f = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_in_place(loop.path, 0, &f);
    ck_assert_msg(sink != NULL, "%s", f.err.msg ? f.err.msg : "");
    ck_assert(sink->fixed);
    ck_assert_uint_eq(sink->capacity, DISK);
    size_t end = play(sink, want);
    reads_back(sink, want, DISK);
    ck_assert_int_eq(qcow2_sink_write(sink, DISK, "x", 1, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_NO_SPACE);
    qcow2_fault_clear(&f);
    ok(qcow2_sink_commit(sink, end, &f), &f);
    BYTES got = read_file(path);
    ck_assert_mem_eq(got.data, want, DISK);
}
END_TEST

/* As every_way_of_making_zeros, where BLKZEROOUT can work. */
START_TEST(every_way_of_making_zeros_on_a_device)
{
    AUTO(str) char *path = in_folder("backing");
    fill_file(path, DISK, 0xaa);
    __attribute__((cleanup(loop_detach))) struct loop_device loop = loop_attach(path);
    if (!loop.path)
        return;
    AUTO(fd) int fd = open(loop.path, O_RDWR);
    struct sink_fd s = {.fd = fd, .device = true, .sync = true, .method = (unsigned)_i};
    FAULT f = {0};
    ok(sink_fd_zero(&s, "device", 5000, 100000, &f), &f);
    ok(sink_fd_sync(&s, "device", &f), &f);
    BYTES got = read_file(path);
    zeros_between(&got, 5000, 105000, 0xaa);
}
END_TEST

/* ---- full ---- */

START_TEST(file_size_limit)
{
    AUTO(str) char *path = in_folder("disk.raw");
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {6000, RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    FAULT f = {0};
    struct qcow2_sink *sink = qcow2_sink_file(path, 0, &f);
    char data[8192] = {1};
    ck_assert_int_eq(qcow2_sink_write(sink, 0, data, sizeof data, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_IO);
    ck_assert_uint_eq(f.offset, 6000); /* so far it went */
    ck_assert_ptr_nonnull(strstr(f.err.msg, "File too large"));
    qcow2_fault_clear(&f);
    ck_assert_int_eq(qcow2_sink_commit(sink, 8192, &f), -1);
    qcow2_sink_destroy(sink);
    ck_assert(!exists("disk.raw"));
    ck_assert_uint_eq(leftovers(folder), 0);
}
END_TEST

START_TEST(full_file_system)
{
    if (!mount_small(folder, "size=64k"))
        return;
    AUTO(str) char *path = in_folder("disk.raw");
    FAULT f = {0};
    struct qcow2_sink *sink = qcow2_sink_file(path, 0, &f);
    char data[8192] = {1};
    int r = 0;
    for (uint64_t at = 0; at < DISK && r == 0; at += sizeof data)
        r = qcow2_sink_write(sink, at, data, sizeof data, &f);
    ck_assert_int_eq(r, -1);
    ck_assert_int_eq(f.defect, QCOW2_NO_SPACE);
    ck_assert_int_eq(f.err.code, ERR_NO_SPACE);
    ck_assert_uint_gt(f.offset, 0);
    AUTO(str) char *place = mem_printf("at byte %llu:", (unsigned long long)f.offset);
    ck_assert_ptr_nonnull(strstr(f.err.msg, place));
    qcow2_sink_destroy(sink);
    ck_assert(!exists("disk.raw"));
    ck_assert_uint_eq(leftovers(folder), 0);
    unmount_small(folder);
}
END_TEST

/* ---- streams ---- */

struct drain {
    int fd;
    size_t chunk; /* at most so many bytes at a time, so that writers see short writes */
    struct bytes got;
};

static void *drain_pipe(void *arg)
{
    struct drain *d = arg;
    size_t cap = 0;
    for (;;) {
        d->got.data = mem_grow(d->got.data, &cap, d->got.len + d->chunk, 1);
        ssize_t n = read(d->fd, d->got.data + d->got.len, d->chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return NULL;
        d->got.len += (size_t)n;
        sched_yield();
    }
}

static void on_alarm(int signo)
{
    (void)signo;
}

/* Signals without SA_RESTART all the time: every call that can be interrupted will be. */
static void interrupt_often(void)
{
    struct sigaction act = {.sa_handler = on_alarm};
    ck_assert_int_eq(sigaction(SIGALRM, &act, NULL), 0);
    struct itimerval every = {{0, 500}, {0, 500}};
    ck_assert_int_eq(setitimer(ITIMER_REAL, &every, NULL), 0);
}

static const struct pipe_row {
    const char *name;
    bool nonblocking, signals;
} pipes[] = {{"plain", false, false},
             {"non-blocking", true, false},
             {"signals", false, true},
             {"non-blocking, signals", true, true}};

START_TEST(slow_reader)
{
    const struct pipe_row *row = &pipes[_i];
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    if (row->nonblocking)
        ck_assert_int_eq(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
    struct drain d = {.fd = fds[0], .chunk = 100};
    pthread_t reader;
    ck_assert_int_eq(pthread_create(&reader, NULL, drain_pipe, &d), 0);
    if (row->signals)
        interrupt_often();
    FAULT f = {0};
    AUTO(str) char *want = mem_zalloc(DISK);
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_stream(fds[1], "pipe");
    ck_assert(sink->sequential);
    play(sink, want);
    ok(qcow2_sink_commit(sink, DISK, &f), &f);
    close(fds[1]);
    pthread_join(reader, NULL);
    close(fds[0]);
    ck_assert_msg(d.got.len == DISK, "%s: %zu bytes", row->name, d.got.len);
    ck_assert_mem_eq(d.got.data, want, DISK);
    free(d.got.data);
}
END_TEST

START_TEST(closed_reader)
{
    signal(SIGPIPE, SIG_IGN);
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    close(fds[0]);
    FAULT f = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_stream(fds[1], "pipe");
    ck_assert_int_eq(qcow2_sink_write(sink, 0, "x", 1, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_IO);
    ck_assert_ptr_nonnull(strstr(f.err.msg, "Broken pipe"));
    close(fds[1]);
}
END_TEST

START_TEST(stream_cannot_seek)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    FAULT f = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_stream(fds[1], "pipe");
    ok(qcow2_sink_write(sink, 0, "abc", 3, &f), &f);
    ck_assert_int_eq(qcow2_sink_write(sink, 4, "x", 1, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_USAGE);
    qcow2_fault_clear(&f);
    ck_assert_int_eq(qcow2_sink_zero(sink, 2, 1, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_USAGE);
    qcow2_fault_clear(&f);
    ck_assert_ptr_null(qcow2_sink_reader(sink, &f));
    ck_assert_int_eq(f.defect, QCOW2_OK);
    ck_assert_int_eq(qcow2_sink_commit(sink, 2, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_USAGE);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

/* Standard output may be a file. */
START_TEST(stream_into_a_file)
{
    AUTO(str) char *path = in_folder("disk.raw");
    AUTO(fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    FAULT f = {0};
    AUTO(str) char *want = mem_zalloc(DISK);
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_stream(fd, "file");
    play(sink, want);
    ok(qcow2_sink_commit(sink, DISK, &f), &f);
    BYTES got = read_file(path);
    ck_assert_uint_eq(got.len, DISK);
    ck_assert_mem_eq(got.data, want, DISK);
}
END_TEST

int main(void)
{
    TCase *tc = SUITE_LONG_CASE(
        "sink", 60, RANGE(file_takes_it, 0, 2), TEST(file_zeros_what_was_written),
        TEST(memory_takes_it), TEST(memory_ends), RANGE(abandoned_file_leaves_nothing, 0, 2),
        RANGE(two_files_of_one_name, 0, 2), RANGE(foreign_partial_stays, 0, 2),
        TEST(file_replaces_a_file), TEST(failed_commit_leaves_nothing),
        EACH(what_a_target_may_be, targets), TEST(no_folder), TEST(in_place_takes_it),
        TEST(in_place_keeps_its_size), RANGE(every_way_of_making_zeros, 0, 4), TEST(block_device),
        RANGE(every_way_of_making_zeros_on_a_device, 0, 4), TEST(failed_sync_is_a_failure),
        TEST(file_size_limit), TEST(full_file_system), EACH(slow_reader, pipes),
        TEST(closed_reader), TEST(stream_cannot_seek), TEST(stream_into_a_file));
    tcase_add_checked_fixture(tc, make_folder, remove_folder);
    return SUITE_MAIN("qcow2.sink", tc);
}
