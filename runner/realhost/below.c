/* A folder that nothing leads out of: no "..", no link, whatever stands in it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "runner/realhost/realhost_priv.h"

int below_open(int folder, const char *path, int flags, unsigned mode, struct err *reterr)
{
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC),
                           .mode = mode,
                           .resolve =
                               RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    const char *inside = path + strspn(path, "/");
    long fd = syscall(SYS_openat2, folder, *inside ? inside : ".", &how, sizeof how);

    if (fd >= 0)
        return (int)fd;
    return err_set_errno(reterr, errno, NO_POS, "%s", path);
}

int below_parent(int folder, const char *path, const char **ret_name, struct err *reterr)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    AUTO(str) char *parent = mem_strndup(path, slash ? (size_t)(slash - path) : 0);

    if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return err_set(reterr, ERR_INVALID, NO_POS, "%s: it names no file", path);
    *ret_name = name;
    return below_open(folder, parent, O_PATH | O_DIRECTORY, 0, reterr);
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_name(const struct dirent *d)
{
    return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

json_t *below_list(int folder, const char *path, struct err *reterr)
{
    AUTO(fd) int fd = below_open(folder, path, O_RDONLY | O_DIRECTORY, 0, reterr);
    struct dirent **entries = NULL;
    int count = fd < 0 ? -1 : scandirat(fd, ".", &entries, is_name, by_bytes);
    json_t *names;

    if (fd < 0)
        return NULL;
    if (count < 0) {
        err_set_errno(reterr, errno, NO_POS, "%s", path);
        return NULL;
    }
    names = json_array();
    for (int i = 0; i < count; i++) {
        json_array_append_new(names, json_string(entries[i]->d_name));
        free(entries[i]);
    }
    free(entries);
    return names;
}
