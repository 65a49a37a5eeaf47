#include "components/fulfillment-service/store_vfs.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define SECTOR_BYTES 4096
#define PATH_MAX_BYTES 1024
/* Of the Julian day that SQLite counts from to 1970, in milliseconds. */
#define JULIAN_EPOCH_MS INT64_C(210866760000000)
#define NS_PER_MS INT64_C(1000000)

#define HELD_MAX (64u << 10)

/* A journal is written in thirds of a page's record, and every call of a host may be a message or a
 * switch of tasks: what follows on what was written last is held and written with it, at the latest
 * before a sync; only a sync promises anything. What cannot be written stays held, and is read as
 * if it had been: SQLite rolls back by reading what it wrote. */
struct vfs_file {
    sqlite3_file base;
    struct vfs *vfs;
    struct host_file *file;
    char *path;
    uint64_t size; /* known here: nobody else writes the file */
    bool made;     /* and its folder not yet synced */
    bool journal;
    char *held; /* of a journal */
    size_t held_len;
    uint64_t held_at;
};

static struct vfs_file *file_of(sqlite3_file *f)
{
    return (struct vfs_file *)f;
}

static struct vfs *vfs_of(sqlite3_vfs *v)
{
    return (struct vfs *)v;
}

/* Where a call keeps its error. */
static struct err *why(struct vfs *v)
{
    err_clear(&v->why);
    return &v->why;
}

/* After a crash no file is touched, not even by a host that would refuse. */
static bool dead(struct vfs *v)
{
    if (!host_crashed(v->host))
        return false;
    err_set(why(v), ERR_CRASHED, NO_POS, "crashed");
    return true;
}

/* A full disk: only where nothing of the transaction can have reached it. */
static int failed(const struct vfs *v, int code)
{
    return v->why.code == ERR_NO_SPACE ? SQLITE_FULL : code;
}

static int sync_folder(struct vfs *v, const char *path)
{
    const char *slash = strrchr(path, '/');
    AUTO(str) char *folder = mem_strndup(path, slash > path ? (size_t)(slash - path) : 1);

    return host_sync_dir(v->host, folder, why(v));
}

/* ---- a file ---- */

static int write_now(struct vfs_file *f, const void *buf, size_t len, uint64_t offset)
{
    if (dead(f->vfs) || host_file_write(f->vfs->host, f->file, offset, buf, len, why(f->vfs)) < 0)
        return failed(f->vfs, SQLITE_IOERR_WRITE);
    if (offset + len > f->size)
        f->size = offset + len;
    return SQLITE_OK;
}

static int write_held(struct vfs_file *f)
{
    int code = f->held_len ? write_now(f, f->held, f->held_len, f->held_at) : SQLITE_OK;

    if (code == SQLITE_OK)
        f->held_len = 0;
    return code;
}

static int hold(struct vfs_file *f, const void *buf, size_t len, uint64_t offset)
{
    bool follows = f->held_len > 0 && f->held_at + f->held_len == offset;
    int code = SQLITE_OK;

    assert(len <= HELD_MAX); /* the largest page */
    if (!follows || f->held_len + len > HELD_MAX)
        code = write_held(f);
    if (code != SQLITE_OK)
        return code;
    if (!f->held)
        f->held = mem_alloc(HELD_MAX);
    if (f->held_len == 0)
        f->held_at = offset;
    memcpy(f->held + f->held_len, buf, len);
    f->held_len += len;
    return SQLITE_OK;
}

static int file_close(sqlite3_file *base)
{
    struct vfs_file *f = file_of(base);
    int r = host_file_close(f->vfs->host, f->file, why(f->vfs));

    free(f->path);
    free(f->held);
    f->path = f->held = NULL;
    base->pMethods = NULL;
    return r < 0 ? SQLITE_IOERR_CLOSE : SQLITE_OK;
}

/* Puts held bytes over those that were read; how many are known now. */
static size_t read_held(const struct vfs_file *f, char *buf, size_t len, uint64_t offset,
                        size_t known)
{
    uint64_t first = f->held_at > offset ? f->held_at : offset;
    uint64_t end = f->held_at + f->held_len;

    if (end > offset + len)
        end = offset + len;
    if (f->held_len == 0 || first >= end)
        return known;
    memcpy(buf + (first - offset), f->held + (first - f->held_at), end - first);
    return end - offset > known ? end - offset : known;
}

static int file_read(sqlite3_file *base, void *buf, int len, sqlite3_int64 offset)
{
    struct vfs_file *f = file_of(base);
    size_t want = (size_t)len, at = 0;

    while (at < want) {
        size_t n = 0;

        if (dead(f->vfs) || host_file_read(f->vfs->host, f->file, (uint64_t)offset + at,
                                           (char *)buf + at, want - at, &n, why(f->vfs)) < 0)
            return SQLITE_IOERR_READ;
        if (n == 0)
            break;
        at += n;
    }
    memset((char *)buf + at, 0, want - at);
    at = read_held(f, buf, want, (uint64_t)offset, at);
    return at < want ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static int file_write(sqlite3_file *base, const void *buf, int len, sqlite3_int64 offset)
{
    struct vfs_file *f = file_of(base);

    if (dead(f->vfs))
        return SQLITE_IOERR_WRITE;
    return f->journal ? hold(f, buf, (size_t)len, (uint64_t)offset)
                      : write_now(f, buf, (size_t)len, (uint64_t)offset);
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct vfs_file *f = file_of(base);

    if (dead(f->vfs) || host_file_truncate(f->vfs->host, f->file, (uint64_t)size, why(f->vfs)) < 0)
        return SQLITE_IOERR_TRUNCATE;
    f->size = (uint64_t)size;
    if (f->held_at + f->held_len > f->size)
        f->held_len = f->held_at < f->size ? (size_t)(f->size - f->held_at) : 0;
    return SQLITE_OK;
}

static int file_sync(sqlite3_file *base, int flags)
{
    struct vfs_file *f = file_of(base);

    int code = write_held(f);

    (void)flags;
    if (code != SQLITE_OK)
        return code;
    if (dead(f->vfs) || host_file_sync(f->vfs->host, f->file, why(f->vfs)) < 0)
        return SQLITE_IOERR_FSYNC;
    if (f->made && sync_folder(f->vfs, f->path) < 0)
        return SQLITE_IOERR_DIR_FSYNC;
    f->made = false;
    return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret)
{
    const struct vfs_file *f = file_of(base);
    uint64_t held_end = f->held_len ? f->held_at + f->held_len : 0;

    *ret = (sqlite3_int64)(held_end > f->size ? held_end : f->size);
    return SQLITE_OK;
}

static int file_lock(sqlite3_file *base, int level)
{
    (void)base, (void)level;
    return SQLITE_OK;
}

static int file_reserved(sqlite3_file *base, int *ret)
{
    (void)base;
    *ret = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int op, void *arg)
{
    (void)base, (void)op, (void)arg;
    return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *base)
{
    (void)base;
    return SECTOR_BYTES;
}

static int file_traits(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE | SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN;
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
};

/* ---- the system ---- */

/* 0: *ret tells; an absent file has size 0 and is none of the kinds. */
static int stat_of(struct vfs *v, const char *path, struct host_stat *ret)
{
    *ret = (struct host_stat){0};
    if (dead(v))
        return -1;
    if (host_file_stat(v->host, path, ret, why(v)) == 0)
        return 0;
    if (v->why.code != ERR_NOT_FOUND)
        return -1;
    err_clear(&v->why);
    *ret = (struct host_stat){0};
    return 0;
}

static int vfs_open(sqlite3_vfs *base, const char *path, sqlite3_file *file, int flags,
                    int *ret_flags)
{
    struct vfs *v = vfs_of(base);
    struct vfs_file *f = file_of(file);
    struct host_stat st;

    memset(f, 0, sizeof *f);
    if (!path || !(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL))) {
        err_set(why(v), ERR_UNSUPPORTED, NO_POS, "the store makes no temporary files");
        return SQLITE_CANTOPEN;
    }
    if (stat_of(v, path, &st) < 0)
        return failed(v, SQLITE_CANTOPEN);
    f->file = host_file_open(v->host, path, HOST_EDIT, why(v));
    if (!f->file)
        return failed(v, SQLITE_CANTOPEN);
    f->vfs = v;
    f->path = mem_strdup(path);
    f->size = st.size;
    f->made = !st.is_regular;
    f->journal = flags & SQLITE_OPEN_MAIN_JOURNAL;
    f->base.pMethods = &file_methods;
    if (ret_flags)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *base, const char *path, int sync_dir)
{
    struct vfs *v = vfs_of(base);

    if (dead(v) || host_file_remove(v->host, path, why(v)) < 0)
        return SQLITE_IOERR_DELETE;
    if (sync_dir && sync_folder(v, path) < 0)
        return SQLITE_IOERR_DIR_FSYNC;
    return SQLITE_OK;
}

/* An empty file is as good as none: a journal that was made and not yet written. */
static int vfs_access(sqlite3_vfs *base, const char *path, int flags, int *ret)
{
    struct host_stat st;

    if (stat_of(vfs_of(base), path, &st) < 0)
        return SQLITE_IOERR_ACCESS;
    *ret = flags == SQLITE_ACCESS_EXISTS ? st.size > 0 : st.is_regular;
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *base, const char *path, int size, char *out)
{
    size_t bytes = strlen(path) + 1;

    (void)base;
    if (bytes > (size_t)size)
        return SQLITE_CANTOPEN;
    memcpy(out, path, bytes);
    return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *base, int len, char *out)
{
    prng_fill(&vfs_of(base)->prng, out, (size_t)len);
    return len;
}

static int vfs_sleep(sqlite3_vfs *base, int microseconds)
{
    (void)base;
    return microseconds; /* nobody else holds a lock that could be waited for */
}

static int vfs_time_ms(sqlite3_vfs *base, sqlite3_int64 *ret)
{
    *ret = JULIAN_EPOCH_MS + host_now(vfs_of(base)->host) / NS_PER_MS;
    return SQLITE_OK;
}

static int vfs_time(sqlite3_vfs *base, double *ret)
{
    sqlite3_int64 ms;

    vfs_time_ms(base, &ms);
    *ret = (double)ms / 86400000.0;
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *base, int size, char *out)
{
    (void)base, (void)size, (void)out;
    return 0;
}

static const sqlite3_vfs vfs_methods = {
    .iVersion = 2,
    .szOsFile = sizeof(struct vfs_file),
    .mxPathname = PATH_MAX_BYTES,
    .xOpen = vfs_open,
    .xDelete = vfs_delete,
    .xAccess = vfs_access,
    .xFullPathname = vfs_full_path,
    .xRandomness = vfs_randomness,
    .xSleep = vfs_sleep,
    .xCurrentTime = vfs_time,
    .xGetLastError = vfs_last_error,
    .xCurrentTimeInt64 = vfs_time_ms,
};

struct vfs *vfs_create(struct host *h)
{
    static atomic_uint count; /* names must differ; nothing shows them */
    struct vfs *v = mem_zalloc(sizeof *v);
    uint32_t seed;

    v->base = vfs_methods;
    v->host = h;
    snprintf(v->name, sizeof v->name, "vmconform-%u", atomic_fetch_add(&count, 1));
    v->base.zName = v->name;
    host_prng(h, "store", &v->prng);
    sqlite3_vfs_register(&v->base, /* makeDflt= */ 0);
    /* SQLite's generator (journals' nonces) is the process's and asks the default VFS for its seed,
     * so it is told one. */
    seed = (uint32_t)prng_next(&v->prng) | 1;
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, (int)seed, (sqlite3 *)NULL);
    return v;
}

void vfs_destroy(struct vfs *v)
{
    if (!v)
        return;
    sqlite3_vfs_unregister(&v->base);
    err_clear(&v->why);
    free(v);
}
