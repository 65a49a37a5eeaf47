/* The ControllerRevision that keeps an instance type or a preference as a machine saw it first
 * (delete-protection.md 4.1). Its data never changes; who changes the type makes another one. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/instancetype_priv.h"

/* "v1beta1" of "instancetype.kubevirt.io/v1beta1". */
static const char *version_of(const json_t *type)
{
    const char *slash = strchr(meta_api_version(type), '/');
    return slash ? slash + 1 : INSTANCETYPE_VERSION;
}

char *kv_type_revision_name(const char *vm, const json_t *type)
{
    return mem_printf("%s-%s-%s-%s-%lld", vm, meta_name(type), version_of(type), meta_uid(type),
                      (long long)meta_generation(type));
}

static void label(json_t *revision, const json_t *type)
{
    AUTO(str) char *generation = mem_printf("%lld", (long long)meta_generation(type));
    meta_set_label(revision, REVISION_LABEL("generation"), generation);
    meta_set_label(revision, REVISION_LABEL("kind"), meta_kind(type));
    meta_set_label(revision, REVISION_LABEL("name"), meta_name(type));
    meta_set_label(revision, REVISION_LABEL("uid"), meta_uid(type));
    meta_set_label(revision, REVISION_LABEL("version"), version_of(type));
}

/* What others hung on the type is not part of it. */
static json_t *trimmed(const json_t *type)
{
    static const char *const dropped[] = {"labels", "annotations", "finalizers", "ownerReferences",
                                          "managedFields"};
    json_t *data = json_copy_of(type);
    for (size_t i = 0; i < ARRAY_LEN(dropped); i++)
        json_object_del(json_object_get(data, "metadata"), dropped[i]);
    return data;
}

static void own(json_t *revision, const json_t *owner)
{
    json_t *owners = json_array();
    json_array_append_new(owners, meta_owner_ref(owner, true, true));
    json_put_take(revision, "metadata.ownerReferences", owners);
}

json_t *kv_type_revision(const json_t *vm, const json_t *type)
{
    AUTO(str) char *name = kv_type_revision_name(meta_name(vm), type);
    json_t *revision = ctl_object(&KIND_REVISION, meta_namespace(vm), name);
    label(revision, type);
    own(revision, vm);
    json_put_take(revision, "data", trimmed(type));
    json_put_take(revision, "revision", json_integer(0));
    return revision;
}

const json_t *kv_type_revision_spec(const json_t *revision)
{
    const char *kind = json_str_or_empty(revision, "data.kind");
    for (int m = 0; m < MATCHER_COUNT; m++) {
        if (!strcmp(kind, kv_matchers[m].own.kind) || !strcmp(kind, kv_matchers[m].shared.kind))
            return json_path(revision, "data.spec");
    }
    return NULL;
}

/* The specs count; whose they are, and what else is written there, does not. */
bool kv_type_revision_equal(const json_t *a, const json_t *b)
{
    const json_t *x = kv_type_revision_spec(a), *y = kv_type_revision_spec(b);
    return x && y && json_same(x, y);
}

int kv_type_revision_ensure(struct kv *kv, const json_t *revision, struct err *reterr)
{
    bool made;
    int rc = ctl_ensure(&kv->vm, &KIND_REVISION, revision, &made, reterr);
    if (rc)
        return err_pending(reterr)
                   ? (err_wrap(reterr, NO_POS, "failed to create ControllerRevision"), rc)
                   : rc;
    if (made)
        return 0;
    AUTO(json)
    json_t *there =
        ctl_peek(&kv->vm, &KIND_REVISION, meta_namespace(revision), meta_name(revision));
    if (kv_type_revision_equal(revision, there))
        return 0; /* as it is: nobody looks at its owner */
    err_set(reterr, ERR_INVALID, NO_POS,
            "found existing ControllerRevision with unexpected data: %s", meta_name(revision));
    return -422;
}

/* The first `from` becomes `to`. New. */
static char *renamed(const char *name, const char *from, const char *to)
{
    const char *at = *from ? strstr(name, from) : NULL;
    return at ? mem_printf("%.*s%s%s", (int)(at - name), name, to, at + strlen(from))
              : mem_strdup(name);
}

json_t *kv_type_revision_copy(const json_t *revision, const char *from, const json_t *owner,
                              const char *to)
{
    AUTO(str) char *name = renamed(meta_name(revision), from, to);
    json_t *copy = ctl_object(&KIND_REVISION, meta_namespace(revision), name);
    const json_t *labels = json_path(revision, "metadata.labels");
    if (labels)
        json_put_take(copy, "metadata.labels", json_copy_of(labels));
    if (owner)
        own(copy, owner);
    json_put_take(copy, "data", json_copy_of(json_object_get(revision, "data")));
    json_put_take(copy, "revision", json_integer(json_int(revision, "revision", 0)));
    return copy;
}
