/* Inside qcow2/ only: the image itself, its map, one compressed cluster. */
#ifndef VMCONFORM_QCOW2_IMAGE_PRIV_H
#define VMCONFORM_QCOW2_IMAGE_PRIV_H

#include "qcow2/format.h"
#include "qcow2/image.h"

struct qcow2_image {
    struct qcow2_io *io;
    struct qcow2_policy policy; /* defaults filled in */
    struct qcow2_info info;
    char *backing_name, *backing_format, *data_file_name; /* owned; info points at them */
};

static inline uint64_t image_cluster_size(const struct qcow2_image *image)
{
    return UINT64_C(1) << image->info.cluster_bits;
}

static inline uint32_t image_l2_entry_bytes(const struct qcow2_image *image)
{
    return image->info.extended_l2 ? 16 : 8;
}

/* Guest bytes that one L2 table maps. */
static inline uint64_t image_l2_coverage(const struct qcow2_image *image)
{
    return image_cluster_size(image) / image_l2_entry_bytes(image) * image_cluster_size(image);
}

/* Entries of the L1 table that the disk needs. */
static inline uint64_t image_l1_needed(const struct qcow2_image *image)
{
    uint64_t coverage = image_l2_coverage(image);
    return (image->info.virtual_size - 1) / coverage + 1;
}

/* header.c: fills image->info from the file, and checks. */
int qcow2_header_read(struct qcow2_image *image, struct qcow2_fault *retfault);
/* table.c: every L1 entry. */
int qcow2_l1_check(struct qcow2_image *image, struct qcow2_fault *retfault);

#endif
