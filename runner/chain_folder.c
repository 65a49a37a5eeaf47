#include "runner/chain_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fdio.h"
#include "base/folder.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/order.h"
#include "base/strbuf.h"

#define PIECE (1u << 20)

/* ---- the folder itself ---- */

int chain_folder_make(const char *path, bool *ret_made, struct err *reterr)
{
    struct dirent **names;
    int count;

    *ret_made = mkdir(path, 0700) == 0;
    if (*ret_made)
        return 0;
    if (errno != EEXIST)
        return err_set_errno(reterr, errno, NO_POS, "cannot make the folder '%s'", path);
    count = scandir(path, &names, NULL, alphasort);
    if (count < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot look into '%s'", path);
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
    if (count <= 2) /* "." and ".." */
        return 0;
    err_set(reterr, ERR_INVALID, NO_POS, "the folder '%s' is not empty", path);
    return err_hint(reterr, "nothing is overwritten: name a new folder, or an empty one");
}

void chain_folder_remove(const char *path, bool made)
{
    folder_empty(path);
    if (made)
        rmdir(path);
}

/* ---- files ---- */

static int create(const char *path, struct err *reterr)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    return fd < 0 ? err_set_errno(reterr, errno, NO_POS, "cannot create '%s'", path) : fd;
}

static int write_at(int fd, uint64_t offset, const char *data, size_t len, const char *path,
                    struct err *reterr)
{
    return fdio_write_at(fd, data, len, offset) < 0
               ? err_set_errno(reterr, errno, NO_POS, "cannot write '%s'", path)
               : 0;
}

struct lines {
    char **items; /* "PATH\nDIGEST": sorts by path */
    size_t count, cap;
};

static void lines_finish(struct lines *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->items[i]);
    free(l->items);
}

static void add_files(struct lines *l, const struct chain_fixture *f, const json_t *checkpoint)
{
    const json_t *files = json_object_get(checkpoint, "files");

    for (size_t i = 0; i < json_array_size(files); i++) {
        const json_t *file = json_array_get(files, i);
        AUTO(str) char *key = chain_fixture_key(f, json_str_or_empty(file, "objectPath"));

        l->items = mem_grow(l->items, &l->cap, l->count + 1, sizeof *l->items);
        l->items[l->count++] = mem_printf("%s\n%s", key, json_str_or_empty(file, "sha256"));
    }
}

int chain_folder_sums(const char *path, const struct chain_fixture *f, struct err *reterr)
{
    __attribute__((cleanup(lines_finish))) struct lines l = {0};
    AUTO(json) json_t *description = chain_fixture_describe(f);
    const json_t *list = json_object_get(description, "checkpoints");
    AUTO(strbuf) struct strbuf text = {0};

    for (size_t i = 0; i < json_array_size(list); i++)
        add_files(&l, f, json_array_get(list, i));
    qsort(l.items, l.count, sizeof *l.items, text_order);
    for (size_t i = 0; i < l.count; i++) {
        size_t len = strcspn(l.items[i], "\n");

        strbuf_addf(&text, "%s  %.*s\n", l.items[i] + len + 1, (int)len, l.items[i]);
    }
    AUTO(fd) int fd = create(path, reterr);
    return fd < 0 ? -1 : write_at(fd, 0, strbuf_str(&text), text.len, path, reterr);
}

int chain_folder_raw(const char *path, const struct disk_moment *moment, struct err *reterr)
{
    uint64_t size = disk_moment_blocks(moment) * DISK_BLOCK;
    AUTO(fd) int fd = create(path, reterr);
    AUTO(str) char *piece = mem_alloc(PIECE);

    if (fd < 0)
        return -1;
    if (ftruncate(fd, (off_t)size) < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot set the size of '%s'", path);
    for (uint64_t at = 0; at < size;) {
        bool zero;
        uint64_t run = disk_byte_run(moment, at, &zero);
        size_t n = run < PIECE ? (size_t)run : PIECE;

        if (zero) {
            at += run;
            continue;
        }
        disk_read(moment, at, piece, n);
        if (write_at(fd, at, piece, n, path, reterr) < 0)
            return -1;
        at += n;
    }
    return 0;
}
