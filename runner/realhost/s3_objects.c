/* Reading, small writes, removal and lists in S3. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/s3/xml.h"
#include "runner/realhost/s3_store.h"

#define KEYS_MAX 1000000u

static const struct s3_place *place_of(struct host *h)
{
    return realhost_of(h)->config.s3;
}

/* ---- reading ---- */

int s3_head(struct host *h, const char *bucket, const char *key, uint64_t *ret_size,
            char **ret_etag, struct err *reterr)
{
    struct s3_call c = {.method = "HEAD", .bucket = bucket, .key = key, .keyed = true};
    AUTO(http_reply) struct http_reply r = {0};

    if (s3_exchange(h, &c, &r, reterr) < 0)
        return -1;
    if (r.code == 404)
        return s3_absent(&c, reterr);
    if (r.code != 200 || c.length < 0)
        return err_set(reterr, ERR_IO, NO_POS, "object store tells no size of '%s'", key);
    *ret_size = (uint64_t)c.length;
    if (ret_etag)
        *ret_etag = s3_etag(&r);
    return 0;
}

static int object_size(struct host *h, const char *bucket, const char *key, uint64_t *ret,
                       struct err *reterr)
{
    return s3_head(h, bucket, key, ret, NULL, reterr);
}

/* At most HTTP_BODY_MAX bytes of an object from `offset` on. Past its end: none. etag "": of any
 * state; it is set to that of the answer. */
static int get_range(struct host *h, const char *bucket, const char *key, uint64_t offset,
                     size_t len, char **etag, struct http_reply *ret, struct err *reterr)
{
    struct s3_call c = {.method = "GET", .bucket = bucket, .key = key, .keyed = true};
    AUTO(str) char *range = mem_printf("bytes=%" PRIu64 "-%" PRIu64, offset, offset + len - 1);
    AUTO(str) char *match = **etag ? mem_printf("\"%s\"", *etag) : NULL;

    s3_call_header(&c, "range", range);
    if (match)
        s3_call_header(&c, "if-match", match);
    if (s3_exchange(h, &c, ret, reterr) < 0)
        return -1;
    if (ret->code == 404)
        return s3_absent(&c, reterr);
    if (ret->code == 412)
        return err_set(reterr, ERR_CONFLICT, NO_POS, "object '%s' was changed while it was read",
                       key);
    free(*etag);
    *etag = s3_etag(ret);
    return 0;
}

/* A store answers 416 when nothing lies there: an exchange tells of that as of a refusal. */
static bool past_the_end(const struct err *e)
{
    return e->msg && strstr(e->msg, "answered 416") != NULL;
}

static int object_read(struct host *h, const char *bucket, const char *key, uint64_t offset,
                       void *buf, size_t len, size_t *ret_len, struct err *reterr)
{
    AUTO(str) char *etag = mem_strdup("");
    size_t done = 0;

    while (done < len) {
        AUTO(http_reply) struct http_reply r = {0};
        AUTO(err) struct err e = {0};
        size_t want = len - done < HTTP_BODY_MAX ? len - done : HTTP_BODY_MAX;

        if (get_range(h, bucket, key, offset + done, want, &etag, &r, &e) < 0) {
            if (past_the_end(&e))
                break;
            return err_move(reterr, &e);
        }
        /* A store that knows no ranges would send the object's beginning. */
        if (r.code != 206 && (offset + done > 0 || r.body_len > want))
            return err_set(reterr, ERR_IO, NO_POS, "object store sends no part of '%s'", key);
        size_t got = r.body_len < want ? r.body_len : want;
        memcpy((char *)buf + done, r.body, got);
        done += got;
        if (got < want)
            break;
    }
    *ret_len = done;
    return 0;
}

static int object_get(struct host *h, const char *bucket, const char *key, size_t max_bytes,
                      char **ret_data, size_t *ret_len, struct host_version *ret_version,
                      struct err *reterr)
{
    uint64_t size = 0;
    AUTO(str) char *etag = NULL;
    AUTO(str) char *data = NULL;

    if (s3_head(h, bucket, key, &size, &etag, reterr) < 0)
        return -1;
    if (size > max_bytes)
        return err_set(reterr, ERR_LIMIT, NO_POS, "%s has %" PRIu64 " bytes, more than %zu", key,
                       size, max_bytes);
    data = mem_zalloc((size_t)size + 1);
    for (size_t done = 0; done < size;) {
        AUTO(http_reply) struct http_reply r = {0};
        size_t want = (size_t)size - done < HTTP_BODY_MAX ? (size_t)size - done : HTTP_BODY_MAX;

        if (get_range(h, bucket, key, done, want, &etag, &r, reterr) < 0)
            return -1;
        if (r.body_len != want)
            return err_set(reterr, ERR_IO, NO_POS, "object store sent %zu bytes of '%s', not %zu",
                           r.body_len, key, want);
        memcpy(data + done, r.body, want);
        done += want;
    }
    if (ret_version && strlen(etag) >= sizeof ret_version->text)
        return err_set(reterr, ERR_UNSUPPORTED, NO_POS, "the ETag of '%s' is too long", key);
    if (ret_version)
        memcpy(ret_version->text, etag, strlen(etag) + 1);
    *ret_len = (size_t)size;
    *ret_data = TAKE(data);
    return 0;
}

/* ---- writing ---- */

static int changed(const char *key, struct err *reterr)
{
    return err_set(reterr, ERR_CONFLICT, NO_POS, "object '%s' has been changed by somebody else",
                   key);
}

/* Whether our own first try, whose answer was lost, has made the object what it is. */
static bool is_ours(struct host *h, const char *bucket, const char *key, const void *data,
                    size_t len)
{
    AUTO(str) char *now = NULL;
    AUTO(err) struct err e = {0};
    size_t now_len = 0;

    return object_get(h, bucket, key, len, &now, &now_len, NULL, &e) == 0 && now_len == len &&
           memcmp(now, data, len) == 0;
}

int s3_put(struct host *h, const char *bucket, const char *key, const void *data, size_t len,
           const struct host_version *only_if, struct err *reterr)
{
    const struct s3_place *p = place_of(h);
    struct s3_call c = {.method = "PUT",
                        .bucket = bucket,
                        .key = key,
                        .keyed = true,
                        .body = len ? data : "",
                        .body_len = len};
    AUTO(str) char *match = only_if && *only_if->text ? mem_printf("\"%s\"", only_if->text) : NULL;
    AUTO(str) char *sum = p->checks ? s3_checksum(p->algorithm, data, len) : NULL;
    AUTO(http_reply) struct http_reply r = {0};

    if (sum)
        s3_call_header(&c, s3_algorithm_header(p->algorithm), sum);
    if (only_if)
        s3_call_header(&c, match ? "if-match" : "if-none-match", match ? match : "*");
    if (s3_exchange(h, &c, &r, reterr) < 0)
        return -1;
    if (r.code >= 200 && r.code < 300)
        return 0;
    if (!only_if)
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "there is no bucket '%s'", bucket);
    if (c.tries > 1 && is_ours(h, bucket, key, data, len))
        return 0;
    return changed(key, reterr);
}

/* Not every store compares before it removes, so we look first; what comes in between is lost. */
static int check_version(struct host *h, const char *bucket, const char *key,
                         const struct host_version *only_if, struct err *reterr)
{
    uint64_t size;
    AUTO(str) char *etag = NULL;
    AUTO(err) struct err e = {0};

    if (s3_head(h, bucket, key, &size, &etag, &e) < 0)
        return e.code == ERR_NOT_FOUND && *only_if->text ? changed(key, reterr)
                                                         : err_move(reterr, &e);
    return strcmp(etag, only_if->text) == 0 ? 0 : changed(key, reterr);
}

static int object_delete(struct host *h, const char *bucket, const char *key,
                         const struct host_version *only_if, struct err *reterr)
{
    struct s3_call c = {.method = "DELETE", .bucket = bucket, .key = key};
    AUTO(http_reply) struct http_reply r = {0};
    uint64_t size;

    /* S3 says 204 of what was never there. */
    if (only_if ? check_version(h, bucket, key, only_if, reterr) < 0
                : s3_head(h, bucket, key, &size, NULL, reterr) < 0)
        return -1;
    if (s3_exchange(h, &c, &r, reterr) < 0)
        return -1;
    if (r.code == 412)
        return changed(key, reterr);
    return r.code == 404 && c.tries == 1 ? s3_absent(&c, reterr) : 0;
}

static int object_put(struct host *h, const char *bucket, const char *key, const void *data,
                      size_t len, const struct host_version *only_if, struct err *reterr)
{
    return s3_put(h, bucket, key, data, len, only_if, reterr);
}

/* ---- lists ---- */

struct page {
    json_t *keys;
    char *next;
    bool truncated, full;
};

static int take_element(void *cookie, const char *path, const char *text)
{
    struct page *page = cookie;

    if (strcmp(path, "ListBucketResult/Contents/Key") == 0) {
        json_t *name = json_string(text);

        page->full = json_array_size(page->keys) >= KEYS_MAX;
        if (page->full)
            json_decref(name);
        else
            json_array_append_new(page->keys, name);
    } else if (strcmp(path, "ListBucketResult/IsTruncated") == 0) {
        page->truncated = strcmp(text, "true") == 0;
    } else if (strcmp(path, "ListBucketResult/NextContinuationToken") == 0) {
        free(page->next);
        page->next = mem_strdup(text);
    }
    return page->full;
}

static int list_page(struct host *h, const char *bucket, const char *prefix, struct page *page,
                     struct err *reterr)
{
    struct s3_call c = {.method = "GET", .bucket = bucket};
    AUTO(http_reply) struct http_reply r = {0};
    AUTO(str) char *from = page->next;

    page->next = NULL;
    page->truncated = false;
    s3_call_query(&c, "list-type", "2");
    s3_call_query(&c, "prefix", prefix);
    if (from)
        s3_call_query(&c, "continuation-token", from);
    if (s3_exchange(h, &c, &r, reterr) < 0)
        return -1;
    if (r.code != 200)
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "there is no bucket '%s'", bucket);
    if (s3_xml_each(r.body, r.body_len, take_element, page, reterr) < 0)
        return -1;
    if (page->full)
        return err_set(reterr, ERR_LIMIT, NO_POS, "more than %u objects below '%s'", KEYS_MAX,
                       prefix);
    if (page->truncated && !page->next)
        return err_set(reterr, ERR_CORRUPT, NO_POS, "a list of '%s' does not say how it goes on",
                       prefix);
    return 0;
}

static json_t *object_list(struct host *h, const char *bucket, const char *prefix,
                           struct err *reterr)
{
    struct page page = {.keys = json_array(), .truncated = true};

    while (page.truncated)
        if (list_page(h, bucket, prefix, &page, reterr) < 0) {
            json_decref(page.keys);
            page.keys = NULL;
            break;
        }
    free(page.next);
    return page.keys;
}

const struct object_ops s3_object_ops = {.get = object_get,
                                         .size = object_size,
                                         .read = object_read,
                                         .put = object_put,
                                         .put_file = s3_put_file,
                                         .del = object_delete,
                                         .list = object_list};
