#include "base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

struct digest {
    gnutls_hash_hd_t hash;
};

/* A SHA-256 that cannot be computed is a broken machine, like one without memory. */
static void must(int rc)
{
    if (rc < 0) {
        fprintf(stderr, "vmconform: SHA-256: %s\n", gnutls_strerror(rc));
        abort();
    }
}

static void to_hex(const unsigned char *raw, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        out[2 * i] = digits[raw[i] >> 4];
        out[2 * i + 1] = digits[raw[i] & 15];
    }
    out[2 * DIGEST_BYTES] = '\0';
}

struct digest *digest_create(void)
{
    struct digest *d = mem_zalloc(sizeof *d);

    must(gnutls_hash_init(&d->hash, GNUTLS_DIG_SHA256));
    return d;
}

void digest_add(struct digest *d, const void *bytes, size_t len)
{
    if (len)
        must(gnutls_hash(d->hash, bytes, len));
}

void digest_hex(struct digest *d, char out[DIGEST_HEX])
{
    unsigned char raw[DIGEST_BYTES];

    gnutls_hash_output(d->hash, raw); /* resets the state, too */
    to_hex(raw, out);
}

void digest_destroy(struct digest *d)
{
    if (!d)
        return;
    gnutls_hash_deinit(d->hash, NULL);
    free(d);
}

void digest_of(const void *bytes, size_t len, char out[DIGEST_HEX])
{
    unsigned char raw[DIGEST_BYTES];

    must(gnutls_hash_fast(GNUTLS_DIG_SHA256, len ? bytes : "", len, raw));
    to_hex(raw, out);
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
