/* From a container's volumeMounts and volumeDevices to real paths: claims through storage,
 * everything else as a folder of the pod. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/folder.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubelet/kubelet_priv.h"

/* Makes each folder of path below the world's own. */
static int make_folders(const char *path, size_t from, struct err *reterr)
{
    AUTO(str) char *part = mem_strdup(path);
    for (char *p = part + from; *p; p++) {
        if (*p != '/' || p == part)
            continue;
        *p = '\0';
        if (mkdir(part, 0700) < 0 && errno != EEXIST)
            return err_set_errno(reterr, errno, NO_POS, "cannot make the folder of a pod");
        *p = '/';
    }
    if (mkdir(part, 0700) < 0 && errno != EEXIST)
        return err_set_errno(reterr, errno, NO_POS, "cannot make the folder of a pod");
    return 0;
}

/* New path of one of the pod's own volumes. */
static char *own_volume(struct podrun *run, const json_t *pod, const char *volume,
                        struct err *reterr)
{
    const char *dir = world_dir(cluster_world(run->kubelet->cluster));
    if (!dir) {
        err_set(reterr, ERR_UNSUPPORTED, NO_POS,
                "volume '%s' of pod '%s' needs real files, and this world has no folder", volume,
                meta_name(pod));
        return NULL;
    }
    if (!run->folder)
        run->folder =
            mem_printf("%s/pods/%s/%s", dir, cluster_name(run->kubelet->cluster), meta_uid(pod));
    AUTO(str) char *path = mem_printf("%s/%s", run->folder, volume);
    return make_folders(path, strlen(dir) + 1, reterr) < 0 ? NULL : TAKE(path);
}

static char *claim_path(struct podrun *run, const json_t *pod, const char *claim, bool block,
                        struct err *reterr)
{
    const char *path = NULL;
    struct volume *v = storage_volume(run->kubelet->cluster, meta_namespace(pod), claim);
    if (!v)
        err_set(reterr, ERR_NOT_FOUND, NO_POS, "claim '%s' is not bound", claim);
    else if (volume_is_block(v) != block)
        err_set(reterr, ERR_INVALID, NO_POS, "claim '%s' is a %s volume and used as the other",
                claim, block ? "Filesystem" : "Block");
    else if (volume_make_real(v, &path, reterr) == 0)
        return mem_strdup(path);
    return NULL;
}

static bool is_safe(const char *sub_path)
{
    return *sub_path != '/' && !strstr(sub_path, "..");
}

/* Steals nothing; host_path is what the volume gave. */
static char *with_sub_path(const char *host_path, const char *sub_path, struct err *reterr)
{
    if (!*sub_path)
        return mem_strdup(host_path);
    if (!is_safe(sub_path)) {
        err_set(reterr, ERR_INVALID, NO_POS, "subPath '%s' leads out of its volume", sub_path);
        return NULL;
    }
    AUTO(str) char *path = mem_printf("%s/%s", host_path, sub_path);
    return make_folders(path, strlen(host_path) + 1, reterr) < 0 ? NULL : TAKE(path);
}

static int add_mount(struct podrun *run, const json_t *pod, const json_t *mount, bool block,
                     struct err *reterr)
{
    const char *name = json_str_or_empty(mount, "name");
    const json_t *volume = json_find(json_path(pod, "spec.volumes"), "name", name);
    const char *claim = json_str_or_empty(volume, "persistentVolumeClaim.claimName");
    const char *path = json_str_or_empty(mount, block ? "devicePath" : "mountPath");
    if (!volume)
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "pod '%s' has no volume '%s'", meta_name(pod),
                       name);
    AUTO(str)
    char *base =
        *claim ? claim_path(run, pod, claim, block, reterr) : own_volume(run, pod, name, reterr);
    if (!base)
        return -1;
    AUTO(str) char *host_path = with_sub_path(base, json_str_or_empty(mount, "subPath"), reterr);
    if (!host_path)
        return -1;
    bool read_only = json_bool(mount, "readOnly", false) ||
                     json_bool(volume, "persistentVolumeClaim.readOnly", false);
    run->mounts = mem_reallocarray(run->mounts, run->mount_count + 1, sizeof *run->mounts);
    run->mounts[run->mount_count++] = (struct pod_mount){.path = mem_strdup(path),
                                                         .host_path = TAKE(host_path),
                                                         .claim = *claim ? mem_strdup(claim) : NULL,
                                                         .block = block,
                                                         .read_only = read_only};
    return 0;
}

int podrun_mount(struct podrun *run, const json_t *pod, struct err *reterr)
{
    const json_t *container = json_array_get(json_path(pod, "spec.containers"), 0);
    size_t i;
    json_t *mount;
    podrun_finish_mounts(run);
    json_array_foreach(json_path(container, "volumeMounts"), i, mount)
    {
        if (add_mount(run, pod, mount, false, reterr) < 0)
            return -1;
    }
    json_array_foreach(json_path(container, "volumeDevices"), i, mount)
    {
        if (add_mount(run, pod, mount, true, reterr) < 0)
            return -1;
    }
    return 0;
}

void podrun_finish_mounts(struct podrun *run)
{
    for (size_t i = 0; i < run->mount_count; i++) {
        free((char *)run->mounts[i].path);
        free((char *)run->mounts[i].host_path);
        free((char *)run->mounts[i].claim);
    }
    free(run->mounts);
    run->mounts = NULL;
    run->mount_count = 0;
}

void podrun_remove_folder(struct podrun *run)
{
    if (run->folder)
        folder_remove(run->folder);
    free(run->folder);
    run->folder = NULL;
}
