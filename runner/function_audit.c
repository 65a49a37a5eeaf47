/* audited(): what policies have told the audit log. */
#include "base/json.h"
#include "runner/casework.h"
#include "runner/expr.h"
#include "sim/admission/admission.h"

static int fn_audited(void *cookie, struct cel_context *c, size_t nargs,
                      const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    struct casework *cw = cookie;
    json_t *out = json_array();

    (void)nargs;
    (void)args;
    (void)reterr;
    for (size_t i = 0; i < world_cluster_count(cw->world); i++) {
        const json_t *events = admission_audited(world_cluster_at(cw->world, i));

        json_array_extend(out, (json_t *)events);
    }
    *ret = cel_json_take(c, out);
    return 0;
}

const struct expr_function function_audited = {
    {"audited", false, 0, 0, fn_audited},
    "`audited()`",
    "requests that admission policies have annotated in the audit log so far, oldest first: "
    "`{user, verb, resource, namespace, name, annotations}`",
    {EXPR_NAMES_NOTHING}};
