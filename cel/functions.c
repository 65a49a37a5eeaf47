/* The families of standard functions. */
#include "cel/functions.h"

const struct std_family *const std_families[] = {
    &std_strings,  &std_format,   &std_text_search, &std_lists, &std_time,         &std_convert,
    &std_optional, &std_quantity, &std_url,         &std_net,   &std_named_format,
};
const size_t std_family_count = ARRAY_LEN(std_families);

bool text_to_c(const struct cel_value *v, char *out, size_t size)
{
    if (v->u.text.len >= size || memchr(v->u.text.data, '\0', v->u.text.len))
        return false;
    if (v->u.text.len > 0)
        memcpy(out, v->u.text.data, v->u.text.len);
    out[v->u.text.len] = '\0';
    return true;
}
