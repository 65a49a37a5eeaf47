/* One case while it runs: the world, the names, the laws, what happened so far. Visible inside
 * runner/ only. */
#ifndef VMCONFORM_RUNNER_CASEWORK_H
#define VMCONFORM_RUNNER_CASEWORK_H

#include "base/strbuf.h"
#include "base/strmap.h"
#include "reports/result.h"
#include "runner/armed.h"
#include "runner/case.h"
#include "runner/history.h"
#include "runner/laws.h"
#include "runner/reads.h"
#include "runner/remote/front.h"
#include "runner/scenario.h"
#include "runner/turns.h"
#include "sim/world.h"

/* A unit (the scenario, a fixture) as it is included, with the values of its names. */
struct inclusion {
    const struct unit *unit;
    struct frame *frame;
};

struct plugin_instance;
struct running_component {
    char *name;
    json_t *config;
    struct process *process;        /* the current one */
    bool wanted;                    /* not stopped by a step */
    struct plugin_instance *plugin; /* of a plugin: what lives in that process (plugins.c) */
    /* Of a part of the simulation that crashes as a component does: starts it in the process. */
    void (*launch)(struct casework *cw, struct running_component *r);
    struct cluster *cluster; /* whose part it is */
};

/* What the story waits for right now; looked at after every change and request. */
struct watchpoint {
    const struct condition *condition;
    const struct frame *frame;
    bool active, happened;
    bool judged; /* it could be evaluated at least once */
    struct waitcell *cell;
};

/* The object and the actor that a verdict is about; its story is told first. Borrowed, "" when
 * unknown. */
struct subject {
    const char *cluster, *kind, *ns, *name, *by;
};

struct casework {
    const struct unit *unit;
    const json_t *values; /* the matrix case */
    const struct case_options *options;
    struct world *world;
    struct cel_context *cel;
    struct inclusion **inclusions;
    size_t inclusion_count, inclusion_cap;
    struct inclusion *home; /* whose steps run: a template of that file sees these values */
    struct active_laws laws;
    struct armed_steps armed;
    struct front *front; /* of components that are processes; NULL: none yet */
    struct running_component **components;
    size_t component_count, component_cap;
    struct strmap *chains; /* name to struct chain_stage (stage_chain.h) */
    struct watchpoint watch;
    struct history history;
    struct reads reads;
    struct race_run *race;   /* that runs now, or NULL */
    struct turns turns;      /* of all races so far */
    struct subject about;    /* what the verdict that comes next is about */
    struct strbuf notes;     /* explanations of the last evaluation: disks that differ */
    const struct step *step; /* the one that runs now, for messages */
    int64_t last_write_ns;
    uint64_t crash_points;
    const struct actor *crash_actor; /* makes the write on which the crash of the sweep falls */
    const char *swept;               /* what that crash has fallen on; NULL: it has not yet */
    bool pod_crashed;                /* the sweep has killed a pod, which nobody starts again */
    bool staging;                    /* inside given: a failing step is an error */
    bool over;                       /* a verdict stands: nothing more is evaluated */
    bool in_hook;                    /* a hook is evaluating or acting: do not nest */
    bool paused;  /* the given stands still until somebody is there to play a component */
    bool resumed; /* it has stood still, and does so once */
    struct waitcell *resume;
    bool writing; /* the scenario's own write is on its way, on whatever fiber */
    unsigned use_depth;
    const struct step *use; /* the outermost `use` that runs, NULL: none */
    struct process *story;
    struct external *external; /* NULL: nobody is outside */
    struct result_case *result;
    struct strmap *checked; /* names of what was checked */
    char *unknown_kind;     /* the first kind that an expression named and no cluster knew */
    size_t steps_run;
};

/* ---- verdicts (verdict.c) ---- */

/* Ends the case: the first verdict counts. `detail` (may be NULL) follows the headline; both are
 * copied. Returns -1. */
int verdict(struct casework *cw, enum result_status status, const char *error_type,
            struct src_pos pos, const char *detail, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* The same from an error: FAILED never, always RESULT_ERROR of the given type. Empties *e. */
int verdict_error(struct casework *cw, const char *error_type, struct src_pos pos, struct err *e);
/* A crash of the sweep has taken away what the rest of the story would ask for: what was promised
 * until now has held. */
void story_ends(struct casework *cw);
/* Remembers that this was checked. */
void checked(struct casework *cw, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- evaluation ---- */

struct eval case_eval(struct casework *cw, const struct frame *frame);

/* Resolves kind (with .group and @CLUSTER) to a cluster and resource. name "NS/NAME" is split:
 * ret_ns is new or NULL. */
struct object_ref {
    struct cluster *cluster;
    struct resource_info info;
    char *ns; /* NULL for cluster-scoped kinds */
    char *name;
};
void object_ref_finish(struct object_ref *r);
static inline void cleanup_object_ref(struct object_ref *r)
{
    object_ref_finish(r);
}
int resolve_ref(struct casework *cw, const char *kind, const char *ns, const char *name,
                const char *cluster, struct object_ref *ret, struct err *reterr);
/* The cluster of that name, the first one for NULL; NULL with *reterr. */
struct cluster *find_cluster(struct casework *cw, const char *name, struct src_pos pos,
                             struct err *reterr);
/* Whether any cluster knows the kind (with .group, without @CLUSTER). */
bool kind_is_known(struct casework *cw, const char *kind);
/* The same for a kind as events tell it: not the plural, no group. */
bool kind_is_spelled(struct casework *cw, const char *kind);
/* The object now, or NULL. Borrowed. Without an explicit cluster all clusters that know the kind
 * are looked at. */
json_t *ref_object(struct casework *cw, const char *kind, const char *ns, const char *name,
                   const char *cluster, struct object_ref *ret, struct err *reterr);

/* Evaluates a condition now. false: not (yet) true; why (may be NULL) gets the reason as lines. */
bool condition_true(struct casework *cw, const struct condition *c, const struct frame *frame,
                    struct strbuf *why);
/* What it asks for, in words, for "checked" and headlines. New. */
char *condition_name(struct casework *cw, const struct condition *c, const struct frame *frame);

/* ---- steps ---- */

/* 0: done; -1: the case is over, or the actor crashed. */
int run_steps(struct casework *cw, const struct steps *steps, struct frame *frame);
int run_verb(struct casework *cw, const struct step *step, struct frame *frame);
int wait_condition(struct casework *cw, const struct condition *c, const struct frame *frame,
                   const struct verb *verb, int64_t default_within);
int settle(struct casework *cw, int64_t quiet_ns, int64_t within_ns, struct src_pos pos);
int create_object(struct casework *cw, struct cluster *c, const json_t *manifest, const char *user,
                  struct src_pos pos, struct err *reterr);

/* ---- given ---- */

int stage_world(struct casework *cw);
/* Stands still, on the story's fiber, until the case goes on. -1: it does not. */
int stage_pause(struct casework *cw);

/* ---- components (components.c) ---- */

int component_start(struct casework *cw, const char *name, const json_t *config,
                    struct src_pos pos);
int component_stop(struct casework *cw, const char *name, struct src_pos pos);
/* Crashes it now; starts it again after the delay (negative: never). */
int component_crash(struct casework *cw, const char *name, int64_t restart_ns, struct src_pos pos);
int component_restart(struct casework *cw, const char *name, struct src_pos pos);
/* Starts a part of the simulation that stories treat as a component of this name. */
int component_stage_part(struct casework *cw, const char *name, struct cluster *c,
                         void (*launch)(struct casework *cw, struct running_component *r),
                         struct err *reterr);
/* Its settings, with what the run says where they say nothing. New. */
struct component;
json_t *component_config(const struct casework *cw, const struct component *c,
                         const json_t *config);
/* Runs it where the options say: in this process or in one of its own. From an actor of the host's
 * process. */
struct host;
int component_run(struct casework *cw, const struct component *c, struct host *h,
                  const json_t *config, struct err *reterr);
struct running_component *component_of_process(struct casework *cw, const char *process);

/* ---- hooks (hooks.c) ---- */

void install_hooks(struct casework *cw);
/* What the story waits for may have come true. */
void look_at_watchpoint(struct casework *cw);
/* One place where a crash of the sweep may fall: a write of a component under test. what: its verb,
 * "call", or an effect's kind; static. */
void crash_point(struct casework *cw, enum request_moment moment, const char *by, const char *what);

#endif
