#include "qcow2/compare.h"

static struct qcow2_piece chain_piece(struct qcow2_view *view, uint64_t offset)
{
    struct qcow2_chain_view *v = (struct qcow2_chain_view *)view;
    struct qcow2_extent e = qcow2_chain_extent_at(v->chain, offset);
    bool zero = e.kind == QCOW2_EXTENT_ZERO || e.kind == QCOW2_EXTENT_HOLE;
    return (struct qcow2_piece){e.len, zero, e.layer};
}

static int chain_read(struct qcow2_view *view, uint64_t offset, void *buf, size_t len,
                      struct qcow2_fault *retfault)
{
    struct qcow2_chain_view *v = (struct qcow2_chain_view *)view;
    return qcow2_chain_read(v->chain, offset, buf, len, retfault);
}

static const struct qcow2_view_ops chain_ops = {chain_piece, chain_read};

struct qcow2_view *qcow2_view_chain(struct qcow2_chain_view *v, struct qcow2_chain *chain)
{
    *v = (struct qcow2_chain_view){{&chain_ops, qcow2_chain_size(chain)}, chain};
    return &v->view;
}

static struct qcow2_piece io_piece(struct qcow2_view *view, uint64_t offset)
{
    struct qcow2_io_view *v = (struct qcow2_io_view *)view;
    struct qcow2_piece p = {.layer = QCOW2_NO_LAYER};
    p.len = qcow2_io_run(v->io, offset, &p.zero);
    return p;
}

static int io_read(struct qcow2_view *view, uint64_t offset, void *buf, size_t len,
                   struct qcow2_fault *retfault)
{
    return qcow2_io_read(((struct qcow2_io_view *)view)->io, offset, buf, len, retfault);
}

static const struct qcow2_view_ops io_ops = {io_piece, io_read};

struct qcow2_view *qcow2_view_io(struct qcow2_io_view *v, struct qcow2_io *io)
{
    *v = (struct qcow2_io_view){{&io_ops, io->size}, io};
    return &v->view;
}

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

static const struct qcow2_view_ops moment_ops = {moment_piece, moment_read};

struct qcow2_view *qcow2_view_moment(struct qcow2_moment_view *v, const struct disk_moment *moment)
{
    uint64_t size = disk_moment_blocks(moment) * DISK_BLOCK;
    *v = (struct qcow2_moment_view){{&moment_ops, size}, moment};
    return &v->view;
}
