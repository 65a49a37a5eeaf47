/* Kubernetes' protobuf: the envelope "k8s\0" + runtime.Unknown, and messages of the types table.
 *
 * Bytes are hostile: memory is bounded by a constant times the length, depth by JSON_DEPTH_MAX; no
 * varint, length or tag can make it read outside. Sources: kube-apiserver.md 1.5, the public .proto
 * files, protobuf's wire format. */
#ifndef VMCONFORM_KUBE_TYPES_PROTOBUF_H
#define VMCONFORM_KUBE_TYPES_PROTOBUF_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "kube/types/types.h"

/* True when the bytes begin as the envelope does. */
bool protobuf_is_envelope(const void *data, size_t len);
/* The object as JSON would give it: apiVersion and kind from the envelope, zero values left out as
 * Go's omitempty does. ERR_SYNTAX: no envelope or broken wire data; ERR_NOT_FOUND: a kind that the
 * table lacks; ERR_UNSUPPORTED: an encoded body; ERR_LIMIT. NULL on error. A body that the envelope
 * calls application/json is read as JSON. Of a message that stands twice the last one counts. */
json_t *protobuf_decode(const void *data, size_t len, struct err *reterr);
/* A bare message of a known type. */
json_t *protobuf_decode_message(const struct kube_type *t, const void *data, size_t len,
                                struct err *reterr);
/* The reverse: appends the envelope with the object's message. ERR_NOT_FOUND when the table lacks
 * its apiVersion and kind, ERR_INVALID: a value is not of its field's type, ERR_LIMIT: nested
 * deeper than JSON_DEPTH_MAX; all leave `out` as it was. Fields that the type does not know are
 * left out. */
int protobuf_encode(struct strbuf *out, const json_t *object, struct err *reterr);
/* A bare message of a known type. */
int protobuf_encode_message(struct strbuf *out, const struct kube_type *t, const json_t *object,
                            struct err *reterr);

#endif
