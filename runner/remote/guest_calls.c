/* Calls of a sealed process that go by the control socket alone. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/remote/guest_priv.h"

/* ---- time, tasks, events ---- */

static int64_t now(struct host *h)
{
    return guest_of(h)->now_ns;
}

static bool crashed(struct host *h)
{
    return guest_of(h)->crashed;
}

static bool stopping(struct host *h)
{
    return guest_of(h)->stopping;
}

static enum host_wait wait_in(const struct wire_message *reply)
{
    return (enum host_wait)json_int(reply->json, "wait", HOST_CRASHED);
}

static enum host_wait sleep_for(struct host *h, int64_t ns)
{
    return wait_in(
        guest_call(guest_of(h), WIRE_SLEEP, json_pack("{s:I}", "ns", (json_int_t)ns), NULL, 0));
}

static void spawn(struct host *h, const char *name, host_task_fn *fn, void *arg)
{
    struct guest *g = guest_of(h);
    struct task *t = guest_add_task(g, name, fn, arg);

    guest_call(g, WIRE_SPAWN,
               json_pack("{s:I, s:o}", "id", (json_int_t)t->id, "name", wire_text(name)), NULL, 0);
}

/* An event or an open file: the world's number of it. */
struct host_event {
    int64_t id;
};
struct host_file {
    int64_t id;
};

static json_t *id_json(int64_t id)
{
    return json_pack("{s:I}", "id", (json_int_t)id);
}

int64_t guest_event_id(const struct host_event *e)
{
    return e->id;
}

static struct host_event *event_create(struct host *h, const char *name)
{
    struct host_event *e = mem_zalloc(sizeof *e);
    const struct wire_message *reply = guest_call(
        guest_of(h), WIRE_EVENT_CREATE, json_pack("{s:o}", "name", wire_text(name)), NULL, 0);

    e->id = json_int(reply->json, "id", 0);
    return e;
}

static void event_destroy(struct host *h, struct host_event *e)
{
    guest_call(guest_of(h), WIRE_EVENT_DESTROY, id_json(e->id), NULL, 0);
    free(e);
}

static void event_signal(struct host *h, struct host_event *e)
{
    guest_call(guest_of(h), WIRE_EVENT_SIGNAL, id_json(e->id), NULL, 0);
}

static enum host_wait event_wait(struct host *h, struct host_event *e, int64_t until_ns)
{
    return wait_in(guest_call(
        guest_of(h), WIRE_EVENT_WAIT,
        json_pack("{s:I, s:I}", "id", (json_int_t)e->id, "until", (json_int_t)until_ns), NULL, 0));
}

static void prng(struct host *h, const char *label, struct prng *ret)
{
    const struct wire_message *reply =
        guest_call(guest_of(h), WIRE_PRNG, json_pack("{s:o}", "label", wire_text(label)), NULL, 0);
    struct err e = {0};

    if (reply->blob_len != sizeof *ret &&
        err_set(&e, ERR_CORRUPT, NO_POS, "the world gave no randomness"))
        guest_die(&e);
    memcpy(ret, reply->blob, sizeof *ret);
}

static void log_message(struct host *h, enum host_log_level level, const char *message)
{
    guest_call(guest_of(h), WIRE_LOG,
               json_pack("{s:i, s:o}", "level", (int)level, "message", wire_text(message)), NULL,
               0);
}

/* ---- files ---- */

/* A call that gives nothing but success. */
static int plain(struct host *h, enum wire_op op, json_t *json, const void *blob, size_t len,
                 struct err *reterr)
{
    return wire_take_error(guest_call(guest_of(h), op, json, blob, len), reterr);
}

static json_t *path_json(const char *path)
{
    return json_pack("{s:o}", "path", wire_text(path));
}

static struct host_file *file_open(struct host *h, const char *path, enum host_open_mode mode,
                                   struct err *reterr)
{
    const struct wire_message *reply =
        guest_call(guest_of(h), WIRE_FILE_OPEN,
                   json_pack("{s:o, s:i}", "path", wire_text(path), "mode", (int)mode), NULL, 0);
    struct host_file *f;

    if (wire_take_error(reply, reterr) < 0)
        return NULL;
    f = mem_zalloc(sizeof *f);
    f->id = json_int(reply->json, "id", 0);
    return f;
}

/* The bytes of a reply, at most len of them. */
static int take_bytes(const struct wire_message *reply, void *buf, size_t len, size_t *ret_len,
                      struct err *reterr)
{
    if (wire_take_error(reply, reterr) < 0)
        return -1;
    if (reply->blob_len > len)
        return err_set(reterr, ERR_CORRUPT, NO_POS,
                       "the world gave more bytes than were asked for");
    if (reply->blob_len)
        memcpy(buf, reply->blob, reply->blob_len);
    *ret_len = reply->blob_len;
    return 0;
}

/* More than a frame holds is read in pieces by whoever asks: fewer bytes only at the end. */
static int file_read(struct host *h, struct host_file *f, uint64_t offset, void *buf, size_t len,
                     size_t *ret_len, struct err *reterr)
{
    size_t done = 0, part = 0, want;

    do {
        want = len - done < WIRE_BLOB_MAX ? len - done : WIRE_BLOB_MAX;
        if (take_bytes(guest_call(guest_of(h), WIRE_FILE_READ,
                                  json_pack("{s:I, s:I, s:I}", "id", (json_int_t)f->id, "offset",
                                            (json_int_t)(offset + done), "len", (json_int_t)want),
                                  NULL, 0),
                       (char *)buf + done, want, &part, reterr) < 0)
            return -1;
        done += part;
    } while (done < len && part == want);
    *ret_len = done;
    return 0;
}

static int file_write(struct host *h, struct host_file *f, uint64_t offset, const void *buf,
                      size_t len, struct err *reterr)
{
    if (len > WIRE_BLOB_MAX)
        return err_set(reterr, ERR_LIMIT, NO_POS, "more than %u bytes in one write", WIRE_BLOB_MAX);
    return plain(h, WIRE_FILE_WRITE,
                 json_pack("{s:I, s:I}", "id", (json_int_t)f->id, "offset", (json_int_t)offset),
                 buf, len, reterr);
}

static int file_sync(struct host *h, struct host_file *f, struct err *reterr)
{
    return plain(h, WIRE_FILE_SYNC, id_json(f->id), NULL, 0, reterr);
}

static int file_truncate(struct host *h, struct host_file *f, uint64_t size, struct err *reterr)
{
    return plain(h, WIRE_FILE_TRUNCATE,
                 json_pack("{s:I, s:I}", "id", (json_int_t)f->id, "size", (json_int_t)size), NULL,
                 0, reterr);
}

static int file_zero(struct host *h, struct host_file *f, uint64_t offset, uint64_t len,
                     struct err *reterr)
{
    return plain(h, WIRE_FILE_ZERO,
                 json_pack("{s:I, s:I, s:I}", "id", (json_int_t)f->id, "offset", (json_int_t)offset,
                           "len", (json_int_t)len),
                 NULL, 0, reterr);
}

static int file_close(struct host *h, struct host_file *f, struct err *reterr)
{
    int64_t id = f->id;

    free(f);
    return plain(h, WIRE_FILE_CLOSE, id_json(id), NULL, 0, reterr);
}

static int file_stat(struct host *h, const char *path, struct host_stat *ret, struct err *reterr)
{
    const struct wire_message *reply =
        guest_call(guest_of(h), WIRE_FILE_STAT, path_json(path), NULL, 0);

    if (wire_take_error(reply, reterr) < 0)
        return -1;
    *ret = (struct host_stat){.size = (uint64_t)json_int(reply->json, "size", 0),
                              .is_regular = json_bool(reply->json, "regular", false),
                              .is_directory = json_bool(reply->json, "directory", false),
                              .is_block = json_bool(reply->json, "block", false)};
    return 0;
}

static int file_rename(struct host *h, const char *from, const char *to, struct err *reterr)
{
    return plain(h, WIRE_FILE_RENAME,
                 json_pack("{s:o, s:o}", "path", wire_text(from), "to", wire_text(to)), NULL, 0,
                 reterr);
}

static int file_remove(struct host *h, const char *path, struct err *reterr)
{
    return plain(h, WIRE_FILE_REMOVE, path_json(path), NULL, 0, reterr);
}

static int make_dir(struct host *h, const char *path, struct err *reterr)
{
    return plain(h, WIRE_MAKE_DIR, path_json(path), NULL, 0, reterr);
}

static int sync_dir(struct host *h, const char *path, struct err *reterr)
{
    return plain(h, WIRE_SYNC_DIR, path_json(path), NULL, 0, reterr);
}

static json_t *take_names(const struct wire_message *reply, struct err *reterr)
{
    json_t *names = json_object_get(reply->json, "names");

    if (wire_take_error(reply, reterr) < 0)
        return NULL;
    return names ? json_incref(names) : json_array();
}

static json_t *list_dir(struct host *h, const char *path, struct err *reterr)
{
    return take_names(guest_call(guest_of(h), WIRE_LIST_DIR, path_json(path), NULL, 0), reterr);
}

/* ---- the object store ---- */

static json_t *key_json(const char *bucket, const char *key)
{
    return json_pack("{s:o, s:o}", "bucket", wire_text(bucket), "key", wire_text(key));
}

static int object_get(struct host *h, const char *bucket, const char *key, size_t max_bytes,
                      char **ret_data, size_t *ret_len, struct host_version *ret_version,
                      struct err *reterr)
{
    json_t *json = key_json(bucket, key);
    const struct wire_message *reply;

    json_object_set_new(json, "max", json_integer((json_int_t)max_bytes));
    reply = guest_call(guest_of(h), WIRE_OBJECT_GET, json, NULL, 0);
    if (wire_take_error(reply, reterr) < 0)
        return -1;
    *ret_data = mem_alloc(reply->blob_len + 1);
    if (reply->blob_len)
        memcpy(*ret_data, reply->blob, reply->blob_len);
    (*ret_data)[reply->blob_len] = '\0';
    *ret_len = reply->blob_len;
    if (ret_version)
        snprintf(ret_version->text, sizeof ret_version->text, "%s",
                 json_str_or_empty(reply->json, "version"));
    return 0;
}

static int object_size(struct host *h, const char *bucket, const char *key, uint64_t *ret,
                       struct err *reterr)
{
    const struct wire_message *reply =
        guest_call(guest_of(h), WIRE_OBJECT_SIZE, key_json(bucket, key), NULL, 0);

    if (wire_take_error(reply, reterr) < 0)
        return -1;
    *ret = (uint64_t)json_int(reply->json, "size", 0);
    return 0;
}

static json_t *write_json(const char *bucket, const char *key, const struct host_version *only_if)
{
    json_t *json = key_json(bucket, key);

    if (only_if)
        json_object_set_new(json, "only_if", wire_text(only_if->text));
    return json;
}

static int object_read(struct host *h, const char *bucket, const char *key, uint64_t offset,
                       void *buf, size_t len, size_t *ret_len, struct err *reterr)
{
    json_t *json = key_json(bucket, key);

    if (len > WIRE_BLOB_MAX) {
        json_decref(json);
        return err_set(reterr, ERR_LIMIT, NO_POS, "more than %u bytes in one read", WIRE_BLOB_MAX);
    }
    json_object_set_new(json, "offset", json_integer((json_int_t)offset));
    json_object_set_new(json, "len", json_integer((json_int_t)len));
    return take_bytes(guest_call(guest_of(h), WIRE_OBJECT_READ, json, NULL, 0), buf, len, ret_len,
                      reterr);
}

static int object_put(struct host *h, const char *bucket, const char *key, const void *data,
                      size_t len, const struct host_version *only_if, struct err *reterr)
{
    if (len > WIRE_BLOB_MAX)
        return err_set(reterr, ERR_LIMIT, NO_POS, "more than %u bytes in one object",
                       WIRE_BLOB_MAX);
    return plain(h, WIRE_OBJECT_PUT, write_json(bucket, key, only_if), data, len, reterr);
}

static int object_put_file(struct host *h, const char *bucket, const char *key, struct host_file *f,
                           struct err *reterr)
{
    json_t *json = key_json(bucket, key);

    json_object_set_new(json, "id", json_integer((json_int_t)f->id));
    return plain(h, WIRE_OBJECT_FILE, json, NULL, 0, reterr);
}

static int object_delete(struct host *h, const char *bucket, const char *key,
                         const struct host_version *only_if, struct err *reterr)
{
    return plain(h, WIRE_OBJECT_DELETE, write_json(bucket, key, only_if), NULL, 0, reterr);
}

static json_t *object_list(struct host *h, const char *bucket, const char *prefix,
                           struct err *reterr)
{
    json_t *json =
        json_pack("{s:o, s:o}", "bucket", wire_text(bucket), "prefix", wire_text(prefix));

    return take_names(guest_call(guest_of(h), WIRE_OBJECT_LIST, json, NULL, 0), reterr);
}

/* ---- programs ---- */

static int take_result(const struct wire_message *reply, struct host_program_result *ret,
                       struct err *reterr)
{
    size_t out_len = (size_t)json_int(reply->json, "out_len", 0);

    if (wire_take_error(reply, reterr) < 0)
        return -1;
    if (out_len > reply->blob_len)
        return err_set(reterr, ERR_CORRUPT, NO_POS, "the world's outputs do not add up");
    *ret = (struct host_program_result){.exit_code = (int)json_int(reply->json, "exit", -1),
                                        .signal = (int)json_int(reply->json, "signal", 0),
                                        .out_len = out_len};
    ret->out = mem_strndup("", 0);
    if (out_len) {
        free(ret->out);
        ret->out = mem_alloc(out_len + 1);
        memcpy(ret->out, reply->blob, out_len);
        ret->out[out_len] = '\0';
    }
    ret->err = mem_strdup(reply->blob ? reply->blob + out_len : "");
    return 0;
}

static int program_run(struct host *h, const struct host_program *p,
                       struct host_program_result *ret, struct err *reterr)
{
    json_t *json =
        json_pack("{s:[], s:I, s:I, s:i}", "argv", "stdout_max", (json_int_t)p->stdout_max,
                  "deadline", (json_int_t)p->deadline_ns, "files_max", (int)p->files_max);

    for (size_t i = 0; p->argv[i]; i++)
        json_array_append_new(json_object_get(json, "argv"), wire_text(p->argv[i]));
    if (p->dir)
        json_object_set_new(json, "dir", wire_text(p->dir));
    return take_result(guest_call(guest_of(h), WIRE_PROGRAM, json, NULL, 0), ret, reterr);
}

const struct host_ops sealed_ops = {
    .name = "sealed",
    .request = guest_request,
    .watch_open = guest_watch_open,
    .watch_next = guest_watch_next,
    .watch_close = guest_watch_close,
    .now = now,
    .sleep = sleep_for,
    .spawn = spawn,
    .event_create = event_create,
    .event_destroy = event_destroy,
    .event_signal = event_signal,
    .event_wait = event_wait,
    .crashed = crashed,
    .stopping = stopping,
    .prng = prng,
    .file_open = file_open,
    .file_read = file_read,
    .file_write = file_write,
    .file_sync = file_sync,
    .file_truncate = file_truncate,
    .file_zero = file_zero,
    .file_close = file_close,
    .file_stat = file_stat,
    .file_rename = file_rename,
    .file_remove = file_remove,
    .make_dir = make_dir,
    .sync_dir = sync_dir,
    .list_dir = list_dir,
    .object_get = object_get,
    .object_size = object_size,
    .object_read = object_read,
    .object_put = object_put,
    .object_put_file = object_put_file,
    .object_delete = object_delete,
    .object_list = object_list,
    .program_run = program_run,
    .service_open = guest_service_open,
    .service_call = guest_service_call,
    .service_stream = guest_service_stream,
    .stream_next = guest_stream_next,
    .stream_close = guest_stream_close,
    .reply = guest_reply,
    .reply_begin = guest_reply_begin,
    .reply_more = guest_reply_more,
    .reply_wait = guest_reply_wait,
    .log = log_message,
};
