/* A whole file into S3: in one piece, or in parts that become an object at the end. Memory holds
 * one part. What is given up is aborted, so that nothing half-written is kept, or seen. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "net/s3/xml.h"
#include "runner/realhost/s3_store.h"

#define PARTS_MAX 10000u
#define MIB ((uint64_t)1 << 20)

struct upload {
    struct host *host;
    const char *bucket, *key;
    int fd;
    uint64_t size, part;
    char *id;
    struct strbuf done; /* the parts, as the last request names them */
};

/* As small as the number of parts allows. */
static uint64_t part_size(uint64_t size)
{
    uint64_t least = (size + PARTS_MAX - 1) / PARTS_MAX;

    return least <= S3_PART ? S3_PART : (least + MIB - 1) / MIB * MIB;
}

static int read_part(const struct upload *u, uint64_t offset, char *buf, size_t len,
                     struct err *reterr)
{
    ssize_t n = fdio_read_at(u->fd, buf, len, offset);

    if (n < 0)
        return err_set_errno(reterr, errno, NO_POS, "%s", u->key);
    if ((size_t)n != len)
        return err_set(reterr, ERR_IO, NO_POS, "%s became shorter while it was stored", u->key);
    return 0;
}

static int begin(struct upload *u, struct err *reterr)
{
    const struct s3_place *p = realhost_of(u->host)->config.s3;
    struct s3_call c = {.method = "POST", .bucket = u->bucket, .key = u->key, .keyed = true};
    AUTO(http_reply) struct http_reply r = {0};

    s3_call_query(&c, "uploads", "");
    if (p->checks)
        s3_call_header(&c, "x-amz-checksum-algorithm", s3_algorithm_name(p->algorithm));
    if (s3_exchange(u->host, &c, &r, reterr) < 0)
        return -1;
    u->id = r.code == 200
                ? s3_xml_text(r.body, r.body_len, "InitiateMultipartUploadResult/UploadId")
                : NULL;
    if (u->id && *u->id)
        return 0;
    return err_set(reterr, r.code == 404 ? ERR_NOT_FOUND : ERR_IO, NO_POS,
                   "object store begins no upload of '%s' (%d)", u->key, r.code);
}

/* The name of the checksum in the list of parts: "ChecksumCRC32C". */
static void note_part(struct upload *u, unsigned number, const char *etag, const char *sum)
{
    const struct s3_place *p = realhost_of(u->host)->config.s3;

    strbuf_addf(&u->done, "<Part><PartNumber>%u</PartNumber><ETag>\"%s\"</ETag>", number, etag);
    if (sum)
        strbuf_addf(&u->done, "<Checksum%s>%s</Checksum%s>", s3_algorithm_name(p->algorithm), sum,
                    s3_algorithm_name(p->algorithm));
    strbuf_addstr(&u->done, "</Part>");
}

static int put_part(struct upload *u, unsigned number, const char *data, size_t len,
                    struct err *reterr)
{
    const struct s3_place *p = realhost_of(u->host)->config.s3;
    struct s3_call c = {.method = "PUT",
                        .bucket = u->bucket,
                        .key = u->key,
                        .keyed = true,
                        .body = data,
                        .body_len = len};
    AUTO(http_reply) struct http_reply r = {0};
    AUTO(str) char *text = mem_printf("%u", number);
    AUTO(str) char *sum = p->checks ? s3_checksum(p->algorithm, data, len) : NULL;

    s3_call_query(&c, "partNumber", text);
    s3_call_query(&c, "uploadId", u->id);
    if (sum)
        s3_call_header(&c, s3_algorithm_header(p->algorithm), sum);
    if (s3_exchange(u->host, &c, &r, reterr) < 0)
        return -1;
    AUTO(str) char *etag = s3_etag(&r);
    if (r.code != 200 || !*etag)
        return err_set(reterr, ERR_IO, NO_POS, "object store took no part %u of '%s' (%d)", number,
                       u->key, r.code);
    note_part(u, number, etag, sum);
    return 0;
}

static int put_parts(struct upload *u, struct err *reterr)
{
    AUTO(str) char *piece = mem_alloc(u->part);
    unsigned number = 1;

    for (uint64_t offset = 0; offset < u->size; offset += u->part) {
        uint64_t left = u->size - offset;
        size_t len = (size_t)(left < u->part ? left : u->part);

        if (host_stopping(u->host))
            return err_set(reterr, ERR_IO, NO_POS, "asked to end before '%s' was stored", u->key);
        if (read_part(u, offset, piece, len, reterr) < 0 ||
            put_part(u, number++, piece, len, reterr) < 0)
            return -1;
    }
    return 0;
}

/* An upload that nobody knows any more was completed by a try whose answer was lost, or never. */
static int check_stored(struct upload *u, struct err *reterr)
{
    uint64_t size = 0;

    if (s3_head(u->host, u->bucket, u->key, &size, NULL, reterr) < 0)
        return -1;
    if (size == u->size)
        return 0;
    return err_set(reterr, ERR_CORRUPT, NO_POS,
                   "object store has %" PRIu64 " bytes of '%s', %" PRIu64 " were sent", size,
                   u->key, u->size);
}

/* The answer's code is 200 before it is known how it ends: its body counts. */
static int complete(struct upload *u, struct err *reterr)
{
    struct s3_call c = {.method = "POST", .bucket = u->bucket, .key = u->key, .keyed = true};
    AUTO(http_reply) struct http_reply r = {0};
    AUTO(str)
    char *body =
        mem_printf("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                   "%s</CompleteMultipartUpload>",
                   u->done.data);

    s3_call_query(&c, "uploadId", u->id);
    s3_call_header(&c, "content-type", "application/xml");
    c.body = body;
    c.body_len = strlen(body);
    if (s3_exchange(u->host, &c, &r, reterr) < 0)
        return -1;
    AUTO(str) char *code = r.body ? s3_xml_text(r.body, r.body_len, "Error/Code") : NULL;
    if (r.code == 404 && c.tries > 1)
        return check_stored(u, reterr);
    if (code || r.code != 200)
        return err_set(reterr, ERR_IO, NO_POS, "object store did not complete '%s': %d %s", u->key,
                       r.code, code ? code : "");
    return check_stored(u, reterr);
}

static void abort_upload(struct upload *u)
{
    struct s3_call c = {.method = "DELETE", .bucket = u->bucket, .key = u->key};
    AUTO(http_reply) struct http_reply r = {0};
    AUTO(err) struct err e = {0};

    s3_call_query(&c, "uploadId", u->id);
    if (s3_exchange(u->host, &c, &r, &e) < 0 && e.code != ERR_CRASHED)
        host_log(u->host, LOG_WARNING, "an unfinished upload of %s is left: %s", u->key, e.msg);
}

static int put_in_parts(struct upload *u, struct err *reterr)
{
    if (begin(u, reterr) < 0)
        return -1;
    if (put_parts(u, reterr) == 0 && complete(u, reterr) == 0)
        return 0;
    abort_upload(u);
    return -1;
}

static int put_whole(struct upload *u, struct err *reterr)
{
    AUTO(str) char *data = mem_alloc((size_t)u->size + 1);

    return read_part(u, 0, data, (size_t)u->size, reterr) < 0
               ? -1
               : s3_put(u->host, u->bucket, u->key, data, (size_t)u->size, NULL, reterr);
}

int s3_put_file(struct host *h, const char *bucket, const char *key, struct host_file *f,
                struct err *reterr)
{
    struct upload u = {.host = h, .bucket = bucket, .key = key, .fd = real_file_fd(f)};
    struct stat st;

    if (fstat(u.fd, &st) < 0)
        return err_set_errno(reterr, errno, NO_POS, "%s", key);
    u.size = (uint64_t)st.st_size;
    u.part = part_size(u.size);
    int r = u.size <= S3_PART ? put_whole(&u, reterr) : put_in_parts(&u, reterr);
    free(u.id);
    strbuf_finish(&u.done);
    return r;
}
