/* running(NAME), logged(NAME): what components are there, and what they have said. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/component.h"
#include "runner/casework.h"
#include "runner/expr.h"
#include "runner/unknown.h"

/* NULL: there is none of that name, and *reterr is set when there never can be. */
static struct running_component *component_of(struct casework *cw, const char *name,
                                              struct err *reterr)
{
    struct running_component *r = component_of_process(cw, name);

    if (!r && !component_find(name))
        unknown_component(name, NO_POS, reterr);
    return r;
}

static int fn_running(void *cookie, struct cel_context *c, size_t nargs,
                      const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    AUTO(str) char *name = expr_text(&args[0], "the component", reterr);
    struct running_component *r;
    struct err err = {0};

    (void)nargs;
    if (!name)
        return -1;
    r = component_of(cookie, name, &err);
    if (err_pending(&err))
        return err_move(reterr, &err);
    *ret = r && r->wanted && !process_crashed(r->process) ? cel_json_take(c, json_incref(r->config))
                                                          : cel_null();
    return 0;
}

const struct expr_function function_running = {
    {"running", false, 1, 1, fn_running},
    "`running(COMPONENT)`",
    "the settings that it was started with, a map; `null` when it does not run",
    {EXPR_NAMES_NOTHING}};

static int fn_logged(void *cookie, struct cel_context *c, size_t nargs,
                     const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    struct casework *cw = cookie;
    AUTO(str) char *name = expr_text(&args[0], "the component", reterr);
    struct err err = {0};
    json_t *out, *line;
    size_t i;

    (void)nargs;
    if (!name)
        return -1;
    component_of(cw, name, &err);
    if (err_pending(&err))
        return err_move(reterr, &err);
    if (json_array_size(cw->history.log) >= HISTORY_LOG_MAX)
        return err_set(reterr, ERR_LIMIT, NO_POS, "more than %d lines: not all are remembered",
                       HISTORY_LOG_MAX);
    out = json_array();
    json_array_foreach(cw->history.log, i, line) if (strcmp(json_str_or_empty(line, "by"), name) ==
                                                     0) json_array_append(out, line);
    *ret = cel_json_take(c, out);
    return 0;
}

const struct expr_function function_logged = {
    {"logged", false, 1, 1, fn_logged},
    "`logged(COMPONENT)`",
    "what it has written to its log so far, oldest first: `{by, level, message, time}`; the level "
    "is `info`, `warning` or `error`",
    {EXPR_NAMES_NOTHING}};
