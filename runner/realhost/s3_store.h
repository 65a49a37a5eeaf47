/* The object store of the real host when it is S3: ranged reads, uploads in parts, checksums,
 * conditional writes, keys of the caller's own (SSE-C), and patience with a server that is away.
 *
 * Every request is signed anew for each try. What failed before it reached the store, or with an
 * answer that passes (429, 500, 502, 503, 504), is tried again with growing pauses, for about a
 * minute in all; what a lost answer has left behind is looked at before anything is said of it. */
#ifndef VMCONFORM_RUNNER_REALHOST_S3_STORE_H
#define VMCONFORM_RUNNER_REALHOST_S3_STORE_H

#include "net/s3/checksum.h"
#include "net/s3/sign.h"
#include "runner/realhost/realhost_priv.h"

/* Where it is and who asks. All owned. */
struct s3_place {
    char *url; /* "https://host[:port]", without a slash at the end */
    char *region;
    char *access, *secret, *token; /* token NULL: none */
    char *ca_file;                 /* NULL: the system's */
    bool virtual_hosts;            /* BUCKET.host in place of host/BUCKET */
    bool insecure;
    char *customer_key, *customer_key_md5; /* base64; NULL: none */
    bool checks;                           /* a checksum with each body */
    enum s3_algorithm algorithm;
};
void s3_place_finish(struct s3_place *p);
static inline void cleanup_s3_place(struct s3_place *p)
{
    s3_place_finish(p);
}

/* What the command line and the environment say. All borrowed; NULL: not given. */
struct s3_options {
    const char *url, *region, *credentials, *ca_file, *customer_key_file, *checksum;
    bool virtual_hosts, insecure;
};
/* Credentials come from the file (as the AWS clients have it, profile "default"), else from
 * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. */
int s3_place_read(const struct s3_options *o, struct s3_place *ret, struct err *reterr);

/* ---- s3_exchange.c ---- */

#define S3_QUERY_MAX 8
#define S3_HEADERS_MAX 16
struct s3_call {
    const char *method, *bucket, *key; /* key NULL: the bucket itself */
    struct s3_pair query[S3_QUERY_MAX], headers[S3_HEADERS_MAX];
    size_t query_count, header_count;
    const void *body;
    size_t body_len;
    bool keyed;     /* carries the customer's key */
    unsigned tries; /* set by the exchange: how often it was sent, */
    int64_t length; /* and the length that the answer announces; -1: none */
};
/* Borrowed until the exchange is over. */
void s3_call_query(struct s3_call *c, const char *name, const char *value);
void s3_call_header(struct s3_call *c, const char *name, const char *value);
/* 0: an answer of 2xx, 404 or 412. Anything else is an error: ERR_IO, or ERR_CORRUPT when the store
 * says that the bytes are not those that were sent. */
int s3_exchange(struct host *h, struct s3_call *c, struct http_reply *ret, struct err *reterr);
int s3_absent(const struct s3_call *c, struct err *reterr); /* ERR_NOT_FOUND */
/* The ETag without its quotes, or "". New. */
char *s3_etag(const struct http_reply *r);
/* Size and ETag (new, may be NULL) of an object; ERR_NOT_FOUND. */
int s3_head(struct host *h, const char *bucket, const char *key, uint64_t *ret_size,
            char **ret_etag, struct err *reterr);

/* ---- s3_objects.c, s3_upload.c ---- */

extern const struct object_ops s3_object_ops;
int s3_put_file(struct host *h, const char *bucket, const char *key, struct host_file *f,
                struct err *reterr);
/* One PUT of at most S3_PART bytes. */
#define S3_PART ((size_t)8 << 20)
int s3_put(struct host *h, const char *bucket, const char *key, const void *data, size_t len,
           const struct host_version *only_if, struct err *reterr);

#endif
