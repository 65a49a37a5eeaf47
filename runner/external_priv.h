/* What the files of outside implementations share. */
#ifndef VMCONFORM_RUNNER_EXTERNAL_PRIV_H
#define VMCONFORM_RUNNER_EXTERNAL_PRIV_H

#include <sys/types.h>

#include "base/strbuf.h"
#include "net/loop.h"
#include "runner/bridge.h"
#include "runner/casework.h"
#include "runner/external.h"

/* ---- the program that --exec starts (external_process.c) ---- */

struct outside_process {
    pid_t pid; /* and of its group; 0: none runs */
    int log;   /* what it and those before it have written; -1: none has run */
    bool ending;
    int64_t kill_at; /* by the wall, when it is ending */
    int status;      /* of the last one that ended */
    long ticks;      /* of the clock, for which it had run at the last look */
    int64_t said;    /* bytes of its output that count */
};

/* env: NAME and VALUE in turn, NULL at the end. */
int outside_start(struct outside_process *p, const char *command, const char *const *env,
                  struct err *reterr);
/* It is asked to end, and killed when it has not after a while. */
void outside_stop(struct outside_process *p);
/* At once, with all that it has started. */
void outside_kill(struct outside_process *p);
/* Looks whether it has ended: true once. */
bool outside_reap(struct outside_process *p);
/* Whether it works: now, or since the last look. */
bool outside_is_busy(struct outside_process *p);
/* How it ended. New. */
char *outside_end_words(const struct outside_process *p);
/* What it says from here on is of no interest. */
void outside_note_output(struct outside_process *p);
/* The last lines of its output up to then. */
void outside_tell_output(const struct outside_process *p, struct strbuf *out);
/* The end of its output, at most so many bytes. New; NULL: it said nothing. */
char *outside_last_words(const struct outside_process *p, size_t max);
void outside_finish(struct outside_process *p);

/* ---- one case ---- */

/* A cluster as the outside sees it. */
struct front {
    struct external *external;
    struct cluster *cluster;
    struct auth *auth;
    struct rest *rest;
};

struct external {
    struct external_options *options;
    struct casework *cw;
    struct loop *loop;
    struct http_server *server;
    struct bridge bridge;
    struct front **fronts;
    size_t front_count, front_cap;
    struct strmap *strangers;          /* processes of those who are not the component, by user */
    struct running_component *running; /* NULL: not started yet */
    struct waitcell *arrival;
    struct outside_process process;
    /* external_clock.c */
    bool connected;                     /* it has listed or watched something */
    bool ready;                         /* and was quiet afterwards */
    int64_t activity_ns;                /* when it was last seen to do something, by the wall */
    int64_t connect_by_ns, deadline_ns; /* by the wall */
    unsigned patience;                  /* how often it was found at work without a request */
    bool leaping;                       /* the clock may run on */
    int64_t leap_until_ns;
};

/* Whether the component runs at this point of the story. */
bool external_is_present(const struct external *x);

/* ---- time (external_clock.c) ---- */

void external_clock_start(struct external *x);
/* The component has been started: it has a while to connect. */
void external_clock_expect(struct external *x);
/* It has done something. */
void external_clock_note(struct external *x);
/* cookie is the struct external. */
int64_t external_clock_look(void *cookie);

/* ---- credentials (external_open.c) ---- */

/* For the clusters with these names; the first is the current one. */
int external_write_kubeconfig(const struct external_options *o, const char *const *clusters,
                              size_t count, struct err *reterr);

#endif
