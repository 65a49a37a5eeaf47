/* A descriptor that only goes forward. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <unistd.h>

#include "base/mem.h"
#include "qcow2/sink_priv.h"

struct stream_sink {
    struct qcow2_sink sink;
    int fd;            /* the caller's */
    uint64_t position; /* bytes written */
};

/* Non-blocking pipes are legal: whoever shares the description may have made it so. */
static int wait_writable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, -1) < 0 && errno != EINTR ? -1 : 0;
}

static int write_on(struct stream_sink *s, const void *buf, size_t len, struct qcow2_fault *f)
{
    const char *in = buf;
    while (len > 0) {
        ssize_t n = write(s->fd, in, len);
        bool again = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
        if (n < 0 && errno == EINTR)
            continue;
        if (again && wait_writable(s->fd) == 0)
            continue;
        if (n <= 0)
            return sink_fault_at(f, n < 0 ? errno : EIO, s->sink.name, s->position, "cannot write");
        in += n;
        s->position += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

static int stream_write(struct qcow2_sink *sink, uint64_t offset, const void *buf, size_t len,
                        struct qcow2_fault *retfault)
{
    struct stream_sink *s = (struct stream_sink *)sink;
    if (offset != s->position)
        return qcow2_fault_set(retfault, QCOW2_USAGE, sink->name, offset,
                               "a stream is at %" PRIu64 " and cannot seek", s->position);
    return write_on(s, buf, len, retfault);
}

static int stream_commit(struct qcow2_sink *sink, uint64_t size, struct qcow2_fault *retfault)
{
    struct stream_sink *s = (struct stream_sink *)sink;
    if (size < s->position)
        return qcow2_fault_set(retfault, QCOW2_USAGE, sink->name, size,
                               "%" PRIu64 " bytes are in the stream already", s->position);
    if (qcow2_sink_zero_by_writing(sink, s->position, size - s->position, retfault) < 0)
        return -1;
    /* Standard output may be a file. Pipes and terminals say that they cannot be synced. */
    while (fsync(s->fd) < 0) {
        if (errno == EINVAL || errno == EROFS || errno == ENOTSUP)
            break;
        if (errno != EINTR)
            return qcow2_fault_errno(retfault, errno, sink->name, "cannot sync");
    }
    return 0;
}

static void stream_destroy(struct qcow2_sink *sink)
{
    free(sink);
}

static const struct qcow2_sink_ops stream_ops = {
    stream_write, qcow2_sink_zero_by_writing, qcow2_sink_no_reader, stream_commit, stream_destroy};

struct qcow2_sink *qcow2_sink_stream(int fd, const char *name)
{
    struct stream_sink *s = mem_zalloc(sizeof *s);
    s->sink.ops = &stream_ops;
    s->sink.name = mem_strdup(name);
    s->sink.sequential = true;
    s->sink.capacity = UINT64_MAX;
    s->fd = fd;
    return &s->sink;
}
