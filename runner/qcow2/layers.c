#include "runner/qcow2/layers.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "qcow2/image.h"
#include "runner/commands.h"
#include "runner/qcow2/command.h"

/* ---- the limit of open files ---- */

#define DESCRIPTORS_ROOM 64u /* beside the layers, when the system lets us */
#define DESCRIPTORS_NEED 8u

static int raise_limit(size_t count, struct qcow2_fault *retfault)
{
    struct rlimit limit;
    rlim_t want = (rlim_t)count + DESCRIPTORS_ROOM;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return qcow2_fault_errno(retfault, errno, "open files", "cannot find the limit");
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= want)
        return 0;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < (rlim_t)count + DESCRIPTORS_NEED) {
        qcow2_fault_set(retfault, QCOW2_IO, "open files", QCOW2_NO_OFFSET,
                        "%zu layers need %llu, but the system allows %llu", count,
                        (unsigned long long)count + DESCRIPTORS_NEED,
                        (unsigned long long)limit.rlim_max);
        return err_hint(&retfault->err, "raise the hard limit ('ulimit -Hn')");
    }
    limit.rlim_cur =
        limit.rlim_max == RLIM_INFINITY || limit.rlim_max > want ? want : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return qcow2_fault_errno(retfault, errno, "open files", "cannot raise the limit");
    return 0;
}

/* ---- files ---- */

static bool after_prefix(const char *operand, const char *prefix, const char **ret_path)
{
    size_t len = strlen(prefix);

    if (strncmp(operand, prefix, len) != 0)
        return false;
    *ret_path = operand + len;
    return true;
}

static int begins_as_qcow2(struct qcow2_io *io, bool *ret, struct qcow2_fault *retfault)
{
    static const unsigned char magic[4] = {'Q', 'F', 'I', 0xfb};
    unsigned char start[sizeof magic];

    *ret = false;
    if (io->size < sizeof magic)
        return 0;
    if (qcow2_io_read(io, 0, start, sizeof start, retfault) < 0)
        return -1;
    *ret = memcmp(start, magic, sizeof magic) == 0;
    return 0;
}

static struct qcow2_io *open_file(const char *path, struct qcow2_fault *retfault)
{
    struct qcow2_io *io = qcow2_io_open(path, QCOW2_IO_DEVICE, retfault);
    struct stat st;

    if (!io && retfault->defect == QCOW2_NOT_REGULAR && lstat(path, &st) == 0 &&
        S_ISLNK(st.st_mode))
        err_hint(&retfault->err, "links are not followed; name the file that it points at");
    return io;
}

struct qcow2_io *layers_open_operand(const char *operand, bool detect_raw, const char **ret_path,
                                     bool *ret_raw, struct qcow2_fault *retfault)
{
    bool qcow2 = true;

    *ret_raw = false;
    *ret_path = operand;
    if (after_prefix(operand, "raw:", ret_path)) {
        *ret_raw = true;
        return open_file(*ret_path, retfault);
    }
    if (after_prefix(operand, "qcow2:", ret_path))
        detect_raw = false;
    AUTO(qcow2_io) struct qcow2_io *io = open_file(*ret_path, retfault);
    if (!io || (detect_raw && begins_as_qcow2(io, &qcow2, retfault) < 0))
        return NULL;
    *ret_raw = !qcow2;
    return TAKE(io);
}

static enum layers_result blame(const struct qcow2_fault *f)
{
    switch ((unsigned)f->defect) {
    case QCOW2_IO:
    case QCOW2_NOT_REGULAR:
    case QCOW2_USAGE:
        return LAYERS_CANNOT_OPEN;
    case QCOW2_L1_ENTRY:
    case QCOW2_L2_ENTRY:
    case QCOW2_ZERO_V2:
    case QCOW2_COMP:
    case QCOW2_SUBCL:
    case QCOW2_TAIL:
    case QCOW2_OVERLAP:
        return LAYERS_TABLES;
    }
    return LAYERS_REFUSED;
}

static struct qcow2_policy policy_of(const struct layers_request *r)
{
    return (struct qcow2_policy){.accept_corrupt_bit = r->only_look,
                                 .accept_snapshots = r->only_look};
}

static struct qcow2_chain_options options_of(const struct layers_request *r, size_t count)
{
    return (struct qcow2_chain_options){.layers_max =
                                            count > UINT32_MAX ? UINT32_MAX : (uint32_t)count,
                                        .accept_base_backing = r->ignore_backing || r->only_look,
                                        .accept_v2_increments = r->only_look};
}

static int open_image(struct layers *l, const struct layers_request *r, size_t at,
                      struct qcow2_fault *retfault)
{
    struct qcow2_policy policy = policy_of(r);
    const char *path;
    bool raw, detect = r->detect_raw && r->count == 1;
    struct qcow2_io *io = layers_open_operand(r->operands[at], detect, &path, &raw, retfault);

    l->names[at] = mem_strdup(path);
    if (!io)
        return -1;
    if (raw && r->count > 1) {
        qcow2_fault_set(retfault, QCOW2_USAGE, path, QCOW2_NO_OFFSET,
                        "a raw disk stands alone, it cannot be a layer of a chain");
        qcow2_io_destroy(io);
        return -1;
    }
    l->raw = raw;
    l->images[at] = raw ? qcow2_image_open_raw(io) : qcow2_image_open(io, &policy, retfault);
    if (!l->images[at] && retfault->defect == QCOW2_MAGIC && r->count == 1)
        err_hint(&retfault->err, "if it is a raw disk, write raw:FILE");
    return l->images[at] ? 0 : -1;
}

static enum layers_result open_operands(struct layers *l, const struct layers_request *r,
                                        struct qcow2_fault *retfault)
{
    struct qcow2_chain_options options = options_of(r, r->count);

    l->images = mem_zalloc((r->count + 1) * sizeof *l->images);
    l->names = mem_zalloc((r->count + 1) * sizeof *l->names);
    l->count = r->count;
    for (size_t i = 0; i < r->count; i++)
        if (open_image(l, r, i, retfault) < 0)
            return blame(retfault);
    l->chain = qcow2_chain_open(l->images, l->count, &options, retfault);
    if (l->chain)
        return LAYERS_OK;
    if (retfault->defect == QCOW2_POLICY_BACKING)
        err_hint(&retfault->err,
                 "is the full backup missing? --ignore-backing reads what the layers do not hold "
                 "as zeros");
    /* Nothing is opened any more: a read that fails is one of a table. */
    return retfault->defect == QCOW2_IO ? LAYERS_TABLES : blame(retfault);
}

static enum layers_result open_manifest(struct layers *l, const struct layers_request *r,
                                        struct qcow2_fault *retfault)
{
    struct qcow2_policy policy = policy_of(r);
    struct qcow2_chain_options options;
    struct err err = {0};

    if (backup_chain_read(r->manifest, r->disk, &l->backup, &err) < 0) {
        bool bad = err.code == ERR_CORRUPT || err.code == ERR_SYNTAX;
        qcow2_fault_take(retfault, &err);
        return bad ? LAYERS_REFUSED : LAYERS_CANNOT_OPEN;
    }
    l->count = l->backup.count;
    l->names = mem_zalloc((l->count + 1) * sizeof *l->names);
    for (size_t i = 0; i < l->count; i++)
        l->names[i] = mem_strdup(l->backup.paths[i]);
    if (raise_limit(r->open_already + l->count, retfault) < 0)
        return LAYERS_CANNOT_OPEN;
    options = options_of(r, l->count);
    l->chain = backup_chain_open(&l->backup, &policy, &options, retfault);
    if (l->chain)
        return LAYERS_OK;
    /* Nobody named that link or folder on the command line: the chain is to blame. */
    return retfault->defect == QCOW2_NOT_REGULAR ? LAYERS_REFUSED : blame(retfault);
}

int layers_take_operands(struct layers_request *r, const struct operands *o)
{
    r->operands = o->items;
    r->count = o->count;
    if (r->manifest && r->count > 0)
        return command_mistake(NULL, "with --manifest no layer is wanted, found '%s'",
                               r->operands[0]);
    if (!r->manifest && r->disk)
        return command_mistake(NULL, "--disk goes with --manifest");
    if (!r->manifest && r->count == 0)
        return command_mistake("name the files of the chain, the oldest first",
                               "no layer was given");
    return -1;
}

enum layers_result layers_open(struct layers *l, const struct layers_request *r,
                               struct qcow2_fault *retfault)
{
    *l = (struct layers){.manifest = r->manifest};
    if (r->manifest)
        return open_manifest(l, r, retfault);
    if (raise_limit(r->open_already + r->count, retfault) < 0)
        return LAYERS_CANNOT_OPEN;
    return open_operands(l, r, retfault);
}

int layers_fault(enum layers_result result, const struct layers *l, bool json,
                 struct qcow2_fault *f)
{
    /* Before the layers are known the manifest alone can be to blame. */
    const char *const *files = l->count ? (const char *const *)l->names : &l->manifest;

    command_refusal(json, files, l->count ? l->count : 1, f);
    return result == LAYERS_CANNOT_OPEN ? EXIT_CANNOT_TELL : EXIT_DEFECTIVE;
}

void layers_finish(struct layers *l)
{
    qcow2_chain_destroy(l->chain);
    for (size_t i = 0; i < l->count; i++) {
        if (l->images)
            qcow2_image_destroy(l->images[i]);
        if (l->names)
            free(l->names[i]);
    }
    free(l->images);
    free(l->names);
    backup_chain_finish(&l->backup);
    *l = (struct layers){0};
}

const char *layers_name(const struct layers *l, uint32_t layer)
{
    return layer < l->count ? l->names[layer] : "";
}

bool layers_hold(const struct layers *l, const struct stat *st)
{
    for (size_t i = 0; i < l->count; i++) {
        struct stat layer;

        if (stat(l->names[i], &layer) < 0)
            continue;
        if (layer.st_dev == st->st_dev && layer.st_ino == st->st_ino)
            return true;
        if (S_ISBLK(layer.st_mode) && S_ISBLK(st->st_mode) && layer.st_rdev == st->st_rdev)
            return true;
    }
    return false;
}
