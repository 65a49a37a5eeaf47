/* KubeVirt's backups of machines: jobs that do not end as they should, and bitmaps that are not
 * there any more. */
#include "sched/fault.h"

static const char *const types[] = {"Full", "Incremental", NULL};
static const char *const durings[] = {"backup", "migration", "redefinition", NULL};

const struct fault_point fault_point_backup = {
    .name = "backup",
    .attrs = {"ns", "name", "vm", "type", "cluster"},
    .closed = {"type", types},
    .actions = {
        {"fail", .type = FAULT_CHOICE, .texts = {"ENOSPC", "EIO", "unknown"},
         .says = "the job ends with that; `ENOSPC` has partial files, though there is room"},
        {"lost", .type = FAULT_TRUE, .with = "fail",
         .says = "nobody learns of the failure: the guest is paused by the I/O error, and the "
                 "backup goes on until it is deleted"},
        {"hang", .type = FAULT_TRUE, .says = "the job never ends by itself"},
        {"slow", .type = FAULT_DURATION, .says = "on top of what it takes anyway"},
        {"overwritten", .type = FAULT_TRUE,
         .says = "a stale pass of the controller writes `SourceLost` over the completion"},
        {"rawTarget", .type = FAULT_TRUE,
         .says = "the target was plugged as a raw device: the job fails, and leaves a `.img` of 0 "
                 "bytes"}}};

const struct fault_point fault_point_bitmap = {
    .name = "bitmap",
    .attrs = {"ns", "vm", "disk", "checkpoint", "during", "cluster"},
    .closed = {"during", durings},
    .actions = {{"lost", .type = FAULT_TRUE, .says = "the disk's bitmap is gone, for good"},
                {"corrupt", .type = FAULT_TRUE, .says = "it is marked inconsistent, for good"}}};

static const char *const ops[] = {"attach", "detach", "overlay", NULL};

const struct fault_point fault_point_plug = {
    .name = "plug",
    .attrs = {"ns", "vm", "claim", "op", "cluster"},
    .closed = {"op", ops},
    .actions = {
        {"hang", .type = FAULT_TRUE,
         .says = "a backup's target, or the overlay of a disk that is to be tracked, gets no "
                 "further while a rule says so; it is looked at again when the instance changes"}}};
