/* A world with one cluster and its storage, and tables of steps over it. */
#ifndef VMCONFORM_TESTS_SIM_STORAGE_STAGE_H
#define VMCONFORM_TESTS_SIM_STORAGE_STAGE_H

#include <check.h>

#include "sim/controller/loop.h"
#include "sim/kubelet/kubelet.h"
#include "sim/storage/objectstore.h"
#include "sim/storage/storage.h"

struct stage {
    struct world *world;
    struct cluster *cluster;
};

/* dir may be NULL. */
void stage_open(struct stage *st, const char *dir, bool can_mount);
/* The same with events of one time in an order that the seed picks. */
void stage_open_random(struct stage *st, uint64_t seed);
void stage_close(struct stage *st);
/* Runs until nothing is left to do, or for 10 virtual minutes; then the world must be idle. */
void stage_settle(struct stage *st, const char *row);
void stage_run(struct stage *st, int64_t ns);

/* JSON with single quotes. New. */
json_t *stage_json(const char *text);
/* what: "KIND/NS/NAME" or "KIND/NAME", kind in short: pvc pv pod node sc vs vsc
 * vsclass. */
json_t *stage_get(struct stage *st, const char *what);
int stage_create(struct stage *st, const char *what, const json_t *obj, json_t **ret_status);
int stage_merge(struct stage *st, const char *what, const char *sub, const char *patch,
                json_t **ret_status);
void stage_delete(struct stage *st, const char *what);
/* Whether an Event about an object of that name has the reason and a message that contains text. */
bool stage_event(struct stage *st, const char *name, const char *reason, const char *text);

enum step_op {
    END,
    CREATE, /* what, text: object without kind and name */
    PATCH,  /* what, text: merge patch */
    STATUS, /* the same of the status subresource */
    DELETE, /* what */
    SETTLE,
    RUN, /* text: a duration */
    IS,  /* what, path, text: value at the path */
    HAS_FINALIZER,
    LACKS_FINALIZER, /* what, text */
    ANNOTATED,       /* what, path: key, text: value, NULL: absent */
    GONE,            /* what */
    DELETING,        /* what */
    EVENT,           /* what: object's name, path: reason, text: part of the message */
    REFUSED,         /* CREATE that fails; path: part of the Status message; text: object */
    REFUSED_PATCH,   /* PATCH that fails; path: part of the message */
    FAIL,            /* what: rpc, path: code, text: glob; fails twice */
    FAIL_ONCE,
    DOWN,
    UP, /* what: controller */
};
struct step {
    enum step_op op;
    const char *what, *path, *text;
};
void stage_steps(struct stage *st, const char *row, const struct step *steps);

#endif
