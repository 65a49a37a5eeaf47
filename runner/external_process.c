/* The program that --exec starts: a group of processes of its own, whose output is kept. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/wall.h"
#include "runner/canary.h"
#include "runner/external_priv.h"

#define GRACE_NS (5 * INT64_C(1000000000))
/* What it may run for between two looks and still be idle: a runtime has chores. */
#define BUSY_TICKS 2
#define OUTPUT_BYTES 4096
#define OUTPUT_LINES 25

/* ---- life ---- */

/* A file without a name. */
static int open_log(void)
{
    const char *base = getenv("TMPDIR");
    AUTO(str) char *path = mem_printf("%s/vmconform-XXXXXX", base && *base ? base : "/tmp");
    int fd = mkostemp(path, O_CLOEXEC | O_APPEND);

    if (fd >= 0)
        unlink(path);
    return fd;
}

static void become(const struct outside_process *p, const char *command, const char *const *env)
{
    int null = open("/dev/null", O_RDONLY);

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it does not outlive us, whatever ends us */
    signal(SIGPIPE, SIG_DFL);
    dup2(null, STDIN_FILENO);
    dup2(p->log, STDOUT_FILENO);
    dup2(p->log, STDERR_FILENO);
    close_range(3, CANARY_FOLDER_FD - 1, 0);
    close_range(CANARY_FOLDER_FD + 1, ~0U, 0);
    for (size_t i = 0; env[i]; i += 2)
        setenv(env[i], env[i + 1], 1);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

int outside_start(struct outside_process *p, const char *command, const char *const *env,
                  struct err *reterr)
{
    pid_t pid;

    outside_kill(p); /* one that is still ending */
    if (p->log < 0 && (p->log = open_log()) < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot make a file for the output of '%s'",
                             command);
    fflush(NULL);
    pid = fork();
    if (pid < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot start '%s'", command);
    if (pid == 0)
        become(p, command, env);
    setpgid(pid, pid);
    p->pid = pid;
    p->ending = false;
    return 0;
}

static void signal_group(const struct outside_process *p, int sig)
{
    if (kill(-p->pid, sig) < 0)
        kill(p->pid, sig);
}

void outside_stop(struct outside_process *p)
{
    if (!p->pid || p->ending)
        return;
    signal_group(p, SIGTERM);
    p->ending = true;
    p->kill_at = wall_monotonic_ns() + GRACE_NS;
}

void outside_kill(struct outside_process *p)
{
    if (!p->pid)
        return;
    signal_group(p, SIGKILL);
    while (waitpid(p->pid, &p->status, 0) < 0 && errno == EINTR)
        ;
    p->pid = 0;
}

bool outside_reap(struct outside_process *p)
{
    if (!p->pid)
        return false;
    if (p->ending && wall_monotonic_ns() >= p->kill_at) {
        outside_kill(p);
        return true;
    }
    if (waitpid(p->pid, &p->status, WNOHANG) != p->pid)
        return false;
    /* What it has started and left behind. */
    kill(-p->pid, SIGKILL);
    p->pid = 0;
    return true;
}

void outside_finish(struct outside_process *p)
{
    outside_kill(p);
    if (p->log >= 0)
        close(p->log);
    p->log = -1;
}

char *outside_end_words(const struct outside_process *p)
{
    if (WIFSIGNALED(p->status))
        return mem_printf("signal %d (%s)", WTERMSIG(p->status), strsignal(WTERMSIG(p->status)));
    return mem_printf("exit status %d", WEXITSTATUS(p->status));
}

/* ---- what it is doing ---- */

struct state {
    char letter;
    long group, ticks;
};

/* A line of /proc: "PID (NAME) STATE PARENT GROUP ..."; the 14th and 15th are ticks of the clock
 * that it has run for. */
static bool read_stat(const char *path, struct state *ret)
{
    AUTO(file) FILE *f = fopen(path, "re");
    char line[1024];
    const char *end;
    long user, system;

    if (!f || !fgets(line, sizeof line, f) || !(end = strrchr(line, ')')) ||
        sscanf(end + 1, " %c %*d %ld %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &ret->letter,
               &ret->group, &user, &system) != 4)
        return false;
    ret->ticks = user + system;
    return true;
}

/* ---- folders of /proc: nothing depends on their order ---- */

static int is_number(const struct dirent *d)
{
    return strspn(d->d_name, "0123456789") == strlen(d->d_name);
}

struct ids {
    struct dirent **items;
    int count;
};

static struct ids ids_in(const char *path)
{
    struct ids l = {NULL, 0};
    int n = scandir(path, &l.items, is_number, NULL);

    l.count = n > 0 ? n : 0; /* it may have ended meanwhile */
    return l;
}

static void ids_finish(struct ids *l)
{
    for (int i = 0; i < l->count; i++)
        free(l->items[i]);
    free(l->items);
}

/* Runs, wants to, or waits for a disk. */
static bool any_thread_works(const char *pid)
{
    AUTO(str) char *path = mem_printf("/proc/%s/task", pid);
    struct ids threads = ids_in(path);
    bool works = false;

    for (int i = 0; i < threads.count && !works; i++) {
        AUTO(str) char *stat = mem_printf("%s/%s/stat", path, threads.items[i]->d_name);
        struct state s;

        works = read_stat(stat, &s) && (s.letter == 'R' || s.letter == 'D');
    }
    ids_finish(&threads);
    return works;
}

bool outside_is_busy(struct outside_process *p)
{
    struct ids all = {NULL, 0};
    bool works = false;
    long ticks = 0, before = p->ticks;

    if (p->pid)
        all = ids_in("/proc");
    for (int i = 0; i < all.count; i++) {
        const char *pid = all.items[i]->d_name;
        AUTO(str) char *stat = mem_printf("/proc/%s/stat", pid);
        struct state s;

        if (!read_stat(stat, &s) || s.group != p->pid)
            continue;
        ticks += s.ticks;
        works = works || any_thread_works(pid);
    }
    ids_finish(&all);
    p->ticks = ticks;
    return works || ticks - before >= BUSY_TICKS;
}

/* ---- what it has said ---- */

void outside_note_output(struct outside_process *p)
{
    p->said = p->log >= 0 ? lseek(p->log, 0, SEEK_END) : 0;
}

char *outside_last_words(const struct outside_process *p, size_t max)
{
    off_t size = p->log >= 0 ? lseek(p->log, 0, SEEK_END) : 0;
    off_t from = size > (off_t)max ? size - (off_t)max : 0;
    char *text = mem_zalloc(max + 1);
    ssize_t n = size > 0 ? pread(p->log, text, (size_t)(size - from), from) : 0;

    while (n > 0 && text[n - 1] == '\n')
        text[--n] = '\0';
    for (ssize_t i = 0; i < n; i++)
        if (!text[i])
            text[i] = '?';
    if (n > 0)
        return text;
    free(text);
    return NULL;
}

void outside_tell_output(const struct outside_process *p, struct strbuf *out)
{
    char text[OUTPUT_BYTES + 1];
    off_t size = p->said;
    off_t from = size > OUTPUT_BYTES ? size - OUTPUT_BYTES : 0;
    ssize_t n = size > 0 ? pread(p->log, text, (size_t)(size - from), from) : 0;
    char *line = text;
    int lines = 0;

    if (n <= 0)
        return;
    if (text[n - 1] == '\n')
        n--;
    for (ssize_t i = 0; i < n; i++)
        if (!text[i])
            text[i] = '?';
    text[n] = '\0';
    for (ssize_t i = n; i > 0 && lines < OUTPUT_LINES; i--)
        if (text[i - 1] == '\n' && ++lines == OUTPUT_LINES)
            line = text + i;
    strbuf_addstr(out, "the last lines of its output:\n");
    for (char *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        strbuf_addf(out, "  | %s\n", line);
    }
}
