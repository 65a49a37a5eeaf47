/* Running one case of a scenario: a fresh world, the story, the verdict. */
#ifndef VMCONFORM_RUNNER_CASE_H
#define VMCONFORM_RUNNER_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "reports/result.h"
#include "runner/replay.h"
#include "runner/scenario.h"
#include "runner/turns.h"

struct external_options;
struct pod_programs;
/* Who plays a component of a case that is staged and not run. */
enum case_player {
    PLAYER_BUILTIN,
    PLAYER_NONE,   /* nobody */
    PLAYER_OUTSIDE /* a program that speaks to the clusters, which somebody has to serve */
};
struct case_options {
    uint64_t seed;
    bool trace;
    const char *dir; /* a folder of this case's own for real files, or NULL */
    bool can_mount;
    const char *keep;   /* where images are copied at the end, or NULL */
    const char *engine; /* what restores images, unless a component's settings say; NULL: its own
                           default */
    const struct pod_programs *pods; /* programs of others; NULL: none */
    int64_t crash_point; /* crash the acting component at its n-th write (1..), 0: never */
    enum request_moment crash_moment;
    bool crash_files;       /* its writes to files alone are counted */
    struct turn_plan turns; /* of races */
    /* What the runs before this one have seen of `sometimes`, which is judged now. NULL: in a case
     * with a race it is not, since it holds over all its interleavings. */
    const bool *sometimes;
    uint64_t events_max;               /* 0: the default */
    int64_t start_ns;                  /* of the virtual clock; 0: WORLD_START_NS */
    struct external_options *external; /* NULL: every component is ours */
    /* Components are processes of their own, which reach the world by a socket in this folder;
     * NULL: they run in this process. */
    const char *sockets;
    const char *component_program; /* what is run for each; NULL: vmconform-component */
    int64_t watchdog_ns;           /* of wall time, for one call of theirs; 0: the default */
    /* NULL: all are builtin, or external's. */
    enum case_player (*player)(void *cookie, const char *component);
    void *player_cookie;
};
#define CASE_EVENTS_MAX UINT64_C(50000000)

struct case_outcome {
    struct result_case *result; /* new */
    struct strbuf trace;        /* when asked for */
    uint64_t crash_points;      /* writes by components that a crash could fall on */
    const char *swept; /* what the crash of the options fell on: static; NULL: on nothing */
    /* Of races: whose turn it was, in what order; there are so many orders. NULL: no race. */
    struct turn *turns;
    size_t turn_count;
    char *interleaving;
    uint64_t orders;
    bool uncounted;  /* there are fewer */
    bool *sometimes; /* which of `sometimes` was true */
    size_t sometimes_count;
};
/* values: the matrix case (borrowed). Never fails: what goes wrong is in the result. */
void run_case(const struct unit *u, const json_t *values, const struct case_options *options,
              struct case_outcome *ret);
/* A result with all names filled in and nothing decided. New. */
struct result_case *case_blank_result(const struct unit *u, const json_t *values,
                                      const struct replay *how);
void case_outcome_finish(struct case_outcome *o);

/* A case as its `given` leaves it: the world may go on, and nothing is judged any more. Everything
 * that is passed in is borrowed until it is destroyed. NULL: the stage could not be set. */
struct staged_case;
struct staged_case *case_stage(const struct unit *u, const json_t *values,
                               const struct case_options *options, struct err *reterr);
void staged_case_destroy(struct staged_case *s);
DEFINE_CLEANUP(struct staged_case, staged_case, staged_case_destroy);
/* Whether the given stands still where it starts the first component that is played outside. The
 * rest may wait for what that does: it goes on with the world, and `done` is told of its end. */
bool staged_case_is_paused(const struct staged_case *s);
void staged_case_go_on(struct staged_case *s,
                       void (*done)(void *cookie, const struct result_case *result), void *cookie);
struct world;
struct world *staged_case_world(const struct staged_case *s);

#endif
