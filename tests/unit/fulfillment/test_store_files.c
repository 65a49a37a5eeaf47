/* The store over real files, by the calls that a real host makes of them: a child process tells a
 * story and ends at one of its calls; what it left is opened again. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/fulfillment/store_kit.h"

#define ROWS 6
#define ENDED_AT_CALL 9

struct files_host {
    struct host host;
    char dir[64];
    unsigned calls, end_at; /* calls that change a file; the process ends in this one */
};

struct host_file {
    int fd;
};

struct host_event {
    bool signalled;
};

static char *path_of(struct host *h, const char *path)
{
    return mem_printf("%s%s", ((struct files_host *)h)->dir, strrchr(path, '/'));
}

static void count_call(struct host *h)
{
    struct files_host *f = (struct files_host *)h;

    if (++f->calls == f->end_at)
        _exit(ENDED_AT_CALL);
}

static struct host_file *file_open(struct host *h, const char *path, enum host_open_mode mode,
                                   struct err *reterr)
{
    AUTO(str) char *real = path_of(h, path);
    struct host_file *f;
    int fd;

    ck_assert_int_eq(mode, HOST_EDIT);
    count_call(h);
    fd = open(real, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        err_set_errno(reterr, errno, NO_POS, "%s", path);
        return NULL;
    }
    f = mem_zalloc(sizeof *f);
    f->fd = fd;
    return f;
}

static int file_read(struct host *h, struct host_file *f, uint64_t offset, void *buf, size_t len,
                     size_t *ret_len, struct err *reterr)
{
    ssize_t n = pread(f->fd, buf, len, (off_t)offset);

    (void)h;
    if (n < 0)
        return err_set_errno(reterr, errno, NO_POS, "read");
    *ret_len = (size_t)n;
    return 0;
}

static int file_write(struct host *h, struct host_file *f, uint64_t offset, const void *buf,
                      size_t len, struct err *reterr)
{
    count_call(h);
    return pwrite(f->fd, buf, len, (off_t)offset) == (ssize_t)len
               ? 0
               : err_set_errno(reterr, errno, NO_POS, "write");
}

static int file_truncate(struct host *h, struct host_file *f, uint64_t size, struct err *reterr)
{
    count_call(h);
    return ftruncate(f->fd, (off_t)size) == 0 ? 0
                                              : err_set_errno(reterr, errno, NO_POS, "truncate");
}

/* A process that ends loses nothing that it wrote: nothing is to be synced. */
static int file_sync(struct host *h, struct host_file *f, struct err *reterr)
{
    (void)f, (void)reterr;
    count_call(h);
    return 0;
}

static int file_close(struct host *h, struct host_file *f, struct err *reterr)
{
    (void)h, (void)reterr;
    close(f->fd);
    free(f);
    return 0;
}

static int file_stat(struct host *h, const char *path, struct host_stat *ret, struct err *reterr)
{
    AUTO(str) char *real = path_of(h, path);
    struct stat st;

    if (stat(real, &st) < 0)
        return err_set_errno(reterr, errno, NO_POS, "%s", path);
    *ret = (struct host_stat){.size = (uint64_t)st.st_size, .is_regular = true};
    return 0;
}

static int file_remove(struct host *h, const char *path, struct err *reterr)
{
    AUTO(str) char *real = path_of(h, path);

    count_call(h);
    return unlink(real) == 0 || errno == ENOENT ? 0
                                                : err_set_errno(reterr, errno, NO_POS, "%s", path);
}

static int sync_dir(struct host *h, const char *path, struct err *reterr)
{
    (void)path, (void)reterr;
    count_call(h);
    return 0;
}

static int64_t now(struct host *h)
{
    (void)h;
    return DISK_START_NS;
}

static struct host_event *event_create(struct host *h, const char *name)
{
    (void)h, (void)name;
    return mem_zalloc(sizeof(struct host_event));
}

static void event_destroy(struct host *h, struct host_event *e)
{
    (void)h;
    free(e);
}

static void event_signal(struct host *h, struct host_event *e)
{
    (void)h;
    e->signalled = true;
}

static enum host_wait event_wait(struct host *h, struct host_event *e, int64_t until_ns)
{
    (void)h, (void)until_ns;
    ck_assert(e->signalled);
    e->signalled = false;
    return HOST_OK;
}

static bool crashed(struct host *h)
{
    (void)h;
    return false;
}

static void draw(struct host *h, const char *label, struct prng *ret)
{
    (void)h;
    prng_init(ret, 1, label);
}

static const struct host_ops files_ops = {.name = "files",
                                          .now = now,
                                          .event_create = event_create,
                                          .event_destroy = event_destroy,
                                          .event_signal = event_signal,
                                          .event_wait = event_wait,
                                          .crashed = crashed,
                                          .prng = draw,
                                          .file_open = file_open,
                                          .file_read = file_read,
                                          .file_write = file_write,
                                          .file_sync = file_sync,
                                          .file_close = file_close,
                                          .file_stat = file_stat,
                                          .file_remove = file_remove,
                                          .sync_dir = sync_dir,
                                          .file_truncate = file_truncate};

static struct files_host host;

static void setup(void)
{
    host = (struct files_host){.host = {&files_ops}, .dir = "/tmp/vmconform-store-XXXXXX"};
    ck_assert(mkdtemp(host.dir) != NULL);
}

static void remove_files(void)
{
    static const char *const names[] = {"service.db", "service.db-journal"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO(str) char *path = mem_printf("%s/%s", host.dir, names[i]);

        unlink(path);
    }
}

static void teardown(void)
{
    remove_files();
    rmdir(host.dir);
}

/* ---- the story: rows, a transaction each ---- */

static void tell(void)
{
    struct store *s = kit_open(&host.host, DATABASE);

    for (unsigned i = 0; i < ROWS; i++) {
        AUTO(str) char *id = mem_printf("row-%u", i);

        kit_insert(s, STORE_HUBS, kit_row(id, "t1", NULL));
    }
    store_close(s);
}

/* In a process of its own; true when it ended at the call. */
static bool tell_until(unsigned call)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        host.calls = 0;
        host.end_at = call;
        tell();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status) == ENDED_AT_CALL;
}

/* How many rows are there: the first ones, and their events. */
static unsigned count_rows(void)
{
    struct store *s = kit_open(&host.host, DATABASE);
    AUTO(str) char *dump = kit_dump(s);
    unsigned rows = 0, events = 0;

    store_close(s);
    for (; rows < ROWS; rows++) {
        AUTO(str) char *row = mem_printf("\nrow-%u|", rows);

        if (!strstr(dump, row))
            break;
    }
    for (const char *p = dump; (p = strstr(p, "OBJECT_CREATED")); p++)
        events++;
    ck_assert_uint_eq(rows, events);
    return rows;
}

START_TEST(a_process_that_ends_leaves_whole_transactions)
{
    unsigned call = 1, before = 0;

    for (; tell_until(call); call++) {
        unsigned rows = count_rows();

        ck_assert_msg(rows >= before, "call %u: %u rows, %u before", call, rows, before);
        before = rows;
        remove_files();
    }
    ck_assert_uint_eq(count_rows(), ROWS);
    ck_assert_uint_gt(call, 60);
}
END_TEST

int main(void)
{
    TCase *files;

    json_init();
    files = SUITE_LONG_CASE("files", 60, TEST(a_process_that_ends_leaves_whole_transactions));
    tcase_add_checked_fixture(files, setup, teardown);
    return SUITE_MAIN("fulfillment.store_files", files);
}
