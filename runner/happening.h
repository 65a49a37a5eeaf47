/* What happened, as selectors and expressions see it: a change of an object, a request, or a call
 * of a service. */
#ifndef VMCONFORM_RUNNER_HAPPENING_H
#define VMCONFORM_RUNNER_HAPPENING_H

#include "runner/scenario.h"
#include "sim/world.h"

struct casework;

/* Borrowed from what it was made of. */
struct happening {
    const char *type; /* "ADDED" or "create" */
    const char *kind, *ns, *name, *cluster, *subresource, *by;
    bool is_call; /* of a service: type is the method, kind the service, name the path */
};
struct happening happening_of_change(struct cluster *c, const struct store_change *change,
                                     const char *by);
struct happening happening_of_request(const struct request_info *info);

/* The patterns of a selector, with the names of the frame; its `that` is the caller's. */
bool happening_fits(struct casework *cw, const struct selector_on *s, const struct frame *f,
                    const struct happening *h);

/* `event` in expressions. New. */
json_t *happening_change_json(struct casework *cw, struct cluster *c,
                              const struct store_change *change, const char *by);
json_t *happening_request_json(struct casework *cw, const struct request_info *info);
/* `self` of a request: what is sent by a create or update, else the object as it is. Borrowed. */
json_t *happening_request_self(const struct request_info *info);
/* Binds self, oldSelf and event in a frame (all borrowed; NULL unbinds). */
void bind_event(struct frame *f, json_t *self, json_t *old, json_t *event);

#endif
