/* One API server: what its files share of it. */
#ifndef VMCONFORM_SIM_APISERVER_SERVER_PRIV_H
#define VMCONFORM_SIM_APISERVER_SERVER_PRIV_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/prng.h"
#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/kinds_priv.h"

struct cel_context;
struct crd;
struct rtype;
struct strmap;

struct admitter {
    char *group, *plural;
    admission_fn *fn;
    void *cookie;
};

/* All virtual resources of a group stand between these two. */
struct virtual_group {
    const char *name;
    size_t first, last;
};

struct observer {
    store_observer_fn *fn;
    void *cookie;
};

struct apiserver {
    struct sched *sched;
    char *name;
    int64_t revision;
    int64_t floor; /* revisions below are compacted */
    struct rtype **types;
    size_t type_count, type_cap;
    struct rtype **hash; /* open addressing by group and plural; of a view as well */
    size_t hash_count, hash_cap;
    struct observer *observers;
    size_t observer_count, observer_cap;
    struct admitter *admitters;
    size_t admitter_count, admitter_cap;
    struct crd **retired; /* replaced definitions, kept for the strings given out */
    size_t retired_count, retired_cap;
    const char **kinds;
    size_t kind_count;
    uint64_t catalog_generation; /* counts changes of what is served */
    struct strmap *words;        /* any word of a user to struct word (resource.c) */
    struct admitter validator;   /* of all resources; fn NULL: none */
    struct virtual_resource *virtuals;
    size_t virtual_count, virtual_cap;
    struct virtual_group *virtual_groups; /* which of them may have a request's resource */
    size_t virtual_group_count, virtual_group_cap;
    authorizer_fn *authorizer;
    void *authorizer_cookie;
    bool track_fields;
    struct prng uids, names, planted;
    struct given given;
    struct cel_context *cel;
    unsigned depth;        /* of nested apiserver_handle calls (from admission) */
    bool telling;          /* observers are being told: no writes now */
    bool crds_to_finish;   /* a definition may be ready to go */
    bool crds_to_settle;   /* a definition may get its names, or be established */
    json_t *retired_names; /* accepted names of old, kept for the strings given out; or NULL */
};

#endif
