/* Any bytes as legal XML 1.0 text. Visible inside reports/ only. */
#ifndef VMCONFORM_REPORTS_XML_H
#define VMCONFORM_REPORTS_XML_H

#include "base/strbuf.h"

/* Appends text: markup escaped, control bytes and broken UTF-8 shown as \xNN, characters that
 * XML 1.0 forbids as \u{...}. In attributes also line ends and tabs become references, or a parser
 * would fold them. */
void xml_text(struct strbuf *out, const char *text);
void xml_attribute(struct strbuf *out, const char *name, const char *value);

#endif
