/* What turns a chain of images into a disk: qemu-img, as the design has it, or the project's own
 * library, which runs no program. Everything around it is the downloader's and the same for both:
 * what is refused (inspect.c), where the disk is written, how it is proved, synced and published
 * (rebuild.c). Both write the same bytes, and refuse the same chains with the same codes. */
#ifndef VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_ENGINE_H
#define VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct download;

/* What an image says about itself, before any of its tables is believed. */
struct image_facts {
    int64_t size; /* of the disk in bytes; 0 or less: it has none */
    bool has_backing, has_data_file, encrypted, corrupt;
    bool version_2; /* "compat 0.10" */
};

/* `i` counts the images of the download, base first. */
struct engine {
    const char *name; /* "qemu-img", "native" */
    /* Looks at the header of an image. */
    int (*look)(struct download *d, size_t i, struct image_facts *ret, struct err *reterr);
    /* Checks all of an image, by itself: what it names is not opened. */
    int (*check)(struct download *d, size_t i, struct err *reterr);
    /* Each image gets the one before it as its parent; may write into them. */
    int (*link)(struct download *d, struct err *reterr);
    /* Writes the disk into `path`: an empty file, or (in_place) a device that is large enough and
     * holds old data. What lies behind the disk on a device stays as it was. */
    int (*convert)(struct download *d, const char *path, bool in_place, struct err *reterr);
};

extern const struct engine engine_qemu_img, engine_native;

#define ENGINE_DEFAULT "qemu-img"

/* NULL, with *reterr and a hint, when there is none of that name. */
const struct engine *engine_find(const char *name, struct err *reterr);

#endif
