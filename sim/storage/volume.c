/* Volumes of the simulated driver: a disk by rule, and real bytes below the world's folder once
 * somebody asks. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/names.h"
#include "sim/storage/storage_priv.h"

/* Blocks of stale content that a new block volume holds, spread over its length: at most 16 MiB. */
#define STALE_BLOCKS_MAX 4096u

struct volume *volume_create(struct storage *st, const char *handle, const char *pv,
                             uint64_t capacity, bool block)
{
    assert(!strmap_get(st->volumes, handle));
    struct volume *v = mem_zalloc(sizeof *v);
    v->storage = st;
    v->handle = mem_strdup(handle);
    v->pv = mem_strdup(pv);
    v->capacity = capacity;
    v->block = block;
    strmap_put(st->volumes, handle, v);
    return v;
}

uint64_t volume_capacity(const struct volume *v)
{
    return v->limit ? v->limit : v->capacity;
}

bool volume_is_block(const struct volume *v)
{
    return v->block;
}

const char *volume_real_path(const struct volume *v)
{
    return v->path;
}

static uint64_t volume_seed(const struct volume *v)
{
    AUTO(str)
    char *label = mem_printf("volume/%s/%s", cluster_name(v->storage->cluster), v->handle);
    struct prng p;
    sched_prng(world_sched(cluster_world(v->storage->cluster)), label, &p);
    return prng_next(&p);
}

struct disk_model *volume_disk(struct volume *v)
{
    if (!v->disk) {
        v->disk = disk_create(volume_seed(v), (v->capacity + DISK_BLOCK - 1) / DISK_BLOCK);
        volume_adopt(v);
    }
    return v->disk;
}

void volume_begin_from(struct volume *v, const struct disk_moment *moment)
{
    assert(!v->disk);
    v->disk = disk_create_from(moment, volume_seed(v));
    uint64_t blocks = (v->capacity + DISK_BLOCK - 1) / DISK_BLOCK;
    if (blocks > disk_blocks(v->disk))
        disk_resize(v->disk, blocks);
}

struct volume *volume_of_pv(struct storage *st, const json_t *pv)
{
    const char *handle = json_str(pv, "spec.csi.volumeHandle");
    if (!handle)
        handle = meta_name(pv);
    struct volume *v = strmap_get(st->volumes, handle);
    if (!v || v->deleted)
        return v ? NULL
                 : volume_create(st, handle, meta_name(pv), (uint64_t)volume_size(pv),
                                 !strcmp(claim_volume_mode(pv), "Block"));
    if (strcmp(v->pv, meta_name(pv))) {
        free(v->pv);
        v->pv = mem_strdup(meta_name(pv));
    }
    return v;
}

/* ---- real bytes ---- */

static void unmount(struct volume *v)
{
    if (!v->mounted_bytes)
        return;
    umount2(v->path, MNT_DETACH);
    rmdir(v->path);
    v->mounted_bytes = 0;
}

void volume_delete(struct volume *v)
{
    v->deleted = true;
    if (!v->path)
        return;
    if (v->mounted_bytes)
        unmount(v);
    else
        folder_remove(v->path);
    free(v->path);
    v->path = NULL;
}

/* Plain folders and files stay: the folder of the case belongs to whoever gave it, and may be kept
 * to look at. */
void volume_destroy(struct volume *v)
{
    if (!v)
        return;
    if (v->path)
        unmount(v);
    disk_destroy(v->disk);
    free(v->handle);
    free(v->pv);
    free(v->path);
    free(v);
}

static uint64_t mounted_in_world(const struct storage *st)
{
    struct world *w = cluster_world(st->cluster);
    uint64_t sum = 0;
    for (size_t i = 0; i < world_cluster_count(w); i++) {
        const struct storage *other = storage_of(world_cluster_at(w, i));
        if (!other)
            continue;
        size_t at = 0;
        const char *handle;
        void *v;
        while (strmap_each(other->volumes, &at, &handle, &v))
            sum += ((const struct volume *)v)->mounted_bytes;
    }
    return sum;
}

static int make_folder(const char *path, struct err *reterr)
{
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_set_errno(reterr, errno, NO_POS, "cannot make the folder of a volume");
    return 0;
}

/* dir/volumes/CLUSTER/HANDLE; the handle of a static volume may hold anything, so such a one is
 * hashed. */
static char *volume_path(const struct volume *v, const char *dir, struct err *reterr)
{
    AUTO(str) char *all = mem_printf("%s/volumes", dir);
    AUTO(str) char *mine = mem_printf("%s/%s", all, cluster_name(v->storage->cluster));
    if (make_folder(all, reterr) < 0 || make_folder(mine, reterr) < 0)
        return NULL;
    if (!name_check_dns1123_subdomain(v->handle))
        return mem_printf("%s/%s", mine, v->handle);
    return mem_printf("%s/static-%016llx", mine, (unsigned long long)prng_hash(0, v->handle));
}

static int make_tmpfs(struct volume *v, const char *path, struct err *reterr)
{
    AUTO(str)
    char *options = mem_printf("size=%llu,mode=0700", (unsigned long long)volume_capacity(v));
    if (mount("vmconform", path, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot mount a volume of %llu bytes",
                             (unsigned long long)volume_capacity(v));
    v->mounted_bytes = volume_capacity(v);
    return 0;
}

static int make_filesystem(struct volume *v, const char *path, struct err *reterr)
{
    bool fits = mounted_in_world(v->storage) + volume_capacity(v) <= TMPFS_TOTAL_MAX;
    bool may = world_can_mount(cluster_world(v->storage->cluster));
    if (v->limit && !may)
        return err_set(reterr, ERR_UNSUPPORTED, NO_POS,
                       "volume '%s' must end at %llu bytes, and this world may not mount", v->pv,
                       (unsigned long long)v->limit);
    if (v->limit && !fits)
        return err_set(
            reterr, ERR_UNSUPPORTED, NO_POS,
            "volume '%s' must end at %llu bytes, more than is left of the %llu for mounts", v->pv,
            (unsigned long long)v->limit, (unsigned long long)TMPFS_TOTAL_MAX);
    if (make_folder(path, reterr) < 0)
        return -1;
    return may && fits ? make_tmpfs(v, path, reterr) : 0;
}

/* What a reused device holds: who restores onto it must write zeros where zeros belong. */
static int write_stale(const struct volume *v, int fd, struct err *reterr)
{
    uint64_t blocks = volume_capacity(v) / CONTENT_BLOCK;
    uint64_t step = (blocks + STALE_BLOCKS_MAX - 1) / STALE_BLOCKS_MAX;
    uint64_t seed = prng_hash(volume_seed(v), "stale");
    unsigned char block[CONTENT_BLOCK];
    for (uint64_t b = 0; b < blocks; b += step) {
        content_fill(seed, b, 1, block);
        ssize_t n = pwrite(fd, block, sizeof block, (off_t)(b * CONTENT_BLOCK));
        if (n != (ssize_t)sizeof block)
            return err_set_errno(reterr, n < 0 ? errno : ENOSPC, NO_POS,
                                 "cannot write the stale content of a block volume");
    }
    return 0;
}

static int make_block(const struct volume *v, const char *path, struct err *reterr)
{
    AUTO(fd) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot make the file of a block volume");
    if (ftruncate(fd, (off_t)volume_capacity(v)) < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot size the file of a block volume");
    return write_stale(v, fd, reterr);
}

int volume_make_real(struct volume *v, const char **ret_path, struct err *reterr)
{
    if (!v->path) {
        const char *dir = world_dir(cluster_world(v->storage->cluster));
        if (!dir)
            return err_set(reterr, ERR_UNSUPPORTED, NO_POS,
                           "volume '%s' needs real files, and this world has no folder", v->pv);
        AUTO(str) char *path = volume_path(v, dir, reterr);
        if (!path)
            return -1;
        /* Set before, so that a mount is undone; taken back when it failed. */
        v->path = mem_strdup(path);
        if ((v->block ? make_block(v, path, reterr) : make_filesystem(v, path, reterr)) < 0) {
            free(v->path);
            v->path = NULL;
            return -1;
        }
    }
    *ret_path = v->path;
    return 0;
}

int volume_grow(struct volume *v, uint64_t capacity, struct err *reterr)
{
    if (capacity <= v->capacity)
        return 0;
    if (v->path && v->block && truncate(v->path, (off_t)capacity) < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot grow a block volume");
    if (v->mounted_bytes && !v->limit) {
        AUTO(str) char *options = mem_printf("size=%llu,mode=0700", (unsigned long long)capacity);
        if (mount("vmconform", v->path, "tmpfs", MS_REMOUNT | MS_NOSUID | MS_NODEV, options) < 0)
            return err_set_errno(reterr, errno, NO_POS, "cannot grow a mounted volume");
        v->mounted_bytes = capacity;
    }
    v->capacity = capacity;
    if (v->disk)
        disk_resize(v->disk, (capacity + DISK_BLOCK - 1) / DISK_BLOCK);
    return 0;
}
