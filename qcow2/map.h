/* Inside qcow2/ only: sorted lists of extents. */
#ifndef VMCONFORM_QCOW2_MAP_H
#define VMCONFORM_QCOW2_MAP_H

#include "qcow2/chain.h"

struct qcow2_map {
    struct qcow2_extent *items;
    size_t count, cap;
};

void qcow2_map_finish(struct qcow2_map *map);
/* Adds an extent behind the last one, or makes that one longer when the two are one piece. */
void qcow2_map_append(struct qcow2_map *map, struct qcow2_extent extent);
/* What a reader sees of `lower` under `upper`. Empties both. */
struct qcow2_map qcow2_map_overlay(struct qcow2_map *lower, struct qcow2_map *upper);
/* The first extent that ends behind offset; count when there is none. */
size_t qcow2_map_find(const struct qcow2_map *map, uint64_t offset);

/* table.c: reads and checks every L2 table of an image. */
int qcow2_table_map(struct qcow2_image *image, uint32_t layer, struct qcow2_map *map,
                    struct qcow2_fault *retfault);

/* inflate.c: where a compressed cluster's bytes are, and the cluster itself. */
void qcow2_compressed_place(const struct qcow2_image *image, uint64_t descriptor,
                            uint64_t *ret_offset, uint64_t *ret_len);
int qcow2_compressed_read(struct qcow2_image *image, uint64_t descriptor, void *out,
                          struct qcow2_fault *retfault);

#endif
