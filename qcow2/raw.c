/* A raw disk seen as an image: data where its file has any, nothing where it has holes. */
#include "base/mem.h"
#include "qcow2/image_priv.h"
#include "qcow2/map.h"

struct qcow2_image *qcow2_image_open_raw(struct qcow2_io *io_take)
{
    struct qcow2_image *image = mem_zalloc(sizeof *image);
    image->io = io_take;
    image->raw = true;
    image->policy = qcow2_policy_filled(NULL, io_take->size);
    image->info.virtual_size = image->info.file_size = io_take->size;
    image->info.cluster_bits = QCOW2_CLUSTER_BITS_MIN;
    return image;
}

int qcow2_raw_map(struct qcow2_image *image, uint32_t layer, struct qcow2_map *map,
                  struct qcow2_fault *retfault)
{
    uint64_t max = image->policy.extents_max;
    for (uint64_t at = 0, len; at < image->io->size; at += len) {
        bool zero;
        len = qcow2_io_run(image->io, at, &zero);
        if (zero)
            continue;
        if (map->count >= max)
            return qcow2_fault_set(retfault, QCOW2_LIMIT, image->io->name, QCOW2_NO_OFFSET,
                                   "the file has more than %llu pieces", (unsigned long long)max);
        qcow2_map_append(map, (struct qcow2_extent){at, len, at, layer, QCOW2_EXTENT_DATA});
    }
    return 0;
}
