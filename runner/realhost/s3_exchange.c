/* One request of S3 and its answer, however often it has to be sent. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/wall.h"
#include "kube/time.h"
#include "net/s3/xml.h"
#include "runner/realhost/s3_store.h"

#define TRIES_MAX 12u
#define PAUSE_FIRST_NS (100 * NS_PER_MS)
#define PAUSE_MAX_NS (10 * NS_PER_S)
#define NS_PER_MS INT64_C(1000000)
#define FIELDS_MAX (S3_HEADERS_MAX + 8)

void s3_call_query(struct s3_call *c, const char *name, const char *value)
{
    assert(c->query_count < S3_QUERY_MAX);
    c->query[c->query_count++] = (struct s3_pair){name, value};
}

void s3_call_header(struct s3_call *c, const char *name, const char *value)
{
    assert(c->header_count < S3_HEADERS_MAX);
    c->headers[c->header_count++] = (struct s3_pair){name, value};
}

static void add_customer_key(struct s3_call *c, const struct s3_place *p)
{
    if (!c->keyed || !p->customer_key || c->tries)
        return;
    s3_call_header(c, "x-amz-server-side-encryption-customer-algorithm", "AES256");
    s3_call_header(c, "x-amz-server-side-encryption-customer-key", p->customer_key);
    s3_call_header(c, "x-amz-server-side-encryption-customer-key-md5", p->customer_key_md5);
}

/* ---- addresses ---- */

/* "host[:port]" of the url, with the bucket in front where buckets are hosts. New. */
static char *host_of(const struct s3_place *p, const char *bucket)
{
    const char *host = strstr(p->url, "://") + 3;

    return p->virtual_hosts ? mem_printf("%s.%s", bucket, host) : mem_strdup(host);
}

static char *url_of(const struct s3_place *p, const char *host)
{
    return mem_printf("%.*s%s", (int)(strstr(p->url, "://") + 3 - p->url), p->url, host);
}

static char *path_of(const struct s3_place *p, const struct s3_call *c)
{
    AUTO(str) char *bucket = s3_escape(c->bucket, false);
    AUTO(str) char *key = s3_escape(c->key ? c->key : "", true);

    if (p->virtual_hosts)
        return mem_printf("/%s", key);
    return c->key ? mem_printf("/%s/%s", bucket, key) : mem_printf("/%s", bucket);
}

/* ---- one try ---- */

struct outgoing {
    char *host, *url, *path, *target, *authorization;
    char digest[DIGEST_HEX], date[S3_DATE_TEXT];
    struct http_field fields[FIELDS_MAX];
    size_t field_count;
};

static void outgoing_finish(struct outgoing *o)
{
    free(o->host);
    free(o->url);
    free(o->path);
    free(o->target);
    free(o->authorization);
}

static void add_field(struct outgoing *o, const char *name, const char *value)
{
    assert(o->field_count < FIELDS_MAX);
    o->fields[o->field_count++] = (struct http_field){name, value};
}

static void prepare(const struct s3_place *p, const struct s3_call *c, struct outgoing *o)
{
    const struct s3_keys keys = {p->access, p->secret, p->token};
    int64_t now_s = wall_date_ns() / NS_PER_S;

    o->host = host_of(p, c->bucket);
    o->url = url_of(p, o->host);
    o->path = path_of(p, c);
    AUTO(str) char *query = s3_query(c->query, c->query_count);
    o->target = mem_printf("%s%s%s", o->path, *query ? "?" : "", query);
    digest_of(c->body ? c->body : "", c->body_len, o->digest);
    s3_date(now_s, o->date);
    const struct s3_signed what = {.method = c->method,
                                   .host = o->host,
                                   .path = o->path,
                                   .query = c->query,
                                   .query_count = c->query_count,
                                   .headers = c->headers,
                                   .header_count = c->header_count,
                                   .payload_sha256 = o->digest,
                                   .region = p->region,
                                   .time_s = now_s};
    o->authorization = s3_authorization(&what, &keys);
    for (size_t i = 0; i < c->header_count; i++)
        add_field(o, c->headers[i].name, c->headers[i].value);
    add_field(o, "x-amz-content-sha256", o->digest);
    add_field(o, "x-amz-date", o->date);
    if (p->token)
        add_field(o, "x-amz-security-token", p->token);
    add_field(o, "authorization", o->authorization);
}

static int send_once(struct realhost *r, struct s3_call *c, struct http_reply *ret,
                     struct err *reterr)
{
    const struct s3_place *p = r->config.s3;
    struct outgoing o = {0};
    int result = -1;

    prepare(p, c, &o);
    const struct transfer_server server = {
        .url = o.url, .ca_file = p->ca_file, .insecure = p->insecure};
    const struct http_request req = {c->method,     o.target, o.fields,
                                     o.field_count, c->body,  c->body_len};
    AUTO(transfer) struct transfer *x = transfer_start_http(r->transfers, &server, &req, reterr);
    if (x) {
        enum host_wait got = real_wait(r, x, transfer_done, sched_now(r->sched) + REAL_PATIENCE_NS);
        c->length = transfer_length(x);
        result = got == HOST_OK ? transfer_http_reply(x, ret, reterr) : real_no_answer(got, reterr);
    }
    outgoing_finish(&o);
    return result;
}

/* ---- answers ---- */

static bool passes(int code)
{
    return code == 408 || code == 429 || code == 500 || code == 502 || code == 503 || code == 504;
}

static bool contradicts(const char *code)
{
    static const char *const codes[] = {"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch",
                                        "XAmzContentChecksumMismatch", "ChecksumMismatch"};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (strcmp(code, codes[i]) == 0)
            return true;
    return false;
}

/* -1, with what the store says. */
static int refused(const struct s3_call *c, const struct http_reply *r, struct err *reterr)
{
    AUTO(str) char *code = r->body ? s3_xml_text(r->body, r->body_len, "Error/Code") : NULL;
    AUTO(str) char *text = r->body ? s3_xml_text(r->body, r->body_len, "Error/Message") : NULL;

    return err_set(reterr, code && contradicts(code) ? ERR_CORRUPT : ERR_IO, NO_POS,
                   "object store answered %d%s%s to %s of '%s'%s%.200s", r->code, code ? " " : "",
                   code ? code : "", c->method, c->key ? c->key : c->bucket,
                   text && *text ? ": " : "", text ? text : "");
}

int s3_absent(const struct s3_call *c, struct err *reterr)
{
    return err_set(reterr, ERR_NOT_FOUND, NO_POS, "bucket '%s' has no object '%s'", c->bucket,
                   c->key);
}

/* A pause that grows, and that many clients do not make at the same time. */
static int pause_before(struct host *h, unsigned tries, struct err *reterr)
{
    int64_t most = PAUSE_FIRST_NS << (tries < 8 ? tries : 8);
    struct prng p;

    most = most < PAUSE_MAX_NS ? most : PAUSE_MAX_NS;
    host_prng(h, "s3", &p);
    for (unsigned i = 0; i < tries; i++)
        prng_next(&p);
    int64_t ns = most / 2 + (int64_t)prng_below(&p, (uint64_t)most / 2 + 1);
    return host_sleep(h, ns) == HOST_CRASHED
               ? err_set(reterr, ERR_CRASHED, NO_POS, "the component was stopped")
               : 0;
}

int s3_exchange(struct host *h, struct s3_call *c, struct http_reply *ret, struct err *reterr)
{
    struct realhost *r = realhost_of(h);
    AUTO(err) struct err last = {0};

    add_customer_key(c, r->config.s3);
    for (c->tries = 0; c->tries < TRIES_MAX;) {
        AUTO(http_reply) struct http_reply reply = {0};

        if (c->tries && pause_before(h, c->tries, reterr) < 0)
            return -1;
        if (host_crashed(h))
            return err_set(reterr, ERR_CRASHED, NO_POS, "the component was stopped");
        err_clear(&last);
        c->tries++;
        if (send_once(r, c, &reply, &last) < 0) {
            if (last.code != ERR_IO)
                break;
            continue;
        }
        if ((reply.code >= 200 && reply.code < 300) || reply.code == 404 || reply.code == 412) {
            *ret = reply;
            reply = (struct http_reply){0};
            return 0;
        }
        refused(c, &reply, &last);
        if (!passes(reply.code))
            break;
    }
    return err_move(reterr, &last);
}

char *s3_etag(const struct http_reply *r)
{
    const char *tag = http_reply_header(r, "etag");

    if (!tag)
        return mem_strdup("");
    size_t len = strlen(tag);
    return len >= 2 && tag[0] == '"' && tag[len - 1] == '"' ? mem_strndup(tag + 1, len - 2)
                                                            : mem_strdup(tag);
}
