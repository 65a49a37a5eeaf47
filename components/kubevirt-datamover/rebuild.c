/* The disk from its images: the engine links and converts them, the result is on the disk before
 * anybody is told. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "components/bsl/failure.h"
#include "components/kubevirt-datamover/download.h"
#include "components/kubevirt-datamover/hostio.h"

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
    if (make_empty(d, temp, &e) == 0 && d->engine->convert(d, temp, false, &e) == 0 &&
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

static int finish_device(struct download *d, uint64_t size, struct err *reterr)
{
    struct host_file *f = host_file_open(d->h, d->target, HOST_WRITE, reterr);
    if (!f)
        return failure_wrap(reterr, "E-CONVERT", "cannot open the device");
    /* Neither engine touches what lies behind the image; an old disk's bytes must not show there.
     */
    int r = host_file_zero(d->h, f, d->virtual_size, size - d->virtual_size, reterr);
    AUTO(err) struct err closing = {0};
    if (host_file_close(d->h, f, r < 0 ? &closing : reterr) < 0)
        r = -1;
    return r < 0 ? failure_wrap(reterr, "E-CONVERT", "cannot zero the end of the device")
                 : sync_file(d, d->target, reterr);
}

static int rebuild_device(struct download *d, struct err *reterr)
{
    uint64_t size = 0;
    return open_device(d, &size, reterr) < 0 || d->engine->convert(d, d->target, true, reterr) < 0
               ? -1
               : finish_device(d, size, reterr);
}

int download_rebuild(struct download *d, struct err *reterr)
{
    if (d->engine->link(d, reterr) < 0)
        return -1;
    return d->block ? rebuild_device(d, reterr) : rebuild_file(d, reterr);
}
