/* Hostile chains: the input is cut into one to four layers, which are opened, mapped, read and
 * compared with themselves. Nothing may crash, leak, or take memory and time that the input's
 * length does not justify. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "qcow2/chain.h"
#include "qcow2/compare.h"

#define LAYERS_MAX 4u
#define READ_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct qcow2_policy policy = {
    .virtual_max = UINT64_C(1) << 40,
    .host_clusters_max = 1 << 20,
    .table_bytes_max = 32 << 20,
    .extents_max = 1 << 16,
    .accept_short_tail = true,
};

/* Reads the beginning of each of the first extents, and the end of the disk. */
static void read_some(struct qcow2_chain *chain)
{
    size_t count, budget = READ_MAX;
    const struct qcow2_extent *e = qcow2_chain_extents(chain, &count);
    char *buf = mem_alloc(READ_MAX);
    for (size_t i = 0; i < count && budget > 0; i++) {
        size_t len = e[i].len < 4096 ? (size_t)e[i].len : 4096;
        len = len < budget ? len : budget;
        struct qcow2_fault f = {0};
        if (qcow2_chain_read(chain, e[i].start, buf, len, &f) < 0)
            qcow2_fault_clear(&f);
        budget -= len;
    }
    struct qcow2_fault f = {0};
    uint64_t size = qcow2_chain_size(chain);
    if (qcow2_chain_read(chain, size - 512, buf, 512, &f) < 0)
        qcow2_fault_clear(&f);
    free(buf);
}

static void compare_small(struct qcow2_chain *chain)
{
    if (qcow2_chain_size(chain) > READ_MAX)
        return;
    struct qcow2_chain_view a, b;
    struct qcow2_comparison c;
    struct qcow2_fault f = {0};
    if (qcow2_compare(qcow2_view_chain(&a, chain), qcow2_view_chain(&b, chain), NULL, &c, &f) < 0) {
        qcow2_fault_clear(&f);
        return;
    }
    if (!qcow2_comparison_same(&c))
        abort();
    qcow2_comparison_finish(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t wanted = data[0] % LAYERS_MAX + 1, count = 0;
    data++;
    size--;
    struct qcow2_image *layers[LAYERS_MAX];
    for (size_t i = 0; i < wanted; i++) {
        size_t first = size / wanted * i;
        size_t len = i + 1 == wanted ? size - first : size / wanted;
        struct qcow2_fault f = {0};
        layers[count] = qcow2_image_open(qcow2_io_memory(data + first, len, "layer"), &policy, &f);
        if (layers[count])
            count++;
        qcow2_fault_clear(&f);
    }
    static const struct qcow2_chain_options options = {.accept_base_backing = true,
                                                       .accept_v2_increments = true};
    struct qcow2_fault f = {0};
    struct qcow2_chain *chain = qcow2_chain_open(layers, count, &options, &f);
    if (chain) {
        read_some(chain);
        compare_small(chain);
    }
    qcow2_fault_clear(&f);
    qcow2_chain_destroy(chain);
    for (size_t i = 0; i < count; i++)
        qcow2_image_destroy(layers[i]);
    return 0;
}
