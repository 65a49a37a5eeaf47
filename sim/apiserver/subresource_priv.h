/* What stands below an object. */
#ifndef VMCONFORM_SIM_APISERVER_SUBRESOURCE_PRIV_H
#define VMCONFORM_SIM_APISERVER_SUBRESOURCE_PRIV_H

#include <stdbool.h>
#include <stddef.h>

struct call;
struct rtype;
struct rversion;

/* Who has it, what may be done with it, who does it, and how discovery tells of it. */
struct subresource {
    const char *name;
    unsigned verbs; /* bits 1u << API_GET, ... */
    bool (*served)(const struct rtype *t, const struct rversion *v);
    int (*handle)(struct call *c); /* NULL: the object's own verbs, which look at the name */
    /* Of what the endpoint takes and gives; NULL: the object's own. */
    const char *group, *version, *kind;
};

/* NULL: the type has none of this name in that version. */
const struct subresource *subresource_find(const struct rtype *t, const struct rversion *v,
                                           const char *name);
/* Those that the type has, one after the other: *at begins with 0; NULL: no more. */
const struct subresource *subresource_next(const struct rtype *t, const struct rversion *v,
                                           size_t *at);

#endif
