/* The names that a scenario and its fixtures give: what else they say is held against these.
 * Visible inside runner/ only. */
#ifndef VMCONFORM_RUNNER_VOCABULARY_H
#define VMCONFORM_RUNNER_VOCABULARY_H

#include "runner/walk.h"

struct apiserver;
struct sched;

/* A server of nothing but the kinds of every cluster, on a clock that stands still. */
struct kinds {
    struct sched *sched;
    struct apiserver *server;
};
void kinds_create(struct kinds *k);
void kinds_destroy(struct kinds *k);

/* Names of one sort. */
struct name_list {
    char **items; /* owned */
    size_t count, cap;
    bool open; /* there are more, known only when it runs: none can be called wrong */
};
/* Copied; once. NULL leaves the list open. */
void name_list_add(struct name_list *n, const char *name);
void name_list_finish(struct name_list *n);
bool name_list_has(const struct name_list *n, const char *name);

/* A backup chain of the given. */
struct chain_names {
    char *name;
    struct name_list disks, checkpoints;
};

struct vocabulary {
    struct name_list clusters, faults, marks, chains;
    struct name_list components; /* that are started */
    struct name_list processes; /* as `by` names them; pods and strangers have names of their own */
    struct chain_names *chain_items;
    size_t chain_count, chain_cap;
    /* A program of somebody else is started: it may bring kinds of its own. */
    bool strangers;
    /* Serves the kinds that there are, with those that the scenario defines; nothing runs in it. */
    struct apiserver *kinds;
    bool own_kinds;
    struct kinds own; /* when own_kinds */
    bool more_kinds;  /* a definition is known only when it runs */
};
/* base: a server with the kinds that every cluster has; borrowed, and used when the scenario
 * defines none. */
void vocabulary_read(struct vocabulary *v, const struct unit *u, struct apiserver *base);
void vocabulary_finish(struct vocabulary *v);
const struct chain_names *vocabulary_chain(const struct vocabulary *v, const char *name);

#endif
