#include "qcow2/sink.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* ---- files ---- */

struct file_sink {
    struct qcow2_sink sink;
    char *path, *partial;
    int fd;
    unsigned flags;
    bool committed;
};

static int file_write(struct qcow2_sink *sink, uint64_t offset, const void *buf, size_t len,
                      struct qcow2_fault *retfault)
{
    struct file_sink *s = (struct file_sink *)sink;
    const char *in = buf;
    while (len > 0) {
        ssize_t n = pwrite(s->fd, in, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return qcow2_fault_errno(retfault, n < 0 ? errno : EIO, sink->name, "cannot write");
        in += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

/* The rename lasts only when the folder is on the disk too. */
static int sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    AUTO(str)
    char *folder = slash ? mem_strndup(path, (size_t)(slash - path) + 1) : mem_strdup(".");
    AUTO(fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -1 : fsync(fd);
}

static int file_commit(struct qcow2_sink *sink, uint64_t size, struct qcow2_fault *retfault)
{
    struct file_sink *s = (struct file_sink *)sink;
    bool sync = !(s->flags & QCOW2_SINK_NO_SYNC);
    if (ftruncate(s->fd, (off_t)size) < 0)
        return qcow2_fault_errno(retfault, errno, sink->name, "cannot set the size");
    if (sync && fsync(s->fd) < 0)
        return qcow2_fault_errno(retfault, errno, sink->name, "cannot sync");
    int fd = s->fd;
    s->fd = -1;
    if (close(fd) < 0)
        return qcow2_fault_errno(retfault, errno, sink->name, "cannot close");
    if (rename(s->partial, s->path) < 0)
        return qcow2_fault_errno(retfault, errno, sink->name, "cannot rename into place");
    s->committed = true; /* from here on the name exists; a failed sync is still a failure */
    if (sync && sync_folder(s->path) < 0)
        return qcow2_fault_errno(retfault, errno, sink->name, "cannot sync the folder");
    return 0;
}

static void file_destroy(struct qcow2_sink *sink)
{
    struct file_sink *s = (struct file_sink *)sink;
    if (s->fd >= 0)
        close(s->fd);
    if (!s->committed)
        unlink(s->partial);
    free(s->partial);
    free(s->path);
    free(s);
}

static const struct qcow2_sink_ops file_ops = {file_write, file_commit, file_destroy};

struct qcow2_sink *qcow2_sink_file(const char *path, unsigned flags, struct qcow2_fault *retfault)
{
    AUTO(str) char *partial = mem_printf("%s.partial", path);
    /* One left by a crash is of no use to anybody. */
    if (unlink(partial) < 0 && errno != ENOENT) {
        qcow2_fault_errno(retfault, errno, partial, "cannot remove a leftover");
        return NULL;
    }
    int fd = open(partial, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        qcow2_fault_errno(retfault, errno, partial, "cannot create");
        return NULL;
    }
    struct file_sink *s = mem_zalloc(sizeof *s);
    s->sink.ops = &file_ops;
    s->sink.name = mem_strdup(path);
    s->path = mem_strdup(path);
    s->partial = TAKE(partial);
    s->fd = fd;
    s->flags = flags;
    return &s->sink;
}

/* ---- memory ---- */

struct memory_sink {
    struct qcow2_sink sink;
    unsigned char *bytes;
    size_t len, cap;
    uint64_t max_bytes;
};

static int memory_reach(struct memory_sink *s, uint64_t end, struct qcow2_fault *retfault)
{
    if (end > s->max_bytes)
        return qcow2_fault_errno(retfault, ENOSPC, s->sink.name, "cannot write");
    if (end <= s->len)
        return 0;
    s->bytes = mem_grow(s->bytes, &s->cap, end, 1);
    memset(s->bytes + s->len, 0, end - s->len);
    s->len = end;
    return 0;
}

static int memory_write(struct qcow2_sink *sink, uint64_t offset, const void *buf, size_t len,
                        struct qcow2_fault *retfault)
{
    struct memory_sink *s = (struct memory_sink *)sink;
    if (memory_reach(s, offset + len, retfault) < 0)
        return -1;
    memcpy(s->bytes + offset, buf, len);
    return 0;
}

static int memory_commit(struct qcow2_sink *sink, uint64_t size, struct qcow2_fault *retfault)
{
    struct memory_sink *s = (struct memory_sink *)sink;
    if (memory_reach(s, size, retfault) < 0)
        return -1;
    s->len = size;
    return 0;
}

static void memory_destroy(struct qcow2_sink *sink)
{
    struct memory_sink *s = (struct memory_sink *)sink;
    free(s->bytes);
    free(s);
}

static const struct qcow2_sink_ops memory_ops = {memory_write, memory_commit, memory_destroy};

struct qcow2_sink *qcow2_sink_memory(const char *name, uint64_t max_bytes)
{
    struct memory_sink *s = mem_zalloc(sizeof *s);
    s->sink.ops = &memory_ops;
    s->sink.name = mem_strdup(name);
    s->max_bytes = max_bytes;
    return &s->sink;
}

unsigned char *qcow2_sink_memory_take(struct qcow2_sink *sink, size_t *ret_len)
{
    assert(sink->ops == &memory_ops);
    struct memory_sink *s = (struct memory_sink *)sink;
    *ret_len = s->len;
    s->len = s->cap = 0;
    return TAKE(s->bytes);
}

void qcow2_sink_destroy(struct qcow2_sink *sink)
{
    if (!sink)
        return;
    free(sink->name);
    sink->ops->destroy(sink);
}
