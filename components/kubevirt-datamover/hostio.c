#include "components/kubevirt-datamover/hostio.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct hostio {
    struct qcow2_io io;
    struct host *h;
    struct host_file *file;
};

static int hostio_read(struct qcow2_io *io, uint64_t offset, void *buf, size_t len,
                       struct qcow2_fault *retfault)
{
    struct hostio *f = (struct hostio *)io;
    char *out = buf;
    while (len > 0) {
        struct err e = {0};
        size_t n = 0;
        if (host_file_read(f->h, f->file, offset, out, len, &n, &e) < 0)
            return qcow2_fault_take(retfault, &e);
        if (n == 0)
            return qcow2_fault_set(retfault, QCOW2_IO, io->name, offset,
                                   "the file became shorter while it was read");
        out += n;
        offset += n;
        len -= n;
    }
    return 0;
}

static void hostio_destroy(struct qcow2_io *io)
{
    struct hostio *f = (struct hostio *)io;
    host_file_close(f->h, f->file, NULL);
    free(f);
}

static const struct qcow2_io_ops hostio_ops = {
    .read = hostio_read, .run = qcow2_io_run_unknown, .destroy = hostio_destroy};

struct qcow2_io *hostio_open(struct host *h, const char *path, struct err *reterr)
{
    struct host_stat st;
    if (host_file_stat(h, path, &st, reterr) < 0)
        return NULL;
    struct host_file *file = host_file_open(h, path, HOST_READ, reterr);
    if (!file)
        return NULL;
    struct hostio *f = mem_zalloc(sizeof *f);
    f->io.ops = &hostio_ops;
    f->io.name = mem_strdup(path);
    f->io.size = st.size;
    f->h = h;
    f->file = file;
    return &f->io;
}
