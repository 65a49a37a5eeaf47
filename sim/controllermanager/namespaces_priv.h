/* A namespace that is being deleted: what is queued, and what one pass over it finds; visible to
 * the namespace*.c files only. */
#ifndef VMCONFORM_SIM_CONTROLLERMANAGER_NAMESPACES_PRIV_H
#define VMCONFORM_SIM_CONTROLLERMANAGER_NAMESPACES_PRIV_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/prng.h"
#include "base/strmap.h"
#include "sim/controllermanager/due_priv.h"
#include "sim/controllermanager/kcm_priv.h"

struct ns_item {
    struct due due; /* waits: for a change in the namespace (or, when refused, anywhere) */
    char *name;
    unsigned failures;
    uint64_t changes; /* of the namespace's content, by anybody */
    bool refused;
};

struct nsctl {
    const struct kcm *kcm;
    struct cluster *cluster;
    struct sched *sched;
    struct waitcell *cell;
    struct prng order;
    struct strmap *items; /* by name */
};

/* Parts of a message, in any order until they are joined. */
struct texts {
    char **items;
    size_t count, cap;
};

/* What one pass over a namespace found. */
struct ns_pass {
    struct nsctl *n;
    const struct ns_item *item; /* the strings of both are borrowed */
    const char *ns;
    struct texts remaining, errors;
    struct strmap *finalizers; /* name -> count as a pointer-sized number */
    int64_t estimate_s;
    uint64_t changes; /* of the item when the first remaining things were listed */
    bool transient, crashed;
};

int nsctl_ask(struct nsctl *n, struct api_request *req, struct api_response *ret);

/* ---- namespace_pass.c ---- */

/* Asks for the deletion of all that the item's namespace holds, and looks at what stays. */
void ns_pass_run(struct ns_pass *ret, struct nsctl *n, const struct ns_item *item);
void ns_pass_finish(struct ns_pass *p);
static inline bool ns_pass_found_nothing(const struct ns_pass *p)
{
    return p->errors.count + p->remaining.count == 0;
}
/* Writes what was found into the conditions of the namespace; whether any has changed. */
bool ns_pass_tell(struct ns_pass *p, json_t *object);

#endif
