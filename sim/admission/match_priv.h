/* Which requests a policy or a binding is about: MatchResources (delete-protection.md 1.3). */
#ifndef VMCONFORM_SIM_ADMISSION_MATCH_PRIV_H
#define VMCONFORM_SIM_ADMISSION_MATCH_PRIV_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "kube/api.h"

struct review;
struct selector;

struct match {
    struct selector *ns, *object;   /* NULL: a selector that could not be read */
    const json_t *rules, *excluded; /* borrowed from the object */
    bool exact;
};

/* json: matchConstraints or matchResources, borrowed; NULL matches everything. */
void match_init(struct match *m, const json_t *json);
void match_finish(struct match *m);
/* Whether it matches, and as which resource. false with *reterr: that cannot be said. */
bool match_review(const struct match *m, const struct review *r, struct api_resource *ret_as,
                  struct err *reterr);

#endif
