/* Implementations that run outside of us: their requests come over HTTP, their clock is the wall's.
 *
 * One component at a time is outside. The case's world answers it through a server whose socket
 * stays open over all cases; its requests run on actors of a process that is called as the
 * component, so that faults, hooks, laws and the trace apply to it. The virtual clock stands while
 * the outside is busy, and leaps once it has been quiet (external_clock.c). */
#ifndef VMCONFORM_RUNNER_EXTERNAL_H
#define VMCONFORM_RUNNER_EXTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/tls.h"
#include "runner/collect.h"
#include "runner/options.h"
#include "runner/pod_programs.h"

#define EXTERNAL_SECRET_BYTES 32

struct casework;
struct running_component;

struct external_options {
    /* What the command line says. */
    struct option_list implementations;
    const char *listen, *exec, *kubeconfig;
    struct option_number quiet_ms;
    int64_t leap_ns, connect_ns; /* 0: the default */
    /* What follows from it. */
    char *component; /* NULL: all components are ours */
    struct pod_programs pods;
    int64_t quiet_ns, timeout_ns;
    uint64_t seed;
    char *user;      /* as whom the component speaks */
    char *arguments; /* of the command line, quoted for a shell: for the replay */
    int listener;    /* 0: none */
    char *address;   /* where it listens */
    char *unix_path; /* NULL: on an address, with TLS */
    char *kubeconfig_path;
    struct tls_ca *ca;
    struct tls_pair pair;
    unsigned char secret[EXTERNAL_SECRET_BYTES]; /* of tokens: one for all cases of a run */
    int64_t revision;                            /* the last one of the last case */
};

/* ---- the command line (external_options.c) ---- */

/* Rows for a table of options. */
#define EXTERNAL_OPTION_SPECS(x)                                                                   \
    {                                                                                              \
        "--implementation", 0,                                                                     \
        OPTION_LIST,        &(x).implementations,                                                  \
        "NAME=WHAT",        "who plays a component: builtin, external or exec:COMMAND"},           \
        {"--listen",                                                                               \
         0,                                                                                        \
         OPTION_TEXT,                                                                              \
         &(x).listen,                                                                              \
         "ADDR",                                                                                   \
         "where an external one finds the cluster: HOST:PORT (default 127.0.0.1:0), unix:PATH"},   \
        {"--exec", 0, OPTION_TEXT, &(x).exec, "COMMAND", "starts it anew for each case"},          \
        {"--kubeconfig", 0,                                                                        \
         OPTION_TEXT,    &(x).kubeconfig,                                                          \
         "FILE",         "what to write for it (default vmconform.kubeconfig beside the report)"}, \
        {"--quiet-ms",  0,   OPTION_NUMBER,                                                        \
         &(x).quiet_ms, "N", "how long it is quiet before time goes on (default 200)"},            \
        {"--leap",     0,   OPTION_DURATION,                                                       \
         &(x).leap_ns, "D", "how far time then goes at most (default 30s)"},                       \
    {                                                                                              \
        "--connect-timeout", 0, OPTION_DURATION, &(x).connect_ns, "D",                             \
            "how long it may take to come (default 1m)"                                            \
    }

/* Reads the options; beside: a report's path, or NULL, beside which the kubeconfig is written. */
int external_read(struct external_options *o, const char *beside, struct err *reterr);
/* The names must be those of components that some case starts. */
int external_check(const struct external_options *o, const struct collection *c,
                   struct err *reterr);
void external_finish(struct external_options *o);
/* *replay with the options of this run. */
void external_replay(const struct external_options *o, char **replay);

/* ---- before the first case (external_open.c) ---- */

/* Listens, makes certificates, writes the kubeconfig, and says so on standard output. */
int external_open(struct external_options *o, const struct collection *c, struct err *reterr);

/* ---- one case (external.c) ---- */

struct external;
/* NULL when nobody is outside. */
struct external *external_create(struct casework *cw);
/* Runs the world until a verdict stands, then ends what is outside. */
void external_run(struct external *x);
/* Unwinds the world's actors first. */
void external_destroy(struct external *x);

bool external_is(const struct external *x, const char *component);
/* Its process is new; the outside is let in, or started. -1: a verdict stands. */
int external_launch(struct external *x, struct running_component *r);
/* Before its process is crashed. -1: that is beyond us, a verdict stands. */
int external_end(struct external *x, struct running_component *r, bool crash);
/* Waits on the story's fiber until the outside has connected. -1: the case is over. */
int external_wait(struct external *x);

#endif
