#include "tests/unit/qcow2/medium.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"

static bool skip(const char *what)
{
    fprintf(stderr, "skipped: %s: %s\n", what, strerror(errno));
    return false;
}

static bool write_text(const char *path, const char *text)
{
    AUTO(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static bool map_ids(unsigned uid, unsigned gid)
{
    AUTO(str) char *uids = mem_printf("%u %u 1", uid, uid);
    AUTO(str) char *gids = mem_printf("%u %u 1", gid, gid);
    write_text("/proc/self/setgroups", "deny"); /* some kernels want it, others refuse it */
    return write_text("/proc/self/uid_map", uids) && write_text("/proc/self/gid_map", gids);
}

bool mount_small(const char *folder, const char *options)
{
    unsigned uid = geteuid(), gid = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) {
        if (!map_ids(uid, gid))
            return skip("the ids of a user namespace cannot be mapped");
    } else if (unshare(CLONE_NEWNS) < 0) {
        return skip("this machine allows no mount namespaces");
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return skip("mounts cannot be made private");
    if (mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
        return skip("a tmpfs cannot be mounted");
    return true;
}

void unmount_small(const char *folder)
{
    umount2(folder, MNT_DETACH | UMOUNT_NOFOLLOW);
}

struct loop_device loop_attach(const char *path)
{
    struct loop_device none = {NULL, -1};
    AUTO(fd) int file = open(path, O_RDWR | O_CLOEXEC);
    AUTO(fd) int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    int number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
    if (number < 0) {
        skip("no loop device can be had");
        return none;
    }
    AUTO(str) char *name = mem_printf("/dev/loop%d", number);
    int fd = open(name, O_RDWR | O_CLOEXEC);
    /* Goes with its last descriptor, also when a test fails. */
    struct loop_config config = {.fd = (uint32_t)file, .info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
    if (fd < 0 || ioctl(fd, LOOP_CONFIGURE, &config) < 0) {
        skip("no loop device can be set up");
        if (fd >= 0)
            close(fd);
        return none;
    }
    return (struct loop_device){TAKE(name), fd};
}

void loop_detach(struct loop_device *d)
{
    if (d->fd >= 0)
        close(d->fd);
    free(d->path);
    *d = (struct loop_device){NULL, -1};
}
