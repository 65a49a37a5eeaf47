#include "runner/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "base/wall.h"

#define ERR_TAIL 4096
#define STDOUT_DEFAULT (1u << 20)
#define DEADLINE_DEFAULT (INT64_C(600) * 1000000000)

bool program_exists(const char *name)
{
    const char *path = getenv("PATH");
    const char *p = path ? path : "/usr/bin:/bin";

    while (*p) {
        size_t len = strcspn(p, ":");
        AUTO(str) char *full = mem_printf("%.*s/%s", (int)len, p, name);

        if (access(full, X_OK) == 0)
            return true;
        p += len + (p[len] == ':');
    }
    return false;
}

/* The child inherits the limit; ours is put back at once. */
static void limit_files(unsigned files, struct rlimit *before)
{
    struct rlimit want;

    getrlimit(RLIMIT_NOFILE, before);
    if (!files)
        return;
    want = *before;
    want.rlim_cur = files < want.rlim_max ? files : want.rlim_max;
    setrlimit(RLIMIT_NOFILE, &want);
}

static int spawn(const char *const *argv, const char *dir, unsigned files, int out, int err,
                 pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    static const char *const fixed_env[] = {"LC_ALL=C", "TZ=UTC"};
    const char *path = getenv("PATH");
    AUTO(str) char *path_env = mem_printf("PATH=%s", path ? path : "/usr/bin:/bin");
    char *env[] = {(char *)fixed_env[0], (char *)fixed_env[1], path_env, NULL};
    struct rlimit before;
    int r;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    if (dir)
        posix_spawn_file_actions_addchdir_np(&actions, dir);
    limit_files(files, &before);
    r = posix_spawnp(ret_pid, argv[0], &actions, NULL, (char *const *)argv, env);
    setrlimit(RLIMIT_NOFILE, &before);
    posix_spawn_file_actions_destroy(&actions);
    return r;
}

struct capture {
    int fd;
    struct strbuf text;
    size_t max;
    bool tail; /* keep the last max bytes instead of refusing more */
    bool full;
};

/* false when the stream has ended. */
static bool drain(struct capture *c)
{
    char buf[8192];
    ssize_t n = read(c->fd, buf, sizeof buf);

    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    if (n == 0)
        return false;
    if (!c->tail && c->text.len + (size_t)n > c->max) {
        c->full = true;
        return false;
    }
    strbuf_add(&c->text, buf, (size_t)n);
    if (c->tail && c->text.len > 2 * c->max) {
        memmove(c->text.data, c->text.data + c->text.len - c->max, c->max + 1);
        c->text.len = c->max;
    }
    return true;
}

/* Reads both streams until they end, the limit or the deadline is reached. */
static bool collect(struct capture *out, struct capture *err, int64_t deadline)
{
    bool open[2] = {true, true};

    while ((open[0] || open[1]) && !out->full) {
        struct pollfd fds[2] = {{open[0] ? out->fd : -1, POLLIN, 0},
                                {open[1] ? err->fd : -1, POLLIN, 0}};
        int64_t left_ms = (deadline - wall_monotonic_ns()) / 1000000;

        if (left_ms <= 0)
            return false;
        if (poll(fds, 2, left_ms > 1000 ? 1000 : (int)left_ms) < 0 && errno != EINTR)
            return false;
        if (fds[0].revents)
            open[0] = drain(out);
        if (fds[1].revents)
            open[1] = drain(err);
    }
    return !out->full;
}

static void reap(pid_t pid, struct host_program_result *ret)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    ret->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    ret->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

struct running_program {
    char *name;
    int64_t deadline;
    struct capture out, err;
    pid_t pid;
    int pidfd; /* -1: the system has none */
};

/* The last bytes of what it said. New. */
static char *tail_of(struct capture *c)
{
    const char *text = strbuf_str(&c->text);

    return mem_strdup(c->text.len > ERR_TAIL ? text + c->text.len - ERR_TAIL : text);
}

static void forget(struct running_program *p)
{
    close(p->out.fd);
    close(p->err.fd);
    if (p->pidfd >= 0)
        close(p->pidfd);
    strbuf_finish(&p->out.text);
    strbuf_finish(&p->err.text);
    free(p->name);
    free(p);
}

static struct running_program *start_piped(const char *const *argv, const char *dir,
                                           const struct host_program *limits, int out[2],
                                           int err[2], struct err *reterr)
{
    int64_t ns = limits->deadline_ns ? limits->deadline_ns : DEADLINE_DEFAULT;
    struct running_program *p = mem_zalloc(sizeof *p);
    int r = spawn(argv, dir, limits->files_max, out[1], err[1], &p->pid);

    if (r) {
        free(p);
        err_set_errno(reterr, r, NO_POS, "cannot run %s", argv[0]);
        return NULL;
    }
    p->name = mem_strdup(argv[0]);
    p->deadline = wall_monotonic_ns() + ns;
    p->pidfd = pidfd_open(p->pid, 0);
    p->out = (struct capture){.fd = out[0],
                              .max = limits->stdout_max ? limits->stdout_max : STDOUT_DEFAULT};
    p->err = (struct capture){.fd = err[0], .max = ERR_TAIL, .tail = true};
    out[0] = err[0] = -1; /* they are its own now */
    return p;
}

struct running_program *program_start(const char *const *argv, const char *dir,
                                      const struct host_program *limits, struct err *reterr)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1};
    struct running_program *p = NULL;

    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
        err_set_errno(reterr, errno, NO_POS, "cannot make a pipe");
    else
        p = start_piped(argv, dir, limits, out, err, reterr);
    for (size_t i = 0; i < 2; i++) {
        if (out[i] >= 0)
            close(out[i]);
        if (err[i] >= 0)
            close(err[i]);
    }
    return p;
}

int program_finish(struct running_program *p, struct host_program_result *ret, struct err *reterr)
{
    bool in_time = collect(&p->out, &p->err, p->deadline);
    int r = 0;

    *ret = (struct host_program_result){0};
    if (!in_time)
        kill(p->pid, SIGKILL);
    reap(p->pid, ret);
    if (in_time) {
        ret->out_len = p->out.text.len;
        ret->out = strbuf_take(&p->out.text);
        ret->err = tail_of(&p->err);
    } else {
        *ret = (struct host_program_result){0};
        r = err_set(reterr, ERR_LIMIT, NO_POS, "%s %s", p->name,
                    p->out.full ? "printed too much" : "did not end in time and was killed");
    }
    forget(p);
    return r;
}

void program_kill(const struct running_program *p)
{
    if (p->pidfd >= 0)
        pidfd_send_signal(p->pidfd, SIGKILL, NULL, 0);
}

int program_run(const char *const *argv, const char *dir, const struct host_program *limits,
                struct host_program_result *ret, struct err *reterr)
{
    struct running_program *p = program_start(argv, dir, limits, reterr);

    *ret = (struct host_program_result){0};
    return p ? program_finish(p, ret, reterr) : -1;
}
