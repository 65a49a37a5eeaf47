#include "runner/sandbox.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "runner/program.h"

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok;

    if (fd < 0)
        return false;
    ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    return close(fd) == 0 && ok;
}

static bool map_ids(uid_t uid, gid_t gid)
{
    AUTO(str) char *uids = mem_printf("%u %u 1", uid, uid);
    AUTO(str) char *gids = mem_printf("%u %u 1", gid, gid);

    /* Kernels demand that setgroups is given up before an unprivileged process maps a group. */
    write_file("/proc/self/setgroups", "deny");
    return write_file("/proc/self/uid_map", uids) && write_file("/proc/self/gid_map", gids);
}

static const char *enter_namespaces(void)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    bool own_users = unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;

    if (own_users && !map_ids(uid, gid))
        return "the ids of a user namespace cannot be mapped";
    if (!own_users && unshare(CLONE_NEWNS) < 0)
        return "this machine allows no user namespaces";
    /* With users of its own, a mount namespace never tells the outside of its mounts. In a chroot
     * "/" is no mount point, and this call fails there. */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 && !own_users)
        return "mounts cannot be made private";
    return NULL;
}

static const char *try_mount(const char *dir)
{
    AUTO(str) char *path = mem_printf("%s/probe", dir);
    const char *why = NULL;

    if (mkdir(path, 0700) < 0)
        return "the working folder cannot be written";
    if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "size=65536") < 0)
        why = "a tmpfs cannot be mounted in a user namespace here";
    else
        umount2(path, MNT_DETACH);
    rmdir(path);
    return why;
}

void sandbox_enter(const char *dir, struct abilities *ret)
{
    const char *why = enter_namespaces();

    if (!why)
        why = try_mount(dir);
    *ret = (struct abilities){
        .qemu_img = program_exists("qemu-img"),
        .tmpfs = !why,
        .root = geteuid() == 0,
        .why_no_tmpfs = why,
    };
}

void sandbox_probe(struct abilities *ret)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        char dir[] = "/tmp/vmconform-probe-XXXXXX";
        struct abilities a = {0};

        if (!mkdtemp(dir))
            _exit(1);
        sandbox_enter(dir, &a);
        rmdir(dir);
        _exit(a.tmpfs ? 0 : 1);
    }
    if (pid > 0)
        waitpid(pid, &status, 0);
    *ret = (struct abilities){
        .qemu_img = program_exists("qemu-img"),
        .tmpfs = pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0,
        .root = geteuid() == 0,
    };
    if (!ret->tmpfs)
        ret->why_no_tmpfs = "a size-limited tmpfs cannot be mounted (user namespaces are needed)";
}
