/* A block device, or a regular file that is there already, overwritten where it stands. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "qcow2/sink_priv.h"

struct place_sink {
    struct qcow2_sink sink;
    struct sink_fd fd;
};

static int place_write(struct qcow2_sink *sink, uint64_t offset, const void *buf, size_t len,
                       struct qcow2_fault *retfault)
{
    return sink_fd_write(&((struct place_sink *)sink)->fd, sink->name, offset, buf, len, retfault);
}

static int place_zero(struct qcow2_sink *sink, uint64_t offset, uint64_t len,
                      struct qcow2_fault *retfault)
{
    return sink_fd_zero(&((struct place_sink *)sink)->fd, sink->name, offset, len, retfault);
}

static struct qcow2_io *place_reader(struct qcow2_sink *sink, struct qcow2_fault *retfault)
{
    return sink_fd_reader(&((struct place_sink *)sink)->fd, sink->name, retfault);
}

static int place_commit(struct qcow2_sink *sink, uint64_t size, struct qcow2_fault *retfault)
{
    (void)size; /* has the one it has */
    return sink_fd_sync(&((struct place_sink *)sink)->fd, sink->name, retfault);
}

static void place_destroy(struct qcow2_sink *sink)
{
    struct place_sink *s = (struct place_sink *)sink;
    close(s->fd.fd);
    free(s);
}

static const struct qcow2_sink_ops place_ops = {place_write, place_zero, place_reader, place_commit,
                                                place_destroy};

static int refuse_kind(const char *path, struct qcow2_fault *f)
{
    return qcow2_fault_set(f, QCOW2_NOT_REGULAR, path, QCOW2_NO_OFFSET,
                           "expected a block device or a regular file to write into");
}

/* Looked at before it is opened: opening alone can have effects on other kinds of files. */
static int open_place(const char *path, struct stat *st, struct qcow2_fault *f)
{
    if (lstat(path, st) < 0)
        return qcow2_fault_errno(f, errno, path, "cannot look at the target");
    if (!S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode))
        return refuse_kind(path, f);
    /* O_EXCL on a device: not one that is mounted or part of another. */
    int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    AUTO(fd) int fd = open(path, flags | (S_ISBLK(st->st_mode) ? O_EXCL : 0));
    if (fd < 0)
        return qcow2_fault_errno(f, errno, path, "cannot open for writing");
    if (fstat(fd, st) < 0)
        return qcow2_fault_errno(f, errno, path, "cannot look at the target");
    if (!S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode))
        return refuse_kind(path, f);
    int opened = fd;
    fd = -1;
    return opened;
}

static int place_size(int fd, const struct stat *st, const char *path, uint64_t *ret_size,
                      struct qcow2_fault *f)
{
    *ret_size = (uint64_t)st->st_size;
    if (S_ISBLK(st->st_mode) && ioctl(fd, BLKGETSIZE64, ret_size) < 0)
        return qcow2_fault_errno(f, errno, path, "cannot find the size of the device");
    return 0;
}

struct qcow2_sink *qcow2_sink_in_place(const char *path, unsigned flags,
                                       struct qcow2_fault *retfault)
{
    struct stat st;
    uint64_t size;
    AUTO(fd) int fd = open_place(path, &st, retfault);
    if (fd < 0 || place_size(fd, &st, path, &size, retfault) < 0)
        return NULL;
    struct place_sink *s = mem_zalloc(sizeof *s);
    sink_name(&s->sink, &place_ops, path, &st);
    s->sink.fixed = true;
    s->sink.capacity = size;
    s->fd.fd = fd;
    s->fd.device = S_ISBLK(st.st_mode);
    s->fd.sync = !(flags & QCOW2_SINK_NO_SYNC);
    fd = -1;
    return &s->sink;
}
