#include "components/kubevirt-datamover/hostio.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PIECE (1u << 20)
#define BLOCK 4096u /* what a thin volume gives out at least */

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

/* ---- zeros ---- */

static bool all_zero(const char *bytes, size_t len)
{
    return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

static int zero_piece(struct host *h, struct host_file *f, uint64_t at, const char *piece,
                      size_t len, struct err *reterr)
{
    static const char zeros[BLOCK];
    for (size_t done = 0; done < len;) {
        size_t n = len - done < BLOCK ? len - done : BLOCK;
        if (!all_zero(piece + done, n) && host_file_write(h, f, at + done, zeros, n, reterr) < 0)
            return -1;
        done += n;
    }
    return 0;
}

int hostio_zero(struct host *h, struct host_file *f, uint64_t offset, uint64_t len,
                struct err *reterr)
{
    AUTO(str) char *piece = mem_alloc(PIECE);
    for (uint64_t at = offset, end = offset + len; at < end;) {
        size_t want = end - at < PIECE ? (size_t)(end - at) : PIECE, got = 0;
        if (host_file_read(h, f, at, piece, want, &got, reterr) < 0)
            return -1;
        if (got == 0)
            return 0;
        if (zero_piece(h, f, at, piece, got, reterr) < 0)
            return -1;
        at += got;
    }
    return 0;
}
