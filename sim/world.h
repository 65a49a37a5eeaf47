/* A world: one clock, the clusters in it, storage, object store, faults, trace. No globals: two
 * worlds can live in one process.
 *
 * Parts attach themselves to a world through world_attach(), so that this header knows none of
 * them. */
#ifndef VMCONFORM_SIM_WORLD_H
#define VMCONFORM_SIM_WORLD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kube/api.h"
#include "sched/fault.h"
#include "sched/sched.h"
#include "sim/apiserver/apiserver.h"

struct world;
struct cluster;

/* 2026-01-01T00:00:00Z: where virtual clocks start, unless somebody says otherwise. */
#define WORLD_START_NS (INT64_C(1767225600) * 1000000000)

struct world_config {
    uint64_t seed;
    enum sched_policy policy;
    int64_t start_ns; /* 0: WORLD_START_NS */
    bool trace;
    uint64_t events_max;
    int64_t revision; /* each cluster's first resourceVersion is greater; 0: they count from 1 */
    const char *dir;  /* a folder of this case for real files, or NULL: nothing needs real files.
                         Borrowed. */
    bool can_mount;   /* this process may mount size-limited tmpfs volumes below dir */
};

struct world *world_create(const struct world_config *config);
/* Unwinds all actors, then the parts in reverse order of attachment, then the clusters. */
void world_destroy(struct world *w);
DEFINE_CLEANUP(struct world, world, world_destroy);

struct sched *world_sched(const struct world *w);
struct faults *world_faults(const struct world *w);
struct trace *world_trace(const struct world *w); /* NULL when off */
const char *world_dir(const struct world *w);
bool world_can_mount(const struct world *w);
int64_t world_now(const struct world *w);

/* Clusters by name; world_cluster(w, NULL) is the first one. A new one is an API server with the
 * built-in CRDs: what deletes dependents and empties namespaces is sim/controllermanager/. */
struct cluster *world_add_cluster(struct world *w, const char *name, struct err *reterr);
struct cluster *world_cluster(const struct world *w, const char *name); /* NULL when unknown */
size_t world_cluster_count(const struct world *w);
struct cluster *world_cluster_at(const struct world *w, size_t i);
struct apiserver *cluster_server(const struct cluster *c);
const char *cluster_name(const struct cluster *c);
struct world *cluster_world(const struct cluster *c);
/* The process that the cluster's own controllers run in ("main/kube-controller-manager", ...): one
 * for each name, and a new one once that has crashed. */
struct process *cluster_process(struct cluster *c, const char *name);
/* A new process for the program of one of the cluster's pods. */
struct process *cluster_pod_process(struct cluster *c, const char *ns, const char *pod);
/* Link of outside actors to this cluster: while down, sim_request answers ERR_IO. */
void cluster_set_link(struct cluster *c, bool up);
bool cluster_link(const struct cluster *c);

/* A part of the world: freed by destroy(part) when the world ends, after all actors have unwound.
 */
void world_attach(struct world *w, const char *name, void *part, void (*destroy)(void *part));
void *world_part(const struct world *w, const char *name); /* NULL when not attached */
/* The same for a part of one cluster: each cluster has its own of a name. */
void cluster_attach(struct cluster *c, const char *name, void *part, void (*destroy)(void *part));
void *cluster_part(const struct cluster *c, const char *name);

/* ---- who acts ---- */

enum owner_kind {
    OWNER_OUTSIDE,  /* the story, a component under test, a client */
    OWNER_PLATFORM, /* a cluster's own controllers */
    OWNER_POD       /* the program of a pod */
};
struct process_owner {
    enum owner_kind kind;
    const struct cluster *cluster; /* NULL: outside of any */
};
/* The running actor's process, "" outside of any; and whose it is, never NULL. Borrowed. */
const char *world_acting(const struct world *w);
const struct process_owner *world_acting_owner(const struct world *w);

/* ---- hooks: what the scenario engine hangs on the world ---- */

enum request_moment {
    REQUEST_BEFORE,    /* about to be sent: the server has not seen it */
    REQUEST_COMMITTED, /* the server has answered; the caller does not know yet */
    REQUEST_AFTER      /* the caller has the reply */
};
struct request_info {
    struct cluster *cluster;
    const struct api_request *request;
    const struct api_response *response; /* NULL before */
    const char *by;                      /* the process's name */
    const struct process_owner *owner;   /* and whose it is */
    const char *kind;                    /* "" when the resource is unknown */
};
/* Called at each moment, from the requesting actor; the hook may block (it runs on that actor's
 * fiber) and may crash the actor's process. */
typedef void request_hook_fn(void *cookie, enum request_moment moment,
                             const struct request_info *info);
void world_on_request(struct world *w, request_hook_fn *fn, void *cookie);
void world_notify_request(struct world *w, enum request_moment moment,
                          const struct request_info *info);

/* Called for each committed change of every cluster, at commit. Must not block. */
typedef void change_hook_fn(void *cookie, struct cluster *c, const struct store_change *change);
void world_on_change(struct world *w, change_hook_fn *fn, void *cookie);

/* Effects outside the API (object store writes, file writes and renames, program runs, answers of
 * services), told for crash points, laws and traces. Called on the acting fiber, which may crash
 * here. */
enum effect_kind {
    EFFECT_OBJECT_PUT,
    EFFECT_OBJECT_DELETE,
    EFFECT_FILE_WRITE,
    EFFECT_FILE_SYNC,
    EFFECT_FILE_RENAME,
    EFFECT_FILE_TRUNCATE,
    EFFECT_FILE_ZERO,
    EFFECT_FILE_REMOVE,
    EFFECT_PROGRAM, /* a run of an outside program */
    EFFECT_REPLY    /* of a service */
};
/* "file-write". Static. */
const char *effect_name(enum effect_kind kind);
struct effect_info {
    enum effect_kind kind;
    const char *target; /* key, path inside the pod, program name, method and path */
    const char *by;
};
typedef void effect_hook_fn(void *cookie, enum request_moment moment,
                            const struct effect_info *info);
void world_on_effect(struct world *w, effect_hook_fn *fn, void *cookie);
void world_notify_effect(struct world *w, enum request_moment moment,
                         const struct effect_info *info);

/* Called for each event that a process receives from a watch of its own, as it receives it. Must
 * not block. */
typedef void delivery_hook_fn(void *cookie, struct cluster *c, const char *by, const char *kind,
                              const json_t *object);
void world_on_delivery(struct world *w, delivery_hook_fn *fn, void *cookie);
void world_notify_delivery(struct world *w, struct cluster *c, const char *by, const char *kind,
                           const json_t *object);

#endif
