/* What a push backup leaves on its target claim (kubevirt-csi.md 4.9):
 * MACHINE/BACKUP-TIME/BACKUP-VOLUME.qcow2. The files are there, empty, as soon as the job runs, and
 * hold their data when it ends: a job that is aborted leaves images that open and hold nothing. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/folder.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/prng.h"
#include "qcow2/layer.h"
#include "sim/kubevirt/backup_priv.h"

/* Folders below a claim's root that a tenant may have nested. */
#define DEPTH_MAX 16

static struct volume *target_of(struct kv *kv, const char *ns, const struct job *job,
                                const char **ret_root, struct err *reterr)
{
    struct volume *v = storage_volume(kv->cluster, ns, job->claim);
    if (!v) {
        err_set(reterr, ERR_NOT_FOUND, NO_POS, "claim %s/%s has no volume", ns, job->claim);
        return NULL;
    }
    return volume_make_real(v, ret_root, reterr) < 0 ? NULL : v;
}

/* The bytes of all files below a folder. */
static uint64_t bytes_below(const char *path, unsigned depth)
{
    struct stat st;
    uint64_t sum = 0;
    if (lstat(path, &st) < 0)
        return 0;
    if (!S_ISDIR(st.st_mode))
        return S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    __attribute__((cleanup(cleanup_err))) struct err e = {0};
    AUTO(json) json_t *names = depth < DEPTH_MAX ? folder_names(path, &e) : NULL;
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name)
    {
        AUTO(str) char *below = mem_printf("%s/%s", path, json_string_value(name));
        sum += bytes_below(below, depth + 1);
    }
    return sum;
}

/* A folder, never through a link that a tenant has put there. */
static int make_folder(const char *path, struct err *reterr)
{
    struct stat st;
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        return err_set_errno(reterr, errno, NO_POS, "error creating dir for backup: mkdir");
    if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "error creating dir for backup: not a directory");
    return 0;
}

static char *file_path(const char *root, const struct job *job, const struct job_disk *disk)
{
    return mem_printf("%s/%s/%s-%s.qcow2", root, job->folder, job->backup, disk->volume);
}

/* ---- a claim's file, which ends where the claim does: a volume that is mounted has an end of its
 * own, a plain folder has none ---- */

struct claim_sink {
    struct qcow2_sink sink; /* first: see qcow2/sink.h */
    struct qcow2_sink *file;
    uint64_t room;
};

static int check_room(const struct claim_sink *s, uint64_t offset, uint64_t len,
                      struct qcow2_fault *f)
{
    if (len <= s->room && offset <= s->room - len)
        return 0;
    return qcow2_fault_set(f, QCOW2_NO_SPACE, s->sink.name, offset, "No space left on device");
}

static int claim_write(struct qcow2_sink *sink, uint64_t offset, const void *buf, size_t len,
                       struct qcow2_fault *f)
{
    struct claim_sink *s = (struct claim_sink *)sink;
    return check_room(s, offset, len, f) < 0 ? -1 : qcow2_sink_write(s->file, offset, buf, len, f);
}

static int claim_zero(struct qcow2_sink *sink, uint64_t offset, uint64_t len, struct qcow2_fault *f)
{
    struct claim_sink *s = (struct claim_sink *)sink;
    return check_room(s, offset, len, f) < 0 ? -1 : qcow2_sink_zero(s->file, offset, len, f);
}

static int claim_commit(struct qcow2_sink *sink, uint64_t size, struct qcow2_fault *f)
{
    struct claim_sink *s = (struct claim_sink *)sink;
    return check_room(s, 0, size, f) < 0 ? -1 : qcow2_sink_commit(s->file, size, f);
}

static void claim_destroy(struct qcow2_sink *sink)
{
    struct claim_sink *s = (struct claim_sink *)sink;
    qcow2_sink_destroy(s->file);
    free(s);
}

static const struct qcow2_sink_ops claim_ops = {claim_write, claim_zero, qcow2_sink_no_reader,
                                                claim_commit, claim_destroy};

static struct qcow2_sink *claim_sink(const char *path, uint64_t room, struct qcow2_fault *f)
{
    struct qcow2_sink *file = qcow2_sink_file(path, QCOW2_SINK_NO_SYNC, f);
    if (!file)
        return NULL;
    struct claim_sink *s = mem_zalloc(sizeof *s);
    *s = (struct claim_sink){.sink = {.ops = &claim_ops,
                                      .name = mem_strdup(path),
                                      .fresh = true,
                                      .capacity = UINT64_MAX},
                             .file = file,
                             .room = room};
    return &s->sink;
}

/* One image; from == to makes an empty one. */
static int write_file(const struct kv *kv, const struct job *job, const struct job_disk *disk,
                      const struct disk_moment *from, const char *path, uint64_t room,
                      uint64_t *ret_size, struct err *reterr)
{
    AUTO(str) char *backing = mem_printf("/var/lib/kubevirt/cbt/%s.qcow2", disk->volume);
    bool recorded = disk->from && !kv->knobs.standalone_increments;
    struct qcow2_layer_options o = {
        .backing_name = recorded ? backing : NULL,
        .backing_format = recorded ? "qcow2" : NULL,
        .never = QCOW2_NEVER_ZERO, /* a claim's raw image has holes */
        .scatter_seed = prng_hash(0, job->checkpoint) ^ prng_hash(1, disk->volume),
    };
    __attribute__((cleanup(cleanup_qcow2_fault))) struct qcow2_fault fault = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = claim_sink(path, room, &fault);
    if (!sink)
        return qcow2_fault_move(reterr, &fault);
    if (qcow2_layer_write(sink, from, disk->to, &o, ret_size, &fault) == 0)
        return 0;
    if (fault.defect != QCOW2_NO_SPACE)
        return qcow2_fault_move(reterr, &fault);
    return err_set(reterr, ERR_NO_SPACE, NO_POS, "No space left on device");
}

static uint64_t room_in(const struct volume *v, const char *root)
{
    uint64_t used = bytes_below(root, 0), all = volume_capacity(v);
    return used < all ? all - used : 0;
}

/* What a raw device under the target's name looks like from inside the launcher. */
static int make_placeholder(const char *root, const struct job *job, struct err *reterr)
{
    AUTO(str) char *volume = kv_target_volume(job->backup);
    AUTO(str) char *path = mem_printf("%s/%s.img", root, volume);
    AUTO(fd) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    return fd < 0 ? err_set_errno(reterr, errno, NO_POS, "cannot make a placeholder") : 0;
}

static int begin_disks(struct kv *kv, const struct volume *v, const char *root,
                       const struct job *job, struct err *reterr)
{
    for (size_t i = 0; i < job->disk_count; i++) {
        const struct job_disk *d = &job->disks[i];
        AUTO(str) char *path = file_path(root, job, d);
        uint64_t size;
        if (write_file(kv, job, d, d->to, path, room_in(v, root), &size, reterr) < 0)
            return err_wrap(reterr, NO_POS, "error creating dir for backup");
    }
    return 0;
}

int kv_files_begin(struct kv *kv, const char *ns, struct job *job, struct err *reterr)
{
    const char *root;
    struct volume *v = target_of(kv, ns, job, &root, reterr);
    if (!v)
        return err_wrap(reterr, NO_POS, "error creating dir for backup");
    if (json_bool(job->fault, "rawTarget", false))
        return make_placeholder(root, job, reterr);
    AUTO(str) char *folder = mem_printf("%s/%s", root, job->folder);
    AUTO(str) char *machine = mem_strndup(folder, (size_t)(strrchr(folder, '/') - folder));
    if (make_folder(machine, reterr) < 0 || make_folder(folder, reterr) < 0)
        return -1;
    if (begin_disks(kv, v, root, job, reterr) < 0) {
        folder_remove(folder); /* what failed to start leaves nothing */
        return -1;
    }
    return 0;
}

/* The empty image makes room first, and comes back when what should stand there does not fit. */
static int fill_file(struct kv *kv, const struct volume *v, const char *root, const struct job *job,
                     const struct job_disk *d, struct err *reterr)
{
    AUTO(str) char *path = file_path(root, job, d);
    __attribute__((cleanup(cleanup_err))) struct err again = {0};
    uint64_t size;
    unlink(path);
    if (write_file(kv, job, d, d->from, path, room_in(v, root), &size, reterr) == 0)
        return 0;
    write_file(kv, job, d, d->to, path, room_in(v, root), &size, &again);
    return -1;
}

int kv_files_write(struct kv *kv, const char *ns, struct job *job, struct err *reterr)
{
    const char *root;
    struct volume *v = target_of(kv, ns, job, &root, reterr);
    if (!v)
        return -1;
    for (size_t i = 0; i < job->disk_count; i++) {
        if (fill_file(kv, v, root, job, &job->disks[i], reterr) < 0)
            return -1;
    }
    return 0;
}
