/* Two components in place of the registered ones: a service that keeps books in a file, and a clerk
 * who calls it. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/component.h"
#include "components/token.h"
#include "kube/time.h"

#define FILE_NAME "/var/lib/shelf/books.json"
#define FILE_MAX (1u << 20)

/* ---- the file ---- */

static json_t *load(struct host *h, struct err *reterr)
{
    struct host_file *f = host_file_open(h, FILE_NAME, HOST_EDIT, reterr);
    AUTO(str) char *text = mem_zalloc(FILE_MAX);
    size_t len = 0;
    int r;

    if (!f)
        return NULL;
    r = host_file_read(h, f, 0, text, FILE_MAX, &len, reterr);
    if (host_file_close(h, f, r < 0 ? NULL : reterr) < 0 || r < 0)
        return NULL;
    return len ? json_read(text, len, FILE_NAME, reterr) : json_array();
}

static int save(struct host *h, const json_t *books, struct err *reterr)
{
    AUTO(str) char *text = json_text(books);
    struct host_file *f = host_file_open(h, FILE_NAME, HOST_EDIT, reterr);
    int r;

    if (!f)
        return -1;
    r = host_file_write(h, f, 0, text, strlen(text), reterr);
    if (r == 0)
        r = host_file_truncate(h, f, strlen(text), reterr);
    if (r == 0)
        r = host_file_sync(h, f, reterr);
    if (host_file_close(h, f, r < 0 ? NULL : reterr) < 0)
        r = -1;
    return r;
}

/* ---- answers ---- */

static void answer(struct host *h, struct host_exchange *x, int code, const json_t *body)
{
    AUTO(http_reply) struct http_reply r = {.code = code};
    AUTO(str) char *text = json_text(body);

    http_reply_add(&r, "content-type", "application/json");
    http_reply_body(&r, text, strlen(text));
    host_reply(h, x, &r, NULL);
}

static void refuse(struct host *h, struct host_exchange *x, int code, const char *message)
{
    AUTO(json) json_t *body = json_pack("{s:s}", "message", message);

    answer(h, x, code, body);
}

/* Who asks; new, NULL: nobody that we know. */
static char *caller(struct host *h, const struct http_request *req)
{
    const char *value = http_request_header(req, "authorization");
    AUTO(json)
    json_t *claims =
        value && strncmp(value, "Bearer ", 7) == 0
            ? bearer_verify(BEARER_DEFAULT_KEY, value + 7, host_now(h) / NS_PER_S, NULL)
            : NULL;

    return claims ? mem_strdup(json_str_or_empty(claims, "sub")) : NULL;
}

static void add_book(struct host *h, struct host_exchange *x, const struct http_request *req)
{
    AUTO(err) struct err e = {0};
    AUTO(str) char *user = caller(h, req);
    AUTO(json) json_t *book = req->body ? json_read(req->body, req->body_len, "body", NULL) : NULL;
    AUTO(json) json_t *books = NULL;

    if (!user) {
        refuse(h, x, 401, "who are you?");
        return;
    }
    if (!json_is_object(book)) {
        refuse(h, x, 400, "no book");
        return;
    }
    books = load(h, &e);
    if (!books) {
        refuse(h, x, 500, e.msg);
        return;
    }
    if (json_find(books, "title", json_str_or_empty(book, "title"))) {
        refuse(h, x, 409, "there is one already");
        return;
    }
    json_object_set_new(book, "by", json_string(user));
    json_array_append(books, book);
    if (save(h, books, &e) < 0) {
        if (e.code != ERR_CRASHED)
            refuse(h, x, 507, e.msg);
        return;
    }
    answer(h, x, 201, book);
}

static void list_books(struct host *h, struct host_exchange *x)
{
    AUTO(err) struct err e = {0};
    AUTO(json) json_t *books = load(h, &e);

    if (books)
        answer(h, x, 200, books);
    else
        refuse(h, x, 500, e.msg);
}

static void tell_slowly(struct host *h, struct host_exchange *x)
{
    struct http_reply head = {.code = 200};

    if (host_reply_begin(h, x, &head, NULL) < 0)
        return;
    for (int i = 0; i < 3; i++) {
        char line[] = {(char)('a' + i), '\n'};

        if (host_sleep(h, NS_PER_S) != HOST_OK || host_reply_more(h, x, line, 2, NULL) < 0)
            return;
    }
}

static void serve(void *cookie, struct host *h, struct host_exchange *x,
                  const struct http_request *req)
{
    size_t path = strcspn(req->target, "?");

    (void)cookie;
    if (strncmp(req->target, "/v1/books", path) == 0 && strcmp(req->method, "POST") == 0)
        add_book(h, x, req);
    else if (strncmp(req->target, "/v1/books", path) == 0)
        list_books(h, x);
    else if (strcmp(req->target, "/v1/watch") == 0)
        tell_slowly(h, x);
    else if (strcmp(req->target, "/v1/slow") == 0 && host_sleep(h, 120 * NS_PER_S) == HOST_OK)
        refuse(h, x, 200, "at last");
    else if (strcmp(req->target, "/v1/echo") == 0) {
        AUTO(json)
        json_t *body = http_request_header(req, "x-word")
                           ? json_string(http_request_header(req, "x-word"))
                           : json_null();

        answer(h, x, 200, body);
    } else if (strcmp(req->target, "/v1/none") != 0)
        refuse(h, x, 404, req->target);
}

static int run_shelf(struct host *h, const json_t *config, struct err *reterr)
{
    (void)config;
    if (host_make_dir(h, "/var/lib/shelf", reterr) < 0 ||
        host_service_open(h, "fulfillment-service", serve, NULL, reterr) < 0)
        return -1;
    while (host_sleep(h, 3600 * NS_PER_S) == HOST_OK)
        ;
    return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
}

static const struct component shelf = {
    .name = "shelf", .kind = COMPONENT_CONTROLLER, .user = "shelf", .run = run_shelf};

/* ---- the clerk ---- */

static int bring(struct host *h, unsigned n, struct err *reterr)
{
    AUTO(json) json_t *claims = json_pack("{s:s}", "sub", "clerk");
    AUTO(str) char *token = bearer_sign(BEARER_DEFAULT_KEY, claims);
    AUTO(str) char *value = mem_printf("Bearer %s", token);
    AUTO(str) char *body = mem_printf("{\"title\":\"clerk-%u\"}", n);
    const struct http_field fields[] = {{"authorization", value}};
    const struct http_request req = {.method = "POST",
                                     .target = "/v1/books?from=clerk",
                                     .headers = fields,
                                     .header_count = 1,
                                     .body = body,
                                     .body_len = strlen(body)};
    AUTO(http_reply) struct http_reply reply = {0};
    struct err e = {0};

    if (host_service_call(h, "fulfillment-service", &req, &reply, &e) < 0) {
        host_log(h, LOG_WARNING, "%s", e.msg);
        if (e.code == ERR_CRASHED)
            return err_move(reterr, &e);
        err_clear(&e);
    }
    return 0;
}

static int listen_to(struct host *h, struct err *reterr)
{
    const struct http_request req = {.method = "GET", .target = "/v1/watch"};
    AUTO(http_reply) struct http_reply wrong = {0};
    struct host_stream *s = host_service_stream(h, "fulfillment-service", &req, &wrong, reterr);
    enum host_wait got = HOST_OK;
    const char *text = NULL;
    size_t len = 0;

    if (!s)
        return wrong.code ? err_set(reterr, ERR_IO, NO_POS, "answered %d", wrong.code) : -1;
    while ((got = host_stream_next(h, s, HOST_FOREVER, &text, &len)) == HOST_OK && text)
        host_log(h, LOG_INFO, "heard %.*s", (int)len - 1, text);
    host_stream_close(h, s);
    if (got == HOST_OK)
        host_log(h, LOG_INFO, "the end");
    return 0;
}

static const char *const clerk_settings[] = {"listens", NULL};

static int run_clerk(struct host *h, const json_t *config, struct err *reterr)
{
    AUTO(err) struct err e = {0};

    if (json_bool(config, "listens", false) && listen_to(h, &e) < 0)
        host_log(h, LOG_WARNING, "%s", e.msg);
    for (unsigned n = 0; host_sleep(h, 10 * NS_PER_S) == HOST_OK; n++)
        if (bring(h, n, reterr) < 0)
            return -1;
    return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
}

static const struct component clerk = {.name = "clerk",
                                       .kind = COMPONENT_CONTROLLER,
                                       .user = "clerk",
                                       .settings = clerk_settings,
                                       .run = run_clerk};

/* ---- the table ---- */

static const struct component *const all[] = {&shelf, &clerk, NULL};

const struct component *const *component_all(void)
{
    return all;
}

const struct component *component_find(const char *name)
{
    for (size_t i = 0; all[i]; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

const char *component_nearest(const char *name)
{
    static const char *const names[] = {"shelf", "clerk"};

    return err_nearest(name, names, ARRAY_LEN(names));
}
