#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "components/fulfillment-service/handlers.h"
#include "components/fulfillment-service/object.h"
#include "kube/time.h"

#define ROWS_MAX 10000

json_t *call_read(struct call *c, const struct resource *r, const char *id)
{
    AUTO(row) struct row row = {0};
    AUTO(err) struct err e = {0};
    enum store_result result = store_get(c->txn, &c->scope, r->table, id, &row, &e);
    if (result == STORE_NOT_FOUND) {
        call_fail_missing(c, r, id);
        return NULL;
    }
    if (result != STORE_OK) {
        call_fail_store(c, result, id, &e);
        return NULL;
    }
    return object_of_row(r->private_message, c->service->version, &row);
}

int handle_get(struct call *c)
{
    const char *id = json_str_or_empty(c->request, "id");
    if (!*id)
        return call_fail(c, RPC_INVALID_ARGUMENT, "identifier is mandatory");
    AUTO(json) json_t *object = call_read(c, c->resource, id);
    if (!object)
        return -1;
    c->response = json_object();
    json_put_take(c->response, "object", call_view(c, object));
    return 0;
}

static int compile_query(struct call *c, struct store_query *q, struct filter **filter,
                         struct order **order)
{
    AUTO(err) struct err e = {0};
    const struct filter_fields *fields = &c->service->filters[c->resource->table];
    const char *text = json_str_or_empty(c->request, "filter");
    if (filter_compile(text, strlen(text), fields, host_now(c->service->host), filter, &e) < 0)
        return call_fail(c, RPC_INVALID_ARGUMENT, "invalid filter: %s", e.msg);
    text = json_str_or_empty(c->request, "order");
    if (order_compile(text, strlen(text), fields, order, &e) < 0)
        return call_fail(c, RPC_INVALID_ARGUMENT, "invalid order: %s", e.msg);
    q->filter = *filter;
    q->order = *order;
    q->offset = json_int(c->request, "offset", 0);
    q->limit = json_int(c->request, "limit", 0);
    return 0;
}

int handle_list(struct call *c)
{
    AUTO(filter) struct filter *filter = NULL;
    AUTO(order) struct order *order = NULL;
    AUTO(row_list) struct row_list list = {0};
    AUTO(err) struct err e = {0};
    struct store_query q = {0};
    if (compile_query(c, &q, &filter, &order) < 0)
        return -1;
    enum store_result r = store_list(c->txn, &c->scope, c->resource->table, &q, &list, &e);
    if (r != STORE_OK)
        return call_fail_store(c, r, "", &e);
    c->response = json_object();
    if (list.count)
        json_put_take(c->response, "size", json_integer((json_int_t)list.count));
    if (list.total)
        json_put_take(c->response, "total", json_integer(list.total));
    for (size_t i = 0; i < list.count; i++) {
        AUTO(json)
        json_t *object =
            object_of_row(c->resource->private_message, c->service->version, &list.rows[i]);
        if (i == 0)
            json_put_take(c->response, "items", json_array());
        json_array_append_new(json_object_get(c->response, "items"), call_view(c, object));
    }
    return 0;
}

/* ---- rows ---- */

struct inventory {
    struct call *call;
    enum store_table table;
    json_t *items;
};

static void put_time(json_t *item, const char *name, int64_t ns)
{
    char text[TIME_TEXT];
    time_format_nano(ns, text);
    json_put_str(item, name, text);
}

static enum store_result add_row(const struct row *r, void *cookie, struct err *reterr)
{
    struct inventory *v = cookie;
    const struct resource *of = resource_of(v->table);
    const char *parent = json_str(r->data, "spec.compute_instance");
    const char *hub = json_str(r->data, "status.hub");
    if (json_array_size(v->items) >= ROWS_MAX) {
        err_set(reterr, ERR_LIMIT, NO_POS, "more than %d rows: ask the database", ROWS_MAX);
        return STORE_INVALID;
    }
    json_t *item = json_pack("{s:s, s:b, s:s, s:s, s:s, s:O}", "table", store_table_name(v->table),
                             "served", of->since <= v->call->service->version, "id", r->id, "name",
                             r->name, "tenant", r->tenant, "finalizers", r->finalizers);
    if (parent && store_parent_of(v->table) != STORE_TABLE_COUNT)
        json_put_str(item, "parent", parent);
    if (hub)
        json_put_str(item, "hub", hub);
    if (r->deletion_ns)
        put_time(item, "deletion_timestamp", r->deletion_ns);
    json_array_append_new(v->items, item);
    return STORE_OK;
}

int handle_rows(struct call *c)
{
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *items = json_array();
    for (int t = 0; t < STORE_TABLE_COUNT; t++) {
        struct inventory v = {c, (enum store_table)t, items};
        enum store_result r = store_each(c->txn, v.table, NULL, add_row, &v, &e);
        if (r != STORE_OK)
            return call_fail_store(c, r, "", &e);
    }
    c->response = json_object();
    json_object_set(c->response, "items", items);
    return 0;
}
