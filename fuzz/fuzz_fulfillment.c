/* Any bytes as a request to the fulfillment service: the first line is "METHOD TARGET", header
 * lines follow up to an empty one, the rest is the body. "user: NAME" becomes a token: "admin" is
 * an administrator, others have the tenant of their name. "$ci" and "$snap" stand for an instance
 * and a snapshot of tenant t1. The service lives through many inputs, so that one may meet what
 * another made. Every request is answered, in JSON, and no tenant reads what another wrote. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/fulfillment-service/auth.h"
#include "components/fulfillment-service/service.h"
#include "components/token.h"
#include "fuzz/next_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEY "key"
#define SECRET "secret-of-t2"
#define HEADERS_MAX 16
#define INPUTS_PER_SERVICE 500 /* then a new one: what inputs made must not grow for ever */

/* ---- a host without tasks, files and time ---- */

struct host_exchange {
    struct http_reply reply;
    struct strbuf streamed;
};
struct host_event {
    bool signalled;
};
static bool crashed;

static int64_t fuzz_now(struct host *h)
{
    (void)h;
    return INT64_C(1767225600) * 1000000000;
}

static void fuzz_prng(struct host *h, const char *label, struct prng *ret)
{
    (void)h;
    prng_init(ret, 1, label);
}

static struct host_event *fuzz_event_create(struct host *h, const char *name)
{
    (void)h, (void)name;
    return mem_zalloc(sizeof(struct host_event));
}

static void fuzz_event_destroy(struct host *h, struct host_event *e)
{
    (void)h;
    free(e);
}

static void fuzz_event_signal(struct host *h, struct host_event *e)
{
    (void)h;
    e->signalled = true;
}

/* Nobody else runs: a wait that nothing ends is the end. */
static enum host_wait fuzz_event_wait(struct host *h, struct host_event *e, int64_t until_ns)
{
    (void)h, (void)until_ns;
    crashed = !e->signalled;
    e->signalled = false;
    return crashed ? HOST_CRASHED : HOST_OK;
}

/* A caller listens for as long as there is something to say. */
static enum host_wait fuzz_reply_wait(struct host *h, struct host_exchange *x, struct host_event *e,
                                      int64_t until_ns, bool *ret_gone)
{
    (void)x;
    *ret_gone = false;
    return fuzz_event_wait(h, e, until_ns);
}

static bool fuzz_crashed(struct host *h)
{
    (void)h;
    return crashed;
}

static int fuzz_reply(struct host *h, struct host_exchange *x, const struct http_reply *r,
                      struct err *reterr)
{
    (void)h, (void)reterr;
    assert(x->reply.code == 0 && r->code >= 200 && r->code < 600);
    x->reply.code = r->code;
    if (r->body)
        http_reply_body(&x->reply, r->body, r->body_len);
    return 0;
}

static int fuzz_reply_more(struct host *h, struct host_exchange *x, const void *data, size_t len,
                           struct err *reterr)
{
    (void)h, (void)reterr;
    strbuf_add(&x->streamed, data, len);
    return 0;
}

static void fuzz_log(struct host *h, enum host_log_level level, const char *message)
{
    (void)h, (void)level, (void)message;
}

static const struct host_ops ops = {
    .name = "fuzz",
    .now = fuzz_now,
    .prng = fuzz_prng,
    .event_create = fuzz_event_create,
    .event_destroy = fuzz_event_destroy,
    .event_signal = fuzz_event_signal,
    .event_wait = fuzz_event_wait,
    .crashed = fuzz_crashed,
    .reply = fuzz_reply,
    .reply_begin = fuzz_reply,
    .reply_more = fuzz_reply_more,
    .reply_wait = fuzz_reply_wait,
    .log = fuzz_log,
};
static struct host host = {&ops};

/* ---- asking ---- */

static struct service *service;
static char *instance, *snapshot;

/* "Bearer ..."; new. */
static char *token_of(const char *user)
{
    AUTO(json)
    json_t *claims =
        strcmp(user, "admin") == 0
            ? json_pack("{s:s, s:[s]}", "sub", user, "groups", "admins")
            : json_pack("{s:s%, s:[s%]}", "sub", user, strlen(user), "tenants", user, strlen(user));
    if (!claims)
        return mem_strdup("Bearer of no UTF-8");
    AUTO(str) char *token = bearer_sign(KEY, claims);
    return mem_printf("Bearer %s", token);
}

static void serve(const char *method, const char *target, const struct http_field *headers,
                  size_t count, const char *body, size_t len, struct host_exchange *x)
{
    const struct http_request req = {method, target, headers, count, body, len};
    crashed = false;
    gateway_serve(service, &host, x, &req);
    crashed = false;
}

static void exchange_finish(struct host_exchange *x)
{
    http_reply_finish(&x->reply);
    strbuf_finish(&x->streamed);
}

/* The id of what was made; new. */
static char *make(const char *user, const char *method, const char *target, const char *body)
{
    AUTO(str) char *token = token_of(user);
    const struct http_field header = {"authorization", token};
    struct host_exchange x = {0};
    serve(method, target, &header, 1, body, strlen(body), &x);
    assert(x.reply.code == 200);
    AUTO(json) json_t *made = json_read(x.reply.body, x.reply.body_len, "answer", NULL);
    exchange_finish(&x);
    return mem_strdup(json_str_or_empty(made, "id"));
}

static char *make_instance(const char *user, const char *name)
{
    AUTO(str)
    char *body =
        mem_printf("{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"template\":\"%s\"}}", name, name);
    char *id = make(user, "POST", "/api/fulfillment/v1/compute_instances", body);
    AUTO(str) char *target = mem_printf("/api/private/v1/compute_instances/%s", id);
    free(make("admin", "PATCH", target,
              "{\"status\":{\"conditions\":[{\"type\":5,\"status\":1}]}}"));
    return id;
}

static char *make_snapshot(const char *user, const char *of, const char *text)
{
    AUTO(str)
    char *body =
        mem_printf("{\"spec\":{\"compute_instance\":\"%s\",\"description\":\"%s\"}}", of, text);
    return make(user, "POST", "/api/fulfillment/v1/compute_instance_snapshots", body);
}

static void end(void)
{
    if (service)
        service_unref(service);
    free(instance);
    free(snapshot);
    service = NULL;
    instance = snapshot = NULL;
}

static void begin(void)
{
    static bool registered;
    if (!registered)
        atexit(end);
    registered = true;
    end();
    struct store *store = store_sqlite_open(&host, NULL, NULL);
    assert(store);
    service = service_create(&host, store, VERSION_NEWEST, KEY);
    instance = make_instance("t1", "one");
    snapshot = make_snapshot("t1", instance, "one");
    AUTO(str) char *theirs = make_instance("t2", SECRET);
    free(make_snapshot("t2", theirs, SECRET));
}

/* ---- an input ---- */

struct input {
    char *method, *target, *user, *token; /* user points into the text; token is owned */
    struct http_field headers[HEADERS_MAX];
    size_t count;
    const char *body;
    size_t body_len;
};

/* The text with what "$ci" and "$snap" stand for; new. */
static char *fill(const uint8_t *data, size_t size, size_t *ret_len)
{
    struct strbuf out = {0};
    for (size_t i = 0; i < size;) {
        if (size - i >= 3 && memcmp(data + i, "$ci", 3) == 0) {
            strbuf_addstr(&out, instance);
            i += 3;
        } else if (size - i >= 5 && memcmp(data + i, "$snap", 5) == 0) {
            strbuf_addstr(&out, snapshot);
            i += 5;
        } else {
            strbuf_addch(&out, (char)data[i++]);
        }
    }
    *ret_len = out.len;
    return strbuf_take(&out);
}

static bool read_input(struct input *in, char *text, size_t len)
{
    char *start = text;
    in->method = next_line(&text);
    in->target = in->method ? strchr(in->method, ' ') : NULL;
    if (!in->target)
        return false;
    *in->target++ = '\0';
    for (char *line; (line = next_line(&text)) && *line;) {
        char *colon = strchr(line, ':');
        if (!colon || in->count == HEADERS_MAX)
            continue;
        *colon++ = '\0';
        colon += *colon == ' ';
        if (strcmp(line, "user") == 0 && !in->token) {
            in->user = colon;
            in->token = token_of(colon);
            in->headers[in->count++] = (struct http_field){"authorization", in->token};
        } else {
            in->headers[in->count++] = (struct http_field){line, colon};
        }
    }
    in->body_len = len - (size_t)(text - start);
    in->body = text;
    return true;
}

static void check_error(const json_t *body)
{
    assert(json_is_integer(json_object_get(body, "code")));
    assert(json_is_string(json_object_get(body, "message")));
    assert(json_is_array(json_object_get(body, "details")));
}

/* Whose they are, and those who see all: a token may name anybody here. */
static bool may_read_secrets(const struct input *in)
{
    static const char *const users[] = {"t2", "admin", ACCOUNT_ADMIN, ACCOUNT_CONTROLLER};
    for (size_t i = 0; i < ARRAY_LEN(users) && in->user; i++)
        if (strcmp(in->user, users[i]) == 0)
            return true;
    return false;
}

static void check(const struct input *in, const struct host_exchange *x, bool has_secret)
{
    assert(x->reply.code != 0);
    if (x->reply.body) {
        AUTO(json) json_t *body = json_read(x->reply.body, x->reply.body_len, "answer", NULL);
        assert(json_is_object(body));
        if (x->reply.code != 200)
            check_error(body);
        assert(has_secret || may_read_secrets(in) || !strstr(x->reply.body, SECRET));
    }
    assert(has_secret || may_read_secrets(in) || !strstr(strbuf_str(&x->streamed), SECRET));
}

/* Whether it may bring the secret with it, in letters or in escapes of JSON: then whoever reads it
 * later has it from there. */
static bool may_tell(const char *text, size_t len)
{
    return memmem(text, len, SECRET, strlen(SECRET)) || memmem(text, len, "\\u", 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned inputs;
    static bool has_secret; /* an input since the service began */
    json_init();
    if (inputs++ % INPUTS_PER_SERVICE == 0) {
        begin();
        has_secret = false;
    }
    size_t len;
    AUTO(str) char *text = fill(data, size, &len);
    has_secret = has_secret || may_tell(text, len);
    struct input in = {0};
    if (read_input(&in, text, len)) {
        struct host_exchange x = {0};
        /* A body of just its size: a read beyond its end must not find the text's NUL. */
        AUTO(mem) void *body = mem_dup(in.body, in.body_len);
        serve(in.method, in.target, in.headers, in.count, body, in.body_len, &x);
        check(&in, &x, has_secret);
        exchange_finish(&x);
    }
    free(in.token);
    return 0;
}
