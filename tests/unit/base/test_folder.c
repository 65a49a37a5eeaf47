#include "base/folder.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/unit/suite.h"

static char top[] = "/tmp/vmconform-folder-XXXXXX";

static char *below(const char *name)
{
    return mem_printf("%s/%s", top, name);
}

static bool is_there(const char *name)
{
    AUTO(str) char *path = below(name);
    struct stat st;

    return lstat(path, &st) == 0;
}

static void make_file(const char *name)
{
    AUTO(str) char *path = below(name);
    AUTO(fd) int fd = open(path, O_WRONLY | O_CREAT, 0600);

    ck_assert_int_ge(fd, 0);
}

static void make_folder(const char *name)
{
    AUTO(str) char *path = below(name);

    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void fill(void)
{
    ck_assert_ptr_nonnull(mkdtemp(top));
    AUTO(str) char *link = below("mine/link"), *other = below("other");
    make_folder("other");
    make_file("other/kept");
    make_folder("mine");
    make_folder("mine/deep");
    make_file("mine/deep/file");
    make_file("mine/file");
    ck_assert_int_eq(symlink(other, link), 0);
}

START_TEST(all_but_what_a_link_leads_to)
{
    fill();
    AUTO(str) char *mine = below("mine");
    folder_empty(mine);
    ck_assert(is_there("mine"));
    ck_assert(!is_there("mine/file") && !is_there("mine/deep") && !is_there("mine/link"));
    ck_assert_int_eq(rmdir(mine), 0); /* it is empty */
    ck_assert(is_there("other/kept"));
    folder_remove(top);
    ck_assert_int_lt(access(top, F_OK), 0);
}
END_TEST

START_TEST(what_is_no_folder)
{
    fill();
    AUTO(str) char *file = below("mine/file"), *link = below("mine/link");
    folder_empty(file);
    ck_assert(is_there("mine/file"));
    folder_remove(file);
    ck_assert(!is_there("mine/file"));
    folder_remove(file); /* again: nothing is there */
    folder_remove(link);
    ck_assert(!is_there("mine/link"));
    ck_assert(is_there("other/kept"));
    folder_remove(top);
    ck_assert_int_lt(access(top, F_OK), 0);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("base.folder", SUITE_CASE("folder", TEST(all_but_what_a_link_leads_to),
                                                TEST(what_is_no_folder)));
}
