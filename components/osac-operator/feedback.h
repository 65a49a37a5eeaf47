/* The feedback controllers (compute-instance-snapshots.md 3.3): what the hub's objects say of
 * themselves, told to the service's records of them. */
#ifndef VMCONFORM_COMPONENTS_OSAC_OPERATOR_FEEDBACK_H
#define VMCONFORM_COMPONENTS_OSAC_OPERATOR_FEEDBACK_H

#include <jansson.h>
#include <stdbool.h>

#include "components/osac-operator/operator.h"

/* What differs between the kinds. */
struct feedback_kind {
    const struct kind *kind;
    const char *label;     /* of the object: the record's id */
    const char *finalizer; /* ours */
    const char *service;   /* "ComputeInstanceSnapshots" */
    /* Writes the object's status over the record; now_ns is when a condition changes. */
    void (*copy)(struct host *h, const json_t *object, json_t *record);
};
/* osac_feedback_instance_old: of a release that knows no restores. */
extern const struct feedback_kind osac_feedback_instance, osac_feedback_instance_old,
    osac_feedback_snapshot;

/* A reconciler's cookie. */
struct feedback {
    struct osac_operator *op;
    const struct feedback_kind *kind;
};

/* ---- feedback.c ---- */
int osac_feedback_reconcile(void *cookie, const char *ns, const char *name,
                            struct reconcile_result *ret, struct err *reterr);

/* ---- feedback_remote.c: the private API, as this operator's service account ---- */
enum remote {
    REMOTE_OK,
    REMOTE_NOT_FOUND, /* the service knows the method, and says that there is no such record */
    REMOTE_FAILED     /* anything else, with *reterr set: ask again later */
};
/* "Bearer TOKEN", new. */
char *osac_remote_credentials(const char *key);
enum remote osac_remote_get(const struct feedback *f, const char *id, json_t **ret,
                            struct err *reterr);
/* Writes what of the status differs, and nothing else; nothing when nothing does. It fails when
 * somebody wrote the record since `was` was read. */
enum remote osac_remote_save(const struct feedback *f, const json_t *was, const json_t *is,
                             struct err *reterr);
enum remote osac_remote_signal(const struct feedback *f, const char *id, struct err *reterr);

#endif
