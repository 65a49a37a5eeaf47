/* metadata.managedFields and server-side apply (kube-apiserver.md 2.7 and 4.8): who owns which
 * field.
 *
 * Pure functions over JSON: inputs borrowed and never changed, results new. Field sets are bounded
 * by the size of the objects; depth by JSON_DEPTH_MAX. */
#ifndef VMCONFORM_KUBE_FIELDS_MANAGED_H
#define VMCONFORM_KUBE_FIELDS_MANAGED_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "kube/fields/typed.h"
#include "kube/status.h"

struct managed_writer {
    const char *manager;     /* at most 128 bytes, as the request settled it */
    const char *api_version; /* of the request's endpoint */
    const char *subresource; /* NULL: the object itself */
    int64_t now_ns;
    bool has_status; /* the kind has a status subresource: who writes the object does not own it */
    bool custom;     /* a custom resource: who writes its status owns no metadata */
    /* The apiVersions that the kind is served in: entries of others are forgotten. NULL-terminated;
     * NULL: all are kept. */
    const char *const *api_versions;
};

/* The managedFields after an Update: `object` is what will be stored (its own managedFields, when
 * it has any, stand for what the client sent), `old` is what was stored, NULL on create. The result
 * (array, possibly empty) replaces metadata.managedFields. A write that changes nothing but times
 * gives back the old entries. An object that was stored without entries stays without: nobody knows
 * whose its fields are. */
json_t *managed_update(const json_t *old, const json_t *object, struct typed type,
                       const struct managed_writer *w);

/* One apply: `live` NULL creates. On success *ret is the merged object, managedFields included. On
 * conflict or bad input, *ret_status is filled and -1 comes back: 409 with its causes, 500 for what
 * the type does not know, 400 for what may not be in a patch. */
int managed_apply(const json_t *live, const json_t *applied, struct typed type,
                  const struct managed_writer *w, bool force, json_t **ret,
                  struct api_response *ret_status);

/* Whether the entries of metadata.managedFields can be decoded: NULL, or what is wrong (new). */
char *managed_check(const json_t *managed_fields);

#endif
