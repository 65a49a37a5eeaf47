/* Requests and watches of the real host: libcurl on the loop. A task that waits for bytes is woken
 * whenever something has moved, and looks for itself. */
#include <curl/curl.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/wall.h"
#include "runner/realhost/realhost_priv.h"

#define TOKEN_MAX 65536

/* ---- libcurl on the loop ---- */

static void wake_all(struct realhost *r)
{
    struct waiter *w;

    transfers_note(r->transfers);
    TAILQ_FOREACH(w, &r->waiters, link)
    waitcell_signal(w->cell);
}

static void on_socket(void *cookie, uint32_t events);

struct watched {
    struct realhost *host;
    struct loop_fd *fd;
    curl_socket_t socket;
};

static void on_socket(void *cookie, uint32_t events)
{
    struct watched *s = cookie;
    struct realhost *r = s->host;
    int running, bits = (events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) |
                        (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                        (events & EPOLLERR ? CURL_CSELECT_ERR : 0);

    curl_multi_socket_action(transfers_multi(r->transfers), s->socket, bits, &running);
    wake_all(r);
}

static int watch_socket(CURL *easy, curl_socket_t socket, int what, void *cookie, void *known)
{
    struct realhost *r = cookie;
    struct watched *s = known;
    uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (s)
            loop_forget_fd(s->fd);
        free(s);
        curl_multi_assign(transfers_multi(r->transfers), socket, NULL);
        return 0;
    }
    if (s) {
        loop_change_fd(s->fd, events);
        return 0;
    }
    s = mem_zalloc(sizeof *s);
    *s = (struct watched){r, NULL, socket};
    s->fd = loop_watch_fd(r->loop, socket, events, on_socket, s);
    curl_multi_assign(transfers_multi(r->transfers), socket, s);
    return 0;
}

static int set_timer(CURLM *multi, long ms, void *cookie)
{
    struct realhost *r = cookie;

    (void)multi;
    r->transfer_at = ms < 0 ? INT64_MAX : wall_monotonic_ns() + ms * INT64_C(1000000);
    return 0;
}

static int64_t look_at_timer(void *cookie)
{
    struct realhost *r = cookie;
    int64_t left = r->transfer_at == INT64_MAX ? INT64_MAX : r->transfer_at - wall_monotonic_ns();
    int running;

    if (left > 0)
        return left;
    r->transfer_at = INT64_MAX;
    curl_multi_socket_action(transfers_multi(r->transfers), CURL_SOCKET_TIMEOUT, 0, &running);
    wake_all(r);
    return 0;
}

void real_http_start(struct realhost *r)
{
    CURLM *multi = transfers_multi(r->transfers);

    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, r);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, r);
    loop_on_idle(r->loop, look_at_timer, r);
}

enum host_wait real_wait(struct realhost *r, struct transfer *x,
                         bool (*ready)(const struct transfer *x), int64_t until_ns)
{
    struct waiter w = {.cell = waitcell_create(r->sched, "transfer")};
    enum sched_result got = SCHED_OK;

    TAILQ_INSERT_TAIL(&r->waiters, &w, link);
    while (got == SCHED_OK && !ready(x))
        got = waitcell_wait(w.cell, until_ns);
    TAILQ_REMOVE(&r->waiters, &w, link);
    waitcell_destroy(w.cell);
    return got == SCHED_OK ? HOST_OK : got == SCHED_TIMEOUT ? HOST_TIMEOUT : HOST_CRASHED;
}

/* ---- starting ---- */

static const struct real_cluster *find_cluster(const struct realhost *r, const char *name,
                                               struct err *reterr)
{
    for (size_t i = 0; i < r->cluster_count; i++)
        if (!name || strcmp(r->clusters[i].name, name) == 0)
            return &r->clusters[i];
    err_set(reterr, ERR_NOT_FOUND, NO_POS, "no cluster is called '%s'", name ? name : "");
    err_hint(reterr, "--cluster NAME=CONTEXT gives a context a name");
    return NULL;
}

/* A token of a file is read each time: somebody else renews it. New. */
static int read_token(const char *path, char **ret, struct err *reterr)
{
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    AUTO(str) char *text = mem_zalloc(TOKEN_MAX + 1);
    ssize_t n = fd >= 0 ? read(fd, text, TOKEN_MAX) : -1;

    if (n < 0)
        return err_set(reterr, ERR_IO, NO_POS, "the token of '%s' cannot be read", path);
    text[n] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    *ret = TAKE(text);
    return 0;
}

static struct transfer *start(struct realhost *r, const char *cluster,
                              const struct api_request *req, struct err *reterr)
{
    static const char *const headers[] = {"User-Agent: vmconform-component", NULL};
    const struct real_cluster *c = find_cluster(r, cluster, reterr);
    AUTO(api_call) struct api_call call = {0};
    AUTO(str) char *token = NULL;

    if (process_crashed(r->process)) {
        err_clear(reterr);
        err_set(reterr, ERR_CRASHED, NO_POS, "the component was stopped");
        return NULL;
    }
    if (!c || (c->access.token_file && !c->access.token &&
               read_token(c->access.token_file, &token, reterr) < 0))
        return NULL;
    const struct transfer_server server = {.url = c->url,
                                           .unix_path = c->access.unix_path,
                                           .ca_file = c->access.ca_file,
                                           .cert_file = c->access.cert_file,
                                           .key_file = c->access.key_file,
                                           .connect_to = c->connect_to,
                                           .insecure = c->access.insecure,
                                           .token = c->access.token ? c->access.token : token,
                                           .headers = headers,
                                           /* Nothing is written twice because a connection that
                                            * was idle turned out to be dead. */
                                           .fresh = req->verb == API_CREATE};
    api_call_make(req, &call);
    return transfer_start(r->transfers, &server, &call, reterr);
}

int real_no_answer(enum host_wait got, struct err *reterr)
{
    if (got == HOST_CRASHED)
        return err_set(reterr, ERR_CRASHED, NO_POS, "the component was stopped");
    return err_set(reterr, ERR_IO, NO_POS, "the server has not answered for %d s",
                   (int)(REAL_PATIENCE_NS / 1000000000));
}

/* ---- one exchange ---- */

int real_request(struct host *h, const char *cluster, const struct api_request *req,
                 struct api_response *ret, struct err *reterr)
{
    struct realhost *r = realhost_of(h);
    AUTO(transfer) struct transfer *x = start(r, cluster, req, reterr);
    enum host_wait got =
        x ? real_wait(r, x, transfer_done, sched_now(r->sched) + REAL_PATIENCE_NS) : HOST_CRASHED;

    if (!x)
        return -1;
    return got == HOST_OK ? transfer_answer(x, ret, reterr) : real_no_answer(got, reterr);
}

/* ---- watches ---- */

struct host_watch {
    struct transfer *transfer;
    json_t *last;
};

static bool has_begun(const struct transfer *x)
{
    return transfer_done(x) || transfer_code(x) == 200;
}

struct host_watch *real_watch_open(struct host *h, const char *cluster,
                                   const struct api_request *req, struct api_response *ret_error,
                                   struct err *reterr)
{
    struct realhost *r = realhost_of(h);
    AUTO(transfer) struct transfer *x = start(r, cluster, req, reterr);
    enum host_wait got =
        x ? real_wait(r, x, has_begun, sched_now(r->sched) + REAL_PATIENCE_NS) : HOST_CRASHED;
    struct host_watch *w;

    if (!x)
        return NULL;
    if (got != HOST_OK) {
        real_no_answer(got, reterr);
        return NULL;
    }
    if (transfer_code(x) != 200) {
        transfer_answer(x, ret_error, reterr);
        return NULL;
    }
    w = mem_zalloc(sizeof *w);
    w->transfer = TAKE(x);
    return w;
}

static bool has_news(const struct transfer *x)
{
    return transfer_done(x) || transfer_has_line(x);
}

enum host_wait real_watch_next(struct host *h, struct host_watch *w, int64_t until_ns,
                               struct api_event *ret, bool *ret_ended)
{
    enum host_wait got = real_wait(realhost_of(h), w->transfer, has_news, until_ns);
    AUTO(err) struct err e = {0};
    const char *line;
    size_t len;

    if (got != HOST_OK)
        return got;
    line = transfer_line(w->transfer, &len);
    if (!line || api_event_read(line, len, ret, &e) < 0) {
        if (line)
            host_log(h, LOG_WARNING, "%s", e.msg);
        *ret_ended = true;
        return HOST_OK;
    }
    json_decref(w->last);
    w->last = ret->object;
    return HOST_OK;
}

void real_watch_close(struct host *h, struct host_watch *w)
{
    (void)h;
    transfer_end(w->transfer);
    json_decref(w->last);
    free(w);
}
