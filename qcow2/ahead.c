#include "qcow2/ahead_priv.h"

#include "base/mem.h"
#include "qcow2/table_priv.h"

#define AHEAD_MAX (UINT64_C(64) << 10)

void qcow2_ahead_init(struct qcow2_ahead *a, struct qcow2_io *io, uint64_t piece_max)
{
    uint64_t cap = piece_max > AHEAD_MAX ? piece_max : AHEAD_MAX;
    *a = (struct qcow2_ahead){.io = io, .cap = cap, .buf = mem_alloc_pages(cap)};
}

static int fill(struct qcow2_ahead *a, uint64_t offset, uint64_t len, struct qcow2_fault *f)
{
    a->start = offset;
    a->len = 0;
    if (qcow2_read_padded(a->io, offset, a->buf, len, f) < 0)
        return -1;
    a->len = len;
    return 0;
}

int qcow2_ahead_read(struct qcow2_ahead *a, uint64_t offset, uint64_t len,
                     const unsigned char **ret, struct qcow2_fault *retfault)
{
    uint64_t end = a->start + a->len;
    if (offset < a->start || offset > end || len > end - offset) {
        /* Reading ahead doubles while reading is sequential, so that it never costs much more than
         * what was asked for. */
        a->ahead = offset == end && a->len > 0 ? a->ahead * 2 : 0;
        if (a->ahead < len)
            a->ahead = len;
        if (a->ahead > a->cap)
            a->ahead = a->cap;
        /* What nobody asked for may be what cannot be read. */
        if ((a->ahead == len || fill(a, offset, a->ahead, NULL) < 0) &&
            fill(a, offset, len, retfault) < 0)
            return -1;
    }
    *ret = a->buf + (offset - a->start);
    return 0;
}

void qcow2_ahead_finish(struct qcow2_ahead *a)
{
    free(a->buf);
    *a = (struct qcow2_ahead){0};
}
