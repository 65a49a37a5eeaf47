/* Who calls, what they may call, and which tenants' rows they see. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_AUTH_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_AUTH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "components/fulfillment-service/store.h"

/* Everybody sees its rows. */
#define TENANT_SHARED "shared"
/* Nobody but administrators sees its rows. */
#define TENANT_SYSTEM "system"
#define SUBJECT_TENANTS_MAX 64

/* The service accounts that are administrators, whatever their groups. */
#define ACCOUNT_ADMIN "service-account-osac-admin"
#define ACCOUNT_CONTROLLER "service-account-osac-controller"

struct subject {
    json_t *claims;   /* owned; the texts below are its */
    const char *name; /* the user */
    bool admin;
    const char *tenants[SUBJECT_TENANTS_MAX + 1]; /* the token's, then "shared" */
    size_t count;                                 /* of the token's alone */
};
void subject_finish(struct subject *s);

/* Reads "Bearer TOKEN". header NULL: there was none. groups: names of groups of administrators. -1:
 * nobody we know. */
int subject_authenticate(struct subject *s, const char *header, const char *key,
                         const json_t *groups, int64_t now_s, struct err *reterr);
/* Borrows s. */
struct scope subject_scope(const struct subject *s);
bool subject_sees(const struct subject *s, const char *tenant);
/* May a row be made of that tenant? */
bool subject_may_assign(const struct subject *s, const char *tenant);

#endif
