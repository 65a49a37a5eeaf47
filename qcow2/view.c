#include "base/mem.h"
#include "qcow2/chain_priv.h"
#include "qcow2/compare.h"
#include "qcow2/image_priv.h"

static void release_memory(struct qcow2_view *clone)
{
    free(clone);
}

/* ---- a chain ---- */

static struct qcow2_piece chain_piece(struct qcow2_view *view, uint64_t offset)
{
    struct qcow2_chain_view *v = (struct qcow2_chain_view *)view;
    struct qcow2_extent e = qcow2_reader_extent_at(v->reader, offset);
    struct qcow2_piece p = {.len = e.len, .layer = e.layer};
    p.zero = e.kind == QCOW2_EXTENT_ZERO || e.kind == QCOW2_EXTENT_HOLE;
    if (e.kind == QCOW2_EXTENT_DATA) {
        const struct qcow2_io *io = v->chain->layers[e.layer]->io;
        p.device = io->device;
        p.inode = io->inode;
        p.host = e.host;
    }
    return p;
}

static int chain_read(struct qcow2_view *view, uint64_t offset, void *buf, size_t len,
                      struct qcow2_fault *retfault)
{
    return qcow2_reader_read(((struct qcow2_chain_view *)view)->reader, offset, buf, len, retfault);
}

static struct qcow2_view *chain_clone(struct qcow2_view *view)
{
    struct qcow2_chain_view *copy = mem_dup(view, sizeof *copy);
    copy->reader = qcow2_reader_create(copy->chain);
    return &copy->view;
}

static void chain_release(struct qcow2_view *clone)
{
    qcow2_reader_destroy(((struct qcow2_chain_view *)clone)->reader);
    free(clone);
}

static const struct qcow2_view_ops chain_ops = {chain_piece, chain_read, chain_clone,
                                                chain_release};

struct qcow2_view *qcow2_view_chain(struct qcow2_chain_view *v, struct qcow2_chain *chain)
{
    *v = (struct qcow2_chain_view){{&chain_ops, qcow2_chain_size(chain)}, chain, &chain->reader};
    return &v->view;
}

/* ---- a raw file ---- */

static struct qcow2_piece io_piece(struct qcow2_view *view, uint64_t offset)
{
    struct qcow2_io_view *v = (struct qcow2_io_view *)view;
    if (offset < v->run_start || offset >= v->run_end) {
        v->run_start = offset;
        v->run_end = offset + qcow2_io_run(v->io, offset, &v->run_zero);
    }
    return (struct qcow2_piece){.len = v->run_end - offset,
                                .zero = v->run_zero,
                                .layer = QCOW2_NO_LAYER,
                                .device = v->io->device,
                                .inode = v->io->inode,
                                .host = offset};
}

static int io_read(struct qcow2_view *view, uint64_t offset, void *buf, size_t len,
                   struct qcow2_fault *retfault)
{
    return qcow2_io_read(((struct qcow2_io_view *)view)->io, offset, buf, len, retfault);
}

static struct qcow2_view *io_clone(struct qcow2_view *view)
{
    struct qcow2_io_view *copy = mem_dup(view, sizeof *copy);
    return &copy->view;
}

static const struct qcow2_view_ops io_ops = {io_piece, io_read, io_clone, release_memory};

struct qcow2_view *qcow2_view_io(struct qcow2_io_view *v, struct qcow2_io *io)
{
    *v = (struct qcow2_io_view){.view = {&io_ops, io->size}, .io = io};
    return &v->view;
}

/* ---- a rule ---- */

static struct qcow2_piece moment_piece(struct qcow2_view *view, uint64_t offset)
{
    struct qcow2_moment_view *v = (struct qcow2_moment_view *)view;
    struct qcow2_piece p = {.layer = QCOW2_NO_LAYER};
    p.len = disk_byte_run(v->moment, offset, &p.zero);
    return p;
}

static int moment_read(struct qcow2_view *view, uint64_t offset, void *buf, size_t len,
                       struct qcow2_fault *retfault)
{
    (void)retfault;
    disk_read(((struct qcow2_moment_view *)view)->moment, offset, buf, len);
    return 0;
}

/* One thread at a time uses a moment: no clone. */
static const struct qcow2_view_ops moment_ops = {.piece = moment_piece, .read = moment_read};

struct qcow2_view *qcow2_view_moment(struct qcow2_moment_view *v, const struct disk_moment *moment)
{
    uint64_t size = disk_moment_blocks(moment) * DISK_BLOCK;
    *v = (struct qcow2_moment_view){{&moment_ops, size}, moment};
    return &v->view;
}
