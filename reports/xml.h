/* Any bytes as legal XML 1.0 text. */
#ifndef VMCONFORM_REPORTS_XML_H
#define VMCONFORM_REPORTS_XML_H

#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

/* Length of the UTF-8 sequence at p and its character; 0 when it is broken, overlong or beyond
 * Unicode. */
size_t utf8_char(const unsigned char *p, uint32_t *ret);

/* Appends text: markup escaped, control bytes and broken UTF-8 shown as \xNN, characters that
 * XML 1.0 forbids as \u{...}. In attributes also line ends and tabs become references, or a parser
 * would fold them. */
void xml_text(struct strbuf *out, const char *text);
void xml_attribute(struct strbuf *out, const char *name, const char *value);

#endif
