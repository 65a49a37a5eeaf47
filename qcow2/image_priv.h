/* Inside qcow2/ only: the image itself, its map, one compressed cluster. */
#ifndef VMCONFORM_QCOW2_IMAGE_PRIV_H
#define VMCONFORM_QCOW2_IMAGE_PRIV_H

#include "qcow2/format.h"
#include "qcow2/image.h"

struct qcow2_image {
    struct qcow2_io *io;
    struct qcow2_policy policy; /* defaults filled in */
    bool raw;                   /* raw.c: no header, no tables */
    struct qcow2_info info;
    char *backing_name, *backing_format, *data_file_name; /* owned; info points at them */
    struct qcow2_extension *extensions;                   /* likewise */
};

static inline uint64_t image_cluster_size(const struct qcow2_image *image)
{
    return UINT64_C(1) << image->info.cluster_bits;
}

static inline uint32_t image_l2_entry_bytes(const struct qcow2_image *image)
{
    return image->info.extended_l2 ? 16 : 8;
}

/* Guest bytes that one L2 table maps, as a power of two: asked for each entry of an L1 table. */
static inline unsigned image_l2_coverage_bits(const struct qcow2_image *image)
{
    return image->info.cluster_bits * 2 - (image->info.extended_l2 ? 4 : 3);
}

static inline uint64_t image_l2_coverage(const struct qcow2_image *image)
{
    return UINT64_C(1) << image_l2_coverage_bits(image);
}

/* Entries of the L1 table that the disk needs. */
static inline uint64_t image_l1_needed(const struct qcow2_image *image)
{
    unsigned bits = image_l2_coverage_bits(image);
    uint64_t size = image->info.virtual_size;
    return (size >> bits) + ((size & ((UINT64_C(1) << bits) - 1)) != 0);
}

/* Whoever wants to look at an image that qemu opens and the reader refuses: is told of each such
 * oddity ("what: found"), and reading goes on. */
struct qcow2_lenience {
    void (*tell)(void *arg, enum qcow2_defect defect, uint64_t offset, const char *what,
                 uint64_t found);
    void *arg;
};

/* header.c: fills image->info from the file, and checks. lenience NULL: strict. */
int qcow2_header_read(struct qcow2_image *image, const struct qcow2_lenience *lenience,
                      struct qcow2_fault *retfault);
/* image.c: frees what the header made; not the image itself. */
void qcow2_image_finish_texts(struct qcow2_image *image);
/* The policy with defaults for what it leaves at 0; NULL: all of them. */
struct qcow2_policy qcow2_policy_filled(const struct qcow2_policy *policy, uint64_t file_size);
/* table.c: every L1 entry. */
int qcow2_l1_check(struct qcow2_image *image, struct qcow2_fault *retfault);

#endif
