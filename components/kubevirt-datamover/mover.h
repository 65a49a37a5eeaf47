/* One look at a DataDownload or a DataUpload. Each phase does its next step, writes once, and comes
 * back; whatever decides is read from the server, never from a cache, so that a crash between any
 * two writes is just another start (datamover.md sections 3 and 4).
 *
 *     New -> Accepted (downloads: chain and sizes known, claims made; uploads: KubeVirt has backed
 * the machine up) -> Prepared -> InProgress (pod runs; then a download's volume is given to the
 * target claim, an upload's goes) -> Completed; Failed and Canceling -> Canceled. */
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

struct mover;
struct pass;
struct mover_phase {
    const char *name;
    int (*step)(struct pass *p, struct err *reterr);
    bool timed;    /* the time limit counts */
    bool terminal; /* cancelling comes too late */
};

struct rebind_place;
enum rebind_state {
    REBIND_NONE,
    REBIND_CLAIMED, /* the volume names the target claim: there is no way back */
    REBIND_BOUND,   /* and the claim is bound to it */
};

/* How a step of several went. */
enum outcome {
    OUTCOME_OK,
    OUTCOME_WAIT,  /* not yet: a new look is arranged */
    OUTCOME_RETRY, /* *reterr says what did not answer; the back-off decides when */
    OUTCOME_BAD,   /* *reterr says what will not get better by itself */
};
enum outcome outcome_of(enum answer a);

/* What the two kinds differ in. */
struct mover_work {
    const struct kind *kind;
    const char *uid_label; /* on all that is made for one */
    const char *succeeded; /* annotation: "true" once its pod has done its work */
    bool success_ends_timer;
    const struct mover_phase *phases; /* ends with a NULL name */
    /* Whether spec.cancel counts now. */
    bool (*may_cancel)(const struct pass *p);
    /* How far the volume is on its way to the target claim. */
    enum outcome (*state)(struct pass *p, enum rebind_state *ret, struct err *reterr);
    /* Prepared: all that comes before the pod, and the pod. */
    enum outcome (*start)(struct pass *p, struct err *reterr);
    /* Before it fails by its time limit. */
    enum outcome (*let_go)(struct pass *p, struct err *reterr);
    /* The volume to be rebound: whose it is now (NULL: gone already), and whose it shall be. */
    enum outcome (*source)(struct pass *p, json_t **ret, struct err *reterr);
    void (*place)(const struct pass *p, struct rebind_place *ret);
};
extern const struct mover_work mover_downloads, mover_uploads; /* works.c */

/* A controller's cookie. */
struct mover_desk {
    struct mover *m;
    const struct mover_work *work;
};

struct mover {
    struct host *host;
    struct client client;
    char *cluster, *ns, *image; /* owned; cluster may be NULL */
    enum sizing_mode sizing;
    int64_t percent;        /* negative: the mode's own */
    int64_t retries_max;    /* after a full volume */
    int64_t movers_max;     /* of each kind at work at a time; 0: any number */
    int64_t increments_max; /* between two full backups; 0: any number */
    int64_t stale_ns;       /* older uploads do not block others of their VM; 0: they always do */
    bool require_backing;
    bool as_code; /* where design and existing code differ, as the code */
    char *engine; /* of the downloaders (engine.h); "": their own default. Owned */
    struct informer *downloads;
    struct mover_desk download_desk, upload_desk;
};

struct pass {
    struct mover *m;
    const struct mover_work *work;
    json_t *stored; /* frozen */
    json_t *own;    /* our copy, edited */
    struct reconcile_result *result;
    bool lost; /* somebody else wrote in between: do nothing more, look again */
};

/* phase.c */
int mover_reconcile(void *cookie, const char *ns, const char *name, struct reconcile_result *ret,
                    struct err *reterr);

/* pass.c: reading and writing the DataDownload. */
const char *pass_uid(const struct pass *p);
/* Whether the pod's work is done, whatever has become of the pod. */
bool pass_succeeded(const struct pass *p);
/* Deletes an object: OUTCOME_WAIT until it is gone. */
enum outcome pass_delete(struct pass *p, const struct kind *kind, const json_t *object,
                         struct err *reterr);
/* What carries our uid. New array. ns NULL: everywhere, or not in a namespace. */
enum outcome pass_list(struct pass *p, const struct kind *kind, const char *ns, json_t **ret,
                       struct err *reterr);
/* Deletes all of that: OUTCOME_WAIT, with a look arranged, while any is still there. */
enum outcome pass_delete_all(struct pass *p, const struct kind *kind, const char *ns,
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
        *credential_key;                     /* owned; "" if absent */
    char *customer_secret, *customer_member; /* of an SSE-C key; owned, NULL: none */
};
void location_finish(struct location *l);
static inline void cleanup_location(struct location *l)
{
    location_finish(l);
}
enum outcome location_read(struct pass *p, struct location *ret, struct err *reterr);
/* customer_key.c: whether the location's SSE-C key is one, and where it is. */
enum outcome customer_key_check(struct pass *p, const json_t *bsl, struct location *l,
                                struct err *reterr);
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

/* pod.c: what the pods of both kinds have in common (datamover.md 5.1). */
enum outcome pod_list(struct pass *p, json_t **ret, struct err *reterr);
/* Deletes all of them; OUTCOME_WAIT while any is still there. */
enum outcome pod_delete_all(struct pass *p, struct err *reterr);
/* Why it failed, as far as anybody told. New. */
char *pod_failure(const json_t *pod);
/* KUBEVIRT_DM_NAME, unless the value is "". */
void pod_add_env(json_t *env, const char *name, const char *value);
/* A pod that runs /manager VERB, with the location's settings and credentials. New. */
json_t *pod_new(struct pass *p, const struct location *l, const char *prefix, const char *verb,
                json_t *env_take);
void pod_mount(json_t *pod, const char *volume, const char *claim, const char *path,
               bool read_only);
/* pod_download.c */
enum outcome pod_create(struct pass *p, const struct location *l, struct err *reterr);

/* progress.c: the phases Prepared and InProgress. */
int progress_prepared(struct pass *p, struct err *reterr);
int progress_running(struct pass *p, struct err *reterr);
enum outcome progress_start_download(struct pass *p, struct err *reterr);
/* Of two objects of a kind, whether a comes first. */
bool progress_outranks(const json_t *a, const json_t *b);
bool progress_is_active(const json_t *object);

/* rebind.c: gives the volume to the target claim (datamover.md 3.7). */
struct rebind_place {
    const char *source_ns, *source_prefix; /* claims that the volume may be taken from */
    const char *ns;                        /* the target's */
    char *claim;                           /* owned */
    bool makes_target;
};
enum outcome rebind_volume(struct pass *p, struct err *reterr);
enum outcome rebind_state(struct pass *p, enum rebind_state *ret, struct err *reterr);
/* Undoes what a rebind that did not happen has done to the volume. */
enum outcome rebind_forget(struct pass *p, struct err *reterr);

enum outcome rebind_source_download(struct pass *p, json_t **ret, struct err *reterr);
void rebind_place_download(const struct pass *p, struct rebind_place *ret);

/* upload_accept.c, upload_tracker.c, upload_backup.c, upload_size.c: an upload's phases New and
 * Accepted. */
int upload_new(struct pass *p, struct err *reterr);
int upload_accepted(struct pass *p, struct err *reterr);
/* What the next backup is going to be. */
struct upload_choice {
    char *tracker, *parent; /* owned; parent NULL: full */
    bool force_full;
    bool asked;   /* somebody wants a full one: nothing else was looked at */
    bool unknown; /* the store did not tell */
};
void upload_choice_finish(struct upload_choice *c);
static inline void cleanup_upload_choice(struct upload_choice *c)
{
    upload_choice_finish(c);
}
enum outcome upload_choose(struct pass *p, const struct location *l, const json_t *vm,
                           struct upload_choice *ret, struct err *reterr);
/* The request of the claim that KubeVirt writes to. New text. */
enum outcome upload_size(struct pass *p, const json_t *vm, char **ret, struct err *reterr);
/* The claim of a volume; NULL: it has none. Borrowed. */
const char *upload_claim_of(const json_t *volume);
enum backup_state {
    BACKUP_STATE_RUNS,
    BACKUP_STATE_DONE,
    BACKUP_STATE_FAILED,
    BACKUP_STATE_WAITS, /* for something; without its tracker for ever */
};
/* *ret_why (borrowed from vmb) is the cause of a failure. */
enum backup_state upload_backup_state(const struct pass *p, const json_t *vmb,
                                      const char **ret_why);
enum outcome upload_backup(struct pass *p, json_t **ret, struct err *reterr);
enum outcome upload_backup_create(struct pass *p, const json_t *claim, bool force_full,
                                  struct err *reterr);

/* upload_progress.c, upload_finish.c */
bool upload_may_cancel(const struct pass *p);
enum outcome upload_start(struct pass *p, struct err *reterr);
int upload_running(struct pass *p, struct err *reterr);
int upload_cancel(struct pass *p, struct err *reterr);
enum outcome upload_let_go(struct pass *p, struct err *reterr);
/* Removes all that was made but the tracker; OUTCOME_WAIT until it is gone. */
enum outcome upload_clean(struct pass *p, struct err *reterr);
enum outcome upload_claims(struct pass *p, json_t **ret, struct err *reterr);
enum outcome upload_source(struct pass *p, json_t **ret, struct err *reterr);
void upload_place(const struct pass *p, struct rebind_place *ret);

/* finish.c: Completed, Canceling, and the VM's run state. */
int finish_complete(struct pass *p, struct err *reterr);
int finish_cancel(struct pass *p, struct err *reterr);
int finish_resume_vm(struct pass *p, struct err *reterr);

#endif
