/* A file of the host as the image library writes it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "components/kubevirt-datamover/hostio.h"

/* What is remembered of an empty file: which parts of it were written. The rest is a hole, and need
 * not be read to be known. */
#define PART (UINT64_C(1) << 18)

struct hostsink {
    struct qcow2_sink sink;
    struct host *h;
    struct host_file *file;
    unsigned char *parts; /* a bit for each */
    size_t parts_cap;     /* bytes */
};

static bool part_written(const struct hostsink *s, uint64_t part)
{
    return part / 8 < s->parts_cap && s->parts[part / 8] >> part % 8 & 1;
}

static void note_written(struct hostsink *s, uint64_t offset, size_t len)
{
    uint64_t last = (offset + len - 1) / PART;
    size_t had = s->parts_cap;
    if (last / 8 >= had) {
        s->parts = mem_grow(s->parts, &s->parts_cap, (size_t)(last / 8) + 1, 1);
        memset(s->parts + had, 0, s->parts_cap - had);
    }
    for (uint64_t part = offset / PART; part <= last; part++)
        s->parts[part / 8] |= (unsigned char)(1u << part % 8);
}

static int sink_write(struct qcow2_sink *sink, uint64_t offset, const void *buf, size_t len,
                      struct qcow2_fault *retfault)
{
    struct hostsink *s = (struct hostsink *)sink;
    struct err e = {0};
    if (host_file_write(s->h, s->file, offset, buf, len, &e) < 0)
        return qcow2_fault_take(retfault, &e);
    note_written(s, offset, len);
    return 0;
}

static int sink_zero(struct qcow2_sink *sink, uint64_t offset, uint64_t len,
                     struct qcow2_fault *retfault)
{
    struct hostsink *s = (struct hostsink *)sink;
    struct err e = {0};
    if (sink->fresh || host_file_zero(s->h, s->file, offset, len, &e) == 0)
        return 0;
    return qcow2_fault_take(retfault, &e);
}

static int sink_commit(struct qcow2_sink *sink, uint64_t size, struct qcow2_fault *retfault)
{
    struct hostsink *s = (struct hostsink *)sink;
    struct err e = {0};
    if (!sink->fresh || host_file_truncate(s->h, s->file, size, &e) == 0)
        return 0;
    return qcow2_fault_take(retfault, &e);
}

static void sink_destroy(struct qcow2_sink *sink)
{
    struct hostsink *s = (struct hostsink *)sink;
    host_file_close(s->h, s->file, NULL);
    free(s->parts);
    free(s);
}

/* ---- reading back ---- */

struct readback {
    struct qcow2_io io;
    struct hostsink *sink;
    struct qcow2_io *file;
};

/* The end of what is written alike from `part` on. */
static uint64_t alike_until(const struct hostsink *s, uint64_t part, uint64_t parts)
{
    bool written = part_written(s, part);
    while (part < parts && part_written(s, part) == written)
        part++;
    return part;
}

static uint64_t readback_run(struct qcow2_io *io, uint64_t offset, bool *ret_zero)
{
    const struct readback *r = (struct readback *)io;
    uint64_t part = offset / PART;
    uint64_t end = alike_until(r->sink, part, (io->size + PART - 1) / PART) * PART;
    *ret_zero = r->sink->sink.fresh && !part_written(r->sink, part);
    return (end < io->size ? end : io->size) - offset;
}

/* What was written last may be a hole, and the file shorter than the disk until the commit. */
static int readback_read(struct qcow2_io *io, uint64_t offset, void *buf, size_t len,
                         struct qcow2_fault *retfault)
{
    const struct readback *r = (struct readback *)io;
    uint64_t there = offset < r->file->size ? r->file->size - offset : 0;
    size_t now = len < there ? len : (size_t)there;
    memset((char *)buf + now, 0, len - now);
    return now ? qcow2_io_read(r->file, offset, buf, now, retfault) : 0;
}

static void readback_destroy(struct qcow2_io *io)
{
    struct readback *r = (struct readback *)io;
    qcow2_io_destroy(r->file);
    free(r);
}

static const struct qcow2_io_ops readback_ops = {
    .read = readback_read, .run = readback_run, .destroy = readback_destroy};

static struct qcow2_io *sink_reader(struct qcow2_sink *sink, struct qcow2_fault *retfault)
{
    struct hostsink *s = (struct hostsink *)sink;
    struct err e = {0};
    struct qcow2_io *file = hostio_open(s->h, sink->name, &e);
    if (!file) {
        qcow2_fault_take(retfault, &e);
        return NULL;
    }
    struct readback *r = mem_zalloc(sizeof *r);
    r->io.ops = &readback_ops;
    r->io.name = mem_strdup(sink->name);
    r->io.size = sink->fixed                   ? sink->capacity
                 : sink->expected > file->size ? sink->expected
                                               : file->size;
    r->sink = s;
    r->file = file;
    return &r->io;
}

static const struct qcow2_sink_ops hostsink_ops = {.write = sink_write,
                                                   .zero = sink_zero,
                                                   .reader = sink_reader,
                                                   .commit = sink_commit,
                                                   .destroy = sink_destroy};

struct qcow2_sink *hostsink_open(struct host *h, const char *path, uint64_t size,
                                 struct err *reterr)
{
    struct host_file *file = host_file_open(h, path, HOST_WRITE, reterr);
    if (!file)
        return NULL;
    struct hostsink *s = mem_zalloc(sizeof *s);
    s->sink.ops = &hostsink_ops;
    s->sink.name = mem_strdup(path);
    s->sink.fresh = size == 0;
    s->sink.fixed = size > 0;
    s->sink.capacity = size > 0 ? size : UINT64_MAX;
    s->h = h;
    s->file = file;
    return &s->sink;
}
