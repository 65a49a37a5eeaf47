/* KubeVirt's backups of machines: jobs that do not end as they should, and bitmaps that are not
 * there any more. */
#include "sched/fault.h"

static const char *const types[] = {"Full", "Incremental", NULL};
static const char *const durings[] = {"backup", "redefinition", NULL};

const struct fault_point fault_point_backup = {
    .name = "backup",
    .attrs = {"ns", "name", "vm", "type", "cluster"},
    .closed = {"type", types},
    .actions = {
        {"fail", .type = FAULT_CHOICE, .texts = {"ENOSPC", "EIO", "unknown"},
         .says = "the job ends with that; `ENOSPC` has partial files, though there is room"},
        {"hang", .type = FAULT_TRUE, .says = "the job never ends by itself"},
        {"slow", .type = FAULT_DURATION, .says = "on top of what it takes anyway"},
        {"rawTarget", .type = FAULT_TRUE,
         .says = "the target was plugged as a raw device: the job fails, and leaves a `.img` of 0 "
                 "bytes"}}};

const struct fault_point fault_point_bitmap = {
    .name = "bitmap",
    .attrs = {"ns", "vm", "disk", "checkpoint", "during", "cluster"},
    .closed = {"during", durings},
    .actions = {{"lost", .type = FAULT_TRUE, .says = "the disk's bitmap is gone, for good"},
                {"corrupt", .type = FAULT_TRUE, .says = "it is marked inconsistent, for good"}}};
