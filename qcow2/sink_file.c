/* A file that appears under its name whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "qcow2/sink_priv.h"

struct file_sink {
    struct qcow2_sink sink;
    struct sink_fd fd;
    char *path, *partial; /* partial: NULL while the file has no name */
    atomic_bool sized;
    bool renamed, committed;
};

static int set_size(struct file_sink *s, uint64_t size, struct qcow2_fault *f)
{
    int r;
    do
        r = ftruncate(s->fd.fd, (off_t)size);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return sink_fault_at(f, errno, s->sink.name, size, "cannot set the size");
    return 0;
}

static int file_write(struct qcow2_sink *sink, uint64_t offset, const void *buf, size_t len,
                      struct qcow2_fault *retfault)
{
    struct file_sink *s = (struct file_sink *)sink;
    if (sink->expected > 0 && !atomic_exchange(&s->sized, true) &&
        set_size(s, sink->expected, retfault) < 0)
        return -1;
    return sink_fd_write(&s->fd, sink->name, offset, buf, len, retfault);
}

static int file_zero(struct qcow2_sink *sink, uint64_t offset, uint64_t len,
                     struct qcow2_fault *retfault)
{
    struct file_sink *s = (struct file_sink *)sink;
    struct stat st;
    if (fstat(s->fd.fd, &st) < 0)
        return qcow2_fault_errno(retfault, errno, sink->name, "cannot look at the file");
    /* Behind the end nothing was written, and writing there would only cost space. */
    uint64_t end = (uint64_t)st.st_size;
    if (offset >= end)
        return 0;
    return sink_fd_zero(&s->fd, sink->name, offset, len < end - offset ? len : end - offset,
                        retfault);
}

static struct qcow2_io *file_reader(struct qcow2_sink *sink, struct qcow2_fault *retfault)
{
    return sink_fd_reader(&((struct file_sink *)sink)->fd, sink->name, retfault);
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? mem_strndup(path, (size_t)(slash - path) + 1) : mem_strdup(".");
}

/* The rename lasts only when the folder is on the disk too. */
static int open_folder(const char *path)
{
    AUTO(str) char *folder = folder_of(path);
    return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* ---- names that nobody has ---- */

#define NAMES_MAX 1000u

/* Calls make(name) with one name after the other until one is free. The name: new; NULL with errno
 * set when there is none. */
static char *make_partial(const char *path, int (*make)(const char *name, void *arg), void *arg)
{
    for (unsigned n = 0; n < NAMES_MAX; n++) {
        char *name = mem_printf("%s.%ld-%u.partial", path, (long)getpid(), n);
        if (make(name, arg) == 0)
            return name;
        int reason = errno;
        free(name);
        errno = reason;
        if (reason != EEXIST)
            return NULL;
    }
    return NULL;
}

static int make_link(const char *name, void *arg)
{
    return linkat(AT_FDCWD, arg, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

static int make_file(const char *name, void *arg)
{
    int *fd = arg;
    *fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return *fd < 0 ? -1 : 0;
}

static char *link_of(int fd)
{
    return mem_printf("/proc/self/fd/%d", fd);
}

/* -1 where the system has no files without names, or no way to give one later. */
static int open_unnamed(const char *path)
{
    AUTO(str) char *folder = folder_of(path);
    AUTO(fd) int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    AUTO(str) char *link = link_of(fd);
    if (access(link, F_OK) < 0)
        return -1;
    int opened = fd;
    fd = -1;
    return opened;
}

static int give_name(struct file_sink *s, struct qcow2_fault *f)
{
    AUTO(str) char *link = link_of(s->fd.fd);
    s->partial = make_partial(s->path, make_link, link);
    if (!s->partial)
        return qcow2_fault_errno(f, errno, s->sink.name, "cannot give the file a name");
    return 0;
}

/* ---- the end ---- */

static int sync_file(struct file_sink *s, uint64_t size, struct qcow2_fault *f)
{
    if (set_size(s, size, f) < 0 || sink_fd_sync(&s->fd, s->sink.name, f) < 0)
        return -1;
    if (!s->partial && give_name(s, f) < 0)
        return -1;
    int fd = s->fd.fd;
    s->fd.fd = -1;
    if (close(fd) < 0 && errno != EINTR) /* EINTR: closed all the same */
        return qcow2_fault_errno(f, errno, s->sink.name, "cannot close");
    return 0;
}

static int file_commit(struct qcow2_sink *sink, uint64_t size, struct qcow2_fault *retfault)
{
    struct file_sink *s = (struct file_sink *)sink;
    bool sync = s->fd.sync;
    AUTO(fd) int folder = sync ? open_folder(s->path) : -1;
    if (sync && folder < 0)
        return qcow2_fault_errno(retfault, errno, sink->name, "cannot open the folder");
    if (sync_file(s, size, retfault) < 0)
        return -1;
    if (rename(s->partial, s->path) < 0)
        return qcow2_fault_errno(retfault, errno, sink->name, "cannot rename into place");
    s->renamed = true;
    if (sync && fsync(folder) < 0)
        return qcow2_fault_errno(retfault, errno, sink->name, "cannot sync the folder");
    s->committed = true;
    return 0;
}

static void file_destroy(struct qcow2_sink *sink)
{
    struct file_sink *s = (struct file_sink *)sink;
    if (s->fd.fd >= 0)
        close(s->fd.fd);
    const char *left = s->renamed ? s->path : s->partial;
    if (!s->committed && left)
        unlink(left);
    free(s->partial);
    free(s->path);
    free(s);
}

static const struct qcow2_sink_ops file_ops = {file_write, file_zero, file_reader, file_commit,
                                               file_destroy};

/* Renaming over a device or a link would replace that, not what it stands for. */
static int check_name(const char *path, struct stat *st, struct qcow2_fault *f)
{
    *st = (struct stat){0};
    if (lstat(path, st) < 0)
        return errno == ENOENT ? 0 : qcow2_fault_errno(f, errno, path, "cannot look at the file");
    if (!S_ISREG(st->st_mode))
        return qcow2_fault_set(f, QCOW2_NOT_REGULAR, path, QCOW2_NO_OFFSET,
                               "expected a regular file to replace, or nothing");
    return 0;
}

/* ret_partial: NULL when the file has no name. */
static int open_target(const char *path, unsigned flags, char **ret_partial, struct qcow2_fault *f)
{
    *ret_partial = NULL;
    int fd = flags & QCOW2_SINK_NAMED ? -1 : open_unnamed(path);
    if (fd >= 0)
        return fd;
    *ret_partial = make_partial(path, make_file, &fd);
    if (!*ret_partial)
        qcow2_fault_errno(f, errno, path, "cannot create");
    return fd;
}

struct qcow2_sink *qcow2_sink_file(const char *path, unsigned flags, struct qcow2_fault *retfault)
{
    struct stat st;
    if (check_name(path, &st, retfault) < 0)
        return NULL;
    AUTO(str) char *partial = NULL;
    int fd = open_target(path, flags, &partial, retfault);
    if (fd < 0)
        return NULL;
    struct file_sink *s = mem_zalloc(sizeof *s);
    sink_name(&s->sink, &file_ops, path, &st);
    s->sink.fresh = true;
    s->sink.capacity = UINT64_MAX;
    s->path = mem_strdup(path);
    s->partial = TAKE(partial);
    s->fd.fd = fd;
    s->fd.sync = !(flags & QCOW2_SINK_NO_SYNC);
    return &s->sink;
}
