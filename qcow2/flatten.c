#include "qcow2/flatten.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "qcow2/compare.h"
#include "qcow2/flatten_priv.h"
#include "qcow2/image_priv.h"

/* What is read is written while it is still in the cache of a core: 1 MiB takes half as long again.
 */
#define WINDOW_BYTES (256u << 10)
/* Every other page a hole costs a disk's file system three times what writing the zeros does, now
 * and with every later use; runs from here on pay. */
#define ZEROS_MIN (64u << 10)
/* Of zeros that have to be written, at a time: progress is told between. */
#define ZERO_PIECE_BYTES (UINT64_C(64) << 20)
#define PROGRESS_BYTES (UINT64_C(8) << 20)

/* ---- pieces ---- */

static struct flatten_piece next_piece(const struct flatten *f)
{
    struct qcow2_extent e = qcow2_reader_extent_at(f->scout, f->next);
    struct flatten_piece piece = {.start = f->next};
    piece.zero = e.kind == QCOW2_EXTENT_ZERO || e.kind == QCOW2_EXTENT_HOLE;
    uint64_t window = f->rules.window_bytes;
    uint64_t len = piece.zero ? e.len : window - f->next % window;
    if (piece.zero && !f->rules.skip_zeros && len > ZERO_PIECE_BYTES)
        len = ZERO_PIECE_BYTES;
    piece.len = len < f->size - f->next ? len : f->size - f->next;
    assert(piece.len > 0);
    /* A window ends where a multiple of its size does: no compressed cluster is cut. */
    assert(piece.zero || piece.start / window == (piece.start + piece.len - 1) / window);
    return piece;
}

bool flatten_claim(struct flatten *f, struct flatten_piece *ret)
{
    pthread_mutex_lock(&f->lock);
    bool some = !f->failed && f->next < f->size;
    if (some) {
        *ret = next_piece(f);
        f->next += ret->len;
        assert(f->next <= f->size);
    }
    pthread_mutex_unlock(&f->lock);
    return some;
}

void flatten_count(struct flatten *f, uint64_t copied, uint64_t zeros)
{
    pthread_mutex_lock(&f->lock);
    f->copied += copied;
    f->zeros += zeros;
    assert(f->copied + f->zeros <= f->next); /* what was counted was claimed */
    pthread_mutex_unlock(&f->lock);
}

void flatten_fail(struct flatten *f, struct qcow2_fault *fault)
{
    assert(fault->defect != QCOW2_OK);
    pthread_mutex_lock(&f->lock);
    if (f->failed)
        qcow2_fault_clear(fault);
    else
        f->fault = *fault;
    *fault = (struct qcow2_fault){0};
    f->failed = true;
    pthread_mutex_unlock(&f->lock);
}

bool flatten_failed(struct flatten *f)
{
    pthread_mutex_lock(&f->lock);
    bool failed = f->failed;
    pthread_mutex_unlock(&f->lock);
    return failed;
}

void flatten_progress(struct flatten *f, bool at_end)
{
    if (!f->options->progress)
        return;
    pthread_mutex_lock(&f->lock);
    uint64_t done = f->copied + f->zeros;
    assert(done >= f->reported && done <= f->size);
    pthread_mutex_unlock(&f->lock);
    if (!at_end && done - f->reported < PROGRESS_BYTES)
        return;
    f->reported = done;
    f->options->progress(f->options->progress_arg, done, f->size);
}

/* ---- threads ---- */

/* Pieces until none is left; returns after a failure too. */
static void work(struct flatten *f, bool tell)
{
    __attribute__((cleanup(cleanup_flatten_window))) struct flatten_window w = {0};
    flatten_window_init(&w, f);
    struct flatten_piece piece;
    while (flatten_claim(f, &piece)) {
        struct qcow2_fault fault = {0};
        if (flatten_window_read(&w, &f->rules, &piece, &fault) < 0 ||
            flatten_window_write(&w, f, &fault) < 0)
            flatten_fail(f, &fault);
        else if (tell)
            flatten_progress(f, false);
    }
}

static void *help(void *arg)
{
    work(arg, false);
    return NULL;
}

unsigned flatten_start(pthread_t *ids, unsigned count, void *(*run)(void *), void *arg)
{
    unsigned started = 0;
    while (started < count && pthread_create(&ids[started], NULL, run, arg) == 0)
        started++;
    return started;
}

static void copy_all(struct flatten *f)
{
    unsigned threads = f->options->threads;
    if (threads > FLATTEN_THREADS_MAX)
        threads = FLATTEN_THREADS_MAX;
    bool parallel = f->sink->parallel && !f->sink->sequential;
    if (threads > 1 && !parallel)
        flatten_in_order(f, threads);
    pthread_t ids[FLATTEN_THREADS_MAX];
    unsigned started = threads > 1 && parallel ? flatten_start(ids, threads - 1, help, f) : 0;
    work(f, true);
    for (unsigned i = 0; i < started; i++)
        pthread_join(ids[i], NULL);
}

/* No compressed cluster may be cut. */
static size_t window_bytes(const struct qcow2_chain *chain)
{
    size_t count, bytes = WINDOW_BYTES;
    const struct qcow2_extent *e = qcow2_chain_extents(chain, &count);
    for (size_t i = 0; i < count; i++) {
        if (e[i].kind != QCOW2_EXTENT_COMPRESSED)
            continue;
        uint64_t cs = image_cluster_size(qcow2_chain_layer(chain, e[i].layer));
        bytes = cs > bytes ? cs : bytes;
    }
    return bytes;
}

static void choose_rules(struct flatten *f)
{
    const struct qcow2_sink *sink = f->sink;
    struct flatten_rules *r = &f->rules;
    r->write_zeros = f->options->allocate || sink->sequential;
    r->skip_zeros = sink->fresh && !r->write_zeros;
    r->zeros_min = ZEROS_MIN;
    /* What is a hole in the layers is one in a new file; punching one into old data is a call. */
    r->known_min = r->skip_zeros ? 4096 : ZEROS_MIN;
    r->window_bytes = window_bytes(f->chain);
    assert(!r->skip_zeros || !r->write_zeros);
    assert(r->window_bytes % 4096 == 0); /* windows begin with a block */
}

static int copy(struct flatten *f, struct qcow2_fault *retfault)
{
    choose_rules(f);
    pthread_mutex_init(&f->lock, NULL);
    f->scout = qcow2_reader_create(f->chain);
    copy_all(f);
    qcow2_reader_destroy(f->scout);
    pthread_mutex_destroy(&f->lock);
    if (!f->failed) {
        assert(f->next == f->size);
        assert(f->copied + f->zeros == f->size); /* each byte, once */
        return 0;
    }
    qcow2_fault_hand_over(retfault, &f->fault);
    return -1;
}

/* ---- before ---- */

/* Writing in place over a layer would destroy what is read; replacing one by a rename would lose
 * it. */
static int check_not_a_layer(const struct qcow2_chain *chain, const struct qcow2_sink *sink,
                             struct qcow2_fault *f)
{
    if (sink->device == 0 && sink->inode == 0)
        return 0;
    for (uint32_t i = 0; i < qcow2_chain_layers(chain); i++) {
        const struct qcow2_io *io = qcow2_chain_layer(chain, i)->io;
        if (io->device == sink->device && io->inode == sink->inode)
            return qcow2_fault_set(f, QCOW2_USAGE, sink->name, QCOW2_NO_OFFSET,
                                   "the target is layer %u of the chain (%s)", i, io->name);
    }
    return 0;
}

static int check_size(const struct qcow2_sink *sink, uint64_t size, enum qcow2_tail tail,
                      struct qcow2_fault *f)
{
    if (!sink->fixed)
        return 0;
    if (sink->capacity < size)
        return qcow2_fault_set(f, QCOW2_TARGET_SMALL, sink->name, QCOW2_NO_OFFSET,
                               "the target has %" PRIu64 " bytes, the disk %" PRIu64,
                               sink->capacity, size);
    if (sink->capacity > size && tail == QCOW2_TAIL_REFUSE)
        return qcow2_fault_set(f, QCOW2_TARGET_TAIL, sink->name, QCOW2_NO_OFFSET,
                               "the target has %" PRIu64 " bytes, expected %" PRIu64
                               " as the disk has",
                               sink->capacity, size);
    return 0;
}

/* ---- behind ---- */

static int zero_tail(const struct flatten *f, uint64_t tail, struct qcow2_fault *retfault)
{
    for (uint64_t at = 0, n; at < tail; at += n) {
        n = tail - at < ZERO_PIECE_BYTES ? tail - at : ZERO_PIECE_BYTES;
        int r = f->rules.write_zeros
                    ? qcow2_sink_zero_by_writing(f->sink, f->size + at, n, retfault)
                    : qcow2_sink_zero(f->sink, f->size + at, n, retfault);
        if (r < 0)
            return -1;
    }
    return 0;
}

/* What was written, as a disk of `view.size` bytes: a file that ends early is a disk with zeros at
 * the end, and what lies behind a target's tail is of no interest. */
struct target_view {
    struct qcow2_view view;
    struct qcow2_io *io;
};

static struct qcow2_piece target_piece(struct qcow2_view *view, uint64_t offset)
{
    struct target_view *v = (struct target_view *)view;
    struct qcow2_piece p = {.len = view->size - offset, .zero = true, .layer = QCOW2_NO_LAYER};
    if (offset < v->io->size) {
        uint64_t len = qcow2_io_run(v->io, offset, &p.zero);
        p.len = len < p.len ? len : p.len;
    }
    return p;
}

static int target_read(struct qcow2_view *view, uint64_t offset, void *buf, size_t len,
                       struct qcow2_fault *retfault)
{
    struct target_view *v = (struct target_view *)view;
    uint64_t have = offset < v->io->size ? v->io->size - offset : 0;
    size_t n = have < len ? (size_t)have : len;
    memset((char *)buf + n, 0, len - n);
    return n == 0 ? 0 : qcow2_io_read(v->io, offset, buf, n, retfault);
}

static struct qcow2_view *target_clone(struct qcow2_view *view)
{
    return mem_dup(view, sizeof(struct target_view));
}

static void target_release(struct qcow2_view *clone)
{
    free(clone);
}

static const struct qcow2_view_ops target_ops = {
    .piece = target_piece, .read = target_read, .clone = target_clone, .release = target_release};

static int cannot_verify(const struct qcow2_sink *sink, struct qcow2_fault *f)
{
    return qcow2_fault_set(f, QCOW2_USAGE, sink->name, QCOW2_NO_OFFSET,
                           "what is written here cannot be read back");
}

static int verify(const struct flatten *f, uint64_t zeroed_tail, struct qcow2_fault *retfault)
{
    struct qcow2_fault fault = {0};
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_sink_reader(f->sink, &fault);
    if (!io && fault.defect == QCOW2_OK)
        return cannot_verify(f->sink, retfault);
    struct qcow2_chain_view a;
    struct target_view b = {{&target_ops, f->size + zeroed_tail}, io};
    struct qcow2_compare_options o = {
        .ranges_max = 1, .tails = true, .threads = f->options->threads};
    struct qcow2_comparison c = {0};
    if (!io || qcow2_compare(qcow2_view_chain(&a, f->chain), &b.view, &o, &c, &fault) < 0) {
        qcow2_fault_hand_over(retfault, &fault);
        return -1;
    }
    int r = 0;
    if (c.bytes_differing > 0)
        r = qcow2_fault_set(
            retfault, QCOW2_IO, f->sink->name, c.count > 0 ? c.items[0].start : QCOW2_NO_OFFSET,
            "%" PRIu64 " bytes read back are not those that were written", c.bytes_differing);
    qcow2_comparison_finish(&c);
    return r;
}

int qcow2_flatten(struct qcow2_chain *chain, struct qcow2_sink *sink,
                  const struct qcow2_flatten_options *options,
                  struct qcow2_flatten_stats *ret_stats, struct qcow2_fault *retfault)
{
    static const struct qcow2_flatten_options defaults = {0};
    struct flatten f = {.chain = chain,
                        .sink = sink,
                        .options = options ? options : &defaults,
                        .size = qcow2_chain_size(chain)};
    enum qcow2_tail policy = f.options->tail;
    if (check_not_a_layer(chain, sink, retfault) < 0 ||
        check_size(sink, f.size, policy, retfault) < 0)
        return -1;
    if (f.options->verify && sink->sequential)
        return cannot_verify(sink, retfault);
    sink->expected = f.size;
    if (copy(&f, retfault) < 0)
        return -1;
    assert(!sink->fixed || sink->capacity >= f.size);
    uint64_t tail = sink->fixed ? sink->capacity - f.size : 0;
    uint64_t zeroed = policy == QCOW2_TAIL_ZERO ? tail : 0;
    if (zero_tail(&f, zeroed, retfault) < 0)
        return -1;
    if (f.options->verify && verify(&f, zeroed, retfault) < 0)
        return -1;
    if (qcow2_sink_commit(sink, f.size, retfault) < 0)
        return -1;
    flatten_progress(&f, true);
    if (ret_stats)
        *ret_stats = (struct qcow2_flatten_stats){f.size, f.copied, f.zeros, tail};
    return 0;
}
