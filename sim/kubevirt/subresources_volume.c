/* addvolume and removevolume of a machine: noted in its status, done by the VM controller
 * (vm_volumes.c). Texts are unverified. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/subresources.h"

#define REQUESTS_MAX 100u

static const char *source_claim(const json_t *source)
{
    const char *claim = json_str(source, "persistentVolumeClaim.claimName");
    return claim ? claim : json_str(source, "dataVolume.name");
}

static bool is_pending(const struct subcall *s, const char *options, const char *name)
{
    const json_t *list = json_path(s->vm, "status.volumeRequests");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_object_get(json_array_get(list, i), options);
        if (!strcmp(json_str_or_empty(one, "name"), name) && *name)
            return true;
    }
    return false;
}

static int note(struct subcall *s, const char *options, const char *name, json_t *value /* taken */)
{
    AUTO(json) json_t *request = json_object();
    json_object_set_new(request, options, value);
    const json_t *pending = json_path(s->vm, "status.volumeRequests");
    if (is_pending(s, "addVolumeOptions", name))
        return kv_sub_conflict_vm(
            s, "add volume request for volume [%s] already exists and is still being processed",
            name);
    if (is_pending(s, "removeVolumeOptions", name))
        return kv_sub_conflict_vm(
            s, "remove volume request for volume [%s] already exists and is still being processed",
            name);
    if (json_array_size(pending) >= REQUESTS_MAX)
        return kv_sub_conflict_vm(s, "too many volume requests are still being processed");
    AUTO(json) json_t *patch = json_object();
    json_t *list = pending ? json_copy_of(pending) : json_array();
    json_array_append(list, request);
    json_put_take(patch, "status.volumeRequests", list);
    if (kv_sub_patch(s, &KIND_VM, "status", PATCH_MERGE, patch) < 0)
        return -1;
    return kv_sub_accepted(s);
}

/* ---- add ---- */

static int check_add(struct subcall *s)
{
    const json_t *source = json_object_get(s->options, "volumeSource");
    if (!s->options)
        return status_bad_request(
            s->ret, "Request with no body, a new name is expected as the request body");
    if (!*json_str_or_empty(s->options, "name"))
        return status_bad_request(s->ret, "AddVolumeOptions requires name to be set");
    if (!json_is_object(json_object_get(s->options, "disk")))
        return status_bad_request(s->ret, "AddVolumeOptions requires disk to not be nil");
    if (!json_is_object(source) || !source_claim(source))
        return status_bad_request(s->ret, "AddVolumeOptions requires VolumeSource to not be nil");
    return 0;
}

static int check_free(struct subcall *s, const char *name, const char *claim)
{
    size_t i;
    json_t *volume;
    json_array_foreach((json_t *)kv_vm_volumes(s->vm), i, volume)
    {
        const char *used = kv_volume_claim(volume);
        if (!strcmp(json_str_or_empty(volume, "name"), name))
            return kv_sub_conflict_vm(
                s, "Unable to add volume [%s] because volume with that name already exists", name);
        if (used && !strcmp(used, claim))
            return kv_sub_conflict_vm(
                s, "Unable to add volume source [%s] because it already exists", claim);
    }
    return 0;
}

int kv_sub_vm_addvolume(struct subcall *s)
{
    if (check_add(s) < 0)
        return -1;
    const char *name = json_str(s->options, "name");
    if (check_free(s, name, source_claim(json_object_get(s->options, "volumeSource"))) < 0)
        return -1;
    AUTO(json) json_t *options = json_copy_of(s->options);
    bool claim = json_path(options, "volumeSource.persistentVolumeClaim") != NULL;
    json_put_str(options, "disk.name", name);
    json_put_take(options,
                  claim ? "volumeSource.persistentVolumeClaim.hotpluggable"
                        : "volumeSource.dataVolume.hotpluggable",
                  json_true());
    return note(s, "addVolumeOptions", name, TAKE(options));
}

/* ---- remove ---- */

int kv_sub_vm_removevolume(struct subcall *s)
{
    const char *name = json_str_or_empty(s->options, "name");
    if (!s->options)
        return status_bad_request(
            s->ret, "Request with no body, a new name is expected as the request body");
    if (!*name)
        return status_bad_request(s->ret, "RemoveVolumeOptions requires name to be set");
    const json_t *volume = json_find(kv_vm_volumes(s->vm), "name", name);
    if (!volume)
        return kv_sub_conflict_vm(s, "Unable to remove volume [%s] because it does not exist",
                                  name);
    if (!json_bool(volume, "persistentVolumeClaim.hotpluggable", false) &&
        !json_bool(volume, "dataVolume.hotpluggable", false))
        return kv_sub_conflict_vm(s, "Unable to remove volume [%s] because it is not hotpluggable",
                                  name);
    return note(s, "removeVolumeOptions", name, json_copy_of(s->options));
}
