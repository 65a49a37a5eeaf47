/* What is declared about layers: each mistake has its code. */
#include "qcow2/resolve.h"

#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "tests/unit/qcow2/support.h"
#include "tests/unit/suite.h"

#define FULL QCOW2_DECLARED_FULL
#define INC QCOW2_DECLARED_INCREMENT
#define LAYERS_MAX 5

/* ---- the declarations alone ---- */

static const struct declared_row {
    const char *name;
    struct {
        const char *id, *parent;
        enum qcow2_declared_type type;
    } layers[LAYERS_MAX];
    size_t count;
    const char *known[3];
    enum qcow2_defect want;
    const char *sentence; /* a part of it */
} declared_rows[] = {
    {"one full", {{"F", NULL, FULL}}, 1, {NULL}, QCOW2_OK, NULL},
    {"linked", {{"F", NULL, FULL}, {"1", "F", INC}, {"2", "1", INC}}, 3, {"3"}, QCOW2_OK, NULL},
    {"no ids, no types", {{NULL, NULL, 0}, {NULL, NULL, 0}}, 2, {NULL}, QCOW2_OK, NULL},
    {"types unknown", {{"F", NULL, 0}, {"1", "F", 0}}, 2, {NULL}, QCOW2_OK, NULL},
    {"parents without ids", {{NULL, NULL, FULL}, {NULL, "x", INC}}, 2, {NULL}, QCOW2_OK, NULL},
    {"base without an id", {{NULL, NULL, FULL}, {"1", "F", INC}}, 2, {NULL}, QCOW2_OK, NULL},
    {"nothing", {{NULL, NULL, 0}}, 0, {NULL}, QCOW2_CHAIN_EMPTY, "at least one layer"},
    {"an id twice",
     {{"F", NULL, FULL}, {"1", "F", INC}, {"1", "F", INC}},
     3,
     {NULL},
     QCOW2_CHAIN_DUPLICATE,
     "file2: expected an id of its own, found '1' as layer 1 and layer 2"},
    {"an id of the index twice",
     {{"F", NULL, FULL}},
     1,
     {"x", "x"},
     QCOW2_CHAIN_DUPLICATE,
     "index: expected ids of their own, found 'x' twice in the index"},
    {"an id in the chain and beside it",
     {{"F", NULL, FULL}},
     1,
     {"F"},
     QCOW2_CHAIN_DUPLICATE,
     "file0: "},
    {"circle of two",
     {{"F", NULL, FULL}, {"1", "2", INC}, {"2", "1", INC}},
     3,
     {NULL},
     QCOW2_CHAIN_CYCLE,
     "lead back to itself"},
    {"circle through the base",
     {{"F", "2", FULL}, {"1", "F", INC}, {"2", "1", INC}},
     3,
     {NULL},
     QCOW2_CHAIN_CYCLE,
     "file0: "},
    {"its own parent",
     {{"F", NULL, FULL}, {"1", "1", INC}},
     2,
     {NULL},
     QCOW2_CHAIN_CYCLE,
     "file1: "},
    {"a tail that leads into a circle",
     {{"a", "b", INC}, {"b", "c", INC}, {"c", "b", INC}},
     3,
     {NULL},
     QCOW2_CHAIN_CYCLE,
     "'b'"},
    {"increments swapped",
     {{"F", NULL, FULL}, {"2", "1", INC}, {"1", "F", INC}},
     3,
     {NULL},
     QCOW2_CHAIN_ORDER,
     "file1: expected the parent '1' before layer 1, found it as layer 2"},
    {"base swapped", {{"1", "F", INC}, {"F", NULL, FULL}}, 2, {NULL}, QCOW2_CHAIN_ORDER, "file0: "},
    {"reversed",
     {{"2", "1", INC}, {"1", "F", INC}, {"F", NULL, FULL}},
     3,
     {NULL},
     QCOW2_CHAIN_ORDER,
     "file0: "},
    {"head is an increment",
     {{"1", NULL, INC}, {"2", "1", INC}},
     2,
     {NULL},
     QCOW2_CHAIN_HEAD,
     "found an increment"},
    {"head has a parent",
     {{"F", "x", FULL}, {"1", "F", INC}},
     2,
     {NULL},
     QCOW2_CHAIN_HEAD,
     "found one with the parent 'x'"},
    {"base left out",
     {{"1", "F", INC}, {"2", "1", INC}},
     2,
     {"F"},
     QCOW2_CHAIN_HEAD,
     "found one with the parent 'F'"},
    {"second full",
     {{"F", NULL, FULL}, {"G", NULL, FULL}},
     2,
     {NULL},
     QCOW2_CHAIN_TYPE,
     "file1: expected an increment behind the first layer, found a full backup"},
    {"increment without a parent",
     {{"F", NULL, FULL}, {"1", NULL, INC}},
     2,
     {NULL},
     QCOW2_CHAIN_TYPE,
     "found one without a parent"},
    {"parent is not the one before",
     {{"F", NULL, FULL}, {"1", "F", INC}, {"2", "F", INC}},
     3,
     {NULL},
     QCOW2_CHAIN_PARENT,
     "file2: expected the layer before ('1') as the parent, found 'F', which is layer 0"},
    {"layer left out, nobody knows it",
     {{"F", NULL, FULL}, {"2", "1", INC}},
     2,
     {NULL},
     QCOW2_CHAIN_GAP,
     "found '1', which is not among the layers"},
    {"layer left out, the index has it",
     {{"F", NULL, FULL}, {"2", "1", INC}},
     2,
     {"0", "1"},
     QCOW2_CHAIN_GAP,
     "found '1', which the index has, but not this list of layers"},
    {"base without an id, foreign parent",
     {{NULL, NULL, FULL}, {"1", "x", INC}},
     2,
     {"x"},
     QCOW2_CHAIN_GAP,
     "which the index has"},
    {"ids are compared exactly",
     {{"f", NULL, FULL}, {"1", "F", INC}},
     2,
     {NULL},
     QCOW2_CHAIN_GAP,
     "found 'F'"},
    {"hostile ids are quoted",
     {{"F", NULL, FULL}, {"1", "\033[2J'", INC}},
     2,
     {NULL},
     QCOW2_CHAIN_GAP,
     "found '\\x1b[2J\\x27'"},
};

static void expect_fault(struct qcow2_fault *f, enum qcow2_defect want, const char *sentence,
                         const char *name)
{
    ck_assert_msg(f->defect == want, "%s: %s (%s), expected %s", name, qcow2_defect_code(f->defect),
                  f->err.msg ? f->err.msg : "", qcow2_defect_code(want));
    if (sentence)
        ck_assert_msg(strstr(f->err.msg, sentence) != NULL, "%s: '%s' lacks '%s'", name, f->err.msg,
                      sentence);
    qcow2_fault_clear(f);
}

START_TEST(declarations)
{
    static const char *const files[LAYERS_MAX] = {"file0", "file1", "file2", "file3", "file4"};
    const struct declared_row *row = &declared_rows[_i];
    struct qcow2_declared layers[LAYERS_MAX] = {{0}};
    size_t known = 0;
    for (size_t i = 0; i < row->count; i++)
        layers[i] = (struct qcow2_declared){.name = files[i],
                                            .id = row->layers[i].id,
                                            .parent = row->layers[i].parent,
                                            .type = row->layers[i].type};
    while (known < ARRAY_LEN(row->known) && row->known[known])
        known++;
    struct qcow2_fault f = {0};
    int r = qcow2_declared_check(layers, row->count, row->known, known, &f);
    ck_assert_int_eq(r, row->want == QCOW2_OK ? 0 : -1);
    expect_fault(&f, row->want, row->sentence, row->name);
    ck_assert_int_eq(qcow2_declared_check(layers, row->count, row->known, known, NULL), r);
}
END_TEST

/* ---- with files ---- */

struct backup {
    struct bytes bytes[3];
    char sha256[3][DIGEST_HEX];
    struct qcow2_declared layers[3];
    struct qcow2_io *ios[3];
};

static void backup_create(struct backup *b)
{
    static const char *const layouts[] = {"AAAA", ".B.0", "..C."};
    static const char *const ids[] = {"F", "1", "2"}, *const files[] = {"f", "i1", "i2"};
    for (size_t i = 0; i < 3; i++) {
        b->bytes[i] = make_image(12, layouts[i], NULL);
        digest_of(b->bytes[i].data, b->bytes[i].len, b->sha256[i]);
        b->layers[i] = (struct qcow2_declared){.name = files[i],
                                               .id = ids[i],
                                               .parent = i ? ids[i - 1] : NULL,
                                               .type = i ? INC : FULL,
                                               .length = b->bytes[i].len,
                                               .sha256 = b->sha256[i]};
    }
}

static void backup_finish(struct backup *b)
{
    for (size_t i = 0; i < 3; i++)
        free(b->bytes[i].data);
}

static struct qcow2_chain *backup_resolve(struct backup *b, size_t count,
                                          const struct qcow2_chain_options *o,
                                          struct qcow2_fault *f)
{
    for (size_t i = 0; i < count; i++)
        b->ios[i] = qcow2_io_memory(b->bytes[i].data, b->bytes[i].len, b->layers[i].name);
    return qcow2_resolve(b->layers, b->ios, count, NULL, o, f);
}

static void swap_layers(struct backup *b)
{
    struct qcow2_declared d = b->layers[1];
    struct bytes bytes = b->bytes[1];
    b->layers[1] = b->layers[2];
    b->bytes[1] = b->bytes[2];
    b->layers[2] = d;
    b->bytes[2] = bytes;
}
static void flip_data(struct backup *b)
{
    b->bytes[1].data[b->bytes[1].len - 100] ^= 1;
}
static void flip_last_and_cut_first(struct backup *b)
{
    b->bytes[0].len -= 4096;
    b->bytes[2].data[b->bytes[2].len - 100] ^= 1;
}
static void cut_last_and_flip_first(struct backup *b)
{
    b->bytes[0].data[b->bytes[0].len - 100] ^= 1;
    b->bytes[2].len -= 4096;
}
static void break_order_and_digest(struct backup *b)
{
    flip_data(b);
    swap_layers(b);
}
static void no_digests(struct backup *b)
{
    flip_data(b);
    for (size_t i = 0; i < 3; i++) {
        b->layers[i].sha256 = NULL;
        b->layers[i].length = QCOW2_LENGTH_UNKNOWN;
    }
}
static void upper_case(struct backup *b)
{
    for (char *c = b->sha256[1]; *c; c++)
        if (*c >= 'a' && *c <= 'f')
            *c = (char)(*c - 'a' + 'A');
}
static void odd_digest(struct backup *b)
{
    b->layers[1].sha256 = "abc";
}
static void no_image(struct backup *b)
{
    no_digests(b);
    b->bytes[1].data[0] = 'X';
}

static const struct file_row {
    const char *name;
    void (*damage)(struct backup *b);
    enum qcow2_defect want;
    const char *sentence;
} file_rows[] = {
    {"sound", NULL, QCOW2_OK, NULL},
    {"swapped", swap_layers, QCOW2_CHAIN_ORDER, "i2: "},
    {"order before digests", break_order_and_digest, QCOW2_CHAIN_ORDER, "i2: "},
    {"a flipped byte", flip_data, QCOW2_DIGEST, "i1: expected sha256 "},
    {"lengths before digests", cut_last_and_flip_first, QCOW2_LENGTH, "i2: expected 24576 bytes"},
    {"the first length", flip_last_and_cut_first, QCOW2_LENGTH, "f: expected "},
    {"digest not known", no_digests, QCOW2_OK, NULL},
    {"digest in capitals", upper_case, QCOW2_OK, NULL},
    {"digest that is none", odd_digest, QCOW2_DIGEST, "i1: expected sha256 abc, found "},
    {"not an image", no_image, QCOW2_MAGIC, "i1: "},
};

START_TEST(files)
{
    const struct file_row *row = &file_rows[_i];
    __attribute__((cleanup(backup_finish))) struct backup b;
    backup_create(&b);
    if (row->damage)
        row->damage(&b);
    struct qcow2_fault f = {0};
    AUTO(qcow2_chain) struct qcow2_chain *chain = backup_resolve(&b, 3, NULL, &f);
    ck_assert_msg((chain != NULL) == (row->want == QCOW2_OK), "%s", row->name);
    expect_fault(&f, row->want, row->sentence, row->name);
}
END_TEST

START_TEST(the_chain_owns_its_images)
{
    __attribute__((cleanup(backup_finish))) struct backup b;
    backup_create(&b);
    struct qcow2_fault f = {0};
    AUTO(qcow2_chain) struct qcow2_chain *chain = backup_resolve(&b, 3, NULL, &f);
    ck_assert_ptr_nonnull(chain);
    ck_assert_uint_eq(qcow2_chain_layers(chain), 3);
    ck_assert_uint_eq(qcow2_image_info(qcow2_chain_layer(chain, 1))->virtual_size, 4 * 4096);
    char buf[4 * 4096];
    ck_assert_int_eq(qcow2_chain_read(chain, 0, buf, sizeof buf, &f), 0);
    ck_assert_int_eq(buf[0], 'A');
    ck_assert_int_eq(buf[4096], 'B');
    ck_assert_int_eq(buf[2 * 4096], 'C');
    ck_assert_int_eq(buf[3 * 4096], 0);
}
END_TEST

START_TEST(depth)
{
    __attribute__((cleanup(backup_finish))) struct backup b;
    backup_create(&b);
    flip_data(&b); /* told before any digest is computed */
    struct qcow2_fault f = {0};
    struct qcow2_chain_options two = {.layers_max = 2};
    ck_assert_ptr_null(backup_resolve(&b, 3, &two, &f));
    expect_fault(&f, QCOW2_CHAIN_DEPTH, "3 layers, at most 2", "depth");
    ck_assert_ptr_null(qcow2_resolve(b.layers, b.ios, 0, NULL, NULL, &f));
    expect_fault(&f, QCOW2_CHAIN_EMPTY, NULL, "empty");
    ck_assert_ptr_null(backup_resolve(&b, 3, NULL, NULL)); /* nobody listens */
}
END_TEST

START_TEST(one_file)
{
    __attribute__((cleanup(backup_finish))) struct backup b;
    backup_create(&b);
    struct qcow2_fault f = {0};
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_io_memory(b.bytes[0].data, b.bytes[0].len, "path");
    ck_assert_int_eq(qcow2_declared_check_file(&b.layers[0], io, &f), 0);
    ck_assert_int_eq(qcow2_declared_check_file(&b.layers[1], io, &f), -1);
    expect_fault(&f, QCOW2_LENGTH, "i1: ", "length");
    b.layers[1].length = QCOW2_LENGTH_UNKNOWN;
    ck_assert_int_eq(qcow2_declared_check_file(&b.layers[1], io, &f), -1);
    expect_fault(&f, QCOW2_DIGEST, "i1: ", "digest");
}
END_TEST

/* A digest is computed in pieces of 1 MiB. */
START_TEST(long_file)
{
    size_t len = (2u << 20) + 12345;
    AUTO(str) char *data = mem_alloc(len);
    for (size_t i = 0; i < len; i++)
        data[i] = (char)(i * 31 >> 3);
    char sha256[DIGEST_HEX];
    digest_of(data, len, sha256);
    struct qcow2_declared layer = {.name = "x", .length = len, .sha256 = sha256};
    struct qcow2_fault f = {0};
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_io_memory(data, len, "x");
    ck_assert_int_eq(qcow2_declared_check_file(&layer, io, &f), 0);
    data[len - 1] ^= 1;
    ck_assert_int_eq(qcow2_declared_check_file(&layer, io, &f), -1);
    expect_fault(&f, QCOW2_DIGEST, "x: ", "last byte");
}
END_TEST

int main(void)
{
    return SUITE_MAIN("qcow2.resolve",
                      SUITE_CASE("resolve", EACH(declarations, declared_rows),
                                 EACH(files, file_rows), TEST(the_chain_owns_its_images),
                                 TEST(depth), TEST(one_file), TEST(long_file)));
}
