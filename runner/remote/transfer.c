/* See transfer.h. */
#include "runner/remote/transfer.h"

#include <assert.h>
#include <ctype.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"

#define BODY_MAX (64u << 20)
#define WARNINGS_MAX 64

struct transfers {
    CURLM *multi;
    size_t running;
};

struct transfer {
    struct transfers *of;
    CURL *easy;
    struct curl_slist *headers, *connect_to;
    char *url, *body;
    struct strbuf in;
    size_t taken; /* of in, as lines */
    struct api_response warned;
    bool done, too_long;
    bool http, begun; /* anybody's request; its headers are complete */
    struct http_reply head;
    CURLcode result;
    char error[CURL_ERROR_SIZE];
};

/* ---- all of them ---- */

struct transfers *transfers_create(void)
{
    struct transfers *t = mem_zalloc(sizeof *t);

    curl_global_init(CURL_GLOBAL_DEFAULT);
    t->multi = curl_multi_init();
    assert(t->multi);
    return t;
}

void transfers_destroy(struct transfers *t)
{
    if (!t)
        return;
    assert(t->running == 0);
    curl_multi_cleanup(t->multi);
    curl_global_cleanup();
    free(t);
}

void transfers_note(struct transfers *t)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(t->multi, &left))) {
        struct transfer *x = NULL;

        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&x);
        x->done = true;
        x->result = m->data.result;
    }
}

void transfers_step(struct transfers *t)
{
    int running;

    curl_multi_perform(t->multi, &running);
    transfers_note(t);
}

bool transfers_wait(struct transfers *t, int fd, int wait_ms)
{
    struct curl_waitfd extra = {fd, CURL_WAIT_POLLIN, 0};

    curl_multi_poll(t->multi, &extra, fd >= 0, wait_ms, NULL);
    return extra.revents != 0;
}

size_t transfers_running(const struct transfers *t)
{
    return t->running;
}

void *transfers_multi(const struct transfers *t)
{
    return t->multi;
}

/* ---- one ---- */

static size_t take_bytes(char *bytes, size_t size, size_t count, void *cookie)
{
    struct transfer *x = cookie;
    size_t len = size * count;

    if (x->in.len - x->taken + len > BODY_MAX) {
        x->too_long = true;
        return 0;
    }
    if (x->taken == x->in.len) {
        strbuf_reset(&x->in);
        x->taken = 0;
    }
    strbuf_add(&x->in, bytes, len);
    return len;
}

/* One line of the head of an answer, without its end. */
static void take_field(struct transfer *x, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len), *value = colon ? colon + 1 : NULL;
    AUTO(str) char *name = colon ? mem_strndup(line, (size_t)(colon - line)) : NULL;
    AUTO(str) char *text = NULL;

    if (!name || x->head.header_count == HTTP_HEADERS_MAX || http_of_transport(name))
        return;
    while (value < line + len && (*value == ' ' || *value == '\t'))
        value++;
    for (char *p = name; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    text = mem_strndup(value, (size_t)(line + len - value));
    http_reply_add(&x->head, name, text);
}

/* Of several heads (100 Continue) the last one counts. */
static size_t take_http_header(char *bytes, size_t size, size_t count, void *cookie)
{
    struct transfer *x = cookie;
    size_t len = size * count, used = len;

    while (used && (bytes[used - 1] == '\r' || bytes[used - 1] == '\n'))
        used--;
    if (used > 5 && strncmp(bytes, "HTTP/", 5) == 0)
        http_reply_finish(&x->head);
    else if (used)
        take_field(x, bytes, used);
    else
        x->begun = transfer_code(x) >= 200;
    return len;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *cookie)
{
    static const char name[] = "Warning:";
    struct transfer *x = cookie;
    size_t len = size * count;

    if (len > sizeof name && strncasecmp(bytes, name, sizeof name - 1) == 0 &&
        json_array_size(x->warned.warnings) < WARNINGS_MAX) {
        AUTO(str) char *value = mem_strndup(bytes + sizeof name - 1, len - (sizeof name - 1));

        api_answer_warning(&x->warned, value);
    }
    return len;
}

static void add_header(struct transfer *x, const char *fmt, const char *value)
{
    AUTO(str) char *text = mem_printf(fmt, value);

    x->headers = curl_slist_append(x->headers, text);
}

static void set_headers(struct transfer *x, const struct transfer_server *s,
                        const struct api_call *call)
{
    x->headers = curl_slist_append(x->headers, "Accept: application/json");
    x->headers = curl_slist_append(x->headers, "Expect:");
    if (call->content_type)
        add_header(x, "Content-Type: %s", call->content_type);
    if (s->token)
        add_header(x, "Authorization: Bearer %s", s->token);
    for (size_t i = 0; s->headers && s->headers[i]; i++)
        x->headers = curl_slist_append(x->headers, s->headers[i]);
    curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
}

static void set_text(CURL *easy, CURLoption option, const char *text)
{
    if (text)
        curl_easy_setopt(easy, option, text);
}

/* Files, since not every TLS library of libcurl takes certificates from memory. */
static void set_tls(struct transfer *x, const struct transfer_server *s)
{
    set_text(x->easy, CURLOPT_CAINFO, s->ca_file);
    if (s->ca_file) /* that one alone: the system's are not trusted beside it */
        curl_easy_setopt(x->easy, CURLOPT_CAPATH, NULL);
    set_text(x->easy, CURLOPT_SSLCERT, s->cert_file);
    set_text(x->easy, CURLOPT_SSLKEY, s->key_file);
    if (s->connect_to) {
        x->connect_to = curl_slist_append(NULL, s->connect_to);
        curl_easy_setopt(x->easy, CURLOPT_CONNECT_TO, x->connect_to);
    }
    if (!s->insecure)
        return;
    curl_easy_setopt(x->easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(x->easy, CURLOPT_SSL_VERIFYHOST, 0L);
}

static void set_body(struct transfer *x, const struct api_call *call)
{
    if (call->body) {
        x->body = mem_dup(call->body, call->body_len + 1);
        curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
        curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, x->body);
    }
    if (call->body || strcmp(call->method, "GET") != 0)
        curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, call->method);
}

static void set_options(struct transfer *x, const struct transfer_server *s)
{
    CURL *e = x->easy;

    curl_easy_setopt(e, CURLOPT_URL, x->url);
    curl_easy_setopt(e, CURLOPT_PRIVATE, x);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->error);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, (long)s->fresh);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
    if (s->unix_path)
        curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, s->unix_path);
}

static struct transfer *make(struct transfers *t, const struct transfer_server *server,
                             const char *target)
{
    struct transfer *x = mem_zalloc(sizeof *x);

    x->of = t;
    x->easy = curl_easy_init();
    assert(x->easy);
    x->url = mem_printf("%s%s", server->url, target);
    set_options(x, server);
    return x;
}

/* x goes when it cannot be started: NULL. */
static struct transfer *launch(struct transfer *x, const struct transfer_server *server,
                               const struct api_call *call, struct err *reterr)
{
    set_tls(x, server);
    set_body(x, call);
    x->of->running++;
    if (curl_multi_add_handle(x->of->multi, x->easy) == CURLM_OK)
        return x;
    transfer_end(x);
    err_set(reterr, ERR_IO, NO_POS, "%s: the request cannot be started", server->url);
    return NULL;
}

struct transfer *transfer_start(struct transfers *t, const struct transfer_server *server,
                                const struct api_call *call, struct err *reterr)
{
    struct transfer *x = make(t, server, call->target);

    set_headers(x, server, call);
    return launch(x, server, call, reterr);
}

/* ---- any request ---- */

static void set_http_headers(struct transfer *x, const struct transfer_server *s,
                             const struct http_request *req)
{
    bool typed = false;

    x->headers = curl_slist_append(x->headers, "Expect:");
    x->headers = curl_slist_append(x->headers, "Accept:");
    for (size_t i = 0; i < req->header_count; i++) {
        AUTO(str)
        char *line = mem_printf("%s: %s", req->headers[i].name, req->headers[i].value);

        typed = typed || strcmp(req->headers[i].name, "content-type") == 0;
        if (!http_of_transport(req->headers[i].name))
            x->headers = curl_slist_append(x->headers, line);
    }
    if (!typed) /* libcurl's own would be that of a form */
        x->headers = curl_slist_append(x->headers, "Content-Type:");
    for (size_t i = 0; s->headers && s->headers[i]; i++)
        x->headers = curl_slist_append(x->headers, s->headers[i]);
    curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
}

struct transfer *transfer_start_http(struct transfers *t, const struct transfer_server *server,
                                     const struct http_request *req, struct err *reterr)
{
    AUTO(str) char *body = req->body ? mem_zalloc(req->body_len + 1) : NULL;
    const struct api_call call = {.method = req->method, .body = body, .body_len = req->body_len};
    struct transfer *x = make(t, server, req->target);

    if (req->body_len)
        memcpy(body, req->body, req->body_len);
    x->http = true;
    curl_easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, take_http_header);
    set_http_headers(x, server, req);
    if (strcmp(req->method, "HEAD") == 0)
        curl_easy_setopt(x->easy, CURLOPT_NOBODY, 1L);
    return launch(x, server, &call, reterr);
}

bool transfer_begun(const struct transfer *x)
{
    return x->begun || x->done;
}

bool transfer_has_bytes(const struct transfer *x)
{
    return x->in.len > x->taken;
}

const char *transfer_bytes(struct transfer *x, size_t *ret_len)
{
    const char *bytes = x->in.data + x->taken;

    *ret_len = x->in.len - x->taken;
    if (!*ret_len)
        return NULL;
    x->taken = x->in.len;
    return bytes;
}

int transfer_http_reply(struct transfer *x, struct http_reply *ret, struct err *reterr)
{
    size_t left = x->in.len - x->taken;

    assert(x->done && x->http);
    if (transfer_check(x, reterr) < 0)
        return -1;
    if (left > HTTP_BODY_MAX)
        return err_set(reterr, ERR_LIMIT, NO_POS, "%s: the answer is larger than %u MiB", x->url,
                       HTTP_BODY_MAX >> 20);
    *ret = x->head;
    x->head = (struct http_reply){0};
    ret->code = transfer_code(x);
    http_reply_body(ret, left ? x->in.data + x->taken : "", left);
    return 0;
}

void transfer_end(struct transfer *x)
{
    if (!x)
        return;
    curl_multi_remove_handle(x->of->multi, x->easy);
    curl_easy_cleanup(x->easy);
    curl_slist_free_all(x->headers);
    curl_slist_free_all(x->connect_to);
    api_response_finish(&x->warned);
    strbuf_finish(&x->in);
    http_reply_finish(&x->head);
    free(x->url);
    free(x->body);
    x->of->running--;
    free(x);
}

bool transfer_done(const struct transfer *x)
{
    return x->done;
}

int transfer_code(const struct transfer *x)
{
    long code = 0;

    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &code);
    return (int)code;
}

int64_t transfer_length(const struct transfer *x)
{
    curl_off_t length = -1;

    curl_easy_getinfo(x->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return (int64_t)length;
}

/* ---- what came ---- */

static const char *line_end(const struct transfer *x)
{
    size_t left = x->in.len - x->taken;

    return left ? memchr(x->in.data + x->taken, '\n', left) : NULL;
}

bool transfer_has_line(const struct transfer *x)
{
    return line_end(x) != NULL;
}

const char *transfer_line(struct transfer *x, size_t *ret_len)
{
    const char *end = line_end(x), *line = end ? x->in.data + x->taken : NULL;

    if (!line)
        return NULL;
    *ret_len = (size_t)(end - line);
    x->taken += *ret_len + 1;
    return line;
}

int transfer_check(const struct transfer *x, struct err *reterr)
{
    if (x->too_long)
        return err_set(reterr, ERR_LIMIT, NO_POS, "%s: the answer is larger than %u MiB", x->url,
                       BODY_MAX >> 20);
    if (x->result == CURLE_OK)
        return 0;
    return err_set(reterr, ERR_IO, NO_POS, "%s: %s", x->url,
                   *x->error ? x->error : curl_easy_strerror(x->result));
}

int transfer_answer(struct transfer *x, struct api_response *ret, struct err *reterr)
{
    assert(x->done);
    if (transfer_check(x, reterr) < 0 ||
        api_answer_read(transfer_code(x), strbuf_str(&x->in), x->in.len, ret, reterr) < 0)
        return -1;
    ret->warnings = TAKE(x->warned.warnings);
    return 0;
}
