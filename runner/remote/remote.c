/* The processes of components: from their start to their end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "runner/remote/front_priv.h"

#define TAIL_BYTES 4096
#define END_MS 60000 /* of wall time, for a leak check on a busy machine */

char *front_program(void)
{
    static const char *const places[] = {"vmconform-component",
                                         "../libexec/vmconform/vmconform-component"};
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash;

    if (n <= 0)
        return NULL;
    self[n] = '\0';
    slash = strrchr(self, '/');
    for (size_t i = 0; slash && i < ARRAY_LEN(places); i++) {
        char *path = mem_printf("%.*s/%s", (int)(slash - self), self, places[i]);

        if (access(path, X_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

/* ---- the start ---- */

/* Nothing of ours is inherited but the three standard descriptors and the control socket. */
static int spawn(const char *program, int control, int output, pid_t *ret)
{
    char *const argv[] = {"vmconform-component", "--sealed", "3", NULL};
    extern char **environ;
    posix_spawn_file_actions_t actions;
    int r;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, 1);
    posix_spawn_file_actions_adddup2(&actions, output, 2);
    posix_spawn_file_actions_adddup2(&actions, control, 3);
    posix_spawn_file_actions_addclosefrom_np(&actions, 4);
    r = posix_spawn(ret, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return r;
}

/* Above the descriptors that the child is given. */
static int out_of_the_way(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 10);

    close(fd);
    return high;
}

static int open_channels(int ends[2], int *ret_output, struct err *reterr)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot make a control socket");
    ends[0] = out_of_the_way(ends[0]);
    ends[1] = out_of_the_way(ends[1]);
    *ret_output = memfd_create("component", MFD_CLOEXEC);
    if (*ret_output >= 0)
        *ret_output = out_of_the_way(*ret_output);
    if (ends[0] >= 0 && ends[1] >= 0 && *ret_output >= 0)
        return 0;
    return err_set_errno(reterr, errno, NO_POS, "cannot make the channels of a component");
}

static int launch(struct remote *r, struct err *reterr)
{
    int ends[2] = {-1, -1}, failed;

    if (open_channels(ends, &r->output, reterr) < 0) {
        if (ends[0] >= 0)
            close(ends[0]);
        if (ends[1] >= 0)
            close(ends[1]);
        return -1;
    }
    r->control = ends[0];
    failed = spawn(r->front->program, ends[1], r->output, &r->pid);
    close(ends[1]);
    if (failed)
        r->pid = 0;
    return failed ? err_set_errno(reterr, failed, NO_POS, "cannot run %s", r->front->program) : 0;
}

struct remote *remote_start(struct front *f, const char *component, struct host *h,
                            struct err *reterr)
{
    struct remote *r = mem_zalloc(sizeof *r);
    struct err e = {0};

    r->front = f;
    r->host = h;
    r->component = mem_strdup(component);
    r->number = f->remote_numbers++;
    r->control = r->output = -1;
    TAILQ_INSERT_TAIL(&f->remotes, r, link);
    if (launch(r, &e) == 0)
        return r;
    remote_fail(r, "cannot be started: %s", e.msg);
    err_move(reterr, &e);
    return NULL;
}

/* ---- what it printed ---- */

/* The last of it. New. */
static char *output_tail(const struct remote *r)
{
    off_t len = r->output >= 0 ? lseek(r->output, 0, SEEK_END) : 0;
    off_t from = len > TAIL_BYTES ? len - TAIL_BYTES : 0;
    char *text = mem_zalloc(TAIL_BYTES + 1);
    ssize_t n = len > 0 ? pread(r->output, text, TAIL_BYTES, from) : 0;

    text[n > 0 ? n : 0] = '\0';
    for (char *p = text; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?'; /* reports are UTF-8, and this may begin anywhere */
    return text;
}

/* ---- the end ---- */

static bool wait_for_end(const struct remote *r, int wait_ms)
{
    struct pollfd p = {pidfd_open(r->pid, 0), POLLIN, 0};
    int n;

    if (p.fd < 0)
        return true; /* it has gone already */
    do
        n = poll(&p, 1, wait_ms);
    while (n < 0 && errno == EINTR);
    close(p.fd);
    return n > 0;
}

/* How it ended; new, NULL when well. */
static char *take_status(struct remote *r)
{
    int status = 0;

    while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
        ;
    r->pid = 0;
    if (WIFSIGNALED(status))
        return mem_printf("was ended by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status))
        return mem_printf("ended with status %d", WEXITSTATUS(status));
    return NULL;
}

static void close_channels(struct remote *r)
{
    if (r->control >= 0)
        close(r->control);
    if (r->output >= 0)
        close(r->output);
    r->control = r->output = -1;
}

void remote_fail(struct remote *r, const char *fmt, ...)
{
    struct front *f = r->front;
    AUTO(str) char *what = NULL;
    AUTO(str) char *tail = NULL;
    va_list ap;

    if (r->dead)
        return;
    r->dead = true;
    va_start(ap, fmt);
    what = mem_vprintf(fmt, ap);
    va_end(ap);
    if (r->pid) {
        kill(r->pid, SIGKILL);
        free(take_status(r));
    }
    tail = output_tail(r);
    AUTO(str) char *message = mem_printf("the process of component '%s' %s", r->component, what);
    if (f->config.failed(f->config.cookie, message, tail) || err_pending(&f->complaint))
        return;
    err_set(&f->complaint, ERR_INTERNAL, NO_POS, "%s", message);
    err_hint(&f->complaint, "%s", tail);
}

void remote_died(struct remote *r)
{
    AUTO(str) char *how = NULL;

    if (r->dead)
        return;
    if (r->pid && wait_for_end(r, END_MS)) {
        how = take_status(r);
        remote_fail(r, "%s", how ? how : "ended before its tasks");
        return;
    }
    remote_fail(r, "has closed its control socket");
}

void remote_leave(struct remote *r)
{
    if (r->control >= 0)
        close(r->control);
    r->control = -1;
}

int remote_reap(struct remote *r, struct err *reterr)
{
    bool in_time;
    AUTO(str) char *how = NULL;
    AUTO(str) char *tail = NULL;

    if (!r->pid)
        return 0;
    in_time = wait_for_end(r, END_MS);
    if (!in_time)
        kill(r->pid, SIGKILL);
    how = take_status(r);
    if (!how)
        return 0;
    tail = output_tail(r);
    err_set(reterr, ERR_INTERNAL, NO_POS, "the process of component '%s' %s", r->component,
            in_time ? how : "did not end, and was killed");
    return err_hint(reterr, "%s", tail);
}

void remote_destroy(struct remote *r)
{
    TAILQ_REMOVE(&r->front->remotes, r, link);
    close_channels(r);
    remote_services_finish(r);
    free(r->slots);
    free(r->component);
    free(r);
}
