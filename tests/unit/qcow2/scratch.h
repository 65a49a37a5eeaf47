/* For programs whose every test has a folder of its own: make_folder() and remove_folder() are its
 * fixture. */
#ifndef VMCONFORM_TESTS_QCOW2_SCRATCH_H
#define VMCONFORM_TESTS_QCOW2_SCRATCH_H

#include <check.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "tests/unit/qcow2/support.h"

#define FAULT __attribute__((cleanup(cleanup_qcow2_fault))) struct qcow2_fault
#define BYTES __attribute__((cleanup(cleanup_bytes))) struct bytes

static char *folder;

static inline void make_folder(void)
{
    folder = scratch_create();
}

static inline void remove_folder(void)
{
    scratch_remove(folder);
}

/* New. */
static inline char *in_folder(const char *name)
{
    return mem_printf("%s/%s", folder, name);
}

static inline bool exists(const char *name)
{
    AUTO(str) char *path = in_folder(name);
    struct stat st;
    return lstat(path, &st) == 0;
}

static inline void ok(int r, const struct qcow2_fault *f)
{
    ck_assert_msg(r == 0, "%s", f->err.msg ? f->err.msg : "no fault");
}

#endif
