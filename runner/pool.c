/* See pool.h. The parent writes the index of a case to a worker that is free; the worker answers
 * with lines: "R <json>" for each result, "D" when the case is done. A worker that dies or does not
 * answer in time is replaced. */
#include "runner/pool.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/wall.h"
#include "kube/time.h"
#include "runner/case.h"
#include "runner/sandbox.h"
#include "runner/worker.h"
#include "sim/apiserver/crd.h"

#define JOBS_MAX 64
#define ATTEMPTS_MAX 3

struct case_slot {
    struct result_case **results;
    size_t count, cap;
    bool done;
};

struct worker {
    pid_t pid; /* 0: not running */
    int to, from;
    struct strbuf input;
    long running; /* index of the case, -1: none */
    int64_t started;
};

struct pool {
    const struct collection *collection;
    const struct pool_options *options;
    struct case_slot *slots;
    struct worker workers[JOBS_MAX];
    unsigned worker_count;
    size_t next; /* the first case that no worker has got */
    bool stopping;
    bool no_workers;   /* none can be started: the rest is an error, not a skip */
    bool worker_ailed; /* one ended badly between cases, as a leak check does */
};

static void add_result(struct pool *p, size_t index, struct result_case *r)
{
    struct case_slot *slot = &p->slots[index];

    slot->results =
        mem_grow(slot->results, &slot->cap, slot->count + 1, sizeof(struct result_case *));
    slot->results[slot->count++] = r;
    if (p->options->on_result)
        p->options->on_result(p->options->cookie, r);
    if (p->options->fail_fast && r->status != RESULT_PASSED && r->status != RESULT_SKIPPED &&
        !r->expected)
        p->stopping = true;
}

static void own_result(struct pool *p, size_t index, enum result_status status, const char *type,
                       char *headline_take)
{
    const struct planned_case *c = &p->collection->cases[index];
    struct result_case *r = worker_blank_result(c, p->options);

    r->status = status;
    r->error_type = type ? mem_strdup(type) : NULL;
    if (status == RESULT_SKIPPED) {
        r->headline = headline_take;
    } else {
        r->headline = mem_printf("%s:%u:1: %s", r->file, r->line, headline_take);
        free(headline_take);
    }
    if (p->options->crash) {
        free(r->replay);
        r->replay = case_replay(c->unit, c->name,
                                &(struct replay){.seed = p->options->seed,
                                                 .crash = p->options->crash,
                                                 .outside = p->options->outside,
                                                 .engine = r->engine});
    }
    add_result(p, index, r);
    p->slots[index].done = true;
}

/* ---- starting and ending workers ---- */

static void close_others(struct pool *p)
{
    for (unsigned i = 0; i < p->worker_count; i++) {
        if (!p->workers[i].pid)
            continue;
        close(p->workers[i].to);
        close(p->workers[i].from);
    }
}

static bool start_worker(struct pool *p, struct worker *w)
{
    int down[2], up[2];
    pid_t pid;

    if (pipe(down) < 0)
        return false;
    if (pipe(up) < 0) {
        close(down[0]);
        close(down[1]);
        return false;
    }
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        close_others(p);
        close(down[1]);
        close(up[0]);
        setpgid(0, 0);
        worker_main(p->collection, p->options, down[0], up[1]);
    }
    close(down[0]);
    close(up[1]);
    if (pid < 0) {
        close(down[1]);
        close(up[0]);
        return false;
    }
    /* A group of its own, so that the programs that it runs end with it. */
    setpgid(pid, pid);
    *w = (struct worker){.pid = pid, .to = down[1], .from = up[0], .running = -1};
    return true;
}

static int end_worker(struct pool *p, struct worker *w, bool kill_it)
{
    int status = 0;
    AUTO(str) char *dir = NULL;

    if (!w->pid)
        return 0;
    if (kill_it && kill(-w->pid, SIGKILL) < 0)
        kill(w->pid, SIGKILL);
    close(w->to);
    close(w->from);
    while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
        ;
    dir = worker_dir(p->options->dir, w->pid);
    sandbox_leave(dir);
    strbuf_finish(&w->input);
    w->pid = 0;
    return status;
}

/* ---- talking ---- */

static bool give_case(struct pool *p, struct worker *w)
{
    char line[32];
    int len;

    assert(w->running < 0 || !w->pid);
    if (p->stopping || *p->options->interrupted || p->next >= p->collection->case_count)
        return false;
    len = snprintf(line, sizeof line, "%zu\n", p->next);
    /* One that died between two cases is replaced. */
    for (int attempt = 0;; attempt++) {
        if (attempt == ATTEMPTS_MAX || (!w->pid && !start_worker(p, w))) {
            p->stopping = p->no_workers = true;
            return false;
        }
        if (write(w->to, line, (size_t)len) == len)
            break;
        p->worker_ailed = true;
        end_worker(p, w, true);
    }
    w->running = (long)p->next++;
    w->started = wall_monotonic_ns();
    return true;
}

static void handle_line(struct pool *p, struct worker *w, const char *line, size_t len)
{
    size_t index = (size_t)w->running;

    if (w->running < 0)
        return;
    assert(index < p->next);
    if (*line == 'D') {
        if (p->slots[index].count == 0)
            own_result(p, index, RESULT_ERROR, "crash",
                       mem_strdup("the case gave no result that can be read"));
        p->slots[index].done = true;
        w->running = -1;
    } else if (*line == 'R' && len > 2) {
        struct err err = {0};
        AUTO(json) json_t *json = json_read(line + 2, len - 2, "worker", &err);
        struct result_case *r = json ? result_case_from_json(json, &err) : NULL;

        if (r)
            add_result(p, index, r);
        else
            own_result(p, index, RESULT_ERROR, "crash",
                       mem_printf("the result cannot be read: %s", err.msg));
        w->started = wall_monotonic_ns(); /* each run of a crash sweep has its own time */
        err_clear(&err);
    }
}

static void handle_input(struct pool *p, struct worker *w)
{
    char *start = w->input.data, *nl;
    size_t left = w->input.len;

    while (left && (nl = memchr(start, '\n', left))) {
        handle_line(p, w, start, (size_t)(nl - start));
        left -= (size_t)(nl + 1 - start);
        start = nl + 1;
    }
    if (w->input.data && start != w->input.data) {
        memmove(w->input.data, start, left);
        w->input.len = left;
    }
}

static char *death_words(int status)
{
    if (WIFSIGNALED(status))
        return mem_printf("the case ended its process: signal %d (%s)", WTERMSIG(status),
                          strsignal(WTERMSIG(status)));
    return mem_printf("the case ended its process: exit status %d", WEXITSTATUS(status));
}

static void worker_died(struct pool *p, struct worker *w)
{
    long index = w->running;
    int status = end_worker(p, w, false);

    if (index >= 0)
        own_result(p, (size_t)index, RESULT_ERROR, "crash", death_words(status));
    else
        p->worker_ailed = p->worker_ailed || status != 0;
}

static void read_worker(struct pool *p, struct worker *w)
{
    char buf[65536];
    ssize_t n = read(w->from, buf, sizeof buf);

    if (n < 0 && errno == EINTR)
        return;
    if (n <= 0) {
        worker_died(p, w);
        return;
    }
    strbuf_add(&w->input, buf, (size_t)n);
    handle_input(p, w);
}

static void check_deadline(struct pool *p, struct worker *w, int64_t now)
{
    long index = w->running;
    char limit[TIME_TEXT];

    if (!w->pid || index < 0 || now - w->started < p->options->timeout_ns)
        return;
    end_worker(p, w, true);
    duration_format(p->options->timeout_ns, limit);
    own_result(p, (size_t)index, RESULT_ERROR, "timeout",
               mem_printf("the case did not end within %s of wall time and was killed "
                          "(--timeout allows more)",
                          limit));
}

/* ---- the loop ---- */

static bool feed(struct pool *p)
{
    bool busy = false;

    for (unsigned i = 0; i < p->worker_count; i++) {
        struct worker *w = &p->workers[i];

        if (!(w->pid && w->running >= 0))
            give_case(p, w);
        busy = busy || (w->pid && w->running >= 0);
    }
    return busy;
}

static void wait_for_workers(struct pool *p)
{
    struct pollfd fds[JOBS_MAX];
    int64_t now;

    for (unsigned i = 0; i < p->worker_count; i++)
        fds[i] = (struct pollfd){p->workers[i].pid ? p->workers[i].from : -1, POLLIN, 0};
    if (poll(fds, p->worker_count, 200) < 0 && errno != EINTR)
        return;
    for (unsigned i = 0; i < p->worker_count; i++)
        if (fds[i].fd >= 0 && fds[i].revents)
            read_worker(p, &p->workers[i]);
    now = wall_monotonic_ns();
    for (unsigned i = 0; i < p->worker_count; i++)
        check_deadline(p, &p->workers[i], now);
}

static void drop_running(struct pool *p)
{
    for (unsigned i = 0; i < p->worker_count; i++) {
        bool busy = p->workers[i].running >= 0;

        if (end_worker(p, &p->workers[i], busy) != 0 && !busy)
            p->worker_ailed = true;
    }
}

static void skip_rest(struct pool *p)
{
    const char *why =
        *p->options->interrupted ? "interrupted by a signal" : "stopped after a failure";

    for (size_t i = 0; i < p->collection->case_count; i++) {
        if (p->slots[i].done)
            continue;
        if (p->no_workers)
            own_result(p, i, RESULT_ERROR, "environment",
                       mem_strdup("no process can be started to run the case"));
        else
            own_result(p, i, RESULT_SKIPPED, NULL, mem_strdup(why));
    }
}

static void gather(struct pool *p, struct result_case ***ret_cases, size_t *ret_count)
{
    size_t cap = 0;

    *ret_cases = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < p->collection->case_count; i++) {
        struct case_slot *slot = &p->slots[i];

        assert(slot->done && slot->count > 0); /* each case has an end, if a sad one */
        for (size_t k = 0; k < slot->count; k++) {
            *ret_cases = mem_grow(*ret_cases, &cap, *ret_count + 1, sizeof(struct result_case *));
            (*ret_cases)[(*ret_count)++] = slot->results[k];
        }
        free(slot->results);
    }
    free(p->slots);
}

int pool_run(const struct collection *c, const struct pool_options *options,
             struct result_case ***ret_cases, size_t *ret_count)
{
    struct pool p = {.collection = c, .options = options};

    signal(SIGPIPE, SIG_IGN);
    crd_builtin_prepare(); /* compiled once, here: every worker inherits them */
    p.worker_count = options->jobs < 1 ? 1 : options->jobs > JOBS_MAX ? JOBS_MAX : options->jobs;
    p.slots = mem_zalloc((c->case_count + 1) * sizeof *p.slots);
    for (unsigned i = 0; i < p.worker_count; i++)
        p.workers[i].running = -1;
    while (!*options->interrupted && feed(&p))
        wait_for_workers(&p);
    drop_running(&p);
    skip_rest(&p);
    gather(&p, ret_cases, ret_count);
    return p.worker_ailed ? -1 : 0;
}
