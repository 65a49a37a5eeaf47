/* The fulfillment service as one process: its settings, its store, who waits for what happens. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_SERVICE_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_SERVICE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "components/component.h"
#include "components/fulfillment-service/ids.h"
#include "components/fulfillment-service/message.h"
#include "components/fulfillment-service/store.h"
#include "components/host.h"
#include "components/runtime/controller.h"

#define WATCHERS_MAX 256

/* Somebody who waits for the next commit; owned by the task that waits. */
struct watcher {
    struct host_event *cell;
    bool used;
};

struct service {
    struct host *host;
    unsigned refs;
    struct store *store;
    enum version version;
    char *token_key;
    json_t *admin_groups; /* list of texts */
    json_t *hubs;         /* the setting: list of {id, cluster, namespace} */
    int64_t resync_ns;
    int64_t requeue_ns; /* looks again for what a row waits for */
    struct ids ids;
    struct prng choice; /* of hubs */
    struct filter_fields filters[STORE_TABLE_COUNT];
    struct watcher watchers[WATCHERS_MAX];
    struct controller *controller; /* the reconciler; NULL: none (tests of the front) */
};

/* An open store is taken over. */
struct service *service_create(struct host *h, struct store *store, enum version v,
                               const char *token_key);
/* A task that answers a request may outlive the component's main task by its unwinding. */
struct service *service_ref(struct service *s);
void service_unref(struct service *s);
DEFINE_CLEANUP(struct service, service, service_unref);

/* NULL: too many wait already. */
struct watcher *service_watch(struct service *s);
void service_unwatch(struct service *s, struct watcher *w);

/* hubs.c: the hubs of the settings, as rows. */
int service_settle_hubs(struct service *s, struct err *reterr);
/* gateway.c: a host_service_fn; cookie is the service. */
void gateway_serve(void *cookie, struct host *h, struct host_exchange *x,
                   const struct http_request *req);
/* reconcile.c: the controller, and the task that feeds it. */
void reconcile_install(struct service *s, struct runtime *rt);

extern const struct component fulfillment_service_component;

#endif
