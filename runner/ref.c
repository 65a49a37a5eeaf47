/* From words to objects: kinds, names, clusters. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/casework.h"
#include "runner/unknown.h"

void object_ref_finish(struct object_ref *r)
{
    free(r->ns);
    free(r->name);
    *r = (struct object_ref){0};
}

#define CLUSTERS_TOLD 16 /* in a hint */

struct cluster *find_cluster(struct casework *cw, const char *name, struct src_pos pos,
                             struct err *reterr)
{
    struct cluster *c = world_cluster(cw->world, name);
    const char *known[CLUSTERS_TOLD];
    size_t count = 0;

    if (c)
        return c;
    for (; count < world_cluster_count(cw->world) && count < CLUSTERS_TOLD; count++)
        known[count] = cluster_name(world_cluster_at(cw->world, count));
    unknown_name(NAMED_CLUSTER, name ? name : "main", known, count, pos, reterr);
    return NULL;
}

/* Read in a law or a condition this is only "not true", so a slip of the pen would make a promise
 * that nothing can break; the end of the case looks again. */
static void note_unknown_kind(struct casework *cw, const char *kind)
{
    if (!cw->unknown_kind)
        cw->unknown_kind = mem_strdup(kind);
}

static int no_kind(struct casework *cw, const char *kind, struct err *reterr)
{
    struct cluster *first = world_cluster(cw->world, NULL);

    if (first)
        note_unknown_kind(cw, kind);
    return unknown_kind(first ? cluster_server(first) : NULL, kind, NO_POS, reterr);
}

/* Splits "NS/NAME" and fills in the namespace of namespaced kinds. */
static void fill_name(struct object_ref *r, const char *ns, const char *name)
{
    const char *slash = strchr(name, '/');

    if (slash && r->info.namespaced) {
        r->ns = mem_strndup(name, (size_t)(slash - name));
        r->name = mem_strdup(slash + 1);
        return;
    }
    r->name = mem_strdup(name);
    if (r->info.namespaced)
        r->ns = mem_strdup(ns && *ns ? ns : "default");
}

static int find_in(struct cluster *c, const char *kind, struct object_ref *ret, struct err *reterr)
{
    bool ambiguous = false;

    if (!apiserver_find_any(cluster_server(c), kind, &ret->info, &ambiguous)) {
        if (ambiguous)
            return ambiguous_kind(kind, NO_POS, reterr);
        return 1;
    }
    ret->cluster = c;
    return 0;
}

bool kind_is_known(struct casework *cw, const char *kind)
{
    for (size_t i = 0; i < world_cluster_count(cw->world); i++) {
        struct object_ref ref = {0};

        if (find_in(world_cluster_at(cw->world, i), kind, &ref, NULL) <= 0)
            return true;
    }
    return false;
}

bool kind_is_spelled(struct casework *cw, const char *kind)
{
    for (size_t i = 0; i < world_cluster_count(cw->world); i++) {
        struct object_ref ref = {0};
        int found = find_in(world_cluster_at(cw->world, i), kind, &ref, NULL);

        if (found < 0 || (found == 0 && strcmp(ref.info.kind, kind) == 0))
            return true;
    }
    return false;
}

static int split_kind(const char *kind, const char *cluster, char **ret_kind, char **ret_cluster)
{
    const char *at = strchr(kind, '@');

    *ret_kind = at ? mem_strndup(kind, (size_t)(at - kind)) : mem_strdup(kind);
    *ret_cluster = at ? mem_strdup(at + 1) : cluster && *cluster ? mem_strdup(cluster) : NULL;
    return 0;
}

int resolve_ref(struct casework *cw, const char *kind, const char *ns, const char *name,
                const char *cluster, struct object_ref *ret, struct err *reterr)
{
    AUTO(str) char *plain = NULL;
    AUTO(str) char *where = NULL;
    int found;

    *ret = (struct object_ref){0};
    split_kind(kind, cluster, &plain, &where);
    if (where) {
        struct cluster *c = find_cluster(cw, where, NO_POS, reterr);

        found = c ? find_in(c, plain, ret, reterr) : -1;
    } else {
        found = 1;
        for (size_t i = 0; found == 1 && i < world_cluster_count(cw->world); i++)
            found = find_in(world_cluster_at(cw->world, i), plain, ret, reterr);
    }
    if (found < 0)
        return -1;
    if (found > 0)
        return no_kind(cw, plain, reterr);
    fill_name(ret, ns, name);
    return 0;
}

static json_t *peek(const struct object_ref *r)
{
    return apiserver_peek(cluster_server(r->cluster), r->info.resource.group,
                          r->info.resource.plural, r->ns, r->name);
}

json_t *ref_object(struct casework *cw, const char *kind, const char *ns, const char *name,
                   const char *cluster, struct object_ref *ret, struct err *reterr)
{
    json_t *object;

    if (resolve_ref(cw, kind, ns, name, cluster, ret, reterr) < 0)
        return NULL;
    object = peek(ret);
    if (object || (cluster && *cluster) || strchr(kind, '@'))
        return object;
    for (size_t i = 0; !object && i < world_cluster_count(cw->world); i++) {
        struct object_ref other = *ret;

        if (find_in(world_cluster_at(cw->world, i), kind, &other, NULL) != 0)
            continue;
        object = peek(&other);
        if (object) {
            ret->cluster = other.cluster;
            ret->info = other.info;
        }
    }
    return object;
}
