/* Revisions that an older KubeVirt made in an older API version (delete-protection.md 4.4): a new
 * one takes their place, then they go. That one cannot be deleted is no failure: it is left. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/instancetype_priv.h"

/* What stands in it, in the API version of now. New. */
static json_t *converted(const json_t *revision)
{
    json_t *type = json_copy_of(json_object_get(revision, "data"));
    json_put_str(type, "apiVersion", INSTANCETYPE_GROUP "/" INSTANCETYPE_VERSION);
    return type;
}

/* Replaces the old name where it stands: test, then replace, so that somebody else's change of it
 * is not lost. */
static int point_to(struct kv *kv, const json_t *vm, const char *path, const char *subresource,
                    const char *from, const char *to, struct err *reterr)
{
    AUTO(json)
    json_t *patch = json_pack("[{s:s, s:s, s:s}, {s:s, s:s, s:s}]", "op", "test", "path", path,
                              "value", from, "op", "replace", "path", path, "value", to);
    return ctl_patch(&kv->vm, &KIND_VM, meta_namespace(vm), meta_name(vm), subresource, PATCH_JSON,
                     patch, reterr);
}

/* In the status, and where a name in the spec is the same, there as well: it would win. */
static int point_machine(struct kv *kv, const json_t *vm, enum matcher m, const char *from,
                         const char *to, struct err *reterr)
{
    AUTO(str) char *spec = mem_printf("/spec/%s/revisionName", kv_matchers[m].word);
    AUTO(str)
    char *status = mem_printf("/status/%s/controllerRevisionRef/name", kv_matchers[m].ref);
    int rc = 0;
    if (!strcmp(kv_revision_in_spec(vm, m), from))
        rc = point_to(kv, vm, spec, NULL, from, to, reterr);
    if (!rc && kv_since(kv, KV_1_5) && !strcmp(kv_revision_in_status(vm, m), from))
        rc = point_to(kv, vm, status, "status", from, to, reterr);
    return rc;
}

static bool is_current(const json_t *revision)
{
    const char *version = meta_label(revision, REVISION_LABEL("version"));
    return version && !strcmp(version, INSTANCETYPE_VERSION);
}

static int upgrade(struct kv *kv, const json_t *vm, enum matcher m, struct err *reterr)
{
    const char *ns = meta_namespace(vm), *old_name = kv_revision_recorded(kv, vm, m);
    if (!kv_matcher(vm, m) || !*old_name)
        return 0;
    AUTO(json) json_t *old = ctl_peek(&kv->vm, &KIND_REVISION, ns, old_name);
    if (!old) {
        err_set(reterr, ERR_NOT_FOUND, NO_POS, "%s.%s \"%s\" not found", KIND_REVISION.plural,
                KIND_REVISION.group, old_name);
        return -404;
    }
    if (is_current(old))
        return 0;
    AUTO(json) json_t *type = converted(old);
    AUTO(json) json_t *revision = kv_type_revision(vm, type);
    /* One that is there already, of a pass that was cut short, is an error every time. */
    int rc = ctl_create(&kv->vm, &KIND_REVISION, revision, NULL, reterr);
    if (rc || (rc = point_machine(kv, vm, m, old_name, meta_name(revision), reterr)))
        return rc;
    __attribute__((cleanup(cleanup_err))) struct err ignored = {0};
    rc = ctl_delete(&kv->vm, &KIND_REVISION, ns, old_name, NULL, &ignored);
    return rc == -1 ? err_move(reterr, &ignored) : 0;
}

int kv_revision_upgrade(struct kv *kv, const json_t *vm, struct err *reterr)
{
    for (int m = 0; m < MATCHER_COUNT; m++) {
        AUTO(json) json_t *now = ctl_peek(&kv->vm, &KIND_VM, meta_namespace(vm), meta_name(vm));
        int rc = now ? upgrade(kv, now, (enum matcher)m, reterr) : 0;
        if (rc)
            return rc;
    }
    return 0;
}
