#include "runner/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fdio.h"
#include "base/folder.h"
#include "base/mem.h"
#include "base/plural.h"
#include "runner/stage.h"
#include "sim/storage/storage.h"

#define COPY_PIECE (1u << 20)

/* Volumes are on a file system of their own, so the bytes go through memory. */
static bool copy_range(int in, int out, off_t from, off_t to, char *buf)
{
    while (from < to) {
        size_t want = to - from < (off_t)COPY_PIECE ? (size_t)(to - from) : COPY_PIECE;
        ssize_t n = fdio_read_at(in, buf, want, (uint64_t)from);

        if (n <= 0 || fdio_write_at(out, buf, (size_t)n, (uint64_t)from) < 0)
            return false;
        from += n;
    }
    return true;
}

/* Copies a file with its holes. */
static bool copy_file(const char *from, const char *to)
{
    AUTO(fd) int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    AUTO(fd) int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    AUTO(mem) void *buf = mem_alloc(COPY_PIECE);
    struct stat st;
    off_t at = 0;

    if (in < 0 || out < 0 || fstat(in, &st) < 0 || ftruncate(out, st.st_size) < 0)
        return false;
    while (at < st.st_size) {
        off_t data = lseek(in, at, SEEK_DATA), hole;

        if (data < 0)
            return errno == ENXIO; /* the rest is a hole */
        hole = lseek(in, data, SEEK_HOLE);
        if (hole < 0 || !copy_range(in, out, data, hole, buf))
            return false;
        at = hole;
    }
    return true;
}

/* Copies the regular files below a folder; returns how many could not be copied. */
static size_t copy_tree(const char *from, const char *to)
{
    AUTO(json) json_t *names = folder_names(from, NULL);
    size_t i, failed = 0;
    json_t *name;

    mkdir(to, 0777);
    json_array_foreach(names, i, name)
    {
        AUTO(str) char *a = mem_printf("%s/%s", from, json_string_value(name));
        AUTO(str) char *b = mem_printf("%s/%s", to, json_string_value(name));
        struct stat st;

        if (lstat(a, &st) < 0)
            failed++;
        else if (S_ISDIR(st.st_mode))
            failed += copy_tree(a, b);
        else if (S_ISREG(st.st_mode))
            failed += !copy_file(a, b);
    }
    return failed;
}

static size_t keep_volume(struct cluster *c, const json_t *claim, const char *dir)
{
    const char *ns =
        json_string_value(json_object_get(json_object_get(claim, "metadata"), "namespace"));
    const char *name =
        json_string_value(json_object_get(json_object_get(claim, "metadata"), "name"));
    struct volume *v = storage_volume(c, ns, name);
    AUTO(str) char *to = mem_printf("%s/%s-%s", dir, ns, name);
    const char *path = NULL;

    if (!v || volume_make_real(v, &path, NULL) < 0)
        return 0;
    if (!volume_is_block(v))
        return copy_tree(path, to);
    return !copy_file(path, to);
}

static void make_folders(const char *path)
{
    AUTO(str) char *copy = mem_strdup(path);

    for (char *p = strchr(copy + 1, '/'); *copy && p; p = strchr(p + 1, '/')) {
        *p = '\0';
        mkdir(copy, 0777);
        *p = '/';
    }
    mkdir(copy, 0777);
}

void keep_images(struct casework *cw)
{
    AUTO(str) char *base = mem_strdup(cw->result->name);
    AUTO(str) char *dir = NULL;
    AUTO(str) char *volumes = NULL;
    size_t at = 0, failed = 0;
    const char *name;
    void *chain;

    for (char *p = base; *p; p++)
        if (*p == '/')
            *p = '_'; /* a matrix value must not lead out of the folder */
    dir = mem_printf("%s/%s", cw->options->keep, base);
    volumes = mem_printf("%s/volumes", dir);
    make_folders(volumes);
    while (strmap_each(cw->chains, &at, &name, &chain)) {
        AUTO(str) char *to = mem_printf("%s/%s", dir, name);

        failed += copy_tree(chain_stage_dir(chain), to);
    }
    for (size_t i = 0; i < world_cluster_count(cw->world); i++) {
        struct cluster *c = world_cluster_at(cw->world, i);
        AUTO(json)
        json_t *claims = apiserver_peek_all(cluster_server(c), "", "persistentvolumeclaims", NULL);
        size_t k;
        json_t *claim;

        json_array_foreach(claims, k, claim) failed += keep_volume(c, claim, volumes);
    }
    if (failed)
        fprintf(stderr, "vmconform: warning: %zu %s could not be copied to %s\n", failed,
                plural(failed, "file", "files"), dir);
}
