/* plant: something that stands on a claim's volume already, as a crashed or hostile predecessor
 * leaves it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/shapes.h"
#include "runner/verb.h"
#include "sim/storage/storage.h"

static int plant_file(const char *path, const char *to)
{
    AUTO(fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);

    return fd < 0 ? -1 : fdio_write_at(fd, to, strlen(to), 0) < 0 ? -1 : 0;
}

static int plant_symlink(const char *path, const char *to)
{
    return symlink(to, path);
}

static int plant_fifo(const char *path, const char *to)
{
    (void)to;
    return mkfifo(path, 0644);
}

static int plant_folder(const char *path, const char *to)
{
    (void)to;
    return mkdir(path, 0755);
}

/* A socket's address is shorter than many a path: it is bound from inside the folder. */
static int plant_socket(const char *path, const char *to)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *slash = strrchr(path, '/');
    AUTO(str) char *folder = mem_strndup(path, (size_t)(slash - path));
    AUTO(fd) int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    AUTO(str) char *short_path = mem_printf("/proc/self/fd/%d/socket", dir);
    AUTO(str) char *bound = mem_printf("%s/socket", folder);

    (void)to;
    if (dir < 0 || fd < 0 || strlen(short_path) >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, short_path, strlen(short_path));
    return bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ? -1
                                                                           : rename(bound, path);
}

static const struct {
    const char *name;
    int (*plant)(const char *path, const char *to);
} kinds[] = {{"file", plant_file},
             {"symlink", plant_symlink},
             {"fifo", plant_fifo},
             {"socket", plant_socket},
             {"folder", plant_folder}};

static int plant(const char *as, const char *path, const char *to, struct err *reterr)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].name, as) == 0)
            return kinds[i].plant(path, to) == 0
                       ? 0
                       : err_set_errno(reterr, errno, NO_POS, "cannot plant a %s", as);
    return err_set(reterr, ERR_INVALID, NO_POS,
                   "plant: 'as' must be file, symlink, fifo, socket or folder, found '%s'", as);
}

static int plant_on_claim(struct casework *cw, const json_t *args, struct err *reterr)
{
    struct cluster *c = find_cluster(cw, json_str(args, "cluster"), NO_POS, reterr);
    const char *claim = json_str_or_empty(args, "claim"), *slash = strchr(claim, '/');
    const char *name = json_str_or_empty(args, "name"), *root = NULL;
    AUTO(str) char *ns = slash ? mem_strndup(claim, (size_t)(slash - claim)) : mem_strdup("");
    struct volume *v = c ? storage_volume(c, ns, slash ? slash + 1 : claim) : NULL;

    if (!c)
        return -1;
    if (!v)
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "claim '%s' has no volume", claim);
    if (!*name || strchr(name, '/') || volume_is_block(v))
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "plant: '%s' is no file name on a volume of "
                       "files",
                       name);
    if (volume_make_real(v, &root, reterr) < 0)
        return -1;
    AUTO(str) char *path = mem_printf("%s/%s", root, name);
    return plant(json_str_or_empty(args, "as"), path, json_str_or_empty(args, "to"), reterr);
}

static int do_plant(struct casework *cw, const struct step *step, const struct eval *e,
                    const json_t *args)
{
    struct err err = {0};

    (void)e;
    return plant_on_claim(cw, args, &err) == 0 ? 0 : verdict_error(cw, "stage", step->pos, &err);
}

static void plant_names(struct check *c, const struct place *at, const struct step *step)
{
    check_cluster(c, at, tmpl_get(step->args, "cluster"));
}

static const struct shape_key plant_keys[] = {
    {"claim", SHAPE_TEXT, true}, {"name", SHAPE_TEXT, true},     {"as", SHAPE_TEXT, true},
    {"to", SHAPE_TEXT, false},   {"cluster", SHAPE_TEXT, false}, {NULL, SHAPE_ANY, false}};
static const struct shape_note plant_notes[] = {
    {"as", NULL, "file, symlink, fifo, socket or folder."}, {NULL, NULL, NULL}};
static const struct shape plant_shape = {.what = "plant", .keys = plant_keys, .notes = plant_notes};

const struct verb verb_plant = {
    .name = "plant",
    .value = "`{claim: NAMESPACE/NAME, name: FILE, as: KIND, to: TEXT}`",
    .says = "puts something on the claim's volume: a `file` (`to` is its text), a `symlink` (to "
            "`to`), a `fifo`, a `socket` or a `folder`",
    .shape = &plant_shape,
    .act = do_plant,
    .names = plant_names,
};
