#include "net/s3/checksum.h"

#include <nettle/base64.h>
#include <nettle/md5.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/mem.h"

#define CRC32C_POLYNOMIAL 0x82f63b78u /* Castagnoli, reflected */

static const struct {
    const char *name, *header;
} algorithms[] = {[S3_CRC32] = {"CRC32", "x-amz-checksum-crc32"},
                  [S3_CRC32C] = {"CRC32C", "x-amz-checksum-crc32c"},
                  [S3_SHA1] = {"SHA1", "x-amz-checksum-sha1"},
                  [S3_SHA256] = {"SHA256", "x-amz-checksum-sha256"}};

bool s3_algorithm_of(const char *name, enum s3_algorithm *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        if (strcmp(algorithms[i].name, name) != 0)
            continue;
        *ret = (enum s3_algorithm)i;
        return true;
    }
    return false;
}

const char *s3_algorithm_name(enum s3_algorithm a)
{
    return algorithms[a].name;
}

const char *s3_algorithm_header(enum s3_algorithm a)
{
    return algorithms[a].header;
}

char *s3_base64(const void *data, size_t len)
{
    char *out = mem_zalloc(BASE64_ENCODE_RAW_LENGTH(len) + 1);

    base64_encode_raw(out, len, data);
    return out;
}

/* zlib has no CRC-32C. */
static uint32_t crc32c(const unsigned char *data, size_t len)
{
    uint32_t table[256], crc = ~0u;

    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? CRC32C_POLYNOMIAL : 0);
    }
    for (size_t i = 0; i < len; i++)
        crc = crc >> 8 ^ table[(crc ^ data[i]) & 0xff];
    return ~crc;
}

static char *crc_text(uint32_t crc)
{
    const unsigned char bytes[] = {(unsigned char)(crc >> 24), (unsigned char)(crc >> 16),
                                   (unsigned char)(crc >> 8), (unsigned char)crc};

    return s3_base64(bytes, sizeof bytes);
}

static char *sha1_text(const void *data, size_t len)
{
    struct sha1_ctx ctx;
    uint8_t digest[SHA1_DIGEST_SIZE];

    sha1_init(&ctx);
    sha1_update(&ctx, len, data);
    sha1_digest(&ctx, sizeof digest, digest);
    return s3_base64(digest, sizeof digest);
}

static char *sha256_text(const void *data, size_t len)
{
    struct sha256_ctx ctx;
    uint8_t digest[SHA256_DIGEST_SIZE];

    sha256_init(&ctx);
    sha256_update(&ctx, len, data);
    sha256_digest(&ctx, sizeof digest, digest);
    return s3_base64(digest, sizeof digest);
}

char *s3_checksum(enum s3_algorithm a, const void *data, size_t len)
{
    switch (a) {
    case S3_CRC32:
        return crc_text((uint32_t)crc32_z(0, data, len));
    case S3_CRC32C:
        return crc_text(crc32c(data, len));
    case S3_SHA1:
        return sha1_text(data, len);
    case S3_SHA256:
        return sha256_text(data, len);
    }
    return NULL;
}

static void md5(const void *data, size_t len, uint8_t ret[MD5_DIGEST_SIZE])
{
    struct md5_ctx ctx;

    md5_init(&ctx);
    md5_update(&ctx, len, data);
    md5_digest(&ctx, MD5_DIGEST_SIZE, ret);
}

char *s3_md5_base64(const void *data, size_t len)
{
    uint8_t digest[MD5_DIGEST_SIZE];

    md5(data, len, digest);
    return s3_base64(digest, sizeof digest);
}

char *s3_md5_hex(const void *data, size_t len)
{
    uint8_t digest[MD5_DIGEST_SIZE];
    char *out = mem_zalloc(2 * MD5_DIGEST_SIZE + 1);

    md5(data, len, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    return out;
}
