/* A host for tests of what lives in files: a disk in memory that tells what was synced from what
 * was not, a clock that moves with every look, and a crash or an error at any chosen call.
 *
 * Without a process the host has no tasks: a wait that nothing could end is a crash. With one, its
 * events are the scheduler's and every call is a scheduling point. */
#ifndef VMCONFORM_TESTS_UNIT_FULFILLMENT_DISK_HOST_H
#define VMCONFORM_TESTS_UNIT_FULFILLMENT_DISK_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/prng.h"
#include "components/host.h"
#include "sched/sched.h"

#define DISK_FILES 4
#define DISK_START_NS (INT64_C(1767225600) * 1000000000) /* 2026-01-01T00:00:00Z */

enum disk_fault {
    DISK_CRASH_BEFORE, /* the process dies, and the call did nothing */
    DISK_CRASH_AFTER,  /* the process dies, and the call did it */
    DISK_POWER,        /* so does the machine: of what was not synced, some is there, some torn */
    DISK_NO_SPACE,     /* the call fails, once */
    DISK_FULL,         /* from here on no file grows */
    DISK_IO_ERROR,
    DISK_FAULT_COUNT
};

struct disk_file {
    char path[64];
    bool exists, linked; /* linked: its folder was synced since it was made */
    char *data;
    size_t len;
    char *synced; /* as it was at the last sync */
    size_t synced_len;
    struct disk_change *changes; /* since then */
    size_t change_count, change_cap;
};

struct disk {
    struct disk_file files[DISK_FILES];
    struct prng prng; /* what a lost machine keeps */
    bool digests;
    uint64_t written; /* with `digests`: of all that was ever written, and where */
};

struct disk_host {
    struct host host;
    struct disk *disk;
    struct sched *sched;     /* NULL: no tasks */
    struct process *process; /* or the one that everything runs in */
    int64_t now_ns;
    unsigned calls;    /* of files, that change something */
    unsigned fault_at; /* at this one, counted from 1; 0: never */
    enum disk_fault fault;
    bool crashed;
    unsigned touched_after_crash; /* calls of files that a crash should have kept away */
};

/* All borrowed; both live until the host's last user has gone. */
void disk_init(struct disk *d, uint64_t seed);
void disk_finish(struct disk *d);
void disk_host_init(struct disk_host *h, struct disk *d);

#endif
