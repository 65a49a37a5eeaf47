/* Hubs: the clusters that objects are handed to. The settings name those there are at the start;
 * what administrators change afterwards stays. */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "components/fulfillment-service/handlers.h"
#include "kube/names.h"

static int check(struct call *c, const json_t *object)
{
    const char *ns = json_str_or_empty(object, "namespace");
    if (name_check_dns1123_label(ns))
        return call_fail(c, RPC_INVALID_ARGUMENT, "field 'namespace' is no name of a namespace");
    return 0;
}

static int prepare(struct call *c, json_t *object)
{
    if (check_metadata(c, object) < 0)
        return -1;
    json_put_str(object, "metadata.tenant", TENANT_SYSTEM);
    return check(c, object);
}

static int change(struct call *c, const json_t *old, json_t *object)
{
    (void)old;
    return check(c, object);
}

/* A hub that was there before keeps what was made of it; one that was removed stays away. */
static enum store_result settle(struct store_txn *t, const json_t *hub, struct err *reterr)
{
    AUTO(row)
    struct row row = {.id = mem_strdup(json_str_or_empty(hub, "id")),
                      .tenant = mem_strdup(TENANT_SYSTEM),
                      .creator = mem_strdup(TENANT_SYSTEM),
                      .data = json_object()};
    json_put_str(row.data, "namespace", json_str_or_empty(hub, "namespace"));
    if (json_str(hub, "cluster"))
        json_put_str(row.data, "cluster", json_str(hub, "cluster"));
    AUTO(err) struct err e = {0};
    enum store_result r = store_add(t, STORE_HUBS, &row, &e);
    if (r == STORE_OK || r == STORE_EXISTS)
        return STORE_OK;
    err_move(reterr, &e);
    return r;
}

int service_settle_hubs(struct service *s, struct err *reterr)
{
    AUTO(store_txn) struct store_txn *t = NULL;
    if (store_begin(s->store, &t, reterr) != STORE_OK)
        return -1;
    for (size_t i = 0; i < json_array_size(s->hubs); i++)
        if (settle(t, json_array_get(s->hubs, i), reterr) != STORE_OK)
            return -1;
    return store_commit(TAKE(t), reterr) == STORE_OK ? 0 : -1;
}

const struct resource resource_hubs = {
    .collection = "hubs",
    .service = "Hubs",
    .event_member = "hub",
    .missing = "object with identifier '",
    .missing_end = "' not found",
    .table = STORE_HUBS,
    .private_message = &message_hub,
    .private_verbs = VERBS_CRUD,
    .since = VERSION_1_0,
    .prepare = prepare,
    .change = change,
};
