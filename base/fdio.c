#include "base/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"

#define ZERO_PIECE ((size_t)1 << 20)
#define ZERO_BLOCK ((size_t)4096) /* what a thin volume gives out at least */

/* One transfer, to be tried again when it gives -1 and errno is EINTR. */
typedef ssize_t transfer(int fd, char *at, size_t len, off_t offset);

static ssize_t put(int fd, char *at, size_t len, off_t offset)
{
    (void)offset;
    return write(fd, at, len);
}

static ssize_t put_at(int fd, char *at, size_t len, off_t offset)
{
    return pwrite(fd, at, len, offset);
}

static ssize_t get(int fd, char *at, size_t len, off_t offset)
{
    (void)offset;
    return read(fd, at, len);
}

static ssize_t get_at(int fd, char *at, size_t len, off_t offset)
{
    return pread(fd, at, len, offset);
}

/* Until all is done or nothing moves any more. */
static ssize_t move(transfer *once, int fd, char *bytes, size_t len, uint64_t offset)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = once(fd, bytes + done, len - done, (off_t)(offset + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

/* What takes no more bytes without an error is full. */
static int whole(ssize_t moved, size_t len)
{
    if (moved >= 0 && (size_t)moved < len)
        errno = ENOSPC;
    return moved >= 0 && (size_t)moved == len ? 0 : -1;
}

int fdio_write(int fd, const void *data, size_t len)
{
    return whole(move(put, fd, (char *)data, len, 0), len);
}

int fdio_write_at(int fd, const void *data, size_t len, uint64_t offset)
{
    return whole(move(put_at, fd, (char *)data, len, offset), len);
}

ssize_t fdio_read(int fd, void *buf, size_t len)
{
    return move(get, fd, buf, len, 0);
}

ssize_t fdio_read_at(int fd, void *buf, size_t len, uint64_t offset)
{
    return move(get_at, fd, buf, len, offset);
}

/* ---- zeros ---- */

static bool all_zero(const char *bytes, size_t len)
{
    return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

static int zero_piece(int fd, const char *piece, size_t len, uint64_t at)
{
    static const char zeros[ZERO_BLOCK];

    for (size_t done = 0; done < len;) {
        size_t n = len - done < ZERO_BLOCK ? len - done : ZERO_BLOCK;

        if (!all_zero(piece + done, n) && fdio_write_at(fd, zeros, n, at + done) < 0)
            return -1;
        done += n;
    }
    return 0;
}

int fdio_write_zeros_at(int fd, uint64_t offset, uint64_t len)
{
    AUTO(str) char *piece = mem_alloc(ZERO_PIECE);
    uint64_t at = offset, end = offset + len;

    while (at < end) {
        ssize_t n = fdio_read_at(fd, piece, end - at < ZERO_PIECE ? end - at : ZERO_PIECE, at);

        if (n <= 0)
            return (int)n;
        if (zero_piece(fd, piece, (size_t)n, at) < 0)
            return -1;
        at += (size_t)n;
    }
    return 0;
}

int fdio_zero_at(int fd, uint64_t offset, uint64_t len)
{
    struct stat st;
    int mode, r;

    if (len == 0)
        return 0;
    if (fstat(fd, &st) < 0)
        return -1;
    mode = S_ISBLK(st.st_mode) ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE;
    do
        r = fallocate(fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)len);
    while (r < 0 && errno == EINTR);
    if (r == 0)
        return 0;
    /* Not every file system and device can, and some only for whole blocks. */
    return errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL
               ? fdio_write_zeros_at(fd, offset, len)
               : -1;
}
