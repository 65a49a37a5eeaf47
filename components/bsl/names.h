/* Where the documents and images of a backup lie in the object store (datamover.md 6.1), and which
 * names may go into a key. */
#ifndef VMCONFORM_COMPONENTS_BSL_NAMES_H
#define VMCONFORM_COMPONENTS_BSL_NAMES_H

#include <stdbool.h>

#include "base/err.h"

/* One component of a key: not empty, no "/", no "..", no leading "-", no control byte. E-NAME
 * otherwise; `what` says which name. */
int names_check(const char *what, const char *name, struct err *reterr);
/* A file name that stays in its folder: not empty, its own basename, neither "." nor "..", no
 * control byte. */
bool names_is_file(const char *name);

/* The full key of a key that is relative to the datamover's own prefix. bsl_prefix may be NULL.
 * New. */
char *names_key(const char *bsl_prefix, const char *relative);
/* What a backup is called in keys and references: its name, or what a label can hold of it. New. */
char *names_backup_label(const char *backup);
/* Relative keys. New. */
char *names_backup(const char *backup);
char *names_manifest(const char *backup, const char *ns, const char *vm);
char *names_index(const char *ns, const char *vm);
/* filename: of an image, or one of the archived objects; "" for the folder's prefix. */
#define NAMES_VMB "vmb.json"
#define NAMES_TRACKER "vmbt.json"
char *names_image(const char *ns, const char *vm, const char *checkpoint, const char *filename);

#endif
