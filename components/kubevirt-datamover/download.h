/* The downloader pod's program: fetches a disk's chain of images, checks them, and makes the disk
 * from them (datamover.md 5.3 to 5.5). Inside this folder only, but for the component. */
#ifndef VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_DOWNLOAD_H
#define VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_DOWNLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "components/bsl/documents.h"
#include "components/component.h"
#include "components/kubevirt-datamover/chain.h"
#include "components/kubevirt-datamover/engine.h"
#include "qcow2/io.h"

extern const struct component datamover_downloader_component;

struct download {
    struct host *h;
    const struct engine *engine;
    struct documents_place place;
    const char *disk;
    const char *target, *scratch; /* absolute paths */
    const char *uid;              /* of the DataDownload; "" */
    bool block;                   /* target is a device, written in place */
    bool require_backing;         /* refuse increments that name no backing file */
    struct chain chain;
    char **names; /* names of the images in scratch, base first; owned */
    size_t name_count;
    uint64_t virtual_size; /* of the top image */
};

/* A path in the scratch folder. New. */
char *download_path(const struct download *d, const char *name);

/* Before each piece of work: an error when the pod was asked to end. */
int download_goes_on(const struct download *d, struct err *reterr);

/* fetch.c: downloads every image, in order, and checks size and digest before anything else sees
 * it. */
int download_fetch(struct download *d, struct err *reterr);
/* Removes what has been downloaded; tries all of it. */
int download_remove(struct download *d, struct err *reterr);

/* inspect.c: judges every image alone, before any of them is changed; sets virtual_size. */
int download_inspect(struct download *d, struct err *reterr);
/* Image i as the library reads it. New; NULL on failure. */
struct qcow2_io *download_open(struct download *d, size_t i, struct err *reterr);
/* engine.h: what our own reader finds in the header; no name in it is followed. */
int download_look(struct download *d, size_t i, struct image_facts *ret, struct err *reterr);
/* A fault of the image library as a failure; `tag` unless the fault is a policy that has a code of
 * its own. Empties *fault. Returns -1. */
int download_fault(struct qcow2_fault *fault, const char *tag, struct err *reterr);

/* rebuild.c: links the images, converts the top, and publishes the disk. */
int download_rebuild(struct download *d, struct err *reterr);

#endif
