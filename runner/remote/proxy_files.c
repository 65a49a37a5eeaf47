/* Calls of a task on files, objects and programs, performed on the simulated host. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/remote/front_priv.h"

#define ARGS_MAX 256

/* An absolute path, or NULL. */
static const char *path_in(const struct wire_message *m, const char *key)
{
    const char *path = json_str(m->json, key);

    return path && *path == '/' ? path : NULL;
}

/* An amount of bytes that a frame holds; negative when it is none. */
static int64_t bytes_in(const struct wire_message *m, const char *key)
{
    int64_t n = json_int(m->json, key, -1);

    return n <= (int64_t)WIRE_BLOB_MAX ? n : -1;
}

/* What a call gave: nothing, or an error. */
static int done(int result, struct err *e, struct wire_message *ret)
{
    return result < 0 ? reply_error(ret, e) : 0;
}

static int give_names(json_t *names, struct err *e, struct wire_message *ret)
{
    if (!names)
        return reply_error(ret, e);
    reply_put(ret, "names", names);
    return 0;
}

/* ---- open files ---- */

int proxy_file_open(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    const char *path = path_in(m, "path");
    int64_t mode = json_int(m->json, "mode", -1);
    struct err e = {0};
    struct host_file *f;

    if (!path || mode < HOST_READ || mode > HOST_EDIT)
        return proxy_nonsense(p, m);
    f = host_file_open(p->remote->host, path, (enum host_open_mode)mode, &e);
    if (!f)
        return reply_error(ret, &e);
    reply_put(ret, "id", json_integer(slot_add(p->remote, SLOT_FILE, f)));
    return 0;
}

static struct host_file *file_in(const struct proxy *p, const struct wire_message *m)
{
    return slot_get(p->remote, json_int(m->json, "id", 0), SLOT_FILE);
}

int proxy_file_read(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    struct host_file *f = file_in(p, m);
    int64_t offset = json_int(m->json, "offset", -1), len = bytes_in(m, "len");
    struct err e = {0};

    if (!f || offset < 0 || len < 0)
        return proxy_nonsense(p, m);
    ret->blob = mem_alloc((size_t)len + 1);
    return done(host_file_read(p->remote->host, f, (uint64_t)offset, ret->blob, (size_t)len,
                               &ret->blob_len, &e),
                &e, ret);
}

int proxy_file_write(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    struct host_file *f = file_in(p, m);
    int64_t offset = json_int(m->json, "offset", -1);
    struct err e = {0};

    if (!f || offset < 0)
        return proxy_nonsense(p, m);
    return done(host_file_write(p->remote->host, f, (uint64_t)offset, m->blob ? m->blob : "",
                                m->blob_len, &e),
                &e, ret);
}

int proxy_file_sync(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    struct host_file *f = file_in(p, m);
    struct err e = {0};

    return f ? done(host_file_sync(p->remote->host, f, &e), &e, ret) : proxy_nonsense(p, m);
}

int proxy_file_truncate(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    struct host_file *f = file_in(p, m);
    int64_t size = json_int(m->json, "size", -1);
    struct err e = {0};

    if (!f || size < 0)
        return proxy_nonsense(p, m);
    return done(host_file_truncate(p->remote->host, f, (uint64_t)size, &e), &e, ret);
}

int proxy_file_zero(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    struct host_file *f = file_in(p, m);
    int64_t offset = json_int(m->json, "offset", -1), len = json_int(m->json, "len", -1);
    struct err e = {0};

    if (!f || offset < 0 || len < 0)
        return proxy_nonsense(p, m);
    return done(host_file_zero(p->remote->host, f, (uint64_t)offset, (uint64_t)len, &e), &e, ret);
}

int proxy_file_close(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    struct host_file *f = slot_take(p->remote, json_int(m->json, "id", 0), SLOT_FILE);
    struct err e = {0};

    return f ? done(host_file_close(p->remote->host, f, &e), &e, ret) : proxy_nonsense(p, m);
}

/* ---- paths ---- */

int proxy_file_stat(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    const char *path = path_in(m, "path");
    struct host_stat st;
    struct err e = {0};

    if (!path)
        return proxy_nonsense(p, m);
    if (host_file_stat(p->remote->host, path, &st, &e) < 0)
        return reply_error(ret, &e);
    reply_put(ret, "size", json_integer((json_int_t)st.size));
    reply_put(ret, "regular", json_boolean(st.is_regular));
    reply_put(ret, "directory", json_boolean(st.is_directory));
    reply_put(ret, "block", json_boolean(st.is_block));
    return 0;
}

int proxy_file_rename(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    const char *from = path_in(m, "path"), *to = path_in(m, "to");
    struct err e = {0};

    if (!from || !to)
        return proxy_nonsense(p, m);
    return done(host_file_rename(p->remote->host, from, to, &e), &e, ret);
}

static int on_path(struct proxy *p, const struct wire_message *m, struct wire_message *ret,
                   int (*fn)(struct host *h, const char *path, struct err *reterr))
{
    const char *path = path_in(m, "path");
    struct err e = {0};

    return path ? done(fn(p->remote->host, path, &e), &e, ret) : proxy_nonsense(p, m);
}

int proxy_file_remove(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    return on_path(p, m, ret, host_file_remove);
}

int proxy_make_dir(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    return on_path(p, m, ret, host_make_dir);
}

int proxy_sync_dir(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    return on_path(p, m, ret, host_sync_dir);
}

int proxy_list_dir(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    const char *path = path_in(m, "path");
    struct err e = {0};

    if (!path)
        return proxy_nonsense(p, m);
    return give_names(host_list_dir(p->remote->host, path, &e), &e, ret);
}

/* ---- the object store ---- */

int proxy_object_get(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    const char *bucket = json_str(m->json, "bucket"), *key = json_str(m->json, "key");
    int64_t max = json_int(m->json, "max", -1);
    struct host_version version = {""};
    struct err e = {0};

    if (!bucket || !key || max < 1)
        return proxy_nonsense(p, m);
    if (host_object_get_version(p->remote->host, bucket, key, (size_t)max, &ret->blob,
                                &ret->blob_len, &version, &e) < 0)
        return reply_error(ret, &e);
    reply_put(ret, "version", json_string(version.text));
    if (ret->blob_len <= WIRE_BLOB_MAX)
        return 0;
    free(TAKE(ret->blob));
    ret->blob_len = 0;
    err_set(&e, ERR_LIMIT, NO_POS, "%s: more than %u bytes in one object", key, WIRE_BLOB_MAX);
    return reply_error(ret, &e);
}

int proxy_object_size(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    const char *bucket = json_str(m->json, "bucket"), *key = json_str(m->json, "key");
    uint64_t size = 0;
    struct err e = {0};

    if (!bucket || !key)
        return proxy_nonsense(p, m);
    if (host_object_size(p->remote->host, bucket, key, &size, &e) < 0)
        return reply_error(ret, &e);
    reply_put(ret, "size", json_integer((json_int_t)size));
    return 0;
}

int proxy_object_read(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    const char *bucket = json_str(m->json, "bucket"), *key = json_str(m->json, "key");
    int64_t offset = json_int(m->json, "offset", -1), len = bytes_in(m, "len");
    struct err e = {0};

    if (!bucket || !key || offset < 0 || len < 0)
        return proxy_nonsense(p, m);
    ret->blob = mem_alloc((size_t)len + 1);
    return done(host_object_read(p->remote->host, bucket, key, (uint64_t)offset, ret->blob,
                                 (size_t)len, &ret->blob_len, &e),
                &e, ret);
}

/* The condition of a write; NULL: none. */
static const struct host_version *only_if(const struct wire_message *m, struct host_version *room)
{
    const char *text = json_str(m->json, "only_if");

    if (!text)
        return NULL;
    snprintf(room->text, sizeof room->text, "%s", text);
    return room;
}

int proxy_object_put(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    const char *bucket = json_str(m->json, "bucket"), *key = json_str(m->json, "key");
    struct host_version room;
    struct err e = {0};

    if (!bucket || !key)
        return proxy_nonsense(p, m);
    return done(host_object_put_if(p->remote->host, bucket, key, m->blob ? m->blob : "",
                                   m->blob_len, only_if(m, &room), &e),
                &e, ret);
}

int proxy_object_put_file(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    const char *bucket = json_str(m->json, "bucket"), *key = json_str(m->json, "key");
    struct host_file *f = file_in(p, m);
    struct err e = {0};

    if (!bucket || !key || !f)
        return proxy_nonsense(p, m);
    return done(host_object_put_file(p->remote->host, bucket, key, f, &e), &e, ret);
}

int proxy_object_delete(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    const char *bucket = json_str(m->json, "bucket"), *key = json_str(m->json, "key");
    struct host_version room;
    struct err e = {0};

    if (!bucket || !key)
        return proxy_nonsense(p, m);
    return done(host_object_delete_if(p->remote->host, bucket, key, only_if(m, &room), &e), &e,
                ret);
}

int proxy_object_list(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    const char *bucket = json_str(m->json, "bucket"), *prefix = json_str(m->json, "prefix");
    struct err e = {0};

    if (!bucket || !prefix)
        return proxy_nonsense(p, m);
    return give_names(host_object_list(p->remote->host, bucket, prefix, &e), &e, ret);
}

/* ---- programs ---- */

/* false: no command line. */
static bool take_args(const struct wire_message *m, const char **argv)
{
    const json_t *args = json_object_get(m->json, "argv");
    size_t n = json_array_size(args);

    if (n < 1 || n > ARGS_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!(argv[i] = json_string_value(json_array_get(args, i))))
            return false;
    argv[n] = NULL;
    return !strchr(argv[0], '/');
}

static void give_result(const struct host_program_result *r, struct wire_message *ret)
{
    struct strbuf both = {0};

    reply_put(ret, "exit", json_integer(r->exit_code));
    reply_put(ret, "signal", json_integer(r->signal));
    reply_put(ret, "out_len", json_integer((json_int_t)r->out_len));
    strbuf_add(&both, r->out, r->out_len);
    strbuf_addstr(&both, r->err);
    ret->blob_len = both.len;
    ret->blob = strbuf_take(&both);
}

int proxy_program(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    const char *argv[ARGS_MAX + 1];
    const char *dir = json_str(m->json, "dir");
    int64_t stdout_max = bytes_in(m, "stdout_max"), deadline = json_int(m->json, "deadline", -1),
            files = json_int(m->json, "files_max", -1);
    struct host_program program = {.argv = argv, .dir = dir};
    struct host_program_result result = {0};
    struct err e = {0};

    if (!take_args(m, argv) || (dir && *dir != '/') || stdout_max < 0 || deadline < 0 ||
        files < 0 || files > 1 << 20)
        return proxy_nonsense(p, m);
    program.stdout_max = (size_t)stdout_max;
    program.deadline_ns = deadline;
    program.files_max = (unsigned)files;
    if (host_program_run(p->remote->host, &program, &result, &e) < 0)
        return reply_error(ret, &e);
    give_result(&result, ret);
    host_program_result_finish(&result);
    return 0;
}
