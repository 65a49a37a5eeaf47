/* What the two halves of VolumeSnapshots share: the common controller (snapshots.c) and the
 * driver's sidecar (sidecar.c). */
#ifndef VMCONFORM_SIM_STORAGE_SNAPSHOT_PRIV_H
#define VMCONFORM_SIM_STORAGE_SNAPSHOT_PRIV_H

#include "sim/storage/storage_priv.h"

/* Sets status.error (message NULL: removes it) and status.readyToUse=false with an error. true when
 * that changed obj. */
bool snapshot_set_error(json_t *obj, const char *message, int64_t now_ns);
/* Ends a VolumeSnapshot that is being deleted: content first, then its own finalizers
 * (snapshot_delete.c). */
int snapshot_delete(struct simloop *l, const json_t *vs);
/* Lets the source claim go when no unready snapshot but `except` needs it. */
int snapshot_release_claim(struct simloop *l, const json_t *except);
/* The VolumeSnapshotContent of a snapshot: the bound one, or the one that it would be. New, NULL
 * when absent. */
json_t *snapshot_content(const struct simloop *l, const json_t *vs);
bool snapshot_is_content_of(const json_t *content, const json_t *vs);

#endif
