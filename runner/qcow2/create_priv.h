/* What the files of `vmconform qcow2 create-chain` share. */
#ifndef VMCONFORM_RUNNER_QCOW2_CREATE_PRIV_H
#define VMCONFORM_RUNNER_QCOW2_CREATE_PRIV_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "fixtures/chain.h"
#include "fixtures/story.h"
#include "runner/options.h"

/* What is asked for. */
struct create {
    struct story_options story;
    struct option_list shapes, defects;
    struct option_number size, full, change, disks, count, cluster, refcount_bits, version;
    uint64_t increments, discard;
    const char *compression, *backing, *unwritten;
    bool extended_l2, bitmaps, digests, no_digests, raw, stale_digests;
    bool list_defects, markdown, json, help;
    const char *dir;
};

/* One chain that was made. */
struct made {
    struct story *story;
    struct chain_plan plan; /* the story's, with what the options say */
    struct fixture_target *target;
    struct chain_fixture *fixture;
};

/* Where the bytes of a checkpoint's disk go. New. */
char *create_raw_path(const struct create *c, const char *disk, const char *checkpoint);
/* New. */
json_t *create_json(const struct create *c, const struct made *m);
void create_tell(const struct create *c, const struct made *m);
/* --list-defects. Returns the exit status. */
int qcow2_list_defects(bool json, bool markdown);

#endif
