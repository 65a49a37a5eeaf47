#include "tests/unit/qcow2/rows.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/unit/qcow2/engines.h"

struct scene scene_empty(void)
{
    return (struct scene){.folder = scratch_create()};
}

struct scene scene_create(void)
{
    struct scene s = scene_empty();
    draw(&s, "F", NULL, ROWS_F);
    draw(&s, "I1", NULL, ROWS_I1);
    draw(&s, "I2", NULL, ROWS_I2);
    return s;
}

void scene_finish(struct scene *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->paths[i]);
    for (size_t i = 0; i < s->file_count; i++)
        free(s->files[i].name);
    free(s->paths);
    scratch_remove(s->folder);
}

const char *at(struct scene *s, const char *name)
{
    s->paths = mem_grow(s->paths, &s->cap, s->count + 1, sizeof(*s->paths));
    s->paths[s->count] = mem_printf("%s/%s", s->folder, name);
    return s->paths[s->count++];
}

/* ---- qemu ---- */

static size_t run_of(const char *layout)
{
    size_t n = 1;
    while (layout[n] == layout[0])
        n++;
    return n;
}

void draw(struct scene *s, const char *name, const char *options, const char *layout)
{
    const char *path = at(s, name);
    AUTO(str) char *size = mem_printf("%zu", strlen(layout) * ROWS_CS);
    const char *with = options ? options : "cluster_size=64k";
    ck_assert_int_eq(run_tool((const char *const[]){"qemu-img", "create", "-f", "qcow2", "-o", with,
                                                    path, size, NULL}),
                     0);
    const char *argv[64] = {"qemu-io", "-f", "qcow2"};
    char commands[20][64];
    size_t count = 0;
    for (size_t i = 0, n; layout[i]; i += n) {
        n = run_of(layout + i);
        if (layout[i] == '.')
            continue;
        if (layout[i] == '0')
            snprintf(commands[count], sizeof commands[0], "write -z %zu %zu", i * ROWS_CS,
                     n * ROWS_CS);
        else
            snprintf(commands[count], sizeof commands[0], "write -P %d %zu %zu", layout[i],
                     i * ROWS_CS, n * ROWS_CS);
        argv[3 + count * 2] = "-c";
        argv[4 + count * 2] = commands[count];
        count++;
    }
    argv[3 + count * 2] = path;
    if (count > 0)
        ck_assert_int_eq(run_tool(argv), 0);
}

int rebase(struct scene *s, const char *name, const char *parent)
{
    return run_tool((const char *const[]){"qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "qcow2",
                                          "-b", at(s, parent), at(s, name), NULL});
}

void rebase_chained(struct scene *s)
{
    ck_assert_int_eq(rebase(s, "I1", "F"), 0);
    ck_assert_int_eq(rebase(s, "I2", "I1"), 0);
}

int convert(struct scene *s, const char *name)
{
    return run_tool((const char *const[]){"qemu-img", "convert", "-f", "qcow2", "-O", "raw",
                                          at(s, name), at(s, "out.raw"), NULL});
}

int info(struct scene *s, const char *name)
{
    return run_tool((const char *const[]){"qemu-img", "info", "-f", "qcow2", at(s, name), NULL});
}

int check(struct scene *s, const char *name)
{
    return run_tool((const char *const[]){"qemu-img", "check", "-f", "qcow2", at(s, name), NULL});
}

/* ---- files ---- */

static struct bytes bytes_of(const char *layout)
{
    struct bytes b = {mem_alloc(strlen(layout) * ROWS_CS + 1), strlen(layout) * ROWS_CS};
    for (size_t i = 0; layout[i]; i++)
        memset(b.data + i * ROWS_CS, layout[i] == '.' || layout[i] == '0' ? 0 : layout[i], ROWS_CS);
    return b;
}

void write_raw(struct scene *s, const char *name, const char *layout)
{
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = bytes_of(layout);
    write_file(at(s, name), b.data, b.len);
}

bool shows(struct scene *s, const char *name, const char *layout)
{
    __attribute__((cleanup(cleanup_bytes))) struct bytes got = read_file(at(s, name));
    __attribute__((cleanup(cleanup_bytes))) struct bytes want = bytes_of(layout);
    return got.len == want.len && memcmp(got.data, want.data, got.len) == 0;
}

char *shown(struct scene *s, const char *name)
{
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = read_file(at(s, name));
    char *text = mem_zalloc(b.len / ROWS_CS + 1);
    for (size_t i = 0; i < b.len / ROWS_CS; i++)
        text[i] = b.data[i * ROWS_CS] ? (char)b.data[i * ROWS_CS] : '.';
    return text;
}

void poke(struct scene *s, const char *name, uint64_t offset, const void *bytes, size_t len)
{
    AUTO(file) FILE *f = fopen(at(s, name), "r+b");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseek(f, (long)offset, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
}

void cut(struct scene *s, const char *name, uint64_t len)
{
    ck_assert_int_eq(truncate(at(s, name), (off_t)len), 0);
}

/* ---- ours ---- */

void remember(struct scene *s, const char *name)
{
    ck_assert_uint_lt(s->file_count, ARRAY_LEN(s->files));
    struct scene_file *f = &s->files[s->file_count++];
    f->name = mem_strdup(name);
    ck_assert_int_eq(digest_of_file(at(s, name), f->sha256, &f->length, NULL), 0);
}

static void declare(const struct scene *s, char *token, bool declared, struct qcow2_declared *ret)
{
    char *parent = strchr(token, '<');
    if (parent)
        *parent++ = '\0';
    *ret = (struct qcow2_declared){.name = token, .length = QCOW2_LENGTH_UNKNOWN};
    if (!declared)
        return;
    ret->id = token;
    ret->parent = parent;
    ret->type = parent ? QCOW2_DECLARED_INCREMENT : QCOW2_DECLARED_FULL;
    for (size_t i = 0; i < s->file_count; i++)
        if (strcmp(s->files[i].name, token) == 0) {
            ret->length = s->files[i].length;
            ret->sha256 = s->files[i].sha256;
        }
}

struct qcow2_chain *open_list(struct scene *s, const char *list, struct qcow2_fault *retfault)
{
    enum { MOST = 8 };
    struct qcow2_declared declared[MOST];
    struct qcow2_io *ios[MOST];
    size_t count = 0;
    bool told = list[0] != '?';
    AUTO(str) char *text = mem_strdup(told ? list : list + 2);
    for (char *rest = text, *token; (token = strsep(&rest, " "));) {
        ck_assert_uint_lt(count, MOST);
        declare(s, token, told, &declared[count++]);
    }
    for (size_t i = 0; i < count; i++) {
        ios[i] = qcow2_io_open(at(s, declared[i].name), 0, retfault);
        if (ios[i])
            continue;
        while (i-- > 0)
            qcow2_io_destroy(ios[i]);
        return NULL;
    }
    return qcow2_resolve(declared, ios, count, NULL, NULL, retfault);
}

enum qcow2_defect answer(struct scene *s, const char *list, const char *want)
{
    __attribute__((cleanup(cleanup_qcow2_fault))) struct qcow2_fault f = {0};
    AUTO(qcow2_chain) struct qcow2_chain *chain = open_list(s, list, &f);
    __attribute__((cleanup(cleanup_bytes))) struct bytes got = {0};
    if (!chain || flatten_bytes(chain, &got, &f) < 0) {
        ck_assert_msg(!want, "%s: %s", list, f.err.msg);
        return f.defect;
    }
    ck_assert_msg(want != NULL, "%s: no fault", list);
    __attribute__((cleanup(cleanup_bytes))) struct bytes expected = bytes_of(want);
    must_be_same(&got, &expected, list);
    return QCOW2_OK;
}

void refused(struct scene *s, const char *list, enum qcow2_defect want)
{
    enum qcow2_defect got = answer(s, list, NULL);
    ck_assert_msg(got == want, "%s: %s, expected %s", list, qcow2_defect_code(got),
                  qcow2_defect_code(want));
}

void right(struct scene *s, const char *list, const char *want)
{
    ck_assert_int_eq(answer(s, list, want), QCOW2_OK);
}

void as_qemu(struct scene *s, const char *list)
{
    __attribute__((cleanup(cleanup_qcow2_fault))) struct qcow2_fault f = {0};
    AUTO(qcow2_chain) struct qcow2_chain *chain = open_list(s, list, &f);
    ck_assert_msg(chain != NULL, "%s: %s", list, f.err.msg);
    __attribute__((cleanup(cleanup_bytes))) struct bytes got = {0};
    ck_assert_msg(flatten_bytes(chain, &got, &f) == 0, "%s: %s", list, f.err.msg);
    __attribute__((cleanup(cleanup_bytes))) struct bytes want = read_file(at(s, "out.raw"));
    must_be_same(&got, &want, list);
}
