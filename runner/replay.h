/* The one command that runs a case again, as the report tells it. */
#ifndef VMCONFORM_RUNNER_REPLAY_H
#define VMCONFORM_RUNNER_REPLAY_H

#include "base/strbuf.h"
#include "runner/scenario.h"

struct pod_programs;

#define RUN_ENGINE_USUAL "qemu-img"

struct replay {
    uint64_t seed;
    const char *crash;               /* what --crash gets, or NULL */
    bool outside;                    /* components are processes of their own */
    const char *interleaving;        /* what --interleaving gets, or NULL */
    const char *engine;              /* what restores images; NULL: nothing does */
    const struct pod_programs *pods; /* programs of others; NULL: none */
};
/* Quoted for a shell. New. */
char *case_replay(const struct unit *u, const char *name, const struct replay *how);
/* Appends an argument so that every POSIX shell reads it back as it is. */
void shell_add_argument(struct strbuf *out, const char *text);

#endif
