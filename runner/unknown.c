/* See unknown.h. */
#include "runner/unknown.h"

#include <string.h>

#include "base/mem.h"
#include "components/component.h"

int unknown_cluster(const char *name, const char *const *known, size_t count, struct src_pos pos,
                    struct err *reterr)
{
    err_set(reterr, ERR_NOT_FOUND, pos, "no cluster is called '%s'", name);
    return err_suggest_known(reterr, name, known, count);
}

int unknown_fault(const char *name, const char *const *known, size_t count, struct src_pos pos,
                  struct err *reterr)
{
    err_set(reterr, ERR_NOT_FOUND, pos, "no fault is called '%s'", name);
    return err_suggest_known(reterr, name, known, count);
}

int unknown_chain(const char *name, const char *const *known, size_t count, struct src_pos pos,
                  struct err *reterr)
{
    err_set(reterr, ERR_INVALID, pos, "no chain is called '%s'", name);
    return err_suggest_known(reterr, name, known, count);
}

int unknown_chain_disk(const char *name, const char *const *known, size_t count, struct src_pos pos,
                       struct err *reterr)
{
    err_set(reterr, ERR_INVALID, pos, "the chain has no disk '%s'", name);
    return err_suggest_known(reterr, name, known, count);
}

int unknown_checkpoint(const char *name, const char *const *known, size_t count, struct src_pos pos,
                       struct err *reterr)
{
    err_set(reterr, ERR_INVALID, pos, "the chain has no checkpoint '%s'", name);
    return err_suggest_known(reterr, name, known, count);
}

int unknown_mark(const char *name, const char *const *known, size_t count, struct src_pos pos,
                 struct err *reterr)
{
    err_set(reterr, ERR_INVALID, pos, "no step marks the moment '%s'", name);
    return err_suggest_known(reterr, name, known, count);
}

int no_chain_moment(const char *moment, struct src_pos pos, struct err *reterr)
{
    return err_set(reterr, ERR_INVALID, pos, "expected CHAIN/DISK@CHECKPOINT, found '%s'", moment);
}

int unknown_actor(const char *name, const char *const *known, size_t count, struct src_pos pos,
                  struct err *reterr)
{
    err_set(reterr, ERR_NOT_FOUND, pos, "nobody who acts is called '%s'", name);
    return err_suggest_known(reterr, name, known, count);
}

int unknown_component(const char *name, struct src_pos pos, struct err *reterr)
{
    const char *near = component_nearest(name);
    AUTO(str)
    char *rest = mem_printf("%sa program of yours (--implementation %s=external)",
                            near ? ", or " : "", name);
    AUTO(str) char *meant = err_did_you_mean(near, rest);

    return err_set(reterr, ERR_NOT_FOUND, pos, "no component is called '%s'; %s", name, meant);
}

int component_down(const char *name, const char *const *known, size_t count, struct src_pos pos,
                   struct err *reterr)
{
    err_set(reterr, ERR_INVALID, pos, "component '%s' does not run", name);
    return err_suggest_known(reterr, name, known, count);
}

static int suggest_kind(const struct apiserver *a, const char *kind, struct err *reterr)
{
    size_t count = 0;
    const char *const *kinds = a ? apiserver_kinds(a, &count) : NULL;

    return err_suggest(reterr, kind, kinds, count, NULL);
}

int unknown_kind(const struct apiserver *a, const char *kind, struct src_pos pos,
                 struct err *reterr)
{
    err_set(reterr, ERR_NOT_FOUND, pos, "no cluster knows the kind '%s'", kind);
    return suggest_kind(a, kind, reterr);
}

int ambiguous_kind(const char *kind, struct src_pos pos, struct err *reterr)
{
    return err_set(reterr, ERR_INVALID, pos, "several groups have the kind '%s'; write KIND.GROUP",
                   kind);
}

int unknown_manifest(const struct apiserver *a, const char *cluster, const char *version,
                     const char *kind, struct src_pos pos, struct err *reterr)
{
    struct resource_info info;
    bool ambiguous = false;

    err_set(reterr, ERR_NOT_FOUND, pos, "cluster '%s' does not know %s, kind %s", cluster, version,
            kind);
    if (apiserver_find_any(a, kind, &info, &ambiguous) && strcmp(info.kind, kind) == 0)
        return err_hint(reterr, "%s is of %s%s%s", kind, info.resource.group,
                        *info.resource.group ? "/" : "", info.resource.version);
    return suggest_kind(a, kind, reterr);
}
