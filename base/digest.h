/* SHA-256 through nettle: the code beneath GnuTLS, without the eight libraries that it brings. */
#ifndef VMCONFORM_BASE_DIGEST_H
#define VMCONFORM_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

#define DIGEST_BYTES 32
#define DIGEST_HEX 65 /* with the NUL */

struct digest;
struct digest *digest_create(void);
void digest_add(struct digest *d, const void *bytes, size_t len);
/* Writes 64 lower-case hex digits and a NUL, and starts over. */
void digest_hex(struct digest *d, char out[DIGEST_HEX]);
void digest_destroy(struct digest *d);
DEFINE_CLEANUP(struct digest, digest, digest_destroy);

void digest_of(const void *bytes, size_t len, char out[DIGEST_HEX]);
/* Digest and size of a file. ret_size may be NULL. */
int digest_of_file(const char *path, char out[DIGEST_HEX], uint64_t *ret_size, struct err *reterr);

#endif
