#include "base/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/unit/suite.h"

#define LARGE (4u << 20) /* more than a pipe takes at a time */

static int temporary(void)
{
    char path[] = "/tmp/vmconform-fdio-XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    unlink(path);
    return fd;
}

START_TEST(bytes_at_their_places)
{
    AUTO(fd) int fd = temporary();
    char buf[16] = {0};

    ck_assert_int_eq(fdio_write(fd, "0123456789", 10), 0);
    ck_assert_int_eq(fdio_write_at(fd, "abc", 3, 4), 0);
    ck_assert_int_eq(fdio_read_at(fd, buf, 3, 5), 3);
    ck_assert_mem_eq(buf, "bc7", 3);
    ck_assert_int_eq(fdio_read_at(fd, buf, sizeof buf, 6), 4); /* the file ends */
    ck_assert_mem_eq(buf, "c789", 4);
    ck_assert_int_eq(fdio_read_at(fd, buf, sizeof buf, 10), 0);
    ck_assert_int_eq(fdio_read(fd, buf, sizeof buf), 0);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    ck_assert_int_eq(fdio_read(fd, buf, sizeof buf), 10);
    ck_assert_mem_eq(buf, "0123abc789", 10);
    ck_assert_int_eq(fdio_write(fd, "", 0), 0);
}
END_TEST

typedef int zero_fn(int fd, uint64_t offset, uint64_t len);

static const struct zeros {
    zero_fn *fn;
    uint64_t offset, len, ends; /* where it stops: the file has 3 MiB and 100 bytes */
} zero_rows[] = {
    {fdio_zero_at, 0, 0, 0},
    {fdio_zero_at, 4096, 8192, 12288},
    {fdio_zero_at, 4097, (1 << 20) + 5, (1 << 20) + 4102},
    {fdio_zero_at, 2 << 20, 8 << 20, (3 << 20) + 100},
    {fdio_zero_at, 8 << 20, 5, 8 << 20},
    {fdio_write_zeros_at, 0, 0, 0},
    {fdio_write_zeros_at, 4096, 8192, 12288},
    {fdio_write_zeros_at, 4097, (1 << 20) + 5, (1 << 20) + 4102},
    {fdio_write_zeros_at, 2 << 20, 8 << 20, (3 << 20) + 100},
    {fdio_write_zeros_at, 8 << 20, 5, 8 << 20},
};

START_TEST(zeros_at_their_places)
{
    const struct zeros *z = &zero_rows[_i];
    const size_t size = (3u << 20) + 100;
    AUTO(fd) int fd = temporary();
    AUTO(str) char *bytes = mem_alloc(size), *got = mem_alloc(size + 1);

    memset(bytes, 'x', size);
    ck_assert_int_eq(fdio_write(fd, bytes, size), 0);
    ck_assert_int_eq(z->fn(fd, z->offset, z->len), 0);
    ck_assert_int_eq(fdio_read_at(fd, got, size + 1, 0), (ssize_t)size);
    if (z->offset < z->ends)
        memset(bytes + z->offset, 0, (size_t)(z->ends - z->offset));
    ck_assert_mem_eq(got, bytes, size);
}
END_TEST

/* A hole stays one: a thin volume is not filled with zeros. */
START_TEST(holes_stay)
{
    AUTO(fd) int fd = temporary();
    struct stat st;

    ck_assert_int_eq(ftruncate(fd, 64 << 20), 0);
    ck_assert_int_eq(fdio_write_at(fd, "x", 1, 40 << 20), 0);
    ck_assert_int_eq(fdio_write_zeros_at(fd, 0, 64 << 20), 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_int_le(st.st_blocks, 2048);
}
END_TEST

static void ignore(int sig)
{
    (void)sig;
}

struct sender {
    int fd;
    pthread_t reader;
    const char *bytes;
    int result;
};

/* The reader is called away from its work before each of many pieces. */
static void *send_pieces(void *arg)
{
    struct sender *s = arg;

    for (size_t at = 0; at < LARGE && s->result == 0; at += LARGE / 64) {
        pthread_kill(s->reader, SIGUSR1);
        s->result = fdio_write(s->fd, s->bytes + at, LARGE / 64);
    }
    close(s->fd);
    return NULL;
}

START_TEST(signals_and_short_transfers)
{
    struct sigaction act = {.sa_handler = ignore}; /* no SA_RESTART */
    AUTO(str) char *bytes = mem_alloc(LARGE), *got = mem_zalloc(LARGE);
    int ends[2];
    pthread_t thread;

    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    sigaction(SIGUSR1, &act, NULL);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    struct sender s = {ends[1], pthread_self(), bytes, 0};
    ck_assert_int_eq(pthread_create(&thread, NULL, send_pieces, &s), 0);
    ck_assert_int_eq(fdio_read(ends[0], got, LARGE), LARGE);
    pthread_join(thread, NULL);
    ck_assert_int_eq(s.result, 0);
    ck_assert_mem_eq(got, bytes, LARGE);
    close(ends[0]);
}
END_TEST

START_TEST(failures)
{
    AUTO(fd) int file = temporary();
    AUTO(fd) int full = open("/dev/full", O_WRONLY);
    struct rlimit limit = {4, 4};
    char byte = 'x';

    ck_assert_int_eq(fdio_write(full, &byte, 1), -1);
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_int_eq(fdio_read(full, &byte, 1), -1);
    ck_assert_int_eq(errno, EBADF);
    ck_assert_int_eq(fdio_read_at(-1, &byte, 1, 0), -1);
    ck_assert_int_eq(errno, EBADF);
    ck_assert_int_eq(fdio_zero_at(-1, 0, 1), -1);
    ck_assert_int_eq(errno, EBADF);
    /* Some bytes go, then no more do. */
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(fdio_write_at(file, "0123456789", 10, 0), -1);
    ck_assert_int_eq(errno, EFBIG);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("base.fdio",
                      SUITE_LONG_CASE("fdio", 60, TEST(bytes_at_their_places),
                                      EACH(zeros_at_their_places, zero_rows), TEST(holes_stay),
                                      TEST(signals_and_short_transfers), TEST(failures)));
}
