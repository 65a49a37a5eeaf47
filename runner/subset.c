#include "runner/subset.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"

struct subset {
    subset_diff_fn *fn; /* NULL: nobody asks for paths */
    void *cookie;
};

static bool match(const struct subset *s, const char *path, const json_t *want, const json_t *got);

static bool differ(const struct subset *s, const char *path, const json_t *want, const json_t *got)
{
    if (s->fn)
        s->fn(s->cookie, path, want, got);
    return false;
}

static bool match_map(const struct subset *s, const char *path, const json_t *want,
                      const json_t *got)
{
    const char *key;
    json_t *v;
    bool ok = true;

    if (!json_is_object(got))
        return differ(s, path, want, got);
    json_object_foreach((json_t *)want, key, v)
    {
        AUTO(str)
        char *deeper = s->fn ? mem_printf("%s%s%s", path, *path ? "." : "", key) : NULL;

        ok = match(s, deeper, v, json_object_get(got, key)) && ok;
    }
    return ok;
}

/* The member that identifies the elements of a list of maps, or NULL: then they match by position.
 */
static const char *list_key(const json_t *want)
{
    static const char *const keys[] = {"type", "name"};

    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        size_t i;
        json_t *v;
        bool all = json_array_size(want) > 0;

        json_array_foreach(want, i, v) all = all && json_is_string(json_object_get(v, keys[k]));
        if (all)
            return keys[k];
    }
    return NULL;
}

static const json_t *find_element(const json_t *list, const char *key, const json_t *value)
{
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v) if (json_same(json_object_get(v, key), value)) return v;
    return NULL;
}

static bool match_list(const struct subset *s, const char *path, const json_t *want,
                       const json_t *got)
{
    const char *key = list_key(want);
    size_t i;
    json_t *v;
    bool ok = true;

    if (!json_is_array(got))
        return differ(s, path, want, got);
    if (!key && json_array_size(want) != json_array_size(got))
        return differ(s, path, want, got);
    json_array_foreach(want, i, v)
    {
        const json_t *id = key ? json_object_get(v, key) : NULL;
        AUTO(str)
        char *deeper = !s->fn ? NULL
                       : key  ? mem_printf("%s[%s=%s]", path, key, json_string_value(id))
                              : mem_printf("%s[%zu]", path, i);

        ok = match(s, deeper, v, key ? find_element(got, key, id) : json_array_get(got, i)) && ok;
    }
    return ok;
}

static bool match(const struct subset *s, const char *path, const json_t *want, const json_t *got)
{
    if (json_is_null(want))
        return !got || json_is_null(got) ? true : differ(s, path, want, got);
    if (!got)
        return differ(s, path, want, got);
    if (json_is_object(want))
        return match_map(s, path, want, got);
    if (json_is_array(want))
        return match_list(s, path, want, got);
    return json_same(want, got) ? true : differ(s, path, want, got);
}

bool subset_matches(const json_t *want, const json_t *got, subset_diff_fn *fn, void *cookie)
{
    struct subset s = {fn, cookie};

    return match(&s, "", want, got);
}
