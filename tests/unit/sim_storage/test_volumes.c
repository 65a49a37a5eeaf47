/* Real bytes: capacities that end, stale content, and nothing left behind. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/content.h"
#include "base/folder.h"
#include "base/mem.h"
#include "tests/unit/sim_storage/stage.h"
#include "tests/unit/suite.h"

#define CLAIM(mode, size)                                                                          \
    "{'spec': {'accessModes': ['ReadWriteOnce'], 'volumeMode': '" mode                             \
    "', 'resources': {'requests': {'storage': '" size "'}}}}"

/* A user and mount namespace of its own, as a worker enters one. */
static bool enter_namespace(void)
{
    char map[64];
    unsigned uid = getuid();
    if (uid == 0 && unshare(CLONE_NEWNS) == 0)
        return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return false;
    int fd = open("/proc/self/uid_map", O_WRONLY);
    int len = snprintf(map, sizeof map, "%u %u 1", uid, uid);
    bool ok = fd >= 0 && write(fd, map, (size_t)len) == len;
    if (fd >= 0)
        close(fd);
    return ok && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

struct folder {
    char path[64];
};

static void folder_make(struct folder *f)
{
    snprintf(f->path, sizeof f->path, "/tmp/vmconform-volumes-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f->path));
}

static uint64_t fill(const char *folder)
{
    char path[256];
    static const char block[4096] = {1};
    uint64_t written = 0;
    snprintf(path, sizeof path, "%s/file", folder);
    AUTO(fd) int fd = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    while (written < (64u << 20) && write(fd, block, sizeof block) == sizeof block)
        written += sizeof block;
    return written;
}

static struct volume *claim_volume(struct stage *st, const char *object)
{
    const struct step steps[] = {{CREATE, "pvc/default/a", NULL, object},
                                 {SETTLE, NULL, NULL, NULL},
                                 {END, NULL, NULL, NULL}};
    stage_steps(st, "claim", steps);
    struct volume *v = storage_volume(st->cluster, "default", "a");
    ck_assert_ptr_nonnull(v);
    return v;
}

START_TEST(capacity_ends)
{
    struct folder f;
    struct stage st;
    const char *path = NULL;
    AUTO(err) struct err err = {0};
    if (!enter_namespace())
        return;
    folder_make(&f);
    stage_open(&st, f.path, true);
    storage_limit_next(st.cluster, "a", 2u << 20);
    struct volume *v = claim_volume(&st, CLAIM("Filesystem", "1Gi"));
    ck_assert_uint_eq(volume_capacity(v), 2u << 20);
    ck_assert_msg(volume_make_real(v, &path, &err) == 0, "%s", err.msg);
    ck_assert_uint_le(fill(path), 2u << 20);
    ck_assert_uint_ge(fill(path), 1);
    char mounted[256];
    snprintf(mounted, sizeof mounted, "%s", path);
    stage_close(&st);
    ck_assert_int_ne(access(mounted, F_OK), 0);
    folder_remove(f.path);
}
END_TEST

START_TEST(limit_needs_mounts)
{
    struct folder f;
    struct stage st;
    const char *path = NULL;
    AUTO(err) struct err err = {0};
    folder_make(&f);
    stage_open(&st, f.path, false);
    storage_limit_next(st.cluster, "a*", 1u << 20);
    struct volume *v = claim_volume(&st, CLAIM("Filesystem", "1Gi"));
    ck_assert_int_eq(volume_make_real(v, &path, &err), -1);
    ck_assert_int_eq(err.code, ERR_UNSUPPORTED);
    stage_close(&st);
    folder_remove(f.path);
}
END_TEST

START_TEST(plain_folder_without_mounts)
{
    struct folder f;
    struct stage st;
    const char *path = NULL;
    static const struct step gone[] = {
        {DELETE, "pvc/default/a", NULL, NULL}, {SETTLE, NULL, NULL, NULL}, {END, NULL, NULL, NULL}};
    folder_make(&f);
    stage_open(&st, f.path, false);
    struct volume *v = claim_volume(&st, CLAIM("Filesystem", "1Mi"));
    ck_assert_ptr_null(volume_real_path(v));
    ck_assert_int_eq(volume_make_real(v, &path, NULL), 0);
    ck_assert_str_eq(volume_real_path(v), path);
    fill(path);
    char was[256];
    snprintf(was, sizeof was, "%s", path);
    stage_steps(&st, "delete", gone);
    ck_assert_int_ne(access(was, F_OK), 0);
    stage_close(&st);
    folder_remove(f.path);
}
END_TEST

START_TEST(block_has_stale_content)
{
    struct folder f;
    struct stage st;
    struct stat status;
    const char *path = NULL;
    unsigned char first[16];
    folder_make(&f);
    stage_open(&st, f.path, false);
    struct volume *v = claim_volume(&st, CLAIM("Block", "64Mi"));
    ck_assert(volume_is_block(v));
    ck_assert_int_eq(volume_make_real(v, &path, NULL), 0);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_size, 64 << 20);
    AUTO(fd) int fd = open(path, O_RDONLY);
    ck_assert_int_eq(read(fd, first, sizeof first), sizeof first);
    ck_assert(!content_is_zero(first, sizeof first));
    stage_close(&st);
    folder_remove(f.path);
}
END_TEST

/* A disk that somebody has restored: blocks 2 and 3 of write 7, block 5 by nobody's rule. */
START_TEST(real_bytes_are_adopted)
{
    enum { SEED = 4711, BLOCKS = 256 };
    struct folder f;
    struct stage st;
    const char *path = NULL;
    unsigned char block[DISK_BLOCK];
    folder_make(&f);
    stage_open(&st, f.path, false);
    struct volume *v = claim_volume(&st, CLAIM("Filesystem", "1Mi"));
    ck_assert_int_eq(volume_make_real(v, &path, NULL), 0);
    AUTO(str) char *image = mem_printf("%s/disk.img", path);
    FILE *file = fopen(image, "w");
    ck_assert_ptr_nonnull(file);
    for (unsigned i = 0; i < 6; i++) {
        memset(block, i == 5 ? 'x' : 0, sizeof block);
        if (i == 2 || i == 3)
            content_fill(SEED, i, 7, block);
        ck_assert_uint_eq(fwrite(block, sizeof block, 1, file), 1);
    }
    ck_assert_int_eq(fclose(file), 0);
    AUTO(disk) struct disk_model *want = disk_create(1, BLOCKS);
    disk_adopt(want, 2, 2, SEED, 7);
    AUTO(disk_moment) struct disk_moment *got = disk_now(volume_disk(v));
    ck_assert_uint_eq(disk_moment_blocks(got), BLOCKS);
    for (unsigned i = 0; i < BLOCKS; i++) {
        AUTO(disk_moment) struct disk_moment *w = disk_now(want);
        struct disk_run a = disk_run_at(w, i), b = disk_run_at(got, i);
        ck_assert_int_eq(a.content.version != b.content.version, i == 5);
        ck_assert(i == 5 || a.content.seed == b.content.seed);
    }
    stage_close(&st);
    folder_remove(f.path);
}
END_TEST

START_TEST(no_folder)
{
    struct stage st;
    const char *path = NULL;
    AUTO(err) struct err err = {0};
    stage_open(&st, NULL, false);
    struct volume *v = claim_volume(&st, CLAIM("Filesystem", "1Mi"));
    ck_assert_int_eq(volume_make_real(v, &path, &err), -1);
    ck_assert_int_eq(err.code, ERR_UNSUPPORTED);
    stage_close(&st);
}
END_TEST

START_TEST(knobs)
{
    struct stage st;
    AUTO(err) struct err a = {0};
    AUTO(err) struct err b = {0};
    AUTO(err) struct err c = {0};
    stage_open(&st, NULL, false);
    ck_assert_int_eq(storage_set_duration(st.cluster, "provison", 1, &a), -1);
    ck_assert_str_eq(a.hint, "did you mean 'provision'?");
    ck_assert_int_eq(storage_fail_next(st.cluster, "CreateVolum", "*", "Internal", "", 1, &b), -1);
    ck_assert_int_eq(storage_set_down(st.cluster, "snapshot-contoller", true, &c), -1);
    ck_assert_int_eq(storage_set_duration(st.cluster, "provision", 0, NULL), 0);
    static const struct step at_once[] = {
        {CREATE, "pvc/default/a", NULL, CLAIM("Filesystem", "1Mi")},
        {RUN, NULL, NULL, "1ms"},
        {IS, "pvc/default/a", "status.phase", "Bound"},
        {END, NULL, NULL, NULL}};
    stage_steps(&st, "at once", at_once);
    stage_close(&st);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("sim.storage.volumes",
                      SUITE_CASE("volumes", TEST(capacity_ends), TEST(limit_needs_mounts),
                                 TEST(plain_folder_without_mounts), TEST(block_has_stale_content),
                                 TEST(real_bytes_are_adopted), TEST(no_folder), TEST(knobs)));
}
