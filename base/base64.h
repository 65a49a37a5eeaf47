/* Base64 (RFC 4648) as Kubernetes has it: with '+', '/' and padding for bytes in objects, and with
 * '-', '_' and none for tokens. */
#ifndef VMCONFORM_BASE_BASE64_H
#define VMCONFORM_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

void base64_add(struct strbuf *out, const void *bytes, size_t len);
/* Appends the bytes of a text as Go reads it, which skips line breaks; -1, with the place that Go
 * would name in *ret_bad. */
int base64_read(struct strbuf *out, const char *text, size_t len, size_t *ret_bad);

void base64url_add(struct strbuf *out, const void *bytes, size_t len);
/* Appends the bytes. false when the text is not the one way to write them: foreign characters,
 * padding, a length that cannot be, bits left over. */
bool base64url_read(struct strbuf *out, const char *text, size_t len);

#endif
