/* The files of controllers: names, bytes, limits, and that they outlive who holds them. */
#include "runner/memory_files.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/suite.h"

static struct world *world;
static struct memory_files *files;

static void begin(void)
{
    world = world_create(&(struct world_config){.seed = 1});
    files = memory_files_of(world, "keeper");
}

static void end(void)
{
    world_destroy(world);
}

/* ---- names ---- */

static const struct {
    const char *path;
    bool is_one;
} paths[] = {{"/var", true},         {"/var/lib", true},   {"/var/lib/x", true},
             {"/var/lib/x/y", true}, {"/var/lib/", false}, {"/var/lib//x", false},
             {"/etc/x", false},      {"/var/libx", false}, {"/var/log/x", false}};

START_TEST(a_path)
{
    ck_assert_msg(memory_path(paths[_i].path) == paths[_i].is_one, "%s", paths[_i].path);
}
END_TEST

static const struct {
    const char *path;
    enum host_open_mode mode;
    int wrong;
} opens[] = {
    {"/var/lib/x/new", HOST_READ, ENOENT},
    {"/var/lib/x/new", HOST_WRITE, ENOENT},
    {"/var/lib/x/new", HOST_CREATE, 0},
    {"/var/lib/x/new", HOST_TRUNCATE, 0},
    {"/var/lib/x/new", HOST_EDIT, 0},
    {"/var/lib/beside", HOST_EDIT, 0},
    {"/var/lib/x/there", HOST_READ, 0},
    {"/var/lib/x/there", HOST_CREATE, EEXIST},
    {"/var/lib/x/there", HOST_EDIT, 0},
    {"/var/lib/x/none/new", HOST_CREATE, ENOENT},
    {"/var/lib/x/there/new", HOST_CREATE, ENOTDIR},
    {"/var/lib/x/dir", HOST_EDIT, EISDIR},
    {"/var/lib/x", HOST_READ, EISDIR},
    {"/var/lib", HOST_EDIT, EISDIR},
    {"/var/lib/x/", HOST_CREATE, EINVAL},
};

static void put(const char *path, const char *text)
{
    int wrong;
    struct memory_file *f = memory_open(files, path, HOST_EDIT, &wrong);

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(memory_truncate(f, 0), 0);
    ck_assert_int_eq(memory_write(f, 0, text, strlen(text)), 0);
    memory_close(f);
}

START_TEST(an_open)
{
    struct memory_file *f;
    int wrong;

    put("/var/lib/x/there", "text");
    ck_assert_int_eq(memory_make_dir(files, "/var/lib/x/dir"), 0);
    f = memory_open(files, opens[_i].path, opens[_i].mode, &wrong);
    ck_assert_msg(wrong == opens[_i].wrong, "%s: %s", opens[_i].path, strerror(wrong));
    ck_assert_int_eq(f != NULL, wrong == 0);
    if (f)
        memory_close(f);
}
END_TEST

/* ---- bytes ---- */

static void holds(const char *path, const char *want, size_t len)
{
    char got[64];
    int wrong;
    struct memory_file *f = memory_open(files, path, HOST_READ, &wrong);

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(memory_read(f, 0, got, sizeof got), len);
    ck_assert(memcmp(got, want, len) == 0);
    memory_close(f);
}

START_TEST(bytes)
{
    int wrong;
    struct memory_file *f = memory_open(files, "/var/lib/x/a", HOST_EDIT, &wrong);
    char got[8];

    ck_assert_int_eq(memory_write(f, 3, "xyz", 3), 0);
    holds("/var/lib/x/a", "\0\0\0xyz", 6);
    ck_assert_uint_eq(memory_read(f, 4, got, sizeof got), 2);
    ck_assert_uint_eq(memory_read(f, 100, got, sizeof got), 0);
    ck_assert_int_eq(memory_truncate(f, 4), 0);
    ck_assert_int_eq(memory_truncate(f, 6), 0);
    holds("/var/lib/x/a", "\0\0\0x\0\0", 6); /* what was cut off does not come back */
    ck_assert_int_eq(memory_write(f, 0, "abcdef", 6), 0);
    memory_zero(f, 1, 2);
    memory_zero(f, 5, UINT64_MAX - 5);
    memory_zero(f, 7, 1);
    holds("/var/lib/x/a", "a\0\0de\0", 6); /* no longer than it was */
    memory_close(f);
}
END_TEST

START_TEST(no_room)
{
    int wrong;
    struct memory_file *f = memory_open(files, "/var/lib/x/a", HOST_EDIT, &wrong);

    ck_assert_int_eq(memory_write(f, MEMORY_BYTES_MAX, "x", 1), -ENOSPC);
    ck_assert_int_eq(memory_write(f, UINT64_MAX, "x", 1), -ENOSPC);
    ck_assert_int_eq(memory_truncate(f, MEMORY_BYTES_MAX + 1), -ENOSPC);
    ck_assert_int_eq(memory_write(f, 0, "x", 1), 0);
    memory_close(f);
}
END_TEST

START_TEST(no_more_names)
{
    int wrong = 0;

    for (unsigned i = 0; i < MEMORY_NAMES_MAX; i++) {
        AUTO(str) char *path = mem_printf("/var/lib/x/%u", i);

        ck_assert_int_eq(memory_make_dir(files, path), 0);
    }
    ck_assert_ptr_null(memory_open(files, "/var/lib/x/more", HOST_CREATE, &wrong));
    ck_assert_int_eq(wrong, ENOSPC);
}
END_TEST

/* ---- changes of names ---- */

START_TEST(names)
{
    int wrong;
    struct host_stat st;
    AUTO(json) json_t *list = NULL;
    AUTO(str) char *text = NULL;

    put("/var/lib/x/b", "b");
    put("/var/lib/x/a", "aa");
    ck_assert_int_eq(memory_make_dir(files, "/var/lib/x/c"), 0);
    ck_assert_int_eq(memory_make_dir(files, "/var/lib/x/c"), 0);
    ck_assert_int_eq(memory_make_dir(files, "/var/lib/x/a"), -EEXIST);
    put("/var/lib/x/c/deep", "d");
    ck_assert_int_eq(memory_rename(files, "/var/lib/x/a", "/var/lib/x/b"), 0);
    ck_assert_int_eq(memory_rename(files, "/var/lib/x/a", "/var/lib/x/b"), -ENOENT);
    ck_assert_int_eq(memory_rename(files, "/var/lib/x/b", "/var/lib/x/c"), -EISDIR);
    ck_assert_int_eq(memory_rename(files, "/var/lib/x/b", "/var/lib/x/d/e"), -ENOENT);
    ck_assert_int_eq(memory_stat(files, "/var/lib/x/b", &st), 0);
    ck_assert(st.is_regular && st.size == 2);
    ck_assert_int_eq(memory_stat(files, "/var/lib/x", &st), 0);
    ck_assert(st.is_directory);
    ck_assert_int_eq(memory_stat(files, "/var/lib/x/a", &st), -ENOENT);
    list = memory_list(files, "/var/lib/x", &wrong);
    text = json_text(list);
    ck_assert_str_eq(text, "[\"b\",\"c\"]");
    ck_assert_ptr_null(memory_list(files, "/var/lib/x/b", &wrong));
    ck_assert_int_eq(wrong, ENOTDIR);
    ck_assert_ptr_null(memory_list(files, "/var/lib/x/none", &wrong));
    ck_assert_int_eq(wrong, ENOENT);
    ck_assert_int_eq(memory_remove(files, "/var/lib/x/b"), 0);
    ck_assert_int_eq(memory_remove(files, "/var/lib/x/b"), 0);
    ck_assert_int_eq(memory_remove(files, "/var/lib/x/c"), -EISDIR);
}
END_TEST

/* Whoever holds a removed file goes on with it; a new one of its name is another. */
START_TEST(a_removed_file)
{
    int wrong;
    struct memory_file *f;
    char got[4];

    put("/var/lib/x/a", "old");
    f = memory_open(files, "/var/lib/x/a", HOST_READ, &wrong);
    ck_assert_int_eq(memory_remove(files, "/var/lib/x/a"), 0);
    put("/var/lib/x/a", "new");
    ck_assert_uint_eq(memory_read(f, 0, got, sizeof got), 3);
    ck_assert(memcmp(got, "old", 3) == 0);
    memory_close(f);
    holds("/var/lib/x/a", "new", 3);
}
END_TEST

START_TEST(to_each_its_own)
{
    struct memory_files *others = memory_files_of(world, "other");
    int wrong;

    put("/var/lib/x/a", "mine");
    ck_assert_ptr_null(memory_open(others, "/var/lib/x/a", HOST_READ, &wrong));
    ck_assert_int_eq(wrong, ENOENT);
    ck_assert_ptr_eq(memory_files_of(world, "keeper"), files);
}
END_TEST

int main(void)
{
    json_init();

    TCase *tcase =
        SUITE_CASE("all", EACH(a_path, paths), EACH(an_open, opens), TEST(bytes), TEST(no_room),
                   TEST(no_more_names), TEST(names), TEST(a_removed_file), TEST(to_each_its_own));

    tcase_add_checked_fixture(tcase, begin, end);
    return SUITE_MAIN("memory_files", tcase);
}
