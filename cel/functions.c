/* The families of standard functions: each is a line of families.list. */
#include "cel/functions.h"

#define FAMILY(name, file) extern const struct std_family std_##name;
#include "cel/families.list"
#undef FAMILY

const struct std_family *const std_families[] = {
#define FAMILY(name, file) &std_##name,
#include "cel/families.list"
#undef FAMILY
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

bool std_is_known(const struct cel_env *env, const struct std_family *family,
                  const struct cel_std *row)
{
    return family->standard ? env->standard : env_has(env, row->since);
}
