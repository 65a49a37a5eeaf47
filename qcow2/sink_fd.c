/* Descriptors that can seek: writing all of it, making zeros the cheapest way that the system
 * grants, reading back, flushing. Only `method` changes, so several threads may be in here. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "qcow2/sink_priv.h"

/* Less makes more and smaller requests to the disk; more leaves it idle. */
#define WRITE_BACK_BYTES (UINT64_C(8) << 20)

/* The disk works while the next windows are read, in place of at the end alone. Only advice: what
 * goes wrong is told by fsync. */
static void start_write_back(struct sink_fd *s, uint64_t len)
{
    uint64_t before = atomic_fetch_add(&s->written, len);
    if (before / WRITE_BACK_BYTES != (before + len) / WRITE_BACK_BYTES)
        (void)sync_file_range(s->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

int sink_fd_write(struct sink_fd *s, const char *name, uint64_t offset, const void *buf, size_t len,
                  struct qcow2_fault *retfault)
{
    const char *in = buf;
    size_t written = len;
    while (len > 0) {
        ssize_t n = pwrite(s->fd, in, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return sink_fault_at(retfault, n < 0 ? errno : EIO, name, offset, "cannot write");
        in += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    if (s->sync)
        start_write_back(s, written);
    return 0;
}

/* ---- zeros ---- */

/* Best first. Freeing comes before BLKZEROOUT, which keeps the space under a thin device. */
enum zero_method { ZERO_PUNCH, ZERO_BLOCKS, ZERO_RANGE, ZERO_WRITE };

/* Devices want whole blocks; the largest logical block in use has this size. */
#define ZERO_ALIGN 4096u

static int zero_by(const struct sink_fd *s, enum zero_method method, uint64_t offset, uint64_t len)
{
    uint64_t range[2] = {offset, len};
    switch (method) {
    case ZERO_PUNCH:
        return fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
                         (off_t)len);
    case ZERO_BLOCKS:
        errno = ENOTTY;
        return s->device ? ioctl(s->fd, BLKZEROOUT, range) : -1;
    case ZERO_RANGE:
        return fallocate(s->fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
                         (off_t)len);
    case ZERO_WRITE:
        break;
    }
    errno = EOPNOTSUPP;
    return -1;
}

static bool is_refusal(int errnum)
{
    return errnum == EOPNOTSUPP || errnum == ENOSYS || errnum == ENOTTY || errnum == EINVAL ||
           errnum == EPERM || errnum == ENODEV;
}

static int zero_by_writing(struct sink_fd *s, const char *name, uint64_t offset, uint64_t len,
                           struct qcow2_fault *f)
{
    while (len > 0) {
        size_t n = len < sizeof sink_zeros ? (size_t)len : sizeof sink_zeros;
        if (sink_fd_write(s, name, offset, sink_zeros, n, f) < 0)
            return -1;
        offset += n;
        len -= n;
    }
    return 0;
}

static int zero_blocks(struct sink_fd *s, const char *name, uint64_t offset, uint64_t len,
                       struct qcow2_fault *f)
{
    for (;;) {
        unsigned method = atomic_load(&s->method);
        if (method >= ZERO_WRITE)
            return zero_by_writing(s, name, offset, len, f);
        if (zero_by(s, (enum zero_method)method, offset, len) == 0)
            return 0;
        if (errno == EINTR)
            continue;
        if (!is_refusal(errno))
            return sink_fault_at(f, errno, name, offset, "cannot write zeros");
        /* Another thread may have found out meanwhile. */
        atomic_compare_exchange_strong(&s->method, &method, method + 1);
    }
}

int sink_fd_zero(struct sink_fd *s, const char *name, uint64_t offset, uint64_t len,
                 struct qcow2_fault *retfault)
{
    uint64_t head = (ZERO_ALIGN - offset % ZERO_ALIGN) % ZERO_ALIGN;
    if (head > len)
        head = len;
    uint64_t blocks = (len - head) / ZERO_ALIGN * ZERO_ALIGN;
    uint64_t tail = len - head - blocks;
    if (zero_by_writing(s, name, offset, head, retfault) < 0)
        return -1;
    if (blocks > 0 && zero_blocks(s, name, offset + head, blocks, retfault) < 0)
        return -1;
    return zero_by_writing(s, name, offset + head + blocks, tail, retfault);
}

/* ---- the medium ---- */

int sink_fd_sync(struct sink_fd *s, const char *name, struct qcow2_fault *retfault)
{
    while (s->sync && fsync(s->fd) < 0)
        if (errno != EINTR)
            return qcow2_fault_errno(retfault, errno, name, "cannot sync");
    return 0;
}

struct qcow2_io *sink_fd_reader(struct sink_fd *s, const char *name, struct qcow2_fault *retfault)
{
    if (sink_fd_sync(s, name, retfault) < 0)
        return NULL;
    /* What is clean now is dropped from memory, so that reading asks the medium. Only advice. */
    if (s->sync)
        (void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_DONTNEED);
    int fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        qcow2_fault_errno(retfault, errno, name, "cannot read back");
        return NULL;
    }
    return qcow2_io_open_fd(fd, name, QCOW2_IO_DEVICE, retfault);
}
