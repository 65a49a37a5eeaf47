/* One call of a method, from a request whose form is known to an answer or a failure.
 *
 * The order is part of the contract, since it decides which of several mistakes is told:
 * validation, transaction, authentication, authorization, handler, commit. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_CALL_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_CALL_H

#include <jansson.h>
#include <stdbool.h>

#include "components/fulfillment-service/auth.h"
#include "components/fulfillment-service/method.h"
#include "components/fulfillment-service/rpc.h"
#include "components/fulfillment-service/service.h"

struct call {
    struct service *service;
    const struct resource *resource; /* NULL: events */
    enum verb verb;
    bool is_private;
    bool dry_run;              /* of a Create: nothing stays */
    const char *authorization; /* the header; NULL: none */
    json_t *request;           /* object form: {id, object, update_mask, lock, ...}; owned */

    struct subject who;
    struct scope scope;
    struct store_txn *txn;

    json_t *response; /* answer form; owned */
    enum rpc_code code;
    char *message;
    bool crashed;     /* no answer at all */
    uint64_t queries; /* of the store that it took */
};
void call_finish(struct call *c);
static inline void cleanup_call(struct call *c)
{
    call_finish(c);
}

/* Runs it to the end: code tells how it ended. */
void call_run(struct call *c);
/* The first half alone: up to authorization, with the transaction open. -1: failed. */
int call_begin(struct call *c);

/* -1, with code and message set. */
int call_fail(struct call *c, enum rpc_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for what the store says; id is of the row asked for. */
int call_fail_store(struct call *c, enum store_result r, const char *id, struct err *e);
/* "not found", as the resource words it: the same for absent and foreign rows. */
int call_fail_missing(struct call *c, const struct resource *r, const char *id);

/* The message of the caller's side. */
const struct message *call_message(const struct call *c);
/* A private object as the caller may see it: new. */
json_t *call_view(const struct call *c, const json_t *object);

#endif
