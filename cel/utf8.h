/* UTF-8 as CEL needs it: strings are sequences of code points. Text that is not valid never causes
 * a read beyond its end: every byte that is no continuation byte starts a character. */
#ifndef VMCONFORM_CEL_UTF8_H
#define VMCONFORM_CEL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Offset of the first byte that is not valid UTF-8, or len. */
size_t utf8_valid_prefix(const char *s, size_t len);
size_t utf8_count(const char *s, size_t len);
/* Bytes of the character at s (1 for a stray byte); len > 0. */
size_t utf8_step(const char *s, size_t len);
/* Byte offset of the character number `index`, or len when there are fewer. */
size_t utf8_offset(const char *s, size_t len, size_t index);
/* The character at s and its bytes; U+FFFD and 1 when invalid; len > 0. */
uint32_t utf8_decode(const char *s, size_t len, size_t *ret_bytes);
/* Unicode's White_Space. */
bool utf8_is_space(uint32_t code);

#endif
