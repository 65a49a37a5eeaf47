/* engine(): what restores images in this run. */
#include <string.h>

#include "runner/casework.h"
#include "runner/expr.h"

static int fn_engine(void *cookie, struct cel_context *c, size_t nargs,
                     const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    const struct casework *cw = cookie;
    const char *name = cw->options->engine ? cw->options->engine : RUN_ENGINE_USUAL;

    (void)nargs, (void)args, (void)reterr;
    *ret = cel_string(c, name, strlen(name));
    return 0;
}

const struct expr_function function_engine = {
    {"engine", false, 0, 0, fn_engine},
    "`engine()`",
    "what restores images in this run: `qemu-img`, `native`, or `external` where somebody else's "
    "program does",
    {EXPR_NAMES_NOTHING}};
