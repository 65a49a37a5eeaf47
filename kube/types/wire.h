/* Protobuf's wire format, and the texts that JSON has for values with marshalling of their own. */
#ifndef VMCONFORM_KUBE_TYPES_WIRE_H
#define VMCONFORM_KUBE_TYPES_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

enum wire_kind { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* Bytes not yet read. Readers return NULL, or what is wrong in Go's words; at most to `end`. */
struct wire {
    const uint8_t *at, *end;
};

const char *wire_varint(struct wire *w, uint64_t *ret);
/* A field's number and kind; groups are refused. */
const char *wire_tag(struct wire *w, uint32_t *ret_number, enum wire_kind *ret_kind);
/* A length and as many bytes. */
const char *wire_bytes(struct wire *w, struct wire *ret);
const char *wire_fixed64(struct wire *w, uint64_t *ret);
/* What follows the tag of a field that nobody knows. */
const char *wire_skip(struct wire *w, enum wire_kind kind);

void wire_put_varint(struct strbuf *out, uint64_t value);
void wire_put_tag(struct strbuf *out, uint32_t number, enum wire_kind kind);
void wire_put_bytes(struct strbuf *out, uint32_t number, const void *data, size_t len);
/* A nested message of unknown length: begin, write it, end. */
size_t wire_begin(struct strbuf *out, uint32_t number);
void wire_end(struct strbuf *out, size_t begun);

/* ---- texts ---- */

/* metav1.Time's zero, the first second of year 1. */
#define WIRE_TIME_ZERO INT64_C(-62135596800)
#define WIRE_TIME_MAX INT64_C(253402300799)

/* Copies text with U+FFFD in place of each byte that is not UTF-8, as Go's JSON does. */
void wire_repair_utf8(struct strbuf *out, const uint8_t *data, size_t len);

#endif
