/* The view over types: what every implementation shares. */
#include "kube/fields/typed.h"

struct typed_info typed_info_of(struct typed t)
{
    return t.ops ? t.ops->info(t.node, t.aux) : (struct typed_info){.open = true};
}

bool typed_member(struct typed t, const char *name, struct typed *ret)
{
    return t.ops && t.ops->member && t.ops->member(t.node, t.aux, name, ret);
}

struct typed typed_item(struct typed t)
{
    return t.ops && t.ops->item ? t.ops->item(t.node, t.aux) : typed_any();
}

const json_t *typed_default_of(struct typed t, const char *name)
{
    return t.ops && t.ops->default_of ? t.ops->default_of(t.node, t.aux, name) : NULL;
}

json_t *typed_zero(struct typed t)
{
    return t.ops && t.ops->zero ? t.ops->zero(t.node, t.aux) : json_object();
}
