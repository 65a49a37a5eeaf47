/* Folders: what is in one; and those of our own, removed with all that is in them, as far as that
 * can be done, and never through a link or on to another file system. */
#ifndef VMCONFORM_BASE_FOLDER_H
#define VMCONFORM_BASE_FOLDER_H

#include <jansson.h>

#include "base/err.h"

/* The folder itself stays. */
void folder_empty(const char *path);

void folder_remove(const char *path);

/* Names in a folder, sorted by their bytes; new array of strings. NULL with *reterr. */
json_t *folder_names(const char *path, struct err *reterr);

#endif
