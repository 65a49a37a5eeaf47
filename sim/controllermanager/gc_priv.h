/* The collector's graph and its queue; visible to the gc_*.c files only. */
#ifndef VMCONFORM_SIM_CONTROLLERMANAGER_GC_PRIV_H
#define VMCONFORM_SIM_CONTROLLERMANAGER_GC_PRIV_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strmap.h"
#include "sched/sched.h"
#include "sim/apiserver/apiserver.h"
#include "sim/controllermanager/due_priv.h"
#include "sim/controllermanager/kcm_priv.h"

/* Where an object is said to be. Strings owned. ns is "" for cluster-scoped ones. */
struct gc_place {
    char *api_version, *kind, *ns, *name;
};

struct gc_node {
    char *uid;
    struct gc_place place;
    bool is_virtual; /* only heard of through a reference: not seen yet */
    bool deleting, deleting_dependents;
    json_t *owners; /* ownerReferences as last seen, or NULL */
    struct gc_node **dependents;
    size_t dependent_count, dependent_cap;
};

enum gc_work { GC_DELETE, GC_ORPHAN };

struct gc_item {
    struct due due; /* waits: it was refused, only a change in the cluster can help */
    char *key;      /* work and uid */
    char *uid;
    enum gc_work work;
    unsigned attempts;
};

struct gc {
    const struct kcm *kcm;
    struct cluster *cluster;
    struct sched *sched;
    struct waitcell *cell;
    struct strmap *nodes;  /* by uid */
    struct strmap *absent; /* coordinates that were looked up and are not there */
    struct strmap *told;   /* pairs an event was written for */
    struct strmap *items;  /* by key: everything queued */
    bool any_blocked;
    struct unseen *unseen; /* changes that were committed and not told yet, in that order */
    size_t unseen_count, unseen_cap;
};

/* ---- gc_graph.c ---- */

void gc_place_copy(struct gc_place *to, const struct gc_place *from);
void gc_place_finish(struct gc_place *p);
/* Where the reference of an object in namespace ns points to; cluster-scoped kinds have no
 * namespace. Strings new. */
void gc_place_of_ref(const struct gc *g, const json_t *ref, const char *ns, struct gc_place *ret);

struct gc_node *gc_node(const struct gc *g, const char *uid);
/* One change of the cluster; type as in the store. */
void gc_note(struct gc *g, enum api_event_type type, const char *api_version, const char *kind,
             const json_t *object);
/* Somebody looked at `place` and found no object of that uid. */
void gc_note_absent(struct gc *g, const char *uid, const struct gc_place *place);
bool gc_is_absent(const struct gc *g, const char *uid, const struct gc_place *place);
/* The dependent's reference to the owner. Borrowed, or NULL. */
const json_t *gc_ref_to(const struct gc_node *dependent, const char *uid);
void gc_graph_finish(struct gc *g);

/* ---- gc_sight.c: what it has been told ---- */

void gc_sight_note(struct gc *g, const struct store_change *change);
/* Tells what may be seen by now; when to look again (SCHED_NEVER: after a change). */
int64_t gc_sight_catch_up(struct gc *g);
void gc_sight_finish(struct gc *g);

/* ---- gc.c: the queue ---- */

void gc_queue(struct gc *g, enum gc_work work, const char *uid);

/* ---- gc_work.c: one item; each returns what to do with it ---- */

enum gc_verdict {
    GC_DONE,
    GC_RETRY,   /* may go better next time */
    GC_BLOCKED, /* refused; the same request would be refused again until something changes */
    GC_CRASHED
};
enum gc_verdict gc_attempt_delete(struct gc *g, const char *uid);
enum gc_verdict gc_attempt_orphan(struct gc *g, const char *uid);

#endif
