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

/* In a chroot "/" is no mount point, so nothing above can be made private; then the folder becomes
 * a mount of its own. Its first mount may show outside, which is why sandbox_leave() exists. */
static bool privatise(const char *dir)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
        return true;
    return mount(dir, dir, NULL, MS_BIND, NULL) == 0 &&
           mount(NULL, dir, NULL, MS_PRIVATE, NULL) == 0;
}

static const char *enter_namespaces(const char *dir)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();

    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) {
        if (!map_ids(uid, gid))
            return "the ids of a user namespace cannot be mapped";
    } else if (unshare(CLONE_NEWNS) < 0) {
        return "this machine allows no user namespaces";
    }
    return privatise(dir) ? NULL : "mounts cannot be made private";
}

void sandbox_leave(const char *dir)
{
    umount2(dir, MNT_DETACH | UMOUNT_NOFOLLOW);
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
    const char *why = enter_namespaces(dir);

    if (!why)
        why = try_mount(dir);
    *ret = (struct abilities){
        .qemu_img = program_exists("qemu-img"),
        .tmpfs = !why,
        .root = geteuid() == 0,
        .why_no_tmpfs = why,
    };
}

void sandbox_work_in_memory(const char *dir, const struct abilities *a)
{
    if (a->tmpfs)
        mount("vmconform", dir, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700");
}

void sandbox_probe(struct abilities *ret)
{
    char dir[] = "/tmp/vmconform-probe-XXXXXX";
    int status = 0;
    pid_t pid = mkdtemp(dir) ? fork() : -1;

    if (pid == 0) {
        struct abilities a = {0};

        sandbox_enter(dir, &a);
        _exit(a.tmpfs ? 0 : 1);
    }
    if (pid > 0)
        waitpid(pid, &status, 0);
    sandbox_leave(dir);
    rmdir(dir);
    *ret = (struct abilities){
        .qemu_img = program_exists("qemu-img"),
        .tmpfs = pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0,
        .root = geteuid() == 0,
    };
    if (!ret->tmpfs)
        ret->why_no_tmpfs = "a size-limited tmpfs cannot be mounted (user namespaces are needed)";
}
