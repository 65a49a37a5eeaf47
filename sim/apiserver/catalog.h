/* What a server serves, for discovery and for those who route to it: every group, version and
 * resource, whether it is built in, defined, or answered by a function. */
#ifndef VMCONFORM_SIM_APISERVER_CATALOG_H
#define VMCONFORM_SIM_APISERVER_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kube/api.h"
#include "sim/apiserver/apiserver.h"

/* What is known about one resource of one version. Strings are borrowed for the server's life. */
struct catalog_type {
    struct api_resource resource;
    const char *kind, *list_kind;
    bool namespaced;
    bool builtin;     /* compiled in: struct-encoded on the wire, routed by a fixed table */
    bool is_virtual;  /* answered by a function (which has no list) */
    bool terminating; /* its definition is being deleted */
};
/* false: no such resource is served in that version. Subresources of virtual kinds count as the
 * resource that they stand below. */
bool catalog_find(const struct apiserver *a, const struct api_resource *r,
                  struct catalog_type *ret);

/* Kinds of which objects are stored, as their storage version names them, in the order in which
 * they were registered. A position is a kind's for the server's life; false: its definition is
 * gone. */
struct catalog_stored {
    struct api_resource resource;
    const char *kind;
    bool namespaced;
    bool goes_first; /* before the others, wherever chance makes an order of kinds: a run that has
                        none of the others goes on as it did before they were known */
};
size_t catalog_stored_count(const struct apiserver *a);
bool catalog_stored_at(const struct apiserver *a, size_t i, struct catalog_stored *ret);

/* One entry of discovery. Pointers are borrowed for the duration of the callback. */
struct catalog_entry {
    struct catalog_type type;
    const char *singular;           /* "" for subresources */
    const char *const *short_names; /* NULL-terminated; NULL: none */
    const char *const *categories;  /* the same */
    const char *subresource;        /* NULL: the resource itself */
    /* Of what the endpoint takes and gives, when that is not the resource's own version: "Scale" of
     * autoscaling/v1. group NULL: the resource's own. */
    const char *group, *version, *kind;
    const char *const *verbs; /* NULL-terminated, in the order in which discovery has them */
    const char *storage_hash; /* NULL: nothing is stored */
};
typedef void catalog_fn(void *cookie, const struct catalog_entry *entry);
/* Every entry of the group and version, resources before their subresources, in the order of
 * discovery (by name). */
void catalog_each(const struct apiserver *a, const char *group, const char *version, catalog_fn *fn,
                  void *cookie);

/* Groups in the order of the server's priorities (the core group, with name "", first), the
 * versions of each in order of preference. */
struct catalog_group {
    const char *name;
    const char **versions;
    size_t version_count;
    bool builtin;
};
struct catalog_groups {
    struct catalog_group *items;
    size_t count, cap;
};
void catalog_groups(const struct apiserver *a, struct catalog_groups *ret);
void catalog_groups_finish(struct catalog_groups *g);
static inline void cleanup_catalog_groups(struct catalog_groups *g)
{
    catalog_groups_finish(g);
}
/* Changes whenever discovery may: documents made from the catalog can be kept until then. */
uint64_t catalog_generation(const struct apiserver *a);
/* Whether a version sorts before another one: GA before beta before alpha, higher numbers first. */
int catalog_compare_versions(const char *a, const char *b);

#endif
