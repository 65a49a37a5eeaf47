/* See wire.h. Frames are for two programs of the same build on the same machine: numbers are in the
 * machine's order. What comes in is bounded and checked all the same. */
#include "runner/remote/wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/json.h"
#include "base/mem.h"

#define MAGIC 0x56434657u /* "VCFW" */

struct head {
    uint32_t magic, op, task, crashed, stopping, json_len;
    uint64_t blob_len;
    int64_t now_ns;
};

void wire_finish(struct wire_message *m)
{
    json_decref(m->json);
    free(m->blob);
    *m = (struct wire_message){0};
}

/* ---- bytes ---- */

static int ready(int fd, short what, int wait_ms, struct err *reterr)
{
    struct pollfd p = {fd, what, 0};
    int n;

    do
        n = poll(&p, 1, wait_ms);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_set_errno(reterr, errno, NO_POS, "the control socket");
    return n ? 0 : err_set(reterr, ERR_LIMIT, NO_POS, "the other side does not answer");
}

static int send_all(int fd, const void *bytes, size_t len, int wait_ms, struct err *reterr)
{
    while (len) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return err_set(reterr, ERR_NOT_FOUND, NO_POS, "the other side has gone");
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return err_set_errno(reterr, errno, NO_POS, "the control socket");
        if (n < 0 && errno == EAGAIN && ready(fd, POLLOUT, wait_ms, reterr) < 0)
            return -1;
        if (n > 0) {
            bytes = (const char *)bytes + n;
            len -= (size_t)n;
        }
    }
    return 0;
}

static int receive_all(int fd, void *bytes, size_t len, int wait_ms, struct err *reterr)
{
    while (len) {
        ssize_t n = recv(fd, bytes, len, MSG_DONTWAIT);

        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return err_set(reterr, ERR_NOT_FOUND, NO_POS, "the other side has gone");
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return err_set_errno(reterr, errno, NO_POS, "the control socket");
        if (n < 0 && errno == EAGAIN && ready(fd, POLLIN, wait_ms, reterr) < 0)
            return -1;
        if (n > 0) {
            bytes = (char *)bytes + n;
            len -= (size_t)n;
        }
    }
    return 0;
}

/* ---- frames ---- */

int wire_send(int fd, const struct wire_message *m, int wait_ms, struct err *reterr)
{
    struct strbuf text = {0};
    struct head h = {.magic = MAGIC,
                     .op = m->op,
                     .task = m->task,
                     .crashed = m->crashed,
                     .stopping = m->stopping,
                     .blob_len = m->blob_len,
                     .now_ns = m->now_ns};
    int r;

    strbuf_add(&text, &h, sizeof h);
    if (m->json)
        json_write(&text, m->json, JSON_TIGHT);
    h.json_len = (uint32_t)(text.len - sizeof h);
    memcpy(text.data, &h, sizeof h);
    r = send_all(fd, text.data, text.len, wait_ms, reterr);
    if (r == 0 && m->blob_len)
        r = send_all(fd, m->blob, m->blob_len, wait_ms, reterr);
    strbuf_finish(&text);
    return r;
}

static int garbage(struct err *reterr, const char *what)
{
    return err_set(reterr, ERR_CORRUPT, NO_POS, "what came by the control socket is no frame: %s",
                   what);
}

static int check_head(const struct head *h, struct err *reterr)
{
    if (h->magic != MAGIC)
        return garbage(reterr, "it begins with other bytes");
    if (h->op >= WIRE_OP_COUNT)
        return garbage(reterr, "no such call");
    if (h->json_len > JSON_BYTES_MAX || h->blob_len > WIRE_BLOB_MAX)
        return garbage(reterr, "it is too long");
    return 0;
}

static int receive_json(int fd, size_t len, json_t **ret, int wait_ms, struct err *reterr)
{
    AUTO(str) char *text = mem_alloc(len + 1);
    AUTO(err) struct err e = {0};

    if (receive_all(fd, text, len, wait_ms, reterr) < 0)
        return -1;
    *ret = len ? json_read(text, len, "frame", &e) : json_object();
    return json_is_object(*ret) ? 0 : garbage(reterr, e.msg ? e.msg : "its text is no object");
}

int wire_receive(int fd, struct wire_message *ret, int wait_ms, struct err *reterr)
{
    struct head h;

    if (receive_all(fd, &h, sizeof h, wait_ms, reterr) < 0 || check_head(&h, reterr) < 0 ||
        receive_json(fd, h.json_len, &ret->json, wait_ms, reterr) < 0)
        return -1;
    ret->op = (enum wire_op)h.op;
    ret->task = h.task;
    ret->crashed = h.crashed != 0;
    ret->stopping = h.stopping != 0;
    ret->now_ns = h.now_ns;
    if (!h.blob_len)
        return 0;
    ret->blob = mem_alloc(h.blob_len + 1);
    ret->blob[h.blob_len] = '\0';
    ret->blob_len = h.blob_len;
    return receive_all(fd, ret->blob, h.blob_len, wait_ms, reterr);
}

/* ---- errors ---- */

json_t *wire_text(const char *text)
{
    json_t *plain = json_string(text ? text : "");
    char *copy;

    if (plain)
        return plain;
    copy = mem_strdup(text);
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    plain = json_string(copy);
    free(copy);
    return plain;
}

void wire_put_error(struct wire_message *m, const struct err *e)
{
    json_t *error = json_pack("{s:i, s:o}", "code", (int)e->code, "msg", wire_text(e->msg));

    if (e->hint)
        json_object_set_new(error, "hint", wire_text(e->hint));
    if (!m->json)
        m->json = json_object();
    json_object_set_new(m->json, "error", error);
}

int wire_take_error(const struct wire_message *m, struct err *reterr)
{
    const json_t *error = json_object_get(m->json, "error");
    int64_t code = json_int(error, "code", ERR_INTERNAL);
    const char *hint = json_str(error, "hint");

    if (!error)
        return 0;
    if (code <= ERR_NONE || code >= ERR_CODE_COUNT)
        code = ERR_INTERNAL;
    err_set(reterr, (enum err_code)code, NO_POS, "%s", json_str_or_empty(error, "msg"));
    return hint ? err_hint(reterr, "%s", hint) : -1;
}
