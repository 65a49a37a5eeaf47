/* The disk from its images: each increment is told its parent, the top is converted, the result is
 * on the disk before anybody is told. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "components/bsl/failure.h"
#include "components/kubevirt-datamover/download.h"

#define ACCEPT_OK 1u
#define PIECE (1u << 20)
#define BLOCK 4096u /* what a thin volume gives out at least */

static char *image_arg(const char *name)
{
    return strchr(name, ':') ? mem_printf("./%s", name) : mem_strdup(name);
}

/* Each one onto the one before it. -u: the increments stand alone, a safe rebase would write zeros
 * into them; and what they record as their parent is never opened. */
static int rebase(struct download *d, struct err *reterr)
{
    for (size_t i = 1; i < d->name_count; i++) {
        AUTO(str) char *parent = image_arg(d->names[i - 1]);
        AUTO(str) char *image = image_arg(d->names[i]);
        const char *argv[] = {"rebase", "-u", "-f",   "qcow2", "-F",
                              "qcow2",  "-b", parent, image,   NULL};
        if (download_qemu(d, "E-REBASE", ACCEPT_OK, argv, NULL, reterr) < 0)
            return -1;
    }
    return 0;
}

/* qemu-img loses flush errors: the file is synced by us. */
static int sync_file(struct download *d, const char *path, struct err *reterr)
{
    struct host_file *f = host_file_open(d->h, path, HOST_WRITE, reterr);
    if (!f)
        return failure_wrap(reterr, "E-PUBLISH", "cannot open the written disk");
    AUTO(err) struct err closing = {0};
    int r = host_file_sync(d->h, f, reterr);
    if (host_file_close(d->h, f, r < 0 ? &closing : reterr) < 0)
        r = -1;
    return r < 0 ? failure_wrap(reterr, "E-PUBLISH", "cannot sync the written disk") : 0;
}

/* ---- a file: written under another name, then renamed ---- */

/* The folder of the target, or "/". New. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
}

static char *temp_path(const struct download *d, const char *folder)
{
    return mem_printf("%s/.%s.tmp-%.8s", folder, strrchr(d->target, '/') + 1,
                      *d->uid ? d->uid : "restore");
}

/* Made by us first: qemu-img would make it readable for all. */
static int make_empty(struct download *d, const char *path, struct err *reterr)
{
    struct host_file *f = NULL;
    if (host_file_remove(d->h, path, reterr) < 0 ||
        !(f = host_file_open(d->h, path, HOST_CREATE, reterr)) ||
        host_file_close(d->h, f, reterr) < 0)
        return failure_wrap(reterr, "E-CONVERT", "cannot make the disk's file");
    return 0;
}

static int convert(struct download *d, const char *path, bool in_place, struct err *reterr)
{
    AUTO(str) char *top = image_arg(d->names[d->name_count - 1]);
    AUTO(str) char *folder = folder_of(path);
    /* Bare names below the working directory where possible: mounts differ between hosts. */
    const char *out = strcmp(folder, d->scratch) == 0 ? path + strlen(folder) + 1 : path;
    const char *argv[] = {"convert", "-f", "qcow2", "-O", "raw", top, out, NULL};
    const char *argv_device[] = {"convert", "-n", "-f", "qcow2", "-O", "raw", top, out, NULL};
    return download_qemu(d, "E-CONVERT", ACCEPT_OK, in_place ? argv_device : argv, NULL, reterr);
}

static int check_size(struct download *d, const char *path, struct err *reterr)
{
    struct host_stat st = {0};
    if (host_file_stat(d->h, path, &st, reterr) < 0)
        return failure_wrap(reterr, "E-CONVERT", "cannot look at the written disk");
    if (st.size == d->virtual_size)
        return 0;
    return failure_set(reterr, ERR_CORRUPT, "E-CONVERT",
                       "the written disk has %" PRIu64 " bytes, expected %" PRIu64, st.size,
                       d->virtual_size);
}

static int publish(struct download *d, const char *temp, const char *folder, struct err *reterr)
{
    if (host_file_rename(d->h, temp, d->target, reterr) < 0)
        return failure_wrap(reterr, "E-PUBLISH", "cannot rename the written disk");
    if (host_sync_dir(d->h, folder, reterr) == 0)
        return 0;
    /* Not known to last: then it is not there. */
    host_file_remove(d->h, d->target, NULL);
    return failure_wrap(reterr, "E-PUBLISH", "cannot sync the folder of the written disk");
}

static int rebuild_file(struct download *d, struct err *reterr)
{
    AUTO(str) char *folder = folder_of(d->target);
    AUTO(str) char *temp = temp_path(d, folder);
    AUTO(err) struct err e = {0}, removing = {0};
    if (make_empty(d, temp, &e) == 0 && convert(d, temp, false, &e) == 0 &&
        check_size(d, temp, &e) == 0 && sync_file(d, temp, &e) == 0 &&
        publish(d, temp, folder, &e) == 0)
        return 0;
    if (host_file_remove(d->h, temp, &removing) < 0)
        failure_wrap(&removing, "E-CLEANUP", "cannot remove the unfinished disk");
    failure_join(&e, &removing);
    return err_move(reterr, &e);
}

/* ---- a device: written in place, never removed ---- */

static int open_device(struct download *d, uint64_t *ret_size, struct err *reterr)
{
    struct host_stat st = {0};
    if (host_file_stat(d->h, d->target, &st, reterr) < 0)
        return failure_wrap(reterr, "E-CONVERT", "cannot look at the device '%s'", d->target);
    if (!st.is_block)
        return failure_set(reterr, ERR_INVALID, "E-CONVERT", "'%s' is no block device", d->target);
    if (st.size < d->virtual_size)
        return failure_set(reterr, ERR_LIMIT, "E-DEVICE-SIZE",
                           "the device '%s' has %" PRIu64 " bytes, the disk needs %" PRIu64,
                           d->target, st.size, d->virtual_size);
    *ret_size = st.size;
    return 0;
}

static bool all_zero(const char *bytes, size_t len)
{
    return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

/* Writes zeros where there are none. What is zero already is not written: that would fill a thin
 * volume. */
static int zero_piece(struct download *d, struct host_file *f, uint64_t at, const char *piece,
                      size_t len, struct err *reterr)
{
    static const char zeros[BLOCK];
    for (size_t done = 0; done < len;) {
        size_t n = len - done < BLOCK ? len - done : BLOCK;
        if (!all_zero(piece + done, n) && host_file_write(d->h, f, at + done, zeros, n, reterr) < 0)
            return -1;
        done += n;
    }
    return 0;
}

/* qemu-img leaves alone what lies behind the image; an old disk's bytes must not show there. */
static int zero_tail(struct download *d, struct host_file *f, uint64_t size, struct err *reterr)
{
    AUTO(str) char *piece = mem_alloc(PIECE);
    for (uint64_t at = d->virtual_size; at < size;) {
        size_t want = size - at < PIECE ? (size_t)(size - at) : PIECE, len = 0;
        if (host_file_read(d->h, f, at, piece, want, &len, reterr) < 0)
            return -1;
        if (len == 0)
            return 0;
        if (zero_piece(d, f, at, piece, len, reterr) < 0)
            return -1;
        at += len;
    }
    return 0;
}

static int finish_device(struct download *d, uint64_t size, struct err *reterr)
{
    struct host_file *f = host_file_open(d->h, d->target, HOST_WRITE, reterr);
    if (!f)
        return failure_wrap(reterr, "E-CONVERT", "cannot open the device");
    int r = zero_tail(d, f, size, reterr);
    AUTO(err) struct err closing = {0};
    if (host_file_close(d->h, f, r < 0 ? &closing : reterr) < 0)
        r = -1;
    return r < 0 ? failure_wrap(reterr, "E-CONVERT", "cannot zero the end of the device")
                 : sync_file(d, d->target, reterr);
}

static int rebuild_device(struct download *d, struct err *reterr)
{
    uint64_t size = 0;
    return open_device(d, &size, reterr) < 0 || convert(d, d->target, true, reterr) < 0
               ? -1
               : finish_device(d, size, reterr);
}

int download_rebuild(struct download *d, struct err *reterr)
{
    if (rebase(d, reterr) < 0)
        return -1;
    return d->block ? rebuild_device(d, reterr) : rebuild_file(d, reterr);
}
