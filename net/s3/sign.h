/* AWS Signature Version 4 for S3: one header that proves who asks, for what, and with which body
 * (AWS General Reference, "Signature Version 4"; the payload's digest is always signed). */
#ifndef VMCONFORM_NET_S3_SIGN_H
#define VMCONFORM_NET_S3_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All borrowed; token NULL: none. */
struct s3_keys {
    const char *access, *secret, *token;
};

struct s3_pair {
    const char *name, *value;
};

/* What is signed. Headers in any order, names in lower case; every one of them is signed. Query
 * pairs are raw, and sorted and escaped here. */
struct s3_signed {
    const char *method, *host; /* host as in the Host header */
    const char *path;          /* escaped: "/bucket/key" */
    const struct s3_pair *query, *headers;
    size_t query_count, header_count;
    const char *payload_sha256; /* hex */
    const char *region;
    int64_t time_s; /* since 1970 */
};

#define S3_DATE_TEXT 17 /* "20130524T000000Z" */
void s3_date(int64_t time_s, char ret[S3_DATE_TEXT]);

/* The value of the Authorization header. `host`, `x-amz-date` and `x-amz-content-sha256` (and, with
 * a token, `x-amz-security-token`) are signed beside the headers given, and sent by the caller.
 * New.
 */
char *s3_authorization(const struct s3_signed *what, const struct s3_keys *keys);

/* Escapes everything but letters, digits, '-', '.', '_', '~', and '/' when `slashes` stay. New. */
char *s3_escape(const char *text, bool slashes);
/* "a=b&c=d", sorted and escaped. New. */
char *s3_query(const struct s3_pair *pairs, size_t count);

#endif
