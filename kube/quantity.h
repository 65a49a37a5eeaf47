/* resource.Quantity: exact decimal numbers with SI or binary suffixes ("10Gi", "1500m", "1e3"). */
#ifndef VMCONFORM_KUBE_QUANTITY_H
#define VMCONFORM_KUBE_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum quantity_format { QUANTITY_DECIMAL_SI, QUANTITY_BINARY_SI, QUANTITY_DECIMAL_EXPONENT };

/* value = nanos / 1e9; values beyond int64 are capped at the largest, as Kubernetes caps them. */
struct quantity {
    __int128 nanos;
    enum quantity_format format;
};

bool quantity_parse(const char *text, struct quantity *ret);
/* Whole value rounded up, as Quantity.Value() gives it. */
int64_t quantity_value(const struct quantity *q);
int quantity_compare(const struct quantity *a, const struct quantity *b);
/* The canonical text ("1Gi", not "1024Mi"). out needs 64 bytes. */
#define QUANTITY_TEXT 64
void quantity_format(const struct quantity *q, char out[QUANTITY_TEXT]);
/* Shorthand: bytes from text, -1 when it does not parse or is negative. */
int64_t quantity_bytes(const char *text);
/* Canonical binary text of a byte count ("16750372454", "12Gi"). */
void quantity_from_bytes(int64_t bytes, char out[QUANTITY_TEXT]);

#endif
