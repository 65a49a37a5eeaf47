/* The uploader pod's program: stores the images of one backup, archives what KubeVirt said of it,
 * and records the checkpoint (datamover.md 5.2). Inside this folder only, but for the component. */
#ifndef VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_UPLOAD_H
#define VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_UPLOAD_H

#include <jansson.h>
#include <stdbool.h>

#include "components/bsl/documents.h"
#include "components/component.h"
#include "components/runtime/client.h"

extern const struct component datamover_uploader_component;
extern const struct component datamover_forget_component; /* forget_pod.c */

struct upload {
    struct host *h;
    struct client client;
    struct documents_place place;
    const char *checkpoint, *type, *parent, *source;
    const char *vmb, *tracker; /* names of KubeVirt's objects */
    bool as_code;              /* as the existing code where that is known to be wrong */
    json_t *files;             /* as the index has them */
};

/* Before each piece of work: an error when the pod was asked to end. */
int upload_goes_on(const struct upload *u, struct err *reterr);

/* upload_files.c: stores every image below the source folder and fills u->files. */
int upload_files(struct upload *u, struct err *reterr);
/* upload_archive.c: stores KubeVirt's objects beside the images. */
int upload_archive(struct upload *u, struct err *reterr);
/* The index's entry. New; NULL on failure. */
json_t *upload_entry(struct upload *u, struct err *reterr);
/* The backup is not needed any more; the tracker is. */
void upload_delete_backup(struct upload *u);

#endif
