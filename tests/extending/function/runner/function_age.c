/* age(KIND, NAME): how long an object has been there. */
#include "base/json.h"
#include "base/mem.h"
#include "kube/time.h"
#include "runner/casework.h"
#include "runner/expr.h"

static int fn_age(void *cookie, struct cel_context *c, size_t nargs, const struct cel_value *args,
                  struct cel_value *ret, struct err *reterr)
{
    struct casework *cw = cookie;
    AUTO(str) char *kind = expr_text(&args[0], "the kind", reterr);
    AUTO(str) char *name = kind ? expr_text(&args[1], "the name", reterr) : NULL;
    AUTO(object_ref) struct object_ref ref = {0};
    struct err err = {0};
    int64_t created;
    json_t *object;

    (void)c, (void)nargs;
    if (!name)
        return -1;
    object = ref_object(cw, kind, NULL, name, NULL, &ref, &err);
    if (err_pending(&err))
        return err_move(reterr, &err);
    if (!time_parse(json_str_or_empty(object, "metadata.creationTimestamp"), &created))
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "there is no %s '%s'", kind, name);
    *ret = cel_duration(world_now(cw->world) - created);
    return 0;
}

const struct expr_function function_age = {
    {"age", false, 2, 2, fn_age},
    "`age(KIND, NAME)`",
    "how long the object has been there, a duration; that there is none is an error",
    {EXPR_NAMES_KIND}};
