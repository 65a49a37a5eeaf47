/* The stage of the fulfillment service's tests: the service over a store in memory and a fake host,
 * asked by HTTP as callers do. */
#ifndef VMCONFORM_TESTS_UNIT_COMPONENTS_FULFILLMENT_STAGE_H
#define VMCONFORM_TESTS_UNIT_COMPONENTS_FULFILLMENT_STAGE_H

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/fulfillment-service/object.h"
#include "components/fulfillment-service/reconcile.h"
#include "components/fulfillment-service/service.h"
#include "components/token.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "tests/unit/components/fake_host.h"
#include "tests/unit/suite.h"

#define PUBLIC "/api/fulfillment/v1/"
#define PRIVATE "/api/private/v1/"
#define INSTANCES "compute_instances"
#define SNAPSHOTS "compute_instance_snapshots"

struct front {
    struct fake_host *f;
    struct service *s;
    json_t *body;  /* of the last answer; NULL: no JSON */
    char *text;    /* the same, as it came */
    char *headers; /* "name: value\n"... */
    int code;      /* of the last answer; 0: none */
    int64_t requeue_ns;
};

static inline void front_init(struct front *t, enum version v)
{
    memset(t, 0, sizeof *t);
    t->f = fake_create();
    AUTO(err) struct err e = {0};
    struct store *store = store_sqlite_open(&t->f->host, NULL, &e);
    ck_assert_msg(store != NULL, "%s", e.msg);
    t->s = service_create(&t->f->host, store, v, "key");
    t->s->hubs = json_pack("[{s:s, s:s}]", "id", "hub-1", "namespace", "osac");
    ck_assert_int_eq(service_settle_hubs(t->s, NULL), 0);
    ck_assert_int_eq(
        host_service_open(&t->f->host, "fulfillment-service", gateway_serve, t->s, NULL), 0);
}

static inline void front_forget(struct front *t)
{
    json_decref(t->body);
    free(t->text);
    free(t->headers);
    t->body = NULL;
    t->text = t->headers = NULL;
    t->code = 0;
}

static inline void front_finish(struct front *t)
{
    front_forget(t);
    service_unref(t->s);
    fake_destroy(t->f);
}
#define FRONT(t)                                                                                   \
    struct front t __attribute__((cleanup(front_finish)));                                         \
    front_init(&t, VERSION_NEWEST)

/* "Bearer ..." of a user: "admin" is one, others have the tenant of their name. New. */
static inline char *front_token(const char *user)
{
    AUTO(json)
    json_t *claims = strcmp(user, "admin") == 0
                         ? json_pack("{s:s, s:[s]}", "sub", user, "groups", "admins")
                         : json_pack("{s:s, s:[s]}", "sub", user, "tenants", user);
    AUTO(str) char *token = bearer_sign("key", claims);
    return mem_printf("Bearer %s", token);
}

static inline void front_keep(struct front *t, const struct host_exchange *x)
{
    AUTO(strbuf) struct strbuf headers = {0};
    front_forget(t);
    t->code = x->reply.code;
    t->text = mem_strdup(x->reply.body ? x->reply.body : strbuf_str(&x->streamed));
    t->body = json_read(t->text, strlen(t->text), "answer", NULL);
    for (size_t i = 0; i < x->reply.header_count; i++)
        strbuf_addf(&headers, "%s: %s\n", x->reply.headers[i].name, x->reply.headers[i].value);
    t->headers = strbuf_take(&headers);
}

/* user NULL: no token. extra (may be NULL): one more header, with its value. */
static inline int front_ask_with(struct front *t, const char *user, const char *method,
                                 const char *target, const char *body, const char *extra,
                                 const char *value)
{
    AUTO(str) char *token = user ? front_token(user) : NULL;
    struct http_field headers[2];
    size_t count = 0;
    if (token)
        headers[count++] = (struct http_field){"authorization", token};
    if (extra)
        headers[count++] = (struct http_field){extra, value};
    AUTO(str) char *quoted = body ? mem_strdup(body) : NULL;
    for (char *c = quoted; c && *c; c++)
        if (*c == '\'')
            *c = '"';
    const struct http_request req = {method, target, headers,
                                     count,  quoted, quoted ? strlen(quoted) : 0};
    struct host_exchange x = {0};
    fake_serve(t->f, &req, &x);
    front_keep(t, &x);
    fake_exchange_finish(&x);
    return t->code;
}

/* body has ' where JSON has ". */
static inline int front_ask(struct front *t, const char *user, const char *method,
                            const char *target, const char *body)
{
    return front_ask_with(t, user, method, target, body, NULL, NULL);
}

static inline const char *front_message(const struct front *t)
{
    return json_str_or_empty(t->body, "message");
}

/* The same with a target that ends in an id. */
static inline int front_ask_id(struct front *t, const char *user, const char *method,
                               const char *collection, const char *id, const char *body)
{
    AUTO(str) char *target = mem_printf("%s/%s", collection, id);
    return front_ask(t, user, method, target, body);
}

/* An instance of the user's tenant, provisioned; its id: new. */
static inline char *front_instance(struct front *t, const char *user)
{
    ck_assert_int_eq(front_ask(t, user, "POST", PUBLIC INSTANCES, "{'spec':{'template':'small'}}"),
                     200);
    char *id = mem_strdup(json_str_or_empty(t->body, "id"));
    ck_assert_int_eq(
        front_ask_id(t, "admin", "PATCH", PRIVATE INSTANCES, id,
                     "{'status':{'conditions':[{'type':'COMPUTE_INSTANCE_CONDITION_TYPE_"
                     "PROVISIONED','status':'CONDITION_STATUS_TRUE'}]}}"),
        200);
    return id;
}

/* A snapshot of the instance in this state ("READY"; NULL: as created); its id: new. */
static inline char *front_snapshot(struct front *t, const char *user, const char *instance,
                                   const char *state)
{
    AUTO(str) char *body = mem_printf("{'spec':{'compute_instance':'%s'}}", instance);
    ck_assert_int_eq(front_ask(t, user, "POST", PUBLIC SNAPSHOTS, body), 200);
    char *id = mem_strdup(json_str_or_empty(t->body, "id"));
    AUTO(str)
    char *status = mem_printf("{'status':{'state':'COMPUTE_INSTANCE_SNAPSHOT_STATE_%s'}}",
                              state ? state : "CREATING");
    if (state)
        ck_assert_int_eq(front_ask_id(t, "admin", "PATCH", PRIVATE SNAPSHOTS, id, status), 200);
    return id;
}

/* A restore that the instance's tenant asks for, and gets. */
static inline void front_request(struct front *t, const char *instance, const char *snapshot,
                                 const char *at)
{
    AUTO(str)
    char *body = mem_printf("{'spec':{'restore_from_snapshot':'%s','restore_requested_at':'%s'}}",
                            snapshot, at);
    ck_assert_int_eq(front_ask_id(t, "t1", "PATCH", PUBLIC INSTANCES, instance, body), 200);
}

/* The private object of a row: new; NULL: there is none. */
static inline json_t *front_row(struct front *t, const struct resource *r, const char *id)
{
    struct pass p = {.service = t->s};
    json_t *object = NULL;
    ck_assert_int_eq(pass_read(&p, r, id, &object, NULL), 0);
    return object;
}

static inline int64_t front_last_event(struct front *t)
{
    AUTO(store_txn) struct store_txn *x = NULL;
    int64_t last = 0;
    ck_assert_int_eq(store_begin(t->s->store, &x, NULL), STORE_OK);
    ck_assert_int_eq(store_last_event(x, &last, NULL), STORE_OK);
    return last;
}

/* One pass over a row. */
static inline int front_pass(struct front *t, const char *collection, const char *id)
{
    struct reconcile_result result = {0};
    AUTO(err) struct err e = {0};
    int r = reconcile_row(t->s, collection, id, &result, &e);
    ck_assert((r < 0) == (e.code != ERR_NONE));
    t->requeue_ns = result.requeue_after_ns;
    return r;
}

/* Passes until a row and the hub stay as they are. */
static inline void front_settle(struct front *t, const char *collection, const char *id)
{
    for (int i = 0; i < 20; i++) {
        unsigned version = t->f->version;
        int64_t event = front_last_event(t);
        if (!front_pass(t, collection, id) && t->f->version == version &&
            front_last_event(t) == event)
            return;
    }
    ck_abort_msg("does not settle");
}

#endif
