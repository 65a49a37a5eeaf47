/* Programs of the real host: each is waited for on a thread of its own, while the other tasks go
 * on.
 */
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "runner/program.h"
#include "runner/realhost/realhost_priv.h"

#define ARGS_MAX 256

/* ---- paths ---- */

static bool has_dotdot(const char *path)
{
    for (const char *p = path; (p = strstr(p, "..")); p += 2)
        if ((p == path || p[-1] == '/') && (p[2] == '/' || p[2] == '\0'))
            return true;
    return false;
}

/* An absolute path is one below --root. New. */
static char *real_path(const struct realhost *r, const char *path)
{
    return r->config.root && *path == '/' ? mem_printf("%s%s", r->config.root, path)
                                          : mem_strdup(path);
}

static int check_paths(const struct host_program *p, size_t *ret_count, struct err *reterr)
{
    size_t n = 0;

    for (; p->argv[n]; n++)
        if (*p->argv[n] == '/' && has_dotdot(p->argv[n]))
            return err_set(reterr, ERR_INVALID, NO_POS, "%s: '%s' leads upwards", p->argv[0],
                           p->argv[n]);
    if (n > ARGS_MAX)
        return err_set(reterr, ERR_LIMIT, NO_POS, "%s: more than %d arguments", p->argv[0],
                       ARGS_MAX);
    if (p->dir && has_dotdot(p->dir))
        return err_set(reterr, ERR_INVALID, NO_POS, "%s: '%s' leads upwards", p->argv[0], p->dir);
    *ret_count = n;
    return 0;
}

static struct running_program *start(struct realhost *r, const struct host_program *p,
                                     struct err *reterr)
{
    char *argv[ARGS_MAX + 1];
    size_t count = 0;
    AUTO(str) char *dir = p->dir ? real_path(r, p->dir) : NULL;
    struct running_program *running;

    if (check_paths(p, &count, reterr) < 0)
        return NULL;
    for (size_t i = 0; i < count; i++)
        argv[i] = real_path(r, p->argv[i]);
    argv[count] = NULL;
    running = program_start((const char *const *)argv, dir, p, reterr);
    while (count > 0)
        free(argv[--count]);
    return running;
}

/* ---- waiting ---- */

struct errand {
    struct running_program *program;
    struct host_program_result *ret;
    struct err err;
    int result, event;
    struct waitcell *cell;
};

static void *wait_for_end(void *arg)
{
    struct errand *e = arg;
    uint64_t one = 1;

    e->result = program_finish(e->program, e->ret, &e->err);
    if (write(e->event, &one, sizeof one) != sizeof one)
        abort(); /* an event that cannot count to one */
    return NULL;
}

static void on_end(void *cookie, uint32_t events)
{
    struct errand *e = cookie;
    uint64_t count;

    (void)events;
    if (read(e->event, &count, sizeof count) > 0)
        waitcell_signal(e->cell);
}

static void wait_on_thread(struct realhost *r, struct errand *e, pthread_t thread)
{
    struct loop_fd *fd = loop_watch_fd(r->loop, e->event, EPOLLIN, on_end, e);
    bool crashed = waitcell_wait(e->cell, SCHED_NEVER) == SCHED_CRASHED;
    uint64_t count;

    loop_forget_fd(fd);
    if (crashed && read(e->event, &count, sizeof count) < 0)
        program_kill(e->program);
    pthread_join(thread, NULL);
}

int real_program_run(struct host *h, const struct host_program *program,
                     struct host_program_result *ret, struct err *reterr)
{
    struct realhost *r = realhost_of(h);
    struct errand e = {.ret = ret};
    pthread_t thread;

    if (host_crashed(h))
        return err_set(reterr, ERR_CRASHED, NO_POS, "the component was stopped");
    e.program = start(r, program, reterr);
    if (!e.program)
        return -1;
    e.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    e.cell = waitcell_create(r->sched, "program");
    if (pthread_create(&thread, NULL, wait_for_end, &e) == 0)
        wait_on_thread(r, &e, thread);
    else
        e.result = program_finish(e.program, ret, &e.err); /* the others wait, then */
    waitcell_destroy(e.cell);
    close(e.event);
    if (e.result < 0)
        return err_move(reterr, &e.err);
    if (!host_crashed(h))
        return 0;
    host_program_result_finish(ret);
    return err_set(reterr, ERR_CRASHED, NO_POS, "the component was stopped");
}
