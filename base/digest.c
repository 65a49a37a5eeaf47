#include "base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

struct digest {
    struct sha256_ctx hash;
};

static void to_hex(struct sha256_ctx *hash, char *out)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char raw[DIGEST_BYTES];

    sha256_digest(hash, sizeof raw, raw); /* resets the state, too */
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        out[2 * i] = digits[raw[i] >> 4];
        out[2 * i + 1] = digits[raw[i] & 15];
    }
    out[2 * DIGEST_BYTES] = '\0';
}

struct digest *digest_create(void)
{
    struct digest *d = mem_alloc(sizeof *d);

    sha256_init(&d->hash);
    return d;
}

void digest_add(struct digest *d, const void *bytes, size_t len)
{
    if (len)
        sha256_update(&d->hash, len, bytes);
}

void digest_hex(struct digest *d, char out[DIGEST_HEX])
{
    to_hex(&d->hash, out);
}

void digest_destroy(struct digest *d)
{
    free(d);
}

void digest_of(const void *bytes, size_t len, char out[DIGEST_HEX])
{
    struct digest d;

    sha256_init(&d.hash);
    digest_add(&d, bytes, len);
    to_hex(&d.hash, out);
}

#define FILE_CHUNK (256u << 10)

int digest_of_file(const char *path, char out[DIGEST_HEX], uint64_t *ret_size, struct err *reterr)
{
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    AUTO(digest) struct digest *d = NULL;
    AUTO(str) char *chunk = NULL;
    uint64_t size = 0;

    if (fd < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot open '%s'", path);
    d = digest_create();
    chunk = mem_alloc(FILE_CHUNK);
    for (;;) {
        ssize_t n = read(fd, chunk, FILE_CHUNK);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set_errno(reterr, errno, NO_POS, "cannot read '%s'", path);
        if (n == 0)
            break;
        digest_add(d, chunk, (size_t)n);
        size += (uint64_t)n;
    }
    digest_hex(d, out);
    if (ret_size)
        *ret_size = size;
    return 0;
}
