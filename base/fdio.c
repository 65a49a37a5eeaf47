#include "base/fdio.h"

#include <errno.h>
#include <unistd.h>

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
