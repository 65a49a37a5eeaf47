/* Canaries: files of this machine that nobody has any business with. The kernel tells (inotify)
 * whoever opens, reads, writes, renames or removes one, be it us or a program that we run; that
 * needs no right that an ordinary user lacks. */
#include "runner/canary.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "runner/expr.h"
#include "runner/given.h"

#define PART "canaries"
#define TOUCHED                                                                                    \
    (IN_OPEN | IN_ACCESS | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB)

struct canary {
    char *path;
    int watch;
    bool touched;
};

struct canaries {
    int inotify;
    char *folder;
    struct strmap *by_name;
};

static void canary_destroy(void *arg)
{
    struct canary *c = arg;

    free(c->path);
    free(c);
}

static void canaries_destroy(void *arg)
{
    struct canaries *all = arg;

    close(all->inotify);
    close(CANARY_FOLDER_FD);
    free(all->folder);
    strmap_destroy(all->by_name, canary_destroy);
    free(all);
}

static int open_folder(const char *path)
{
    AUTO(fd) int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0 && fcntl(CANARY_FOLDER_FD, F_GETFD) >= 0) {
        errno = EBUSY;
        return -1;
    }
    return fd < 0 ? -1 : dup2(fd, CANARY_FOLDER_FD); /* which programs inherit */
}

static struct canaries *canaries_of(struct casework *cw, struct err *reterr)
{
    struct canaries *all = world_part(cw->world, PART);
    AUTO(str) char *folder = NULL;
    int fd;

    if (all)
        return all;
    if (!world_dir(cw->world)) {
        err_set(reterr, ERR_UNSUPPORTED, NO_POS, "this world has no folder");
        return NULL;
    }
    folder = mem_printf("%s/canaries", world_dir(cw->world));
    mkdir(folder, 0700);
    fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0 || open_folder(folder) < 0) {
        err_set_errno(reterr, errno, NO_POS, "cannot watch files");
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    all = mem_zalloc(sizeof *all);
    all->inotify = fd;
    all->folder = TAKE(folder);
    all->by_name = strmap_create();
    world_attach(cw->world, PART, all, canaries_destroy);
    return all;
}

static void look(struct canaries *all)
{
    _Alignas(struct inotify_event) char buf[4096];
    ssize_t n;

    while ((n = read(all->inotify, buf, sizeof buf)) > 0) {
        for (char *p = buf; p < buf + n;) {
            const struct inotify_event *event = (const void *)p;
            size_t at = 0;
            const char *name;
            void *c;

            while (strmap_each(all->by_name, &at, &name, &c))
                if (((struct canary *)c)->watch == event->wd)
                    ((struct canary *)c)->touched = true;
            p += sizeof *event + event->len;
        }
    }
}

static int write_canary(const char *path, struct err *reterr)
{
    static const char text[] = "root:x:0:0:this line is nobody's business\n";
    AUTO(fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    if (fd < 0 || fdio_write_at(fd, text, sizeof text - 1, 0) < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot write a canary");
    return 0;
}

/* ---- the item ---- */

static int stage_canary(struct casework *cw, const struct staging *s, struct err *reterr)
{
    const char *name = json_string_value(s->args);
    struct canaries *all = canaries_of(cw, reterr);
    AUTO(str) char *path = all ? mem_printf("%s/%s", all->folder, name) : NULL;
    struct canary *c;

    if (!all)
        return -1;
    if (!*name || strchr(name, '/') || strmap_get(all->by_name, name))
        return err_set(reterr, ERR_INVALID, s->given->pos, "canary: '%s' is no new, plain name",
                       name);
    c = mem_zalloc(sizeof *c);
    strmap_put(all->by_name, name, c);
    c->path = mem_printf("/proc/self/fd/%d/%s", CANARY_FOLDER_FD, name);
    if (write_canary(path, reterr) < 0)
        return -1;
    c->watch = inotify_add_watch(all->inotify, path, TOUCHED);
    return c->watch < 0 ? err_set_errno(reterr, errno, NO_POS, "cannot watch a canary") : 0;
}

const struct given_item given_canary = {
    .name = "canary",
    .value = "`canary: NAME`",
    .says = "a file of this machine that nobody has any business with: `canary(NAME)` tells its "
            "path, and whether anybody touched it",
    .type = SHAPE_TEXT,
    .stage = stage_canary,
};

/* ---- the function ---- */

static int fn_canary(void *cookie, struct cel_context *c, size_t nargs,
                     const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    struct casework *cw = cookie;
    AUTO(str) char *name = expr_text(&args[0], "the canary", reterr);
    struct canaries *all = name ? canaries_of(cw, reterr) : NULL;
    struct canary *canary = all ? strmap_get(all->by_name, name) : NULL;

    (void)nargs;
    if (!all)
        return -1;
    if (!canary)
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "there is no canary '%s'", name);
    look(all);
    *ret = cel_json_take(
        c, json_pack("{s:s, s:b}", "path", canary->path, "touched", (int)canary->touched));
    return 0;
}

const struct expr_function function_canary = {
    {"canary", false, 1, 1, fn_canary},
    "`canary(NAME)`",
    "`{path, touched}` of a canary of the given: whether it was opened, read, written, renamed or "
    "removed by anybody, programs included",
    {EXPR_NAMES_NOTHING}};
