/* The functions about what really lies on a claim's volume: its files, their modes, its bytes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/folder.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/disks.h"
#include "runner/expr.h"

#define PIECE ((size_t)64 << 10)

/* The folder of a Filesystem claim. New; NULL with *reterr. */
static char *folder_of(void *cookie, const struct cel_value *target, struct err *reterr)
{
    AUTO(str) char *name = expr_text(target, "the claim", reterr);
    AUTO(str) char *path = NULL;
    bool block = false;

    if (!name || !(path = claim_path(cookie, name, &block, reterr)))
        return NULL;
    if (!block)
        return TAKE(path);
    err_set(reterr, ERR_INVALID, NO_POS, "'%s' is a block device and has no files", name);
    return NULL;
}

/* The same, or a folder in it: pvc:NAMESPACE/CLAIM/FOLDER. New; NULL with *reterr. */
static char *subfolder_of(void *cookie, const struct cel_value *target, struct err *reterr)
{
    AUTO(str) char *name = expr_text(target, "the claim", reterr);
    char *slash = name ? strchr(name, '/') : NULL, *below = slash ? strchr(slash + 1, '/') : NULL;
    AUTO(str) char *folder = below ? mem_strdup(below) : NULL;
    AUTO(str) char *path = NULL;
    bool block = false;

    if (!below)
        return name ? folder_of(cookie, target, reterr) : NULL;
    *below = '\0';
    path = claim_path(cookie, name, &block, reterr);
    if (!path)
        return NULL;
    if (!block && !strstr(folder, "/.."))
        return mem_printf("%s%s", path, folder);
    err_set(reterr, ERR_INVALID, NO_POS, "'%s' has no folder '%s'", name, folder + 1);
    return NULL;
}

static int fn_files(void *cookie, struct cel_context *c, size_t nargs, const struct cel_value *args,
                    struct cel_value *ret, struct err *reterr)
{
    AUTO(str) char *path = subfolder_of(cookie, &args[0], reterr);
    json_t *names = path ? folder_names(path, reterr) : NULL;

    (void)nargs;
    if (!names)
        return -1;
    *ret = cel_json_take(c, names);
    return 0;
}

static int fn_modes(void *cookie, struct cel_context *c, size_t nargs, const struct cel_value *args,
                    struct cel_value *ret, struct err *reterr)
{
    AUTO(str) char *path = folder_of(cookie, &args[0], reterr);
    AUTO(json) json_t *names = path ? folder_names(path, reterr) : NULL;
    AUTO(json) json_t *modes = json_object();
    size_t i;
    const json_t *name;

    (void)nargs;
    if (!names)
        return -1;
    json_array_foreach(names, i, name)
    {
        AUTO(str) char *file = mem_printf("%s/%s", path, json_string_value(name));
        struct stat st;

        if (lstat(file, &st) < 0)
            return err_set(reterr, ERR_IO, NO_POS, "%s: %s", json_string_value(name),
                           strerror(errno));
        json_object_set_new(modes, json_string_value(name),
                            json_sprintf("%04o", (unsigned)st.st_mode & 07777));
    }
    *ret = cel_json_take(c, TAKE(modes));
    return 0;
}

/* 1, or 0 at the first byte that is not zero; -1 with errno. */
static int reads_zeros(int fd, uint64_t offset)
{
    AUTO(str) char *piece = mem_alloc(PIECE);
    ssize_t n;

    while ((n = fdio_read_at(fd, piece, PIECE, offset)) > 0) {
        if (piece[0] != 0 || memcmp(piece, piece + 1, (size_t)n - 1) != 0)
            return 0;
        offset += (uint64_t)n;
    }
    return n < 0 ? -1 : 1;
}

static int fn_zeros(void *cookie, struct cel_context *c, size_t nargs, const struct cel_value *args,
                    struct cel_value *ret, struct err *reterr)
{
    AUTO(str) char *name = expr_text(&args[0], "the claim", reterr);
    AUTO(str) char *path = NULL;
    bool block = false;

    (void)c;
    (void)nargs;
    if (!name || !(path = claim_path(cookie, name, &block, reterr)))
        return -1;
    if (!block)
        return err_set(reterr, ERR_INVALID, NO_POS, "'%s' is no block device", name);
    if (args[1].type != CEL_INT || args[1].u.integer < 0)
        return err_set(reterr, ERR_INVALID, NO_POS, "the offset must be a number of bytes");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int zeros = fd < 0 ? -1 : reads_zeros(fd, (uint64_t)args[1].u.integer);
    int why = errno;
    if (fd >= 0)
        close(fd);
    if (zeros < 0)
        return err_set(reterr, ERR_IO, NO_POS, "%s: %s", name, strerror(why));
    *ret = cel_bool(zeros == 1);
    return 0;
}

const struct expr_function function_files = {
    {"files", false, 1, 1, fn_files},
    "`files(TARGET)`",
    "names of the files on the claim's volume, sorted; `pvc:NAMESPACE/CLAIM`, or "
    "`pvc:NAMESPACE/CLAIM/FOLDER` for those in a folder of it",
    {EXPR_NAMES_NOTHING}};
const struct expr_function function_modes = {{"modes", false, 1, 1, fn_modes},
                                             "`modes(TARGET)`",
                                             "their modes by name: `{'disk.img': '0600'}`",
                                             {EXPR_NAMES_NOTHING}};
const struct expr_function function_zeros = {
    {"zeros", false, 2, 2, fn_zeros},
    "`zeros(TARGET, OFFSET)`",
    "whether the claim's block device reads as zeros from there on",
    {EXPR_NAMES_NOTHING}};
