/* One cluster's admission: the policies that are active, and those on their way. */
#ifndef VMCONFORM_SIM_ADMISSION_ADMISSION_PRIV_H
#define VMCONFORM_SIM_ADMISSION_ADMISSION_PRIV_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/prng.h"
#include "base/strmap.h"
#include "sim/admission/admission.h"

struct cel_context;
struct policy;
struct binding;

#define POLICIES "validatingadmissionpolicies"
#define BINDINGS "validatingadmissionpolicybindings"

/* A committed change that is not active yet. */
struct arrival {
    int64_t at_ns;
    bool is_policy;
    char *name;
    json_t *object; /* NULL: it is gone */
};

struct admission {
    struct cluster *cluster;
    struct apiserver *server;
    struct strmap *policies, *bindings; /* by name: those that are active */
    struct arrival *arrivals;           /* in order of commit */
    size_t arrival_count, arrival_cap;
    struct policy **order_of_policies; /* active ones, in an order of chance; borrowed */
    size_t policy_count;
    struct prng order;
    struct cel_context *cel;
    json_t *audited;
};

/* ---- audit.c ---- */

struct review;

/* What policies say of one request for its audit event. Zero-initialise. */
struct audit_notes {
    json_t *annotations; /* key to text, or NULL */
    json_t *failures;    /* array, or NULL */
};
/* A failed validation under a binding that audits; at most AUDIT_FAILURES_MAX are kept. */
#define AUDIT_FAILURES_MAX 50u
void audit_failure(struct audit_notes *n, const char *message, const char *policy,
                   const char *binding, size_t index, const json_t *actions);
/* An auditAnnotation's value: distinct ones of one key are joined. */
void audit_annotate(struct audit_notes *n, const char *policy, const char *key, const char *value);
/* Writes them to the log, if there are any, and empties n. */
void audit_publish(struct admission *a, const struct review *r, struct audit_notes *n);

#endif
