#include "qcow2/image.h"

#include "base/mem.h"
#include "qcow2/image_priv.h"

static uint64_t or_default(uint64_t value, uint64_t otherwise)
{
    return value ? value : otherwise;
}

static struct qcow2_policy policy_filled(const struct qcow2_policy *policy)
{
    struct qcow2_policy p = {0};
    if (policy)
        p = *policy;
    p.virtual_max = or_default(p.virtual_max, UINT64_C(1) << 50);
    p.host_clusters_max = or_default(p.host_clusters_max, UINT64_C(1) << 30);
    p.table_bytes_max = or_default(p.table_bytes_max, UINT64_C(2) << 30);
    p.extents_max = or_default(p.extents_max, UINT64_C(16) << 20);
    return p;
}

struct qcow2_image *qcow2_image_open(struct qcow2_io *io_take, const struct qcow2_policy *policy,
                                     struct qcow2_fault *retfault)
{
    AUTO(qcow2_image) struct qcow2_image *image = mem_zalloc(sizeof *image);
    image->io = io_take;
    image->policy = policy_filled(policy);
    if (qcow2_header_read(image, retfault) < 0)
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

void qcow2_image_destroy(struct qcow2_image *image)
{
    if (!image)
        return;
    qcow2_io_destroy(image->io);
    free(image->backing_name);
    free(image->backing_format);
    free(image->data_file_name);
    free(image);
}

const struct qcow2_info *qcow2_image_info(const struct qcow2_image *image)
{
    return &image->info;
}
