/* The index of a VM's checkpoints (datamover.md 6.2): pure functions over the document.
 *
 * What is in an index may be of any writer and any age: files as plain names, members that are
 * missing, references that occur twice or are "". Members that nobody here knows are kept. */
#ifndef VMCONFORM_COMPONENTS_BSL_INDEX_H
#define VMCONFORM_COMPONENTS_BSL_INDEX_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Of checkpoints whose entry has gone while their objects may still lie there. */
#define INDEX_COLLECTING "collecting"

/* More than a VM ever has; what follows from each pair of them is still soon found out. */
#define INDEX_ENTRIES_MAX 5000

/* Text of a member; "" when it is missing or no text. Borrowed. */
const char *index_text(const json_t *v, const char *name);
/* Brings an index into one form: "checkpoints" is a list, files are objects with filename, diskName
 * and objectPath. -1 (ERR_CORRUPT): it is no index. */
int index_normalise(json_t *index, const char *ns, const char *vm, struct err *reterr);
/* The first entry of that id. Borrowed; NULL when there is none. */
json_t *index_find(const json_t *index, const char *id);
/* The last entry; NULL when there is none. Borrowed. */
json_t *index_last(const json_t *index);
bool index_is_full(const json_t *entry);
/* The ids from the first full one to the tip, along the parents; stops at an unknown parent and
 * before an id that occurs twice. New array. */
json_t *index_chain(const json_t *index, const char *tip);
/* Whether a chain of index_chain() begins with a full checkpoint. */
bool index_chain_is_whole(const json_t *index, const json_t *chain);

/* Adds a backup to the references of these checkpoints, each once, and drops what is no reference.
 */
void index_refer(json_t *index, const json_t *ids, const char *backup);
/* Removes a backup's references; a checkpoint that others are based on keeps theirs. Drops entries
 * without references: all of them, or (only_lost) those that lose their last one now. The ids of
 * those go into INDEX_COLLECTING. true: something has changed. */
bool index_forget(json_t *index, const char *backup, bool only_lost);

/* The disk of an image "<vmb>-<disk>.qcow2"; without that prefix, what follows the last dash. New.
 */
char *index_disk_of(const char *filename, const char *vmb);

#endif
