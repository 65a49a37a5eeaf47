/* The files of controllers: a file system in memory for each, which lives as long as the world and
 * so outlives the crashes of those who write it.
 *
 * It is a volume for each controller: what lies below /var/lib/NAME, NAME being whatever it asks
 * for. A crash takes the process and not the machine: what was written stays written. */
#ifndef VMCONFORM_RUNNER_MEMORY_FILES_H
#define VMCONFORM_RUNNER_MEMORY_FILES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "components/host.h"
#include "sim/world.h"

#define MEMORY_BYTES_MAX (UINT64_C(256) << 20) /* of all files of a world: then ENOSPC */
#define MEMORY_NAMES_MAX 4096u                 /* of one controller */

struct memory_files;
struct memory_file;

/* Those of the controller of that name, made when nobody has asked before. */
struct memory_files *memory_files_of(struct world *w, const char *owner);
/* Whether the path is a place of such a file system. */
bool memory_path(const char *path);

/* Results: 0 or more, or a negative errno. The path is one of those above, without "..". */
struct memory_file *memory_open(struct memory_files *m, const char *path, enum host_open_mode mode,
                                int *ret_errno);
/* A file that was removed meanwhile stays until its last user closes it. */
void memory_close(struct memory_file *f);
size_t memory_read(const struct memory_file *f, uint64_t offset, void *buf, size_t len);
int memory_write(struct memory_file *f, uint64_t offset, const void *buf, size_t len);
int memory_truncate(struct memory_file *f, uint64_t size);
/* What it has of these bytes. */
void memory_zero(struct memory_file *f, uint64_t offset, uint64_t len);
int memory_stat(const struct memory_files *m, const char *path, struct host_stat *ret);
int memory_rename(struct memory_files *m, const char *from, const char *to);
int memory_remove(struct memory_files *m, const char *path);
int memory_make_dir(struct memory_files *m, const char *path);
/* Names in a directory, sorted; new array. */
json_t *memory_list(const struct memory_files *m, const char *path, int *ret_errno);

#endif
