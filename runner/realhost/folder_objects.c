/* The object store of the real host: a folder of buckets below --objects, where a key is a path. An
 * object appears whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fdio.h"
#include "base/mem.h"
#include "base/order.h"
#include "runner/realhost/realhost_priv.h"

#define PART ".part" /* of a name that is being written; no key may end so */
#define FOLDERS_MAX 100000u
#define PIECE (1u << 20)

static int folder_of(struct host *h, struct err *reterr)
{
    int folder = realhost_of(h)->objects;

    if (host_crashed(h))
        return err_set(reterr, ERR_CRASHED, NO_POS, "the component was stopped");
    if (folder >= 0)
        return folder;
    err_set(reterr, ERR_UNSUPPORTED, NO_POS, "the component has no object store");
    return err_hint(reterr, "--objects DIR gives it a folder of buckets, --s3 URL a server");
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* "/BUCKET/KEY"; NULL for keys that this store cannot hold. New. */
static char *path_of(const char *bucket, const char *key, struct err *reterr)
{
    if (*bucket && !strchr(bucket, '/') && *key && *key != '/' && !strstr(key, "//") &&
        !ends_with(key, "/") && !ends_with(key, PART))
        return mem_printf("/%s/%s", bucket, key);
    err_set(reterr, ERR_UNSUPPORTED, NO_POS, "a folder cannot hold the key '%s' of '%s'", key,
            bucket);
    return NULL;
}

static int open_object(struct host *h, const char *bucket, const char *key, struct err *reterr)
{
    int folder = folder_of(h, reterr);
    AUTO(str) char *path = folder < 0 ? NULL : path_of(bucket, key, reterr);
    AUTO(fd) int fd = path ? below_open(folder, path, O_RDONLY | O_NOCTTY, 0, reterr) : -1;
    struct stat st;

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "%s/%s: it is no object", bucket, key);
    int taken = fd;
    fd = -1;
    return taken;
}

static int read_at(int fd, const char *key, uint64_t offset, void *buf, size_t len, size_t *ret_len,
                   struct err *reterr)
{
    ssize_t n = fdio_read_at(fd, buf, len, offset);

    if (n < 0)
        return err_set_errno(reterr, errno, NO_POS, "%s", key);
    *ret_len = (size_t)n;
    return 0;
}

static int folder_object_read(struct host *h, const char *bucket, const char *key, uint64_t offset,
                              void *buf, size_t len, size_t *ret_len, struct err *reterr)
{
    AUTO(fd) int fd = open_object(h, bucket, key, reterr);

    return fd < 0 ? -1 : read_at(fd, key, offset, buf, len, ret_len, reterr);
}

static int folder_object_get(struct host *h, const char *bucket, const char *key, size_t max_bytes,
                             char **ret_data, size_t *ret_len, struct host_version *ret_version,
                             struct err *reterr)
{
    AUTO(fd) int fd = open_object(h, bucket, key, reterr);
    AUTO(str) char *data = NULL;
    struct stat st;

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) < 0)
        return err_set_errno(reterr, errno, NO_POS, "%s", key);
    if ((uint64_t)st.st_size > max_bytes)
        return err_set(reterr, ERR_LIMIT, NO_POS, "%s has %lld bytes, more than %zu", key,
                       (long long)st.st_size, max_bytes);
    data = mem_zalloc((size_t)st.st_size + 1);
    if (read_at(fd, key, 0, data, (size_t)st.st_size, ret_len, reterr) < 0)
        return -1;
    if (ret_version)
        digest_of(data, *ret_len, ret_version->text);
    *ret_data = TAKE(data);
    return 0;
}

static int folder_object_size(struct host *h, const char *bucket, const char *key, uint64_t *ret,
                              struct err *reterr)
{
    AUTO(fd) int fd = open_object(h, bucket, key, reterr);
    struct stat st;

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) < 0)
        return err_set_errno(reterr, errno, NO_POS, "%s", key);
    *ret = (uint64_t)st.st_size;
    return 0;
}

/* ---- writing ---- */

static int make_folders(int folder, char *path, struct err *reterr)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        const char *name;
        int r;

        *slash = '\0';
        AUTO(fd) int dir = below_parent(folder, path, &name, reterr);
        r = dir < 0 ? -1 : mkdirat(dir, name, 0700);
        if (dir >= 0 && r < 0 && errno != EEXIST)
            return err_set_errno(reterr, errno, NO_POS, "%s", path);
        *slash = '/';
        if (dir < 0)
            return -1;
    }
    return 0;
}

/* What an object gets: bytes, or a file's. */
struct content {
    const void *data;
    size_t len;
    int fd; /* -1: data */
};

static int copy_file(int from, int to)
{
    AUTO(str) char *piece = mem_alloc(PIECE);
    uint64_t done = 0;

    for (ssize_t n; (n = fdio_read_at(from, piece, PIECE, done)) != 0; done += (uint64_t)n)
        if (n < 0 || fdio_write(to, piece, (size_t)n) < 0)
            return -1;
    return 0;
}

static int write_content(int fd, const struct content *c)
{
    return c->fd < 0 ? fdio_write(fd, c->data, c->len) : copy_file(c->fd, fd);
}

static int digest_of_fd(int fd, char out[DIGEST_HEX])
{
    AUTO(digest) struct digest *d = digest_create();
    AUTO(str) char *piece = mem_alloc(PIECE);
    uint64_t done = 0;

    for (ssize_t n; (n = fdio_read_at(fd, piece, PIECE, done)) != 0; done += (uint64_t)n) {
        if (n < 0)
            return -1;
        digest_add(d, piece, (size_t)n);
    }
    digest_hex(d, out);
    return 0;
}

/* The state of an object is its digest; whoever writes under a condition holds the folder's lock
 * from the look to the write. */
static int check_version(struct host *h, const char *bucket, const char *key,
                         const struct host_version *only_if, struct err *reterr)
{
    char version[HOST_VERSION_TEXT] = "";
    AUTO(err) struct err e = {0};

    if (!only_if)
        return 0;
    AUTO(fd) int fd = open_object(h, bucket, key, &e);
    if (fd < 0 && e.code != ERR_NOT_FOUND)
        return err_move(reterr, &e);
    if (fd >= 0 && digest_of_fd(fd, version) < 0)
        return err_set_errno(reterr, errno, NO_POS, "%s", key);
    if (strcmp(version, only_if->text) == 0)
        return 0;
    return err_set(reterr, ERR_CONFLICT, NO_POS, "object '%s' has been changed by somebody else",
                   key);
}

/* Closing it gives the lock back. */
static int lock_of(int folder, struct err *reterr)
{
    AUTO(fd) int lock = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (lock < 0 || flock(lock, LOCK_EX) < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot lock the folder of buckets");
    int taken = lock;
    lock = -1;
    return taken;
}

static int publish(struct host *h, const char *bucket, const char *key, const char *path,
                   const struct content *c, const struct host_version *only_if, struct err *reterr)
{
    int folder = realhost_of(h)->objects;
    const char *name;
    AUTO(str) char *part = mem_printf("%s" PART, path);
    AUTO(fd) int dir = below_parent(folder, path, &name, reterr);
    AUTO(fd)
    int fd = dir < 0 ? -1 : below_open(folder, part, O_WRONLY | O_CREAT | O_TRUNC, 0600, reterr);
    AUTO(str) char *part_name = mem_printf("%s" PART, dir < 0 ? "" : name);

    if (fd < 0)
        return -1;
    if (check_version(h, bucket, key, only_if, reterr) == 0) {
        if (write_content(fd, c) == 0 && fsync(fd) == 0 && renameat(dir, part_name, dir, name) == 0)
            return 0;
        err_set_errno(reterr, errno, NO_POS, "%s", key);
    }
    unlinkat(dir, part_name, 0);
    return -1;
}

static int put(struct host *h, const char *bucket, const char *key, const struct content *c,
               const struct host_version *only_if, struct err *reterr)
{
    int folder = folder_of(h, reterr);
    AUTO(str) char *path = folder < 0 ? NULL : path_of(bucket, key, reterr);

    if (!path || make_folders(folder, path, reterr) < 0)
        return -1;
    AUTO(fd) int lock = lock_of(folder, reterr);
    return lock < 0 ? -1 : publish(h, bucket, key, path, c, only_if, reterr);
}

static int folder_object_put(struct host *h, const char *bucket, const char *key, const void *data,
                             size_t len, const struct host_version *only_if, struct err *reterr)
{
    struct content c = {data, len, -1};

    return put(h, bucket, key, &c, only_if, reterr);
}

static int folder_object_put_file(struct host *h, const char *bucket, const char *key,
                                  struct host_file *f, struct err *reterr)
{
    struct content c = {.fd = real_file_fd(f)};

    return put(h, bucket, key, &c, NULL, reterr);
}

static int remove_object(int folder, const char *key, const char *path, struct err *reterr)
{
    const char *name;
    AUTO(fd) int dir = below_parent(folder, path, &name, reterr);

    if (dir < 0)
        return -1;
    return unlinkat(dir, name, 0) < 0 ? err_set_errno(reterr, errno, NO_POS, "%s", key) : 0;
}

static int folder_object_delete(struct host *h, const char *bucket, const char *key,
                                const struct host_version *only_if, struct err *reterr)
{
    int folder = folder_of(h, reterr);
    AUTO(str) char *path = folder < 0 ? NULL : path_of(bucket, key, reterr);

    if (!path)
        return -1;
    AUTO(fd) int lock = lock_of(folder, reterr);
    if (lock < 0 || check_version(h, bucket, key, only_if, reterr) < 0)
        return -1;
    return remove_object(folder, key, path, reterr);
}

/* ---- listing ---- */

struct walk {
    int folder;
    const char *bucket, *prefix;
    char **open; /* folders still to look into, as keys that end with a slash; "" is the bucket */
    size_t open_count, open_cap;
    char **keys;
    size_t key_count, key_cap;
};

/* Whether keys with the prefix can lie below this folder. */
static bool may_hold(const struct walk *w, const char *folder)
{
    size_t len = strlen(folder), prefix = strlen(w->prefix);

    return strncmp(folder, w->prefix, len < prefix ? len : prefix) == 0;
}

static void take_name(struct walk *w, const char *folder, const char *name)
{
    AUTO(str) char *key = mem_printf("%s%s", folder, name);
    AUTO(str) char *path = mem_printf("/%s/%s", w->bucket, key);
    AUTO(fd) int fd = below_open(w->folder, path, O_PATH, 0, NULL);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return; /* it went, or leads outside */
    if (S_ISDIR(st.st_mode) && w->open_count < FOLDERS_MAX) {
        AUTO(str) char *below = mem_printf("%s/", key);

        if (!may_hold(w, below))
            return;
        w->open = mem_grow(w->open, &w->open_cap, w->open_count + 1, sizeof *w->open);
        w->open[w->open_count++] = TAKE(below);
    } else if (S_ISREG(st.st_mode) && !ends_with(key, PART) &&
               strncmp(key, w->prefix, strlen(w->prefix)) == 0) {
        w->keys = mem_grow(w->keys, &w->key_cap, w->key_count + 1, sizeof *w->keys);
        w->keys[w->key_count++] = TAKE(key);
    }
}

static void walk_all(struct walk *w)
{
    w->open = mem_grow(w->open, &w->open_cap, 1, sizeof *w->open);
    w->open[w->open_count++] = mem_strdup("");
    while (w->open_count) {
        AUTO(str) char *folder = w->open[--w->open_count];
        AUTO(str) char *path = mem_printf("/%s/%s", w->bucket, folder);
        AUTO(err) struct err e = {0};
        json_t *names = below_list(w->folder, path, &e);

        for (size_t i = 0; i < json_array_size(names); i++)
            take_name(w, folder, json_string_value(json_array_get(names, i)));
        json_decref(names);
    }
    free(w->open);
}

static json_t *folder_object_list(struct host *h, const char *bucket, const char *prefix,
                                  struct err *reterr)
{
    struct walk w = {.folder = folder_of(h, reterr), .bucket = bucket, .prefix = prefix};
    AUTO(str) char *top = w.folder < 0 ? NULL : path_of(bucket, "x", reterr);
    json_t *out;

    if (!top)
        return NULL;
    walk_all(&w);
    if (w.key_count)
        qsort(w.keys, w.key_count, sizeof *w.keys, text_order);
    out = json_array();
    for (size_t i = 0; i < w.key_count; i++) {
        json_array_append_new(out, json_string(w.keys[i]));
        free(w.keys[i]);
    }
    free(w.keys);
    return out;
}

const struct object_ops folder_object_ops = {.get = folder_object_get,
                                             .size = folder_object_size,
                                             .read = folder_object_read,
                                             .put = folder_object_put,
                                             .put_file = folder_object_put_file,
                                             .del = folder_object_delete,
                                             .list = folder_object_list};
