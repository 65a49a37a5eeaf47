#include "runner/pod_programs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/wall.h"
#include "components/component.h"
#include "runner/external_priv.h"
#include "runner/pod_store.h"
#include "runner/replay.h"
#include "sim/kubelet/kubelet.h"

#define LOOK_MS 10
/* As the kubelet keeps them. */
#define MESSAGE_MAX 4096
#define OUTPUT_MAX 2048
#define EXIT_KILLED 137

/* ---- who plays whom ---- */

const struct component *pod_programs_component(const char *name, size_t len)
{
    for (const struct component *const *c = component_all(); *c; c++)
        if ((*c)->kind == COMPONENT_POD && strlen((*c)->name) == len &&
            strncmp((*c)->name, name, len) == 0)
            return *c;
    return NULL;
}

void pod_programs_add(struct pod_programs *p, const struct component *c, const char *command,
                      const char *text)
{
    p->items = mem_grow(p->items, &p->cap, p->count + 1, sizeof *p->items);
    p->items[p->count++] = (struct pod_program){c, command, text};
}

void pod_programs_finish(struct pod_programs *p)
{
    free(p->items);
    *p = (struct pod_programs){0};
}

const struct pod_program *pod_programs_find(const struct pod_programs *p, const struct component *c)
{
    for (size_t i = 0; p && i < p->count; i++)
        if (p->items[i].component == c)
            return &p->items[i];
    return NULL;
}

void pod_programs_tell(const struct pod_programs *p, struct strbuf *out)
{
    for (size_t i = 0; p && i < p->count; i++) {
        shell_add_argument(out, "--implementation");
        shell_add_argument(out, p->items[i].text);
    }
}

/* ---- its environment ---- */

struct environment {
    const char **pairs; /* name, value, ..., NULL */
    char **owned;       /* the values */
    size_t count;
};

/* A path of the pod is one of this machine, where its volume stands. New. */
static char *path_here(const struct pod_run *run, const char *value)
{
    for (size_t i = 0; i < run->mount_count; i++) {
        const struct pod_mount *m = &run->mounts[i];
        size_t len = strlen(m->path);

        if (strncmp(value, m->path, len) == 0 && (value[len] == '/' || value[len] == '\0'))
            return mem_printf("%s%s", m->host_path, value + len);
    }
    return mem_strdup(value);
}

static void add(struct environment *e, const char *name, char *value_take)
{
    e->pairs[2 * e->count] = name;
    e->pairs[2 * e->count + 1] = e->owned[e->count] = value_take;
    e->count++;
}

#define OWN_NAMES 3

static void environment_make(struct environment *e, const struct pod_start *start, const char *url,
                             const char *message)
{
    size_t max = json_object_size(start->env) + OWN_NAMES;
    const char *name;
    json_t *value;

    e->pairs = mem_zalloc((2 * max + 1) * sizeof *e->pairs);
    e->owned = mem_zalloc(max * sizeof *e->owned);
    json_object_foreach((json_t *)start->env, name, value)
        add(e, name, path_here(start->run, json_is_string(value) ? json_string_value(value) : ""));
    add(e, "KUBEVIRT_DM_BSL_S3_URL", mem_strdup(url));
    add(e, "KUBEVIRT_DM_BSL_S3_FORCE_PATH_STYLE", mem_strdup("true"));
    add(e, "KUBEVIRT_DM_TERMINATION_MESSAGE", mem_strdup(message));
}

static void environment_finish(struct environment *e)
{
    for (size_t i = 0; i < e->count; i++)
        free(e->owned[i]);
    free(e->owned);
    free(e->pairs);
}

/* ---- its end ---- */

/* New; NULL when there is none. */
static char *read_message(const char *path)
{
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    char *text = mem_zalloc(MESSAGE_MAX + 1);
    ssize_t n = fd < 0 ? -1 : fdio_read_at(fd, text, MESSAGE_MAX, 0);

    while (n > 0 && (text[n - 1] == '\n' || !text[n - 1]))
        text[--n] = '\0';
    if (n > 0)
        return text;
    free(text);
    return NULL;
}

static void tell_end(const struct outside_process *p, const struct pod_start *start,
                     const char *message_path, struct pod_exit *ret)
{
    ret->code = WIFEXITED(p->status) ? WEXITSTATUS(p->status) : 128 + WTERMSIG(p->status);
    ret->message = read_message(message_path);
    if (!ret->message && ret->code && start->message_from_output)
        ret->message = outside_last_words(p, OUTPUT_MAX);
}

/* ---- its life ---- */

/* Until it has ended. -1: it was killed, since the pod has crashed or the time is over. */
static int attend(struct host *h, struct outside_process *p, struct pod_store *store,
                  int64_t deadline_ns, bool *ret_late)
{
    int64_t until = wall_monotonic_ns() + deadline_ns;

    *ret_late = false;
    while (!outside_reap(p)) {
        if (host_stopping(h))
            outside_stop(p); /* asks once */
        *ret_late = wall_monotonic_ns() >= until;
        if (*ret_late || pod_store_poll(store, LOOK_MS) < 0) {
            outside_kill(p);
            return -1;
        }
    }
    return 0;
}

static int run(const struct pod_programs *all, const struct pod_program *program,
               const struct pod_start *start, const char *message_path, struct pod_exit *ret,
               struct err *reterr)
{
    AUTO(pod_store) struct pod_store *store = pod_store_create(start->h, start->world, reterr);
    struct outside_process p = {.log = -1};
    struct environment e = {0};
    bool late = false;
    int r = -1;

    if (!store)
        return -1;
    environment_make(&e, start, pod_store_url(store), message_path);
    if (outside_start(&p, program->command, e.pairs, reterr) == 0) {
        r = 0;
        if (attend(start->h, &p, store, all->deadline_ns, &late) == 0)
            tell_end(&p, start, message_path, ret);
        else
            *ret = (struct pod_exit){
                EXIT_KILLED, late ? mem_strdup("it did not end in time, and was killed") : NULL};
    }
    outside_finish(&p);
    environment_finish(&e);
    return r;
}

void pod_program_run(const struct pod_programs *p, const struct pod_program *program,
                     const struct pod_start *start, struct pod_exit *ret)
{
    AUTO(str)
    char *message_path = mem_printf("%s/termination-XXXXXX", start->dir ? start->dir : "/tmp");
    int fd = mkostemp(message_path, O_CLOEXEC);
    AUTO(err) struct err e = {0};

    if (fd < 0)
        err_set_errno(&e, errno, NO_POS, "cannot make a file for the termination message");
    else
        run(p, program, start, message_path, ret, &e);
    if (err_pending(&e))
        *ret = (struct pod_exit){1, mem_strdup(e.msg)};
    if (fd >= 0) {
        close(fd);
        unlink(message_path);
    }
}
