#include "qcow2/image.h"

#include "base/mem.h"
#include "qcow2/image_priv.h"

#define EXTENTS_MAX (UINT64_C(64) << 20)

static uint64_t or_default(uint64_t value, uint64_t otherwise)
{
    return value ? value : otherwise;
}

/* A piece of an honest image takes 32 bytes of its file or more: what it leads to counts, and so do
 * the empty entries around it. The exceptions (512-byte clusters that compress to nothing, every
 * other cluster a zero one) have a million free. Without this a file could ask for four times its
 * size in memory, and for the time to fill that. */
static uint64_t extents_of(uint64_t file_size)
{
    uint64_t max = (UINT64_C(1) << 20) + file_size / 32;
    return max < EXTENTS_MAX ? max : EXTENTS_MAX;
}

struct qcow2_policy qcow2_policy_filled(const struct qcow2_policy *policy, uint64_t file_size)
{
    struct qcow2_policy p = {0};
    if (policy)
        p = *policy;
    p.virtual_max = or_default(p.virtual_max, UINT64_C(1) << 50);
    p.host_clusters_max = or_default(p.host_clusters_max, UINT64_C(1) << 30);
    p.table_bytes_max = or_default(p.table_bytes_max, UINT64_C(2) << 30);
    p.extents_max = or_default(p.extents_max, extents_of(file_size));
    return p;
}

struct qcow2_image *qcow2_image_open(struct qcow2_io *io_take, const struct qcow2_policy *policy,
                                     struct qcow2_fault *retfault)
{
    AUTO(qcow2_image) struct qcow2_image *image = mem_zalloc(sizeof *image);
    image->io = io_take;
    image->policy = qcow2_policy_filled(policy, io_take->size);
    if (qcow2_header_read(image, /* lenience= */ NULL, retfault) < 0)
        return NULL;
    if (qcow2_l1_check(image, retfault) < 0)
        return NULL;
    return TAKE(image);
}

struct qcow2_image *qcow2_image_open_file(const char *path, const struct qcow2_policy *policy,
                                          struct qcow2_fault *retfault)
{
    struct qcow2_io *io = qcow2_io_open(path, 0, retfault);
    return io ? qcow2_image_open(io, policy, retfault) : NULL;
}

void qcow2_image_finish_texts(struct qcow2_image *image)
{
    free(image->backing_name);
    free(image->backing_format);
    free(image->data_file_name);
    free(image->extensions);
}

void qcow2_image_destroy(struct qcow2_image *image)
{
    if (!image)
        return;
    qcow2_io_destroy(image->io);
    qcow2_image_finish_texts(image);
    free(image);
}

const struct qcow2_info *qcow2_image_info(const struct qcow2_image *image)
{
    return &image->info;
}
