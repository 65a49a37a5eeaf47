#include "tests/unit/fulfillment/disk_host.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct disk_change {
    bool truncates; /* to offset; else writes */
    size_t offset, len;
    char *data;
};

struct host_file {
    struct disk_file *file;
};

struct host_event {
    bool signalled;
    struct waitcell *cell;
};

static struct disk_host *disk_host_of(struct host *h)
{
    return (struct disk_host *)h;
}

/* ---- the disk ---- */

void disk_init(struct disk *d, uint64_t seed)
{
    memset(d, 0, sizeof *d);
    prng_init(&d->prng, seed, "disk");
}

static void forget_changes(struct disk_file *f)
{
    for (size_t i = 0; i < f->change_count; i++)
        free(f->changes[i].data);
    f->change_count = 0;
}

static void drop(struct disk_file *f)
{
    forget_changes(f);
    free(f->changes);
    free(f->data);
    free(f->synced);
    memset(f, 0, sizeof *f);
}

void disk_finish(struct disk *d)
{
    for (size_t i = 0; i < DISK_FILES; i++)
        drop(&d->files[i]);
}

static struct disk_file *find(struct disk *d, const char *path)
{
    for (size_t i = 0; i < DISK_FILES; i++)
        if (d->files[i].exists && strcmp(d->files[i].path, path) == 0)
            return &d->files[i];
    return NULL;
}

static struct disk_file *make(struct disk *d, const char *path)
{
    struct disk_file *f = d->files;

    while (f < d->files + DISK_FILES && f->exists)
        f++;
    ck_assert(f < d->files + DISK_FILES);
    ck_assert_uint_lt(strlen(path), sizeof f->path);
    memcpy(f->path, path, strlen(path) + 1);
    f->exists = true;
    return f;
}

static void resize(char **data, size_t *len, size_t size)
{
    *data = mem_realloc(*data, size + 1);
    if (size > *len)
        memset(*data + *len, 0, size - *len);
    *len = size;
}

static void apply(const struct disk_change *c, char **data, size_t *len)
{
    if (c->truncates) {
        resize(data, len, c->offset);
        return;
    }
    if (c->len == 0)
        return;
    if (c->offset + c->len > *len)
        resize(data, len, c->offset + c->len);
    memcpy(*data + c->offset, c->data, c->len);
}

static void digest(struct disk *d, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < len && d->digests; i++)
        d->written = (d->written ^ p[i]) * UINT64_C(1099511628211);
}

static void change(struct disk *d, struct disk_file *f, struct disk_change c)
{
    digest(d, &c.offset, sizeof c.offset);
    digest(d, c.data, c.len);
    f->changes = mem_grow(f->changes, &f->change_cap, f->change_count + 1, sizeof *f->changes);
    f->changes[f->change_count++] = c;
    apply(&c, &f->data, &f->len);
}

static void sync_file(struct disk_file *f)
{
    forget_changes(f);
    free(f->synced);
    f->synced = mem_dup(f->data ? f->data : "", f->len ? f->len : 1);
    f->synced_len = f->len;
}

/* Each change since the last sync is there, is not, or (a write) is there in its first sectors. */
static void lose(struct disk_file *f, struct prng *p)
{
    char *data = f->synced ? mem_dup(f->synced, f->synced_len ? f->synced_len : 1) : NULL;
    size_t len = f->synced_len;

    for (size_t i = 0; i < f->change_count; i++) {
        struct disk_change *c = &f->changes[i];
        uint64_t fate = prng_below(p, 4);

        if (fate == 0)
            continue;
        if (fate == 1 && !c->truncates)
            c->len = prng_below(p, c->len / 512 + 1) * 512;
        apply(c, &data, &len);
    }
    free(f->data);
    f->data = data;
    f->len = len;
    sync_file(f);
}

static void lose_power(struct disk *d)
{
    for (size_t i = 0; i < DISK_FILES; i++) {
        struct disk_file *f = &d->files[i];

        if (f->exists && !f->linked && prng_below(&d->prng, 2) == 0)
            drop(f);
        else if (f->exists)
            lose(f, &d->prng);
    }
}

/* ---- faults ---- */

static int crashed(struct disk_host *h, struct err *reterr)
{
    h->crashed = true;
    if (h->process)
        process_crash(h->process);
    return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
}

static int enter(struct disk_host *h, struct err *reterr)
{
    if (h->crashed) {
        h->touched_after_crash++;
        return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    }
    if (h->sched && sched_point(h->sched, "file") != SCHED_OK)
        return crashed(h, reterr);
    return 0;
}

/* Before a call that changes something. */
static int change_begins(struct disk_host *h, struct err *reterr)
{
    if (enter(h, reterr) < 0)
        return -1;
    if (++h->calls != h->fault_at)
        return 0;
    switch (h->fault) {
    case DISK_CRASH_BEFORE:
        return crashed(h, reterr);
    case DISK_NO_SPACE:
        return err_set(reterr, ERR_NO_SPACE, NO_POS, "no space left");
    case DISK_IO_ERROR:
        return err_set(reterr, ERR_IO, NO_POS, "input/output error");
    default:
        return 0;
    }
}

static int change_ends(struct disk_host *h, struct err *reterr)
{
    if (h->calls != h->fault_at)
        return 0;
    if (h->fault == DISK_POWER)
        lose_power(h->disk);
    return h->fault == DISK_POWER || h->fault == DISK_CRASH_AFTER ? crashed(h, reterr) : 0;
}

/* ---- files ---- */

static struct host_file *file_open(struct host *base, const char *path, enum host_open_mode mode,
                                   struct err *reterr)
{
    struct disk_host *h = disk_host_of(base);
    struct disk_file *f = find(h->disk, path);
    struct host_file *open;

    ck_assert_int_eq(mode, HOST_EDIT);
    if (f ? enter(h, reterr) < 0 : change_begins(h, reterr) < 0)
        return NULL;
    if (!f) {
        f = make(h->disk, path);
        if (change_ends(h, reterr) < 0)
            return NULL;
    }
    open = mem_zalloc(sizeof *open);
    open->file = f;
    return open;
}

static int file_read(struct host *base, struct host_file *f, uint64_t offset, void *buf, size_t len,
                     size_t *ret_len, struct err *reterr)
{
    struct disk_file *d = f->file;

    if (enter(disk_host_of(base), reterr) < 0)
        return -1;
    *ret_len = offset >= d->len ? 0 : d->len - offset < len ? d->len - offset : len;
    if (*ret_len > 512)
        *ret_len -= *ret_len % 512; /* shorter than asked for, now and then */
    if (*ret_len > 0)
        memcpy(buf, d->data + offset, *ret_len);
    return 0;
}

static int file_write(struct host *base, struct host_file *f, uint64_t offset, const void *buf,
                      size_t len, struct err *reterr)
{
    struct disk_host *h = disk_host_of(base);

    if (change_begins(h, reterr) < 0)
        return -1;
    if (h->fault == DISK_FULL && h->fault_at && h->calls >= h->fault_at &&
        offset + len > f->file->len)
        return err_set(reterr, ERR_NO_SPACE, NO_POS, "no space left");
    change(h->disk, f->file, (struct disk_change){false, offset, len, mem_dup(buf, len)});
    return change_ends(h, reterr);
}

static int file_truncate(struct host *base, struct host_file *f, uint64_t size, struct err *reterr)
{
    struct disk_host *h = disk_host_of(base);

    if (change_begins(h, reterr) < 0)
        return -1;
    change(h->disk, f->file, (struct disk_change){true, size, 0, NULL});
    return change_ends(h, reterr);
}

static int file_sync(struct host *base, struct host_file *f, struct err *reterr)
{
    struct disk_host *h = disk_host_of(base);

    if (change_begins(h, reterr) < 0)
        return -1;
    sync_file(f->file);
    return change_ends(h, reterr);
}

static int file_close(struct host *base, struct host_file *f, struct err *reterr)
{
    free(f);
    if (disk_host_of(base)->crashed)
        return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    return 0;
}

static int file_stat(struct host *base, const char *path, struct host_stat *ret, struct err *reterr)
{
    struct disk_host *h = disk_host_of(base);
    const struct disk_file *f = find(h->disk, path);

    if (enter(h, reterr) < 0)
        return -1;
    if (!f)
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "%s: no such file", path);
    *ret = (struct host_stat){.size = f->len, .is_regular = true};
    return 0;
}

static int file_remove(struct host *base, const char *path, struct err *reterr)
{
    struct disk_host *h = disk_host_of(base);
    struct disk_file *f = find(h->disk, path);

    if (change_begins(h, reterr) < 0)
        return -1;
    if (f)
        drop(f);
    return change_ends(h, reterr);
}

static int sync_dir(struct host *base, const char *path, struct err *reterr)
{
    struct disk_host *h = disk_host_of(base);

    ck_assert_str_eq(path, "/var/lib/fulfillment");
    if (change_begins(h, reterr) < 0)
        return -1;
    for (size_t i = 0; i < DISK_FILES; i++)
        h->disk->files[i].linked = h->disk->files[i].exists;
    return change_ends(h, reterr);
}

/* ---- time, tasks ---- */

static int64_t now(struct host *base)
{
    return disk_host_of(base)->now_ns += 1000;
}

static struct host_event *event_create(struct host *base, const char *name)
{
    struct disk_host *h = disk_host_of(base);
    struct host_event *e = mem_zalloc(sizeof *e);

    e->cell = h->sched ? waitcell_create(h->sched, name) : NULL;
    return e;
}

static void event_destroy(struct host *base, struct host_event *e)
{
    (void)base;
    waitcell_destroy(e->cell);
    free(e);
}

static void event_signal(struct host *base, struct host_event *e)
{
    (void)base;
    if (e->cell)
        waitcell_signal(e->cell);
    e->signalled = true;
}

static enum host_wait event_wait(struct host *base, struct host_event *e, int64_t until_ns)
{
    struct disk_host *h = disk_host_of(base);

    if (h->crashed)
        return HOST_CRASHED;
    if (e->cell)
        return waitcell_wait(e->cell, until_ns) == SCHED_OK ? HOST_OK : HOST_CRASHED;
    if (!e->signalled)
        h->crashed = true;
    e->signalled = false;
    return h->crashed ? HOST_CRASHED : HOST_OK;
}

static bool is_crashed(struct host *base)
{
    const struct disk_host *h = disk_host_of(base);

    return h->crashed || (h->process && process_crashed(h->process));
}

static void draw(struct host *base, const char *label, struct prng *ret)
{
    (void)base;
    prng_init(ret, 1, label);
}

static const struct host_ops disk_ops = {
    .name = "disk",
    .now = now,
    .event_create = event_create,
    .event_destroy = event_destroy,
    .event_signal = event_signal,
    .event_wait = event_wait,
    .crashed = is_crashed,
    .prng = draw,
    .file_open = file_open,
    .file_read = file_read,
    .file_write = file_write,
    .file_sync = file_sync,
    .file_close = file_close,
    .file_stat = file_stat,
    .file_remove = file_remove,
    .sync_dir = sync_dir,
    .file_truncate = file_truncate,
};

void disk_host_init(struct disk_host *h, struct disk *d)
{
    *h = (struct disk_host){.host = {&disk_ops}, .disk = d, .now_ns = DISK_START_NS};
}
