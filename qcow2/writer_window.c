/* One system call for many clusters: a small image is a single write, a big one is written in
 * pieces of 256 KiB. The window holds the newest bytes of the file; what continues it is added,
 * what lies inside it is changed in place (an L2 table whose cluster was taken before its data),
 * the rest goes to the sink at once. */
#include <assert.h>

#include "base/mem.h"
#include "qcow2/writer_priv.h"

#define WINDOW_BYTES (UINT64_C(256) << 10)
#define DIRECT_BYTES (UINT64_C(128) << 10) /* no copy pays from here on */
#define GAP_BYTES (UINT64_C(16) << 10)     /* zeros that are cheaper than another call */

static int sink_write(struct qcow2_writer *w, uint64_t offset, const void *buf, size_t len,
                      struct qcow2_fault *f)
{
    int r = w->sink->ops->write(w->sink, offset, buf, len, f);
    w->failed = w->failed || r < 0;
    return r;
}

int writer_flush(struct qcow2_writer *w, struct qcow2_fault *f)
{
    struct writer_window *win = &w->window;
    size_t len = win->len;
    win->len = 0;
    return len ? sink_write(w, win->at, win->bytes, len, f) : 0;
}

static void append(struct writer_window *win, uint64_t gap, const void *buf, size_t len)
{
    assert(win->len + gap + len <= WINDOW_BYTES);
    if (!win->bytes)
        win->bytes = mem_alloc_pages(WINDOW_BYTES);
    memset(win->bytes + win->len, 0, gap);
    memcpy(win->bytes + win->len + gap, buf, len);
    win->len += gap + len;
}

void writer_window_open(struct qcow2_writer *w, uint64_t len)
{
    append(&w->window, len, "", 0);
}

int writer_write(struct qcow2_writer *w, uint64_t offset, const void *buf, size_t len,
                 struct qcow2_fault *f)
{
    struct writer_window *win = &w->window;
    uint64_t win_end = win->at + win->len;
    if (win->len > 0 && offset >= win->at && offset + len <= win_end) {
        memcpy(win->bytes + (offset - win->at), buf, len);
        return 0;
    }
    if (win->len > 0 && offset + len <= win->at)
        return sink_write(w, offset, buf, len, f);
    bool continues = win->len > 0 && offset >= win_end && offset - win_end <= GAP_BYTES;
    if (continues && len < DIRECT_BYTES && offset + len - win->at <= WINDOW_BYTES) {
        append(win, offset - win_end, buf, len);
        return 0;
    }
    if (writer_flush(w, f) < 0)
        return -1;
    if (len >= DIRECT_BYTES)
        return sink_write(w, offset, buf, len, f);
    win->at = offset;
    append(win, 0, buf, len);
    return 0;
}

int writer_write_part(struct qcow2_writer *w, uint64_t offset, const void *buf, size_t len,
                      uint64_t whole, struct qcow2_fault *f)
{
    if (writer_write(w, offset, buf, len, f) < 0)
        return -1;
    if (w->sink->fresh || len == whole)
        return 0;
    /* Old data may lie there; what the window fills gaps with comes later and is zeros too. */
    int r = w->sink->ops->zero(w->sink, offset + len, whole - len, f);
    w->failed = w->failed || r < 0;
    return r;
}
