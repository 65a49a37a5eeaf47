/* volume: what stands on a claim's volume, as a crashed or hostile hand leaves it there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/disks.h"
#include "runner/verb.h"

static int put_text(const char *path, const char *text)
{
    AUTO(fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    return fd < 0 ? -1 : fdio_write(fd, text, strlen(text));
}

static int put_link(const char *path, const char *target)
{
    return unlink(path) < 0 && errno != ENOENT ? -1 : symlink(target, path);
}

/* A socket's address is shorter than many a path: it is bound from inside the folder. */
static int make_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    AUTO(str) char *folder = mem_strndup(path, (size_t)(strrchr(path, '/') - path));
    AUTO(fd) int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    AUTO(str) char *bound = mem_printf("%s/socket", folder);
    int len = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/socket", dir);

    if (dir < 0 || fd < 0 || len >= (int)sizeof address.sun_path ||
        bind(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        return -1;
    return rename(bound, path);
}

static int make_kind(const char *path, const char *kind)
{
    if (strcmp(kind, "fifo") == 0)
        return mkfifo(path, 0644);
    if (strcmp(kind, "folder") == 0)
        return mkdir(path, 0755);
    if (strcmp(kind, "socket") == 0)
        return make_socket(path);
    errno = EINVAL; /* checked before, unless a `${...}` gave it */
    return -1;
}

/* -1 with errno. */
static int change_file(const char *path, const json_t *args)
{
    const char *text = json_str(args, "text"), *link = json_str(args, "link");
    const char *kind = json_str(args, "make");

    if (text)
        return put_text(path, text);
    if (link)
        return put_link(path, link);
    return kind ? make_kind(path, kind) : unlink(path);
}

static int do_volume(struct casework *cw, const struct step *step, const struct eval *e,
                     const json_t *args)
{
    const char *file = json_str_or_empty(args, "file");
    AUTO(str) char *target = mem_printf("pvc:%s", json_str_or_empty(args, "claim"));
    struct err err = {0};
    bool block = false;
    AUTO(str) char *folder = claim_path(cw, target, &block, &err);
    AUTO(str) char *path = folder && !block ? mem_printf("%s/%s", folder, file) : NULL;

    (void)e;
    if (!err_pending(&err) && (block || !*file || strstr(file, "..")))
        err_set(&err, ERR_INVALID, step->pos, "volume: '%s' has no file '%s'", target, file);
    if (!err_pending(&err) && change_file(path, args) < 0)
        err_set_errno(&err, errno, step->pos, "volume: %s", file);
    return err_pending(&err) ? verdict_error(cw, "scenario", step->pos, &err) : 0;
}

static const struct shape_key volume_keys[] = {
    {"claim", SHAPE_TEXT, true}, {"file", SHAPE_TEXT, true},  {"text", SHAPE_TEXT, false},
    {"link", SHAPE_TEXT, false}, {"make", SHAPE_TEXT, false}, {"remove", SHAPE_BOOL, false},
    {NULL, SHAPE_ANY, false}};
static const char *const volume_forms[] = {"text", "link", "make", "remove", NULL};
static const struct shape_note volume_notes[] = {{"make", NULL, "fifo, socket or folder."},
                                                 {NULL, NULL, NULL}};
static const struct shape volume_shape = {
    .what = "volume", .keys = volume_keys, .one_of = volume_forms, .notes = volume_notes};

const struct verb verb_volume = {
    .name = "volume",
    .value =
        "`{claim: NAMESPACE/CLAIM, file: PATH, ...}` with one of `text: TEXT`, `link: TARGET`, "
        "`make: fifo\\|socket\\|folder`, `remove: true`",
    .says = "changes what stands on a claim's volume: a file's text, a symbolic link, something "
            "else that has a name; or removes it",
    .shape = &volume_shape,
    .act = do_volume,
};
