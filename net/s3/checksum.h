/* The checksums that S3 compares with what came: x-amz-checksum-ALGORITHM, in base64. */
#ifndef VMCONFORM_NET_S3_CHECKSUM_H
#define VMCONFORM_NET_S3_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum s3_algorithm { S3_CRC32, S3_CRC32C, S3_SHA1, S3_SHA256 };

/* "CRC32", "CRC32C", "SHA1", "SHA256". */
bool s3_algorithm_of(const char *name, enum s3_algorithm *ret);
const char *s3_algorithm_name(enum s3_algorithm a);
/* "x-amz-checksum-crc32" */
const char *s3_algorithm_header(enum s3_algorithm a);
/* In base64. New. */
char *s3_checksum(enum s3_algorithm a, const void *data, size_t len);
/* MD5 in base64 (of an SSE-C key), and in hex (an ETag). New. */
char *s3_md5_base64(const void *data, size_t len);
char *s3_md5_hex(const void *data, size_t len);
char *s3_base64(const void *data, size_t len);

#endif
