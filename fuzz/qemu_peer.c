#include "fuzz/qemu_peer.h"

#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

#define SECONDS_MAX 10
#define MEMORY_MAX (UINT64_C(4) << 30)
#define FILE_MAX (UINT64_C(64) << 20)

extern char **environ;

static void limit(pid_t pid, enum __rlimit_resource what, rlim_t value)
{
    struct rlimit r = {value, value};
    /* It may be gone already. */
    (void)prlimit(pid, what, &r, NULL);
}

/* Ends it when the time is up. */
static int wait_for(pid_t pid)
{
    AUTO(fd) int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    /* Without descriptors of processes the limit on its processor time must do. */
    if (fd >= 0 && poll(&p, 1, SECONDS_MAX * 1000) == 0)
        kill(pid, SIGKILL);
    int status = 0;
    pid_t ended = waitpid(pid, &status, 0);
    assert(ended == pid);
    return status;
}

static int run(char *const argv[], const char *words)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, words, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t pid = 0;
    int r = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (r != 0)
        return -1;
    limit(pid, RLIMIT_CPU, SECONDS_MAX);
    limit(pid, RLIMIT_AS, MEMORY_MAX);
    limit(pid, RLIMIT_FSIZE, FILE_MAX);
    limit(pid, RLIMIT_CORE, 0);
    return wait_for(pid);
}

bool qemu_peer_installed(void)
{
    int status = run((char *const[]){(char *)"qemu-img", (char *)"--version", NULL}, "/dev/null");
    return status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

enum peer_answer qemu_peer_convert(const char *source, const char *target, const char *words)
{
    char *const argv[] = {
        (char *)"qemu-img",        (char *)"convert",         (char *)"-O", (char *)"raw",
        (char *)(uintptr_t)source, (char *)(uintptr_t)target, NULL};
    int status = run(argv, words);
    assert(status != -1);
    if (!WIFEXITED(status))
        return PEER_ENDED;
    return WEXITSTATUS(status) == 0 ? PEER_ACCEPTED : PEER_REFUSED;
}
