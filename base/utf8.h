/* UTF-8, one character at a time. */
#ifndef VMCONFORM_BASE_UTF8_H
#define VMCONFORM_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

/* Bytes of a character, at most. */
#define UTF8_MAX 4

/* Length of the character at s; 0 when there is none (overlong, surrogate, cut off, beyond
 * U+10FFFF). len > 0. */
size_t utf8_length(const char *s, size_t len);
/* Length of the character at s and what it is; 1 and U+FFFD when there is none. len > 0. */
size_t utf8_read(const char *s, size_t len, uint32_t *ret);
/* Whether each byte is a character of its own. */
bool utf8_is_ascii(const char *s, size_t len);
/* Writes the bytes of a character, which must be one; how many. */
size_t utf8_encode(uint32_t code, char out[UTF8_MAX]);
void utf8_add(struct strbuf *b, uint32_t code);
/* Cuts a text of more than max bytes at the last whole character within them, and adds "...". */
void utf8_shorten(struct strbuf *b, size_t max);

#endif
