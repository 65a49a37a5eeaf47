/* Files, objects and programs of the real host, from a component that does a list of things. */
#include "runner/realhost/realhost.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/host.h"
#include "tests/unit/suite.h"

static char dir[] = "/tmp/vmconform-realhost-XXXXXX";

/* Runs fn as a component in a folder with a root and a store. */
static void run_in_folder(int (*fn)(struct host *h, const json_t *config, struct err *reterr),
                          bool with_folders)
{
    char folder[sizeof dir];
    AUTO(str) char *root = NULL;
    AUTO(str) char *objects = NULL;
    AUTO(str) char *outside = NULL;
    AUTO(str) char *link = NULL;
    AUTO(str) char *command = NULL;
    struct component c = {.name = "test", .kind = COMPONENT_POD, .run = fn};
    AUTO(err) struct err e = {0};

    memcpy(folder, dir, sizeof dir);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    root = mem_printf("%s/top", folder);
    objects = mem_printf("%s/objects", folder);
    outside = mem_printf("%s/outside", folder);
    link = mem_printf("%s/link", root);
    command = mem_printf("rm -rf %s", folder);
    ck_assert(mkdir(root, 0700) == 0 && mkdir(objects, 0700) == 0 && mkdir(outside, 0700) == 0);
    ck_assert_int_eq(symlink(outside, link), 0);
    const struct realhost_config config = {
        .seed = 1, .root = with_folders ? root : NULL, .objects = with_folders ? objects : NULL};
    AUTO(realhost) struct realhost *r = realhost_create(&config, &e);
    ck_assert_msg(r, "%s", e.msg);
    ck_assert_msg(realhost_run(r, &c, NULL, &e) == 0, "%s", e.msg);
    ck_assert_int_eq(system(command), 0);
}

static void expect(int got, struct err *e, enum err_code want, const char *what)
{
    ck_assert_msg((got < 0) == (want != ERR_NONE), "%s: %s", what, e->msg ? e->msg : "it worked");
    ck_assert_msg(e->code == want, "%s: %s", what, e->msg ? e->msg : "");
    err_clear(e);
}

/* ---- files ---- */

static int use_files(struct host *h, const json_t *config, struct err *reterr)
{
    struct err e = {0};
    struct host_file *f = host_file_open(h, "/a", HOST_CREATE, reterr);
    struct host_stat st;
    char buf[8] = "";
    size_t n;

    (void)config;
    if (!f)
        return -1;
    ck_assert_int_eq(host_file_write(h, f, 3, "xyz", 3, reterr), 0);
    ck_assert_int_eq(host_file_read(h, f, 4, buf, sizeof buf, &n, reterr), 0);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(host_file_sync(h, f, reterr), 0);
    ck_assert_int_eq(host_file_close(h, f, reterr), 0);
    ck_assert_ptr_null(host_file_open(h, "/a", HOST_CREATE, &e));
    expect(-1, &e, ERR_IO, "a file that is there");
    expect(host_make_dir(h, "/d", &e), &e, ERR_NONE, "a folder");
    expect(host_make_dir(h, "/d", &e), &e, ERR_NONE, "a folder that is there");
    expect(host_file_rename(h, "/a", "/d/b", &e), &e, ERR_NONE, "rename");
    expect(host_file_stat(h, "/d/b", &st, &e), &e, ERR_NONE, "stat");
    ck_assert(st.is_regular && st.size == 6);
    expect(host_file_stat(h, "/a", &st, &e), &e, ERR_NOT_FOUND, "stat of what went");
    AUTO(json) json_t *names = host_list_dir(h, "/", &e);
    AUTO(str) char *text = json_text(names);
    ck_assert_str_eq(text, "[\"d\",\"link\"]");
    expect(host_sync_dir(h, "/d", &e), &e, ERR_NONE, "sync of a folder");
    expect(host_file_remove(h, "/d/b", &e), &e, ERR_NONE, "remove");
    expect(host_file_remove(h, "/d/b", &e), &e, ERR_NONE, "remove what is not there");
    return 0;
}

START_TEST(files)
{
    run_in_folder(use_files, true);
}
END_TEST

/* Whatever names something outside is refused. */
static int look_outside(struct host *h, const json_t *config, struct err *reterr)
{
    static const char *const paths[] = {"/../outside/x", "/link/x", "/d/../../outside/x", "/link"};
    struct err e = {0};
    struct host_stat st;

    (void)config;
    (void)reterr;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        ck_assert_msg(!host_file_open(h, paths[i], HOST_TRUNCATE, &e), "%s", paths[i]);
        ck_assert(err_pending(&e));
        err_clear(&e);
        ck_assert_msg(host_file_stat(h, paths[i], &st, &e) < 0, "%s", paths[i]);
        err_clear(&e);
        ck_assert_msg(!host_list_dir(h, paths[i], &e), "%s", paths[i]);
        err_clear(&e);
    }
    ck_assert_int_lt(host_make_dir(h, "/link/new", &e), 0);
    err_clear(&e);
    ck_assert_int_lt(host_file_rename(h, "/link", "/link/new", &e), 0);
    err_clear(&e);
    return 0;
}

START_TEST(outside)
{
    run_in_folder(look_outside, true);
}
END_TEST

static int use_nothing(struct host *h, const json_t *config, struct err *reterr)
{
    struct err e = {0};
    struct api_response r = {0};
    const struct api_request req = {.verb = API_LIST, .resource = {"", "v1", "pods"}};

    (void)config;
    (void)reterr;
    expect(host_file_remove(h, "/a", &e), &e, ERR_UNSUPPORTED, "a file without --root");
    expect(host_object_put(h, "b", "k", "x", 1, &e), &e, ERR_UNSUPPORTED, "an object");
    expect(host_request(h, "nowhere", &req, &r, &e), &e, ERR_NOT_FOUND, "a cluster");
    return 0;
}

START_TEST(nothing_given)
{
    run_in_folder(use_nothing, false);
}
END_TEST

/* ---- objects ---- */

static void use_conditions(struct host *h)
{
    struct host_version absent = {""}, first = {""}, second = {""};
    AUTO(str) char *data = NULL;
    AUTO(str) char *more = NULL;
    struct err e = {0};
    uint64_t size = 0;
    size_t n;

    expect(host_object_put_if(h, "b", "c/k", "1", 1, &absent, &e), &e, ERR_NONE, "put the first");
    expect(host_object_put_if(h, "b", "c/k", "1", 1, &absent, &e), &e, ERR_CONFLICT, "put again");
    expect(host_object_get_version(h, "b", "c/k", 9, &data, &n, &first, &e), &e, ERR_NONE, "get");
    expect(host_object_put_if(h, "b", "c/k", "22", 2, &first, &e), &e, ERR_NONE, "put the next");
    expect(host_object_put_if(h, "b", "c/k", "3", 1, &first, &e), &e, ERR_CONFLICT, "put late");
    expect(host_object_delete_if(h, "b", "c/k", &first, &e), &e, ERR_CONFLICT, "delete late");
    expect(host_object_size(h, "b", "c/k", &size, &e), &e, ERR_NONE, "size");
    ck_assert_uint_eq(size, 2);
    expect(host_object_get_version(h, "b", "c/k", 9, &more, &n, &second, &e), &e, ERR_NONE, "get");
    ck_assert_str_ne(first.text, second.text);
    expect(host_object_delete_if(h, "b", "c/k", &second, &e), &e, ERR_NONE, "delete it");
    expect(host_object_size(h, "b", "c/k", &size, &e), &e, ERR_NOT_FOUND, "size of none");
    struct host_file *f = host_file_open(h, "/upload", HOST_CREATE, &e);
    ck_assert_ptr_nonnull(f);
    expect(host_file_write(h, f, 0, "content", 7, &e), &e, ERR_NONE, "write");
    host_file_close(h, f, &e);
    f = host_file_open(h, "/upload", HOST_READ, &e);
    expect(host_object_put_file(h, "b", "c/file", f, &e), &e, ERR_NONE, "put a file");
    host_file_close(h, f, &e);
    expect(host_object_size(h, "b", "c/file", &size, &e), &e, ERR_NONE, "size of the file");
    ck_assert_uint_eq(size, 7);
    expect(host_object_delete(h, "b", "c/file", &e), &e, ERR_NONE, "delete the file");
}

static int use_objects(struct host *h, const json_t *config, struct err *reterr)
{
    static const char *const bad[] = {"", "/k", "a//b", "a/", "../k", "x.part"};
    struct err e = {0};
    AUTO(str) char *data = NULL;
    char buf[2];
    size_t n;

    (void)config;
    (void)reterr;
    expect(host_object_put(h, "b", "x/y/2", "hello", 5, &e), &e, ERR_NONE, "put");
    expect(host_object_put(h, "b", "x/1", "", 0, &e), &e, ERR_NONE, "put nothing");
    expect(host_object_put(h, "b", "z", "1", 1, &e), &e, ERR_NONE, "put at the top");
    expect(host_object_get(h, "b", "x/y/2", 100, &data, &n, &e), &e, ERR_NONE, "get");
    ck_assert(n == 5 && strcmp(data, "hello") == 0);
    expect(host_object_get(h, "b", "x/y/2", 4, &data, &n, &e), &e, ERR_LIMIT, "get too much");
    expect(host_object_get(h, "b", "x/y", 4, &data, &n, &e), &e, ERR_NOT_FOUND, "get a folder");
    expect(host_object_read(h, "b", "x/y/2", 3, buf, 2, &n, &e), &e, ERR_NONE, "read");
    ck_assert(n == 2 && memcmp(buf, "lo", 2) == 0);
    AUTO(json) json_t *all = host_object_list(h, "b", "", &e);
    AUTO(json) json_t *some = host_object_list(h, "b", "x/y", &e);
    AUTO(json) json_t *none = host_object_list(h, "other", "", &e);
    AUTO(json) json_t *lists = json_pack("[O, O, O]", all, some, none);
    AUTO(str) char *text = json_text(lists);
    ck_assert_str_eq(text, "[[\"x/1\",\"x/y/2\",\"z\"],[\"x/y/2\"],[]]");
    use_conditions(h);
    expect(host_object_delete(h, "b", "z", &e), &e, ERR_NONE, "delete");
    expect(host_object_delete(h, "b", "z", &e), &e, ERR_NOT_FOUND, "delete again");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert_msg(host_object_put(h, "b", bad[i], "x", 1, &e) < 0, "%s", bad[i]);
        err_clear(&e);
    }
    return 0;
}

START_TEST(objects)
{
    run_in_folder(use_objects, true);
}
END_TEST

/* ---- programs ---- */

static int use_programs(struct host *h, const json_t *config, struct err *reterr)
{
    const char *const echo[] = {"sh", "-c", "pwd; echo bad >&2; exit 3", NULL};
    const char *const none[] = {"no-such-program", NULL};
    const char *const up[] = {"cat", "/../x", NULL};
    const char *const slow[] = {"cat", "/d/fifo", NULL};
    const char *const make[] = {"mkfifo", "/d/fifo", NULL};
    struct host_program_result r = {0};
    struct err e = {0};

    (void)config;
    (void)reterr;
    expect(host_make_dir(h, "/d", &e), &e, ERR_NONE, "a folder");
    expect(host_program_run(h, &(struct host_program){.argv = echo, .dir = "/d"}, &r, &e), &e,
           ERR_NONE, "a program");
    ck_assert(r.exit_code == 3 && strstr(r.out, "/top/d\n") && strcmp(r.err, "bad\n") == 0);
    host_program_result_finish(&r);
    expect(host_program_run(h, &(struct host_program){.argv = none}, &r, &e), &e, ERR_NOT_FOUND,
           "no program");
    expect(host_program_run(h, &(struct host_program){.argv = up}, &r, &e), &e, ERR_INVALID,
           "a path that leads upwards");
    expect(host_program_run(h, &(struct host_program){.argv = make}, &r, &e), &e, ERR_NONE,
           "a path below the root");
    host_program_result_finish(&r);
    expect(
        host_program_run(h, &(struct host_program){.argv = slow, .deadline_ns = 50000000}, &r, &e),
        &e, ERR_LIMIT, "a program that does not end");
    return 0;
}

START_TEST(programs)
{
    run_in_folder(use_programs, true);
}
END_TEST

/* ---- the end ---- */

/* Asked once: told so, and everything goes on to work. */
static int be_asked(struct host *h, const json_t *config, struct err *reterr)
{
    struct err e = {0};

    (void)config;
    (void)reterr;
    ck_assert(!host_stopping(h));
    ck_assert_int_eq(raise(SIGTERM), 0);
    while (!host_stopping(h))
        ck_assert_int_eq(host_sleep(h, 1000000), HOST_OK);
    ck_assert(!host_crashed(h));
    expect(host_make_dir(h, "/d", &e), &e, ERR_NONE, "a call after that");
    return 0;
}

START_TEST(asked)
{
    run_in_folder(be_asked, true);
}
END_TEST

/* Stopped, by asking twice, while a program runs: the program goes too, and everything unwinds. */
static int be_stopped(struct host *h, const json_t *config, struct err *reterr)
{
    const char *const stop[] = {"sh", "-c", "while kill -TERM $PPID; do sleep 0.01; done", NULL};
    struct host_program_result r = {0};
    struct err e = {0};

    (void)config;
    (void)reterr;
    host_make_dir(h, "/d", &e);
    expect(host_program_run(h, &(struct host_program){.argv = stop, .dir = "/d"}, &r, &e), &e,
           ERR_CRASHED, "a program when the component is stopped");
    ck_assert(host_crashed(h));
    expect(host_file_remove(h, "/d/fifo", &e), &e, ERR_CRASHED, "a call after that");
    return err_set(reterr, ERR_CRASHED, NO_POS, "stopped");
}

START_TEST(stopped)
{
    run_in_folder(be_stopped, true);
}
END_TEST

/* ---- services ---- */

static struct realhost *serving; /* whose address the caller needs */
static const char *service_urls[1];
static char *service_url;

static void serve(void *cookie, struct host *h, struct host_exchange *x,
                  const struct http_request *req)
{
    AUTO(http_reply) struct http_reply r = {.code = 201};
    const char *word = http_request_header(req, "x-word");

    (void)cookie;
    if (strcmp(req->target, "/none") == 0)
        return;
    if (strcmp(req->target, "/stream") == 0) {
        r.code = 200;
        ck_assert_int_eq(host_reply_begin(h, x, &r, NULL), 0);
        for (int i = 0; i < 3; i++) {
            ck_assert_int_eq(host_sleep(h, 10000000), HOST_OK);
            ck_assert_int_eq(host_reply_more(h, x, &"abc"[i], 1, NULL), 0);
        }
        return;
    }
    http_reply_add(&r, "x-target", req->target);
    http_reply_add(&r, "x-said", word ? word : "nothing");
    http_reply_body(&r, req->body ? req->body : "", req->body_len);
    host_reply(h, x, &r, NULL);
}

static void call_echo(struct host *h)
{
    const struct http_field fields[] = {{"x-word", "hello"}, {"content-type", "text/plain"}};
    const struct http_request req = {.method = "PUT",
                                     .target = "/a%20b?c=d",
                                     .headers = fields,
                                     .header_count = 2,
                                     .body = "by\0te",
                                     .body_len = 5};
    AUTO(http_reply) struct http_reply r = {0};
    AUTO(err) struct err e = {0};

    ck_assert_msg(host_service_call(h, "echo", &req, &r, &e) == 0, "%s", e.msg);
    ck_assert_int_eq(r.code, 201);
    ck_assert_str_eq(http_reply_header(&r, "x-target"), "/a%20b?c=d");
    ck_assert_str_eq(http_reply_header(&r, "x-said"), "hello");
    ck_assert_ptr_null(http_reply_header(&r, "content-length"));
    ck_assert(r.body_len == 5 && memcmp(r.body, "by\0te", 5) == 0);
}

static void call_stream(struct host *h)
{
    const struct http_request req = {.method = "GET", .target = "/stream"};
    AUTO(http_reply) struct http_reply wrong = {0};
    AUTO(err) struct err e = {0};
    struct host_stream *s = host_service_stream(h, "echo", &req, &wrong, &e);
    AUTO(strbuf) struct strbuf all = {0};
    const char *piece;
    size_t len;

    ck_assert_msg(s, "%s", e.msg);
    while (host_stream_next(h, s, HOST_FOREVER, &piece, &len) == HOST_OK && piece)
        strbuf_add(&all, piece, len);
    host_stream_close(h, s);
    ck_assert_str_eq(strbuf_str(&all), "abc");
}

static void call_in_vain(struct host *h)
{
    const struct http_request none = {.method = "GET", .target = "/none"};
    struct http_reply r = {0};
    struct err e = {0};

    expect(host_service_call(h, "echo", &none, &r, &e), &e, ERR_IO, "no answer");
    expect(host_service_call(h, "other", &none, &r, &e), &e, ERR_NOT_FOUND, "no such service");
}

static int use_services(struct host *h, const json_t *config, struct err *reterr)
{
    struct err e = {0};

    (void)config;
    if (host_service_open(h, "echo", serve, NULL, reterr) < 0)
        return -1;
    expect(host_service_open(h, "two", serve, NULL, &e), &e, ERR_INVALID, "a second service");
    service_url = mem_printf("echo=http://%s", realhost_address(serving));
    service_urls[0] = service_url;
    call_echo(h);
    call_stream(h);
    call_in_vain(h);
    return 0;
}

START_TEST(services)
{
    struct component c = {.name = "test", .kind = COMPONENT_CONTROLLER, .run = use_services};
    AUTO(err) struct err e = {0};
    const struct realhost_config config = {
        .seed = 1, .listen = "127.0.0.1:0", .services = service_urls, .service_count = 1};

    service_urls[0] = "";
    serving = realhost_create(&config, &e);
    ck_assert_msg(serving, "%s", e.msg);
    ck_assert_ptr_null(realhost_address(serving));
    ck_assert_msg(realhost_run(serving, &c, NULL, &e) == 0, "%s", e.msg);
    realhost_destroy(serving);
    free(service_url);
}
END_TEST

static int serve_nowhere(struct host *h, const json_t *config, struct err *reterr)
{
    struct err e = {0};

    (void)config;
    (void)reterr;
    expect(host_service_open(h, "echo", serve, NULL, &e), &e, ERR_UNSUPPORTED, "no --listen");
    return 0;
}

START_TEST(nowhere_to_serve)
{
    run_in_folder(serve_nowhere, false);
}
END_TEST

static int edit_a_file(struct host *h, const json_t *config, struct err *reterr)
{
    struct host_file *f = host_file_open(h, "/e", HOST_EDIT, reterr);
    struct host_stat st;
    char got[8];
    size_t len;

    (void)config;
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(host_file_write(h, f, 0, "abcdef", 6, reterr), 0);
    ck_assert_int_eq(host_file_close(h, f, reterr), 0);
    f = host_file_open(h, "/e", HOST_EDIT, reterr);
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(host_file_truncate(h, f, 4, reterr), 0);
    ck_assert_int_eq(host_file_zero(h, f, 1, 2, reterr), 0);
    ck_assert_int_eq(host_file_zero(h, f, 3, 100, reterr), 0);
    ck_assert_int_eq(host_file_stat(h, "/e", &st, reterr), 0);
    ck_assert_uint_eq(st.size, 4);
    ck_assert_int_eq(host_file_read(h, f, 0, got, sizeof got, &len, reterr), 0);
    ck_assert_uint_eq(len, 4);
    ck_assert_mem_eq(got, "a\0\0\0", 4);
    return host_file_close(h, f, reterr);
}

START_TEST(a_file_edited_in_place)
{
    run_in_folder(edit_a_file, true);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("realhost",
                      SUITE_LONG_CASE("all", 60, TEST(files), TEST(outside), TEST(nothing_given),
                                      TEST(services), TEST(nowhere_to_serve),
                                      TEST(a_file_edited_in_place), TEST(objects), TEST(programs),
                                      TEST(asked), TEST(stopped)));
}
