/* The real host's object store against a real S3 server: see run.sh, which sets S3_URL, the
 * credentials, S3_RESTART (a command) and S3_FOLDER. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "net/s3/xml.h"
#include "runner/realhost/realhost.h"
#include "runner/realhost/s3_store.h"
#include "tests/unit/suite.h"

#define BUCKET "backups"
#define MIB ((size_t)1 << 20)

/* ---- a component that does what a test wants ---- */

static void run_with(const struct s3_options *options,
                     int (*fn)(struct host *h, const json_t *config, struct err *reterr))
{
    AUTO(s3_place) struct s3_place place = {0};
    AUTO(err) struct err e = {0};
    const struct component c = {.name = "test", .kind = COMPONENT_POD, .run = fn};

    ck_assert_msg(s3_place_read(options, &place, &e) == 0, "%s", e.msg);
    const struct realhost_config config = {.seed = 1, .root = getenv("S3_FOLDER"), .s3 = &place};
    AUTO(realhost) struct realhost *r = realhost_create(&config, &e);
    ck_assert_msg(r, "%s", e.msg);
    ck_assert_msg(realhost_run(r, &c, NULL, &e) == 0, "%s", e.msg);
}

static void run(int (*fn)(struct host *h, const json_t *config, struct err *reterr))
{
    run_with(&(struct s3_options){.url = getenv("S3_URL")}, fn);
}

static void expect(int got, struct err *e, enum err_code want, const char *what)
{
    ck_assert_msg((got < 0) == (want != ERR_NONE) && e->code == want, "%s: %d %s", what, got,
                  e->msg ? e->msg : "it worked");
    err_clear(e);
}

/* ---- small objects ---- */

static int use_objects(struct host *h, const json_t *config, struct err *reterr)
{
    static const char *const keys[] = {"p/a b+c&d=e", "p/\xc3\xa4/%41", "p/index.json", "q"};
    struct err e = {0};
    uint64_t size = 0;

    (void)config, (void)reterr;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        AUTO(str) char *data = NULL;
        size_t len = 0;

        expect(host_object_put(h, BUCKET, keys[i], keys[i], strlen(keys[i]), &e), &e, ERR_NONE,
               keys[i]);
        expect(host_object_get(h, BUCKET, keys[i], 100, &data, &len, &e), &e, ERR_NONE, keys[i]);
        ck_assert(len == strlen(keys[i]) && memcmp(data, keys[i], len) == 0);
        expect(host_object_size(h, BUCKET, keys[i], &size, &e), &e, ERR_NONE, keys[i]);
        ck_assert_uint_eq(size, len);
    }
    AUTO(json) json_t *names = host_object_list(h, BUCKET, "p/", &e);
    ck_assert_msg(json_array_size(names) == 3, "%s", e.msg ? e.msg : json_text(names));
    ck_assert_str_eq(json_string_value(json_array_get(names, 0)), keys[0]);
    AUTO(str) char *data = NULL;
    size_t len = 0;
    expect(host_object_get(h, BUCKET, "p/index.json", 3, &data, &len, &e), &e, ERR_LIMIT,
           "more than one may take");
    expect(host_object_get(h, BUCKET, "none", 3, &data, &len, &e), &e, ERR_NOT_FOUND, "no object");
    expect(host_object_size(h, BUCKET, "none", &size, &e), &e, ERR_NOT_FOUND, "no size");
    expect(host_object_delete(h, BUCKET, "none", &e), &e, ERR_NOT_FOUND, "nothing to delete");
    expect(host_object_put(h, "no-such-bucket", "x", "y", 1, &e), &e, ERR_NOT_FOUND, "no bucket");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        expect(host_object_delete(h, BUCKET, keys[i], &e), &e, ERR_NONE, keys[i]);
    AUTO(json) json_t *none = host_object_list(h, BUCKET, "", &e);
    ck_assert_msg(none && json_array_size(none) == 0, "%s", e.msg ? e.msg : "");
    return 0;
}

START_TEST(objects)
{
    run(use_objects);
}
END_TEST

static int use_ranges(struct host *h, const json_t *config, struct err *reterr)
{
    static const struct {
        uint64_t offset;
        size_t len, want;
    } ranges[] = {{0, 4, 4}, {6, 4, 4}, {8, 4, 2}, {10, 4, 0}, {99, 4, 0}, {0, 100, 10}};
    char buf[100];
    struct err e = {0};
    size_t len = 0;

    (void)config, (void)reterr;
    expect(host_object_put(h, BUCKET, "ten", "0123456789", 10, &e), &e, ERR_NONE, "put");
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        expect(host_object_read(h, BUCKET, "ten", ranges[i].offset, buf, ranges[i].len, &len, &e),
               &e, ERR_NONE, "range");
        ck_assert_uint_eq(len, ranges[i].want);
        ck_assert(memcmp(buf, &"0123456789"[len ? ranges[i].offset : 0], len) == 0);
    }
    expect(host_object_put(h, BUCKET, "nothing", "", 0, &e), &e, ERR_NONE, "an empty object");
    expect(host_object_read(h, BUCKET, "nothing", 0, buf, 4, &len, &e), &e, ERR_NONE, "of nothing");
    ck_assert_uint_eq(len, 0);
    expect(host_object_read(h, BUCKET, "none", 0, buf, 4, &len, &e), &e, ERR_NOT_FOUND,
           "no object");
    host_object_delete(h, BUCKET, "ten", &e);
    host_object_delete(h, BUCKET, "nothing", &e);
    return 0;
}

START_TEST(ranges)
{
    run(use_ranges);
}
END_TEST

static int use_conditions(struct host *h, const json_t *config, struct err *reterr)
{
    struct host_version none = {""}, first = {""}, second = {""};
    struct err e = {0};
    AUTO(str) char *a = NULL;
    AUTO(str) char *b = NULL;
    size_t len;

    (void)config, (void)reterr;
    expect(host_object_put_if(h, BUCKET, "doc", "1", 1, &none, &e), &e, ERR_NONE, "a new one");
    expect(host_object_put_if(h, BUCKET, "doc", "x", 1, &none, &e), &e, ERR_CONFLICT,
           "it is there");
    expect(host_object_get_version(h, BUCKET, "doc", 9, &a, &len, &first, &e), &e, ERR_NONE, "get");
    expect(host_object_put_if(h, BUCKET, "doc", "2", 1, &first, &e), &e, ERR_NONE, "as it was");
    expect(host_object_put_if(h, BUCKET, "doc", "3", 1, &first, &e), &e, ERR_CONFLICT, "changed");
    expect(host_object_delete_if(h, BUCKET, "doc", &first, &e), &e, ERR_CONFLICT,
           "changed, delete");
    expect(host_object_get_version(h, BUCKET, "doc", 9, &b, &len, &second, &e), &e, ERR_NONE,
           "get");
    ck_assert(len == 1 && b[0] == '2');
    expect(host_object_delete_if(h, BUCKET, "doc", &second, &e), &e, ERR_NONE, "delete");
    return 0;
}

START_TEST(conditions)
{
    run(use_conditions);
}
END_TEST

/* ---- files ---- */

static void fill(char *piece, size_t len, uint64_t at)
{
    for (size_t i = 0; i < len; i += 8) {
        uint64_t v = (at + i) * UINT64_C(0x9e3779b97f4a7c15);

        memcpy(piece + i, &v, 8);
    }
}

static struct host_file *make_file(struct host *h, const char *path, size_t mib,
                                   char digest[DIGEST_HEX])
{
    struct err e = {0};
    struct host_file *f = host_file_open(h, path, HOST_TRUNCATE, &e);
    AUTO(digest) struct digest *d = digest_create();
    AUTO(str) char *piece = mem_alloc(MIB);

    ck_assert_msg(f, "%s", e.msg);
    for (size_t i = 0; i < mib; i++) {
        fill(piece, MIB, i * MIB);
        digest_add(d, piece, MIB);
        ck_assert_int_eq(host_file_write(h, f, i * MIB, piece, MIB, &e), 0);
    }
    /* Not a multiple of a part. */
    ck_assert_int_eq(host_file_write(h, f, mib * MIB, "end", 3, &e), 0);
    digest_add(d, "end", 3);
    digest_hex(d, digest);
    return f;
}

static void check_object(struct host *h, const char *key, size_t mib, const char *digest)
{
    AUTO(digest) struct digest *d = digest_create();
    AUTO(str) char *piece = mem_alloc(3 * MIB);
    char got[DIGEST_HEX];
    struct err e = {0};
    uint64_t at = 0;

    for (size_t len = 3 * MIB; len == 3 * MIB; at += len) {
        ck_assert_msg(host_object_read(h, BUCKET, key, at, piece, 3 * MIB, &len, &e) == 0, "%s",
                      e.msg);
        digest_add(d, piece, len);
    }
    digest_hex(d, got);
    ck_assert_uint_eq(at, mib * MIB + 3);
    ck_assert_str_eq(got, digest);
}

static void up_and_down(struct host *h, size_t mib, const char *command)
{
    char digest[DIGEST_HEX];
    struct err e = {0};
    struct host_file *f = make_file(h, "/file", mib, digest);

    if (command)
        ck_assert_int_eq(system(command), 0);
    expect(host_object_put_file(h, BUCKET, "big", f, &e), &e, ERR_NONE, "upload");
    host_file_close(h, f, &e);
    check_object(h, "big", mib, digest);
    host_object_delete(h, BUCKET, "big", &e);
}

static int use_files(struct host *h, const json_t *config, struct err *reterr)
{
    (void)config, (void)reterr;
    up_and_down(h, 1, NULL);
    up_and_down(h, 20, NULL);
    return 0;
}

START_TEST(files)
{
    run(use_files);
}
END_TEST

static const char *const algorithms[] = {"CRC32", "CRC32C", "SHA1", "SHA256"};

START_TEST(checksums)
{
    run_with(&(struct s3_options){.url = getenv("S3_URL"), .checksum = algorithms[_i]}, use_files);
}
END_TEST

/* However large the file is, memory holds a few parts. */
static int use_large_file(struct host *h, const json_t *config, struct err *reterr)
{
    struct rusage before, after;

    (void)config, (void)reterr;
    getrusage(RUSAGE_SELF, &before);
    up_and_down(h, 200, NULL);
    getrusage(RUSAGE_SELF, &after);
    ck_assert_msg(after.ru_maxrss - before.ru_maxrss < 100 * 1024, "%ld KiB more",
                  after.ru_maxrss - before.ru_maxrss);
    return 0;
}

START_TEST(large_file)
{
    run(use_large_file);
}
END_TEST

/* The server is killed while the upload runs, and comes back two seconds later. */
static int outlive_server(struct host *h, const json_t *config, struct err *reterr)
{
    AUTO(str) char *command = mem_printf("sleep 0.2 && %s &", getenv("S3_RESTART"));

    (void)config, (void)reterr;
    up_and_down(h, 100, command);
    return 0;
}

START_TEST(restart)
{
    run(outlive_server);
}
END_TEST

/* ---- refusals ---- */

static int send_wrong_checksum(struct host *h, const json_t *config, struct err *reterr)
{
    struct s3_call c = {
        .method = "PUT", .bucket = BUCKET, .key = "bad", .body = "abc", .body_len = 3};
    AUTO(http_reply) struct http_reply r = {0};
    AUTO(str) char *sum = s3_checksum(S3_CRC32C, "abd", 3);
    struct err e = {0};
    uint64_t size;

    (void)config, (void)reterr;
    s3_call_header(&c, "x-amz-checksum-crc32c", sum);
    expect(s3_exchange(h, &c, &r, &e), &e, ERR_CORRUPT, "a wrong checksum");
    ck_assert_uint_eq(c.tries, 1);
    expect(host_object_size(h, BUCKET, "bad", &size, &e), &e, ERR_NOT_FOUND, "nothing was stored");
    return 0;
}

START_TEST(wrong_checksum)
{
    run(send_wrong_checksum);
}
END_TEST

static int ask_as_a_stranger(struct host *h, const json_t *config, struct err *reterr)
{
    struct err e = {0};
    AUTO(json) json_t *names = host_object_list(h, BUCKET, "", &e);

    (void)config, (void)reterr;
    ck_assert_ptr_null(names);
    ck_assert_msg(e.code == ERR_IO && strstr(e.msg, "SignatureDoesNotMatch"), "%s", e.msg);
    err_clear(&e);
    return 0;
}

START_TEST(wrong_secret)
{
    setenv("AWS_SECRET_ACCESS_KEY", "another", 1);
    run(ask_as_a_stranger);
}
END_TEST

/* An upload that is given up leaves no part of itself. */
static int be_asked_to_end(struct host *h, const json_t *config, struct err *reterr)
{
    char digest[DIGEST_HEX];
    struct err e = {0};
    struct host_file *f = make_file(h, "/file", 20, digest);
    struct s3_call c = {.method = "GET", .bucket = BUCKET};
    AUTO(http_reply) struct http_reply r = {0};

    (void)config, (void)reterr;
    ck_assert_int_eq(raise(SIGTERM), 0);
    while (!host_stopping(h))
        host_sleep(h, 1000000);
    expect(host_object_put_file(h, BUCKET, "given-up", f, &e), &e, ERR_IO, "asked to end");
    host_file_close(h, f, &e);
    s3_call_query(&c, "uploads", "");
    expect(s3_exchange(h, &c, &r, &e), &e, ERR_NONE, "list of uploads");
    AUTO(str)
    char *id = s3_xml_text(r.body, r.body_len, "ListMultipartUploadsResult/Upload/UploadId");
    ck_assert_ptr_null(id);
    return 0;
}

START_TEST(given_up)
{
    run(be_asked_to_end);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("s3",
                      SUITE_LONG_CASE("store", 300, TEST(objects), TEST(ranges), TEST(conditions),
                                      TEST(files), EACH(checksums, algorithms), TEST(large_file),
                                      TEST(restart), TEST(wrong_checksum), TEST(wrong_secret),
                                      TEST(given_up)));
}
