/* Documents of a backup storage location: read within bounds, changed by compare-and-swap.
 *
 * Several writers may change one document at a time (an upload, the deletion of a backup). Whoever
 * changes one reads it with its version and writes only if that is still there; else it looks
 * again. */
#ifndef VMCONFORM_COMPONENTS_BSL_STORE_H
#define VMCONFORM_COMPONENTS_BSL_STORE_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"
#include "base/json.h"
#include "components/host.h"

/* A document may have so many bytes: what is larger is not read into memory. */
#define BSL_DOCUMENT_MAX JSON_BYTES_MAX

/* The datamover's part of one location. All borrowed. */
struct bsl_store {
    struct host *h;
    const char *bucket, *prefix; /* prefix: the location's own; may be NULL */
};

/* Zero-initialise. */
struct bsl_document {
    json_t *json; /* an object; NULL: absent, or not readable */
    char *text;   /* as it is stored; NULL: absent */
    size_t len;
    struct host_version version;
};
void bsl_document_finish(struct bsl_document *d);
static inline void cleanup_bsl_document(struct bsl_document *d)
{
    bsl_document_finish(d);
}

/* Keys here are relative to the datamover's prefix. A store that does not answer is asked a few
 * times before that is an error (ERR_IO).
 *
 * 0 also when there is none. ERR_CORRUPT: no JSON object (ret has text and version all the same).
 * ERR_LIMIT: too large. */
int bsl_read(const struct bsl_store *s, const char *key, struct bsl_document *ret,
             struct err *reterr);
/* only_if NULL: whatever is there. ERR_CONFLICT otherwise. */
int bsl_write(const struct bsl_store *s, const char *key, const json_t *json,
              const struct host_version *only_if, struct err *reterr);
/* An absent object is no error. */
int bsl_delete(const struct bsl_store *s, const char *key, const struct host_version *only_if,
               struct err *reterr);
/* Deletes every object whose key begins so. */
int bsl_delete_below(const struct bsl_store *s, const char *prefix, struct err *reterr);

enum bsl_change { BSL_SAME, BSL_WRITE, BSL_DELETE, BSL_BAD /* *reterr says why */ };
/* Edits the document in place ({} when there is none). Called again after a conflict, with the
 * document as it is then; must not block. */
typedef enum bsl_change bsl_change_fn(json_t *json, void *cookie, struct err *reterr);
/* aside NULL: a document that cannot be read is an error. Else it is copied to that key with a
 * digest behind it, and the change begins with an empty one. */
int bsl_change(const struct bsl_store *s, const char *key, const char *aside, bsl_change_fn *change,
               void *cookie, struct err *reterr);

#endif
