/* One look at a DataDownload. Each phase does its next step, writes once, and comes back; whatever
 * decides is read from the server, never from a cache, so that a crash between any two writes is
 * just another start (datamover.md section 4).
 *
 *     New -> Accepted (chain and sizes known, claims made) -> Prepared -> InProgress (pod runs,
 * then the volume is given to the target claim) -> Completed; Failed and Canceling -> Canceled. */
#ifndef VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_MOVER_H
#define VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_MOVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "components/component.h"
#include "components/kubevirt-datamover/kinds.h"
#include "components/kubevirt-datamover/sizing.h"
#include "components/runtime/controller.h"
#include "kube/time.h"

extern const struct component kubevirt_datamover_controller_component;

#define MOVER_SHORT_NS (5 * NS_PER_S)
#define MOVER_LONG_NS (30 * NS_PER_S)

struct mover {
    struct host *host;
    struct client client;
    char *cluster, *ns, *image; /* owned; cluster may be NULL */
    enum sizing_mode sizing;
    int64_t percent;     /* negative: the mode's own */
    int64_t retries_max; /* after a full volume */
    int64_t movers_max;  /* DataDownloads at work at a time; 0: any number */
    bool require_backing;
    char *engine; /* of the downloaders (engine.h); "": their own default. Owned */
    struct informer *downloads;
};

struct pass {
    struct mover *m;
    json_t *stored; /* frozen */
    json_t *own;    /* our copy, edited */
    struct reconcile_result *result;
    bool lost; /* somebody else wrote in between: do nothing more, look again */
};

/* How a step of several went. */
enum outcome {
    OUTCOME_OK,
    OUTCOME_WAIT,  /* not yet: a new look is arranged */
    OUTCOME_RETRY, /* *reterr says what did not answer; the back-off decides when */
    OUTCOME_BAD,   /* *reterr says what will not get better by itself */
};
enum outcome outcome_of(enum answer a);

/* download_phase.c */
int mover_reconcile(void *cookie, const char *ns, const char *name, struct reconcile_result *ret,
                    struct err *reterr);

/* pass.c: reading and writing the DataDownload. */
const char *pass_uid(const struct pass *p);
/* Deletes an object of the mover's own namespace: OUTCOME_WAIT until it is gone. */
enum outcome pass_delete(struct pass *p, const struct kind *kind, const json_t *object,
                         struct err *reterr);
const char *pass_phase(const struct pass *p);                       /* "New" when empty */
const char *pass_annotation(const struct pass *p, const char *key); /* "" when absent */
const char *pass_vm(const struct pass *p);
const char *pass_vm_namespace(const struct pass *p);
bool pass_is_block(const struct pass *p);
int64_t pass_retries(const struct pass *p);
int64_t pass_timeout_ns(const struct pass *p);
/* Writes what differs. 0 also when somebody else was faster (lost) or it is gone. */
int pass_save(struct pass *p, struct err *reterr);
/* Changes the phase with its time stamps, without writing. */
void pass_set_phase(struct pass *p, const char *phase, const char *message);
/* Changes the phase, writes, and asks for the next look. */
int pass_go(struct pass *p, const char *phase, struct err *reterr);
int pass_fail(struct pass *p, struct err *reterr, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A step's outcome as that of the whole look: OUTCOME_BAD ends it in Failed, with `text` in front.
 */
int pass_outcome(struct pass *p, enum outcome o, const char *text, struct err *why,
                 struct err *reterr);

/* accept.c: the phases New and Accepted, and what they check. */
struct location {
    char *bucket, *prefix, *provider, *region, *credential,
        *credential_key; /* owned; "" if absent */
};
void location_finish(struct location *l);
static inline void cleanup_location(struct location *l)
{
    location_finish(l);
}
enum outcome location_read(struct pass *p, struct location *ret, struct err *reterr);
int accept_new(struct pass *p, struct err *reterr);
int accept_accepted(struct pass *p, struct err *reterr);

/* staging.c: the claims that a restore works in. */
struct staging_sizes {
    int64_t scratch, work, output;
};
/* Makes what is missing, in the shape of the target claim. Claims that are too small for a retry
 * are removed first. */
enum outcome staging_ensure(struct pass *p, const json_t *target, const struct staging_sizes *sizes,
                            struct err *reterr);
/* The claims of this download. New array. */
enum outcome staging_claims(struct pass *p, json_t **ret, struct err *reterr);
/* role NULL: the single scratch claim. Borrowed from claims; NULL when there is none. */
const json_t *staging_find(const json_t *claims, const char *role);
/* Deletes those of a role (role "": all of them); OUTCOME_WAIT while any is still there. */
enum outcome staging_delete(struct pass *p, const char *role, struct err *reterr);

/* plan.c: what has to be fetched and how much room that takes. */
struct plan {
    char *disk;
    int64_t bytes; /* of the chain's images */
    struct staging_sizes sizes;
};
void plan_finish(struct plan *plan);
static inline void cleanup_plan(struct plan *plan)
{
    plan_finish(plan);
}
/* OUTCOME_BAD texts carry the fragments that people look for. */
enum outcome plan_make(struct pass *p, const struct location *l, const json_t *target,
                       struct plan *ret, struct err *reterr);
enum outcome plan_target(struct pass *p, json_t **ret_target, struct err *reterr);

/* pod.c: the downloader pod. */
enum outcome pod_list(struct pass *p, json_t **ret, struct err *reterr);
enum outcome pod_create(struct pass *p, const struct location *l, struct err *reterr);
/* Deletes all of them; OUTCOME_WAIT while any is still there. */
enum outcome pod_delete_all(struct pass *p, struct err *reterr);
/* Why it failed, as far as anybody told. New. */
char *pod_failure(const json_t *pod);

/* progress.c: the phases Prepared and InProgress. */
int progress_prepared(struct pass *p, struct err *reterr);
int progress_running(struct pass *p, struct err *reterr);

/* rebind.c: gives the volume to the target claim (datamover.md 3.7). */
enum outcome rebind_volume(struct pass *p, struct err *reterr);
enum rebind_state {
    REBIND_NONE,
    REBIND_CLAIMED, /* the volume names the target claim: there is no way back */
    REBIND_BOUND,   /* and the claim is bound to it */
};
enum outcome rebind_state(struct pass *p, enum rebind_state *ret, struct err *reterr);
/* Undoes what a rebind that did not happen has done to the volume. */
enum outcome rebind_forget(struct pass *p, struct err *reterr);

/* finish.c: Completed, Canceling, and the VM's run state. */
int finish_complete(struct pass *p, struct err *reterr);
int finish_cancel(struct pass *p, struct err *reterr);
int finish_resume_vm(struct pass *p, struct err *reterr);

#endif
