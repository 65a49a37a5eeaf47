/* See memory_files.h. */
#include "runner/memory_files.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/order.h"
#include "base/strmap.h"

static const char top[] = "/var/lib/";

struct memory_file {
    struct memory_world *world;
    unsigned refs; /* its name is one */
    char *data;
    size_t size, cap;
};

/* A name: a file, or a directory. */
struct memory_name {
    char *path;
    struct memory_file *file; /* NULL: a directory */
};

struct memory_files {
    struct memory_world *world;
    struct memory_name *names; /* in the order of their making */
    size_t count, cap;
};

/* All of a world. */
struct memory_world {
    struct strmap *owners;
    uint64_t bytes;
};

/* ---- life ---- */

static void file_release(struct memory_file *f)
{
    assert(f->refs > 0);
    if (--f->refs > 0)
        return;
    f->world->bytes -= f->size;
    free(f->data);
    free(f);
}

static void files_destroy(void *arg)
{
    struct memory_files *m = arg;

    for (size_t i = 0; i < m->count; i++) {
        if (m->names[i].file)
            file_release(m->names[i].file);
        free(m->names[i].path);
    }
    free(m->names);
    free(m);
}

static void world_end(void *part)
{
    struct memory_world *all = part;

    strmap_destroy(all->owners, files_destroy);
    free(all);
}

static struct memory_world *world_files(struct world *w)
{
    struct memory_world *all = world_part(w, "memory-files");

    if (all)
        return all;
    all = mem_zalloc(sizeof *all);
    all->owners = strmap_create();
    world_attach(w, "memory-files", all, world_end);
    return all;
}

struct memory_files *memory_files_of(struct world *w, const char *owner)
{
    struct memory_world *all = world_files(w);
    struct memory_files *m = strmap_get(all->owners, owner);

    if (m)
        return m;
    m = mem_zalloc(sizeof *m);
    m->world = all;
    strmap_put(all->owners, owner, m);
    return m;
}

/* ---- names ---- */

/* What stands above the volumes. */
static bool is_above(const char *path)
{
    return strcmp(path, "/var") == 0 || strcmp(path, "/var/lib") == 0;
}

bool memory_path(const char *path)
{
    size_t len = strlen(top);

    return is_above(path) || (strncmp(path, top, len) == 0 && path[len] && path[len] != '/');
}

static struct memory_name *find(const struct memory_files *m, const char *path)
{
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->names[i].path, path) == 0)
            return &m->names[i];
    return NULL;
}

/* The volume itself, or what is above it: there without being made. */
static bool is_volume(const char *path)
{
    return is_above(path) || !strchr(path + strlen(top), '/');
}

static bool is_directory(const struct memory_files *m, const char *path)
{
    const struct memory_name *n = find(m, path);

    return n ? !n->file : is_volume(path);
}

/* 0 when a name may be made at the path. A file can stand beside the volumes too. */
static int check_place(const struct memory_files *m, const char *path)
{
    const char *slash = strrchr(path, '/');
    AUTO(str) char *parent = mem_strndup(path, (size_t)(slash - path));

    if (!slash[1] || is_above(path))
        return -EINVAL;
    if (m->count >= MEMORY_NAMES_MAX)
        return -ENOSPC;
    if (is_volume(path) || is_directory(m, parent))
        return 0;
    return find(m, parent) ? -ENOTDIR : -ENOENT;
}

static void add_name(struct memory_files *m, const char *path, struct memory_file *f)
{
    m->names = mem_grow(m->names, &m->cap, m->count + 1, sizeof *m->names);
    m->names[m->count++] = (struct memory_name){mem_strdup(path), f};
}

static void drop_name(struct memory_files *m, struct memory_name *n)
{
    size_t i = (size_t)(n - m->names);

    if (n->file)
        file_release(n->file);
    free(n->path);
    m->count--;
    memmove(m->names + i, m->names + i + 1, (m->count - i) * sizeof *m->names);
}

/* ---- files ---- */

static struct memory_file *make_file(struct memory_files *m, const char *path)
{
    struct memory_file *f = mem_zalloc(sizeof *f);

    f->world = m->world;
    f->refs = 1;
    add_name(m, path, f);
    return f;
}

static int open_errno(const struct memory_files *m, const char *path, enum host_open_mode mode)
{
    const struct memory_name *n = find(m, path);

    if ((n && !n->file) || is_above(path))
        return EISDIR;
    if (n)
        return mode == HOST_CREATE ? EEXIST : 0;
    if (mode == HOST_READ || mode == HOST_WRITE)
        return is_volume(path) ? EISDIR : ENOENT;
    return -check_place(m, path);
}

struct memory_file *memory_open(struct memory_files *m, const char *path, enum host_open_mode mode,
                                int *ret_errno)
{
    struct memory_name *n = find(m, path);
    struct memory_file *f;

    *ret_errno = open_errno(m, path, mode);
    if (*ret_errno)
        return NULL;
    f = n ? n->file : make_file(m, path);
    if (mode == HOST_TRUNCATE)
        memory_truncate(f, 0);
    f->refs++;
    return f;
}

void memory_close(struct memory_file *f)
{
    file_release(f);
}

size_t memory_read(const struct memory_file *f, uint64_t offset, void *buf, size_t len)
{
    size_t left = offset < f->size ? f->size - (size_t)offset : 0;

    if (len > left)
        len = left;
    if (len)
        memcpy(buf, f->data + offset, len);
    return len;
}

/* What is between the old end and the new one is zero, but for what begins at `written`, which the
 * caller fills. */
static int resize(struct memory_file *f, uint64_t size, uint64_t written)
{
    uint64_t more = size > f->size ? size - f->size : 0;

    if (more > MEMORY_BYTES_MAX - f->world->bytes)
        return -ENOSPC;
    if (size > f->cap)
        f->data = mem_grow(f->data, &f->cap, (size_t)size, 1);
    if (written > f->size)
        memset(f->data + f->size, 0, (size_t)(written - f->size));
    f->world->bytes += size - f->size; /* wraps as it should */
    f->size = (size_t)size;
    return 0;
}

int memory_truncate(struct memory_file *f, uint64_t size)
{
    return resize(f, size, size);
}

int memory_write(struct memory_file *f, uint64_t offset, const void *buf, size_t len)
{
    if (offset > MEMORY_BYTES_MAX || len > MEMORY_BYTES_MAX - offset)
        return -ENOSPC;
    if (offset + len > f->size && resize(f, offset + len, offset) < 0)
        return -ENOSPC;
    if (len)
        memcpy(f->data + offset, buf, len);
    return 0;
}

void memory_zero(struct memory_file *f, uint64_t offset, uint64_t len)
{
    uint64_t there = offset < f->size ? f->size - offset : 0;

    if (there)
        memset(f->data + offset, 0, (size_t)(len < there ? len : there));
}

/* ---- paths ---- */

int memory_stat(const struct memory_files *m, const char *path, struct host_stat *ret)
{
    const struct memory_name *n = find(m, path);

    if (!n && !is_volume(path))
        return -ENOENT;
    *ret = (struct host_stat){.size = n && n->file ? n->file->size : 0,
                              .is_regular = n && n->file,
                              .is_directory = !n || !n->file};
    return 0;
}

/* The names below a directory are texts that begin with its own: moving one would rename them all,
 * which nobody needs. */
int memory_rename(struct memory_files *m, const char *from, const char *to)
{
    struct memory_name *n = find(m, from), *there = find(m, to);
    int wrong = there ? 0 : check_place(m, to);

    if (!n)
        return -ENOENT;
    if (wrong < 0)
        return wrong;
    if (!n->file || (there && !there->file))
        return -EISDIR;
    if (there == n)
        return 0;
    if (there)
        drop_name(m, there);
    n = find(m, from);
    free(n->path);
    n->path = mem_strdup(to);
    return 0;
}

int memory_remove(struct memory_files *m, const char *path)
{
    struct memory_name *n = find(m, path);

    if (!n)
        return is_volume(path) ? -EISDIR : 0;
    if (!n->file)
        return -EISDIR;
    drop_name(m, n);
    return 0;
}

int memory_make_dir(struct memory_files *m, const char *path)
{
    int wrong;

    if (find(m, path))
        return find(m, path)->file ? -EEXIST : 0;
    if (is_volume(path))
        return 0;
    wrong = check_place(m, path);
    if (wrong == 0)
        add_name(m, path, NULL);
    return wrong;
}

json_t *memory_list(const struct memory_files *m, const char *path, int *ret_errno)
{
    size_t len = strlen(path), count = 0;
    const char **names;
    json_t *out;

    *ret_errno = is_directory(m, path) ? 0 : find(m, path) ? ENOTDIR : ENOENT;
    if (*ret_errno)
        return NULL;
    names = mem_zalloc((m->count + 1) * sizeof *names);
    for (size_t i = 0; i < m->count; i++) {
        const char *p = m->names[i].path;

        if (strncmp(p, path, len) == 0 && p[len] == '/' && !strchr(p + len + 1, '/'))
            names[count++] = p + len + 1;
    }
    qsort(names, count, sizeof *names, text_order);
    out = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(out, json_string(names[i]));
    free(names);
    return out;
}
