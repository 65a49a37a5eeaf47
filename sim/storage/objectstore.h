/* An object store: buckets of keys, in memory or backed by a folder (fixtures put chains there).
 * Faults "store" apply. */
#ifndef VMCONFORM_SIM_STORAGE_OBJECTSTORE_H
#define VMCONFORM_SIM_STORAGE_OBJECTSTORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sim/world.h"

struct objectstore;
/* One state of an object, as an ETag tells it. "": there is no object. */
#define OBJECT_VERSION_TEXT 24
/* The world's object store; made on first use. */
struct objectstore *objectstore_of(struct world *w);

/* Direct access, for fixtures, faults and laws: no scheduling point, no fault. */
void objectstore_put(struct objectstore *o, const char *bucket, const char *key, const void *data,
                     size_t len);
/* Backs a key by a file (borrowed path is copied); size and bytes are read from it when asked. */
void objectstore_put_file(struct objectstore *o, const char *bucket, const char *key,
                          const char *path);
bool objectstore_size(struct objectstore *o, const char *bucket, const char *key,
                      uint64_t *ret_size);
int objectstore_read(struct objectstore *o, const char *bucket, const char *key, uint64_t offset,
                     void *buf, size_t len, size_t *ret_len, struct err *reterr);
/* Writes "" for an absent one. */
void objectstore_version(struct objectstore *o, const char *bucket, const char *key,
                         char ret[OBJECT_VERSION_TEXT]);
bool objectstore_delete(struct objectstore *o, const char *bucket, const char *key);
/* Sorted keys; new array. */
json_t *objectstore_list(struct objectstore *o, const char *bucket, const char *prefix);

/* The same as a client sees it: scheduling points, faults "store", effects and trace, from the
 * running actor. */
int sim_object_read(struct world *w, const char *bucket, const char *key, uint64_t offset,
                    void *buf, size_t len, size_t *ret_len, struct err *reterr);
/* ret_version (may be NULL) gets that of what was read. */
int sim_object_get(struct world *w, const char *bucket, const char *key, size_t max_bytes,
                   char **ret_data, size_t *ret_len, char *ret_version, struct err *reterr);
int sim_object_size(struct world *w, const char *bucket, const char *key, uint64_t *ret,
                    struct err *reterr);
/* only_if: the version that must be there (ERR_CONFLICT otherwise); NULL: any, or none. */
int sim_object_put(struct world *w, const char *bucket, const char *key, const void *data,
                   size_t len, const char *only_if, struct err *reterr);
int sim_object_delete(struct world *w, const char *bucket, const char *key, const char *only_if,
                      struct err *reterr);
json_t *sim_object_list(struct world *w, const char *bucket, const char *prefix,
                        struct err *reterr);

#endif
