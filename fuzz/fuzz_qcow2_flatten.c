/* Flattens a chain into memory: the bytes are those that reading gives, on a fresh target and over
 * old data, and the comparison of both says so. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz/qcow2_fuzz.h"
#include "qcow2/compare.h"
#include "qcow2/flatten.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- a device with old data ---- */

struct device {
    struct qcow2_sink sink;
    uint8_t *bytes;
};

static int device_write(struct qcow2_sink *sink, uint64_t offset, const void *buf, size_t len,
                        struct qcow2_fault *f)
{
    (void)f;
    fuzz_expect(offset <= sink->capacity && len <= sink->capacity - offset, "inside the device",
                offset, len);
    memcpy(((struct device *)sink)->bytes + offset, buf, len);
    return 0;
}

static int device_zero(struct qcow2_sink *sink, uint64_t offset, uint64_t len,
                       struct qcow2_fault *f)
{
    (void)f;
    fuzz_expect(offset <= sink->capacity && len <= sink->capacity - offset, "inside the device",
                offset, len);
    memset(((struct device *)sink)->bytes + offset, 0, len);
    return 0;
}

static struct qcow2_io *device_reader(struct qcow2_sink *sink, struct qcow2_fault *f)
{
    (void)f;
    return qcow2_io_memory(((struct device *)sink)->bytes, sink->capacity, "device");
}

static int device_commit(struct qcow2_sink *sink, uint64_t size, struct qcow2_fault *f)
{
    (void)sink;
    (void)size;
    (void)f;
    return 0;
}

static void device_destroy(struct qcow2_sink *sink)
{
    free(((struct device *)sink)->bytes);
    free(sink);
}

static const struct qcow2_sink_ops device_ops = {
    .write = device_write,
    .zero = device_zero,
    .reader = device_reader,
    .commit = device_commit,
    .destroy = device_destroy,
};

static struct qcow2_sink *device_create(uint64_t capacity)
{
    struct device *d = mem_zalloc(sizeof *d);
    d->sink = (struct qcow2_sink){
        .ops = &device_ops, .name = mem_strdup("device"), .fixed = true, .capacity = capacity};
    d->bytes = mem_alloc(capacity);
    memset(d->bytes, 0xa5, capacity);
    return &d->sink;
}

/* ---- the two ways ---- */

static void check_stats(const struct qcow2_flatten_stats *s, uint64_t size)
{
    fuzz_expect(s->bytes_total == size, "the size of the disk", s->bytes_total, size);
    fuzz_expect(s->bytes_copied + s->bytes_zero == size, "copied and zero make the disk",
                s->bytes_copied, s->bytes_zero);
}

static void flatten_fresh(struct qcow2_chain *chain, const uint8_t *want, bool verify)
{
    uint64_t size = qcow2_chain_size(chain);
    struct qcow2_flatten_options options = {.verify = verify};
    struct qcow2_flatten_stats stats = {0};
    struct qcow2_fault f = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_memory("target", size);
    int r = fuzz_answer(qcow2_flatten(chain, sink, &options, &stats, &f), &f);
    fuzz_expect((r == 0) == (want != NULL), "flattened just when it can be read", (uint64_t)r, 0);
    if (r < 0)
        return;
    check_stats(&stats, size);
    size_t len = 0;
    AUTO(mem) void *got = qcow2_sink_memory_take(sink, &len);
    fuzz_expect(len == size, "as long as the disk", len, size);
    fuzz_expect(memcmp(got, want, len) == 0, "flattened equals read", len, 0);
}

static void flatten_over(struct qcow2_chain *chain, const uint8_t *want, unsigned flags)
{
    uint64_t size = qcow2_chain_size(chain), tail = flags & 1 ? 4096 : 0;
    struct qcow2_flatten_options options = {.tail = flags & 2 ? QCOW2_TAIL_LEAVE : QCOW2_TAIL_ZERO,
                                            .allocate = flags & 4};
    struct qcow2_flatten_stats stats = {0};
    struct qcow2_fault f = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = device_create(size + tail);
    const uint8_t *bytes = ((struct device *)sink)->bytes;
    int r = fuzz_answer(qcow2_flatten(chain, sink, &options, &stats, &f), &f);
    fuzz_expect(r == 0, "a disk that can be read is flattened", size, 0);
    check_stats(&stats, size);
    fuzz_expect(memcmp(bytes, want, size) == 0, "no old data remains", size, 0);
    for (uint64_t i = size; i < size + tail; i++)
        fuzz_expect(bytes[i] == (flags & 2 ? 0xa5 : 0), "the tail", i, bytes[i]);
}

static void compare_both(struct qcow2_chain *chain, const uint8_t *want)
{
    struct qcow2_chain_view a;
    struct qcow2_io_view b;
    struct qcow2_fault f = {0};
    __attribute__((cleanup(cleanup_qcow2_comparison))) struct qcow2_comparison c = {0};
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_io_memory(want, qcow2_chain_size(chain), "raw");
    int r = fuzz_answer(
        qcow2_compare(qcow2_view_chain(&a, chain), qcow2_view_io(&b, io), NULL, &c, &f), &f);
    fuzz_expect(r == 0 && qcow2_comparison_same(&c), "the comparison says same", c.bytes_differing,
                0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    fuzz_input_parse(&input, data, size);
    AUTO(fuzz_chain) struct fuzz_chain c;
    fuzz_chain_open(&c, &input);
    if (!c.chain || qcow2_chain_size(c.chain) > FUZZ_READ_MAX)
        return 0;
    AUTO(mem) void *want = fuzz_read(c.chain);
    flatten_fresh(c.chain, want, input.flags & 16);
    if (want) {
        flatten_over(c.chain, want, input.flags >> 5);
        compare_both(c.chain, want);
    }
    return 0;
}
