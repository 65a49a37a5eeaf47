/* virt-api's webhooks, in the server (kubevirt-csi.md 0.3 item 10, 1.7, 2.2, 3.2). They look at the
 * latest objects, where the real ones look at informers that are nearly as fresh. */
#include <stdarg.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "sim/kubevirt/instancetype_priv.h"

#define HOOK_VM "virtualmachine-validator.kubevirt.io"
#define HOOK_VMI "virtualmachineinstances-mutator.kubevirt.io"
#define HOOK_SNAPSHOT "virtualmachinesnapshot-validator.snapshot.kubevirt.io"
#define HOOK_RESTORE "virtualmachinerestore-validator.snapshot.kubevirt.io"

static bool kv_is_own_user(const struct kv *kv, const char *user)
{
    return user && (!strcmp(user, kv->users->controller) || !strcmp(user, kv->users->handler));
}

/* A denial with causes: 422. */
int kv_hook_deny(struct api_response *ret, const char *hook, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    AUTO(str) char *why = mem_vprintf(fmt, ap);
    va_end(ap);
    AUTO(str) char *text = mem_printf("admission webhook \"%s\" denied the request: %s", hook, why);
    return status_denied(ret, 422, "Invalid", text);
}

int kv_hook_deny_causes(struct api_response *ret, const char *hook, const char *why, json_t *causes)
{
    int rc = kv_hook_deny(ret, hook, "%s", why);
    json_put_take(ret->body, "details.causes", json_incref(causes));
    return rc;
}

int kv_hook_deny_field(struct api_response *ret, const char *hook, const char *reason,
                       const char *field, const char *why)
{
    AUTO(json)
    json_t *causes =
        json_pack("[{s:s, s:s, s:s}]", "reason", reason, "message", why, "field", field);
    return kv_hook_deny_causes(ret, hook, why, causes);
}

/* A plain one: 400, no reason. */
int kv_hook_refuse(struct api_response *ret, const char *hook, const char *why)
{
    AUTO(str) char *text = mem_printf("admission webhook \"%s\" denied the request: %s", hook, why);
    return status_denied(ret, 400, "", text);
}

bool kv_hook_is_write(const struct admission_review *r)
{
    return !r->request->subresource && r->object &&
           (r->request->verb == API_CREATE || r->request->verb == API_UPDATE ||
            r->request->verb == API_PATCH);
}

/* failurePolicy is Fail: without virt-api nothing that it checks can be written. */
int kv_hook_check_up(const struct kv *kv, const char *hook, struct api_response *ret)
{
    if (!kv->api_down)
        return 0;
    return status_internal(ret,
                           "failed calling webhook \"%s\": failed to call webhook: no endpoints "
                           "available for service \"virt-api\"",
                           hook);
}

/* The feature gate of snapshots, which is asked for new objects alone. */
static int check_gate(const struct kv *kv, const char *kind, const char *hook,
                      struct api_response *ret)
{
    const struct fault_attr attrs[] = {{"kind", kind}, {"cluster", cluster_name(kv->cluster)}};
    const json_t *action = fault_hit(world_faults(kv->world), "gate", attrs, ARRAY_LEN(attrs));
    return json_bool(action, "closed", false)
               ? kv_hook_refuse(ret, hook, "snapshot feature gate not enabled")
               : 0;
}

/* An update, or an apply that finds something. */
static bool is_update(const struct admission_review *r)
{
    return r->old != NULL;
}

const char *kv_hook_namespace(const struct admission_review *r)
{
    const char *ns = meta_namespace(r->object);
    return *ns ? ns : r->request->ns ? r->request->ns : "default";
}

/* ---- VirtualMachine ---- */

static int check_strategy(const json_t *vm, struct api_response *ret)
{
    static const char *const known[] = {"Always", "RerunOnFailure", "Manual",
                                        "Halted", "Once",           "WaitAsReceiver"};
    const char *strategy = json_str(vm, "spec.runStrategy");
    const json_t *running = json_path(vm, "spec.running");
    if (strategy && json_is_boolean(running))
        return kv_hook_deny(ret, HOOK_VM,
                            "Running and RunStrategy are mutually exclusive. Note that Running is "
                            "deprecated, please use RunStrategy instead");
    if (!strategy)
        return json_is_boolean(running)
                   ? 0
                   : kv_hook_deny(ret, HOOK_VM, "RunStrategy must be specified");
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (!strcmp(known[i], strategy))
            return 0;
    }
    return kv_hook_deny(ret, HOOK_VM, "Invalid RunStrategy (%s)", strategy);
}

static bool same_at(const json_t *a, const json_t *b, const char *path)
{
    const json_t *x = json_path(a, path), *y = json_path(b, path);
    return (!x && !y) || (x && y && json_same(x, y));
}

static int check_locked(const json_t *vm, const json_t *old, struct api_response *ret)
{
    const char *snapshot = json_str(old, "status.snapshotInProgress");
    const char *restore = json_str(old, "status.restoreInProgress");
    if (snapshot) {
        if (!same_at(vm, old, "spec.template.spec.volumes") ||
            !same_at(vm, old, "spec.template.spec.domain.devices.disks"))
            return kv_hook_deny(ret, HOOK_VM,
                                "Cannot update vm disks or volumes until snapshot \"%s\" completes",
                                snapshot);
        if (!same_at(vm, old, "spec.running") || !same_at(vm, old, "spec.runStrategy"))
            return kv_hook_deny(ret, HOOK_VM,
                                "Cannot update vm running state until snapshot \"%s\" completes",
                                snapshot);
    }
    if (restore && strcmp(kv_run_strategy(vm), kv_run_strategy(old)))
        return kv_hook_deny(ret, HOOK_VM,
                            "Cannot update VM runStrategy until restore \"%s\" completes", restore);
    return 0;
}

static int admit_vm(void *cookie, const struct admission_review *r, struct api_response *ret)
{
    if (r->object && kv_hook_check_up(cookie, HOOK_VM, ret) < 0)
        return -1; /* writes of the status, too */
    if (!kv_hook_is_write(r))
        return 0;
    /* A machine that is going away must be able to lose its finalizers. */
    if (is_update(r) && meta_deleting(r->old))
        return 0;
    if (kv_instancetype_default(r, ret) < 0 || kv_instancetype_admit(cookie, r, ret) < 0 ||
        check_strategy(r->object, ret) < 0)
        return -1;
    return is_update(r) ? check_locked(r->object, r->old, ret) : 0;
}

/* ---- VirtualMachineInstance ---- */

static int admit_vmi(void *cookie, const struct admission_review *r, struct api_response *ret)
{
    if (!kv_hook_is_write(r))
        return 0;
    if (kv_hook_check_up(cookie, HOOK_VMI, ret) < 0)
        return -1;
    if (!is_update(r)) {
        meta_add_finalizer(r->object, FINALIZER_VMI);
        json_put_str(r->object, "status.phase", "Pending");
        return 0;
    }
    /* Others may not write the status: what they sent is silently replaced. */
    if (!kv_is_own_user(cookie, r->request->user)) {
        json_t *status = json_object_get(r->old, "status");
        if (status)
            json_object_set_new(r->object, "status", json_copy_of(status));
        else
            json_object_del(r->object, "status");
    }
    return 0;
}

/* ---- references to a machine ---- */

static int check_reference(const json_t *ref, const char *hook, struct api_response *ret)
{
    const char *group = json_str(ref, "apiGroup");
    if (!group)
        return kv_hook_deny(ret, hook, "missing apiGroup");
    if (strcmp(group, "kubevirt.io"))
        return kv_hook_deny(ret, hook, "invalid apiGroup");
    if (strcmp(json_str_or_empty(ref, "kind"), "VirtualMachine"))
        return kv_hook_deny(ret, hook, "invalid kind");
    return 0;
}

static int check_immutable(const struct admission_review *r, const char *hook,
                           struct api_response *ret)
{
    if (same_at(r->object, r->old, "spec"))
        return 0;
    return kv_hook_deny(ret, hook,
                        "spec in immutable after creation"); /* KubeVirt's own spelling */
}

static int admit_snapshot(void *cookie, const struct admission_review *r, struct api_response *ret)
{
    if (!kv_hook_is_write(r))
        return 0;
    if (kv_hook_check_up(cookie, HOOK_SNAPSHOT, ret) < 0)
        return -1;
    if (is_update(r))
        return check_immutable(r, HOOK_SNAPSHOT, ret);
    if (check_gate(cookie, KIND_SNAPSHOT.kind, HOOK_SNAPSHOT, ret) < 0)
        return -1;
    return check_reference(json_path(r->object, "spec.source"), HOOK_SNAPSHOT, ret);
}

/* ---- VirtualMachineRestore ---- */

static int check_other_restores(struct kv *kv, const struct admission_review *r,
                                struct api_response *ret)
{
    AUTO(json) json_t *all = ctl_peek_all(&kv->restore, &KIND_RESTORE, kv_hook_namespace(r));
    size_t i;
    json_t *other;
    json_array_foreach(all, i, other)
    {
        /* A failed restore never completes, and so stands in the way until it is deleted. */
        if (same_at(r->object, other, "spec.target") && !json_bool(other, "status.complete", false))
            return kv_hook_deny(ret, HOOK_RESTORE, "VirtualMachineRestore \"%s\" in progress",
                                meta_name(other));
    }
    return 0;
}

static int check_restored_snapshot(struct kv *kv, const struct admission_review *r,
                                   struct api_response *ret)
{
    const char *ns = kv_hook_namespace(r);
    AUTO(json)
    json_t *snapshot = ctl_peek(&kv->restore, &KIND_SNAPSHOT, ns,
                                json_str_or_empty(r->object, "spec.virtualMachineSnapshotName"));
    AUTO(json)
    json_t *vm =
        ctl_peek(&kv->restore, &KIND_VM, ns, json_str_or_empty(r->object, "spec.target.name"));
    if (!snapshot)
        return 0;
    if (vm && !json_object_get(snapshot, "status"))
        return status_internal(ret, "failed calling webhook \"%s\": failed to call webhook: EOF",
                               HOOK_RESTORE);
    const char *source = json_str(snapshot, "status.sourceUID");
    if (vm && (!source || !strcmp(source, meta_uid(vm))))
        return 0;
    if (!json_str(snapshot, "status.virtualMachineSnapshotContentName"))
        return kv_hook_refuse(ret, HOOK_RESTORE,
                              "snapshot content name is nil in vmSnapshot status");
    return 0;
}

static int check_patches(const json_t *restore, struct api_response *ret)
{
    static const char *const allowed[] = {"/metadata/labels/", "/metadata/annotations/", "/spec/"};
    size_t i;
    json_t *patch;
    json_array_foreach(json_path(restore, "spec.patches"), i, patch)
    {
        /* KubeVirt does not parse the JSON: it splits at commas and colons. */
        AUTO(str) char *text = mem_strdup(json_string_value(patch));
        char *rest = text, *part;
        while ((part = strsep(&rest, ","))) {
            const char *colon = strchr(part, ':');
            if (!colon || strchr(colon + 1, ':'))
                return kv_hook_deny(
                    ret, HOOK_RESTORE,
                    "patch format is not valid - one \":\" expected in a single key-value "
                    "json patch: %s",
                    part);
            const char *key = strstr(part, "\"path\"");
            if (!key || key > colon)
                continue;
            bool fine = false;
            for (size_t k = 0; k < ARRAY_LEN(allowed); k++)
                fine = fine || strstr(colon, allowed[k]);
            if (!fine)
                return kv_hook_deny(ret, HOOK_RESTORE,
                                    "patching is valid only for elements under /spec/ only: %s",
                                    part);
        }
    }
    return 0;
}

static int check_policy(const json_t *restore, const char *path, const char *what,
                        const char *const *known, size_t count, struct api_response *ret)
{
    const char *policy = json_str(restore, path);
    if (!policy)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(known[i], policy))
            return 0;
    }
    return kv_hook_deny(ret, HOOK_RESTORE, "volume %s policy \"%s\" doesn't exist", what, policy);
}

static int check_overrides(const json_t *restore, struct api_response *ret)
{
    size_t i;
    json_t *override;
    json_array_foreach(json_path(restore, "spec.volumeRestoreOverrides"), i, override)
    {
        if (!*json_str_or_empty(override, "volumeName"))
            return kv_hook_deny(ret, HOOK_RESTORE, "must provide a volume name");
        if (!*json_str_or_empty(override, "restoreName") &&
            !json_object_size(json_object_get(override, "labels")) &&
            !json_object_size(json_object_get(override, "annotations")))
            return kv_hook_deny(ret, HOOK_RESTORE, "must provide at least one overriden field");
    }
    return 0;
}

static int admit_restore(void *cookie, const struct admission_review *r, struct api_response *ret)
{
    static const char *const volume_policies[] = {"RandomizeNames", "InPlace", "PrefixTargetName"};
    static const char *const owner_policies[] = {"Vm", "None"};
    struct kv *kv = cookie;
    if (!kv_hook_is_write(r))
        return 0;
    if (kv_hook_check_up(kv, HOOK_RESTORE, ret) < 0)
        return -1;
    if (is_update(r))
        return check_immutable(r, HOOK_RESTORE, ret);
    if (check_gate(kv, KIND_RESTORE.kind, HOOK_RESTORE, ret) < 0 ||
        check_reference(json_path(r->object, "spec.target"), HOOK_RESTORE, ret) < 0 ||
        check_other_restores(kv, r, ret) < 0 || check_restored_snapshot(kv, r, ret) < 0 ||
        check_patches(r->object, ret) < 0 || check_overrides(r->object, ret) < 0 ||
        check_policy(r->object, "spec.volumeRestorePolicy", "restore", volume_policies,
                     ARRAY_LEN(volume_policies), ret) < 0)
        return -1;
    return check_policy(r->object, "spec.volumeOwnershipPolicy", "ownership", owner_policies,
                        ARRAY_LEN(owner_policies), ret);
}

void kv_admission_start(struct kv *kv)
{
    struct apiserver *a = cluster_server(kv->cluster);
    apiserver_admit(a, KIND_VM.group, KIND_VM.plural, admit_vm, kv);
    apiserver_admit(a, KIND_VMI.group, KIND_VMI.plural, admit_vmi, kv);
    apiserver_admit(a, KIND_SNAPSHOT.group, KIND_SNAPSHOT.plural, admit_snapshot, kv);
    apiserver_admit(a, KIND_RESTORE.group, KIND_RESTORE.plural, admit_restore, kv);
    kv_backup_admission_start(kv);
}
