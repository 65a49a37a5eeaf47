/* See unknown.h. */
#include "runner/unknown.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "components/component.h"

/* What is said of a name: these words, the name in quotes, and those behind it. */
static const struct {
    enum err_code code;
    const char *before, *behind;
} words[NAMED_COUNT] = {
    [NAMED_CLUSTER] = {ERR_NOT_FOUND, "no cluster is called", ""},
    [NAMED_FAULT] = {ERR_NOT_FOUND, "no fault is called", ""},
    [NAMED_ACTOR] = {ERR_NOT_FOUND, "nobody who acts is called", ""},
    [NAMED_RUNNING] = {ERR_INVALID, "component", " does not run"},
    [NAMED_CHAIN] = {ERR_INVALID, "no chain is called", ""},
    [NAMED_CHAIN_DISK] = {ERR_INVALID, "the chain has no disk", ""},
    [NAMED_CHECKPOINT] = {ERR_INVALID, "the chain has no checkpoint", ""},
    [NAMED_MARK] = {ERR_INVALID, "no step marks the moment", ""},
};

int unknown_name(enum named what, const char *name, const char *const *known, size_t count,
                 struct src_pos pos, struct err *reterr)
{
    assert(what < NAMED_COUNT && words[what].before);
    err_set(reterr, words[what].code, pos, "%s '%s'%s", words[what].before, name,
            words[what].behind);
    return err_suggest_known(reterr, name, known, count);
}

int no_chain_moment(const char *moment, struct src_pos pos, struct err *reterr)
{
    return err_set(reterr, ERR_INVALID, pos, "expected CHAIN/DISK@CHECKPOINT, found '%s'", moment);
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
