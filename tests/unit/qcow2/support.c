#include "tests/unit/qcow2/support.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "qcow2/compare.h"
#include "qcow2/format.h"

static struct qcow2_sink *memory(void)
{
    return qcow2_sink_memory("memory", UINT64_C(1) << 30);
}

static void put_letters(struct qcow2_writer *w, const char *layout, char letter,
                        struct qcow2_fault *f)
{
    size_t cs = qcow2_writer_cluster_size(w);
    AUTO(mem) void *data = mem_alloc(cs);
    memset(data, letter == '@' ? 0 : letter, cs);
    for (size_t i = 0; layout[i]; i++)
        if (layout[i] == letter)
            ck_assert_int_eq(qcow2_writer_put(w, i, data, cs, f), 0);
}

struct bytes make_image(uint32_t cluster_bits, const char *layout,
                        const struct qcow2_writer_options *more)
{
    struct qcow2_writer_options o = {0};
    if (more)
        o = *more;
    o.cluster_bits = cluster_bits;
    if (!o.virtual_size)
        o.virtual_size = (uint64_t)strlen(layout) << cluster_bits;
    struct qcow2_fault f = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = memory();
    AUTO(qcow2_writer) struct qcow2_writer *w = qcow2_writer_create_sink(sink, &o, &f);
    ck_assert_msg(w != NULL, "%s", f.err.msg ? f.err.msg : "");
    for (char letter = '@'; letter <= 'z'; letter++)
        put_letters(w, layout, letter, &f);
    for (size_t i = 0; layout[i]; i++)
        if (layout[i] == '0')
            ck_assert_int_eq(qcow2_writer_zero(w, i, &f), 0);
    ck_assert_int_eq(qcow2_writer_finish(w, NULL, &f), 0);
    struct bytes b;
    b.data = qcow2_sink_memory_take(sink, &b.len);
    return b;
}

struct bytes make_layer(const struct disk_moment *from, const struct disk_moment *to,
                        const struct qcow2_layer_options *options)
{
    struct qcow2_fault f = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = memory();
    uint64_t size;
    int r = qcow2_layer_write(sink, from, to, options, &size, &f);
    ck_assert_msg(r == 0, "%s", f.err.msg ? f.err.msg : "");
    struct bytes b;
    b.data = qcow2_sink_memory_take(sink, &b.len);
    ck_assert_uint_eq(b.len, size);
    return b;
}

struct qcow2_image *open_bytes(const struct bytes *b, const char *name,
                               struct qcow2_fault *retfault)
{
    return qcow2_image_open(qcow2_io_memory(b->data, b->len, name), NULL, retfault);
}

struct bytes make_subclusters(uint64_t word, uint64_t bitmap)
{
    struct bytes b = make_image(14, "A", NULL);
    be64_put(b.data, HDR_INCOMPATIBLE, QCOW2_INCOMPAT_EXTENDED_L2);
    be64_put(b.data, 4 * 16384, word);
    be64_put(b.data, 4 * 16384 + 8, bitmap);
    return b;
}

enum qcow2_defect judge(const struct bytes *b)
{
    __attribute__((cleanup(cleanup_qcow2_fault))) struct qcow2_fault f = {0};
    AUTO(qcow2_image) struct qcow2_image *image = open_bytes(b, "image", &f);
    if (!image)
        return f.defect;
    struct qcow2_image *layers[] = {image};
    qcow2_chain_destroy(qcow2_chain_open(layers, 1, NULL, &f));
    return f.defect;
}

/* ---- files ---- */

char *scratch_create(void)
{
    const char *base = getenv("TMPDIR");
    char *folder = mem_printf("%s/vmconform-test-XXXXXX", base ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    return folder;
}

static void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) {
        unlink(path);
        return;
    }
    struct dirent *e;
    while ((e = readdir(dir))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        AUTO(str) char *child = mem_printf("%s/%s", path, e->d_name);
        remove_tree(child);
    }
    closedir(dir);
    rmdir(path);
}

void scratch_remove(char *folder)
{
    remove_tree(folder);
    free(folder);
}

size_t leftovers(const char *folder)
{
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    size_t count = 0;
    struct dirent *e;
    while ((e = readdir(dir)))
        count += fnmatch("*.partial", e->d_name, 0) == 0;
    closedir(dir);
    return count;
}

void write_file(const char *path, const void *data, size_t len)
{
    AUTO(file) FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, len, f), len);
}

struct bytes read_file(const char *path)
{
    AUTO(file) FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    struct stat st;
    ck_assert_int_eq(fstat(fileno(f), &st), 0);
    struct bytes b = {mem_alloc((size_t)st.st_size + 1), (size_t)st.st_size};
    ck_assert_uint_eq(fread(b.data, 1, b.len, f), b.len);
    return b;
}

/* ---- tools ---- */

extern char **environ;

int run_tool(const char *const *argv)
{
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
    pid_t pid;
    int r = posix_spawnp(&pid, argv[0], &quiet, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&quiet);
    if (r != 0)
        return 127;
    int status;
    if (waitpid(pid, &status, 0) !=
        pid) /* no assertion: main() asks for tools before any test runs */
        return 128;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

bool have_qemu(void)
{
    return run_tool((const char *const[]){"qemu-img", "--version", NULL}) == 0 &&
           run_tool((const char *const[]){"qemu-io", "--version", NULL}) == 0;
}

bool skip_without_qemu(void)
{
    if (have_qemu())
        return false;
    printf("skipped: qemu-img and qemu-io are not installed\n");
    return true;
}

void same_as_raw(struct qcow2_chain *chain, const char *raw, const char *what)
{
    struct qcow2_fault f = {0};
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_io_open(raw, 0, &f);
    ck_assert_msg(io != NULL, "%s: %s", what, f.err.msg ? f.err.msg : "");
    struct qcow2_chain_view a;
    struct qcow2_io_view b;
    struct qcow2_comparison c;
    int r = qcow2_compare(qcow2_view_chain(&a, chain), qcow2_view_io(&b, io), NULL, &c, &f);
    ck_assert_msg(r == 0, "%s: %s", what, f.err.msg ? f.err.msg : "");
    ck_assert_msg(qcow2_comparison_same(&c), "%s: %llu bytes differ, first at %llu", what,
                  (unsigned long long)c.bytes_differing,
                  c.count ? (unsigned long long)c.items[0].start : 0);
    qcow2_comparison_finish(&c);
}
