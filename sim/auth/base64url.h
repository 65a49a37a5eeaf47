/* Base64 with '-' and '_' and without padding (RFC 4648, section 5), as JSON Web Tokens have it. */
#ifndef VMCONFORM_SIM_AUTH_BASE64URL_H
#define VMCONFORM_SIM_AUTH_BASE64URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

void base64url_add(struct strbuf *out, const void *bytes, size_t len);
/* Appends the bytes. false when the text is not the one way to write them: foreign characters,
 * padding, a length that cannot be, bits left over. */
bool base64url_decode(struct strbuf *out, const char *text, size_t len);

#endif
