/* The real host: components/host.h on the wall clock, with real clusters, real files and real
 * programs. */
#ifndef VMCONFORM_RUNNER_REALHOST_REALHOST_H
#define VMCONFORM_RUNNER_REALHOST_REALHOST_H

#include <jansson.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "components/component.h"
#include "runner/realhost/kubeconfig.h"

struct s3_place;

struct realhost_config {
    uint64_t seed;             /* of jitter and generated names */
    const char *root;          /* what the component sees as /; NULL: it has no files. Borrowed */
    const char *objects;       /* a folder of buckets; NULL: there is none. Borrowed */
    const struct s3_place *s3; /* the object store, when it is no folder; NULL. Borrowed */
    const char *listen; /* "127.0.0.1:0": where it serves, if it does; NULL: nowhere. Borrowed */
    const char *const *services; /* "NAME=URL": where those are that it calls. Borrowed */
    size_t service_count;
};

struct realhost;
struct realhost *realhost_create(const struct realhost_config *config, struct err *reterr);
void realhost_destroy(struct realhost *r);
DEFINE_CLEANUP(struct realhost, realhost, realhost_destroy);
/* A cluster by the name that the component uses; the first one is the default. access is emptied.
 */
void realhost_add_cluster(struct realhost *r, const char *name, struct access *access);
/* Where it serves; NULL: it does not. Borrowed. */
const char *realhost_address(const struct realhost *r);
/* Runs the component until it ends or SIGTERM or SIGINT comes: then 0, as after a clean end. */
int realhost_run(struct realhost *r, const struct component *c, const json_t *config,
                 struct err *reterr);

#endif
