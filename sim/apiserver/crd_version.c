/* What a deprecated version of an API says. */

#include "base/json.h"
#include "base/mem.h"
#include "sim/apiserver/catalog.h"
#include "sim/apiserver/crd.h"

/* The newest version that is served, not deprecated, and newer; NULL when there is none. */
static const char *better_version(const struct crd *c, const json_t *versions, const char *name)
{
    const char *best = NULL;
    for (size_t i = 0; i < c->version_count; i++) {
        const char *other = c->versions[i].name;
        if (c->versions[i].served && !json_bool(json_array_get(versions, i), "deprecated", false) &&
            catalog_compare_versions(other, name) < 0 &&
            (!best || catalog_compare_versions(other, best) < 0))
            best = other;
    }
    return best;
}

char *crd_version_warning(const struct crd *c, size_t i)
{
    const json_t *versions = json_path(c->object, "spec.versions");
    const json_t *src = json_array_get(versions, i);
    if (!json_bool(src, "deprecated", false))
        return NULL;
    const char *own = json_str(src, "deprecationWarning");
    if (own)
        return mem_strdup(own);
    const char *name = c->versions[i].name, *best = better_version(c, versions, name);
    if (!best)
        return mem_printf("%s/%s %s is deprecated", c->group, name, c->kind);
    return mem_printf("%s/%s %s is deprecated; use %s/%s %s", c->group, name, c->kind, c->group,
                      best, c->kind);
}
