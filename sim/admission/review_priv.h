/* One write under review, in the words of admission: what policies match, and what their
 * expressions see (delete-protection.md 1.5, 1.6). */
#ifndef VMCONFORM_SIM_ADMISSION_REVIEW_PRIV_H
#define VMCONFORM_SIM_ADMISSION_REVIEW_PRIV_H

#include <jansson.h>
#include <stdbool.h>

#include "sim/admission/admission_priv.h"
#include "sim/auth/auth.h"

/* The request as one version of its resource shows it. */
struct shape {
    struct api_resource as;
    json_t *object, *old; /* JSON null when there is none */
    json_t *request;      /* the variable `request` */
};

struct review {
    struct admission *admission;
    const struct admission_review *in;
    const char *operation; /* "CREATE", "UPDATE", "DELETE" */
    const char *name;      /* "" for collections, and for names that the server makes */
    const char *ns;        /* "" for cluster-scoped resources; a Namespace's is its own name */
    bool is_namespace;     /* of the kind Namespace */
    struct auth_identity storage;
    const struct api_identity *identity;
    struct shape *shapes;
    size_t shape_count, shape_cap;
};

/* All of `in` is borrowed. */
void review_begin(struct review *r, struct admission *a, const struct admission_review *in);
void review_finish(struct review *r);

static inline const struct api_resource *review_resource(const struct review *r)
{
    return &r->in->request->resource;
}
/* What stands in the cluster about the request's namespace; borrowed, NULL when it is
 * cluster-scoped (the kind Namespace is), or gone. */
const json_t *review_namespace(const struct review *r);
/* The request as that resource, equivalent to its own, shows it. Borrowed until the next call. */
const struct shape *review_shape(struct review *r, const struct api_resource *as);

#endif
