#include "net/s3/sign.h"

#include <nettle/hmac.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/strbuf.h"

#define SERVICE "s3"
#define ALGORITHM "AWS4-HMAC-SHA256"

void s3_date(int64_t time_s, char ret[S3_DATE_TEXT])
{
    time_t t = (time_t)time_s;
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(ret, S3_DATE_TEXT, "%Y%m%dT%H%M%SZ", &tm);
}

char *s3_escape(const char *text, bool slashes)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    struct strbuf out = {0};

    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (strchr(plain, *p) || (slashes && *p == '/'))
            strbuf_add(&out, p, 1);
        else
            strbuf_addf(&out, "%%%02X", *p);
    }
    return strbuf_take(&out);
}

static int pair_order(const void *a, const void *b)
{
    const struct s3_pair *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : strcmp(x->value, y->value);
}

char *s3_query(const struct s3_pair *pairs, size_t count)
{
    struct strbuf out = {0};
    struct s3_pair *sorted = mem_zalloc((count + 1) * sizeof *sorted);

    for (size_t i = 0; i < count; i++)
        sorted[i] =
            (struct s3_pair){s3_escape(pairs[i].name, false), s3_escape(pairs[i].value, false)};
    if (count)
        qsort(sorted, count, sizeof *sorted, pair_order);
    for (size_t i = 0; i < count; i++) {
        strbuf_addf(&out, "%s%s=%s", i ? "&" : "", sorted[i].name, sorted[i].value);
        free((char *)(uintptr_t)sorted[i].name);
        free((char *)(uintptr_t)sorted[i].value);
    }
    free(sorted);
    return strbuf_take(&out);
}

/* ---- the canonical request ---- */

/* Every signed header, sorted. New array of borrowed pairs. */
static struct s3_pair *signed_headers(const struct s3_signed *what, const struct s3_keys *keys,
                                      const char *date, size_t *ret_count)
{
    struct s3_pair *all = mem_zalloc((what->header_count + 4) * sizeof *all);
    size_t n = 0;

    for (size_t i = 0; i < what->header_count; i++)
        all[n++] = what->headers[i];
    all[n++] = (struct s3_pair){"host", what->host};
    all[n++] = (struct s3_pair){"x-amz-content-sha256", what->payload_sha256};
    all[n++] = (struct s3_pair){"x-amz-date", date};
    if (keys->token)
        all[n++] = (struct s3_pair){"x-amz-security-token", keys->token};
    qsort(all, n, sizeof *all, pair_order);
    *ret_count = n;
    return all;
}

/* Without spaces at the ends, and one for several inside. */
static void add_value(struct strbuf *out, const char *value)
{
    bool space = false, begun = false;

    for (const char *p = value; *p; p++) {
        if (*p == ' ') {
            space = true;
            continue;
        }
        if (space && begun)
            strbuf_addstr(out, " ");
        strbuf_add(out, p, 1);
        space = false;
        begun = true;
    }
}

static char *names_of(const struct s3_pair *headers, size_t count)
{
    struct strbuf out = {0};

    for (size_t i = 0; i < count; i++)
        strbuf_addf(&out, "%s%s", i ? ";" : "", headers[i].name);
    return strbuf_take(&out);
}

static void digest_of_request(const struct s3_signed *what, const struct s3_pair *headers,
                              size_t count, const char *names, char ret[DIGEST_HEX])
{
    AUTO(strbuf) struct strbuf text = {0};
    AUTO(str) char *query = s3_query(what->query, what->query_count);

    strbuf_addf(&text, "%s\n%s\n%s\n", what->method, what->path, query);
    for (size_t i = 0; i < count; i++) {
        strbuf_addf(&text, "%s:", headers[i].name);
        add_value(&text, headers[i].value);
        strbuf_addstr(&text, "\n");
    }
    strbuf_addf(&text, "\n%s\n%s", names, what->payload_sha256);
    digest_of(text.data, text.len, ret);
}

/* ---- the signature ---- */

static void hmac(const void *key, size_t key_len, const char *text, uint8_t ret[SHA256_DIGEST_SIZE])
{
    struct hmac_sha256_ctx ctx;

    hmac_sha256_set_key(&ctx, key_len, key);
    hmac_sha256_update(&ctx, strlen(text), (const uint8_t *)text);
    hmac_sha256_digest(&ctx, SHA256_DIGEST_SIZE, ret);
}

static void sign(const char *secret, const char *day, const char *region, const char *text,
                 char ret[DIGEST_HEX])
{
    AUTO(str) char *first = mem_printf("AWS4%s", secret);
    uint8_t key[SHA256_DIGEST_SIZE];

    hmac(first, strlen(first), day, key);
    hmac(key, sizeof key, region, key);
    hmac(key, sizeof key, SERVICE, key);
    hmac(key, sizeof key, "aws4_request", key);
    hmac(key, sizeof key, text, key);
    for (size_t i = 0; i < sizeof key; i++)
        snprintf(ret + 2 * i, 3, "%02x", key[i]);
    explicit_bzero(first, strlen(first));
}

char *s3_authorization(const struct s3_signed *what, const struct s3_keys *keys)
{
    char date[S3_DATE_TEXT], digest[DIGEST_HEX], signature[DIGEST_HEX];
    size_t count;

    s3_date(what->time_s, date);
    struct s3_pair *headers = signed_headers(what, keys, date, &count);
    AUTO(str) char *names = names_of(headers, count);
    AUTO(str) char *scope = mem_printf("%.8s/%s/" SERVICE "/aws4_request", date, what->region);
    AUTO(str) char *day = mem_strndup(date, 8);

    digest_of_request(what, headers, count, names, digest);
    free(headers);
    AUTO(str) char *text = mem_printf(ALGORITHM "\n%s\n%s\n%s", date, scope, digest);
    sign(keys->secret, day, what->region, text, signature);
    return mem_printf(ALGORITHM " Credential=%s/%s,SignedHeaders=%s,Signature=%s", keys->access,
                      scope, names, signature);
}
