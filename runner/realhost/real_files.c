/* Files of the real host: absolute paths below --root. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "runner/open_flags.h"
#include "runner/realhost/realhost_priv.h"

struct host_file {
    int fd;
    char *path;
};

/* The folder that the component sees as /. */
static int root_of(struct host *h, struct err *reterr)
{
    int root = realhost_of(h)->root;

    if (host_crashed(h))
        return err_set(reterr, ERR_CRASHED, NO_POS, "the component was stopped");
    if (root >= 0)
        return root;
    err_set(reterr, ERR_UNSUPPORTED, NO_POS, "the component has no files");
    return err_hint(reterr, "--root DIR gives it a folder");
}

struct host_file *real_file_open(struct host *h, const char *path, enum host_open_mode mode,
                                 struct err *reterr)
{
    int root = root_of(h, reterr), flags = open_flags(mode);
    int fd = root < 0 ? -1 : below_open(root, path, flags, flags & O_CREAT ? 0600 : 0, reterr);
    struct host_file *f;

    if (fd < 0)
        return NULL;
    f = mem_zalloc(sizeof *f);
    f->fd = fd;
    f->path = mem_strdup(path);
    return f;
}

int real_file_fd(const struct host_file *f)
{
    return f->fd;
}

int real_file_read(struct host *h, struct host_file *f, uint64_t offset, void *buf, size_t len,
                   size_t *ret_len, struct err *reterr)
{
    ssize_t n;

    if (root_of(h, reterr) < 0)
        return -1;
    n = fdio_read_at(f->fd, buf, len, offset);
    if (n < 0)
        return err_set_errno(reterr, errno, NO_POS, "%s", f->path);
    *ret_len = (size_t)n;
    return 0;
}

int real_file_write(struct host *h, struct host_file *f, uint64_t offset, const void *buf,
                    size_t len, struct err *reterr)
{
    if (root_of(h, reterr) < 0)
        return -1;
    return fdio_write_at(f->fd, buf, len, offset) < 0
               ? err_set_errno(reterr, errno, NO_POS, "%s", f->path)
               : 0;
}

int real_file_truncate(struct host *h, struct host_file *f, uint64_t size, struct err *reterr)
{
    if (root_of(h, reterr) < 0)
        return -1;
    return ftruncate(f->fd, (off_t)size) < 0 ? err_set_errno(reterr, errno, NO_POS, "%s", f->path)
                                             : 0;
}

int real_file_zero(struct host *h, struct host_file *f, uint64_t offset, uint64_t len,
                   struct err *reterr)
{
    if (root_of(h, reterr) < 0)
        return -1;
    return fdio_zero_at(f->fd, offset, len) < 0
               ? err_set_errno(reterr, errno, NO_POS, "%s", f->path)
               : 0;
}

int real_file_sync(struct host *h, struct host_file *f, struct err *reterr)
{
    if (root_of(h, reterr) < 0)
        return -1;
    return fsync(f->fd) < 0 ? err_set_errno(reterr, errno, NO_POS, "%s", f->path) : 0;
}

int real_file_close(struct host *h, struct host_file *f, struct err *reterr)
{
    int r = close(f->fd), saved = errno;
    AUTO(str) char *path = TAKE(f->path);

    free(f);
    if (host_crashed(h))
        return err_set(reterr, ERR_CRASHED, NO_POS, "the component was stopped");
    return r < 0 ? err_set_errno(reterr, saved, NO_POS, "%s", path) : 0;
}

static int block_size(int root, const char *path, uint64_t *ret, struct err *reterr)
{
    AUTO(fd) int fd = below_open(root, path, O_RDONLY, 0, reterr);

    if (fd < 0)
        return -1;
    return ioctl(fd, BLKGETSIZE64, ret) < 0 ? err_set_errno(reterr, errno, NO_POS, "%s", path) : 0;
}

int real_file_stat(struct host *h, const char *path, struct host_stat *ret, struct err *reterr)
{
    int root = root_of(h, reterr);
    AUTO(fd) int fd = root < 0 ? -1 : below_open(root, path, O_PATH, 0, reterr);
    struct stat st;

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) < 0)
        return err_set_errno(reterr, errno, NO_POS, "%s", path);
    *ret = (struct host_stat){.size = (uint64_t)st.st_size,
                              .is_regular = S_ISREG(st.st_mode),
                              .is_directory = S_ISDIR(st.st_mode),
                              .is_block = S_ISBLK(st.st_mode)};
    return ret->is_block ? block_size(root, path, &ret->size, reterr) : 0;
}

int real_file_rename(struct host *h, const char *from, const char *to, struct err *reterr)
{
    const char *from_name, *to_name;
    int root = root_of(h, reterr);
    AUTO(fd) int from_dir = root < 0 ? -1 : below_parent(root, from, &from_name, reterr);
    AUTO(fd) int to_dir = from_dir < 0 ? -1 : below_parent(root, to, &to_name, reterr);

    if (to_dir < 0)
        return -1;
    return renameat(from_dir, from_name, to_dir, to_name) < 0
               ? err_set_errno(reterr, errno, NO_POS, "%s", to)
               : 0;
}

int real_file_remove(struct host *h, const char *path, struct err *reterr)
{
    const char *name;
    int root = root_of(h, reterr);
    AUTO(fd) int dir = root < 0 ? -1 : below_parent(root, path, &name, reterr);

    if (dir < 0)
        return -1;
    return unlinkat(dir, name, 0) < 0 && errno != ENOENT
               ? err_set_errno(reterr, errno, NO_POS, "%s", path)
               : 0;
}

int real_make_dir(struct host *h, const char *path, struct err *reterr)
{
    const char *name;
    int root = root_of(h, reterr);
    AUTO(fd) int dir = root < 0 ? -1 : below_parent(root, path, &name, reterr);

    if (dir < 0)
        return -1;
    return mkdirat(dir, name, 0700) < 0 && errno != EEXIST
               ? err_set_errno(reterr, errno, NO_POS, "%s", path)
               : 0;
}

int real_sync_dir(struct host *h, const char *path, struct err *reterr)
{
    int root = root_of(h, reterr);
    AUTO(fd) int fd = root < 0 ? -1 : below_open(root, path, O_RDONLY | O_DIRECTORY, 0, reterr);

    if (fd < 0)
        return -1;
    return fsync(fd) < 0 ? err_set_errno(reterr, errno, NO_POS, "%s", path) : 0;
}

json_t *real_list_dir(struct host *h, const char *path, struct err *reterr)
{
    int root = root_of(h, reterr);

    return root < 0 ? NULL : below_list(root, path, reterr);
}
