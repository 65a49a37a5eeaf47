/* Instance types and preferences (delete-protection.md section 4): what their files share.
 *
 *   instancetype.c            the two matchers of a machine, and the types that they name
 *   instancetype_apply.c      what an instance type or a preference puts into a template
 *   preference.c              what a preference requires
 *   revision.c                the ControllerRevision that keeps a type as a machine saw it
 *   revision_lookup.c         where a machine's reference to it stands, by version
 *   revision_store.c          the reference is made and followed: part of the machine's pass
 *   revision_upgrade.c        revisions of an older API version
 *   revision_snapshot.c       copies for snapshots, and back
 *   instancetype_expand.c     the policies that write types into the machine's template
 *   instancetype_admission.c  what virt-api refuses
 */
#ifndef VMCONFORM_SIM_KUBEVIRT_INSTANCETYPE_PRIV_H
#define VMCONFORM_SIM_KUBEVIRT_INSTANCETYPE_PRIV_H

#include "sim/kubevirt/kv_priv.h"

#define INSTANCETYPE_GROUP "instancetype.kubevirt.io"
#define INSTANCETYPE_VERSION "v1beta1"
#define REVISION_LABEL(WHAT) INSTANCETYPE_GROUP "/object-" WHAT
#define GATE_OBJECT_GRAPH "ObjectGraph"

/* Versions that differ, as kv_since() takes them. */
enum {
    KV_1_3 = 10300,   /* the first that is simulated */
    KV_1_4 = 10400,   /* policies other than "reference" */
    KV_1_5 = 10500,   /* the reference stands in the status */
    KV_1_5_2 = 10502, /* a reference to another type's revision is passed over */
    KV_1_6 = 10600,   /* what cannot be found is no reason to refuse a write; objectgraph */
    KV_1_8 = 10800,   /* backups */
    KV_1_9 = 10900,   /* and their later dialect */
};
/* Whether the simulated KubeVirt is of that version or later (config.c). */
bool kv_since(const struct kv *kv, unsigned version);
/* "reference", "expand" or "expandAll" (config.c). */
const char *kv_reference_policy(const struct kv *kv);

/* ---- matchers (instancetype.c) ---- */

enum matcher { MATCH_INSTANCETYPE, MATCH_PREFERENCE, MATCHER_COUNT };
struct matcher_words {
    const char *word;        /* the key in the spec: "instancetype" */
    const char *ref;         /* that in the status: "instancetypeRef" */
    const char *title;       /* in texts: "Instancetype" */
    const char *annotation;  /* of an instance; the cluster's: with "cluster-" before */
    const char *singular;    /* what virt-api writes as the kind where none is given */
    struct kind own, shared; /* those of a namespace, and of the cluster */
};
extern const struct matcher_words kv_matchers[MATCHER_COUNT];

/* spec.instancetype or spec.preference; NULL when there is none. Borrowed. */
const json_t *kv_matcher(const json_t *vm, enum matcher m);
bool kv_has_matchers(const json_t *vm);
/* The kind that a matcher means, whichever way it is written; NULL: none. */
const struct kind *kv_matcher_kind(enum matcher m, const char *kind);
/* The type by its name: 0, or -404 with the server's words. New. */
int kv_type_get(const struct kv *kv, const json_t *vm, enum matcher m, json_t **ret,
                struct err *reterr);

/* ---- what a type does (instancetype_apply.c, preference.c) ---- */

/* Where a template already says what the instance type says: "path, path" below `at`, new; NULL
 * without a conflict. */
char *kv_type_conflicts(const json_t *spec, const json_t *template_spec, const char *at);
/* Where a preference wants a guest's processors: with TOPOLOGY_SPREAD, `ratio` to one across these
 * ("SocketsCores", ...). Both are always set. */
enum kv_topology {
    TOPOLOGY_SOCKETS,
    TOPOLOGY_CORES,
    TOPOLOGY_THREADS,
    TOPOLOGY_SPREAD,
    TOPOLOGY_ANY
};
enum kv_topology kv_preference_topology(const json_t *preference, uint32_t *ret_ratio,
                                        const char **ret_across);
/* Edits the caller's copy of a template's spec. Either type may be NULL. */
void kv_type_apply(const json_t *instancetype, const json_t *preference, json_t *template_spec);
/* What is missing for the preference's requirements, with the field at fault: new, NULL when they
 * are met. The instance type's amounts count; without one (NULL) the template's do. */
char *kv_preference_unmet(const json_t *instancetype, const json_t *preference,
                          const json_t *template_spec, const char **ret_field);

/* ---- revisions (revision.c, revision_lookup.c) ---- */

char *kv_type_revision_name(const char *vm, const json_t *type);
/* A revision of the type for the machine. New. */
json_t *kv_type_revision(const json_t *vm, const json_t *type);
/* Creates it, or takes an equal one of its name as it is. 0 or a failure of ctl.h. */
int kv_type_revision_ensure(struct kv *kv, const json_t *revision, struct err *reterr);
/* The spec of the type that it keeps; NULL when it keeps none. Borrowed. */
const json_t *kv_type_revision_spec(const json_t *revision);
bool kv_type_revision_equal(const json_t *a, const json_t *b);
/* A bare copy for another owner, whose name stands in the place of `from`. New. */
json_t *kv_type_revision_copy(const json_t *revision, const char *from, const json_t *owner,
                              const char *name);

/* The revision's name in the spec, "" when there is none; and in the status. Borrowed. */
const char *kv_revision_in_spec(const json_t *vm, enum matcher m);
const char *kv_revision_in_status(const json_t *vm, enum matcher m);
/* The name by which the version's own controller remembers it. Borrowed. */
const char *kv_revision_recorded(const struct kv *kv, const json_t *vm, enum matcher m);
/* The spec of the type that counts for the machine: of its revision, or of the type itself. 0 with
 * NULL when the machine has no such matcher; -404 when it is not there. New. */
int kv_type_find(const struct kv *kv, const json_t *vm, enum matcher m, json_t **ret_spec,
                 struct err *reterr);

/* ---- in a machine's pass ---- */

/* What a failed pass shows in the condition Failure. */
struct kv_failure {
    const char *reason; /* NULL: as usual */
};
/* Before anything else of a machine that stays: 0, or a failure of ctl.h. */
int kv_instancetype_sync(struct kv *kv, const json_t *vm, struct kv_failure *ret,
                         struct err *reterr);
/* Its parts: references made and followed; older revisions replaced. */
int kv_revision_store(struct kv *kv, const json_t *vm, struct err *reterr);
int kv_revision_upgrade(struct kv *kv, const json_t *vm, struct err *reterr);
/* The policies "expand" and "expandAll". */
int kv_instancetype_expand_policy(struct kv *kv, const json_t *vm, bool all, struct err *reterr);
/* The machine without matchers, its template filled in: 0 and a copy, or a failure. */
int kv_instancetype_expand(const struct kv *kv, const json_t *vm, json_t **ret, struct err *reterr);
/* The template's spec as an instance has it, with the types that count: 0 and a copy, or a failure
 * of kv_type_find(). */
int kv_vm_template(const struct kv *kv, const json_t *vm, json_t **ret, struct err *reterr);
/* Says in the instance which types it is of. */
void kv_instancetype_annotate(const json_t *vm, json_t *vmi);
/* The spec as a start keeps it: the revisions of the status stand in it. New. */
json_t *kv_vm_spec_to_keep(const struct kv *kv, const json_t *vm);

/* ---- snapshots and restores (revision_snapshot.c) ---- */

/* Copies the revisions that the spec (the caller's own) names for the snapshot, and names those. */
int kv_revision_capture(struct kv *kv, const json_t *snapshot, json_t *spec, struct err *reterr);
/* The way back, before the machine gets the spec; vm NULL: there is none yet. */
int kv_revision_restore(struct kv *kv, const json_t *restore, const json_t *content,
                        const json_t *vm, json_t *spec, struct err *reterr);
/* And after it: they are the machine's. *ret_changed: a write was made. */
int kv_revision_claim(struct kv *kv, const json_t *vm, bool *ret_changed, struct err *reterr);

/* ---- virt-api (instancetype_admission.c) ---- */

/* The mutating webhook: edits the machine under review. -1: refused. */
int kv_instancetype_default(const struct admission_review *r, struct api_response *ret);
/* The validating one. */
int kv_instancetype_admit(const struct kv *kv, const struct admission_review *r,
                          struct api_response *ret);

#endif
