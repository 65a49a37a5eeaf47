/* The service's own controller: rows of the store become objects of a hub.
 *
 * A pass reads its row, asks the hub, and collects what it wants changed in the row; the changes go
 * onto the row as it then is, in one transaction, so that nothing that others wrote meanwhile is
 * lost. No transaction is open while the hub is asked. Finalizer, hub and object come one pass
 * after the other: each is stored before the next can leave something behind. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_RECONCILE_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_RECONCILE_H

#include <jansson.h>
#include <stdbool.h>

#include "components/fulfillment-service/method.h"
#include "components/fulfillment-service/service.h"
#include "components/runtime/client.h"
#include "components/runtime/controller.h"

#define ROW_FINALIZER "fulfillment-controller"

/* Keys on the hub's objects. */
#define KEY_INSTANCE_UUID "osac.openshift.io/computeinstance-uuid"
#define KEY_SNAPSHOT_UUID "osac.openshift.io/computeinstancesnapshot-uuid"
#define KEY_TENANT "osac.openshift.io/tenant"
#define KEY_OWNER "osac.io/owner-reference"
/* Of an instance; never both TRUE. */
#define RESTORE_RUNS INSTANCE_CONDITION "RESTORE_IN_PROGRESS"
#define RESTORE_FAILED INSTANCE_CONDITION "RESTORE_FAILED"
/* Which snapshot a restore request means: names come back, identities do not. */
#define KEY_RESTORE_FROM_UUID "osac.openshift.io/restore-from-snapshot-uuid"

/* A reconcile_fn: cookie is the service, the key TABLE/ID. */
int reconcile_row(void *cookie, const char *table, const char *id, struct reconcile_result *ret,
                  struct err *reterr);

extern const struct kind kind_hub_instance, kind_hub_snapshot;

/* Where a row's object lives. */
struct place {
    char *cluster; /* owned; NULL: the host's default one */
    char *ns;      /* owned */
    struct client client;
};
void place_finish(struct place *p);

/* What a pass wants changed. Texts are static or the pass's own. */
struct row_edit {
    enum { KEEP_FINALIZER, ADD_FINALIZER, DROP_FINALIZER } finalizer;
    char *hub;                                         /* owned; NULL: as it is */
    const char *state;                                 /* NULL: as it is */
    const char *condition, *status, *reason, *message; /* condition NULL: none */
    bool ends_restore; /* the condition says that no restore can be under way either */
    bool defaults;     /* what a row has from the beginning */
    bool has_object;   /* the hub has an object of it */
};

struct pass {
    struct service *service;
    const struct resource *resource;
    json_t *object; /* the row's, private form; as it was read */
    struct place place;
    struct row_edit edit;
    struct reconcile_result *result;
};

/* 0, or -1 with *reterr: then the pass comes again after a back-off, its edits are made all the
 * same. */
int reconcile_instance(struct pass *p, struct err *reterr);
int reconcile_snapshot(struct pass *p, struct err *reterr);
/* A row that is being deleted: of either kind. */
int reconcile_deletion(struct pass *p, const struct kind *k, const char *label, struct err *reterr);

/* A row as a private object: new; *ret NULL: there is none. */
int pass_read(struct pass *p, const struct resource *r, const char *id, json_t **ret,
              struct err *reterr);
/* Finds the hub of this id. *ret_found false: it was removed. */
int pass_find_hub(struct pass *p, const char *id, bool *ret_found, struct err *reterr);
/* The hub's object with this label value: new; *ret NULL: there is none. Several are an error:
 * there is no telling which one is meant. */
enum answer pass_find(struct pass *p, const struct kind *k, const char *label, const char *id,
                      json_t **ret, struct err *reterr);
void pass_condition(struct pass *p, const char *type, const char *status, const char *reason,
                    const char *message);
/* Finalizer and hub, the two steps before anything is made. true: the pass is over for now. */
bool pass_add_finalizer(struct pass *p);

/* The spec that the hub's instance should have: new. Restore fields are not in it. */
json_t *instance_spec(const json_t *object);
/* Members of `wanted` that `current` has otherwise, null for those of `names` that it should not
 * have: new; an empty object when nothing differs. */
json_t *spec_patch(const json_t *current, const json_t *wanted, const char *const *names);

#endif
