/* What can be called: resources, their verbs, and the names and paths of these. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_METHOD_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_METHOD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "components/fulfillment-service/message.h"
#include "components/fulfillment-service/store.h"

enum verb {
    VERB_LIST,
    VERB_GET,
    VERB_CREATE,
    VERB_UPDATE,
    VERB_DELETE,
    VERB_SIGNAL,
    VERB_WATCH,
    VERB_ROWS, /* of no resource: all that the database holds */
    VERB_COUNT
};
const char *verb_name(enum verb v); /* "List" */
#define VERBS_CRUD                                                                                 \
    (1u << VERB_LIST | 1u << VERB_GET | 1u << VERB_CREATE | 1u << VERB_UPDATE | 1u << VERB_DELETE)

struct call;
struct resource {
    const char *collection;   /* "compute_instance_snapshots" */
    const char *service;      /* "ComputeInstanceSnapshots" */
    const char *event_member; /* "compute_instance_snapshot" */
    const char *missing;      /* what "not found" says, around the id */
    const char *missing_end;
    enum store_table table;
    const struct message *public_message; /* NULL: nothing public */
    const struct message *private_message;
    const char *deleting; /* status.state of a row that is being deleted; NULL: it has none */
    unsigned public_verbs, private_verbs; /* bits 1 << verb */
    enum version since;
    /* Create: checks the object (private form, the caller's own copy) and fills in what the server
     * decides. -1: call_fail() was called. */
    int (*prepare)(struct call *c, json_t *object);
    /* Update: checks the change. */
    int (*change)(struct call *c, const json_t *old, json_t *object);
};

extern const struct resource resource_instances, resource_snapshots, resource_hubs;
/* By store table. */
const struct resource *resource_of(enum store_table table);
/* Those that this version has; NULL-terminated, static. By a name of its REST collection or of its
 * gRPC service; NULL: none. */
const struct resource *resource_find(enum version v, bool is_private, const char *name, size_t len,
                                     bool rest);
bool resource_has(const struct resource *r, bool is_private, enum verb v);

/* Wire to object form of a whole request of that verb. NULL: *reterr tells why. */
json_t *request_decode(const struct resource *r, bool is_private, enum verb v, enum version version,
                       const json_t *wire, struct err *reterr);
/* The annotated rules of a request in object form. */
int request_check(const struct resource *r, bool is_private, const json_t *request,
                  struct err *reterr);

#endif
