#include "components/item_action.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/mem.h"

void item_action_output_finish(struct item_action_output *o)
{
    json_decref(o->item);
    json_decref(o->additional);
    json_decref(o->warnings);
    free(o->operation);
    *o = (struct item_action_output){0};
}

void item_action_warn(struct item_action_output *o, const char *fmt, ...)
{
    AUTO(str) char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = mem_vprintf(fmt, ap);
    va_end(ap);
    if (!o->warnings)
        o->warnings = json_array();
    json_array_append_new(o->warnings, json_string(text));
}
