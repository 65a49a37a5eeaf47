/* Calls of services by the real host: libcurl on the loop, as its requests to clusters. */
#include <string.h>

#include "base/mem.h"
#include "runner/realhost/realhost_priv.h"

static const char *url_of(const struct realhost *r, const char *service, struct err *reterr)
{
    size_t len = strlen(service);

    for (size_t i = 0; i < r->config.service_count; i++) {
        const char *text = r->config.services[i];

        if (strncmp(text, service, len) == 0 && text[len] == '=')
            return text + len + 1;
    }
    err_set(reterr, ERR_NOT_FOUND, NO_POS, "no service is called '%s'", service);
    err_hint(reterr, "--service %s=URL says where it is", service);
    return NULL;
}

static struct transfer *start(struct realhost *r, const char *service,
                              const struct http_request *req, struct err *reterr)
{
    const char *url = url_of(r, service, reterr);
    /* Nothing is sent twice because a connection that was idle turned out to be dead. */
    const struct transfer_server server = {.url = url, .fresh = strcmp(req->method, "GET") != 0};

    if (process_crashed(r->process)) {
        err_clear(reterr);
        err_set(reterr, ERR_CRASHED, NO_POS, "the component was stopped");
        return NULL;
    }
    return url ? transfer_start_http(r->transfers, &server, req, reterr) : NULL;
}

int real_service_call(struct host *h, const char *service, const struct http_request *req,
                      struct http_reply *ret, struct err *reterr)
{
    struct realhost *r = realhost_of(h);
    AUTO(transfer) struct transfer *x = start(r, service, req, reterr);
    enum host_wait got = HOST_CRASHED;

    if (!x)
        return -1;
    got = real_wait(r, x, transfer_done, sched_now(r->sched) + REAL_PATIENCE_NS);
    return got == HOST_OK ? transfer_http_reply(x, ret, reterr) : real_no_answer(got, reterr);
}

/* ---- streams ---- */

struct host_stream {
    struct transfer *transfer;
};

struct host_stream *real_service_stream(struct host *h, const char *service,
                                        const struct http_request *req,
                                        struct http_reply *ret_error, struct err *reterr)
{
    struct realhost *r = realhost_of(h);
    AUTO(transfer) struct transfer *x = start(r, service, req, reterr);
    int64_t until = sched_now(r->sched) + REAL_PATIENCE_NS;
    enum host_wait got = x ? real_wait(r, x, transfer_begun, until) : HOST_CRASHED;
    struct host_stream *s;
    bool fine;

    if (!x)
        return NULL;
    fine = got == HOST_OK && transfer_code(x) >= 200 && transfer_code(x) < 300;
    if (got == HOST_OK && !fine)
        got = real_wait(r, x, transfer_done, until);
    if (got != HOST_OK) {
        real_no_answer(got, reterr);
        return NULL;
    }
    if (!fine) {
        transfer_http_reply(x, ret_error, reterr);
        return NULL;
    }
    s = mem_zalloc(sizeof *s);
    s->transfer = TAKE(x);
    return s;
}

static bool has_news(const struct transfer *x)
{
    return transfer_done(x) || transfer_has_bytes(x);
}

enum host_wait real_stream_next(struct host *h, struct host_stream *s, int64_t until_ns,
                                const char **ret, size_t *ret_len)
{
    enum host_wait got = real_wait(realhost_of(h), s->transfer, has_news, until_ns);

    if (got == HOST_OK)
        *ret = transfer_bytes(s->transfer, ret_len);
    return got;
}

void real_stream_close(struct host *h, struct host_stream *s)
{
    (void)h;
    transfer_end(s->transfer);
    free(s);
}
