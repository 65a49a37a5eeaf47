/* Volumes that are plugged into a machine and pulled out of it: requests in its status become part
 * of its spec, and of the running instance's (kubevirt-csi.md 1.2). The attachment pod and
 * status.volumeStatus are not simulated: a volume is there as soon as the specs name it. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/kv_priv.h"

static size_t find_name(const json_t *list, const char *name)
{
    size_t i = 0;
    while (i < json_array_size(list) &&
           strcmp(json_str_or_empty(json_array_get(list, i), "name"), name))
        i++;
    return i;
}

static bool has_name(const json_t *list, const char *name)
{
    return find_name(list, name) < json_array_size(list);
}

/* The list at a path of a spec, made when it is missing. Borrowed. */
static json_t *list_at(json_t *spec, const char *path)
{
    if (!json_is_array(json_path(spec, path)))
        json_put_take(spec, path, json_array());
    return (json_t *)json_path(spec, path);
}

static void plug(json_t *spec, const json_t *add)
{
    const char *name = json_str_or_empty(add, "name");
    const json_t *source = json_object_get(add, "volumeSource");
    json_t *volumes = list_at(spec, "volumes"), *disks = list_at(spec, "domain.devices.disks");
    if (!has_name(volumes, name)) {
        json_t *volume = source ? json_copy_of(source) : json_object();
        json_put_str(volume, "name", name);
        json_array_append_new(volumes, volume);
    }
    if (!has_name(disks, name))
        json_array_append_new(disks, json_copy_of(json_object_get(add, "disk")));
}

static void pull(json_t *spec, const json_t *remove)
{
    static const char *const lists[] = {"volumes", "domain.devices.disks"};
    const char *name = json_str_or_empty(remove, "name");
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        json_t *list = (json_t *)json_path(spec, lists[i]);
        if (has_name(list, name))
            json_array_remove(list, find_name(list, name));
    }
}

/* What the spec (the caller's own copy) is after all requests. */
static void apply(json_t *spec, const json_t *requests)
{
    size_t i;
    json_t *request;
    json_array_foreach((json_t *)requests, i, request)
    {
        const json_t *add = json_object_get(request, "addVolumeOptions");
        const json_t *remove = json_object_get(request, "removeVolumeOptions");
        if (add)
            plug(spec, add);
        if (remove)
            pull(spec, remove);
    }
}

static int apply_to(struct kv *kv, const struct kind *k, const json_t *object, const char *path,
                    const json_t *requests, struct err *reterr)
{
    AUTO(json) json_t *copy = json_copy_of(object);
    json_t *spec = (json_t *)json_path(copy, path);
    if (!json_is_object(spec))
        return 0;
    apply(spec, requests);
    if (json_same(copy, object))
        return 0;
    return ctl_update(&kv->vm, k, NULL, copy, reterr);
}

int kv_vm_plug_volumes(struct kv *kv, const json_t *vm, const json_t *vmi, struct err *reterr)
{
    const json_t *requests = json_path(vm, "status.volumeRequests");
    if (!json_array_size(requests))
        return 0;
    int rc = apply_to(kv, &KIND_VM, vm, "spec.template.spec", requests, reterr);
    if (rc || !vmi || meta_deleting(vmi) || kv_vmi_final(vmi))
        return rc;
    return apply_to(kv, &KIND_VMI, vmi, "spec", requests, reterr);
}

static bool is_done(const json_t *request, const json_t *volumes)
{
    const char *added = json_str(request, "addVolumeOptions.name");
    const char *removed = json_str(request, "removeVolumeOptions.name");
    return (!added || has_name(volumes, added)) && (!removed || !has_name(volumes, removed));
}

void kv_vm_trim_volume_requests(const json_t *vm, json_t *status, const json_t *vmi)
{
    json_t *list = json_object_get(status, "volumeRequests");
    bool live = vmi && !meta_deleting(vmi) && !kv_vmi_final(vmi);
    for (size_t i = json_array_size(list); i-- > 0;) {
        const json_t *request = json_array_get(list, i);
        if (is_done(request, kv_vm_volumes(vm)) &&
            (!live || is_done(request, json_path(vmi, "spec.volumes"))))
            json_array_remove(list, i);
    }
    if (list && !json_array_size(list))
        json_object_del(status, "volumeRequests");
}
