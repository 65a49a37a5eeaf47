#include "qcow2/sink.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "qcow2/sink_priv.h"

/* ---- what callers use ---- */

static int check_range(const struct qcow2_sink *sink, uint64_t offset, uint64_t len,
                       struct qcow2_fault *f)
{
    if (len <= sink->capacity && offset <= sink->capacity - len)
        return 0;
    return qcow2_fault_set(f, QCOW2_NO_SPACE, sink->name, offset,
                           "%" PRIu64 " bytes are to be written, but the target ends at %" PRIu64,
                           len, sink->capacity);
}

int qcow2_sink_write(struct qcow2_sink *sink, uint64_t offset, const void *buf, size_t len,
                     struct qcow2_fault *retfault)
{
    if (check_range(sink, offset, len, retfault) < 0)
        return -1;
    return len == 0 ? 0 : sink->ops->write(sink, offset, buf, len, retfault);
}

int qcow2_sink_zero(struct qcow2_sink *sink, uint64_t offset, uint64_t len,
                    struct qcow2_fault *retfault)
{
    if (check_range(sink, offset, len, retfault) < 0)
        return -1;
    return len == 0 ? 0 : sink->ops->zero(sink, offset, len, retfault);
}

struct qcow2_io *qcow2_sink_reader(struct qcow2_sink *sink, struct qcow2_fault *retfault)
{
    return sink->ops->reader(sink, retfault);
}

int qcow2_sink_commit(struct qcow2_sink *sink, uint64_t size, struct qcow2_fault *retfault)
{
    if (check_range(sink, 0, size, retfault) < 0)
        return -1;
    return sink->ops->commit(sink, size, retfault);
}

void qcow2_sink_destroy(struct qcow2_sink *sink)
{
    if (!sink)
        return;
    free(sink->name);
    sink->ops->destroy(sink);
}

/* ---- what tables use ---- */

const unsigned char sink_zeros[SINK_ZEROS_BYTES];

int qcow2_sink_zero_by_writing(struct qcow2_sink *sink, uint64_t offset, uint64_t len,
                               struct qcow2_fault *retfault)
{
    while (len > 0) {
        size_t n = len < sizeof sink_zeros ? (size_t)len : sizeof sink_zeros;
        if (sink->ops->write(sink, offset, sink_zeros, n, retfault) < 0)
            return -1;
        offset += n;
        len -= n;
    }
    return 0;
}

struct qcow2_io *qcow2_sink_no_reader(struct qcow2_sink *sink, struct qcow2_fault *retfault)
{
    (void)sink;
    (void)retfault;
    return NULL;
}

void sink_name(struct qcow2_sink *s, const struct qcow2_sink_ops *ops, const char *path,
               const struct stat *st)
{
    s->ops = ops;
    s->name = mem_strdup(path);
    s->parallel = true;
    s->device = (uint64_t)st->st_dev;
    s->inode = (uint64_t)st->st_ino;
}

int sink_fault_at(struct qcow2_fault *f, int errnum, const char *name, uint64_t offset,
                  const char *doing)
{
    bool full = errnum == ENOSPC || errnum == EDQUOT;
    return qcow2_fault_set(f, full ? QCOW2_NO_SPACE : QCOW2_IO, name, offset, "%s: %s", doing,
                           strerror(errnum));
}

/* ---- memory ---- */

struct memory_sink {
    struct qcow2_sink sink;
    unsigned char *bytes;
    size_t len, cap;
};

static int memory_reach(struct memory_sink *s, uint64_t offset, uint64_t end,
                        struct qcow2_fault *retfault)
{
    if (end > s->sink.capacity)
        return sink_fault_at(retfault, ENOSPC, s->sink.name, offset, "cannot write");
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
    if (memory_reach(s, offset, offset + len, retfault) < 0)
        return -1;
    memcpy(s->bytes + offset, buf, len);
    return 0;
}

static int memory_zero(struct qcow2_sink *sink, uint64_t offset, uint64_t len,
                       struct qcow2_fault *retfault)
{
    struct memory_sink *s = (struct memory_sink *)sink;
    (void)retfault;
    if (offset < s->len) /* what lies behind is zero already */
        memset(s->bytes + offset, 0, len < s->len - offset ? len : s->len - offset);
    return 0;
}

static struct qcow2_io *memory_reader(struct qcow2_sink *sink, struct qcow2_fault *retfault)
{
    struct memory_sink *s = (struct memory_sink *)sink;
    (void)retfault;
    return qcow2_io_memory(s->bytes, s->len, sink->name);
}

static int memory_commit(struct qcow2_sink *sink, uint64_t size, struct qcow2_fault *retfault)
{
    struct memory_sink *s = (struct memory_sink *)sink;
    if (memory_reach(s, s->len, size, retfault) < 0)
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

static const struct qcow2_sink_ops memory_ops = {memory_write, memory_zero, memory_reader,
                                                 memory_commit, memory_destroy};

struct qcow2_sink *qcow2_sink_memory(const char *name, uint64_t max_bytes)
{
    struct memory_sink *s = mem_zalloc(sizeof *s);
    s->sink.ops = &memory_ops;
    s->sink.name = mem_strdup(name);
    s->sink.fresh = true;
    s->sink.capacity = max_bytes;
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
