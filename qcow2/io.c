#include "qcow2/io.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

struct file_io {
    struct qcow2_io io;
    int fd;
};

struct memory_io {
    struct qcow2_io io;
    const unsigned char *bytes;
};

/* ---- files ---- */

static int file_read(struct qcow2_io *io, uint64_t offset, void *buf, size_t len,
                     struct qcow2_fault *retfault)
{
    struct file_io *f = (struct file_io *)io;
    char *out = buf;
    while (len > 0) {
        ssize_t n = pread(f->fd, out, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return qcow2_fault_errno(retfault, errno, io->name, "cannot read");
        if (n == 0)
            return qcow2_fault_set(retfault, QCOW2_IO, io->name, offset,
                                   "the file became shorter while it was read");
        out += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

static uint64_t file_run(struct qcow2_io *io, uint64_t offset, bool *ret_zero)
{
    struct file_io *f = (struct file_io *)io;
    off_t data = lseek(f->fd, (off_t)offset, SEEK_DATA);
    if (data < 0) {
        /* ENXIO: nothing but a hole up to the end, unless the file became shorter: reading will
         * tell. Anything else: the system cannot tell. */
        struct stat st;
        *ret_zero = errno == ENXIO && fstat(f->fd, &st) == 0 && (uint64_t)st.st_size >= io->size;
        return io->size - offset;
    }
    *ret_zero = (uint64_t)data > offset;
    uint64_t end = (uint64_t)data;
    if (!*ret_zero) {
        off_t hole = lseek(f->fd, data, SEEK_HOLE);
        end = hole <= data ? io->size : (uint64_t)hole;
    }
    return (end < io->size ? end : io->size) - offset;
}

static void file_destroy(struct qcow2_io *io)
{
    struct file_io *f = (struct file_io *)io;
    close(f->fd);
    free(f);
}

static const struct qcow2_io_ops file_ops = {file_read, file_run, file_destroy};
/* SEEK_DATA means nothing on a device. */
static const struct qcow2_io_ops device_ops = {file_read, qcow2_io_run_unknown, file_destroy};

static int file_size(int fd, const char *name, unsigned flags, struct stat *st, uint64_t *ret_size,
                     struct qcow2_fault *retfault)
{
    if (fstat(fd, st) < 0)
        return qcow2_fault_errno(retfault, errno, name, "cannot look at the file");
    if (S_ISREG(st->st_mode)) {
        *ret_size = (uint64_t)st->st_size;
        return 0;
    }
    if (!S_ISBLK(st->st_mode) || !(flags & QCOW2_IO_DEVICE))
        return qcow2_fault_set(retfault, QCOW2_NOT_REGULAR, name, QCOW2_NO_OFFSET,
                               "expected a regular file%s",
                               flags & QCOW2_IO_DEVICE ? " or a block device" : "");
    off_t end = lseek(fd, 0, SEEK_END);
    if (end < 0)
        return qcow2_fault_errno(retfault, errno, name, "cannot find the size of the device");
    *ret_size = (uint64_t)end;
    return 0;
}

struct qcow2_io *qcow2_io_open_fd(int fd_take, const char *name, unsigned flags,
                                  struct qcow2_fault *retfault)
{
    AUTO(fd) int fd = fd_take;
    struct stat st;
    uint64_t size = 0;
    if (file_size(fd, name, flags, &st, &size, retfault) < 0)
        return NULL;
    struct file_io *f = mem_zalloc(sizeof *f);
    f->io.ops = S_ISREG(st.st_mode) ? &file_ops : &device_ops;
    f->io.name = mem_strdup(name);
    f->io.size = size;
    f->io.device = (uint64_t)st.st_dev;
    f->io.inode = (uint64_t)st.st_ino;
    f->fd = fd;
    fd = -1;
    return &f->io;
}

struct qcow2_io *qcow2_io_open(const char *path, unsigned flags, struct qcow2_fault *retfault)
{
    /* O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && (errno == ELOOP || errno == ENXIO)) {
        qcow2_fault_set(retfault, QCOW2_NOT_REGULAR, path, QCOW2_NO_OFFSET,
                        "expected a regular file, found a symbolic link or a socket");
        return NULL;
    }
    if (fd < 0) {
        qcow2_fault_errno(retfault, errno, path, "cannot open");
        return NULL;
    }
    return qcow2_io_open_fd(fd, path, flags, retfault);
}

/* ---- memory ---- */

static int memory_read(struct qcow2_io *io, uint64_t offset, void *buf, size_t len,
                       struct qcow2_fault *retfault)
{
    (void)retfault;
    memcpy(buf, ((struct memory_io *)io)->bytes + offset, len);
    return 0;
}

static void memory_destroy(struct qcow2_io *io)
{
    free(io);
}

static const struct qcow2_io_ops memory_ops = {memory_read, qcow2_io_run_unknown, memory_destroy};

struct qcow2_io *qcow2_io_memory(const void *bytes, size_t len, const char *name)
{
    struct memory_io *m = mem_zalloc(sizeof *m);
    m->io.ops = &memory_ops;
    m->io.name = mem_strdup(name);
    m->io.size = len;
    m->bytes = bytes;
    return &m->io;
}

/* ---- what callers use ---- */

void qcow2_io_destroy(struct qcow2_io *io)
{
    if (!io)
        return;
    free(io->name);
    io->ops->destroy(io);
}

int qcow2_io_read(struct qcow2_io *io, uint64_t offset, void *buf, size_t len,
                  struct qcow2_fault *retfault)
{
    if (len > io->size || offset > io->size - len)
        return qcow2_fault_set(retfault, QCOW2_IO, io->name, offset,
                               "%zu bytes are wanted, but the file ends at %llu", len,
                               (unsigned long long)io->size);
    return len == 0 ? 0 : io->ops->read(io, offset, buf, len, retfault);
}

uint64_t qcow2_io_run(struct qcow2_io *io, uint64_t offset, bool *ret_zero)
{
    assert(offset < io->size);
    uint64_t len = io->ops->run(io, offset, ret_zero);
    assert(len > 0);
    assert(len <= io->size - offset);
    return len;
}

uint64_t qcow2_io_run_unknown(struct qcow2_io *io, uint64_t offset, bool *ret_zero)
{
    *ret_zero = false;
    return io->size - offset;
}
